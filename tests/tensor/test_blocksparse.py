"""theano.tensor.nnet.blocksparse: against loops over the blocks; derivatives; refusals."""

import numpy as np
import pytest
from agreement import MODES, agree, gradients_agree

import theano.tensor as T
from theano.tensor.nnet import blocksparse

RNG = np.random.default_rng(0)
W, H, B = RNG.normal(size=(3, 4, 2, 5)), RNG.normal(size=(2, 3, 2)), RNG.normal(size=(4, 5))
ROWS, COLUMNS = np.array([[0, 2, 0], [1, 2, 0]]), np.array([[3, 0], [1, 1]])


def loops(W, h, b, rows, columns):
    out = b[columns].copy()
    for n, j, i in np.ndindex(*columns.shape, rows.shape[1]):
        out[n, j] += h[n, i] @ W[rows[n, i], columns[n, j]]
    return out


def test_dot():
    agree(
        lambda w, h, b, r, c: blocksparse.sparse_block_dot(w, h, r, b, c), lambda w, h, b, r, c: loops(w, h, b, r, c),
        W, H, B, ROWS, COLUMNS, modes=MODES,
    )  # fmt: skip
    gradients_agree(lambda w, h, b: blocksparse.sparse_block_dot(w, h, ROWS, b, COLUMNS), W, H, B)


def test_a_single_item():
    agree(
        lambda w, h, b: blocksparse.sparse_block_dot(w, h, ROWS[0], b, COLUMNS[0]),
        lambda w, h, b: loops(w, h[None], b, ROWS[:1], COLUMNS[:1])[0], W, H[0], B,
    )  # fmt: skip


def test_outer():
    o, x, y = RNG.normal(size=(3, 4, 2, 5)), H, RNG.normal(size=(2, 2, 5))

    def expected(o, x, y):
        out = o.copy()
        for n, i, j in np.ndindex(2, 3, 2):
            out[ROWS[n, i], COLUMNS[n, j]] += 0.5 * np.outer(x[n, i], y[n, j])
        return out

    def build(o, x, y):
        return blocksparse.sparse_block_outer(o, x, y, ROWS, COLUMNS, 0.5)

    agree(build, expected, o, x, y, modes=MODES)
    gradients_agree(build, o, x, y)


def test_refusals():
    with pytest.raises(TypeError, match="axes"):
        blocksparse.sparse_block_gemv(T.dmatrix(), W, H, ROWS, COLUMNS)
    with pytest.raises(TypeError, match="integers"):
        blocksparse.sparse_block_gemv(T.dtensor3(), W, H, T.dmatrix(), COLUMNS)
