"""Dtypes of whole expressions: the table of observed behaviours (Python numbers, arrays and variables meeting)."""

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano._config import config

b, w, i, l = T.bvector("b"), T.wvector("w"), T.ivector("i"), T.lvector("l")
f, d, c = T.fvector("f"), T.dvector("d"), T.cvector("c")
u8, u64, flag = T.vector("u8", dtype="uint8"), T.vector("u64", dtype="uint64"), T.vector("flag", dtype="bool")

TABLE = [
    ("f + 1.5", "float32"), ("f + 1.1", "float64"), ("f + np.float64(1.5)", "float64"), ("f + 1", "float32"),
    ("f * i", "float64"), ("f * w", "float32"), ("b + 300", "int16"), ("b + 1", "int8"), ("b * b", "int8"),
    ("u8 - u8", "uint8"), ("u64 + l", "float64"), ("i / 2", "float64"), ("i // 2", "int32"), ("i % 3", "int32"),
    ("b < b", "bool"), ("1 - (b < b)", "int8"), ("(b < b) + (b < b)", "bool"), ("~(b < b)", "bool"),
    ("f * (b < b)", "float32"), ("d * (b < b)", "float64"), ("T.exp(b)", "float32"), ("T.exp(i)", "float64"),
    ("T.switch(b, 1, 0)", "int8"), ("abs(c)", "float32"), ("c * 2", "complex64"), ("c * d", "complex128"),
    ("flag ** flag", "int8"), ("T.conj(flag)", "int8"), ("T.real(c)", "float32"), ("T.angle(c)", "float64"),
    ("i + np.ones(3, 'int8')", "int32"), ("f + np.ones(3)", "float64"), ("1.5 + f", "float32"), ("2 ** b", "int8"),
    ("T.maximum(b, i)", "int32"), ("T.clip(f, 0, 1)", "float32"), ("T.chi2sf(f, 2)", "float64"), ("-u8", "uint8"),
    ("True + b", "int8"), ("b & 1", "int8"), ("b ^ b", "int8"), ("flag | flag", "bool"),
    ("f + float('nan')", "float32"), ("f * 1e300", "float64"), ("i + 2**40", "int64"), ("u64 + 2**63", "uint64"),
]  # fmt: skip


@pytest.mark.parametrize("text, dtype", TABLE)
def test_dtype(text, dtype):
    variable = eval(text)
    assert variable.dtype == dtype
    names = [v for v in (b, w, i, l, f, d, c, u8, u64, flag) if v.name in text.replace("float", "").replace("bool", "")]
    used = [v for v in names if v in _leaves(variable)]
    values = [np.arange(1, 4).astype(v.dtype) for v in used]
    for mode in ("reference", "FAST_RUN"):
        result = theano.function(used, variable, mode=mode)(*values)
        assert result.dtype == dtype
        expected = eval(text, {**globals(), "T": _Numpy, **{v.name: widest(x) for v, x in zip(used, values)}})
        np.testing.assert_allclose(result, np.asarray(expected).astype(dtype), rtol=1e-6)


def widest(x):
    """So that NumPy's rules for Python numbers (they never widen an array) do not come in."""
    return x.astype({"i": "int64", "f": "float64", "c": "complex128"}.get(x.dtype.kind, x.dtype))


class _Numpy:
    """NumPy's functions under the names of theano.tensor."""

    exp, switch, conj, real, angle, maximum, clip = np.exp, np.where, np.conj, np.real, np.angle, np.maximum, np.clip

    @staticmethod
    def chi2sf(x, k):
        from scipy.special import chdtrc

        return chdtrc(k, x)


def _leaves(variable):
    found, pending = set(), [variable]
    while pending:
        v = pending.pop()
        if v.owner is None:
            found.add(v)
        else:
            pending.extend(v.owner.inputs)
    return found


@pytest.mark.parametrize(
    "text", ["(b < b) - (b < b)", "-(b < b)", "f & f", "~f", "T.round(i)", "c // c", "c % c", "T.floor(c)"])
def test_refused(text):
    with pytest.raises(TypeError):
        eval(text)


@pytest.mark.parametrize(
    "floatX, policy, text, dtype",
    [
        ("float32", "custom", "f * i", "float64"),
        ("float32", "custom", "f + 1.1", "float32"),
        ("float32", "custom", "i / 2", "float32"),
        ("float32", "custom", "T.exp(b)", "float32"),
        ("float32", "custom", "T.exp(i)", "float64"),
        ("float32", "numpy+floatX", "f * i", "float32"),
        ("float32", "numpy+floatX", "f / f.shape[0]", "float32"),
        ("float32", "numpy+floatX", "i + 1", "int64"),
        ("float64", "numpy+floatX", "i + 1", "int64"),
        ("float64", "numpy+floatX", "f + 1.5", "float64"),
    ],
)
def test_other_settings(floatX, policy, text, dtype):
    before = config.floatX, config.cast_policy
    try:
        config.floatX, config.cast_policy = floatX, policy
        assert eval(text).dtype == dtype
    finally:
        config.floatX, config.cast_policy = before
