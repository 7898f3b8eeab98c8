"""Compiling a graph of twice the size is twice the work: rules looked at, and words of the finished program."""

import warnings

import numpy as np
import pytest
from counted_calls import calls_during

import theano
import theano.tensor as T
from theano.backends.native import compile_program
from theano.compile.pipeline import rewrite
from theano.graph.clone import clone
from theano.graph.fgraph import Feature, FunctionGraph


def chain(n):
    x, y = T.dvectors("x", "y")
    z = x
    for k in range(n):
        z = T.tanh(z) * y + x if k % 2 else T.exp(-z)
    return [x, y], [z.sum(), *T.grad(z.sum(), [x, y])], []


def many_inputs(n):
    xs = [T.dvector() for _ in range(n)]
    return xs, [T.exp(sum(xs[1:], xs[0])), T.concatenate(xs), T.stack([x.sum() for x in xs])], []


def many_outputs(n):
    x = T.dvector()
    return [x], [T.exp(x * (k + 1.5)) for k in range(n)], []


def many_updates(n):
    x = T.dvector()
    shared = [theano.shared(np.full(3, float(k))) for k in range(n)]
    cost = sum((s * x) ** 2 for s in shared).sum()
    return [x], [cost], [(s, s - 0.1 * g) for s, g in zip(shared, T.grad(cost, shared))]


def deep_network(n):
    x, y = T.dmatrices("x", "y")
    weights = [theano.shared(np.ones((3, 3))) for _ in range(n)]
    biases = [theano.shared(np.ones(3)) for _ in range(n)]
    h = x
    for w, b in zip(weights, biases):
        h = T.nnet.relu(T.dot(h, w) + b)
    cost = T.nnet.categorical_crossentropy(T.nnet.softmax(h), y).mean()
    parameters = weights + biases
    return [x, y], [cost], [(p, p - 0.1 * g) for p, g in zip(parameters, T.grad(cost, parameters))]


def steps_of_a_recurrence(n):
    x, w, first = T.dmatrix("x"), T.dmatrix("w"), T.dvector("h")
    h, states = first, []
    for k in range(n):
        h = T.tanh(T.dot(w, h) + x[k])
        states.append(h)
    cost = T.stack(states).sum()
    return [x, w, first], [cost, T.grad(cost, w)], []


def writes_one_after_the_other(n):
    x = T.dvector()
    y = x
    for k in range(n):
        y = T.set_subtensor(y[k], y[k] * 2)
    return [x], [y], []


def pieces(n):
    x = T.dvector()
    return [x], [p * 2 for p in T.split(x, [2] * n, n)], []


def constants(n):
    x = T.dvector()
    y = x
    for k in range(n):
        y = y + T.constant(np.arange(100.0) + k) * x
    return [x], [y], []


def transposes(n):
    x = T.dmatrix()
    y = x
    for _ in range(n):
        y = T.exp(y.T)
    return [x], [y], []


def reshaped_and_summed(n):
    x = T.dvector()
    y = x
    for _ in range(n):
        y = T.exp(y.reshape((-1, 1)).sum(axis=1))
    return [x], [y], []


def columns_of_what_is_broadcast(n):
    x, v = T.dmatrix(), T.dvector()
    y = v
    for _ in range(n):
        y = T.exp(y.dimshuffle(0, "x") + x)[:, 0]
    return [x, v], [y], []


def slices_with_gradient(n):
    x = T.dvector()
    y = x
    for _ in range(n):
        y = T.exp(y[1:])
    return [x], [y, T.grad(y.sum(), x)], []


def gathers_with_gradient(n):
    x, rows = T.dvector(), T.ivector()
    y = x
    for _ in range(n):
        y = T.exp(y[rows])
    return [x, rows], [y, T.grad(y.sum(), x)], []


def sums_that_keep_their_axis_with_gradient(n):
    x = T.dvector()
    y = x
    for _ in range(n):
        pairs = y.reshape((-1, 2))
        y = T.exp(pairs.sum(axis=1, keepdims=True) + pairs).reshape((-1,))
    return [x], [T.grad(y.sum(), x)], []


