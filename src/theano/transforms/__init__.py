"""Derivatives: graphs from graphs. Start with `reverse.py`."""
