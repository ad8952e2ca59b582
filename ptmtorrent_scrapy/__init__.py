"""Collect pre-trained models from model hubs into the data tree of PTMTorrent."""

__version__ = "0.2.0"

CONTACT_URL = "https://ptmtorrent-scrapy.readthedocs.io/"
"""The project's own documentation: it says how to report a bug, and to hubs who sends the requests."""

PLEASE_REPORT = f"please report this bug, see {CONTACT_URL}"

ENVIRONMENT_PREFIX = "PTMTORRENT_"
"""The beginning of the names of environment variables that give settings."""
