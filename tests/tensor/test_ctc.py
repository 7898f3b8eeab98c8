"""theano.tensor.nnet.ctc: against the sum over all alignments; gradients by differences; refusals."""

import itertools

import numpy as np
import pytest
from agreement import MODES, agree, gradients_agree
from scipy.special import log_softmax

import theano
import theano.tensor as T
from theano.gradient import grad
from theano.tensor.nnet.ctc import ctc

LABELS = np.array([[1, 2], [1, 1], [2, -1], [-1, -1], [2, 1]])
LENGTHS = np.array([4, 4, 3, 2, 2])
X = np.random.default_rng(0).normal(size=(4, 5, 3)) * 2


def over_alignments(x, labels, lengths):
    costs = []
    for k, n in enumerate(lengths):
        logp, total = log_softmax(x[:n, k], axis=-1), 0.0
        for path in itertools.product(range(x.shape[2]), repeat=n):
            merged = [s for s, _ in itertools.groupby(path) if s]
            if merged == [s for s in labels[k] if s >= 0]:
                total += np.exp(sum(logp[t, s] for t, s in enumerate(path)))
        costs.append(-np.log(total))
    return np.array(costs)


def test_values():
    agree(ctc, over_alignments, X, LABELS, LENGTHS, modes=MODES)
    agree(ctc, over_alignments, X.astype("float32"), LABELS.astype("int32"), LENGTHS.astype("int32"))


def test_gradient():
    gradients_agree(lambda x: ctc(x, LABELS, LENGTHS), X, orders=(1,))


def test_padding_in_time_gets_no_gradient():
    x = T.dtensor3()
    g = theano.function([x], grad(ctc(x, LABELS, LENGTHS).sum(), x))(X)
    assert (g[3, 2] == 0).all() and (g[2:, 3] == 0).all() and (g[:2, 3] != 0).any()


def test_no_alignment():
    x = T.dtensor3()
    cost = ctc(x, np.array([[1, 1]]), np.array([2]))
    value, g = theano.function([x], [cost, grad(cost.sum(), x)])(X[:2, :1])
    assert value == np.inf
    np.testing.assert_array_equal(g, 0)


def test_huge_activations_and_nothing():
    x = np.array([[[1e4, 0, 0]], [[0, 1e4, 0]]])
    np.testing.assert_allclose(ctc(x, np.array([[1]]), np.array([2])).eval(), [0], atol=1e-12)
    assert ctc(np.zeros((3, 0, 4)), np.zeros((0, 2), "int64"), np.zeros(0, "int64")).eval().shape == (0,)
    np.testing.assert_array_equal(ctc(x, np.array([[-1]]), np.array([0])).eval(), [0])


@pytest.mark.parametrize(
    "labels, lengths",
    [([[3]], [2]), ([[0]], [2]), ([[1]], [3]), ([[1]], [-1]), ([[1], [1]], [2]), ([[1]], [2, 2])],
    ids=str,
)
def test_data_out_of_range(labels, lengths):
    x, y, n = T.dtensor3(), T.lmatrix(), T.lvector()
    f = theano.function([x, y, n], ctc(x, y, n))
    with pytest.raises(ValueError, match="ctc"):
        f(np.zeros((2, 1, 3)), labels, lengths)


def test_declarations():
    for arguments in [(T.dmatrix(), T.lmatrix(), T.lvector()), (T.itensor3(), T.lmatrix(), T.lvector()),
                      (T.dtensor3(), T.dmatrix(), T.lvector()), (T.dtensor3(), T.lmatrix(), T.lscalar())]:  # fmt: skip
        with pytest.raises(TypeError, match="ctc"):
            ctc(*arguments)
