"""The list of optimisations, row by row: indices, writes, joins, splits and what else arranges elements."""

from __future__ import annotations

from optimised_rows import (
    A,
    B,
    Row,
    a,
    b,
    c,
    check_row,
    column,
    i,
    j,
    k,
    row,
    rows,
    square,
    x,
    x3,
    x4,
    y,
    z,
)

import theano.tensor as T

READS = rows(
    Row("a whole slice beside an index", lambda: A[0, :], "Subtensor{0}(A)"),
    Row("a whole slice", lambda: A[:, ::1], "A"),
    Row("a slice as long as the axis", lambda: x[0 : x.shape[0]], "x"),
    Row("all positions as an array", lambda: x[T.arange(x.shape[0])], "x"),
    Row("a slice of a slice", lambda: x[1:][1:3], "Subtensor{2:4:}(x)"),
    Row("an element of a slice", lambda: x[1:][2], "Subtensor{3}(x)"),
    Row("a slice of a slice by variables", lambda: A[i:][:, j:], "Subtensor{int64::, int64::}(A, i, j)"),
    Row("an element of an elementwise op", lambda: T.exp(x)[3], "exp(Subtensor{3}(x))"),
    Row("a part of a sum", lambda: (A + B * a)[1:3],
        "checked(add(Subtensor{1:3:}(A), mul(Subtensor{1:3:}(B), DimShuffle{x,x}(a))))"),
    Row("a row of a product", lambda: T.dot(A, B)[i], "dot(Subtensor{int64}(A, i), B)"),
    Row("an element of a product", lambda: T.dot(A, B)[i, j],
        "dot(Subtensor{int64}(A, i), Subtensor{::, int64}(B, j))"),
    Row("a part of a product", lambda: T.dot(A, B)[1:3, 2:], "dot(Subtensor{1:3:}(A), Subtensor{::, 2::}(B))"),
    Row("chosen elements of a product", lambda: T.dot(A, B)[T.constant([0, 1]), T.constant([2, 3])],
        "Sum{axis=[1]}(mul(AdvancedSubtensor1(A, [0, 1]), AdvancedSubtensor1(DimShuffle{1,0}(B), [2, 3])))"),
    Row("a part of an allocation", lambda: T.alloc(x, i, x.shape[0])[0, 1:], "checked(checked(Subtensor{1::}(x)))"),
    Row("an element of a sum along an axis", lambda: A.sum(axis=1)[2], "Sum(Subtensor{2}(A))"),
    Row("a row of a softmax of rows", lambda: T.nnet.softmax(A)[1:3],
        "Softmax{axis=(1,)}(Subtensor{1:3:}(A))", without="fusion"),
    Row("a part of a transpose", lambda: A.T[1], "Subtensor{::, 1}(A)"),
    Row("a part of a new axis", lambda: x.dimshuffle("x", 0)[0], "x"),
    Row("a part of a join", lambda: T.concatenate([x4, y])[1:3], "Subtensor{1:3:}(x4)"),
    Row("an element of a join along the other axis", lambda: T.concatenate([A, B], axis=1)[2],
        "checked(Join(0, Subtensor{2}(A), Subtensor{2}(B)))"),
    Row("columns of chosen rows", lambda: A[k][:, 1], "AdvancedSubtensor1(Subtensor{::, 1}(A), k)"),
    Row("a part of a stated shape", lambda: T.specify_shape(A, (5, 5))[1], "Subtensor{1}(SpecifyShape(A, [5, 5]))"),
    Row("elements of a vector of scalars", lambda: [T.stack([a, b, c])[1], T.stack([a, b, c])[0:2]],
        "b; MakeVector{float64}(a, b)"),
    Row("an index of an axis of length one", lambda: [row[0], column[:, 0]],
        "DimShuffle{1}(row); DimShuffle{0}(column)"),
    Row("chosen positions in a row", lambda: x4[T.arange(3) + 1], "Subtensor{1:4:}(x4)"),
    Row("positions on a diagonal", lambda: square[T.arange(4), T.arange(4)], "ExtractDiag(square)"),
    Row("a sum of what a mask chooses", lambda: x[x > 1].sum(), "Sum(switch(gt(x, 1), x, 0.0))"),
    Row("a diagonal of a diagonal matrix", lambda: T.diag(T.diag(x)), "x"),
    Row("a diagonal of a transpose", lambda: T.diag(A.T), "ExtractDiag(A)"),
    Row("a diagonal of an elementwise op", lambda: T.diag(T.exp(A) + B),
        "checked(add(exp(ExtractDiag(A)), ExtractDiag(B)))"),
    Row("a diagonal of a product", lambda: T.diag(T.dot(A, B)),
        "Sum{axis=[1]}(mul(Subtensor{:int64:}(A, minimum(Shape_i{0}(A), Shape_i{1}(B))), "
        "DimShuffle{1,0}(Subtensor{::, :int64:}(B, minimum(Shape_i{0}(A), Shape_i{1}(B))))))"),
    Row("a diagonal of an identity", lambda: T.diag(T.eye(5)) + x, "add([1.0, 1.0, 1.0, 1.0, 1.0], x)"),
    Row("a trace of a product", lambda: T.nlinalg.trace(T.dot(A, B)),
        "Sum(mul(Subtensor{:int64:}(A, minimum(Shape_i{0}(A), Shape_i{1}(B))), "
        "DimShuffle{1,0}(Subtensor{::, :int64:}(B, minimum(Shape_i{0}(A), Shape_i{1}(B))))))"),
    Row("a double reversal", lambda: x[::-1][::-1], "x"),
)  # fmt: skip


