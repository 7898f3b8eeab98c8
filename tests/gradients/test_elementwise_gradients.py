"""Gradients of every elementwise op: first and second order against finite differences, and the conventions at
ties, at zero and at the ends of the domain."""

import numpy as np
import pytest

import theano
from theano.errors import DisconnectedInputError, NullTypeGradError
from theano.graph.evaluate import evaluate
from theano.graph.type import NullType
from theano.scalar import ScalarOp, cast_to
from theano.scalar.dtypes import complex_dtypes
from theano.tensor.type import TensorType
from theano.transforms.forward import Rop
from theano.transforms.reverse import grad

REGISTRY = ScalarOp.registry
UNDEFINED = {("polygamma", 0), ("jv", 0), ("iv", 0), ("ive", 0), ("gammainc_by_order", 0)}   # derivatives by the order
DISCONNECTED = {("second", 0)}
INTEGERS_ONLY = {"and_", "or_", "xor", "invert"}
COMPLEX_ONLY = {"real", "imag", "conj", "angle", "complex", "complex_from_polar"}
SMOOTH = [
    r for r in REGISTRY.values()
    if r.name not in INTEGERS_ONLY | COMPLEX_ONLY and r.output_dtype(*["float64"] * (r.nin or 3)) != "bool"
]  # fmt: skip
ids = {"ids": str}


def vectors(n, dtype="float64"):
    return [TensorType(dtype, (None,))(name=f"x{i}") for i in range(n)]


def points(record, count=9):
    """Numbers inside the record's domain, away from ties, whole numbers, whole quotients and the domain's ends."""
    rng = np.random.default_rng(7)
    domain = record.domain if record.nin else record.domain * 3
    columns = []
    for part in domain:
        low, high = max(part.low, -2.6), min(part.high, 2.6)
        margin = 0.07 * (high - low)
        columns.append(rng.uniform(low + margin, high - margin, 40 * count))
    if record.name == "polygamma":
        columns[0] = np.arange(40 * count) % 3.0
    if record.name == "clip":
        columns[1], columns[2] = columns[1] - 1.5, columns[2] + 1.0
    clear = np.ones(40 * count, bool)
    for i, x in enumerate(columns):
        if not (record.name == "polygamma" and i == 0):
            clear &= abs(2 * x - np.rint(2 * x)) > 0.05
        for y in columns[:i]:
            clear &= (abs(x - y) > 0.05) & (abs(y / x - np.rint(y / x)) > 0.05)
    columns = [x[clear][:count] for x in columns]
    assert len(columns[0]) == count
    return columns


def derivative(function, xs, which, step=1e-3):
    """The derivative of an elementwise function by xs[which], by the five-point formula."""

    def at(shift):
        moved = list(xs)
        moved[which] = xs[which] + shift
        return function(*moved)

    return (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step)


def gradients(output, inputs):
    """The derivatives of sum(output) by each input (a NullType variable where undefined)."""
    seed = REGISTRY["second"](output, np.ones((), output.dtype))
    return grad(None, inputs, known_grads={output: seed}, null_gradients="return", disconnected_inputs="ignore")


def numeric(variable, inputs):
    return lambda *values: evaluate([variable], dict(zip(inputs, values)))[0]


MODES = ["reference", "FAST_COMPILE", "FAST_RUN"]


def in_mode(mode, variable, inputs):
    return theano.function(inputs, variable, mode=mode, on_unused_input="ignore")


@pytest.mark.parametrize("record", SMOOTH, **ids)
def test_first_and_second_derivatives(record):
    values = points(record)
    inputs = vectors(len(values))
    output = record(*inputs)
    first = gradients(output, inputs)
    for i, slope in enumerate(first):
        undefined = (record.name, i) in UNDEFINED
        assert isinstance(slope.type, NullType) == undefined
        if undefined:
            continue
        got = numeric(slope, inputs)(*values)
        expected = derivative(numeric(output, inputs), values, i)
        assert got.dtype == "float64" and np.isfinite(got).all()
        np.testing.assert_allclose(got, expected, rtol=1e-7, atol=1e-8)
        if slope.owner is None:
            continue
        for j, curvature in enumerate(gradients(slope, inputs)):
            if isinstance(curvature.type, NullType):
                assert record.name.startswith(("gamma", "chi2sf")) or (record.name, j) in UNDEFINED
                continue
            got = numeric(curvature, inputs)(*values)
            expected = derivative(numeric(slope, inputs), values, j)
            np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("record", SMOOTH, **ids)
