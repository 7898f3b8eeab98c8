"""Flags that change what variables do."""

import pickle

import numpy as np
import pytest

import theano
import theano.tensor as tt


def test_warn_float64():
    x = tt.fvector("x")
    with theano.change_flags(warn_float64="warn"):
        with pytest.warns(UserWarning, match="float64"):
            tt.dscalar("d")
        with pytest.warns(UserWarning, match="float64"):
            x + np.ones(2)
        assert (x + 1).dtype == "float32"
        theano.function([x], x * 2)
    with theano.change_flags(warn_float64="raise"), pytest.raises(TypeError, match="warn_float64"):
        tt.dscalar("d")
    d = tt.dscalar("d")
    with theano.change_flags(warn_float64="raise"):
        assert theano.function([d], d, mode="reference")(1.0) == 1.0


def test_test_values_in_pickles_and_prints():
    x = tt.dvector("x")
    x.tag.test_value = np.array([1.5])
    assert pickle.loads(pickle.dumps(x)).tag.test_value.tolist() == [1.5]
    with theano.change_flags(pickle_test_value=False):
        assert not hasattr(pickle.loads(pickle.dumps(x)).tag, "test_value")
    assert repr(x) == "x"
    with theano.change_flags(print_test_value=True):
        assert repr(x) == "x\narray([1.5])"
    assert x.tag.test_value.tolist() == [1.5]
