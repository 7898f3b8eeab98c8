"""Special functions: error functions, gamma functions, Bessel functions.

NumPy meanings are those of `scipy.special` (loaded at first use); natively the same C functions are called, or vector
code of our own computes them.
Derivatives by the order of a Bessel function and by n of `polygamma` are not defined here: asking for one is an error.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from theano.scalar import facts as f
from theano.scalar.arithmetic import sgn, sqr
from theano.scalar.cancelling import times
from theano.scalar.comparison import gt
from theano.scalar.declare import elementwise, like
from theano.scalar.dtypes import upgrade_to_float, upgrade_to_float64, upgrade_to_float_no_complex
from theano.scalar.exponential import exp, log, xlogy0
from theano.scalar.facts import NONNEGATIVE, POSITIVE
from theano.scalar.op import UNDEFINED, ScalarOp
from theano.scalar.scipy_special import special
from theano.scalar.selection import switch

TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)
HALF_ROOT_PI = math.sqrt(math.pi) / 2
ORDERS = f.interval("(0, 10)")


def _c_function(name: str) -> Any:
    """Native form: the C function behind `scipy.special.<name>`, in double precision."""
    path = f"scipy.special.cython_special:{name}"
    return lambda b, *xs: b.call(path, *xs)


# ---- error functions ----

erf = elementwise(
    "erf", dtype=upgrade_to_float, numpy=special("erf"),
    grad=lambda x, y, gz: gz * (exp(-sqr(x)) * like(TWO_OVER_ROOT_PI, y)),
    native=lambda b, x: b.math("erf", x),
    facts=[f.odd, f.increasing, f.values_in("[-1, 1]"), f.inverse("erfinv")], ulp=4,
    doc="Error function 2/sqrt(pi) * integral of exp(-t**2) for t from 0 to x.",
)


def _square_in_two(x: Any) -> tuple[Any, Any]:
    """x**2 as a sum, the first term of which is exact. Where it is large, its rounding counts in exp(x**2)."""
    head = x.astype("float32").astype("float64")
    return head * head, (x - head) * (x + head)


def _erfc(x: Any) -> Any:
    """SciPy's erfc loses some 250 units for large x."""
    wide = x.astype("float64")
    square, rest = _square_in_two(wide)
    far = special("erfcx")(wide) * np.exp(-square) * np.exp(-rest)
    return np.where((wide > 1) & (wide < 30), far, special("erfc")(wide))


erfc = elementwise(
    "erfc", dtype=upgrade_to_float_no_complex, numpy=_erfc,
    grad=lambda x, y, gz: -(gz * (exp(-sqr(x)) * like(TWO_OVER_ROOT_PI, y))),
    native=lambda b, x: b.math("erfc", x),
    facts=[f.decreasing, f.values_in("[0, 2]"), f.inverse("erfcinv")], ulp=6,
    doc="1 - erf(x), precise where erf(x) is near 1.",
)


def _erfcx(x: Any) -> Any:
    """SciPy's erfcx loses some 250 units for large negative x."""
    wide = x.astype("float64")
    square, rest = _square_in_two(wide)
    far = 2 * np.exp(square) * np.exp(rest) - special("erfcx")(-wide)
    return np.where((wide < -1) & (wide > -30), far, special("erfcx")(wide))


def _erfcx_gradient(x: Any, y: Any, gz: Any) -> Any:
    # 2 x y and 2/sqrt(pi) cancel for large x: there, the derivative of the asymptotic series
    t = 1 / sqr(x)
    series = t * (-0.5 + t * (0.75 - t * (1.875 - t * 6.5625)))
    near = x * y * 2 - like(TWO_OVER_ROOT_PI, y)
    return gz * switch(gt(x, 50), series * like(TWO_OVER_ROOT_PI, y), near)


