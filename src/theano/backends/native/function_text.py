"""Mathematical functions written out as vector instructions, where a call would cost more than they do.

A call of a library's vector function makes every register in use go to memory and come back, which a short loop pays
for each vector. So far there is exp, for machines with AVX-512.
"""

from __future__ import annotations

from theano.backends.native import target
from theano.backends.native.vector_text import SIZE, VectorText, scalar_constant

LOG2E = 1.4426950408889634
# ln 2 in two parts, of which the first has so few bits that its multiples by an exponent are exact
LN2 = {"float": (0.693145751953125, 1.42860682030941723212e-6), "double": (6.93147180369123816490e-01,
                                                                          1.90821492927058770002e-10)}  # fmt: skip
# where the result is 0 or inf
LOWEST = {"float": -105.0, "double": -750.0}
HIGHEST = {"float": 90.0, "double": 711.0}
# exp(r) = 1 + r + r**2 * q(r) for |r| <= ln(2) / 2: q, the highest power first, interpolated at Chebyshev's nodes
# (double) and with the least relative error (float); errors found over all floats: 0.9 ulp, and over 2e7 doubles: 1 ulp
Q = {
    "float": (0.00138145400755949, 0.008368745107646213, 0.041668390785528635, 0.16666520399056178, 0.4999999343211989),
    "double": (
        2.5100343663601094e-08, 2.762007773426559e-07, 2.7557268575684117e-06, 2.4801521318014766e-05,
        0.0001984126986294235, 0.0013888888917199813, 0.008333333333330103, 0.04166666666662416, 0.16666666666666669,
        0.5000000000000001,
    ),
}  # fmt: skip


def is_written_out(name: str, kind: str, lanes: int) -> bool:
    """Is there code for this function of vectors of so many elements?"""
    has = target.host().has
    size = lanes * SIZE[kind]
    wide = size == 64 and target.host().vector_bytes == 64
    return name == "exp" and (wide or (size == 32 and target.host().vector_bytes == 64 and bool(has.get("avx512vl"))))


def exponential(text: VectorText, kind: str, x: str) -> str:
    """exp(x), in place; or, where it would be written out very often, by a call of a function that does the same."""
    if text.in_place:
        return _exponential(text, kind, x)
    name, vec = f"exp.{kind}.{text.lanes}", text.vec(kind)
    if name not in text.declarations:
        body = VectorText(text.lanes)
        result = _exponential(body, kind, "%x")
        text.declarations.update(body.declarations)
        lines = "\n".join([f"define internal {vec} @{name}({vec} %x) {{", "entry:", *body.lines])
        text.declare(name, f"{lines}\n  ret {vec} {result}\n}}")
    return text.set(f"call {vec} @{name}({vec} {x})")


def _exponential(text: VectorText, kind: str, x: str) -> str:
    """exp(x) = 2**n * exp(r), where n is whole and x = n * ln(2) + r."""

    def number(value: float) -> str:
        return text.splat(kind, scalar_constant(kind, value))

    # NaN fails both comparisons and stays
    low, high = number(LOWEST[kind]), number(HIGHEST[kind])
    x = text.select(text.compare("olt", kind, x, low), kind, low, x)
    x = text.select(text.compare("ogt", kind, x, high), kind, high, x)
    n = text.intrinsic("nearbyint", kind, [text.binary("fmul", kind, x, number(LOG2E))])
    r = x
    for part in LN2[kind]:
        r = text.intrinsic("fma", kind, [n, number(-part), r])
    p = number(Q[kind][0])
    for coefficient in (*Q[kind][1:], 1.0, 1.0):
        p = text.intrinsic("fma", kind, [p, r, number(coefficient)])
    return _scaled(text, kind, p, n)


def _scaled(text: VectorText, kind: str, value: str, exponent: str) -> str:
    """value * 2**exponent, rounded once where that is subnormal."""
    bits = 8 * text.lanes * SIZE[kind]
    vec = text.vec(kind)
    mask = "i16" if text.lanes == 16 else "i8"
    name = f"llvm.x86.avx512.mask.scalef.{'ps' if kind == 'float' else 'pd'}.{bits}"
    rounding = ", i32" if bits == 512 else ""
    text.declare(name, f"declare {vec} @{name}({vec}, {vec}, {vec}, {mask}{rounding})")
    as_set = ", i32 4" if bits == 512 else ""
    return text.set(f"call {vec} @{name}({vec} {value}, {vec} {exponent}, {vec} zeroinitializer, {mask} -1{as_set})")