def sums_and_products_of_many(n):
    xs, ys = T.dvectors(4 * n), T.dvectors(4 * n)
    return [*xs, *ys], [T.add(*xs), T.mul(*xs), T.add(*[T.exp(x) * y for x, y in zip(xs, ys)])], []


def slices_and_transposes(n):
    x = T.dmatrix()
    y = z = x
    for k in range(2 * n):
        y = (y[:, 1:], y[::2], y.T)[k % 3]
        z = T.exp((z[:, 1:], z[::2], z.T)[k % 3])
    return [x], [y, z], []


def slices_that_do_not_become_one(n):
    x, starts = T.dmatrix(), T.lscalars(n)
    y = x
    for k, start in enumerate(starts):
        y = T.exp(T.exp(y[:, start:])[::-3] if k % 2 else y[start:, 1:].T)
    return [x, *starts], [y], []


def reshapes_by_lengths(n):
    x = T.dmatrix()
    y = x
    for _ in range(n):
        y = T.exp(y.reshape((y.shape[1], y.shape[0])))
    return [x], [y], []


def slices_and_transposes_of_products(n):
    x, w, start = T.dmatrix(), T.dmatrix(), T.lscalar()
    y = z = u = x
    for k in range(n):
        y = T.dot((y.T, y[1:], y[:, ::-1], y[start:])[k % 4], w)
        z = T.nnet.softmax((z[1:], z[start:])[k % 2])
        u = T.batched_dot(u[start:, :, None], w[:, None])[:, :, 0]
    return [x, w, start], [y, z, u], []


def products_of_what_is_masked(n):
    x, masked = T.dvector(), T.dvectors(n)
    y = z = x
    for v in masked:
        y = y * T.switch(v > x, 0, v)
        z = T.switch(v > x, z, 0) / v
    return [x, *masked], [y, z], []


