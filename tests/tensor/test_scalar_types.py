"""The original's scalars: tensors without axes."""

import importlib

import numpy as np
import pytest

import theano
import theano.scalar as ts
import theano.tensor as T


def test_types():
    assert ts.float64 == T.dscalar and ts.Scalar("float32") == T.fscalar and ts.get_scalar_type("int8") is ts.int8
    assert isinstance(ts.float64, ts.Scalar) and not isinstance(T.dvector, ts.Scalar) and not isinstance(3, ts.Scalar)
    assert [len(t) for t in (ts.int_types, ts.uint_types, ts.float_types, ts.complex_types)] == [4, 4, 3, 2]
    assert ts.all_types == ts.discrete_types + ts.continuous_types and ts.bool in ts.discrete_types
    assert ts.integer_types == ts.int_types + ts.uint_types
    assert {t.dtype for t in ts.all_types} == set(ts.all_dtypes)
    with pytest.raises(TypeError):
        ts.Scalar("text")
    with pytest.raises(AttributeError):
        ts.float65  # noqa: B018


def test_variables():
    x = ts.float64("x")
    assert x.name == "x" and isinstance(x, ts.ScalarVariable) and not isinstance(T.dvector(), ts.ScalarVariable)
    assert theano.function([x], x * 2 + ts.exp(x))(0.0) == 1
    a, b = ts.floats("a", "b")
    assert (a.name, b.dtype) == ("a", "float64") and ts.ints("i").dtype == "int64"
    assert ts.complexs("z").dtype == "complex128" == ts.complexs128("z").dtype
    assert ts.complexs64("z").dtype == "complex64"


def test_conversions():
    c = ts.constant(3)
    assert isinstance(c, ts.ScalarConstant) and c.dtype == "int8" and ts.constant(3, dtype="float32").dtype == "float32"
    assert ts.constant(1.5, name="c").name == "c"
    x = T.dscalar()
    assert ts.as_scalar(x) is x and ts.as_scalar(2.5).data == 2.5
    with pytest.raises(TypeError, match="has 1 axes"):
        ts.as_scalar(T.dvector("v"))
    i, f = ts.as_common_dtype(ts.int32("i"), ts.float32("f"))
    assert i.dtype == f.dtype == "float64"
    for op in (T.tensor_from_scalar, T.scalar_from_tensor, ts.TensorFromScalar(), ts.ScalarFromTensor()):
        assert op(x) is x
        with pytest.raises(TypeError):
            op(T.dvector())


def test_shared_values():
    s = ts.shared(2.5, "s")
    assert isinstance(s, ts.ScalarSharedVariable) and s.name == "s"
    f = theano.function([], s * 2, updates=[(s, s + 1)])
    assert [float(f()), float(f())] == [5, 7]
    assert ts.shared(np.int8(3)).dtype == "int8"
    with pytest.raises(TypeError, match="is a number"):
        ts.shared([1, 2])


def test_xlogx():
    xlogx = importlib.import_module("theano.tensor.xlogx")
    assert isinstance(xlogx.scalar_xlogx, xlogx.XlogX) and isinstance(xlogx.scalar_xlogy0, xlogx.XlogY0)
    assert xlogx.xlogx(T.constant(0.0)).eval() == 0
