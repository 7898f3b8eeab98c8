"""Products of matrices: sums of them, with identities, choices of rows, orthogonal matrices and repeated ones."""

from __future__ import annotations

from typing import Any

from theano.graph.node import Apply
from theano.rewriting.conform import conform, number_like, signed_sum
from theano.rewriting.dims_of_ops import value_key
from theano.rewriting.indices import ALL, Entry, indexed
from theano.rewriting.known import is_number, number, padded
from theano.rewriting.matrix_facts import is_orthogonal, is_real_matrix, transposed_from
from theano.rewriting.pattern import terms_of
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.rewriting.rules.indexing import read_entries
from theano.scalar import arithmetic as ar
from theano.tensor.creation import Alloc
from theano.tensor.diagonal import AllocDiag
from theano.tensor.dimshuffle import DimShuffle, dimshuffle
from theano.tensor.elemwise import Elemwise, elemwise_of
from theano.tensor.index_list import ARRAY
from theano.tensor.linear.factors import SVD, QRFull
from theano.tensor.products import BatchedDot, Dot, matmul
from theano.tensor.ranges import ARange
from theano.tensor.scalar_constants import static_int
from theano.tensor.subtensor import (
    AdvancedIncSubtensor,
    AdvancedIncSubtensor1,
    AdvancedSubtensor,
    AdvancedSubtensor1,
    Subtensor,
)
from theano.tensor.triangles import Eye


def dot_node(v: Any) -> Apply | None:
    return v.owner if v.owner is not None and type(v.owner.op) is Dot else None


@function_rule(ar.add, ar.sub, name="sum_of_dots", assumes="rounding", needs=[Dot, ar.neg])
def sum_of_dots(node: Apply, site: Site) -> Any:
    """dot(x, y) + dot(x, z) -> dot(x, y + z), dot(x, z) - dot(y, z) -> dot(x - y, z)"""
    out: Any = node.outputs[0]
    if out.type.ndim not in (1, 2):
        return None
    constant, terms = terms_of(out, site)
    dots = [k for k, (_, v) in enumerate(terms) if dot_node(v) is not None and site.uses(v) == 1]
    for n, a in enumerate(dots):
        for b in dots[n + 1 :]:
            both = _one_dot(terms[a], terms[b], site)
            if both is not None:
                rest = [term for k, term in enumerate(terms) if k not in (a, b)]
                return [conform(signed_sum([(1, both), *rest], constant, out.type.dtype), out)]
    return None


def _one_dot(one: tuple[int, Any], other: tuple[int, Any], site: Site) -> Any | None:
    (sign, v), (other_sign, w) = one, other
    if v.type != w.type:
        return None
    for side in (0, 1):
        shared, x, y = v.owner.inputs[side], v.owner.inputs[1 - side], w.owner.inputs[1 - side]
        if w.owner.inputs[side] is not shared or x.type.dtype != y.type.dtype or x.type.dtype != v.type.dtype:
            continue
        if x.type.broadcastable != y.type.broadcastable or not site.dims.same(x, y):
            continue
        total = signed_sum([(sign, x), (other_sign, y)], 0, x.type.dtype)
        return Dot()(shared, total) if side == 0 else Dot()(total, shared)
    return None


# ---- identities and diagonals -------------------------------------------------------------------------------------


@function_rule(Dot, name="product_with_identity", assumes="rounding finite", needs=[Eye, ar.mul],
               tags="dot_diag_to_elemwise")
def product_with_identity(node: Apply, site: Site) -> Any:
    """dot(x, eye(n)) -> x, dot(a * eye(n), x) -> a * x"""
    for side in (0, 1):
        other = node.inputs[1 - side]
        found = _multiple_of_identity(node.inputs[side], site)
        if found is None or other.type.dtype != node.outputs[0].type.dtype:  # type: ignore[attr-defined]
            continue
        scalars = [dimshuffle(s, ["x"] * other.type.ndim) for s in found]  # type: ignore[attr-defined]
        return [conform(elemwise_of(ar.mul)(*scalars, other) if scalars else other, node.outputs[0])]
    return None


def _multiple_of_identity(v: Any, site: Site) -> list[Any] | None:
    """The 0-d factors of which the square matrix `v` is that multiple of the identity."""
    if v.type.ndim != 2 or v.owner is None:
        return None
    if is_square_eye(v, site):
        return []
    if not isinstance(v.owner.op, Elemwise) or v.owner.op.scalar_op is not ar.mul:
        return None
    eyes = [x for x in v.owner.inputs if is_square_eye(x, site)]
    rest = [x for x in v.owner.inputs if x not in eyes]
    if len(eyes) != 1 or not all(all(x.type.broadcastable) for x in rest):
        return None
    return [dimshuffle(x, []) for x in rest]


