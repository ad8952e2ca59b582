"""Scrapy download handlers: bounded HTTP and files, allowed addresses, and a browser.

No page reaches a spider in another way. What an answer means belongs in `crawl/pages.py` and in the spiders.
"""
