"""theano.sandbox.linalg: hints about matrices for the rewrites of linear algebra, and the functions' old import path.

>>> import theano, theano.tensor as tt
>>> a, b = tt.dmatrix("a"), tt.dvector("b")
>>> f = theano.function([a, b], solve(psd(a), b))     # by Cholesky where it can be
>>> f([[2.0, 0.0], [0.0, 4.0]], [1.0, 1.0])
array([0.5 , 0.25])
"""

from __future__ import annotations

from typing import Any

from theano import scalar
from theano.graph.node import Apply
from theano.rewriting import matrix_facts
from theano.rewriting.ranges import nonnegative
from theano.tensor.linear.eigen import eigvalsh as eigvalsh
from theano.tensor.linear.functions import extract_diag as extract_diag
from theano.tensor.linear.functions import trace as trace
from theano.tensor.linear.hints import Hint as Hint
from theano.tensor.linear.hints import hinted
from theano.tensor.nlinalg import alloc_diag as alloc_diag
from theano.tensor.nlinalg import det as det
from theano.tensor.nlinalg import diag as diag
from theano.tensor.nlinalg import eig as eig
from theano.tensor.nlinalg import eigh as eigh
from theano.tensor.nlinalg import matrix_inverse as matrix_inverse
from theano.tensor.products import dot
from theano.tensor.reductions import max as max_of
from theano.tensor.slinalg import cholesky as cholesky
from theano.tensor.slinalg import solve as solve


def psd(v: Any) -> Any:
    """`v` with the promise that it is symmetric and positive semi-definite: it is solved by Cholesky where that works.

    The promise is not checked: one triangle is read.
    """
    return Hint(psd=True, symmetric=True)(v)


def is_hint_node(node: Any) -> bool:
    """Is this node a hint?"""
    return isinstance(node, Apply) and isinstance(node.op, Hint)


def hints(variable: Any) -> dict[str, bool]:
    """What is promised of a variable: {"psd": True, "symmetric": True} of psd(x), {} of others."""
    return dict(variable.owner.op.hints) if is_hint_node(variable.owner) else {}


def is_psd(v: Any) -> bool:
    """Is `v` promised to be positive semi-definite?"""
    return hinted(v, "psd")


def is_symmetric(v: Any) -> bool:
    """Is `v` promised to be symmetric, or symmetric by construction?"""
    return matrix_facts.is_symmetric(v)


def is_positive(v: Any) -> bool:
    """Is every element known to be positive or zero?"""
    return nonnegative(v)


def spectral_radius_bound(X: Any, log2_exponent: int) -> Any:
    """An upper bound of the largest modulus of the eigenvalues of a matrix, of its power m = 2**log2_exponent.

    For non-negative elements: max of row sums of X**m, to the power 1/m; tighter for larger exponents. The bound is
    the infinity norm of the power (Gelfand's formula).
    """
    if X.type.ndim != 2:
        raise TypeError(f"spectral_radius_bound takes a matrix, got {X} of type {X.type}")
    if not isinstance(log2_exponent, int) or log2_exponent < 0:
        raise ValueError(f"log2_exponent must be an integer that is not negative, got {log2_exponent!r}")
    power = X
    for _ in range(log2_exponent):
        power = dot(power, power)
    return max_of(scalar.abs_(power).sum(axis=1)) ** (2.0**-log2_exponent)


__all__ = [
    "Hint", "alloc_diag", "cholesky", "det", "diag", "eig", "eigh", "eigvalsh", "extract_diag", "hints", "is_hint_node",
    "is_positive", "is_psd", "is_symmetric", "matrix_inverse", "psd", "solve", "spectral_radius_bound", "trace",
]  # fmt: skip
