"""Sparse matrices. Nothing yet."""
