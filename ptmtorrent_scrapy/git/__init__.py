"""Repositories of models: cloned, kept up to date and read, without trusting them. Knows no Scrapy."""

import os

# Whether git is there is told by whoever wants to clone, not by an import.
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
