"""No array that the caller passes is written, and no result shares memory with arguments, stored values or other
results, unless that was asked for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import theano
import theano.tensor as tt

EXPRESSIONS = {
    "identity": lambda x: x,
    "copy": lambda x: x * 1,
    "transpose": lambda x: x.T,
    "slice": lambda x: x[1:],
    "reversed": lambda x: x[::-1, ::-1],
    "reshape": lambda x: x.reshape((x.shape[1], x.shape[0])),
    "flat": lambda x: x.flatten(),
    "row": lambda x: x[0],
    "diagonal": lambda x: tt.diagonal(x),
    "padded": lambda x: x.dimshuffle(0, "x", 1),
    "sum": lambda x: x.sum(axis=0),
    "specified": lambda x: tt.specify_shape(x, (3, 3)),
    "set": lambda x: tt.set_subtensor(x[0], 7.0),
    "inc": lambda x: tt.inc_subtensor(x[:, 1], 1.0),
    "joined": lambda x: tt.join(0, x, x),
    "constant": lambda x: tt.constant(np.ones((2, 2))),
    "zeros": lambda x: tt.zeros_like(x),
    "part of zeros": lambda x: tt.zeros_like(x)[1:],
}




@settings(max_examples=40)
@given(
    names=st.lists(st.sampled_from(sorted(EXPRESSIONS)), min_size=1, max_size=4),
    stored=st.lists(st.sampled_from(["identity", "copy", "transpose", "set", "inc", "reversed"]), max_size=2),
    how=st.sampled_from(["FAST_RUN", "FAST_COMPILE", "reference"]),
    fortran=st.booleans(),
)
def test_nothing_is_shared(names, stored, how, fortran):
    x = tt.dmatrix("x")
    shared = [theano.shared(np.full((3, 3), float(k)), f"s{k}") for k in range(len(stored))]
    base = x if not shared else shared[0] + 0 * x
    outputs = [EXPRESSIONS[n](x) for n in names] + [EXPRESSIONS[n](s) for n in names for s in shared]
    updates = [(s, EXPRESSIONS[n](x if k else base)) for k, (n, s) in enumerate(zip(stored, shared))]
    f = theano.function([x], outputs, updates=updates, mode=how, on_unused_input="ignore")
    value = np.arange(9.0).reshape(3, 3)
    value = np.asfortranarray(value) if fortran else value
    value.setflags(write=False)
    before = value.copy()
    expected = None
    for _ in range(3):
        old = [s.get_value() for s in shared]
        results = f(value)
        assert np.array_equal(value, before)
        held = [value, *(s.get_value(borrow=True) for s in shared), *results]
        for i, a in enumerate(held):
            for b in held[:i]:
                assert not np.may_share_memory(a, b)
        for r in results:
            assert r.flags.writeable
        if expected is None:
            expected = theano.function([x], outputs[: len(names)], mode="reference", on_unused_input="ignore")(value)
        for r, e in zip(results, expected):
            assert np.array_equal(r, e)
        for r in results:
            r[...] = -1.0  # must change nothing that a later call reads
        for s, o in zip(shared, old):
            assert s.get_value().shape == o.shape


def test_outputs_of_two_calls_are_apart(mode):
    x = tt.dvector("x")
    f = theano.function([x], [x + 1, tt.constant(np.ones(3)), x], mode=mode)
    first, second = f(np.ones(3)), f(np.ones(3))
    for a in first:
        for b in second:
            assert not np.may_share_memory(a, b)


def test_borrowed_outputs_alias_the_stored_array(mode):
    s = theano.shared(np.ones(3))
    f = theano.function([], theano.Out(s, borrow=True), mode=mode)
    assert np.may_share_memory(f(), s.get_value(borrow=True))
    g = theano.function([], theano.Out(s), mode=mode)
    assert not np.may_share_memory(g(), s.get_value(borrow=True))


def test_mutable_inputs_keep_their_meaning(mode):
    x, y = tt.dvectors("x", "y")
    f = theano.function([theano.In(x, mutable=True), y], x * 2 + y, mode=mode)
    value = np.ones(3)
    assert f(value, np.ones(3)).tolist() == [3.0] * 3
    both = np.arange(4.0)
    assert f(both, both).tolist() == [0.0, 3.0, 6.0, 9.0]
    assert f(both[::-1].copy(), both).shape == (4,)
    with pytest.raises(ValueError, match="borrow"):
        theano.In(x, mutable=True, borrow=False)


def test_mutable_input_and_an_overlapping_argument(mode):
    x, y = tt.dvectors("x", "y")
    f = theano.function([theano.In(x, mutable=True), y], [tt.set_subtensor(x[0], 5.0), y * 1], mode=mode)
    memory = np.zeros(6)
    first, second = f(memory[:3], memory[:3])
    assert first.tolist() == [5.0, 0.0, 0.0] and second.tolist() == [0.0, 0.0, 0.0]


def test_a_borrowed_value_held_by_the_caller_is_not_lost(mode):
    s = theano.shared(np.zeros(3))
    f = theano.function([], [], updates=[(s, s + 1)], mode=mode)
    copy = s.get_value()
    f()
    assert copy.tolist() == [0.0] * 3 and s.get_value().tolist() == [1.0] * 3


def test_an_argument_that_is_the_stored_array(mode):
    x = tt.dvector("x")
    s = theano.shared(np.arange(3.0))
    f = theano.function([x], x * 10, updates=[(s, s[::-1] + x)], mode=mode)
    assert f(s.get_value(borrow=True)).tolist() == [0.0, 10.0, 20.0]
    assert s.get_value().tolist() == [2.0, 2.0, 2.0]


def test_ops_that_overwrite_and_view(mode):
    class Double(theano.Op):
        __props__ = ()
        destroy_map = {0: [0]}

        def make_node(self, x):
            return theano.Apply(self, [x], [x.type()])

        def perform(self, node, inputs, output_storage):
            inputs[0][...] *= 2
            output_storage[0][0] = inputs[0]

    class Tail(theano.Op):
        __props__ = ()
        view_map = {0: [0]}

        def make_node(self, x):
            return theano.Apply(self, [x], [x.type()])

        def perform(self, node, inputs, output_storage):
            output_storage[0][0] = inputs[0][1:]

    x = tt.dvector("x")
    y = x + 1
    s = theano.shared(np.ones(3))
    f = theano.function([x], [Double()(y), y, Tail()(x), Double()(x), x, Double()(s), s * 1], mode=mode)
    value = np.array([1.0, 2.0, 3.0])
    for _ in range(2):
        results = [r.tolist() for r in f(value)]
        assert results == [[4, 6, 8], [2, 3, 4], [2, 3], [2, 4, 6], [1, 2, 3], [2, 2, 2], [1, 1, 1]]
        assert value.tolist() == [1.0, 2.0, 3.0]
        assert s.get_value().tolist() == [1.0, 1.0, 1.0]


@settings(max_examples=60)
@given(
    names=st.lists(st.sampled_from(["identity", "copy", "transpose", "set", "inc", "reversed", "padded"]), min_size=1,
                   max_size=3),
    offsets=st.tuples(*[st.integers(0, 12)] * 3),
    reversals=st.tuples(*[st.booleans()] * 3),
    mutable=st.tuples(*[st.booleans()] * 3),
    how=st.sampled_from(["FAST_RUN", "FAST_COMPILE", "reference"]),
)  # fmt: skip
def test_arguments_that_overlap(names, offsets, reversals, mutable, how):
    inputs = tt.dmatrices("x", "y", "z")
    stored = theano.shared(np.zeros((3, 3)), "s")
    total = inputs[0] + 2 * inputs[1] - inputs[2] * stored
    outputs = [EXPRESSIONS[n](v) for n in names for v in (total, *inputs)]
    specs = [theano.In(v, mutable=m) for v, m in zip(inputs, mutable)]
    f = theano.function(specs, outputs, updates=[(stored, total + stored)], mode=how, on_unused_input="ignore")
    oracle = theano.function(list(inputs), [*outputs, total + stored], mode="reference", on_unused_input="ignore")
    memory = np.arange(24.0)
    values = []
    for offset, backwards in zip(offsets, reversals):
        value = memory[offset : offset + 9].reshape(3, 3)
        values.append(value[::-1, ::-1] if backwards else value)
    stored.set_value(memory[:9].reshape(3, 3), borrow=True)
    expected = oracle(*[v.copy() for v in values])
    before = memory.copy()
    results = f(*values)
    for got, wanted in zip(results, expected):
        assert np.array_equal(got, wanted)
    assert np.array_equal(stored.get_value(), expected[-1])
    if not any(mutable):
        assert np.array_equal(memory, before)


def test_borrowed_constants(mode):
    x = tt.dvector("x")
    out = theano.Out
    ones = tt.constant(np.ones((2, 2)))
    f = theano.function([x], [out(ones, borrow=True), out(ones[0], borrow=True), out(x.sum(), borrow=True)], mode=mode)
    for _ in range(3):
        whole, row, total = f(np.ones(4))
        np.testing.assert_array_equal(whole, np.ones((2, 2)))
        np.testing.assert_array_equal(row, np.ones(2))
        assert total == 4
