"""The contract of indexing: reading, setting and incrementing by any index, against NumPy."""

import numpy as np
import pytest
from agreement import MODES, agree, gradients_agree, inferred_shape, label, sample, variables
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import theano
import theano.tensor as T
from theano.graph.evaluate import evaluate

# -- random indices --------------------------------------------------------------------------------------------------


@st.composite
def shapes_and_indices(draw, max_ndim=3):
    """A shape and an index that NumPy accepts for it."""
    ndim = draw(st.integers(0, max_ndim))
    shape = tuple(draw(st.sampled_from([2, 3, 4, 1, 0])) for _ in range(ndim))
    width = draw(st.integers(1, 3))
    entries = []
    axis = 0
    while axis < ndim:
        n = shape[axis]
        bound = st.none() | st.integers(-n - 2, n + 2)
        kinds = ["slice", "slice", "new", "stop"] + (["int", "int", "array", "column", "list", "mask"] if n else [])
        kind = draw(st.sampled_from(kinds))
        if kind == "stop":
            break
        if kind == "new":
            entries.append(None)
            continue
        position = st.integers(-n, n - 1)
        if kind == "slice":
            entry = slice(draw(bound), draw(bound), draw(st.sampled_from([None, 1, 2, -1, -2, 3])))
        elif kind == "int":
            entry = draw(position)
        elif kind == "list":
            entry = draw(st.lists(position, min_size=width, max_size=width))
        elif kind == "array":
            entry = np.array(draw(st.lists(position, min_size=width, max_size=width)))
        elif kind == "column":
            entry = np.array(draw(st.lists(position, min_size=2, max_size=2)))[:, None]
        elif kind == "mask":
            wide = axis + 1 < ndim and shape[axis + 1] and draw(st.booleans())
            size = shape[axis:axis + 2] if wide else (n,)
            entry = np.array(draw(st.lists(st.booleans(), min_size=int(np.prod(size)), max_size=int(np.prod(size)))))
            entry = entry.reshape(size)
            axis += len(size) - 1
        entries.append(entry)
        axis += 1
    if draw(st.booleans()):
        entries.insert(draw(st.integers(0, len(entries))), Ellipsis)
    index = tuple(entries)
    try:
        np.empty(shape)[index]
    except IndexError:   # index arrays that do not fit together
        assume(False)
    return shape, index


@st.composite
def partly_symbolic(draw, index):
    """The index with some of its numbers and arrays as variables, and the values of these."""
    values = {}

    def number(n):
        if n is None or not draw(st.booleans()):
            return n
        x = T.scalar(dtype=draw(st.sampled_from(["int64", "int32", "int8"])))
        values[x] = np.asarray(n, x.dtype)
        return x

    entries = []
    for entry in index:
        if isinstance(entry, slice):
            entry = slice(number(entry.start), number(entry.stop), number(entry.step))
        elif isinstance(entry, int):
            entry = number(entry)
        elif isinstance(entry, np.ndarray) and draw(st.booleans()):
            (x,) = variables([entry])
            values[x] = entry
            entry = x
        entries.append(entry)
    return tuple(entries), values


def selects(index):
    """Is it more than new axes? (`x[None, :]` is a dimshuffle of x, and no index expression.)"""
    return not any(e is None for e in index) or any(
        not isinstance(e, slice) or (e.start, e.stop, e.step) != (None, None, None)
        for e in index if e is not None and e is not Ellipsis
    )


def symbolic_as(index, values, given):
    """The index with other variables in place of those that `values` has."""
    new = dict(zip(values, given, strict=True))

    def one(entry):
        if isinstance(entry, slice):
            return slice(one(entry.start), one(entry.stop), one(entry.step))
        return new.get(entry, entry) if isinstance(entry, theano.Variable) else entry

    return tuple(one(entry) for entry in index)


