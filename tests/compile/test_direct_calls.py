"""Compiled functions are called without looking `__call__` up."""

from __future__ import annotations

import gc
import pickle
import weakref

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.backends.native.runtime import runtime
from theano.compile import direct_calls
from theano.compile.direct_calls import CODE, DirectCalls, call_directly

VECTORCALL = 1 << 11


def adder(**options: object) -> theano.compile.Function:
    x, y = T.dscalars("x", "y")
    return theano.function([x, y], x + y, **options)


def word(function: theano.compile.Function) -> int:
    return int(direct_calls.ctypes.c_int64.from_address(id(function) + CODE).value)


def test_functions_are_called_directly() -> None:
    f = adder()
    assert isinstance(f, DirectCalls) and type(f).__flags__ & VECTORCALL
    assert word(f) == runtime().scopes["core"]["entry"]
    assert f(1.0, 2.0) == 3 and f.__call__(1.0, 2.0) == 3 and type(f).__call__(1.0, 2.0) == 3


def test_every_way_of_calling() -> None:
    f = adder()
    assert f(*[1.0, 2.0]) == 3 and f(1.0, y=2.0) == 3 and f(x=1.0, y=2.0) == 3 and f(**{"x": 1.0, "y": 2.0}) == 3
    assert list(map(f, [1.0, 2.0], [3.0, 4.0])) == [4, 6]
    assert f(1, np.float32(2.0)) == 3
    for args, names in (((1.0,), {}), ((1.0, 2.0, 3.0), {}), ((1.0, 2.0), {"z": 1}), (("a", 2.0), {})):
        with pytest.raises(TypeError):
            f(*args, **names)


def test_functions_that_need_python_are_not() -> None:
    f = adder(profile=True)
    assert not type(f).__flags__ & VECTORCALL and word(f) == 0
    assert f(1.0, 2.0) == 3
    g = adder(mode="FAST_COMPILE")
    assert g(1.0, 2.0) == 3


def test_better_code_reaches_functions_that_exist() -> None:
    f = adder()
    runtime().upgrade()
    assert word(f) == runtime().scopes["core"]["entry"]
    assert f(1.0, 2.0) == 3


def test_copies_and_pickles_have_their_own() -> None:
    f = adder()
    for g in (f.copy(), pickle.loads(pickle.dumps(f))):
        assert g(1.0, 2.0) == 3
    state = theano.shared(1.0)
    h = theano.function([], state, updates=[(state, state + 1)])
    other = h.copy(share_memory=False)
    assert [float(k()) for k in (h, h, other, h, other)] == [1, 2, 3, 4, 5]
    del f, h
    gc.collect()
    assert other() == 6


def test_functions_are_collected_with_what_they_need() -> None:
    f = adder()
    call = f.__call__
    gone = weakref.ref(f)
    del f
    gc.collect()
    assert call(1.0, 2.0) == 3  # it holds the function, for what is unusual
    del call
    gc.collect()
    assert gone() is None


def test_objects_do_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct_calls, "_POSSIBLE", False)
    f = adder()
    assert not type(f).__flags__ & VECTORCALL
    assert f(1.0, 2.0) == 3
    assert direct_calls._make() is object
    assert not call_directly(f)


def test_an_instance_without_code_is_called_as_any_object() -> None:
    class Plain(DirectCalls):
        def __call__(self, x: int) -> int:
            return x + 1

    thing = Plain()
    assert call_directly(thing) and thing(1) == 2
    with pytest.raises(TypeError):
        DirectCalls()()
