"""The contract of every elementwise op, on every backend: dtypes x shapes x memory layouts x special values.

The expected value is the record's NumPy meaning applied to plain contiguous arrays broadcast by NumPy; so the test
holds the backends to dtype conversion, broadcasting, strides, empty arrays and accuracy. That the meaning itself is
right is tested in tests/scalar.
"""

import numpy as np
import pytest

import theano
from theano.scalar import ScalarOp, cast_to
from theano.scalar.dtypes import all_dtypes, complex_dtypes, upcast
from theano.tensor.type import TensorType

MODES = ["reference", "FAST_RUN"]
RECORDS = list(ScalarOp.registry.values())
# every input of one call gets one of these shapes; the second of a pair is for inputs 1, 3, ...
SHAPES = [
    ((), ()), ((0,), (0,)), ((1,), (1,)), ((7,), (7,)), ((3, 1), (1, 4)), ((2, 0, 3), (2, 0, 3)),
    ((2, 3, 5), (2, 3, 5)),
]
LAYOUTS = {
    "contiguous": lambda a: a.copy(),
    "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a.copy(),
    "reversed": lambda a: a[(slice(None, None, -1),) * a.ndim].copy()[(slice(None, None, -1),) * a.ndim],
    "transposed": lambda a: a.T.copy().T,
}
EPS = {
    "float16": 2.0**-10, "float32": 2.0**-23, "float64": 2.0**-52, "complex64": 2.0**-23, "complex128": 2.0**-52,
}  # fmt: skip


def special_values(dtype):
    kind = np.dtype(dtype).kind
    if kind == "b":
        return np.array([True, False])
    if kind in "iu":
        info = np.iinfo(dtype)
        some = (0, 1, 2, 3, 5, 7, -1, -2, -7, info.max, info.min)
        return np.array([v for v in some if info.min <= v <= info.max], dtype)
    if kind == "c":
        return np.array([0.5 + 0.25j, -1.5 + 2j, 0, 1j, 3 - 1j, -0.75 - 0.5j, 1, -2.5], dtype)
    info = np.finfo(dtype)
    extremes = [0.0, -0.0, np.inf, -np.inf, np.nan, info.tiny, info.max]
    return np.array([0.5, -1.5, 1.0, 2.25, -0.25, 3.0, -7.5, 0.9, 20.0, *extremes], dtype)


def values(dtype, shape, seed):
    """An array of special values in an order that differs from seed to seed."""
    pool = special_values(dtype)
    n = int(np.prod(shape))
    return np.random.default_rng(seed).permutation(np.resize(pool, max(n, len(pool))))[:n].reshape(shape)


def accepts(record, dtypes):
    try:
        if record.define is not None:
            record.define(*[TensorType(d, ())() for d in dtypes])
        record.output_dtype(*dtypes)
    except TypeError:
        return False
    return True


def expected(record, arrays):
    """The meaning by NumPy alone, or the exception it raises."""
    dtypes = [str(a.dtype) for a in arrays]
    out = record.output_dtype(*dtypes)
    if record.compute != "own":
        compute = out if record.compute == "out" else upcast(*dtypes)
        arrays = [a.astype(compute) for a in arrays]
    with np.errstate(all="ignore"):
        result = np.asarray(record.numpy(*arrays)).astype(out)
    return np.broadcast_to(result, np.broadcast_shapes(*[a.shape for a in arrays]))


def check(got, want, record, dtypes, scale=0.0):
    """`scale`: size of the terms whose sum or difference the result is, so that their rounding counts."""
    assert isinstance(got, np.ndarray) and got.dtype == want.dtype and got.shape == want.shape
    name = str(want.dtype)
    of_complex = any(d in complex_dtypes for d in dtypes)   # products and moduli of which are not rounded just once
    if want.dtype.kind in "biu" or (record.ulp == 0 and not of_complex):
        np.testing.assert_array_equal(got, want)
        return
    # both sides may be wrong by the record's error; float64 functions are held to it, narrower ones to 4 units more
    units = 2 * record.ulp + (4 if name != "float64" else 2)
    tiny = float(np.finfo(name).tiny)
    with np.errstate(all="ignore"):
        if want.dtype.kind == "c":
            np.testing.assert_allclose(got, want, rtol=units * EPS[name], atol=tiny)
        else:
            same = (got == want) | (np.isnan(got) & np.isnan(want))
            error = np.abs(got.astype("float64") - want.astype("float64"))
            near = error <= units * EPS[name] * (np.abs(want.astype("float64")) + scale) + tiny
            wrong = ~(same | near)
            assert not wrong.any(), f"{got[wrong][:5]} instead of {want[wrong][:5]}"


