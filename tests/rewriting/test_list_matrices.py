"""The list of optimisations, row by row: reductions, products, matrices and linear systems."""

from __future__ import annotations

import numpy as np
import pytest
from optimised_rows import A, B, C, Row, a, b, check_row, column, i, j, k, mask, row, rows, t, u, x, y

import theano
import theano.tensor as T
from theano.sandbox.linalg import psd
from theano.tensor import nlinalg as nl
from theano.tensor import slinalg as sl

REDUCTIONS = rows(
    Row("a sum of multiples by a number", lambda: (3.0 * x).sum(), "mul(3.0, Sum(x))"),
    Row("a sum of negatives", lambda: (-x).sum(), "neg(Sum(x))"),
    Row("all axes, said or not", lambda: [A.sum(axis=(0, 1)), A.sum()], "Sum(A); Sum(A)"),
    Row("a sum of a sum", lambda: t.sum(axis=2).sum(axis=0), "Sum{axis=[0, 2]}(t)"),
    Row("a maximum of a join",
        lambda: T.stack([a, b]).max() + T.concatenate([x.dimshuffle("x", 0), y.dimshuffle("x", 0)]).sum(axis=0),
        "add(DimShuffle{x}(maximum(a, b)), add(x, y))"),
    Row("a reduction over no axis", lambda: A.sum(axis=()), "A"),
    Row("a reduction of axes of length one", lambda: row.sum(axis=0), "DimShuffle{1}(row)"),
    Row("a sum of a repeated value", lambda: T.alloc(a, i, j).sum(),
        "checked(switch(eq(mul(i, j), 0), 0.0, mul(a, Cast{float64}(mul(i, j)))))"),
    Row("a product of a repeated value", lambda: T.alloc(a, 3).prod(), "mul(a, sqr(a))"),
    Row("an extreme of a repeated value", lambda: T.alloc(a, 3, 4).max(axis=1), "Alloc(a, 3)"),
    Row("a sum of squares of outer products",
        lambda: T.sqr(A.dimshuffle("x", 0, 1) * B.dimshuffle(0, "x", 1)).sum(axis=(1, 2)),
        "Sum{axis=[1]}(mul(Sum{axis=[1]}(sqr(DimShuffle{x,0,1}(A))), sqr(B)))"),
    Row("a maximum of an increasing function", lambda: T.exp(x).max(), "exp(Max(x))"),
    Row("minus the maximum of negatives", lambda: -T.max(-x), "Min(x)"),
    Row("the position of an extreme alone", lambda: T.max_and_argmax(x)[1], "Argmax(x)"),
    Row("an extreme without its position", lambda: T.max_and_argmax(x)[0], "Max(x)"),
    Row("a sum of a transpose", lambda: A.T.sum(), "Sum(A)"),
    Row("a sum of a reshape", lambda: A.reshape((-1,)).sum(), "Sum(A)"),
    Row("all and any of one", lambda: [T.all(T.stack([mask[0]])), T.any(T.stack([mask[1]]))],
        "Subtensor{0}(mask); Subtensor{1}(mask)"),
)  # fmt: skip


@REDUCTIONS
def test_reductions(row: Row) -> None:
    check_row(row)


