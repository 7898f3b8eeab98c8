"""The list of optimisations, row by row: canonical forms of arithmetic, and arithmetic for speed."""

from __future__ import annotations

from optimised_rows import A, Row, a, b, check_row, i, j, n, rows, x, y, z

import theano.tensor as T

FORMS = rows(
    Row("what is added and taken away", lambda: x + y - x, "checked(y)"),
    Row("a longer sum of both signs", lambda: (x - y) + (y - z) + 2 * z, "checked(add(x, z))"),
    Row("constants of a sum", lambda: (x + 1) + (2 - y), "add(sub(x, y), 3.0)"),
    Row("like terms", lambda: 2 * x + 3 * x, "mul(5.0, x)"),
    Row("what is multiplied and divided by", lambda: x * y / x, "checked(y)"),
    Row("a quotient by itself", lambda: x / x, "second(x, 1.0)"),
    Row("constants of a quotient", lambda: 2 * x / (4 * y), "true_div(mul(0.5, x), y)"),
    Row("a quotient by the modulus", lambda: x / abs(x), "sgn(x)"),
    Row("a modulus over what it is of", lambda: abs(x) / x, "sgn(x)"),
    Row("softmax by exponentials, of rows", lambda: T.exp(A) / T.exp(A).sum(axis=1, keepdims=True),
        "Softmax{axis=(1,)}(A)", without="fusion"),
    Row("a factor -1", lambda: -1 * x, "neg(x)"),
    Row("a reciprocal within a product", lambda: (1 / x) * y, "mul(inv(x), y)"),
    Row("powers 0 and 1, powers of one", lambda: [x**0, x**1, T.pow(1.0, x)], "second(x, 1.0); x; second(x, 1.0)"),
    Row("a factor zero", lambda: 0 * x, "second(x, 0.0)"),
    Row("quotients by one", lambda: [n // 1, x / 1.0], "n; x"),
    Row("zero divided", lambda: 0 / x, "second(x, 0.0)"),
    Row("moduli of products and quotients", lambda: [abs(x) * abs(y), abs(x) / abs(y)],
        "abs_(mul(x, y)); abs_(true_div(x, y))"),
    Row("a common factor of a sum of bounded terms", lambda: x * T.tanh(y) + x * T.sin(z),
        "mul(x, add(tanh(y), sin(z)))"),
    Row("a common factor that is not small", lambda: (1 + T.sqr(x)) * y + z * (1 + T.sqr(x)),
        "mul(add(1, sqr(x)), add(y, z))"),
    Row("a common number", lambda: 3 * x - 3 * y, "mul(3.0, sub(x, y))"),
    Row("a common factor of whole numbers", lambda: n * i + j * n,
        "mul(n, add(DimShuffle{x}(i), DimShuffle{x}(j)))"),
    Row("a common divisor of bounded terms", lambda: T.tanh(x) / y - T.sin(z) / y,
        "true_div(sub(tanh(x), sin(z)), y)"),
    Row("an angle there and back", lambda: T.rad2deg(T.deg2rad(x)), "x"),
    Row("hyperbolic functions there and back",
        lambda: [T.arcsinh(T.sinh(x)), T.sinh(T.arcsinh(x)), T.arctanh(T.tanh(x))],
        "x; x; x"),
    Row("tanh of arctanh keeps its domain", lambda: T.tanh(T.arctanh(x)), "switch(le(abs_(x), 1.0), x, nan)"),
    Row("arccosh of cosh", lambda: T.arccosh(T.cosh(x)), "abs_(x)"),
    Row("sine of arcsine, cosine of arccosine", lambda: [T.sin(T.arcsin(x)), T.cos(T.arccos(x))],
        "switch(le(abs_(x), 1.0), x, nan); switch(le(abs_(x), 1.0), x, nan)"),
    Row("cosh of arccosh", lambda: T.cosh(T.arccosh(x)), "switch(ge(x, 1.0), x, nan)"),
    Row("reciprocal of a reciprocal", lambda: T.inv(T.inv(x)), "x"),
    Row("conjugate of a conjugate", lambda: T.conj(T.conj(x)), "x"),
    Row("what is negative taken away", lambda: x - (-y), "add(x, y)"),
    Row("logarithms of exponentials", lambda: [T.log(T.exp(x)), T.log1p(T.expm1(x))], "x; x"),
    Row("exponentials of softplus", lambda: [T.exp(T.nnet.softplus(x)), T.expm1(T.nnet.softplus(x))],
        "add(1, exp(x)); exp(x)"),
    Row("root of a square", lambda: T.sqrt(x**2), "abs_(x)"),
    Row("square of a root", lambda: T.sqrt(x) ** 2, "switch(ge(x, 0.0), x, nan)"),
    Row("logarithm of a reciprocal", lambda: T.log(1 / x), "neg(log(x))"),
    Row("logarithm of a quotient with a constant", lambda: [T.log(2.0 / x), T.log(x / 3.0)],
        "neg(log(mul(0.5, x))); log(true_div(x, 3.0))"),
    Row("sign of a reciprocal", lambda: T.sgn(1 / x), "sgn(x)"),
    Row("sign of a quotient of known sign", lambda: T.sgn(x / T.exp(y)), "checked(sgn(x))"),
    Row("sigmoid of a logit", lambda: T.nnet.sigmoid(T.log(x / (1 - x))),
        "switch(and_(ge(x, 0.0), le(x, 1.0)), x, nan)"),
    Row("odds of a sigmoid", lambda: T.nnet.sigmoid(x) / (1 - T.nnet.sigmoid(x)), "exp(x)"),
    Row("inverse odds of a sigmoid", lambda: (1 - T.nnet.sigmoid(x)) / T.nnet.sigmoid(x), "exp(neg(x))"),
    Row("choices by one condition", lambda: T.switch(x > 1, y, z) * T.switch(x > 1, z, x),
        "switch(gt(x, 1), mul(y, z), mul(z, x))"),
    Row("a sum of sums", lambda: A.sum(axis=0).sum(), "Sum(A)"),
    Row("a maximum of maxima", lambda: A.max(axis=1).max(), "Max(A)"),
    Row("a product of products", lambda: A.prod(axis=1).prod(), "Prod(A)"),
    Row("increments of one array, added",
        lambda: T.inc_subtensor(T.zeros_like(x)[1], a) + T.inc_subtensor(T.zeros_like(x)[2:4], b),
        "IncSubtensor{Set;2:4:}(IncSubtensor{Set;1}(second(x, 0.0), a), DimShuffle{x}(b))"),
    Row("nested sums and products are one", lambda: (x + 1 + y + 2) * (2 * (z * 3)), "mul(6.0, add(x, y, 3.0), z)"),
)  # fmt: skip


@FORMS
def test_canonical_forms(row: Row) -> None:
    check_row(row)


SPEED = rows(
    Row("factors one and minus one", lambda: 1 * x * -1 * y, "neg(mul(x, y))"),
    Row("signs of factors", lambda: -x * y * -z, "mul(mul(x, y), z)"),
    Row("a term zero", lambda: x + 0 + y, "add(x, y)"),
    Row("square and fourth power", lambda: [x**2, x**4], "sqr(x); sqr(sqr(x))"),
    Row("roots", lambda: [x**0.5, x**-0.5], "sqrt(x); inv(sqrt(x))"),
    Row("negative powers", lambda: [x**-1, x**-2], "inv(x); inv(sqr(x))"),
    Row("a whole power", lambda: x**7, "mul(x, sqr(x), sqr(sqr(x)))"),
    Row("a power that is an array of one number", lambda: x ** T.constant([2.0, 2.0, 2.0, 2.0, 2.0]),
        "checked(sqr(x))"),
    Row("a product with itself", lambda: x * x, "sqr(x)"),
    Row("a product of four", lambda: x * x * x * x, "sqr(sqr(x))"),
    Row("one by something", lambda: 1.0 / x, "inv(x)"),
    Row("minus minus", lambda: T.neg(T.neg(x)), "x"),
    Row("minus a quotient of something negative", lambda: [-(-x / y), -(2.0 / x)],
        "true_div(x, y); true_div(-2.0, x)"),
    Row("a difference with itself", lambda: T.sub(x, x), "second(x, 0.0)"),
    Row("something negative and a term", lambda: -x + y, "sub(y, x)"),
    Row("a product of exponentials", lambda: T.exp(x) * T.exp(y), "exp(add(x, y))"),
    Row("a quotient of exponentials", lambda: T.exp(x) / T.exp(y), "exp(sub(x, y))"),
    Row("a quotient by an exponential", lambda: 1 / T.exp(y), "exp(neg(y))"),
    Row("powers of one base", lambda: T.pow(2.0, x) * T.pow(2.0, y), "pow(2.0, add(x, y))"),
    Row("powers of a positive base", lambda: T.exp(z) ** x * T.exp(z) ** y, "pow(exp(z), add(x, y))"),
    Row("powers of powers", lambda: (x**2) ** 3, "mul(sqr(x), sqr(sqr(x)))"),
    Row("logarithm of a root", lambda: T.log(T.sqrt(x)), "mul(0.5, log(x))"),
    Row("logarithms of powers", lambda: [T.log(x**3), T.log(x**2)], "mul(3.0, log(x)); mul(2.0, log(abs_(x)))"),
    Row("exponential of a logarithm", lambda: T.exp(T.log(abs(x))), "abs_(x)"),
    Row("exponential of a logarithm, nothing known", lambda: T.exp(T.log(x)), "switch(ge(x, 0.0), x, nan)"),
    Row("expm1 of log1p and of a logarithm", lambda: [T.expm1(T.log1p(x)), T.expm1(T.log(x))],
        "switch(ge(x, -1.0), x, nan); switch(ge(x, 0.0), sub(x, 1.0), nan)"),
    Row("softplus of a logarithm", lambda: T.nnet.softplus(T.log(x)), "switch(ge(x, 0.0), log1p(x), nan)"),
    Row("log1mexp of log1mexp", lambda: T.log1mexp(T.log1mexp(-x)), "switch(le(neg(x), 0.0), neg(x), nan)"),
    Row("polygamma of order 0 and 1", lambda: [T.polygamma(0, x), T.polygamma(1, x)], "psi(x); tri_gamma(x)"),
    Row("moduli of squares and moduli", lambda: [abs(x**2), abs(abs(x))], "sqr(x); abs_(x)"),
    Row("rounding of whole numbers", lambda: [T.round(T.floor(x)), T.ceil(T.trunc(x))], "floor(x); trunc(x)"),
    Row("an extreme within bounds", lambda: [T.maximum(T.exp(x), 0.0), T.minimum(T.tanh(x), 1.0)],
        "exp(x); tanh(x)"),
    Row("odd and even functions of -x", lambda: [T.sin(-x), T.cos(-x), T.tanh(-x)],
        "neg(sin(x)); cos(x); neg(tanh(x))"),
    Row("whole powers of a whole number", lambda: n**2, "sqr(n)"),
)  # fmt: skip


@SPEED
def test_arithmetic_for_speed(row: Row) -> None:
    check_row(row)


# What stays as it is written, as the other form may be infinite, or NaN, where this one is finite.
STAYS = rows(
    Row("quotients of quotients", lambda: x / (y / z), "true_div(x, true_div(y, z))"),
    Row("a common factor of a sum", lambda: x * y + x * z, "add(mul(x, y), mul(x, z))"),
    Row("a common divisor", lambda: x / a + y / a,
        "add(true_div(x, DimShuffle{x}(a)), true_div(y, DimShuffle{x}(a)))"),
    Row("a sum times its divisors", lambda: (a / x + b / y) * x * y,
        "mul(mul(add(true_div(DimShuffle{x}(a), x), true_div(DimShuffle{x}(b), y)), x), y)"),
    Row("logarithm of a power of something positive", lambda: T.log(T.exp(x) ** y), "log(pow(exp(x), y))"),
    Row("sign of what may be multiplied by 0", lambda: T.sgn(x * abs(y)), "sgn(mul(x, abs_(y)))"),
    Row("sign of what expm1 may make 0", lambda: T.sgn(x * T.expm1(abs(y))), "sgn(mul(x, expm1(abs_(y))))"),
)  # fmt: skip


@STAYS
def test_what_stays_as_written(row: Row) -> None:
    check_row(row)