erfcx = elementwise(
    "erfcx", dtype=upgrade_to_float_no_complex, numpy=_erfcx, grad=_erfcx_gradient,
    native=lambda b, x: b.math("erfcx", x), facts=[f.decreasing, f.values_in("[0, inf]")], ulp=4,
    doc="exp(x**2) * erfc(x) without underflow in between.",
)
erfinv = elementwise(
    "erfinv", dtype=upgrade_to_float_no_complex, numpy=special("erfinv"),
    grad=lambda x, y, gz: gz * (exp(sqr(y)) * like(HALF_ROOT_PI, y)),
    native=_c_function("erfinv"), facts=[f.odd, f.increasing, f.inverse("erf", "[-1, 1]")],
    domain=(f.interval("(-1, 1)"),), ulp=4, doc="Inverse of erf; NaN outside [-1, 1].",
)
erfcinv = elementwise(
    "erfcinv", dtype=upgrade_to_float_no_complex, numpy=special("erfcinv"),
    grad=lambda x, y, gz: -(gz * (exp(sqr(y)) * like(HALF_ROOT_PI, y))),
    native=_c_function("erfcinv"), facts=[f.decreasing, f.inverse("erfc", "[0, 2]")],
    domain=(f.interval("(0, 2)"),), ulp=4, doc="Inverse of erfc; NaN outside [0, 2].",
)

# ---- gamma function and its derivatives ----

gamma = elementwise(
    "gamma", dtype=upgrade_to_float, numpy=special("gamma"), grad=lambda x, y, gz: gz * y * psi(x),
    native=lambda b, x: b.math("tgamma", x), domain=(POSITIVE,), ulp=8,
    doc="Gamma function: (x - 1)! for whole x > 0.",
)


def _gammaln(x: Any) -> Any:
    """SciPy's loses its digits near the zeros 1 and 2, which its loggamma does not; it is inf for subnormal numbers."""
    value = special("gammaln")(x)
    parts = [
        ((np.abs(x - 1) < 0.2) | (np.abs(x - 2) < 0.2), lambda: special("loggamma")(x.astype("complex128")).real),
        ((x >= 1.2) & (x <= 1.8), lambda: _gammaln_of_next(x) - np.log(x)),
        ((x != 0) & (np.abs(x) < 1e-307), lambda: -np.log(np.abs(x))),
    ]
    for chosen, formula in parts:
        if chosen.any():
            value = np.where(chosen, formula().astype(value.dtype), value)
    return value


def _gammaln_of_next(x: Any) -> Any:
    """gammaln(x + 1), and what rounding x + 1 changes."""
    up = x + 1
    return special("gammaln")(up) + special("psi")(up) * (x - (up - 1))


def _native_gammaln(b: Any, x: Any) -> Any:
    """At -inf, SciPy's is -inf and C's is inf."""
    return b.select(b.eq(x, b.const(-math.inf, x.dtype)), x, b.math("lgamma", x))


gammaln = elementwise(
    "gammaln", dtype=upgrade_to_float_no_complex, numpy=_gammaln, grad=lambda x, y, gz: gz * psi(x),
    native=_native_gammaln, domain=(POSITIVE,), ulp=8, doc="log(abs(gamma(x))).",
)
psi: ScalarOp = elementwise(
    "psi", dtype=upgrade_to_float, numpy=special("psi"), grad=lambda x, y, gz: gz * tri_gamma(x),
    native=lambda b, x: b.math("psi", x), facts=[f.increasing], domain=(POSITIVE,), ulp=8,
    aliases=("digamma",), doc="Digamma function, the derivative of log(gamma(x)).",
)


def _tri_gamma(x: Any) -> Any:
    return special("polygamma")(1, x)


tri_gamma: ScalarOp = elementwise(
    "tri_gamma", dtype=upgrade_to_float_no_complex, numpy=_tri_gamma,
    grad=lambda x, y, gz: gz * polygamma(2, x), native=lambda b, x: b.math("trigamma", x),
    facts=[f.decreasing, f.values_in("[0, inf]")], domain=(POSITIVE,), ulp=8,
    doc="Trigamma function, the derivative of psi.",
)
def _factorial_times_zeta(s: Any, x: Any) -> Any:
    """(s - 1)! * zeta(s, x) for whole s >= 2, x > 0. SciPy's factors over- or underflow before their product does."""
    zeta, factorial = special("zeta")(s, x), special("gamma")(s)
    value = factorial * zeta
    chosen = ~np.isfinite(factorial) | (zeta < 1e-290)
    if chosen.any():
        s, x = s[chosen].astype("longdouble"), x[chosen].astype("longdouble")
        near, z = x < 1, x + 40
        rest = 0.5 + s / (12 * z) * (1 - (s + 1) * (s + 2) / (60 * z**2) * (1 - (s + 3) * (s + 4) / (42 * z**2)))
        rest = np.exp(-s * np.log1p(40 / x)) * (z / (s - 1) + np.where(s < 100 * z, rest, 0))
        total = sum(np.exp(-s * np.log1p(k / x)) for k in range(40)) + rest
        series = (1 - (1 - 2 / (7 * s**2)) / (30 * s**2)) / (12 * s)
        stirling = (s - 0.5) * np.log(s) - s + np.log(2 * np.longdouble(np.pi)) / 2 + series
        log_factorial = np.where(s < 100, np.log(factorial[chosen]), stirling)
        power = np.exp(log_factorial - np.where(near, s, s - 1) * np.log(x))
        value[chosen] = power * (total / np.where(near, 1, x))
    return value


