"""Lowerings: products."""
