"""What is known of the structure of a matrix from the ops that made it: triangular, diagonal, symmetric, orthogonal.

Facts are those of mathematics, up to rounding: a @ a.T is symmetric. Nothing is evaluated, and nothing is taken for
granted of inputs but what a user promises (`tensor/linear/hints.py`). Stacks of matrices are not spoken of.
`rules/matrices.py` uses these facts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from theano.graph.node import Apply, Constant
from theano.rewriting.known import number
from theano.scalar import arithmetic as ar
from theano.scalar import facts
from theano.scalar.dtypes import complex_dtypes
from theano.scalar.exponential import pow
from theano.scalar.logic import invert
from theano.scalar.selection import switch
from theano.tensor.careduce import Sum
from theano.tensor.diagonal import AllocDiag
from theano.tensor.dimshuffle import DimShuffle, dimshuffle
from theano.tensor.elemwise import Elemwise
from theano.tensor.linear.cholesky_gradient import CholeskyGrad
from theano.tensor.linear.eigen import Eigh
from theano.tensor.linear.factors import LU, SVD, Cholesky, QRFull, QRIncomplete
from theano.tensor.linear.hints import hinted
from theano.tensor.linear.inverses import MatrixInverse
from theano.tensor.linear.solving import SolveTriangular
from theano.tensor.products import Dot
from theano.tensor.shape import Reshape
from theano.tensor.triangles import Eye, Tri

DEPTH = 8
LOWER, UPPER = "lower", "upper"
Triangles = frozenset[str]
NEITHER: Triangles = frozenset()
BOTH: Triangles = frozenset((LOWER, UPPER))


def made_by(v: Any, *kinds: type) -> Apply | None:
    """The node that makes `v`, if its op is of these kinds."""
    return v.owner if v.owner is not None and isinstance(v.owner.op, kinds) else None


def is_real_matrix(v: Any) -> bool:
    return v.type.ndim == 2 and v.type.dtype not in complex_dtypes


def transposed_from(v: Any) -> Any | None:
    """The matrix of which `v` is the transpose, where it is written so."""
    node = v.owner
    if node is not None and isinstance(node.op, DimShuffle) and tuple(node.op.new_order) == (1, 0):
        return node.inputs[0]
    return None


# ---- triangular -------------------------------------------------------------------------------------------------


def triangles(v: Any, depth: int = DEPTH) -> Triangles:
    """The triangles (diagonal included) that hold all of the matrix: outside of each there are only zeros."""
    node = v.owner
    if node is None or depth == 0 or v.type.ndim != 2:
        return NEITHER
    known = _TRIANGLES.get(type(node.op))
    return NEITHER if known is None else known(v, node, depth - 1)


def is_diagonal(v: Any) -> bool:
    return triangles(v) == BOTH


def _other(found: Triangles) -> Triangles:
    return frozenset(UPPER if side == LOWER else LOWER for side in found)


def _of_dimshuffle(v: Any, node: Any, depth: int) -> Triangles:
    return _other(triangles(node.inputs[0], depth)) if transposed_from(v) is not None else NEITHER


def _of_eye(v: Any, node: Any, depth: int) -> Triangles:
    return BOTH if _constant(node.inputs[2]) == 0 else NEITHER


def _of_tri(v: Any, node: Any, depth: int) -> Triangles:
    offset = _constant(node.inputs[2])
    return frozenset((LOWER,)) if offset is not None and offset <= 0 else NEITHER


def _of_lu(v: Any, node: Any, depth: int) -> Triangles:
    return {1: frozenset((LOWER,)), 2: frozenset((UPPER,))}.get(node.outputs.index(v), NEITHER)


def _of_products(v: Any, node: Any, depth: int) -> Triangles:
    a, b = node.inputs
    return triangles(a, depth) & triangles(b, depth) if a.type.ndim == b.type.ndim == 2 else NEITHER


def _of_solve(v: Any, node: Any, depth: int) -> Triangles:
    """inv(a) b of triangular a and b."""
    a, b = node.inputs
    read = frozenset((LOWER if node.op.lower == (node.op.trans == "N") else UPPER,))
    return read & triangles(b, depth) if a.type.ndim == b.type.ndim == 2 else NEITHER


def _of_elementwise(v: Any, node: Any, depth: int) -> Triangles:
    record, inputs = node.op.scalar_op, node.inputs
    if record is switch:
        mask, a, b = inputs
        if number(b) == 0:
            return _of_mask(mask, depth) | triangles(a, depth)
        if number(a) == 0:
            return _of_mask(mask, depth, outside=True) | triangles(b, depth)
        return triangles(a, depth) & triangles(b, depth)
    if record is ar.mul:
        found = NEITHER
        for x in inputs:
            found |= triangles(x, depth)
        return found
    if record in (ar.add, ar.sub):
        found = BOTH
        for x in inputs:
            found &= triangles(x, depth)
        return found
    if record is ar.neg or record is ar.true_div:
        return triangles(inputs[0], depth)
    return NEITHER


def _of_mask(mask: Any, depth: int, outside: bool = False) -> Triangles:
    """The triangles that hold every true element of a mask (`outside`: every false one)."""
    node = mask.owner
    if node is None or depth == 0 or mask.type.ndim != 2:
        return NEITHER
    if transposed_from(mask) is not None:
        return _other(_of_mask(node.inputs[0], depth - 1, outside))
    if isinstance(node.op, Elemwise) and node.op.scalar_op is invert:
        return _of_mask(node.inputs[0], depth - 1, not outside)
    if isinstance(node.op, Eye) and not outside:
        return _of_eye(mask, node, depth)
    if isinstance(node.op, Tri):
        offset = _constant(node.inputs[2])
        if offset is None:
            return NEITHER
        # below diagonal k there is nothing above the main one if k <= 0; what is above k >= -1 is in the other triangle
        if outside:
            return frozenset((UPPER,)) if offset >= -1 else NEITHER
        return frozenset((LOWER,)) if offset <= 0 else NEITHER
    return NEITHER


def _constant(v: Any) -> Any | None:
    return number(v) if isinstance(v, Constant) else None


_TRIANGLES: dict[type, Callable[[Any, Any, int], Triangles]] = {
    AllocDiag: lambda v, node, depth: BOTH if node.op.offset == 0 else NEITHER,
    Cholesky: lambda v, node, depth: frozenset((LOWER if node.op.lower else UPPER,)),
    CholeskyGrad: lambda v, node, depth: frozenset((LOWER,)),
    DimShuffle: _of_dimshuffle,
    Dot: _of_products,
    Elemwise: _of_elementwise,
    Eye: _of_eye,
    LU: _of_lu,
    MatrixInverse: lambda v, node, depth: triangles(node.inputs[0], depth),
    QRFull: lambda v, node, depth: NEITHER if node.op.mode == "raw" or v is node.outputs[0] else frozenset((UPPER,)),
    QRIncomplete: lambda v, node, depth: frozenset((UPPER,)),
    SolveTriangular: _of_solve,
    Tri: _of_tri,
}


# ---- symmetric --------------------------------------------------------------------------------------------------


def is_symmetric(v: Any) -> bool:
    """Is the real matrix `v` its own transpose?"""
    return is_real_matrix(v) and (hinted(v, "symmetric") or _Transposes().are(v, v, DEPTH))


class _Transposes:
    """Finds out whether two expressions are one another's transposes (their axes 0 and 1 swapped, up to rounding).

    Such pairs may have more axes, which a sum takes away: ((x[:, None] - x[None, :])**2).sum(2) is symmetric.
    """

    def __init__(self) -> None:
        self.known: dict[tuple[Any, Any], bool] = {}

    def are(self, a: Any, b: Any, depth: int) -> bool:
        """Is a.swapaxes(0, 1) == b?"""
        if depth == 0 or a.type.ndim != b.type.ndim or a.type.ndim < 2:
            return False
        key = (a, b)
        if key not in self.known:
            self.known[key] = self._find_out(a, b, depth - 1)
        return self.known[key]

    def _find_out(self, a: Any, b: Any, depth: int) -> bool:
        if a is b and (all(a.type.broadcastable[:2]) or hinted(a, "symmetric")):
            return True
        value = number(a)
        if value is not None and value == number(b):
            return True
        if transposed_from(a) is b or transposed_from(b) is a:
            return True
        one, two = a.owner, b.owner
        if one is None or two is None:
            return False
        op = one.op
        if isinstance(op, DimShuffle) and isinstance(two.op, DimShuffle):
            first, second, *rest = op.new_order
            return one.inputs[0] is two.inputs[0] and (second, first, *rest) == tuple(two.op.new_order)
        if op != two.op:
            return False
        if isinstance(op, Elemwise):
            return self._elementwise(one, two, depth)
        if isinstance(op, Dot):
            return self._all(_chain(a), _chain(b)[::-1], depth, False)
        if isinstance(op, Sum):
            return min(op.axis or (0,)) > 1 and self.are(one.inputs[0], two.inputs[0], depth)
        if isinstance(op, MatrixInverse):
            return self.are(one.inputs[0], two.inputs[0], depth)
        return one is two and isinstance(op, (AllocDiag, Eye)) and triangles(a) == BOTH

    def _elementwise(self, one: Any, two: Any, depth: int) -> bool:
        record = one.op.scalar_op
        is_even = facts.even in record.facts or (record is pow and number(one.inputs[1]) == number(two.inputs[1]) == 2)
        if is_even and self._opposite(one.inputs[0], two.inputs[0], depth):
            return True
        return self._all(one.inputs, two.inputs, depth, facts.commutative in record.facts)

    def _all(self, ours: Sequence[Any], theirs: Sequence[Any], depth: int, in_any_order: bool) -> bool:
        if len(ours) != len(theirs):
            return False
        if not in_any_order:
            return all(self.are(x, y, depth) for x, y in zip(ours, theirs))
        left = list(theirs)
        for x in ours:
            partner = next((k for k, y in enumerate(left) if self.are(x, y, depth)), None)
            if partner is None:
                return False
            del left[partner]
        return True

    def _opposite(self, a: Any, b: Any, depth: int) -> bool:
        """Is a.swapaxes(0, 1) == -b, where both are differences?"""
        one, two = a.owner, b.owner
        if depth == 0 or one is None or two is None or one.op != two.op or not isinstance(one.op, Elemwise):
            return False
        if one.op.scalar_op is not ar.sub:
            return False
        (p, q), (r, s) = one.inputs, two.inputs
        return self.are(p, s, depth - 1) and self.are(q, r, depth - 1)


def _chain(product: Any) -> list[Any]:
    """The factors of a product of matrices."""
    factors, pending = [], [product]
    while pending:
        v = pending.pop()
        if v.owner is not None and isinstance(v.owner.op, Dot) and all(x.type.ndim == 2 for x in v.owner.inputs):
            pending.extend(reversed(v.owner.inputs))
        else:
            factors.append(v)
    return factors


# ---- orthogonal, positive definite ------------------------------------------------------------------------------


def is_orthogonal(v: Any) -> bool:
    """Is the real square matrix `v` the inverse of its transpose?"""
    node = v.owner
    if node is None or not is_real_matrix(v):
        return False
    if transposed_from(v) is not None:
        return is_orthogonal(node.inputs[0])
    op = node.op
    if isinstance(op, Eigh):
        return v is node.outputs[-1] and len(node.outputs) == 2
    if isinstance(op, QRFull):
        return op.mode == "complete" and v is node.outputs[0]
    if isinstance(op, SVD):
        return len(node.outputs) == 3 and bool(op.full_matrices) and v is not node.outputs[1]
    return False


def cholesky_factor(v: Any, clients: Iterable[tuple[Any, int]], lower: bool | None = None) -> Any | None:
    """A Cholesky factor of `v` that the graph computes anyhow, and that proves it positive definite; where `v` is
    symmetric, or (lower given) only this triangle of it counts."""
    for user, _ in clients:
        op = getattr(user, "op", None)
        if isinstance(op, Cholesky) and op.on_error == "raise" and (op.lower == lower or is_symmetric(v)):
            return user.outputs[0]
    return None


# ---- Kronecker products -----------------------------------------------------------------------------------------


def kron_factors(v: Any, dims: Any) -> tuple[Any, Any] | None:
    """(a, b) if the real matrix `v` is kron(a, b) where it is square, and both of these are known to be so."""
    node = v.owner
    if node is None or not is_real_matrix(v) or type(node.op) is not Reshape or node.inputs[0].type.ndim != 4:
        return None
    product = node.inputs[0].owner
    if product is None or not isinstance(product.op, Elemwise) or product.op.scalar_op is not ar.mul:
        return None
    if len(product.inputs) != 2:
        return None
    sides: dict[tuple[bool, ...], Any] = {tuple(x.type.broadcastable): x for x in product.inputs}
    a, b = sides.get((False, True, False, True)), sides.get((True, False, True, False))
    if a is None or b is None or a.type.dtype != v.type.dtype or b.type.dtype != v.type.dtype:
        return None
    if not dims.same_axis(a, 0, a, 2) or not dims.same_axis(b, 1, b, 3):
        return None
    return _axes_of(a, (0, 2)), _axes_of(b, (1, 3))


def _axes_of(v: Any, axes: tuple[int, int], depth: int = DEPTH) -> Any:
    """The matrix of these axes of `v`, whose other axes have length one: what was spread over four, before it was."""
    node = v.owner
    if node is not None and isinstance(node.op, DimShuffle) and all(node.op.new_order[k] != "x" for k in axes):
        return dimshuffle(node.inputs[0], [node.op.new_order[k] for k in axes])
    if depth and node is not None and isinstance(node.op, Elemwise):
        return node.op(*[_axes_of(x, axes, depth - 1) for x in node.inputs])
    return dimshuffle(v, list(axes))
