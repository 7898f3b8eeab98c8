"""What x[i, j] and writes to it say of lengths: vectors of positions may differ in length where one has length 1."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.rewriting.restore_checks import EqualLengths


def nodes(f: Any, kind: type) -> list[Any]:
    return [node for node in f.maker.fgraph.toposort() if isinstance(node.op, kind)]


@pytest.mark.parametrize("rows, columns", [([0], [0, 1]), ([0, 1], [0]), ([2, 0], [0, 1])])
def test_length_of_what_is_written_is_its_own(rows: list[int], columns: list[int]) -> None:
    m, v, i, j = T.dmatrix(), T.dvector(), T.lvector(), T.lvector()
    outputs = [v.shape[0], T.ones_like(T.exp(v)), T.inc_subtensor(m[i, j], v), m[i, j].shape[0], m[i, j]]
    given = [np.arange(9.0).reshape(3, 3), np.array([1.0, 2.0]), np.array(rows), np.array(columns)]
    expected = theano.function([m, v, i, j], outputs, mode="reference")(*given)
    found = theano.function([m, v, i, j], outputs)(*given)
    assert int(expected[0]) == int(found[0]) == 2
    for old, new in zip(expected, found, strict=True):
        np.testing.assert_array_equal(new, old)


@pytest.mark.parametrize("with_cost", [False, True])
def test_gradient_of_cross_entropy_checks_nothing_at_the_price_of_the_cost(with_cost: bool) -> None:
    m, y = T.dmatrix(), T.lvector()
    cost = -T.mean(T.log(T.nnet.softmax(m))[T.arange(y.shape[0]), y])
    f = theano.function([m, y], [cost, theano.grad(cost, m)] if with_cost else [theano.grad(cost, m)])
    assert not nodes(f, EqualLengths)
    logs = [node for node in f.maker.fgraph.toposort() if str(node.op) == "Elemwise{log}"]
    assert len(logs) == with_cost


def test_a_check_that_is_put_back_computes_lengths_only() -> None:
    x, y = T.dvector(), T.dvector()
    f = theano.function([x, y], T.zeros_like(T.exp(x)[::2] * T.log(y)[1:]))
    assert nodes(f, EqualLengths)
    assert not [node for node in f.maker.fgraph.toposort() if str(node.op) in ("Elemwise{exp}", "Elemwise{log}")]
    assert f(np.ones(4), np.ones(3)).shape == (2,)
    with pytest.raises(ValueError):
        f(np.ones(4), np.ones(4))


@pytest.mark.parametrize("mode", ["reference", "FAST_COMPILE", "FAST_RUN"])
@pytest.mark.parametrize("rows, labels", [(1, [0, 2, 1]), (3, [1]), (3, [2, 0, 1]), (1, [2])])
def test_one_row_for_several_labels_and_one_label_for_several_rows(rows, labels, mode):
    """Index arrays broadcast when the function runs: what is made of log(softmax) and of its gradient does, too."""
    m, y = T.dmatrix(), T.lvector()
    chosen = T.log(T.nnet.softmax(m))[T.arange(m.shape[0]), y]
    f = theano.function([m, y], [chosen, theano.grad(chosen.sum(), m)], mode=mode)
    value = np.random.default_rng(0).normal(size=(rows, 4))
    p = np.exp(value) / np.exp(value).sum(1, keepdims=True)
    count = np.zeros((rows, 4))
    np.add.at(count, (np.arange(rows), labels), 1)
    got, gradient = f(value, labels)
    np.testing.assert_allclose(got, np.log(p)[np.arange(rows), labels], rtol=1e-12)
    np.testing.assert_allclose(gradient, count - count.sum(1, keepdims=True) * p, rtol=1e-12, atol=1e-14)
