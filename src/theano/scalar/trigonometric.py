"""Trigonometric functions, their inverses, and angles in degrees."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from theano.scalar import facts as f
from theano.scalar.arithmetic import hypot, sqr, sqrt
from theano.scalar.declare import elementwise, like
from theano.scalar.dtypes import upgrade_to_float, upgrade_to_float_no_complex
from theano.scalar.facts import POSITIVE, REAL
from theano.scalar.op import ScalarOp

DEGREE = math.pi / 180
RADIAN = 180 / math.pi

sin = elementwise(
    "sin", dtype=upgrade_to_float, numpy=np.sin, grad=lambda x, y, gz: gz * cos(x),
    native=lambda b, x: b.math("sin", x), facts=[f.odd, f.values_in("[-1, 1]")], method=("sin",), ulp=4,
    doc="Sine of x in radians.",
)
cos: ScalarOp = elementwise(
    "cos", dtype=upgrade_to_float, numpy=np.cos, grad=lambda x, y, gz: -(gz * sin(x)),
    native=lambda b, x: b.math("cos", x), facts=[f.even, f.values_in("[-1, 1]")], method=("cos",), ulp=4,
    doc="Cosine of x in radians.",
)
tan = elementwise(
    "tan", dtype=upgrade_to_float, numpy=np.tan, grad=lambda x, y, gz: gz * (1 + sqr(y)),
    native=lambda b, x: b.math("tan", x), facts=[f.odd], method=("tan",), ulp=4,
    domain=(f.interval("(-1.5707963267948966, 1.5707963267948966)"),), doc="Tangent of x in radians.",
)
# 1 - x**2 is written (1 - x) * (1 + x): precise where x is near 1 or -1
arcsin = elementwise(
    "arcsin", dtype=upgrade_to_float, numpy=np.arcsin,
    grad=lambda x, y, gz: gz / sqrt((1 - x) * (1 + x)),
    native=lambda b, x: b.math("asin", x),
    facts=[f.odd, f.increasing, f.inverse("sin", "[-1, 1]"), f.values_in("[-1.5707963267948968, 1.5707963267948968]")],
    domain=(f.interval("(-1, 1)"),), method=("arcsin",), ulp=4, doc="Inverse sine; NaN outside [-1, 1].",
)
arccos = elementwise(
    "arccos", dtype=upgrade_to_float, numpy=np.arccos,
    grad=lambda x, y, gz: -(gz / sqrt((1 - x) * (1 + x))),
    native=lambda b, x: b.math("acos", x),
    facts=[f.decreasing, f.inverse("cos", "[-1, 1]"), f.values_in("[0, 3.1415926535897936]")],
    domain=(f.interval("(-1, 1)"),), method=("arccos",), ulp=4, doc="Inverse cosine; NaN outside [-1, 1].",
)
arctan = elementwise(
    "arctan", dtype=upgrade_to_float, numpy=np.arctan, grad=lambda x, y, gz: gz / (1 + sqr(x)),
    native=lambda b, x: b.math("atan", x),
    facts=[f.odd, f.increasing, f.inverse("tan"), f.values_in("[-1.5707963267948968, 1.5707963267948968]")],
    method=("arctan",), ulp=4, doc="Inverse tangent.",
)


def _arctan2_gradient(y: Any, x: Any, z: Any, gz: Any) -> tuple[Any, Any]:
    radius = hypot(x, y)   # x**2 + y**2 would over- or underflow long before the derivative does
    return gz * (x / radius / radius), -(gz * (y / radius / radius))


arctan2 = elementwise(
    "arctan2", 2, dtype=upgrade_to_float_no_complex, numpy=np.arctan2, grad=_arctan2_gradient,
    native=lambda b, y, x: b.math("atan2", y, x),
    facts=[f.values_in("[-3.1415926535897936, 3.1415926535897936]")], domain=(REAL, POSITIVE), ulp=4,
    doc="Angle of the point (x, y) = (second, first input), in [-pi, pi].",
)
deg2rad = elementwise(
    "deg2rad", dtype=upgrade_to_float, numpy=lambda x: x * x.dtype.type(DEGREE),
    grad=lambda x, y, gz: gz * like(DEGREE, y), native=lambda b, x: x * DEGREE,
    facts=[f.odd, f.increasing, f.inverse("rad2deg")], method=("deg2rad",), doc="Degrees to radians.",
)
rad2deg = elementwise(
    "rad2deg", dtype=upgrade_to_float, numpy=lambda x: x * x.dtype.type(RADIAN),
    grad=lambda x, y, gz: gz * like(RADIAN, y), native=lambda b, x: x * RADIAN,
    facts=[f.odd, f.increasing, f.inverse("deg2rad")], method=("rad2deg",), doc="Radians to degrees.",
)
