"""The history of a tree: one line per crawl, earlier records and metadata, and what changed between two crawls.

The library of `scrapy diff` and of the crawl log. How changes are shown belongs in `commands` and `report`. Imports no
Scrapy.
"""
