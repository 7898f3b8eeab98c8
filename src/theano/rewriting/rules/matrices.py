"""Products of matrices of known structure, and all rules of linear algebra together.

Inverses and solutions are in `solving.py`, determinants in `determinants.py`, factors in `factors.py`. The structure of
a matrix is found by `matrix_facts.py`. Stacks of matrices are left as they are.
"""

from __future__ import annotations

from typing import Any

from theano.graph.node import Apply
from theano.rewriting.conform import conform, quotient
from theano.rewriting.matrix_facts import is_symmetric, made_by
from theano.rewriting.pattern import factors_of
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.rewriting.rules.decompositions import DECOMPOSITIONS
from theano.rewriting.rules.determinants import (
    DETERMINANTS,
    DETERMINANTS_BY_FACTORS,
    DETERMINANTS_BY_STRUCTURE,
)
from theano.rewriting.rules.diagonals import diagonal_of_product
from theano.rewriting.rules.factors import FACTORS
from theano.rewriting.rules.solving import SOLUTIONS
from theano.rewriting.rules.structured_products import product_with_own_transpose
from theano.scalar import arithmetic as ar
from theano.tensor.diagonal import AllocDiag
from theano.tensor.dimshuffle import DimShuffle, dimshuffle
from theano.tensor.elemwise import Elemwise, elemwise_of
from theano.tensor.linear.hints import Hint, hinted
from theano.tensor.products import Dot

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


@function_rule(Hint, name="drop_hint", tags="remove_hint_nodes")
def drop_hint(node: Apply, site: Site) -> Any:
    """psd(x) -> x, when what it says has been used"""
    return [node.inputs[0]]


MATRICES = ruleset(
    DETERMINANTS, product_with_own_transpose, product_with_outer_product, product_of_three_by_a_vector,
    product_with_diagonal_matrix, diagonal_of_product, transpose_of_symmetric, SOLUTIONS, DETERMINANTS_BY_STRUCTURE,
    FACTORS, DECOMPOSITIONS,
)

__all__ = ["DETERMINANTS", "DETERMINANTS_BY_FACTORS", "MATRICES", "drop_hint"]
