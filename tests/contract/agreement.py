"""What the contract tests of reductions, indexing and products hold of every expression.

`agree` compares values, dtypes, static and inferred shapes with NumPy, by `perform` and through `theano.function`;
`gradients_agree` compares first and second derivatives with central differences.
"""

import re

import numpy as np

import theano
import theano.tensor as T
from theano.errors import MethodNotDefined, ShapeError
from theano.graph.evaluate import evaluate
from theano.graph.traverse import toposort
from theano.tensor.type import TensorType

MODES = ["reference", "FAST_COMPILE", "FAST_RUN"]
LAYOUTS = {
    "contiguous": lambda a: a.copy(),
    "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a.copy(),
    "reversed": lambda a: np.flip(np.flip(a).copy()) if a.ndim else a.copy(),
    "transposed": lambda a: a.T.copy().T,
}


def label(value):
    """The name of a parameter in a test's id: the same in every process, so without addresses."""
    return getattr(value, "__name__", None) or re.sub(" at 0x[0-9a-f]+", "", str(value))


def sample(dtype, shape, seed=0):
    """Values of either sign, with repetitions in the integers."""
    rng = np.random.default_rng(seed)
    if dtype == "bool":
        return rng.random(shape) < 0.5
    if dtype.startswith("uint"):
        return rng.integers(0, 6, shape).astype(dtype)
    if dtype.startswith("int"):
        return rng.integers(-4, 5, shape).astype(dtype)
    values = rng.normal(size=shape)
    if dtype.startswith("complex"):
        values = values + 1j * rng.normal(size=shape)
    return np.asarray(values, dtype=dtype)


def variables(arrays, static=False):
    """Inputs for the arrays; axes of length one are known to have it, other lengths only if `static`."""
    return [
        TensorType(a.dtype.name, tuple(n if static or n == 1 else None for n in a.shape))() for a in arrays
    ]


def listed(x):
    return list(x) if isinstance(x, (list, tuple)) else [x]


def tolerance(dtype):
    return {"float16": 2e-2, "float32": 2e-5, "complex64": 2e-5}.get(str(dtype), 1e-10)


def same(got, want, exact_dtype=True):
    want = np.asarray(want)
    assert isinstance(got, np.ndarray)
    assert got.shape == want.shape
    if exact_dtype:
        assert got.dtype == want.dtype
    limit = tolerance(got.dtype)
    np.testing.assert_allclose(got, want, rtol=limit, atol=limit)


def inferred_shape(output, inputs):
    """The shape of `output` as the ops infer it from that of the inputs, or None if an op cannot."""
    shapes = {x: tuple(T.shape(x)[k] for k in range(x.ndim)) for x in inputs}
    for node in toposort([output], inputs):
        for v in node.inputs:
            if v not in shapes:
                shapes[v] = np.shape(v.data)
        try:
            found = node.op.infer_shape(node, [shapes[v] for v in node.inputs])
        except (ShapeError, MethodNotDefined):
            return None
        for v, lengths in zip(node.outputs, found, strict=True):
            shapes[v] = None if lengths is None else tuple(lengths)
    return shapes.get(output, np.shape(getattr(output, "data", ())))


def agree(build, expected, *arrays, exact_dtype=True, modes=(), shapes=True):
    """`build(*variables)` gives what `expected(*arrays)` gives, whether lengths are known or not; inputs stay as they
    are. `modes`: also through `theano.function`."""
    arrays = [np.asarray(a) for a in arrays]
    before = [a.copy() for a in arrays]
    want = [np.asarray(w) for w in listed(expected(*arrays))]
    for static in (False, True):
        inputs = variables(arrays, static)
        outputs = listed(build(*inputs))
        values = dict(zip(inputs, arrays))
        for got, w, out in zip(evaluate(outputs, values), want, outputs, strict=True):
            assert out.type.dtype == got.dtype
            same(got, w, exact_dtype)
            assert all(n in (None, m) for n, m in zip(out.type.shape, w.shape, strict=True))
            lengths = inferred_shape(out, inputs) if shapes else None
            if lengths is not None:
                numbers = evaluate([T.as_tensor_variable(n) for n in lengths], values)
                assert tuple(int(n) for n in numbers) == w.shape
    for mode in modes:
        inputs = variables(arrays)
        f = theano.function(inputs, listed(build(*inputs)), mode=mode, on_unused_input="ignore")
        for got, w in zip(f(*arrays), want, strict=True):
            same(got, w, exact_dtype)
            assert not any(np.shares_memory(got, a) for a in arrays)
    for a, b in zip(arrays, before):
        np.testing.assert_array_equal(a, b)


def gradients_agree(build, *arrays, wrt=None, orders=(1, 2), step=1e-5, limit=1e-5):
    """First and second derivatives of a weighted sum of `build(*variables)` equal central differences.

    wrt   which of the arrays to differentiate by; None: all of them that are float64
    """
    arrays = [np.array(a) for a in arrays]
    inputs = variables(arrays)
    if wrt is None:
        wrt = [k for k, a in enumerate(arrays) if a.dtype == "float64"]
    chosen = [inputs[k] for k in wrt]
    outputs = [out for out in listed(build(*inputs)) if out.dtype == "float64"]
    shapes = [v.shape for v in evaluate(outputs, dict(zip(inputs, arrays)))]
    rng = np.random.default_rng(3)
    cost = sum(T.sum(T.mul(T.sqr(out), rng.normal(size=s))) for out, s in zip(outputs, shapes))
    for order in range(1, max(orders) + 1):
        terms = theano.grad(cost, chosen, disconnected_inputs="ignore")
        for x, g in zip(chosen, terms):
            assert g.type.dtype == x.type.dtype and g.type.ndim == x.type.ndim
        got = evaluate(terms, dict(zip(inputs, arrays)))
        for g, k in zip(got, wrt):
            assert g.shape == arrays[k].shape

        def at(changed, cost=cost):
            return float(evaluate([cost], dict(zip(inputs, changed)))[0])

        if order in orders:
            for g, k in zip(got, wrt):
                for position in np.ndindex(arrays[k].shape):
                    ends = []
                    for sign in (1, -1):
                        changed = [a.copy() for a in arrays]
                        changed[k][position] += sign * step
                        ends.append(at(changed))
                    slope = (ends[0] - ends[1]) / (2 * step)
                    wrong = (order, k, position, g[position], slope)
                    assert abs(g[position] - slope) <= limit * max(1.0, abs(slope)), wrong
        cost = sum(T.sum(T.mul(g, rng.normal(size=arrays[k].shape))) for g, k in zip(terms, wrt))
