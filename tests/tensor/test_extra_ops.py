"""theano.tensor.extra_ops: cumulative ops, repetition, differences, counting, searching, diagonals, coordinates."""

import numpy as np
import pytest
from agreement import MODES, agree, gradients_agree, sample

import theano
import theano.tensor as T
from theano.graph.evaluate import evaluate
from theano.tensor.extra_ops import NonNegative


def widened(dtype):
    if dtype == "bool" or dtype.startswith("int"):
        return "int64"
    return "uint64" if dtype.startswith("uint") else dtype


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("dtype", ["float64", "float32", "int8", "uint8", "bool", "complex128"])
@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_cumulative(name, dtype, axis):
    x = sample(dtype, (3, 4))
    agree(
        lambda v: getattr(T, name)(v, axis),
        lambda v: getattr(np, name)(v, axis=axis, dtype=widened(dtype)), x, modes=MODES,
    )


@pytest.mark.parametrize("shape", [(0,), (1,), (4,), (2, 3), (2, 0)], ids=str)
@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_gradients_of_cumulative_ops(name, shape):
    x = sample("float64", shape)
    x.ravel()[1:3] = 0   # exact with zeros, too
    for axis in (None, *range(len(shape))):
        gradients_agree(lambda v, a=axis: getattr(T, name)(v, a), x)


def test_cumulative_refuses():
    from theano.tensor.extra_ops import CumOp

    with pytest.raises(ValueError, match="mode"):
        CumOp(mode="max")
    with pytest.raises(ValueError, match="out of bounds"):
        T.cumsum(T.dvector(), 1)


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_repeat(axis):
    x = sample("float64", (3, 4))
    n = 12 if axis is None else x.shape[axis]
    each = np.arange(n) % 3
    agree(lambda v: T.repeat(v, 2, axis), lambda v: np.repeat(v, 2, axis), x, modes=MODES)
    agree(lambda v: T.repeat(v, 0, axis), lambda v: np.repeat(v, 0, axis), x)
    agree(lambda v, r: T.repeat(v, r, axis), lambda v, r: np.repeat(v, r, axis), x, np.int32(3), modes=MODES)
    agree(lambda v, r: T.repeat(v, r, axis), lambda v, r: np.repeat(v, r, axis), x, each, modes=MODES)
    agree(lambda v: T.repeat(v, [2], axis), lambda v: np.repeat(v, 2, axis), x)
    gradients_agree(lambda v: T.repeat(v, 2, axis), x, orders=(1,))
    gradients_agree(lambda v: T.repeat(v, each, axis), x, orders=(1,))


def test_repeat_op():
    from theano.tensor.extra_ops import RepeatOp

    x = sample("float64", (3, 4))
    for axis in (None, 0, -1):
        agree(lambda v, a=axis: RepeatOp(a)(v, 2), lambda v, a=axis: np.repeat(v, 2, a), x)
        gradients_agree(lambda v, a=axis: RepeatOp(a)(v, 2), x, orders=(1,))
    with pytest.raises(TypeError, match="integers"):
        T.repeat(T.dvector(), 1.5)
    with pytest.raises(TypeError, match="scalar or a vector"):
        T.repeat(T.dvector(), T.lmatrix())
    v, r = T.dvector(), T.lvector()
    for wrong in ([1, -1, 0], [1, 2]):
        with pytest.raises(ValueError):
            evaluate([T.repeat(v, r)], {v: np.zeros(3), r: np.array(wrong)})


@pytest.mark.parametrize("n", [0, 1, 2, 5])
@pytest.mark.parametrize("axis", [0, -1])
def test_diff(n, axis):
    x = sample("float64", (3, 4))
    agree(lambda v: T.diff(v, n, axis), lambda v: np.diff(v, n, axis), x, modes=MODES)
    agree(lambda v: T.diff(v, n, axis), lambda v: np.diff(v, n, axis), sample("bool", (3, 4)))
    gradients_agree(lambda v: T.diff(v, n, axis), x, orders=(1,))


def test_diff_refuses():
    with pytest.raises(ValueError, match="scalar"):
        T.diff(T.dscalar())
    with pytest.raises(ValueError, match="negative"):
        T.diff(T.dvector(), -1)


def test_check_of_signs_is_printed_by_what_it_checks():
    assert str(NonNegative("bincount")) == "NonNegative{bincount}"
    x = T.lvector("x")
    assert NonNegative("bincount")(x).owner.op == NonNegative("bincount") != NonNegative("repeat")


def test_bincount():
    x, w = np.array([1, 3, 1, 0, 5]), sample("float64", (5,))
    agree(T.bincount, np.bincount, x, modes=MODES)
    agree(T.bincount, lambda v: np.bincount(v), x.astype("uint8"))
    agree(lambda v: T.bincount(v, minlength=9), lambda v: np.bincount(v, minlength=9), x)
    agree(lambda v: T.bincount(v, minlength=2), lambda v: np.bincount(v, minlength=2), np.zeros(0, "int64"))
    agree(T.bincount, np.bincount, x, w, modes=MODES)
    gradients_agree(T.bincount, x, w)
    v = T.lvector()
    with pytest.raises(ValueError, match="negative"):
        evaluate([T.bincount(v)], {v: np.array([1, -1])})
    with pytest.raises(TypeError, match="vector of integers"):
        T.bincount(T.dvector())