PRODUCTS = rows(
    Row("a product with zero", lambda: T.dot(T.zeros((5, 5)), A), "checked(Alloc(0.0, 5, Shape_i{1}(A)))"),
    Row("a product of matrices is for BLAS", lambda: T.dot(A, B), "dot(A, B)"),
    Row("a product added", lambda: C + T.dot(A, B), "Gemm(C, 1.0, A, B, 1.0)"),
    Row("a multiple of a product added to a multiple", lambda: 0.5 * C + 2.0 * T.dot(A, B),
        "Gemm(C, 2.0, A, B, 0.5)"),
    Row("a product taken away", lambda: C - a * T.dot(A, B), "Gemm(C, neg(a), A, B, 1.0)"),
    Row("a matrix times a vector, added", lambda: y + a * T.dot(A, x), "Gemv(y, a, A, x, 1.0)"),
    Row("a product of one row, taken from each", lambda: [C - T.dot(row, B), x - T.dot(row, y)],
        "sub(C, dot(row, B)); sub(x, dot(row, y))"),
    Row("a product over one term", lambda: T.dot(column, row), "mul(column, row)"),
    Row("a stack times one matrix", lambda: T.batched_dot(t, T.alloc(A, 2, 5, 5)),
        "checked(checked(checked(Reshape{3}(dot(Reshape{2}(t, MakeVector{int64}(mul(2, Shape_i{1}(t)), "
        "5)), A), MakeVector{int64}(2, Shape_i{1}(t), 5)))))"),
    Row("a stack times a stack", lambda: T.matmul(t, u), "BatchedDot(t, u)"),
    Row("a stack times a matrix", lambda: T.matmul(t, A),
        "Reshape{3}(dot(Reshape{2}(t, MakeVector{int64}(mul(Shape_i{0}(t), Shape_i{1}(t)), "
        "Shape_i{0}(A))), A), MakeVector{int64}(Shape_i{0}(t), Shape_i{1}(t), Shape_i{1}(A)))"),
    Row("a product with a diagonal matrix", lambda: [T.dot(T.diag(x), A), T.dot(A, T.diag(x))],
        "mul(DimShuffle{0,x}(x), A); mul(DimShuffle{x,0}(x), A)"),
    Row("a product of diagonal matrices", lambda: T.dot(T.diag(x), T.diag(y)), "AllocDiag(mul(x, y))"),
    Row("a product with an identity", lambda: T.dot(A, T.eye(5)), "checked(A)"),
    Row("a product with rows of an identity", lambda: T.dot(T.eye(5)[k], A), "checked(AdvancedSubtensor1(A, k))"),
    Row("a product with columns of an identity", lambda: T.dot(A, T.eye(5)[:, k]),
        "checked(AdvancedSubtensor{::, array}(A, k))"),
    Row("an orthogonal matrix times its transpose", lambda: T.dot(nl.qr(A)[0].T, nl.qr(A)[0]),
        "Eye(minimum(Shape_i{0}(A), Shape_i{1}(A)), minimum(Shape_i{0}(A), Shape_i{1}(A)), 0)"),
    Row("products with one matrix, added", lambda: T.dot(A, x) + T.dot(A, y), "dot(A, add(x, y))"),
    Row("three matrices by a vector", lambda: T.dot(T.dot(A, B), x), "dot(A, dot(B, x))"),
    Row("a product of transposes", lambda: T.dot(A.T, B.T).T, "dot(B, A)"),
    Row("a product with an outer product", lambda: T.dot(A, T.outer(x, y)),
        "mul(DimShuffle{0,x}(dot(A, x)), DimShuffle{x,0}(y))"),
    Row("a diagonal matrix times a vector", lambda: T.dot(T.diag(x), y), "mul(x, y)"),
)  # fmt: skip


@PRODUCTS
def test_products(row: Row) -> None:
    check_row(row)


inv, det, solve, cholesky = nl.matrix_inverse, nl.det, sl.solve, sl.cholesky


def gram() -> object:
    """A positive definite matrix, by construction."""
    return T.dot(A, A.T) + T.eye(5)


