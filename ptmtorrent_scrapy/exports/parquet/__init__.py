"""The Parquet export: records, listings as in hub-stats, repositories, files, base models."""