@settings(max_examples=400)
@given(st.data())
def test_any_index(data):
    shape, index = data.draw(shapes_and_indices())
    symbolic, values = data.draw(partly_symbolic(index))
    array = sample("float64", shape)
    (x,) = variables([array], static=data.draw(st.booleans()))
    values[x] = array
    want = array[index]
    result = x[symbolic]
    (got,) = evaluate([result], values)
    np.testing.assert_array_equal(got, want)
    assert all(n in (None, m) for n, m in zip(result.type.shape, want.shape, strict=True))
    lengths = inferred_shape(result, [x, *(v for v in values if v is not x)])
    assert tuple(int(n) for n in evaluate([T.as_tensor_variable(n) for n in lengths], values)) == want.shape


@settings(max_examples=300)
@given(st.data())
def test_set_and_increment_of_any_index(data):
    shape, index = data.draw(shapes_and_indices())
    symbolic, values = data.draw(partly_symbolic(index))
    array = sample("float64", shape)
    (x,) = variables([array])
    values[x] = array
    want = array[index]
    selected = x[symbolic]
    assume(selects(index))
    value = sample("float64", want.shape, 1)
    (y,) = variables([value])
    values[y] = value
    replaced, increased = array.copy(), array.copy()
    replaced[index] = value
    np.add.at(increased, index, value)
    got = evaluate([T.set_subtensor(selected, y), T.inc_subtensor(selected, y)], values)
    np.testing.assert_array_equal(got[0], replaced)
    np.testing.assert_allclose(got[1], increased, rtol=1e-13, atol=1e-13)
    np.testing.assert_array_equal(values[x], array)


@settings(max_examples=60)
@given(st.data())
def test_gradients_of_any_index(data):
    shape, index = data.draw(shapes_and_indices(max_ndim=2))
    array = sample("float64", shape)
    want = array[index]
    gradients_agree(lambda x: x[index], array)
    assume(selects(index))
    value = sample("float64", want.shape, 1)
    gradients_agree(lambda x, y: T.inc_subtensor(x[index], y), array, value, orders=(1,))
    gradients_agree(lambda x, y: T.set_subtensor(x[index], y), array, value, orders=(1,))
    symbolic, values = data.draw(partly_symbolic(index))

    def written(x, y, *given):
        return T.set_subtensor(x[symbolic_as(symbolic, values, given)], y)

    gradients_agree(written, array, value, *values.values(), wrt=[0, 1], orders=(1,))


@settings(max_examples=25)
@given(st.data())
def test_any_index_in_every_mode(data):
    shape, index = data.draw(shapes_and_indices())
    symbolic, values = data.draw(partly_symbolic(index))
    array = sample("float64", shape)
    (x,) = variables([array])
    want = array[index]
    (y,) = variables([want])
    outputs = [x[symbolic]]
    expected = [want]
    if selects(index):
        increased = array.copy()
        np.add.at(increased, index, 2 * want)
        outputs.append(T.inc_subtensor(x[symbolic], 2 * y))
        expected.append(increased)
    for mode in MODES:
        f = theano.function([x, y, *values], outputs, mode=mode, on_unused_input="ignore")
        before = array.copy()
        for got, w in zip(f(array, want, *values.values()), expected):
            np.testing.assert_allclose(got, w, rtol=1e-13, atol=1e-13)
            assert not np.shares_memory(got, array)
        np.testing.assert_array_equal(array, before)


