"""theano.gof.null_type: old import path of the type of undefined gradients."""

from __future__ import annotations

from theano.graph.type import NullType as NullType
from theano.graph.type import null_type as null_type
