"""How servers are reached: which addresses are allowed, the user's proxies, and the local proxy that git goes through.

A library without git and Scrapy. The content of requests and answers does not belong here, but for plain HTTP.
"""