# -- one by one ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8", "bool", "complex64"])
def test_dtypes_are_kept(dtype):
    x = sample(dtype, (4, 3))
    for index in [1, slice(1, None), ([0, 2],), (slice(None), [0, 2, 2]), x[:, 0] != 0]:
        agree(lambda v, i=index: v[i], lambda v, i=index: v[i], x)
        y = sample(dtype, x[index].shape, 1)
        replaced = x.copy()
        replaced[index] = y
        agree(lambda v, w, i=index: T.set_subtensor(v[i], w), lambda v, w, r=replaced: r, x, y)
        increased = x.copy()
        np.add.at(increased, index, y)
        agree(lambda v, w, i=index: T.inc_subtensor(v[i], w), lambda v, w, r=increased: r, x, y)


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint8", "uint16", "uint64"])
def test_dtypes_of_index_arrays(dtype):
    x, rows = sample("float64", (4, 3)), np.array([2, 0, 2], dtype)
    agree(lambda v, i: v[i], lambda v, i: v[i], x, rows, modes=MODES)
    agree(lambda v, i: v[:, i], lambda v, i: v[:, i], x, rows, modes=MODES)
    agree(lambda v, i: v[i[0]:], lambda v, i: v[2:], x, rows, modes=MODES)


def test_python_lists():
    x = sample("float64", (3, 2))
    agree(lambda v: v[[True, False, True]], lambda v: v[[True, False, True]], x, modes=MODES)
    agree(lambda v: v[[[True, False], [False, True], [True, True]]],
          lambda v: v[np.array([[True, False], [False, True], [True, True]])], x)
    agree(lambda v: v[[]], lambda v: v[[]], x, modes=MODES)
    agree(lambda v: v[[0, -1], [1, 0]], lambda v: v[[0, -1], [1, 0]], x)
    agree(lambda v: v[(0, 1)], lambda v: v[0, 1], x)
    agree(lambda v: v[(0, 1),], lambda v: v[(0, 1),], x)
    i = T.lscalar()
    np.testing.assert_array_equal(evaluate([T.as_tensor_variable(x)[[i, 0]]], {i: np.array(2)})[0], x[[2, 0]])


def test_integers_of_dtype_int8_are_no_mask():
    agree(lambda v, m: v[m], lambda v, m: v[m], np.array([5.0, 6, 7]), np.array([1, 0, 1], "int8"))


@pytest.mark.parametrize("mode", MODES)
def test_masks(mode):
    x, m, c = T.dmatrix(), T.bmatrix() > 0, T.vector(dtype="bool")
    b = m.owner.inputs[0]
    f = theano.function(
        [x, b, c], [x[m], x[c], x[:, x[0] > 0], T.set_subtensor(x[m], 0), T.inc_subtensor(x[c], 1), x[m].shape],
        mode=mode,
    )
    a = sample("float64", (3, 4))
    k, rows = sample("int8", (3, 4)), np.array([True, False, True])
    mask = k > 0
    zeroed, more = a.copy(), a.copy()
    zeroed[mask] = 0
    more[rows] += 1
    wants = [a[mask], a[rows], a[:, a[0] > 0], zeroed, more, [mask.sum()]]
    for got, want in zip(f(a, k, rows), wants, strict=True):
        np.testing.assert_array_equal(got, want)
    with pytest.raises(IndexError, match="boolean"):
        f(a, k[:2], rows)
    with pytest.raises(IndexError, match="boolean"):
        f(a, k, np.array([True, False]))


def test_masks_that_are_known_not_to_fit():
    x = T.TensorType("float64", (3, 4))()
    with pytest.raises(IndexError, match="boolean index did not match"):
        x[np.ones(2, bool)]
    with pytest.raises(IndexError, match="too many"):
        x[0, np.ones((3, 4), bool)]


@pytest.mark.parametrize("index, error", [
    (0.5, TypeError), (True, TypeError), (np.True_, TypeError), ("a", TypeError), (object(), TypeError),
    (np.array([0.5]), TypeError), (slice(0.5, None), TypeError), (slice(None, None, 0), ValueError),
    (slice("a", None), TypeError), ((0, 0, 0), IndexError), ((..., ...), IndexError), ([0.5], TypeError),
    ({0: 1}, TypeError), (([0, 1], [0, 1, 2]), IndexError),
], ids=label)
def test_what_is_no_index(index, error):
    with pytest.raises(error):
        T.dmatrix("x")[index]


