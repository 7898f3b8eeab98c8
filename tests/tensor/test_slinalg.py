"""theano.tensor.slinalg against SciPy: values, shapes, dtypes, structures, gradients, errors."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.linalg
from agreement import LAYOUTS, MODES, agree, gradients_agree, sample

import theano
import theano.tensor as T
from theano.graph.evaluate import evaluate
from theano.tensor import slinalg as S

DTYPES = ["float64", "float32", "complex128", "complex64"]
LinAlgError = np.linalg.LinAlgError


def definite(dtype, *shape, seed=0):
    x = sample(dtype, shape, seed)
    return np.matmul(x, np.conj(np.swapaxes(x, -1, -2))) + np.asarray(2 * np.eye(shape[-1]), dtype)


def regular(dtype, *shape, seed=0):
    return sample(dtype, shape, seed) + np.asarray(3 * np.eye(shape[-1]), dtype)


def real_parts(*outputs):
    return [part for out in outputs for part in (T.real(out), T.imag(out))]


def each(function):
    """`function` of every matrix of a stack."""
    def applied(*arrays):
        if arrays[0].ndim == 2:
            return function(*arrays)
        return np.stack([applied(*items) for items in zip(*arrays)])
    return applied


def test_scipy_is_loaded_late():
    code = "import sys, theano.tensor.slinalg, theano.tensor.nlinalg, theano.tensor.fft\n" \
           "sys.exit(any(m.split('.')[0] == 'scipy' for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 3), (1, 1), (2, 3, 3)], ids=str)
def test_cholesky(shape, dtype, lower):
    x = definite(dtype, *shape)
    agree(S.Cholesky(lower), each(lambda v: scipy.linalg.cholesky(v, lower=lower)), x, modes=MODES)
    if dtype == "float64":
        gradients_agree(S.Cholesky(lower), x)


def test_cholesky_of_nothing():
    agree(S.cholesky, lambda v: v, np.zeros((0, 0)), modes=MODES)
    gradients_agree(S.cholesky, np.zeros((0, 0)))


def test_cholesky_reads_one_triangle():
    x = definite("float64", 3, 3)
    agree(S.cholesky, lambda v: np.linalg.cholesky(x), np.tril(x) + np.triu(sample("float64", (3, 3)), 1))
    noise = np.tril(sample("float64", (3, 3)), -1)
    agree(S.Cholesky(lower=False), lambda v: np.linalg.cholesky(x).T, np.triu(x) + noise)


@pytest.mark.parametrize("lower", [True, False])
def test_gradients_of_cholesky_of_complex_matrices(lower):
    x = definite("complex128", 3, 3)
    gradients_agree(lambda a, b: real_parts(S.Cholesky(lower)(T.complex(a, b))), x.real, x.imag, orders=(1,))


@pytest.mark.parametrize("mode", MODES)
def test_not_positive_definite(mode):
    x = T.dmatrix()
    with pytest.raises(LinAlgError, match="not positive definite"):
        theano.function([x], S.cholesky(x), mode=mode)(-np.eye(2))
    f = theano.function([x], [S.Cholesky(on_error="nan")(x), theano.grad(T.sum(S.Cholesky(on_error="nan")(x)), x)],
                        mode=mode)
    value, gradient = f(-np.eye(2))
    assert np.isnan(value).all() and np.isnan(gradient[np.tril_indices(2)]).all()
    with pytest.raises(LinAlgError, match="square"):
        theano.function([x], S.cholesky(x), mode=mode)(np.ones((2, 3)))


def test_a_stack_may_hold_one_matrix_that_is_not_positive_definite():
    good = definite("float64", 2, 2)
    got = evaluate([S.Cholesky(on_error="nan")(np.stack([good, -good]))], {})[0]
    np.testing.assert_allclose(got[0], np.linalg.cholesky(good))
    assert np.isnan(got[1]).all()


STRUCTURES = [("general", False), ("symmetric", False), ("symmetric", True), ("hermitian", True), ("hermitian", False),
              ("positive_definite", False), ("positive_definite", True), ("lower_triangular", True),
              ("upper_triangular", False), ("diagonal", False), ("banded", False), ("toeplitz", False)]


def meant(a, structure, lower):
    """The matrix that an op of this structure reads out of a."""
    if structure == "diagonal":
        return np.diag(np.diag(a))
    if structure.endswith("triangular"):
        return np.tril(a) if lower else np.triu(a)
    if structure in ("symmetric", "hermitian", "positive_definite"):
        half = np.tril(a, -1) if lower else np.triu(a, 1)
        other = half.T if structure == "symmetric" else half.T.conj()
        d = np.diag(a) if structure == "symmetric" else np.diag(a).real
        return half + other + np.diag(d)
    return a


def op_of(a, trans):
    return a if trans == 0 else a.T if trans == 1 else a.T.conj()


@pytest.mark.parametrize("trans", [0, 1, 2])
@pytest.mark.parametrize("structure, lower", STRUCTURES)
def test_solve(structure, lower, trans):
    op = S.Solve(structure, lower=lower, trans=trans)
    make = definite if structure == "positive_definite" else regular

    def expected(a, b):
        return np.linalg.solve(op_of(meant(a, structure, lower), trans), b)

    for dtype in DTYPES:
        a = make(dtype, 3, 3)
        if structure == "hermitian" or dtype.startswith("float") or structure != "positive_definite":
            a = a + np.asarray(np.diag([5, 6, 7]), dtype)
        agree(op, expected, a, sample(dtype, (3,), 1), modes=MODES)
        agree(op, expected, a, sample(dtype, (3, 2), 1), modes=MODES)
    a = make("float64", 3, 3)
    gradients_agree(op, a, sample("float64", (3,), 1), orders=(1,))
    gradients_agree(op, a, sample("float64", (3, 2), 1))
    stack = np.stack([make("float64", 2, 2, seed=k) for k in (1, 2)])
    agree(op, lambda u, v: np.stack([expected(*pair) for pair in zip(u, v)]), stack, sample("float64", (2, 2, 3)))
    gradients_agree(op, stack, sample("float64", (2, 2, 1)), orders=(1,))
    agree(op, lambda u, v: v, np.zeros((0, 0)), np.zeros((0, 2)))
    agree(op, lambda u, v: v, a, np.zeros((3, 0)))
    gradients_agree(op, np.zeros((0, 0)), np.zeros(0), orders=(1,))


@pytest.mark.parametrize("trans", [0, 1, 2])
@pytest.mark.parametrize("structure, lower", STRUCTURES)
def test_gradients_of_solve_of_complex_matrices(structure, lower, trans):
    a = (definite if structure == "positive_definite" else regular)("complex128", 3, 3)
    b = sample("complex128", (3, 2), 1)

    def build(ar, ai, br, bi):
        return real_parts(S.Solve(structure, lower=lower, trans=trans)(T.complex(ar, ai), T.complex(br, bi)))

    gradients_agree(build, a.real, a.imag, b.real, b.imag, orders=(1,))


def test_solve_takes_options_as_scipy_does():
    a, b = definite("float64", 3, 3), sample("float64", (3, 2))
    for options in ({"assume_a": "pos"}, {"assume_a": "sym", "lower": True}, {"assume_a": "gen", "trans": 1},
                    {"assume_a": "lower triangular"}):
        known = {**options, "transposed": bool(options.get("trans"))}
        known.pop("trans", None)
        agree(lambda u, v, o=options: S.solve(u, v, **o), lambda u, v, k=known: scipy.linalg.solve(u, v, **k), a, b)
    agree(S.solve_symmetric, np.linalg.solve, a, b, modes=MODES)
    agree(S.solve_lower_triangular, lambda u, v: scipy.linalg.solve_triangular(u, v, lower=True), a, b, modes=MODES)
    agree(S.solve_upper_triangular, scipy.linalg.solve_triangular, a, b, modes=MODES)
    assert S.solve_lower_triangular == S.Solve("lower_triangular") and S.solve != S.solve_symmetric


@pytest.mark.parametrize("unit", [False, True])
@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("trans", [0, 1, 2, "N", "T", "C"])
def test_solve_triangular(trans, lower, unit):
    def build(a, b):
        return S.solve_triangular(a, b, trans, lower, unit)

    def expected(a, b):
        return scipy.linalg.solve_triangular(a, b, trans, lower, unit)

    for dtype in DTYPES:
        agree(build, expected, regular(dtype, 3, 3), sample(dtype, (3, 2), 1), modes=MODES)
        agree(build, expected, regular(dtype, 3, 3), sample(dtype, (3,), 1))
    gradients_agree(build, regular("float64", 3, 3), sample("float64", (3, 2), 1))
    agree(build, each(expected), regular("float64", 2, 3, 3), sample("float64", (2, 3, 2), 1))
    a, b = regular("complex128", 2, 2), sample("complex128", (2, 1), 1)
    gradients_agree(lambda *v: real_parts(build(T.complex(v[0], v[1]), T.complex(v[2], v[3]))),
                    a.real, a.imag, b.real, b.imag, orders=(1,))


@pytest.mark.parametrize("arrange", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(arrange):
    a, b = arrange(definite("float64", 4, 4)), arrange(sample("float64", (4, 3)))
    x, y = T.dmatrix(), T.dmatrix()
    built = [S.solve(x, y), S.solve_triangular(x, y, trans=1), S.cholesky(x), S.solve(x, y, assume_a="pos"),
             S.expm(x / 9)]
    want = [np.linalg.solve(a, b), scipy.linalg.solve_triangular(a, b, 1), np.linalg.cholesky(a), np.linalg.solve(a, b),
            scipy.linalg.expm(a / 9)]
    for mode in MODES:
        for got, w in zip(theano.function([x, y], built, mode=mode)(a, b), want):
            np.testing.assert_allclose(got, w, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("lower", [True, False])
def test_cholesky_solve(lower):
    for dtype in DTYPES:
        a = definite(dtype, 3, 3)
        c, b = scipy.linalg.cholesky(a, lower=lower), sample(dtype, (3, 2))
        agree(lambda u, v: S.cholesky_solve(u, v, lower), lambda u, v: scipy.linalg.cho_solve((u, lower), v), c, b,
              modes=MODES)
        agree(lambda u, v: S.cho_solve((u, lower), v), lambda u, v: scipy.linalg.cho_solve((u, lower), v), c, b[:, 0])


@pytest.mark.parametrize("mode", MODES)
def test_errors_when_run(mode):
    a, b = T.dmatrix(), T.dvector()
    singular, v = np.array([[1.0, 1], [1, 1]]), np.ones(2)
    for build, message in [
        (S.solve, "singular"), (S.solve_symmetric, "singular"),
        (lambda u, w: S.solve(u - 1, w, assume_a="diagonal"), "singular"),
        (lambda u, w: S.solve_lower_triangular(u - 1, w), "singular"),
        (lambda u, w: S.solve_triangular(u - 1, w), "element 0 of the diagonal is zero"),
        (lambda u, w: S.solve(-u, w, assume_a="pos"), "minor of order 1"),
    ]:
        with pytest.raises(LinAlgError, match=message):
            theano.function([a, b], build(a, b), mode=mode)(singular, v)
    for build in (S.solve, S.solve_triangular):
        with pytest.raises(LinAlgError, match=r"\(2, 2\) and a right-hand side of shape \(3,\)"):
            theano.function([a, b], build(a, b), mode=mode)(np.eye(2), np.ones(3))
        with pytest.raises(LinAlgError, match="square"):
            theano.function([a, b], build(a, b), mode=mode)(np.ones((2, 3)), np.ones(2))
    with pytest.raises(LinAlgError, match="positive definite"):
        theano.function([a], S.eigvalsh(a, -a), mode=mode)(np.eye(2))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_inf_are_refused_as_scipy_does(value):
    x, v = T.dmatrix(), T.dvector()
    for build in (S.cholesky, lambda a: S.lu(a)[2], S.eigvalsh, lambda a: S.eigvalsh(a, a),
                  lambda a: S.solve(a, np.ones(2)), lambda a: S.solve_triangular(a, np.ones(2)),
                  lambda a: S.solve(np.eye(2), a), lambda a: S.solve_triangular(np.eye(2), a)):
        with pytest.raises(ValueError, match=r"shape \(2, 2\) holds NaN or inf"):
            evaluate([build(x)], {x: np.full((2, 2), value)})
    got = evaluate([S.Cholesky(on_error="nan")(x)], {x: np.full((2, 2), value)})[0]
    assert np.isnan(got).all()
    # a gradient that is NaN passes through
    for solve in (S.solve, S.solve_triangular):
        gradient = theano.grad(T.sum(solve(x, v) * value), v)
        assert not np.isfinite(evaluate([gradient], {x: np.eye(2), v: np.ones(2)})[0]).any()


def test_errors_when_built():
    with pytest.raises(ValueError, match="A_structure"):
        S.Solve("round")
    with pytest.raises(ValueError, match="trans"):
        S.solve_triangular(T.dmatrix(), T.dvector(), trans=3)
    with pytest.raises(ValueError, match="on_error"):
        S.Cholesky(on_error="ignore")
    with pytest.raises(ValueError, match="lower"):
        S.Eigvalsh(lower="yes")
    for build in (S.solve, S.solve_triangular):
        with pytest.raises(LinAlgError, match="axes"):
            build(T.dmatrix(), T.dtensor3())
        with pytest.raises(LinAlgError, match="axes"):
            build(T.dtensor3(), T.dmatrix())
        with pytest.raises(LinAlgError, match="do not fit"):
            build(T.TensorType("float64", (2, 2))(), T.TensorType("float64", (3,))())
    with pytest.raises(LinAlgError, match="same shape"):
        S.eigvalsh(T.TensorType("float64", (2, 2))(), T.TensorType("float64", (3, 3))())
    with pytest.raises(TypeError, match="ranks"):
        S.kron(T.dvector(), T.dvector())


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
def test_eigvalsh(dtype, lower):
    a, b = sample(dtype, (3, 3)), definite(dtype, 3, 3, seed=1)
    agree(lambda u: S.eigvalsh(u, None, lower), lambda u: scipy.linalg.eigvalsh(u, lower=lower), a, modes=MODES)
    agree(lambda u, v: S.eigvalsh(u, v, lower), lambda u, v: scipy.linalg.eigvalsh(u, v, lower=lower), a, b,
          modes=MODES)
    if dtype == "float64":
        gradients_agree(lambda u: S.eigvalsh(u, None, lower), a)
        gradients_agree(lambda u, v: S.eigvalsh(u, v, lower), a, b)
        gradients_agree(lambda u, v: S.GeneralisedEigh(lower)(u, v), a, b, orders=(1,))
        gradients_agree(lambda u, v: S.EigvalshGrad(lower)(u, v, np.arange(3.0)), a, b, orders=(1,))
    if dtype == "complex128":
        gradients_agree(lambda *p: S.eigvalsh(T.complex(p[0], p[1]), T.complex(p[2], p[3]), lower),
                        a.real, a.imag, b.real, b.imag, orders=(1,))


def test_eigvalsh_of_stacks_and_of_nothing():
    agree(S.eigvalsh, np.linalg.eigvalsh, sample("float64", (2, 3, 3)))
    agree(S.eigvalsh, lambda a, b: np.zeros(0), np.zeros((0, 0)), np.zeros((0, 0)))


@pytest.mark.parametrize("a, b", [((2, 3), (4, 2)), ((2,), (3, 4)), ((3, 4), (2,)), ((2, 2, 2), (3, 2)),
                                  ((0, 2), (2, 2)), ((1, 3), (3, 1))], ids=str)
def test_kron(a, b):
    x, y = sample("float64", a), sample("float64", b, 1)
    agree(S.kron, np.kron, x, y, modes=MODES)
    agree(S.kron, np.kron, x.astype("float32"), y.astype("int8"))
    gradients_agree(S.kron, x, y, orders=(1,))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 3), (1, 1), (0, 0), (2, 3, 3)], ids=str)
def test_expm(shape, dtype):
    x = sample(dtype, shape)
    agree(S.expm, lambda v: scipy.linalg.expm(v) if v.size else v, x, modes=MODES)
    if dtype == "float64":
        gradients_agree(S.expm, x, orders=(1, 2) if len(shape) == 2 else (1,))


def test_gradients_of_expm_of_complex_matrices():
    gradients_agree(lambda a, b: real_parts(S.expm(T.complex(a, b))), sample("float64", (2, 2)),
                    sample("float64", (2, 2), 1), orders=(1,))
    x, g = sample("float64", (3, 3)), sample("float64", (3, 3), 1)
    agree(lambda u, v: S.ExpmGrad()(u, v), lambda u, v: scipy.linalg.expm_frechet(u.T, v, compute_expm=False), x, g)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (1, 1), (0, 0), (0, 2), (2, 0), (2, 3, 3)], ids=str)
def test_lu(shape, dtype):
    x = sample(dtype, shape)
    if 0 not in shape:
        def factors(v):
            p, l, u = scipy.linalg.lu(v)
            return p.real, l, u   # SciPy has a complex p of 1 x 1

        agree(S.lu, (lambda v: [np.stack(parts) for parts in zip(*map(factors, v))]) if len(shape) == 3 else factors, x,
              modes=MODES)
    agree(lambda v: T.matmul(*S.lu(v, permute_l=True)), lambda v: v, x)
    if dtype == "float64" and 0 not in shape:
        gradients_agree(lambda v: S.lu(v)[1:], x)
        gradients_agree(lambda v: S.lu(v)[2], x, orders=(1,))
        gradients_agree(lambda v: S.lu(v, True), x, orders=(1,))


def test_gradients_of_lu_of_complex_matrices():
    for shape in [(3, 3), (3, 2), (2, 3)]:
        gradients_agree(lambda a, b: real_parts(*S.lu(T.complex(a, b))[1:]), sample("float64", shape),
                        sample("float64", shape, 1), orders=(1,))


def test_log_likelihood_of_a_gaussian():
    """A composition as users write it, in all modes."""
    x, y = T.dmatrix(), T.dvector()
    factor = S.cholesky(x)
    cost = T.sum(T.sqr(S.solve_lower_triangular(factor, y))) / 2 + T.sum(T.log(T.diag(factor)))
    a, b = definite("float64", 4, 4), sample("float64", (4,))
    inverse = np.linalg.inv(a)
    want = b @ inverse @ b / 2 + np.linalg.slogdet(a)[1] / 2
    full = (inverse - np.outer(inverse @ b, inverse @ b)) / 2
    for mode in MODES:
        value, gradient = theano.function([x, y], [cost, theano.grad(cost, x)], mode=mode)(a, b)
        np.testing.assert_allclose(value, want, rtol=1e-12)
        np.testing.assert_allclose(gradient, np.tril(full + full.T) - np.diag(np.diag(full)), rtol=1e-9, atol=1e-12)
