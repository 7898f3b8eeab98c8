"""Calling `Op.perform` from a compiled program.

`make_call` turns a PyCallStep into one Python callable: arrays in, a tuple of outputs out, which machine code can
take apart without looking: every dense output is an exact, aligned ndarray in native byte order with the dtype and
rank that its buffer promises.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from theano.lowering.program import PyCallStep


def make_call(step: PyCallStep) -> Callable[..., tuple[Any, ...]]:
    node = step.nodes[0]
    perform = node.op.perform
    wanted = [(b.dtype, None if b.dtype == "object" else np.dtype(b.dtype), b.ndim) for b in step.outputs]
    count = len(wanted)

    def call(*inputs: Any) -> tuple[Any, ...]:
        cells: list[list[Any]] = [[None] for _ in range(count)]
        perform(node, list(inputs), cells)
        outputs = []
        for number, (cell, (name, dtype, ndim)) in enumerate(zip(cells, wanted, strict=True)):
            value = cell[0]
            if dtype is None:
                outputs.append(value)
                continue
            if type(value) is not np.ndarray:
                if value is None:
                    raise ValueError(f"{node.op}.perform left output {number} empty")
                value = np.asarray(value)
            if value.dtype != dtype or value.ndim != ndim:
                raise TypeError(
                    f"{node.op}.perform gave output {number} as {value.dtype} with {value.ndim} dimensions; "
                    f"its type says {name} with {ndim}"
                )
            if not (value.flags.aligned and value.dtype.isnative):
                value = np.array(value, dtype=dtype)
            outputs.append(value)
        return tuple(outputs)

    return call
