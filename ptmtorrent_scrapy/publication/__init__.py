"""Publish a data tree as a BagIt bag, and turn such a bag into a data tree again.

`packaging` writes the bag, `importing` reads it; `checking`, `completing` and `extraction` work on an existing bag.
Options of the command and what is printed belong in `commands`. Imports no Scrapy.
"""
