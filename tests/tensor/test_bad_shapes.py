"""Wrong input to creation, shape and joining: the natural exception, when the graph is built or when it runs."""

import traceback

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.graph.evaluate import evaluate
from theano.tensor.type import TensorType

x1, x2, x3 = T.dvector("x1"), T.dmatrix("x2"), T.dtensor3("x3")
n, f = T.lscalar("n"), T.dscalar("f")
known = TensorType("float64", (2, 3))("known")
row = T.drow("row")

BUILDING = [
    # creation
    (TypeError, "integer", lambda: T.alloc(1, 2.5)), (TypeError, "//", lambda: T.zeros((f,))),
    (TypeError, "vector of integers", lambda: T.zeros(x2)), (TypeError, "vector of integers", lambda: T.zeros(x1)),
    (ValueError, "not known while the graph is built", lambda: T.zeros(T.lvector())),
    (ValueError, "negative", lambda: T.zeros((2, -1))), (TypeError, "more axes", lambda: T.alloc(x2, 3)),
    (ValueError, "cannot fill", lambda: T.alloc(known, 5, 4, 3)), (TypeError, "dtype", lambda: T.zeros(2, dtype="str")),
    (ValueError, "negative", lambda: T.eye(-1)), (TypeError, "integer", lambda: T.eye(2.5)),
    (TypeError, "matrix", lambda: T.tril(x1)), (TypeError, "matrix", lambda: T.identity_like(x1)),
    (ValueError, "step", lambda: T.arange(0, 3, 0)), (TypeError, "0-d", lambda: T.arange(x1)),
    (TypeError, "real", lambda: T.arange(1j)), (TypeError, "0-d", lambda: T.MakeVector("float64")(x1)),
    (TypeError, "exactly", lambda: T.MakeVector("int8")(f)), (TypeError, "slices", lambda: T.mgrid[3]),
    (TypeError, "slices", lambda: T.ogrid[1:]), (ValueError, "vector or a matrix", lambda: T.diag(f)),
    (ValueError, "2 or more", lambda: T.diagonal(x1)), (ValueError, "same axis", lambda: T.diagonal(x2, 0, 1, -1)),
    (IndexError, "out of bounds", lambda: T.diagonal(x2, 0, 0, 2)),
    # shape
    (ValueError, "ndim=", lambda: x2.reshape(T.lvector())),
    (ValueError, "one length may be -1", lambda: x1.reshape((-1, -1))),
    (ValueError, "negative", lambda: x1.reshape((2, -3))), (ValueError, "6 elements", lambda: known.reshape((4, -1))),
    (ValueError, "6 elements", lambda: known.reshape((2, 2))), (TypeError, "integer", lambda: x1.reshape((2.5, 2))),
    (TypeError, "integer", lambda: x1.reshape((f, 2))), (ValueError, "ndim=3", lambda: x1.reshape((2, 2), ndim=3)),
    (ValueError, "between 1 and 2", lambda: x2.flatten(3)), (ValueError, "between 1 and 2", lambda: x2.flatten(0)),
    (ValueError, "not both", lambda: T.flatten(x2, 1, outdim=1)), (ValueError, "axes", lambda: x2.transpose(0)),
    (ValueError, "named twice", lambda: x2.transpose(0, 0)), (IndexError, "out of bounds", lambda: x2.transpose(0, 2)),
    (ValueError, "out of bounds", lambda: x2.swapaxes(0, -3)), (ValueError, "cannot drop", lambda: x2.dimshuffle(0)),
    (ValueError, "out of range", lambda: x2.dimshuffle(0, 2)), (TypeError, "'x'", lambda: x2.dimshuffle(0, "y")),
    (IndexError, "out of bounds", lambda: T.shape_padaxis(x2, 3)),
    (IndexError, "bounds", lambda: T.addbroadcast(x2, 2)),
    (ValueError, "length 3, not 1", lambda: T.addbroadcast(known, 1)),
    (ValueError, "pattern", lambda: T.patternbroadcast(x2, (True,))),
    (ValueError, "2 axes", lambda: T.specify_shape(x2, (1,))),
    (AssertionError, "length 3", lambda: T.specify_shape(known, (2, 4))),
    (ValueError, "integers", lambda: T.tile(x1, (2.5,))), (ValueError, "ndim=", lambda: T.tile(x1, T.lvector())),
    (ValueError, "less than", lambda: T.tile(x2, 2, ndim=1)), (ValueError, "vector", lambda: T.tile(x1, T.lmatrix())),
    (TypeError, "shift", lambda: T.roll(x1, 1.5)), (IndexError, "bounds", lambda: T.roll(x1, 1, axis=1)),
    (TypeError, "known while", lambda: T.roll(x1, 1, axis=n)), (TypeError, "no axis", lambda: T.Shape_i(1)(x1)),
    (ValueError, "distinct", lambda: T.moveaxis(x3, [0, 0], [1, 2])),
    (ValueError, "broadcast|differ|fill", lambda: T.broadcast_to(known, (2, 4))),
    # joining
    (TypeError, "same number of dimensions", lambda: T.join(0, x1, x2)), (TypeError, "stack", lambda: T.join(0, f, f)),
    (IndexError, "bounds", lambda: T.join(2, x2, x2)), (ValueError, "bounds", lambda: T.join(-3, x2, x2)),
    (ValueError, "differ", lambda: T.join(0, known, T.constant(np.zeros((2, 2))))),
    (ValueError, "nothing", lambda: T.join(0)),
    (TypeError, "axis", lambda: T.join(0.5, x1, x1)), (TypeError, "list", lambda: T.concatenate(x1, 0)),
    (TypeError, "same number", lambda: T.stack([x1, x2])), (IndexError, "bounds", lambda: T.stack([x1, x1], axis=2)),
    (ValueError, "nothing", lambda: T.stack([])), (TypeError, "nothing", lambda: T.stack()),
    (TypeError, "matrices", lambda: T.horizontal_stack(x1, x1)), (ValueError, "two", lambda: T.vertical_stack(x2)),
    (ValueError, "3 pieces", lambda: T.split(x1, [1, 2], 3)), (ValueError, "negative", lambda: T.split(x1, [-1, 2], 2)),
    (ValueError, "add up", lambda: T.split(known, [1, 1], 2, axis=1)), (TypeError, "0-d", lambda: T.split(f, [1], 1)),
    (IndexError, "bounds", lambda: T.split(x1, [1], 1, axis=1)), (ValueError, "positive", lambda: T.Split(0)),
    (TypeError, "integers", lambda: T.permute_row_elements(x1, x1)),
    (TypeError, "rows", lambda: T.permute_row_elements(f, [0])),
    (ValueError, "lengths", lambda: T.permute_row_elements(known, [1, 0])),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(BUILDING)))
