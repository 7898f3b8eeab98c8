"""For all tests, and the processes that they start: no machine code is taken from the disk, nor kept there, and a
rewrite that fails fails the test. No test fails because the machine is slow."""

import os

from hypothesis import HealthCheck, settings

OURS = ["cache.enabled=False", "on_opt_error=raise"]

# read when theano is imported, which no test has done yet
os.environ["THEANO_FLAGS"] = ",".join([*OURS, *filter(None, [os.environ.get("THEANO_FLAGS")])])

settings.register_profile("at any pace", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("at any pace")
