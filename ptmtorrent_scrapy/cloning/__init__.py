"""Which repository is cloned, when and where: order, limits, executors and results.

How a repository is cloned belongs in `git`.
"""
