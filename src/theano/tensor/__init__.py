"""theano.tensor: symbolic dense arrays."""

from __future__ import annotations

from theano.tensor.basic import *  # noqa: F403