@pytest.mark.parametrize("side", ["left", "right"])
def test_searchsorted(side):
    x, v = np.array([1.0, 2.0, 2.0, 5.0]), np.array([[0.0, 2.0], [5.0, 9.0]])
    agree(lambda a, b: T.searchsorted(a, b, side), lambda a, b: np.searchsorted(a, b, side), x, v, modes=MODES)
    agree(lambda a: T.searchsorted(a, 2.0, side), lambda a: np.asarray(np.searchsorted(a, 2.0, side)), x)
    order = np.array([2, 0, 1, 3])
    shuffled = np.array([2.0, 2.0, 1.0, 5.0])
    agree(lambda a, s: T.searchsorted(a, [2.0], side, s), lambda a, s: np.searchsorted(a, [2.0], side, s),
          shuffled, order)
    with pytest.raises(ValueError, match="vector"):
        T.searchsorted(T.dmatrix(), 0)
    with pytest.raises(ValueError, match="side"):
        T.searchsorted(T.dvector(), 0, "middle")


@pytest.mark.parametrize("shape", [(3, 3), (3, 5), (5, 3), (3, 3, 3), (0, 2)], ids=str)
def test_fill_diagonal(shape):
    def expected(a, value):
        a = a.copy()
        np.fill_diagonal(a, value)
        return a

    x = sample("float64", shape)
    agree(T.fill_diagonal, expected, x, np.float64(2.5), modes=MODES)
    gradients_agree(T.fill_diagonal, x, np.float64(2.5), orders=(1,))


def test_fill_diagonal_offset():
    x = sample("float64", (3, 4))

    def expected(a, value, offset):
        rows, columns = np.ogrid[:a.shape[0], :a.shape[1]]
        return np.where(columns - rows == offset, value, a)

    for offset in range(-5, 6):
        agree(T.fill_diagonal_offset, expected, x, np.float64(2.5), np.int64(offset))
        gradients_agree(lambda a, v, k=offset: T.fill_diagonal_offset(a, v, k), x, np.float64(2.5), orders=(1,))


def test_fill_diagonal_refuses():
    with pytest.raises(TypeError, match="scalar"):
        T.fill_diagonal(T.dmatrix(), T.dvector())
    with pytest.raises(TypeError, match="cast"):
        T.fill_diagonal(T.imatrix(), T.dscalar())
    with pytest.raises(TypeError, match="two axes"):
        T.fill_diagonal(T.dvector(), 1.0)
    x = T.dtensor3()
    with pytest.raises(ValueError, match="equally long"):
        evaluate([T.fill_diagonal(x, 1.0)], {x: np.zeros((2, 2, 3))})
    with pytest.raises(TypeError, match="matrix"):
        T.fill_diagonal_offset(T.dvector(), 1.0, 0)


def test_to_one_hot():
    y = np.array([0, 2, 1, 2])
    agree(lambda v: T.to_one_hot(v, 3), lambda v: np.eye(3)[v], y, modes=MODES)
    assert T.to_one_hot(T.lvector(), 3, dtype="int8").dtype == "int8"
    v = T.lvector()
    with pytest.raises(IndexError):
        evaluate([T.to_one_hot(v, 2)], {v: y})
    with pytest.raises(TypeError, match="integers"):
        T.to_one_hot(T.dvector(), 3)


@pytest.mark.parametrize("n", [-1, 0, 1, 2, 7])
def test_bartlett(n):
    agree(T.bartlett, lambda m: np.bartlett(m), np.int64(n))
    agree(lambda: T.bartlett(n), lambda: np.bartlett(n))


def test_unique():
    from theano.tensor.extra_ops import Unique

    x = np.array([[3, 1, 3], [1, 1, 2], [3, 1, 3]])
    agree(lambda v: Unique()(v), np.unique, x)
    values, index, inverse, counts = np.unique(x, True, True, True)
    agree(lambda v: Unique(True, True, True)(v), lambda v: [values, index, inverse.ravel(), counts], x)
    agree(lambda v: Unique(return_counts=True, axis=0)(v), lambda v: np.unique(v, return_counts=True, axis=0), x)


@pytest.mark.parametrize("order", ["C", "F"])
def test_coordinates(order):
    flat, dims = np.array([[0, 5], [11, 3]]), np.array([3, 4])
    agree(lambda v: T.unravel_index(v, (3, 4), order), lambda v: np.unravel_index(v, (3, 4), order), flat, modes=MODES)
    agree(lambda v, d: T.unravel_index(v, d, order, ndim=2), lambda v, d: np.unravel_index(v, (3, 4), order),
          flat, dims)
    rows, columns = np.unravel_index(flat, (3, 4), order)
    agree(lambda a, b: T.ravel_multi_index((a, b), (3, 4), order=order), lambda a, b: flat, rows, columns, modes=MODES)
    for mode in ("wrap", "clip"):
        agree(lambda a, b, m=mode: T.ravel_multi_index((a, b), (3, 4), m, order),
              lambda a, b, m=mode: np.ravel_multi_index((a, b), (3, 4), m, order), rows + 2, columns - 3)
    v = T.lvector()
    with pytest.raises(ValueError):
        evaluate([T.unravel_index(v, (3, 4))[0]], {v: np.array([12])})
    with pytest.raises(TypeError, match="integers"):
        T.unravel_index(T.dvector(), (3, 4))
    with pytest.raises(ValueError, match="order"):
        T.unravel_index(v, (3, 4), "X")


def test_contiguous():
    from theano.tensor.extra_ops import cpu_contiguous

    x = T.dmatrix()
    a = sample("float64", (3, 4))
    got, same = evaluate([cpu_contiguous(x.T), cpu_contiguous(x)], {x: a})
    assert got.flags.c_contiguous and np.shares_memory(same, a)
    np.testing.assert_array_equal(got, a.T)
    np.testing.assert_array_equal(evaluate([theano.grad(T.sum(cpu_contiguous(x)), x)], {x: a})[0], np.ones((3, 4)))
