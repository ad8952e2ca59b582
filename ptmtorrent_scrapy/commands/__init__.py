"""Commands of `scrapy` in this project: arguments and output.

A command's module has its name; modules that begin with `_` are shared. The work itself belongs in a library.
"""
