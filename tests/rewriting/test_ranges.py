"""What is known of the size of constants, whatever they hold."""

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.rewriting.ranges import bounds, nonnegative

INF = np.inf
CONSTANTS = [np.zeros(0), np.linspace(-1, 1, 5000), [np.nan, -1.0], [np.nan], np.nan, -2.0, [INF, -INF], [np.nan, INF]]


def test_of_constants() -> None:
    assert bounds(T.constant([2.0, -1.5, 4.0])) == (-1.5, 4.0)
    assert bounds(T.constant(np.arange(9000.0) - 4)) == (-4.0, 8995.0)
    assert bounds(T.constant(np.zeros((0, 3)))) == (0.0, 0.0)
    assert bounds(T.constant([np.nan, -1.0])) == (-1.0, -1.0)
    assert bounds(T.constant([np.nan])) == (0.0, 0.0)
    assert bounds(T.constant(np.array([], "bool"))) == (0.0, 0.0)


@pytest.mark.parametrize("data", CONSTANTS, ids=str)
def test_a_modulus_is_nonnegative_also_once_it_is_computed(data: object) -> None:
    """Found by the fuzzer: rules that ask for the sign of x found it unknown of |x| too, and applied for ever."""
    c, y = T.constant(np.asarray(data, "float64")), T.dvector("y")
    assert nonnegative(T.constant(np.abs(c.data)))
    value = np.ones(c.data.shape or (3,))
    for expression in (T.sqrt(c**2 + y**2) - c, c + T.sqrt(c**2 + y**2), 1 - c / T.sqrt(c**2 + y**2)):
        want = theano.function([y], expression, mode="reference")(value)
        np.testing.assert_allclose(theano.function([y], expression)(value), want, rtol=1e-10)
