"""`record_class` makes what `dataclass` makes."""

import copy
import dataclasses
import pickle
from dataclasses import FrozenInstanceError, dataclass

import pytest

from theano._records import field, record_class


@record_class(frozen=True, slots=True)
class Frozen:
    a: int
    b: tuple[int, ...] = ()


@record_class(slots=True)
class Changing:
    a: int
    b: list[int] = field(default_factory=list)
    c: str = field(default="c", repr=False, compare=False)


@record_class(eq=False, slots=True, kw_only=True)
class Base:
    first: int
    last: int = 3


@record_class(eq=False, slots=True, kw_only=True)
class Derived(Base):
    other: int

    def __post_init__(self):
        self.last += self.other


@record_class(frozen=True)
class Partly:
    name: str
    extra: dict = field(default_factory=dict, hash=False)


def test_frozen():
    x = Frozen(1, (2,))
    assert x == Frozen(a=1, b=(2,)) != Frozen(1) and x != (1, (2,))
    assert hash(x) == hash(Frozen(1, (2,))) and {x: 1}[Frozen(1, (2,))] == 1
    assert repr(x) == "Frozen(a=1, b=(2,))"
    for change in (lambda: setattr(x, "a", 2), lambda: delattr(x, "a"), lambda: setattr(x, "z", 2)):
        with pytest.raises(FrozenInstanceError):
            change()
    for other in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x)), dataclasses.replace(x, a=1)):
        assert other == x
    assert dataclasses.replace(x, b=(3,)) == Frozen(1, (3,))
    assert [f.name for f in dataclasses.fields(x)] == ["a", "b"] and not hasattr(x, "__dict__")
    match x:
        case Frozen(a, (b,)):
            assert (a, b) == (1, 2)


def test_changing():
    x, y = Changing(1), Changing(1, c="d")
    x.b.append(2)
    assert y.b == [] and x != y
    y.b = [2]
    assert x == y and repr(y) == "Changing(a=1, b=[2])"
    with pytest.raises(TypeError):
        hash(x)
    with pytest.raises(AttributeError):
        x.z = 1
    assert pickle.loads(pickle.dumps(y)).c == "d"
    x.b.append(x)
    assert repr(x) == "Changing(a=1, b=[2, ...])"


def test_inherited_and_by_name():
    x = Derived(first=1, other=2)
    assert (x.first, x.last, x.other) == (1, 5, 2) and repr(x) == "Derived(first=1, last=5, other=2)"
    assert x != Derived(first=1, other=2) and x in {x}
    for call in (lambda: Derived(1, 3, 2), lambda: Derived(first=1), lambda: Derived(first=1, other=2, more=3)):
        with pytest.raises(TypeError):
            call()


def test_a_field_that_is_not_hashed():
    assert hash(Partly("x", {1: 2})) == hash(Partly("x")) and Partly("x", {1: 2}) != Partly("x")


def test_own_methods_stay():
    @record_class(frozen=True)
    class Own:
        a: int

        def __eq__(self, other):
            return True

        def __hash__(self):
            return 7

        def __repr__(self):
            return "own"

    assert Own(1) == Own(2) and hash(Own(1)) == 7 and repr(Own(1)) == "own"


def test_as_dataclass_in_errors():
    def make(decorate):
        class Thing:
            a: int
            b: int = 0

        return decorate(Thing)

    ours, theirs = make(record_class()), make(dataclass)
    for arguments in ((), (1, 2, 3)):
        with pytest.raises(TypeError) as first:
            theirs(*arguments)
        with pytest.raises(TypeError) as second:
            ours(*arguments)
        assert str(first.value) == str(second.value)
    with pytest.raises(TypeError, match="follows default"):
        class Wrong:
            a: int = 0
            b: int

        record_class()(Wrong)
