"""Users' ops that overwrite inputs or give views of them, inside larger graphs: values are those of ops that copy, and
nothing is overwritten that somebody else still needs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import theano
import theano.tensor as T
from theano.compile.debugmode import BadDestroyMap, BadThunkOutput, BadViewMap, DebugMode

MODES = ["FAST_RUN", "FAST_COMPILE", "reference"]
N = 6


class OnVectors(theano.Op):
    """`meaning(*arrays)` gives the outputs without touching the arrays; `perform` does it as the maps say."""

    __props__ = ()
    count = 1

    def make_node(self, *inputs):
        inputs = [T.as_tensor_variable(v) for v in inputs]
        return theano.Apply(self, inputs, [T.dvector() for _ in range(self.count)])

    def infer_shape(self, node, input_shapes):
        return [input_shapes[0]] * self.count


class Negate(OnVectors):
    destroy_map = {0: [0]}

    def perform(self, node, inputs, output_storage):
        np.negative(inputs[0], out=inputs[0])
        output_storage[0][0] = inputs[0]

    def meaning(self, x):
        return [-x]


class AddInto(OnVectors):
    """x += y; y stays."""

    destroy_map = {0: [0]}

    def perform(self, node, inputs, output_storage):
        x, y = inputs
        x += y
        output_storage[0][0] = x

    def meaning(self, x, y):
        return [x + y]


class Rotate(OnVectors):
    """Both inputs are overwritten: (x - y, x + y)."""

    destroy_map = {0: [0], 1: [1]}
    count = 2

    def perform(self, node, inputs, output_storage):
        x, y = inputs
        before = x.copy()
        x -= y
        y += before
        output_storage[0][0], output_storage[1][0] = x, y

    def meaning(self, x, y):
        return [x - y, x + y]


class Swap(OnVectors):
    """Output 0 lies in input 1, output 1 in input 0, which is overwritten."""

    view_map = {0: [1]}
    destroy_map = {1: [0]}
    count = 2

    def perform(self, node, inputs, output_storage):
        x, y = inputs
        x *= 2
        output_storage[0][0], output_storage[1][0] = y, x

    def meaning(self, x, y):
        return [y, 2 * x]


class Backwards(OnVectors):
    view_map = {0: [0]}

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0][::-1]

    def meaning(self, x):
        return [x[::-1]]


class TwoViews(OnVectors):
    view_map = {0: [0], 1: [0]}
    count = 2

    def perform(self, node, inputs, output_storage):
        output_storage[0][0], output_storage[1][0] = inputs[0], inputs[0][::-1]

    def meaning(self, x):
        return [x, x[::-1]]


class Larger(OnVectors):
    """A view of one of two inputs: which one is known at run time only."""

    view_map = {0: [0, 1]}

    def perform(self, node, inputs, output_storage):
        x, y = inputs
        output_storage[0][0] = x if x.sum() > y.sum() else y

    def meaning(self, x, y):
        return [x if x.sum() > y.sum() else y]


OPS = [Negate(), AddInto(), Rotate(), Swap(), Backwards(), TwoViews(), Larger()]
ARITY = {"Negate": 1, "Backwards": 1, "TwoViews": 1}
PURE = {
    "mean": (lambda x, y: (x + y) / 2, 2), "square": (lambda x: x * x / 8, 1), "reversed": (lambda x: x[::-1], 1),
    "sum": (lambda x: x + x.sum() / 8, 1),
}  # fmt: skip

# an operation: which one, and which of the values so far it takes
step = st.tuples(st.integers(0, len(OPS) + len(PURE) - 1), st.integers(0, 30), st.integers(0, 30))


def apply(number, pick, values, symbolic):
    """The results of one operation on earlier values."""
    if number < len(OPS):
        op = OPS[number]
        given = [values[p % len(values)] for p in pick[: ARITY.get(type(op).__name__, 2)]]
        return op(*given, return_list=True) if symbolic else op.meaning(*given)
    function, arity = list(PURE.values())[number - len(OPS)]
    return [function(*[values[p % len(values)] for p in pick[:arity]])]


@settings(max_examples=120)
@given(
    program=st.lists(step, min_size=1, max_size=9),
    outputs=st.lists(st.integers(0, 40), min_size=1, max_size=4),
    updates=st.lists(st.integers(0, 40), max_size=2),
    how=st.sampled_from(MODES),
    mutable=st.booleans(),
)
def test_random_graphs(program, outputs, updates, how, mutable):
    x, y = T.dvectors("x", "y")
    stored = [theano.shared(np.linspace(-1, k + 1, N), f"s{k}") for k in range(2)]
    variables = [x, y, *stored]
    for number, *pick in program:
        variables += apply(number, pick, variables, symbolic=True)
    chosen = [variables[k % len(variables)] for k in outputs]
    rules = [(s, variables[k % len(variables)]) for s, k in zip(stored, updates)]
    f = theano.function(
        [theano.In(x, mutable=mutable), y], chosen, updates=rules, mode=how, on_unused_input="ignore")
    a, b = np.linspace(0, 1, N), np.linspace(2, -3, N)
    for _ in range(3):
        before = [a.copy(), b.copy(), *(s.get_value() for s in stored)]
        values = [v.copy() for v in before]
        for number, *pick in program:
            values += [v.copy() for v in apply(number, pick, values, symbolic=False)]
        found = f(a.copy() if mutable else a, b)
        for got, k in zip(found, outputs, strict=True):
            np.testing.assert_allclose(got, values[k % len(values)], rtol=1e-12, atol=1e-12)
        np.testing.assert_array_equal(a, before[0])
        np.testing.assert_array_equal(b, before[1])
        new = dict(zip(stored, (values[k % len(values)] for k in updates)))
        for s, old in zip(stored, before[2:]):
            np.testing.assert_allclose(s.get_value(), new.get(s, old), rtol=1e-12, atol=1e-12)
        held = [a, b, *(s.get_value(borrow=True) for s in stored), *found]
        for i, one in enumerate(held):
            assert not any(np.may_share_memory(one, other) for other in held[:i])


@pytest.mark.parametrize("mode", [*MODES, DebugMode(stability_patience=1)], ids=str)
class Test_what_is_needed_elsewhere:
    def test_a_temporary(self, mode):
        x = T.dvector()
        y = T.exp(x)
        f = theano.function([x], [Negate()(y), y, AddInto()(y, y), Negate()(Negate()(y)) * y], mode=mode)
        e = np.exp(np.arange(3.0))
        for got, want in zip(f(np.arange(3.0)), [-e, e, 2 * e, e * e]):
            np.testing.assert_allclose(got, want)

    def test_a_view_of_it(self, mode):
        x = T.dvector()
        y = T.exp(x)
        f = theano.function([x], [Negate()(y), y[::-1], Backwards()(y), TwoViews()(y)[1] + 1], mode=mode)
        e = np.exp(np.arange(3.0))
        for got, want in zip(f(np.arange(3.0)), [-e, e[::-1], e[::-1], e[::-1] + 1]):
            np.testing.assert_allclose(got, want)

    def test_a_view_is_destroyed(self, mode):
        x = T.dvector()
        y = T.exp(x)
        f = theano.function([x], [Negate()(y[::2]), Negate()(Backwards()(y)), y], mode=mode)
        e = np.exp(np.arange(3.0))
        for got, want in zip(f(np.arange(3.0)), [-e[::2], -e[::-1], e]):
            np.testing.assert_allclose(got, want)

    def test_an_argument_a_constant_and_a_shared_value(self, mode):
        x, s, c = T.dvector(), theano.shared(np.arange(3.0)), T.constant([1.0, 2.0, 3.0])
        outputs = [Negate()(v) for v in (x, s, c)] + [AddInto()(s, x), AddInto()(c, x)]
        f = theano.function([x], outputs, updates=[(s, Negate()(s) + 1)], mode=mode)
        a = np.array([5.0, 6.0, 7.0])
        a.setflags(write=False)
        stored = np.arange(3.0)
        for _ in range(2):
            for got, want in zip(f(a), [-a, -stored, -c.data, stored + a, c.data + a]):
                np.testing.assert_array_equal(got, want)
            stored = 1 - stored
            np.testing.assert_array_equal(s.get_value(), stored)
        assert c.data.tolist() == [1, 2, 3]

    def test_one_variable_twice(self, mode):
        x = T.dvector()
        y = x * 1.5
        f = theano.function([x], [*Rotate()(y, y), *Swap()(y, y), y], mode=mode)
        a = np.array([2.0, 4.0])
        for got, want in zip(f(a), [0 * a, 3 * a, 1.5 * a, 3 * a, 1.5 * a]):
            np.testing.assert_array_equal(got, want)


def test_no_copy_where_nobody_needs_it():
    """The op overwrites the array that the kernel before it made; what is needed later is copied."""
    x = T.dvector()
    y = T.exp(x)
    for out, copies in ((Negate()(y).sum(), 0), (Negate()(y).sum() + y.sum(), 1)):
        steps = [step for step in theano.function([x], out).program.steps if type(step).__name__ != "FreeStep"]
        call = next(k for k, step in enumerate(steps) if type(step).__name__ == "PyCallStep")
        before = sum(step.outputs[0].ndim == 1 for step in steps[:call])
        assert before == 1 + copies


def test_an_argument_that_may_be_overwritten_is_the_callers_wish():
    x = T.dvector()
    f = theano.function([theano.In(x, mutable=True)], Negate()(x))
    np.testing.assert_array_equal(f(np.array([1.0, 2.0])), [-1, -2])


class Test_maps_that_lie:
    """DebugMode finds them, also in the middle of a graph, and in ops with several inputs."""

    def run(self, op, *arrays):
        inputs = [T.dvector(f"x{k}") for k in range(len(arrays))]
        outputs = op(*[v * 2 for v in inputs], return_list=True)
        return theano.function(inputs, [T.exp(v / 8) for v in outputs], mode=DebugMode(stability_patience=1))(*arrays)

    def lying(self, op, **maps):
        return type("Lying", (type(op),), {"view_map": {}, "destroy_map": {}, **maps})()

    def test_the_truth_passes(self):
        for op in OPS:
            self.run(op, *[np.arange(3.0) + k for k in range(ARITY.get(type(op).__name__, 2))])

    def test_an_undeclared_destruction(self):
        for op, maps, which in ((Negate(), {}, 0), (AddInto(), {}, 0), (Rotate(), {"destroy_map": {0: [0]}}, 1)):
            with pytest.raises(BadDestroyMap, match=f"changed its input {which}.*destroy_map") as info:
                self.run(self.lying(op, **maps), *[np.arange(3.0) + 1] * ARITY.get(type(op).__name__, 2))
            assert info.value.idx == which

    def test_the_wrong_input_is_declared(self):
        with pytest.raises(BadDestroyMap, match="changed its input 0"):
            self.run(self.lying(AddInto(), destroy_map={0: [1]}), np.ones(3), np.ones(3))

    def test_an_undeclared_view(self):
        for op, maps in ((Backwards(), {}), (TwoViews(), {"view_map": {0: [0]}}), (Larger(), {"view_map": {0: [1]}})):
            arrays = [np.arange(3.0) + 5, np.arange(3.0)]
            with pytest.raises(BadViewMap, match="view_map"):
                self.run(self.lying(op, **maps), *arrays[: ARITY.get(type(op).__name__, 2)])

    def test_a_destruction_that_does_not_happen_is_no_fault(self):
        class Cautious(OnVectors):
            destroy_map = {0: [0]}

            def perform(self, node, inputs, output_storage):
                output_storage[0][0] = -inputs[0]

        np.testing.assert_allclose(self.run(Cautious(), np.ones(2)), [np.exp([-0.25, -0.25])])

    def test_native_code_that_disagrees(self):
        from theano.lowering import context

        class Twice(OnVectors):
            def perform(self, node, inputs, output_storage):
                output_storage[0][0] = 2 * inputs[0]

        @context.lowers(Twice)
        def lower_twice(lowering, node):
            source = lowering.datum(node.inputs[0])
            out = lowering.new(node.outputs[0], source.dims)
            lowering.pointwise(out, [(source, (0,))], lambda point: point.read(0) * 3.0, nodes=[node])
            lowering.define(node.outputs[0], out)

        try:
            with pytest.raises(BadThunkOutput, match="native code"):
                self.run(Twice(), np.ones(2))
        finally:
            del context._rules[Twice]
