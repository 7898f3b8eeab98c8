"""Operators and methods of tensor variables: `x + y`, `x[i]`, `x.sum()`, `x.T`, `np.exp(x)`.

They are installed on `TensorOperators`, from which symbolic, constant and shared tensors inherit. This module sits
above all ops; no op imports it. Elementwise methods (`x.exp()`) come from the records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from theano import scalar
from theano.errors import AsTensorError
from theano.scalar.op import ScalarOp
from theano.tensor import (
    creation,
    diagonal,
    extra_ops,
    functions,
    numpy_protocol,
    other_types,
    products,
    reductions,
    shape,
    sort,
    subtensor,
)
from theano.tensor import dimshuffle as _dimshuffle
from theano.tensor import scalar_constants as _constants
from theano.tensor.elemwise import Elemwise, elemwise_of
from theano.tensor.variable import TensorOperators

_COMPARISONS = frozenset(["lt", "le", "gt", "ge", "eq", "neq"])


def _binary(op: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """An operator's method and its reflected form; operands that are no tensors get their own chance."""

    def method(self: Any, other: Any) -> Any:
        try:
            return op(self, other)
        except AsTensorError:
            return NotImplemented

    def reflected(self: Any, other: Any) -> Any:
        try:
            return op(other, self)
        except AsTensorError:
            return NotImplemented

    return method, reflected


def _unary(op: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any) -> Any:
        return op(self)

    return method


_BINARY: dict[str, Callable[..., Any]] = {
    "add": scalar.add, "sub": scalar.sub, "mul": scalar.mul, "truediv": scalar.true_div, "floordiv": scalar.int_div,
    "mod": functions.mod_check, "divmod": functions.divmod, "pow": scalar.pow,
    "and": scalar.and_, "or": scalar.or_, "xor": scalar.xor, "matmul": products.matmul,
}
_COMPARE = {"lt": scalar.lt, "le": scalar.le, "gt": scalar.gt, "ge": scalar.ge}
_UNARY = {
    "abs": scalar.abs_, "neg": scalar.neg, "invert": scalar.invert,
    "ceil": scalar.ceil, "floor": scalar.floor, "trunc": scalar.trunc,
}


