"""The contract of linear algebra: every function with every layout and dtype, in all modes, alike in its results.

Values, shapes and gradients of each function are in tests/tensor/test_nlinalg.py and test_slinalg.py.
"""

import pickle

import numpy as np
import pytest
import scipy.linalg
from agreement import LAYOUTS, MODES, label, sample

import theano
import theano.tensor as T
from theano.graph.evaluate import evaluate
from theano.lowering.program import PyCallStep
from theano.tensor import fft, nlinalg, slinalg
from theano.tensor.linear.inverses import Cofactors

N = 4
# name: (our function, NumPy's or SciPy's, ranks of the arguments)
FUNCTIONS = {
    "inv": (nlinalg.matrix_inverse, np.linalg.inv, (2,)),
    "pinv": (nlinalg.pinv, np.linalg.pinv, (2,)),
    "det": (nlinalg.det, np.linalg.det, (2,)),
    "slogdet": (lambda x: nlinalg.slogdet(x)[1], lambda x: np.linalg.slogdet(x)[1], (2,)),
    "cofactors": (Cofactors(), lambda x: np.linalg.det(x) * np.linalg.inv(x).T, (2,)),
    "eig": (lambda x: T.sort(nlinalg.eig(x)[0]), lambda x: np.sort(np.linalg.eig(x)[0]), (2,)),
    "eigvalsh": (slinalg.eigvalsh, scipy.linalg.eigvalsh, (2,)),
    "eigh": (lambda x: nlinalg.eigh(x)[0], lambda x: np.linalg.eigh(x)[0], (2,)),
    "eigh_upper": (lambda x: nlinalg.eigh(x, "U")[0], lambda x: np.linalg.eigh(x, "U")[0], (2,)),
    "eigvalsh_pair": (slinalg.eigvalsh, scipy.linalg.eigvalsh, (2, 2)),
    "svd": (lambda x: nlinalg.svd(x)[1], lambda x: np.linalg.svd(x)[1], (2,)),
    "qr": (lambda x: nlinalg.qr(x, "r"), lambda x: np.linalg.qr(x, "r"), (2,)),
    "svd_product": (
        lambda x: T.dot(nlinalg.svd(x, 0)[0] * nlinalg.svd(x, 0)[1], nlinalg.svd(x, 0)[2]), lambda x: x.copy(), (2,),
    ),
    "qr_q": (lambda x: nlinalg.qr(x)[0], lambda x: np.linalg.qr(x)[0], (2,)),
    "qr_complete": (
        lambda x: nlinalg.qr(x[:, :2], "complete")[0], lambda x: np.linalg.qr(x[:, :2], "complete")[0], (2,),
    ),
    "norm": (lambda x: nlinalg.norm(x, None), np.linalg.norm, (2,)),
    "matrix_power": (lambda x: nlinalg.matrix_power(x, -3), lambda x: np.linalg.matrix_power(x, -3), (2,)),
    "trace": (nlinalg.trace, np.trace, (2,)),
    "lstsq": (lambda x, y: nlinalg.lstsq()(x, y)[0], lambda x, y: np.linalg.lstsq(x, y, None)[0], (2, 1)),
    "cholesky": (slinalg.cholesky, lambda x: scipy.linalg.cholesky(x, lower=True), (2,)),
    "cholesky_upper": (slinalg.Cholesky(lower=False), lambda x: scipy.linalg.cholesky(x, lower=False), (2,)),
    "cholesky_solve": (
        lambda x, y: slinalg.cho_solve((slinalg.cholesky(x), True), y), lambda x, y: np.linalg.solve(x, y), (2, 1),
    ),
    "solve": (slinalg.solve, np.linalg.solve, (2, 2)),
    "solve_pos": (lambda x, y: slinalg.solve(x, y, assume_a="pos"), np.linalg.solve, (2, 1)),
    "solve_sym": (slinalg.solve_symmetric, np.linalg.solve, (2, 2)),
    "solve_transposed": (lambda x, y: slinalg.solve(x, y, trans="T"), lambda x, y: np.linalg.solve(x.T, y), (2, 1)),
    "solve_diagonal": (
        lambda x, y: slinalg.solve(x, y, assume_a="diagonal"), lambda x, y: y / np.diag(x), (2, 1),
    ),
    "solve_upper": (slinalg.solve_upper_triangular, scipy.linalg.solve_triangular, (2, 2)),
    "solve_unit": (
        lambda x, y: slinalg.solve_triangular(x, y, lower=True, unit_diagonal=True),
        lambda x, y: scipy.linalg.solve_triangular(x, y, lower=True, unit_diagonal=True), (2, 2),
    ),
    "solve_lower": (
        slinalg.solve_lower_triangular, lambda x, y: scipy.linalg.solve_triangular(x, y, lower=True), (2, 1),
    ),
    "solve_triangular_t": (
        lambda x, y: slinalg.solve_triangular(x, y, "T"), lambda x, y: scipy.linalg.solve_triangular(x, y, "T"), (2, 2),
    ),
    "lu_product": (lambda x: T.dot(*slinalg.lu(x, permute_l=True)), lambda x: x.copy(), (2,)),
    "lu": (lambda x: slinalg.lu(x)[2], lambda x: scipy.linalg.lu(x)[2], (2,)),
    "expm": (slinalg.expm, scipy.linalg.expm, (2,)),
    "kron": (slinalg.kron, np.kron, (2, 2)),
    "fft": (fft.fft, np.fft.fft, (2,)),
}  # fmt: skip


