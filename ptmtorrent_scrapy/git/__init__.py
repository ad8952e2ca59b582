"""Repositories of models: cloned, kept up to date and read, without trusting them. Knows no Scrapy."""

import os

# A missing git is reported by the first clone, not by an import.
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
