"""For all tests, and the processes that they start: no machine code is taken from the disk, nor kept there, and a
rewrite that fails fails the test."""

import os

OURS = ["cache.enabled=False", "on_opt_error=raise"]

# read when theano is imported, which no test has done yet
os.environ["THEANO_FLAGS"] = ",".join([*OURS, *filter(None, [os.environ.get("THEANO_FLAGS")])])
