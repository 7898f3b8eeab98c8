"""Matrices: solves in place of inverses, logarithms of determinants, and what the structure of a matrix spares.

The structure is found by `matrix_facts.py`. Stacks of matrices are left as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.rewriting.conform import conform, number_like, quotient
from theano.rewriting.matrix_facts import (
    BOTH,
    LOWER,
    cholesky_factor,
    is_diagonal,
    is_orthogonal,
    is_real_matrix,
    is_symmetric,
    transposed_from,
    triangles,
)
from theano.rewriting.pattern import factors_of
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.rewriting.rules.diagonals import diagonal_of_product
from theano.rewriting.rules.structured_products import product_with_own_transpose
from theano.scalar import arithmetic as ar
from theano.scalar.comparison import lt
from theano.scalar.exponential import exp, log
from theano.scalar.selection import switch
from theano.tensor.careduce import Prod, Sum
from theano.tensor.diagonal import AllocDiag, ExtractDiag
from theano.tensor.dimshuffle import DimShuffle, dimshuffle
from theano.tensor.elemwise import Elemwise, elemwise_of
from theano.tensor.linear.factors import SVD, Cholesky
from theano.tensor.linear.functions import Expm
from theano.tensor.linear.hints import Hint, hinted
from theano.tensor.linear.inverses import Cofactors, Det, MatrixInverse, SLogDet
from theano.tensor.linear.shared_factors import LUFactor, LUSolve
from theano.tensor.linear.solving import Solve, SolveTriangular
from theano.tensor.products import Dot, transposed


def made_by(v: Any, *kinds: type) -> Apply | None:
    """The node that makes `v`, if its op is of these kinds."""
    return v.owner if v.owner is not None and isinstance(v.owner.op, kinds) else None


def constant_like(value: float, v: Any) -> Any:
    return number_like(value, v.type.dtype)


# ---- products ---------------------------------------------------------------------------------------------------


@function_rule(Dot, name="product_of_three_by_a_vector", assumes="rounding")
def product_of_three_by_a_vector(node: Apply, site: Site) -> Any:
    """dot(dot(a, b), v) -> dot(a, dot(b, v)), dot(v, dot(a, b)) -> dot(dot(v, a), b) where v is a vector, or a matrix
    of one column (of one row)"""
    x, y = node.inputs
    out: Any = node.outputs[0]
    for product, other, length_one in ((x, y, 1), (y, x, 0)):
        inner = made_by(product, Dot)
        if inner is None or site.uses(product) > 1 or any(v.type.ndim != 2 for v in inner.inputs):  # type: ignore[attr-defined]
            continue
        narrow = other.type.ndim == 1 or other.type.broadcastable[length_one]  # type: ignore[attr-defined]
        if not narrow or any(product.type.broadcastable):  # type: ignore[attr-defined]
            continue
        a, b = inner.inputs
        new = Dot()(a, Dot()(b, other)) if product is x else Dot()(Dot()(other, a), b)
        return [conform(new, out)]
    return None


@function_rule(Dot, name="product_with_outer_product", assumes="rounding", needs=[ar.mul, ar.true_div, ar.neg])
def product_with_outer_product(node: Apply, site: Site) -> Any:
    """dot(a, column * row) -> dot(a, column) * row, dot(column * row, b) -> column * dot(row, b)"""
    x, y = node.inputs
    out: Any = node.outputs[0]
    if x.type.ndim != 2 or y.type.ndim != 2 or x.type.dtype != y.type.dtype:  # type: ignore[attr-defined]
        return None
    found = outer_product(y, site)
    if found is not None and not x.type.broadcastable[0]:  # type: ignore[attr-defined]
        column, row = found
        return [conform(elemwise_of(ar.mul)(_times_vector(x, column), row), out, [column, row, x])]
    found = outer_product(x, site)
    if found is not None and not y.type.broadcastable[1]:  # type: ignore[attr-defined]
        column, row = found
        by_row = dimshuffle(Dot()(dimshuffle(row, 1), y), ["x", 0])
        return [conform(elemwise_of(ar.mul)(column, by_row), out)]
    return None


def _times_vector(a: Any, column: Any) -> Any:
    return dimshuffle(Dot()(a, dimshuffle(column, 0)), [0, "x"])


def outer_product(v: Any, site: Site) -> tuple[Any, Any] | None:
    """(a column, a row), both matrices, of which `v` is the product, where v is used once."""
    if made_by(v, Elemwise) is None or site.uses(v) > 1 or any(v.type.broadcastable):
        return None
    coefficient, factors = factors_of(v)
    sides: tuple[list[Any], list[Any]] = ([], [])   # of the column, of the row
    for power, x in factors:
        flat = tuple(x.type.broadcastable)
        if flat == (False, False) or power not in (1, -1):
            return None
        sides[flat == (True, False)].append((power, x))
    columns, rows = sides
    if not any(not x.type.broadcastable[0] for _, x in columns) or not rows:
        return None
    column = _quotient(columns, coefficient, v)
    row = _quotient(rows, 1, v)
    return None if column.type.dtype != v.type.dtype or row.type.dtype != v.type.dtype else (column, row)


def _quotient(factors: list[tuple[int, Any]], coefficient: Any, like: Any) -> Any:
    return quotient([x for p, x in factors if p > 0], [x for p, x in factors if p < 0], coefficient, like.type.dtype)


@function_rule(Dot, name="product_with_diagonal_matrix", assumes="rounding finite", needs=[AllocDiag])
def product_with_diagonal_matrix(node: Apply, site: Site) -> Any:
    """dot(a, diag(v)) -> a * v, dot(diag(v), b) -> v[:, None] * b"""
    for k, x in enumerate(node.inputs):
        made, other = made_by(x, AllocDiag), node.inputs[1 - k]
        if made is None or x.type.ndim != 2 or made.op.offset != 0:  # type: ignore[attr-defined]
            continue
        v = made.inputs[0]
        if len(made.inputs) > 1 and not all(site.dims.same_axis(x, axis, v, 0) for axis in (0, 1)):
            continue   # it may be no square
        if k == 0 and other.type.ndim == 2:  # type: ignore[attr-defined]
            v = dimshuffle(v, [0, "x"])
        elif k == 1 and other.type.ndim == 2:  # type: ignore[attr-defined]
            v = dimshuffle(v, ["x", 0])
        if v.type.dtype != other.type.dtype:  # type: ignore[attr-defined]
            continue
        return [conform(elemwise_of(ar.mul)(v, other), node.outputs[0])]
    return None


@function_rule(DimShuffle, name="transpose_of_symmetric", assumes="rounding", tags="local_no_transpose_symmetric")
def transpose_of_symmetric(node: Apply, site: Site) -> Any:
    """x.T -> x where x is symmetric by construction"""
    (x,) = node.inputs
    if tuple(node.op.new_order) != (1, 0) or x.owner is None or not is_symmetric(x):  # type: ignore[attr-defined]
        return None
    return [conform(x, node.outputs[0])] if _is_square(x, site) else None


def _is_square(x: Any, site: Site) -> bool:
    """Is it known that this matrix has as many rows as columns? Of eye(n, m) and of ones it is not."""
    alone = x.owner is not None and isinstance(x.owner.op, AllocDiag) and len(x.owner.inputs) == 1
    return alone or hinted(x, "symmetric") or site.dims.same_axis(x, 0, x, 1)


# ---- inverses and solutions -------------------------------------------------------------------------------------


@function_rule(Dot, name="solve_for_inverse", assumes="rounding", tags="inv_as_solve local_inv_as_solve")
def solve_for_inverse(node: Apply, site: Site) -> Any:
    """dot(inv(x), b) -> solve(x, b), dot(inv(x).T, b) -> solve(x.T, b), dot(b, inv(x)) -> solve(x.T, b.T).T,
    where the inverse is used in products only"""
    a, b = node.inputs
    out: Any = node.outputs[0]
    for inverse, other, on_left in ((a, b, True), (b, a, False)):
        found = _inverse_in_products(inverse, site)
        if found is None or other.type.dtype != out.type.dtype:  # type: ignore[attr-defined]
            continue
        x, is_transposed = found
        solve = Solve(trans="T" if is_transposed == on_left else "N", check_finite=False)
        turned = other if on_left or other.type.ndim == 1 else transposed(other)  # type: ignore[attr-defined]
        new = solve(x, turned)
        if not on_left and new.type.ndim == 2:
            new = transposed(new)
        return [conform(new, out)]
    return None


def _inverse_in_products(v: Any, site: Site) -> tuple[Any, bool] | None:
    """(x, is it transposed) if v is inv(x) or inv(x).T, and neither of these is used but in products."""
    of = transposed_from(v)
    inverse = v if of is None else of
    node = made_by(inverse, MatrixInverse)
    if node is None or not is_real_matrix(inverse):
        return None
    pending = [inverse]
    while pending:
        for user, _ in site.fgraph.clients[pending.pop()]:
            if not isinstance(user, Apply):
                return None
            if transposed_from(user.outputs[0]) is not None:
                pending.append(user.outputs[0])
            elif not isinstance(user.op, Dot):
                return None
    return node.inputs[0], of is not None


@function_rule(MatrixInverse, name="inverse_of_inverse", assumes="rounding regular", needs=[MatrixInverse])
def inverse_of_inverse(node: Apply, site: Site) -> Any:
    """inv(inv(x)) -> x"""
    inner = made_by(node.inputs[0], MatrixInverse)
    return None if inner is None else [conform(inner.inputs[0], node.outputs[0])]


@function_rule(MatrixInverse, name="inverse_of_orthogonal", assumes="rounding")
def inverse_of_orthogonal(node: Apply, site: Site) -> Any:
    """inv(q) -> q.T where q is orthogonal by construction"""
    (q,) = node.inputs
    return [conform(transposed(q), node.outputs[0])] if is_orthogonal(q) else None


@function_rule(Solve, name="solve_by_structure", tags="local_tag_solve_triangular generic_solve_to_structured_form")
def solve_by_structure(node: Apply, site: Site) -> Any:
    """solve(x, b) -> the routine for a diagonal, triangular or symmetric x, where x is one by construction"""
    op: Any = node.op
    x, b = node.inputs
    if op.A_structure != "general" or not is_real_matrix(x):
        return None
    sides = triangles(x)
    if sides == BOTH:
        structure, lower = "diagonal", False
    elif sides:
        lower = LOWER in sides
        structure = "lower_triangular" if lower else "upper_triangular"
    elif is_symmetric(x):
        structure, lower = "symmetric", True
    else:
        return None
    return [Solve(structure, lower, trans=op.trans, check_finite=op.check_finite)(x, b)]


@function_rule(Solve, name="one_factorisation_for_all_solves", assumes="rounding", tags="reuse_decomposition")
def one_factorisation_for_all_solves(node: Apply, site: Site) -> Any:
    """solve(x, b), solve(x.T, c) -> one factorisation of x, and its triangles for each of them: a gradient of a
    solution is one more solution"""
    x = node.inputs[0]
    op: Any = node.op
    if not is_real_matrix(x) or triangles(x):
        return None
    users = [user for user, position in site.fgraph.clients[x] if isinstance(user, Apply) and position == 0]
    if op.A_structure == "positive_definite":
        alike = [user for user in users if isinstance(user.op, Solve) and _reads_like(user.op, op)]
        if len(alike) < 2:
            return None
        factor = Cholesky(op.lower)(x)
        return {user.outputs[0]: _solved_by(factor, user.inputs[1], user.op.check_finite) for user in alike}  # type: ignore[attr-defined]
    # of a matrix that is only promised to be symmetric, one triangle counts
    kinds = ("general", "symmetric") if is_symmetric(x) else ("general",)
    solves = [user for user in users if isinstance(user.op, Solve) and user.op.A_structure in kinds]
    factors = [user.outputs for user in users if isinstance(user.op, LUFactor)]
    if op.A_structure not in kinds or len(solves) + len(factors) < 2:
        return None
    lu = factors[0] if factors else LUFactor()(x)
    return {
        user.outputs[0]: LUSolve(user.op.trans, user.op.check_finite)(*lu, user.inputs[1])  # type: ignore[attr-defined]
        for user in solves
    }


def _reads_like(one: Any, other: Any) -> bool:
    return (one.A_structure, one.lower) == (other.A_structure, other.lower)


@function_rule(Solve, name="solve_by_cholesky", assumes="rounding", tags="local_psd_solve_with_chol")
def solve_by_cholesky(node: Apply, site: Site) -> Any:
    """solve(x, b) -> two triangular solves, where the graph computes the Cholesky factor of the symmetric x anyhow"""
    op: Any = node.op
    x, b = node.inputs
    if op.A_structure not in ("general", "symmetric", "positive_definite") or not is_real_matrix(x):
        return None
    of_triangle = op.lower if op.A_structure == "positive_definite" else None
    factor = cholesky_factor(x, site.fgraph.clients[x], of_triangle)
    if factor is None:
        return None
    return [_solved_by(factor, b, op.check_finite)]


def _solved_by(factor: Any, b: Any, checked: bool) -> Any:
    lower = factor.owner.op.lower
    first, second = ("N", "T") if lower else ("T", "N")
    half = SolveTriangular(lower, first, checked=checked)(factor, b)
    return SolveTriangular(lower, second, checked=checked)(factor, half)


# ---- determinants -----------------------------------------------------------------------------------------------


@function_rule(log, name="log_of_det", tags="slogdet_specialization", assumes="rounding", needs=[Det])
def log_of_det(node: Apply, site: Site) -> Any:
    """log(det(x)) -> log|det(x)|, NaN where the determinant is negative; neither over- nor underflows"""
    det = made_by(node.inputs[0], Det)
    if det is None or not is_real_matrix(det.inputs[0]):
        return None
    sign, logarithm = SLogDet()(det.inputs[0])
    nan, zero = constant_like(np.nan, logarithm), constant_like(0, sign)
    return [conform(elemwise_of(switch)(elemwise_of(lt)(sign, zero), nan, logarithm), node.outputs[0])]


@function_rule(log, name="log_of_modulus_of_det", tags="slogdet_specialization", assumes="rounding", needs=[ar.abs_])
def log_of_modulus_of_det(node: Apply, site: Site) -> Any:
    """log(abs(det(x))) -> slogdet(x)[1]"""
    modulus = made_by(node.inputs[0], Elemwise)
    if modulus is None or modulus.op.scalar_op is not ar.abs_:  # type: ignore[attr-defined]
        return None
    det = made_by(modulus.inputs[0], Det)
    if det is None or not is_real_matrix(det.inputs[0]):
        return None
    return [conform(SLogDet()(det.inputs[0])[1], node.outputs[0])]


@function_rule(ar.sgn, name="sign_of_det", tags="slogdet_specialization", needs=[Det])
def sign_of_det(node: Apply, site: Site) -> Any:
    """sgn(det(x)) -> slogdet(x)[0]"""
    det = made_by(node.inputs[0], Det)
    if det is None or not is_real_matrix(det.inputs[0]):
        return None
    return [conform(SLogDet()(det.inputs[0])[0], node.outputs[0])]


@function_rule(ar.mul, ar.true_div, name="cofactors_over_det", assumes="rounding regular", needs=[Cofactors])
def cofactors_over_det(node: Apply, site: Site) -> Any:
    """cofactors(x) / det(x) -> inv(x).T: the gradient of log(det(x)); sgn(det(x)) / abs(det(x)) counts as 1 / det(x)"""
    out: Any = node.outputs[0]
    coefficient, factors = scalars_apart(out)
    for power, cofactors in factors:
        source = made_by(cofactors, Cofactors)
        if power != 1 or source is None or not is_real_matrix(cofactors):
            continue
        x = source.inputs[0]
        gone = _inverse_of_det(x, factors)
        if gone is None:
            continue
        rest = [
            (p, v if v.type.ndim else dimshuffle(v, ["x", "x"]))
            for k, (p, v) in enumerate(factors) if v is not cofactors and k not in gone
        ]
        return [conform(_quotient([(1, transposed(MatrixInverse()(x))), *rest], coefficient, out), out)]
    return None


def scalars_apart(v: Any) -> tuple[Any, list[tuple[int, Any]]]:
    """`factors_of`, with what is the same for all elements as 0-d factors, each taken apart."""
    coefficient, factors = factors_of(v)
    found = []
    for power, x in factors:
        node = made_by(x, DimShuffle)
        if node is None or node.inputs[0].type.ndim:  # type: ignore[attr-defined]
            found.append((power, x))
            continue
        number, parts = factors_of(node.inputs[0])
        if power == 1 or number == 1:
            coefficient = coefficient * number
            found.extend((power * p, part) for p, part in parts)
        else:
            found.append((power, node.inputs[0]))
    return coefficient, found


def _inverse_of_det(x: Any, factors: list[tuple[int, Any]]) -> set[int] | None:
    """Numbers of the factors of which the product is 1 / det(x)."""
    signs, moduli = set(), set()
    for k, (power, v) in enumerate(factors):
        if power == -1 and _is_det(v, x):
            return {k}
        record = v.owner.op.scalar_op if made_by(v, Elemwise) else None
        slog = made_by(v, SLogDet)
        if power == -1 and record is ar.abs_ and _is_det(v.owner.inputs[0], x):
            moduli.add(k)
        elif power == 1 and (
            (record is ar.sgn and _is_det(v.owner.inputs[0], x))
            or (slog is not None and slog.inputs[0] is x and v is slog.outputs[0])
        ):
            signs.add(k)
    return {min(signs), min(moduli)} if signs and moduli else None


def _is_det(v: Any, x: Any) -> bool:
    det = made_by(v, Det)
    return det is not None and det.inputs[0] is x


def diagonal_of(x: Any) -> Any:
    return ExtractDiag(0, 0, 1)(x)


@function_rule(Det, name="det_by_structure", assumes="rounding", tags="local_det_chol det_of_triangular")
def det_by_structure(node: Apply, site: Site) -> Any:
    """det(x) -> prod(diag(x)) of a triangular x, prod(diag(cholesky(x)))**2 where the graph computes that factor of
    the symmetric x anyhow, det(y) of x = y.T"""
    (x,) = node.inputs
    if not is_real_matrix(x):
        return None
    of = transposed_from(x)
    if of is not None:
        return [Det()(of)]
    if triangles(x):
        return [conform(Prod()(diagonal_of(x)), node.outputs[0])]
    factor = cholesky_factor(x, site.fgraph.clients[x])
    if factor is None:
        return None
    return [conform(elemwise_of(ar.sqr)(Prod()(diagonal_of(factor))), node.outputs[0])]


@function_rule(SLogDet, name="slogdet_by_structure", assumes="rounding", tags="local_det_chol det_of_triangular")
def slogdet_by_structure(node: Apply, site: Site) -> Any:
    """slogdet(x) -> prod(sgn(diag(x))), sum(log(abs(diag(x)))) of a triangular x; likewise of cholesky(x) where the
    graph computes that factor of the symmetric x anyhow; slogdet(y) of x = y.T"""
    (x,) = node.inputs
    if not is_real_matrix(x):
        return None
    of = transposed_from(x)
    if of is not None:
        return list(SLogDet()(of))
    dtype = x.type.dtype  # type: ignore[attr-defined]
    if triangles(x):
        d = diagonal_of(x)
        sign = Prod()(elemwise_of(ar.sgn)(d))
        logarithm = Sum(acc_dtype=dtype)(elemwise_of(log)(elemwise_of(ar.abs_)(d)))
        return [conform(new, old) for new, old in zip((sign, logarithm), node.outputs)]
    factor = cholesky_factor(x, site.fgraph.clients[x])
    if factor is None:
        return None
    half = Sum(acc_dtype=dtype)(elemwise_of(log)(diagonal_of(factor)))
    return [conform(constant_like(1, half), node.outputs[0]), conform(elemwise_of(ar.add)(half, half), node.outputs[1])]


# ---- factors ----------------------------------------------------------------------------------------------------


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


DETERMINANTS = ruleset(log_of_det, log_of_modulus_of_det, sign_of_det, cofactors_over_det)
@function_rule(Hint, name="drop_hint", tags="remove_hint_nodes")
def drop_hint(node: Apply, site: Site) -> Any:
    """psd(x) -> x, when what it says has been used"""
    return [node.inputs[0]]


MATRICES = ruleset(
    DETERMINANTS, product_with_own_transpose, product_with_outer_product, product_of_three_by_a_vector,
    product_with_diagonal_matrix, diagonal_of_product, transpose_of_symmetric, inverse_of_inverse,
    inverse_of_orthogonal, solve_for_inverse, solve_by_cholesky, one_factorisation_for_all_solves, solve_by_structure,
    det_by_structure, slogdet_by_structure, cholesky_of_product_of_factors, one_svd_for_all, expm_of_diagonal,
)
