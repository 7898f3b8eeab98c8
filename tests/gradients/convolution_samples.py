"""Expressions of the ops of convolution, pooling and patches, for `test_ops`: see SAMPLES there."""

import numpy as np

from theano.tensor.nnet import abstract_conv as conv
from theano.tensor.nnet.neighbours import Images2Neibs, Neibs2Images
from theano.tensor.signal import pool

IMAGE, KERNEL, TOP = (2, 2, 4, 3), (2, 2, 2, 2), (2, 2, 3, 2)
SOLID, SOLID_KERNEL, SOLID_TOP = (1, 2, 3, 2, 3), (2, 2, 2, 1, 2), (1, 2, 2, 2, 2)
WINDOWS, PATCHES = (2, 2), (8, 6)

CONVOLUTION_SAMPLES = {
    "AbstractConv": [(lambda x, w: conv.AbstractConv(2)(x, w) ** 2, (IMAGE, KERNEL))],
    "AbstractConv_gradInputs": [(lambda w, g: conv.AbstractConv_gradInputs(2)(w, g, (4, 3)) ** 2, (KERNEL, TOP))],
    "AbstractConv_gradWeights": [(lambda x, g: conv.AbstractConv_gradWeights(2)(x, g, (2, 2)) ** 2, (IMAGE, TOP))],
    "AbstractConv2d": [(lambda x, w: conv.conv2d(x, w, filter_flip=False), (IMAGE, KERNEL))],
    "AbstractConv2d_gradInputs": [
        (lambda w, g: conv.conv2d_grad_wrt_inputs(g, w, IMAGE, filter_flip=False), (KERNEL, TOP)),
    ],
    "AbstractConv2d_gradWeights": [
        (lambda x, g: conv.conv2d_grad_wrt_weights(x, g, KERNEL, filter_flip=False), (IMAGE, TOP)),
    ],
    "AbstractConv3d": [(lambda x, w: conv.conv3d(x, w), (SOLID, SOLID_KERNEL))],
    "AbstractConv3d_gradInputs": [(lambda w, g: conv.conv3d_grad_wrt_inputs(g, w, SOLID), (SOLID_KERNEL, SOLID_TOP))],
    "AbstractConv3d_gradWeights": [
        (lambda x, g: conv.conv3d_grad_wrt_weights(x, g, SOLID_KERNEL), (SOLID, SOLID_TOP)),
    ],
    "Pool": [
        (lambda x: pool.pool_2d(x, WINDOWS, False) ** 2, (IMAGE,)),
        (lambda x: pool.pool_2d(x, WINDOWS, True, (1, 1), (1, 0), "average_exc_pad") ** 2, (IMAGE,)),
    ],
    "MaxPoolGrad": [
        (lambda x, g: pool.MaxPoolGrad(True)(x, pool.pool_2d(x, WINDOWS, True), g, WINDOWS), (IMAGE, (2, 2, 2, 1))),
    ],
    "DownsampleFactorMaxGradGrad": [
        (
            lambda x, g: pool.DownsampleFactorMaxGradGrad(True)(x, pool.pool_2d(x, WINDOWS, True), g, WINDOWS),
            (IMAGE, IMAGE),
        ),
    ],
    "MaxPoolRop": [(lambda x, g: pool.MaxPoolRop(True)(x, g, WINDOWS), (IMAGE, IMAGE))],
    "AveragePoolGrad": [
        (lambda g: pool.AveragePoolGrad(True, "sum")(np.zeros(IMAGE), g, WINDOWS) ** 2, ((2, 2, 2, 1),)),
    ],
    "Images2Neibs": [(lambda x: Images2Neibs("ignore_borders")(x, WINDOWS, (1, 1)) ** 2, (IMAGE,))],
    "Neibs2Images": [(lambda m: Neibs2Images()(m, (2, 3), (2, 3), IMAGE) ** 2, (PATCHES,))],
}