@READS
def test_reads(row: Row) -> None:
    check_row(row)


set_, inc = T.set_subtensor, T.inc_subtensor
WRITES = rows(
    Row("what was written is read", lambda: set_(x4[1:3], x3[:2])[1:3], "checked(Subtensor{:2:}(x3))"),
    Row("what was added is read", lambda: inc(x4[1:3], x3[:2])[1:3],
        "checked(add(Subtensor{1:3:}(x4), Subtensor{:2:}(x3)))"),
    Row("what was written elsewhere is read", lambda: set_(x[3:], 0.0)[1], "Subtensor{1}(x)"),
    Row("rows written are read", lambda: set_(A[T.constant([0, 2])], 0.0)[T.constant([1, 3])],
        "AdvancedSubtensor1(A, [1, 3])"),
    Row("rows that were set are read again", lambda: set_(A[T.constant([2, 0])], B[:2])[T.constant([2, 0])],
        "checked(checked(checked(Subtensor{:2:}(B))))"),
    Row("set after set", lambda: set_(set_(x[1:3], a)[1:3], b), "IncSubtensor{Set;1:3:}(x, DimShuffle{x}(b))"),
    Row("increment after increment", lambda: inc(inc(x[1:3], a)[1:3], b),
        "IncSubtensor{Inc;1:3:}(x, DimShuffle{x}(add(a, b)))"),
    Row("increment after set", lambda: inc(set_(x[1:3], a)[1:3], b),
        "IncSubtensor{Set;1:3:}(x, DimShuffle{x}(add(a, b)))"),
    Row("everything is set", lambda: set_(x[:], y), "checked(y)"),
    Row("everything is incremented", lambda: inc(x[:], y), "add(x, y)"),
    Row("zeros incremented everywhere", lambda: inc(T.zeros_like(x)[:], y), "checked(y)"),
    Row("a part set to its sum with something", lambda: set_(x[1], x[1] + a), "IncSubtensor{Inc;1}(x, a)"),
    Row("something that is mostly zero is added", lambda: x + set_(T.zeros_like(x)[2], a),
        "IncSubtensor{Inc;2}(x, a)"),
    Row("an increment by zero", lambda: inc(x[1:3], 0.0), "x"),
    Row("an increment of zeros", lambda: inc(T.zeros((5,))[1:3], y[:2]),
        "IncSubtensor{Set;1:3:}([0.0, 0.0, 0.0, 0.0, 0.0], Subtensor{:2:}(y))"),
    Row("constants written over themselves", lambda: set_(T.constant([1.0, 2.0, 3.0])[1], 2.0) * a,
        "mul([1.0, 2.0, 3.0], DimShuffle{x}(a))"),
    Row("what is there is written", lambda: set_(x[1:3], x[1:3]), "checked(x)"),
    Row("an allocation is written", lambda: set_(A[1], T.alloc(a, 5)),
        "checked(IncSubtensor{Set;1}(A, DimShuffle{x}(a)))"),
    Row("a gradient of a gather, added", lambda: x + inc(T.zeros_like(x)[k], y[:3]),
        "AdvancedIncSubtensor1{inc}(x, Subtensor{:3:}(y), k)"),
    Row("a masked write", lambda: set_(x[x > 1], 0.0), "switch(gt(x, 1), 0.0, x)"),
    Row("a write to a range of positions", lambda: set_(x4[T.arange(2) + 1], y[:2]),
        "checked(IncSubtensor{Set;1:3:}(x4, Subtensor{:2:}(y)))"),
)  # fmt: skip


