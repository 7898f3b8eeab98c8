"""What a compiled function returns and what it accepts: every sentence of the API's notes on function()."""

import os

import numpy as np
import pytest

import theano
import theano.tensor as tt
from theano.errors import MissingInputError, UnusedInputError


def test_the_first_example():
    a, b = tt.dscalars("a", "b")
    f = theano.function([a, b], a + b)
    assert f(1.5, 2.5) == 4.0


# -- outputs ----------------------------------------------------------------------------------------------------------


def test_outputs_come_in_the_form_they_are_asked_for(mode):
    x = tt.dscalar("x")
    assert theano.function([], None, mode=mode)() == []
    assert theano.function([], mode=mode)() == []
    assert theano.function([x], [], mode=mode, on_unused_input="ignore")(1.0) == []
    single = theano.function([x], x + 1, mode=mode)(1.0)
    assert isinstance(single, np.ndarray) and single.shape == () and single == 2.0
    listed = theano.function([x], [x + 1], mode=mode)(1.0)
    assert isinstance(listed, list) and len(listed) == 1 and listed[0] == 2.0
    listed = theano.function([x], (x + 1, x * 3), mode=mode)(1.0)
    assert isinstance(listed, list) and [float(v) for v in listed] == [2.0, 3.0]


def test_dict_outputs(mode):
    x = tt.dscalar("x")
    f = theano.function([x], {"b": x + 1, "a": x * 2}, mode=mode)
    result = f(3.0)
    assert list(result) == ["a", "b"]
    assert result["a"] == 6.0 and result["b"] == 4.0
    assert f(3.0, output_subset=["b"]) == {"b": 4.0}
    with pytest.raises(AssertionError, match="text"):
        theano.function([x], {1: x}, mode=mode)


def test_output_subset_still_makes_updates(mode):
    x = tt.dscalar("x")
    s = theano.shared(0.0)
    f = theano.function([x], [x + 1, x * 2], updates=[(s, s + x)], mode=mode)
    assert [float(v) for v in f(2.0, output_subset=[1])] == [4.0]
    assert s.get_value() == 2.0
    assert [float(v) for v in f(2.0, output_subset=[1, 0])] == [4.0, 3.0]


def test_one_variable_may_be_several_outputs(mode):
    x = tt.dvector("x")
    y = x + 1
    first, second = theano.function([x], [y, y], mode=mode)([1.0, 2.0])
    assert np.array_equal(first, second)
    assert not np.may_share_memory(first, second)


def test_outputs_must_be_variables():
    x = tt.dscalar("x")
    with pytest.raises(TypeError, match=r"number 1 is 3"):
        theano.function([x], [x, 3])


# -- inputs -----------------------------------------------------------------------------------------------------------


def test_keywords_and_names(mode):
    x, y = tt.dscalars("x", "y")
    f = theano.function([x, y], x - y, mode=mode)
    assert f(5.0, 2.0) == f(y=2.0, x=5.0) == f(5.0, y=2.0) == 3.0


def test_missing_surplus_and_unknown(mode):
    x, y = tt.dscalars("x", "y")
    f = theano.function([x, y, tt.dscalar()], x - y, mode=mode, on_unused_input="ignore")
    with pytest.raises(TypeError, match="Missing required input: y"):
        f(1.0)
    with pytest.raises(TypeError, match="Too many parameter passed to theano function"):
        f(1.0, 2.0, 3.0, 4.0)
    with pytest.raises(TypeError, match=r"Unknown input or state: 'z'.* 2 named inputs \(x, y\).*1 unnamed"):
        f(1.0, 2.0, 3.0, z=1.0)
    with pytest.raises(TypeError, match="multiple values"):
        f(1.0, x=1.0)
    same = theano.function([x, theano.In(y, name="x")], x - y, mode=mode)
    assert same(3.0, 1.0) == 2.0
    with pytest.raises(TypeError, match="Ambiguous"):
        same(3.0, x=1.0)


