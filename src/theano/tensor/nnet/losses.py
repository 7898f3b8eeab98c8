"""Cross-entropies.

They are written as in the formula. Their gradients are stable by construction (`scalar/cancelling.py`), their values
through rewriting (`log(softmax(x))` becomes one op); `sigmoid_binary_crossentropy` takes the logits themselves.
"""

from __future__ import annotations

from typing import Any

from theano.scalar.activation import softplus
from theano.scalar.dtypes import discrete_dtypes
from theano.scalar.exponential import log, xlogy0
from theano.tensor.convert import as_tensor_variable
from theano.tensor.creation import arange
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.nnet.softmax import logsoftmax, softmax
from theano.tensor.reductions import argmax, max_and_argmax
from theano.tensor.reductions import sum as tensor_sum
from theano.tensor.shape import shape_i


def binary_crossentropy(output: Any, target: Any) -> Any:
    """-(target * log(output) + (1 - target) * log(1 - output)), element by element; output is in (0, 1)."""
    output, target = as_tensor_variable(output), as_tensor_variable(target)
    return -(target * log(output) + (1 - target) * log(1 - output))


def sigmoid_binary_crossentropy(output: Any, target: Any) -> Any:
    """binary_crossentropy(sigmoid(output), target), stable for all outputs."""
    output, target = as_tensor_variable(output), as_tensor_variable(target)
    return target * softplus(-output) + (1 - target) * softplus(output)


def categorical_crossentropy(coding_dist: Any, true_dist: Any) -> Any:
    """-sum(true_dist * log(coding_dist)) over the last axis: one value a row.

    coding_dist   probabilities, one distribution a row
    true_dist     probabilities of the same rank, or integers that say which class is true (one axis less)
    Raises TypeError for other ranks, or for class numbers that are no integers.
    """
    coding_dist, true_dist = as_tensor_variable(coding_dist), as_tensor_variable(true_dist)
    if true_dist.type.ndim == coding_dist.type.ndim:
        return -tensor_sum(xlogy0(true_dist, coding_dist), axis=coding_dist.type.ndim - 1)
    if true_dist.type.ndim == coding_dist.type.ndim - 1:
        return crossentropy_categorical_1hot(coding_dist, true_dist)
    raise TypeError(
        f"categorical_crossentropy: the target must have as many axes as the probabilities ({coding_dist.type.ndim}), "
        f"or one less if it holds class numbers; got {true_dist.type} for {coding_dist.type}"
    )


def crossentropy_categorical_1hot(coding_dist: Any, true_one_of_n: Any) -> Any:
    """-log(coding_dist[k, true_one_of_n[k]]) for every row k."""
    coding_dist, classes = as_tensor_variable(coding_dist), class_numbers(true_one_of_n)
    if coding_dist.type.ndim != classes.type.ndim + 1:
        raise TypeError(f"crossentropy_categorical_1hot needs class numbers with one axis less than the probabilities, "
                        f"got {classes.type} for {coding_dist.type}")
    return -log(_selected(coding_dist, classes))


def crossentropy_softmax_1hot(x: Any, y_idx: Any, **kwargs: Any) -> list[Any]:
    """[negative log-likelihoods of the classes y_idx, softmax(x)] for logits x."""
    x = as_tensor_variable(x)
    return [-_selected(logsoftmax(x), class_numbers(y_idx)), softmax(x)]


def crossentropy_softmax_1hot_with_bias(x: Any, b: Any, y_idx: Any, **kwargs: Any) -> list[Any]:
    """crossentropy_softmax_1hot of x + b."""
    return crossentropy_softmax_1hot(as_tensor_variable(x) + as_tensor_variable(b), y_idx)


def crossentropy_softmax_max_and_argmax_1hot(x: Any, y_idx: Any, **kwargs: Any) -> list[Any]:
    """[negative log-likelihoods, softmax(x), its maxima, their positions]"""
    nll, probabilities = crossentropy_softmax_1hot(x, y_idx)
    return [nll, probabilities, *max_and_argmax(probabilities, axis=-1)]


def crossentropy_softmax_max_and_argmax_1hot_with_bias(x: Any, b: Any, y_idx: Any, **kwargs: Any) -> list[Any]:
    """crossentropy_softmax_max_and_argmax_1hot of x + b."""
    return crossentropy_softmax_max_and_argmax_1hot(as_tensor_variable(x) + as_tensor_variable(b), y_idx)


def crossentropy_softmax_argmax_1hot_with_bias(x: Any, b: Any, y_idx: Any, **kwargs: Any) -> list[Any]:
    """[negative log-likelihoods, softmax(x + b), positions of its maxima]"""
    x = as_tensor_variable(x) + as_tensor_variable(b)
    nll, probabilities = crossentropy_softmax_1hot(x, y_idx)
    return [nll, probabilities, argmax(x, axis=-1)]


def class_numbers(y: Any) -> Any:
    """`y` as a variable of integers; TypeError if it is none."""
    y = as_tensor_variable(y)
    if y.type.dtype not in discrete_dtypes or y.type.dtype == "bool":
        raise TypeError(f"class numbers must be integers, got {y} of type {y.type}")
    return y


def _selected(x: Any, classes: Any) -> Any:
    """x[..., classes[...]]: from every row the element of its class."""
    lead = classes.type.ndim
    rows = []
    for axis in range(lead):
        order: list[Any] = ["x"] * lead
        order[axis] = 0
        rows.append(dimshuffle(arange(shape_i(x, axis)), order))
    return x[(*rows, classes)]
