"""theano.tensor.nnet.nnet: the old path of activations, softmax and losses. Nothing is defined here."""

from __future__ import annotations

from typing import Any

from theano.tensor import nnet as _nnet
from theano.tensor.nnet import *  # noqa: F403
from theano.tensor.nnet.softmax import softmax as softmax


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module 'theano.tensor.nnet.nnet' has no attribute {name!r}")
    return getattr(_nnet, name)
