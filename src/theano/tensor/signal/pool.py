"""theano.tensor.signal.pool: pooling over windows of the last two or three axes.

Pool and its gradient ops take the windows, their strides and the padding as vectors of integers, which may be
expressions. They are linear or piecewise linear, and the gradients of one another: all orders exist. Where several
elements of a window are the largest, all of them get its gradient. The arithmetic is in `pool_arrays.py`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from theano.graph.node import Apply, Constant
from theano.graph.op import Op
from theano.graph.type import disconnected_type
from theano.scalar.comparison import neq
from theano.scalar.dtypes import complex_dtypes, discrete_dtypes
from theano.scalar.selection import second, switch
from theano.tensor.convert import as_tensor_variable
from theano.tensor.elemwise import cast_to
from theano.tensor.lengths import at_least, known, minus, over, plus, times, where
from theano.tensor.region import zero_for
from theano.tensor.signal import pool_arrays
from theano.tensor.signal.pool_arrays import Windows
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable

_MODES = ("max", "sum", "average_inc_pad", "average_exc_pad")


def _size_vector(value: Any, ndim: int, what: str) -> Any:
    """`value` (an int for all axes, or one per axis) as a vector of int64."""
    if isinstance(value, (int, np.integer)):
        value = (value,) * ndim
    vector = as_tensor_variable(value)
    if vector.type.ndim == 0 and vector.type.dtype in discrete_dtypes:
        vector = as_tensor_variable([vector] * ndim)
    if vector.type.dtype not in discrete_dtypes:
        raise TypeError(f"pooling: {what} must be integers, got {value!r}")
    if vector.type.ndim != 1 or vector.type.shape[0] not in (None, ndim):
        raise TypeError(f"pooling: {what} must be an integer or {ndim} of them, got {value!r}")
    return as_tensor_variable(vector.data.astype("int64")) if isinstance(vector, Constant) else cast_to(vector, "int64")


class PoolBase(Op):
    """Common to the ops of pooling: their parameters, the vectors of sizes, and where the windows lie.

    ignore_border   windows that stick out at the end are left out; else they see the elements there are
    mode            'max', 'sum', 'average_inc_pad', 'average_exc_pad'
    ndim            how many axes, the last ones, are pooled over
    """

    __props__ = ("ignore_border", "mode", "ndim")

    def __init__(self, ignore_border: bool = False, mode: str = "max", ndim: int = 2, openmp: Any = None) -> None:
        if mode not in _MODES:
            raise ValueError(f"pooling: mode must be one of {', '.join(_MODES)}, got {mode!r}")
        if not isinstance(ndim, (int, np.integer)) or ndim < 1:
            raise ValueError(f"pooling: ndim must be a positive integer, got {ndim!r}")
        self.ignore_border = bool(ignore_border)
        self.mode = mode
        self.ndim = int(ndim)

    def _tensor(self, x: Any, what: str = "the input") -> Any:
        x = as_tensor_variable(x)
        if x.type.ndim < self.ndim:
            raise TypeError(f"pooling over {self.ndim} axes: {what} has too few axes, got {x} of type {x.type}")
        if x.type.dtype in complex_dtypes:
            raise TypeError(f"pooling: {what} must be real, got {x} of type {x.type}")
        return x

    def _sizes(self, ws: Any, stride: Any, pad: Any) -> list[Any]:
        ws = _size_vector(ws, self.ndim, "ws")
        stride = ws if stride is None else _size_vector(stride, self.ndim, "stride")
        pad = _size_vector((0,) * self.ndim if pad is None else pad, self.ndim, "pad")
        numbers = [v.data if isinstance(v, Constant) else None for v in (ws, stride, pad)]
        self._check_sizes(*numbers)
        return [ws, stride, pad]

    def _check_sizes(self, ws: Any, stride: Any, pad: Any) -> None:
        """ValueError for sizes (arrays, or None for unknown ones) that make no sense."""
        for what, numbers, least in (("ws", ws, 1), ("stride", stride, 1), ("pad", pad, 0)):
            if numbers is not None and (len(numbers) != self.ndim or min(numbers) < least):
                raise ValueError(
                    f"pooling: {what} must be {self.ndim} integers of at least {least}, got {tuple(map(int, numbers))}"
                )
        if pad is not None and any(pad):
            if not self.ignore_border:
                raise NotImplementedError("pooling: padding needs ignore_border=True")
            if ws is not None and any(p >= w for p, w in zip(pad, ws)):
                raise NotImplementedError(
                    f"pooling: the padding {tuple(map(int, pad))} must be smaller than the window "
                    f"{tuple(map(int, ws))}, or windows would hold nothing but padding"
                )

    def _windows(self, shape: Sequence[int], ws: Any, stride: Any, pad: Any) -> Windows:
        self._check_sizes(ws, stride, pad)
        image = tuple(shape[len(shape) - self.ndim :])
        ws, stride, pad = pool_arrays.ints(ws), pool_arrays.ints(stride), pool_arrays.ints(pad)
        counts = tuple(
            pool_arrays.window_count(n, w, s, p, self.ignore_border)
            for n, w, s, p in zip(image, ws, stride, pad)
        )
        if min(counts) < 1 or 0 in image:
            raise ValueError(
                f"pooling: no window of {ws} fits into images of {image} with padding {pad} "
                f"(ignore_border={self.ignore_border}). Use a smaller window, or ignore_border=False"
            )
        return Windows(image, counts, ws, stride, pad)

    def _check_fit(self, x: Any, windows: Windows, **arrays: Any) -> None:
        """ValueError unless these arrays have the shape of what pooling makes of x."""
        wanted = x.shape[: x.ndim - self.ndim] + windows.counts
        for what, array in arrays.items():
            if array.shape != wanted:
                raise ValueError(
                    f"pooling: {what} of shape {array.shape} does not fit an input of shape {x.shape}, whose windows "
                    f"give {wanted}"
                )

    def _check_like(self, x: Any, values: Any) -> None:
        if values.shape != x.shape:
            raise ValueError(f"pooling: values of shape {values.shape} are not like the input of shape {x.shape}")

    def _counts(self, shape: Sequence[Any], sizes: Sequence[Any]) -> list[Any]:
        """The lengths of the output over the axes pooled: ints, variables, or None where a length is None."""
        lengths = []
        for k, n in enumerate(shape[len(shape) - self.ndim :]):
            w, s, p = (_entry(v, k) for v in sizes)
            lengths.append(None if n is None else _window_count(n, w, s, p, self.ignore_border))
        return lengths

    def _static_counts(self, x: Any, sizes: Sequence[Any]) -> tuple[int | None, ...]:
        shape = x.type.shape
        if not all(isinstance(v, Constant) for v in sizes):
            return (*shape[: x.type.ndim - self.ndim], *(None,) * self.ndim)
        if all(n is not None for n in shape[x.type.ndim - self.ndim :]):
            self._windows(shape, *(v.data for v in sizes))
        return (*shape[: x.type.ndim - self.ndim], *self._counts(shape, sizes))

    def _related(self, kind: type[PoolBase]) -> Any:
        return kind(self.ignore_border, self.mode, self.ndim)


def _entry(vector: Any, k: int) -> Any:
    return int(vector.data[k]) if isinstance(vector, Constant) else vector[k]


def _window_count(n: Any, size: Any, stride: Any, pad: Any, ignore_border: bool) -> Any:
    """`pool_arrays.window_count` of lengths that may be variables."""
    n, size, stride, pad = map(known, (n, size, stride, pad))
    if all(isinstance(v, int) for v in (n, size, stride, pad)):
        return pool_arrays.window_count(n, size, stride, pad, ignore_border)
    if ignore_border:
        return plus(over(minus(plus(n, times(2, pad)), size), stride), 1)
    wide = plus(over(minus(n, 1), stride), 1)
    narrow = plus(at_least(over(plus(minus(minus(n, 1), size), stride), stride), 0), 1)
    if size is stride:
        return wide
    apart = stride >= size
    return where(apart, wide, narrow)


_UNCONNECTED_SIZES = 3


class Pool(PoolBase):
    """Pooling of x. Inputs: x, and vectors ws, stride (default: ws), pad (default: none).

    Sums and maxima keep the dtype of x; averages of integers are float64.
    """

    def make_node(self, x: Any, ws: Any, stride: Any = None, pad: Any = None) -> Apply:
        x = self._tensor(x)
        if self.mode.startswith("average") and x.type.dtype in discrete_dtypes:
            x = cast_to(x, "float64")
        sizes = self._sizes(ws, stride, pad)
        return Apply(self, [x, *sizes], [TensorVariable(tensor_type(x.type.dtype, self._static_counts(x, sizes)))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, *sizes = inputs
        windows = self._windows(x.shape, *sizes)
        if self.mode == "max":
            result = pool_arrays.maxima(x, windows)
        else:
            wide = x.astype("float32") if x.dtype == "float16" else x
            with np.errstate(all="ignore"):
                result = pool_arrays.sums(wide, windows)
                if self.mode != "sum":
                    divisor = pool_arrays.averages_divisor(windows, self.mode == "average_inc_pad")
                    result = result / divisor.astype(result.dtype)
                result = result.astype(x.dtype, copy=False)
        output_storage[0][0] = result

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        shape = input_shapes[0]
        return [(*shape[: len(shape) - self.ndim], *self._counts(shape, node.inputs[1:]))]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True]] + [[False]] * _UNCONNECTED_SIZES

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x, *sizes), (z,), (gz,) = inputs, outputs, output_gradients
        rest = [disconnected_type() for _ in sizes]
        if x.type.dtype in discrete_dtypes:
            return [zero_for(x), *rest]
        if self.mode == "max":
            return [self._related(MaxPoolGrad)(x, z, gz, *sizes), *rest]
        return [self._related(AveragePoolGrad)(x, gz, *sizes), *rest]


class PoolGrad(PoolBase):
    """Base of the gradients of Pool."""


class MaxPoolGrad(PoolGrad):
    """The gradient of pooling by 'max': x, its maxima, the gradient of the maxima -> the gradient of x."""

    def make_node(self, x: Any, maxout: Any, gz: Any, ws: Any, stride: Any = None, pad: Any = None) -> Apply:
        x, maxout, gz = self._tensor(x), self._tensor(maxout, "the output"), self._tensor(gz, "the gradient")
        gz = cast_to(gz, x.type.dtype)
        sizes = self._sizes(ws, stride, pad)
        return Apply(self, [x, maxout, gz, *sizes], [TensorVariable(x.type)])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, maxout, gz, *sizes = inputs
        windows = self._windows(x.shape, *sizes)
        self._check_fit(x, windows, maxima=maxout, gradient=gz)
        output_storage[0][0] = pool_arrays.spread_to_maxima(x, maxout, gz, windows)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [input_shapes[0]]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True]] * 3 + [[False]] * _UNCONNECTED_SIZES

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x, maxout, _, *sizes), (gz,) = inputs, output_gradients
        rest = [disconnected_type() for _ in sizes]
        # the places of the maxima do not change: piecewise constant in x and maxout
        back = self._related(DownsampleFactorMaxGradGrad)(x, maxout, gz, *sizes)
        return [zero_for(x), zero_for(maxout), back, *rest]


class DownsampleFactorMaxGradGrad(PoolBase):
    """The gradient of MaxPoolGrad: x, its maxima, a tensor like x -> its sums over the largest elements of windows."""

    def make_node(self, x: Any, maxout: Any, gz: Any, ws: Any, stride: Any = None, pad: Any = None) -> Apply:
        x, maxout, gz = self._tensor(x), self._tensor(maxout, "the output"), self._tensor(gz, "the gradient")
        gz = cast_to(gz, x.type.dtype)
        sizes = self._sizes(ws, stride, pad)
        return Apply(self, [x, maxout, gz, *sizes], [TensorVariable(maxout.type)])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, maxout, gz, *sizes = inputs
        windows = self._windows(x.shape, *sizes)
        self._check_fit(x, windows, maxima=maxout)
        self._check_like(x, gz)
        output_storage[0][0] = pool_arrays.collect_at_maxima(x, maxout, gz, windows)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [input_shapes[1]]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True]] * 3 + [[False]] * _UNCONNECTED_SIZES

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x, maxout, _, *sizes), (gz,) = inputs, output_gradients
        rest = [disconnected_type() for _ in sizes]
        return [zero_for(x), zero_for(maxout), self._related(MaxPoolGrad)(x, maxout, gz, *sizes), *rest]


class MaxPoolRop(PoolBase):
    """The forward derivative of pooling by 'max': x, a direction -> the derivative of the maxima along it."""

    def make_node(self, x: Any, eval_point: Any, ws: Any, stride: Any = None, pad: Any = None) -> Apply:
        x, point = self._tensor(x), self._tensor(eval_point, "the direction")
        point = cast_to(point, x.type.dtype)
        sizes = self._sizes(ws, stride, pad)
        kind = tensor_type(x.type.dtype, self._static_counts(x, sizes))
        return Apply(self, [x, point, *sizes], [TensorVariable(kind)])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, point, *sizes = inputs
        windows = self._windows(x.shape, *sizes)
        self._check_like(x, point)
        output_storage[0][0] = pool_arrays.collect_at_maxima(x, pool_arrays.maxima(x, windows), point, windows)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        shape = input_shapes[0]
        return [(*shape[: len(shape) - self.ndim], *self._counts(shape, node.inputs[2:]))]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True]] * 2 + [[False]] * _UNCONNECTED_SIZES

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x, _, *sizes), (gz,) = inputs, output_gradients
        rest = [disconnected_type() for _ in sizes]
        largest = Pool(self.ignore_border, "max", self.ndim)(x, *sizes)
        return [zero_for(x), self._related(MaxPoolGrad)(x, largest, gz, *sizes), *rest]


class AveragePoolGrad(PoolGrad):
    """The gradient of pooling by 'sum' or an average: x (its shape counts), the gradient of the output -> that of x."""

    def make_node(self, x: Any, gz: Any, ws: Any, stride: Any = None, pad: Any = None) -> Apply:
        x, gz = self._tensor(x), self._tensor(gz, "the gradient")
        gz = cast_to(gz, x.type.dtype)
        sizes = self._sizes(ws, stride, pad)
        return Apply(self, [x, gz, *sizes], [TensorVariable(x.type)])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, gz, *sizes = inputs
        windows = self._windows(x.shape, *sizes)
        self._check_fit(x, windows, gradient=gz)
        if self.mode != "sum":
            divisor = pool_arrays.averages_divisor(windows, self.mode == "average_inc_pad")
            gz = gz / divisor.astype(gz.dtype)
        output_storage[0][0] = pool_arrays.spread(gz, windows)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [input_shapes[0]]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[False], [True]] + [[False]] * _UNCONNECTED_SIZES

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (_, _, *sizes), (gz,) = inputs, output_gradients
        rest = [disconnected_type() for _ in sizes]
        return [disconnected_type(), self._related(Pool)(gz, *sizes), *rest]


# -- functions ------------------------------------------------------------------------------------------------------


def _pooled(
    ndim: int, input: Any, ws: Any, ignore_border: bool | None, stride: Any, pad: Any, mode: str, ds: Any, st: Any,
    padding: Any,
) -> Any:  # fmt: skip
    name = f"pool_{ndim}d"
    old = {"ds": ("ws", ds, ws), "st": ("stride", st, stride), "padding": ("pad", padding, pad)}
    for keyword, (new, value, current) in old.items():
        if value is None:
            continue
        if current is not None and not (new == "pad" and _is_zero(current)):
            raise ValueError(f"{name}: {keyword} is the old name of {new}: give one of them")
        warnings.warn(f"{name}: {keyword} is now called {new}", DeprecationWarning, stacklevel=4)
    ws, stride = (ds if ds is not None else ws), (st if st is not None else stride)
    pad = padding if padding is not None else pad
    if ws is None:
        raise ValueError(f"{name} needs the size of the windows, ws")
    if ignore_border is None:
        warnings.warn(
            f"{name} was called without ignore_border: windows that stick out are kept (ignore_border=False). Say "
            f"which you mean",
            stacklevel=4,
        )
        ignore_border = False
    return Pool(ignore_border, mode, ndim)(input, ws, stride, pad)


def _is_zero(pad: Any) -> bool:
    return isinstance(pad, (int, tuple, list)) and not any(np.ravel(pad))


def pool_2d(
    input: Any,
    ws: Any = None,
    ignore_border: bool | None = None,
    stride: Any = None,
    pad: Any = (0, 0),
    mode: str = "max",
    ds: Any = None,
    st: Any = None,
    padding: Any = None,
) -> Any:
    """Pooling over windows of the last two axes.

    ws              rows and columns of a window: ints, or a vector that may be an expression
    ignore_border   leave out windows that stick out at the end: of 5 elements, windows of 2 make 2; else 3
    stride          distance of the windows; by default they lie side by side
    pad             zeros (for 'max': nothing) on both sides; needs ignore_border=True, and less than a window
    mode            'max', 'sum', 'average_inc_pad' (padding counts), 'average_exc_pad'
    ds, st, padding   old names of ws, stride, pad
    ValueError for unknown modes, and where no window fits.

    >>> from theano.tensor import dmatrix
    >>> m = dmatrix("m")
    >>> pool_2d(m, (1, 2), ignore_border=True).eval({m: [[1.0, 2.0, 3.0, 0.0, 9.0]]}).tolist()
    [[2.0, 3.0]]
    """
    return _pooled(2, input, ws, ignore_border, stride, pad, mode, ds, st, padding)


def pool_3d(
    input: Any,
    ws: Any = None,
    ignore_border: bool | None = None,
    stride: Any = None,
    pad: Any = (0, 0, 0),
    mode: str = "max",
    ds: Any = None,
    st: Any = None,
    padding: Any = None,
) -> Any:
    """`pool_2d` over the last three axes."""
    return _pooled(3, input, ws, ignore_border, stride, pad, mode, ds, st, padding)


def max_pool_2d_same_size(input: Any, patch_size: Any) -> Any:
    """`input` with zeros for all elements that are not the largest of their patch (rows, columns of the last axes).

    Elements at the end that fill no whole patch are zero.

    >>> from theano.tensor import dmatrix
    >>> m = dmatrix("m")
    >>> max_pool_2d_same_size(m, (1, 2)).eval({m: [[1.0, 2.0, 3.0, 0.0]]}).tolist()
    [[0.0, 2.0, 3.0, 0.0]]
    """
    input = as_tensor_variable(input)
    largest = Pool(ignore_border=True, mode="max")(input, patch_size)
    ones = second(largest, np.ones((), input.type.dtype))
    chosen = MaxPoolGrad(ignore_border=True)(input, largest, ones, patch_size)
    return switch(neq(chosen, 0), input, np.zeros((), input.type.dtype))
