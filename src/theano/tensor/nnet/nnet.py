"""theano.tensor.nnet.nnet: the old path of activations, softmax and losses. Nothing is defined here."""

from theano.tensor.nnet import *  # noqa: F403
from theano.tensor.nnet.softmax import softmax as softmax
