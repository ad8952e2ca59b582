"""Clone many repositories: which one, when and where; order, limits, executors and results.

How a repository is cloned belongs in `git`; what a crawl has listed belongs in `crawl`.
"""
