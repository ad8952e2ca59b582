"""Parsers of public formats: JSON, YAML, Markdown, DOIs, repository URLs, HTTP headers.

They know nothing of a hub. What a hub makes of a format belongs in `parsers`.
"""
