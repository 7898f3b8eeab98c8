"""KernelBuilder: records become instructions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from theano.lowering.build import KernelBuilder, apply_record, record_cost
from theano.lowering.kernel import Kernel, Operand, Result
from theano.lowering.kernel_reference import reference_run
from theano.scalar.op import ScalarOp

DTYPES = ["bool", "int8", "uint8", "int32", "int64", "uint64", "float16", "float32", "float64"]


def cases() -> list[tuple[str, str]]:
    found = []
    for name, record in ScalarOp.registry.items():
        for dtype in DTYPES:
            try:
                record.output_dtype(*[dtype] * (record.nin or 2))
            except TypeError:
                continue
            if record.define is None:
                found.append((name, dtype))
    return found


@pytest.mark.parametrize(("name", "dtype"), cases())
def test_every_native_record_means_what_numpy_means(name: str, dtype: str) -> None:
    record = ScalarOp.registry[name]
    count = record.nin or 2
    out = record.output_dtype(*[dtype] * count)
    if record_cost(record, (dtype,) * count, out) is None:
        assert record.native is None or out.startswith("complex") or name == "pow"
        return
    rng = np.random.default_rng(0)
    low, high = (0, 2) if dtype == "bool" else (1, 5)
    values = [rng.integers(low, high, 7).astype(dtype) for _ in range(count)]
    if dtype.startswith("float"):
        values = [v * np.asarray(0.21, dtype) for v in values]
    builder = KernelBuilder()
    inputs = [builder.emit("load", dtype, (), n) for n in range(count)]
    result = apply_record(builder, record, inputs, out)
    body, results = builder.finish([Result("store", result.position)])
    operands = [Operand(dtype, (0,))] * count + [Operand(out, (0,))]
    kernel = Kernel(1, tuple(operands), count, body, results)
    (got,) = reference_run(kernel, values)
    compute = out if record.compute == "out" else np.result_type(*values).name
    given = values if record.compute == "own" else [v.astype(compute) for v in values]
    with np.errstate(all="ignore"):
        expected = np.asarray(record.numpy(*given)).astype(out)
    tolerance = {"float16": 5e-3, "float32": 2e-5, "float64": 1e-11}.get(out, 0)
    if "float32" in (dtype, out) or "float16" in (dtype, out):
        tolerance = max(tolerance, 2e-5)
    wide = "complex128" if out.startswith("complex") else "float64"
    np.testing.assert_allclose(got.astype(wide), expected.astype(wide), rtol=tolerance, atol=tolerance)


def test_equal_instructions_exist_once() -> None:
    b = KernelBuilder()
    x = b.emit("load", "float64", (), 0)
    assert (x + 1.0).position == (x + 1.0).position
    assert (x * x).position != (x + x).position


def test_constants_are_folded_in_their_dtype() -> None:
    b = KernelBuilder()
    value = b.const(100, "int8") + b.const(100, "int8")
    assert b.body[value.position].attr == -56
    third = b.const(1 / 3, "float32")
    assert b.body[third.position].attr == float(np.float32(1 / 3))


def test_zero_keeps_its_sign_and_nan_is_one_value() -> None:
    b = KernelBuilder()
    plus, minus = b.const(0.0, "float64"), b.const(-0.0, "float64")
    assert plus.position != minus.position
    other = KernelBuilder()
    assert b.body[b.const(math.nan, "float64").position] == other.body[other.const(float("nan"), "float64").position]


def test_a_constant_must_fit() -> None:
    with pytest.raises(OverflowError):
        KernelBuilder().const(300, "int8")


def test_python_conditions_are_refused() -> None:
    b = KernelBuilder()
    x = b.emit("load", "float64", (), 0)
    with pytest.raises(TypeError, match=r"b\.select"):
        bool(x > 0)


def test_cast_there_and_back_is_nothing() -> None:
    b = KernelBuilder()
    x = b.emit("load", "float32", (), 0)
    assert b.cast(b.cast(x, "float64"), "float32").position == x.position
    y = b.emit("load", "float64", (), 1)
    assert b.cast(b.cast(y, "float32"), "float64").position != y.position


def test_float16_is_computed_in_float32() -> None:
    b = KernelBuilder()
    x = b.emit("load", "float16", (), 0)
    b.unary("sqrt", x * x)
    assert all(instr.dtype != "float16" for instr in b.body if instr.op in ("mul", "sqrt"))


def test_what_nobody_needs_is_left_out() -> None:
    b = KernelBuilder()
    x = b.emit("load", "float64", (), 0)
    b.math("exp", x)
    y = x + 1.0
    body, (result,) = b.finish([Result("store", y.position)])
    assert [instr.op for instr in body] == ["load", "const", "add"]
    assert result.value == 2
