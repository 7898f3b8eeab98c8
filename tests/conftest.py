"""For all tests, and the processes that they start: no machine code is taken from the disk, nor kept there."""

import os

# read when theano is imported, which no test has done yet
os.environ["THEANO_FLAGS"] = ",".join(["cache.enabled=False", *filter(None, [os.environ.get("THEANO_FLAGS")])])
