"""Series at 0: of functions beside known coefficients, of what cancels, of quotients; polynomials and their reach."""

from __future__ import annotations

import math
import pickle
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.compile.modes import Mode
from theano.compile.pipeline import rewrite
from theano.graph.fgraph import FunctionGraph
from theano.rewriting import power_series as series
from theano.scalar.dtypes import float_dtypes
from theano.scalar.op import ScalarOp
from theano.scalar.polynomial import polynomial
from theano.tensor.elemwise import elemwise_of

FUNCTIONS = {
    "exp": np.exp, "expm1": np.expm1, "log1p": np.log1p, "sin": np.sin, "cos": np.cos, "sinh": np.sinh,
    "cosh": np.cosh, "tan": np.tan, "tanh": np.tanh, "arctan": np.arctan, "arctanh": np.arctanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}


def value(of: series.Series, x: float) -> float:
    return math.fsum(c / series.ONE * x ** (n + of[0]) for n, c in enumerate(of[1]))


@pytest.mark.parametrize("name", sorted(series.KNOWN))
@pytest.mark.parametrize(("factor", "power"), [(1.0, 1), (-0.75, 1), (1.25, 2)])
def test_functions(name: str, factor: float, power: int) -> None:
    argument = series.product(series.constant(factor), series.power(series.variable(), power) or series.ZERO)
    found = series.of_function(name, argument)
    assert found is not None
    for x in (0.3, -0.2):
        np.testing.assert_allclose(value(found, x), FUNCTIONS[name](factor * x**power), rtol=1e-14)


def test_no_series_of_other_arguments() -> None:
    x = series.variable()
    one_more = series.sum_of(series.constant(1.0), x)
    assert one_more is not None
    assert series.of_function("exp", one_more) is None
    assert series.of_function("exp", series.constant(2.0)) is None
    assert series.of_function("exp", series.product(series.constant(1e-6), x)) is None
    assert series.of_function("erf", x) is None


def test_what_is_too_small_has_no_inverse() -> None:
    assert series.inverse(series.constant(1e-300)) is None
    assert series.power(series.constant(1e-100), -3) is None
    assert series.power(series.constant(1e-100), -1) is not None


@pytest.mark.parametrize("size", [1e-100, 1e-155, 1e-230, 1e-250, 1e-300])
def test_tiny_constants(size: float) -> None:
    """Of a number beyond the bits of a series, neither its sign nor its inverse is known."""
    x = T.dvector("x")
    values = np.array([1e-3, 1e-5, -1e-3])
    modulus, poles = theano.function([x], [abs(x * size) - x * size, 1 / (size * x) - 1 / (size * T.sin(x))])(values)
    np.testing.assert_array_equal(modulus, np.where(values > 0, 0, -2 * values * size))
    # as written, the difference of the poles has lost 1e-5 of itself for the second value
    np.testing.assert_allclose(poles * size, -values / 6, rtol=1e-6 if size == 1e-100 else 1e-3)


def test_poles_cancel_exactly() -> None:
    x = series.variable()
    sine, cosine = series.of_function("sin", x), series.of_function("cos", x)
    assert sine is not None and cosine is not None
    over_x = series.inverse(x)
    over_square = series.power(x, -2)
    assert over_x is not None and over_square is not None and over_square[0] == -2
    slope = series.sum_of(series.product(cosine, over_x), series.negative(series.product(sine, over_square)))
    assert slope is not None and slope[0] == 1
    np.testing.assert_allclose([c / series.ONE for c in slope[1][:5]], [-1 / 3, 0, 1 / 30, 0, -1 / 840], rtol=1e-15)


def test_all_cancels() -> None:
    x = series.variable()
    assert series.sum_of(x, series.negative(x)) == series.ZERO
    assert series.inverse(series.ZERO) is None


def test_signs() -> None:
    x = series.variable()
    assert [series.sign_near_zero(x, side) for side in (1, -1)] == [1, -1]
    assert [series.sign_near_zero(series.product(x, x), side) for side in (1, -1)] == [1, 1]
    assert series.sign_near_zero(series.ZERO, 1) == 0


