"""Comparisons and tests of floats: the records of ops with bool results.

`isclose` and `allclose` are compositions of these in the tensor layer; `tensor.isnan`/`isinf` of discrete inputs
may give a constant.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from theano.scalar import facts as f
from theano.scalar.declare import elementwise
from theano.scalar.dtypes import bool_out, is_discrete
from theano.scalar.op import ZERO

lt = elementwise(
    "lt", 2, dtype=bool_out, compute="common", numpy=np.less, grad=ZERO,
    native=lambda b, x, y: x < y,
    symbol="<", ulp=0, doc="x < y, as bool. False where either is NaN.",
)
gt = elementwise(
    "gt", 2, dtype=bool_out, compute="common", numpy=np.greater, grad=ZERO,
    native=lambda b, x, y: x > y,
    symbol=">", ulp=0, doc="x > y, as bool. False where either is NaN.",
)
le = elementwise(
    "le", 2, dtype=bool_out, compute="common", numpy=np.less_equal, grad=ZERO,
    native=lambda b, x, y: x <= y,
    symbol="<=", ulp=0, doc="x <= y, as bool. False where either is NaN.",
)
ge = elementwise(
    "ge", 2, dtype=bool_out, compute="common", numpy=np.greater_equal, grad=ZERO,
    native=lambda b, x, y: x >= y,
    symbol=">=", ulp=0, doc="x >= y, as bool. False where either is NaN.",
)
eq = elementwise(
    "eq", 2, dtype=bool_out, compute="common", numpy=np.equal, grad=ZERO,
    native=lambda b, x, y: b.eq(x, y), facts=[f.commutative],
    symbol="==", ulp=0, doc="x == y, as bool. NaN equals nothing.",
)
neq = elementwise(
    "neq", 2, dtype=bool_out, compute="common", numpy=np.not_equal, grad=ZERO,
    native=lambda b, x, y: b.ne(x, y), facts=[f.commutative],
    symbol="!=", ulp=0, doc="x != y, as bool. NaN differs from everything.",
)


def _isnan(x: Any) -> Any:
    return np.isnan(x) if x.dtype.kind in "fc" else np.zeros(x.shape, bool)


def _isinf(x: Any) -> Any:
    return np.isinf(x) if x.dtype.kind in "fc" else np.zeros(x.shape, bool)


isnan = elementwise(
    "isnan", dtype=bool_out, compute="own", numpy=_isnan, grad=ZERO,
    native=lambda b, x: b.const(False, "bool") if is_discrete(x.dtype) else b.isnan(x), facts=[f.even],
    aliases=("isnan_",), ulp=0, doc="Whether x is NaN; False for integers.",
)
isinf = elementwise(
    "isinf", dtype=bool_out, compute="own", numpy=_isinf, grad=ZERO,
    native=lambda b, x: b.const(False, "bool") if is_discrete(x.dtype) else b.isinf(x), facts=[f.even],
    aliases=("isinf_",), ulp=0, doc="Whether x is inf or -inf; False for integers.",
)
