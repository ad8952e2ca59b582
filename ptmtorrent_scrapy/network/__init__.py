"""How servers are reached: which addresses are allowed, the user's proxies, and the local proxy that git goes through.

A library that knows neither git nor Scrapy. What is said over a connection belongs elsewhere.
"""
