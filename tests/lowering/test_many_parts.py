"""Joins and splits of so many parts that positions are counted from views of the rest."""

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.lowering.joining import MOST_TERMS
from theano.lowering.program import ViewStep


@pytest.mark.parametrize("count", [2, MOST_TERMS, MOST_TERMS + 1, 2 * MOST_TERMS + 1, 70])
@pytest.mark.parametrize("ndim, axis", [(1, 0), (2, 0), (2, 1), (3, 1)])
def test_as_numpy(count, ndim, axis):
    rng = np.random.default_rng(count)
    xs = [T.TensorType("float64", [None] * ndim)() for _ in range(count)]
    joined = T.join(axis, *xs)
    f = theano.function(xs, [joined, T.join(axis, *[T.exp(x) for x in xs]), *T.grad((joined**2).sum(), xs)])
    values = [rng.standard_normal([rng.integers(0, 4) if d == axis else 3 for d in range(ndim)]) for _ in xs]
    whole, powers, *gradients = f(*values)
    np.testing.assert_array_equal(whole, np.concatenate(values, axis))
    np.testing.assert_allclose(powers, np.exp(np.concatenate(values, axis)), rtol=1e-14)
    for value, gradient in zip(values, gradients, strict=True):
        np.testing.assert_allclose(gradient, 2 * value)
    if ndim > 1:
        with pytest.raises(ValueError):
            f(*values[:-1], rng.standard_normal([5] * ndim))

    y = T.TensorType("float64", [None] * ndim)()
    sizes = [k % 3 for k in range(count)]
    split = theano.function([y], [2 * p for p in T.split(y, sizes, count, axis=axis)])
    value = rng.standard_normal([sum(sizes) if d == axis else 3 for d in range(ndim)])
    for found, wanted in zip(split(value), np.split(value, np.cumsum(sizes)[:-1], axis), strict=True):
        np.testing.assert_array_equal(found, 2 * wanted)
    with pytest.raises(ValueError):
        split(np.concatenate([value, value], axis))


def test_positions_have_few_terms():
    xs = [T.dvector() for _ in range(200)]
    program = theano.function(xs, T.concatenate(xs)).program
    views = [step for step in program.steps if isinstance(step, ViewStep)]
    terms = [len(getattr(n, "terms", ())) for step in views for entry in step.params for n in entry]
    assert len(views) < 200 + 200 // MOST_TERMS + 2 and max(terms) <= MOST_TERMS + 1
