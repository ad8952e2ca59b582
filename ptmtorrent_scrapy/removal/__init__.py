"""Remove clones, hubs and unused files from a data tree.

Each function first lists what would be removed and how many bytes that frees; nothing is removed before `Removal.run`
or `remove_clones` is called. What is printed belongs in `commands`. Imports no Scrapy.
"""
