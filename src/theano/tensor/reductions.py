"""Reductions: the functions that users call. The ops are in `careduce.py`, `truth.py` and `argmax.py`.

`axis` is an axis, a tuple or list of axes (negative ones count from the end), or None for all; `keepdims` keeps the
reduced axes with length one, so that the result broadcasts against the input. Covariances are in `statistics.py`.
"""

from __future__ import annotations

from typing import Any as Anything

import numpy as np

from theano.scalar.arithmetic import mul, neg, sqr, sqrt, sub, true_div
from theano.scalar.complex_numbers import conj, real
from theano.scalar.dtypes import complex_dtypes, discrete_dtypes, real_dtype
from theano.scalar.logic import invert
from theano.scalar.selection import maximum as maximum_of
from theano.tensor.argmax import Argmax as Argmax
from theano.tensor.argmax import MaxAndArgmax as MaxAndArgmax
from theano.tensor.careduce import CAReduce as CAReduce
from theano.tensor.careduce import CAReduceDtype as CAReduceDtype
from theano.tensor.careduce import Max as Max
from theano.tensor.careduce import Min as Min
from theano.tensor.careduce import MulWithoutZeros as MulWithoutZeros
from theano.tensor.careduce import Prod as Prod
from theano.tensor.careduce import ProductOfOthers as ProductOfOthers
from theano.tensor.careduce import ProdWithoutZeros as ProdWithoutZeros
from theano.tensor.careduce import Sum as Sum
from theano.tensor.careduce import mul_without_zeros as mul_without_zeros
from theano.tensor.careduce import normalized_axes, reduced_axes, with_axes_back
from theano.tensor.convert import as_tensor_variable, constant
from theano.tensor.elemwise import cast_to
from theano.tensor.lengths import product
from theano.tensor.shape import shape_i_op
from theano.tensor.truth import All as All
from theano.tensor.truth import Any as Any


def _reduced(op: Anything, x: Anything, keepdims: Anything) -> Anything:
    """`op(x)`, with the reduced axes kept where that is asked for."""
    result = op(x)
    if not keepdims:
        return result
    return with_axes_back(result, reduced_axes(normalized_axes(op.axis, x.ndim), x.ndim), x.ndim)


def sum(
    input: Anything, axis: Anything = None, dtype: Anything = None, keepdims: bool = False, acc_dtype: Anything = None
) -> Anything:
    """Sum over axes; 0 of nothing.

    dtype      of the result; None: integers and bool widen to 64 bits, others stay
    acc_dtype  of the computation; None: the widest of the kind, so that float32 is added up in float64

    >>> from theano.tensor import dmatrix
    >>> m = dmatrix("m")
    >>> sum(m, axis=1, keepdims=True).eval({m: [[1.0, 2.0], [3.0, 4.0]]}).tolist()
    [[3.0], [7.0]]
    """
    return _reduced(Sum(axis, dtype, acc_dtype), as_tensor_variable(input), keepdims)


def prod(
    input: Anything,
    axis: Anything = None,
    dtype: Anything = None,
    keepdims: bool = False,
    acc_dtype: Anything = None,
    no_zeros_in_input: bool = False,
) -> Anything:
    """Product over axes; 1 of nothing. `dtype` and `acc_dtype` as in `sum`.

    The gradient is exact where factors are 0, to every order. no_zeros_in_input=True promises that none is: the
    gradient is then a cheaper division.

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> float(prod(v).eval({v: [2.0, 3.0]}))
    6.0
    """
    return _reduced(Prod(axis, dtype, acc_dtype, no_zeros_in_input), as_tensor_variable(input), keepdims)


def _count(x: Anything, axes: Anything, dtype: str) -> Anything:
    """The number of elements along `axes`, as a 0-d float."""
    known = x.type.shape
    n = product(known[axis] if known[axis] is not None else shape_i_op(axis)(x) for axis in axes)
    return constant(np.asarray(n, dtype=dtype)) if isinstance(n, int) else cast_to(n, dtype)


def mean(
    input: Anything,
    axis: Anything = None,
    dtype: Anything = None,
    op: bool = False,
    keepdims: bool = False,
    acc_dtype: Anything = None,
) -> Anything:
    """Arithmetic mean over axes; NaN of nothing.

    dtype   of the result; None: float64 for integers and bool, else the input's
    op      accepted for compatibility; there is no separate op

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> float(mean(v).eval({v: [1.0, 2.0, 6.0]}))
    3.0
    """
    x = as_tensor_variable(input)
    result_dtype = "float64" if x.dtype in discrete_dtypes else x.dtype
    if dtype is not None:
        result_dtype = str(np.dtype(dtype)) if dtype != "floatX" else constant(0.0, dtype="floatX").dtype
        if result_dtype in discrete_dtypes:
            raise TypeError(
                f"mean cannot give {result_dtype}: a mean is no integer. Cast the result: mean(x).astype(...)"
            )
    sum_dtype = "float32" if result_dtype == "float16" else result_dtype
    summed = sum(x, axis, sum_dtype, keepdims, acc_dtype)
    axes = reduced_axes(normalized_axes(axis, x.ndim, "mean"), x.ndim)
    quotient = true_div(summed, _count(x, axes, real_dtype(sum_dtype)))
    return cast_to(quotient, result_dtype)


