"""Check a tree and repair it, for `scrapy verify`.

Each kind of file has a module that yields findings; output belongs in `commands/verify.py`. Imports no Scrapy.
"""
