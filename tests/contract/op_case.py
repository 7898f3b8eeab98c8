"""One case of the contract of an op: an expression, what NumPy or SciPy gives for it, and arguments; and its check.

The cases are data, in `op_cases_*.py`; `test_every_op.py` runs them and makes sure that no op is without one.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from agreement import LAYOUTS, inferred_shape, listed, sample, tolerance, variables

import theano
import theano.tensor as T
from theano.graph.evaluate import evaluate
from theano.graph.traverse import toposort

FLOATS = ("float64", "float32")
COMPLEX = ("complex128", "complex64")
MOVED = (*FLOATS, "complex64", "int16", "bool")      # for ops that only move elements: each size of an element
SUMMED = (*FLOATS, "complex128", "int8", "uint8", "bool")
SPECIAL = [np.nan, 1.0, np.inf, -0.0, -np.inf, 0.0, 1e-40, -3.5]


class Case(NamedTuple):
    """build      variables -> a variable, or a list of them
    expected   arrays -> what `build` stands for, by NumPy or SciPy alone
    arguments  lists of arguments: a shape stands for values of the dtype under test, a function of the dtype makes
               its own, an array is taken as it is
    dtypes     the dtypes under test
    loose      by how much the usual tolerance is exceeded
    exact_dtype  the results have the dtypes that NumPy gives
    """

    build: Callable[..., Any]
    expected: Callable[..., Any]
    arguments: tuple[tuple[Any, ...], ...]
    dtypes: tuple[str, ...] = FLOATS
    loose: float = 1
    exact_dtype: bool = True


def case(build: Any, expected: Any, *arguments: Any, **options: Any) -> Case:
    return Case(build, expected, arguments, **options)


def special(*shape: int) -> Callable[[str], np.ndarray]:
    """NaN, infinities, zeros of both signs and a subnormal number, or the ends of the integers, in this shape."""

    def make(dtype: str) -> np.ndarray:
        if np.dtype(dtype).kind in "iu":
            ends = np.iinfo(dtype)
            return np.resize(np.asarray([ends.max, 0, ends.min, 1, ends.max], dtype), shape)
        return np.resize(np.asarray(SPECIAL).astype(dtype), shape)

    return make


def definite(*shape: int, seed: int = 0) -> Callable[[str], np.ndarray]:
    """Symmetric (Hermitian) positive definite matrices, well conditioned."""

    def make(dtype: str) -> np.ndarray:
        x = sample(dtype, shape, seed)
        return (x @ np.conj(np.swapaxes(x, -1, -2)) / max(shape[-1], 1) + 2 * np.eye(shape[-1])).astype(dtype)

    return make


def regular(*shape: int, seed: int = 0) -> Callable[[str], np.ndarray]:
    """Matrices that are not symmetric, well conditioned, with real and distinct eigenvalues if they are real."""

    def make(dtype: str) -> np.ndarray:
        n = shape[-1]
        return (0.3 * sample(dtype, shape, seed) / max(n, 1) + np.diag(np.arange(1.0, n + 1))).astype(dtype)

    return make


def ints(*values: Any, dtype: str = "int64") -> np.ndarray:
    return np.asarray(values[0] if len(values) == 1 else values, dtype)


def made(spec: Any, dtype: str, number: int) -> np.ndarray:
    if callable(spec):
        return spec(dtype)
    return sample(dtype, spec, number) if isinstance(spec, tuple) else np.asarray(spec)


def close(got: Any, want: Any, case: Case, what: str) -> None:
    want = np.asarray(want)
    assert isinstance(got, np.ndarray) and got.shape == want.shape, (what, got, want.shape)
    if case.exact_dtype:
        assert got.dtype == want.dtype, (what, got.dtype, want.dtype)
    limit = case.loose * tolerance(got.dtype) if got.dtype.kind in "fc" else 0
    np.testing.assert_allclose(got, want, rtol=limit, atol=limit, err_msg=what)


def contains(outputs: Any, name: str) -> bool:
    return any(type(node.op).__name__ == name for node in toposort(listed(outputs)))


def check(case: Case, dtype: str) -> None:
    """The expression is what it should be for all arguments: on both backends, before and after rewriting, in every
    layout; lengths that are inferred are the real ones, known or not; arguments stay as they were."""
    compiled: dict[Any, Any] = {}
    with np.errstate(all="ignore"):
        for specs in case.arguments:
            arrays = [made(spec, dtype, number) for number, spec in enumerate(specs)]
            want = [np.asarray(w) for w in listed(case.expected(*arrays))]
            _check_static(case, arrays, want)
            key = tuple((a.dtype.name, tuple(n == 1 for n in a.shape)) for a in arrays)
            if key not in compiled:
                compiled[key] = _functions(case, arrays)
            for layout, arrange in LAYOUTS.items():
                arranged = [arrange(a) for a in arrays]
                before = [a.copy() for a in arranged]
                for mode, f in compiled[key].items():
                    _check_call(case, f(*arranged), want, f"{mode}, {layout}, shapes {[a.shape for a in arrays]}")
                for a, old in zip(arranged, before):
                    np.testing.assert_array_equal(a, old)


def _functions(case: Case, arrays: list[np.ndarray]) -> dict[str, Any]:
    functions = {}
    for mode in ("reference", "FAST_COMPILE", "FAST_RUN"):
        inputs = variables(arrays)
        outputs = listed(case.build(*inputs))
        results = [*outputs, *(T.shape(out) for out in outputs)]
        functions[mode] = theano.function(inputs, results, mode=mode, on_unused_input="ignore")
    inputs = variables(arrays)
    shapes = [T.shape(out) for out in listed(case.build(*inputs))]
    alone = theano.function(inputs, shapes, on_unused_input="ignore")
    functions["shapes alone"] = alone
    return functions


def _check_call(case: Case, found: list[Any], want: list[np.ndarray], what: str) -> None:
    """`found`: the results, where they were asked for, and their shapes."""
    for got, w in zip(found, want if len(found) > len(want) else []):
        close(got, w, case, what)
    for got, w in zip(found[-len(want) :], want, strict=True):
        assert tuple(got) == w.shape, (what, got, w.shape)


def _check_static(case: Case, arrays: list[np.ndarray], want: list[np.ndarray]) -> None:
    """With lengths that are known: nothing that the types or the ops say of the results is wrong."""
    inputs = variables(arrays, static=True)
    values = dict(zip(inputs, arrays))
    outputs = listed(case.build(*inputs))
    assert len(outputs) == len(want)
    for out, got, w in zip(outputs, evaluate(outputs, values), want):
        assert out.type.dtype == got.dtype.name, (out, got.dtype)
        assert all(n in (None, m) for n, m in zip(out.type.shape, w.shape, strict=True)), (out.type, w.shape)
        close(got, w, case, "static")
        lengths = inferred_shape(out, inputs)
        if lengths is not None:
            numbers = evaluate([T.as_tensor_variable(n) for n in lengths], values)
            assert tuple(int(n) for n in numbers) == w.shape
