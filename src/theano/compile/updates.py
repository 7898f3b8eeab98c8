"""theano.compile.updates: old import path of OrderedUpdates, which is in `graph/updates.py`."""

from __future__ import annotations

from theano.graph.updates import OrderedUpdates as OrderedUpdates
