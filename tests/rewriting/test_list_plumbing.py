"""The list of optimisations, row by row: whole graphs, fills and allocations, casts, views, comparisons, shapes."""

from __future__ import annotations

from optimised_rows import A, B, Row, a, b, check_row, f, i, j, mask, n, row, rows, t, x, y, z

import theano
import theano.tensor as T
from theano.tensor.shape import specify_shape

WHOLE_GRAPHS = rows(
    Row("equal nodes are one", lambda: [T.exp(x) + T.exp(x), T.exp(x)], "add(exp(x), exp(x)); exp(x)"),
    Row("equal constants are one", lambda: T.exp(x) * T.constant(2.5) + T.sin(y) * T.constant(2.5),
        "add(mul(exp(x), 2.5), mul(sin(y), 2.5))"),
    Row("what depends on constants is computed at once",
        lambda: x + T.exp(T.constant([1.0, 2.0, 3.0, 4.0, 5.0])).sum(),
        "add(x, 233.2041839862982)"),
    Row("lengths by those of the inputs", lambda: (T.exp(A) + B).shape,
        "checked(MakeVector{int64}(Shape_i{0}(A), Shape_i{1}(A)))"),
    Row("one length by that of an input", lambda: T.dot(T.exp(A), T.sin(B)).shape[1], "checked(Shape_i{1}(B))"),
    Row("marks for gradients are nothing to a value",
        lambda: theano.gradient.disconnected_grad(x) + theano.gradient.grad_clip(y, -1, 1), "add(x, y)"),
    Row("copies are nothing", lambda: T.tensor_copy(x) + 1, "add(x, 1)"),
    Row("an assertion that holds", lambda: T.opt.Assert("wrong")(x, T.constant(True)) * y, "mul(x, y)"),
    Row("an inlined function of a graph",
        lambda: theano.OpFromGraph([a, b], [T.log(1 + a * b)], inline=True)(a + 1, b),
        "log1p(mul(add(a, 1), b))"),
)  # fmt: skip


@WHOLE_GRAPHS
def test_whole_graphs(row: Row) -> None:
    check_row(row)


FILLS = rows(
    Row("a fill behind an elementwise op", lambda: T.fill(x, 2.0) * y + T.fill(x, a),
        "checked(add(mul(2.0, y), DimShuffle{x}(a)))"),
    Row("a fill is an allocation", lambda: T.fill(T.exp(x), 0.0), "second(x, 0.0)"),
    Row("a fill with what has the lengths", lambda: T.fill(x, T.exp(x)), "exp(x)"),
    Row("an allocation added to what has the lengths", lambda: T.alloc(a, x.shape[0]) + x,
        "add(DimShuffle{x}(a), x)"),
    Row("an allocation of another expression's lengths", lambda: T.alloc(a, i, j) * T.alloc(b, i, j),
        "Alloc(mul(a, b), i, j)"),
    Row("a function of an allocation", lambda: T.exp(T.alloc(a, i, j)), "Alloc(exp(a), i, j)"),
    Row("an allocation of the same lengths", lambda: T.alloc(A, A.shape[0], A.shape[1]), "A"),
    Row("an allocation along new axes of length one", lambda: T.alloc(x, 1, 1, x.shape[0]), "DimShuffle{x,x,0}(x)"),
    Row("an allocation of an allocation", lambda: T.alloc(T.alloc(a, i, 1), j, i, 4), "Alloc(a, j, i, 4)"),
    Row("a transpose of an elementwise op", lambda: (A.T * B.T).T, "mul(A, B)"),
    Row("two transposes", lambda: T.exp(A.T.T), "exp(A)"),
    Row("two arrangements of axes", lambda: t.dimshuffle(2, 0, 1).dimshuffle(1, "x", 0, 2),
        "DimShuffle{0,x,2,1}(t)"),
    Row("a transpose of an allocation", lambda: T.alloc(x, i, x.shape[0]).T,
        "Alloc(DimShuffle{0,x}(x), Shape_i{0}(x), i)"),
    Row("a vector of one element as scalar", lambda: T.stack([a * 2]).dimshuffle(()), "mul(a, 2)"),
    Row("a transpose of a product", lambda: T.dot(A, B).T, "dot(DimShuffle{1,0}(B), DimShuffle{1,0}(A))"),
    Row("a cast of a widening cast", lambda: T.cast(T.cast(f, "float64"), "float32"), "f"),
    Row("two widening casts", lambda: T.cast(T.cast(T.cast(n, "int8"), "int16"), "int32"),
        "Cast{int32}(Cast{int8}(n))"),
    Row("a cast to the same dtype", lambda: T.exp(T.cast(x, "float64")), "exp(x)"),
    Row("a narrowing cast stays", lambda: T.cast(T.cast(x, "float32"), "float64"),
        "Cast{float64}(Cast{float32}(x))"),
    Row("constants of any dtype are one", lambda: [1 - x, 1.0 - x], "sub(1, x); sub(1.0, x)"),
    Row("a scalar as tensor and back", lambda: T.scalar_from_tensor(a) * 2, "mul(a, 2)"),
    Row("broadcasting stated again", lambda: T.addbroadcast(row, 0) + 1, "add(row, 1)"),
    Row("broadcasting stated of a result", lambda: T.addbroadcast(T.unbroadcast(T.exp(row), 0), 0) * x,
        "mul(exp(row), DimShuffle{x,0}(x))"),
    Row("a sum of one, a product of one", lambda: T.add(x) * T.mul(y), "mul(x, y)"),
    Row("a whole number equals itself", lambda: T.eq(n, n) + T.neq(n, n), "second(n, True)"),
    Row("exclusive or with itself", lambda: T.xor(n, n), "second(n, 0)"),
    Row("and, or with zero", lambda: [T.and_(n, 0), T.or_(n, 0)], "second(n, 0); n"),
    Row("and, or with true", lambda: [T.and_(mask, True), T.or_(mask, True)], "mask; second(mask, True)"),
    Row("conjugate, real part of a real", lambda: T.conj(x) + T.real(y), "add(x, y)"),
    Row("empty memory is written over", lambda: T.set_subtensor(T.AllocEmpty("float64")(x.shape[0])[:], x), "x"),
)  # fmt: skip


