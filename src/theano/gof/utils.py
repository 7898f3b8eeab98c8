"""theano.gof.utils: old import path of object2."""

from __future__ import annotations

from theano.errors import MethodNotDefined as MethodNotDefined
from theano.errors import TestValueError as TestValueError
from theano.graph.props import object2 as object2
