"""Arguments that a compiled function cannot take, and arguments that look odd but are fine; in every mode."""

import os
import re
import warnings

import numpy as np
import pytest
from report_form import fails_well

import theano
import theano.tensor as tt

HERE = os.path.abspath(__file__)
HUGE = 10**30


class Odd:
    """Neither a number nor a sequence."""


class Sick:
    """Fails while NumPy looks at it."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("sick")


def matrix(value):
    """A numpy.matrix, of which NumPy disapproves."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.matrix(value)


VARIABLE = tt.dvector("elsewhere")
SHARED = theano.shared(np.ones(2), "stored")

# dtype, rank: values that are refused with TypeError
REFUSED = {
    ("float64", 0): [None, "1.5", b"1", [1.0], np.ones(1), np.ones((1, 1)), {}, Odd(), 1j, np.complex128(1), object,
        len,
                     np.array("x"), np.array(None), np.datetime64("2020-01-01"), VARIABLE, SHARED, [[]], slice(1)],
    ("float64", 1): [None, 1.0, "ab", ["a", "b"], [None], [1.0, None], [[1.0]], [[1.0], [1.0, 2.0]], {1.0}, {0: 1.0},
                     np.ones((2, 2)), np.float64(1), 1j, [1j], np.ones(2, complex), Odd(), [Odd()], VARIABLE, SHARED,
                     np.array(["a", "b"]), np.array([None, 1.0]), np.array([1, "a"], object), iter([1.0]),
                     np.zeros(2, [("a", float)]), np.array(["2020-01-01"], "M8[D]"), np.ma.masked_array([[1.0]]),
                     matrix([[1.0, 2.0]]), [HUGE], HUGE, range, "", tt.ones],
    ("float64", 2): [None, 1.0, [1.0, 2.0], [[1.0], [1.0, 2.0]], np.ones(3), np.ones((1, 1, 1)), [[[1.0]]], "ab"],
    ("float32", 0): [0.1, np.float64(0.5), np.float64(0.1), 2**24 + 1, 1e39, np.int32(1), np.int64(1), 1j, None, HUGE],
    ("float32", 1): [[0.1], np.ones(2), np.ones(2, "int32"), np.ones(2, "int64"), [1e39], [2**24 + 1], [HUGE]],
    ("float16", 1): [np.ones(2, "float32"), [0.1], [1e5], np.ones(2, "int16")],
    ("int64", 0): [1.5, np.float64(1), np.float32(1), np.nan, np.inf, "1", 2**63, -(2**63) - 1, HUGE, 1j, None,
                   np.uint64(1), [1], VARIABLE],
    ("int64", 1): [[1.5], np.ones(2), np.ones(2, "float32"), [np.nan], [2**63], np.ones(2, "uint64"), [[1], [1, 2]]],
    ("int32", 0): [2**31, -(2**31) - 1, np.int64(1), 1.5, HUGE],
    ("int8", 0): [128, -129, 1.5, np.int16(1), HUGE],
    ("int8", 1): [[128], [1, -129], np.ones(2, int), np.ones(2, "uint8")],
    ("uint8", 0): [256, -1, np.int8(1), 0.5],
    ("uint8", 1): [[256], [-1], np.ones(2, "int8"), np.ones(2, int)],
    ("uint64", 0): [-1, 2**64, np.int64(1), 1.5],
    ("bool", 0): [2, -1, 0.5, np.int8(1), "True", None],
    ("bool", 1): [[2], [0.5], np.ones(2, "int8"), np.ones(2), ["True"]],
    ("complex64", 1): [np.ones(2, complex), np.ones(2), [0.1], [None]],
    ("complex128", 0): ["1j", None, np.ones(1)],
}  # fmt: skip

