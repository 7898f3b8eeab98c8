"""Rounding. `tensor.round(mode=)` and `iround` choose among the two roundings to nearest here."""

from __future__ import annotations

from typing import Any

import numpy as np

from theano.scalar import facts as f
from theano.scalar.declare import elementwise
from theano.scalar.dtypes import same_out_float_only, upgrade_to_float_no_complex
from theano.scalar.op import ZERO

ceil = elementwise(
    "ceil", dtype=upgrade_to_float_no_complex, numpy=np.ceil, grad=ZERO, native=lambda b, x: b.ceil(x),
    facts=[f.increasing, f.projection, f.integer_valued], method=("ceil",), ulp=0,
    doc="The smallest whole number that is not below x, as float.",
)
floor = elementwise(
    "floor", dtype=upgrade_to_float_no_complex, numpy=np.floor, grad=ZERO, native=lambda b, x: b.floor(x),
    facts=[f.increasing, f.projection, f.integer_valued], method=("floor",), ulp=0,
    doc="The largest whole number that is not above x, as float.",
)
trunc = elementwise(
    "trunc", dtype=upgrade_to_float_no_complex, numpy=np.trunc, grad=ZERO, native=lambda b, x: b.trunc(x),
    facts=[f.odd, f.increasing, f.projection, f.integer_valued], method=("trunc",), ulp=0,
    doc="x without its fractional part, as float.",
)
round_half_to_even = elementwise(
    "round_half_to_even", dtype=same_out_float_only, numpy=np.rint, grad=ZERO, native=lambda b, x: b.rint(x),
    facts=[f.odd, f.increasing, f.projection, f.integer_valued], ulp=0,
    doc="The nearest whole number; halves go to the even one. Floats only.",
)


def _half_away(x: Any) -> Any:
    # x - trunc(x) is exact, whereas x + 0.5 rounds (0.49999999999999994 would become 1)
    whole = np.trunc(x)
    return np.where(np.abs(x - whole) >= 0.5, whole + np.copysign(x.dtype.type(1), x), whole)


def _native_half_away(b: Any, x: Any) -> Any:
    whole = b.trunc(x)
    return b.select(abs(x - whole) >= 0.5, whole + b.copysign(b.const(1.0, x.dtype), x), whole)


round_half_away_from_zero = elementwise(
    "round_half_away_from_zero", dtype=same_out_float_only, numpy=_half_away, grad=ZERO,
    native=_native_half_away, facts=[f.odd, f.increasing, f.projection, f.integer_valued], ulp=0,
    doc="The nearest whole number; halves go away from zero, as C's round. Floats only.",
)
