"""Large files of git-lfs: pointers, the objects that clones share, and the working tree."""
