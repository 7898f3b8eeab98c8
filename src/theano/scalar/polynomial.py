"""Polynomials with numbers as coefficients as elementwise ops: one node, whatever the degree.

Rewrites make them (`rewriting/rules/near_zero.py`); the record of each is made by a factory and not in the registry.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from theano.scalar import facts as f
from theano.scalar.dtypes import same_out_float_only
from theano.scalar.op import ScalarOp


def horner(t: Any, coefficients: list[Any]) -> Any:
    if len(coefficients) == 1:
        return coefficients[0] + t * 0.0
    value = coefficients[-1] * t + coefficients[-2]
    for c in reversed(coefficients[:-2]):
        value = value * t + c
    return value


@cache
def polynomial(coefficients: tuple[float, ...], step: int = 1) -> ScalarOp:
    """c[0] + c[1]*t + c[2]*t**2 + ... for t = x**step, step 1 or 2, by Horner's rule, of float dtypes."""

    def numpy(x: Any) -> Any:
        t = x if step == 1 else x * x
        return horner(t, [x.dtype.type(c) for c in coefficients])

    def native(b: Any, x: Any) -> Any:
        t = x if step == 1 else x * x
        return horner(t, [b.const(c, x.dtype) for c in coefficients])

    def gradient(x: Any, y: Any, gz: Any) -> Any:
        if len(coefficients) == 1:
            return gz * 0
        slope = polynomial(tuple(n * c for n, c in enumerate(coefficients))[1:], step)(x)
        return gz * slope if step == 1 else gz * slope * x * 2

    return ScalarOp(
        "polynomial", 1, same_out_float_only, numpy, grad=gradient, native=native, domain=(f.REAL,),
        params=(polynomial, coefficients, step), ulp=64,
        doc="A polynomial with these coefficients.",
    )
