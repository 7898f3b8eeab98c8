"""DebugMode: a sound function passes, and every kind of fault that is planted is found and named."""

import itertools
import pickle

import numpy as np
import pytest

import theano
import theano.tensor as tt
from theano.compile.debugmode import (
    BadDestroyMap,
    BadOptimization,
    BadThunkOutput,
    BadViewMap,
    DebugMode,
    DebugModeError,
    InvalidValueError,
    Journal,
    StochasticOrder,
    fingerprint,
)
from theano.compile.pipeline import unregister
from theano.gof.opt import local_optimizer
from theano.graph.fgraph import FunctionGraph
from theano.lowering import context
from theano.lowering.context import Lowering
from theano.tensor.opt import register_specialize

quick = {"stability_patience": 1}


class OnVector(theano.Op):
    """A user's op from a vector to a vector, with one planted fault in each subclass."""

    __props__ = ()
    itypes = [tt.dvector]
    otypes = [tt.dvector]


class Destroys(OnVector):
    def perform(self, node, inputs, output_storage):
        inputs[0][0] = 5
        output_storage[0][0] = inputs[0] * 2


class DestroysAndSays(Destroys):
    destroy_map = {0: [0]}


class Views(OnVector):
    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0][::-1]


class ViewsAndSays(Views):
    view_map = {0: [0]}


class FirstOfTwo(theano.Op):
    """A view of its first input."""

    __props__ = ()
    view_map = {0: [0]}
    itypes = [tt.dvector, tt.dvector]
    otypes = [tt.dvector]

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0]


class TwoNames(OnVector):
    """Both outputs are one array."""

    otypes = [tt.dvector, tt.dvector]

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0] + 1
        output_storage[1][0] = output_storage[0][0][:1]


class WrongDtype(OnVector):
    otypes = [tt.fvector]

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0] + 0.1


class Twice(OnVector):
    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0] * 2


class KeepsWhatItFinds(OnVector):
    """Adds to the array that is in its output cell."""

    def perform(self, node, inputs, output_storage):
        found = output_storage[0][0]
        if found is None or found.shape != inputs[0].shape:
            found = np.zeros_like(inputs[0])
        found += inputs[0]
        output_storage[0][0] = found


def compiled(op, **options):
    x = tt.dvector("x")
    made = op(x * 3)
    outputs = made if isinstance(made, list) else [made]
    return theano.function([x], [out * 1.5 for out in outputs], mode=DebugMode(**{**quick, **options}))


@pytest.fixture
def classifier():
    x, y = tt.dmatrix("x"), tt.ivector("y")
    w = theano.shared(np.linspace(-1, 1, 6).reshape(3, 2), name="w")
    p = tt.nnet.softmax(tt.dot(x, w))
    cost = -tt.log(p)[tt.arange(y.shape[0]), y].mean() + (w**2).sum()
    updates = [(w, w - 0.1 * theano.grad(cost, w))]
    data = np.random.default_rng(0).normal(size=(4, 3)), np.array([0, 1, 1, 0], "int32")

    def make(mode):
        return theano.function([x, y], [cost, p], updates=updates, mode=mode)

    return make, w, data


@pytest.mark.parametrize("mode", ["DebugMode", DebugMode(check_preallocated_output="ALL", **quick)])
def test_a_sound_function_passes_and_computes_what_other_modes_do(classifier, mode):
    make, w, data = classifier
    start = w.get_value()
    kept = [a.copy() for a in data]
    checked = make(mode)
    found = [checked(*data) for _ in range(2)]
    weights = w.get_value()
    w.set_value(start)
    plain = make("FAST_RUN")
    for cost, p in found:
        expected_cost, expected_p = plain(*data)
        np.testing.assert_allclose(cost, expected_cost, rtol=1e-12)
        np.testing.assert_allclose(p, expected_p, rtol=1e-12)
    np.testing.assert_allclose(weights, w.get_value(), rtol=1e-12)
    assert not np.array_equal(weights, start)
    for before, now in zip(kept, data):
        np.testing.assert_array_equal(before, now)


def test_the_users_own_errors_stay(classifier):
    make, w, (x, y) = classifier
    f = make(DebugMode(**quick))
    before = w.get_value()
    with pytest.raises(ValueError, match="Shape mismatch") as info:
        f(x[:, 1:], y)
    assert "p = tt.nnet.softmax(tt.dot(x, w))" in str(info.value)
    np.testing.assert_array_equal(w.get_value(), before)
    f(x, y)


