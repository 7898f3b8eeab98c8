"""Bad input meets the same answer in every mode."""

import pytest


@pytest.fixture(params=["FAST_RUN", "FAST_COMPILE", "reference"])
def mode(request):
    return request.param
