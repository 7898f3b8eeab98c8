"""CAReduce: reduce axes by an associative and commutative scalar op; Sum, Prod, Max and Min are made of it.

The ops never keep the reduced axes: a DimShuffle adds them back. The functions that users call (`sum`, `max`, `mean`,
…) are in `reductions.py`, All and Any in `truth.py`, positions of maxima in `argmax.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.exceptions import AxisError

from theano._config import config
from theano.errors import ShapeError
from theano.graph.node import Apply, Constant, Variable
from theano.graph.op import Op
from theano.graph.type import NullType
from theano.scalar.arithmetic import add, mul
from theano.scalar.cancelling import times
from theano.scalar.comparison import eq
from theano.scalar.complex_numbers import conj, real
from theano.scalar.dtypes import (
    complex_dtypes,
    discrete_dtypes,
    int_dtypes,
    uint_dtypes,
    upcast,
    upcast_out,
)
from theano.scalar.op import ScalarOp
from theano.scalar.selection import maximum, minimum, second, switch
from theano.tensor.convert import as_tensor_variable
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.elemwise import Elemwise, cast_to
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable

Axis = tuple[int, ...] | None

_UFUNCS = {
    "add": np.add, "mul": np.multiply, "maximum": np.maximum, "minimum": np.minimum,
    "and_": np.bitwise_and, "or_": np.bitwise_or, "xor": np.bitwise_xor,
}


def widened_dtype(dtype: str) -> str:
    """The dtype of a sum or product: integers and bool widen to 64 bits, others stay."""
    if dtype == "bool" or dtype in int_dtypes:
        return "int64"
    if dtype in uint_dtypes:
        return "uint64"
    return dtype


def accumulator_dtype(dtype: str) -> str:
    """The dtype in which sums and products are accumulated: the widest of the kind."""
    if dtype in discrete_dtypes:
        return widened_dtype(dtype)
    return "complex128" if dtype in complex_dtypes else "float64"


def as_tuple(axis: Any) -> Any:
    """`axis` as a tuple of what it names, or None."""
    if axis is None:
        return None
    if isinstance(axis, (list, tuple, range)) or (isinstance(axis, np.ndarray) and axis.ndim):
        return tuple(axis)
    return (axis,)


def normalized_axes(axis: Any, ndim: int, name: str = "reduction") -> Axis:
    """Sorted non-negative axes, or None where all axes are meant.

    Raises TypeError for what is no integer, AxisError (a ValueError and IndexError) for an axis out of range,
    ValueError for one that is named twice.
    """
    if axis is None:
        return None
    axes = []
    for entry in as_tuple(axis):
        if isinstance(entry, Variable):
            if not isinstance(entry, Constant):
                raise TypeError(f"{name}: an axis must be known when the expression is built, got {entry}")
            entry = entry.data
        if isinstance(entry, np.ndarray) and entry.ndim == 0:
            entry = entry.item()
        if isinstance(entry, (bool, np.bool_)) or not isinstance(entry, (int, np.integer)):
            raise TypeError(f"{name}: an axis must be an integer, a tuple of them or None, got {axis!r}")
        number = int(entry) + ndim if entry < 0 else int(entry)
        if not 0 <= number < ndim:
            raise AxisError(f"{name}: axis {entry} is out of bounds for a tensor with {ndim} axes")
        if number in axes:
            raise ValueError(f"{name}: axis {entry} is named twice in {axis!r}")
        axes.append(number)
    return None if len(axes) == ndim else tuple(sorted(axes))


def reduced_axes(axis: Axis, ndim: int) -> tuple[int, ...]:
    """The axes that `axis` stands for."""
    return tuple(range(ndim)) if axis is None else axis


def with_axes_back(reduced: Any, axes: Sequence[int], ndim: int) -> Any:
    """`reduced` with axes of length one where `axes` of a tensor of rank `ndim` were reduced."""
    kept = iter(range(ndim - len(axes)))
    return dimshuffle(reduced, ["x" if axis in axes else next(kept) for axis in range(ndim)])


def zero_gradient(x: Any) -> Any:
    """Zeros of x's shape, in its dtype where that has fractions, else in floatX."""
    return second(x, np.zeros((), x.dtype if x.dtype not in discrete_dtypes else config.floatX))


