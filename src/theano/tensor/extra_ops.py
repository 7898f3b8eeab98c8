"""theano.tensor.extra_ops: repetition, differences, counting, searching, windows.

Cumulative sums and products are in `cumulative.py`, conversions between positions and coordinates in
`coordinates.py`, diagonals that are filled in `filled_diagonals.py`; all are also found here.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np

from theano.errors import ShapeError
from theano.graph.node import Apply
from theano.graph.op import Op
from theano.graph.type import NullType, disconnected_type
from theano.scalar.arithmetic import add, sub
from theano.scalar.comparison import neq
from theano.scalar.dtypes import discrete_dtypes, integer_dtypes
from theano.scalar.selection import maximum, second
from theano.tensor.advanced_indexing import AdvancedIncSubtensor1
from theano.tensor.careduce import Max, normalized_axes
from theano.tensor.convert import as_tensor_variable, constant
from theano.tensor.coordinates import RavelMultiIndex as RavelMultiIndex
from theano.tensor.coordinates import UnravelIndex as UnravelIndex
from theano.tensor.coordinates import ravel_multi_index as ravel_multi_index
from theano.tensor.coordinates import unravel_index as unravel_index
from theano.tensor.creation import alloc, zeros
from theano.tensor.cumulative import CumOp as CumOp
from theano.tensor.cumulative import LinearRecurrence as LinearRecurrence
from theano.tensor.cumulative import cumprod as cumprod
from theano.tensor.cumulative import cumsum as cumsum
from theano.tensor.cumulative import part
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.elemwise import cast_to
from theano.tensor.filled_diagonals import FillDiagonal as FillDiagonal
from theano.tensor.filled_diagonals import FillDiagonalOffset as FillDiagonalOffset
from theano.tensor.filled_diagonals import fill_diagonal as fill_diagonal
from theano.tensor.filled_diagonals import fill_diagonal_ as fill_diagonal_
from theano.tensor.filled_diagonals import fill_diagonal_offset as fill_diagonal_offset
from theano.tensor.filled_diagonals import fill_diagonal_offset_ as fill_diagonal_offset_
from theano.tensor.indexing import getitem
from theano.tensor.joining import join
from theano.tensor.lengths import at_least, known, product, times
from theano.tensor.products import checked, length
from theano.tensor.ranges import arange
from theano.tensor.region import zero_for
from theano.tensor.selecting import compress as compress
from theano.tensor.shape import Reshape, ravel
from theano.tensor.shape import squeeze as squeeze
from theano.tensor.subtensor import set_subtensor
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable


def _one_axis(axis: Any, ndim: int, name: str) -> int:
    axes = normalized_axes((axis,), ndim, name)
    return 0 if axes is None else axes[0]


# -- repetition ------------------------------------------------------------------------------------------------------


def _repeats(repeats: Any) -> Any:
    repeats = as_tensor_variable(repeats)
    if repeats.dtype not in integer_dtypes and repeats.dtype != "bool":
        raise TypeError(f"repeat: the numbers of repetitions must be integers, got {repeats} of type {repeats.type}")
    if repeats.ndim > 1:
        raise TypeError(f"repeat: the numbers of repetitions must be a scalar or a vector, got type {repeats.type}")
    return repeats


class RepeatOp(Op):
    """The items of x along `axis` (elements of the flattened x if None), each repeated. Inputs: x, repeats.

    repeats   a scalar, or a vector with a number for each item; ValueError at run time if negative
    """

    __props__ = ("axis",)

    def __init__(self, axis: Any = None) -> None:
        self.axis = None if axis is None else index(axis)

    def make_node(self, x: Any, repeats: Any) -> Apply:
        x, repeats = as_tensor_variable(x), _repeats(repeats)
        if self.axis is None:
            return Apply(self, [x, repeats], [TensorVariable(tensor_type(x.type.dtype, (None,)))])
        axis = _one_axis(self.axis, x.ndim, "repeat")
        shape = tuple(None if k == axis else n for k, n in enumerate(x.type.shape))
        op = self if axis == self.axis else RepeatOp(axis)
        return Apply(op, [x, repeats], [TensorVariable(tensor_type(x.type.dtype, shape))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, repeats = inputs
        op: Any = node.op
        # NumPy's count of elements may wrap around; it would then write beyond the result
        copies = float(repeats.sum(dtype="float64")) * (x.size if repeats.ndim == 0 or op.axis is not None else 1)
        if repeats.ndim and op.axis is not None and x.shape[op.axis]:
            copies /= x.shape[op.axis]
        if copies * x.itemsize > 2.0**62:
            raise MemoryError(f"repeat: {copies:.3g} elements of {x.itemsize} bytes were asked for")
        output_storage[0][0] = np.repeat(x, repeats.astype("int64"), axis=op.axis)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        shape, _ = input_shapes
        repeats = node.inputs[1]
        n = product(shape) if self.axis is None else shape[self.axis]
        if repeats.type.ndim == 0:  # type: ignore[attr-defined]
            count = times(n, cast_to(repeats, "int64"))
        elif repeats.type.shape[0] == 1:  # type: ignore[attr-defined]
            count = times(n, cast_to(getitem(repeats, 0), "int64"))
        else:
            raise ShapeError(f"{self}: the sum of the numbers of repetitions is the length; it depends on values")
        if self.axis is None:
            return [(count,)]
        return [tuple(count if k == self.axis else m for k, m in enumerate(shape))]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x, repeats), (gz,) = inputs, output_gradients
        if x.dtype in discrete_dtypes:
            return [zero_for(x), disconnected_type()]
        flat = ravel(x) if self.axis is None else x
        axis = 0 if self.axis is None else self.axis % x.ndim
        order = [axis, *(k for k in range(flat.ndim) if k != axis)]
        back = [order.index(k) for k in range(flat.ndim)]
        source = RepeatOp(0)(arange(length(flat, axis)), repeats)
        rows = second(dimshuffle(flat, order), np.zeros((), gz.dtype))
        term = dimshuffle(AdvancedIncSubtensor1()(rows, dimshuffle(gz, order), source), back)
        if self.axis is None:
            term = Reshape(x.ndim)(term, [length(x, k) for k in range(x.ndim)])
        return [cast_to(term, x.dtype), disconnected_type()]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [False]]


def repeat(x: Any, repeats: Any, axis: Any = None) -> Any:
    """The items of x along `axis` (elements of the flattened x if None), each repeated.

    repeats   how often: one number for all (which may be symbolic), or a vector with one for each item

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> repeat(v, 2).eval({v: [1.0, 2.0]}).tolist(), repeat(v, [2, 1]).eval({v: [1.0, 2.0]}).tolist()
    ([1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0])
    """
    x, repeats = as_tensor_variable(x), _repeats(repeats)
    if repeats.ndim == 1 and repeats.type.shape[0] == 1:
        repeats = getitem(repeats, 0)
    if axis is None:
        x, axis = ravel(x), 0
    axis = _one_axis(axis, x.ndim, "repeat")
    if repeats.ndim:
        return RepeatOp(axis)(x, repeats)
    count = known(repeats)
    if isinstance(count, int) and count == 1:
        return x
    if not isinstance(count, int):
        count = cast_to(count, "int64")
    lengths = [length(x, k) for k in range(x.ndim)]
    wide = dimshuffle(x, [*range(axis + 1), "x", *range(axis + 1, x.ndim)])
    filled = alloc(wide, *lengths[:axis + 1], count, *lengths[axis + 1:])
    return Reshape(x.ndim)(filled, [*lengths[:axis], times(lengths[axis], count), *lengths[axis + 1:]])


# -- differences, counting, searching --------------------------------------------------------------------------------


class DiffOp(Op):
    """The n-th difference along `axis`. Applied, it gives an expression of slices and differences."""

    __props__ = ("n", "axis")

    def __init__(self, n: int = 1, axis: int = -1) -> None:
        if index(n) < 0:
            raise ValueError(f"diff: the order must not be negative, got {n}")
        self.n = index(n)
        self.axis = index(axis)

    def __call__(self, *inputs: Any, name: str | None = None, return_list: bool = False, **kwargs: Any) -> Any:
        x = as_tensor_variable(*inputs)
        if x.ndim == 0:
            raise ValueError("diff: a scalar has no axis to take differences along")
        axis = _one_axis(self.axis, x.ndim, "diff")
        for _ in range(self.n):
            after, before = part(x, axis, slice(1, None)), part(x, axis, slice(None, -1))
            x = neq(after, before) if x.dtype == "bool" else sub(after, before)
        return [x] if return_list else x


def diff(x: Any, n: int = 1, axis: int = -1) -> Any:
    """The n-th difference along `axis`: x[1:] - x[:-1], n times (of bools `!=`).

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> diff(v).eval({v: [1.0, 4.0, 9.0]}).tolist()
    [3.0, 5.0]
    """
    return DiffOp(n, axis)(x)


class NonNegative(Op):
    """x, after a check that no element is negative (ValueError): a view."""

    __props__ = ("name",)
    view_map = {0: [0]}

    def __init__(self, name: str) -> None:
        self.name = name

    def make_node(self, x: Any) -> Apply:
        x = as_tensor_variable(x)
        return Apply(self, [x], [TensorVariable(x.type)])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        (x,) = inputs
        if x.size and x.min() < 0:
            raise ValueError(f"{self.name}: the elements must not be negative, got {x.min()}")
        output_storage[0][0] = x

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [input_shapes[0]]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [output_gradients[0]]

    def __str__(self) -> str:
        return f"NonNegative{{{self.name}}}"


def bincount(x: Any, weights: Any = None, minlength: Any = None, assert_nonneg: bool = False) -> Any:
    """How often each of 0, 1, 2, … occurs in the vector of integers x (int64), up to its maximum; or, with weights,
    the sum of the weights at which it occurs.

    minlength       the result has at least this length
    assert_nonneg   accepted for compatibility: negative elements always raise ValueError
    Differentiable by the weights.

    >>> bincount([0, 2, 2]).eval().tolist(), bincount([0, 2, 2], [1.0, 2.0, 3.0]).eval().tolist()
    ([1, 0, 2], [1.0, 0.0, 5.0])
    """
    x = as_tensor_variable(x)
    if x.ndim != 1 or x.dtype not in (*integer_dtypes, "bool"):
        raise TypeError(f"bincount takes a vector of integers, got {x} of type {x.type}")
    if x.dtype != "int64":
        x = cast_to(x, "int64")
    x = NonNegative("bincount")(x)
    # -1 is the maximum of nothing
    size = add(Max()(join(0, x, constant(np.array([-1])))), 1)
    if minlength is not None:
        size = maximum(size, _least_length(minlength))
    if weights is None:
        return AdvancedIncSubtensor1()(zeros((size,), "int64"), constant(1, dtype="int64"), x)
    weights = as_tensor_variable(weights)
    if weights.ndim != 1:
        raise TypeError(f"bincount: the weights must be a vector, got {weights} of type {weights.type}")
    return AdvancedIncSubtensor1()(zeros((size,), weights.dtype), checked(weights, x, [(0, 0)], "bincount"), x)


def _least_length(minlength: Any) -> Any:
    """`minlength` as a 0-d int64, which is not negative."""
    n = as_tensor_variable(minlength)
    if n.ndim or n.dtype not in integer_dtypes:
        raise TypeError(f"bincount: minlength must be an integer, got {n} of type {n.type}")
    number = known(n)
    if isinstance(number, int) and number < 0:
        raise ValueError(f"bincount: minlength must not be negative, got {number}")
    n = cast_to(n, "int64")
    return n if isinstance(number, int) else NonNegative("bincount, minlength")(n)


class SearchsortedOp(Op):
    """Where to insert elements into a sorted vector so that it stays sorted. Inputs: x, v and perhaps a sorter.

    side   "left" gives the first suitable position, "right" the last
    """

    __props__ = ("side",)

    def __init__(self, side: str = "left") -> None:
        if side not in ("left", "right"):
            raise ValueError(f"searchsorted: side must be 'left' or 'right', got {side!r}")
        self.side = side

    def make_node(self, x: Any, v: Any, sorter: Any = None) -> Apply:
        x, v = as_tensor_variable(x), as_tensor_variable(v)
        if x.ndim != 1:
            raise ValueError(f"searchsorted: the first argument must be a vector, got {x} of type {x.type}")
        inputs = [x, v]
        if sorter is not None:
            sorter = as_tensor_variable(sorter)
            if sorter.ndim != 1 or sorter.dtype not in integer_dtypes:
                raise TypeError(f"searchsorted: the sorter must be a vector of integers, got type {sorter.type}")
            inputs.append(sorter)
        return Apply(self, inputs, [TensorVariable(tensor_type("int64", v.type.shape))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, v, *rest = inputs
        sorter = rest[0] if rest else None
        output_storage[0][0] = np.asarray(np.searchsorted(x, v, side=self.side, sorter=sorter), dtype="int64")  # type: ignore[call-overload]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [input_shapes[1]]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [zero_for(inputs[0]), zero_for(inputs[1]), *(disconnected_type() for _ in inputs[2:])]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [True], *([False] for _ in node.inputs[2:])]


def searchsorted(x: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    """Positions (int64) at which the elements of v are to be inserted into the sorted vector x to keep it sorted.

    side     "left": before equal elements, "right": after them
    sorter   positions that sort x, if x is not sorted itself

    >>> searchsorted([1.0, 2.0, 3.0], [0.0, 2.0]).eval().tolist()
    [0, 1]
    """
    return SearchsortedOp(side)(x, v) if sorter is None else SearchsortedOp(side)(x, v, sorter)


# -- one-hot rows, windows ---------------------------------------------------------------------------------------------


def to_one_hot(y: Any, nb_class: Any, dtype: Any = None) -> Any:
    """A matrix with a row for each element of the vector of integers y: 1 in column y[i], else 0.

    dtype   None: floatX

    >>> to_one_hot([0, 2], 3).eval().tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    y = as_tensor_variable(y)
    if y.ndim != 1 or y.dtype not in integer_dtypes:
        raise TypeError(f"to_one_hot takes a vector of integers, got {y} of type {y.type}")
    rows = length(y, 0)
    result = zeros((rows, nb_class), dtype)
    return set_subtensor(getitem(result, (arange(rows), y)), constant(1, dtype=result.dtype))


