"""theano.gof.toolbox: old import path of FunctionGraph's features."""

from __future__ import annotations

from theano.graph.fgraph import AlreadyThere as AlreadyThere
from theano.graph.fgraph import Feature as Feature
