"""Door: the Op that raises, under the original's path. The code is in `theano.tensor.checks`."""

from __future__ import annotations

from theano.tensor.checks import Raise as Raise
