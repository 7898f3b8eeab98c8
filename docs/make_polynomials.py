"""Makes `src/theano/backends/native/mathematics_polynomials.py`: the polynomials of vector mathematics.

    python docs/make_polynomials.py            writes the file (a minute)
    python docs/make_polynomials.py --check    says which polynomials differ from what the file holds

Each is a polynomial of nearly least error on an interval: least squares on a grid, again and again with more emphasis
where the error was greatest (Lawson's algorithm [1]), in 60 digits. The error is what `weight` says it counts.
Coefficients are rounded one after the other, the lowest power first, and after each the remaining ones are fitted
again, so that they make up for the rounding. mpmath is needed.

[1] C. L. Lawson, "Contributions to the theory of linear least maximum approximation", thesis, UCLA (1961).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mpmath as mp
import numpy as np

mp.mp.dps = 60
TARGET = Path(__file__).parents[1] / "src/theano/backends/native/mathematics_polynomials.py"
GRID = 10  # points for each coefficient
RATIO_GRID = 5
ROUNDS = 12  # of emphasis
KINDS = {"double": np.float64, "float": np.float32, "wide": np.float64}


@dataclass(frozen=True)
class Wanted:
    """p(z) ≈ function(z) for low <= z <= high, with so many coefficients; |p - function| * weight is made small."""

    name: str
    function: Callable[[Any], Any]
    low: Any
    high: Any
    weight: Callable[[Any], Any]
    counts: dict[str, int]  # "wide": in double precision, for results in single precision
    what: str


def nodes(low: Any, high: Any, count: int) -> list[Any]:
    """Chebyshev's points of an interval."""
    middle, half = (high + low) / 2, (high - low) / 2
    return [middle - half * mp.cos(mp.pi * (i + mp.mpf(1) / 2) / count) for i in range(count)]


def least(values: list[Any], weights: list[Any], points: list[Any], fixed: int, count: int) -> list[Any]:
    """Coefficients of z**fixed … z**(count - 1) with the least sum of squared weighted errors for `values`."""
    return least_squares([[z**k for k in range(fixed, count)] for z in points], values, weights)


def least_squares(rows: list[list[Any]], values: list[Any], weights: list[Any]) -> list[Any]:
    """The factors of the columns with the least sum of squared weighted errors for `values`."""
    free = len(rows[0])
    squares = [w * w for w in weights]
    scaled = [[s * x for x in row] for s, row in zip(squares, rows, strict=True)]
    columns = list(zip(*rows, strict=True))
    left = [[mp.mpf(0)] * free for _ in range(free)]
    for i, a in enumerate(zip(*scaled, strict=True)):
        for j in range(i, free):
            left[i][j] = left[j][i] = mp.fdot(a, columns[j])
    right = [mp.fdot(a, values) for a in zip(*scaled, strict=True)]
    sizes = [mp.sqrt(left[k][k]) for k in range(free)]
    matrix = mp.matrix([[left[i][j] / sizes[i] / sizes[j] for j in range(free)] for i in range(free)])
    solution = mp.lu_solve(matrix, mp.matrix([r / s for r, s in zip(right, sizes, strict=True)]))
    return [x / s for x, s in zip(solution, sizes, strict=True)]


def value_at(coefficients: list[Any], z: Any) -> Any:
    total = mp.mpf(0)
    for coefficient in reversed(coefficients):
        total = total * z + coefficient
    return total


def fitted(wanted: Wanted, kind: str) -> tuple[list[float], float]:
    """Rounded coefficients, lowest power first, and the greatest weighted error."""
    count = wanted.counts[kind]
    many = GRID * count
    points = nodes(wanted.low, wanted.high, many)
    values = [wanted.function(z) for z in points]
    weights = [wanted.weight(z) for z in points]
    emphasis = [mp.mpf(1)] * many
    for _ in range(ROUNDS):
        best = least(values, [w * e for w, e in zip(weights, emphasis, strict=True)], points, 0, count)
        errors = [
            abs(value_at(best, z) - v) * w for z, v, w in zip(points, values, weights, strict=True)
        ]
        emphasis = [e * mp.sqrt(x) for e, x in zip(emphasis, errors, strict=True)]
        top = max(emphasis)
        emphasis = [e / top for e in emphasis]
    rounded: list[float] = []
    rest = list(values)
    for k in range(count):
        best = least(rest, [w * e for w, e in zip(weights, emphasis, strict=True)], points, k, count)
        number = float(KINDS[kind](float(best[0])))
        rounded.append(number)
        rest = [value - number * z**k for value, z in zip(rest, points, strict=True)]
    return rounded, float(max(abs(r) * w for r, w in zip(rest, weights, strict=True)))


