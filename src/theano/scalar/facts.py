"""Facts: what is mathematically true of an elementwise op, for rewrites, tests and documentation to use.

Plain facts are strings (`"odd" in record.facts`); facts with a value are small tuples (`record.fact(Inverse)`).
Facts speak of real numbers. What a rewrite does with them, and under which assumptions, is the rewrite's business.
"""

from __future__ import annotations

from typing import NamedTuple

commutative = "commutative"      # f(x, y) = f(y, x)
associative = "associative"      # f(f(x, y), z) = f(x, f(y, z))
idempotent = "idempotent"        # f(x, x) = x
projection = "projection"        # f(f(x)) = f(x)
involution = "involution"        # f(f(x)) = x
odd = "odd"                      # f(-x) = -f(x)
even = "even"                    # f(-x) = f(x)
increasing = "increasing"        # x <= y  =>  f(x) <= f(y), on each interval of the domain
decreasing = "decreasing"        # x <= y  =>  f(x) >= f(y), on each interval of the domain
integer_valued = "integer_valued"  # float results are whole numbers
real_identity = "real_identity"  # f(x) = x for real x

FLAGS = frozenset({
    commutative, associative, idempotent, projection, involution, odd, even, increasing, decreasing,
    integer_valued, real_identity,
})


class Interval(NamedTuple):
    """A real interval; the ends are included where `closed_low`, `closed_high` say so."""

    low: float
    high: float
    closed_low: bool
    closed_high: bool

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, (int, float)):
            return False
        above = number >= self.low if self.closed_low else number > self.low
        below = number <= self.high if self.closed_high else number < self.high
        return above and below

    def within(self, other: Interval) -> bool:
        """Whether every number of this interval is in `other`."""
        low = self.low > other.low or (
            self.low == other.low and (other.closed_low or not self.closed_low))
        high = self.high < other.high or (
            self.high == other.high and (other.closed_high or not self.closed_high))
        return low and high

    def __str__(self) -> str:
        left, right = "[" if self.closed_low else "(", "]" if self.closed_high else ")"
        return f"{left}{self.low:g}, {self.high:g}{right}"


def interval(text: str) -> Interval:
    """Read "[0, inf)" and the like.

    >>> 0 in interval("(0, 1]"), 1 in interval("(0, 1]")
    (False, True)
    """
    low, high = text[1:-1].split(",")
    return Interval(float(low), float(high), text[0] == "[", text[-1] == "]")


REAL = interval("(-inf, inf)")
POSITIVE = interval("(0, inf)")
NONNEGATIVE = interval("[0, inf)")


class Identity(NamedTuple):
    """f(x, value) = f(value, x) = x; with `side="right"` only f(x, value) = x."""

    value: float
    side: str = "both"


class Absorbing(NamedTuple):
    """f(x, value) = f(value, x) = value for finite x."""

    value: float


class Inverse(NamedTuple):
    """The op named `by` undoes this one: by(f(x)) = x for every x in `on`, and for no other x."""

    by: str
    on: Interval


class Range(NamedTuple):
    """Every result for real inputs that is no NaN lies in `values` (ends included where rounding may reach them)."""

    values: Interval


def inverse(by: str, on: str = "(-inf, inf)") -> Inverse:
    return Inverse(by, interval(on))


def values_in(text: str) -> Range:
    return Range(interval(text))