def test_an_input_changed_in_secret():
    with pytest.raises(BadDestroyMap) as info:
        compiled(Destroys())([1.0, 2.0])
    error = info.value
    assert error.idx == 0 and isinstance(error.node.op, Destroys) and isinstance(error, DebugModeError)
    assert list(error.old_val) == [3.0, 6.0] and list(error.new_val) == [5.0, 6.0]
    assert "destroy_map" in str(error) and "made = op(x * 3)" in str(error)


def test_an_input_changed_as_declared():
    np.testing.assert_array_equal(compiled(DestroysAndSays())([1.0, 2.0]), [[15.0, 18.0]])


def test_a_secret_view():
    with pytest.raises(BadViewMap, match=r"shares memory with inputs \[0\]") as info:
        compiled(Views())([1.0, 2.0])
    assert info.value.output_idx == 0 and info.value.in_alias_idx == [0] and info.value.out_alias_idx is None
    np.testing.assert_array_equal(compiled(ViewsAndSays())([1.0, 2.0]), [[9.0, 4.5]])


def test_inputs_that_lie_in_one_memory_already():
    x = tt.dvector("x")
    f = theano.function([x], FirstOfTwo()(x, x[1:]) * 2, mode=DebugMode(**quick))
    np.testing.assert_array_equal(f([1.0, 2.0]), [2.0, 4.0])


def test_outputs_that_are_one():
    with pytest.raises(BadViewMap, match=r"Output 1 of TwoNames shares memory with outputs \[0\]"):
        compiled(TwoNames())([1.0, 2.0])


def test_a_value_that_is_not_of_the_type():
    with pytest.raises(InvalidValueError, match="float32"):
        compiled(WrongDtype())([1.0])


def test_values_that_are_not_finite():
    x = tt.dvector("x")
    f = theano.function([x], tt.log(x), mode=DebugMode(**quick))
    np.testing.assert_array_equal(f([1.0]), [0.0])
    with pytest.raises(InvalidValueError, match="check_isfinite=False") as info:
        f([-1.0])
    assert np.isnan(info.value.v).all() and "tt.log(x)" in str(info.value)
    assert np.isnan(theano.function([x], tt.log(x), mode=DebugMode(check_isfinite=False, **quick))([-1.0])).all()


def test_native_code_that_differs(monkeypatch):
    def identity(lowering: Lowering, node):
        lowering.define(node.outputs[0], lowering.copy(lowering.datum(node.inputs[0]), [node]))

    monkeypatch.setitem(context._rules, Twice, identity)  # perform doubles
    with pytest.raises(BadThunkOutput) as info:
        compiled(Twice())([1.0, 2.0])
    error = info.value
    assert isinstance(error.offending_op(), Twice)
    assert list(error.val1) == [6.0, 12.0] and list(error.val2) == [3.0, 6.0]
    assert "native code" in str(error) and "largest difference: 6 at (1,)" in str(error)
    np.testing.assert_array_equal(compiled(Twice(), check_c_code=False)([1.0, 2.0]), [[9.0, 18.0]])


def test_use_of_what_is_in_the_output_cell():
    np.testing.assert_array_equal(compiled(KeepsWhatItFinds())([1.0]), [[4.5]])
    for kind in ("previous", "c_contiguous", "f_contiguous", "strided"):
        with pytest.raises(BadThunkOutput, match=f"preallocated output .{kind}"):
            compiled(KeepsWhatItFinds(), check_preallocated_output=kind)([1.0])
    np.testing.assert_array_equal(compiled(KeepsWhatItFinds(), check_preallocated_output="wrong_size")([1.0]), [[4.5]])
    with pytest.raises(ValueError, match="unknown kind 'gpu'"):
        DebugMode(check_preallocated_output="gpu")


@pytest.fixture
def planted():
    """Register a rewrite of sinh for the time of a test."""
    names = []

    def plant(function, name):
        register_specialize(local_optimizer([tt.Elemwise])(function), name=name)
        names.append(name)

    yield plant
    for name in names:
        unregister(name)


def is_sinh(node):
    return str(node.op) == "Elemwise{sinh}"