def test_symbolic_indices_of_wrong_type():
    x, f, v, b = T.dvector("x"), T.dscalar("f"), T.dvector("v"), T.scalar("b", dtype="bool")
    with pytest.raises(TypeError, match="integer"):
        x[f]
    with pytest.raises(TypeError, match="integer"):
        x[v]
    with pytest.raises(TypeError, match="//"):
        x[:x.shape[0] / 2]
    with pytest.raises(TypeError, match="without axes"):
        x[b]
    with pytest.raises(TypeError, match="single integer"):
        x[T.ivector():]


@pytest.mark.parametrize("mode", MODES)
def test_out_of_range(mode):
    x, i, rows = T.dmatrix("x"), T.lscalar("i"), T.lvector("rows")
    a = sample("float64", (3, 4))
    f = theano.function([x, i], x[i], mode=mode)
    g = theano.function([x, rows], x[rows], mode=mode)
    h = theano.function([x, rows], x[:, rows], mode=mode)
    s = theano.function([x, i], T.set_subtensor(x[i], 0.0), mode=mode)
    t = theano.function([x, rows], T.inc_subtensor(x[rows], 1.0), mode=mode)
    for k in (3, -4, 2**40):
        for function, argument in [(f, k), (g, [0, k]), (h, [k + 1 if k > 0 else k - 1]), (s, k), (t, [k])]:
            with pytest.raises(IndexError) as error:
                function(a, argument)
            assert "out of bounds" in str(error.value) or "out of range" in str(error.value)
    for function, argument in [(f, 2), (g, [0, 2])]:   # still usable
        np.testing.assert_array_equal(function(a, argument), a[argument])


@pytest.mark.parametrize("mode", MODES)
def test_repeated_indices(mode):
    x = T.dvector()
    f = theano.function([x], [
        T.inc_subtensor(x[[0, 0, 1]], 1), T.set_subtensor(x[[0, 0]], [5, 6]), T.inc_subtensor(x[[0, 0]], [5, 6]),
        T.inc_subtensor(x[[[0, 0], [1, 0]]], 1),
    ], mode=mode)
    got = f([0.0, 0.0, 0.0])
    for g, w in zip(got, [[2, 1, 0], [6, 0, 0], [11, 0, 0], [3, 1, 0]]):
        np.testing.assert_array_equal(g, w)


def test_value_is_cast_silently():
    v = T.ivector()
    result = T.set_subtensor(v[0], 1.7)
    assert result.dtype == "int32"
    assert list(evaluate([result], {v: np.zeros(2, "int32")})[0]) == [1, 0]
    w = T.fvector()
    assert T.inc_subtensor(w[1:], T.dvector()).dtype == "float32"
    with pytest.raises(TypeError, match="complex"):
        T.set_subtensor(w[0], T.zscalar())


@pytest.mark.parametrize("mode", MODES)
def test_value_is_broadcast_where_that_is_known_and_checked(mode):
    x, y, row = T.dmatrix("x"), T.dvector("y"), T.drow("row")
    a = np.zeros((3, 4))
    f = theano.function([x, y], T.set_subtensor(x[1:], y), mode=mode)
    np.testing.assert_array_equal(f(a, [1.0, 2, 3, 4]), [[0] * 4, [1, 2, 3, 4], [1, 2, 3, 4]])
    g = theano.function([x, row], [T.inc_subtensor(x[[0, 0]], row), T.set_subtensor(x[:2], row)], mode=mode)
    np.testing.assert_array_equal(g(a, [[1.0, 2, 3, 4]])[0][0], [2, 4, 6, 8])
    np.testing.assert_array_equal(g(a, [[1.0, 2, 3, 4]])[1][1], [1, 2, 3, 4])
    for wrong in ([1.0, 2, 3], [7.0]):
        with pytest.raises(ValueError):
            f(a, wrong)
    h = theano.function([x, y], T.inc_subtensor(x[:, [0, 1, 0]], y), mode=mode)
    for wrong in ([1.0, 2], [7.0]):
        with pytest.raises(ValueError):
            h(a, wrong)
    np.testing.assert_array_equal(f(a, [1.0, 2, 3, 4])[2], [1, 2, 3, 4])


