"""Decompositions of which only a part is used, decompositions of diagonal matrices, and Kronecker products of such.

Of a diagonal matrix, LAPACK's routines for QR, LU and eigenvectors find nothing to do: their factors are the identity,
the matrix itself, and rows of the identity in the order of the eigenvalues. Its singular vectors are left to it: which
of them have the minus signs depends on the size of the matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from theano.graph.node import Apply
from theano.rewriting.conform import conform
from theano.rewriting.matrix_facts import kron_factors, made_by
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.rewriting.rules.factors import diagonal_matrix_of
from theano.scalar import arithmetic as ar
from theano.tensor.diagonal import AllocDiag, ExtractDiag
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.elemwise import elemwise_of
from theano.tensor.linear.eigen import Eigh, Eigvalsh
from theano.tensor.linear.factors import LU, SVD, QRFull, QRIncomplete
from theano.tensor.products import transposed
from theano.tensor.shape import Reshape, reshape
from theano.tensor.sort import ArgSortOp
from theano.tensor.subtensor import AdvancedSubtensor1
from theano.tensor.triangles import Eye

# ---- what is not used is not computed -----------------------------------------------------------------------------


@function_rule(SVD, name="unused_singular_vectors", assumes="rounding", tags="svd_uv_merge")
def unused_singular_vectors(node: Apply, site: Site) -> Any:
    """svd(x) of which only the singular values are used -> svd(x, compute_uv=False)"""
    if len(node.outputs) < 3 or site.uses(node.outputs[0]) or site.uses(node.outputs[2]):
        return None
    values = node.outputs[1]
    return {values: conform(SVD(compute_uv=False)(node.inputs[0]), values)}


@function_rule(Eigh, name="unused_eigenvectors", assumes="rounding")
def unused_eigenvectors(node: Apply, site: Site) -> Any:
    """eigh(x) of which only the eigenvalues are used -> eigvalsh(x)"""
    values, vectors = node.outputs
    if site.uses(vectors):
        return None
    alone = Eigvalsh(node.op.UPLO == "L", check_finite=False)  # type: ignore[attr-defined]
    return {values: conform(alone(node.inputs[0]), values)}


@function_rule(QRFull, name="unused_orthogonal_factor", assumes="rounding")
def unused_orthogonal_factor(node: Apply, site: Site) -> Any:
    """qr(x) of which only r is used -> qr(x, mode="r")"""
    q, r = node.outputs
    if node.op.mode != "reduced" or site.uses(q):  # type: ignore[attr-defined]
        return None
    return {r: conform(QRIncomplete()(node.inputs[0]), r)}


# ---- diagonal matrices --------------------------------------------------------------------------------------------


def _identity(like: Any, of: Any, site: Site) -> Any:
    n = site.length(of, 0)
    return Eye(like.type.dtype)(n, n, 0)


@function_rule(QRFull, QRIncomplete, name="qr_of_diagonal", assumes="finite", needs=[AllocDiag], tags="qr_of_diag")
def qr_of_diagonal(node: Apply, site: Site) -> Any:
    """qr(diag(v)) -> eye(n), diag(v)"""
    (x,) = node.inputs
    v = diagonal_matrix_of(x)
    if v is None or getattr(node.op, "mode", "r") == "raw":
        return None
    *q, r = node.outputs
    return {**{out: conform(_identity(out, v, site), out) for out in q}, r: conform(x, r)}


@function_rule(LU, name="lu_of_diagonal", assumes="finite", needs=[AllocDiag], tags="lu_of_diag")
def lu_of_diagonal(node: Apply, site: Site) -> Any:
    """lu(diag(v)) -> eye(n), eye(n), diag(v)"""
    (x,) = node.inputs
    v = diagonal_matrix_of(x)
    if v is None:
        return None
    return [*(conform(_identity(out, v, site), out) for out in node.outputs[:2]), conform(x, node.outputs[2])]


@function_rule(Eigh, name="eigh_of_diagonal", assumes="finite", needs=[AllocDiag], tags="eigh_of_diag")
def eigh_of_diagonal(node: Apply, site: Site) -> Any:
    """eigh(diag(v)) -> v[order], eye(n)[order].T with order = argsort(v)"""
    v = diagonal_matrix_of(node.inputs[0])
    if v is None or v.type.broadcastable[0]:
        return None
    values, vectors = node.outputs
    order = ArgSortOp("stable")(v, 0)
    chosen = AdvancedSubtensor1()(_identity(vectors, v, site), order)
    return [conform(AdvancedSubtensor1()(v, order), values), conform(transposed(chosen), vectors)]


# ---- Kronecker products -------------------------------------------------------------------------------------------


def _outer(vectors: Sequence[Any], site: Site) -> Any:
    """The products of all elements of two vectors, in one vector."""
    v, w = vectors
    product = elemwise_of(ar.mul)(dimshuffle(v, 0, "x"), dimshuffle(w, "x", 0))
    return reshape(product, [elemwise_of(ar.mul)(site.length(v, 0), site.length(w, 0))], ndim=1)


@function_rule(ExtractDiag, name="diagonal_of_kron", needs=[Reshape], tags="diag_of_kronecker")
def diagonal_of_kron(node: Apply, site: Site) -> Any:
    """diagonal(kron(a, b)) -> the products of diagonal(a) and diagonal(b), for square a and b"""
    found = kron_factors(node.inputs[0], site.dims) if node.op.offset == 0 else None  # type: ignore[attr-defined]
    if found is None:
        return None
    return [conform(_outer([ExtractDiag()(x) for x in found], site), node.outputs[0])]


@function_rule(Reshape, name="kron_of_diagonals", assumes="finite", needs=[ar.mul], tags="kron_of_diagonal_to_diagonal")
def kron_of_diagonals(node: Apply, site: Site) -> Any:
    """kron(diag(v), diag(w)) -> diag(the products of v and w)"""
    product = node.inputs[0].owner
    if product is None or len(product.inputs) != 2 or not all(_spread_diagonal(x) for x in product.inputs):
        return None
    found = kron_factors(node.outputs[0], site.dims)
    vectors = [diagonal_matrix_of(x) for x in found] if found is not None else [None]
    if any(v is None for v in vectors):
        return None
    return [conform(AllocDiag()(_outer(vectors, site)), node.outputs[0])]


def _spread_diagonal(x: Any) -> bool:
    """Is this a diagonal matrix with further axes of length one?"""
    return x.owner is not None and len(x.owner.inputs) == 1 and made_by(x.owner.inputs[0], AllocDiag) is not None


DECOMPOSITIONS = ruleset(
    qr_of_diagonal, lu_of_diagonal, unused_singular_vectors, unused_eigenvectors, unused_orthogonal_factor,
    eigh_of_diagonal, diagonal_of_kron, kron_of_diagonals,
)

__all__ = ["DECOMPOSITIONS"]
