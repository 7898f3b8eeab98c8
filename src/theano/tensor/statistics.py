"""Covariance matrices. Means and variances are in `reductions.py`."""

from __future__ import annotations

from typing import Any

import numpy as np

from theano._config import config
from theano.scalar.arithmetic import mul, sub, true_div
from theano.scalar.dtypes import discrete_dtypes
from theano.scalar.selection import maximum
from theano.tensor.convert import as_tensor_variable, constant
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.elemwise import cast_to
from theano.tensor.joining import join
from theano.tensor.products import Dot, conjugated, length
from theano.tensor.reductions import mean, sum
from theano.tensor.shape import squeeze


def _observations(m: Any, rowvar: Any, name: str) -> Any:
    """The variables as rows."""
    m = as_tensor_variable(m)
    if m.ndim > 2:
        raise ValueError(f"cov: {name} must not have more than two axes, got {m} of type {m.type}")
    if m.dtype in discrete_dtypes:
        m = cast_to(m, str(config.floatX))
    if m.ndim == 2:
        return m if rowvar or m.type.shape[0] == 1 else dimshuffle(m, 1, 0)
    return dimshuffle(m, ["x"] * (2 - m.ndim) + list(range(m.ndim)))


def cov(
    m: Any,
    y: Any = None,
    rowvar: Any = True,
    bias: Any = False,
    ddof: Any = None,
    fweights: Any = None,
    aweights: Any = None,
) -> Any:
    """The covariance matrix of variables, as np.cov gives it; of a single variable its variance, without axes.

    m          variables as rows, observations as columns (the other way round if rowvar is false)
    y          more variables
    bias       divide by the number of observations n, not by n - 1
    ddof       divide by n - ddof instead
    fweights   how often each observation occurs (integers)
    aweights   the importance of each observation

    >>> from theano.tensor import dmatrix
    >>> m = dmatrix("m")
    >>> cov(m).eval({m: [[1.0, 2.0], [3.0, 5.0]]}).tolist()
    [[0.5, 1.0], [1.0, 2.0]]
    """
    if ddof is not None and ddof != int(ddof):
        raise ValueError(f"cov: ddof must be an integer, got {ddof!r}")
    x = _observations(m, rowvar, "m")
    if y is not None:
        x = join(0, x, _observations(y, rowvar, "y"))
    if ddof is None:
        ddof = 0 if bias else 1
    weights: Any = None
    given = []
    for name, w in (("fweights", fweights), ("aweights", aweights)):
        if w is None:
            continue
        w = as_tensor_variable(w)
        if w.ndim != 1:
            raise ValueError(f"cov: {name} must be a vector, got {w} of type {w.type}")
        if name == "fweights" and w.dtype not in discrete_dtypes:
            raise TypeError(f"cov: fweights must be integers, got {w} of type {w.type}; aweights may be fractions")
        given.append(cast_to(w, x.dtype) if w.dtype in discrete_dtypes else w)
    if given:
        weights = given[0] if len(given) == 1 else mul(*given)
    if weights is None:
        centered = sub(x, mean(x, 1, keepdims=True))
        weighted = centered
        n = length(x, 1)
        count = constant(np.asarray(n, "float64")) if isinstance(n, int) else cast_to(n, "float64")
        divisor = sub(count, float(ddof))
    else:
        whole = sum(weights)
        row = dimshuffle(weights, "x", 0)
        centered = sub(x, true_div(sum(mul(x, row), 1, keepdims=True), whole))
        weighted = mul(centered, row)
        if ddof == 0:
            divisor = whole
        elif aweights is None:
            divisor = sub(whole, float(ddof))
        else:
            divisor = sub(whole, true_div(mul(float(ddof), sum(mul(weights, given[-1]))), whole))
    products = Dot()(centered, dimshuffle(conjugated(weighted), 1, 0))
    divisor = cast_to(maximum(divisor, 0.0), str(np.dtype(products.dtype).type(0).real.dtype))
    return squeeze(true_div(products, divisor))