@pytest.mark.parametrize(
    ("dtype", "value", "accepted"),
    [
        ("float32", np.ones(2, "float64"), False),
        ("float32", np.ones(2, "int32"), False),
        ("float32", np.ones(2, "int64"), False),
        ("float32", np.ones(2, "int16"), True),
        ("float64", np.ones(2, "float32"), True),
        ("float64", np.ones(2, "int32"), True),
        ("float32", [1.0, 0.5], True),
        ("float32", [1.0, 0.1], False),
        ("int32", np.ones(2), False),
        ("int32", [1.0, 2.0], True),
        ("int32", [1.5, 2.0], False),
        ("int8", [1, 300], False),
        ("int8", [1, 3], True),
        ("float64", [True, False], True),
        ("float64", "text", False),
        ("float64", None, False),
        ("float64", [[1.0, 2.0]], False),
    ],
)
def test_which_vectors_are_accepted(mode, dtype, value, accepted):
    x = tt.vector("x", dtype=dtype)
    f = theano.function([x], x * 1, mode=mode)
    if accepted:
        result = f(value)
        assert result.dtype == dtype and np.array_equal(result, value)
    else:
        with pytest.raises(TypeError, match="Bad input argument to theano function"):
            f(value)


def test_python_floats_for_floatX_scalars_only(mode):
    with theano.config.change_flags(floatX="float32"):
        x = tt.fscalar("x")
        f = theano.function([x], x * 1, mode=mode)
        assert f(0.1) == np.float32(0.1)
        with pytest.raises(TypeError):
            f(np.float64(0.1))
    with pytest.raises(TypeError):
        f(0.1)
    assert f(0.5) == 0.5


def test_allow_input_downcast(mode):
    x = tt.fvector("x")
    wide = np.array([0.1, 0.2])
    assert theano.function([x], x * 1, mode=mode, allow_input_downcast=True)(wide).dtype == "float32"
    with pytest.raises(TypeError):
        theano.function([x], x * 1, mode=mode)(wide)
    s = tt.fscalar("s")
    with theano.config.change_flags(floatX="float32"):
        f = theano.function([s], s * 1, mode=mode, allow_input_downcast=False)
        with pytest.raises(TypeError):
            f(0.1)
    assert theano.function([theano.In(x, allow_downcast=True)], x * 1, mode=mode)(wide).dtype == "float32"
    i = tt.ivector("i")
    assert theano.function([i], i * 1, mode=mode, allow_input_downcast=True)([1.7, -1.7]).tolist() == [1, -1]


def test_strict_inputs_are_not_converted(mode):
    x = tt.dvector("x")
    f = theano.function([theano.In(x, strict=True)], x * 1, mode=mode)
    assert f(np.ones(2)).tolist() == [1.0, 1.0]
    for value in ([1.0, 1.0], np.ones(2, "float32"), np.ones(2, int)):
        with pytest.raises(TypeError):
            f(value)


def test_bad_arguments_say_which_and_where():
    x = tt.dscalar("x")
    made_at = tt.fmatrix("weights")
    f = theano.function([x, made_at], x + made_at.sum())
    line = f.name.rpartition(":")[2]
    with pytest.raises(TypeError) as error:
        f(1.0, np.ones(3, "float32"))
    text = str(error.value)
    place = f'"{os.path.abspath(__file__)}:{line}"'
    assert f"Bad input argument to theano function with name {place} at index 1 (0-based)" in text
    assert "expected 2" in text and "weights" in text and 'made_at = tt.fmatrix("weights")' in text
    assert len(text.splitlines()) <= 25


def test_length_one_axes_are_checked(mode):
    r = tt.drow("r")
    f = theano.function([r], r * 2, mode=mode)
    assert f(np.ones((1, 3))).shape == (1, 3)
    with pytest.raises(TypeError, match="broadcastable dimension"):
        f(np.ones((2, 3)))
    x = tt.TensorType("float64", (None, 3))("x")
    f = theano.function([x], x * 2, mode=mode)
    assert f(np.ones((2, 3))).shape == (2, 3)
    with pytest.raises(TypeError, match="length 3"):
        f(np.ones((2, 4)))


def test_inputs_that_are_refused():
    x, y = tt.dscalars("x", "y")
    s = theano.shared(1.0)
    with pytest.raises(UnusedInputError, match="index 1"):
        theano.function([x, y], x + 1)
    with pytest.raises(MissingInputError, match="y"):
        theano.function([x], x + y)
    with pytest.raises(UnusedInputError, match="twice"):
        theano.function([x, x], x + 1)
    with pytest.raises(TypeError, match="shared variable"):
        theano.function([s], s + 1)
    with pytest.raises(TypeError, match="must be a list"):
        theano.function(x, x + 1)
    with pytest.raises(TypeError, match="constant"):
        theano.function([tt.constant(1.0)], x)
    with pytest.raises(TypeError, match="must be a symbolic variable"):
        theano.function([1.0], x)


