"""One spider per hub."""
