"""Powers of integers: exponents of signed dtypes are checked where they are read.

A negative exponent is an error that the reference backend tells. Kernels have one way to fail, a position that is out
of range: so the exponent's sign chooses a position of a table, and the call is repeated by the reference backend.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.lowering.build import apply_record
from theano.lowering.context import Lowering
from theano.lowering.kernel import INDEXED
from theano.lowering.work import Datum
from theano.scalar.exponential import pow

TABLE = np.zeros(2, "int8")


def checked_power(
    lowering: Lowering, node: Apply
) -> tuple[list[tuple[Datum, Sequence[int]]], Callable[[Any], Any]] | None:
    """What `Lowering.pointwise` wants to know of x ** y, if that is of integers and y may be negative."""
    record: Any = node.op.scalar_op  # type: ignore[attr-defined]
    dtype: str = node.outputs[0].type.dtype  # type: ignore[attr-defined]
    if record is not pow or not dtype.startswith("int"):
        return None
    base, exponent = lowering.data(node.inputs)
    if not exponent.dtype.startswith("int") or (exponent.constant is not None and np.all(exponent.constant >= 0)):
        return None
    axes = range(node.outputs[0].type.ndim)  # type: ignore[attr-defined]

    def emit(point: Any) -> Any:
        b, x, y = point.b, point.read(0), point.read(1)
        none = b.const(0, y.dtype)
        # at each point anew: an exponent that is the same for all, or a number, is no error where there is no point
        start = b.const(0, "int64")
        for axis in axes:
            start = b.min(start, point.iota(axis))
        at = start + b.select(y < none, b.const(len(TABLE), "int64"), b.const(0, "int64"))
        # zero, which is looked up for nothing but its position
        zero = b.cast(point.gather(2, [at]), y.dtype)
        return apply_record(b, record, [x, b.emit("or", y.dtype, (y.position, zero.position))], dtype)

    return [(base, axes), (exponent, axes), (lowering.constant(TABLE), (INDEXED,))], emit
