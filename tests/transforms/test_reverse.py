"""grad and Lop: options, conventions, what ops may return, cost."""

import cProfile

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.errors import DisconnectedInputError, MethodNotDefined, NullTypeGradError
from theano.gradient import (
    DisconnectedType,
    Lop,
    disconnected_grad,
    format_as,
    grad,
    grad_not_implemented,
    grad_undefined,
    undefined_grad,
    zero_grad,
)
from theano.graph.evaluate import evaluate
from theano.graph.node import Apply
from theano.graph.op import Op
from theano.graph.traverse import ancestors
from theano.graph.type import NullType
from theano.transforms.reverse import backpropagate


def value(variable, givens):
    return evaluate([variable], {v: np.asarray(x, v.type.dtype) for v, x in givens.items()})[0]


class Test_what_is_asked:
    def test_result_mirrors_the_form_of_wrt(self):
        x, y = T.dscalars("x", "y")
        cost = x * y
        assert isinstance(grad(cost, [x, y]), list)
        assert isinstance(grad(cost, (x, y)), tuple)
        assert grad(cost, x).type == x.type
        assert grad(cost, []) == []

    def test_the_cost_must_be_a_scalar(self):
        x = T.dvector("x")
        with pytest.raises(TypeError, match=r"must be a scalar.*1 axes"):
            grad(x, x)

    def test_the_cost_must_be_symbolic_and_real(self):
        x = T.dscalar("x")
        with pytest.raises(TypeError, match="symbolic"):
            grad(3.0, x)
        z = T.zscalar("z")
        with pytest.raises(TypeError, match="real"):
            grad(z, z)

    def test_a_null_cost_is_refused(self):
        with pytest.raises(ValueError, match="NullType"):
            grad(NullType("because")(), T.dscalar())

    @pytest.mark.parametrize("wrt", [{1}, frozenset()])
    def test_a_set_has_no_order(self, wrt):
        with pytest.raises(TypeError, match="set"):
            grad(T.dscalar(), wrt)

    def test_wrt_must_be_symbolic(self):
        x = T.dscalar("x")
        with pytest.raises(TypeError, match="symbolic"):
            grad(x, ["x"])

    @pytest.mark.parametrize(
        "option", ["disconnected_inputs", "return_disconnected", "null_gradients"]
    )
    def test_unknown_choices_are_refused(self, option):
        x = T.dscalar("x")
        with pytest.raises(ValueError, match=option):
            grad(x, x, **{option: "perhaps"})

    def test_names(self):
        x = T.dscalar("x")
        cost = x * x
        cost.name = "cost"
        assert grad(cost, x).name == "(dcost/dx)"
        assert grad(cost * 1.5, x).name is None
        cost = T.exp(x)
        cost.name = "cost"
        assert grad(cost, x, add_names=False).name is None
        assert x.name == "x"

    def test_format_as(self):
        assert format_as(False, False, [1]) == 1
        assert format_as(True, False, (1, 2)) == [1, 2]
        assert format_as(False, True, 1) == (1,)
        with pytest.raises(ValueError):
            format_as(True, True, [1])
        with pytest.raises(ValueError):
            format_as(False, False, [1, 2])


