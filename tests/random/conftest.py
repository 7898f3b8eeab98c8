"""Every test of values runs on both backends."""

import pytest


@pytest.fixture(params=["FAST_RUN", "reference"])
def mode(request):
    return request.param
