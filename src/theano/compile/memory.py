"""The memory plan of a compiled function: `Function.memory_plan`.

What is given for the inputs, values or shapes, becomes what `lowering/memory_plan.py` works on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from theano.backends.native.runtime import serves
from theano.backends.native.workspaces import workspace_of
from theano.lowering.memory_plan import MemoryPlan, MemoryPlanner
from theano.lowering.shape_run import stand_in


def function_memory(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> MemoryPlan:
    """See `Function.memory_plan`."""
    program = function.program
    if program is None:
        raise ValueError(
            f"theano function {function._label()} has no memory plan: it was compiled for the reference backend, which "
            f"runs node by node. Compile it in the default mode."
        )
    given, numbers = _arguments(function, args, kwargs)
    waiting = iter(zip(given, numbers))
    inputs, known = [], []
    for thing in program.inputs:
        value, number = next(waiting) if thing.storage is None else (thing.storage[0], True)
        inputs.append(value)
        known.append(number)
    planner = MemoryPlanner(program, inputs, known, serves, function.fn.executable.sequential, workspace_of)
    planner.plan.name = function.name or ""
    return planner.run()


def _arguments(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[list[Any], list[bool]]:
    """A value or a stand-in for each explicit input, and which of them are values."""
    explicit = function._explicit
    if len(args) > len(explicit):
        raise TypeError(f"memory_plan: {function._label()} takes {len(explicit)} inputs, got {len(args)}")
    given: dict[int, Any] = dict(enumerate(args))
    for name, value in kwargs.items():
        position = function._position(name)
        if position in given:
            raise TypeError(f"memory_plan got multiple values for the input {name!r}")
        given[position] = value
    arrays, numbers = [], []
    for position, slot in enumerate(explicit):
        if position not in given and not slot.has_default:
            raise TypeError(
                f"memory_plan: the input {slot.name or slot.variable} (index {position}) of theano function "
                f"{function._label()} is missing: give its shape, a tuple, or a value"
            )
        value = given.get(position)
        numbers.append(not isinstance(value, tuple))
        if isinstance(value, tuple):
            arrays.append(_stand_in(slot, value))
        else:
            arrays.append(slot.container.storage[0] if position not in given else slot.filter(value))
    return arrays, numbers


def _stand_in(slot: Any, shape: tuple[Any, ...]) -> Any:
    """Something with this shape and the input's dtype: there is no memory for its elements."""
    kind = slot.variable.type
    dtype, ndim = getattr(kind, "dtype", None), getattr(kind, "ndim", None)
    if dtype is None or ndim is None:
        raise ValueError(f"memory_plan: {slot.name or slot.variable} is no tensor: give its value, not a shape")
    if len(shape) != ndim or not all(isinstance(n, (int, np.integer)) and n >= 0 for n in shape):
        raise ValueError(
            f"memory_plan: {shape} is no shape of the input {slot.name or slot.variable} of type {kind}: give {ndim} "
            f"lengths (or the value, which must not be a tuple)"
        )
    for known, n in zip(kind.shape, shape):
        if known is not None and known != n:
            raise ValueError(f"memory_plan: {shape} does not fit the input {slot.name or slot.variable} of type {kind}")
    return stand_in(dtype, shape)
