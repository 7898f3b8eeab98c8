"""Value, first and second derivative of expressions as users write them, against exact arithmetic (see the table)."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from case import error
from derivative_cases import CURVES, Curve, mp

import theano
import theano.tensor as T
from theano.compile.modes import Mode
from theano.tensor.type import TensorType

MODES = {"native": "FAST_RUN", "reference": Mode("py", "fast_run")}
ORDERS = ("value", "first derivative", "second derivative")
WORST = 64.0   # eps of the scale, for derivatives


def points_of(curve: Curve, dtype: str) -> np.ndarray:
    limits = np.finfo(dtype)
    return np.asarray([x for x in curve.points if x == 0 or float(limits.tiny) <= abs(x) <= float(limits.max)], dtype)


@cache
def exact(curve: Curve, x: float) -> tuple[Any, Any, Any]:
    """The value and two derivatives, as difference quotients with a step so small that only its size is seen."""
    at = mp.mpf(x)
    step = mp.mpf(10) ** -60 * max(min(abs(at), 1), mp.mpf(10) ** -20)
    before, here, after = (curve.exact(at + k * step) for k in (-1, 0, 1))
    return here, (after - before) / (2 * step), (after - 2 * here + before) / step**2


def computed(curve: Curve, dtype: str, mode: Any) -> tuple[np.ndarray, list[np.ndarray]]:
    x = TensorType(dtype, (None,))("x")
    value = curve.build(x)
    assert value.dtype == dtype
    first = theano.grad(T.sum(value), x)
    second = theano.grad(T.sum(first), x)
    points = points_of(curve, dtype)
    return points, theano.function([x], [value, first, second], mode=mode)(points)


def faults(curve: Curve, dtype: str, mode: Any) -> list[str]:
    points, results = computed(curve, dtype, mode)
    found = []
    for row, x in enumerate(points):
        for order, truth in enumerate(exact(curve, float(x))):
            scale = mp.mpf(curve.scale if order else curve.value_scale)
            worst = error(results[order][row], truth, scale, dtype)
            if not worst <= (WORST if order else curve.ulp):
                found.append(f"{dtype}: {ORDERS[order]} at {x}: {results[order][row]!r} is {worst:.3g} eps off "
                             f"{mp.nstr(truth, 17)}")
    return found


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_curve(curve: Curve, mode: str) -> None:
    found = [fault for dtype in curve.dtypes for fault in faults(curve, dtype, MODES[mode])]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("mode", MODES)
def test_second_derivative_where_the_square_overflows(mode: str) -> None:
    """Whether the value is infinite there, as 1 + x**2 is, or not: the second derivative is 0, as it is written."""
    x = T.dvector("x")
    for density in (-2 * T.log(1 + x**2 / 3), -2.5 * T.log1p(x**2 / 4), T.log(1 + x**2)):
        second = theano.grad(T.sum(theano.grad(T.sum(density), x)), x)
        found = theano.function([x], second, mode=MODES[mode])(np.asarray([1e155, -1e170, 1e300]))
        np.testing.assert_array_equal(abs(found) < 1e-300, True)


def test_the_table_can_fail() -> None:
    """As they are written, most curves give NaN or lose their digits somewhere."""
    assert len({curve.name for curve in CURVES}) == len(CURVES) >= 45
    plain = Mode("py", None)
    wrong = [curve.name for curve in CURVES if faults(curve, "float64", plain)]
    assert len(wrong) >= 25, wrong