def _polygamma(n: Any, x: Any) -> Any:
    """By (-1)**(n + 1) * n! * zeta(n + 1, x); for x < 0 the two poles beside x, and what lies left of it, are told.

    SciPy's takes as many steps as -x says.
    """
    dtype = np.result_type(n, x)
    n, x = (np.array(a, "float64") for a in np.broadcast_arrays(n, x))
    value = np.where(n == 0, special("psi")(x), np.nan)
    ordered = (n >= 1) & (n == np.rint(n)) & (n < np.inf) & ~np.isnan(x)
    sign = np.where(np.fmod(n, 2) == 0, -1.0, 1.0)
    value[ordered] = (sign * np.where(x > 0, 0.0, np.inf))[ordered]   # inf is 0, whole numbers are poles
    inside = ordered & (x > 0) & (x < np.inf)
    value[inside] = sign[inside] * _factorial_times_zeta(n[inside] + 1, x[inside])
    inside = ordered & (x < 0) & (x != np.floor(x)) & (x > -np.inf)
    value[inside] = sign[inside] * _zeta_between_poles(n[inside] + 1, -x[inside], sign[inside])
    return value.astype(dtype)


def _zeta_between_poles(s: Any, z: Any, sign: Any) -> Any:
    """(s - 1)! * zeta(s, -z) for z > 0, not whole; the sign is (-1)**s."""
    f = z - np.rint(z)
    distance = np.abs(f)
    near, far = (_factorial_times_zeta(s, d) for d in (distance, 1 - distance))
    near, far = near * np.where(f > 0, sign, 1), far * np.where(f > 0, 1, sign)
    both = np.where((distance == 0.5) & (sign < 0), 0.0, np.where(np.isinf(near), near, near + far))
    return np.where(np.isinf(both), both, both - sign * _factorial_times_zeta(s, z + 1))


polygamma: ScalarOp = elementwise(
    "polygamma", 2, dtype=upgrade_to_float_no_complex, numpy=_polygamma,
    grad=lambda n, x, y, gz: (UNDEFINED, gz * polygamma(n + 1.0, x)),
    native=lambda b, n, x: b.math("polygamma", n, x),
    domain=(f.interval("[0, inf)"), POSITIVE), ulp=8,
    doc="The n-th derivative of psi at x, for whole n >= 0.",
)

# ---- incomplete gamma functions: of (k, x), k > 0, x >= 0 (the regularised ones may exceed 1 by rounding) ----


def _gamma_density(k: Any, x: Any) -> Any:
    """x**(k-1) exp(-x) / gamma(k): the derivative of gammainc(k, x) by x."""
    return exp(xlogy0(k - 1.0, x) - x - gammaln(k))


def _series_by_order(k: Any, x: Any) -> Any:
    """Sum over n of w_n (log x - psi(k + n + 1)), w_n = x**(k+n) exp(-x) / gamma(k + n + 1); 0 < k, 0 < x."""
    # far above the mean the weight of what is left is nothing: the value is 0 there
    tail = x > k + 40 * np.sqrt(k + 40) + 40
    x = np.where(tail, k, x)
    log_x = np.log(x)
    weight = np.exp(k * log_x - x - special("gammaln")(k + 1))
    digamma = special("psi")(k + 1)
    total = np.zeros(k.shape)
    terms = np.maximum(x - k, 0) + 10 * np.sqrt(np.maximum(x, k)) + 60
    for n in range(1, int(terms.max(initial=0)) + 1):
        total += weight * (log_x - digamma)
        digamma = digamma + 1 / (k + n)
        weight = weight * (x / (k + n))
    return np.where(tail, 0, total)


