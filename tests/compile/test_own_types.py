"""A type of a user's own, with variables, constants, shared variables and ops on it, in every mode and pickled."""

from __future__ import annotations

import pickle
from typing import Any, NamedTuple

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.compile.debugmode import BadThunkOutput, DebugMode, InvalidValueError
from theano.graph.evaluate import evaluate
from theano.graph.shared import SharedVariable

MODES = ["FAST_RUN", "FAST_COMPILE", "reference", "DebugMode"]


class Interval(NamedTuple):
    low: float
    high: float


class IntervalVariable(theano.Variable):
    def __add__(self, other: Any) -> Any:
        return Sum()(self, other)

    @property
    def width(self) -> Any:
        return Width()(self)


class IntervalConstant(IntervalVariable, theano.Constant):
    pass


class SharedInterval(IntervalVariable, SharedVariable):
    pass


class IntervalType(theano.Type):
    """Intervals of which the ends have a unit, which is a parameter of the type."""

    Variable = IntervalVariable
    Constant = IntervalConstant

    def __init__(self, unit: str = "m") -> None:
        self.unit = unit

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> Interval:
        if not isinstance(data, Interval):
            if strict:
                raise TypeError(f"{self} holds an Interval, got {data!r}")
            data = Interval(*map(float, data))
        if not data.low <= data.high:
            raise ValueError(f"An interval goes upwards, got {data}")
        return data

    def values_eq_approx(self, a: Any, b: Any) -> bool:
        return np.allclose(a, b)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.unit == other.unit

    def __hash__(self) -> int:
        return hash((IntervalType, self.unit))

    def __str__(self) -> str:
        return f"Interval({self.unit})"


class Sum(theano.Op):
    __props__ = ()

    def make_node(self, *inputs: Any) -> Any:
        kind = next(v.type for v in inputs if isinstance(v, theano.Variable))
        return theano.Apply(self, [kind.filter_variable(v) for v in inputs], [kind()])

    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        output_storage[0][0] = Interval(sum(v.low for v in inputs), sum(v.high for v in inputs))


class Width(theano.Op):
    __props__ = ()
    itypes = [IntervalType()]
    otypes = [T.dscalar]

    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        output_storage[0][0] = np.asarray(inputs[0].high - inputs[0].low)


class Around(theano.Op):
    """The interval of a given radius around a number."""

    __props__ = ("radius",)
    itypes = [T.dscalar]
    otypes = [IntervalType()]

    def __init__(self, radius: float) -> None:
        self.radius = radius

    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        middle = float(inputs[0])
        output_storage[0][0] = Interval(middle - self.radius, middle + self.radius)


meters = IntervalType()


@pytest.fixture
def shared_intervals():
    def constructor(value, name=None, strict=False, allow_downcast=None):
        if not isinstance(value, Interval):
            raise TypeError("no interval")
        return SharedInterval(name, meters, value, strict, allow_downcast)

    theano.compile.shared_constructor(constructor)
    yield
    theano.compile.shared_constructor(constructor, remove=True)


@pytest.mark.parametrize("mode", MODES)
def test_functions(mode: str) -> None:
    x, a = meters("x"), T.dscalar("a")
    total = x + Around(0.5)(a) + Interval(0.0, 1.0)
    f = theano.function([x, a], [total, T.exp(total.width), x], mode=mode)
    found = f((1, 2), 10.0)
    assert found[0] == Interval(10.5, 13.5) and isinstance(found[0], Interval)
    np.testing.assert_allclose(found[1], np.exp(3.0))
    assert found[2] == Interval(1.0, 2.0)


@pytest.mark.parametrize("mode", MODES)
def test_arguments_are_checked(mode: str) -> None:
    x = meters("x")
    f = theano.function([x], x.width, mode=mode)
    with pytest.raises(ValueError, match=r"goes upwards, got Interval\(low=2.0, high=1.0\)"):
        f((2, 1))
    with pytest.raises(TypeError):
        f(3)
    with pytest.raises(TypeError, match="holds an Interval, got"):
        theano.function([theano.In(x, strict=True)], x.width, mode=mode)((1, 2))


