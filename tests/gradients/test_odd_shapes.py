"""Gradients of every op for all arguments of its contract: empty, of length one, broadcast, complex; on both backends.

Where the value is finite and smooth, the derivative along a random direction is that of the five-point formula. The
gradient in float32 is that in float64, rounded. Ops that have none, or another one than their value says, are listed
with the reason, and do what is said there.
"""

import numpy as np
import pytest
from agreement import listed, variables
from every_op import CASES
from op_case import FLOATS, made

import theano
import theano.tensor as T
from theano.errors import MethodNotDefined, NullTypeGradError
from theano.graph.evaluate import evaluate

SMOOTH = ("float64", "complex128")
# op: (what asking for the gradient raises, why there is none)
NO_GRADIENT = {
    "ConnectionistTemporalClassificationGrad": (NullTypeGradError, "the second derivative is not written"),
    "Default": (NotImplementedError, "which argument is used is known when it runs"),
    "Duplicate": (MethodNotDefined, "only Programs hold it"),
    "FromFunctionOp": (MethodNotDefined, "a Python function has no derivative that we know"),
    "LUFactor": (MethodNotDefined, "rewriting makes it, after differentiation"),
    "LUSolve": (MethodNotDefined, "rewriting makes it, after differentiation"),
    "UndefinedGrad": (NullTypeGradError, "that is its purpose"),
    "Unique": (NullTypeGradError, "which of several equal elements is kept is not said"),
}
NO_GRADIENT_CASE = {
    ("QRFull", 2): (NotImplementedError, "mode raw"),
    ("RandomFunction", 4): (NullTypeGradError, "counts jump, here those of floats"),
    ("MultinomialFromUniform", 1): (NullTypeGradError, "counts jump, here those of floats"),
}
# their gradient is not that of their value, on purpose: tests/transforms
CHANGED = {"ConsiderConstant", "ZeroGrad", "DisconnectedGrad", "GradClip", "GradScale"}
# (op, number of the case): where the value has a kink or a jump at arguments of the contract
KINKS = {
    ("ARange", 1): "the last element comes and goes",
    ("ProdWithoutZeros", 0): "a zero that moves counts",
    ("MaxPoolGrad", 0): "ties",
}
SINGULAR = {("SLogDet", 0), ("Cofactors", 0)}   # the last arguments are singular matrices: LinAlgError
PARAMETERS = [
    pytest.param(name, number, dtype, id=f"{name}-{number}-{dtype}")
    for name, cases in CASES.items()
    for number, each in enumerate(cases)
    for dtype in (*SMOOTH, "float32")
    if dtype in each.dtypes
]


@pytest.mark.parametrize("name, number, dtype", PARAMETERS)
def test_gradients(name, number, dtype):
    each = CASES[name][number]
    for specs in each.arguments:
        arrays = [made(spec, dtype, k) for k, spec in enumerate(specs)]
        with np.errstate(all="ignore"):
            if (name, number) in SINGULAR and specs is each.arguments[-1]:
                with pytest.raises(np.linalg.LinAlgError, match="singular"):
                    gradients_of(each, arrays)
                continue
            kind, _ = NO_GRADIENT_CASE.get((name, number)) or NO_GRADIENT.get(name) or (None, "")
            if kind is not None:
                refuses(each, arrays, kind)
            elif dtype == "float32":
                narrow_is_wide(each, arrays)
            else:
                differences = name not in CHANGED and (name, number) not in KINKS
                check(each, arrays, differences)


def weighted(outputs, inputs, values):
    """A weighted sum of all outputs, of real parts and imaginary parts; None if there is nothing to differentiate."""
    rng = np.random.default_rng(3)
    terms = []
    for out, value in zip(outputs, evaluate(outputs, dict(zip(inputs, values)))):
        for part in (T.real, T.imag) if out.dtype.startswith("complex") else (lambda v: v,):
            weights = rng.normal(size=value.shape)
            if out.type.dtype in (*SMOOTH, "float32", "complex64"):
                terms.append((part(out) * weights.astype(part(out).dtype)).sum())
            else:
                terms.append(out.sum())
    return sum(terms)