def test_values_that_are_known_not_to_fit():
    x = T.TensorType("float64", (3, 4))("x")
    with pytest.raises(ValueError, match="axes"):
        T.set_subtensor(x[0], T.dmatrix())
    with pytest.raises(ValueError, match="length"):
        T.set_subtensor(x[0], np.zeros(3))
    with pytest.raises(ValueError, match="length"):
        T.inc_subtensor(x[[0, 1]], np.zeros((3, 4)))
    assert T.set_subtensor(x[0], np.zeros((1, 4))).type.shape == (3, 4)


@pytest.mark.parametrize("wrong", [
    lambda: T.dvector(), lambda: 1.0, lambda: T.dvector() + 1, lambda: T.exp(T.dvector()[1:]),
    lambda: T.dvector()[None],
])
def test_first_argument_must_be_an_index_expression(wrong):
    for function in (T.set_subtensor, T.inc_subtensor):
        with pytest.raises(TypeError, match="index expression"):
            function(wrong(), 0)


@pytest.mark.parametrize("mode", MODES)
def test_views_of_selections_are_followed(mode):
    x, y, z = T.dmatrix("x"), T.dmatrix("y"), T.dvector("z")
    a, b, c = sample("float64", (3, 4)), sample("float64", (4, 2), 1), sample("float64", (8,), 2)
    f = theano.function([x, y, z], [
        T.set_subtensor(x[1:].T, y), T.inc_subtensor(x[1:].reshape((8,)), z),
        T.set_subtensor(x[1:, None, :], y.T[:, None]),
        T.inc_subtensor(x[0].dimshuffle("x", 0), 1.0), T.set_subtensor(x[[2, 1]].T, y),
        T.inc_subtensor(x[1:].reshape((2, 2, 2)), 1.0), T.set_subtensor(x[1:].flatten(), z),
    ], mode=mode)
    wants = [a.copy() for _ in range(7)]
    wants[0][1:] = b.T
    wants[1][1:] += c.reshape(2, 4)
    wants[2][1:] = b.T
    wants[3][0] += 1
    wants[4][[2, 1]] = b.T
    wants[5][1:] += 1
    wants[6][1:] = c.reshape(2, 4)
    for got, want in zip(f(a, b, c), wants, strict=True):
        np.testing.assert_allclose(got, want)


def test_set_of_a_selection_of_a_selection_gives_the_inner_one():
    x = T.dmatrix()
    (got,) = evaluate([T.set_subtensor(x[1:][0], 7.0)], {x: np.zeros((3, 2))})
    np.testing.assert_array_equal(got, [[7, 7], [0, 0]])


def test_a_slice_is_a_view_and_nothing_is_changed():
    x = T.dmatrix()
    a = sample("float64", (3, 4))
    for index in [0, slice(1, None), (slice(None), 2), (1, 2), ..., (slice(None, None, -1), slice(0, 3, 2))]:
        (got,) = evaluate([x[index]], {x: a})
        assert np.shares_memory(got, a)
        assert x[index].owner.op.view_map == {0: [0]}
    assert not np.shares_memory(evaluate([x[[0, 1]]], {x: a})[0], a)


def test_static_lengths():
    x = T.TensorType("float64", (5, None, 1))()
    assert x[1:].type.shape == (4, None, 1)
    assert x[::-2].type.shape == (3, None, 1)
    assert x[:, 1:, 0].type.shape == (5, None)
    assert x[-3:-1].type.shape == (2, None, 1)
    assert x[[0, 1]].type.shape == (2, None, 1)
    assert x[:, :, [0, 0]].type.shape == (5, None, 2)
    assert x[[0, 1], :, [[0], [0], [0]]].type.shape == (3, 2, None)
    assert x[:, None].type.shape == (5, 1, None, 1)
    assert x[T.lscalar():].type.shape == (None, None, 1)
    assert x[np.array([True, False, True, True, False])].type.shape == (3, None, 1)


