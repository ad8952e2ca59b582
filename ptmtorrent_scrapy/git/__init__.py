"""Clone, update and read repositories of models, without trusting them.

`clone` is the entry: it takes a `CloneRequest` and returns a `CloneResult`. Which repository is cloned, and when,
belongs in `cloning`. Imports no Scrapy.
"""

import os

# A missing git is reported by the first clone, not by an import.
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
