"""Door: PdbBreakpoint, under the original's path. The code is in `theano.tensor.checks`."""

from __future__ import annotations

from theano.tensor.checks import PdbBreakpoint as PdbBreakpoint
