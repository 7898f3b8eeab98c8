"""A machine without conversions of float16: what computes with it runs through Python, and everything works."""

from __future__ import annotations

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.backends.native import kernel_dtypes, target
from theano.graph.fgraph import FunctionGraph
from theano.lowering.lower import lower
from theano.lowering.program import KernelStep
from theano.lowering.verify import verify


@pytest.fixture(autouse=True)
def no_half(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target.host(), "half", False)


def test_functions_of_float16() -> None:
    x, y = T.matrix("x", dtype="float16"), T.fmatrix("y")
    outputs = [
        x + 1, T.exp(x).sum(axis=0), x.T, x[1:] * 2, T.cast(y, "float16"), x + y, x.max(axis=1), T.join(0, x, x),
        T.set_subtensor(x[0], 3), T.zeros((2, 3), dtype="float16"), x, x.sum(acc_dtype="float16"), x.sum(axis=0),
    ]
    f = theano.function([x, y], outputs)
    g = theano.function([x, y], outputs, mode="FAST_COMPILE")
    reference = theano.function([x, y], outputs, mode=theano.Mode(linker="py"))
    a = np.arange(12, dtype="float16").reshape(3, 4) / 8
    b = np.arange(12, dtype="float32").reshape(3, 4)
    for compiled in (f, g):
        for have, want in zip(compiled(a, b), reference(a, b), strict=True):
            assert have.dtype == want.dtype
            np.testing.assert_allclose(have, want, rtol=2e-3)


def test_updates_of_float16() -> None:
    s = theano.shared(np.ones(3, dtype="float16"))
    f = theano.function([], s * 2, updates={s: s + 1})
    np.testing.assert_array_equal(f(), [2, 2, 2])
    np.testing.assert_array_equal(f(), [4, 4, 4])
    np.testing.assert_array_equal(s.get_value(), [3, 3, 3])


def test_no_kernel_holds_float16() -> None:
    x, y = T.matrix("x", dtype="float16"), T.fmatrix("y")
    program = lower(
        FunctionGraph([x, y], [T.exp(x) * 2 + x.T, x.sum(), x, T.exp(y) + 1]),
        storages={}, updates={}, dtypes=kernel_dtypes(),
    )
    verify(program)
    kernels = [step.kernel for step in program.steps if isinstance(step, KernelStep)]
    assert kernels
    for kernel in kernels:
        assert "float16" not in {o.dtype for o in kernel.operands} | {i.dtype for i in kernel.body}
