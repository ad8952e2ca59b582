"""Large files of git-lfs: pointers, the objects that clones share, and the working tree.

git-lfs itself only downloads; this package decides where objects are stored and linked. Which large files a clone gets
belongs in `git/lfs_files.py`.
"""