def problem(each, arrays):
    """(inputs, cost, those of the inputs that have a derivative, are the outputs numbers without one?)"""
    inputs = variables(arrays)
    outputs = listed(each.build(*inputs))
    wrt = [x for x in inputs if x.dtype in (*FLOATS, "complex128", "complex64")]
    discrete = all(out.dtype in (*T.discrete_dtypes, "bool") for out in outputs)
    return inputs, weighted(outputs, inputs, arrays), wrt, discrete


def refuses(each, arrays, kind):
    _, cost, wrt, _ = problem(each, arrays)
    if not wrt:
        return
    with pytest.raises(kind):
        theano.grad(cost, wrt)


def gradients_of(each, arrays):
    """What the reference finds: (inputs, cost, inputs with a derivative, gradients, its value, their values)."""
    inputs, cost, wrt, _ = problem(each, arrays)
    gradients = theano.grad(cost, wrt, disconnected_inputs="ignore")
    value, *found = evaluate([cost, *gradients], dict(zip(inputs, arrays)))
    return inputs, cost, wrt, gradients, value, found


def check(each, arrays, differences):
    inputs, cost, wrt, discrete = problem(each, arrays)
    if not wrt:
        return
    inputs, cost, wrt, gradients, value, found = gradients_of(each, arrays)
    assert [g.type.dtype for g in gradients] == [x.type.dtype for x in wrt]
    points = [a for x, a in zip(inputs, arrays) if x in wrt]
    assert [g.shape for g in found] == [a.shape for a in points]
    assert not discrete or not any(g.any() for g in found)
    f = theano.function(inputs, gradients, on_unused_input="ignore")
    for got, want in zip(f(*arrays), found):
        assert got.dtype == want.dtype and got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-8)
    # of the plain sum the gradient begins with ones, which rewriting knows: other rules apply
    total = sum(T.sum(T.real(out)) for out in listed(each.build(*inputs)))
    plain = theano.grad(total, wrt, disconnected_inputs="ignore")
    wanted = evaluate(plain, dict(zip(inputs, arrays)))
    for got, want in zip(theano.function(inputs, plain, on_unused_input="ignore")(*arrays), wanted):
        assert got.dtype == want.dtype and got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-8)
    if differences and not discrete and np.isfinite(value) and all(np.isfinite(a).all() for a in arrays):
        along_a_direction(cost, inputs, arrays, wrt, found)


def along_a_direction(cost, inputs, arrays, wrt, found):
    rng = np.random.default_rng(5)
    directions = {}
    for x, a in zip(inputs, arrays):
        if x in wrt:
            directions[x] = rng.normal(size=a.shape) + (1j * rng.normal(size=a.shape) if x.dtype == "complex128" else 0)

    def at(step):
        moved = [a + step * directions[x] if x in directions else a for x, a in zip(inputs, arrays)]
        return float(evaluate([cost], dict(zip(inputs, moved)))[0])

    h = 1e-4
    numeric = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
    slope = sum(np.sum(np.real(np.conj(g) * directions[x])) for x, g in zip(wrt, found))
    np.testing.assert_allclose(slope, numeric, rtol=1e-6, atol=1e-6)


def narrow_is_wide(each, arrays):
    """The gradient in float32, compiled, is that in float64 of the same numbers."""
    inputs, cost, wrt, _ = problem(each, arrays)
    if not wrt:
        return
    gradients = theano.grad(cost, wrt, disconnected_inputs="ignore")
    assert [g.type.dtype for g in gradients] == [x.type.dtype for x in wrt]
    found = theano.function(inputs, gradients, on_unused_input="ignore")(*arrays)
    wide = [a.astype("float64") if a.dtype == "float32" else a for a in arrays]
    *_, reference = gradients_of(each, wide)
    for got, want in zip(found, reference):
        size = np.abs(want[np.isfinite(want)]).max(initial=1.0)
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-4 * each.loose * size)