def is_square_eye(v: Any, site: Site) -> bool:
    """Is this eye(n)?"""
    node = v.owner
    if node is None or not isinstance(node.op, Eye) or static_int(node.inputs[2]) != 0:
        return False
    return bool(site.dims.same_length(value_key(node.inputs[0]), value_key(node.inputs[1])))


@function_rule(Dot, name="product_of_diagonal_matrices", assumes="finite", needs=[AllocDiag],
               tags="dot_diag_to_elemwise")
def product_of_diagonal_matrices(node: Apply, site: Site) -> Any:
    """dot(diag(v), diag(w)) -> diag(v * w)"""
    made: list[Any] = [x.owner for x in node.inputs]
    if any(m is None or not isinstance(m.op, AllocDiag) or m.op.offset or len(m.inputs) > 1 for m in made):
        return None
    v, w = (m.inputs[0] for m in made)
    if v.type.ndim != 1 or w.type.ndim != 1 or v.type.broadcastable != w.type.broadcastable:
        return None
    return [conform(AllocDiag()(elemwise_of(ar.mul)(v, w)), node.outputs[0])]


@function_rule(Dot, name="product_with_chosen_rows", assumes="finite", needs=[
    AdvancedSubtensor1, AdvancedSubtensor, AdvancedIncSubtensor, Subtensor], tags="selection_dot_to_indexing")
def product_with_chosen_rows(node: Apply, site: Site) -> Any:
    """dot(eye(n)[i], x) -> x[i], dot(x, eye(n)[:, i]) -> x[:, i], dot(one_hot(i, n), x) -> x[i]"""
    for side in (0, 1):
        other: Any = node.inputs[1 - side]
        if other.type.dtype != node.outputs[0].type.dtype:  # type: ignore[attr-defined]
            continue
        chosen = _chosen(node.inputs[side], side, site)
        if chosen is None:
            continue
        along = 0 if side == 0 else other.type.ndim - 1
        if isinstance(chosen, tuple):
            entries: list[Entry] = [ALL] * other.type.ndim
            entries[along] = chosen[0]
            return [conform(indexed(other, entries), node.outputs[0])]
        if along == 0:
            return [conform(AdvancedSubtensor1()(other, chosen), node.outputs[0])]
        return [conform(AdvancedSubtensor([*[slice(None)] * along, ARRAY])(other, chosen), node.outputs[0])]
    return None


def _chosen(v: Any, side: int, site: Site) -> Any | None:
    """The vector of positions (or, in a tuple, one position) of the rows of an identity that `v`, on this side of a
    product, consists of; on the right, of the columns."""
    node = v.owner
    if node is None:
        return None
    op: Any = node.op
    if isinstance(op, Subtensor) and v.type.ndim == 1 and is_square_eye(node.inputs[0], site):
        entries = read_entries(node)
        given = [e for e in entries if not isinstance(e, tuple)]
        return (given[0],) if len(given) == 1 and all(e == ALL for e in entries if isinstance(e, tuple)) else None
    if v.type.ndim != 2:
        return None
    if isinstance(op, AdvancedSubtensor1) and side == 0 and is_square_eye(node.inputs[0], site):
        return node.inputs[1]
    if isinstance(op, AdvancedSubtensor) and side == 1 and is_square_eye(node.inputs[0], site):
        columns = node.inputs[-1]
        listed = op.idx_list == (slice(None), ARRAY) and columns.type.ndim == 1 and columns.type.dtype != "bool"
        return columns if listed else None
    if side == 0 and isinstance(op, AdvancedIncSubtensor) and op.set_instead_of_inc and op.idx_list == (ARRAY, ARRAY):
        return _one_hot(node, site)
    return None


def _one_hot(node: Apply, site: Site) -> Any | None:
    """The classes of which set(zeros, 1, arange(n), classes) has a row each."""
    zeros, one, rows, classes = node.inputs
    if not is_number(zeros, 0) or number(one) != 1 or rows.owner is None or not isinstance(rows.owner.op, ARange):
        return None
    start, _, step = rows.owner.inputs
    if static_int(start) != 0 or static_int(step) != 1:
        return None
    if classes.type.ndim != 1 or classes.type.dtype == "bool":  # type: ignore[attr-defined]
        return None
    fits = site.dims.same_axis(rows, 0, classes, 0) and site.dims.same_axis(rows, 0, zeros, 0)
    return classes if fits else None


@function_rule(Dot, name="product_that_scatters", assumes="rounding finite", needs=[DimShuffle],
               tags="selection_dot_to_indexing")
