"""Classes drawn by uniform numbers: counts of the classes, and choices with or without replacement.

The ops take the uniform numbers as an input, so the randomness is that of whichever stream made them. Row r of the
k-th draw uses number k * rows + r.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from theano.graph.node import Apply
from theano.graph.op import Op
from theano.graph.type import NullType, disconnected_type
from theano.scalar.dtypes import discrete_dtypes, float_dtypes
from theano.tensor.convert import as_tensor_variable
from theano.tensor.creation import dimension, dtype_name
from theano.tensor.elemwise import cast_to
from theano.tensor.scalar_constants import static_int
from theano.tensor.type import tensor_type


class _FromUniform(Op):
    """Base: inputs are probabilities (rows, classes), uniform numbers in (0, 1), and n, the draws for each row."""

    __props__: ClassVar[tuple[str, ...]] = ("odtype",)
    what: ClassVar[str] = "multinomial"

    def __init__(self, odtype: str) -> None:
        self.odtype = odtype

    def make_node(self, pvals: Any, unis: Any, n: Any = 1) -> Apply:
        pvals, unis, n = as_tensor_variable(pvals), as_tensor_variable(unis), as_tensor_variable(n)
        if pvals.ndim != 2 or pvals.dtype not in float_dtypes:
            raise TypeError(f"{self.what}: pvals must be a matrix of floats, got {pvals} of type {pvals.type}")
        if unis.ndim != 1 or unis.dtype not in float_dtypes:
            raise TypeError(f"{self.what}: unis must be a vector of floats, got {unis} of type {unis.type}")
        if n.ndim or n.dtype not in discrete_dtypes:
            raise TypeError(f"{self.what}: n must be an integer, got {n} of type {n.type}")
        dtype = pvals.dtype if self.odtype == "auto" else dtype_name(self.odtype)
        return Apply(self, [pvals, unis, cast_to(n, "int64")], [tensor_type(dtype, self.static_shape(pvals, n))()])

    def static_shape(self, pvals: Any, n: Any) -> tuple[int | None, ...]:
        """What is known of the result's shape."""
        return pvals.type.shape

    def checked(self, inputs: Sequence[Any]) -> tuple[np.ndarray, np.ndarray, int]:
        """(probabilities in float64, uniform numbers (n, rows), n); ValueError for what is no distribution."""
        pvals, unis, n = inputs
        n = int(n)
        rows, classes = pvals.shape
        if n < 0:
            raise ValueError(f"{self.what}: n must not be negative, got {n}")
        if unis.shape[0] != rows * n:
            raise ValueError(
                f"{self.what}: {rows} rows of probabilities with n = {n} need {rows * n} uniform numbers, "
                f"got {unis.shape[0]}"
            )
        wide = pvals.astype("float64")
        if rows and n:
            if not classes:
                raise ValueError(f"{self.what}: there are no classes to draw: pvals has shape {pvals.shape}")
            if not (wide >= 0).all():
                raise ValueError(f"{self.what}: pvals has entries that are negative or NaN")
            off = np.abs(wide.sum(axis=1) - 1).max()
            if not off <= np.sqrt(np.finfo(pvals.dtype).eps):
                raise ValueError(f"{self.what}: the probabilities of a row must sum to 1; a sum is off by {off:.3g}")
        return wide, unis.reshape(n, rows), n

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        why = NullType(f"The gradient of {self} is undefined: its draws are no smooth function of the probabilities.")
        return [why(), why(), disconnected_type()]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [True], [False]]


def _pick(weights: np.ndarray, unis: np.ndarray) -> np.ndarray:
    """For every row the class in which the number falls, when the row's weights are laid side by side."""
    edges = weights.cumsum(axis=1)
    found = (edges <= unis[:, None] * edges[:, -1:]).sum(axis=1)
    # rounding may carry the product to the very end: no class without weight is drawn
    last = weights.shape[1] - 1 - (weights[:, ::-1] > 0).argmax(axis=1)
    return np.minimum(found, last)


class MultinomialFromUniform(_FromUniform):
    """How often each class is drawn in n draws with replacement: counts of the shape of pvals.

    odtype   dtype of the counts; "auto": that of pvals
    """

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        weights, unis, n = self.checked(inputs)
        counts = np.zeros(weights.shape, node.outputs[0].type.dtype)  # type: ignore[attr-defined]
        rows = np.arange(weights.shape[0])
        if rows.size:
            for k in range(n):
                counts[rows, _pick(weights, unis[k])] += 1
        output_storage[0][0] = counts

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [input_shapes[0]]


class ChoiceFromUniform(_FromUniform):
    """n classes for each row, (rows, n): int64 positions.

    replace   may a class be drawn twice? If not, n must not be larger than the number of classes with weight
    odtype    dtype of the positions; "auto": int64
    """

    __props__ = ("odtype", "replace")
    what = "choice"

    def __init__(self, odtype: str, replace: bool = False, *args: Any, **kwargs: Any) -> None:
        super().__init__("int64" if odtype == "auto" else odtype)
        self.replace = bool(replace)

    def static_shape(self, pvals: Any, n: Any) -> tuple[int | None, ...]:
        """What is known of the result's shape."""
        return pvals.type.shape[0], static_int(n)

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        weights, unis, n = self.checked(inputs)
        rows = np.arange(weights.shape[0])
        if rows.size and not self.replace:
            fewest = int((weights > 0).sum(axis=1).min())
            if n > fewest:
                raise ValueError(
                    f"choice: cannot draw {n} different classes: a row has only {fewest} of nonzero probability"
                )
        chosen = np.empty((rows.size, n), node.outputs[0].type.dtype)  # type: ignore[attr-defined]
        for k in range(n if rows.size else 0):
            picked = _pick(weights, unis[k])
            chosen[:, k] = picked
            if not self.replace:
                weights[rows, picked] = 0
        output_storage[0][0] = chosen

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [(input_shapes[0][0], dimension(node.inputs[2]))]


class MultinomialWOReplacementFromUniform(ChoiceFromUniform):
    """The old name of `ChoiceFromUniform`."""
