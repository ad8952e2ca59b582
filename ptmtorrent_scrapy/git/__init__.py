"""Repositories of models: cloned, kept up to date and read, without trusting them. Knows no Scrapy."""