def cases(record):
    """(dtypes, shapes): all dtypes; in one dtype each with all ranks, in the others with two."""
    nin = record.nin or 3
    seen = set()
    for dtype in all_dtypes:
        dtypes = (dtype,) * nin
        if not accepts(record, dtypes):
            continue
        kind = np.dtype(dtype).kind
        shapes = SHAPES if kind not in seen else [SHAPES[3], SHAPES[4]]
        seen.add(kind)
        yield dtypes, shapes
    if nin > 1:
        for mixed in (("int8", "float32", "bool"), ("float32", "float64", "int16"), ("uint64", "int64", "uint8")):
            if accepts(record, mixed[:nin]):
                yield mixed[:nin], [SHAPES[4]]


def compiled(record, dtypes, shapes, mode):
    """One function with, for every pair of shapes, inputs of that rank and the op applied to them."""
    inputs, outputs = [], []
    for pair in shapes:
        group = [
            TensorType(dtype, [1 if n == 1 else None for n in pair[i % 2]])() for i, dtype in enumerate(dtypes)
        ]
        inputs += group
        outputs.append(record(*group))
    return theano.function(inputs, outputs, mode=mode, on_unused_input="ignore")


COMPUTED = [r for r in RECORDS if r.define is None] + [cast_to(d) for d in all_dtypes]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("record", COMPUTED, ids=str)
def test_value(record, mode):
    checked = 0
    for dtypes, shapes in cases(record):
        function = compiled(record, dtypes, shapes, mode)
        for number, (layout, arrange) in enumerate(LAYOUTS.items()):
            groups = [
                [arrange(values(d, pair[i % 2], 10 * number + i)) for i, d in enumerate(dtypes)] for pair in shapes
            ]
            arguments = [a for group in groups for a in group]
            before = [a.copy() for a in arguments]
            try:
                wanted = [expected(record, group) for group in groups]
            except ValueError as error:   # integers to negative powers
                with pytest.raises(ValueError, match=str(error)[:30]):
                    function(*arguments)
                continue
            results = function(*arguments)
            for pair, got, want in zip(shapes, results, wanted):
                try:
                    check(got, want, record, dtypes)
                except AssertionError as error:
                    raise AssertionError(f"{record.name}{dtypes} of shapes {pair}, {layout}: {error}") from None
                checked += 1
            for a, b in zip(arguments, before):
                np.testing.assert_array_equal(a, b, err_msg="an input was written")
            for got in results:
                assert not any(np.shares_memory(got, a) for a in arguments)
    assert checked


def wide_points(record, dtype, count=20_000):
    """Random numbers of all magnitudes, positive and negative, and evenly spread ones, inside the domain."""
    rng = np.random.default_rng(3)
    columns = []
    for part in record.domain if record.nin else record.domain * 3:
        low, high = max(part.low, -1e3), min(part.high, 1e3)
        spread = rng.uniform(low, high, count)
        scaled = np.exp(rng.uniform(-30, 6, count)) * rng.choice([-1.0, 1.0], count)
        small = rng.uniform(max(low, -9), min(high, 9), count)
        x = np.choose(rng.integers(0, 3, count), [spread, np.clip(scaled, low, high), small])
        columns.append(x.astype(dtype))
    if record.name == "polygamma":
        columns[0] = np.floor(columns[0] % 6)
    return columns


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("record", [r for r in RECORDS if r.define is None], ids=str)
def test_accuracy_over_the_whole_domain(record, dtype):
    nin = record.nin or 3
    if not accepts(record, (dtype,) * nin) or record.name == "gammainc_by_order":
        return   # that one has no native form, and costs much for large orders
    arrays = wide_points(record, dtype)
    xs = [TensorType(dtype, (None,))() for _ in arrays]
    function = theano.function(xs, record(*xs), mode="FAST_RUN", on_unused_input="ignore")
    want = expected(record, arrays)
    scale = np.maximum(abs(arrays[0]), abs(arrays[1])).astype("float64") if record.name == "logaddexp" else 0.0
    for _ in range(3):
        check(function(*arrays), want, record, (dtype,) * nin, scale)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("record", [r for r in RECORDS if r.define is not None], ids=str)
