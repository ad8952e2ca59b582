"""Check a machine: programs, file systems and network, for `scrapy doctor`.

Each module yields results; output belongs in `commands/doctor.py`. This package imports no Scrapy.
"""
