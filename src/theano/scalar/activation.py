"""Activations of neural networks that are elementwise ops of their own, written so that nothing overflows.

`relu`, `elu`, `selu` and the losses are compositions in `tensor.nnet`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from theano.scalar import facts as f
from theano.scalar.arithmetic import sqr
from theano.scalar.cancelling import sigmoid_gradient
from theano.scalar.declare import elementwise, like
from theano.scalar.dtypes import upgrade_to_float_no_complex
from theano.scalar.selection import cast_to, clip


def _sigmoid(x: Any) -> Any:
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, x.dtype.type(1), e) / (1 + e)


def _native_sigmoid(b: Any, x: Any) -> Any:
    e = b.math("exp", -abs(x))
    return b.select(x >= 0.0, b.const(1.0, x.dtype), e) / (e + 1.0)


sigmoid = elementwise(
    "sigmoid", dtype=upgrade_to_float_no_complex, numpy=_sigmoid, grad=lambda x, y, gz: sigmoid_gradient(y, gz),
    native=_native_sigmoid, facts=[f.increasing, f.values_in("[0, 1]")], ulp=6,
    doc="1 / (1 + exp(-x)); saturates to exactly 0 and 1.",
)
softplus = elementwise(
    "softplus", dtype=upgrade_to_float_no_complex,
    numpy=lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    grad=lambda x, y, gz: gz * sigmoid(x),
    native=lambda b, x: b.max(x, b.const(0.0, x.dtype)) + b.math("log1p", b.math("exp", -abs(x))),
    facts=[f.increasing, f.values_in("[0, inf]")], aliases=("log1pexp",), ulp=6,
    doc="log(1 + exp(x)) without overflow.",
)


def _softsign(x: Any) -> Any:
    return np.where(np.isinf(x), np.sign(x), x / (1 + np.abs(x)))


softsign = elementwise(
    "softsign", dtype=upgrade_to_float_no_complex, numpy=_softsign,
    grad=lambda x, y, gz: gz / sqr(1 + abs(x)),
    native=lambda b, x: b.select(b.isinf(x), b.copysign(b.const(1.0, x.dtype), x), x / (abs(x) + 1.0)),
    facts=[f.odd, f.increasing, f.values_in("[-1, 1]")], ulp=2,
    doc="x / (1 + abs(x)).",
)


def _to_float(x: Any) -> Any:
    dtype = upgrade_to_float_no_complex(x.dtype)
    return x if dtype == x.dtype else cast_to(dtype)(x)


def _hard_sigmoid(x: Any) -> Any:
    x = _to_float(x)
    return clip(x * like(0.2, x) + like(0.5, x), like(0, x), like(1, x))


hard_sigmoid = elementwise(
    "hard_sigmoid", dtype=upgrade_to_float_no_complex, define=_hard_sigmoid,
    facts=[f.increasing, f.values_in("[0, 1]")], doc="clip(0.2 * x + 0.5, 0, 1).",
)


def _ultra_fast_sigmoid(x: Any) -> Any:
    x = _to_float(x)
    # (1 + t)/2, t the continued fraction of tanh(x/2) cut after five terms; the documented range ends at tanh(3)
    half = clip(x * like(0.5, x), like(-3, x), like(3, x))
    square = sqr(half)
    above = (square + like(105, x)) * square + like(945, x)
    below = (square * like(15, x) + like(420, x)) * square + like(945, x)
    tanh = half * (above / below)
    return clip(tanh * like(0.5, x) + like(0.5, x), like(0.0024726, x), like(0.9975274, x))


ultra_fast_sigmoid = elementwise(
    "ultra_fast_sigmoid", dtype=upgrade_to_float_no_complex, define=_ultra_fast_sigmoid,
    facts=[f.increasing, f.values_in("[0.0024726, 0.9975274]")],
    doc="A rational approximation of sigmoid, within 0.0025, with values in [0.0024726, 0.9975274].",
)
