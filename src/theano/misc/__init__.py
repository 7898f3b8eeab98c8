"""Door: tools under the original's paths."""

from __future__ import annotations

from theano.misc import pkl_utils as pkl_utils
