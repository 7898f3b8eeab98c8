"""Variable, Constant, Apply and Op: what they hold, refuse, and how they compare, copy and print."""

import copy
import pickle

import pytest
from symbols import Integer, chain, integer, plus, quotient, succ, symbols, times

from theano.errors import MethodNotDefined
from theano.graph.evaluate import evaluate
from theano.graph.node import Apply, Constant, Variable
from theano.graph.op import Op
from theano.graph.type import DisconnectedType, Generic, NullType, Type, generic


class Test_variables:
    def test_names_do_not_make_variables_equal(self):
        a, b = integer("x"), integer("x")
        assert a != b and a == a and len({a, b}) == 2

    def test_text(self):
        x = integer("x")
        assert str(x) == "x"
        assert str(integer()) == "<Integer>"
        assert str(succ(x)) == "succ.0"
        assert str(quotient(x, 2)[1]) == "quotient.1"
        assert str(Constant(integer, 5)) == "Constant{5}"
        assert str(Constant(integer, 5, "five")) == "five"
        assert len(str(Constant(integer, 10**50))) < 40

    def test_the_line_that_made_it(self):
        x = integer("x")  # this very line
        y = succ(x)  # and that one
        assert "this very line" in str(x.origin)
        assert "that one" in str(y.owner.origin)
        assert y.owner.tag.trace

    def test_clone_has_no_owner(self):
        y = succ(integer())
        y.name = "y"
        copied = y.clone()
        assert copied.owner is None and copied.type == y.type and copied.name == "y"

    def test_tag(self):
        x = integer()
        x.tag.note = 3
        assert x.tag.note == 3
        assert x.clone().tag.note == 3

    def test_auto_names_are_unique(self):
        assert integer().auto_name != integer().auto_name


class Test_constants:
    def test_the_type_filters_the_value(self):
        assert Constant(integer, 3).value == 3
        with pytest.raises(TypeError):
            Constant(integer, "3")

    def test_equal_content(self):
        assert Constant(integer, 3).equals(Constant(integer, 3))
        assert not Constant(integer, 3).equals(Constant(integer, 4))
        assert Constant(integer, 3) != Constant(integer, 3)

    def test_unhashable_content(self):
        data = [1]
        assert Constant(generic, data).equals(Constant(generic, data))
        assert not Constant(generic, [1]).equals(Constant(generic, [1]))


class Test_apply:
    def test_inputs_and_outputs_must_be_variables(self):
        with pytest.raises(TypeError, match="inputs of succ"):
            Apply(succ, [3], [integer()])
        with pytest.raises(TypeError, match="outputs of succ"):
            Apply(succ, [integer()], [3])

    def test_an_output_belongs_to_one_node(self):
        y = succ(integer())
        with pytest.raises(ValueError, match="another node"):
            Apply(succ, [integer()], [y])

    def test_outputs_know_their_place(self):
        q, r = quotient(7, 2)
        assert q.owner is r.owner and (q.index, r.index) == (0, 1)
        assert (q.owner.nin, q.owner.nout) == (2, 2)

    def test_the_default_output(self):
        assert succ(1).owner.out is not None
        with pytest.raises(ValueError, match="2 outputs"):
            quotient(7, 2)[0].owner.default_output()

    def test_other_inputs(self):
        x, y = symbols("x y")
        node = succ(x).owner
        other = node.clone_with_new_inputs([y])
        assert other.op is node.op and other.inputs == [y] and other.outputs[0] is not node.outputs[0]
        assert other.origin is node.origin
        with pytest.raises(TypeError):
            node.clone_with_new_inputs([generic()])


