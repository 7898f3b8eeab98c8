"""Cross-entropies.

They are written as in the formula. Their gradients are stable by construction (`scalar/cancelling.py`), their values
through rewriting (`log(softmax(x))` becomes one op); `sigmoid_binary_crossentropy` takes the logits themselves.
Class numbers are checked: see `classes.py`. The original's ops for some of these are in `one_hot_losses.py`.
"""

from __future__ import annotations

from typing import Any

from theano.scalar.activation import softplus
from theano.scalar.exponential import log, xlogy0
from theano.tensor.convert import as_tensor_variable
from theano.tensor.nnet.classes import selected
from theano.tensor.nnet.softmax import logsoftmax, softmax
from theano.tensor.reductions import max_and_argmax
from theano.tensor.reductions import sum as tensor_sum


def binary_crossentropy(output: Any, target: Any) -> Any:
    """-(target * log(output) + (1 - target) * log(1 - output)), element by element; output is in (0, 1).

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> binary_crossentropy(v, [1, 0]).eval({v: [0.5, 0.5]}).round(4).tolist()
    [0.6931, 0.6931]
    """
    output, target = as_tensor_variable(output), as_tensor_variable(target)
    return -(target * log(output) + (1 - target) * log(1 - output))


def sigmoid_binary_crossentropy(output: Any, target: Any) -> Any:
    """binary_crossentropy(sigmoid(output), target), stable for all outputs.

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> sigmoid_binary_crossentropy(v, [1, 1]).eval({v: [-800.0, 800.0]}).tolist()
    [800.0, 0.0]
    """
    output, target = as_tensor_variable(output), as_tensor_variable(target)
    return target * softplus(-output) + (1 - target) * softplus(output)


def categorical_crossentropy(coding_dist: Any, true_dist: Any) -> Any:
    """-sum(true_dist * log(coding_dist)) over the last axis: one value a row.

    coding_dist   probabilities, one distribution a row
    true_dist     probabilities of the same rank, or integers that say which class is true (one axis less)
    Raises TypeError for other ranks, or for class numbers that are no integers.

    >>> from theano.tensor import dmatrix
    >>> m = dmatrix("m")
    >>> categorical_crossentropy(m, [1]).eval({m: [[0.5, 0.5]]}).round(4).tolist()
    [0.6931]
    """
    coding_dist, true_dist = as_tensor_variable(coding_dist), as_tensor_variable(true_dist)
    if true_dist.type.ndim == coding_dist.type.ndim:
        return -tensor_sum(xlogy0(true_dist, coding_dist), axis=coding_dist.type.ndim - 1)
    if true_dist.type.ndim == coding_dist.type.ndim - 1:
        return -log(selected(coding_dist, true_dist))
    raise TypeError(
        f"categorical_crossentropy: the target must have as many axes as the probabilities ({coding_dist.type.ndim}), "
        f"or one less if it holds class numbers; got {true_dist.type} for {coding_dist.type}"
    )


def crossentropy_softmax_1hot(x: Any, y_idx: Any, **kwargs: Any) -> list[Any]:
    """[negative log-likelihoods of the classes y_idx, softmax(x)] for logits x.

    >>> from theano.tensor import dmatrix
    >>> m = dmatrix("m")
    >>> nll, probabilities = crossentropy_softmax_1hot(m, [0])
    >>> nll.eval({m: [[-800.0, 800.0]]}).tolist(), probabilities.eval({m: [[-800.0, 800.0]]}).tolist()
    ([1600.0], [[0.0, 1.0]])
    """
    x = as_tensor_variable(x)
    return [-selected(logsoftmax(x), y_idx), softmax(x)]


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
