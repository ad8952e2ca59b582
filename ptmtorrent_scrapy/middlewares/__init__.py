"""Scrapy middlewares: claiming the tree, rate limits and the cache of pages."""
