"""theano.gof.op: old import path of the contract of ops, and of test values."""

from __future__ import annotations

from theano.compile.builders import ops_with_inner_function as ops_with_inner_function
from theano.compile.ops import OpenMPOp as OpenMPOp
from theano.compile.test_values import debug_assert as debug_assert
from theano.compile.test_values import debug_error_message as debug_error_message
from theano.compile.test_values import get_debug_values as get_debug_values
from theano.compile.test_values import get_test_value as get_test_value
from theano.compile.test_values import missing_test_message as missing_test_message
from theano.gof.cop import COp as COp
from theano.graph.node import Apply as Apply
from theano.graph.op import Op as Op
from theano.graph.op import Op as PureOp  # noqa: F401
