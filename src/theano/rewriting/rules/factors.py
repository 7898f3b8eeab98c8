"""Factors of matrices: those that are known, and those that the graph computes anyhow."""

from __future__ import annotations

from typing import Any

from theano.graph.node import Apply
from theano.rewriting.conform import conform
from theano.rewriting.indices import indexed
from theano.rewriting.matrix_facts import is_diagonal, is_real_matrix, made_by, transposed_from
from theano.rewriting.ranges import bounds
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.scalar import arithmetic as ar
from theano.scalar.exponential import exp
from theano.tensor.diagonal import AllocDiag
from theano.tensor.elemwise import elemwise_of
from theano.tensor.linear.eigen import Eigh, Eigvalsh
from theano.tensor.linear.factors import SVD, Cholesky
from theano.tensor.linear.functions import Expm
from theano.tensor.products import Dot, transposed
from theano.tensor.sort import SortOp


@function_rule(Cholesky, name="cholesky_of_product_of_factors", assumes="rounding", tags="cholesky_ldotlt", needs=[Dot])
def cholesky_of_product_of_factors(node: Apply, site: Site) -> Any:
    """cholesky(dot(l, l.T)) -> l, where l is a Cholesky factor itself"""
    op: Any = node.op
    product = made_by(node.inputs[0], Dot)
    if product is None or not is_real_matrix(node.inputs[0]):
        return None
    a, b = product.inputs
    for factor, is_left in ((a, True), (b, False)):
        made = made_by(factor, Cholesky)
        if made is None or transposed_from(b if is_left else a) is not factor:
            continue
        lower = made.op.lower  # type: ignore[attr-defined]
        if lower != is_left or made.op.on_error != "raise":  # type: ignore[attr-defined]
            continue
        return [conform(factor if lower == op.lower else transposed(factor), node.outputs[0])]
    return None


@function_rule(SVD, name="one_svd_for_all", assumes="rounding", tags="svd_uv_merge")
def one_svd_for_all(node: Apply, site: Site) -> Any:
    """svd(x, compute_uv=False) -> the singular values of svd(x), where the graph computes that anyhow"""
    if node.op.compute_uv:  # type: ignore[attr-defined]
        return None
    for user, _ in site.fgraph.clients[node.inputs[0]]:
        if isinstance(user, Apply) and isinstance(user.op, SVD) and user.op.compute_uv:
            return [conform(user.outputs[1], node.outputs[0])]
    return None


@function_rule(Expm, name="expm_of_diagonal", assumes="rounding", needs=[AllocDiag])
def expm_of_diagonal(node: Apply, site: Site) -> Any:
    """expm(diag(v)) -> diag(exp(v))"""
    diagonal = made_by(node.inputs[0], AllocDiag)
    if diagonal is None or not is_real_matrix(node.inputs[0]) or not is_diagonal(node.inputs[0]):
        return None
    v, *lengths = diagonal.inputs
    return [conform(diagonal.op(elemwise_of(exp)(v), *lengths), node.outputs[0])]


def diagonal_matrix_of(x: Any) -> Any | None:
    """v, if x is diag(v), a real square matrix."""
    made = made_by(x, AllocDiag)
    if made is None or not is_real_matrix(x) or made.op.offset != 0 or len(made.inputs) > 1:  # type: ignore[attr-defined]
        return None
    return made.inputs[0]


@function_rule(Cholesky, name="cholesky_of_diagonal", assumes="rounding", needs=[AllocDiag], tags="cholesky_of_diag")
def cholesky_of_diagonal(node: Apply, site: Site) -> Any:
    """cholesky(diag(v)) -> diag(sqrt(v)) where v is positive by construction"""
    v = diagonal_matrix_of(node.inputs[0])
    if v is None or not bounds(v)[0] > 0:
        return None
    return [conform(AllocDiag()(elemwise_of(ar.sqrt)(v)), node.outputs[0])]


@function_rule(Eigvalsh, name="eigvalsh_of_diagonal", assumes="finite", needs=[AllocDiag], tags="eigvalsh_of_diag")
def eigvalsh_of_diagonal(node: Apply, site: Site) -> Any:
    """eigvalsh(diag(v)) -> sort(v)"""
    v = diagonal_matrix_of(node.inputs[0]) if len(node.inputs) == 1 else None
    return None if v is None else [conform(SortOp()(v, 0), node.outputs[0])]


@function_rule(SVD, name="singular_values_of_diagonal", assumes="finite", needs=[AllocDiag], tags="svd_of_diag")
def singular_values_of_diagonal(node: Apply, site: Site) -> Any:
    """svd(diag(v), compute_uv=False) -> sort(abs(v))[::-1]"""
    v = None if node.op.compute_uv else diagonal_matrix_of(node.inputs[0])  # type: ignore[attr-defined]
    if v is None:
        return None
    rising = SortOp()(elemwise_of(ar.abs_)(v), 0)
    return [conform(indexed(rising, [(None, None, -1)]), node.outputs[0])]


@function_rule(Eigvalsh, name="one_eigh_for_all", assumes="rounding", tags="svd_uv_merge")
def one_eigh_for_all(node: Apply, site: Site) -> Any:
    """eigvalsh(x) -> the eigenvalues of eigh(x), where the graph computes that anyhow"""
    if len(node.inputs) != 1:
        return None
    op: Any = node.op
    for user, _ in site.fgraph.clients[node.inputs[0]]:
        if isinstance(user, Apply) and isinstance(user.op, Eigh) and (user.op.UPLO == "L") == op.lower:
            return [conform(user.outputs[0], node.outputs[0])]
    return None


FACTORS = ruleset(
    cholesky_of_product_of_factors, cholesky_of_diagonal, one_svd_for_all, one_eigh_for_all, eigvalsh_of_diagonal,
    singular_values_of_diagonal, expm_of_diagonal,
)
