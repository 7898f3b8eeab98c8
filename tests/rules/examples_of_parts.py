"""By rule on parts of arrays (indices, writes, masks): graphs in which it applies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from example_graphs import Example, fixed, m, on, sc, t3, v

import theano.tensor as T
from theano.tensor.creation import Alloc
from theano.tensor.nnet.softmax import LogSoftmax, LogSumExp, Softmax
from theano.tensor.shape import Shape_i
from theano.tensor.type import TensorType


def masked(i: Any) -> Callable[..., Any]:
    return lambda x, y: T.switch(
        T.set_subtensor(T.zeros_like(x, dtype="bool")[i], True), T.inc_subtensor(T.zeros_like(x)[i], y), 0.0)


SLICES = [slice(1, 2), slice(None, 1), slice(2, None)]
MEETING = [slice(0, 2), slice(1, 3)]

PARTS: dict[str, list[Example]] = {
    "whole_slice": [
        on(m(), build=lambda x: x[:, :]), on(m(), build=lambda x: x[0:x.shape[0], 1]),
        on(m(), build=lambda x: x[1:, 0:]),
    ],
    "index_of_index": [
        on(m(), build=lambda x: x[1][2]), on(m(), build=lambda x: x[1:][1:]), on(m(), build=lambda x: x[1:3][:, 1]),
        on(m(), build=lambda x: x[:2][0:1]), on(m(), build=lambda x: x[:, 1:3][0]),
        on(m(), build=lambda x: x[:, ::-1][1]), on(v(), build=lambda x: x[::-1][::-1]),
        on(v(), build=lambda x: x[::2][1]),
        on(v(), build=lambda x: x[1:][:-1]), on(v(), build=lambda x: x[:-1][1]), on(v(), build=lambda x: x[1:][-1]),
        on(v(), build=lambda x: x[::-1][1:]), on(m(), build=lambda x: x[::-1, 1:][-1, 0]),
    ],
    "index_of_elementwise": [
        on(m(), build=lambda x: T.exp(x)[1]), on(m("x"), sc("a"), build=lambda x, a: (x * a)[:, 1:]),
        on(m("x"), sc("a"), build=lambda x, a: (x * a)[1, 1]), on(m("x"), m("y"), build=lambda x, y: (x * y)[1:, 2]),
        on(m("x"), v("y"), build=lambda x, y: (x * y)[1]), on(m("x"), v("y"), build=lambda x, y: (x * y)[:, 1]),
        on(v("x"), v("y"), build=lambda x, y: (x.dimshuffle(0, "x") * y)[-1, 1:])],
    "index_of_alloc": [
        on(sc("a"), m("x"), build=lambda a, x: Alloc()(a, Shape_i(0)(x), np.int64(5))[1:, 2:4]),
        on(v("y"), build=lambda y: Alloc()(y, np.int64(5), Shape_i(0)(y))[1]),
        on(v("y"), build=lambda y: Alloc()(y, np.int64(5), Shape_i(0)(y))[1:, -1]),
        on(sc("a"), build=lambda a: Alloc()(a, np.int64(5), np.int64(2))[1, 0]),
    ],
    "write_of_write": [
        on(m("x"), sc("a"), build=lambda x, a: T.set_subtensor(T.set_subtensor(x[1], 2.0)[1], a)),
        on(m("x"), v("y"), build=lambda x, y: T.inc_subtensor(T.inc_subtensor(x[1], y)[1], 2 * y)),
        on(m("x"), v("y"), build=lambda x, y: T.inc_subtensor(T.set_subtensor(x[1], y)[1], 2 * y)),
        on(m("x"), v("y"), build=lambda x, y: T.inc_subtensor(T.inc_subtensor(x[[0, 0]], y)[[0, 0]], 2 * y)),
        on(m("x"), v("y"), build=lambda x, y: T.set_subtensor(T.set_subtensor(x[[0, 0]], y)[[0, 0]], 2 * y)),
        on(m("x"), v("y"), build=lambda x, y: T.inc_subtensor(T.set_subtensor(x[[0, 2]], y)[[0, 2]], 2 * y)),
    ],
    "index_of_dot": [
        on(m("x"), m("y"), build=lambda x, y: T.dot(x, y)[1]),
        on(m("x"), m("y"), build=lambda x, y: T.dot(x, y)[:, 1:]),
        on(m("x"), m("y"), build=lambda x, y: T.dot(x, y)[-1, 2]),
    ],
    "index_of_batched_dot": [
        on(t3("x"), t3("y"), build=lambda x, y: T.batched_dot(x, y)[1]),
        on(t3("x"), t3("y"), build=lambda x, y: T.batched_dot(x, y)[-1, 0]),
        on(t3("x"), t3("y"), build=lambda x, y: T.batched_dot(x, y)[1:, 2:, :1]),
    ],
    "elements_of_dot": [
        on(m("x"), m("y"), build=lambda x, y: T.dot(x, y)[T.constant([0, 2, 2, 1]), T.constant([1, 1, -1, 0])])],
    "index_of_softmax": [
        on(m("x"), build=lambda x: Softmax((1,))(x)[2]), on(m("x"), build=lambda x: LogSoftmax((0,))(x)[:, 1:]),
        on(t3("x"), build=lambda x: Softmax((0, 2))(x)[:, -1]),
    ],
    "index_of_length_one": [
        on(v("x"), build=lambda x: x.dimshuffle(0, "x")[:, 0]),
        on(m("x"), build=lambda x: x.dimshuffle("x", 0, 1)[-1, 1:]),
    ],
    "index_of_dimshuffle": [
        on(m("x"), build=lambda x: x.T[1]), on(m("x"), build=lambda x: x.T[1:, 0]),
        on(t3("x"), build=lambda x: x.dimshuffle(2, "x", 0, 1)[:, 0, 1:, -1]),
        on(m("x"), build=lambda x: x.dimshuffle(1, "x", 0)[2]),
    ],
    "index_of_join": [
        on(m("x"), m("y"), build=lambda x, y: T.concatenate([x, y], axis=1)[1]),
        on(v("x"), v("y"), build=lambda x, y: T.stack([x, y, 2 * x])[1]),
        on(fixed(3), v("y"), build=lambda x, y: T.concatenate([x, y])[1:3]),
        on(fixed(3), v("y"), build=lambda x, y: T.concatenate([x, y, x])[2]),
        on(v("x"), v("y"), build=lambda x, y: T.stack([x, y, 2 * x])[-1, 1:]),
        on(v("x"), v("y"), build=lambda x, y: T.stack([x, y, 2 * x])[1:3]),
        on(m("x", "int8"), m("y"), build=lambda x, y: T.stack([x, y])[0]),
        lambda: (lambda x, y: ([x, y], T.concatenate([x, y, x])[4:6]))(
            *[TensorType("float64", (3, 2))(n) for n in "xy"]),
    ],
    "index_of_reduction": [
        on(m("x"), build=lambda x: x.max(axis=1)[1]), on(m("x"), build=lambda x: x.prod(axis=0)[1:]),
        on(m("x"), build=lambda x: T.argmax(x, axis=0)[1]), on(m("x"), build=lambda x: T.any(x > 0, axis=0)[1]),
        on(m("x"), build=lambda x: LogSumExp((1,))(x)[1:]),
        on(t3("x"), build=lambda x: x.min(axis=1)[1, ::-1]),
        on(m("x"), build=lambda x: x.sum(axis=1)[1]), on(m("x"), build=lambda x: x.sum(axis=0)[1:]),
        on(m("x", "int8"), build=lambda x: x.sum(axis=0)[2]),
        lambda: (lambda t: ([t], t.sum(axis=1)[1, ::-1]))(T.dtensor3("t")),
    ],
    "write_of_what_is_there": [
        on(m("x"), build=lambda x: T.set_subtensor(x[1:], x[1:])),
        on(m("x"), build=lambda x: T.set_subtensor(x[[0, 0, 2]], x[[0, 0, 2]])),
    ],
    "write_of_same_number": [
        on(m("x"), build=lambda x: T.set_subtensor(T.zeros_like(x)[1], 0.0)),
        on(m("x"), build=lambda x: T.set_subtensor(T.ones_like(x)[[0, 0]], 1)),
    ],
    "write_of_sum": [
        on(m("x"), v("y"), build=lambda x, y: T.set_subtensor(x[1], x[1] + y)),
        on(m("x"), v("y"), build=lambda x, y: T.set_subtensor(x[1:], 2 * y + x[1:] - 1)),
        on(m("x", "int8"), v("y", "int8"), build=lambda x, y: T.set_subtensor(x[1], x[1] - y)),
        on(m("x"), v("y"), build=lambda x, y: T.set_subtensor(x[[0, 2]], x[[0, 2]] + y)),
    ],
    "gather_of_range": [
        on(m("x"), build=lambda x: x[T.arange(Shape_i(0)(x))]),
        on(fixed(3, None), build=lambda x: x[T.constant([1, 2])]),
        on(fixed(2, 3), build=lambda x: x[:, T.constant([2, 1, 0])]), on(fixed(3, None), build=lambda x: x[[2, 0]]),
        on(fixed(None, 3), build=lambda x: x[1:, T.constant([1, 2])]), on(fixed(3), build=lambda x: x[T.constant([2])]),
    ],
    "scatter_to_range": [
        on(m("x"), m("y"), build=lambda x, y: T.set_subtensor(x[T.arange(Shape_i(0)(x))], y)),
        on(fixed(3, None), v("y"), build=lambda x, y: T.inc_subtensor(x[T.constant([1, 2])], y)),
        on(fixed(None, 3), sc("a"), build=lambda x, a: T.set_subtensor(x[:, T.constant([2, 1])], a)),
    ],
    "gather_of_diagonal": [
        on(m("x"), build=lambda x: (x + x.T)[T.arange(Shape_i(0)(x)), T.arange(Shape_i(0)(x))]),
        on(fixed(3, 3), build=lambda x: x[T.constant([0, 1]), T.constant([1, 2])]),
        on(fixed(3, 2, None), build=lambda x: x[T.constant([1, 2]), T.constant([0, 1])]),
    ],
    "index_of_gather": [
        on(m("x"), build=lambda x: x[T.constant([2, 0, 0, 1])][:, 1]),
        on(m("x"), build=lambda x: x[T.constant([2, 0, 0, 1])][:, 1:]),
    ],
    "gather_of_alloc": [
        on(v("y"), build=lambda y: Alloc()(y, np.int64(4), Shape_i(0)(y))[T.constant([0, 3, 3])]),
        on(v("y"), build=lambda y: Alloc()(y, np.int64(4), np.int64(2), Shape_i(0)(y))[
            T.constant([0, 3, 3]), T.constant([0, 1, 1])]),
    ],
    "gather_of_scattered": [
        on(m("x"), sc("a"), build=lambda x, a: T.set_subtensor(x[[0, 0, 2]], a)[[0, 0, 2]]),
        on(m("x"), v("y"), build=lambda x, y: T.set_subtensor(x[[2, 0]], y)[[2, 0]]),
        on(m("x"), v("y"), build=lambda x, y: T.inc_subtensor(x[[0, 2, 1]], y)[[0, 2, 1]]),
        on(m("x"), v("y"), build=lambda x, y: T.inc_subtensor(x[[0, 0]], y)[[2, 1, 2]]),
        on(m("x"), build=lambda x: T.inc_subtensor(x[x > 0], 1.0)[x > 0]),
    ],
    "sum_of_masked": [
        on(m("x"), build=lambda x: x[x > 0].sum()), on(m("x"), build=lambda x: x[(x > 0).nonzero()].sum()),
        on(m("x"), build=lambda x: x[x[:, 0] > 0].sum(axis=0)), on(m("x"), build=lambda x: x[x[:, 0] > 0].sum()),
    ],
    "scatter_to_masked": [
        on(m("x"), sc("a"), build=lambda x, a: T.set_subtensor(x[x > 0], a)),
        on(m("x"), v("y"), build=lambda x, y: T.inc_subtensor(x[x[:, 0] > 0], y)),
        on(m("x", "int8"), build=lambda x: T.inc_subtensor(x[x > 0], 100)),
    ],
    "read_of_written": [
        on(m("x"), v("y"), build=lambda x, y: T.set_subtensor(x[1], y)[1]),
        on(m("x"), v("y"), build=lambda x, y: T.inc_subtensor(x[1], y)[1]),
        on(m("x"), v("y"), build=lambda x, y: T.set_subtensor(x[1], y)[2]),
        on(m("x"), v("y"), build=lambda x, y: T.set_subtensor(x[1:], y)[2]),
        on(m("x"), m("y"), build=lambda x, y: T.set_subtensor(x[1:], y[1:])[2]),
        on(m("x"), m("y"), build=lambda x, y: T.set_subtensor(x[:, :], y)[1, 1:]),
        on(m("x"), v("y"), build=lambda x, y: T.inc_subtensor(x[:, 1], y)[1:, 1]),
        on(m("x"), v("y"), build=lambda x, y: T.set_subtensor(x[1:], y)[:1]),
        on(m("x"), sc("a"), build=lambda x, a: T.set_subtensor(x[1:], a)[1:]),
        on(m("x"), sc("a"), build=lambda x, a: T.inc_subtensor(x[1:], a)[1:]),
    ],
    "write_of_everything": [
        on(m("x"), m("y"), build=lambda x, y: T.set_subtensor(x[:, :], y)),
        on(m("x"), v("y"), build=lambda x, y: T.inc_subtensor(x[:], y)),
        on(m("x"), sc("a"), build=lambda x, a: T.set_subtensor(x[:], a)),
    ],
    "increment_by_zero": [
        on(m("x"), build=lambda x: T.inc_subtensor(x[1:], 0.0)), on(m("x"), build=lambda x: T.inc_subtensor(x[1], 0.0)),
        on(m("x"), build=lambda x: T.inc_subtensor(x[[0, 0]], 0.0)),
    ],
    "scale_of_scattered": [
        on(m("x"), v("y"), build=lambda x, y: -T.inc_subtensor(T.zeros_like(x)[1], y)),
        on(m("x"), v("y"), build=lambda x, y: T.inc_subtensor(T.zeros_like(x)[1], y) * 3.0),
        on(m("x"), v("y"), build=lambda x, y: T.inc_subtensor(T.zeros_like(x)[[1, 1]], y) * x),
        on(m("x"), v("y"), build=lambda x, y: T.inc_subtensor(T.zeros_like(x)[0], y) / x),
    ],
    "mask_of_scattered": [
        on(m("x"), v("y"), build=masked(1)), on(m("x"), v("y"), build=masked(slice(1, None))),
        on(m("x"), v("y"), build=masked([0, 1, 1])),
        on(m("x"), build=lambda x: T.switch(
            T.set_subtensor(T.zeros_like(x, dtype="bool")[x > 0], True), T.set_subtensor(T.zeros_like(x)[x > 0], 2.0),
            0.0)),
    ],
    "row_sums_of_scattered": [
        on(m("x"), build=lambda x: T.inc_subtensor(T.zeros_like(x)[[0, 1, 1], [2, 0, 0]], 2.0).sum(axis=1))],
    "write_of_alloc": [
        on(m("x"), sc("a"), build=lambda x, a: T.inc_subtensor(
            x[T.constant([0, 1, 1]), T.constant([2, 0, 0])], Alloc()(a, np.int64(3)))),
    ],
    "increment_of_zeros": [
        on(m("x"), v("y"), build=lambda x, y: T.inc_subtensor(T.zeros_like(x)[1], y)),
        on(m("x"), v("y"), build=lambda x, y: T.inc_subtensor(T.zeros_like(x)[[0, 2]], y)),
    ],
    "add_of_scattered": [
        on(m("x"), v("y"), build=lambda x, y: x + T.inc_subtensor(T.zeros_like(x)[1], y)),
        on(m("x"), v("y"), build=lambda x, y: x - T.inc_subtensor(T.zeros_like(x)[[1, 1]], y)),
        on(m("x"), v("y"), build=lambda x, y: T.inc_subtensor(T.zeros_like(x)[1], y) - x),
        on(m("x"), v("y"), build=lambda x, y: T.add(*(T.set_subtensor(T.zeros_like(x)[k], y) for k in (2, 0, 1)))),
        on(m("x"), v("y"), build=lambda x, y: T.add(*(T.set_subtensor(T.zeros_like(x)[k], y) for k in (0, -1, 0)))),
        on(m("x"), v("y"), build=lambda x, y: T.add(*(T.set_subtensor(T.zeros_like(x)[s], y) for s in SLICES))),
        on(m("x"), v("y"), build=lambda x, y: T.add(*(T.set_subtensor(T.zeros_like(x)[s], y) for s in MEETING))),
        on(m("x"), v("y"), build=lambda x, y: T.add(
            x, T.set_subtensor(T.zeros_like(x)[1], y), x * y, T.inc_subtensor(T.zeros_like(x)[[0, 0]], y))),
        on(m("x"), v("y"), build=lambda x, y: T.add(y, T.set_subtensor(T.zeros_like(x)[1], y),
                                                    T.set_subtensor(T.zeros_like(x)[1:], y))),
    ],
}
