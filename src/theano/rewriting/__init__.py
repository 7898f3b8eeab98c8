"""Rewriting of graphs: the engine and its rules. What is done, and in which order, is in `compile/pipeline.py`."""
