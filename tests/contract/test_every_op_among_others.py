"""Every op with other ops before and after it, and the gradient of that: rewriting and fusion change no value.

What comes before leaves a value as it is, what comes after is a sum, a view, a join and the like; which ones, the name
of the op and a number decide. The reference, which rewrites nothing, says what is right.
"""

import contextlib
import random

import numpy as np
import pytest
from agreement import listed, variables
from every_op import CASES
from op_case import made

import theano
import theano.tensor as T
from theano.errors import MethodNotDefined, NullTypeGradError

BEFORE = [
    lambda x: x,
    lambda x: x[::-1][::-1],
    lambda x: x.T.T,
    lambda x: x * 4 / 4,
    lambda x: T.join(0, x[:1], x[1:]),
    lambda x: x.flatten().reshape(x.shape, ndim=x.ndim),
    lambda x: T.switch(T.eq(x, x), x, x * 2),
    lambda x: T.set_subtensor(x[...], x),
    lambda x: x + T.zeros_like(x),
    lambda x: x[T.arange(x.shape[0])],
    lambda x: T.roll(T.roll(x, 1, 0), -1, 0),
]
AFTER = [
    lambda v: v,
    lambda v: v.sum(),
    lambda v: v * 2 + 1,
    lambda v: v[..., ::-1],
    lambda v: T.tanh(v).mean(axis=0),
    lambda v: v.T,
    lambda v: T.stack([v, v * 2]),
    lambda v: T.cumsum(v, 0),
    lambda v: v.astype("float32"),
    lambda v: v[1:],
    lambda v: v.flatten()[:2],
    lambda v: T.concatenate([v, v], axis=-1)[..., 1:],
    lambda v: T.sqr(v).sum(axis=-1, keepdims=True) + v,
    lambda v: T.exp(-abs(v)).sum() + v,
    lambda v: v * 0 + v.shape[0],
]
FLOATS = ("float64", "float32", "complex128", "complex64")
PARAMETERS = [
    pytest.param(name, number, id=f"{name}-{number}")
    for name, cases in CASES.items()
    for number in range(2 * len(cases))
    if name != "Hint"   # of which what is promised must be true
]


def graph(each, arrays, choose):
    inputs = variables(arrays, static=choose.random() < 0.3)
    given = [choose.choice(BEFORE)(x) if x.ndim and x.dtype in FLOATS else x for x in inputs]
    outputs = listed(each.build(*given))
    outputs = [T.real(out) + T.imag(out) if out.dtype.startswith("complex") else out for out in outputs]
    outputs = [choose.choice(AFTER)(out) if out.ndim and out.dtype != "bool" else out for out in outputs]
    wrt = [x for x in inputs if x.dtype in FLOATS]
    costs = [out for out in outputs if out.dtype in FLOATS]
    if wrt and costs:
        # that an op has no gradient is checked with the gradients
        with contextlib.suppress(NullTypeGradError, MethodNotDefined, NotImplementedError):
            outputs = outputs + theano.grad(sum(T.sum(out * 1.5) for out in costs), wrt, disconnected_inputs="ignore")
    return inputs, outputs


def called(f, arrays):
    try:
        return f(*arrays)
    except (ValueError, IndexError, np.linalg.LinAlgError) as error:
        return type(error)


@pytest.mark.parametrize("name, number", PARAMETERS)
def test_compiled_is_the_reference(name, number):
    choose = random.Random(f"{name} {number}")
    each = CASES[name][number // 2]
    dtype = choose.choice(each.dtypes)
    with np.errstate(all="ignore"):
        arrays = [made(spec, dtype, k) for k, spec in enumerate(choose.choice(each.arguments))]
        inputs, outputs = graph(each, arrays, choose)
        found = {}
        for mode in ("reference", "FAST_COMPILE", "FAST_RUN"):
            f = theano.function(inputs, outputs, mode=mode, on_unused_input="ignore")
            found[mode] = called(f, arrays)
    narrow = any(v.dtype in ("float32", "complex64") for v in (*inputs, *outputs))
    limit = max(each.loose, 1) * (1e-4 if narrow else 1e-9)
    for mode, results in found.items():
        if isinstance(results, type) or isinstance(found["reference"], type):
            assert results is found["reference"], mode
            continue
        for got, want in zip(results, found["reference"]):
            assert got.shape == want.shape and got.dtype == want.dtype, mode
            if want.dtype.kind not in "fc":
                np.testing.assert_array_equal(got, want, err_msg=mode)
                continue
            finite = np.isfinite(want)   # what was not may be better after rewriting
            size = np.abs(want[finite]).max(initial=1)
            np.testing.assert_allclose(got[finite], want[finite], rtol=limit, atol=limit * size, err_msg=mode)
