"""An op on both backends: what its routine in native code must give, and how it must fail."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.compile.modes import Mode
from theano.lowering.program import PyCallStep, RoutineStep

NATIVE, REFERENCE = Mode("native", None), Mode("py", None)
LIMITS = {"float64": 1e-12, "float32": 2e-5}


def numbers(shape: Any, dtype: str = "float64", seed: int = 0) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).normal(size=shape), dtype)


def calls_python(function: Any) -> bool:
    return any(isinstance(step, PyCallStep) for step in function.program.steps)


def both(op: Any, *arrays: np.ndarray) -> tuple[Any, Any]:
    """The op as a function on both backends; native code has a routine for it and does not call Python."""
    inputs = [T.TensorType(a.dtype.name, (None,) * a.ndim)() for a in arrays]
    output = op(*inputs)
    native = theano.function(inputs, output, mode=NATIVE)
    assert sum(isinstance(s, RoutineStep) for s in native.program.steps) == 1, str(native.program)
    assert not calls_python(native), str(native.program)
    return native, theano.function(inputs, output, mode=REFERENCE)


def same(found: np.ndarray, wanted: np.ndarray, scale: float = 0) -> None:
    """Equal but for rounding relative to the largest element (or `scale`)."""
    assert found.dtype == wanted.dtype and found.shape == wanted.shape
    limit = LIMITS[found.dtype.name]
    scale = np.max(np.abs(wanted), initial=scale, where=np.isfinite(wanted))
    np.testing.assert_allclose(found, wanted, rtol=limit, atol=limit * scale)


def agree(op: Any, *arrays: np.ndarray) -> None:
    native, reference = both(op, *arrays)
    before = [a.copy() for a in arrays]
    found, wanted = native(*arrays), reference(*arrays)
    same(found, wanted)
    assert found.flags.c_contiguous
    for a, old in zip(arrays, before):
        np.testing.assert_array_equal(a, old)


def fail_alike(op: Any, *arrays: np.ndarray, kind: type[Exception] = ValueError) -> str:
    """Both raise the same; the text."""
    native, reference = both(op, *arrays)
    with pytest.raises(kind) as wanted:
        reference(*arrays)
    with pytest.raises(kind) as found:
        native(*arrays)
    assert str(found.value) == str(wanted.value) and type(found.value) is type(wanted.value)
    assert "Native code" not in str(found.value)
    return str(found.value)


def layouts(a: np.ndarray) -> dict[str, np.ndarray]:
    """The same values in memory in other ways (the last one: not the same, but of the same shape)."""
    wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
    wide[..., ::2] = a
    return {
        "backwards": np.flip(np.flip(a).copy()),
        "rows backwards": np.flip(np.flip(a, -2).copy(), -2),
        "columns backwards": np.flip(np.flip(a, -1).copy(), -1),
        "every second": wide[..., ::2],
        "other order": np.asfortranarray(a),
        "channels last": np.moveaxis(np.moveaxis(a, 1, -1).copy(), -1, 1),
        "broadcast": np.broadcast_to(a[:1, :1], a.shape),
    }