class Methods:
    """The methods that need more than one op or have options; they are copied to TensorOperators."""

    # -- Python's protocols ---------------------------------------------------------------------------------------

    def __pos__(self: Any) -> Any:
        return self

    def __round__(self: Any, ndigits: int | None = None) -> Any:
        if ndigits:
            raise TypeError("round(x, ndigits) is not defined for symbolic tensors: write round(x * 10**n) / 10**n")
        return functions.round(self)

    def __bool__(self: Any) -> bool:
        if self.owner is not None and isinstance(self.owner.op, Elemwise) \
                and self.owner.op.scalar_op.name in _COMPARISONS:
            raise TypeError(
                f"The truth of {self} is not known while the graph is built: symbolic comparisons have no bool(). "
                "Use switch(condition, a, b) or ifelse; write (a < x) & (x < b) for a < x < b."
            )
        return True

    def __iter__(self: Any) -> Iterator[Any]:
        if self.type.ndim == 0:
            raise TypeError(f"iteration over a 0-d tensor: {self} of type {self.type}")
        length = self.type.shape[0]
        if length is None:
            raise TypeError(
                f"TensorType does not support iteration: the length of {self} (type {self.type}) is not known while "
                "the graph is built. Maybe you are using builtins.sum instead of theano.tensor.sum? (Maybe .max?) "
                "theano.scan loops over a tensor."
            )
        return (self[k] for k in range(length))

    def __getitem__(self: Any, args: Any) -> Any:
        return subtensor.getitem(self, args)

    def __setitem__(self: Any, args: Any, value: Any) -> None:
        raise TypeError(
            f"{self} is symbolic and does not support item assignment: use y = set_subtensor(x[index], value) or "
            "inc_subtensor."
        )

    def __array__(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(
            f"{self} (type {self.type}) is symbolic and has no value to make an array of: evaluate it with .eval() or "
            "a compiled function."
        )

    def __dot__(self: Any, other: Any) -> Any:
        return products.dot(self, other)

    def __rdot__(self: Any, other: Any) -> Any:
        return products.dot(other, self)

    # -- attributes -----------------------------------------------------------------------------------------------

    @property
    def T(self: Any) -> Any:
        """The axes reversed."""
        return shape.transpose(self)

    @property
    def shape(self: Any) -> Any:
        """The shape as a symbolic int64 vector."""
        return shape.shape(self)

    @property
    def size(self: Any) -> Any:
        """The number of elements, a symbolic 0-d int64."""
        if self.type.ndim == 1:
            return shape.shape_i(self, 0)
        return reductions.prod(shape.shape(self), dtype="int64")

    @property
    def real(self: Any) -> Any:
        """The real part."""
        return scalar.real(self)

    @property
    def imag(self: Any) -> Any:
        """The imaginary part."""
        return scalar.imag(self)

    # -- shape ----------------------------------------------------------------------------------------------------

    def reshape(self: Any, *shape_: Any, ndim: int | None = None, **kwargs: Any) -> Any:
        """The elements, in C order, in another shape: one sequence or vector (then `ndim`), or several lengths."""
        if "shape" in kwargs:
            shape_ = (kwargs.pop("shape"), *shape_)
        if kwargs:
            raise TypeError(f"reshape: unknown arguments {sorted(kwargs)}")
        if not shape_:
            raise TypeError("reshape takes a shape")
        first = shape_[0]
        if isinstance(first, (list, tuple)) or getattr(first, "ndim", 0) == 1:
            if len(shape_) > 2 or (len(shape_) == 2 and ndim is not None):
                raise TypeError(f"reshape takes one shape and ndim, got {shape_}")
            return shape.reshape(self, first, shape_[1] if len(shape_) == 2 else ndim)
        return shape.reshape(self, list(shape_), ndim)

    def dimshuffle(self: Any, *pattern: Any) -> Any:
        """Permute, add ("x") and drop axes: `x.dimshuffle(1, "x", 0)`."""
        return _dimshuffle.dimshuffle(self, *pattern)

    def flatten(self: Any, ndim: int = 1) -> Any:
        """The first ndim - 1 axes kept and the others folded into one."""
        return shape.flatten(self, ndim)

    def ravel(self: Any) -> Any:
        """All elements as a vector, in C order."""
        return shape.flatten(self, 1)

    def transpose(self: Any, *axes: Any) -> Any:
        """The axes in another order; without arguments reversed."""
        if not axes or axes == (None,):
            return shape.transpose(self)
        if len(axes) == 1 and isinstance(axes[0], (list, tuple)):
            axes = tuple(axes[0])
        return shape.transpose(self, axes)

    def swapaxes(self: Any, axis1: int, axis2: int) -> Any:
        """Two axes exchanged."""
        return shape.swapaxes(self, axis1, axis2)

    def squeeze(self: Any, axis: Any = None) -> Any:
        """Without the axes that are known to have length one."""
        return shape.squeeze(self, axis)

    def diagonal(self: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        """A diagonal of two axes, as the last axis."""
        return diagonal.diagonal(self, offset, axis1, axis2)

    def trace(self: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        """The sum of a diagonal."""
        return diagonal.trace(self, offset, axis1, axis2)

    def repeat(self: Any, repeats: Any, axis: int | None = None) -> Any:
        """Every element repeated."""
        return extra_ops.repeat(self, repeats, axis)

    # -- reductions -----------------------------------------------------------------------------------------------

    def any(self: Any, axis: Any = None, keepdims: bool = False) -> Any:
        """Whether any element is not zero."""
        return reductions.any(self, axis=axis, keepdims=keepdims)

    def all(self: Any, axis: Any = None, keepdims: bool = False) -> Any:
        """Whether no element is zero."""
        return reductions.all(self, axis=axis, keepdims=keepdims)

    def sum(self: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, acc_dtype: Any = None) -> Any:
        """The sum over axes."""
        return reductions.sum(self, axis=axis, dtype=dtype, keepdims=keepdims, acc_dtype=acc_dtype)

    def prod(self: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, acc_dtype: Any = None) -> Any:
        """The product over axes."""
        return reductions.prod(self, axis=axis, dtype=dtype, keepdims=keepdims, acc_dtype=acc_dtype)

    def mean(self: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, acc_dtype: Any = None) -> Any:
        """The mean over axes."""
        return reductions.mean(self, axis=axis, dtype=dtype, keepdims=keepdims, acc_dtype=acc_dtype)

    def var(self: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False, corrected: bool = False) -> Any:
        """The variance over axes."""
        return reductions.var(self, axis=axis, ddof=ddof, keepdims=keepdims, corrected=corrected)

    def std(self: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False, corrected: bool = False) -> Any:
        """The standard deviation over axes."""
        return reductions.std(self, axis=axis, ddof=ddof, keepdims=keepdims, corrected=corrected)

    def min(self: Any, axis: Any = None, keepdims: bool = False) -> Any:
        """The smallest element over axes."""
        return reductions.min(self, axis=axis, keepdims=keepdims)

    def max(self: Any, axis: Any = None, keepdims: bool = False) -> Any:
        """The largest element over axes."""
        return reductions.max(self, axis=axis, keepdims=keepdims)

    def argmin(self: Any, axis: Any = None, keepdims: bool = False) -> Any:
        """The position of the smallest element."""
        return reductions.argmin(self, axis=axis, keepdims=keepdims)

    def argmax(self: Any, axis: Any = None, keepdims: bool = False) -> Any:
        """The position of the largest element."""
        return reductions.argmax(self, axis=axis, keepdims=keepdims)

    def ptp(self: Any, axis: Any = None) -> Any:
        """The range, max - min."""
        return reductions.ptp(self, axis=axis)

    def norm(self: Any, L: Any, axis: Any = None, keepdims: bool = False) -> Any:
        """The L-norm, sum(|x|**L)**(1/L), over axes; L = 0 and inf are refused (NotImplementedError)."""
        if isinstance(L, (int, float)) and (L == 0 or L in (float("inf"), float("-inf"))):
            raise NotImplementedError(f"norm: L = {L} is not supported; use (x != 0).sum() or abs(x).max()")
        if isinstance(L, (int, float)) and L == 1:
            return reductions.sum(scalar.abs_(self), axis=axis, keepdims=keepdims)
        if isinstance(L, (int, float)) and L == 2:
            squares = scalar.sqr(scalar.abs_(self))
            return scalar.sqrt(reductions.sum(squares, axis=axis, keepdims=keepdims))
        total = reductions.sum(scalar.pow(scalar.abs_(self), L), axis=axis, keepdims=keepdims)
        return scalar.pow(total, 1.0 / L)

    def cumsum(self: Any, axis: int | None = None) -> Any:
        """Sums of the elements up to each one."""
        return extra_ops.cumsum(self, axis)

    def cumprod(self: Any, axis: int | None = None) -> Any:
        """Products of the elements up to each one."""
        return extra_ops.cumprod(self, axis)

    # -- selection ------------------------------------------------------------------------------------------------

    def nonzero(self: Any, return_matrix: bool = False) -> Any:
        """The positions of the elements that are not zero: one index vector per axis, or a matrix."""
        return subtensor.nonzero(self, return_matrix)

    def nonzero_values(self: Any) -> Any:
        """The elements that are not zero."""
        return subtensor.nonzero_values(self)

    def sort(self: Any, axis: Any = -1, kind: str = "quicksort", order: Any = None) -> Any:
        """Sorted along an axis."""
        return sort.sort(self, axis, kind, order)

    def argsort(self: Any, axis: Any = -1, kind: str = "quicksort", order: Any = None) -> Any:
        """The positions that sort along an axis."""
        return sort.argsort(self, axis, kind, order)

    def searchsorted(self: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
        """Where the elements of v would be inserted in this sorted vector."""
        return extra_ops.searchsorted(self, v, side, sorter)

    def take(self: Any, indices: Any, axis: int | None = None, mode: str = "raise") -> Any:
        """The elements at `indices` along an axis."""
        return subtensor.take(self, indices, axis, mode)

    def choose(self: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:
        """Elements of `choices`, picked by these indices."""
        return subtensor.choose(self, choices, out=out, mode=mode)

    def compress(self: Any, condition: Any, axis: int | None = None) -> Any:
        """The slices along an axis where the condition holds (self is the array)."""
        return subtensor.compress(condition, self, axis=axis)

    def fill(self: Any, value: Any) -> Any:
        """`value` in this tensor's shape."""
        return scalar.second(self, value)

    def clip(self: Any, a_min: Any, a_max: Any) -> Any:
        """The elements limited to a_min ... a_max."""
        return scalar.clip(self, a_min, a_max)

    def round(self: Any, mode: str | None = None) -> Any:
        """The nearest integers, as floats."""
        return functions.round(self, mode)

    # -- others ---------------------------------------------------------------------------------------------------

    def astype(self: Any, dtype: Any) -> Any:
        """Converted to another dtype."""
        return functions.cast(self, dtype)

    def copy(self: Any, name: str | None = None) -> Any:
        """A copy, under another name if one is given."""
        copied = scalar.identity(self)
        copied.name = name
        return copied

    def dot(self: Any, y: Any) -> Any:
        """The dot product."""
        return products.dot(self, y)

    def zeros_like(self: Any, dtype: Any = None) -> Any:
        """Zeros of this shape."""
        return creation.zeros_like(self, dtype)

    def ones_like(self: Any, dtype: Any = None) -> Any:
        """Ones of this shape."""
        return creation.ones_like(self, dtype)

    def transfer(self: Any, target: str) -> Any:
        """Moved to another device."""
        return other_types.transfer(self, target)

    def get_scalar_constant_value(self: Any) -> Any:
        """The number that this expression always equals (NotScalarConstantError if it is not known)."""
        return _constants.get_scalar_constant_value(self)

    __array_ufunc__ = numpy_protocol.array_ufunc
    __array_function__ = numpy_protocol.array_function


def _install() -> None:
    for record in ScalarOp.registry.values():
        for name in record.method if record.nin == 1 else ():
            setattr(TensorOperators, name, _elementwise_method(name, record))
    for name, member in vars(Methods).items():
        if name not in ("__dict__", "__weakref__", "__doc__", "__module__", "__qualname__", "__firstlineno__",
                        "__static_attributes__", "__annotations__"):
            setattr(TensorOperators, name, member)
    for name, op in _BINARY.items():
        method, reflected = _binary(op)
        setattr(TensorOperators, f"__{name}__", method)
        setattr(TensorOperators, f"__r{name}__", reflected)
    for name, op in _COMPARE.items():
        setattr(TensorOperators, f"__{name}__", _binary(op)[0])
    for name, op in _UNARY.items():
        setattr(TensorOperators, f"__{name}__", _unary(op))


def _elementwise_method(name: str, record: ScalarOp) -> Callable[..., Any]:
    op = elemwise_of(record)

    def method(self: Any) -> Any:
        return op(self)

    method.__name__ = name
    method.__doc__ = record.doc
    return method


_install()