@FILLS
def test_fills_casts_and_views(row: Row) -> None:
    check_row(row)


COMPARISONS = rows(
    Row("less than itself", lambda: [T.lt(n, n), T.le(n, n), T.gt(n, n), T.ge(n, n)],
        "second(n, False); second(n, True); second(n, False); second(n, True)"),
    Row("the larger of one", lambda: [T.maximum(x, x), T.minimum(x, x)], "x; x"),
    Row("a length is not negative", lambda: [T.lt(x.shape[0], 0), T.ge(x.shape[0], 0)], "False; True"),
    Row("the larger of a length and zero", lambda: [T.maximum(x.shape[0], 0), T.minimum(x.shape[0], 0)],
        "Shape_i{0}(x); 0"),
    Row("sums of lengths", lambda: T.lt(x.shape[0] + A.shape[0], 0), "False"),
    Row("a length equals no negative number", lambda: T.eq(x.shape[0], -1), "False"),
    Row("a choice by a constant", lambda: [T.switch(T.constant(True), x, y), T.switch(0, x, y)], "checked(x); y"),
    Row("a choice of one", lambda: T.switch(x > 1, y, y), "checked(y)"),
    Row("no length at most", lambda: T.switch(T.le(x.shape[0], 0), 0, x.shape[0]), "Shape_i{0}(x)"),
    Row("choices within choices", lambda: T.switch(x > 1, T.switch(x > 1, y, z), x),
        "checked(switch(gt(x, 1), y, x))"),
)  # fmt: skip


@COMPARISONS
def test_comparisons(row: Row) -> None:
    check_row(row)


SHAPES = rows(
    Row("a shape by its lengths", lambda: T.exp(A).shape, "MakeVector{int64}(Shape_i{0}(A), Shape_i{1}(A))"),
    Row("a length of a sum", lambda: T.sum(T.exp(t), axis=1).shape[1], "Shape_i{2}(t)"),
    Row("a reshape of a reshape", lambda: t.reshape((i * 10, -1)).reshape((-1,)),
        "Reshape{1}(Reshape{2}(t, MakeVector{int64}(mul(i, 10), -1)), -1)"),
    Row("a vector as vector", lambda: x.reshape((-1,)), "x"),
    Row("its own lengths", lambda: A.reshape(A.shape), "A"),
    Row("its own lengths, one of them not said", lambda: A.reshape((A.shape[0], -1)), "A"),
    Row("axes of length one", lambda: x.reshape((1, x.shape[0], 1)), "DimShuffle{x,0,x}(x)"),
    Row("a reshape of an elementwise op", lambda: 2 * T.exp(A).reshape((-1,)), "mul(2, exp(Reshape{1}(A, -1)))"),
    Row("a flattened elementwise op", lambda: T.log(1 + T.exp(A).flatten()), "softplus(Reshape{1}(A, -1))"),
    Row("new axes, reshaped", lambda: x.dimshuffle("x", 0, "x").reshape((x.shape[0], 1)), "DimShuffle{0,x}(x)"),
    Row("axes taken away, reshaped", lambda: T.squeeze(row).reshape((i, -1)),
        "Reshape{2}(row, MakeVector{int64}(i, -1))"),
    Row("a shape stated of what is known", lambda: specify_shape(T.alloc(a, 3, 4), (3, 4)), "Alloc(a, 3, 4)"),
    Row("a shape stated twice", lambda: specify_shape(specify_shape(x, (5,)), (5,)), "SpecifyShape(x, 5)"),
    Row("the length of a stated shape", lambda: specify_shape(T.exp(x), (5,)).shape[0], "checked(5)"),
    Row("a stated length is a constant", lambda: T.zeros((3, 4)).shape[1] + i, "add(4, i)"),
    Row("axes split and joined", lambda: t.reshape((2, 5, 5, 1)).reshape((2, 25)), "Reshape{2}(t, [2, 25])"),
)  # fmt: skip


@SHAPES
def test_shapes(row: Row) -> None:
    check_row(row)
