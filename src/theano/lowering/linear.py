"""Lowerings of linear algebra: routines of LAPACK for float32 and float64, `perform` for the rest."""

from __future__ import annotations

from theano.graph.node import Apply
from theano.lowering.context import Lowering, lowers
from theano.tensor.linear.factors import Cholesky
from theano.tensor.linear.inverses import Det, SLogDet

_LAPACK = (("float32",), ("float64",))


def _of_one_real_dtype(node: Apply) -> bool:
    """Are all inputs and outputs float32, or all float64?"""
    dtypes = {getattr(v.type, "dtype", "object") for v in (*node.inputs, *node.outputs)}
    return tuple(dtypes) in _LAPACK


def _routine(lowering: Lowering, node: Apply, name: str, *params: int) -> None:
    if _of_one_real_dtype(node):
        lowering.routine(node, f"lapack.{name}", params)
    else:
        lowering.python(node)


@lowers(Cholesky)
def lower_cholesky(lowering: Lowering, node: Apply) -> None:
    op: Cholesky = node.op  # type: ignore[assignment]
    _routine(lowering, node, "cholesky", int(op.lower), int(op.on_error == "nan"))


@lowers(Det)
def lower_det(lowering: Lowering, node: Apply) -> None:
    _routine(lowering, node, "det")


@lowers(SLogDet)
def lower_slogdet(lowering: Lowering, node: Apply) -> None:
    _routine(lowering, node, "slogdet")
