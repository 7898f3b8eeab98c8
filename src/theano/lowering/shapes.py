"""Lowerings: shapes."""