def test_a_rewrite_that_changes_a_value(planted):
    def wrong(fgraph_or_node, node=None):
        node = fgraph_or_node if node is None else node
        return [tt.cosh(node.inputs[0])] if is_sinh(node) else False

    planted(wrong, "sinh_is_cosh")
    x = tt.dvector("x")
    expression = tt.exp(tt.sinh(x) + 1) * tt.sinh(x)
    f = theano.function([x], expression, mode=DebugMode(**quick))
    with pytest.raises(BadOptimization) as info:
        f([0.5, 1.0])
    error = info.value
    assert error.reason == "sinh_is_cosh"
    np.testing.assert_allclose(error.old_r_val, np.sinh([0.5, 1.0]))
    np.testing.assert_allclose(error.new_r_val, np.cosh([0.5, 1.0]))
    assert "sinh" in error.old_graph and "cosh" in error.new_graph
    assert "tt.exp(tt.sinh(x) + 1)" in str(error) and "excluding('sinh_is_cosh')" in str(error)
    good = theano.function([x], expression, mode=DebugMode(**quick).excluding("sinh_is_cosh"))
    np.testing.assert_allclose(good([0.5]), np.exp(np.sinh([0.5]) + 1) * np.sinh([0.5]))


def test_a_rewrite_that_raises_where_nothing_did(planted):
    def wrong(fgraph_or_node, node=None):
        node = fgraph_or_node if node is None else node
        return [tt.sinh(tt.opt.Assert("planted")(node.inputs[0], node.inputs[0].sum() > 99))] if (
            is_sinh(node) and node.inputs[0].owner is None) else False

    planted(wrong, "sinh_refuses")
    x = tt.dvector("x")
    f = theano.function([x], tt.sinh(x), mode=DebugMode(**quick))
    with pytest.raises(BadOptimization, match="sinh_refuses"):
        f([0.5, 1.0])


def test_a_rewrite_that_is_not_the_same_each_time(planted):
    turn = itertools.count()

    def fickle(fgraph_or_node, node=None):
        node = fgraph_or_node if node is None else node
        if not is_sinh(node):
            return False
        factors = [tt.cosh(node.inputs[0]), tt.tanh(node.inputs[0])]
        return [tt.mul(*(factors if next(turn) % 2 else factors[::-1]))]

    planted(fickle, "sinh_by_turns")
    x = tt.dvector("x")
    with pytest.raises(StochasticOrder, match="attempt 2"):
        theano.function([x], tt.sinh(x), mode=DebugMode(stability_patience=2))


def test_fingerprints():
    def graph(make):
        x, y = tt.dvector(), tt.dvector()
        return fingerprint(FunctionGraph([x, y], [make(x, y)]))

    assert graph(lambda x, y: x + y * 2) == graph(lambda x, y: x + y * 2)
    assert graph(lambda x, y: x + y * 2) != graph(lambda x, y: y + x * 2)
    assert graph(lambda x, y: x + y * 2) != graph(lambda x, y: x + y * 3)
    assert graph(lambda x, y: x + y) != graph(lambda x, y: x - y)


def test_the_journal_names_rewrites():
    x = tt.dvector("x")
    f = theano.function([x], tt.log(1 + tt.exp(x)), mode=DebugMode(**quick))
    (journal,) = [feature for feature in f.maker.fgraph._features if isinstance(feature, Journal)]
    assert not journal.open and any(reason == "softplus" or "log" in str(reason) for reason, _, _ in journal.steps)
    assert len(journal.original.toposort()) >= len(f.maker.fgraph.toposort())


def test_changed_and_pickled_modes(classifier):
    make, _, data = classifier
    f = make(DebugMode(**quick).excluding("fusion"))
    g = pickle.loads(pickle.dumps(f))
    np.testing.assert_allclose(g(*data)[0], f(*data)[0], rtol=1e-12)
    assert type(g.maker.mode) is DebugMode


def test_flags():
    with theano.change_flags(**{"DebugMode.patience": 3, "DebugMode.check_finite": False, "DebugMode.check_c": False}):
        mode = theano.compile.get_mode("DebugMode")
    assert (mode.stability_patience, mode.check_isfinite, mode.check_c_code) == (3, False, False)
    assert DebugMode().check_c_code and DebugMode().check_py_code
    with pytest.raises(ValueError, match="at least one"):
        DebugMode(check_c_code=False, check_py_code=False)
    with pytest.raises(ValueError, match="taken"):
        theano.compile.register_mode("DebugMode", theano.Mode("py"))
