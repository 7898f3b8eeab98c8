"""Ops with an inner graph that is applied many times."""
