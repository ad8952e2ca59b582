"""Scrapy middlewares: the claim on the data tree, rate limits, retries and the cache of pages.

One per module. The `meta` keys of requests for them are in `crawl/request_meta.py`.
"""
