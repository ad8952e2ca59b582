"""Cloning of many repositories: order, limits, executors and results.

How a repository is cloned belongs in `git`.
"""