class Bartlett(Op):
    """The Bartlett window of M points, float64. Input: M, a 0-d integer; no points if it is below 1."""

    __props__ = ()

    def make_node(self, M: Any) -> Apply:
        M = as_tensor_variable(M)
        if M.ndim or M.dtype not in integer_dtypes:
            raise TypeError(f"bartlett: the number of points must be an integer, got {M} of type {M.type}")
        n = known(M)
        shape = (max(n, 0),) if isinstance(n, int) else (None,)
        return Apply(self, [M], [TensorVariable(tensor_type("float64", shape))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        output_storage[0][0] = np.asarray(np.bartlett(int(inputs[0])), dtype="float64")

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        n = known(node.inputs[0])
        return [(at_least(n if isinstance(n, int) else cast_to(n, "int64"), 0),)]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [zero_for(inputs[0])]


bartlett_ = Bartlett()


def bartlett(M: Any) -> Any:
    """The Bartlett (triangular) window of M points."""
    return bartlett_(M)


class Unique(Op):
    """The different elements, sorted: of the flattened x, or the different items along `axis`.

    return_index     also the position where each occurs first
    return_inverse   also, for each element of x, its position in the result
    return_counts    also how often each occurs
    """

    __props__ = ("return_index", "return_inverse", "return_counts", "axis")

    def __init__(
        self, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False, axis: Any = None
    ) -> None:
        self.return_index = bool(return_index)
        self.return_inverse = bool(return_inverse)
        self.return_counts = bool(return_counts)
        self.axis = None if axis is None else index(axis)

    def make_node(self, x: Any) -> Apply:
        x = as_tensor_variable(x)
        if self.axis is None:
            shape: tuple[int | None, ...] = (None,)
        else:
            axis = _one_axis(self.axis, x.ndim, "Unique")
            shape = tuple(None if k == axis else n for k, n in enumerate(x.type.shape))
        extras = self.return_index + self.return_inverse + self.return_counts
        outputs = [TensorVariable(tensor_type(x.type.dtype, shape))]
        outputs += [TensorVariable(tensor_type("int64", (None,))) for _ in range(extras)]
        return Apply(self, [x], outputs)

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        found = np.unique(
            inputs[0], return_index=True, return_inverse=True, return_counts=True, axis=self.axis
        )
        wanted = (True, self.return_index, self.return_inverse, self.return_counts)
        results = [result for result, want in zip(found, wanted) if want]
        for number, (cell, result) in enumerate(zip(output_storage, results)):
            cell[0] = result.astype("int64").ravel() if number else result

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        raise ShapeError(f"{self}: how many elements differ depends on values")

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [NullType("the gradient of Unique is not implemented")()]


class CpuContiguous(Op):
    """x in C order: a view where it is already, else a copy."""

    __props__ = ()
    view_map = {0: [0]}

    def make_node(self, x: Any) -> Apply:
        x = as_tensor_variable(x)
        return Apply(self, [x], [TensorVariable(x.type)])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        (x,) = inputs
        output_storage[0][0] = x if x.flags.c_contiguous else np.array(x, order="C")

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [input_shapes[0]]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [output_gradients[0]]


cpu_contiguous = CpuContiguous()
