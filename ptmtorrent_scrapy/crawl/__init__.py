"""State of one running crawl: the session, its database, its checkpoint, its selection.

User input is parsed and checked in `options`. Work on a complete listing belongs in `cloning` and the extensions, and
files of the tree belong in `storage`.
"""
