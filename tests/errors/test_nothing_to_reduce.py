"""The largest and smallest of no elements: NumPy decides what is an error, also where there is no result to give."""

import itertools

import numpy as np
import pytest

import theano
import theano.tensor as tt
from theano.tensor.type import tensor_type

SHAPES = list(itertools.product((0, 1, 3), repeat=3))
AXES = (0, 1, 2, -1, None)
PAIRS = ((0, 1), (1, 2), (0, 2))


def outcome(compute):
    try:
        return np.shape(compute())
    except Exception as error:
        return type(error)


@pytest.mark.parametrize("mode", ["reference", "FAST_COMPILE", "FAST_RUN"])
@pytest.mark.parametrize("dtype", ["float64", "float32", "int8", "bool"])
@pytest.mark.parametrize("name", ["max", "min", "argmax", "argmin"])
def test_as_numpy(name, dtype, mode):
    x = tensor_type(dtype, (None, None, None))("x")
    for axis in (*AXES, *(PAIRS if name in ("max", "min") else ())):
        f = theano.function([x], getattr(tt, name)(x, axis=axis), mode=mode)
        for shape in SHAPES:
            value = np.zeros(shape, dtype)
            expected = outcome(lambda value=value, axis=axis: getattr(np, name)(value, axis=axis))
            assert outcome(lambda f=f, value=value: f(value)) == expected, (axis, shape)


@pytest.mark.parametrize("mode", ["reference", "FAST_RUN"])
def test_inside_a_loop_and_fused(mode):
    x = tt.tensor3("x", dtype="float64")
    rows, _ = theano.scan(lambda row: tt.max(row * row, axis=0) + 1, x)
    last, _ = theano.loop(lambda s, row: (s + tt.max(row, axis=0).sum(), None), 0.0, x)
    f = theano.function([x], [rows, last], mode=mode)
    with pytest.raises(ValueError):
        f(np.zeros((2, 0, 0)))
    assert f(np.zeros((2, 3, 0)))[0].shape == (2, 0)
    assert f(np.zeros((2, 3, 4)))[0].shape == (2, 4)


@pytest.mark.parametrize("mode", ["reference", "FAST_RUN"])
def test_max_of_truth_values(mode):
    x = tensor_type("bool", (None, None))("x")
    value = np.array([[True, False, False], [True, True, False]])
    f = theano.function([x], [tt.max(x, axis=0), tt.min(x, axis=1), tt.max(x), tt.min(x)], mode=mode)
    found = f(value)
    for got, expected in zip(found, (value.max(0), value.min(1), value.max(), value.min())):
        assert got.dtype == "bool" and got.tolist() == expected.tolist()


@pytest.mark.parametrize("mode", ["reference", "FAST_RUN"])
@pytest.mark.parametrize("function", [tt.nnet.softmax, tt.nnet.logsoftmax])
def test_what_has_a_value_for_no_elements_keeps_it(function, mode):
    x = tt.dmatrix("x")
    f = theano.function([x], function(x), mode=mode)
    for shape in ((0, 0), (0, 3), (3, 0)):
        assert f(np.zeros(shape)).shape == shape
