"""Parsers of public formats: JSON, YAML, Markdown, DOIs, repository URLs, HTTP headers.

They do not depend on a hub. A hub's own use of a format belongs in `parsers`.
"""