def test_lengths_of_slices_do_not_need_the_tensor():
    x, i = T.dvector(), T.lscalar()
    y = T.exp(x)[i:][:3]
    lengths = inferred_shape(y, [x, i])
    assert T.as_tensor_variable(lengths[0]).owner is not None
    exponentials = [n for n in theano.graph.traverse.toposort([lengths[0]], [x, i]) if "exp" in str(n.op)]
    assert exponentials == []


def test_equal_indices_make_equal_ops():
    x = T.dmatrix()
    assert x[1:, 0].owner.op == x[1:, 0].owner.op
    assert hash(x[1:, 0].owner.op) == hash(x[1:, 0].owner.op)
    assert x[1:, :].owner.op == x[1:].owner.op
    assert x[1:].owner.op != x[2:].owner.op
    assert x[T.lscalar()].owner.op == x[T.bscalar()].owner.op
    assert x[T.constant(1)].owner.op == x[1].owner.op


# -- functions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("mode", ["raise", "wrap", "clip"])
def test_take(mode, axis):
    x = sample("float64", (3, 4))
    places = np.array([[0, 1], [2, -1]]) if mode == "raise" else np.array([[-7, 5], [2, 9]])
    agree(lambda v, i: T.take(v, i, axis, mode), lambda v, i: np.take(v, i, axis, mode=mode), x, places, modes=MODES)
    agree(lambda v, i: T.take(v, i, axis, mode), lambda v, i: np.take(v, i, axis, mode=mode), x, np.int32(2))
    agree(lambda v: T.take(v, [], axis, mode), lambda v: np.take(v, np.zeros(0, int), axis, mode=mode), x)
    gradients_agree(lambda v: T.take(v, places, axis, mode), x, orders=(1,))


def test_take_refuses():
    with pytest.raises(ValueError, match="mode"):
        T.take(T.dvector(), 0, mode="wild")
    with pytest.raises(TypeError, match="integers"):
        T.take(T.dvector(), 0.5)
    with pytest.raises(ValueError, match="out of bounds"):
        T.take(T.dvector(), 0, axis=1)


@pytest.mark.parametrize("mode", ["raise", "wrap", "clip"])
def test_choose(mode):
    places = np.array([[0, 2, 1, 0]] * 3) if mode == "raise" else np.array([[0, -2, 1, 9]] * 3)
    a, b, c = (sample("float64", s, k) for k, s in enumerate([(3, 4), (4,), (3, 1)]))
    stacked = sample("float64", (3, 3, 4))

    def of_list(i, *choices):
        return T.choose(i, choices, mode=mode)

    def of_tensor(i, choices):
        return T.choose(i, choices, mode=mode)

    agree(of_list, lambda i, *v: np.choose(i, v, mode=mode), places, a, b, c, modes=MODES)
    agree(of_tensor, lambda i, v: np.choose(i, v, mode=mode), places, stacked, modes=MODES)
    gradients_agree(of_list, places, a, b, c, orders=(1,))
    gradients_agree(of_tensor, places[:2, :1], stacked[:, :2, :1], orders=(1,))
    gradients_agree(of_tensor, places[0, 0], stacked[:, 0, 0], orders=(1,))


def test_choose_refuses():
    i, x = T.lvector(), T.dmatrix()
    with pytest.raises(ValueError, match="out of range"):
        evaluate([T.choose(i, x)], {i: np.array([3]), x: np.zeros((2, 1))})
    with pytest.raises(TypeError, match="integers"):
        T.choose(T.dvector(), x)
    with pytest.raises(ValueError, match="empty"):
        T.choose(i, [])
    with pytest.raises(TypeError, match="out"):
        T.choose(i, x, out=x)


