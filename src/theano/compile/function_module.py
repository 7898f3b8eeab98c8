"""theano.compile.function_module: old import path of Function and FunctionMaker."""

from __future__ import annotations

from theano.compile.function_object import Function as Function
from theano.compile.maker import FunctionMaker as FunctionMaker
from theano.compile.maker import Supervisor as Supervisor
from theano.compile.maker import fgraph_updated_vars as fgraph_updated_vars
from theano.compile.maker import orig_function as orig_function
from theano.compile.maker import std_fgraph as std_fgraph
from theano.errors import AliasedMemoryError as AliasedMemoryError
from theano.errors import UnusedInputError as UnusedInputError
