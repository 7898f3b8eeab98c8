"""Inverses and solutions of linear systems: what the structure of the matrix, and what is factorised anyhow, spare."""

from __future__ import annotations

from typing import Any

from theano.graph.node import Apply
from theano.rewriting.conform import conform
from theano.rewriting.matrix_facts import (
    BOTH,
    LOWER,
    cholesky_factor,
    is_orthogonal,
    is_real_matrix,
    is_symmetric,
    kron_factors,
    made_by,
    transposed_from,
    triangles,
)
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.rewriting.rules.structured_products import is_square_eye
from theano.tensor.linear.factors import Cholesky
from theano.tensor.linear.functions import kron
from theano.tensor.linear.inverses import Det, MatrixInverse, SLogDet
from theano.tensor.linear.shared_factors import LUFactor, LUSolve
from theano.tensor.linear.solving import Solve, SolveTriangular
from theano.tensor.products import Dot, transposed
from theano.tensor.shape import Reshape
from theano.tensor.triangles import Eye


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
    solution is one more solution; also for solve(x, b) and det(x), see `det_by_lu`"""
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
    determinants = sum(isinstance(user.op, (Det, SLogDet)) for user in users)
    if op.A_structure not in kinds or len(solves) + len(factors) + determinants < 2:
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


@function_rule(MatrixInverse, name="inverse_by_structure", assumes="rounding", tags="inv_of_diag_to_diag_reciprocal")
def inverse_by_structure(node: Apply, site: Site) -> Any:
    """inv(x) -> the solution of x y = eye(n) for a diagonal or triangular x, inv(eye(n)) -> eye(n)"""
    (x,) = node.inputs
    if not is_real_matrix(x):
        return None
    if is_square_eye(x, site):
        return [conform(x, node.outputs[0])]
    structure = _triangular_structure(x)
    if structure is None:
        return None
    n = site.length(x, 0)
    identity = Eye(x.type.dtype)(n, n, 0)  # type: ignore[attr-defined]
    return [conform(Solve(*structure, check_finite=False)(x, identity), node.outputs[0])]


def _triangular_structure(x: Any) -> tuple[str, bool] | None:
    """What Solve calls the structure of a matrix that is triangular or diagonal by construction."""
    sides = triangles(x)
    if sides == BOTH:
        return "diagonal", False
    if not sides:
        return None
    return ("lower_triangular", True) if LOWER in sides else ("upper_triangular", False)


@function_rule(MatrixInverse, name="inverse_of_kron", assumes="rounding", needs=[Reshape],
               tags="lift_linalg_of_expanded_matrices")
def inverse_of_kron(node: Apply, site: Site) -> Any:
    """inv(kron(a, b)) -> kron(inv(a), inv(b)) for square a and b"""
    found = kron_factors(node.inputs[0], site.dims)
    if found is None:
        return None
    return [conform(kron(*[MatrixInverse()(x) for x in found]), node.outputs[0])]


@function_rule(Solve, name="solve_by_orthogonal", assumes="rounding", tags="orthogonal_solve_to_transpose_matmul")
def solve_by_orthogonal(node: Apply, site: Site) -> Any:
    """solve(q, b) -> dot(q.T, b) for an orthogonal q"""
    op: Any = node.op
    q, b = node.inputs
    if op.A_structure != "general" or not is_orthogonal(q) or q.type.dtype != node.outputs[0].type.dtype:  # type: ignore[attr-defined]
        return None
    return [conform(Dot()(transposed(q) if op.trans == "N" else q, b), node.outputs[0])]


@function_rule(Solve, name="solve_of_inverse", assumes="rounding regular", needs=[MatrixInverse],
               tags="solve_of_inv_to_matmul")
def solve_of_inverse(node: Apply, site: Site) -> Any:
    """solve(inv(x), b) -> dot(x, b)"""
    op: Any = node.op
    inverse = made_by(node.inputs[0], MatrixInverse)
    if inverse is None or op.A_structure != "general" or not is_real_matrix(node.inputs[0]):
        return None
    x, b = inverse.inputs[0], node.inputs[1]
    if x.type.dtype != b.type.dtype:  # type: ignore[attr-defined]
        return None
    return [conform(Dot()(x if op.trans == "N" else transposed(x), b), node.outputs[0])]


SOLUTIONS = ruleset(
    inverse_of_inverse, inverse_of_orthogonal, inverse_by_structure, inverse_of_kron, solve_for_inverse,
    solve_by_cholesky, solve_of_inverse, solve_by_orthogonal, one_factorisation_for_all_solves, solve_by_structure,
)