class Test_ops:
    def test_equality_follows_from_the_properties(self):
        class A(Op):
            __props__ = ("n",)

            def __init__(self, n):
                self.n = n

        class B(A):
            pass

        assert A(1) == A(1) and hash(A(1)) == hash(A(1)) and A(1) != A(2) and A(1) != B(1)
        assert str(A(1)) == "A{n=1}"

    def test_without_properties_each_is_its_own(self):
        class A(Op):
            pass

        assert A() != A()
        assert str(A()) == "A"

    def test_itypes_and_otypes_make_the_node(self):
        class Half(Op):
            itypes = [integer]
            otypes = [integer]

        x = integer("x")
        assert Half()(x).owner.inputs == [x]
        assert isinstance(Half()(4).owner.inputs[0], Constant)
        with pytest.raises(ValueError, match="1 inputs, got 2"):
            Half()(x, x)
        with pytest.raises(TypeError, match="Input 0"):
            Half()(generic())

    def test_what_an_op_lacks_is_named(self):
        class Nothing(Op):
            pass

        for call in (
            lambda op: op(1),
            lambda op: op.perform(None, [], []),
            lambda op: op.grad([], []),
            lambda op: op.R_op([], []),
            lambda op: op.infer_shape(None, []),
        ):
            with pytest.raises(MethodNotDefined, match="Nothing"):
                call(Nothing())
        assert issubclass(MethodNotDefined, NotImplementedError)

    def test_calling(self):
        x = integer("x")
        assert isinstance(succ(x), Variable)
        assert isinstance(quotient(x, 2), list)
        assert isinstance(succ(x, return_list=True), list)
        assert succ(x, name="y").name == "y"


class Test_types:
    def test_singletons(self):
        assert Integer() is integer and Generic() == generic != integer
        assert pickle.loads(pickle.dumps(integer)) is integer

    def test_filter_variable(self):
        x = integer()
        assert integer.filter_variable(x) is x
        assert integer.filter_variable(3).data == 3
        with pytest.raises(TypeError, match="Cannot convert type"):
            integer.filter_variable(generic())

    def test_validity(self):
        assert integer.is_valid_value(3) and not integer.is_valid_value("3")
        assert "no integer" in integer.value_validity_msg("3")
        assert integer.value_validity_msg(3) == "value is valid"

    def test_the_types_of_gradients_hold_no_value(self):
        for kind in (NullType("why"), DisconnectedType()):
            with pytest.raises(ValueError):
                kind.filter(1)
        assert NullType("a") == NullType("b")
        with pytest.raises(NotImplementedError):
            Type().filter(3)


class Test_copies:
    def test_a_copied_graph_is_the_same_computation_of_new_variables(self):
        x, y = symbols("x y")
        z = plus(succ(x), times(x, y))
        for make in (copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))):
            again = make(z)
            leaves = [again.owner.inputs[0].owner.inputs[0], again.owner.inputs[1].owner.inputs[1]]
            assert [v.name for v in leaves] == ["x", "y"]
            assert leaves[0] is not x
            assert leaves[0] is again.owner.inputs[1].owner.inputs[0]
            assert evaluate([again], dict(zip(leaves, (2, 5)))) == [13]

    def test_outputs_of_one_node_stay_together(self):
        q, r = pickle.loads(pickle.dumps(quotient(7, 2)))
        assert q.owner is r.owner and r.index == 1
        assert evaluate([q, r], {}) == [3, 1]

    def test_several_variables_share(self):
        x = integer("x")
        y = succ(x)
        x2, y2 = pickle.loads(pickle.dumps([x, y]))
        assert y2.owner.inputs[0] is x2

    @pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
    def test_protocols(self, protocol):
        x = integer("x")
        assert str(pickle.loads(pickle.dumps(plus(x, succ(x)), protocol)).owner) == "plus(x, succ.0)"

    def test_origins_survive(self):
        x = integer("x")
        y = pickle.loads(pickle.dumps(succ(x)))
        assert "y = pickle.loads" in str(y.owner.origin)

    def test_100_000_links(self):
        x = integer("x")
        again = pickle.loads(pickle.dumps(chain(x, 100_000)))
        leaf = again
        while leaf.owner is not None:
            leaf = leaf.owner.inputs[0]
        assert evaluate([again], {leaf: 1}) == [100_001]

    def test_deep_copies_of_long_chains(self):
        x = integer("x")
        y = chain(x, 5_000)
        z = copy.deepcopy({"y": y})["y"]
        assert z is not y and z.owner.op == y.owner.op