class Test_values:
    def test_the_cost_by_itself_is_one(self):
        x = T.dscalar("x")
        assert value(grad(x, x), {x: 5}) == 1

    def test_uses_add_up(self):
        x = T.dvector("x")
        cost = (x * x + 3 * x + T.exp(x)).sum()
        at = np.array([0.1, -0.4])
        np.testing.assert_allclose(value(grad(cost, x), {x: at}), 2 * at + 3 + np.exp(at), rtol=1e-14)

    def test_by_an_intermediate_and_through_it(self):
        x = T.dvector("x")
        y = x**2
        dy, dx = grad((y * 3).sum(), [y, x])
        np.testing.assert_array_equal(value(dy, {x: [1, 2]}), [3, 3])
        np.testing.assert_array_equal(value(dx, {x: [1, 2]}), [6, 12])

    def test_a_rebuilt_intermediate_is_another_variable(self):
        x = T.dscalar("x")
        y = x * 2
        with pytest.raises(DisconnectedInputError, match="built again"):
            grad(y**2, x * 2)

    def test_consider_constant_stops_there(self):
        x = T.dscalar("x")
        y = x * 3
        assert value(grad(x * y, x, consider_constant=[y]), {x: 2}) == 6
        assert value(grad(x * y, y, consider_constant=[y]), {x: 2}) == 2
        with pytest.raises(TypeError, match="collection"):
            grad(x * y, x, consider_constant=y)

    def test_known_grads_take_the_place_of_what_flows_in(self):
        x = T.dvector("x")
        y = T.exp(x)
        z = y.sum()
        seed = np.array([10.0, 100.0])
        direct = grad(None, x, known_grads={y: T.as_tensor_variable(seed)})
        at = np.array([0.5, -0.5])
        np.testing.assert_allclose(value(direct, {x: at}), seed * np.exp(at))
        replaced = grad(z, x, known_grads={y: T.as_tensor_variable(seed)})
        np.testing.assert_allclose(value(replaced, {x: at}), seed * np.exp(at))
        with pytest.raises(ValueError, match="known_grads"):
            grad(None, x)
        with pytest.raises(ValueError, match="axes"):
            grad(None, x, known_grads={y: T.constant(1.0)})
        with pytest.raises(TypeError):
            grad(None, x, known_grads=[(y, seed)])

    def test_broadcast_inputs_get_sums(self):
        m, v, s = T.dmatrix("m"), T.dvector("v"), T.dscalar("s")
        dm, dv, ds = grad((m * v + s).sum(), [m, v, s])
        at = {m: np.arange(6.0).reshape(2, 3), v: [1, 2, 3], s: 4}
        np.testing.assert_array_equal(value(dm, at), [[1, 2, 3], [1, 2, 3]])
        np.testing.assert_array_equal(value(dv, at), [3, 5, 7])
        assert value(ds, at) == 6

    @pytest.mark.parametrize("shape", [(0,), (1,), (3,)])
    def test_lengths_zero_and_one(self, shape):
        x = T.dvector("x")
        at = np.ones(shape)
        assert value(grad((x**3).sum(), x), {x: at}).shape == shape

    def test_float32_stays_float32(self):
        x, w = T.fmatrix("x"), T.fvector("w")
        cost = T.sqr(T.dot(x, w) * 2.5 + 1).mean()
        found = grad(cost, [x, w])
        assert [g.dtype for g in found] == ["float32", "float32"]
        for variable in ancestors(found):
            assert variable.type.dtype != "float64" or variable.owner is None, variable

    def test_broadcastable_axes_are_kept(self):
        r = T.drow("r")
        g = grad((r * T.dmatrix("m")).sum(), r)
        assert g.broadcastable == (True, False)


class Test_integers:
    def test_the_gradient_by_an_integer_is_a_float(self):
        i, x = T.ivector("i"), T.dvector("x")
        g = grad((i * x).sum(), i)
        assert g.dtype == "float64"
        np.testing.assert_array_equal(value(g, {i: [1, 2], x: [0.5, 0.25]}), [0.5, 0.25])

    def test_through_integers_it_is_zero(self):
        i = T.ivector("i")
        g = grad(T.exp(i * 2).sum(), i)
        np.testing.assert_array_equal(value(g, {i: [1, 2]}), [0, 0])
        assert g.dtype == theano.config.floatX

    def test_an_integer_cost(self):
        i = T.iscalar("i")
        assert value(grad(i, i), {i: 3}) == 1
        assert value(grad(i * 2, i), {i: 3}) == 0

    def test_through_comparisons_it_is_zero(self):
        x = T.dvector("x")
        np.testing.assert_array_equal(value(grad(T.mean(T.neq(x, 0)), x), {x: [0, 1]}), [0, 0])

    def test_through_argmax_it_is_zero(self):
        x = T.dvector("x")
        np.testing.assert_array_equal(value(grad(T.argmax(x) * 1.5, x), {x: [0, 1]}), [0, 0])

    def test_through_the_shape_nothing_is_connected(self):
        x = T.dvector("x")
        with pytest.raises(DisconnectedInputError):
            grad(T.cast(x.shape[0], "float64") * 2, x)

    def test_floatX_decides_the_dtype(self):
        i = T.iscalar("i")
        with theano.config.change_flags(floatX="float32"):
            assert grad(T.cast(i, "float32") * 2, i).dtype == "float32"


