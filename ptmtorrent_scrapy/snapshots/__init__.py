"""The history of a tree: one line per crawl, earlier records and metadata, and what changed between two crawls.

The library of `scrapy diff` and of the crawl log. Imports no Scrapy.
"""
