"""theano.gof.params_type: old import path of parameters of ops."""

from __future__ import annotations

from theano.graph.params import Params as Params
from theano.graph.params import ParamsType as ParamsType
