"""Parts of random graphs that go along rows: partial sums and products, softmax and its kin, positions of extrema; and
what few graphs have: random numbers by counting, and what varies along four axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import theano.tensor as T
from theano.tensor.elemwise import Elemwise
from theano.tensor.random_counter import draw

if TYPE_CHECKING:
    from graphs import GraphMaker, Item


def cumulative(maker: GraphMaker) -> None:
    """Partial sums and products, along an axis or of all elements, also of what is turned round."""
    a = maker.some(lambda item: item.value.ndim > 0)
    if a is None:
        return
    axis = None if maker.chance(0.2) else int(maker.rng.integers(-a.value.ndim, a.value.ndim))
    x = a.variable[::-1] if maker.chance(0.3) else a.variable
    function = T.extra_ops.cumsum if maker.chance(0.7) else T.extra_ops.cumprod
    exact = a.exact and function is T.extra_ops.cumsum and a.dtype != "float16"
    maker.add(function(x, axis=axis), [a], exact)


def row_by_row(maker: GraphMaker) -> None:
    """Several passes over the same rows: softmax and its kin, along any axis."""
    a = maker.some(lambda item: item.value.ndim > 0 and item.dtype in ("float32", "float64") and item.value.size)
    if a is None:
        return
    x, axis = a.variable, int(maker.rng.integers(a.value.ndim))
    choice = maker.pick(["softmax", "logsoftmax", "logsumexp", "norm", "variance", "root"])
    if choice in ("softmax", "logsoftmax"):
        result = getattr(T.nnet, choice)(x, axis=axis)
    elif choice == "logsumexp":
        result = T.log(T.exp(x - x.max(axis=axis, keepdims=True)).sum(axis=axis))
    else:
        middle = x - x.mean(axis=axis, keepdims=True)
        variance = T.sqr(middle).mean(axis=axis, keepdims=True)
        result = variance if choice == "variance" else middle / T.sqrt(variance + np.asarray(0.125, a.dtype))
        if choice == "root":
            result = x / T.sqrt(T.sqr(x).mean(axis=axis, keepdims=True) + np.asarray(0.125, a.dtype))
    maker.add(result, [a], False)


def positions(maker: GraphMaker, a: Item, axes: list[int]) -> None:
    """Of extrema, and what lies there."""
    axis: Any = axes[0] if len(axes) == 1 else axes
    kind = maker.pick(["argmax", "argmin", "both"])
    if kind == "both":
        for variable in T.max_and_argmax(a.variable, axis=axis):
            maker.add(variable, [a])
    else:
        maker.add(getattr(T, kind)(a.variable, axis=axis), [a])


def draws(maker: GraphMaker) -> None:
    """Random numbers of a key, with exact integers as counters."""
    counter = maker.some(lambda item: item.exact and item.dtype in ("int64", "int32", "int8", "uint8"))
    if counter is None:
        return
    op = Elemwise(draw(maker.pick(["uniform", "normal", "truncated_normal"]), maker.pick(["float64", "float32"])))
    maker.add(op(np.int64(maker.rng.integers(2**40)), counter.variable), [counter], False)


def four_axes(maker: GraphMaker) -> None:
    """Every element of a matrix with every element of another."""
    a, b = (maker.some(lambda item: item.value.ndim == 2 and item.dtype not in ("bool", "float16")) for _ in "ab")
    if a is None or b is None or a.value.size * b.value.size > maker.most_elements:
        return
    x, y = a.variable.dimshuffle(0, "x", 1, "x"), b.variable.dimshuffle("x", 0, "x", 1)
    maker.add(T.maximum(x, y) if maker.chance(0.5) and a.exact and b.exact else x - y, [a, b])
