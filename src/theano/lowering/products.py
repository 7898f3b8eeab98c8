"""Lowerings of matrix products: calls of BLAS for float32 and float64, `perform` for the rest."""

from __future__ import annotations

from typing import Any

from theano.graph.node import Apply
from theano.lowering.context import Lowering, lowers
from theano.lowering.failures import shape_is_used
from theano.lowering.program import CallStep, Step
from theano.lowering.work import Datum, Opaque
from theano.tensor.blas import Dot22, Dot22Scalar, Gemm, Gemv, Ger
from theano.tensor.products import BatchedDot, CheckLengths, Dot

_BLAS = frozenset(("float32", "float64"))


def _call(
    lowering: Lowering, node: Apply, routine: str, operands: list[Datum], out: Datum,
    alpha: Datum | None = None, beta: Datum | None = None, onto: Datum | None = None,
) -> None:
    """One library call. `onto` is what `beta` times is added to the product; `alpha` and `beta` are 0-d."""
    factors: list[Any] = []
    listed: list[Datum] = []
    for factor in (alpha, beta):
        if factor is None:
            factors.append(1.0)
        elif factor.constant is not None:
            factors.append(float(factor.constant.item()))
        else:
            factors.append(None)
            listed.append(lowering.in_memory(factor))
    if onto is None:
        factors[1] = 0.0
    scale_a, scale_b = factors
    inputs = [lowering.in_memory(d) for d in (*operands, *(() if onto is None else (onto,)), *listed)]

    def emit(emission: Any, ins: Any, outs: Any) -> list[Step]:
        rest = list(ins[len(ins) - len(listed):])
        by_a = rest.pop(0) if scale_a is None else scale_a
        by_b = rest.pop(0) if scale_b is None else scale_b
        return [CallStep(
            inputs=ins, outputs=outs, nodes=[node], routine=routine, alpha=by_a, beta=by_b, inplace=emission.taken
        )]

    lowering.add(Opaque([node], inputs, [out], emit, takes=None if onto is None else len(operands)))
    lowering.define(node.outputs[0], out)


@lowers(Dot, Dot22)
def lower_dot(lowering: Lowering, node: Apply) -> None:
    a, b = lowering.data(node.inputs)
    (variable,) = node.outputs
    dtype: str = variable.type.dtype  # type: ignore[attr-defined]
    if dtype not in _BLAS or a.dtype != dtype or b.dtype != dtype:
        lowering.python(node)
        return
    out = lowering.new(variable, [*a.dims[:-1], *b.dims[1:]])
    if a.ndim == 2 and b.ndim == 2:
        _call(lowering, node, "gemm", [a, b], out)
    elif a.ndim == 2:
        _call(lowering, node, "gemv", [a, b], out)
    elif b.ndim == 2:
        turned = Datum(dtype, b.shape[::-1], b.dims[::-1])
        turned.base = b if b.base is None else b.base
        turned.base_axes = (1, 0) if b.base is None else tuple(1 - k if k >= 0 else k for k in b.base_axes)
        _call(lowering, node, "gemv", [turned, a], out)
    else:
        _call(lowering, node, "dot", [a, b], out)


@lowers(Dot22Scalar)
def lower_dot22scalar(lowering: Lowering, node: Apply) -> None:
    a, b, factor = lowering.data(node.inputs)
    if a.dtype not in _BLAS:
        lowering.python(node)
        return
    _call(lowering, node, "gemm", [a, b], lowering.new(node.outputs[0], [a.dims[0], b.dims[1]]), alpha=factor)


@lowers(BatchedDot)
def lower_batched_dot(lowering: Lowering, node: Apply) -> None:
    a, b = lowering.data(node.inputs)
    if a.dtype not in _BLAS or b.dtype != a.dtype:
        lowering.python(node)
        return
    out = lowering.new(node.outputs[0], [a.dims[0], a.dims[1], b.dims[2]])
    _call(lowering, node, "batched_gemm", [a, b], out)


@lowers(Gemm)
def lower_gemm(lowering: Lowering, node: Apply) -> None:
    z, alpha, a, b, beta = lowering.data(node.inputs)
    if z.dtype not in _BLAS or _is_zero(beta):
        lowering.python(node)
        return
    _call(lowering, node, "gemm", [a, b], lowering.new(node.outputs[0], z.dims), alpha, beta, z)


@lowers(Gemv)
def lower_gemv(lowering: Lowering, node: Apply) -> None:
    y, alpha, a, x, beta = lowering.data(node.inputs)
    if y.dtype not in _BLAS or _is_zero(beta):
        lowering.python(node)
        return
    _call(lowering, node, "gemv", [a, x], lowering.new(node.outputs[0], y.dims), alpha, beta, y)


@lowers(Ger)
def lower_ger(lowering: Lowering, node: Apply) -> None:
    a, alpha, x, y = lowering.data(node.inputs)
    if a.dtype not in _BLAS:
        lowering.python(node)
        return
    _call(lowering, node, "ger", [x, y], lowering.new(node.outputs[0], a.dims), alpha, None, a)


def _is_zero(factor: Datum) -> bool:
    """With a constant 0 only the shape of the addend counts; that is rare and left to `perform`."""
    return factor.constant is not None and factor.constant.item() == 0


@lowers(CheckLengths)
def lower_check_lengths(lowering: Lowering, node: Apply) -> None:
    source, other = lowering.data(node.inputs)
    stated: list[Any] = [None] * source.ndim
    for i, j in node.op.pairs:  # type: ignore[attr-defined]
        if stated[i] is not None and stated[i] != other.dims[j]:
            lowering.python(node)
            return
        stated[i] = other.dims[j]
    shape_is_used(other)
    out = lowering.new(node.outputs[0], source.dims)
    lowering.view(out, source, "specify", tuple(stated), nodes=[node])
    lowering.define(node.outputs[0], out)
