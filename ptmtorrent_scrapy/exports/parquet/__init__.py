"""The Parquet export: records, listings as in hub-stats, repositories, files, base models.

`dataset` writes the files; columns and their types are in `columns` and `hub_stats`. How values of hubs are cleaned for
all formats belongs in `exports/values.py`.
"""
