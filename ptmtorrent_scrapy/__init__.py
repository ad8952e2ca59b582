"""Collects pre-trained models from model hubs into the data tree of PTMTorrent."""

__version__ = "0.1.0"
