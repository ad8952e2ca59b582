"""State of one running crawl: the session, its database, its checkpoint, what is selected.

What users type is parsed and checked in `options`.
"""
