"""Scrapy middlewares: the claim on the data tree, rate limits, retries and the cache of pages.

One per module. What a request carries for them is named in `crawl/request_meta.py`.
"""
