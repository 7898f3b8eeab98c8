"""The two-level softmax: first a class, then an output of that class."""

from __future__ import annotations

from typing import Any

from theano.scalar.arithmetic import int_div, mod
from theano.tensor.convert import as_tensor_variable
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.nnet.classes import class_numbers
from theano.tensor.nnet.softmax import softmax
from theano.tensor.products import batched_dot, dot, tensordot
from theano.tensor.ranges import arange
from theano.tensor.shape import flatten, reshape


def h_softmax(
    x: Any,
    batch_size: Any,
    n_outputs: Any,
    n_classes: Any,
    n_outputs_per_class: Any,
    W1: Any,
    b1: Any,
    W2: Any,
    b2: Any,
    target: Any = None,
) -> Any:
    """Probabilities of outputs that are grouped in classes: P(class) * P(output | class).

    x         (batch_size, features)
    W1, b1    (features, n_classes), (n_classes,): the softmax over classes
    W2, b2    (n_classes, features, n_outputs_per_class), (n_classes, n_outputs_per_class): that inside each class
    target    integers (batch_size,): give the probability of this output of each row, a vector, at the cost of one
              class only. None: those of all outputs, (batch_size, n_outputs)
    n_classes * n_outputs_per_class must be at least n_outputs.
    Goodman, "Classes for fast maximum entropy training", 2001.
    """
    x, W1, b1, W2, b2 = (as_tensor_variable(v) for v in (x, W1, b1, W2, b2))
    class_probabilities = softmax(dot(x, W1) + b1)
    if target is None:
        inside = softmax(tensordot(x, W2, axes=(1, 1)) + dimshuffle(b2, "x", 0, 1), axis=2)
        together = dimshuffle(class_probabilities, 0, 1, "x") * inside
        return reshape(together, (batch_size, -1))[:, :n_outputs]
    target = flatten(class_numbers(target))
    classes, inside_class = int_div(target, n_outputs_per_class), mod(target, n_outputs_per_class)
    rows = arange(batch_size)
    activations = batched_dot(dimshuffle(x, 0, "x", 1), W2[classes])[:, 0, :] + b2[classes]
    return class_probabilities[rows, classes] * softmax(activations, axis=1)[rows, inside_class]
