"""theano.tensor.nlinalg against NumPy: values, shapes, dtypes, gradients, errors."""

import numpy as np
import pytest
from agreement import LAYOUTS, MODES, agree, gradients_agree, sample

import theano
import theano.tensor as T
from theano.graph.evaluate import evaluate
from theano.tensor import nlinalg as L

DTYPES = ["float64", "float32", "complex128", "complex64"]
LinAlgError = np.linalg.LinAlgError


def regular(dtype, *shape, seed=0):
    """Square matrices far from singular."""
    return sample(dtype, shape, seed) + np.asarray(3 * np.eye(shape[-1]), dtype)


def hermitian(dtype, *shape, seed=0):
    x = sample(dtype, shape, seed)
    return x + np.conj(np.swapaxes(x, -1, -2)) + np.diag(3 * np.arange(shape[-1])).astype(dtype)


def real_parts(*outputs):
    """The parts of complex outputs, so that gradients by real inputs can be compared."""
    return [part for out in outputs for part in (T.real(out), T.imag(out))]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 3), (1, 1), (0, 0), (2, 3, 3), (0, 2, 2)], ids=str)
def test_inverse_and_determinants(shape, dtype):
    x = regular(dtype, *shape)
    agree(L.matrix_inverse, np.linalg.inv, x, modes=MODES)
    agree(L.det, np.linalg.det, x, modes=MODES)
    agree(L.slogdet, lambda v: list(np.linalg.slogdet(v)), x, modes=MODES)


@pytest.mark.parametrize("shape", [(3, 3), (1, 1), (0, 0), (2, 2, 2)], ids=str)
def test_gradients_of_inverse_and_determinants(shape):
    x = regular("float64", *shape)
    gradients_agree(L.matrix_inverse, x)
    gradients_agree(L.det, x * 0.4)
    gradients_agree(lambda v: L.slogdet(v)[1], x)
    gradients_agree(lambda v: T.log(abs(L.det(v))), x)


def test_sign_of_the_determinant_has_no_gradient():
    x = T.dmatrix()
    g = theano.grad(L.slogdet(x)[0] * 2, x)
    np.testing.assert_array_equal(evaluate([g], {x: np.eye(2)})[0], np.zeros((2, 2)))


def test_determinant_of_a_singular_matrix_has_a_gradient():
    x = T.dmatrix()
    g = theano.grad(L.det(x), x)
    a = np.array([[1.0, 2.0], [2.0, 4.0]])
    np.testing.assert_allclose(evaluate([g], {x: a})[0], [[4, -2], [-2, 1]], atol=1e-12)
    np.testing.assert_allclose(evaluate([g], {x: np.zeros((2, 2))})[0], np.zeros((2, 2)), atol=1e-12)
    gradients_agree(L.det, a, orders=(1,))
    stack = T.dtensor3()
    both = np.stack([a, np.eye(2)])
    found = evaluate([theano.grad(T.sum(L.det(stack)), stack)], {stack: both})[0]
    np.testing.assert_allclose(found, [[[4, -2], [-2, 1]], np.eye(2)], atol=1e-12)
    nearly = a + np.diag([0, 1e-14])
    np.testing.assert_allclose(evaluate([g], {x: nearly})[0], [[4, -2], [-2, 1]], rtol=1e-12)
    assert np.isnan(evaluate([g], {x: np.full((2, 2), np.nan)})[0]).all()
    sign, logarithm = evaluate(L.slogdet(x), {x: a * 0})
    assert sign == 0 and logarithm == -np.inf


@pytest.mark.parametrize("build", [
    L.matrix_inverse, L.det, lambda z: L.slogdet(z)[0], L.pinv,
], ids=["inv", "det", "sign", "pinv"])
def test_gradients_of_complex_matrices(build):
    a, b = regular("float64", 3, 3), sample("float64", (3, 3), 1)
    gradients_agree(lambda u, v: real_parts(build(T.complex(u, v))), a, b, orders=(1,))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (1, 3), (0, 3), (2, 3, 2)], ids=str)
def test_pinv(shape, dtype):
    x = sample(dtype, shape)
    agree(L.pinv, np.linalg.pinv, x, modes=MODES)
    if dtype == "float64":
        gradients_agree(L.pinv, x)
        agree(lambda v: L.pinv(v, 0.5), lambda v: np.linalg.pinv(v, 0.5), x)