def test_forward_derivatives(record):
    values = points(record)
    inputs = vectors(len(values))
    output = record(*inputs)
    for i, x in enumerate(inputs):
        if (record.name, i) in UNDEFINED | DISCONNECTED:
            continue
        direction = np.linspace(-1, 2, len(values[i]))
        forward = Rop(output, x, direction)
        expected = derivative(numeric(output, inputs), values, i) * direction
        np.testing.assert_allclose(numeric(forward, inputs)(*values), expected, rtol=1e-7, atol=2e-8)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("record", SMOOTH, **ids)
def test_derivatives_as_compiled_agree_with_the_reference(record, dtype):
    values = [v.astype(dtype) for v in points(record)]
    inputs = vectors(len(values), dtype)
    first = [g for g in gradients(record(*inputs), inputs) if not isinstance(g.type, NullType)]
    second = [g for slope in first if slope.owner is not None for g in gradients(slope, inputs)]
    wanted = first + [g for g in second if not isinstance(g.type, NullType)]
    got = theano.function(inputs, wanted, mode="FAST_RUN", on_unused_input="ignore")(*values)
    rtol, atol = (1e-10, 1e-11) if dtype == "float64" else (2e-3, 2e-4)
    for variable, result in zip(wanted, got):
        np.testing.assert_allclose(result, numeric(variable, inputs)(*values), rtol=rtol, atol=atol)


@pytest.mark.parametrize("record", SMOOTH, **ids)
def test_gradients_of_float32_stay_float32(record):
    values = [v.astype("float32") for v in points(record)]
    inputs = vectors(len(values), "float32")
    output = record(*inputs)
    for slope in gradients(output, inputs):
        if isinstance(slope.type, NullType):
            continue
        assert slope.dtype == "float32"
        if output.dtype == "float32" and slope.owner is not None:
            inside = [v for v in _ancestors(slope) if v.dtype in ("float64", "int64", "complex128")]
            assert not inside, f"computed in {inside[0].dtype}: {inside[0]}"


def _ancestors(variable):
    found, pending = [], [variable]
    while pending:
        v = pending.pop()
        found.append(v)
        if v.owner is not None:
            pending.extend(v.owner.inputs)
    return found


@pytest.mark.parametrize("name, number", sorted(UNDEFINED))
def test_derivative_by_the_order_is_an_error(name, number):
    inputs = vectors(2)
    output = REGISTRY[name](*inputs)
    seed = REGISTRY["second"](output, np.ones(()))
    with pytest.raises(NullTypeGradError, match=name):
        grad(None, inputs[number], known_grads={output: seed})


def test_second_is_disconnected_from_its_first_input():
    x, y = vectors(2)
    output = REGISTRY["second"](x, y)
    with pytest.raises(DisconnectedInputError):
        grad(None, x, known_grads={output: REGISTRY["second"](output, np.ones(()))})


@pytest.mark.parametrize("name", ["lt", "gt", "le", "ge", "eq", "neq", "isnan", "isinf"])
def test_tests_have_gradient_zero(name):
    record = REGISTRY[name]
    inputs = vectors(record.nin)
    output = cast_to("float64")(record(*inputs))
    for slope in gradients(output, inputs):
        assert not numeric(slope, inputs)(*[np.array([0.5, 1.5])] * record.nin).any()


# ---- conventions and finiteness at special points ----