def test_refused_when_built(number):
    error, text, build = BUILDING[number]
    with pytest.raises(error, match=text):
        build()


A = np.arange(6.0).reshape(2, 3)
RUNNING = [
    (ValueError, r"negative.*\(2, -1\)", lambda: T.zeros((2, n)), {n: np.int64(-1)}),
    (MemoryError, "allocate", lambda: T.zeros((n, n)), {n: np.int64(2**40)}),
    (MemoryError, "allocate|Unable", lambda: T.zeros((n,)), {n: np.int64(2**59)}),
    (ValueError, "fill.*addbroadcast", lambda: T.alloc(x1, n), {x1: np.ones(1), n: np.int64(3)}),
    (ValueError, "cannot fill", lambda: T.alloc(x1, n), {x1: np.ones(2), n: np.int64(3)}),
    (ValueError, "negative", lambda: T.eye(n), {n: np.int64(-2)}),
    (ValueError, "step", lambda: T.arange(0, 5, n), {n: np.int64(0)}),
    (ValueError, r"\(2, 3\).*\(4, 2\)", lambda: x2.reshape((4, n)), {x2: A, n: np.int64(2)}),
    (ValueError, "reshape", lambda: x2.reshape((n, -1)), {x2: A, n: np.int64(-1)}),
    (AssertionError, r"\(2, 3\).*\(2, 7\)", lambda: T.specify_shape(x2, (2, n)), {x2: A, n: np.int64(7)}),
    (AssertionError, r"\(2, 3\).*\(\?, 4\)|4", lambda: T.specify_shape(x2, (None, 4)), {x2: A}),
    (ValueError, "supposed to be 1", lambda: T.addbroadcast(x2, 0), {x2: A}),
    (ValueError, r"\(2, 3\), \(3, 2\)", lambda: T.join(0, x2, x2.T), {x2: A}),
    (IndexError, "bounds", lambda: T.join(n, x2, x2), {x2: A, n: np.int64(2)}),
    (ValueError, "add up to 2, but axis 1 has length 3", lambda: T.split(x2, [1, 1], 2, axis=1), {x2: A}),
    (ValueError, "negative", lambda: T.split(x2, [n, 1 - n], 2), {x2: A, n: np.int64(-1)}),
    (ValueError, "no permutation", lambda: T.permute_row_elements(x2, [[0, 0, 1]]), {x2: A}),
    (ValueError, "different lengths", lambda: T.permute_row_elements(x2, [0, 1]), {x2: A}),
    (ValueError, "same|mismatch.*addbroadcast", lambda: x2 + T.dmatrix("y"), {x2: A}),
]  # fmt: skip


def with_values(number):
    error, text, build, values = RUNNING[number]
    out = build()
    outputs = out if isinstance(out, list) else [out]
    for v in outputs[0].owner.inputs:
        if v.owner is None and v.name == "y":
            values = {**values, v: np.ones((1, 3))}
    return error, text, outputs, {k: np.asarray(v) for k, v in values.items()}


