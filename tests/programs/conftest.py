"""Whole programs, in the two modes and the two precisions that users choose from."""

import pytest

import theano


@pytest.fixture(params=["FAST_RUN", "reference"])
def mode(request):
    return request.param


@pytest.fixture(params=["float64", "float32"])
def floatX(request):
    """The precision that the program is written for."""
    with theano.config.change_flags(floatX=request.param):
        yield request.param


@pytest.fixture
def close(floatX):
    """Compare with a reference that was computed in double precision."""
    import numpy as np

    def check(got, expected, rtol=None, atol=None):
        got = np.asarray(got)
        assert got.dtype in (np.dtype(floatX), np.dtype("int64"), np.dtype(bool)), got.dtype
        single = floatX == "float32"
        np.testing.assert_allclose(
            got, expected, rtol=rtol or (2e-4 if single else 1e-9), atol=atol or (2e-5 if single else 1e-10)
        )

    return check
