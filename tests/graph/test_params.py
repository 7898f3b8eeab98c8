"""Named constants, and parameters of ops as one typed value."""

import pickle

import numpy as np
import pytest

import theano
import theano.scalar as ts
import theano.tensor as T
from theano.gof import EnumList, EnumType, Params, ParamsType

MODES = ["FAST_RUN", "FAST_COMPILE", "reference", "DebugMode"]


class Test_enumerations:
    def test_constants(self):
        colours = EnumType(RED=1, GREEN=2.5, BLUE=("blue", 3), DARK=False)
        assert colours.RED == 1 and colours["GREEN"] == 2.5 and colours.BLUE == 3 and "RED" in colours
        assert list(colours) == ["RED", "GREEN", "BLUE", "DARK"] and len(colours) == 4
        assert dict(colours.items()) == {"RED": 1, "GREEN": 2.5, "BLUE": 3, "DARK": False}
        assert colours.fromalias("blue") == 3 and colours.has_alias("blue") and not colours.has_alias("red")
        assert colours.get_aliases() == ("blue",)
        with pytest.raises(AttributeError, match="no constant 'PINK'; it has RED"):
            colours.PINK  # noqa: B018
        with pytest.raises(KeyError):
            colours.fromalias("pink")

    def test_numbered(self):
        speeds = EnumList("SLOW", ("FAST", "quick"), "FASTEST")
        assert (speeds.SLOW, speeds.FAST, speeds.FASTEST) == (0, 1, 2) and speeds.fromalias("quick") == 1
        for wrong in (("A", "A"), (3,), ("A", ("B", "A"))):
            with pytest.raises(TypeError):
                EnumList(*wrong)

    def test_values(self):
        speeds = EnumList("SLOW", ("FAST", "quick"))
        assert [speeds.filter(v) for v in (0, 1, "FAST", "quick", np.int8(1))] == [0, 1, 1, 1, 1]
        for wrong in (2, "slow", None):
            with pytest.raises(TypeError, match="none of the constants SLOW = 0, FAST = 1"):
                speeds.filter(wrong)
        with pytest.raises(TypeError):
            speeds.filter("FAST", strict=True)
        assert speeds.values_eq_approx(1, 1.0 + 1e-12) and not speeds.values_eq(0, 1)

    def test_identity(self):
        make = lambda **more: EnumType(A=1, B=("b", 2), **more)  # noqa: E731
        assert make() == make() and hash(make()) == hash(make())
        assert make() != make(C=3) and make() != EnumType(A=1, B=2)
        assert pickle.loads(pickle.dumps(make())) == make() and "A=1" in str(make())

    def test_mistakes(self):
        for wrong in ({"a": 1}, {"A B": 1}):
            with pytest.raises(AttributeError, match="in capitals"):
                EnumType(**wrong)
        for wrong in ({"A": "x"}, {"A": ("a", "b")}, {"A": ("a", 1), "B": ("a", 2)}, {"A": 1, "B": ("A", 2)}):
            with pytest.raises(TypeError):
                EnumType(**wrong)

    def test_as_a_type_of_variables(self):
        speeds = EnumList("SLOW", "FAST")
        v = speeds("v")
        f = theano.function([v], v)
        assert f("FAST") == 1 and f(0) == 0
        with pytest.raises(TypeError, match="none of the constants"):
            f(7)


KIND = ParamsType(size=ts.int64, weights=T.dvector, mode=EnumList("SLOW", ("FAST", "quick")))


class Holder:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)


