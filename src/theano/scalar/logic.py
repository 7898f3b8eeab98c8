"""Logic: bitwise ops of integers, logical ops of bools (one record serves both), and membership of intervals."""

from __future__ import annotations

import numpy as np

from theano.scalar import facts as f
from theano.scalar.comparison import ge, gt, le, lt
from theano.scalar.declare import elementwise
from theano.scalar.dtypes import bool_out, same_out_discrete, upcast_out_discrete
from theano.scalar.op import ZERO

and_ = elementwise(
    "and_", 2, dtype=upcast_out_discrete, numpy=np.bitwise_and, grad=ZERO,
    native=lambda b, x, y: x & y,
    facts=[f.commutative, f.associative, f.idempotent, f.Absorbing(0)],
    aliases=("bitwise_and",), symbol="&", ulp=0,
    doc="Bitwise and of integers, logical and of bools; floats are refused.",
)
or_ = elementwise(
    "or_", 2, dtype=upcast_out_discrete, numpy=np.bitwise_or, grad=ZERO,
    native=lambda b, x, y: x | y,
    facts=[f.commutative, f.associative, f.idempotent, f.Identity(0)],
    aliases=("bitwise_or",), symbol="|", ulp=0,
    doc="Bitwise or of integers, logical or of bools; floats are refused.",
)
xor = elementwise(
    "xor", 2, dtype=upcast_out_discrete, numpy=np.bitwise_xor, grad=ZERO,
    native=lambda b, x, y: x ^ y,
    facts=[f.commutative, f.associative, f.Identity(0)],
    aliases=("bitwise_xor",), symbol="^", ulp=0,
    doc="Bitwise exclusive or of integers, logical one of bools; floats are refused.",
)
invert = elementwise(
    "invert", dtype=same_out_discrete, numpy=np.invert, grad=ZERO,
    native=lambda b, x: ~x, facts=[f.involution],
    aliases=("bitwise_not",), symbol="~", ulp=0,
    doc="Bitwise not of integers (-x - 1 of signed ones), logical not of bools; floats are refused.",
)
inopenrange = elementwise(
    "inopenrange", 3, dtype=bool_out, define=lambda x, low, high: and_(gt(x, low), lt(x, high)), ulp=0,
    doc="low < x < high, as bool.",
)
inclosedrange = elementwise(
    "inclosedrange", 3, dtype=bool_out, define=lambda x, low, high: and_(ge(x, low), le(x, high)), ulp=0,
    doc="low <= x <= high, as bool.",
)
