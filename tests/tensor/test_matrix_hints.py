"""theano.sandbox.linalg: hints are read, and nothing else changes; symmetric systems that may be indefinite."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.sandbox import linalg
from theano.sandbox.linalg import Hint, hints, is_hint_node, is_psd, is_symmetric, psd, spectral_radius_bound
from theano.tensor.linear.solving import Solve

a, b = T.dmatrix("a"), T.dvector("b")
RNG = np.random.default_rng(0)
HALF = RNG.normal(size=(6, 6))
K, V = HALF @ HALF.T + np.eye(6), RNG.normal(size=6)


def solves(f: Any) -> list[str]:
    return [node.op.A_structure for node in f.maker.fgraph.toposort() if isinstance(node.op, Solve)]


def test_a_promise_chooses_the_routine() -> None:
    f = theano.function([a, b], linalg.solve(psd(a), b))
    assert solves(f) == ["symmetric"]
    assert not any(isinstance(node.op, Hint) for node in f.maker.fgraph.toposort())
    np.testing.assert_allclose(f(K, V), np.linalg.solve(K, V))
    assert solves(theano.function([a, b], linalg.solve(a, b))) == ["general"]


@pytest.mark.parametrize("mode", ["FAST_RUN", "FAST_COMPILE", "reference", "DebugMode"])
def test_a_hint_is_its_input(mode: str) -> None:
    out = psd(a)
    f = theano.function([a], [out * 2, out.shape, theano.grad((out**2).sum(), a)], mode=mode)
    for found, expected in zip(f(K), [2 * K, [6, 6], 2 * K]):
        np.testing.assert_array_equal(found, expected)
    given = K.copy()
    result = theano.function([a], psd(a), mode=mode)(given)
    assert not np.may_share_memory(result, given)


def test_queries() -> None:
    assert hints(psd(a)) == {"psd": True, "symmetric": True} and hints(a) == {}
    assert is_psd(psd(a)) and not is_psd(a)
    assert is_symmetric(psd(a)) and is_symmetric(T.dot(a, a.T)) and not is_symmetric(a)
    assert is_hint_node(psd(a).owner) and not is_hint_node(None)
    assert linalg.is_positive(T.exp(a)) and not linalg.is_positive(a)
    assert str(psd(a)) == "Hint{psd, symmetric}.0"


def test_bad_hints() -> None:
    with pytest.raises(TypeError, match="no hint banded"):
        Hint(banded=True)
    with pytest.raises(TypeError, match="matrix"):
        psd(b)


@pytest.mark.parametrize("mode", ["FAST_RUN", "reference"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("lower", [True, False])
def test_symmetric_systems_definite_or_not(mode: str, dtype: str, lower: bool) -> None:
    """Tried by Cholesky first; a matrix that is not definite after all is solved all the same. One triangle is read."""
    x, y = T.TensorType(dtype, (None, None))(), T.TensorType(dtype, (None,))()
    f = theano.function([x, y], Solve("symmetric", lower)(x, y), mode=mode)
    indefinite = K - 5 * np.eye(6)
    assert np.linalg.eigvalsh(indefinite)[0] < 0 < np.linalg.eigvalsh(indefinite)[-1]
    with_positive_diagonal = np.array([[1.0, 3.0], [3.0, 1.0]])
    for matrix in (K, -K, indefinite, with_positive_diagonal, np.eye(1), np.empty((0, 0))):
        v = V[: len(matrix)].astype(dtype)
        half = (np.tril(matrix) if lower else np.triu(matrix)).astype(dtype)
        right = np.linalg.solve(matrix, v)
        scale = np.linalg.cond(matrix) * np.finfo(dtype).eps * 50 if len(matrix) else 0
        np.testing.assert_allclose(f(half, v), right, atol=scale * np.max(np.abs(right), initial=1))
    with pytest.raises(np.linalg.LinAlgError, match="singular"):
        f(np.ones((2, 2), dtype), np.ones(2, dtype))


def test_complex_symmetric_and_hermitian_systems() -> None:
    x, y = T.zmatrix(), T.zvector()
    half = HALF + 1j * RNG.normal(size=(6, 6))
    right = V + 1j
    for structure, matrix in (
        ("hermitian", half @ half.conj().T + np.eye(6)), ("hermitian", half + half.conj().T),
        ("symmetric", half @ half.T + np.eye(6)), ("symmetric", half + half.T),
    ):  # fmt: skip
        for trans, of in (("N", matrix), ("T", matrix.T), ("C", matrix.conj().T)):
            f = theano.function([x, y], Solve(structure, True, trans=trans)(x, y))
            np.testing.assert_allclose(f(matrix, right), np.linalg.solve(of, right), rtol=1e-8)


def test_spectral_radius_bound() -> None:
    x = T.dmatrix()
    positive = abs(HALF)
    radius = abs(np.linalg.eigvals(positive)).max()
    bounds = [float(theano.function([x], spectral_radius_bound(x, k))(positive)) for k in range(6)]
    assert all(bound >= radius * (1 - 1e-12) for bound in bounds)
    assert bounds == sorted(bounds, reverse=True) and bounds[-1] < 1.1 * radius
    for bad, error in (((b, 2), TypeError), ((x, -1), ValueError), ((x, 1.5), ValueError)):
        with pytest.raises(error):
            spectral_radius_bound(*bad)