class CAReduce(Op):
    """Reduce `axis` by `scalar_op`.

    axis       an axis, a tuple of axes, or None for all; in a node: sorted and non-negative, None for all
    dtype      of the result; None: what `scalar_op` gives
    acc_dtype  of the computation; None: `dtype`, which is wide enough for what is not a sum or product
    An empty reduction gives the identity of the op; ValueError if it has none.
    """

    __props__: ClassVar[tuple[str, ...]] = ("scalar_op", "axis", "dtype", "acc_dtype")
    is_cheap = True
    is_total = True   # but for those of nothing that have no identity

    def __init__(self, scalar_op: ScalarOp, axis: Any = None, dtype: Any = None, acc_dtype: Any = None) -> None:
        self.scalar_op = scalar_op
        self.axis: Any = as_tuple(axis)
        self.dtype = None if dtype is None else _dtype(dtype)
        self.acc_dtype = None if acc_dtype is None else _dtype(acc_dtype)

    def _default_dtype(self, input_dtype: str) -> str:
        return self.scalar_op.output_dtype(input_dtype, input_dtype)

    def _default_acc_dtype(self, input_dtype: str, dtype: str) -> str:
        return dtype

    def _in_node(self, axis: Axis, dtype: str, acc_dtype: str) -> CAReduce:
        """This op with everything settled."""
        if (axis, dtype, acc_dtype) == (self.axis, self.dtype, self.acc_dtype):
            return self
        op = self.__class__.__new__(self.__class__)
        op.__dict__.update(self.__dict__)
        op.axis, op.dtype, op.acc_dtype = axis, dtype, acc_dtype
        return op

    def make_node(self, x: Any) -> Apply:
        x = as_tensor_variable(x)
        name = type(self).__name__
        axis = normalized_axes(self.axis, x.ndim, name)
        self.scalar_op.output_dtype(x.dtype, x.dtype)
        dtype = self.dtype if self.dtype is not None else self._default_dtype(x.dtype)
        acc_dtype = self.acc_dtype
        if acc_dtype is None:
            acc_dtype = self._default_acc_dtype(x.dtype, dtype)
        elif acc_dtype not in discrete_dtypes and x.dtype in discrete_dtypes:
            pass
        elif upcast(x.dtype, acc_dtype) != acc_dtype:
            raise TypeError(
                f"{name} of {x.dtype} cannot accumulate in {acc_dtype} without losing precision; "
                f"choose a wider acc_dtype, or cast the input to {acc_dtype} first"
            )
        if acc_dtype in complex_dtypes and dtype not in complex_dtypes:
            raise TypeError(
                f"{name} of {x.dtype} cannot give {dtype}: the imaginary part would be lost; take real(x) first"
            )
        axes = reduced_axes(axis, x.ndim)
        shape = tuple(n for k, n in enumerate(x.type.shape) if k not in axes)
        return Apply(self._in_node(axis, dtype, acc_dtype), [x], [TensorVariable(tensor_type(dtype, shape))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        (x,) = inputs
        op: Any = node.op
        result = self._reduce(np.asarray(x), reduced_axes(op.axis, x.ndim), op.acc_dtype)
        output_storage[0][0] = np.asarray(result).astype(op.dtype, copy=False)

    def _reduce(self, x: np.ndarray, axes: tuple[int, ...], acc_dtype: str) -> Any:
        record = self.scalar_op
        ufunc = _UFUNCS.get(record.name) or record.numpy
        if not axes:
            return np.array(x, dtype=acc_dtype)
        if isinstance(ufunc, np.ufunc):
            if acc_dtype == "bool" and record.name in ("add", "mul"):
                ufunc = np.logical_or if record.name == "add" else np.logical_and
            elif x.dtype != acc_dtype and not np.can_cast(x.dtype, acc_dtype, "same_kind"):
                x = x.astype(acc_dtype)
            try:
                return ufunc.reduce(x, axis=axes, dtype=acc_dtype)
            except ValueError as error:
                if x.size:
                    raise
                raise _empty(self, x.shape, axes) from error
        assert ufunc is not None
        moved = np.moveaxis(x, axes, range(len(axes))).astype(acc_dtype)
        rows = moved.reshape((-1, *moved.shape[len(axes):]))
        if not len(rows):
            raise _empty(self, x.shape, axes)
        result = rows[0]
        for row in rows[1:]:
            result = ufunc(result, row)
        return result

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        (shape,) = input_shapes
        if shape is None:
            raise ShapeError(f"{self} of something without a shape")
        axes = reduced_axes(node.op.axis, len(shape))  # type: ignore[attr-defined]
        return [tuple(n for k, n in enumerate(shape) if k not in axes)]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x,), (z,), (gz,) = inputs, outputs, output_gradients
        op: Any = z.owner.op if z.owner is not None else self
        axes = reduced_axes(normalized_axes(op.axis, x.ndim), x.ndim)
        if z.dtype in discrete_dtypes:
            return [zero_gradient(x)]
        name = self.scalar_op.name
        if name == "add":
            term = second(x, with_axes_back(gz, axes, x.ndim))
        elif name == "mul":
            term = self._grad_of_product(x, z, gz, axes)
        elif name in ("maximum", "minimum"):
            chosen = eq(x, cast_to(with_axes_back(z, axes, x.ndim), x.dtype))
            term = switch(chosen, with_axes_back(gz, axes, x.ndim), np.zeros((), gz.dtype))
        else:
            return [NullType(f"reduction by {name} has no known derivative")()]
        return [term if x.dtype in discrete_dtypes else cast_to(term, x.dtype)]

    def _grad_of_product(self, x: Any, z: Any, gz: Any, axes: tuple[int, ...]) -> Any:
        divided = None if x.dtype in complex_dtypes else times(gz, z)
        if divided is not None:   # of log(prod(x)): the product may be too large or too small for its dtype
            return ScalarOp.registry["true_div"](with_axes_back(divided, axes, x.ndim), x)
        others = ProductOfOthers(axes)(x)
        if x.dtype in complex_dtypes:
            others = conj(others)
        return mul(with_axes_back(gz, axes, x.ndim), others)

    def __str__(self) -> str:
        axes = "" if self.axis is None else f"{{axis={list(self.axis)}}}"
        if type(self) is CAReduce:
            return f"Reduce{{{self.scalar_op.name}}}{axes}"
        return f"{type(self).__name__}{axes}"


def _dtype(dtype: Any) -> str:
    return str(config.floatX) if dtype == "floatX" else np.dtype(dtype).name


def _empty(op: Op, shape: tuple[int, ...], axes: tuple[int, ...]) -> ValueError:
    return ValueError(
        f"{op}: nothing to reduce along axes {axes} of an array of shape {shape}, and the op has no identity. "
        "Make sure that these axes are not empty, or join a bound to the array first."
    )


class CAReduceDtype(CAReduce):
    """A reduction whose result widens integers to 64 bits and which accumulates in the widest dtype of the kind."""

    def _default_dtype(self, input_dtype: str) -> str:
        return widened_dtype(input_dtype)

    def _default_acc_dtype(self, input_dtype: str, dtype: str) -> str:
        acc = accumulator_dtype(input_dtype)
        return upcast(acc, dtype) if dtype not in discrete_dtypes else acc


class Sum(CAReduceDtype):
    """Sum over axes. The sum of nothing is 0."""

    def __init__(self, axis: Any = None, dtype: Any = None, acc_dtype: Any = None) -> None:
        super().__init__(add, axis, dtype, acc_dtype)


class Prod(CAReduceDtype):
    """Product over axes. The product of nothing is 1.

    no_zeros_in_input   the caller promises that no element is 0: the gradient is then a division
    """

    __props__ = ("scalar_op", "axis", "dtype", "acc_dtype", "no_zeros_in_input")

    def __init__(
        self, axis: Any = None, dtype: Any = None, acc_dtype: Any = None, no_zeros_in_input: bool = False
    ) -> None:
        super().__init__(mul, axis, dtype, acc_dtype)
        self.no_zeros_in_input = bool(no_zeros_in_input)

    def _grad_of_product(self, x: Any, z: Any, gz: Any, axes: tuple[int, ...]) -> Any:
        if not self.no_zeros_in_input:
            return super()._grad_of_product(x, z, gz, axes)
        product = with_axes_back(z, axes, x.ndim)
        others = ScalarOp.registry["true_div"](product, x)
        return mul(with_axes_back(gz, axes, x.ndim), conj(others) if x.dtype in complex_dtypes else others)


class Max(CAReduce):
    """Largest element over axes; NaN where one is NaN. The gradient goes to every element that equals the maximum."""

    is_total = False   # of nothing it is an error

    def __init__(self, axis: Any = None, dtype: Any = None, acc_dtype: Any = None) -> None:
        super().__init__(maximum, axis, dtype, acc_dtype)

    def make_node(self, x: Any) -> Apply:
        x = as_tensor_variable(x)
        if x.dtype in complex_dtypes:
            raise TypeError(f"{type(self).__name__} of {x.dtype} has no meaning; take abs(x) or real(x) first")
        return super().make_node(x)


class Min(Max):
    """Smallest element over axes; NaN where one is NaN. The gradient goes to every element that equals it."""

    def __init__(self, axis: Any = None, dtype: Any = None, acc_dtype: Any = None) -> None:
        CAReduce.__init__(self, minimum, axis, dtype, acc_dtype)


class Supremum(Max):
    """Largest element of floats over axes, as Max; that of nothing is -inf, and no error. What softmax is made of."""

    is_total = True

    def _reduce(self, x: np.ndarray, axes: tuple[int, ...], acc_dtype: str) -> Any:
        return np.maximum.reduce(x, axis=axes, dtype=acc_dtype, initial=-np.inf)


class ProductOfOthers(Op):
    """The derivatives of a product over `axes`, exact also where factors are 0.

    Of (x): element k is the product of all elements but x[k] (over `axes`): the gradient of the product.
    Of (x, g1, ..., gm): element k is the m-th directional derivative of that in the directions g1, ..., gm:
    the sum over distinct positions i1..im, none of them k, of g1[i1]...gm[im] times the product of all other x.
    As this form is symmetric and linear in each direction, its derivatives are again of this form, to any order.
    """

    __props__ = ("axes",)

    def __init__(self, axes: Sequence[int]) -> None:
        self.axes = tuple(axes)

    def make_node(self, x: Any, *directions: Any) -> Apply:
        x = as_tensor_variable(x)
        tensors = [x, *(as_tensor_variable(g) for g in directions)]
        for g in tensors[1:]:
            if g.ndim != x.ndim:
                raise TypeError(f"{self}: the direction {g} must have {x.ndim} axes, as the factors have")
        dtype = upcast_out(*(v.dtype for v in tensors))
        if dtype in discrete_dtypes:
            dtype = upcast(dtype, str(config.floatX))
        return Apply(self, tensors, [TensorVariable(tensor_type(dtype, x.type.shape))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        dtype = node.outputs[0].type.dtype  # type: ignore[attr-defined]
        wide = accumulator_dtype(dtype)
        x, *directions = (np.asarray(v, dtype=wide) for v in inputs)
        count = len(self.axes)
        moved = np.moveaxis(x, self.axes, range(count))
        rest = moved.shape[count:]
        rows = moved.reshape((int(np.prod(moved.shape[:count], dtype=np.int64)), *rest))
        ways = [np.moveaxis(g, self.axes, range(count)).reshape(rows.shape) for g in directions]
        result = _exclusive(rows, ways).reshape(moved.shape)
        output_storage[0][0] = np.ascontiguousarray(np.moveaxis(result, range(count), self.axes)).astype(dtype)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [input_shapes[0]]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x, *directions), (gz,) = inputs, output_gradients
        is_complex = outputs[0].dtype in complex_dtypes
        back = conj(gz) if is_complex else gz   # a holomorphic function: its derivative is conjugated
        terms = [self(x, *directions, back)]
        for number, _ in enumerate(directions):
            terms.append(self(x, *directions[:number], back, *directions[number + 1:]))
        return [_as_input(v, conj(term) if is_complex else term) for v, term in zip(inputs, terms)]

    def __str__(self) -> str:
        return f"ProductOfOthers{{axes={list(self.axes)}}}"


def _as_input(x: Any, term: Any) -> Any:
    """`term` in the dtype of x, whose gradient it is."""
    if x.dtype in discrete_dtypes:
        return term
    return cast_to(real(term) if term.dtype in complex_dtypes and x.dtype not in complex_dtypes else term, x.dtype)


def _exclusive(rows: np.ndarray, ways: list[np.ndarray]) -> np.ndarray:
    """For each k the coefficient of e1*...*em in the product over j != k of (x[j] + e1*g1[j] + ... + em*gm[j]),
    where ei**2 == 0; by products of all factors before k and of all after k."""
    n = len(rows)
    result = np.zeros_like(rows)
    if not ways:
        if n:
            before = np.ones_like(rows)
            np.multiply.accumulate(rows[:-1], axis=0, out=before[1:])
            after = np.ones_like(rows)
            np.multiply.accumulate(rows[:0:-1], axis=0, out=after[-2::-1] if n > 1 else after[:0])
            np.multiply(before, after, out=result)
        return result
    subsets = range(1 << len(ways))

    def running(order: Any) -> list[list[np.ndarray]]:
        """Coefficients, by subset of the directions, of the product of the factors that come before in `order`."""
        one = [np.ones(rows.shape[1:], rows.dtype)] + [np.zeros(rows.shape[1:], rows.dtype) for _ in subsets[1:]]
        products = []
        for j in order:
            products.append(one)
            following = []
            for subset in subsets:
                value = one[subset] * rows[j]
                for number, g in enumerate(ways):
                    if subset >> number & 1:
                        value = value + one[subset ^ (1 << number)] * g[j]
                following.append(value)
            one = following
        return products

    before_all = running(range(n))
    after_all = running(range(n - 1, -1, -1))[::-1]
    full = subsets[-1]
    for k in range(n):
        result[k] = sum(before_all[k][subset] * after_all[k][full ^ subset] for subset in subsets)
    return result


def _mul_without_zeros() -> ScalarOp:
    return mul_without_zeros


def _product_of_nonzeros(x: Any, y: Any) -> Any:
    return np.where(x == 0, y, np.where(y == 0, x, x * y))


mul_without_zeros = ScalarOp(
    "mul_without_zeros", 2, upcast_out, numpy=_product_of_nonzeros, params=(_mul_without_zeros,),
    doc="x * y where neither is 0, else the other one: a product that leaves zeros out.",
)
MulWithoutZeros = type(mul_without_zeros)


class ProdWithoutZeros(CAReduceDtype):
    """Product of the nonzero elements over axes; 1 of nothing and 0 of zeros only, as a zero that meets a zero stays.

    Its gradient is zero where x is 0, and the product of the other nonzero elements elsewhere.
    """

    def __init__(self, axis: Any = None, dtype: Any = None, acc_dtype: Any = None) -> None:
        super().__init__(mul_without_zeros, axis, dtype, acc_dtype)

    def _reduce(self, x: np.ndarray, axes: tuple[int, ...], acc_dtype: str) -> Any:
        product = np.multiply.reduce(np.where(x == 0, np.ones((), x.dtype), x), axis=axes, dtype=acc_dtype)
        only_zeros = np.logical_and.reduce(x == 0, axis=axes)
        empty = any(x.shape[axis] == 0 for axis in axes)
        return product if empty else np.where(only_zeros, np.zeros((), acc_dtype), product)

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x,), (z,), (gz,) = inputs, outputs, output_gradients
        if z.dtype in discrete_dtypes:
            return [zero_gradient(x)]
        op: Any = z.owner.op if z.owner is not None else self
        axes = reduced_axes(normalized_axes(op.axis, x.ndim), x.ndim)
        is_zero = eq(x, np.zeros((), x.dtype))
        divisor = switch(is_zero, np.ones((), x.dtype), x)
        quotient = ScalarOp.registry["true_div"](
            mul(with_axes_back(gz, axes, x.ndim), with_axes_back(z, axes, x.ndim)), divisor
        )
        return [cast_to(switch(is_zero, np.zeros((), quotient.dtype), quotient), x.dtype)]


def _sum_over(x: Any, axes: tuple[int, ...]) -> Any:
    return Sum(axes)(x)


Elemwise.sum_over = staticmethod(_sum_over)  # type: ignore[assignment]