def test_layouts():
    x = T.dmatrix()
    for mode in MODES:
        f = theano.function([x], [L.matrix_inverse(x), L.det(x), L.eigh(x)[0], L.svd(x, compute_uv=0)], mode=mode)
        for arrange in LAYOUTS.values():
            a = arrange(hermitian("float64", 4, 4))
            want = [np.linalg.inv(a), np.linalg.det(a), np.linalg.eigh(a)[0], np.linalg.svd(a, compute_uv=False)]
            for got, w in zip(f(a), want):
                np.testing.assert_allclose(got, w, rtol=1e-10)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 3), (1, 1), (0, 0), (2, 3, 3)], ids=str)
def test_eigh(shape, dtype):
    x = sample(dtype, shape)
    for uplo in "LU":
        agree(lambda v, u=uplo: L.eigh(v, u), lambda v, u=uplo: list(np.linalg.eigh(v, u)), x, modes=MODES)


@pytest.mark.parametrize("uplo", ["L", "U"])
def test_gradients_of_eigh(uplo):
    x = sample("float64", (3, 3), 4)
    gradients_agree(lambda v: L.eigh(v, uplo), x)
    gradients_agree(lambda v: L.eigh(v, uplo)[0], x)
    gradients_agree(lambda v: L.eigh(v, uplo), sample("float64", (2, 2, 2)), orders=(1,))


def test_gradients_of_eigh_of_complex_matrices():
    def build(a, b):
        w, v = L.eigh(T.complex(a, b))
        # no phase in these
        return [w, *real_parts(T.dot(v * T.exp(w * 0.1), T.conj(v).T))]

    gradients_agree(build, sample("float64", (3, 3)), sample("float64", (3, 3), 1), orders=(1,))


def test_eigh_of_equal_eigenvalues():
    x = T.dmatrix()
    w, v = L.eigh(x)
    g = theano.grad(T.sum(w * w), x)
    np.testing.assert_allclose(evaluate([g], {x: np.eye(2) * 3})[0], 6 * np.eye(2))
    g = theano.grad(T.sum(v * np.arange(4.0).reshape(2, 2)), x)
    assert not np.isfinite(evaluate([g], {x: np.eye(2)})[0]).all()   # no derivative exists


def test_eig():
    x = np.array([[2.0, 1.0, 0.5], [0.3, -1.0, 0.2], [0.1, 0.4, 5.0]])
    for dtype in DTYPES:
        agree(L.eig, lambda v: list(np.linalg.eig(v)), x.astype(dtype), modes=MODES)
    agree(L.eig, lambda v: list(np.linalg.eig(v)), np.stack([x, x.T]))
    agree(L.eig, lambda v: list(np.linalg.eig(v)), np.zeros((0, 0)))
    gradients_agree(L.eig, x)
    rotation = np.array([[0.0, -1.0, 0.2], [1.0, 0.3, 0.0], [0.5, 0.0, 2.0]])
    gradients_agree(lambda v: real_parts(*L.eig(T.cast(v, "complex128"))), rotation)
    m = T.dmatrix()
    with pytest.raises(LinAlgError, match="complex eigenvalues"):
        theano.function([m], L.eig(m))(rotation)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (1, 3), (3, 0), (2, 3, 2)], ids=str)
def test_svd_and_qr(shape, dtype):
    x = sample(dtype, shape)
    for full in (0, 1):
        agree(lambda v, f=full: L.svd(v, f), lambda v, f=full: list(np.linalg.svd(v, bool(f))), x, modes=MODES)
    agree(lambda v: L.svd(v, 1, 0), lambda v: np.linalg.svd(v, compute_uv=False), x, modes=MODES)
    for mode in ("reduced", "complete", "raw"):
        agree(lambda v, m=mode: L.qr(v, m), lambda v, m=mode: list(np.linalg.qr(v, m)), x, modes=MODES)
    agree(lambda v: L.qr(v, "r"), lambda v: np.linalg.qr(v, "r"), x, modes=MODES)


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (1, 3), (2, 3, 2)], ids=str)
def test_gradients_of_svd(shape):
    x = sample("float64", shape)
    orders = (1, 2) if len(shape) == 2 else (1,)
    gradients_agree(lambda v: L.svd(v, 0), x, orders=orders)
    gradients_agree(lambda v: L.svd(v, 0, 0), x, orders=orders)

    def spans(v):
        u, s, vh = L.svd(v, 1)
        k = min(shape[-2:])
        null, other = u[..., :, k:], vh[..., k:, :]
        return [u[..., :, :k], s, vh[..., :k, :], T.matmul(null, T.swapaxes(null, -1, -2)),
                T.matmul(T.swapaxes(other, -1, -2), other)]

    gradients_agree(spans, x, orders=(1,))


