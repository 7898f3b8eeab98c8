"""Gradients by the parts of one array: written one after the other into one array of zeros, not added as many."""

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.rewriting.rules.scattered import apart
from theano.tensor.elemwise import Elemwise
from theano.tensor.subtensor import AdvancedIncSubtensor1, IncSubtensor


def writes_of(f):
    """(how many basic writes set, how many add) in a compiled function."""
    ops = [node.op for node in f.maker.fgraph.apply_nodes if isinstance(node.op, IncSubtensor)]
    return sum(op.set_instead_of_inc for op in ops), sum(not op.set_instead_of_inc for op in ops)


def sums_of(f, ndim):
    return [
        node for node in f.maker.fgraph.apply_nodes
        if isinstance(node.op, Elemwise) and node.op.scalar_op.name == "add" and node.outputs[0].ndim == ndim
    ]  # fmt: skip


def test_elements_of_a_vector_of_parameters():
    flat = T.dvector("flat")
    cost = sum((k + 1) * T.sin(flat[k]) for k in range(7))
    f = theano.function([flat], T.grad(cost, flat))
    assert writes_of(f) == (7, 0) and not sums_of(f, 1)
    at = np.linspace(-1, 1, 9)
    expected = np.append(np.arange(1, 8) * np.cos(at[:7]), [0, 0])
    np.testing.assert_allclose(f(at), expected, rtol=1e-12)


def test_gates_of_a_recurrent_cell():
    """Four slices of columns, as all gates of a cell are computed by one product."""
    x, units = T.dmatrix("x"), 3
    a, b, c, d = (x[:, k * units : (k + 1) * units] for k in range(4))
    cost = (T.nnet.sigmoid(a) * T.tanh(b) + T.nnet.sigmoid(c) * d).sum()
    f = theano.function([x], T.grad(cost, x))
    assert writes_of(f) == (4, 0) and not sums_of(f, 2)
    theano.gradient.verify_grad(
        lambda x: (T.nnet.sigmoid(x[:, :3]) * T.tanh(x[:, 3:6]) + T.nnet.sigmoid(x[:, 6:9]) * x[:, 9:12]).sum(),
        [np.random.RandomState(0).normal(size=(5, 12))], rng=np.random.RandomState(1),
    )  # fmt: skip


@pytest.mark.parametrize(
    "parts, disjoint",
    [
        ([slice(0, 2), slice(2, 4), slice(4, None)], True),
        ([slice(4, None), slice(None, 2), 3, 2], True),
        ([slice(0, 3), slice(2, 4)], False),
        ([slice(None, 5), 1], False),
        ([0, -1], False),
        ([slice(0, -2), 5], False),
        ([slice(0, 6, 2), slice(1, 6, 2)], False),
        ([slice(3, 1), 2], True),
        ([1, 1], False),
        ([slice(2, 100), slice(0, 2)], True),
    ],
)
def test_parts_that_may_meet_are_added(parts, disjoint):
    """Whatever is known of the parts, the sum is that of NumPy."""
    x, y = T.dmatrix("x"), T.dscalar("y")
    terms = [T.set_subtensor(T.zeros_like(x)[part], y * (k + 1)) for k, part in enumerate(parts)]
    f = theano.function([x, y], T.add(*terms))
    sets, adds = writes_of(f)
    if disjoint:
        assert (sets, adds) == (len(parts), 0) and apart([t.owner for t in terms])
    elif parts[0] != parts[1]:  # equal parts may be summed first
        assert adds >= 1
    expected = np.zeros((6, 2))
    for k, part in enumerate(parts):
        expected[part] += 2.0 * (k + 1)
    np.testing.assert_array_equal(f(np.ones((6, 2)), 2.0), expected)