@WRITES
def test_writes(row: Row) -> None:
    check_row(row)


JOINS = rows(
    Row("a join of one", lambda: T.join(0, x), "x"),
    Row("a join with nothing", lambda: T.concatenate([x, T.zeros((0,))]), "x"),
    Row("a join of vectors of scalars", lambda: T.concatenate([T.stack([a, b]), T.stack([c])]),
        "MakeVector{float64}(a, b, c)"),
    Row("a join of equal parts", lambda: T.concatenate([x, x, x]),
        "Reshape{1}(Alloc(x, 3, Shape_i{0}(x)), MakeVector{int64}(mul(Shape_i{0}(x), 3)))"),
    Row("a join of allocations", lambda: T.concatenate([T.alloc(a, i), T.alloc(a, j)]),
        "checked(checked(Alloc(a, add(i, j))))"),
    Row("a join of slices that follow", lambda: T.concatenate([x4[:3], x4[3:4]]), "x4"),
    Row("a sum of a vector of scalars", lambda: T.stack([a, b, c]).sum(), "add(a, b, c)"),
    Row("an extreme of a vector of scalars", lambda: T.stack([a, b, c]).max(), "maximum(maximum(a, b), c)"),
    Row("a tile of one", lambda: T.tile(x, 1), "x"),
    Row("a split into one", lambda: T.split(x4, [4], 1), "x4"),
    Row("a split of a join", lambda: T.split(T.concatenate([x4, x4 * 2]), [4, 4], 2), "x4; mul(x4, 2)"),
    Row("the largest without positions", lambda: T.topk(x, 2),
        "TopKOp{return_values=True, return_indices=False}(x, 2)"),
    Row("positions of the largest alone", lambda: T.argtopk(x, 2),
        "TopKOp{return_values=False, return_indices=True}(x, 2)"),
    Row("distinct elements of a repeated value", lambda: T.extra_ops.Unique()(T.alloc(a, 3)), "Unique(a)"),
    Row("distinct elements of a sorted vector", lambda: T.extra_ops.Unique()(T.sort(x)), "Unique(x)"),
    Row("sorted twice", lambda: T.sort(T.sort(x)), "SortOp{quicksort}(x, -1)"),
    Row("a join of joins", lambda: T.concatenate([T.concatenate([x, y]), z]), "Join(0, x, y, z)"),
    Row("a sum of a join", lambda: T.concatenate([x, y]).sum(), "add(Sum(x), Sum(y))"),
    Row("products by letters in the best order", lambda: T.einsum("ij,jk,k->i", A, B, x), "dot(A, dot(B, x))"),
)  # fmt: skip


@JOINS
def test_joins(row: Row) -> None:
    check_row(row)


# What stays as it is written: views cost nothing; arrays of positions may be longer than what they choose from.
STAYS = rows(
    Row("a step of steps", lambda: x[::2][::-1], "Subtensor{::-1}(Subtensor{::2}(x))"),
    Row("an element of a slice by a variable", lambda: x[i:][2], "Subtensor{2}(Subtensor{int64::}(x, i))"),
    Row("chosen rows of a product", lambda: T.dot(A, B)[k], "AdvancedSubtensor1(dot(A, B), k)"),
    Row("negative positions", lambda: x4[-1] + x4[T.constant([-1, -2])].sum(),
        "add(Subtensor{-1}(x4), Sum(AdvancedSubtensor1(x4, [-1, -2])))"),
    Row("a gather of a gather", lambda: x[k][T.constant([0, 2])],
        "AdvancedSubtensor1(AdvancedSubtensor1(x, k), [0, 2])"),
    Row("a choice of elements of elementwise ops", lambda: T.exp(x)[k], "AdvancedSubtensor1(exp(x), k)"),
)  # fmt: skip


@STAYS
def test_what_stays_as_written(row: Row) -> None:
    check_row(row)
