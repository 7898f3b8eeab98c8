"""theano.gof.fg: old import path of FunctionGraph."""

from __future__ import annotations

from theano.errors import CachedConstantError as CachedConstantError
from theano.errors import InconsistencyError as InconsistencyError
from theano.errors import MissingInputError as MissingInputError
from theano.graph.fgraph import FunctionGraph as FunctionGraph
