"""Files of the data tree: paths, safe names, locks, atomic and durable writes.

All access to the disk of the tree, for Scrapy and for the other libraries, belongs here.
It depends on no hub, git or Scrapy.
"""
