"""By rule on what is joined, reduced, multiplied, and on diagonals: graphs in which it applies."""

from __future__ import annotations

from typing import Any

import numpy as np
from example_graphs import Example, fixed, m, on, sc, t3, v

import theano.tensor as T
from theano.scalar.selection import second
from theano.tensor.careduce import Max, Prod, Sum
from theano.tensor.creation import Alloc, MakeVector
from theano.tensor.extra_ops import Unique
from theano.tensor.joining import Join, Split
from theano.tensor.shape import Rebroadcast, Shape_i


def rows(x: Any, *lengths: Any) -> Any:
    return MakeVector("int64")(*[T.cast(n, "int64") for n in lengths])


def outer(x: Any, y: Any) -> Any:
    return x.dimshuffle(0, "x") * y.dimshuffle("x", 0)


WHOLES: dict[str, list[Example]] = {
    "cancelling_near_zero": [
        on(v(), build=lambda x: T.cos(x) / x - T.sin(x) / T.sqr(x)),
        on(v("x"), v("y"), build=lambda x, y: y * T.exp(x) / x - T.expm1(x) * y / T.sqr(x)),
        on(v(), build=lambda x: 1 / T.tanh(x) - 1 / x),
        on(v(), build=lambda x: T.expm1(x) - x),
        on(m("x"), sc("a"), build=lambda x, a: a / ((1 + x) * x) - T.log1p(x) / (x * x) * a),
    ],
    "common_factor": [
        on(v("x"), v("y"), build=lambda x, y: x * T.tanh(y) + T.sin(y) * x),
        on(v("x"), v("y"), build=lambda x, y: T.exp(y) + x * T.tanh(y) - x * T.sin(y) + 3.0 - T.cos(y) * x),
        on(v("x"), v("y"), build=lambda x, y: (1 + T.sqr(x)) * y + (1 + T.sqr(x)) * T.exp(x)),
        on(v("x"), v("y"), build=lambda x, y: x / T.cosh(y) - T.exp(x) * 7 * 3 + x * 21 + T.tanh(x) / T.exp(y)
           - T.sin(x) / T.exp(y)),
        on(v("x"), v("y"), build=lambda x, y: 3 * x - 3 * T.exp(y)), on(
            v("x", "int8"), v("y", "int8"), v("z", "int8"), build=lambda x, y, z: x * y + z * x),
        on(m("x"), m("y"), sc("a"), build=lambda x, y, a: T.tanh(x) * a + a * T.sin(y)),
    ],
    "abs_of_nonnegative": [on(v(), build=lambda x: abs(T.exp(x))), on(v(), build=lambda x: abs(T.sqr(x) + 1))],
    "extreme_within_bounds": [
        on(v(), build=lambda x: T.maximum(T.exp(x), T.constant([0.0]))),
        on(v(), build=lambda x: T.minimum(T.constant([1.0]), T.tanh(x))),
        on(v(), build=lambda x: T.maximum(T.maximum(x, 1.0), T.constant([0.5]))),
    ],
    "rebroadcast_of_rebroadcast": [on(fixed(1, None), build=lambda x: Rebroadcast((0, True))(
        Rebroadcast((0, False))(x)) + 1)],
    "rebroadcast_of_elementwise": [
        on(fixed(1, None), build=lambda x: Rebroadcast((0, False))(T.exp(x))),
        on(fixed(1, None), sc("a"), build=lambda x, a: Rebroadcast((0, False))(a * x)),
    ],
    "join_of_joins": [
        on(m("x"), m("y"), build=lambda x, y: Join()(0, Join()(0, x, y), x)),
        on(m("x", "int8"), m("y"), build=lambda x, y: Join()(-1, y, Join()(1, x, x))),
    ],
    "join_of_slices": [
        on(m("x"), build=lambda x: Join()(0, x[:1], x[1:3])),
        on(m("x"), build=lambda x: Join()(1, x[:, :-1], x[:, -1:])),
        on(v("x"), build=lambda x: Join()(0, x[:5], x[5:])),
        on(v("x"), build=lambda x: Join()(0, x[:1], x[1:2], x, x[2:])),
        on(v("x"), build=lambda x: Join()(0, x[: Shape_i(0)(x) - 7], x[Shape_i(0)(x) - 7 :])),
    ],
    "join_of_allocs": [
        on(sc("a"), m("x"), build=lambda a, x: Join()(0, Alloc()(a, Shape_i(0)(x), 3), Alloc()(a, 2, 3))),
        on(m("x"), build=lambda x: Join()(0, Alloc()(0.0, Shape_i(0)(x)), Alloc()(0.0, 2))),
        on(v("x"), v("y"), build=lambda x, y: Join()(1, Alloc()(x, 2, Shape_i(0)(x)), Alloc()(y, 2, Shape_i(0)(y)))),
    ],
    "join_of_equal_pieces": [
        on(m("x"), build=lambda x: Join()(0, x, x)), on(t3("x"), build=lambda x: Join()(1, x, x, x)),
        on(v("x"), build=lambda x: Join()(0, *[x.dimshuffle("x", 0)] * 3)),
    ],
    "split_of_join": [
        on(m("x"), m("y"), build=lambda x, y: Split(2)(Join()(0, x, y), 0, rows(x, x.shape[0], y.shape[0]))[1]),
        on(fixed(3, 2), build=lambda x: Split(2)(Join()(1, x, 2 * x), 1, T.constant([2, 2]))[1]),
    ],
    "split_of_elementwise": [
        on(v("x"), v("y"), build=lambda x, y: Split(2)(2 * T.stack([x, y]) * x, 0, T.constant([1, 1]))[1]),
        on(m("x"), m("y"), build=lambda x, y: Split(2)(
            Join()(0, x, y) * Join()(0, T.exp(y), x * x), 0, rows(x, x.shape[0], y.shape[0]))[0]),
        on(fixed(2, 3), fixed(2, 3, name="y"), build=lambda x, y: Split(2)(
            T.exp(Join()(1, x, y)) + T.sqr(T.dot(x.T, Join()(1, x, y))[:2]), 1, T.constant([3, 3]))[1]),
    ],
    "sort_of_sorted": [
        on(m("x"), build=lambda x: T.sort(T.sort(x, axis=1), axis=-1)),
        on(v("x"), build=lambda x: T.sort(Unique()(x))),
    ],
    "unique_of_rearranged": [
        on(m("x"), build=lambda x: Unique()(x.T)), on(m("x"), build=lambda x: Unique()(T.sort(x, axis=0))),
        on(v("x"), build=lambda x: Unique()(Join()(0, x, x))), on(m("x"), build=lambda x: Unique()(x.flatten())),
        on(v("x"), build=lambda x: Unique()(Alloc()(x, 3, Shape_i(0)(x)))),
    ],
    "unused_largest_or_positions": [
        on(fixed(3), build=lambda x: T.sort(T.topk_and_argtopk(x, 2)[0])),
        on(fixed(3), build=lambda x: T.topk_and_argtopk(x, 2)[1]),
    ],
    "reduction_of_join": [
        on(m("x"), m("y"), build=lambda x, y: Join()(0, x, y).sum()),
        on(m("x"), m("y"), build=lambda x, y: Join()(0, x, y, x).sum(axis=1)),
        on(t3("x"), t3("y"), build=lambda x, y: Join()(2, x, y).sum(axis=(0, 2))),
        on(v("x"), v("y"), build=lambda x, y: T.stack([x, y, x * y]).max(axis=0)),
        on(v("x"), v("y"), build=lambda x, y: T.stack([x, y]).min()),
        on(m("x", "int8"), m("y", "int8"), build=lambda x, y: Join()(1, x, y).prod(axis=1)),
        on(m("x", "float32"), m("y", "float32"), build=lambda x, y: Join()(1, x, y).sum()),
        on(m("x"), m("y"), build=lambda x, y: T.any(Join()(1, x > 3, y > 3), axis=1)),
    ],
    "reduction_of_dimshuffle": [
        on(m("x"), build=lambda x: x.T.sum(axis=0)), on(m("x"), build=lambda x: x.T.max()),
        on(t3("x"), build=lambda x: x.dimshuffle(2, "x", 0, 1).sum(axis=2)),
        on(t3("x"), build=lambda x: x.dimshuffle(1, 2, 0).prod(axis=2)),
        on(fixed(1, None), build=lambda x: x.dimshuffle(1).sum()),
    ],
    "reduction_of_reshape": [
        on(m("x"), build=lambda x: x.flatten().sum()), on(fixed(3, 4), build=lambda x: x.reshape((2, 6)).max()),
        on(m("x"), build=lambda x: T.all((x > 0).flatten())),
    ],
    "max_of_monotone": [
        on(m("x"), build=lambda x: T.exp(x).max(axis=0)), on(m("x"), build=lambda x: T.erfc(x).max(axis=1)),
        on(m("x"), sc("a"), build=lambda x, a: (a - x).min()),
        on(m("x"), sc("a"), build=lambda x, a: (x + a).max(axis=1)),
        on(v("x"), build=lambda x: (-2.0 * x).max()), on(v("x"), build=lambda x: T.nnet.sigmoid(x / 3).min()),
    ],
    "argmax_of_monotone": [on(m("x"), build=lambda x: T.argmax(T.exp(x), axis=1))],
    "sum_of_separable": [
        on(v("x"), v("y"), build=lambda x, y: outer(x, y).sum()),
        on(v("x"), v("y"), build=lambda x, y: outer(x, y).sum(0)),
        on(m("x"), m("y"), build=lambda x, y: T.sqr(
            x.dimshuffle("x", 0, 1) * y.dimshuffle(0, "x", 1)).sum(axis=(1, 2))),
        on(v("x"), v("y"), build=lambda x, y: (2 * x.dimshuffle(0, "x") / T.exp(y).dimshuffle("x", 0)).sum()),
    ],
    "sum_of_multiple_of_integers": [
        on(m("x", "int64"), sc("a", "int64"), build=lambda x, a: (a * x).sum(axis=0)),
        on(m("x", "int64"), build=lambda x: (x * np.int64(2**62 + 1)).sum()),
    ],
    "reduction_of_scalars": [
        on(sc("a"), sc("b"), build=lambda a, b: Sum()(MakeVector("float64")(a, b, a))),
        on(sc("a"), sc("b"), build=lambda a, b: Max()(MakeVector("float64")(a, b, a))),
        on(sc("a", "int8"), sc("b", "int8"), build=lambda a, b: Prod()(MakeVector("int8")(a, b, a))),
    ],
    "extreme_of_constant": [
        on(sc("a"), build=lambda a: Alloc()(a, 3, 2).max()),
        on(v("x"), build=lambda x: Alloc()(x, 3, Shape_i(0)(x)).min(0)),
        on(sc("a"), build=lambda a: T.all(Alloc()(a > 0, 3))),
        on(sc("a"), fixed(3, None), build=lambda a, x: second(x, a).max(axis=0)),
    ],
    "sum_of_dots": [
        on(m("x"), m("y"), m("z"), build=lambda x, y, z: T.dot(x, y) + T.dot(x, z)),
        on(m("x"), m("y"), v("z"), build=lambda x, y, z: 3 + T.dot(x, z) - T.dot(y, z) + 2 * z),
        on(m("x"), v("y"), v("z"), build=lambda x, y, z: T.dot(y, x) - T.dot(z, x)),
    ],
    "product_with_identity": [
        on(m("x"), build=lambda x: T.dot(x, T.eye(x.shape[1]))),
        on(v("x"), build=lambda x: T.dot(T.eye(x.shape[0]), x)),
        on(m("x"), sc("a"), build=lambda x, a: T.dot(a * T.eye(3), x)),
    ],
    "product_of_diagonal_matrices": [on(v("x"), v("y"), build=lambda x, y: T.dot(T.diag(x), T.diag(y)))],
    "product_with_chosen_rows": [
        on(m("x"), build=lambda x: T.dot(T.eye(x.shape[0])[T.constant([0, 2, 2, -1])], x)),
        on(m("x"), build=lambda x: T.dot(x, T.eye(x.shape[1])[:, T.constant([0, 2, 2])])),
        on(v("x"), build=lambda x: T.dot(x, T.eye(x.shape[0])[:, T.constant([0, 2, 2])])),
        on(m("x"), build=lambda x: T.dot(T.eye(x.shape[0])[1], x)),
        on(v("x"), build=lambda x: T.dot(x, T.eye(x.shape[0])[:, 2])),
        on(m("x"), build=lambda x: T.dot(T.extra_ops.to_one_hot(T.argmin(x, axis=1), 3), x)),
    ],
    "product_that_scatters": [
        on(m("x"), build=lambda x: T.dot(T.eye(3)[T.constant([2, 0, 2])].T, x)),
        on(m("x"), build=lambda x: T.dot(T.extra_ops.to_one_hot(T.argmin(x, axis=1), 3).T, x)),
    ],
    "batched_product_with_one_matrix": [
        on(t3("x"), m("y"), build=lambda x, y: T.batched_dot(x, Alloc()(y, x.shape[0], y.shape[0], y.shape[1]))),
        on(t3("x"), m("y"), build=lambda x, y: T.batched_dot(Alloc()(y, x.shape[0], y.shape[0], y.shape[1]), x)),
    ],
    "batched_product_of_one": [
        on(fixed(1, None, None), fixed(1, None, None, name="y"), build=lambda x, y: T.batched_dot(x, y)),
        on(fixed(None, None, 1), fixed(None, 1, None, name="y"), build=lambda x, y: T.batched_dot(x, y)),
    ],
    "batched_product_with_zero": [on(t3("x"), build=lambda x: T.batched_dot(x, T.zeros_like(x)))],
    "diagonal_of_diagonal_matrix": [
        on(v("x"), build=lambda x: T.diag(T.diag(x))), on(v("x"), build=lambda x: T.diagonal(T.diag(x, 2), 2))],
    "diagonal_of_eye": [
        on(m("x"), build=lambda x: T.diag(T.eye(x.shape[0], x.shape[1]))),
        on(m("x"), build=lambda x: T.diagonal(T.eye(x.shape[0], x.shape[1]), 1)),
    ],
    "diagonal_of_transpose": [
        on(m("x"), build=lambda x: T.diag(x.T)), on(m("x"), build=lambda x: T.diagonal(x.T, -1)),
        on(m("x"), build=lambda x: T.diagonal(x.T, 1, 1, 0)),
    ],
    "diagonal_of_elementwise": [
        on(m("x"), m("y"), build=lambda x, y: T.diag(x * T.exp(y))),
        on(m("x"), sc("a"), build=lambda x, a: T.diagonal(x * a, 1)),
        on(m("x"), v("y"), build=lambda x, y: T.diag(T.dot(x, x.T) * y)),
        on(v("x"), build=lambda x: T.diag(outer(x, 2 * x))),
    ],
    "diagonal_of_alloc": [
        on(sc("a"), m("x"), build=lambda a, x: T.diag(Alloc()(a, x.shape[0], x.shape[1]))),
        on(v("y"), build=lambda y: T.diagonal(Alloc()(y, 2, 3, y.shape[0]), 1, 0, 1)),
    ],
    "split_into_one": [
        on(fixed(3, None), build=lambda x: Split(1)(x, 0, T.constant([3]))),
        on(m("x"), build=lambda x: Split(1)(x, 1, rows(x, x.shape[1]))),
    ],
    "reduction_of_reduction": [
        on(m(), build=lambda x: x.sum(axis=0).sum()), on(m(), build=lambda x: x.max(axis=1).max()),
        on(m("x", "int16"), build=lambda x: x.sum(axis=0, dtype="int64").sum()),
        on(m("x"), build=lambda x: T.any(T.any(x > 1, axis=0))),
    ],
}
