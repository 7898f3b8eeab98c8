"""Hyperbolic functions and their inverses."""

from __future__ import annotations

import numpy as np

from theano.scalar import facts as f
from theano.scalar.arithmetic import sqr, sqrt
from theano.scalar.declare import elementwise
from theano.scalar.dtypes import upgrade_to_float
from theano.scalar.op import ScalarOp

sinh = elementwise(
    "sinh", dtype=upgrade_to_float, numpy=np.sinh, grad=lambda x, y, gz: gz * cosh(x),
    native=lambda b, x: b.math("sinh", x), facts=[f.odd, f.increasing, f.inverse("arcsinh")],
    method=("sinh",), ulp=4, doc="Hyperbolic sine.",
)
cosh: ScalarOp = elementwise(
    "cosh", dtype=upgrade_to_float, numpy=np.cosh, grad=lambda x, y, gz: gz * sinh(x),
    native=lambda b, x: b.math("cosh", x),
    facts=[f.even, f.values_in("[1, inf]"), f.inverse("arccosh", "[0, inf]")], method=("cosh",), ulp=4,
    doc="Hyperbolic cosine.",
)
tanh = elementwise(
    "tanh", dtype=upgrade_to_float, numpy=np.tanh, grad=lambda x, y, gz: gz * (1 - sqr(y)),
    native=lambda b, x: b.math("tanh", x),
    facts=[f.odd, f.increasing, f.values_in("[-1, 1]"), f.inverse("arctanh")], method=("tanh",), ulp=4,
    doc="Hyperbolic tangent.",
)
arcsinh = elementwise(
    "arcsinh", dtype=upgrade_to_float, numpy=np.arcsinh, grad=lambda x, y, gz: gz / sqrt(1 + sqr(x)),
    native=lambda b, x: b.math("asinh", x), facts=[f.odd, f.increasing, f.inverse("sinh")],
    method=("arcsinh",), ulp=4, doc="Inverse hyperbolic sine.",
)
# x**2 - 1 is written as a product of roots: precise near 1, finite for huge x, and right for complex x
arccosh = elementwise(
    "arccosh", dtype=upgrade_to_float, numpy=np.arccosh,
    grad=lambda x, y, gz: gz / (sqrt(x - 1) * sqrt(x + 1)),
    native=lambda b, x: b.math("acosh", x),
    facts=[f.increasing, f.values_in("[0, inf]"), f.inverse("cosh", "[1, inf]")],
    domain=(f.interval("(1, inf)"),), method=("arccosh",), ulp=4,
    doc="Inverse hyperbolic cosine; NaN of reals below 1.",
)
arctanh = elementwise(
    "arctanh", dtype=upgrade_to_float, numpy=np.arctanh, grad=lambda x, y, gz: gz / ((1 - x) * (1 + x)),
    native=lambda b, x: b.math("atanh", x), facts=[f.odd, f.increasing, f.inverse("tanh", "[-1, 1]")],
    domain=(f.interval("(-1, 1)"),), method=("arctanh",), ulp=4,
    doc="Inverse hyperbolic tangent; NaN of reals outside [-1, 1].",
)
