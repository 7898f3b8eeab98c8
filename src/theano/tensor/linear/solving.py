"""Linear systems: SolveTriangular, Solve (by the structure of the matrix), and what is made of them.

Stacks are solved matrix by matrix; matrix and right-hand side have the same axes in front, nothing is broadcast.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from theano.graph.node import Apply
from theano.graph.op import Op
from theano.scalar.dtypes import complex_dtypes
from theano.tensor.linear.matrices import (
    adjoint,
    as_numbers,
    diagonal_part,
    of_symmetric_triangle,
    of_triangle,
    require_finite,
    require_square,
    result,
    side,
    square_input,
    triangle,
    without_diagonal,
)
from theano.tensor.linear.scipy_linalg import lapack, scipy_linalg
from theano.tensor.products import conjugated, differ, gradient_term, matmul, outer, same_dtype

_TRANS = {0: "N", 1: "T", 2: "C", "N": "N", "T": "T", "C": "C"}   # False is 0, True is 1


def trans_letter(name: str, trans: Any) -> str:
    """"N", "T" or "C" from what SciPy takes: 0, 1, 2 or a letter."""
    try:
        return _TRANS[trans]
    except (KeyError, TypeError):
        raise ValueError(f"{name}: trans must be 0 or 'N', 1 or 'T', 2 or 'C', got {trans!r}") from None


def _operands(name: str, a: Any, b: Any) -> tuple[Any, Any, Any]:
    """a, b and the static shape of the solution."""
    a = square_input(name, a)
    a, b = same_dtype(name, a, as_numbers(name, b))
    if b.ndim != a.ndim and not (a.ndim == 2 and b.ndim == 1):
        raise LinAlgError(
            f"{name}: the right-hand side of a {'matrix' if a.ndim == 2 else f'stack with {a.ndim} axes'} must have "
            f"{'1 or 2' if a.ndim == 2 else a.ndim} axes, got {b} of type {b.type}"
        )
    batch, n = a.type.shape[:-2], side(a)
    axis = 0 if b.ndim == 1 else b.ndim - 2
    theirs = list(b.type.shape)
    for k, length in [*enumerate(batch), (axis, n)]:
        if differ(length, theirs[k]):
            raise LinAlgError(f"{name}: {a} of type {a.type} and {b} of type {b.type} do not fit along axis {k}")
        if theirs[k] is None:
            theirs[k] = length
    return a, b, tuple(theirs)


def check_system(name: str, a: np.ndarray, b: np.ndarray) -> None:
    """LinAlgError unless a is square and b has as many rows."""
    require_square(name, a)
    if a.shape[:-1] != (b.shape if b.ndim == 1 else b.shape[:-1]):
        raise LinAlgError(f"{name}: a matrix of shape {a.shape} and a right-hand side of shape {b.shape} do not fit")


def singular_system(a: np.ndarray) -> LinAlgError:
    return LinAlgError(f"solve: the matrix of shape {a.shape} is singular; lstsq and pinv take singular matrices")


def _term_of_matrix(x: Any, by_b: Any, trans: str) -> Any:
    """The gradient by the matrix, from the solution and the gradient by the right-hand side."""
    if trans == "T":
        x, by_b = conjugated(by_b), conjugated(x)
    elif trans == "C":
        x, by_b = by_b, x
    return -outer(by_b, conjugated(x)) if x.ndim == 1 else -matmul(by_b, adjoint(x))


def _solve_triangle(a: np.ndarray, b: np.ndarray, lower: bool, trans: str, unit: bool) -> np.ndarray:
    """The solution of one triangular system; a zero on the diagonal gives inf or NaN."""
    blas = scipy_linalg().blas
    trsm = blas.get_blas_funcs("trsm", (a, b))
    kind = {"N": 0, "T": 1, "C": 2}[trans]
    if a.flags.c_contiguous and kind != 2:
        a, lower, kind = a.T, not lower, 1 - kind   # the same matrix in Fortran's order, so that it is not copied
    columns = b[:, None] if b.ndim == 1 else b
    x = trsm(1, a, columns, lower=lower, trans_a=kind, diag=unit)
    return np.ascontiguousarray(x[:, 0] if b.ndim == 1 else x)


class SolveTriangular(Op):
    """x with op(a) x = b, of triangular a: only that triangle is read.

    lower           the triangle
    trans           op: 0 or "N" none, 1 or "T" transposed, 2 or "C" conjugate transposed
    unit_diagonal   the diagonal counts as ones
    checked         LinAlgError for a zero on the diagonal, ValueError for NaN and inf; else they show in the result
    """

    __props__ = ("lower", "trans", "unit_diagonal", "checked")

    def __init__(self, lower: bool = True, trans: Any = 0, unit_diagonal: bool = False, checked: bool = True) -> None:
        self.lower = bool(lower)
        self.trans = trans_letter("solve_triangular", trans)
        self.unit_diagonal = bool(unit_diagonal)
        self.checked = bool(checked)

    def make_node(self, a: Any, b: Any) -> Apply:
        a, b, shape = _operands("solve_triangular", a, b)
        return Apply(self, [a, b], [result(b.dtype, shape)])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        a, b = inputs
        check_system("solve_triangular", a, b)
        if self.checked:
            require_finite("solve_triangular", a, b)
        if self.checked and not self.unit_diagonal:
            zeros = np.argwhere(np.diagonal(a, 0, -2, -1) == 0)
            if len(zeros):
                raise LinAlgError(
                    f"solve_triangular: the matrix of shape {a.shape} is singular: element {int(zeros[0][-1])} of the "
                    "diagonal is zero"
                )
        x = np.empty(b.shape, b.dtype)
        if b.size:
            for k in np.ndindex(a.shape[:-2]):
                x[k] = _solve_triangle(a[k], b[k], self.lower, self.trans, self.unit_diagonal)
        output_storage[0][0] = x

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [tuple(input_shapes[1])]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (a, b), (x,), (g,) = inputs, outputs, output_gradients
        trans = {"N": "C" if a.dtype in complex_dtypes else "T", "T": "N", "C": "N"}[self.trans]
        matrix = conjugated(a) if self.trans == "T" else a
        by_b = SolveTriangular(self.lower, trans, self.unit_diagonal, checked=False)(matrix, g)
        by_a = triangle(_term_of_matrix(x, by_b, self.trans), self.lower)
        if self.unit_diagonal:
            by_a = without_diagonal(by_a)
        return [gradient_term(a, by_a), gradient_term(b, by_b)]


MATRIX_STRUCTURES = (
    "general", "symmetric", "hermitian", "positive_definite", "lower_triangular", "upper_triangular", "diagonal",
    "banded", "toeplitz",
)  # fmt: skip
_ASSUMED = {
    "gen": "general", "sym": "symmetric", "her": "hermitian", "pos": "positive_definite", "diagonal": "diagonal",
    "lower triangular": "lower_triangular", "upper triangular": "upper_triangular",
}  # fmt: skip


class Solve(Op):
    """x with op(A) x = b. LinAlgError if A is singular, or not positive definite where that is assumed.

    A_structure   what A is (MATRIX_STRUCTURES); a promise, not checked, which decides the routine. Of a triangular,
                  symmetric, Hermitian or positive definite matrix only one triangle is read, of a diagonal one the
                  diagonal: the gradient is by these elements. "banded" and "toeplitz" are solved as "general"
    lower         the triangle that is read of a symmetric, Hermitian or positive definite matrix
    trans         op: 0 or "N" none, 1 or "T" transposed, 2 or "C" conjugate transposed
    overwrite_*   accepted for compatibility: inputs are never overwritten
    check_finite  ValueError for NaN and inf

    A call may give `assume_a` (SciPy's names), `lower` and `trans` for this one system.

    >>> from theano.tensor import dmatrix, dvector
    >>> a, b = dmatrix("a"), dvector("b")
    >>> Solve()(a, b).eval({a: [[2.0, 0.0], [0.0, 4.0]], b: [2.0, 8.0]}).tolist()
    [1.0, 2.0]
    """

    __props__ = ("A_structure", "lower", "trans", "check_finite")

    def __init__(
        self,
        A_structure: str = "general",
        lower: bool = False,
        overwrite_A: bool = False,
        overwrite_b: bool = False,
        trans: Any = 0,
        check_finite: bool = True,
    ) -> None:
        if A_structure not in MATRIX_STRUCTURES:
            raise ValueError(f"Solve: A_structure must be one of {', '.join(MATRIX_STRUCTURES)}, got {A_structure!r}")
        self.A_structure = A_structure
        # a triangular structure says by itself which triangle is read
        self.lower = A_structure == "lower_triangular" or (bool(lower) and A_structure != "upper_triangular")
        self.trans = trans_letter("Solve", trans)
        self.check_finite = bool(check_finite)

    def _variant(self, assume_a: str | None, lower: Any, trans: Any) -> Solve:
        structure = self.A_structure if assume_a is None else _ASSUMED.get(assume_a, assume_a)
        return Solve(
            structure, self.lower if lower is None else lower, trans=self.trans if trans is None else trans,
            check_finite=self.check_finite,
        )  # fmt: skip

    def make_node(
        self, a: Any, b: Any, assume_a: str | None = None, lower: bool | None = None, trans: Any = None
    ) -> Apply:
        a, b, shape = _operands("solve", a, b)
        return Apply(self._variant(assume_a, lower, trans), [a, b], [result(b.dtype, shape)])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        a, b = inputs
        check_system("solve", a, b)
        op: Any = node.op
        if op.check_finite:
            require_finite("solve", a, b)
        x = np.empty(b.shape, b.dtype)
        if b.size:
            for k in np.ndindex(a.shape[:-2]):
                x[k] = op._solved(a[k], b[k])
        output_storage[0][0] = x

    def _solved(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        structure = self.A_structure
        if structure in ("lower_triangular", "upper_triangular", "diagonal"):
            if not np.all(np.diagonal(a)):
                raise singular_system(a)
            if structure == "diagonal":
                d = np.diagonal(a).conj() if self.trans == "C" else np.diagonal(a)
                return b / (d if b.ndim == 1 else d[:, None])
            return _solve_triangle(a, b, structure == "lower_triangular", self.trans, False)
        if structure in ("symmetric", "hermitian", "positive_definite"):
            return self._half_read(a, b)
        if self.trans != "N":
            a = a.T if self.trans == "T" else a.T.conj()
        try:
            return np.linalg.solve(a, b)
        except LinAlgError:
            raise singular_system(a) from None

    def _half_read(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Symmetric and Hermitian matrices by Cholesky if they turn out to be positive definite."""
        is_complex = np.iscomplexobj(a)
        structure = "symmetric" if self.A_structure == "hermitian" and not is_complex else self.A_structure
        # op(A) of a symmetric (Hermitian) A is A or its conjugate
        conjugate = is_complex and self.trans == ("C" if structure == "symmetric" else "T")
        columns = b[:, None] if b.ndim == 1 else b
        if conjugate:
            columns = columns.conj()
        x: Any = None
        info = 1
        if structure == "positive_definite" or self._may_be_definite(a, structure):
            _, x, info = self._call("posv", a, columns)
        if info > 0 and structure == "positive_definite":
            raise LinAlgError(
                f"solve: the matrix of shape {a.shape} is not positive definite (its leading minor of order {info} "
                "is not); assume_a='sym' takes indefinite matrices"
            )
        if info > 0:
            *_, x, info = self._call("sysv" if structure == "symmetric" else "hesv", a, columns)
        if info > 0:
            raise singular_system(a)
        x = x.conj() if conjugate else x
        return x[:, 0] if b.ndim == 1 else x

    def _call(self, routine: str, a: np.ndarray, columns: np.ndarray) -> Any:
        return lapack().get_lapack_funcs(routine, (a, columns))(a, columns, lower=self.lower)

    @staticmethod
    def _may_be_definite(a: np.ndarray, structure: str) -> bool:
        """Is the diagonal positive, of a matrix of which a Cholesky factor would be one?"""
        if np.iscomplexobj(a) and structure == "symmetric":
            return False
        return bool(np.all(np.diagonal(a).real > 0))

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [tuple(input_shapes[1])]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (a, b), (x,), (g,) = inputs, outputs, output_gradients
        is_complex = a.dtype in complex_dtypes
        trans = {"N": "C" if is_complex else "T", "T": "N", "C": "N"}[self.trans]
        # the matrix has been checked; a gradient may be NaN
        solve = Solve(self.A_structure, self.lower, trans=trans, check_finite=False)
        by_b = solve(conjugated(a) if self.trans == "T" else a, g)
        by_a = self._of_read_elements(_term_of_matrix(x, by_b, self.trans), is_complex)
        return [gradient_term(a, by_a), gradient_term(b, by_b)]

    def _of_read_elements(self, by_a: Any, is_complex: bool) -> Any:
        structure = self.A_structure
        if structure in ("lower_triangular", "upper_triangular"):
            return triangle(by_a, structure == "lower_triangular")
        if structure == "diagonal":
            return diagonal_part(by_a)
        if structure == "symmetric" and is_complex:
            return of_symmetric_triangle(by_a, self.lower)
        if structure in ("symmetric", "hermitian", "positive_definite"):
            return of_triangle(by_a, self.lower)
        return by_a


def solve_triangular(a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False) -> Any:
    """x with op(a) x = b for triangular a, as scipy.linalg.solve_triangular: see `SolveTriangular`.

    >>> from theano.tensor import dmatrix, dvector
    >>> a, b = dmatrix("a"), dvector("b")
    >>> solve_triangular(a, b, lower=True).eval({a: [[2.0, 9.0], [1.0, 1.0]], b: [2.0, 3.0]}).tolist()
    [1.0, 2.0]
    """
    return SolveTriangular(lower, trans, unit_diagonal)(a, b)


def cholesky_solve(factor: Any, b: Any, lower: bool = True) -> Any:
    """x with A x = b, of the Cholesky factor of A: L with A = L L^H (lower), or U with A = U^H U."""
    first, second = (0, 2) if lower else (2, 0)
    return SolveTriangular(lower, second)(factor, SolveTriangular(lower, first)(factor, b))


def cho_solve(c_and_lower: tuple[Any, bool], b: Any) -> Any:
    """`cholesky_solve` with the arguments of scipy.linalg.cho_solve: (factor, lower) and b."""
    factor, lower = c_and_lower
    return cholesky_solve(factor, b, lower)