class Test_disconnection:
    def test_raise_names_the_variable_and_its_line(self):
        x, y = T.dscalar("x"), T.dscalar("lonely")
        with pytest.raises(DisconnectedInputError, match=r"lonely(.|\n)*test_reverse\.py"):
            grad(x * 2, y)
        assert issubclass(DisconnectedInputError, ValueError)

    def test_warn(self):
        x, y = T.dscalar("x"), T.dvector("y")
        with pytest.warns(UserWarning, match="does not depend") as caught:
            g = grad(x * 2, y, disconnected_inputs="warn")
        assert caught[0].filename == __file__
        np.testing.assert_array_equal(value(g, {y: [1, 2]}), [0, 0])

    def test_ignore_and_what_is_returned(self):
        x, y = T.dscalar("x"), T.dvector("y")
        options = {"disconnected_inputs": "ignore"}
        np.testing.assert_array_equal(value(grad(x, y, **options), {y: [1, 2]}), [0, 0])
        assert grad(x, y, return_disconnected="None", **options) is None
        found = grad(x, [y, x], return_disconnected="Disconnected", **options)
        assert isinstance(found[0].type, DisconnectedType)
        assert value(found[1], {}) == 1

    def test_disconnected_grad(self):
        x = T.dscalar("x")
        assert value(grad(disconnected_grad(x) * x, x), {x: 3}) == 3
        with pytest.raises(DisconnectedInputError):
            grad(disconnected_grad(x) * 2, x)

    def test_zero_grad_is_connected(self):
        x = T.dvector("x")
        np.testing.assert_array_equal(value(grad(zero_grad(x).sum(), x), {x: [3, 4]}), [0, 0])

    def test_undefined_grad(self):
        x = T.dscalar("x")
        with pytest.raises(NullTypeGradError, match="undefined"):
            grad(undefined_grad(x) * 2, x)
        assert isinstance(grad(undefined_grad(x) * x, x, null_gradients="return").type, NullType)

    def test_undefined_elsewhere_does_not_matter(self):
        x, y = T.dscalar("x"), T.dscalar("y")
        assert value(grad(undefined_grad(x) * y, y), {x: 3, y: 1}) == 3


class Returns(Op):
    """x; its derivative is whatever `term` makes."""

    def __init__(self, term):
        self.term = term

    def make_node(self, *xs):
        return Apply(self, list(xs), [xs[0].type()])

    def perform(self, node, inputs, storage):
        storage[0][0] = inputs[0].copy()

    def grad(self, inputs, output_gradients):
        return self.term(self, inputs, output_gradients)


class Test_what_an_op_returns:
    @pytest.mark.parametrize(
        "term, error, words",
        [
            (lambda op, xs, gs: [None], TypeError, "None for input 0"),
            (lambda op, xs, gs: [1.0], TypeError, "float for input 0"),
            (lambda op, xs, gs: gs[0], TypeError, "list"),
            (lambda op, xs, gs: [gs[0], gs[0]], ValueError, "2 terms for 1 inputs"),
            (lambda op, xs, gs: [gs[0].sum()], ValueError, "0 axes"),
            (lambda op, xs, gs: [T.cast(gs[0], "int64")], TypeError, "int64"),
            (lambda op, xs, gs: [T.cast(gs[0], "complex128")], TypeError, "complex"),
        ],
    )
    def test_mistakes_name_the_op_and_its_line(self, term, error, words):
        x = T.dvector("x")
        with pytest.raises(error, match=rf"Returns.*{words}(.|\n)*test_reverse\.py"):
            grad(Returns(term)(x).sum(), x)

    def test_an_integer_zero_is_a_zero(self):
        x = T.dvector("x")
        g = grad(Returns(lambda op, xs, gs: [T.zeros_like(T.cast(xs[0], "int8"))])(x).sum(), x)
        assert g.dtype == "float64"
        np.testing.assert_array_equal(value(g, {x: [1, 2]}), [0, 0])

    def test_another_float_dtype_is_cast(self):
        x = T.fvector("x")
        assert grad(Returns(lambda op, xs, gs: [T.cast(gs[0], "float64")])(x).sum(), x).dtype == "float32"

    def test_not_implemented_and_undefined(self):
        x = T.dvector("x")
        for make, word in [(grad_not_implemented, "not implemented"), (grad_undefined, "undefined")]:
            op = Returns(lambda op, xs, gs, make=make: [make(op, 0, xs[0], "no idea")])
            with pytest.raises(NullTypeGradError, match=f"{word}.*no idea"):
                grad(op(x).sum(), x)

    def test_an_op_without_derivative(self):
        class Bare(Op):
            def make_node(self, x):
                return Apply(self, [x], [x.type()])

        x = T.dvector("x")
        with pytest.raises(MethodNotDefined, match=r"Bare(.|\n)*neither L_op nor grad(.|\n)*test_reverse\.py"):
            grad(Bare()(x).sum(), x)

    def test_the_connection_pattern_is_honoured(self):
        class First(Returns):
            def connection_pattern(self, node):
                return [[True], [False]]

        x, y = T.dvector("x"), T.dvector("y")
        op = First(lambda op, xs, gs: [gs[0] * 2, gs[0] * 3])
        np.testing.assert_array_equal(value(grad(op(x, y).sum(), x), {x: [1.0], y: [1.0]}), [2])
        with pytest.raises(DisconnectedInputError):
            grad(op(x, y).sum(), y)

    @pytest.mark.parametrize("pattern", [[[True]], [[True], []], None])
    def test_a_wrong_connection_pattern(self, pattern):
        class Wrong(Returns):
            def connection_pattern(self, node):
                return pattern

        x, y = T.dvector("x"), T.dvector("y")
        with pytest.raises(ValueError, match="connection_pattern"):
            grad(Wrong(lambda op, xs, gs: [gs[0], gs[0]])(x, y).sum(), x)

    def test_several_outputs_of_which_some_flow(self):
        class Two(Op):
            def make_node(self, x):
                return Apply(self, [x], [x.type(), x.type()])

            def perform(self, node, inputs, storage):
                storage[0][0], storage[1][0] = inputs[0] * 2, inputs[0] * 3

            def L_op(self, inputs, outputs, gradients):
                terms = [k * g for k, g in zip((2, 3), gradients) if not isinstance(g.type, DisconnectedType)]
                return [sum(terms[1:], terms[0])]

        x = T.dvector("x")
        a, b = Two()(x)
        for cost, slope in [(a.sum(), 2), (b.sum(), 3), ((a + b).sum(), 5), ((a * a).sum(), 8)]:
            np.testing.assert_array_equal(value(grad(cost, x), {x: [1.0]}), [slope])