def _difference_by_order(k: Any, x: Any) -> Any:
    """The five-point difference of gammainc: for large k it varies on the scale of sqrt(k), so this is precise."""
    step = 0.003 * np.sqrt(k)
    regularised = special("gammainc")
    near = regularised(k + step, x) - regularised(k - step, x)
    far = regularised(k + 2 * step, x) - regularised(k - 2 * step, x)
    return (8 * near - far) / (12 * step)


def _gammainc_by_order(k: Any, x: Any) -> Any:
    k, x = np.broadcast_arrays(k.astype("float64"), x.astype("float64"))
    result = np.where((k > 0) & (x >= 0), 0.0, np.nan)   # 0 at x = 0 and x = inf
    inside = (k > 0) & (x > 0) & (k < np.inf) & (x < np.inf)
    for part, formula in ((inside & (k <= 1e4), _series_by_order), (inside & (k > 1e4), _difference_by_order)):
        result[part] = formula(k[part], x[part])
    return result


gammainc_by_order = elementwise(
    "gammainc_by_order", 2, dtype=upgrade_to_float_no_complex, numpy=_gammainc_by_order,
    grad=lambda k, x, y, gz: (UNDEFINED, gz * _gamma_density(k, x) * (log(x) - psi(k))),
    domain=(ORDERS, POSITIVE), ulp=1000,
    doc="The derivative of gammainc(k, x) by k (absolute error about 1e-13).",
)
gammainc = elementwise(
    "gammainc", 2, dtype=upgrade_to_float_no_complex, numpy=special("gammainc"),
    grad=lambda k, x, y, gz: (gz * gammainc_by_order(k, x), gz * _gamma_density(k, x)),
    native=_c_function("gammainc"), facts=[f.values_in("[0, inf]")], domain=(ORDERS, POSITIVE), ulp=128,
    doc="Regularised lower incomplete gamma function, integral of t**(k-1) exp(-t) from 0 to x over gamma(k).",
)
gammaincc = elementwise(
    "gammaincc", 2, dtype=upgrade_to_float_no_complex, numpy=special("gammaincc"),
    grad=lambda k, x, y, gz: (-(gz * gammainc_by_order(k, x)), -(gz * _gamma_density(k, x))),
    native=_c_function("gammaincc"), facts=[f.values_in("[0, inf]")], domain=(ORDERS, POSITIVE), ulp=128,
    doc="Regularised upper incomplete gamma function, 1 - gammainc(k, x).",
)


def _times_gamma(name: str) -> Any:
    """NumPy and native form of gamma(k) times a regularised function, in double: gamma(k) soon overflows float32."""
    regularised = _c_function(name)
    complete = _c_function("gamma")

    def numpy(k: Any, x: Any) -> Any:
        k, x = k.astype("float64"), x.astype("float64")
        return special(name)(k, x) * special("gamma")(k)

    def native(b: Any, k: Any, x: Any) -> Any:
        dtype = k.dtype
        k, x = b.cast(k, "float64"), b.cast(x, "float64")
        return b.cast(regularised(b, k, x) * complete(b, k), dtype)

    return {"numpy": numpy, "native": native}


gammal = elementwise(
    "gammal", 2, dtype=upgrade_to_float_no_complex,
    **_times_gamma("gammainc"),
    grad=lambda k, x, y, gz: (
        gz * (gamma(k) * gammainc_by_order(k, x) + psi(k) * y),
        gz * exp(xlogy0(k - 1.0, x) - x),
    ),
    domain=(ORDERS, POSITIVE), ulp=128, doc="Lower incomplete gamma function, not regularised.",
)
gammau = elementwise(
    "gammau", 2, dtype=upgrade_to_float_no_complex,
    **_times_gamma("gammaincc"),
    grad=lambda k, x, y, gz: (
        gz * (psi(k) * y - gamma(k) * gammainc_by_order(k, x)),
        -(gz * exp(xlogy0(k - 1.0, x) - x)),
    ),
    domain=(ORDERS, POSITIVE), ulp=128, doc="Upper incomplete gamma function, not regularised.",
)
chi2sf = elementwise(
    "chi2sf", 2, dtype=upgrade_to_float64, numpy=lambda x, k: special("chdtrc")(k, x),
    grad=lambda x, k, y, gz: (
        gz * (_gamma_density(k * 0.5, x * 0.5) * -0.5),
        gz * (gammainc_by_order(k * 0.5, x * 0.5) * -0.5),
    ),
    native=lambda b, x, k: _c_function("chdtrc")(b, k, x),
    facts=[f.values_in("[0, inf]")], domain=(NONNEGATIVE, ORDERS), ulp=128,
    doc="Survival function at x of the chi-square distribution with k degrees of freedom, in float64.",
)

