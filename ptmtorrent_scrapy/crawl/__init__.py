"""State of one running crawl: the session, its database, its checkpoint, what is selected.

What users type is parsed and checked in `options`. What is done with a listing belongs in `cloning` and in the
extensions; files of the tree belong in `storage`.
"""
