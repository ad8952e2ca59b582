"""Files of the data tree: paths, safe names, locks, atomic and durable writes.

Everything that touches the disk of the tree for Scrapy and for the other libraries belongs here.
It knows no hub, no git and no Scrapy.
"""