# dtype, rank: values that are taken as they are
TAKEN = {
    ("float64", 0): [1, 1.5, True, np.float64(1.5), np.float32(1.5), np.float16(1.5), np.int8(1), np.int64(3),
        np.bool_(1),
                     np.array(1.5), np.array(1), np.nan, np.inf, -0.0, 5e-324, np.array(1.5, ">f8"), 2**53, 10**22],
    ("float64", 1): [[], (), [1], (1, 2.5), [True], range(3), np.arange(3), np.arange(3.0), np.arange(3, dtype=">f4"),
                     np.arange(6.0)[::-2], np.ones((3, 2))[:, 1], np.broadcast_to(1.0, (4,)), np.ones(0), np.ones(0,
                     int), np.ones(3, "float16"), np.rec.array(np.ones(2))],
    ("float64", 2): [[[]], [[1, 2], [3, 4]], matrix([[1.0, 2.0]]), np.asfortranarray(np.ones((3, 2))), np.ones((0, 3)),
                     np.ones((3, 0)), np.ones((2, 3)).T, np.ones((4, 6))[::-2, ::3], np.ma.masked_array(np.ones((2,
                     2)))],
    ("float32", 0): [0.5, 1, True, np.float32(0.1), np.float16(0.5), np.int16(5), 2**24, np.nan, np.inf, -np.inf],
    ("float32", 1): [[0.5, 1], [np.nan, np.inf], np.ones(2, "float16"), np.ones(2, "uint16"), np.ones(2, bool)],
    ("int64", 0): [1, True, 1.0, -(2**63), 2**63 - 1, np.int8(1), np.uint32(5), np.array(4), np.bool_(True)],
    ("int64", 1): [[1, 2], [True, False], [1.0, 2.0], range(3), np.ones(2, "uint32"), np.ones(2, ">i4"), np.ones(2,
        bool)],
    ("int8", 0): [127, -128, True, np.int8(3)],
    ("uint8", 1): [[0, 255], np.ones(2, bool), [True]],
    ("uint64", 0): [2**64 - 1, 0, np.uint8(1)],
    ("bool", 0): [True, False, np.bool_(True), np.array(True), 0, 1],
    ("bool", 1): [[True, False], [0, 1], np.array([True])],
    ("complex64", 1): [np.ones(2, "complex64"), np.ones(2, "float32"), [1j, 0.5]],
    ("complex128", 0): [1, 1.5, 1j, np.complex64(1j), np.float32(1)],
}  # fmt: skip


def flatten(table):
    for (dtype, ndim), values in table.items():
        for n, value in enumerate(values):
            text = re.sub(r"0x\w+|\s+", " ", repr(value))[:40]
            yield pytest.param(dtype, ndim, value, id=f"{dtype}-{ndim}d-{n}-{text}".encode("ascii", "replace").decode())


compiled = {}


def function_of(dtype, ndim, mode):
    key = dtype, ndim, mode
    if key not in compiled:
        given = tt.TensorType(dtype, (False,) * ndim)("given")
        compiled[key] = theano.function([given], given, mode=mode)
    return compiled[key]


@pytest.mark.parametrize(("dtype", "ndim", "value"), list(flatten(REFUSED)))
def test_refused(mode, dtype, ndim, value):
    f = function_of(dtype, ndim, mode)
    message = fails_well(f, [value], TypeError, file=HERE, mentions=["Bad input argument", "at index 0", "given",
        dtype])
    assert "Pass" in message
    good = np.ones((2,) * ndim, dtype)
    assert np.array_equal(f(good), good)


@pytest.mark.parametrize(("dtype", "ndim", "value"), list(flatten(TAKEN)))
def test_taken(mode, dtype, ndim, value):
    result = function_of(dtype, ndim, mode)(value)
    assert type(result) is np.ndarray and result.dtype == dtype and result.ndim == ndim
    assert result.dtype.isnative and result.flags.writeable and result.flags.aligned
    np.testing.assert_array_equal(result, np.asarray(value))


def test_an_array_that_fails_to_become_one(mode):
    f = function_of("float64", 1, mode)
    with pytest.raises((TypeError, RuntimeError)) as caught:
        f(Sick())
    assert len(str(caught.value).splitlines()) <= 25
    assert f([1.0]).tolist() == [1.0]


