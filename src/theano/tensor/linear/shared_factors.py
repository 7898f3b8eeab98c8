"""One LU factorisation for several systems with one matrix: LUFactor and LUSolve.

Rewriting makes these ops of `Solve` (`rewriting/rules/matrices.py`), after differentiation: they have no gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from theano.graph.node import Apply
from theano.graph.op import Op
from theano.tensor.convert import as_tensor_variable
from theano.tensor.linear.matrices import as_numbers, require_finite, result, side, square_input, square_shape
from theano.tensor.linear.scipy_linalg import lapack
from theano.tensor.linear.solving import check_system, singular_system, trans_letter


class LUFactor(Op):
    """A regular matrix x factorised: f and the pivots p (int32), for LUSolve.

    (f.T, p) are what scipy.linalg.lu_factor gives of x.T, but that pivots count from 1 as LAPACK's do: then neither
    row-major x nor row-major f need be turned for LAPACK. LinAlgError where x is singular.
    """

    __props__ = ()

    def make_node(self, x: Any) -> Apply:
        x = square_input("solve", x)
        if x.type.ndim != 2:
            raise LinAlgError(f"LUFactor takes a matrix, got {x} of type {x.type}")
        return Apply(self, [x], [result(x.dtype, square_shape(x)), result("int32", (side(x),))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        (x,) = inputs
        check_system("solve", x, x)
        if not x.size:
            factors, pivots = np.empty_like(x), np.empty(0, "int32")
        else:
            (getrf,) = lapack().get_lapack_funcs(("getrf",), (x,))
            factors, pivots, info = getrf(x.T)
            if info > 0:
                raise singular_system(x)
            factors, pivots = factors.T, pivots + 1
        output_storage[0][0], output_storage[1][0] = np.ascontiguousarray(factors), pivots.astype("int32")

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        ((rows, columns),) = input_shapes
        return [(rows, columns), (rows,)]


class LUSolve(Op):
    """x with op(A) x = b, of the outputs of LUFactor for A.

    trans          op: 0 or "N" none, 1 or "T" transposed, 2 or "C" conjugate transposed
    check_finite   ValueError for NaN and inf, in A or b
    """

    __props__ = ("trans", "check_finite")

    def __init__(self, trans: Any = 0, check_finite: bool = True) -> None:
        self.trans = trans_letter("LUSolve", trans)
        self.check_finite = bool(check_finite)

    def make_node(self, factors: Any, pivots: Any, b: Any) -> Apply:
        factors, pivots, b = square_input("solve", factors), as_tensor_variable(pivots), as_numbers("solve", b)
        if factors.type.ndim != 2 or b.type.ndim not in (1, 2) or b.dtype != factors.dtype:
            raise LinAlgError(f"LUSolve takes a matrix and a right-hand side of its dtype, got {factors} and {b}")
        if pivots.dtype != "int32" or pivots.ndim != 1:
            raise TypeError(f"LUSolve takes the pivots of LUFactor, got {pivots} of type {pivots.type}")
        return Apply(self, [factors, pivots, b], [result(b.dtype, b.type.shape)])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        factors, pivots, b = inputs
        check_system("solve", factors, b)
        if self.check_finite:
            require_finite("solve", factors, b)
        if not b.size:
            output_storage[0][0] = np.empty_like(b)
            return
        if np.any((pivots < 1) | (pivots > len(factors))) or pivots.shape != factors.shape[:1]:
            raise ValueError(f"LUSolve: these are no pivots of a matrix of shape {factors.shape}: {pivots}")
        (getrs,) = lapack().get_lapack_funcs(("getrs",), (factors, b))
        # the factors are those of the transpose
        of_conjugate = self.trans == "C"
        found, _ = getrs(factors.T, pivots - 1, b.conj() if of_conjugate else b, trans=int(self.trans == "N"))
        output_storage[0][0] = np.ascontiguousarray(found.conj() if of_conjugate else found)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [tuple(input_shapes[2])]