def arguments(ranks, dtype):
    """A symmetric positive definite matrix, and others after it."""
    x = sample(dtype, (N, N))
    definite = (x @ x.T / 4 + 2 * np.eye(N)).astype(dtype)
    if len(ranks) == 1:
        return [definite]
    other = sample(dtype, (N,) * ranks[1], 1)
    return [definite, definite + np.eye(N, dtype=dtype) if ranks == (2, 2) else other]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_layouts_and_modes(name, dtype):
    ours, theirs, ranks = FUNCTIONS[name]
    values = arguments(ranks, dtype)
    inputs = [T.TensorType(dtype, (None,) * v.ndim)() for v in values]
    output = ours(*inputs)
    functions = {mode: theano.function(inputs, output, mode=mode) for mode in MODES}
    limit = 1e-9 if dtype == "float64" else 2e-4
    for arrange in LAYOUTS.values():
        arranged = [arrange(v) for v in values]
        before = [v.copy() for v in arranged]
        want = theirs(*arranged)
        for mode, f in functions.items():
            got = f(*arranged)
            assert got.dtype == output.dtype and got.dtype == np.asarray(want).dtype, mode
            np.testing.assert_allclose(got, want, rtol=limit, atol=limit, err_msg=mode)
        for v, old in zip(arranged, before):
            np.testing.assert_array_equal(v, old)   # inputs are never overwritten


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - {"expm", "fft", "eig"}))
def test_values_and_gradients_are_native(name, dtype):
    """No node of a function of real matrices runs through Python, nor of its gradient."""
    ours, _, ranks = FUNCTIONS[name]
    inputs = [T.TensorType(dtype, (None,) * v.ndim)() for v in arguments(ranks, dtype)]
    output = ours(*inputs)
    f = theano.function(inputs, [output, *theano.grad(T.sum(abs(output) ** 2), inputs)])
    assert not [str(s.nodes[0]) for s in f.program.steps if isinstance(s, PyCallStep)]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_keep_dtype_and_agree_between_modes(name):
    ours, _, ranks = FUNCTIONS[name]
    for dtype in ("float32", "float64"):
        values = arguments(ranks, dtype)
        inputs = [T.TensorType(dtype, (None,) * v.ndim)() for v in values]
        gradients = theano.grad(T.sum(abs(ours(*inputs)) ** 2), inputs)
        assert all(g.dtype == dtype for g in gradients)
        results = [theano.function(inputs, gradients, mode=mode)(*values) for mode in MODES]
        limit = 1e-9 if dtype == "float64" else 5e-3
        for found in results:
            for g, first, v in zip(found, results[0], values):
                assert g.shape == v.shape
                np.testing.assert_allclose(g, first, rtol=limit, atol=limit)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_read_only_inputs_and_pickles(name):
    ours, theirs, ranks = FUNCTIONS[name]
    values = arguments(ranks, "float64")
    for v in values:
        v.flags.writeable = False
    inputs = [T.TensorType("float64", (None,) * v.ndim)() for v in values]
    new_inputs, output = pickle.loads(pickle.dumps((inputs, ours(*inputs))))
    got = evaluate([output], dict(zip(new_inputs, values)))[0]
    np.testing.assert_allclose(got, theirs(*values), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("build", [
    lambda x: nlinalg.matrix_inverse(x).shape, lambda x: nlinalg.svd(x, 0)[0].shape, lambda x: nlinalg.qr(x)[1].shape,
    lambda x: slinalg.solve(x, x[:, :2]).shape, lambda x: slinalg.lu(x)[1].shape, lambda x: nlinalg.eigh(x)[0].shape,
    lambda x: slinalg.expm(x).shape, lambda x: nlinalg.pinv(x).shape, lambda x: nlinalg.lstsq()(x, x)[0].shape,
], ids=label)
def test_shapes_are_found_without_the_values(build):
    """A matrix of NaN, of which nothing could be computed, still has a shape."""
    x = T.dmatrix()
    got = theano.function([x], build(x))(np.full((3, 3), np.nan))
    assert got[0] == 3


def test_the_same_op_is_the_same_node():
    x = T.dmatrix()
    y = slinalg.cholesky(x) + slinalg.cholesky(x)
    f = theano.function([x], y)
    count = sum(type(node.op).__name__ == "Cholesky" for node in f.maker.fgraph.toposort())
    assert count == 1


def test_errors_name_the_line_of_the_user():
    x = T.dmatrix("x")
    f = theano.function([x], nlinalg.matrix_inverse(x))   # this line
    with pytest.raises(np.linalg.LinAlgError) as error:
        f(np.zeros((2, 2)))
    assert "singular" in str(error.value) and "test_linalg.py" in str(error.value)
    assert "this line" in str(error.value)
