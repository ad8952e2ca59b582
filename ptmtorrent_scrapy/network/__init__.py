"""Connections to servers: allowed addresses, the user's proxies, and the local proxy for git.

A library without git and Scrapy. Except for plain HTTP, the content of requests and answers does not belong here.
"""
