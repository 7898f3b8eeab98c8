"""specify_shape with lengths that are known when the function runs: -1 is then a length that no axis has."""

import numpy as np
import pytest

import theano
import theano.tensor as tt

x, n, v = tt.dmatrix("x"), tt.lscalar("n"), tt.lvector("v")
USES = {"values": lambda z: z, "shape": tt.shape, "zeros": tt.zeros_like, "sum times zero": lambda z: z.sum() * 0}


@pytest.mark.parametrize("mode", ["reference", "FAST_COMPILE", "FAST_RUN"])
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("length", [-1, -2, 2, 4])
def test_a_computed_length_is_compared(length, use, mode):
    for inputs, stated, given in (([x, n], (n, 2), length), ([x, v], v, np.array([length, 2]))):
        f = theano.function(inputs, USES[use](tt.specify_shape(x, stated)), mode=mode, on_unused_input="ignore")
        f(np.zeros((3, 2)), 3 if given is length else np.array([3, 2]))
        with pytest.raises(AssertionError):
            f(np.zeros((3, 2)), given)


@pytest.mark.parametrize("mode", ["reference", "FAST_RUN"])
def test_a_constant_says_that_it_is_not_stated(mode):
    for stated in ((-1, 2), (None, 2), np.array([-1, 2]), (tt.constant(-1, dtype="int64"), n)):
        f = theano.function([x, n], tt.specify_shape(x, stated), mode=mode, on_unused_input="ignore")
        assert f(np.zeros((3, 2)), 2).shape == (3, 2)
        assert f(np.zeros((0, 2)), 2).shape == (0, 2)
        with pytest.raises(AssertionError, match=r"expected \(\?, 2|lengths|\?"):
            f(np.zeros((3, 4)), 2)
