"""Looks at a machine before a crawl does: programs, file system, network. Knows no Scrapy but its settings."""