@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 0), (2, 2, 3)], ids=str)
@pytest.mark.parametrize("dtype", ["float64", "int8", "bool"])
def test_nonzero(dtype, shape):
    x = sample(dtype, shape)
    x[..., :1] = 0
    agree(T.nonzero, np.nonzero, x, modes=MODES)
    agree(lambda v: T.nonzero(v, return_matrix=True), lambda v: np.array(np.nonzero(v)), x)
    agree(T.flatnonzero, np.flatnonzero, x)
    agree(T.nonzero_values, lambda v: v[np.nonzero(v)], x)
    if dtype == "float64":
        gradients_agree(T.nonzero_values, x, orders=(1,), step=1e-7, limit=1e-3) if x.all() else None


def test_nonzero_of_a_scalar():
    for function in (T.nonzero, T.flatnonzero):
        with pytest.raises(ValueError, match="scalar"):
            function(T.dscalar())


def test_compress():
    x = sample("float64", (3, 4))
    for axis, condition in [(0, [0, 1, 1]), (1, [1, 0, 0, 1]), (None, [0, 1, 1, 0, 1])]:
        agree(lambda v, c=condition, a=axis: T.compress(c, v, a),
              lambda v, c=condition, a=axis: np.compress(c, v, a), x)
    gradients_agree(lambda v: T.compress([0, 1, 1], v, 0), x, orders=(1,))
    with pytest.raises(ValueError, match="vector"):
        T.compress(T.dmatrix(), x)


# -- names of theano.tensor.subtensor --------------------------------------------------------------------------------


def test_canonical_slices():
    from theano.tensor.subtensor import get_canonical_form_slice

    bounds = [None, *range(-6, 7)]
    symbolic = {k: T.lscalar() for k in ("start", "stop", "step")}
    for n in (0, 1, 4):
        length = T.lscalar()
        for step in (None, 1, 2, 5, -1, -2, -5):
            for start in bounds:
                for stop in bounds[::2]:
                    entry = slice(start, stop, step)
                    want = list(range(n))[entry]
                    canonical, direction = get_canonical_form_slice(entry, n)
                    assert canonical.step > 0 and canonical.start >= 0 and canonical.stop <= max(n, 0)
                    assert list(range(n))[canonical][::direction] == want
        entry = slice(symbolic["start"], symbolic["stop"], symbolic["step"])
        canonical, direction = get_canonical_form_slice(entry, length)
        parts = [T.as_tensor_variable(p) for p in (canonical.start, canonical.stop, canonical.step, direction)]
        for start, stop, step in [(0, 4, 1), (-1, -9, -1), (3, 0, -2), (1, 3, 2), (9, -9, -3)]:
            values = {length: n, **dict(zip(symbolic.values(), (start, stop, step)))}
            a, b, s, d = (int(v) for v in evaluate(parts, {k: np.asarray(v) for k, v in values.items()}))
            assert list(range(n))[a:b:s][::d] == list(range(n))[start:stop:step]
    assert get_canonical_form_slice(-1, 5) == (4, 1)