@dataclass(frozen=True)
class Ratio:
    """p(z) / q(z) ≈ function(z), q(0) = 1, with so many coefficients of p and of q; else as `Wanted`."""

    name: str
    function: Callable[[Any], Any]
    low: Any
    high: Any
    weight: Callable[[Any], Any]
    counts: dict[str, tuple[int, int]]
    what: str

    def parts(self) -> tuple[list[Wanted], dict[str, list[float]]]:
        """For each precision what is wanted of p, once q's coefficients are rounded; and those."""
        wanted, below = [], {}
        for kind, (above_count, below_count) in self.counts.items():
            rounded = [float(KINDS[kind](float(c))) for c in self.divisor(above_count, below_count)]
            below[kind] = rounded
            wanted.append(Wanted(
                self.name, lambda z, q=rounded: self.function(z) * value_at(q, z), self.low, self.high,
                lambda z, q=rounded: self.weight(z) / abs(value_at(q, z)), {kind: above_count}, self.what,
            ))  # fmt: skip
        return wanted, below

    def divisor(self, above_count: int, below_count: int) -> list[Any]:
        """q: p(z) - function(z) * q(z) is made small, again and again divided by the last q; Lawson's emphasis, too."""
        count = above_count + below_count - 1
        points = nodes(self.low, self.high, RATIO_GRID * count)
        values = [self.function(z) for z in points]
        weights = [self.weight(z) for z in points]
        emphasis, q, least_error, best = [mp.mpf(1)] * len(points), [mp.mpf(1)] * len(points), mp.inf, []
        for _ in range(ROUNDS):
            rows = [[z**k for k in range(above_count)] + [-v * z**k for k in range(1, below_count)]
                    for z, v in zip(points, values, strict=True)]  # fmt: skip
            scale = [w * e / d for w, e, d in zip(weights, emphasis, q, strict=True)]
            solution = least_squares(rows, values, scale)
            above, below = solution[:above_count], [mp.mpf(1), *solution[above_count:]]
            q = [value_at(below, z) for z in points]
            errors = [abs(value_at(above, z) / d - v) * w
                      for z, d, v, w in zip(points, q, values, weights, strict=True)]  # fmt: skip
            if max(errors) < least_error:
                least_error, best = max(errors), below
            emphasis = [e * mp.sqrt(x) for e, x in zip(emphasis, errors, strict=True)]
            top = max(emphasis)
            emphasis = [e / top for e in emphasis]
        return best


@dataclass(frozen=True)
class Pieces:
    """function(x) ≈ p(x - node), for each of 16 pieces of an interval a polynomial and a node of its own.

    Of x + 1 every octave is cut into four pieces; a piece's number is in the low bits of the exponent and the first two
    of the mantissa. A node lies near the middle, where the function is almost a number of single precision, or is 0.
    """

    name: str
    function: Callable[[Any], Any]
    last: float
    count: int  # coefficients
    what: str

    def numbers(self) -> list[list[float]]:
        """For each piece the node, and the coefficients, lowest power first; zeros for pieces beyond the last."""
        found = [[0.0] * (self.count + 1) for _ in range(16)]
        for octave in range(4):
            for quarter in range(4):
                low, high = (2.0**octave * (1 + (quarter + end) / 4) - 1 for end in (0, 1))
                if low < self.last:
                    number = (127 + octave << 2 | quarter) & 15
                    found[number] = self.piece(low, min(high, self.last))
        return found

    def piece(self, low: float, high: float) -> list[float]:
        middle, step = (low + high) / 2, (high - low) * 2.0**-12
        candidates = [float(np.float32(middle + step * k)) for k in range(-100, 101)] if low else [0.0]
        node = min(candidates, key=self.rounding)
        coefficients, _ = fitted(Wanted(
            "", lambda d: self.function(node + d), mp.mpf(low) - node, mp.mpf(high) - node,
            lambda d: 1 / self.function(node + d), {"float": self.count}, "",
        ), "float")  # fmt: skip
        return [node, *coefficients]

    def rounding(self, x: float) -> float:
        """What rounding to single precision changes of the function's value, as a part of it."""
        value = self.function(mp.mpf(x))
        return float(abs(float(np.float32(float(value))) / value - 1))


R2 = mp.log(2) / 2 * (1 + mp.mpf(2) ** -20)
S2 = (3 - 2 * mp.sqrt(2)) ** 2 * (1 + mp.mpf(2) ** -20)
QUARTER_PI = mp.pi / 4 * (1 + mp.mpf(2) ** -20)

MANTISSAS = mp.sqrt(0.5) - 1, mp.sqrt(2) - 1

