"""Every line of the stability table, in value and gradient, against exact arithmetic.

What each mode promises: FAST_RUN (native code) and its rules on the reference backend compute every line of the table.
FAST_COMPILE runs no rule that stabilises, and computes the lines marked `fast_compile`, whose ops are stable
themselves. DebugMode agrees with FAST_RUN, and must not take an improvement for a change.
"""

from __future__ import annotations

from typing import Any

import exponential_cases
import logarithm_cases
import numpy as np
import pytest
import special_cases
from case import Case, error, exact_derivatives, exact_value, mp, representable, results

from theano.compile.debugmode import DebugMode
from theano.compile.modes import Mode

CASES = [*logarithm_cases.CASES, *exponential_cases.CASES, *special_cases.CASES]
MODES = {"native": "FAST_RUN", "reference": Mode("py", "fast_run")}
IN_DEBUGMODE = ["log(1 + exp(x))", "log(exp(x) + exp(y))", "log(sum(exp(x)))", "exp(x)*exp(y)", "log(x*y)"]


def size(function: Any, point: Any) -> Any:
    return mp.mpf(float(function(*point))) if function else mp.mpf(0)


def faults(case: Case, dtype: str, mode: Any) -> list[str]:
    """What is wrong with a case in a mode, as text."""
    points = representable(case, dtype)
    value, gradient = results(case, dtype, mode, points + list(case.special))
    found = []
    for row, point in enumerate(points):
        pairs = zip(np.atleast_1d(value[row]), exact_value(case, point))
        worst = max(error(got, truth, size(case.scale, point), dtype) for got, truth in pairs)
        if not worst <= case.ulp:
            right = exact_text(exact_value(case, point))
            found.append(f"value at {point}: {value[row]!r} is {worst:.3g} eps off {right}")
        if gradient is None or case.grad_ulp is None:
            continue
        truths = exact_derivatives(case, point)
        worst = max(error(g, t, size(case.grad_scale, point), dtype) for g, t in zip(gradient[row], truths))
        if not worst <= case.grad_ulp:
            found.append(f"gradient at {point}: {gradient[row]!r} is {worst:.3g} eps off {exact_text(truths)}")
    for row, (point, (wanted, slope)) in enumerate(case.special.items(), len(points)):
        for what, got, right in (("value", value, wanted), ("gradient", gradient, slope)):
            if right is None or got is None:
                continue
            if not np.allclose(got[row], right, rtol=8 * np.finfo(dtype).eps, atol=0, equal_nan=True):
                found.append(f"{what} at {point}: {got[row]!r}, not {right!r}")
    return found


def exact_text(numbers: list[Any]) -> str:
    return ", ".join(mp.nstr(x, 17) for x in numbers)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Case, mode: str) -> None:
    found = [f"{dtype}: {fault}" for dtype in case.dtypes for fault in faults(case, dtype, MODES[mode])]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("case", [c for c in CASES if c.fast_compile], ids=lambda case: case.name)
def test_fast_compile(case: Case) -> None:
    found = [f"{dtype}: {fault}" for dtype in case.dtypes for fault in faults(case, dtype, "FAST_COMPILE")]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("case", [c for c in CASES if c.name in IN_DEBUGMODE], ids=lambda case: case.name)
def test_debugmode(case: Case) -> None:
    assert not faults(case, "float64", DebugMode(check_isfinite=False))


def test_names_are_unique_and_the_table_is_long() -> None:
    names = [case.name for case in CASES]
    assert len(names) == len(set(names)) and len(names) >= 180
    assert set(IN_DEBUGMODE) <= set(names)


def test_a_case_can_fail() -> None:
    """The written forms, computed as they are, are wrong: the comparison sees it."""
    plain = Mode("py", None)
    wrong = [case.name for case in CASES if faults(case, "float64", plain)]
    assert len(wrong) >= 100, wrong
