"""One spider per hub: URLs and callbacks, in the order in which a crawl uses them.

What becomes of the objects and pages belongs in `parsers`; no spider touches a file or runs git.
"""