def test_a_polynomial_reaches_as_far_as_its_series() -> None:
    whole = series.of_function("exp", series.variable())
    assert whole is not None
    entire = series.polynomial(whole, 2.0**-52)
    assert entire is not None and entire[0] == 1.0
    logarithm = series.of_function("log1p", series.variable())
    assert logarithm is not None
    near = series.polynomial((0, logarithm[1]), 2.0**-52)
    assert near is not None and near[0] < 1
    assert series.polynomial((0, [series.ONE] * series.TERMS), 2.0**-52) is not None
    assert series.polynomial((0, [series.ONE << 3 * n for n in range(series.TERMS)]), 2.0**-52) is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mode", ["FAST_RUN", Mode("py", "fast_run")], ids=["native", "reference"])
@pytest.mark.parametrize("step", [1, 2])
def test_the_op(dtype: str, mode: object, step: int) -> None:
    coefficients = (0.5, -1.25, 2.0)
    x = T.vector("x", dtype=dtype)
    y = elemwise_of(polynomial(coefficients, step))(x)
    points = np.asarray([0.0, -0.0, 0.5, -3.0, np.inf, np.nan, 7.0], dtype)
    f = theano.function([x], [y, theano.grad(y.sum(), x)], mode=mode)
    got, slope = f(points)
    with np.errstate(invalid="ignore"):
        t = points**step
        np.testing.assert_allclose(got, (2 * t - 1.25) * t + 0.5, rtol=8 * np.finfo(dtype).eps)
        np.testing.assert_allclose(slope, (4 * t - 1.25) * step * points ** (step - 1), rtol=8 * np.finfo(dtype).eps)
    assert got.dtype == dtype and f(points[::-2])[0].shape == (4,) and f(points[:0])[0].shape == (0,)
    assert elemwise_of(polynomial(coefficients, step)) == y.owner.op


def test_the_op_is_pickled() -> None:
    record = polynomial((1.0, 2.0), 2)
    assert pickle.loads(pickle.dumps(record)) is record


def test_what_a_sum_is_multiplied_by_does_not_matter() -> None:
    """The derivative of a long chain after sin(x)/x: its factor, which depends on x as well, is not looked into."""
    def chain(y: Any) -> Any:
        for _ in range(40):
            y = T.tanh(y) * 0.9 + T.cos(y)
        return y

    x, y = T.dvectors("x", "y")
    gradient = theano.function([x], T.grad(chain(T.sin(x) / x).sum(), x))
    factor = theano.function([y], T.grad(chain(y).sum(), y))
    near = np.array([-1e-3, 1e-300, 1e-9, 1e-5])
    np.testing.assert_allclose(gradient(near), factor(np.ones(4)) * (-near / 3), rtol=1e-6)


def floats_of(dtype: str) -> list[Any]:
    """Elementwise ops that take this dtype as the floats that they convert it to."""
    records = [r for r in ScalarOp.registry.values() if r.compute == "out" and r.numpy is not None and not r.define]
    found = []
    for record in records:
        with suppress(TypeError):
            if record.output_dtype(*[dtype] * (record.nin or 2)) in float_dtypes:
                found.append(pytest.param(record, dtype, id=f"{record.name}-{dtype}"))
    return found


@pytest.mark.parametrize(("record", "dtype"), [*floats_of("bool"), *floats_of("int8"), *floats_of("uint8")])
def test_factors_are_functions_of_integers(record: ScalarOp, dtype: str) -> None:
    """Found by the fuzzer: softplus of a bool, by its formula, takes minus of a bool."""
    x = T.dvector("x")
    n = T.cast(x > 2, dtype)
    factor = elemwise_of(record)(*[n] * (record.nin or 2))
    fgraph = FunctionGraph([x], [T.cos(x) * factor / x - T.sin(x) * factor / x**2])
    report = rewrite(fgraph)
    assert not [failure for done in report.passes for failure in done.failures]