@pytest.mark.parametrize("number", range(len(RUNNING)))
def test_refused_when_run(number):
    error, text, outputs, values = with_values(number)
    with pytest.raises(error, match=text):
        evaluate(outputs, values)


@pytest.mark.parametrize("mode", ["reference", "FAST_COMPILE", "FAST_RUN"])
@pytest.mark.parametrize("number", range(len(RUNNING)))
def test_refused_by_compiled_functions(number, mode):
    error, _, outputs, values = with_values(number)
    f = theano.function(list(values), outputs, mode=mode)
    with pytest.raises(error) as caught:
        f(*values.values())
    assert "test_bad_shapes.py" in "".join(traceback.format_exception(caught.value))


def test_old_stack_form_warns():
    with pytest.warns(DeprecationWarning, match="stack"):
        out = T.stack(x1, x1)
    assert out.ndim == 2
    with pytest.warns(DeprecationWarning, match="stack"):
        assert T.stack(f, 1).dtype == "float64"


def test_plain_matrices_do_not_broadcast_but_rows_do():
    y = T.dmatrix("y")
    with pytest.raises(ValueError, match="mismatch"):
        evaluate([x2 + y], {x2: np.ones((1, 3)), y: A})
    assert evaluate([row + y], {row: np.ones((1, 3)), y: A})[0].shape == (2, 3)
    with pytest.raises(ValueError, match="neither is 1"):
        known + T.constant(np.zeros((2, 4)))


def test_stacked_tensors_may_be_numbers_and_lists():
    out = T.stack([1, n, 2.5])
    assert evaluate([out], {n: np.asarray(4)})[0].tolist() == [1, 4, 2.5]
    out = T.stack([x1, [1.0, 2.0]])
    assert evaluate([out], {x1: np.zeros(2)})[0].tolist() == [[0, 0], [1, 2]]
    assert T.stack(tensors=[x1, x1], axis=1).ndim == 2


def test_split_views_and_single_pieces():
    one = T.split(x1, [3], 1)
    assert one.type == TensorType("float64", (3,))
    a, b = T.split(x1, T.stack([n, 3 - n]), 2)
    got = evaluate([b, a], {x1: np.arange(3.0), n: np.asarray(1)})
    assert [g.tolist() for g in got] == [[1, 2], [0]]


def test_is_flat_and_axes():
    assert T.is_flat(x1) and not T.is_flat(x2) and T.is_flat(x2, ndim=2) and T.is_flat(x2, outdim=2)
    assert T.check_and_normalize_axes(x3, -1) == [2] and T.check_and_normalize_axes(x3, (0, -2)) == [0, 1]
    assert T.check_and_normalize_axes(x3, None) == [] and T.check_and_normalize_axes(x3, np.array([1, 2])) == [1, 2]
    with pytest.raises(TypeError):
        T.check_and_normalize_axes(x3, 0.5)
    with pytest.raises(IndexError):
        T.check_and_normalize_axes(x3, 3)
    assert T.makeKeepDims(x3, x3.sum(axis=(0, 2)), (0, -1)).broadcastable == (True, False, True)
    lengths, pattern = T.alloc_validate_shape([n, 1, 3])
    assert pattern == [False, True, False] and all(v.dtype == "int64" and v.ndim == 0 for v in lengths)


def test_views_are_declared():
    for build in (lambda: x2.T, lambda: x2.reshape((3, 2)), lambda: T.split(x2, [1, 1], 2)[0], lambda: T.diagonal(x2),
                  lambda: T.unbroadcast(row, 0), lambda: T.specify_shape(x2,
    (2, 3)), lambda: x2.flatten()):  # fmt: skip
        out = build()
        assert out.owner.op.view_map[out.index] == [0]
    for build in (lambda: T.join(0, x2, x2), lambda: T.tile(x2, 1), lambda: T.fill(x2, x2), lambda: T.tensor_copy(x2)):
        out = build()
        assert not out.owner.op.view_map
        assert not np.shares_memory(evaluate([out], {x2: A})[0], A)


def test_empty_like_values():
    out = T.AllocEmpty("float32")(n, 2)
    assert out.type == TensorType("float32", (None, 2))
    assert evaluate([out], {n: np.asarray(3)})[0].shape == (3, 2)


def test_inverse_permutation():
    p = np.array([[2, 0, 1], [0, 2, 1]])
    v = T.lmatrix("p")
    got = evaluate([T.inverse_permutation(v), T.inverse_permutation(v[0])], {v: p})
    assert got[0].tolist() == np.argsort(p, axis=1).tolist() and got[1].tolist() == [1, 2, 0]
    assert T.inverse_permutation(T.bvector()).dtype == "int8"
