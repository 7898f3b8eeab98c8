"""Rules on matrices: graphs in which each applies, evaluated before and after, on matrices that can be factored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.linalg import LinAlgError
from test_declared import RULES, applied

import theano
import theano.tensor as T
from theano.graph.clone import clone_replace
from theano.graph.evaluate import evaluate
from theano.graph.traverse import toposort
from theano.rewriting.rules.matrices import DETERMINANTS_BY_FACTORS, MATRICES, drop_hint
from theano.sandbox.linalg import psd
from theano.tensor.linear.eigen import Eigvalsh
from theano.tensor.linear.factors import SVD, Cholesky
from theano.tensor.linear.inverses import Cofactors, Det, MatrixInverse, SLogDet
from theano.tensor.linear.shared_factors import LUFactor, LUSolve
from theano.tensor.linear.solving import Solve, SolveTriangular
from theano.tensor.nlinalg import det, eigh, matrix_inverse, qr, slogdet, svd
from theano.tensor.products import Dot
from theano.tensor.slinalg import cholesky, eigvalsh, expm, kron, lu, solve, solve_triangular

# kinds of inputs: A, B square; K symmetric positive definite; M a matrix; u, v vectors
Build = Callable[[dict[str, Any]], Any]


def gram(i: dict[str, Any]) -> Any:
    """A positive definite matrix that is symmetric by construction."""
    return T.dot(i["A"], i["A"].T) + T.eye(i["A"].shape[0], dtype=i["A"].dtype)


EXAMPLES: dict[str, list[Build]] = {
    "product_of_three_by_a_vector": [
        lambda i: Dot()(Dot()(i["A"], i["B"]), i["v"]),
        lambda i: Dot()(i["v"], Dot()(i["A"], i["B"])),
        lambda i: Dot()(Dot()(i["A"], i["B"]), i["v"].dimshuffle(0, "x")),
        lambda i: Dot()(i["v"].dimshuffle("x", 0), Dot()(i["A"], i["B"])),
    ],
    "product_with_own_transpose": [
        lambda i: own_transpose(qr(i["M"])[0].T), lambda i: own_transpose(eigh(i["K"])[1]),
        lambda i: own_transpose(eigh(i["K"])[1].T), lambda i: own_transpose(svd(i["M"], full_matrices=False)[2]),
        lambda i: own_transpose(svd(i["M"], full_matrices=False)[0].T),
    ],
    "product_with_outer_product": [
        lambda i: Dot()(i["A"], i["v"].dimshuffle(0, "x") * i["u"].dimshuffle("x", 0)),
        lambda i: Dot()(i["u"].dimshuffle(0, "x") * i["v"].dimshuffle("x", 0), i["A"]),
        lambda i: Dot()(i["A"], -2 * i["v"].dimshuffle(0, "x") / i["u"].dimshuffle("x", 0)),
    ],
    "product_with_diagonal_matrix": [
        lambda i: Dot()(i["A"], T.diag(i["v"])), lambda i: Dot()(T.diag(i["v"]), i["A"]),
        lambda i: Dot()(T.diag(i["v"]), i["u"]), lambda i: Dot()(i["u"], T.diag(i["v"])),
    ],
    "diagonal_of_product": [lambda i: T.diag(Dot()(i["A"], i["A"].T)), lambda i: T.diag(Dot()(i["M"], i["M"].T))],
    "transpose_of_symmetric": [lambda i: gram(i).T, lambda i: matrix_inverse(gram(i)).T],
    "inverse_of_inverse": [lambda i: matrix_inverse(matrix_inverse(i["A"]))],
    "inverse_of_orthogonal": [
        lambda i: matrix_inverse(eigh(i["K"])[1]), lambda i: matrix_inverse(qr(i["A"], "complete")[0]),
        lambda i: matrix_inverse(svd(i["A"])[0]), lambda i: matrix_inverse(svd(i["A"])[2].T),
    ],
    "inverse_by_structure": [
        lambda i: matrix_inverse(T.diag(i["d"])), lambda i: matrix_inverse(T.tril(i["A"])),
        lambda i: matrix_inverse(cholesky(i["K"]).T), lambda i: matrix_inverse(T.eye(i["v"].shape[0])) * i["v"],
    ],
    "inverse_of_kron": [lambda i: matrix_inverse(square_kron(i))],
    "solve_of_inverse": [
        lambda i: solve(matrix_inverse(i["A"]), i["M"]), lambda i: Solve(trans="T")(matrix_inverse(i["A"]), i["v"])],
    "solve_by_orthogonal": [
        lambda i: solve(qr(i["A"], "complete")[0], i["M"]), lambda i: Solve(trans="T")(eigh(i["K"])[1], i["v"])],
    "det_of_inverse": [lambda i: Det()(matrix_inverse(i["A"]))],
    "slogdet_of_inverse": [lambda i: pair(matrix_inverse(i["A"])), lambda i: pair(matrix_inverse(-i["A"]))],
    "det_of_kron": [lambda i: Det()(square_kron(i))],
    "slogdet_of_kron": [lambda i: pair(square_kron(i))],
    "det_by_lu": [
        lambda i: Det()(i["A"]) + T.sum(LUFactor()(i["A"])[0]), lambda i: Det()(i["B"]) + T.sum(LUFactor()(i["B"])[1]),
        lambda i: pair(-i["B"]) + T.sum(LUSolve()(*LUFactor()(-i["B"]), i["v"])),
    ],
    "cholesky_of_diagonal": [lambda i: cholesky(T.diag(T.exp(i["v"]) + 1)), lambda i: Cholesky(lower=False)(T.diag(
        T.sqr(i["v"]) + 2.0))],
    "eigvalsh_of_diagonal": [lambda i: eigvalsh(T.diag(i["v"]), None)],
    "singular_values_of_diagonal": [lambda i: SVD(compute_uv=False)(T.diag(i["v"]))],
    "one_eigh_for_all": [
        lambda i: eigvalsh(i["K"], None) + eigh(i["K"])[1],
        lambda i: Eigvalsh(lower=False)(i["B"]) * eigh(i["B"], "U")[1],
    ],
    "solve_for_inverse": [
        lambda i: Dot()(matrix_inverse(i["A"]), i["v"]), lambda i: Dot()(i["v"], matrix_inverse(i["A"])),
        lambda i: Dot()(matrix_inverse(i["A"]), i["M"]), lambda i: Dot()(i["M"].T, matrix_inverse(i["A"])),
        lambda i: Dot()(matrix_inverse(i["A"]).T, i["M"]), lambda i: Dot()(i["M"].T, matrix_inverse(i["A"]).T),
        lambda i: Dot()(i["v"], matrix_inverse(i["A"]).T),
    ],
    "solve_by_cholesky": [
        lambda i: solve(gram(i), i["v"]) + T.sum(cholesky(gram(i))),
        lambda i: solve(gram(i), i["M"]) + T.sum(Cholesky(lower=False)(gram(i))),
        lambda i: Solve("positive_definite", trans="T")(gram(i), i["M"]) + T.sum(cholesky(gram(i))),
    ],
    "one_factorisation_for_all_solves": [
        lambda i: solve(i["A"], i["v"]) + Solve(trans="T")(i["A"], i["u"]),
        lambda i: solve(i["A"], i["M"]) + Solve(trans="T", check_finite=False)(i["A"], 2 * i["M"]),
        lambda i: solve(i["A"], solve(i["A"], i["M"])), lambda i: solve(gram(i), i["v"]) * solve(gram(i), i["u"]),
        lambda i: twice(Solve("positive_definite", lower=True), i["K"], i["v"]),
        lambda i: solve(i["A"], i["v"]) * Det()(i["A"]), lambda i: solve(gram(i), i["v"]) + slogdet(gram(i))[1],
        lambda i: Solve("positive_definite")(i["K"], i["M"]) + Solve("positive_definite")(i["K"], i["M"] ** 2),
    ],
    "solve_by_structure": [
        lambda i: solve(T.tril(i["A"]), i["v"]), lambda i: solve(T.triu(i["A"]), i["M"]),
        lambda i: solve(T.tril(i["A"]).T, i["v"]), lambda i: solve(T.diag(i["d"]), i["M"]),
        lambda i: solve(gram(i), i["M"]), lambda i: Solve(trans="T")(cholesky(i["K"]), i["v"]),
        lambda i: solve(qr(i["A"])[1], i["v"]), lambda i: solve(lu(i["A"])[2], i["v"]),
        lambda i: solve(i["A"] + i["A"].T, i["v"]),
    ],
    "log_of_det": [lambda i: T.log(Det()(i["K"])), lambda i: T.log(Det()(i["A"])), lambda i: T.log(Det()(-i["A"]))],
    "log_of_modulus_of_det": [lambda i: T.log(abs(Det()(i["A"]))), lambda i: T.log(abs(Det()(-i["A"])))],
    "sign_of_det": [lambda i: T.sgn(Det()(i["A"])), lambda i: T.sgn(Det()(-i["A"]))],
    "cofactors_over_det": [
        lambda i: Cofactors()(i["A"]) / Det()(i["A"]),
        lambda i: i["v"][0] * (2 / Det()(i["A"])) * Cofactors()(i["A"]),
        lambda i: Cofactors()(i["A"]) * (T.sgn(Det()(i["A"])) / abs(Det()(i["A"]))),
        lambda i: Cofactors()(i["A"]) * (SLogDet()(i["A"])[0] / abs(Det()(i["A"]))),
    ],
    "det_by_structure": [
        lambda i: Det()(T.tril(i["A"])), lambda i: Det()(T.triu(i["A"])), lambda i: Det()(i["A"].T),
        lambda i: Det()(T.diag(i["d"])), lambda i: Det()(gram(i)) + T.sum(cholesky(gram(i))),
    ],
    "slogdet_by_structure": [
        lambda i: pair(T.tril(i["A"])), lambda i: pair(-T.triu(i["A"])), lambda i: pair(i["A"].T),
        lambda i: pair(T.diag(i["d"])), lambda i: pair(gram(i)) + T.sum(cholesky(gram(i))),
    ],
    "cholesky_of_product_of_factors": [
        lambda i: cholesky(Dot()(cholesky(i["K"]), cholesky(i["K"]).T)),
        lambda i: Cholesky(lower=False)(Dot()(cholesky(i["K"]), cholesky(i["K"]).T)),
        lambda i: cholesky(Dot()(Cholesky(lower=False)(i["K"]).T, Cholesky(lower=False)(i["K"]))),
    ],
    "one_svd_for_all": [lambda i: T.sum(SVD()(i["A"])[0]) ** 2 + SVD(compute_uv=False)(i["A"])],
    "drop_hint": [lambda i: psd(i["K"]) * 2],
    "expm_of_diagonal": [lambda i: expm(T.diag(i["v"]))],
    "unused_singular_vectors": [lambda i: svd(i["A"])[1], lambda i: svd(i["M"], full_matrices=False)[1]],
    "unused_eigenvectors": [lambda i: eigh(i["K"])[0], lambda i: eigh(i["B"], "U")[0]],
    "unused_orthogonal_factor": [lambda i: qr(i["A"])[1] * i["K"], lambda i: qr(i["M"])[1]],
    "qr_of_diagonal": [
        lambda i: qr(T.diag(i["v"]))[0] + 2 * qr(T.diag(i["v"]))[1], lambda i: qr(T.diag(i["d"]), "complete")[1],
        lambda i: qr(T.diag(i["d"]), "r"),
    ],
    "lu_of_diagonal": [lambda i: lu(T.diag(i["v"]))[0] + 2 * lu(T.diag(i["v"]))[1] + 4 * lu(T.diag(i["v"]))[2]],
    "eigh_of_diagonal": [lambda i: eigh(T.diag(i["v"]))[0] + 2 * eigh(T.diag(i["v"]))[1]],
    "diagonal_of_kron": [lambda i: T.diag(square_kron(i)), lambda i: T.diag(kron(T.diag(i["v"]), square(i)))],
    "kron_of_diagonals": [lambda i: kron(T.diag(i["v"]), T.diag(i["d"]))],
}  # fmt: skip
CASES = [pytest.param(name, n, id=f"{name}-{n}") for name, found in EXAMPLES.items() for n in range(len(found))]


def square(i: dict[str, Any]) -> Any:
    return Dot()(i["M"].T, i["M"])


def square_kron(i: dict[str, Any]) -> Any:
    """kron of two matrices that are known to be square."""
    return kron(Dot()(i["A"], i["A"].T), Dot()(i["M"].T, i["M"]) + T.eye(3, dtype=i["M"].dtype))


def own_transpose(x: Any) -> Any:
    """dot(x, x.T), written with the transpose of whatever x is."""
    return Dot()(x, x.owner.inputs[0]) if type(x.owner.op).__name__ == "DimShuffle" else Dot()(x, x.T)


def twice(solve: Any, x: Any, b: Any) -> Any:
    return solve(x, solve(x, b))


def pair(x: Any) -> Any:
    """Both results of slogdet in one."""
    sign, logarithm = slogdet(x)
    return sign + 10 * logarithm


def inputs_of(dtype: str) -> dict[str, Any]:
    return {name: T.TensorType(dtype, (None,) * (2 if name in "ABKM" else 1))(name) for name in "ABKMuvd"}


def values_of(n: int, dtype: str, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    half = rng.normal(size=(n, n)) / max(n, 1)
    found = {
        "A": rng.normal(size=(n, n)) / max(n, 1) + 2 * np.eye(n), "B": rng.normal(size=(n, n)),
        "K": half @ half.T + np.eye(n), "M": rng.normal(size=(n, 3)), "u": rng.normal(size=n) + 4,
        "v": rng.normal(size=n), "d": rng.uniform(1, 3, n) * np.where(np.arange(n) % 2, -1, 1),
    }  # fmt: skip
    return {name: value.astype(dtype) for name, value in found.items()}


def rewritten(name: str, number: int, dtype: str) -> tuple[dict[str, Any], Any, Any]:
    inputs = inputs_of(dtype)
    before = EXAMPLES[name][number](inputs)
    after, copies, fired = applied(RULES[name], list(inputs.values()), before)
    assert fired, f"{name} does not apply"
    return inputs, before, clone_replace(after, dict(zip(copies, inputs.values())))


def test_every_rule_on_matrices_has_an_example() -> None:
    assert {rule.name for rule in (*MATRICES, *DETERMINANTS_BY_FACTORS, drop_hint)} == set(EXAMPLES)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name, number", CASES)
def test_example(name: str, number: int, dtype: str) -> None:
    inputs, before, after = rewritten(name, number, dtype)
    assert after.type.dtype == before.type.dtype and after.type.broadcastable == before.type.broadcastable
    for n in (0, 1, 2, 5):
        values = values_of(n, dtype, seed=n)
        if n == 0 and "v" in values and name == "cofactors_over_det":
            continue   # v[0]
        point = {inputs[k]: value for k, value in values.items()}
        with np.errstate(all="ignore"):
            expected, found = (np.asarray(evaluate([out], point)[0]) for out in (before, after))
        assert found.shape == expected.shape and found.dtype == expected.dtype
        scale = np.max(np.abs(expected), initial=1)
        np.testing.assert_allclose(found, expected, rtol=0, atol=300 * np.finfo(dtype).eps * scale, err_msg=name)


SINGULAR = [
    "solve_for_inverse", "one_factorisation_for_all_solves", "solve_by_structure", "log_of_det", "sign_of_det",
    "det_by_structure", "slogdet_by_structure", "log_of_modulus_of_det",
]  # fmt: skip


@pytest.mark.parametrize("name, number", [p for p in CASES if p.values[0] in SINGULAR])
def test_singular_matrices(name: str, number: int) -> None:
    """What raised still raises; what gave a value gives the same."""
    inputs, before, after = rewritten(name, number, "float64")
    values = {**values_of(3, "float64", seed=1), "d": np.array([1.0, 0.0, 2.0])}
    values["A"] = np.array([[0.0, 1.0, 2.0], [0.0, 0.0, 3.0], [0.0, 0.0, 0.0]])
    point = {inputs[k]: value for k, value in values.items()}
    with np.errstate(all="ignore"):
        try:
            expected = evaluate([before], point)[0]
        except LinAlgError:
            with pytest.raises(LinAlgError):
                evaluate([after], point)
            return
        found = evaluate([after], point)[0]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def kinds(f: Any) -> set[type]:
    return {type(node.op) for node in f.maker.fgraph.toposort()}


A, K, b = T.dmatrix("A"), T.dmatrix("K"), T.dvector("b")


def test_whole_functions_avoid_inverses() -> None:
    cost = T.dot(b, T.dot(matrix_inverse(A), b))
    f = theano.function([A, b], [cost, *theano.grad(cost, [A, b])])
    assert kinds(f).isdisjoint({MatrixInverse, Solve}) and {LUFactor, LUSolve} <= kinds(f)
    values = values_of(4, "float64", 3)
    a, v = values["A"], values["v"]
    inverse = np.linalg.inv(a)
    for found, expected in zip(f(a, v), [v @ inverse @ v, -np.outer(inverse.T @ v, inverse @ v),
                                         (inverse + inverse.T) @ v]):  # fmt: skip
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_solution_and_its_gradient_share_a_factorisation() -> None:
    x = solve(A, b)
    cost = T.sum(x**3)
    f = theano.function([A, b], [cost, *theano.grad(cost, [A, b])])
    names = [type(node.op).__name__ for node in f.maker.fgraph.toposort()]
    assert names.count("LUFactor") == 1 and names.count("LUSolve") == 2 and "Solve" not in names
    values = values_of(5, "float64", 2)
    a, v = values["A"], values["v"]
    solution = np.linalg.solve(a, v)
    by_b = np.linalg.solve(a.T, 3 * solution**2)
    for found, expected in zip(f(a, v), [np.sum(solution**3), -np.outer(by_b, solution), by_b]):
        np.testing.assert_allclose(found, expected, rtol=1e-11)
    for bad in (np.zeros((5, 5)), np.ones((4, 5)), np.full((5, 5), np.nan)):
        with pytest.raises(ValueError):   # LinAlgError is one
            f(bad, v)
    with pytest.raises(ValueError):
        f(a, np.full(5, np.inf))
    assert f(np.empty((0, 0)), np.empty(0))[1].shape == (0, 0)


def test_a_promised_symmetry_counts_for_one_triangle() -> None:
    """Both solutions read the lower triangle: no factorisation of the whole matrix may stand for them."""
    op = Solve("symmetric", lower=True)
    f = theano.function([A, b], op(A, op(A, b)))
    half = np.array([[4.0, 100.0], [1.0, 3.0]])
    whole = np.array([[4.0, 1.0], [1.0, 3.0]])
    np.testing.assert_allclose(f(half, [1.0, 2.0]), np.linalg.solve(whole, np.linalg.solve(whole, [1.0, 2.0])))
    g = theano.function([A, b], Solve("positive_definite", True)(A, Solve("positive_definite", False)(A, b)))
    upper = np.array([[4.0, 100.0], [100.0, 3000.0]])
    other = np.linalg.solve(upper, [1.0, 2.0])
    np.testing.assert_allclose(g(np.array([[4.0, 100.0], [1.0, 3000.0]]), [1.0, 2.0]),
                               np.linalg.solve([[4.0, 1.0], [1.0, 3000.0]], other))  # fmt: skip


def test_an_inverse_that_is_needed_is_kept() -> None:
    inverse = matrix_inverse(A)
    f = theano.function([A, b], [T.dot(inverse, b), inverse])
    assert MatrixInverse in kinds(f) and Solve not in kinds(f)


def test_log_of_det_neither_overflows_nor_underflows() -> None:
    cost = T.log(det(A))
    f = theano.function([A], [cost, theano.grad(cost, A)])
    for scale in (1e-3, 1e3):
        big = scale * (np.eye(300) + 0.01 * np.random.default_rng(0).normal(size=(300, 300)))
        with np.errstate(over="ignore"):
            assert np.linalg.slogdet(big)[0] == 1 and not 0 < np.linalg.det(big) < np.inf
        value, by_a = f(big)
        np.testing.assert_allclose(value, np.linalg.slogdet(big)[1], rtol=1e-12)
        np.testing.assert_allclose(by_a, np.linalg.inv(big).T, rtol=1e-7, atol=1e-9 / scale)


def test_a_factor_that_is_there_is_used() -> None:
    x = T.dmatrix("x")
    k = T.exp(-T.sum((x[:, None, :] - x[None, :, :]) ** 2, axis=2)) + T.eye(x.shape[0])
    f = theano.function([x, b], [cholesky(k), solve(k, b), T.log(det(k)), T.dot(b, matrix_inverse(k))])
    assert kinds(f).isdisjoint({Solve, Det, SLogDet, MatrixInverse})
    assert {Cholesky, SolveTriangular} <= kinds(f)
    points, v = np.random.default_rng(1).normal(size=(6, 2)), np.arange(6.0)
    kernel = np.exp(-((points[:, None] - points[None]) ** 2).sum(2)) + np.eye(6)
    expected = [np.linalg.cholesky(kernel), np.linalg.solve(kernel, v), np.log(np.linalg.det(kernel)),
                v @ np.linalg.inv(kernel)]  # fmt: skip
    for found, value in zip(f(points, v), expected):
        np.testing.assert_allclose(found, value, rtol=1e-10, atol=1e-12)


def test_what_only_looks_symmetric_is_solved_as_it_is() -> None:
    """The Cholesky factor of an input says nothing of the triangle that it does not read."""
    f = theano.function([A, b], [cholesky(A), solve(A, b)])
    a = np.array([[4.0, 9.0], [1.0, 3.0]])
    np.testing.assert_allclose(f(a, [1.0, 2.0])[1], np.linalg.solve(a, [1.0, 2.0]))


def test_lengths_that_do_not_fit_still_raise() -> None:
    f = theano.function([A, b], T.dot(matrix_inverse(A), b))
    for a, v in ((np.eye(3), np.ones(2)), (np.ones((3, 2)), np.ones(3)), (np.ones((3, 2)), np.ones(2))):
        with pytest.raises(ValueError):
            f(a, v)


def test_a_triangle_is_not_solved_by_rows_when_the_matrix_is_whole() -> None:
    for almost in (T.tril(A, 1), T.triu(A, -1), A * A.T + A, T.dot(A, A)):
        f = theano.function([A, b], solve(almost, b))
        (op,) = {node.op for node in f.maker.fgraph.toposort() if isinstance(node.op, (Solve, SolveTriangular))}
        assert op.A_structure == "general"


def test_gradients_keep_their_solves() -> None:
    cost = T.sum(solve_triangular(cholesky(K), b, lower=True) ** 2)
    f = theano.function([K, b], theano.grad(cost, K))
    assert all(not isinstance(node.op, MatrixInverse) for node in toposort(f.maker.fgraph.outputs))


@pytest.mark.parametrize("build", [
    lambda i, j: T.eye(i, j), lambda i, j: T.ones((i, j)) * 2, lambda i, j: T.exp(T.zeros((i, j))),
    lambda i, j: T.nlinalg.AllocDiag()(T.ones((T.minimum(i, j),)), i, j), lambda i, j: T.eye(i, j) + T.ones((i, j)),
])
def test_what_may_have_more_columns_than_rows_is_not_its_own_transpose(build):
    i, j = T.lscalars("i", "j")
    f = theano.function([i, j], [build(i, j).T, build(i, j)])
    for shape in ((2, 3), (3, 2), (2, 2)):
        turned, matrix = f(*shape)
        np.testing.assert_array_equal(turned, matrix.T)
        assert matrix.shape == shape


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4)])
def test_second_derivative_of_qr_comes_to_an_end(shape: tuple[int, int]) -> None:
    """What is known of the lengths of its factors once made rules go round in circles here."""
    x = T.dmatrix("x")
    q, r = qr(x)
    gradient = theano.grad((q**3).sum() + (r**2).sum(), x)
    f = theano.function([x], theano.grad((gradient**2).sum(), x))
    assert not any(p.stopped or p.failures for p in f.maker.report.passes)
    value = np.random.default_rng(0).normal(size=shape)
    reference = theano.function([x], theano.grad((gradient**2).sum(), x), mode="reference")
    np.testing.assert_allclose(f(value), reference(value), rtol=1e-8, atol=1e-8)
