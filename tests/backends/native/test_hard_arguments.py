"""Vector mathematics where functions are hardest: angles nearest to multiples of pi/2, zeros between the poles of the
gamma function, and numbers around the limits of overflow. Random points miss all of these."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from vector_errors import HOST, PLAIN, exact_error, vector_function

WORST = 2.0  # units in the last place
MACHINES = {"host": HOST, "plain": PLAIN}


def hard_angles(dtype: str, every: int) -> np.ndarray:
    """m * 2**e with whole m as near to multiples of pi/2 as continued fractions of 2**e / (pi/2) come."""
    digits, top = (53, 1023) if dtype == "float64" else (24, 127)
    found = []
    with mp.workprec(1400):
        for e in range(-20, top - digits + 2, every):
            rest = mp.mpf(2) ** e / (mp.pi / 2)
            rest -= mp.floor(rest)
            before, last = 1, 0
            while last < 2**digits:
                if last:
                    found.append(float(mp.mpf(last) * mp.mpf(2) ** e))
                whole = int(mp.floor(rest))
                before, last = last, whole * last + before
                rest = 1 / (rest - whole)
    angles = np.array(found, dtype)
    return np.concatenate([angles, -angles])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
@pytest.mark.parametrize("machine", MACHINES)
def test_angles_nearest_to_multiples_of_a_right_one(name: str, dtype: str, machine: str) -> None:
    known = [6381956970095103.0 * 2.0**797] if dtype == "float64" else [16367173.0 * 2.0**72]
    angles = np.concatenate([hard_angles(dtype, 53 if dtype == "float64" else 7), np.array(known, dtype)])
    assert angles.size > 500 if dtype == "float64" else angles.size > 200
    for x, found in zip(angles, vector_function(name, dtype, MACHINES[machine])(angles), strict=True):
        assert exact_error(name, found, x) <= WORST, (name, x, found)


@pytest.mark.parametrize("name", ["lgamma", "psi"])
@pytest.mark.parametrize("machine", MACHINES)
def test_zeros_between_poles(name: str, machine: str) -> None:
    """In units of the larger of the result and of the term that is subtracted (`docs/vector_mathematics.md`)."""
    function = mp.digamma if name == "psi" else lambda x: mp.log(abs(mp.gamma(x)))
    zeros = []
    for k in range(-12, 0 if name == "psi" else -2):
        sides = [(0.02, 0.98)] if name == "psi" else [(1e-10, 0.5), (0.5, 1 - 1e-10)]
        zeros += [float(mp.findroot(function, (k + a, k + b), solver="anderson", verify=False)) for a, b in sides]
    near = np.array([x + side * 2.0**-n for x in zeros for n in (3, 12, 30, 48) for side in (-1, 0, 1)])
    for x, found in zip(near, vector_function(name, "float64", MACHINES[machine])(near), strict=True):
        assert exact_error(name, found, x) <= WORST, (name, x, found)


@pytest.mark.parametrize("machine", MACHINES)
def test_log_gamma_of_huge_numbers(machine: str) -> None:
    x = np.array([1e290, 1e299, 1e302, 1e305, 2.5599833278516383e305, 2.6e305, np.finfo("float64").max])
    for number, found in zip(x, vector_function("lgamma", "float64", MACHINES[machine])(x), strict=True):
        assert exact_error("lgamma", found, number) <= WORST, (number, found)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_powers_at_the_limits(dtype: str, machine: str) -> None:
    """Results around the largest, the smallest normal and the smallest number; bases next to 1."""
    rng = np.random.default_rng(1)
    top, least, digits = (1024, -1074, 52) if dtype == "float64" else (128, -149, 23)
    base = np.exp2(rng.uniform(2 - top, top, 200)).astype(dtype)
    base[::2] = 1 + np.exp2(-rng.uniform(1, digits - 1, 100)) * rng.choice([-1, 1], 100)
    result = rng.choice([top, 2 - top, least], 200) + rng.uniform(-2, 1, 200)
    exponent = (result / np.log2(base.astype(np.longdouble))).astype(dtype)
    found = vector_function("pow", dtype, MACHINES[machine])(base, exponent)
    for x, y, value in zip(base, exponent, found, strict=True):
        assert exact_error("pow", value, x, y) <= WORST, (x, y, value)
