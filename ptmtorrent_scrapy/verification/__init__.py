"""Reads a data tree again: what is wrong with it, and what a new download can mend. Knows no Scrapy."""