def links_used_more_than_once(n):
    x, y, z = T.dvectors("x", "y", "z")
    outputs = []
    for link in (
        lambda v: v * y / v, lambda v: v / (v / y), lambda v: y**2 / (v * v) / -z, lambda v: z - v - (3 * v + v),
        lambda v: v + 3 * v - -(2 * y), lambda v: (v - z) + 3 * v - v - (y + v + v),
        lambda v: 4 * (v + v) - 2 / (y - v),
    ):
        v = x
        for _ in range(n // 4):
            v = link(v)
        outputs.append(v)
    return [x, y, z], outputs, []


def sums_over_filled_axes(n):
    """What falls down the chain was made at every link of it: it must not set out before the others are made."""
    x, y = T.dmatrix("x"), T.dvector("y")
    v = w = y
    for _ in range(n // 2):
        v = T.alloc(v, x.shape[0], v.shape[0]).sum(axis=0)
        w = T.dot(w[:, None], np.array([2.0]))
    return [x, y], [v, w], []


def centred_columns_with_gradient(n):
    x = T.dmatrix("x")
    y = x
    for _ in range(n // 3):
        y = y.dimshuffle(0, "x", 1)[:, 0]
        y = y - y.mean(axis=1, keepdims=True)
    return [x], [T.grad(y.sum(), x)], []


def products_of_negated_writes(n):
    """Signs that come free one by one, on many levels, go up together all the same."""
    xs, ys = T.dmatrices(n // 2), T.dvectors(n // 2)
    total = 1
    for x, y in zip(xs, ys):
        total = total * -T.inc_subtensor(T.zeros_like(x)[1], y)
    return [*xs, *ys], [total], []


def signs_in_gradients(n):
    x, y = T.dvectors("x", "y")
    v = x
    for _ in range(n // 3):
        v = (T.log(y) / (v - 2)) * (v / (v / y))
    return [x, y], T.grad(v.sum(), [x, y]), []


FAMILIES = [
    chain, many_inputs, many_outputs, many_updates, deep_network, steps_of_a_recurrence, writes_one_after_the_other,
    pieces, constants, transposes, reshaped_and_summed, columns_of_what_is_broadcast, slices_with_gradient,
    gathers_with_gradient, sums_that_keep_their_axis_with_gradient,
    sums_and_products_of_many, slices_and_transposes, slices_that_do_not_become_one, reshapes_by_lengths,
    slices_and_transposes_of_products, products_of_what_is_masked, links_used_more_than_once, signs_in_gradients,
    sums_over_filled_axes, products_of_negated_writes, centred_columns_with_gradient,
]


def work(family, n):
    """(rules' visits, replacements, words of the program's tables)"""
    inputs, outputs, updates = family(n)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        f = theano.function(inputs, outputs, updates=updates, mode=theano.Mode("native", "fast_run"))
    passes = f.maker.report.passes
    words = len(compile_program(f.program)._image.words)
    return sum(p.visits for p in passes), sum(sum(p.fired.values()) for p in passes), words


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_twice_the_size_is_twice_the_work(family):
    once, twice = work(family, 60), work(family, 120)
    for small, large in zip(once, twice):
        assert large <= 2.3 * small


def loops_in_a_row(n):
    x = T.dvector()
    y = x
    for _ in range(n // 4):
        y = theano.scan(lambda a, b: T.tanh(a * b), sequences=[y], outputs_info=[x[0]])[0]
    return [x], [y.sum(), T.grad(y.sum(), x)]


def gradients_of_joined(n):
    xs = T.dvectors(n)
    return xs, T.grad((T.concatenate([T.exp(x) for x in xs]) ** 2).sum(), xs)


def calls(family, n):
    """How often functions are called, of Python and of C, while the graph is rewritten."""
    inputs, outputs = family(n)
    fgraph = FunctionGraph(*clone(inputs, outputs))
    return calls_during(lambda: rewrite(fgraph))


def columns_joined_on(n):
    x = T.dmatrix()
    y = x
    for _ in range(n):
        y = 2 * T.concatenate([y, T.zeros((y.shape[0], 1))], axis=1)
    return [x], [y]


def joins_of_joins(n):
    x = T.dvector()
    y = x
    for k in range(n):
        y = T.concatenate([y, x * k])
    return [x], [y]


def test_signs_of_a_chain_go_up_together():
    xs = T.dvectors(100)
    y = xs[0]
    for x in xs[1:]:
        y = x / y
    report = rewrite(FunctionGraph(*clone(xs, T.grad(y.sum(), xs))))
    assert sum(p.fired["signs_in_product"] + p.fired["signs_in_sum"] for p in report.passes) <= 100   # one by one: 630


def parts_of_joins(family, n):
    """How many parts the joins have that come and go while the graph is rewritten."""
    fgraph = FunctionGraph(*clone(*family(n)))
    count = 0

    class Watch(Feature):
        def on_import(self, fgraph, node, reason):
            nonlocal count
            count += len(node.inputs)

    fgraph.attach_feature(Watch())
    rewrite(fgraph)
    return count


def test_joins_of_joins_are_taken_in_at_once():
    assert parts_of_joins(joins_of_joins, 200) <= 2.1 * parts_of_joins(joins_of_joins, 100)


def slopes_of_arcsinh(n):
    """Products in which one divisor is there k times: in any order, they are matched with themselves in k! ways."""
    x, first = T.dvectors("x", "y")
    y, root = first, T.sqrt(1 + T.sqr(x))
    for _ in range(n):
        y = y / (x + root) + x * y / (x + root) / root
    return [x, first], [y]


def steps_along_bumps(n):
    x, w = T.dvectors("x", "w")
    y = x
    for _ in range(n):
        y = y + T.exp(-0.5 * ((y - w) / 0.3) ** 2)
    return [x, w], [T.grad(y.sum(), x)]


@pytest.mark.parametrize(("family", "most"), [
    (loops_in_a_row, 2.6), (gradients_of_joined, 2.3), (columns_joined_on, 2.2),
])
def test_twice_the_size_is_twice_the_calls(family, most):
    calls(family, 8)  # what is made once in a process
    assert calls(family, 120) <= most * calls(family, 60)


def test_equal_factors_are_tried_once():
    calls(slopes_of_arcsinh, 2)
    assert calls(slopes_of_arcsinh, 8) <= 3 * calls(slopes_of_arcsinh, 4)   # 100 times, in any order


def test_exponentials_are_not_tried_in_every_sum():
    calls(steps_along_bumps, 8)
    assert calls(steps_along_bumps, 20) <= 1.5e6   # six million, if each that is in a sum is tried on it