def test_counts_and_names(mode):
    x, y = tt.dscalars("x", "y")
    calls = []
    s = theano.shared(0.0, "s")
    f = theano.function([x, theano.In(y, value=2.0, name="rate")], x * y, updates=[(s, s + 1)], mode=mode)
    for args, kwargs, text in [
        ((), {}, "Missing required input: x"),
        ((), {"rate": 1.0}, "Missing required input: x"),
        ((1.0, 2.0, 3.0), {}, "Too many parameter"),
        ((1.0,), {"y": 3.0}, "Unknown input or state: 'y'"),
        ((1.0,), {"x": 3.0}, "multiple values"),
        ((1.0, 2.0), {"rate": 3.0}, "multiple values"),
        ((1.0,), {"": 3.0}, "Unknown input"),
        ((1.0, "a"), {}, "index 1"),
        ((1.0,), {"rate": "a"}, "index 1"),
        ((None,), {}, "index 0"),
    ]:
        with pytest.raises(TypeError, match=re.escape(text)) as caught:
            f(*args, **kwargs)
        calls.append(str(caught.value))
        assert len(calls[-1].splitlines()) <= 25
        assert os.path.basename(HERE) in calls[-1]
        assert s.get_value() == 0.0
    assert f(3.0) == 6.0 and f(x=3.0, rate=5) == 15.0 and f(3.0, None) == 6.0
    assert s.get_value() == 3.0


def test_output_subset_out_of_range(mode):
    x = tt.dscalar("x")
    s = theano.shared(0.0)
    f = theano.function([x], [x + 1, x * 2], updates=[(s, s + 1)], mode=mode)
    g = theano.function([x], {"a": x + 1, "b": x * 2}, updates=[(s, s + 1)], mode=mode)
    for function, subset in [(f, [2]), (f, [-3]), (f, ["a"]), (f, [None]), (f, 1), (g, ["c"]), (g, [5])]:
        with pytest.raises((IndexError, KeyError, TypeError, ValueError)):
            function(1.0, output_subset=subset)
    assert s.get_value() == 0.0
    assert f(1.0, output_subset=[]) == []


def test_what_may_be_strange_about_an_array(mode):
    """Layouts, byte orders, flags and subclasses: all read as NumPy reads them, none written."""
    m = tt.dmatrix("m")
    f = theano.function([m], [m, m * 2 + m.T.sum(), m[::-1, 1:], m.sum(axis=0), tt.dot(m, m.T), m.max(axis=1)],
        mode=mode)
    base = np.arange(1.0, 25.0).reshape(4, 6)
    raw = np.zeros(base.nbytes + 1, np.uint8)
    misaligned = raw[1:].view("float64").reshape(4, 6)
    misaligned[...] = base
    read_only = base.copy()
    read_only.flags.writeable = False
    mapped = np.memmap(_temporary(base), dtype="float64", mode="r", shape=(4, 6))
    record = np.zeros((4, 6), [("a", "i1"), ("value", "f8")])
    record["value"] = base
    odd = {
        "C": base, "Fortran": np.asfortranarray(base), "transposed": base.T, "reversed": base[::-1, ::-1],
        "strided": base[::2, ::3], "misaligned": misaligned, "field of records": record["value"],
        "big endian": base.astype(">f8"), "read only": read_only, "memmap": mapped,
        "masked": np.ma.masked_greater(base, 5.0), "matrix": matrix(base), "broadcast": np.broadcast_to(base[0], (3,
            6)),
        "one row": base[:1], "one column": base[:, :1], "one": base[:1, :1],
        "overlapping": np.lib.stride_tricks.as_strided(base, (3, 4), (8, 8)), "float32": base.astype("f4"),
        "int": base.astype(int), "big endian int": base.astype(">i2"), "bool": base > 3,
    }  # fmt: skip
    for name, value in odd.items():
        before = np.array(value, copy=True)
        v = np.asarray(value, dtype="float64")
        expected = [v, v * 2 + v.sum(), v[::-1, 1:], v.sum(axis=0), v @ v.T, v.max(axis=1)]
        for got, e in zip(f(value), expected):
            assert type(got) is np.ndarray, name
            np.testing.assert_allclose(got, e, rtol=1e-12, err_msg=name)
            assert not np.may_share_memory(got, np.asarray(value)), name
        np.testing.assert_array_equal(np.asarray(value), np.asarray(before))


