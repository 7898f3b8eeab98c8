"""theano.tensor.nnet.conv: the old path of two-dimensional convolution. See `abstract_conv.py`."""

from __future__ import annotations

from theano.tensor.nnet.abstract_conv import conv2d as conv2d
