"""Calling `Op.perform` from a compiled program.

`make_call` turns a PyCallStep into one Python callable: arrays in, a tuple of outputs out, which machine code can
take apart without looking: every dense output is an exact, aligned ndarray in native byte order with the dtype and
rank that its buffer promises; every other output is a value of its type.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.graph.running import runner
from theano.graph.type import Generic, Type, generic
from theano.lowering.program import PyCallStep


def make_call(step: PyCallStep) -> Callable[..., tuple[Any, ...]]:
    node = step.nodes[0]
    perform = runner(node) if isinstance(node, Apply) else partial(node.op.perform, node)
    wanted = [(None if b.dtype == "object" else np.dtype(b.dtype), b.ndim) for b in step.outputs]
    count = len(wanted)
    # values of other types than tensors are what these say: an object that is none must go no further
    kinds: list[Type] = [v.type for v in node.outputs] if isinstance(node, Apply) else [generic] * count
    filters = [None if isinstance(kind, Generic) else kind.filter for kind in kinds]

    def call(*inputs: Any) -> tuple[Any, ...]:
        cells: list[list[Any]] = [[None] for _ in range(count)]
        with np.errstate(all="ignore"):
            perform(list(inputs), cells)
        outputs = []
        for number, (cell, (dtype, ndim)) in enumerate(zip(cells, wanted, strict=True)):
            value = cell[0]
            if dtype is None:
                check = filters[number]
                outputs.append(value if check is None else checked(node, number, value, check))
                continue
            if type(value) is not np.ndarray or value.dtype != dtype or value.ndim != ndim:
                wrong = f"{node.op}.perform gave a wrong output {number}"
                if value is None:
                    raise TypeError(f"{wrong}: it left it empty")
                value = np.asarray(value)
                if not np.can_cast(value.dtype, dtype) or value.ndim != ndim:
                    raise TypeError(
                        f"{wrong}: {value.dtype} with {value.ndim} dimensions; its type says {dtype} with {ndim}"
                    )
                value = value.astype(dtype, copy=False)
            if not (value.flags.aligned and value.dtype.isnative):
                value = np.array(value, dtype=dtype)
            outputs.append(value)
        return tuple(outputs)

    return call


def checked(node: Any, number: int, value: Any, check: Callable[..., Any]) -> Any:
    """`value` as its type has it. TypeError or ValueError if it is none."""
    try:
        return check(value, strict=False, allow_downcast=False)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{node.op}.perform gave a wrong output {number}: {error}") from None
