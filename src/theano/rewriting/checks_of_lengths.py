"""Ops that pass a value on after checks of lengths and positions: what `restore_checks.py` puts into a graph."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, ClassVar

import numpy as np
from numpy.linalg import LinAlgError

from theano.graph.node import Apply, Variable
from theano.graph.op import Op
from theano.graph.type import disconnected_type
from theano.tensor.convert import as_tensor_variable


class Checked(Op):
    """Base: Checked(what)(x, *values) is x, after `check` of the other values.

    what   the op that asked for it originally, for the error
    """

    __props__: ClassVar[tuple[str, ...]] = ("what",)
    view_map = {0: [0]}

    def __init__(self, what: str) -> None:
        self.what = what

    def check(self, values: Sequence[np.ndarray]) -> None:
        raise NotImplementedError(f"{type(self).__name__}.check")

    def make_node(self, x: Variable, *values: Any) -> Apply:  # type: ignore[override]
        return Apply(self, [x, *(as_tensor_variable(v) for v in values)], [x.type()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, *values = inputs
        self.check(values)
        output_storage[0][0] = np.asarray(x)

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [output_gradients[0], *(disconnected_type() for _ in inputs[1:])]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], *([False] for _ in node.inputs[1:])]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [input_shapes[0]]

    def __str__(self) -> str:
        return f"{type(self).__name__}{{{self.what}}}"


_ERRORS = {
    "ValueError": ValueError, "IndexError": IndexError, "AssertionError": AssertionError, "LinAlgError": LinAlgError,
}  # fmt: skip


class EqualLengths(Checked):
    """EqualLengths(what)(x, a, b, c, d, ...) is x, after checking that a == b >= 0, c == d >= 0, ...

    error   the name of the exception for lengths that differ
    remedy  what an error says then, where the lengths are no operands of one op
    """

    __props__ = ("what", "error", "remedy")

    def __init__(self, what: str, error: str = "ValueError", remedy: str = "") -> None:
        super().__init__(what)
        self.error = error
        self.remedy = remedy

    def make_node(self, x: Variable, *lengths: Any) -> Apply:  # type: ignore[override]
        if len(lengths) % 2:
            raise ValueError("EqualLengths takes pairs of lengths")
        return super().make_node(x, *lengths)

    def check(self, values: Sequence[np.ndarray]) -> None:
        for a, b in zip(values[::2], values[1::2]):
            if (int(a) < 0 or int(b) < 0) and (self.error == "ValueError" or int(a) == int(b)):
                least = min(int(a), int(b))
                raise ValueError(f"{self.what}: negative dimensions are not allowed, but a length is {least}")
            if int(a) != int(b) and self.remedy:
                raise _ERRORS[self.error](f"{self.what}: {int(a)} and {int(b)} do not fit. {self.remedy}")
            if int(a) != int(b):
                raise _ERRORS[self.error](
                    f"Input dimension mismatch: the operands of {self.what} have lengths {int(a)} and {int(b)} "
                    f"along one axis, and neither is known to be 1 when the expression is built."
                )


class InsideAxes(Checked):
    """InsideAxes(what)(x, i, n, j, m, ...) is x, after checking that the integers i (0-d or arrays) name elements of an
    axis of length n, j of one of length m, ... (IndexError).

    from_start   they do not count from the end: a negative one names no element
    """

    __props__ = ("what", "from_start")

    def __init__(self, what: str, from_start: bool = False) -> None:
        super().__init__(what)
        self.from_start = from_start

    def check(self, values: Sequence[np.ndarray]) -> None:
        for index, n in zip(values[::2], values[1::2]):
            length = int(n)
            outside = (index < (0 if self.from_start else -length)) | (index >= length)
            if np.any(outside):
                bad = int(index[outside].flat[0]) if index.ndim else int(index)
                raise IndexError(f"{self.what}: index {bad} is out of bounds for an axis of length {length}")


class OneLength(Checked):
    """OneLength(what)(x, n, m, ...) is x, after checking that all lengths are equal, or one (IndexError)."""

    def check(self, values: Sequence[np.ndarray]) -> None:
        lengths = [int(n) for n in values]
        if len({n for n in lengths if n != 1}) > 1:
            raise IndexError(
                f"{self.what}: shape mismatch: indexing arrays of lengths {lengths} cannot be broadcast together"
            )


class SameCounts(Checked):
    """SameCounts(what, ndim, count)(x, *lengths, *entries) is x, after checking that `ndim` lengths give as many
    elements as the `count` entries of a reshape, 0-d or one vector (ValueError)."""

    __props__ = ("what", "ndim", "count")

    def __init__(self, what: str, ndim: int, count: int) -> None:
        super().__init__(what)
        self.ndim = ndim
        self.count = count

    def check(self, values: Sequence[np.ndarray]) -> None:
        lengths = tuple(int(n) for n in values[: self.ndim])
        entries = tuple(int(n) for v in values[self.ndim :] for n in np.atleast_1d(v))
        if len(entries) != self.count:
            raise ValueError(f"reshape: the shape must have {self.count} entries, got {len(entries)}: {entries}")
        known = prod(n for n in entries if n != -1)
        total = prod(lengths)
        free = entries.count(-1)
        fits = known == total if not free else free == 1 and known > 0 and total % known == 0
        if not fits or any(n < -1 for n in entries):
            raise ValueError(f"reshape: cannot reshape input of shape {lengths} to shape {entries}")


class WholePieces(Checked):
    """WholePieces(what)(x, sizes, count, n) is x, after checking that `count` sizes, none negative, add up to n."""

    def check(self, values: Sequence[np.ndarray]) -> None:
        sizes, count, n = values
        listed = sizes.tolist()
        if len(listed) != int(count):
            raise ValueError(f"split: {int(count)} sizes are needed, got {len(listed)}")
        if min(listed, default=0) < 0:
            raise ValueError(f"split: sizes must not be negative, got {listed}")
        if sum(listed) != int(n):
            raise ValueError(f"split: the sizes {listed} add up to {sum(listed)}, but the axis has length {int(n)}")


class StatedLengths(Checked):
    """StatedLengths(what)(x, vector, *lengths) is x, after checking that the lengths are those in a vector
    (AssertionError)."""

    def check(self, values: Sequence[np.ndarray]) -> None:
        stated, *lengths = values
        found = tuple(int(n) for n in lengths)
        if stated.tolist() != list(found):
            raise AssertionError(f"{self.what}: got shape {found}, expected {tuple(stated.tolist())}")


class Computed(Checked):
    """Computed(what)(x, y) is x, after y has been computed, of which nothing is used: it may fail."""

    def check(self, values: Sequence[np.ndarray]) -> None:
        pass


class NoZeroStep(Checked):
    """NoZeroStep(what)(x, step, ...) is x, after checking that no step of a slice or a range is 0 (ValueError)."""

    def check(self, values: Sequence[np.ndarray]) -> None:
        if any(not step for step in values):
            raise ValueError(f"{self.what}: step cannot be zero")


__all__ = [
    "Checked", "Computed", "EqualLengths", "InsideAxes", "NoZeroStep", "OneLength", "SameCounts", "StatedLengths",
    "WholePieces",
]  # fmt: skip
