"""What the ops of linear algebra say of the lengths of their axes; a part of `dims_of_ops.py`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from theano.graph.node import Apply
from theano.rewriting.dims import Fact, Key, Speaker, axis_key
from theano.tensor.diagonal import AllocDiag
from theano.tensor.linear.cholesky_gradient import CholeskyGrad
from theano.tensor.linear.eigen import Eig, Eigh, Eigvalsh, GeneralisedEigh
from theano.tensor.linear.factors import LU, SVD, Cholesky, QRFull, QRIncomplete
from theano.tensor.linear.functions import Expm
from theano.tensor.linear.inverses import Cofactors, Det, MatrixInverse, SLogDet
from theano.tensor.linear.least_squares import Lstsq
from theano.tensor.linear.pseudo_inverse import MatrixPinv
from theano.tensor.linear.shared_factors import LUFactor, LUSolve
from theano.tensor.linear.solving import Solve, SolveTriangular


def same_shape(out: Any, x: Any) -> Iterator[Fact]:
    for axis, n in enumerate(out.type.shape):
        if n is None:
            yield (out, axis), axis_key(x, axis), False


def of_square_matrices(node: Apply) -> Iterator[Fact]:
    """Ops on stacks of square matrices, all of one shape: the results have its axes from the first on."""
    first: Any = node.inputs[0]
    ndim = first.type.ndim
    yield axis_key(first, ndim - 2), axis_key(first, ndim - 1), True
    for x in node.inputs[1:]:
        for axis in range(ndim):
            yield axis_key(x, axis), axis_key(first, axis), True
    for out in node.outputs:
        yield from _lengths(out, [axis_key(first, axis) for axis in range(out.type.ndim)])  # type: ignore[attr-defined]


def _lengths(out: Any, keys: list[Key]) -> Iterator[Fact]:
    """The axes of `out` have these lengths, None where nothing is known."""
    for axis, key in enumerate(keys):
        if out.type.shape[axis] is None and key is not None and key != (out, axis):
            yield (out, axis), key, False


def of_lu_solve(node: Apply) -> Iterator[Fact]:
    factors, _, b = node.inputs
    yield axis_key(b, 0), axis_key(factors, 0), True
    yield from same_shape(node.outputs[0], b)


def of_solve(node: Apply) -> Iterator[Fact]:
    a, b = node.inputs
    ndim = a.type.ndim  # type: ignore[attr-defined]
    yield axis_key(a, ndim - 2), axis_key(a, ndim - 1), True
    for axis in range(ndim - 1):
        yield axis_key(b, axis), axis_key(a, axis), True
    yield from same_shape(node.outputs[0], b)


def _sides(x: Any) -> tuple[list[Key], Key, Key]:
    *batch, rows, columns = (axis_key(x, axis) for axis in range(x.type.ndim))
    return batch, rows, columns


def of_pinv(node: Apply) -> Iterator[Fact]:
    batch, rows, columns = _sides(node.inputs[0])
    yield from _lengths(node.outputs[0], [*batch, columns, rows])


def of_lu(node: Apply) -> Iterator[Fact]:
    p, lower, upper = node.outputs
    batch, rows, columns = _sides(node.inputs[0])
    shorter = axis_key(lower, len(batch) + 1)
    yield from _lengths(p, [*batch, rows, rows])
    yield from _lengths(lower, [*batch, rows, None])
    yield from _lengths(upper, [*batch, shorter, columns])


def of_qr(node: Apply) -> Iterator[Fact]:
    batch, rows, columns = _sides(node.inputs[0])
    mode = node.op.mode  # type: ignore[attr-defined]
    if mode == "r":
        yield from _lengths(node.outputs[0], [*batch, None, columns])
        return
    first, second = node.outputs
    if mode == "raw":
        yield from _lengths(first, [*batch, columns, rows])
        yield from _lengths(second, [*batch, None])
        return
    inner = rows if mode == "complete" else axis_key(first, len(batch) + 1)
    yield from _lengths(first, [*batch, rows, inner])
    yield from _lengths(second, [*batch, inner, columns])


def of_svd(node: Apply) -> Iterator[Fact]:
    op: Any = node.op
    batch, rows, columns = _sides(node.inputs[0])
    if not op.compute_uv:
        yield from _lengths(node.outputs[0], [*batch, None])
        return
    u, s, vh = node.outputs
    shorter = axis_key(s, len(batch))
    yield from _lengths(s, [*batch, None])
    yield from _lengths(u, [*batch, rows, rows if op.full_matrices else shorter])
    yield from _lengths(vh, [*batch, columns if op.full_matrices else shorter, columns])


def of_lstsq(node: Apply) -> Iterator[Fact]:
    a, b, _ = node.inputs
    yield axis_key(a, 0), axis_key(b, 0), True
    ndim: int = b.type.ndim  # type: ignore[attr-defined]
    yield from _lengths(node.outputs[0], [axis_key(a, 1), *(axis_key(b, axis) for axis in range(1, ndim))])


def of_diagonal_matrix(node: Apply) -> Iterator[Fact]:
    """diag(v) has as many rows as columns; on the main diagonal, as many as v has elements."""
    v, out = node.inputs[0], node.outputs[0]
    if len(node.inputs) > 1 or v.type.ndim != 1:  # type: ignore[attr-defined]
        return
    side = axis_key(v, 0) if node.op.offset == 0 else axis_key(out, 0)  # type: ignore[attr-defined]
    yield from _lengths(out, [side, side])


MATRICES: dict[type, Speaker] = {
    AllocDiag: of_diagonal_matrix,
    **dict.fromkeys(
        (Cholesky, CholeskyGrad, Cofactors, Det, Eig, Eigh, Eigvalsh, Expm, GeneralisedEigh, LUFactor, MatrixInverse,
         SLogDet), of_square_matrices,
    ),
    **dict.fromkeys((Solve, SolveTriangular), of_solve),
    **dict.fromkeys((QRFull, QRIncomplete), of_qr),
    LU: of_lu,
    LUSolve: of_lu_solve,
    Lstsq: of_lstsq,
    MatrixPinv: of_pinv,
    SVD: of_svd,
}  # fmt: skip