def var(
    input: Anything, axis: Anything = None, ddof: Anything = 0, keepdims: bool = False, corrected: bool = False
) -> Anything:
    """Variance over axes: the mean of squared distances from the mean, of complex numbers squared absolute ones.

    ddof        the sum of squares is divided by n - ddof
    corrected   take out the rounding error of the mean (the two-pass algorithm with correction)

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> float(var(v).eval({v: [1.0, 3.0]})), float(var(v, ddof=1).eval({v: [1.0, 3.0]}))
    (1.0, 2.0)
    """
    x = as_tensor_variable(input)
    axes = reduced_axes(normalized_axes(axis, x.ndim, "var"), x.ndim)
    centered = sub(x, mean(x, axes, keepdims=True))
    is_complex = centered.dtype in complex_dtypes
    squares = real(mul(centered, conj(centered))) if is_complex else sqr(centered)
    if not corrected and isinstance(ddof, int) and ddof == 0:
        return mean(squares, axes, keepdims=keepdims)
    dtype = squares.dtype
    wide = "float32" if dtype == "float16" else dtype
    n = _count(x, axes, wide)
    summed = sum(squares, axes, dtype=wide, keepdims=keepdims)
    if corrected:
        rest = sum(centered, axes, dtype="complex64" if is_complex and wide == "float32" else None, keepdims=keepdims)
        error = real(mul(rest, conj(rest))) if is_complex else sqr(cast_to(rest, wide))
        summed = sub(summed, true_div(error, n))
    divisor = maximum_of(sub(n, cast_to(as_tensor_variable(ddof), wide)), np.zeros((), wide))
    return cast_to(true_div(summed, divisor), dtype)


def std(
    input: Anything, axis: Anything = None, ddof: Anything = 0, keepdims: bool = False, corrected: bool = False
) -> Anything:
    """Standard deviation over axes: the square root of `var`."""
    return sqrt(var(input, axis, ddof, keepdims, corrected))


def max(x: Anything, axis: Anything = None, keepdims: bool = False) -> Anything:
    """Largest element over axes; NaN where one is NaN. ValueError at run time where there is none.

    The gradient goes in full to every element that equals the maximum.

    >>> from theano.tensor import dmatrix
    >>> m = dmatrix("m")
    >>> max(m, axis=0).eval({m: [[1.0, 4.0], [3.0, 2.0]]}).tolist()
    [3.0, 4.0]
    """
    return _reduced(Max(axis), as_tensor_variable(x), keepdims)


def min(x: Anything, axis: Anything = None, keepdims: bool = False) -> Anything:
    """Smallest element over axes; NaN where one is NaN. ValueError at run time where there is none.

    The gradient goes in full to every element that equals the minimum.
    """
    return _reduced(Min(axis), as_tensor_variable(x), keepdims)


def argmax(x: Anything, axis: Anything = None, keepdims: bool = False) -> Anything:
    """Position (int64) of the largest element: the first of several; that of a NaN if there is one.

    Over several axes, or all of them (None), the position counts in their elements in C order.

    >>> from theano.tensor import dmatrix
    >>> m = dmatrix("m")
    >>> argmax(m, axis=0).eval({m: [[1.0, 4.0], [3.0, 2.0]]}).tolist()
    [1, 0]
    >>> int(argmax(m).eval({m: [[1.0, 4.0], [3.0, 2.0]]}))
    1
    """
    return _reduced(Argmax(axis), as_tensor_variable(x), keepdims)


def argmin(x: Anything, axis: Anything = None, keepdims: bool = False) -> Anything:
    """Position (int64) of the smallest element. See `argmax`."""
    x = as_tensor_variable(x)
    # ~x reverses the order of all integers and of bool; -x would wrap the smallest and all unsigned ones
    return argmax(invert(x) if x.dtype in discrete_dtypes else neg(x), axis, keepdims)


def max_and_argmax(a: Anything, axis: Anything = None, keepdims: bool = False) -> list[Anything]:
    """[largest element, its position] over axes. See `max` and `argmax`.

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> [result.eval({v: [1.0, 3.0, 2.0]}).item() for result in max_and_argmax(v)]
    [3.0, 1]
    """
    a = as_tensor_variable(a)
    op = MaxAndArgmax(axis)
    results = op(a)
    if keepdims:
        axes = reduced_axes(normalized_axes(axis, a.ndim), a.ndim)
        return [with_axes_back(result, axes, a.ndim) for result in results]
    return list(results)


def all(x: Anything, axis: Anything = None, keepdims: bool = False) -> Anything:
    """Are all elements over the axes nonzero? True of nothing."""
    return _reduced(All(axis), as_tensor_variable(x), keepdims)


def any(x: Anything, axis: Anything = None, keepdims: bool = False) -> Anything:
    """Is any element over the axes nonzero? False of nothing."""
    return _reduced(Any(axis), as_tensor_variable(x), keepdims)


def ptp(a: Anything, axis: Anything = None, keepdims: bool = False) -> Anything:
    """Range over axes: the largest element minus the smallest."""
    return sub(max(a, axis, keepdims), min(a, axis, keepdims))