class Test_lop:
    def test_vector_times_jacobian(self):
        x, v = T.dvector("x"), T.dvector("v")
        w = T.dmatrix("w")
        at = {x: [1.0, 2.0], v: [1.0, -1.0, 0.5], w: np.arange(6.0).reshape(3, 2)}
        np.testing.assert_allclose(value(Lop(T.dot(w, x), x, v), at), np.array([1, -1, 0.5]) @ at[w])

    def test_outputs_that_contain_each_other_add_up(self):
        x = T.dscalar("x")
        y = x * 2
        z = y * 3
        assert value(Lop([y, z], x, [T.constant(1.0), T.constant(10.0)]), {x: 1}) == 62

    def test_mistakes(self):
        x = T.dvector("x")
        with pytest.raises(ValueError, match="one eval_point"):
            Lop([x], x, [x, x])
        with pytest.raises(ValueError, match="axes"):
            Lop(x, x, T.dmatrix())
        with pytest.raises(DisconnectedInputError):
            Lop(x * 2, T.dvector("y"), x)


class Test_origin_and_cost:
    def test_nodes_of_the_gradient_have_the_line_of_the_forward_node(self):
        x = T.dscalar("x")
        y = T.tanh(x)  # the marked line
        g = grad(y, x)
        assert "the marked line" in str(g.owner.origin)

    def test_second_derivatives(self):
        x = T.dscalar("x")
        g = x**4
        for _ in range(4):
            g = grad(g, x)
        assert value(g, {x: 0.7}) == pytest.approx(24)

    def test_a_long_chain(self):
        x = T.dscalar("x")
        y = x
        for _ in range(20_000):
            y = T.sin(y)
        assert grad(y, x).type == x.type

    def test_work_is_linear(self):
        """Calls of Python functions, counted: the sweep does the same for each link, however many there are."""

        def calls(n):
            x = T.dscalar("x")
            y = x
            for _ in range(n):
                y = T.tanh(y) * x
            profile = cProfile.Profile()
            profile.runcall(grad, y, x)
            return sum(entry.callcount for entry in profile.getstats())

        calls(100)
        assert calls(2000) <= 4.2 * calls(500)

    def test_uses_of_one_variable_are_one_sum(self):
        x = T.dscalar("x")
        g = grad(sum((T.sin(x * k) for k in range(2, 8)), T.sin(x)), x)
        assert len(g.owner.inputs) == 7

    def test_dead_ends_are_not_differentiated(self):
        x, y = T.dscalar("x"), T.dscalar("y")
        asked = []

        def term(op, xs, gs):
            asked.append(op)
            return [gs[0]]

        backpropagate([(x * Returns(term)(y), T.constant(1.0))], [x])
        assert asked == []