nan, inf = np.nan, np.inf
TINY = 1e-200
CONVENTIONS = [
    # name, point, derivatives
    ("maximum", (1.0, 1.0), (1, 0)), ("minimum", (1.0, 1.0), (1, 0)),
    ("maximum", (2.0, 1.0), (1, 0)), ("maximum", (1.0, 2.0), (0, 1)), ("minimum", (inf, 1.0), (0, 1)),
    ("abs_", (0.0,), (0,)), ("sqr", (0.0,), (0,)), ("sgn", (2.0,), (0,)), ("sgn", (0.0,), (0,)),
    ("clip", (0.0, 0.0, 1.0), (1, 0, 0)), ("clip", (1.0, 0.0, 1.0), (1, 0, 0)), ("clip", (2.0, 0.0, 1.0), (0, 0, 1)),
    ("clip", (-1.0, 0.0, 1.0), (0, 1, 0)), ("clip", (5.0, 3.0, 2.0), (0, 0, 1)), ("clip", (1.0, 3.0, 2.0), (0, 1, 0)),
    ("mod", (7.5, 2.0), (1, -3)), ("mod", (-7.5, 2.0), (1, 4)), ("int_div", (7.5, 2.0), (0, 0)),
    ("floor", (1.0,), (0,)), ("ceil", (1.5,), (0,)), ("trunc", (1.5,), (0,)), ("round_half_to_even", (1.5,), (0,)),
    ("round_half_away_from_zero", (0.5,), (0,)),
    ("pow", (0.0, 2.0), (0, 0)), ("pow", (0.0, 1.0), (1, 0)), ("pow", (0.0, 0.0), (0, 0)),
    ("pow", (-2.0, 3.0), (12, nan)), ("pow", (3.0, 0.0), (0, np.log(3))), ("pow", (0.0, 0.5), (inf, 0)),
    ("sigmoid", (1000.0,), (0,)), ("sigmoid", (-1000.0,), (0,)), ("sigmoid", (-40.0,), (np.exp(-40),)),
    ("softplus", (1000.0,), (1,)), ("softplus", (-1000.0,), (0,)), ("softplus", (-40.0,), (np.exp(-40),)),
    ("softsign", (0.0,), (1,)), ("softsign", (-1e200,), (0,)), ("tanh", (1000.0,), (0,)), ("exp", (-1000.0,), (0,)),
    ("expm1", (-40.0,), (np.exp(-40),)), ("log1p", (0.0,), (1,)), ("sqrt", (0.0,), (inf,)),
    ("xlogy0", (0.0, 0.0), (-inf, 0)), ("xlogy0", (0.0, 2.0), (np.log(2), 0)), ("xlogx", (0.0,), (-inf,)),
    ("logaddexp", (-inf, -inf), (0.5, 0.5)), ("logaddexp", (1000.0, 999.0), (1 / (1 + np.exp(-1)), 1 / (1 + np.e))),
    ("logaddexp", (inf, 0.0), (1, 0)), ("logaddexp", (0.0, -1000.0), (1, 0)), ("log1mexp", (-1000.0,), (0,)),
    ("hypot", (0.0, 0.0), (0, 0)), ("hypot", (3e200, 4e200), (0.6, 0.8)), ("hypot", (3 * TINY, 4 * TINY), (0.6, 0.8)),
    ("arctan2", (TINY, TINY), (0.5 / TINY, -0.5 / TINY)), ("arctan2", (1e200, 1e200), (5e-201, -5e-201)),
    ("arctan2", (0.0, -1.0), (-1, 0)), ("true_div", (1.0, TINY), (1 / TINY, -inf)),
    ("true_div", (0.0, TINY), (1 / TINY, 0)),
    ("switch", (1.0, 2.0, 3.0), (0, 1, 0)), ("switch", (0.0, 2.0, 3.0), (0, 0, 1)),
    ("erfcx", (1e8,), (-1e-16 / np.sqrt(np.pi),)), ("erf", (30.0,), (0,)), ("erfc", (30.0,), (0,)),
    ("j1", (0.0,), (0.5,)), ("i1", (0.0,), (0.5,)), ("j0", (0.0,), (0,)), ("gammainc", (1.0, 0.0), (0, 1)),
    ("gammaincc", (1.0, 0.0), (0, -1)), ("chi2sf", (0.0, 2.0), (-0.5, 0)), ("mul", (0.0, 2.0, 0.0), (0, 0, 0)),
    ("mul", (0.0, 2.0, 3.0, 4.0, 5.0), (120, 0, 0, 0, 0)), ("mul", (1.0, 2.0, 3.0, 4.0, 5.0), (120, 60, 40, 30, 24)),
    ("mul", (3.0,), (1,)), ("add", (1.0, 2.0, 3.0), (1, 1, 1)),
]  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name, point, expected", CONVENTIONS)
def test_conventions(name, point, expected, mode):
    values = [np.array([v]) for v in point]
    inputs = vectors(len(values))
    output = REGISTRY[name](*inputs)
    function = theano.function(inputs, gradients(output, inputs), mode=mode, on_unused_input="ignore")
    np.testing.assert_allclose(np.ravel(function(*values)), expected, rtol=4e-15, atol=1e-300)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("exponent, at_zero", [(2, (0, 2)), (3, (0, 0)), (1, (1, 0)), (0, (0, 0))])
def test_powers_at_zero(exponent, at_zero, mode):
    (x,) = vectors(1)
    (first,) = gradients(REGISTRY["pow"](x, exponent), [x])
    (second,) = gradients(first, [x])
    assert in_mode(mode, first, [x])(np.zeros(1)) == at_zero[0]
    assert in_mode(mode, second, [x])(np.zeros(1)) == at_zero[1]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64"])
