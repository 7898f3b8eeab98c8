"""Lowerings: joining."""
