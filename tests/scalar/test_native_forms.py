"""The native forms of the records say the same as their NumPy meanings (evaluated with NumPy, no machine code)."""

import numpy as np
import pytest
from numpy_builder import NumpyBuilder, Value

from theano.scalar import ScalarOp, cast_to
from theano.scalar.dtypes import all_dtypes, complex_dtypes, upcast

REAL_DTYPES = [d for d in all_dtypes if d not in complex_dtypes]
RECORDS = [r for r in ScalarOp.registry.values() if r.native is not None]
WITHOUT_NATIVE = {"complex", "complex_from_polar", "gammainc_by_order"}
EPS = {"float16": 2e-3, "float32": 2.4e-7, "float64": 4.5e-16}


def samples(dtype):
    kind = np.dtype(dtype).kind
    if kind == "b":
        return np.array([False, True])
    if kind in "iu":
        info = np.iinfo(dtype)
        values = [info.min, info.min + 1, -3, -2, -1, 0, 1, 2, 3, 7, info.max - 1, info.max]
        return np.array([v for v in values if info.min <= v <= info.max], dtype)
    info = np.finfo(dtype)
    return np.array(
        [-np.inf, info.min, -100.5, -3, -2.5, -1, -0.5, -0.1, -info.tiny, -0.0, 0.0, info.tiny, 0.1, 0.4999, 0.5, 0.9,
         1, 1.5, 2, 2.5, 3.7, 20, 88, 710, info.max, np.inf, np.nan], dtype)  # fmt: skip


def numpy_meaning(record, arrays):
    dtypes = [str(a.dtype) for a in arrays]
    out = record.output_dtype(*dtypes)
    if record.compute != "own":
        compute = out if record.compute == "out" else upcast(*dtypes)
        arrays = [a.astype(compute) for a in arrays]
    with np.errstate(all="ignore"):
        return arrays, np.asarray(record.numpy(*arrays)).astype(out)


def compare(record, arrays):
    try:
        arrays, expected = numpy_meaning(record, arrays)
    except ValueError as error:
        assert "negative integer powers" in str(error)
        return
    if all(a.dtype == "float16" for a in arrays) and not record.params:
        arrays = [a.astype("float32") for a in arrays]   # as native code computes
    try:
        value = record.native(NumpyBuilder(), *[Value(a) for a in arrays])
    except NotImplementedError:
        assert record.name == "pow" or record.params
        return
    if expected.dtype == "float16":
        value = NumpyBuilder().cast(value, "float16")
    assert value.dtype == str(expected.dtype)
    got = np.broadcast_to(value.array, expected.shape)
    if expected.dtype.kind != "f" or record.ulp == 0:
        np.testing.assert_array_equal(got, expected)
        if expected.dtype.kind == "f" and record.name not in ("maximum", "minimum"):   # which zero is not specified
            sure = ~np.isnan(expected)
            np.testing.assert_array_equal(np.signbit(got)[sure], np.signbit(expected)[sure])
    else:
        info = np.finfo(expected.dtype)
        with np.errstate(all="ignore"):
            np.testing.assert_allclose(
                got, expected, rtol=(2 + record.ulp) * EPS[str(expected.dtype)], atol=float(info.tiny))


@pytest.mark.parametrize("dtype", REAL_DTYPES)
@pytest.mark.parametrize("record", RECORDS, ids=str)
def test_native_form_has_the_numpy_meaning(record, dtype):
    nin = record.nin or (2 if dtype == "float16" else 3)   # NumPy rounds float16 after each step, native code does not
    try:
        record.dtype(*[dtype] * nin)
    except TypeError:
        return   # refused dtypes are tested with the rules
    x = samples(dtype)
    grids = np.meshgrid(*[x] * nin, indexing="ij") if nin > 1 else [x]
    compare(record, [g.ravel() for g in grids])


@pytest.mark.parametrize("target", REAL_DTYPES)
@pytest.mark.parametrize("source", REAL_DTYPES)
def test_casts(source, target):
    compare(cast_to(target), [samples(source)])


@pytest.mark.parametrize(
    "dtypes", [("bool", "float32", "float64"), ("float64", "int8", "float32"), ("int8", "int16", "bool")])
def test_switch_of_mixed_dtypes(dtypes):
    arrays = [g.ravel() for g in np.meshgrid(*[samples(d) for d in dtypes], indexing="ij")]
    compare(ScalarOp.registry["switch"], arrays)


def test_which_records_have_no_native_form():
    without = {r.name for r in ScalarOp.registry.values() if r.native is None and r.define is None}
    assert without == WITHOUT_NATIVE
