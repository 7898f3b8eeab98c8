"""From a rewritten graph to a Program: fusion, views and the memory plan. Start with `lower.py`."""
