"""theano.misc: small tools that programs import."""

import os

import numpy as np
import pytest
from scipy import sparse

import theano
import theano.tensor as T
from theano.misc.cpucount import cpuCount
from theano.misc.doubleop import DoubleOp
from theano.misc.frozendict import FrozenOrderedDict, frozendict
from theano.misc.may_share_memory import may_share_memory
from theano.misc.ordered_set import OrderedSet
from theano.misc.safe_asarray import _asarray


def test_processors():
    assert 1 <= cpuCount() <= os.cpu_count()


@pytest.mark.parametrize("mode", ["FAST_RUN", "reference", "DebugMode"])
def test_the_example_op(mode):
    for dtype in ("float64", "float32", "int8"):
        x = T.matrix(dtype=dtype)
        found = theano.function([x], DoubleOp()(x), mode=mode)(np.array([[1, 2]], dtype))
        assert found.dtype == dtype and found.tolist() == [[2, 4]]
    x = T.dvector()
    u = T.dvector()
    terms = theano.function([x, u], [theano.grad(DoubleOp()(x).sum(), x), T.Rop(DoubleOp()(x), x, u)], mode=mode,
                            on_unused_input="ignore")([1.0], [3.0])
    assert [t.tolist() for t in terms] == [[2], [6]]


def test_frozen_dictionaries():
    for kind in (frozendict, FrozenOrderedDict):
        d = kind({"a": 1}, b=2)
        assert dict(d) == {"a": 1, "b": 2} and d["a"] == 1 and "b" in d and len(d) == 2 and list(d) == ["a", "b"]
        assert d == kind(b=2, a=1) and hash(d) == hash(kind(b=2, a=1)) and {d: 3}[kind(b=2, a=1)] == 3
        assert dict(d.copy(b=5, c=6)) == {"a": 1, "b": 5, "c": 6} and d["b"] == 2
        with pytest.raises(TypeError):
            d["a"] = 2
        with pytest.raises(KeyError):
            d["z"]


def test_sets_with_an_order():
    s = OrderedSet([3, 1, 3, 2])
    assert list(s) == [3, 1, 2] == list(reversed(list(reversed(s)))) and len(s) == 3 and 1 in s
    s.add(0)
    s.discard(1)
    s.discard(7)
    s.update([5, 3])
    assert s == [3, 2, 0, 5] and s == {0, 2, 3, 5} and s != [2, 3, 0, 5] and s == OrderedSet([3, 2, 0, 5])
    assert (s.pop(), s.pop(last=False)) == (5, 3) and s == [2, 0]
    assert s.union([7, 2]) == [2, 0, 7] and s | [9] == [2, 0, 9] and s & [0] == [0] and s - [0] == [2]
    copied = s.copy()
    s.intersection_update([0])
    copied.difference_update([0])
    assert s == [0] and copied == [2] and repr(s) == "OrderedSet([0])" and repr(OrderedSet()) == "OrderedSet()"
    with pytest.raises(KeyError):
        OrderedSet().pop()
    with pytest.raises(TypeError, match="no order"):
        OrderedSet({1, 2})


def test_arrays_of_exactly_one_dtype():
    for dtype in ("int64", "longlong", "float32", "bool"):
        made = _asarray([0, 1], dtype)
        assert made.dtype == np.dtype(dtype) and made.dtype.num == np.dtype(dtype).num and made.tolist() == [0, 1]
    with theano.change_flags(floatX="float32"):
        assert _asarray([1], "floatX").dtype == "float32"
    assert _asarray(np.zeros((2, 3)), "float64", order="F").flags.f_contiguous
    assert _asarray(np.zeros(2, np.longlong), "int64").dtype.num == np.dtype("int64").num


def test_memory():
    a = np.arange(6.0)
    assert may_share_memory(a, a[2:]) and not may_share_memory(a, a.copy()) and not may_share_memory(a[:3], a[3:])
    m = sparse.csr_matrix(np.eye(3))
    assert may_share_memory(m, m.data) and may_share_memory(m, sparse.csr_matrix(m, copy=False))
    assert not may_share_memory(m, m.copy()) and not may_share_memory(m, a)
    assert may_share_memory(a, "a", raise_other_type=False) is False
    with pytest.raises(TypeError, match="got str"):
        may_share_memory("a", a)


def test_paths():
    assert theano.misc.ordered_set.OrderedSet is OrderedSet
    with pytest.raises(AttributeError):
        theano.misc.no_such_module  # noqa: B018
