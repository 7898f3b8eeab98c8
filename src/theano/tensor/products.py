"""Products: Dot, BatchedDot, and the functions made of them (dot, tensordot, outer, inner, matmul, batched_dot, …).

All go through `contract`, which folds axes so that one Dot or BatchedDot does the work. `einsum` is in `einsum.py`, the
BLAS forms that rewrites insert are in `blas.py`. Complex numbers are never conjugated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.graph.op import Op
from theano.graph.type import disconnected_type
from theano.scalar.arithmetic import mul
from theano.scalar.complex_numbers import conj, real
from theano.scalar.dtypes import complex_dtypes, discrete_dtypes, upcast
from theano.tensor.careduce import Sum
from theano.tensor.convert import as_tensor_variable
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.elemwise import cast_to
from theano.tensor.lengths import Length, product
from theano.tensor.region import zero_for
from theano.tensor.shape import Reshape, ravel, shape_i_op
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable

Pairs = Sequence[tuple[int, int]]


def same_dtype(name: str, *operands: Any) -> list[Any]:
    """The operands as tensors, all cast to their common dtype."""
    tensors = [as_tensor_variable(x) for x in operands]
    dtype = upcast(*(x.dtype for x in tensors))
    return [cast_to(x, dtype) for x in tensors]


def differ(a: int | None, b: int | None) -> bool:
    """Are these static lengths known to be different?"""
    return a is not None and b is not None and a != b


def conjugated(x: Any) -> Any:
    return conj(x) if x.dtype in complex_dtypes else x


def gradient_term(x: Any, term: Any) -> Any:
    """`term` in the dtype of `x`, whose gradient it is."""
    if x.dtype in discrete_dtypes:
        return term
    if term.dtype in complex_dtypes and x.dtype not in complex_dtypes:
        term = real(term)
    return cast_to(term, x.dtype)


def transposed(x: Any) -> Any:
    """x with its last two axes exchanged."""
    n = x.ndim
    return dimshuffle(x, [*range(n - 2), n - 1, n - 2])


class Dot(Op):
    """Matrix product of vectors and matrices: the sum over the last axis of the first and the first of the second
    (of two matrices, rows by columns).

    Raises TypeError for other ranks, ValueError for lengths that do not fit. Over no elements the sum is 0.
    """

    __props__ = ()
    is_total = True

    def make_node(self, x: Any, y: Any) -> Apply:
        x, y = same_dtype("dot", x, y)
        for v in (x, y):
            if v.ndim not in (1, 2):
                raise TypeError(
                    f"Dot takes vectors and matrices, got {v} with {v.ndim} axes (type {v.type}); "
                    "dot, tensordot and matmul take any rank"
                )
        (*rows, inner), (inner_too, *columns) = x.type.shape, y.type.shape
        if differ(inner, inner_too):
            raise ValueError(
                f"dot: the lengths {inner} and {inner_too} to sum over differ: {x} of type {x.type} and "
                f"{y} of type {y.type}"
            )
        return Apply(self, [x, y], [TensorVariable(tensor_type(x.dtype, (*rows, *columns)))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, y = inputs
        if x.shape[-1] != y.shape[0]:
            raise ValueError(
                f"Shape mismatch: dot of shapes {x.shape} and {y.shape} sums over lengths {x.shape[-1]} and "
                f"{y.shape[0]}, which must be equal"
            )
        output_storage[0][0] = np.asarray(np.dot(x, y))

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        x, y = input_shapes
        return [(*x[:-1], *y[1:])]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x, y), (z,), (gz,) = inputs, outputs, output_gradients
        if z.dtype in discrete_dtypes:
            return [zero_for(x), zero_for(y)]
        cx, cy = conjugated(x), conjugated(y)
        if x.ndim == 1 and y.ndim == 1:
            terms = mul(gz, cy), mul(gz, cx)
        elif x.ndim == 1:
            terms = self(cy, gz), outer(cx, gz)
        elif y.ndim == 1:
            terms = outer(gz, cy), self(transposed(cx), gz)
        else:
            terms = self(gz, transposed(cy)), self(transposed(cx), gz)
        return [gradient_term(x, terms[0]), gradient_term(y, terms[1])]

    def __str__(self) -> str:
        return "dot"


class BatchedDot(Op):
    """Matrix products of the items of two stacks: z[i] = x[i] @ y[i], all of three axes.

    The stacks must be of equal length: nothing is broadcast. ValueError for lengths that do not fit.
    """

    __props__ = ()

    def make_node(self, x: Any, y: Any) -> Apply:
        x, y = same_dtype("batched_dot", x, y)
        for v in (x, y):
            if v.ndim != 3:
                raise TypeError(f"BatchedDot takes stacks of matrices (3 axes), got {v} of type {v.type}")
        (n, rows, inner), (m, inner_too, columns) = x.type.shape, y.type.shape
        if differ(n, m) or differ(inner, inner_too):
            raise ValueError(f"batched_dot: {x} of type {x.type} and {y} of type {y.type} do not fit")
        shape = (m if n is None else n, rows, columns)
        return Apply(self, [x, y], [TensorVariable(tensor_type(x.dtype, shape))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, y = inputs
        if len(x) != len(y) or x.shape[2] != y.shape[1]:
            what = "the stacks differ in length" if len(x) != len(y) else "the lengths to sum over differ"
            raise ValueError(f"Shape mismatch: batched_dot of shapes {x.shape} and {y.shape}: {what}")
        output_storage[0][0] = np.matmul(x, y)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        x, y = input_shapes
        return [(x[0], x[1], y[2])]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x, y), (z,), (gz,) = inputs, outputs, output_gradients
        if z.dtype in discrete_dtypes:
            return [zero_for(x), zero_for(y)]
        cx, cy = conjugated(x), conjugated(y)
        return [
            gradient_term(x, self(gz, transposed(cy))),
            gradient_term(y, self(transposed(cx), gz)),
        ]


class CheckLengths(Op):
    """x, after a check that some of its axes are as long as axes of y: a view.

    pairs   (axis of x, axis of y), ...
    Folding axes into one would let (2, 3) pass for (3, 2): this op makes that a ValueError.
    """

    __props__ = ("name", "pairs")
    view_map = {0: [0]}

    def __init__(self, name: str, pairs: Pairs) -> None:
        self.name = name
        self.pairs = tuple((int(i), int(j)) for i, j in pairs)

    def make_node(self, x: Any, y: Any) -> Apply:
        x, y = as_tensor_variable(x), as_tensor_variable(y)
        shape = list(x.type.shape)
        for i, j in self.pairs:
            if differ(shape[i], y.type.shape[j]):
                raise ValueError(
                    f"{self.name}: axis {i} of {x} (type {x.type}) and axis {j} of {y} (type {y.type}) differ in length"
                )
            if shape[i] is None:
                shape[i] = y.type.shape[j]
        return Apply(self, [x, y], [TensorVariable(tensor_type(x.dtype, tuple(shape)))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, y = inputs
        for i, j in self.pairs:
            if x.shape[i] != y.shape[j]:
                raise ValueError(
                    f"Shape mismatch: {self.name} of shapes {x.shape} and {y.shape}: axis {i} of the first and axis "
                    f"{j} of the second must be equally long"
                )
        output_storage[0][0] = x

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [input_shapes[0]]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [output_gradients[0], disconnected_type()]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [False]]

    def __str__(self) -> str:
        return f"CheckLengths{{{self.name}}}"


def checked(x: Any, y: Any, pairs: Pairs, name: str) -> Any:
    """`x` with a check that the paired axes of x and y are equally long, unless that is known."""
    open_pairs = [
        (i, j) for i, j in pairs
        if x.type.shape[i] is None or x.type.shape[i] != y.type.shape[j]
    ]
    return CheckLengths(name, open_pairs)(x, y) if open_pairs else x


def length(x: Any, axis: int) -> Length:
    """The length of an axis: an int where it is known."""
    known = x.type.shape[axis]
    return known if known is not None else shape_i_op(axis)(x)


def _folded(x: Any, groups: Sequence[Sequence[int]]) -> Any:
    """x with its axes in the order of the groups, each group folded into one axis."""
    order: list[Any] = []
    for group in groups:
        order.extend(group or ["x"])
    lengths = [product(length(x, axis) for axis in group) for group in groups]
    x = dimshuffle(x, order)
    if all(len(group) <= 1 for group in groups):
        return x
    return Reshape(len(groups))(x, lengths)


def contract(a: Any, b: Any, batch: Pairs = (), summed: Pairs = (), name: str = "tensordot") -> Any:
    """The product of a and b summed over the axes paired in `summed`, item by item over those paired in `batch`.

    The axes of the result are those of `batch`, the other axes of a, the other axes of b.
    """
    a, b = same_dtype(name, a, b)
    dtype = a.dtype
    for i, j in (*batch, *summed):
        if differ(a.type.shape[i], b.type.shape[j]):
            raise ValueError(
                f"{name}: axis {i} of {a} (type {a.type}) and axis {j} of {b} (type {b.type}) differ in length"
            )
    batch_a, batch_b = [i for i, _ in batch], [j for _, j in batch]
    sum_a, sum_b = [i for i, _ in summed], [j for _, j in summed]
    free_a = [k for k in range(a.ndim) if k not in batch_a and k not in sum_a]
    free_b = [k for k in range(b.ndim) if k not in batch_b and k not in sum_b]
    if not summed or (batch and not free_a and not free_b):
        left = dimshuffle(a, [*batch_a, *free_a, *(["x"] * len(free_b)), *sum_a])
        right = dimshuffle(b, [*batch_b, *(["x"] * len(free_a)), *free_b, *sum_b])
        kept = len(batch) + len(free_a) + len(free_b)
        result = mul(left, right)
        return cast_to(Sum(range(kept, result.ndim))(result), dtype) if summed else result
    if len(batch) > 1 or len(summed) > 1:
        a = checked(a, b, [*batch, *summed], name)
    if batch:
        result = BatchedDot()(_folded(a, [batch_a, free_a, sum_a]), _folded(b, [batch_b, sum_b, free_b]))
        if len(batch) == len(free_a) == len(free_b) == 1:
            return result
    else:
        left = _folded(a, [free_a, sum_a] if free_a else [sum_a])
        right = _folded(b, [sum_b, free_b] if free_b else [sum_b])
        result = Dot()(left, right)
        if len(free_a) <= 1 and len(free_b) <= 1:
            return result
    shape = [length(a, k) for k in (*batch_a, *free_a)] + [length(b, k) for k in free_b]
    return Reshape(len(shape))(result, shape)


def dot(a: Any, b: Any) -> Any:
    """The product of a and b as np.dot gives it: of vectors and matrices the matrix product, with a scalar the
    elementwise one, of higher ranks the sum over the last axis of a and the last but one of b.

    >>> from theano.tensor import dmatrix, dvector
    >>> m, v = dmatrix("m"), dvector("v")
    >>> dot(m, v).eval({m: [[1.0, 2.0], [3.0, 4.0]], v: [1.0, 1.0]}).tolist()
    [3.0, 7.0]
    """
    a, b = as_tensor_variable(a), as_tensor_variable(b)
    if a.ndim == 0 or b.ndim == 0:
        return mul(a, b)
    if a.ndim > 2 or b.ndim > 2:
        return contract(a, b, summed=[(a.ndim - 1, max(0, b.ndim - 2))], name="dot")
    return Dot()(a, b)


def outer(x: Any, y: Any) -> Any:
    """The matrix x[i] * y[j]; arguments of other ranks are flattened first.

    >>> from theano.tensor import dvectors
    >>> a, b = dvectors("a", "b")
    >>> outer(a, b).eval({a: [1.0, 2.0], b: [3.0, 4.0]}).tolist()
    [[3.0, 4.0], [6.0, 8.0]]
    """
    x, y = (v if v.ndim == 1 else ravel(v) for v in (as_tensor_variable(x), as_tensor_variable(y)))
    return Dot()(dimshuffle(x, 0, "x"), dimshuffle(y, "x", 0))


def inner(x: Any, y: Any) -> Any:
    """The sum of products over the last axis of both; with a scalar the elementwise product."""
    x, y = as_tensor_variable(x), as_tensor_variable(y)
    if x.ndim == 0 or y.ndim == 0:
        return mul(x, y)
    return contract(x, y, summed=[(x.ndim - 1, y.ndim - 1)], name="inner")


def _axis_pairs(a: Any, b: Any, axes: Any, first: int, name: str) -> list[tuple[int, int]]:
    """`axes` of tensordot as pairs of non-negative axes; those below `first` are batch axes."""
    if isinstance(axes, (int, np.integer)) or (isinstance(axes, np.ndarray) and axes.ndim == 0):
        count = int(axes)
        if count < 0 or count > a.ndim - first or count > b.ndim - first:
            raise ValueError(
                f"{name}: cannot sum over {count} axes of {a} (type {a.type}) and {b} (type {b.type})"
            )
        return [(a.ndim - count + k, first + k) for k in range(count)]
    try:
        for_a, for_b = axes
    except (TypeError, ValueError):
        raise ValueError(f"{name}: axes must be an integer or a pair of lists of axes, got {axes!r}") from None
    listed = []
    for tensor, given in ((a, for_a), (b, for_b)):
        entries = [int(given)] if isinstance(given, (int, np.integer)) else [int(k) for k in given]
        normal = [k + tensor.ndim if k < 0 else k for k in entries]
        for entry, axis in zip(entries, normal):
            if not 0 <= axis < tensor.ndim:
                raise ValueError(f"{name}: axis {entry} is out of range for {tensor} (type {tensor.type})")
            if axis < first:
                raise ValueError(f"{name}: axis {entry} is the batch axis and cannot be summed over")
        if len(set(normal)) != len(normal):
            raise ValueError(f"{name}: an axis is named twice in {axes!r}")
        listed.append(normal)
    if len(listed[0]) != len(listed[1]):
        raise ValueError(f"{name}: axes name {len(listed[0])} axes of the first and {len(listed[1])} of the second")
    return list(zip(*listed))


def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """The sum of products over pairs of axes, as np.tensordot gives it.

    axes   how many axes: the last ones of a with the first ones of b; or [axes of a, axes of b]
    The result has the other axes of a, then those of b. ValueError for axes that do not exist or do not fit.

    >>> from theano.tensor import zeros
    >>> tensordot(zeros((2, 3, 4)), zeros((4, 3, 5)), axes=[[1, 2], [1, 0]]).type.shape
    (2, 5)
    """
    a, b = as_tensor_variable(a), as_tensor_variable(b)
    return contract(a, b, summed=_axis_pairs(a, b, axes, 0, "tensordot"))


def batched_dot(a: Any, b: Any) -> Any:
    """dot of the items along the first axis: of any ranks from one on; z[i] = dot(a[i], b[i]).

    >>> from theano.tensor import zeros
    >>> batched_dot(zeros((5, 2, 3)), zeros((5, 3, 4))).type.shape
    (5, 2, 4)
    """
    a, b = as_tensor_variable(a), as_tensor_variable(b)
    for number, v in enumerate((a, b)):
        if v.ndim == 0:
            raise TypeError(f"batched_dot: argument {number}, {v}, is a scalar and has no items")
    if a.ndim == 1 or b.ndim == 1:
        return contract(a, b, batch=[(0, 0)], name="batched_dot")
    return contract(a, b, batch=[(0, 0)], summed=[(a.ndim - 1, max(1, b.ndim - 2))], name="batched_dot")


def batched_tensordot(x: Any, y: Any, axes: Any = 2) -> Any:
    """tensordot of the items along the first axis.

    axes   as for `tensordot`; in lists, axis numbers count the batch axis, which they must not name
    """
    x, y = as_tensor_variable(x), as_tensor_variable(y)
    for number, v in enumerate((x, y)):
        if v.ndim == 0:
            raise TypeError(f"batched_tensordot: argument {number}, {v}, is a scalar and has no items")
    pairs = _axis_pairs(x, y, axes, 1, "batched_tensordot")
    return contract(x, y, batch=[(0, 0)], summed=pairs, name="batched_tensordot")


def matmul(a: Any, b: Any) -> Any:
    """a @ b, as np.matmul gives it: the matrix product over the last two axes; the axes before them broadcast where
    their length is known to be one. Scalars are refused (ValueError).

    >>> from theano.tensor import zeros
    >>> matmul(zeros((5, 2, 3)), zeros((3, 4))).type.shape
    (5, 2, 4)
    """
    a, b = as_tensor_variable(a), as_tensor_variable(b)
    for number, v in enumerate((a, b)):
        if v.ndim == 0:
            raise ValueError(f"matmul: argument {number}, {v}, is a scalar; use * for a product with a scalar")
    if a.ndim <= 2 and b.ndim <= 2:
        return Dot()(a, b)
    if b.ndim <= 2:
        return contract(a, b, summed=[(a.ndim - 1, 0)], name="matmul")
    if a.ndim == 1:
        return contract(a, b, summed=[(0, b.ndim - 2)], name="matmul")
    if a.ndim == 2:
        return transposed(contract(b, a, summed=[(b.ndim - 2, 1)], name="matmul"))
    ndim = max(a.ndim, b.ndim)
    a, b = (dimshuffle(v, ["x"] * (ndim - v.ndim) + list(range(v.ndim))) for v in (a, b))
    # an axis of length one on one side only is none of the batch: it goes, and comes back in the result
    batch: list[int] = []
    only_a: list[int] = []
    only_b: list[int] = []
    ones: list[int] = []
    for axis in range(ndim - 2):
        one_a, one_b = a.type.shape[axis] == 1, b.type.shape[axis] == 1
        (ones if one_a and one_b else only_b if one_a else only_a if one_b else batch).append(axis)
    kept_a = [k for k in range(ndim) if k in batch or k in only_a or k >= ndim - 2]
    kept_b = [k for k in range(ndim) if k in batch or k in only_b or k >= ndim - 2]
    result = contract(
        dimshuffle(a, kept_a), dimshuffle(b, kept_b),
        batch=[(kept_a.index(k), kept_b.index(k)) for k in batch],
        summed=[(kept_a.index(ndim - 1), kept_b.index(ndim - 2))],
        name="matmul",
    )
    labels = [*batch, *only_a, ndim - 2, *only_b, ndim - 1]
    return dimshuffle(result, ["x" if k in ones else labels.index(k) for k in range(ndim)])


def vdot(a: Any, b: Any) -> Any:
    """The sum of conj(a) * b over all elements of the flattened arguments."""
    a, b = ravel(as_tensor_variable(a)), ravel(as_tensor_variable(b))
    return Dot()(conjugated(a), b)


