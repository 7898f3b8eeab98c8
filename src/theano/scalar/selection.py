"""Selection: ops that pass one of their inputs on, and casts.

`tensor.where` is `switch`; `tensor.fill` is `second`; `smallest` and `largest` are folds of `minimum` and `maximum`.
"""

from __future__ import annotations

from functools import cache, reduce
from typing import Any

import numpy as np

from theano.scalar import facts as f
from theano.scalar.comparison import ge, gt, le, lt
from theano.scalar.declare import elementwise, holomorphic
from theano.scalar.dtypes import (
    ComplexError,
    all_dtypes,
    is_complex,
    last_out,
    same_out,
    switch_out,
    upcast,
    upcast_out,
    upcast_out_no_complex,
)
from theano.scalar.facts import REAL
from theano.scalar.logic import or_
from theano.scalar.op import DISCONNECTED, ZERO, ScalarOp


def _native_switch(b: Any, condition: Any, x: Any, y: Any) -> Any:
    out = upcast(x.dtype, y.dtype)
    if condition.dtype != "bool":
        condition = b.ne(condition, b.const(0, condition.dtype))
    return b.select(condition, b.cast(x, out), b.cast(y, out))


switch: ScalarOp = elementwise(
    "switch", 3, dtype=switch_out, compute="own",
    numpy=lambda c, x, y: np.where(c.astype(bool), x, y),
    grad=lambda c, x, y, z, gz: (ZERO, switch(c, gz, 0), switch(c, 0, gz)),
    native=_native_switch, aliases=("where",), ulp=0,
    doc="x where the condition is not 0, else y. Both are computed; the gradient of the one not chosen is exactly 0.",
)


def _clip(x: Any, low: Any, high: Any) -> Any:
    return np.where(x < low, low, np.where(x > high, high, x))


clip = elementwise(
    "clip", 3, dtype=upcast_out_no_complex, numpy=_clip,
    grad=lambda x, low, high, z, gz: (
        switch(or_(lt(x, low), gt(x, high)), 0, gz),
        switch(lt(x, low), gz, 0),
        switch(lt(x, low), 0, switch(gt(x, high), gz, 0)),
    ),
    native=lambda b, x, low, high: b.select(x < low, low, b.select(x > high, high, x)),
    method=("clip",), ulp=0,
    doc="low where x < low, else high where x > high, else x; low <= high is not checked. "
        "The gradient passes to x at the bounds themselves.",
)
maximum = elementwise(
    "maximum", 2, dtype=upcast_out, numpy=np.maximum,
    grad=lambda x, y, z, gz: (switch(ge(x, y), gz, 0), switch(ge(x, y), 0, gz)),
    native=lambda b, x, y: x | y if x.dtype == "bool" else b.max(x, y),
    facts=[f.commutative, f.associative, f.idempotent], ulp=0,
    doc="The larger of x and y; NaN where either is NaN. On ties the whole gradient goes to x.",
)
minimum = elementwise(
    "minimum", 2, dtype=upcast_out, numpy=np.minimum,
    grad=lambda x, y, z, gz: (switch(le(x, y), gz, 0), switch(le(x, y), 0, gz)),
    native=lambda b, x, y: x & y if x.dtype == "bool" else b.min(x, y),
    facts=[f.commutative, f.associative, f.idempotent], ulp=0,
    doc="The smaller of x and y; NaN where either is NaN. On ties the whole gradient goes to x.",
)
largest = elementwise(
    "largest", None, dtype=upcast_out, define=lambda *xs: reduce(maximum, xs),
    facts=[f.commutative, f.associative, f.idempotent], ulp=0, doc="The largest of any number of inputs.",
)
smallest = elementwise(
    "smallest", None, dtype=upcast_out, define=lambda *xs: reduce(minimum, xs),
    facts=[f.commutative, f.associative, f.idempotent], ulp=0, doc="The smallest of any number of inputs.",
)


def _second(x: Any, y: Any) -> Any:
    return np.broadcast_to(y, np.broadcast_shapes(x.shape, y.shape)).copy()


second = elementwise(
    "second", 2, dtype=last_out, compute="own", numpy=_second,
    grad=lambda x, y, z, gz: (DISCONNECTED, gz), complex_grad="own", disconnected=(0,),
    native=lambda b, x, y: y, facts=[f.associative, f.idempotent], ulp=0,
    doc="y, broadcast to the common shape of x and y; x gives its shape only.",
)
identity = elementwise(
    "identity", dtype=same_out, numpy=np.array, grad=lambda x, z, gz: gz, complex_grad="own",
    native=lambda b, x: x, facts=[f.projection, f.involution, f.increasing, f.odd, f.real_identity],
    aliases=("tensor_copy",), ulp=0, doc="x itself, as a copy.",
)


@cache
def cast_to(dtype: str) -> ScalarOp:
    """The record that casts to `dtype`; there is one for each dtype.

    Casts are C's: towards zero from float to integer, modulo 2**bits among integers, `!= 0` to bool.
    Complex to real is refused.
    """
    if dtype not in all_dtypes:
        raise TypeError(f"{dtype!r} is not a dtype to cast to; known are {', '.join(all_dtypes)}")

    def rule(source: str) -> str:
        if is_complex(source) and not is_complex(dtype):
            raise ComplexError(f"cast from {source} to {dtype} is refused; take real(x), imag(x) or abs(x) first")
        return dtype

    def native(b: Any, x: Any) -> Any:
        if is_complex(dtype):
            raise NotImplementedError(dtype)
        return b.cast(x, dtype)

    return ScalarOp(
        f"Cast{{{dtype}}}", 1, rule, lambda x: x.astype(dtype), compute="own",
        grad=holomorphic(lambda x, z, gz: gz), native=native, facts=frozenset([f.projection]),
        domain=(REAL,), ulp=0, params=(cast_to, dtype), doc=f"x converted to {dtype}.",
    )