def test_parts_on_the_second_axis_and_unknown_places():
    x, y, i, j = T.dmatrix("x"), T.dvector("y"), T.lscalar("i"), T.lscalar("j")
    zeros = T.zeros_like(x)
    columns = T.set_subtensor(zeros[:, 0], y) + T.set_subtensor(zeros[:, 2], 2 * y) + T.set_subtensor(zeros[:, 1], -y)
    rows = T.set_subtensor(zeros[i], y[0]) + T.set_subtensor(zeros[j], y[1]) + T.set_subtensor(zeros[0], y[2])
    f = theano.function([x, y, i, j], [columns, rows])
    at, v = np.ones((4, 3)), np.array([1.0, 2.0, 4.0, 8.0])
    for a, b in ((1, 2), (2, 2), (0, -4), (-1, 3)):
        got, other = f(at, v, a, b)
        np.testing.assert_array_equal(got, np.stack([v, -v, 2 * v], axis=1))
        expected = np.zeros((4, 3))
        expected[a] += 1
        expected[b] += 2
        expected[0] += 4
        np.testing.assert_array_equal(other, expected)


def test_other_terms_and_indices_by_arrays_join_in():
    x, w, rows = T.dmatrix("x"), T.dmatrix("w"), T.lvector("rows")
    cost = (x[rows] ** 2).sum() + T.exp(x[0]).sum() + (x * w).sum() + x[1:].sum()
    f = theano.function([x, w, rows], T.grad(cost, x))
    assert any(isinstance(node.op, AdvancedIncSubtensor1) for node in f.maker.fgraph.apply_nodes)
    assert not sums_of(f, 2)
    rng = np.random.RandomState(0)
    a, b, r = rng.normal(size=(4, 2)), rng.normal(size=(4, 2)), np.array([3, 0, 3])
    expected = b.copy()
    np.add.at(expected, r, 2 * a[r])
    expected[0] += np.exp(a[0])
    expected[1:] += 1
    np.testing.assert_allclose(f(a, b, r), expected, rtol=1e-12)


def test_a_part_that_is_wanted_itself_stays():
    x = T.dvector("x")
    first, second = (T.set_subtensor(T.zeros_like(x)[k], x[k] * 3) for k in (0, 1))
    f = theano.function([x], [first, first + second])
    got, total = f([1.0, 2.0, 3.0])
    assert got.tolist() == [3, 0, 0] and total.tolist() == [3, 6, 0]


@pytest.mark.parametrize("scaled", [lambda g: 0.1 * g, lambda g: -g, lambda g: g / 4])
def test_descent_on_rows_of_a_table(scaled):
    """Rows looked up twice: the step writes to both, and no array of the table's size is made of the gradient."""
    table, i, j = T.dmatrix("table"), T.lvector("i"), T.lvector("j")
    cost = (table[i] ** 2).sum() + T.sin(table[j]).sum() + T.exp(table[0]).sum()
    f = theano.function([table, i, j], table - scaled(T.grad(cost, table)))
    ops = [node.op for node in f.maker.fgraph.apply_nodes]
    assert sum(isinstance(op, AdvancedIncSubtensor1) for op in ops) == 2 and writes_of(f) == (0, 1)
    big = [n for n in f.maker.fgraph.apply_nodes if isinstance(n.op, Elemwise) and table in n.inputs]
    assert not big
    rng = np.random.RandomState(0)
    a, r, s = rng.normal(size=(6, 3)), np.array([4, 4, 1]), np.array([0, 4])
    g = np.zeros_like(a)
    np.add.at(g, r, 2 * a[r])
    np.add.at(g, s, np.cos(a[s]))
    g[0] += np.exp(a[0])
    np.testing.assert_allclose(f(a, r, s), a - scaled(g), rtol=1e-12)


@pytest.mark.parametrize("combine", [lambda x, v: x + v, lambda x, v: x - v, lambda x, v: v - x, lambda x, v: x * v])
def test_writes_over_writes_are_no_sum(combine):
    """A user's own chain, whose second write covers a part of the first."""
    x, y = T.dvector("x"), T.dscalar("y")
    covered = T.set_subtensor(T.set_subtensor(T.zeros_like(x)[0:3], y)[2:4], 5 * y)
    f = theano.function([x, y], combine(x, covered))
    at = np.arange(1.0, 7.0)
    np.testing.assert_array_equal(f(at, 2.0), combine(at, np.array([2.0, 2.0, 10.0, 10.0, 0.0, 0.0])))
