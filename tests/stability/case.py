"""A case of the stability table: an expression as users write it, its exact value, and where both are compared.

The exact value is a function of exact numbers (mpmath, 400 digits, exponents without bounds); exact derivatives are
its difference quotients at more than twice the digits, unless a case states them. `errors` measures in units of eps:
the error of a result divided by eps times the exact result (or times `scale`, where rounding the arguments alone
changes the result by that much). What is too large for the dtype must be infinite, what is too small may be zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import mpmath
import numpy as np

import theano
import theano.tensor as T
from theano.tensor.type import TensorType

mp = mpmath.mp.clone()
mp.dps = 400

Point = tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Case:
    """One line of the table.

    name      what the expression is
    build     the expression: of vectors, one for each coordinate of a point; `rows`: of one matrix, a point a row
    exact     its value at a point, in exact numbers (`rows`: of the list of coordinates, one value or a list)
    points    where the two are compared, in both dtypes as far as the dtype has these numbers
    ulp       error allowed in the value, in eps (see `errors`)
    grad_ulp  error allowed in the derivatives; None: the gradient is not spoken of
    slopes    exact partial derivatives, where difference quotients would not give them
    scale     (*point) -> a size that errors of the value are measured by, where that is more than the value
    grad_scale  the same for derivatives
    special   {point: (value, derivatives)}: at infinities, NaN, poles, where limits or conventions decide
    fast_compile  FAST_COMPILE is right too: the ops themselves are stable, no rule is needed
    dtypes    dtypes that it holds for
    """

    name: str
    build: Callable[..., Any]
    exact: Callable[..., Any]
    points: Sequence[Any]
    ulp: float = 8.0
    grad_ulp: float | None = 16.0
    slopes: Sequence[Callable[..., Any]] | None = None
    scale: Callable[..., Any] | None = None
    grad_scale: Callable[..., Any] | None = None
    special: dict[Point, tuple[Any, Any]] = field(default_factory=dict)
    rows: bool = False
    fast_compile: bool = False
    dtypes: tuple[str, ...] = ("float64", "float32")

    def tuples(self) -> list[Point]:
        return [tuple(p) if isinstance(p, (tuple, list)) else (p,) for p in self.points]


def representable(case: Case, dtype: str) -> list[Point]:
    """The points that this dtype can hold (tiny ones not rounded to zero, huge ones not to infinity), rounded to it."""
    kept = []
    limits = np.finfo(dtype)
    for point in case.tuples():
        if all(x == 0 or float(limits.tiny) <= abs(x) <= float(limits.max) for x in point):
            kept.append(tuple(float(np.asarray(x, dtype)) for x in point))
    return kept


def compiled(case: Case, dtype: str, mode: Any, count: int) -> Any:
    """A function of the case's arguments that returns the value and all derivatives of its (weighted) sum."""
    if case.rows:
        inputs = [TensorType(dtype, (None, None))("X")]
    else:
        inputs = [TensorType(dtype, (None,))(f"x{k}") for k in range(count)]
    value = case.build(*inputs)
    outputs = [value]
    if case.grad_ulp is not None:
        weighted = value * weights(value, count) if case.rows else value
        outputs += theano.grad(T.sum(weighted), inputs)
    return theano.function(inputs, outputs, mode=mode)


def weights(value: Any, count: int) -> Any:
    """1, 2, 3, ... for a matrix of results: the gradient of the plain sum of a softmax is zero."""
    return np.arange(1, count + 1).astype(value.dtype) if value.ndim == 2 else np.ones((), value.dtype)


def results(case: Case, dtype: str, mode: Any, points: Sequence[Point]) -> tuple[np.ndarray, np.ndarray | None]:
    """(values, derivatives), a row for each point."""
    count = len(points[0])
    table = np.asarray(points, dtype)
    arguments = [table] if case.rows else [np.ascontiguousarray(table[:, k]) for k in range(count)]
    value, *gradients = compiled(case, dtype, mode, count)(*arguments)
    if case.grad_ulp is None:
        return value, None
    return value, gradients[0] if case.rows else np.stack(gradients, axis=1)


@cache
def exact_value(case: Case, point: Point) -> list[Any]:
    """The exact results at a point (one, or a row of them)."""
    numbers = [mp.mpf(x) for x in point]
    found = case.exact(numbers) if case.rows else case.exact(*numbers)
    return list(found) if isinstance(found, (list, tuple)) else [found]


@cache
def exact_derivatives(case: Case, point: Point) -> list[Any]:
    numbers = [mp.mpf(x) for x in point]
    if case.slopes is not None:
        return [slope(numbers) if case.rows else slope(*numbers) for slope in case.slopes]

    def total(*xs: Any) -> Any:
        found = case.exact(list(xs)) if case.rows else case.exact(*xs)
        if isinstance(found, (list, tuple)):
            return mp.fsum((k + 1) * v for k, v in enumerate(found))
        return found

    answers = []
    for k in range(len(numbers)):
        order = tuple(int(j == k) for j in range(len(numbers)))
        with mp.workdps(600):
            answers.append(mp.diff(total, tuple(numbers), order))
    return answers


def error(got: Any, truth: Any, scale: Any, dtype: str) -> float:
    """How far `got` is from `truth`, in eps of `scale` (at least |truth|); inf where it is NaN or wrongly infinite."""
    limits = np.finfo(dtype)
    if mp.isnan(truth):
        return 0.0 if np.isnan(got) else float("inf")
    if abs(truth) > mp.mpf(float(limits.max)):
        nearly = limits.max * (1 - 64 * limits.eps)
        return 0.0 if abs(got) >= nearly and (got > 0) == (truth > 0) else float("inf")
    if not np.isfinite(got):
        return float("inf")
    difference = abs(mp.mpf(float(got)) - truth)
    if difference <= mp.mpf(float(limits.tiny)):
        return 0.0
    size = max(abs(truth), scale)
    return float(difference / (mp.mpf(float(limits.eps)) * size)) if size else float("inf")
