"""One spider per hub: URLs and callbacks, in the order in which a crawl uses them.

The meaning of objects and pages belongs in `parsers`; no spider touches a file or runs git.
"""
