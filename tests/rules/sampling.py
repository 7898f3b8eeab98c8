"""What the tests of rules share: special values, exact meanings of ops, and the comparison of before and after.

The law: a rewrite never changes a value except by removing error, and never turns a finite result into NaN or inf.
"""

from __future__ import annotations

import itertools
from typing import Any

import mpmath
import numpy as np

from theano.graph.evaluate import evaluate
from theano.graph.node import Constant
from theano.graph.traverse import toposort
from theano.tensor.dimshuffle import DimShuffle
from theano.tensor.elemwise import Elemwise

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -3.0, 1e-20, -1e-20, 1e-9, 7.3, -7.3, 36.5, -40.0, 705.0, -750.0,
           1e8, -1e8, 1e30, 1e300, -1e300, np.inf, -np.inf, np.nan]
ORDINARY = [0.3, 1.7, -0.4, 2.9, 0.001, -1.2]

mp = mpmath.mp.clone()
mp.dps = 800   # erf(40) is 1 in 690 of them


def grid(count: int, dtype: str) -> list[np.ndarray]:
    """Values for `count` variables, all combinations of special ones (of fewer when there are many variables)."""
    values = SPECIAL if count <= 2 else SPECIAL[::3] + ORDINARY[:3]
    if dtype.startswith("int"):
        values = [0, 1, -1, 2, -3, 7, 100, -100]
    elif dtype == "bool":
        values = [True, False]
    values = values + (ORDINARY if dtype.startswith("float") else [])
    with np.errstate(all="ignore"):
        columns = np.array(list(itertools.product(values, repeat=count))).astype(dtype)
    return [np.ascontiguousarray(columns[:, k]) for k in range(count)]


def _guarded(function: Any) -> Any:
    def safe(*xs: Any) -> Any:
        try:
            return function(*xs)
        except (ValueError, ZeroDivisionError, OverflowError, mpmath.libmp.NoConvergence):
            return mp.nan

    return safe


EXACT = {
    "add": lambda *xs: mp.fsum(xs), "mul": lambda *xs: mp.fprod(xs), "sub": lambda x, y: x - y, "neg": lambda x: -x,
    "true_div": lambda x, y: x / y, "inv": lambda x: 1 / x, "sqr": lambda x: x * x, "abs_": abs,
    "sqrt": lambda x: mp.sqrt(x) if x >= 0 else mp.nan, "exp": mp.exp, "exp2": lambda x: mp.power(2, x),
    "expm1": mp.expm1, "log": lambda x: mp.log(x) if x > 0 else mp.nan,
    "log1p": lambda x: mp.log1p(x) if x > -1 else mp.nan, "log2": lambda x: mp.log(x, 2) if x > 0 else mp.nan,
    "log10": lambda x: mp.log10(x) if x > 0 else mp.nan, "sinh": mp.sinh, "cosh": mp.cosh, "tanh": mp.tanh,
    "sin": mp.sin, "cos": mp.cos, "erf": mp.erf, "erfc": mp.erfc, "sgn": mp.sign,
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)), "softplus": lambda x: mp.log1p(mp.exp(x)),
    "pow": lambda x, y: mp.power(x, y) if x > 0 else mp.nan,
    "log1mexp": lambda x: mp.log(-mp.expm1(x)) if x < 0 else mp.nan,
    "logaddexp": lambda x, y: max(x, y) + mp.log1p(mp.exp(-abs(x - y))), "erfcx": lambda x: mp.exp(x * x) * mp.erfc(x),
    "arcsinh": mp.asinh, "arccosh": lambda x: mp.acosh(x) if x >= 1 else mp.nan,
    "arcsin": lambda x: mp.asin(x) if abs(x) <= 1 else mp.nan,
    "arccos": lambda x: mp.acos(x) if abs(x) <= 1 else mp.nan,
    "arctanh": lambda x: mp.atanh(x) if abs(x) < 1 else mp.nan, "arctan": mp.atan,
}

RATIONAL = ("add", "sub", "neg", "mul", "abs_", "true_div", "inv", "sqr")   # exact for arguments of any size