def product_that_scatters(node: Apply, site: Site) -> Any:
    """dot(one_hot(i, n).T, x) -> inc(zeros, x, i), dot(eye(n)[i].T, x) likewise: what a gradient by rows is"""
    x: Any = node.inputs[1]
    out: Any = node.outputs[0]
    choice = transposed_from(node.inputs[0])
    chosen = None if choice is None else _chosen(choice, 0, site)
    if chosen is None or isinstance(chosen, tuple) or x.type.dtype != out.type.dtype:
        return None
    zeros = Alloc()(number_like(0, out.type.dtype), *[site.length(out, axis) for axis in range(out.type.ndim)])
    return [conform(AdvancedIncSubtensor1()(zeros, x, chosen), out)]


@function_rule(Dot, name="product_with_own_transpose", assumes="rounding", tags="orthogonal_dot_transpose_to_eye")
def product_with_own_transpose(node: Apply, site: Site) -> Any:
    """dot(q, q.T) -> eye(n), dot(q.T, q) -> eye(n) for an orthogonal q; one of these also for the q of
    a reduced QR, and for the singular vectors of a reduced SVD"""
    a, b = node.inputs
    out: Any = node.outputs[0]
    if transposed_from(a) is not b and transposed_from(b) is not a:
        return None
    if not is_real_matrix(a) or not is_real_matrix(b):
        return None
    left_is_transpose = transposed_from(a) is b
    q = b if left_is_transpose else a
    if not is_orthogonal(q) and not _is_orthonormal(q, "columns" if left_is_transpose else "rows"):
        return None
    n = site.length(out, 0)
    return [conform(Eye(out.type.dtype)(n, n, 0), out)]


def _is_orthonormal(v: Any, what: str) -> bool:
    """Have the columns (or the rows) of this real matrix length one, and right angles between them?"""
    node = v.owner
    if node is None:
        return False
    op = node.op
    if isinstance(op, QRFull):
        return what == "columns" and v is node.outputs[0] and op.mode != "raw"
    if isinstance(op, SVD) and len(node.outputs) == 3:
        return v is node.outputs[0 if what == "columns" else 2]
    return False


# ---- stacks -------------------------------------------------------------------------------------------------------


@function_rule(BatchedDot, name="batched_product_with_one_matrix", assumes="rounding", needs=[Alloc],
               tags="local_batched_matmul_to_core_matmul")
def batched_product_with_one_matrix(node: Apply, site: Site) -> Any:
    """batched_dot(x, alloc(y, n, k, m)) -> matmul(x, y): one product of all rows"""
    x, y = node.inputs
    for stack, repeated in ((x, y), (y, x)):
        inner = repeated.owner
        if inner is None or not isinstance(inner.op, Alloc):
            continue
        value: Any = padded(inner.inputs[0], 3)
        flat = repeated.type.broadcastable  # type: ignore[attr-defined]
        if not value.type.broadcastable[0] or flat[0] or value.type.broadcastable[1:] != flat[1:]:
            continue
        matrix = dimshuffle(value, 1, 2)
        new = matmul(stack, matrix) if stack is x else matmul(matrix, stack)
        return [conform(new, node.outputs[0])]
    return None


@function_rule(BatchedDot, name="batched_product_of_one", assumes="signed_zero", tags="local_dot_to_mul")
def batched_product_of_one(node: Apply, site: Site) -> Any:
    """batched_dot of stacks of one matrix -> dot; with one term to sum -> x * y"""
    x, y = node.inputs
    first, second = x.type.broadcastable, y.type.broadcastable  # type: ignore[attr-defined]
    if first[0] and second[0]:
        product = Dot()(dimshuffle(x, 1, 2), dimshuffle(y, 1, 2))
        return [conform(dimshuffle(product, "x", 0, 1), node.outputs[0])]
    if first[2] and second[1] and first[0] == second[0]:
        return [conform(elemwise_of(ar.mul)(x, y), node.outputs[0])]
    return None


@function_rule(BatchedDot, name="batched_product_with_zero", assumes="finite", tags="local_0_dot_x")
def batched_product_with_zero(node: Apply, site: Site) -> Any:
    """batched_dot(0, x) -> 0"""
    if not any(number(v) == 0 for v in node.inputs):
        return None
    out: Any = node.outputs[0]
    zero = number_like(0, out.type.dtype)
    return [conform(Alloc()(zero, *[site.length(out, axis) for axis in range(3)]), out)]


STRUCTURED_PRODUCTS = ruleset(
    sum_of_dots, product_of_diagonal_matrices, product_with_identity, product_with_chosen_rows,
    product_that_scatters,    batched_product_with_one_matrix, batched_product_of_one, batched_product_with_zero,
)

__all__ = ["STRUCTURED_PRODUCTS"]
