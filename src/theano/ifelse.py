"""Door: the lazy conditional, under the original's path. The code is in `theano.loops.ifelse`."""

from __future__ import annotations

from theano.loops import branches as _branches  # noqa: F401  makes compiled conditionals lazy
from theano.loops.ifelse import IfElse as IfElse
from theano.loops.ifelse import ifelse as ifelse