def _temporary(value):
    import tempfile

    with tempfile.NamedTemporaryFile(delete=False, suffix=".bin") as file:
        file.write(value.tobytes())
    return file.name


def test_empty_arrays_through_everything(mode):
    m, x = tt.dmatrix("m"), tt.dvector("x")
    f = theano.function(
        [m, x],
        [m.sum(), m.sum(axis=0), m.prod(axis=1), m.mean(), tt.dot(m, m.T), m.T, m * 2, m[::-1], tt.join(0, m, m),
        x.sum(),
         m.reshape((-1, 5)), m.flatten(), tt.exp(m).sum(axis=1), m.any(), m.all(), x[1:], tt.dot(x, x), tt.outer(x, x)],
        mode=mode,
    )  # fmt: skip
    empty, none = np.ones((0, 5)), np.ones(0)
    with np.errstate(all="ignore"):
        expected = [
            0.0, np.zeros(5), np.ones(0), np.nan, np.zeros((0, 0)), empty.T, empty, empty, empty, 0.0, empty, none,
            none,
            False, True, none, 0.0, np.zeros((0, 0)),
        ]  # fmt: skip
    for position, (got, e) in enumerate(zip(f(empty, none), expected)):
        e = np.asarray(e)
        assert got.shape == e.shape and np.array_equal(got, e, equal_nan=e.dtype.kind == "f"), position


def test_one_array_for_two_inputs(mode):
    x, y = tt.dvectors("x", "y")
    value = np.arange(3.0)
    s = theano.shared(value, borrow=True)
    f = theano.function([x, y], [x + y, x], updates=[(s, s + x * y)], mode=mode)
    total, same = f(value, value)
    assert total.tolist() == [0.0, 2.0, 4.0] and same.tolist() == [0.0, 1.0, 2.0]
    assert s.get_value().tolist() == [0.0, 2.0, 6.0]


def test_mutable_inputs_that_cannot_be_written(mode):
    x = tt.dvector("x")
    f = theano.function([theano.In(x, mutable=True)], x * 2 + 1, mode=mode)
    fixed = np.arange(3.0)
    fixed.flags.writeable = False
    assert f(fixed).tolist() == [1.0, 3.0, 5.0] and fixed.tolist() == [0.0, 1.0, 2.0]
    wide = np.broadcast_to(1.0, (3,))
    assert f(wide).tolist() == [3.0, 3.0, 3.0] and wide.tolist() == [1.0, 1.0, 1.0]
    overlapping = np.lib.stride_tricks.as_strided(np.arange(4.0), (3,), (0,))
    assert f(overlapping).tolist() == [1.0, 1.0, 1.0]


def test_indices_and_sizes_of_narrow_dtypes(mode):
    x = tt.dvector("x")
    value = np.arange(300.0)
    for dtype, number in [("int8", -100), ("uint8", 200), ("int16", -300), ("uint16", 299), ("uint32", 7), ("uint64",
        9)]:
        i, p = tt.scalar("i", dtype=dtype), tt.vector("p", dtype=dtype)
        f = theano.function([x, i, p], [x[i], x[p], tt.set_subtensor(x[i], -1.0)], mode=mode)
        array = np.array([number, 1], dtype)
        one, some, changed = f(value, array[0], array)
        expected = value.copy()
        expected[number] = -1.0
        assert one == value[number] and some.tolist() == [value[number], 1.0] and np.array_equal(changed, expected)
    u = tt.scalar("u", dtype="uint64")
    with pytest.raises(IndexError):
        theano.function([x, u], x[u], mode=mode)(value, 2**64 - 1)
    with pytest.raises(IndexError):
        theano.function([x, u], tt.set_subtensor(x[u], 0.0), mode=mode)(value, 2**63)


def test_a_cast_that_may_lose_still_needs_numbers(mode):
    x = tt.dscalar("x")
    f = theano.function([x], x + 1, allow_input_downcast=True, mode=mode)
    for value in (None, "1.5", b"1", object(), [None], np.array(None), np.array("1"), np.datetime64("2020-01-01"), 1j):
        with pytest.raises(TypeError, match="index 0"):
            f(value)
    assert f(2) == 3.0
