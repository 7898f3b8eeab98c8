"""Products of matrices which do without BLAS, and of those just too large or too small for that: every layout."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.backends.native import runtime_tile_products as tiles
from theano.backends.native import thread_count, vector_code
from theano.tensor.blas import gemm, gemv, ger

DTYPES = ["float32", "float64"]
SIZES = [
    (1, 1, 1), (2, 2, 2), (3, 1, 5), (1, 7, 3), (4, 4, 4), (5, 3, 9), (8, 8, 8), (7, 9, 2), (9, 17, 3), (16, 16, 16),
    (2, 33, 2), (32, 32, 1), (20, 20, 20), (8, 3, 33), (0, 3, 2), (3, 0, 2), (3, 2, 0), (13, 40, 5), (24, 8, 8),
]


def c_order(x: np.ndarray) -> np.ndarray:
    return np.array(x)


def f_order(x: np.ndarray) -> np.ndarray:
    return np.array(x, order="F")


def backwards(x: np.ndarray) -> np.ndarray:
    return np.array(x[..., ::-1])[..., ::-1]


def rows_backwards(x: np.ndarray) -> np.ndarray:
    return np.array(x[::-1])[::-1]


def every_other(x: np.ndarray) -> np.ndarray:
    wide = np.full((*x.shape[:-1], 2 * x.shape[-1] + 1), np.nan, x.dtype)
    wide[..., 1::2] = x
    return wide[..., 1::2]


def part(x: np.ndarray) -> np.ndarray:
    """Rows which lie apart."""
    wide = np.full((*x.shape[:-1], x.shape[-1] + 3), np.nan, x.dtype)
    wide[..., 1:-2] = x
    return wide[..., 1:-2]


LAYOUTS = [c_order, f_order, backwards, rows_backwards, every_other, part]


def close(got: Any, expected: Any) -> None:
    got = np.asarray(got)
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype
    tolerance = {"float32": 2e-5, "float64": 1e-13}[got.dtype.name]
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance * max(1, np.abs(expected).max(initial=0)))


def sample(dtype: str, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed + len(shape)).normal(size=shape).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_products(dtype: str, sizes: tuple[int, int, int]) -> None:
    m, n, inner = sizes
    a, b, v = sample(dtype, m, inner), sample(dtype, inner, n, seed=1), sample(dtype, inner, seed=2)
    c, s = sample(dtype, m, n, seed=3), np.asarray(-1.5, dtype)
    A, B, C = (T.matrix(name, dtype) for name in "ABC")
    V, W, S = T.vector("v", dtype), T.vector("w", dtype), T.scalar("s", dtype)
    product = theano.function([A, B], T.dot(A, B))
    turned = theano.function([A, B], T.dot(A, B).T)
    onto = theano.function([A, B, C, S], gemm(C, S, A, B, S * 2), on_unused_input="ignore")
    scaled = theano.function([A, B, S], T.dot(A, B) * S)
    by_vector = theano.function([A, V], T.dot(A, V))
    onto_vector = theano.function([A, V, W, S], gemv(W, S, A, V, S))
    from_left = theano.function([A, V], T.dot(V, A.T))
    inner_product = theano.function([V, W], T.dot(V, W))
    w = sample(dtype, m, seed=4)
    close(inner_product(v, v[::-1]), np.asarray(v @ v[::-1]))
    for lay_a in LAYOUTS:
        close(by_vector(lay_a(a), every_other(v)), a @ v)
        close(from_left(lay_a(a), backwards(v)), a @ v)
        close(onto_vector(lay_a(a), v, every_other(w), s), s * (a @ v) + s * w)
        for lay_b in LAYOUTS:
            close(product(lay_a(a), lay_b(b)), a @ b)
            close(turned(lay_a(a), lay_b(b)), (a @ b).T)
        close(onto(lay_a(a), lay_a(b), lay_a(c), s), s * (a @ b) + 2 * s * c)
        close(scaled(lay_a(a), lay_a(b), s), s * (a @ b))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", [(5, 2, 2, 2), (4, 3, 9, 5), (3, 16, 16, 16), (2, 17, 33, 20), (0, 2, 2, 2),
                                   (3, 2, 2, 0), (3, 2, 0, 2), (1000, 1, 2, 3)], ids=str)
def test_stacks_of_matrices(dtype: str, sizes: tuple[int, int, int, int]) -> None:
    count, m, n, inner = sizes
    a, b = sample(dtype, count, m, inner), sample(dtype, count, inner, n, seed=1)
    A, B, M = T.tensor3("A", dtype), T.tensor3("B", dtype), T.matrix("M", dtype)
    product = theano.function([A, B], T.batched_dot(A, B))
    with_one = theano.function([A, M], T.matmul(A, M))
    for lay_a in LAYOUTS:
        for lay_b in LAYOUTS:
            close(product(lay_a(a), lay_b(b)), a @ b)
            close(product(a.transpose(0, 1, 2), lay_b(b.transpose(0, 2, 1)).transpose(0, 2, 1)), a @ b)
        if count:
            close(with_one(lay_a(a), lay_a(b[0])), a @ b[0])
            spread = np.broadcast_to(b[0], b.shape)
            close(product(lay_a(a), spread), a @ spread)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("side", [2, 5, 16])
def test_products_into_a_shared_value(dtype: str, side: int) -> None:
    a, b, c = (sample(dtype, side, side, seed=n) for n in range(3))
    A, B, U, V = T.matrix("A", dtype), T.matrix("B", dtype), T.vector("u", dtype), T.vector("v", dtype)
    for lay in (c_order, f_order):
        shared = theano.shared(lay(c), name="shared")
        f = theano.function([A, B], [], updates=[(shared, shared * 2 + T.dot(A, B))])
        f(a, b)
        close(shared.get_value(), 2 * c + a @ b)
        shared = theano.shared(lay(c), name="shared")
        theano.function([U, V], [], updates=[(shared, ger(shared, np.asarray(0.5, dtype), U, V))])(a[0], b[0])
        close(shared.get_value(), c + np.asarray(0.5, dtype) * np.outer(a[0], b[0]))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("side", [3, 40])
def test_what_beta_0_multiplies_is_not_read(dtype: str, side: int) -> None:
    a, c = sample(dtype, side, side), np.full((side, side), np.nan, dtype)
    A, C, V, W, S = T.matrix("A", dtype), T.matrix("C", dtype), T.vector("v", dtype), T.vector("w", dtype), T.scalar(
        "s", dtype)
    one = np.asarray(1, dtype)
    f = theano.function([A, C, S], gemm(C, one, A, A, S))
    g = theano.function([A, V, W, S], gemv(W, one, A, V, S))
    for zero in (0.0, -0.0):
        close(f(a, c, np.asarray(zero, dtype)), a @ a)
        close(g(a, a[0].copy(), c[0].copy(), np.asarray(zero, dtype)), a @ a[0])
    assert np.isnan(f(a, c, one)).all()


def test_special_values() -> None:
    A, B = T.dmatrix("A"), T.dmatrix("B")
    f = theano.function([A, B], T.dot(A, B))
    a = np.array([[np.inf, 1.0], [np.nan, 0.0], [0.0, 1e308]])
    b = np.array([[1.0, -1.0, 0.0], [2.0, 10.0, 1.0]])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(f(a, b), a @ b)


def test_lengths_that_do_not_fit() -> None:
    A, B, v = T.dmatrix("A"), T.dmatrix("B"), T.dvector("v")
    with pytest.raises(ValueError, match="2"):
        theano.function([A, B], T.dot(A, B))(np.zeros((2, 2)), np.zeros((3, 2)))
    with pytest.raises(ValueError, match="2"):
        theano.function([A, v], T.dot(A, v))(np.zeros((2, 2)), np.zeros(3))


def test_sizes_on_both_sides_of_the_limits_are_tested() -> None:
    lanes = 8
    turns = [-(-m // tiles.TILE_ROWS) * -(-n // lanes) * k for m, n, k in SIZES]
    assert min(turns) < tiles.FEW_TURNS < max(turns)
    packed = [n * k for _, n, k in SIZES]
    assert min(packed) < tiles.FEW_PACKED < max(packed)
    products = [m * n * k for m, n, k in (*SIZES, *LARGE)]
    assert min(products) < tiles.MANY_PRODUCTS < max(products)
    for copies_pay, _ in vector_code._COPIES_PAY.values():
        assert any(m * n * k > copies_pay and min(m, n, k) > tiles.LONG_SIDE for m, n, k in LARGE)
    assert any(k > 2 * tiles.FEW_TERMS for _, _, k in LARGE)


# rows, columns, terms: few of one of these; in several parts; rows a power of two apart; more than pays
LARGE = [
    (260, 10, 400), (9, 300, 401), (300, 310, 11), (130, 30, 700), (17, 1000, 65), (260, 33, 128), (128, 128, 128),
    (256, 64, 256), (150, 170, 165), (2, 900, 600), (530, 520, 510),
]


@pytest.fixture(params=[1, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = thread_count._word[0]
    with theano.change_flags(openmp_elemwise_minsize=0):
        thread_count.set_threads(request.param)
        yield request.param
        thread_count.set_threads(before)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", LARGE, ids=str)
def test_large_products(dtype: str, sizes: tuple[int, int, int]) -> None:
    m, n, inner = sizes
    a, b, c = sample(dtype, m, inner), sample(dtype, inner, n, seed=1), sample(dtype, m, n, seed=3)
    A, B, C, S = T.matrix("A", dtype), T.matrix("B", dtype), T.matrix("C", dtype), T.scalar("s", dtype)
    s = np.asarray(-1.5, dtype)
    product = theano.function([A, B], T.dot(A, B))
    onto = theano.function([A, B, C, S], gemm(C, S, A, B, S * 2))
    for lay_a in LAYOUTS:
        for lay_b in (c_order, f_order, part):
            near(product(lay_a(a), lay_b(b)), a @ b, inner)
        near(onto(lay_a(a), lay_a(b), lay_a(c), s), s * (a @ b) + 2 * s * c, inner)
    for lay in (c_order, f_order):
        shared = theano.shared(lay(c), name="shared")
        f = theano.function([A, B], [], updates=[(shared, shared * 2 + T.dot(A, B.T))])
        f(a, np.array(b.T))
        near(shared.get_value(), 2 * c + a @ b, inner)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("dtype", DTYPES)
def test_bits_do_not_depend_on_other_columns(dtype: str) -> None:
    """Columns are computed two vectors wide or one."""
    A, B = T.matrix("A", dtype), T.matrix("B", dtype)
    product = theano.function([A, B], T.dot(A, B))
    a, b = sample(dtype, 270, 400), sample(dtype, 400, 100, seed=1)
    whole = product(a, b)
    for columns in range(10, 100, 3):
        assert (product(a, np.array(b[:, :columns])) == whole[:, :columns]).all(), columns
        assert (product(a, np.array(b[:, -columns:].T).T) == whole[:, -columns:]).all(), columns


def near(got: Any, expected: Any, terms: int) -> None:
    got = np.asarray(got)
    assert got.dtype == expected.dtype
    error = 4 * terms**0.5 * np.finfo(got.dtype).eps
    np.testing.assert_allclose(got, expected, rtol=error, atol=error * terms**0.5)