MATRICES = rows(
    Row("hints are not computed", lambda: psd(gram()) * 2.0, "Gemm(Eye(5, 5, 0), 2.0, A, DimShuffle{1,0}(A), 2.0)"),
    Row("an inverse of a transpose times a vector", lambda: T.dot(inv(A.T), x),
        "Solve{A_structure=general, lower=False, trans=N, check_finite=False}(DimShuffle{1,0}(A), x)"),
    Row("an inverse times a vector", lambda: T.dot(inv(A), x),
        "Solve{A_structure=general, lower=False, trans=N, check_finite=False}(A, x)"),
    Row("a matrix times an inverse", lambda: T.dot(B, inv(A)),
        "DimShuffle{1,0}(Solve{A_structure=general, lower=False, trans=T, check_finite=False}(A, "
        "DimShuffle{1,0}(B)))"),
    Row("a system with a Cholesky factor", lambda: solve(cholesky(gram()), x),
        "Solve{A_structure=lower_triangular, trans=N, check_finite=True}(Cholesky(Gemm(Eye(5, 5, 0), 1.0, "
        "A, DimShuffle{1,0}(A), 1.0)), x)"),
    Row("a system with a triangle", lambda: solve(T.tril(A), x),
        "Solve{A_structure=lower_triangular, trans=N, "
        "check_finite=True}(switch(Tri{dtype=bool}(Shape_i{1}(A), Shape_i{1}(A), 0), A, 0.0), x)"),
    Row("a system with a symmetric matrix", lambda: solve(A + A.T, x),
        "Solve{A_structure=symmetric, trans=N, check_finite=True}(add(A, DimShuffle{1,0}(A)), x)"),
    Row("the transpose of something symmetric", lambda: T.dot(A, A.T).T, "dot(A, DimShuffle{1,0}(A))"),
    Row("a promised positive definite system", lambda: solve(psd(gram()), x),
        "Solve{A_structure=symmetric, trans=N, check_finite=True}(Gemm(Eye(5, 5, 0), 1.0, A, "
        "DimShuffle{1,0}(A), 1.0), x)"),
    Row("a determinant beside a factor", lambda: det(gram()) + cholesky(gram()).sum(),
        "add(sqr(Prod(ExtractDiag(Cholesky(Gemm(Eye(5, 5, 0), 1.0, A, DimShuffle{1,0}(A), 1.0))))), "
        "Sum(Cholesky(Gemm(Eye(5, 5, 0), 1.0, A, DimShuffle{1,0}(A), 1.0))))"),
    Row("a determinant of a triangle", lambda: det(T.tril(A)),
        "checked(checked(Prod(switch(ExtractDiag(Tri{dtype=bool}(Shape_i{1}(A), Shape_i{1}(A), 0)), "
        "ExtractDiag(A), 0.0))))"),
    Row("a determinant of an inverse", lambda: det(inv(A)), "inv(Det(A))"),
    Row("a determinant of a diagonal matrix", lambda: det(T.diag(x)), "Prod(x)"),
    Row("a determinant of a Kronecker product", lambda: det(sl.kron(gram(), T.dot(B, B.T))),
        "checked(mul(pow(Det(Gemm(Eye(5, 5, 0), 1.0, A, DimShuffle{1,0}(A), 1.0)), "
        "Cast{float64}(Shape_i{0}(B))), mul(Det(dot(B, DimShuffle{1,0}(B))), sqr(sqr(Det(dot(B, "
        "DimShuffle{1,0}(B))))))))"),
    Row("a determinant of a transpose", lambda: det(A.T), "Det(A)"),
    Row("the logarithm of a determinant", lambda: T.log(det(gram())),
        "switch(lt(SLogDet.0(Gemm(Eye(5, 5, 0), 1.0, A, DimShuffle{1,0}(A), 1.0)), 0.0), nan, "
        "SLogDet.1(Gemm(Eye(5, 5, 0), 1.0, A, DimShuffle{1,0}(A), 1.0)))"),
    Row("logarithm and sign of a determinant", lambda: [T.log(abs(det(A))), T.sgn(det(A))],
        "SLogDet.1(A); SLogDet.0(A)"),
    Row("a factor of a product of factors", lambda: cholesky(T.dot(cholesky(gram()), cholesky(gram()).T)),
        "Cholesky(Gemm(Eye(5, 5, 0), 1.0, A, DimShuffle{1,0}(A), 1.0))"),
    Row("Cholesky of a diagonal matrix", lambda: cholesky(T.diag(T.exp(x) + 1)), "AllocDiag(sqrt(add(exp(x), 1)))"),
    Row("eigenvalues of a diagonal matrix", lambda: sl.eigvalsh(T.diag(x), None), "SortOp{quicksort}(x, 0)"),
    Row("eigenvalues with vectors of a diagonal matrix, vectors unused", lambda: nl.eigh(T.diag(x))[0],
        "SortOp{quicksort}(x, 0)"),
    Row("singular values of a diagonal matrix", lambda: nl.svd(T.diag(x), compute_uv=False),
        "Subtensor{::-1}(SortOp{quicksort}(abs_(x), 0))"),
    Row("singular values with unused vectors", lambda: nl.svd(A)[1], "SVD{compute_uv=False}(A)"),
    Row("eigenvalues with unused vectors", lambda: nl.eigh(A + A.T)[0],
        "Eigvalsh{check_finite=False}(add(A, DimShuffle{1,0}(A)))"),
    Row("QR of a diagonal matrix", lambda: list(nl.qr(T.diag(x))),
        "Eye(Shape_i{0}(x), Shape_i{0}(x), 0); AllocDiag(x)"),
    Row("eigenvectors of a diagonal matrix", lambda: nl.eigh(T.diag(x)),
        "AdvancedSubtensor1(x, ArgSortOp{stable}(x, 0)); "
        "DimShuffle{1,0}(AdvancedSubtensor1(Eye(Shape_i{0}(x), Shape_i{0}(x), 0), ArgSortOp{stable}(x, 0)))"),
    Row("r of QR alone", lambda: nl.qr(A)[1], "QRIncomplete{mode=r}(A)"),
    Row("LU of a diagonal matrix", lambda: list(sl.lu(T.diag(x))),
        "Eye(Shape_i{0}(x), Shape_i{0}(x), 0); Eye(Shape_i{0}(x), Shape_i{0}(x), 0); AllocDiag(x)"),
    Row("the exponential of a diagonal matrix", lambda: sl.expm(T.diag(x)), "AllocDiag(exp(x))"),
    Row("one SVD with and without vectors", lambda: [nl.svd(A)[0], nl.svd(A, compute_uv=False)],
        "SVD{compute_uv=True}.0(A); SVD{compute_uv=True}.1(A)"),
    Row("an inverse of an inverse", lambda: inv(inv(A)), "checked(A)"),
    Row("an inverse of something orthogonal", lambda: inv(nl.eigh(gram())[1]),
        "DimShuffle{1,0}(Eigh.1(Gemm(Eye(5, 5, 0), 1.0, A, DimShuffle{1,0}(A), 1.0)))"),
    Row("an inverse of a diagonal matrix", lambda: inv(T.diag(x)),
        "Solve{A_structure=diagonal, lower=False, trans=N, check_finite=False}(AllocDiag(x), "
        "Eye(Shape_i{0}(x), Shape_i{0}(x), 0))"),
    Row("an inverse of a Kronecker product", lambda: inv(sl.kron(gram(), T.dot(B, B.T) + T.eye(5))),
        "Reshape{2}(mul(DimShuffle{0,x,1,x}(MatrixInverse(Gemm(Eye(5, 5, 0), 1.0, A, DimShuffle{1,0}(A), "
        "1.0))), DimShuffle{x,0,x,1}(MatrixInverse(Gemm(Eye(5, 5, 0), 1.0, B, DimShuffle{1,0}(B), 1.0)))), "
        "[25, 25])"),
    Row("a system with a diagonal matrix", lambda: solve(T.diag(x), y),
        "Solve{A_structure=diagonal, lower=False, trans=N, check_finite=True}(AllocDiag(x), y)"),
    Row("a system with an orthogonal matrix", lambda: solve(nl.eigh(gram())[1], x),
        "dot(DimShuffle{1,0}(Eigh.1(Gemm(Eye(5, 5, 0), 1.0, A, DimShuffle{1,0}(A), 1.0))), x)"),
    Row("a system with an inverse", lambda: solve(inv(A), x), "checked(dot(A, x))"),
    Row("one factorisation for two systems", lambda: [solve(A, x), solve(A, y)],
        "LUSolve{trans=N, check_finite=True}(LUFactor.0(A), LUFactor.1(A), x); LUSolve{trans=N, "
        "check_finite=True}(LUFactor.0(A), LUFactor.1(A), y)"),
    Row("a diagonal of a Kronecker product", lambda: T.diag(sl.kron(gram(), T.dot(B, B.T))),
        "Reshape{1}(mul(DimShuffle{0,x}(checked(add(Sum{axis=[1]}(sqr(A)), 1.0))), "
        "DimShuffle{x,0}(Sum{axis=[1]}(sqr(B)))), MakeVector{int64}(mul(5, Shape_i{0}(B))))"),
    Row("a Kronecker product of diagonal matrices", lambda: sl.kron(T.diag(x), T.diag(y)),
        "AllocDiag(Reshape{1}(mul(DimShuffle{0,x}(x), DimShuffle{x,0}(y)), "
        "MakeVector{int64}(mul(Shape_i{0}(x), Shape_i{0}(y)))))"),
    Row("a trace of a Kronecker product", lambda: nl.trace(sl.kron(gram(), T.dot(B, B.T))),
        "DimShuffle{}(Sum{axis=[1]}(mul(DimShuffle{x,x}(Sum(checked(add(Sum{axis=[1]}(sqr(A)), 1.0)))), "
        "DimShuffle{x,0}(Sum{axis=[1]}(sqr(B))))))"),
    Row("an inverse of an identity", lambda: inv(T.eye(5)) * a, "mul(Eye(5, 5, 0), DimShuffle{x,x}(a))"),
    Row("a trace of a transpose", lambda: nl.trace(A.T), "Sum(ExtractDiag(A))"),
)  # fmt: skip


