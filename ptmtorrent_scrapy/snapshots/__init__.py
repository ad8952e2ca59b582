"""The history of a tree: one line per crawl, earlier records and metadata, and what changed between two crawls."""