def test_ops_by_name():
    from theano.tensor import subtensor as s

    x, y = sample("float64", (3, 4)), sample("float64", (2, 4), 1)
    agree(lambda v: s.advanced_subtensor1(v, [2, 0]), lambda v: v[[2, 0]], x)
    agree(lambda v: s.advanced_subtensor(v, [2, 0], slice(1, None)), lambda v: v[[2, 0], 1:], x)
    agree(lambda v: s.advanced_boolean_subtensor(v, v > 0), lambda v: v[v > 0], x)
    added, written = x.copy(), x.copy()
    np.add.at(added, [2, 2], y)
    written[[2, 1]] = y
    for name in ("advanced_inc_subtensor1", "advanced_inc_subtensor", "advanced_boolean_inc_subtensor"):
        agree(lambda v, w, f=name: getattr(s, f)(v, w, [2, 2]), lambda v, w: added, x, y)
    for name in ("advanced_set_subtensor1", "advanced_set_subtensor", "advanced_boolean_set_subtensor"):
        agree(lambda v, w, f=name: getattr(s, f)(v, w, [2, 1]), lambda v, w: written, x, y)
    with pytest.raises(s.AdvancedIndexingError):
        s.advanced_subtensor(T.dmatrix(), None, [0])
    with pytest.raises(TypeError, match="Python bool"):
        s.check_and_reject_bool((0, [True]))
    assert s.adv_index_broadcastable_pattern(T.dmatrix(), ([0], slice(None))) == (True, False)
    with pytest.raises(IndexError):
        s.check_advanced_indexing_dimensions(T.dvector(), (np.ones((2, 2), bool),))
    assert s.make_constant((1, slice(2, None)))[0].data == 1
    assert s.as_index_variable(3).dtype == "int64"


def test_index_list_and_inputs_make_the_index():
    from theano.tensor.subtensor import Subtensor, get_idx_list

    x, i, j = T.dtensor3(), T.lscalar(), T.lscalar()
    node = x[i, 1:j:2, 0].owner
    assert node.op.get_idx(node.inputs) == [i, (1, j, 2), 0]
    assert get_idx_list(node.inputs, node.op.idx_list) == (i, slice(1, j, 2), 0)
    assert get_idx_list(node.inputs, node.op.idx_list, get_count=True) == 2
    from theano import tensor

    op = Subtensor([tensor.lscalar, slice(None, tensor.lscalar, None)])   # types stand for inputs
    assert op(x, i, j).ndim == 2
    with pytest.raises(ValueError, match="places"):
        op(x, i)
    with pytest.raises(TypeError, match="integer"):
        op(x, T.dscalar(), j)


def test_pickled_ops_are_equal_in_another_process():
    import pickle
    import subprocess
    import sys

    program = """
import pickle, sys
import theano.tensor as T
x = T.dmatrix()
built = [x[1:, T.lscalar()], x[[0, 1]], x[:, [0, 1]], T.set_subtensor(x[::-1], 0), T.inc_subtensor(x[:, [0]], 0),
         x.T, T.exp(x), T.sum(x, 1), T.ProdWithoutZeros(1)(x), T.dot(x, x), T.cumsum(x, 0), T.sort(x)]
sys.stdout.buffer.write(pickle.dumps([y.owner.op for y in built]))
"""
    x = T.dmatrix()
    built = [
        x[1:, T.lscalar()], x[[0, 1]], x[:, [0, 1]], T.set_subtensor(x[::-1], 0), T.inc_subtensor(x[:, [0]], 0),
        x.T, T.exp(x), T.sum(x, 1), T.ProdWithoutZeros(1)(x), T.dot(x, x), T.cumsum(x, 0), T.sort(x),
    ]
    there = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout
    for op, y in zip(pickle.loads(there), built, strict=True):
        assert op == y.owner.op
        assert hash(op) == hash(y.owner.op)


def test_indices_that_are_known_to_be_distinct():
    from theano.tensor.advanced_indexing import are_distinct

    def known(*values):
        return are_distinct([T.as_tensor_variable(v) for v in values])

    assert known([0, 1]) and known([-1, -2]) and known([[0, 1], [2, 3]])
    assert known([0, 0], [0, 1]) and known([[0], [1]], [0, 1])
    assert known(T.arange(T.lscalar()), T.lvector()) and known(T.vector(dtype="bool"))
    assert not known([0, 0]) and not known([0, -1]) and not known(T.lvector()) and not known([0, 0], [1, 1])
    assert not known(T.arange(3), T.lmatrix()) and not known(T.vector(dtype="bool"), [0, 0])
