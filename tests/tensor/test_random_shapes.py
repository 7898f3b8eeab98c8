"""Random chains of shape, joining and elementwise ops, against NumPy, on every backend."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import theano
import theano.tensor as T
from theano.graph.evaluate import evaluate
from theano.tensor.type import TensorType


def transposed(draw, v, a):
    order = draw(st.permutations(range(a.ndim)))
    return v.transpose(order), a.transpose(order)


def reshaped(draw, v, a):
    lengths = list(a.shape)
    draw(st.randoms(use_true_random=False)).shuffle(lengths)
    if draw(st.booleans()) and 0 not in lengths and lengths:
        lengths[draw(st.integers(0, len(lengths) - 1))] = -1
    return v.reshape(lengths, ndim=len(lengths)), a.reshape(lengths)


def flattened(draw, v, a):
    if a.ndim < 2 or draw(st.booleans()):
        return v.flatten(), a.reshape(-1)
    return v.flatten(2), a.reshape(a.shape[0], int(np.prod(a.shape[1:])))


def padded(draw, v, a):
    if a.ndim >= 4:
        return v, a
    axis = draw(st.integers(-a.ndim - 1, a.ndim))
    return T.shape_padaxis(v, axis), np.expand_dims(a, axis)


def squeezed(draw, v, a):
    if any(n == 1 and not known for n, known in zip(a.shape, v.broadcastable)):
        return v, a
    return T.squeeze(v), np.squeeze(a)


def tiled(draw, v, a):
    reps = [draw(st.integers(0 if a.size < 50 else 1, 2)) for _ in range(max(a.ndim, 1))]
    return (v, a) if a.size > 500 else (T.tile(v, reps), np.tile(a, reps))


def rolled(draw, v, a):
    axis = draw(st.one_of(st.none(), st.integers(-a.ndim, a.ndim - 1))) if a.ndim else None
    shift = draw(st.integers(-5, 5))
    return T.roll(v, shift, axis), np.roll(a, shift, axis)


def joined(draw, v, a):
    if a.ndim == 0 or a.size > 500:
        return T.stack([v, v * 2]) if a.ndim < 4 else v, np.stack([a, a * 2]) if a.ndim < 4 else a
    axis = draw(st.integers(-a.ndim, a.ndim - 1))
    return T.join(axis, v, v + 1), np.concatenate([a, a + 1], axis)


def piece(draw, v, a):
    if a.ndim == 0:
        return v, a
    axis = draw(st.integers(0, a.ndim - 1))
    cut = draw(st.integers(0, a.shape[axis]))
    which = draw(st.integers(0, 1))
    pieces = T.split(v, [cut, a.shape[axis] - cut], 2, axis=axis)
    return pieces[which], np.split(a, [cut], axis)[which]


def sliced(draw, v, a):
    index = tuple(
        slice(
            draw(st.integers(-3, 3)),
            draw(st.one_of(st.none(), st.integers(-3, 5))),
            draw(st.sampled_from([1, 2, -1])),
        )
        for _ in range(draw(st.integers(0, a.ndim)))
    )
    return v[index], a[index]


def diagonal(draw, v, a):
    if a.ndim < 2:
        return v, a
    offset = draw(st.integers(-2, 2))
    return T.diagonal(v, offset, 0, -1), np.diagonal(a, offset, 0, -1)


def spread(draw, v, a):
    if a.ndim >= 4 or a.size > 300:
        return v, a
    return T.alloc(v, 2, *v.shape), np.broadcast_to(a, (2, *a.shape))


def mapped(draw, v, a):
    return T.tanh(v) * 2 - v, np.tanh(a) * 2 - a


def mean_taken_off(draw, v, a):
    if a.ndim == 0 or a.shape[-1] == 0:
        return v, a
    return v - v.mean(axis=-1, keepdims=True), a - a.mean(axis=-1, keepdims=True)


STEPS = [
    transposed, reshaped, flattened, padded, squeezed, tiled, rolled, joined, piece, sliced, diagonal, spread, mapped,
    mean_taken_off,
]  # fmt: skip


@settings(max_examples=150, derandomize=True)
@given(st.data())
def test_chains_of_shape_ops(data):
    draw = data.draw
    shape = tuple(draw(st.lists(st.integers(0, 4), max_size=3)))
    known = tuple(n if n == 1 or draw(st.booleans()) else None for n in shape)
    start = np.random.default_rng(draw(st.integers(0, 9))).normal(size=shape)
    x = TensorType("float64", known)("x")
    v, a = x, start
    for step in draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=7)):
        v, a = step(draw, v, a)
        assert all(k is None or k == n for k, n in zip(v.type.shape, a.shape, strict=True))
    np.testing.assert_allclose(evaluate([v], {x: start})[0], a, rtol=1e-12, atol=1e-12)
    gradient = theano.grad(T.sqr(v).sum(), x, disconnected_inputs="ignore")
    wanted = evaluate([gradient], {x: start})[0]
    for mode in ("reference", "FAST_COMPILE", "FAST_RUN"):
        got, slope = theano.function([x], [v, gradient], mode=mode, on_unused_input="ignore")(start)
        assert got.shape == a.shape and slope.shape == start.shape
        np.testing.assert_allclose(got, a, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(slope, wanted, rtol=1e-9, atol=1e-10)