def exact(out: Any, point: dict[Any, float]) -> Any:
    """The value of an elementwise expression in 800 digits, or None where this file does not know."""
    known = {v: mp.mpf(float(x)) for v, x in point.items()}
    is_rounded = False
    for node in toposort([out]):
        args = []
        for x in node.inputs:
            if x not in known:
                if not isinstance(x, Constant) or x.data.size != 1:
                    return None
                known[x] = mp.mpf(float(x.data.reshape(-1)[0]))
            args.append(known[x])
        if isinstance(node.op, DimShuffle):
            known[node.outputs[0]] = args[0]
            continue
        if not isinstance(node.op, Elemwise) or node.op.scalar_op.name not in EXACT:
            return None
        name = node.op.scalar_op.name
        is_far = any(abs(x) > 1e6 for x in args) and name not in RATIONAL
        if is_far and (name != "sigmoid" or any(abs(x) > 1e9 for x in args)):
            return None   # 800 digits are not enough to follow
        is_rounded |= is_far
        result = _guarded(EXACT[name])(*args)
        if not mp.isfinite(result) or (is_rounded and result == 0):   # of 1 - sigmoid(1e8), nothing is left
            return None
        known[node.outputs[0]] = result
    return known.get(out)


def check(
    before_out: Any, after_out: Any, values: dict[Any, Any], label: str, assumes: frozenset[str] = frozenset(),
    worst: float = 256.0,
) -> None:
    """Fail if the rewritten expression breaks the law at one of the points."""
    assert after_out.type.dtype == before_out.type.dtype, f"{label}: the dtype changed"
    assert after_out.type.broadcastable == before_out.type.broadcastable, f"{label}: the broadcasting changed"
    before = np.asarray(evaluate([before_out], values)[0])
    after = np.asarray(evaluate([after_out], values)[0])
    assert before.shape == after.shape, f"{label}: shape {before.shape} became {after.shape}"
    if before.dtype.kind not in "fc":
        assert np.array_equal(before, after), f"{label}: {before} became {after} for {values}"
        return
    flat_before, flat_after = before.reshape(-1), after.reshape(-1)
    eps = np.finfo(before.dtype).eps
    with np.errstate(all="ignore"):
        tiny = np.finfo(before.dtype).tiny
        close = np.abs(flat_after - flat_before) <= worst * eps * np.maximum(np.abs(flat_before), tiny)
    same = close | (flat_before == flat_after) | (np.isnan(flat_before) & np.isnan(flat_after))
    for k in np.flatnonzero(~same):
        point = {v: np.asarray(x).reshape(-1)[k if np.asarray(x).size > 1 else 0] for v, x in values.items()
                 if np.asarray(x).size in (1, flat_before.size)}
        if "nonzero" in assumes and any(x == 0 for x in point.values()):
            continue
        if "finite" in assumes and not all(np.isfinite(x) for x in point.values()):
            continue
        where = f"{label} at {[float(x) for x in point.values()]}: {flat_before[k]!r} became {flat_after[k]!r}"
        if np.isfinite(flat_before[k]):
            assert np.isfinite(flat_after[k]), f"{where}: no longer finite"
        elif not all(np.isfinite(x) for x in point.values()):
            continue   # NaN or inf given, NaN or inf came out before: nothing is lost
        if len(point) != len(values):
            raise AssertionError(where)
        truth = exact(before_out, point)
        if truth is None:
            if np.isfinite(flat_before[k]):
                scale = max([1.0, *(abs(float(x)) for x in point.values())])
                assert abs(flat_after[k] - flat_before[k]) <= worst * eps * scale, where
            continue
        error_before = abs(mp.mpf(float(flat_before[k])) - truth) if np.isfinite(flat_before[k]) else mp.inf
        if not np.isfinite(flat_after[k]):
            largest = mp.mpf(float(np.finfo(before.dtype).max))
            assert error_before == mp.inf or abs(truth) > largest, where
            continue
        error_after = abs(mp.mpf(float(flat_after[k])) - truth)
        tiny = mp.mpf(float(np.finfo(before.dtype).tiny))
        allowed = 4 * error_before if error_before != mp.inf else mp.mpf(0)
        allowed += worst * float(eps) * (abs(truth) + tiny)
        assert error_after <= allowed, f"{where}; exactly {mp.nstr(truth, 17)}"
