"""Whatever is passed, every mode accepts it with the same result or refuses it with the same kind of error."""

import gc
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import theano
import theano.tensor as tt

DTYPES = ["bool", "int8", "int64", "uint8", "float16", "float32", "float64", "complex128"]
MODES = ["FAST_RUN", "FAST_COMPILE", "reference"]


class Child(np.ndarray):
    pass


def arrays(dtype):
    base = np.arange(12).reshape(3, 4) % 5
    base = (base > 1) if dtype == "bool" else base.astype(dtype)
    return {
        "0-d": base[1, 2].reshape(()), "numpy scalar": base[1, 2], "vector": base[0], "one": base[0, :1],
        "empty": base[0, :0], "reversed": base[0, ::-1], "strided": base[0, ::2], "column": base[:, 1],
        "matrix": base, "transposed": base.T, "fortran": np.asfortranarray(base), "flipped": base[::-1, ::-1],
        "row": base[:1], "no rows": base[:0], "child": base.view(Child), "read-only": np.broadcast_to(base[:1], (3, 4)),
        "other order": base.astype(base.dtype.newbyteorder()), "three axes": base.reshape(3, 2, 2),
        "objects": base.astype(object), "list": base.tolist(), "flat list": base[0].tolist(),
    }  # fmt: skip


OTHERS = {
    "int": 3, "float": 2.5, "inexact": 0.1, "big": 10**30, "negative": -1, "True": True, "None": None, "text": "abc",
    "complex": 1j, "nan": float("nan"), "inf": float("inf"), "tuple": (1, 2), "ragged": [[1], [2, 3]],
    "variable": tt.dvector("v"), "shared": theano.shared(1.0), "dict": {}, "bytes": b"1", "set": {1.0},
    "numpy text": np.array("x"),
    "date": np.array("2020-01-01", "datetime64[D]"), "long": np.ones(2, np.longdouble), "numpy float": np.float64(2.5),
}  # fmt: skip
VALUES = {**OTHERS, **{f"{d} {k}": v for d in DTYPES for k, v in arrays(d).items()}}
TYPES = [(d, n) for d in ("bool", "int64", "uint8", "float32", "float64", "complex128") for n in range(3)]
FUNCTIONS = {}


def functions(kind):
    if kind not in FUNCTIONS:
        dtype, ndim = kind
        x = tt.TensorType(dtype, (None,) * ndim)("x")
        FUNCTIONS[kind] = [theano.function([x], [x, tt.eq(x, x)], mode=m) for m in MODES]
    return FUNCTIONS[kind]


def outcome(f, value):
    try:
        return [np.array(r) for r in f(value)]
    except Exception as error:
        return type(error), str(error).split("at index")[-1]


@settings(max_examples=400)
@given(kind=st.sampled_from(TYPES), name=st.sampled_from(sorted(VALUES)))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_modes_agree(kind, name):
    first, *others = (outcome(f, VALUES[name]) for f in functions(kind))
    if isinstance(first, tuple):
        assert issubclass(first[0], TypeError), first
        assert all(other == first for other in others)
    else:
        for other in others:
            for a, b in zip(first, other, strict=True):
                assert a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
        assert first[0].dtype == kind[0] and first[0].ndim == kind[1]


@pytest.mark.parametrize("how", MODES)
def test_functions_are_forgotten(how):
    def make():
        x = tt.dvector("x")
        s = theano.shared(np.ones(3))
        f = theano.function([x], x + s, updates=[(s, s * 2)], mode=how)
        f(np.ones(3))
        f(x=[1, 2, 3])
        with pytest.raises(ValueError):
            f([1.0])
        return [weakref.ref(v) for v in (f, s, x)]

    references = make()
    gc.collect()
    assert [r() for r in references] == [None, None, None]
