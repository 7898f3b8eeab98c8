"""The policy of the flag `exact`: what its rules may change, and that no other rule runs.

A rule that assumes nothing is exact in IEEE arithmetic in this sense. Where the written expression has a finite value,
the new one has the same bits, or is within the rounding that the ops promise of the exact value. Where NaN is given and
NaN came out, NaN comes out. Where an intermediate result overflows or is 0/0, the new expression may have the value
that the written one lacks. A zero keeps its sign, but for rules that recognise a function (log(1 + x), log1p): there it
is the function's, as log1p(-0.0) is -0.0, although 1 + -0.0 knows nothing of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sampling import exact, grid, mp
from test_declared import DECLARED, RULES, applied, left_side
from test_functions import CASES, rewritten

import theano
from theano.compile.pipeline import FAST_RUN, PIPELINE
from theano.graph.clone import clone_replace
from theano.graph.evaluate import evaluate
from theano.rewriting.rule import Rule
from theano.rewriting.run import selected
from theano.tensor.type import TensorType

PROMISE = 16.0   # eps: the largest error that an elementwise op in these rules promises, twice


def strict(
    before_out: Any, after_out: Any, values: dict[Any, Any], label: str, sign_of_zero: bool = True
) -> None:
    """Fail where the rewritten expression is not exact in the sense above."""
    before, after = (np.asarray(evaluate([out], values)[0]) for out in (before_out, after_out))
    if before.dtype.kind not in "fc":
        np.testing.assert_array_equal(after, before, label)
        return
    if before.dtype.kind == "c":
        before, after = before.view(before.real.dtype), after.view(after.real.dtype)
    eps = float(np.finfo(before.dtype).eps)
    flat_before, flat_after = before.reshape(-1), after.reshape(-1)
    same = flat_before == flat_after
    if sign_of_zero:
        same &= np.signbit(flat_before) == np.signbit(flat_after)
    same |= np.isnan(flat_before) & np.isnan(flat_after)
    for k in np.flatnonzero(~same):
        old, new = flat_before[k], flat_after[k]
        point = {v: np.ravel(x)[k if np.size(x) > 1 else 0] for v, x in values.items()
                 if np.size(x) in (1, flat_before.size)}
        where = f"{label} at {[float(x) for x in point.values()]}: {old!r} became {new!r}"
        complete = len(point) == len(values)
        if not np.isfinite(old):
            assert not (complete and any(np.isnan(x) for x in point.values())), where
            if complete and not all(np.isfinite(x) for x in point.values()):
                continue
        assert not (old == 0 and new == 0), f"{where}: the sign of zero"
        truth = exact(before_out, point) if complete else None
        if truth is None:
            size = max([1.0, abs(old), *(abs(float(x)) for x in point.values() if np.isfinite(x))])
            assert not np.isfinite(old) or abs(new - old) <= PROMISE * eps * size, where
            continue
        tiny = mp.mpf(float(np.finfo(before.dtype).tiny))
        if not np.isfinite(new):
            assert abs(truth) > mp.mpf(float(np.finfo(before.dtype).max)), where
        else:
            assert abs(mp.mpf(float(new)) - truth) <= PROMISE * eps * (abs(truth) + tiny), where


EXACT_DECLARED = [rule for rule in DECLARED if not rule.assumes]
EXACT_EXAMPLES = [case for case in CASES if not RULES[case.values[0]].assumes]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rule", EXACT_DECLARED, ids=lambda rule: rule.name)
def test_declared_rules(rule: Rule, dtype: str) -> None:
    variables, before = left_side(rule, [TensorType(dtype, (None,))], lambda v: v)
    after, inputs, fired = applied(rule, variables, before)
    if fired:
        renamed = clone_replace(after, dict(zip(inputs, variables)))
        strict(before, renamed, dict(zip(variables, grid(len(variables), dtype))), rule.name, False)


@pytest.mark.parametrize("name, number", EXACT_EXAMPLES)
def test_function_rules(name: str, number: int) -> None:
    inputs, before, after = rewritten(name, number)
    if {x.type.dtype for x in inputs} - {"float64", "float32"}:
        pytest.skip("integers are tested elsewhere")
    if name == "written_out":
        pytest.skip("the op's definition")
    rng = np.random.default_rng(1)
    for _ in range(4):
        values = {x: special_values(x, rng) for x in inputs}
        strict(before, after, values, name)


def special_values(x: Any, rng: np.random.Generator) -> np.ndarray:
    """Zeros of both signs and ordinary numbers, and here and there an infinity or NaN."""
    shape = tuple(3 if n is None else n for n in x.type.shape)
    values = rng.choice([0.0, -0.0, 1.0, -1.5, 0.3, 2.0, np.inf, -np.inf, np.nan], shape,
                        p=[0.2, 0.2, 0.15, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05])
    return np.asarray(values, x.type.dtype)


def test_only_such_rules_run() -> None:
    for query in (FAST_RUN.excluding("assumes"),):
        for p in PIPELINE:
            assert not [rule.name for rule in selected(p, query) if rule.assumes]
    assert any(rule.assumes for p in PIPELINE for rule in selected(p, FAST_RUN))
    assert EXACT_DECLARED and EXACT_EXAMPLES


def test_the_flag() -> None:
    x = theano.tensor.dvector("x")
    out = theano.tensor.log(1 + x) + 0 * x + x / x
    values = [0.0, np.inf, 3.0]
    with theano.change_flags(exact=True):
        fired = theano.function([x], out).maker.report.fired()
        found = theano.function([x], out)(values)
    assert "log1p" in fired and not any(RULES[name].assumes for name in fired)
    np.testing.assert_array_equal(found, [np.nan, np.nan, np.log1p(3.0) + 1])
    np.testing.assert_array_equal(theano.function([x], out)(values), [1, np.inf, np.log1p(3.0) + 1])


def test_a_turned_difference_keeps_the_sign_of_its_zero() -> None:
    """Found by the fuzzer: 1 - exp(0) was -expm1(0), and the quotient by it -inf."""
    x = theano.tensor.dvector("x")
    with theano.change_flags(exact=True):
        f = theano.function([x], 1 / (1 - theano.tensor.exp(x)))
    assert "expm1" in f.maker.report.fired()
    np.testing.assert_array_equal(f([0.0, -0.0]), [np.inf, np.inf])


@pytest.mark.parametrize("build", [lambda x: x * -1, lambda x: -1.0 * x, lambda x: 0 - x, lambda x: 2 * x * -1])
def test_complex_numbers_stay_on_their_side_of_a_cut(build: Any) -> None:
    """Found by the fuzzer: -1 * (1 + 0j) is -1 + 0j, and -(1 + 0j) is -1 - 0j, whose root is another one."""
    x = theano.tensor.zvector("x")
    f, g = (theano.function([x], theano.tensor.sqrt(build(x)), mode=mode) for mode in (None, "reference"))
    values = np.array([1, 1 + 0j, complex(1, -0.0), -4, 2 - 1j])
    np.testing.assert_allclose(f(values), g(values), rtol=1e-14)
    np.testing.assert_allclose(f(values), np.sqrt(build(values)), rtol=1e-14)