@pytest.mark.parametrize("mode", MODES[:3])
def test_outputs_are_checked(mode: str) -> None:
    a = T.dscalar("a")
    f = theano.function([a], Around(-1)(a).width, mode=mode)
    with pytest.raises(ValueError, match="gave a wrong output 0: An interval goes upwards") as info:
        f(0.0)
    assert "f = theano.function([a], Around(-1)(a).width" in str(info.value)
    with pytest.raises(InvalidValueError):
        theano.function([a], Around(-1)(a), mode="DebugMode")(0.0)


def test_types_are_equal_by_their_parameters() -> None:
    assert meters == IntervalType() and hash(meters) == hash(IntervalType()) and meters != IntervalType("ft")
    feet = IntervalType("ft")("x")
    with pytest.raises(TypeError, match=r"must be of type Interval\(m\), got x of type Interval\(ft\)"):
        feet.width  # noqa: B018
    x = meters("x")
    graph = theano.gof.FunctionGraph([x], [x + x, Sum()(x, x)])
    assert len(graph) == 1, "equal ops on equal inputs are one"


def test_givens_clone_and_eval() -> None:
    x, y = meters("x"), meters("y")
    out = (x + y).width
    assert theano.clone(out, {y: x}).eval({x: (0, 2)}) == 4
    assert theano.function([x], out, givens={y: Around(1)(0.0)})((0, 1)) == 3
    assert evaluate([x + y], {x: Interval(0.0, 1.0), y: Interval(1.0, 1.0)}) == [Interval(1.0, 2.0)]
    assert isinstance(x + y, IntervalVariable) and isinstance((x + (1, 2)).owner.inputs[1], IntervalConstant)


@pytest.mark.parametrize("mode", MODES[:3])
def test_shared_values(shared_intervals: None, mode: str) -> None:
    x = meters("x")
    seen = theano.shared(Interval(0.0, 0.0), "seen")
    assert isinstance(seen, SharedInterval)
    f = theano.function([x], seen.width, updates=[(seen, seen + x)], mode=mode)
    assert [float(f((-1, 1))), float(f((0, 3)))] == [0, 2]
    assert seen.get_value() == Interval(-1.0, 4.0)
    with pytest.raises(ValueError, match="Cannot set the value of seen: An interval goes upwards"):
        seen.set_value((2, 1))
    seen.set_value((1, 2))
    assert seen.get_value() == Interval(1.0, 2.0)
    assert theano.function([], seen + seen, mode=mode)() == Interval(2.0, 4.0)


def test_pickling(shared_intervals: None) -> None:
    x, a = meters("x"), T.dscalar("a")
    seen = theano.shared(Interval(0.0, 0.0), "seen")
    total = x + Around(0.5)(a) + seen
    f = theano.function([x, a], [total, total.width * 2], updates=[(seen, total)])
    again = pickle.loads(pickle.dumps(f))
    for _ in range(2):
        assert f((0, 1), 1.0)[0] == again((0, 1), 1.0)[0]
    variable, graph = pickle.loads(pickle.dumps((x, total)))
    assert variable.type == meters and isinstance(graph, IntervalVariable)
    assert variable in theano.gof.graph.ancestors([graph])


def test_debug_mode_compares_by_the_types_own_rule() -> None:
    class Shaky(theano.Op):
        """Not the same twice."""

        __props__ = ()
        itypes = [T.dscalar]
        otypes = [meters]
        step = 0.0

        def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
            Shaky.step += 1e-12 if self.small else 1.0
            output_storage[0][0] = Interval(0.0, 1.0 + Shaky.step)

    a = T.dscalar("a")
    options = {"stability_patience": 1, "check_preallocated_output": "previous"}
    Shaky.small = True
    theano.function([a], Shaky()(a), mode=DebugMode(**options))(1.0)
    Shaky.small = False
    with pytest.raises(BadThunkOutput):
        theano.function([a], Shaky()(a), mode=DebugMode(**options))(1.0)
