"""Arithmetic of lengths and positions, for `infer_shape` and for indices.

A length is a Python int where it is known and a 0-d int64 variable where it is not. These functions fold what is
known, so that the length of `x[1:]` of a vector of length 5 is the number 4 and not an expression.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Any

from theano.graph.node import Constant
from theano.scalar.arithmetic import add as _add
from theano.scalar.arithmetic import int_div as _int_div
from theano.scalar.arithmetic import mul as _mul
from theano.scalar.arithmetic import sub as _sub
from theano.scalar.comparison import eq as _eq
from theano.scalar.comparison import gt as _gt
from theano.scalar.comparison import lt as _lt
from theano.scalar.selection import maximum as _maximum
from theano.scalar.selection import minimum as _minimum
from theano.scalar.selection import switch as _switch

Length = Any   # int or 0-d int64 variable


def known(x: Any) -> Any:
    """The Python int that `x` is, if it is a constant; else `x` itself."""
    if isinstance(x, Constant) and getattr(x.data, "ndim", None) == 0 and x.data.dtype.kind in "iu":
        return int(x.data)
    return x


def plus(a: Length, b: Length) -> Length:
    a, b = known(a), known(b)
    if isinstance(a, int) and isinstance(b, int):
        return a + b
    if isinstance(b, int) and b == 0:
        return a
    if isinstance(a, int) and a == 0:
        return b
    return _add(a, b)


def minus(a: Length, b: Length) -> Length:
    a, b = known(a), known(b)
    if isinstance(a, int) and isinstance(b, int):
        return a - b
    if isinstance(b, int):
        return plus(a, -b)
    if a is b:
        return 0
    return _sub(a, b)


def times(a: Length, b: Length) -> Length:
    a, b = known(a), known(b)
    if isinstance(a, int) and isinstance(b, int):
        return a * b
    for one, other in ((a, b), (b, a)):
        if isinstance(one, int) and one == 1:
            return other
    return _mul(a, b)


def over(a: Length, b: Length) -> Length:
    """The quotient rounded down."""
    a, b = known(a), known(b)
    if isinstance(a, int) and isinstance(b, int):
        return a // b
    if isinstance(b, int) and b == 1:
        return a
    return _int_div(a, b)


def at_least(a: Length, b: Length) -> Length:
    a, b = known(a), known(b)
    if isinstance(a, int) and isinstance(b, int):
        return max(a, b)
    return a if a is b else _maximum(a, b)


def at_most(a: Length, b: Length) -> Length:
    a, b = known(a), known(b)
    if isinstance(a, int) and isinstance(b, int):
        return min(a, b)
    return a if a is b else _minimum(a, b)


def product(lengths: Iterable[Length]) -> Length:
    return reduce(times, lengths, 1)


def total(lengths: Iterable[Length]) -> Length:
    return reduce(plus, lengths, 0)


def where(condition: Any, a: Length, b: Length) -> Length:
    """`a` if the condition holds else `b`; the condition may be a Python bool."""
    if isinstance(condition, bool):
        return a if condition else b
    return a if a is b else _switch(condition, a, b)


def is_negative(a: Length) -> Any:
    a = known(a)
    return a < 0 if isinstance(a, int) else _lt(a, 0)


def is_positive(a: Length) -> Any:
    a = known(a)
    return a > 0 if isinstance(a, int) else _gt(a, 0)


def broadcast_length(lengths: Iterable[Length]) -> Length:
    """The length of an axis on which operands of these lengths broadcast together as in NumPy.

    Where two lengths are unknown either may be 1 at run time.
    """
    result: Length = 1
    for n in map(known, lengths):
        if result is n or (isinstance(n, int) and n == 1):
            continue
        if isinstance(n, int) or (isinstance(result, int) and result == 1):
            result = n
        elif not isinstance(result, int):
            result = _switch(_eq(result, 1), n, result)
    return result


def normalized_bounds(start: Any, stop: Any, step: int, n: Length) -> tuple[Length, Length]:
    """First position and end of a slice of an axis of length n as `slice.indices` gives them.

    Only the sign of `step` is looked at. With a negative step, both are between -1 and n - 1.
    """
    if step > 0:
        low, high = 0, n
        default_start, default_stop = 0, n
    else:
        low, high = -1, minus(n, 1)
        default_start, default_stop = high, -1

    def clipped(position: Any) -> Length:
        position = known(position)
        if isinstance(position, int):
            if position < 0:
                return at_least(plus(n, position), low)
            return at_most(position, high)
        return where(is_negative(position), at_least(plus(position, n), low), at_most(position, high))

    return (
        default_start if start is None else clipped(start),
        default_stop if stop is None else clipped(stop),
    )


def slice_length(start: Any, stop: Any, step: Any, n: Length) -> Length:
    """How many elements `start:stop:step` selects of an axis of length n. Each may be None, an int or a variable."""
    start, stop, step, n = known(start), known(stop), known(step), known(n)
    if step is None:
        step = 1
    if not isinstance(step, int):
        up = _counted(*normalized_bounds(start, stop, 1, n), step)
        # -(-2**63) overflows; one step further makes no difference
        down = _counted_down(*normalized_bounds(start, stop, -1, n), minus(0, at_least(step, 1 - 2**63)))
        # the quotient of the branch not taken has the wrong sign of the step, and is not used
        return where(is_positive(step), up, down)
    first, end = normalized_bounds(start, stop, step, n)
    if step > 0:
        if start is None and isinstance(stop, int):
            count = end
        elif start is None and stop is None:
            count = n
        elif isinstance(start, int) and stop is None:
            count = at_least(minus(n, start), 0) if start >= 0 else at_most(-start, n)
        else:
            return _counted(first, end, step)
        return count if step == 1 else plus(over(minus(count, 1), step), 1)
    return _counted_down(first, end, -step)


def _counted(first: Length, end: Length, step: Length) -> Length:
    # rounded up by -1 and +1 and not by step - 1, which may overflow
    return at_least(plus(over(minus(minus(end, first), 1), step), 1), 0)


def _counted_down(first: Length, end: Length, step: Length) -> Length:
    return _counted(end, first, step)


def positive_slice(start: Any, stop: Any, step: Any, n: Length) -> tuple[Length, Length, Length, Length]:
    """(low, high, step, direction): the slice with positive step that selects the same elements.

    Read it in reverse where `direction` is -1 instead of 1.
    """
    step = 1 if step is None else known(step)
    if isinstance(step, int) and step > 0:
        low, high = normalized_bounds(start, stop, 1, n)
        return low, high, step, 1
    count = slice_length(start, stop, step, n)
    first, _ = normalized_bounds(start, stop, -1, n)
    last = plus(first, times(minus(count, 1), step))
    some = is_positive(count)
    down = where(some, last, 0), where(some, plus(first, 1), 0), minus(0, step), -1
    if isinstance(step, int):
        return down
    low, high = normalized_bounds(start, stop, 1, n)
    up = low, high, step, 1
    ascending = is_positive(step)
    return tuple(where(ascending, a, b) for a, b in zip(up, down))  # type: ignore[return-value]
