"""Scrapy download handlers: bounded HTTP and files, and a browser."""