ERF_END = mp.mpf("0.75")


def root(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda z: f(mp.sqrt(z))


def slow_part(k: float) -> Callable[[Any], Any]:
    """(1 + 2*x) * exp(x**2) * erfc(x) as a function of t = (x - k) / (x + k)"""

    def function(t: Any) -> Any:
        x = k * (1 + t) / (1 - t)
        if x > 40:   # erfc soon underflows: its asymptotic series
            terms = [mp.mpf(1)]
            for n in range(1, 40):
                terms.append(terms[-1] * (1 - 2 * n) / (2 * x * x))
            return (1 + 2 * x) * mp.fsum(terms) / (x * mp.sqrt(mp.pi))
        return (1 + 2 * x) * mp.exp(x * x) * mp.erfc(x)

    return function


def ends(k: float, last: str) -> tuple[Any, Any]:
    return (ERF_END - k) / (ERF_END + k), (mp.mpf(last) - k) / (mp.mpf(last) + k)


def of_mantissas(name: str, base: int) -> Wanted:
    return Wanted(
        name, lambda f: (mp.log1p(f) - f) / f**2 / mp.log(base), *MANTISSAS, lambda f: abs(f) * mp.log(base),
        {"float": 9}, f"log{base}(1 + f) = f / log({base}) + f**2 * p(f), sqrt(1/2) <= 1 + f < sqrt(2)",
    )  # fmt: skip


def reciprocal_root(name: str, digits: int, counts: dict[str, int]) -> Wanted:
    more = 1 + mp.mpf(2) ** -digits
    return Wanted(
        name, lambda e: more * (1 - e) ** (-mp.mpf(1) / 3), -mp.mpf("0.106"), mp.mpf("0.104"),
        lambda e: (1 - e) ** (mp.mpf(1) / 3), counts,
        f"(1 - e)**(-1/3), and by 1 + 2**-{digits} more, of which only {digits} digits are kept",
    )  # fmt: skip


def better_root(name: str, end: str, counts: dict[str, int]) -> Wanted:
    return Wanted(
        name, lambda e: ((1 - e) ** (-mp.mpf(2) / 3) - 1) / e, -mp.mpf(end), mp.mpf(end) * mp.mpf("1.01"),
        abs, counts, f"(1 - e)**(-2/3) = 1 + e * p(e), |e| <= {end}",
    )  # fmt: skip


def log_gamma_ratio(x: Any) -> Any:
    return mp.loggamma(x) / ((x - 1) * (x - 2))


def psi_ratio(x: Any) -> Any:
    return x * mp.digamma(x) / (x - PSI_ROOT)


def stirling(w: Any) -> Any:
    """What log(gamma(y)) has beside the first terms of Stirling's formula, times y; w = 1/y**2."""
    y = 1 / mp.sqrt(w)
    return y * (mp.loggamma(y) - (y - mp.mpf(1) / 2) * mp.log(y) + y - mp.log(2 * mp.pi) / 2)


def psi_series(w: Any) -> Any:
    y = 1 / mp.sqrt(w)
    return (mp.log(y) - 1 / (2 * y) - mp.digamma(y)) / w


def trigamma_series(w: Any) -> Any:
    y = 1 / mp.sqrt(w)
    return (mp.psi(1, y) - 1 / y - w / 2) * y / w


PSI_ROOT = mp.findroot(mp.digamma, 1.4616321449683623)
# 1/y**2 for y >= 4, and not so large that differences lose all digits
SERIES = mp.mpf(10) ** -14, mp.mpf(1) / 16

WANTED: list[Wanted | Ratio | Pieces] = [
    Wanted("EXP", lambda r: (mp.expm1(r) - r) / r**2, -R2, R2, lambda r: abs(r),
           {"double": 10, "float": 5, "wide": 5}, "exp(r) = 1 + r + r**2 * p(r), |r| <= log(2)/2"),
    Wanted("COSH", root(lambda r: (mp.cosh(r) - 1) / r**2), mp.mpf(0), R2**2, lambda z: z,
           {"double": 6, "float": 3}, "cosh(r) = 1 + z * p(z), z = r**2, |r| <= log(2)/2"),
    Wanted("SINH", root(lambda r: (mp.sinh(r) / r - 1) / r**2), mp.mpf(0), R2**2, lambda z: z,
           {"double": 5, "float": 2}, "sinh(r) = r + r * z * p(z), z = r**2, |r| <= log(2)/2"),
    Wanted("LOG", root(lambda s: (2 * mp.atanh(s) / s - 2) / s**2), mp.mpf(0), S2, lambda z: z,
           {"double": 7, "float": 3, "wide": 4}, "log((1+s)/(1-s)) = 2*s + s * z * p(z), z = s**2, s <= 3 - 2*sqrt(2)"),
    Wanted("LOG5", root(lambda s: ((2 * mp.atanh(s) / s - 2) / s**2 - mp.mpf(2) / 3) / s**2), mp.mpf(0), S2,
           lambda z: z**2, {"double": 7}, "log((1+s)/(1-s)) = 2*s + 2/3*s*z + s * z**2 * p(z)"),
    of_mantissas("LOG2", 2),
    of_mantissas("LOG10", 10),
    Wanted("SIN4", root(lambda r: (mp.sin(r) / r - 1) / r**2), mp.mpf(10) ** -12, QUARTER_PI**2, lambda z: z,
           {"double": 6, "float": 3}, "sin(r) = r + r * z * p(z), z = r**2, |r| <= pi/4"),
    Wanted("COS4", root(lambda r: (mp.cos(r) - 1) / r**2), mp.mpf(10) ** -12, QUARTER_PI**2, lambda z: z,
           {"double": 6, "float": 3}, "cos(r) = 1 + z * p(z), z = r**2, |r| <= pi/4"),
    Ratio("TAN", root(lambda r: (mp.tan(r) / r - 1) / r**2), mp.mpf(10) ** -12, QUARTER_PI**2,
          root(lambda r: r**3 / mp.tan(r)), {"double": (3, 5), "float": (2, 3)},
          "tan(r) = r + r * z * p(z)/q(z), z = r**2, |r| <= pi/4"),
    Wanted("ASIN", root(lambda r: (mp.asin(r) / r - 1) / r**2), mp.mpf(0), mp.mpf(1) / 4, lambda z: z,
           {"double": 12, "float": 5}, "asin(r) = r + r * z * p(z), z = r**2, |r| <= 1/2"),
    Wanted("ATAN", root(lambda r: (mp.atan(r) / r - 1) / r**2), mp.mpf(0), mp.mpf(1) / 4, lambda z: z,
           {"double": 12, "float": 6}, "atan(r) = r + r * z * p(z), z = r**2, |r| <= 1/2"),
    reciprocal_root("ROOT3_GUESS", 16, {"double": 4}), reciprocal_root("ROOT3_GUESS8", 8, {"float": 2}),
    better_root("ROOT3", "5e-5", {"double": 3}), better_root("ROOT3_8", "0.016", {"float": 3}),
    Wanted("ERF", root(lambda r: mp.erf(r) / r - 1), mp.mpf(10) ** -12, ERF_END**2,
           root(lambda r: r / mp.erf(r)), {"float": 6}, "erf(r) = r + r * p(z), z = r**2, |r| <= 0.75"),
    Wanted("LOGERFC4", lambda x: mp.log(mp.erfc(x)), ERF_END, mp.mpf(4), mp.erfc, {"float": 8},
           "log(erfc(x)), 0.75 <= x <= 4; erfc(x) of the error counts"),
    Wanted("ERFCX", slow_part(3.5), *ends(3.5, "27.3"), lambda t: 1 / slow_part(3.5)(t), {"double": 21},
           "(1 + 2*x) * exp(x**2) * erfc(x) = p(t), t = (x - 3.5) / (x + 3.5), 0.75 <= x <= 27.3"),
    Wanted("ERFCX_ALL", slow_part(3.5), -mp.mpf("0.75"), 1 - mp.mpf(10) ** -12, lambda t: 1 / slow_part(3.5)(t),
           {"double": 23}, "the same, with 3.5, for all x >= 0.5"),
    Wanted("ERFCX_ALL3", slow_part(2.8671875), (0.5 - mp.mpf(2.8671875)) / (0.5 + mp.mpf(2.8671875)),
           1 - mp.mpf(10) ** -12, lambda t: 1 / slow_part(2.8671875)(t), {"float": 11},
           "the same, with 2.8671875, of which the first coefficient is almost exact"),
    Wanted("ERFCX_NEAR", lambda x: (mp.exp(x * x) * mp.erfc(x) - 1) / x, mp.mpf(10) ** -12, mp.mpf(1) / 2,
           lambda x: x / (mp.exp(x * x) * mp.erfc(x)), {"double": 14, "float": 7},
           "exp(x**2) * erfc(x) = 1 + x * p(x), 0 <= x <= 0.5"),
    Pieces("ERFCX_PIECES", lambda x: mp.exp(x * x) * mp.erfc(x), 10.25, 7,
           "exp(x**2) * erfc(x) = p(x - node), 0 <= x <= 10.25; node and coefficients by the low bits of x + 1"),
    Wanted("STIRLING", stirling, *SERIES, lambda w: mp.mpf(12), {"double": 10, "wide": 3},
           "log(gamma(y)) = (y - 1/2) * log(y) - y + log(2*pi)/2 + p(w)/y, w = 1/y**2, y >= 4"),
    Wanted("SINPI", root(lambda f: (mp.sin(mp.pi * f) / (f * (1 - f**2)) - mp.pi) / f**2), mp.mpf(10) ** -12,
           mp.mpf(1) / 4, lambda z: z / 3, {"double": 8, "wide": 4},
           "sin(pi*f) = f * (1 - z) * (pi + z * p(z)), z = f**2, |f| <= 1/2"),
    Ratio("LOGGAMMA", lambda x: log_gamma_ratio(x) - 2 / (x + mp.mpf("2.625")), mp.mpf(1) / 2, mp.mpf(4),
          lambda x: 1 / log_gamma_ratio(x), {"double": (10, 11), "wide": (5, 6)},
          "log(gamma(x)) = (x - 1) * (x - 2) * (2/(x + 2.625) + p(x)/q(x)), 1/2 <= x <= 4"),
    Ratio("PSI", lambda x: psi_ratio(x) - mp.mpf("2.5") + mp.mpf("3.75") / (x + 2), mp.mpf(10) ** -10, mp.mpf(4),
          lambda x: 1 / psi_ratio(x), {"double": (9, 8), "wide": (5, 5)},
          "psi(x) = (x - root) / x * (5/2 - 15/4/(x + 2) + p(x)/q(x)), 0 < x <= 4"),
    Wanted("PSI_SERIES", psi_series, *SERIES, lambda w: w, {"double": 9, "wide": 3},
           "psi(y) = log(y) - 1/(2*y) - w * p(w), w = 1/y**2, y >= 4"),
    Ratio("TRIGAMMA", lambda x: x**2 * mp.psi(1, x) - x - mp.mpf(1) / 2 - 1 / (2 + 5 * x), mp.mpf(10) ** -10, mp.mpf(4),
          lambda x: 1 / (x**2 * mp.psi(1, x)), {"double": (9, 9), "wide": (5, 6)},
          "trigamma(x) = (x + 1/2 + 1/(2 + 5*x) + p(x)/q(x)) / x**2, 0 < x <= 4"),
    Wanted("TRIGAMMA_SERIES", trigamma_series, *SERIES, lambda w: w, {"double": 10, "wide": 3},
           "trigamma(y) = 1/y + 1/(2*y**2) + w/y * p(w), w = 1/y**2, y >= 4"),
]  # fmt: skip


HEAD = '''"""Coefficients of polynomials of vector mathematics, lowest power first. Made by docs/make_polynomials.py.

By precision: "double", "float", and "wide" for doubles of which a result in single precision is wanted. After each, the
greatest error that the comment above it counts.
"""

from __future__ import annotations
'''


def text_of(wanted: Wanted | Ratio | Pieces) -> str:
    if isinstance(wanted, Pieces):
        numbers = [number for piece in wanted.numbers() for number in piece]
        return "\n".join([*table(wanted.name, wanted.what, {"float": numbers}), ""])
    if isinstance(wanted, Ratio):
        parts, below = wanted.parts()
        found = {kind: fitted(part, kind) for part in parts for kind in part.counts}
        return "\n".join([*table(wanted.name, wanted.what, found), *table(f"{wanted.name}_BELOW", "", below), ""])
    return "\n".join([*table(wanted.name, wanted.what, {kind: fitted(wanted, kind) for kind in wanted.counts}), ""])


def table(name: str, what: str, found: dict[str, Any]) -> list[str]:
    """The lines of one table: for each precision coefficients, with their error if it is known."""
    lines = ["", f"# {what}", f"{name} = {{"] if what else [f"{name} = {{"]
    for kind, entry in found.items():
        coefficients, error = entry if isinstance(entry, tuple) else (entry, None)
        lines.append(f'    "{kind}": (' + (f"  # 2**{np.log2(error):.1f}" if error else ""))
        lines += [f"        {number!r}," for number in coefficients]
        lines.append("    ),")
    return [*lines, "}"]


def main(*arguments: str) -> int:
    texts = [text_of(wanted) for wanted in WANTED]
    if "--check" not in arguments:
        TARGET.write_text(HEAD + "".join(texts))
        return 0
    present = TARGET.read_text()
    stale = [wanted.name for wanted, text in zip(WANTED, texts, strict=True) if text not in present]
    print("stale:", *(stale or ["none"]))
    return int(bool(stale))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
