"""Test values: with `config.compute_test_value` on, every node is evaluated as soon as it is built, on the values that
users put into `variable.tag.test_value`, so that shape errors show up at the line that makes them.

"off": nothing; "ignore": nodes without all test values are passed over; "warn": with a warning; "raise": with an error;
"pdb": with the debugger.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from theano._config import config
from theano.compile.report import annotated
from theano.errors import TestValueError
from theano.graph.evaluate import perform
from theano.graph.fgraph import FunctionGraph
from theano.graph.node import Apply, Constant, Variable
from theano.graph.op import Op
from theano.graph.shared import SharedVariable


def get_test_value(v: Any) -> Any:
    """The test value of a variable (constants and shared variables have their own), or `v` itself if it is a value.

    Raises TestValueError (an AttributeError) when the variable has none."""
    if not isinstance(v, Variable):
        return v
    if isinstance(v, Constant):
        return v.data
    if isinstance(v, SharedVariable):
        return v.get_value(borrow=True)
    if hasattr(v.tag, "test_value"):
        return v.type.filter(v.tag.test_value)
    raise TestValueError(f"{v} has no test value; set {v}.tag.test_value")


def compute_test_values(node: Apply) -> None:
    """Give the outputs of a new node their test values, as `config.compute_test_value` says."""
    if config.compute_test_value == "off":
        return
    values = []
    for position, variable in enumerate(node.inputs):
        try:
            values.append(get_test_value(variable))
        except TestValueError:
            missing_test_message(
                f"Cannot compute test value: input {position} ({variable}) of {node} missing default value"
            )
            return
        except (TypeError, ValueError) as error:
            raise type(error)(f"The test value of {variable} does not fit its type: {error}") from None
    try:
        with np.errstate(all="ignore"):
            results = perform(node, values)
    except NotImplementedError:
        return
    except Exception as error:
        if config.compute_test_value == "pdb":
            breakpoint()
        raise annotated(error, node, values, FunctionGraph([], [], clone=False)) from None
    for output, result in zip(node.outputs, results):
        output.tag.test_value = result  # type: ignore[attr-defined]


def missing_test_message(msg: str) -> None:
    """React to a missing test value as the flag says."""
    action = config.compute_test_value
    if action == "raise":
        raise TestValueError(msg)
    if action == "warn":
        warnings.warn(msg, stacklevel=4)
    elif action == "pdb":
        breakpoint()


def debug_error_message(msg: str) -> None:
    """React to a test value that is wrong."""
    if config.compute_test_value in ("off", "ignore", "warn"):
        warnings.warn(f"Test value error: {msg}", stacklevel=3)
    else:
        raise ValueError(f"Test value error: {msg}")


def debug_assert(condition: bool, msg: str | None = None) -> None:
    """Complain if `condition` on test values is false."""
    if not condition:
        debug_error_message(msg or "debug_assert failed")


def get_debug_values(*args: Any) -> Iterator[tuple[Any, ...]]:
    """For `for x, y in get_debug_values(a, b)`: yields the test values once, or not at all when one is missing or the
    flag is off."""
    if config.compute_test_value == "off":
        return
    values = []
    for position, arg in enumerate(args):
        try:
            values.append(get_test_value(arg))
        except TestValueError:
            missing_test_message(f"Argument {position} ({arg}) has no test value")
            return
    yield tuple(values)


Op.compute_test_values = staticmethod(compute_test_values)  # type: ignore[assignment]