def test_unused_inputs_may_be_allowed():
    x, y = tt.dscalars("x", "y")
    assert theano.function([x, y], x + 1, on_unused_input="ignore")(1.0, 2.0) == 2.0
    with pytest.warns(UserWarning, match="not needed"):
        theano.function([x, y], x + 1, on_unused_input="warn")
    with theano.config.change_flags(on_unused_input="ignore"):
        theano.function([x, y], x + 1)
    with pytest.raises(ValueError, match="on_unused_input"):
        theano.function([x, y], x + 1, on_unused_input="whatever")


def test_defaults_and_their_updates(mode):
    x = tt.dscalar("x")
    f = theano.function([theano.In(x, value=1.0, update=x + 1)], x * 1, mode=mode)
    assert [float(f()), float(f()), float(f(5.0)), float(f())] == [1.0, 2.0, 5.0, 6.0]
    y = tt.dscalar("y")
    g = theano.function([x, theano.In(y, value=2.0)], x * y, mode=mode)
    assert g(3.0) == 6.0 and g(3.0, 5.0) == 15.0 and g(3.0) == 6.0 and g(y=1.0, x=3.0) == 3.0
    assert g.value["y"] == 2.0 and g["y"] == 2.0 and g[y] == 2.0
    g["y"] = 10
    assert g(3.0) == 30.0
    with pytest.raises(TypeError):
        g["y"] = [1.0, 2.0]
    with pytest.raises(KeyError):
        g["z"]


def test_implicit_inputs(mode):
    x, n = tt.dscalar("x"), tt.lscalar("n")
    f = theano.function([x, theano.In(n, value=0, update=n + 1, implicit=True)], x + n, mode=mode)
    assert [float(f(10.0)) for _ in range(3)] == [10.0, 11.0, 12.0]
    with pytest.raises(TypeError):
        f(1.0, 2)
    with pytest.raises(TypeError, match="implicit"):
        f(1.0, n=2)
    f["n"] = 100
    assert f(0.0) == 100.0
    box = f.container["n"]
    g = theano.function([x, theano.In(n, value=box)], x + n, mode=mode)
    assert g(0.0) == 101.0
    box.value = 7
    assert f(0.0) == 7.0 and g(0.0) == 8.0


def test_old_tuples_for_inputs():
    x, y = tt.dscalars("x", "y")
    f = theano.function([x, ("k", y, 3.0)], x * y)
    assert f(2.0) == 6.0 and f(2.0, k=4.0) == 8.0
    with pytest.raises(NotImplementedError):
        theano.function([(x, 1.0)], x, givens={y: x})


def test_trust_input(mode):
    x = tt.dvector("x")
    f = theano.function([x], x * 2, mode=mode)
    f.trust_input = True
    assert f(np.ones(2)).tolist() == [2.0, 2.0]


def test_unusual_arrays(mode):
    x = tt.dmatrix("x")
    f = theano.function([x], x * 2 + 1, mode=mode)
    base = np.arange(24.0).reshape(4, 6)
    unaligned = np.frombuffer(b"\0" + base.tobytes(), dtype=np.uint8)[1:].view("float64").reshape(4, 6)
    assert not unaligned.flags.aligned
    layouts = [
        base, base.T, base[::-1, ::-2], base[:0], base[:1], np.asfortranarray(base), unaligned,
        base.astype(">f8"), np.broadcast_to(np.ones((1, 3)), (4, 3)), base.astype("float32"), base.tolist(),
        np.ma.masked_array(base), np.lib.stride_tricks.as_strided(base, (3, 2), (0, 8)),
    ]  # fmt: skip
    for value in layouts:
        assert np.array_equal(f(value), np.asarray(value, dtype="float64") * 2 + 1)


def test_names_of_functions():
    x = tt.dscalar("x")
    assert theano.function([x], x, name="f").name == "f"
    assert theano.function([x], x).name.startswith(os.path.abspath(__file__))
    assert "theano function" in repr(theano.function([x], x))


def test_generic_values_pass_through(mode):
    x = theano.generic("x")
    y = theano.generic("y")
    f = theano.function([x, y], [x, y], mode=mode)
    anything = {"a": [1, 2]}
    first, second = f(anything, 3)
    assert first == anything and second == 3
    assert first is not anything  # results never alias arguments


def test_every_dtype_passes_through(mode):
    for dtype in ("bool", "int8", "uint16", "int64", "uint64", "float16", "float32", "complex64", "complex128"):
        x = tt.vector("x", dtype=dtype)
        value = np.array([0, 1, 1], dtype=dtype)
        result = theano.function([x], x, mode=mode)(value)
        assert result.dtype == dtype and np.array_equal(result, value) and not np.may_share_memory(result, value)
