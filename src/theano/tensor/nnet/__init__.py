"""theano.tensor.nnet: activations, softmax, losses, convolution and normalisation of neural networks."""

from __future__ import annotations

import importlib
from typing import Any

from theano.tensor.nnet.abstract_conv import conv2d as abstract_conv2d  # noqa: F401
from theano.tensor.nnet.abstract_conv import conv2d as conv2d
from theano.tensor.nnet.abstract_conv import conv2d_transpose as conv2d_transpose
from theano.tensor.nnet.abstract_conv import conv3d as conv3d
from theano.tensor.nnet.abstract_conv import separable_conv2d as separable_conv2d
from theano.tensor.nnet.activations import elu as elu
from theano.tensor.nnet.activations import hard_sigmoid as hard_sigmoid
from theano.tensor.nnet.activations import relu as relu
from theano.tensor.nnet.activations import scalar_sigmoid as scalar_sigmoid
from theano.tensor.nnet.activations import scalar_softplus as scalar_softplus
from theano.tensor.nnet.activations import scalar_softsign as scalar_softsign
from theano.tensor.nnet.activations import selu as selu
from theano.tensor.nnet.activations import sigmoid as sigmoid
from theano.tensor.nnet.activations import sigmoid_inplace as sigmoid_inplace
from theano.tensor.nnet.activations import softplus as softplus
from theano.tensor.nnet.activations import softsign as softsign
from theano.tensor.nnet.activations import ultra_fast_scalar_sigmoid as ultra_fast_scalar_sigmoid
from theano.tensor.nnet.activations import ultra_fast_sigmoid as ultra_fast_sigmoid
from theano.tensor.nnet.activations import ultra_fast_sigmoid_inplace as ultra_fast_sigmoid_inplace
from theano.tensor.nnet.blocksparse import sparse_block_dot as sparse_block_dot
from theano.tensor.nnet.bn import batch_normalization as batch_normalization
from theano.tensor.nnet.bn import batch_normalization_test as batch_normalization_test
from theano.tensor.nnet.bn import batch_normalization_train as batch_normalization_train
from theano.tensor.nnet.confusion import confusion_matrix as confusion_matrix
from theano.tensor.nnet.hierarchical import h_softmax as h_softmax
from theano.tensor.nnet.losses import binary_crossentropy as binary_crossentropy
from theano.tensor.nnet.losses import categorical_crossentropy as categorical_crossentropy
from theano.tensor.nnet.losses import crossentropy_softmax_1hot as crossentropy_softmax_1hot
from theano.tensor.nnet.losses import crossentropy_softmax_1hot_with_bias as crossentropy_softmax_1hot_with_bias
from theano.tensor.nnet.losses import (
    crossentropy_softmax_max_and_argmax_1hot as crossentropy_softmax_max_and_argmax_1hot,
)
from theano.tensor.nnet.losses import (
    crossentropy_softmax_max_and_argmax_1hot_with_bias as crossentropy_softmax_max_and_argmax_1hot_with_bias,
)
from theano.tensor.nnet.losses import sigmoid_binary_crossentropy as sigmoid_binary_crossentropy
from theano.tensor.nnet.one_hot_losses import CrossentropyCategorical1Hot as CrossentropyCategorical1Hot
from theano.tensor.nnet.one_hot_losses import CrossentropyCategorical1HotGrad as CrossentropyCategorical1HotGrad
from theano.tensor.nnet.one_hot_losses import CrossentropySoftmax1HotWithBiasDx as CrossentropySoftmax1HotWithBiasDx
from theano.tensor.nnet.one_hot_losses import (
    CrossentropySoftmaxArgmax1HotWithBias as CrossentropySoftmaxArgmax1HotWithBias,
)
from theano.tensor.nnet.one_hot_losses import SoftmaxWithBias as SoftmaxWithBias
from theano.tensor.nnet.one_hot_losses import crossentropy_categorical_1hot as crossentropy_categorical_1hot
from theano.tensor.nnet.one_hot_losses import crossentropy_categorical_1hot_grad as crossentropy_categorical_1hot_grad
from theano.tensor.nnet.one_hot_losses import (
    crossentropy_softmax_1hot_with_bias_dx as crossentropy_softmax_1hot_with_bias_dx,
)
from theano.tensor.nnet.one_hot_losses import (
    crossentropy_softmax_argmax_1hot_with_bias as crossentropy_softmax_argmax_1hot_with_bias,
)
from theano.tensor.nnet.one_hot_losses import softmax_with_bias as softmax_with_bias
from theano.tensor.nnet.softmax import LogSoftmax as LogSoftmax
from theano.tensor.nnet.softmax import LogSumExp as LogSumExp
from theano.tensor.nnet.softmax import Softmax as Softmax
from theano.tensor.nnet.softmax import SoftmaxGrad as SoftmaxGrad
from theano.tensor.nnet.softmax import logsoftmax as logsoftmax
from theano.tensor.nnet.softmax import logsoftmax_op as logsoftmax_op
from theano.tensor.nnet.softmax import logsumexp as logsumexp
from theano.tensor.nnet.softmax import softmax as softmax
from theano.tensor.nnet.softmax import softmax_grad as softmax_grad
from theano.tensor.nnet.softmax import softmax_graph as softmax_graph
from theano.tensor.nnet.softmax import softmax_op as softmax_op

# submodules that are loaded when they are first named
_SUBMODULES = ("conv", "conv3d2d", "ctc", "neighbours", "nnet", "sigm")
# rewrites, which belong to a later layer
_REWRITES = (
    "crossentropy_to_crossentropy_with_softmax", "crossentropy_to_crossentropy_with_softmax_with_bias",
    "graph_merge_softmax_with_crossentropy_softmax", "softmax_simplifier",
)  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _REWRITES:
        return getattr(importlib.import_module("theano.rewriting.named_losses"), name)
    if name in _SUBMODULES:
        return importlib.import_module(f"theano.tensor.nnet.{name}")
    raise AttributeError(f"module 'theano.tensor.nnet' has no attribute {name!r}")
