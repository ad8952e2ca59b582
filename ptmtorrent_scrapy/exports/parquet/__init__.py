"""The Parquet export: records, listings as in hub-stats, repositories, files, base models.

`dataset` writes the files; columns and their types are in `columns` and `hub_stats`.
"""
