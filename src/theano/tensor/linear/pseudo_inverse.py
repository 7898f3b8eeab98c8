"""The pseudo-inverse: MatrixPinv."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano import scalar
from theano.errors import NotScalarConstantError
from theano.graph.node import Apply
from theano.graph.op import Op
from theano.graph.type import disconnected_type
from theano.scalar.dtypes import complex_dtypes
from theano.tensor.careduce import Supremum
from theano.tensor.elemwise import cast_to
from theano.tensor.linear.factors import SVD
from theano.tensor.linear.matrices import adjoint, as_numbers, chain, column, matrix_input, result, row
from theano.tensor.products import gradient_term
from theano.tensor.scalar_constants import get_scalar_constant_value
from theano.tensor.triangles import eye

_NEGLIGIBLE = 1e-8


class MatrixPinv(Op):
    """The Moore-Penrose pseudo-inverse. Inputs: the matrices and, if at all, `rcond`.

    rcond   singular values up to rcond times the largest count as zero; default 1e-15
    The gradient is that at a constant number of them.
    """

    __props__ = ()

    def make_node(self, x: Any, rcond: Any = None) -> Apply:
        x = matrix_input("pinv", x)
        inputs = [x]
        if rcond is not None:
            inputs.append(_cutoff("pinv", rcond))
        *batch, rows, columns = x.type.shape
        return Apply(self, inputs, [result(x.dtype, (*batch, columns, rows))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, *rcond = inputs
        output_storage[0][0] = np.linalg.pinv(x, float(rcond[0])) if rcond else np.linalg.pinv(x)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        *batch, rows, columns = input_shapes[0]
        return [(*batch, columns, rows)]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], *([False] for _ in node.inputs[1:])]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x, *rest), (p,), (g,) = inputs, outputs, output_gradients
        if all(is_negligible(v) for v in rest):
            term = by_products(x, p, g)
        else:
            term = by_singular_values(x, rest[0], g)
        return [gradient_term(x, term), *(disconnected_type() for _ in rest)]


def is_negligible(rcond: Any) -> bool:
    """Is it known that singular values which count as zero are zero but for rounding?"""
    try:
        return float(get_scalar_constant_value(rcond)) <= _NEGLIGIBLE
    except NotScalarConstantError:
        return False


def by_products(x: Any, p: Any, g: Any) -> Any:
    """The gradient where no singular value but 0 counts as zero (Golub and Pereyra, "The differentiation of
    pseudo-inverses and nonlinear least squares problems whose variables separate", SIAM J. Numer. Anal. 10, 1973)."""
    ph, gh = adjoint(p), adjoint(g)
    left = _identity(x, -2) - chain(x, p)
    right = _identity(x, -1) - chain(p, x)
    return chain(left, gh, p, ph) + chain(ph, p, gh, right) - chain(ph, g, ph)


def by_singular_values(x: Any, rcond: Any, g: Any) -> Any:
    """The gradient where others count as zero, too: p^H = u f(s) v^H with f(s) = 1 / s or 0.

    Of such a function the symmetric part of u^H dx v is multiplied by the divided differences of f between s[i] and
    s[j], the skew part by those between s[i] and -s[j] (f is odd), and what lies outside by f(s) / s.
    """
    u, s, vh = SVD(full_matrices=False)(x)
    kept = scalar.gt(s, column(Supremum((s.ndim - 1,))(s)) * cast_to(rcond, s.dtype))
    one, zero = np.ones((), s.dtype), np.zeros((), s.dtype)
    f = scalar.switch(kept, one / scalar.switch(kept, s, one), zero)
    apart = scalar.neq(row(kept), column(kept))
    gaps, sums = (scalar.switch(apart, v, one) for v in (row(s) - column(s), row(s) + column(s)))
    both = row(f) * column(f)
    symmetric = scalar.switch(apart, (row(f) - column(f)) / gaps, -both)
    skew = scalar.switch(apart, (row(f) + column(f)) / sums, both)
    gh, uh, v = adjoint(g), adjoint(u), adjoint(vh)
    n = chain(uh, gh, v)
    half = np.asarray(0.5, n.dtype)
    inner = (n + adjoint(n)) * cast_to(symmetric, n.dtype) + (n - adjoint(n)) * cast_to(skew, n.dtype)
    squares = cast_to(f * f, n.dtype)
    left = (chain(gh, v) - chain(u, n)) * row(squares)
    right = column(squares) * (chain(uh, gh) - chain(n, vh))
    return chain(u, half * inner, vh) + chain(left, vh) + chain(u, right)


def _cutoff(name: str, rcond: Any) -> Any:
    rcond = as_numbers(name, rcond)
    if rcond.ndim or rcond.dtype in complex_dtypes:
        raise TypeError(f"{name}: rcond must be a number, got {rcond} of type {rcond.type}")
    return cast_to(rcond, "float64")


def _identity(x: Any, axis: int) -> Any:
    n = x.shape[x.ndim + axis]
    return eye(n, n, dtype=x.dtype)