def test_gradients_of_svd_of_complex_matrices():
    def build(a, b):
        u, s, vh = L.svd(T.complex(a, b), 0)
        return [s, *real_parts(T.dot(u * (s * s), vh))]

    for shape in [(3, 3), (3, 2), (2, 3)]:
        gradients_agree(build, sample("float64", shape), sample("float64", shape, 1), orders=(1,))


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (1, 3), (3, 1), (2, 3, 2)], ids=str)
def test_gradients_of_qr(shape):
    x = sample("float64", shape)
    gradients_agree(lambda v: L.qr(v), x)
    gradients_agree(lambda v: L.qr(v)[0], x, orders=(1,))
    gradients_agree(lambda v: L.qr(v, "r"), x, orders=(1,))

    def spans(v):
        q, r = L.qr(v, "complete")
        k = min(shape[-2:])
        null = q[..., :, k:]
        return [q[..., :, :k], r, T.matmul(null, T.swapaxes(null, -1, -2))]

    gradients_agree(spans, x, orders=(1,))


def test_gradients_of_qr_of_complex_matrices():
    for shape in [(3, 3), (3, 2), (2, 3)]:
        gradients_agree(lambda a, b: real_parts(*L.qr(T.complex(a, b))), sample("float64", shape),
                        sample("float64", shape, 1), orders=(1,))


@pytest.mark.parametrize("a, b", [((4, 2), (4,)), ((4, 2), (4, 3)), ((2, 4), (2,)), ((3, 3), (3, 2)), ((4, 2), (4, 0))],
                         ids=str)
def test_lstsq(a, b):
    x, y = sample("float64", a), sample("float64", b, 1)
    for rcond in (None, -1, 1e-6):
        agree(lambda u, v, r=rcond: L.lstsq()(u, v, r), lambda u, v, r=rcond: list(np.linalg.lstsq(u, v, r)), x, y,
              modes=MODES)
    if y.size:
        gradients_agree(lambda u, v: [L.lstsq()(u, v)[k] for k in (0, 1, 3)], x, y)
    agree(lambda u, v: L.lstsq()(u, v), lambda u, v: list(np.linalg.lstsq(u, v, None)), x.astype("float32"),
          y.astype("float32"))


def test_lstsq_of_deficient_rank():
    x = np.outer([1.0, 2, 3], [1.0, -1])
    y = np.array([1.0, 0, 2])
    agree(lambda u, v: L.lstsq()(u, v), lambda u, v: list(np.linalg.lstsq(u, v, None)), x, y, modes=MODES)
    gradients_agree(lambda v: L.lstsq()(x, v)[:2], y)


@pytest.mark.parametrize("ord", [None, 2, "inf", "-inf", 0, 1, 3, 2.5, -1, np.inf])
def test_norm_of_vectors(ord):
    key = {"inf": np.inf, "-inf": -np.inf}.get(ord, ord)
    for dtype in DTYPES:
        agree(lambda v: L.norm(v, ord), lambda v: np.linalg.norm(v, key), sample(dtype, (5,)), modes=MODES)
    gradients_agree(lambda v: L.norm(v, ord), sample("float64", (5,)))


@pytest.mark.parametrize("ord", [None, "fro", "inf", "-inf", 1, -1, 2, -2, "nuc"])
def test_norm_of_matrices(ord):
    key = {"inf": np.inf, "-inf": -np.inf}.get(ord, ord)
    for dtype in DTYPES:
        agree(lambda v: L.norm(v, ord), lambda v: np.linalg.norm(v, key), sample(dtype, (3, 4)), modes=MODES)
    gradients_agree(lambda v: L.norm(v, ord), sample("float64", (3, 2)), orders=(1,))


def test_norm_refuses():
    with pytest.raises(ValueError, match="3 axes"):
        L.norm(T.dtensor3(), None)
    with pytest.raises(ValueError, match="order"):
        L.norm(T.dvector(), "fro")
    with pytest.raises(ValueError, match="order"):
        L.norm(T.dmatrix(), 3)


@pytest.mark.parametrize("n", [-3, -1, 0, 1, 2, 3, 10])
def test_matrix_power(n):
    x = regular("float64", 3, 3) / 3
    agree(lambda v: L.matrix_power(v, n), lambda v: np.linalg.matrix_power(v, n), x, modes=MODES)
    if abs(n) < 4:
        gradients_agree(lambda v: L.matrix_power(v, n), x, orders=(1,))
    agree(lambda v: L.matrix_power(v, n), lambda v: np.linalg.matrix_power(v, n), np.stack([x, x.T]))
    agree(lambda v: L.matrix_power(v, abs(n)), lambda v: np.linalg.matrix_power(v, abs(n)), np.arange(4).reshape(2, 2))