def test_discrete_exponents(dtype, mode):
    (x,), (n,) = vectors(1), vectors(1, dtype)
    y = REGISTRY["pow"](x, n)
    (slope,) = gradients(y, [x])
    base, exponent = np.array([0.0, 0.0, 3.0, 3.0]), np.array([0, 1, 0, 1], dtype)
    np.testing.assert_array_equal(in_mode(mode, slope, [x, n])(base, exponent), [0, 1, 0, 1])


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8"])
@pytest.mark.parametrize("record", SMOOTH, **ids)
def test_discrete_operands_are_taken_as_what_they_are_converted_to(record, dtype):
    """Found by gradients of random graphs: squares of small integers wrapped, and bools have no sign."""
    n = record.nin or 3
    numbers = np.array([0, 1, 1, 0], dtype) if dtype == "bool" else np.array([1, 20, 100, 0], dtype)
    for which in range(n):
        mixed = vectors(n)
        mixed[which] = TensorType(dtype, (None,))("i")
        try:
            y = record(*mixed)
        except TypeError:
            continue
        if y.type.dtype not in ("float32", "float64"):
            continue
        floats = vectors(n, y.type.dtype)
        values = [np.linspace(0.2, 0.8, 4) if k != which else numbers for k in range(n)]
        for k in range(n):
            if record.name == "second" or (record.name, k) in UNDEFINED:
                continue
            (slope,) = gradients(y, [mixed[k]])
            (expected,) = gradients(record(*floats), [floats[k]])
            with np.errstate(all="ignore"):
                found = in_mode("reference", slope, mixed)(*values)
                wanted = in_mode("reference", expected, floats)(*(v.astype(y.type.dtype) for v in values))
            np.testing.assert_allclose(found, wanted, rtol=1e-5, err_msg=f"{which}, {k}")


@pytest.mark.parametrize("mode", MODES)
def test_switch_keeps_nan_of_the_branch_not_chosen_out(mode):
    (x,) = vectors(1)
    y = REGISTRY["switch"](REGISTRY["gt"](x, 0), REGISTRY["log"](x), 0)
    (slope,) = gradients(y, [x])
    np.testing.assert_array_equal(in_mode(mode, slope, [x])(np.array([-1.0, 2.0])), [0, 0.5])


# ---- complex inputs: dC/dRe + i dC/dIm ----

HOLOMORPHIC = [
    "neg", "inv", "sqr", "sqrt", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "arcsin",
    "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "deg2rad", "rad2deg", "erf", "xlogx",
    "identity", "conj", "real", "imag", "abs_", "angle",
]  # fmt: skip


def check_complex(output, inputs, values):
    """Compare the gradient of Re(w . output) with finite differences in the real and imaginary parts."""
    weight = np.array(1.0) if output.dtype not in complex_dtypes else np.array(0.6 - 0.8j)
    seed = REGISTRY["second"](output, weight)
    slopes = grad(None, inputs, known_grads={output: seed})
    function = numeric(output, inputs)

    def cost(*xs):
        return (np.conj(weight) * function(*xs)).real

    for i, slope in enumerate(slopes):
        got = numeric(slope, inputs)(*values)
        expected = derivative(cost, values, i)
        if values[i].dtype.kind == "c":
            def along_imaginary(shift, i=i):
                moved = list(values)
                moved[i] = values[i] + 1j * shift
                return cost(*moved)

            h = 1e-3
            imaginary = (8 * (along_imaginary(h) - along_imaginary(-h))
                         - (along_imaginary(2 * h) - along_imaginary(-2 * h))) / (12 * h)
            expected = expected + 1j * imaginary
        assert got.dtype == values[i].dtype
        np.testing.assert_allclose(got, expected, rtol=1e-8, atol=1e-9)


Z = np.array([0.5 + 0.25j, -1.5 + 2j, 3 - 1j, -0.75 - 0.5j])
R = np.array([0.5, 1.25, 2.0, 0.75])


@pytest.mark.parametrize("name", HOLOMORPHIC)
def test_complex_gradients(name):
    inputs = vectors(1, "complex128")
    check_complex(REGISTRY[name](*inputs), inputs, [Z])


@pytest.mark.parametrize("name", ["add", "sub", "mul", "true_div", "pow"])
@pytest.mark.parametrize("dtypes", [("complex128", "complex128"), ("float64", "complex128"), ("complex128", "float64")])
def test_complex_gradients_of_two_inputs(name, dtypes):
    inputs = [vectors(1, d)[0] for d in dtypes]
    values = [Z if dtypes[0] == "complex128" else R, Z[::-1].copy() if dtypes[1] == "complex128" else R]
    check_complex(REGISTRY[name](*inputs), inputs, values)


@pytest.mark.parametrize("name", ["complex", "complex_from_polar"])
def test_gradients_of_making_complex_numbers(name):
    inputs = vectors(2)
    check_complex(REGISTRY[name](*inputs), inputs, [R, R[::-1] - 1])


@pytest.mark.parametrize("name, slope", [("real", 1), ("conj", 1), ("imag", 0), ("angle", 0)])
def test_parts_of_real_inputs(name, slope):
    inputs = vectors(1)
    (got,) = gradients(REGISTRY[name](*inputs), inputs)
    np.testing.assert_array_equal(numeric(got, inputs)(R), np.full(4, slope))
