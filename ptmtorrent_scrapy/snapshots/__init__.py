"""What a tree was earlier: the lines of its crawls, the snapshots of its files, and what changed between them."""