def test_matrix_power_refuses():
    with pytest.raises(TypeError, match="integer"):
        L.matrix_power(T.dmatrix(), 0.5)
    with pytest.raises(LinAlgError, match="square"):
        L.matrix_power(T.dvector(), 2)
    x = T.dmatrix()
    for n in (-1, 0, 1, 2):
        with pytest.raises(ValueError):
            evaluate([L.matrix_power(x, n)], {x: np.ones((2, 3))})


def test_products_and_diagonals():
    a, b, c = sample("float64", (2, 3)), sample("float64", (3, 4), 1), sample("float64", (4,), 2)
    agree(L.matrix_dot, lambda u, v, w: u @ v @ w, a, b, c, modes=MODES)
    agree(L.trace, np.trace, a, modes=MODES)
    agree(L.extract_diag, np.diagonal, a, modes=MODES)
    agree(L.diag, np.diag, a)
    agree(L.diag, np.diag, c)
    agree(L.alloc_diag, np.diag, c)
    with pytest.raises(TypeError, match="matrix"):
        L.trace(T.dvector())
    with pytest.raises(TypeError, match="at least one"):
        L.matrix_dot()


@pytest.mark.parametrize("shape, ind", [((4, 6, 8, 3), 2), ((24, 8, 3), 1), ((2, 3, 6), 2)], ids=str)
def test_tensorinv(shape, ind):
    x = sample("float64", shape)
    agree(lambda v: L.tensorinv(v, ind), lambda v: np.linalg.tensorinv(v, ind), x, modes=MODES)
    assert L.TensorInv(ind)(T.TensorType("float64", shape)()).type.shape == (*shape[ind:], *shape[:ind])


def test_gradients_of_tensor_equations():
    x = sample("float64", (2, 2, 4))
    gradients_agree(lambda v: L.tensorinv(v, 2), x, orders=(1,))
    gradients_agree(L.tensorsolve, x, sample("float64", (2, 2), 1), orders=(1,))


def test_tensorsolve():
    a, b = sample("float64", (6, 4, 2, 3, 4)), sample("float64", (6, 4), 1)
    agree(L.tensorsolve, np.linalg.tensorsolve, a, b, modes=MODES)
    c = np.moveaxis(a, 2, 0)
    axes = (0, 3, 4)
    agree(lambda u, v: L.tensorsolve(u, v, axes=axes), lambda u, v: np.linalg.tensorsolve(u, v, axes=axes), c, b)
    with pytest.raises(ValueError, match="positive"):
        L.tensorinv(T.dmatrix(), 0)


def test_integers_become_float64():
    x = np.array([[2, 1], [1, 3]])
    agree(L.matrix_inverse, np.linalg.inv, x, modes=MODES)
    agree(L.det, np.linalg.det, x.astype("int8"))
    agree(lambda v: L.norm(v, None), np.linalg.norm, x)


@pytest.mark.parametrize("mode", MODES)
def test_errors_when_run(mode):
    x = T.dmatrix()
    singular, oblong = np.ones((2, 2)), np.ones((2, 3))
    f = theano.function([x], L.matrix_inverse(x), mode=mode)
    with pytest.raises(LinAlgError, match=r"singular \(shape \(2, 2\)\)"):
        f(singular)
    for build in (L.matrix_inverse, L.det, lambda v: L.slogdet(v)[1], lambda v: L.eigh(v)[0], lambda v: L.eig(v)[0]):
        with pytest.raises(LinAlgError, match=r"square matrices, got shape \(2, 3\)"):
            theano.function([x], build(x), mode=mode)(oblong)
    with pytest.raises(LinAlgError, match="converge"):
        theano.function([x], L.svd(x, 0, 0), mode=mode)(np.full((2, 2), np.nan))


def test_errors_when_built():
    for build in (L.matrix_inverse, L.pinv, L.det, L.slogdet, L.eig, L.eigh, L.svd, L.qr):
        with pytest.raises(LinAlgError, match="1 axes"):
            build(T.dvector())
        with pytest.raises(TypeError, match="float16"):
            build(T.TensorType("float16", (None, None))())
    for build in (L.matrix_inverse, L.det, L.slogdet, L.eig, L.eigh):
        with pytest.raises(LinAlgError, match="square"):
            build(T.TensorType("float64", (2, 3))())
    with pytest.raises(ValueError, match="UPLO"):
        L.eigh(T.dmatrix(), "X")
    with pytest.raises(ValueError, match="mode"):
        L.qr(T.dmatrix(), "full")
    with pytest.raises(LinAlgError, match="rows"):
        L.lstsq()(T.TensorType("float64", (2, 3))(), T.TensorType("float64", (3,))())
    with pytest.raises(NotImplementedError, match="raw"):
        x = T.dmatrix()
        theano.grad(T.sum(L.qr(x, "raw")[0]), x)
