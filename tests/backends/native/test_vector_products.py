"""Matrices by vectors, and inner products: every layout, errors of sums, the same bits in any number of threads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from routine_pairs import NATIVE, numbers

import theano
import theano.tensor as T
from theano.backends.native import runtime_threads, target, thread_count
from theano.backends.native import runtime_vector_products as products
from theano.tensor.blas import gemv, ger

DTYPES = ["float64", "float32"]
EPSILON = {"float64": 2.0**-53, "float32": 2.0**-24}


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = thread_count._word[0]
    # divide whatever is large enough to be in pieces at all
    with theano.change_flags(openmp_elemwise_minsize=0):
        yield
    thread_count.set_threads(before)


def in_pieces(threads: int) -> None:
    thread_count.set_threads(threads)
    thread_count._crew[runtime_threads.CREW_PAUSE // 8] = 0


def apart(x: np.ndarray, by: int, order: str = "C") -> np.ndarray:
    """A copy with its elements apart in memory, NaN between them."""
    wide = np.full([by * n + 3 for n in x.shape], np.nan, x.dtype, order=order)  # type: ignore[call-overload]
    view = wide[tuple(slice(1, 1 + by * n, by) for n in x.shape)]
    view[...] = x
    return view


LAYOUTS = {
    "C": np.array,
    "Fortran": np.asfortranarray,
    "part": lambda x: apart(x, 1),
    "part of Fortran": lambda x: apart(x, 1, "F"),
    "every other": lambda x: apart(x, 2),
    "reversed": lambda x: np.array(x[::-1])[::-1],
    "all reversed": lambda x: np.array(x[(slice(None, None, -1),) * x.ndim])[(slice(None, None, -1),) * x.ndim],
    "columns reversed": lambda x: np.asfortranarray(x[..., ::-1])[..., ::-1],
}
# around the lanes of vectors, the rows taken at once, and blocks of terms
LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 65]
SHAPES = [
    *[(m, n) for m in LENGTHS for n in LENGTHS if (m + 2 * n) % 3 == 0],
    (2, 2), (5, 4097), (3, 4097), (4097, 5), (2049, 12), (4100, 2), (2, 4100), (40, 2100), (1, 40000), (33, 33000),
    (2, 33000), (17, 33000), (33000, 2), (32, 32768),
]  # fmt: skip


class Products:
    """Functions of one dtype: A x, x A, and alpha A x + beta y for numbers that only the call knows."""

    def __init__(self, dtype: str) -> None:
        a, x, y = T.matrix("a", dtype), T.vector("x", dtype), T.vector("y", dtype)
        alpha, beta = T.scalar("alpha", dtype), T.scalar("beta", dtype)
        self.right = theano.function([a, x], T.dot(a, x), mode=NATIVE)
        self.left = theano.function([x, a], T.dot(x, a), mode=NATIVE)
        self.onto = theano.function([y, alpha, a, x, beta], gemv(y, alpha, a, x, beta), mode=NATIVE)
        self.inner = theano.function([x, y], T.dot(x, y), mode=NATIVE)


@pytest.fixture(scope="module", params=DTYPES)
def of_dtype(request: pytest.FixtureRequest) -> tuple[Products, str]:
    return Products(request.param), request.param


def check(got: Any, terms: np.ndarray, added: Any, dtype: str) -> None:
    """Is `got` the sum of terms along the last axis, and of `added`? To the error of sums in pairs of few columns."""
    exact = terms.sum(axis=-1) + added
    room = np.abs(terms).sum(axis=-1) + np.abs(added)
    got = np.asarray(got)
    assert got.dtype == dtype
    assert got.shape == exact.shape
    steps = 8 + terms.shape[-1] / 8
    assert (np.abs(got - exact) <= steps * EPSILON[dtype] * room).all()


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_layouts(of_dtype: tuple[Products, str], layout: str) -> None:
    functions, dtype = of_dtype
    vector_layouts = list(LAYOUTS.values())
    for number, (m, n) in enumerate(SHAPES):
        lay = vector_layouts[number % len(vector_layouts)]
        a = LAYOUTS[layout](numbers((m, n), dtype))
        x, y, z = lay(numbers((n,), dtype, 1)), lay(numbers((m,), dtype, 2)), numbers((m,), dtype, 3)
        wide = np.longdouble
        check(functions.right(a, x), a.astype(wide) * x.astype(wide), np.zeros(m, wide), dtype)
        check(functions.left(y, a), a.T.astype(wide) * y.astype(wide), np.zeros(n, wide), dtype)
        alpha, beta = np.asarray(-1.5, dtype), np.asarray(0.75, dtype)
        terms = alpha * a.astype(wide) * x.astype(wide)
        check(functions.onto(z, alpha, a, x, beta), terms, beta * z.astype(wide), dtype)
        check(functions.onto(z * np.nan, alpha, a, x, 0 * beta), terms, np.zeros(m, wide), dtype)


def test_updates_of_a_vector_in_its_place() -> None:
    a, x = T.matrix("a"), T.vector("x")
    for shape in ((300, 20), (20, 300), (3, 40000), (40000, 3)):
        values, start = numbers(shape), numbers((shape[0],), seed=1)
        y = theano.shared(start.copy(), "y")
        f = theano.function([a, x], [], updates=[(y, 0.5 * y - 0.25 * T.dot(a, x))], mode=NATIVE)
        for layout in LAYOUTS.values():
            y.set_value(start)
            f(layout(values), numbers((shape[1],), seed=2))
            wanted = 0.5 * start - 0.25 * (values @ numbers((shape[1],), seed=2))
            np.testing.assert_allclose(y.get_value(), wanted, rtol=1e-10, atol=1e-10)


def test_inner_products(of_dtype: tuple[Products, str]) -> None:
    functions, dtype = of_dtype
    for n in (*LENGTHS, 127, 128, 129, 4097, 32767, 32768, 32769, 50001):
        for first in LAYOUTS.values():
            for second in LAYOUTS.values():
                x, y = first(numbers((n,), dtype)), second(numbers((n,), dtype, 1))
                terms = x.astype(np.longdouble) * y.astype(np.longdouble)
                check(functions.inner(x, y), terms, np.longdouble(0), dtype)


def test_numbers_that_are_not_finite(of_dtype: tuple[Products, str]) -> None:
    functions, dtype = of_dtype
    for m, n in ((9, 9), (3, 40), (40, 3), (70, 70), (70, 2), (2, 70), (5, 33000)):
        for layout in LAYOUTS.values():
            a, x = np.abs(numbers((m, n), dtype)) + 1, np.abs(numbers((n,), dtype, 1)) + 1
            a[m - 1, n - 1], a[0, 0], a[m // 2, n // 2] = np.nan, np.inf, -np.inf
            with np.errstate(invalid="ignore"):
                wanted = a @ x
                wanted_left = x[: min(m, n)] @ a[: min(m, n)]
            got = functions.right(layout(a), x)
            np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted))
            np.testing.assert_array_equal(got[np.isinf(wanted)], wanted[np.isinf(wanted)])
            got = functions.left(x[: min(m, n)], layout(a[: min(m, n)]))
            np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted_left))
            np.testing.assert_array_equal(got[np.isinf(wanted_left)], wanted_left[np.isinf(wanted_left)])


@pytest.mark.skipif(target.host().vector_bytes == 16, reason="BLAS may have longer vectors, and so shorter sums")
def test_errors_are_not_larger_than_those_of_blas(of_dtype: tuple[Products, str]) -> None:
    functions, dtype = of_dtype
    for m, n in ((900, 100), (600, 1000), (300, 5000), (100, 33000)):
        a, x = numbers((m, n), dtype), numbers((n,), dtype, 1)
        exact = (a.astype(np.longdouble) * x.astype(np.longdouble)).sum(axis=1)
        for layout in (np.array, np.asfortranarray):
            values = layout(a)
            ours, theirs = (np.sqrt(np.mean((y - exact) ** 2)) for y in (functions.right(values, x), values @ x))
            assert ours <= 1.25 * theirs, (m, n, layout)


# around what is divided: see DIVIDED_BYTES, FEW_ROWS, PART_TERMS
THRESHOLDS = [
    (180, 181), (256, 257), (600, 700), (31, 32769), (32, 40000), (33, 40000), (3, 100001), (2, 100001), (1, 100001),
    (100001, 1), (100001, 2), (100001, 3), (100001, 9), (8, 70000), (16, 70000), (1003, 1003),
]  # fmt: skip


def test_bits_do_not_depend_on_the_number_of_threads(of_dtype: tuple[Products, str]) -> None:
    functions, dtype = of_dtype
    shared_out = 0
    for m, n in THRESHOLDS:
        for layout in ("C", "Fortran", "every other"):
            a, x, y = LAYOUTS[layout](numbers((m, n), dtype)), numbers((n,), dtype, 1), numbers((m,), dtype, 2)
            found = set()
            for threads in (1, 2, 3, 4, 7):
                in_pieces(threads)
                calls = thread_count._crew[runtime_threads.CREW_CALLS // 8]
                results = [
                    functions.right(a, x), functions.left(y, a), functions.onto(y, np.asarray(0.3, dtype), a, x, 2),
                    functions.inner(np.asarray(a[0]), x),
                ]  # fmt: skip
                shared_out += int(thread_count._crew[runtime_threads.CREW_CALLS // 8] - calls)
                found.add(b"".join(np.asarray(result).tobytes() for result in results))
            assert len(found) == 1, (m, n, layout)
    assert shared_out > 100
    assert products.PART_TERMS <= 32769 // 2


@pytest.mark.parametrize("dtype", DTYPES)
def test_bits_of_other_products_do_not_depend_on_the_number_of_threads(dtype: str) -> None:
    """BLAS's own threads are off, and need not be told by whoever asks for bits."""
    a, b, c = T.matrix("a", dtype), T.matrix("b", dtype), T.matrix("c", dtype)
    x, y, s, t = T.vector("x", dtype), T.vector("y", dtype), T.tensor3("s", dtype), T.tensor3("t", dtype)
    product = theano.function([a, b], T.dot(a, b), mode=NATIVE)
    onto = theano.function([c, a, b], 0.5 * c - 0.25 * T.dot(a, b), mode=NATIVE)
    update = theano.function([c, x, y], ger(c, np.asarray(0.3, dtype), x, y), mode=NATIVE)
    stacks = theano.function([s, t], T.batched_dot(s, t), mode=NATIVE)
    for m, k, n in ((63, 65, 64), (64, 64, 65), (100, 100, 100), (127, 129, 128), (130, 128, 131), (301, 299, 211),
                    (1000, 17, 16), (16, 17, 1000), (193, 401, 27), (8, 1000, 700), (9, 5000, 60)):  # fmt: skip
        for order in "CF":
            p, q = (np.array(numbers(shape, dtype), order=order) for shape in ((m, k), (k, n)))
            r, v, w = numbers((m, n), dtype, 2), numbers((m,), dtype, 3), numbers((n,), dtype, 4)
            deep = [np.array([z, -z, z + 1]) for z in (p, q)]
            found = []
            for threads in (1, 2, 3, 4):
                in_pieces(threads)
                results = product(p, q), onto(r, p, q), update(r, v, w), stacks(*deep)
                found.append([result.tobytes() for result in results])
            for name, bits in zip(("product", "onto", "update", "stacks"), zip(*found)):
                assert len(set(bits)) == 1, (m, k, n, order, name)


@pytest.mark.parametrize("dtype", DTYPES)
def test_bits_of_products_of_random_lengths(dtype: str) -> None:
    """Around the numbers of multiplications from which BLAS, tiles and the crew work in another way."""
    generator = np.random.default_rng(5)
    a, b = T.matrix("a", dtype), T.matrix("b", dtype)
    f = theano.function([a, b], [T.dot(a, b), T.dot(b.T, a.T), T.dot(a, b[:, 0])], mode=NATIVE)
    layouts = list(LAYOUTS.values())
    for number in range(40):
        work = (65536, 262144, 500000, 1000000, 2097152, 4000000)[number % 6] * generator.uniform(0.98, 1.05)
        m, k, n = (int(np.exp(share * np.log(work))) for share in generator.dirichlet([2, 2, 2]))
        p, q = (layouts[generator.integers(5)](numbers(shape, dtype)) for shape in ((m, k), (k, n)))
        found = []
        for threads in (1, 2, 3, 4):
            in_pieces(threads)
            found.append(b"".join(result.tobytes() for result in f(p, q)))
        assert len(set(found)) == 1, (m, k, n)
