"""Scrapy download handlers: HTTP and files with limits, allowed addresses, and a browser.

Every page reaches its spider through them. The meaning of answers belongs in `crawl/pages.py` and in the spiders.
"""
