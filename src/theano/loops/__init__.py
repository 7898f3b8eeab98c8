"""Loops: ops with an inner graph that is applied many times. Start with `scan.py`."""
