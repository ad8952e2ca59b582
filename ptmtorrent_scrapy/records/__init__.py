"""Build PTMTorrent records from models, and validate them.

The published schema, the project's stricter one and the schemas of the hubs' objects are in `schemas/`. How a hub's
object becomes a model belongs in `parsers`. Imports no Scrapy.
"""
