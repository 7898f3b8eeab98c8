"""Activations that are compositions of elementwise ops: relu, elu, selu; and the doors to those that are ops."""

from __future__ import annotations

from typing import Any

import numpy as np

from theano.scalar.activation import hard_sigmoid as _hard_sigmoid
from theano.scalar.activation import sigmoid as _sigmoid
from theano.scalar.activation import softplus as _softplus
from theano.scalar.activation import softsign as _softsign
from theano.scalar.activation import ultra_fast_sigmoid as _ultra_fast_sigmoid
from theano.scalar.comparison import gt
from theano.scalar.exponential import expm1
from theano.scalar.op import ScalarOp
from theano.scalar.selection import switch
from theano.tensor.convert import as_tensor_variable
from theano.tensor.elemwise import Elemwise, elemwise_of

SELU_SCALE = 1.0507009873554804934193349852946
SELU_ALPHA = 1.6732632423543772848170429916717


def _op(record: ScalarOp) -> Elemwise:
    return elemwise_of(record)


sigmoid = _op(_sigmoid)
softplus = _op(_softplus)
softsign = _op(_softsign)
hard_sigmoid = _op(_hard_sigmoid)
ultra_fast_sigmoid = _op(_ultra_fast_sigmoid)
sigmoid_inplace = sigmoid
ultra_fast_sigmoid_inplace = ultra_fast_sigmoid
scalar_sigmoid = _sigmoid
scalar_softplus = _softplus
scalar_softsign = _softsign
ultra_fast_scalar_sigmoid = _ultra_fast_sigmoid


def relu(x: Any, alpha: Any = 0) -> Any:
    """max(x, 0), or x where x > 0 and alpha * x elsewhere. The gradient at 0 is the mean of both sides: 0.5.

    alpha   slope for negative x: a number or a tensor

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> relu(v).eval({v: [-2.0, 3.0]}).tolist(), relu(v, 0.5).eval({v: [-2.0, 3.0]}).tolist()
    ([0.0, 3.0], [-1.0, 3.0])
    """
    x = as_tensor_variable(x)
    if isinstance(alpha, (int, float)) and alpha == 0:
        return _number(0.5, x) * (x + abs(x))
    alpha = as_tensor_variable(_number(alpha, x))
    above = _number(0.5, x) * (1 + alpha)
    below = _number(0.5, x) * (1 - alpha)
    return above * x + below * abs(x)


def elu(x: Any, alpha: Any = 1) -> Any:
    """x where x > 0, alpha * (exp(x) - 1) elsewhere.

    Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by exponential linear units", 2015.

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> elu(v).eval({v: [-1000.0, 3.0]}).tolist()
    [-1.0, 3.0]
    """
    x = as_tensor_variable(x)
    return switch(gt(x, 0), x, _number(alpha, x) * expm1(x))


def selu(x: Any) -> Any:
    """Self-normalising elu: scale * elu(x, alpha) with the two published constants.

    Klambauer, Unterthiner, Mayr and Hochreiter, "Self-normalizing neural networks", 2017.
    """
    x = as_tensor_variable(x)
    return _number(SELU_SCALE, x) * elu(x, _number(SELU_ALPHA, x))


def _number(value: Any, x: Any) -> Any:
    """A Python number in x's dtype, where that is a float: so float32 stays float32. Anything else as it is."""
    number = isinstance(value, (int, float)) and x.type.dtype.startswith("float")
    return np.asarray(value, x.type.dtype) if number else value
