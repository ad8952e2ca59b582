"""One spider a hub."""