class Test_params:
    def test_a_value(self):
        params = KIND.get_params(Holder(size=3, mode="quick"), weights=[1.0, 2.0])
        assert params.size == 3 and params["mode"] == 1 and params.weights.tolist() == [1, 2]
        assert isinstance(params, Params) and sorted(params) == ["mode", "size", "weights"]
        assert params == KIND.get_params(size=3, weights=np.array([1.0, 2.0]), mode=1)
        assert params != KIND.get_params(size=4, weights=[1.0, 2.0], mode=1)
        assert hash(params) == hash(KIND.get_params(size=3, weights=np.array([1.0, 2.0]), mode=1))
        assert pickle.loads(pickle.dumps(params)) == params
        with pytest.raises(AttributeError, match="no field 'length'"):
            params.length  # noqa: B018
        with pytest.raises(AttributeError, match="does not change"):
            params.size = 5
        with pytest.raises(TypeError, match="does not change"):
            params["size"] = 5

    def test_fields(self):
        assert KIND.fields == ("mode", "size", "weights") and KIND.length == 3
        assert KIND.get_type("size") == ts.int64 and KIND.has_type(T.dvector) and not KIND.has_type(T.fvector)
        assert KIND.get_field(T.dvector) == "weights"
        assert KIND.FAST == KIND.get_enum("FAST") == KIND.enum_from_alias("quick") == 1
        more = KIND.extended(bias=ts.float64)
        assert more.fields == ("bias", "mode", "size", "weights") and more != KIND
        assert KIND.generate_struct_name() == ParamsType(**dict(zip(KIND.fields, KIND.types))).generate_struct_name()
        for wrong in (lambda: KIND.get_type("x"), lambda: KIND.get_enum("X"), lambda: KIND.enum_from_alias("x")):
            with pytest.raises(KeyError):
                wrong()
        with pytest.raises(ValueError):
            KIND.get_field(T.fvector)
        with pytest.raises(AttributeError):
            KIND.SLOWEST  # noqa: B018

    def test_filtering(self):
        params = KIND.get_params(size=3, weights=[1.0], mode=0)
        assert KIND.filter(params, strict=True) is params
        assert KIND.filter(Holder(size=3, weights=[1.0], mode="SLOW")) == params
        assert KIND.values_eq_approx(params, KIND.get_params(size=3, weights=[1.0 + 1e-12], mode=0))
        with pytest.raises(TypeError, match="has no attribute 'mode'"):
            KIND.filter(Holder(size=3))
        with pytest.raises(TypeError, match="holds Params"):
            KIND.filter(Holder(size=3), strict=True)

    def test_mistakes(self):
        with pytest.raises(TypeError, match="at least one field"):
            ParamsType()
        with pytest.raises(TypeError, match="must have a Type"):
            ParamsType(a="int64")
        with pytest.raises(AttributeError, match="two meanings"):
            ParamsType(a=EnumList("X"), b=EnumList("X"))
        with pytest.raises(TypeError, match="no value for the field size"):
            KIND.get_params(weights=[1.0], mode=0)
        with pytest.raises(TypeError, match=r"missing are \['mode'.*unknown \['other'\]"):
            Params(KIND, other=1)


class Polynomial(theano.Op):
    """scale * x ** power, by parameters."""

    __props__ = ("scale", "power")
    params_type = ParamsType(scale=ts.float64, power=EnumType(SQUARE=2, CUBE=("cube", 3)))
    itypes = [T.dvector]
    otypes = [T.dvector]

    def __init__(self, scale, power):
        self.scale, self.power = scale, power

    def perform(self, node, inputs, output_storage, params):
        assert params == node.run_params()
        output_storage[0][0] = params.scale * inputs[0] ** params.power

    def grad(self, inputs, gradients):
        power = self.params_type.get_params(self).power
        return [gradients[0] * float(self.scale) * power * inputs[0] ** (power - 1)]


class Test_ops_with_params:
    @pytest.mark.parametrize("mode", MODES)
    def test_perform_gets_them(self, mode):
        x = T.dvector()
        y = Polynomial(2, "cube")(x + 1)
        f = theano.function([x], [y, theano.grad(y.sum(), x)], mode=mode)
        np.testing.assert_allclose(f([0.0, 1.0]), [[2, 16], [6, 24]])

    def test_of_a_node(self):
        node = Polynomial(2.0, "SQUARE")(T.dvector()).owner
        assert node.params_type == Polynomial.params_type and node.run_params().power == 2
        plain = (T.dvector() + 1).owner
        assert plain.params_type is None and plain.run_params() is theano.gof.graph.NoParams
        assert pickle.loads(pickle.dumps(theano.gof.graph.NoParams)) is theano.gof.graph.NoParams

    def test_pickled(self):
        x = T.dvector()
        f = pickle.loads(pickle.dumps(theano.function([x], Polynomial(2, "cube")(x))))
        assert f([2.0]).tolist() == [16]

    def test_a_wrong_one(self):
        x = T.dvector()
        with pytest.raises(TypeError, match="none of the constants"):
            theano.function([x], Polynomial(2, "tenth")(x))([1.0])
