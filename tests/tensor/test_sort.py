"""sort, argsort, topk and their ops."""

import numpy as np
import pytest
from agreement import MODES, agree, gradients_agree, sample

import theano
import theano.tensor as T
from theano.graph.evaluate import evaluate


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("dtype", ["float64", "float32", "int8", "uint8", "bool"])
def test_sort(dtype, axis):
    x = sample(dtype, (3, 4))
    agree(lambda v: T.sort(v, axis), lambda v: np.sort(v, axis), x, modes=MODES)
    agree(lambda v: T.argsort(v, axis, kind="stable"), lambda v: np.argsort(v, axis, kind="stable"), x, modes=MODES)


@pytest.mark.parametrize("shape", [(0,), (1,), (2, 0), (2, 3, 4)], ids=str)
def test_shapes(shape):
    x = sample("float64", shape)
    for axis in range(-len(shape), len(shape)):
        agree(lambda v, a=axis: T.sort(v, a), lambda v, a=axis: np.sort(v, a), x)
        gradients_agree(lambda v, a=axis: T.sort(v, a), x, orders=(1,))


def test_nan_comes_last():
    agree(T.sort, np.sort, np.array([2.0, np.nan, 1.0]))


def test_symbolic_axis():
    from theano.tensor.sort import SortOp

    x, axis = T.dmatrix(), T.lscalar()
    a = sample("float64", (3, 4))
    f = theano.function([x, axis], SortOp()(x, axis), mode="reference")
    for k in (0, 1, -1):
        np.testing.assert_array_equal(f(a, k), np.sort(a, k))


def test_sort_refuses():
    with pytest.raises(ValueError, match="kind"):
        T.sort(T.dvector(), kind="bogosort")
    with pytest.raises(ValueError, match="scalar"):
        T.sort(T.dscalar())
    with pytest.raises(ValueError, match="out of bounds"):
        T.sort(T.dvector(), 1)
    with pytest.raises(TypeError, match="axis"):
        T.argsort(T.dvector(), 0.5)


def largest(x, k, axis):
    order = np.argsort(x, axis=axis, kind="stable")
    chosen = np.take(order, range(x.shape[axis] - k, x.shape[axis]) if k > 0 else range(-k), axis)
    return np.flip(chosen, axis)


@pytest.mark.parametrize("k", [1, 2, 3, -1, -2])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_topk(axis, k):
    x = sample("float64", (3, 4))
    positions = largest(x, k, axis)
    values = np.take_along_axis(x, positions, axis)
    agree(lambda v: T.topk(v, k, axis), lambda v: values, x, modes=MODES)
    agree(lambda v: T.argtopk(v, k, axis), lambda v: positions, x, modes=MODES)
    agree(lambda v: T.topk_and_argtopk(v, k, axis), lambda v: [values, positions], x)
    agree(lambda v, n: T.topk(v, n, axis), lambda v, n: values, x, np.int64(k))
    gradients_agree(lambda v: T.topk(v, k, axis), x, orders=(1,))
    unsorted = evaluate([T.topk(T.as_tensor_variable(x), k, axis, sorted=False)], {})[0]
    np.testing.assert_array_equal(np.sort(unsorted, axis), np.sort(values, axis))


def test_topk_of_everything_and_idx_dtype():
    x = sample("float64", (5,))
    agree(lambda v: T.topk(v, 3, None), lambda v: np.sort(v)[::-1][:3], x)
    assert T.argtopk(T.dvector(), 2, idx_dtype="int32").dtype == "int32"


def test_topk_refuses():
    x = T.dvector()
    with pytest.raises(ValueError, match="not be 0"):
        T.topk(x, 0)
    with pytest.raises(ValueError, match="larger than the axis"):
        evaluate([T.topk(x, 4)], {x: np.zeros(3)})
    with pytest.raises(TypeError, match="integer"):
        T.topk(x, 1.5)
    with pytest.raises(TypeError, match="idx_dtype"):
        T.argtopk(x, 1, idx_dtype="float32")
    from theano.tensor.sort import TopKOp

    with pytest.raises(ValueError, match="neither"):
        TopKOp(return_values=False, return_indices=False)