@MATRICES
def test_matrices(row: Row) -> None:
    check_row(row)


# What stays as it is written: factors inside of sums keep them from overflowing and cost nothing in their loop;
# products, views and triangular systems are what is wanted; which singular vectors have minus signs is LAPACK's to say.
STAYS = rows(
    Row("a sum of multiples by a scalar", lambda: (a * x).sum(), "Sum(mul(DimShuffle{x}(a), x))"),
    Row("a sum of quotients by a number", lambda: (x / 3.0).sum(), "Sum(true_div(x, 3.0))"),
    Row("a product of multiples", lambda: (2.0 * x).prod(), "Prod(mul(2.0, x))"),
    Row("a sum of quotients by what is alike along the axis", lambda: (A / x.dimshuffle(0, "x")).sum(axis=1),
        "Sum{axis=[1]}(true_div(A, DimShuffle{0,x}(x)))"),
    Row("a sum of products by what is alike along the axis", lambda: (A * x.dimshuffle(0, "x")).sum(axis=1),
        "Sum{axis=[1]}(mul(A, DimShuffle{0,x}(x)))"),
    Row("a multiple of a product", lambda: 2.0 * T.dot(A, B), "mul(2.0, dot(A, B))"),
    Row("an outer product added", lambda: A + a * T.outer(x, y),
        "add(A, mul(DimShuffle{x,x}(a), mul(DimShuffle{0,x}(x), DimShuffle{x,0}(y))))"),
    Row("a row times a column", lambda: T.dot(row, column), "dot(row, column)"),
    Row("a transposed inverse", lambda: inv(A).T, "DimShuffle{1,0}(MatrixInverse(A))"),
    Row("two triangular systems",
        lambda: sl.solve_triangular(cholesky(gram()).T, sl.solve_triangular(cholesky(gram()), x, lower=True)),
        "SolveTriangular{lower=False, trans=N}(DimShuffle{1,0}(Cholesky(Gemm(Eye(5, 5, 0), 1.0, A, "
        "DimShuffle{1,0}(A), 1.0))), SolveTriangular{trans=N}(Cholesky(Gemm(Eye(5, 5, 0), 1.0, A, "
        "DimShuffle{1,0}(A), 1.0)), x))"),
    Row("singular vectors of a diagonal matrix", lambda: nl.svd(T.diag(x)),
        "SVD{compute_uv=True}.0(AllocDiag(x)); SVD{compute_uv=True}.1(AllocDiag(x)); "
        "SVD{compute_uv=True}.2(AllocDiag(x))"),
)  # fmt: skip


@STAYS
def test_what_stays_as_written(row: Row) -> None:
    check_row(row)


def test_eigenvalues_alone_of_nan_are_nan_as_with_vectors() -> None:
    for mode in (None, "py"):
        function = theano.function([A], nl.eigh(A)[0], mode=None if mode is None else theano.Mode(mode, "fast_run"))
        assert np.isnan(function(np.full((2, 2), np.nan))).all()
    with pytest.raises(ValueError, match="NaN or inf"):
        theano.function([A], sl.eigvalsh(A, None))(np.full((2, 2), np.nan))


def test_a_diagonal_of_one_number_that_the_type_does_not_tell() -> None:
    """The rule declines: what it would give for one of the two results is known to have length one."""
    number = T.TensorType("float64", (True,))("number")
    results = list(nl.qr(T.diag(T.unbroadcast(number, 0))))
    for mode in (None, "reference"):
        q, r = theano.function([number], results, mode=mode)([-2.0])
        np.testing.assert_allclose(np.dot(q, r), [[-2.0]])