# ---- Bessel functions ----

j0 = elementwise(
    "j0", dtype=upgrade_to_float_no_complex, numpy=special("j0"), grad=lambda x, y, gz: -(gz * j1(x)),
    native=_c_function("j0"), facts=[f.even, f.values_in("[-1, 1]")], ulp=16,
    doc="Bessel function of the first kind, order 0.",
)
j1: ScalarOp = elementwise(
    "j1", dtype=upgrade_to_float_no_complex, numpy=special("j1"),
    grad=lambda x, y, gz: gz * ((j0(x) - jv(2, x)) * 0.5),
    native=_c_function("j1"), facts=[f.odd, f.values_in("[-1, 1]")], ulp=16,
    doc="Bessel function of the first kind, order 1.",
)
jv: ScalarOp = elementwise(
    "jv", 2, dtype=upgrade_to_float_no_complex, numpy=special("jv"),
    grad=lambda v, x, y, gz: (UNDEFINED, gz * ((jv(v - 1.0, x) - jv(v + 1.0, x)) * 0.5)),
    native=_c_function("jv"), domain=(ORDERS, POSITIVE), ulp=128,
    doc="Bessel function of the first kind of real order v.",
)


def _i0_gradient(x: Any, y: Any, gz: Any) -> Any:
    # of log(i0(x)): the quotient of the scaled functions, whose derivatives of any order do not overflow
    divided = times(gz, y)
    return gz * i1(x) if divided is None else divided * (ive(1, x) / ive(0, x))


i0 = elementwise(
    "i0", dtype=upgrade_to_float_no_complex, numpy=special("i0"), grad=_i0_gradient,
    native=_c_function("i0"), facts=[f.even, f.values_in("[1, inf]")], ulp=8,
    doc="Modified Bessel function of the first kind, order 0.",
)
i1: ScalarOp = elementwise(
    "i1", dtype=upgrade_to_float_no_complex, numpy=special("i1"),
    grad=lambda x, y, gz: gz * ((i0(x) + iv(2, x)) * 0.5),
    native=_c_function("i1"), facts=[f.odd, f.increasing], ulp=8,
    doc="Modified Bessel function of the first kind, order 1.",
)
iv: ScalarOp = elementwise(
    "iv", 2, dtype=upgrade_to_float_no_complex, numpy=special("iv"),
    grad=lambda v, x, y, gz: (UNDEFINED, gz * ((iv(v - 1.0, x) + iv(v + 1.0, x)) * 0.5)),
    native=_c_function("iv"), domain=(ORDERS, POSITIVE), ulp=16,
    doc="Modified Bessel function of the first kind of real order v.",
)


def _ive(v: Any, x: Any) -> Any:
    """SciPy's is NaN for negative x: there whole orders are even or odd functions, and others are not real."""
    scaled = special("ive")(v, np.abs(x))
    mirrored = np.where(v != np.rint(v), x.dtype.type(np.nan), np.where(np.fmod(v, 2) != 0, -scaled, scaled))
    return np.where(x < 0, mirrored, scaled)


def _native_ive(b: Any, v: Any, x: Any) -> Any:
    scaled = _c_function("ive")(b, v, abs(x))
    odd = b.ne(b.fmod(v, b.const(2.0, v.dtype)), b.const(0.0, v.dtype))
    mirrored = b.select(b.ne(v, b.rint(v)), b.const(math.nan, v.dtype), b.select(odd, -scaled, scaled))
    return b.select(x < 0.0, mirrored, scaled)


ive: ScalarOp = elementwise(
    "ive", 2, dtype=upgrade_to_float_no_complex, numpy=_ive,
    grad=lambda v, x, y, gz: (UNDEFINED, gz * ((ive(v - 1.0, x) + ive(v + 1.0, x)) * 0.5 - sgn(x) * y)),
    native=_native_ive, domain=(ORDERS, POSITIVE), ulp=128,
    doc="exp(-abs(x)) * iv(v, x), without overflow in between.",
)
