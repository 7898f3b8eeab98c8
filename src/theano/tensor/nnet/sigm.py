"""theano.tensor.nnet.sigm: the old path of the sigmoid family. Nothing is defined here."""

from theano.tensor.nnet.activations import hard_sigmoid as hard_sigmoid
from theano.tensor.nnet.activations import scalar_sigmoid as scalar_sigmoid
from theano.tensor.nnet.activations import scalar_softplus as scalar_softplus
from theano.tensor.nnet.activations import sigmoid as sigmoid
from theano.tensor.nnet.activations import sigmoid_inplace as sigmoid_inplace
from theano.tensor.nnet.activations import softplus as softplus
from theano.tensor.nnet.activations import ultra_fast_scalar_sigmoid as ultra_fast_scalar_sigmoid
from theano.tensor.nnet.activations import ultra_fast_sigmoid as ultra_fast_sigmoid
from theano.tensor.nnet.activations import ultra_fast_sigmoid_inplace as ultra_fast_sigmoid_inplace
