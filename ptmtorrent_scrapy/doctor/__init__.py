"""Check a machine: programs, file systems and network, for `scrapy doctor`.

Each module yields results; what is printed belongs in `commands/doctor.py`. Imports no Scrapy.
"""
