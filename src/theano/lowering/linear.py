"""Lowerings of linear algebra: routines of LAPACK for float32 and float64, `perform` for the rest.

The routines' names and params are explained in `backends/native/runtime_factors.py` and its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from theano.graph.node import Apply, Variable
from theano.lowering.context import Lowering, LoweringRule, lowers
from theano.tensor.linear.cholesky_gradient import CholeskyGrad
from theano.tensor.linear.eigen import Eig, Eigh, Eigvalsh, GeneralisedEigh
from theano.tensor.linear.factors import LU, SVD, Cholesky, QRFull, QRIncomplete
from theano.tensor.linear.inverses import Cofactors, Det, MatrixInverse, SLogDet
from theano.tensor.linear.least_squares import Lstsq
from theano.tensor.linear.pseudo_inverse import MatrixPinv
from theano.tensor.linear.shared_factors import LUFactor, LUSolve
from theano.tensor.linear.solving import Solve, SolveTriangular

_LAPACK = ({"float32"}, {"float64"})
_FACTORED = ({"float32", "int32"}, {"float64", "int32"})   # with pivots


def _dtypes(node: Apply, variables: Sequence[Variable] = ()) -> set[str]:
    """Those of some or of all variables of a node."""
    return {getattr(v.type, "dtype", "object") for v in variables or (*node.inputs, *node.outputs)}


def _of_lapack(*op_classes: type) -> Callable[[Callable[[Any, Apply], tuple[Any, ...]]], LoweringRule]:
    """Register a function (op, node) -> (name of the routine, *params) for these ops where LAPACK has the dtype."""

    def register(choose: Callable[[Any, Apply], tuple[Any, ...]]) -> LoweringRule:
        def rule(lowering: Lowering, node: Apply) -> None:
            if _dtypes(node) in _LAPACK:
                name, *params = choose(node.op, node)
                lowering.routine(node, name, [int(n) for n in params])
            else:
                lowering.python(node)

        return lowers(*op_classes)(rule)

    return register


@_of_lapack(Cholesky)
def cholesky(op: Cholesky, node: Apply) -> tuple[Any, ...]:
    return "cholesky.factor", op.lower, op.on_error == "nan"


@_of_lapack(CholeskyGrad)
def cholesky_gradient(op: CholeskyGrad, node: Apply) -> tuple[Any, ...]:
    return ("cholesky.gradient",)


@_of_lapack(LU)
def lu(op: LU, node: Apply) -> tuple[Any, ...]:
    return ("factors.lu",)


@_of_lapack(QRFull, QRIncomplete)
def qr(op: QRFull | QRIncomplete, node: Apply) -> tuple[Any, ...]:
    return "factors.qr", ("reduced", "complete", "raw", "r").index(op.mode)


@_of_lapack(SVD)
def svd(op: SVD, node: Apply) -> tuple[Any, ...]:
    return "svd.svd", 2 if not op.compute_uv else int(not op.full_matrices)


@_of_lapack(MatrixInverse)
def inverse(op: MatrixInverse, node: Apply) -> tuple[Any, ...]:
    return ("inverses.inverse",)


@_of_lapack(Cofactors)
def cofactors(op: Cofactors, node: Apply) -> tuple[Any, ...]:
    return ("cofactors.cofactors",)


@_of_lapack(Det)
def det(op: Det, node: Apply) -> tuple[Any, ...]:
    return ("inverses.det",)


@_of_lapack(SLogDet)
def slogdet(op: SLogDet, node: Apply) -> tuple[Any, ...]:
    return ("inverses.slogdet",)


@_of_lapack(SolveTriangular)
def solve_triangular(op: SolveTriangular, node: Apply) -> tuple[Any, ...]:
    regular = op.checked and not op.unit_diagonal
    return "solving.solve_triangular", op.checked, op.lower, op.trans != "N", op.unit_diagonal, regular


@_of_lapack(Solve)
def solve(op: Solve, node: Apply) -> tuple[Any, ...]:
    structure = op.A_structure
    name, regular = "solve_general", 0
    if structure in ("lower_triangular", "upper_triangular"):
        name, regular = "solve_triangular", 2
    elif structure == "diagonal":
        name, regular = "solve_diagonal", 2
    elif structure in ("symmetric", "hermitian"):
        name = "solve_symmetric"
    elif structure == "positive_definite":
        name = "solve_definite"
    return f"solving.{name}", op.check_finite, op.lower, op.trans != "N", False, regular


@_of_lapack(Eigh)
def eigh(op: Eigh, node: Apply) -> tuple[Any, ...]:
    return "eigen.eigh", op.UPLO == "L", False, True, False


@_of_lapack(GeneralisedEigh)
def generalised_eigh(op: GeneralisedEigh, node: Apply) -> tuple[Any, ...]:
    return "eigen.eigh", op.lower, True, True, True


@_of_lapack(Eigvalsh)
def eigvalsh(op: Eigvalsh, node: Apply) -> tuple[Any, ...]:
    return "eigen.eigh", op.lower, op.check_finite or len(node.inputs) == 2, False, len(node.inputs) == 2


@_of_lapack(Eig)
def eig(op: Eig, node: Apply) -> tuple[Any, ...]:
    return ("eigen.eig",)


@lowers(LUFactor)
def lower_lu_factor(lowering: Lowering, node: Apply) -> None:
    if _dtypes(node) in _FACTORED:
        lowering.routine(node, "lu.lu_factor", [])
    else:
        lowering.python(node)


@lowers(LUSolve)
def lower_lu_solve(lowering: Lowering, node: Apply) -> None:
    op: Any = node.op
    made = node.inputs[0].owner
    # the routine counts on arrays as the other one makes them
    own = made is not None and isinstance(made.op, LUFactor) and node.inputs[:2] == made.outputs
    if own and _dtypes(node) in _FACTORED:
        lowering.routine(node, "lu.lu_solve", [int(op.check_finite), int(op.trans != "N")])
    else:
        lowering.python(node)


@lowers(MatrixPinv)
def lower_pinv(lowering: Lowering, node: Apply) -> None:
    if _dtypes(node, node.inputs[:1]) in _LAPACK:
        lowering.routine(node, "least_squares.pinv")
    else:
        lowering.python(node)


@lowers(Lstsq)
def lower_lstsq(lowering: Lowering, node: Apply) -> None:
    if _dtypes(node, node.inputs[:2]) in _LAPACK:
        lowering.routine(node, "least_squares.lstsq")
    else:
        lowering.python(node)