def test_definitions_agree_with_the_reference(record, mode):
    for dtypes, shapes in cases(record):
        function = compiled(record, dtypes, shapes, mode)
        plain = compiled(record, dtypes, shapes, "reference")
        arguments = [values(d, pair[i % 2], i) for pair in shapes for i, d in enumerate(dtypes)]
        for got, want in zip(function(*arguments), plain(*arguments)):
            check(got, want, record, dtypes)


DEFINITIONS = {
    "largest": lambda *xs: np.maximum.reduce(np.broadcast_arrays(*xs)),
    "smallest": lambda *xs: np.minimum.reduce(np.broadcast_arrays(*xs)),
    "ceil_intdiv": lambda x, y: np.ceil(x / y),
    "hard_sigmoid": lambda x: np.clip(0.2 * x + 0.5, 0, 1),
    "inopenrange": lambda x, low, high: (low < x) & (x < high),
    "inclosedrange": lambda x, low, high: (low <= x) & (x <= high),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", DEFINITIONS)
def test_values_of_definitions(name, mode):
    record = ScalarOp.registry[name]
    dtype = "int64" if name == "ceil_intdiv" else "float64"
    arrays = [np.array(row, dtype) for row in ([-7, -6, 0, 1, 6, 7], [2, -9, 5, 1, 4, 7], [9, -3, 0, 1, 5, 6])]
    arrays = arrays[: record.nin or 3]
    xs = [TensorType(dtype, (None,))() for _ in arrays]
    got = theano.function(xs, record(*xs), mode=mode)(*arrays)
    assert got.dtype == (dtype if "range" not in name else "bool")
    np.testing.assert_allclose(got, DEFINITIONS[name](*arrays), rtol=1e-15)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_ultra_fast_sigmoid_keeps_its_promises(mode, dtype):
    x = TensorType(dtype, (None,))()
    at = np.linspace(-30, 30, 2001).astype(dtype)
    got = theano.function([x], ScalarOp.registry["ultra_fast_sigmoid"](x), mode=mode)(at)
    assert got.dtype == dtype
    assert got.min() == np.array(0.0024726, dtype) and got.max() == np.array(0.9975274, dtype)
    assert np.all(np.diff(got) >= 0)
    assert np.abs(got - 1 / (1 + np.exp(-at.astype(float)))).max() < 0.0025


@pytest.mark.parametrize("mode", MODES)
def test_lengths_that_differ_are_an_error_with_a_remedy(mode):
    x, y = TensorType("float64", (None,))("x"), TensorType("float64", (None,))("y")
    function = theano.function([x, y], ScalarOp.registry["add"](x, y), mode=mode)
    for m, n in ((2, 3), (1, 3), (0, 1)):
        with pytest.raises(ValueError, match=rf"input\[0\].shape\[0\] = {m}, but input\[1\].shape\[0\] = {n}") as error:
            function(np.ones(m), np.ones(n))
        message = str(error.value)
        assert "addbroadcast" in message and __file__ in message and len(message.splitlines()) <= 25
    np.testing.assert_array_equal(function(np.ones(3), np.ones(3)), np.full(3, 2.0))


def test_the_number_of_inputs_and_known_lengths_are_checked_when_the_node_is_made():
    x, y = TensorType("float64", (3,))("x"), TensorType("float64", (2,))("y")
    with pytest.raises(TypeError, match="sub takes 2 arguments, got 1"):
        ScalarOp.registry["sub"](x)
    with pytest.raises(ValueError, match="axis 0 differ, 3 and 2"):
        ScalarOp.registry["sub"](x, y)


def test_every_real_record_has_a_case_in_every_kind_of_dtype_it_accepts():
    for record in COMPUTED:
        kinds = {np.dtype(d).kind for dtypes, _ in cases(record) for d in dtypes}
        possible = {np.dtype(d).kind for d in all_dtypes if accepts(record, (d,) * (record.nin or 3))}
        assert possible <= kinds and possible
    assert any("c" in {np.dtype(d).kind for d in dtypes} for r in COMPUTED for dtypes, _ in cases(r))
    assert complex_dtypes
