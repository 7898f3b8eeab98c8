"""Laurent series at 0 of elementwise functions, in whole numbers: exact to hundreds of bits, whatever cancels.

A series is a valuation m and a list of coefficients: x**m * (c[0] + c[1]*x + ...), with c[0] != 0 and each coefficient
scaled by 2**BITS; no coefficients stand for 0. `of_function` has the functions whose series are known. A rule asks
for series to see what a sum loses near 0 (`rules/near_zero.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from math import factorial

BITS = 768
ONE = 1 << BITS
NOTHING = 1 << (BITS - 640)   # what is smaller has cancelled
ROUNDINGS = 1 << (BITS - 512)
TERMS = 52
FEW = 12   # enough to see what cancels

Series = tuple[int, list[int]]
Ratio = tuple[int, int]
ZERO: Series = (0, [])


def constant(value: float, terms: int = TERMS) -> Series:
    return (0, [scaled(value.as_integer_ratio()), *([0] * (terms - 1))]) if value else ZERO


def variable(terms: int = TERMS) -> Series:
    return 1, [ONE, *([0] * (terms - 1))]


def scaled(ratio: Ratio) -> int:
    return (ratio[0] << BITS) // ratio[1]


def sum_of(a: Series, b: Series) -> Series | None:
    """a + b as far as both are known; None where nothing is left that is known."""
    if not a[1] or not b[1]:
        return b if not a[1] else a
    first = min(a[0], b[0])
    last = min(a[0] + len(a[1]), b[0] + len(b[1]))
    total = [_at(a, n) + _at(b, n) for n in range(first, last)]
    total = [c if abs(c) > NOTHING else 0 for c in total]
    lead = next((n for n, c in enumerate(total) if c), None)
    if lead is None:
        return ZERO if last - first >= FEW // 2 else None
    return first + lead, total[lead:]


def is_too_small(a: Series) -> bool:
    """Is the first coefficient so small that few of its bits are kept, or none?"""
    return bool(a[1]) and abs(a[1][0]) < ROUNDINGS


def _at(a: Series, n: int) -> int:
    return a[1][n - a[0]] if 0 <= n - a[0] < len(a[1]) else 0


def negative(a: Series) -> Series:
    return a[0], [-c for c in a[1]]


def product(a: Series, b: Series) -> Series:
    if not a[1] or not b[1]:
        return ZERO
    n = min(len(a[1]), len(b[1]))
    left = [(k, c) for k, c in enumerate(a[1][:n]) if c]
    found = [0] * n
    for k, c in left:
        for j, d in enumerate(b[1][: n - k]):
            if d:
                found[k + j] += c * d
    return a[0] + b[0], [c >> BITS for c in found]


def inverse(a: Series) -> Series | None:
    """1 / a; None for 0, and for what is too small."""
    if not a[1] or is_too_small(a):
        return None
    lead = (ONE << BITS) // a[1][0]
    rest = [(k, c) for k, c in enumerate(a[1]) if c and k]
    found = [lead]
    for n in range(1, len(a[1])):
        total = sum(c * found[n - k] for k, c in rest if k <= n) >> BITS
        found.append(-(total * lead >> BITS))
    return -a[0], found


def power(a: Series, n: int) -> Series | None:
    result = constant(1.0, max(len(a[1]), 1))
    for _ in range(abs(n)):
        result = product(result, a)
    return inverse(result) if n < 0 else result


def monomial(a: Series) -> tuple[int, int] | None:
    """(c, k) of c * x**k, of a moderate c, else None."""
    if not a[1] or any(a[1][1:]) or not ONE >> 4 <= abs(a[1][0]) <= ONE << 4:
        return None
    return a[1][0], a[0]


def of_function(name: str, argument: Series) -> Series | None:
    """The series of a function at c * x**k; None where that is not known. (At 0 it is a constant: `at_zero`.)"""
    terms = len(argument[1])
    inside = monomial(argument)
    if inside is None or inside[1] < 1 or name not in KNOWN:
        return None
    if name == "sigmoid":
        half = constant(0.5, terms)
        tangent = of_function("tanh", product(half, argument))
        return None if tangent is None else sum_of(half, product(half, tangent))
    if name in TANGENTS:
        above, below = (of_function(part, argument) for part in TANGENTS[name])
        assert above is not None and below is not None
        under = inverse(below)
        return None if under is None else product(above, under)
    c, k = inside
    found = [0] * terms
    scale = ONE
    for n in range((terms - 1) // k + 1):
        found[n * k] = _coefficient(name, n) * scale >> BITS
        scale = scale * c >> BITS
    lead = next((n for n, value in enumerate(found) if value), None)
    return None if lead is None else (lead, found[lead:])


def at_zero(name: str) -> float:
    """The value at 0 of a function whose series is known."""
    return 0.5 if name == "sigmoid" else 0.0 if name in TANGENTS else TAYLOR[name](0)[0]


def alike(a: Series, b: Series) -> bool:
    """Are both one series, but for roundings?"""
    return a[0] == b[0] and len(a[1]) == len(b[1]) and all(
        abs(c - d) <= ROUNDINGS for c, d in zip(a[1], b[1]))


@cache
def _coefficient(name: str, n: int) -> int:
    return scaled(TAYLOR[name](n))


def _over_factorials(cycle: Sequence[int]) -> Callable[[int], Ratio]:
    def coefficient(n: int) -> Ratio:
        return cycle[n % len(cycle)], factorial(n)

    return coefficient


_exp = _over_factorials([1])
TAYLOR: dict[str, Callable[[int], Ratio]] = {
    "exp": _exp,
    "expm1": lambda n: _exp(n) if n else (0, 1),
    "log1p": lambda n: (-((-1) ** n), n) if n else (0, 1),
    "sin": _over_factorials([0, 1, 0, -1]),
    "cos": _over_factorials([1, 0, -1, 0]),
    "sinh": _over_factorials([0, 1]),
    "cosh": _over_factorials([1, 0]),
    "arctan": lambda n: ((-1) ** (n // 2), n) if n % 2 else (0, 1),
    "arctanh": lambda n: (1, n) if n % 2 else (0, 1),
}
TANGENTS = {"tanh": ("sinh", "cosh"), "tan": ("sin", "cos")}
KNOWN = frozenset([*TAYLOR, *TANGENTS, "sigmoid"])


def sign_near_zero(a: Series, side: int) -> int:
    """The sign of the values for small x of the sign `side`."""
    if not a[1]:
        return 0
    return (1 if a[1][0] > 0 else -1) * (side if a[0] % 2 else 1)


def polynomial(a: Series, eps: float) -> tuple[float, list[float]] | None:
    """(r, coefficients): what stands for a series of valuation 0 where |x| < r, to a part of eps; None: too long."""
    numbers = [c / ONE for c in a[1]]
    for radius in (1.0, 0.5, 0.4, 0.25):
        sizes = [abs(c) * radius**n for n, c in enumerate(numbers)]
        least = eps * sizes[0] / 16
        needed = 1 + max(n for n, size in enumerate(sizes) if size > least)
        if needed <= len(numbers) - 6:
            return radius, numbers[:needed]
    return None
