"""theano.tensor.nnet.ctc: the loss of connectionist temporal classification, and its gradient.

The sum over all alignments is the forward-backward recursion of Graves, Fernández, Gomez and Schmidhuber,
"Connectionist Temporal Classification" (ICML 2006), in logarithms and in float64.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.graph.op import Op
from theano.graph.type import NullType, disconnected_type
from theano.scalar.dtypes import integer_dtypes
from theano.tensor.convert import as_tensor_variable
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.elemwise import cast_to
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable

_BLANK = 0


def _inputs(activations: Any, labels: Any, input_lengths: Any) -> list[Any]:
    activations, labels = as_tensor_variable(activations), as_tensor_variable(labels)
    lengths = as_tensor_variable(input_lengths)
    if activations.type.ndim != 3 or not activations.type.dtype.startswith("float"):
        raise TypeError(f"ctc: the activations must be floats (time, batch, symbols), got {activations.type}")
    for what, x, ndim in (("labels", labels, 2), ("input_lengths", lengths, 1)):
        if x.type.ndim != ndim or x.type.dtype not in integer_dtypes:
            raise TypeError(f"ctc: {what} must be integers with {ndim} axes, got {x} of type {x.type}")
    return [activations, cast_to(labels, "int64"), cast_to(lengths, "int64")]


def _check(activations: np.ndarray, labels: np.ndarray, lengths: np.ndarray) -> None:
    """ValueError for batches, labels and lengths that do not fit one another."""
    time, batch, symbols = activations.shape
    if len(labels) != batch or len(lengths) != batch:
        raise ValueError(
            f"ctc: activations of shape {activations.shape} have a batch of {batch}, but there are labels of shape "
            f"{labels.shape} and {len(lengths)} lengths"
        )
    if labels.size and (labels.max() >= symbols or (labels == _BLANK).any()):
        raise ValueError(
            f"ctc: labels must be from 1 to {symbols - 1} (0 is the blank, negative numbers are padding), got "
            f"{labels.min()} to {labels.max()}"
        )
    if lengths.size and (lengths.min() < 0 or lengths.max() > time):
        raise ValueError(f"ctc: input_lengths must be from 0 to {time}, got {lengths.min()} to {lengths.max()}")


def _log_probabilities(activations: np.ndarray) -> np.ndarray:
    wide = activations.astype("float64")
    largest = wide.max(axis=-1, keepdims=True, initial=-np.inf)
    return wide - largest - np.log(np.exp(wide - largest).sum(axis=-1, keepdims=True))


def _with_blanks(labels: np.ndarray) -> np.ndarray:
    """The labels of one item with blanks around each, without padding."""
    labels = labels[labels >= 0]
    result = np.full(2 * len(labels) + 1, _BLANK)
    result[1::2] = labels
    return result


def _forward(logp: np.ndarray, path: np.ndarray) -> np.ndarray:
    """alpha[t, s]: log of the probability of all alignments of 0 … t that end at position s of `path`."""
    alpha = np.full((len(logp), len(path)), -np.inf)
    if not len(logp):
        return alpha
    alpha[0, :2] = logp[0, path[:2]]
    # a label may follow the one before it without a blank if they differ
    skips = np.zeros(len(path), dtype=bool)
    skips[2:] = (path[2:] != _BLANK) & (path[2:] != path[:-2])
    for t in range(1, len(logp)):
        before = alpha[t - 1]
        reached = before.copy()
        reached[1:] = np.logaddexp(reached[1:], before[:-1])
        reached[2:] = np.where(skips[2:], np.logaddexp(reached[2:], before[:-2]), reached[2:])
        alpha[t] = reached + logp[t, path]
    return alpha


def _log_likelihood(alpha: np.ndarray) -> float:
    if not len(alpha):
        return 0.0 if alpha.shape[1] == 1 else -np.inf
    return float(np.logaddexp.reduce(alpha[-1, -2:]))


class ConnectionistTemporalClassification(Op):
    """The loss of every item. Inputs: activations, labels, input_lengths, as for `ctc`.

    compute_grad, openmp   accepted for compatibility: the gradient is computed when it is asked for
    """

    __props__ = ()

    def __init__(self, compute_grad: bool = True, openmp: Any = None) -> None:
        pass

    def make_node(self, activations: Any, labels: Any, input_lengths: Any) -> Apply:
        inputs = _inputs(activations, labels, input_lengths)
        kind = inputs[0].type
        return Apply(self, inputs, [TensorVariable(tensor_type(kind.dtype, (kind.shape[1],)))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        activations, labels, lengths = inputs
        _check(activations, labels, lengths)
        costs = np.zeros(len(lengths), activations.dtype)
        with np.errstate(all="ignore"):
            logp = _log_probabilities(activations)
            for k, n in enumerate(lengths):
                costs[k] = -_log_likelihood(_forward(logp[:n, k], _with_blanks(labels[k])))
        output_storage[0][0] = costs

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [(input_shapes[0][1],)]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [False], [False]]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (gz,) = output_gradients
        slopes = ConnectionistTemporalClassificationGrad()(*inputs)
        return [slopes * dimshuffle(gz, ["x", 0, "x"]), disconnected_type(), disconnected_type()]


class ConnectionistTemporalClassificationGrad(Op):
    """The derivative of every item's loss by its activations: (time, batch, symbols).

    It is zero beyond the length of an item, and for an item whose labels no alignment gives.
    """

    __props__ = ()

    def make_node(self, activations: Any, labels: Any, input_lengths: Any) -> Apply:
        inputs = _inputs(activations, labels, input_lengths)
        return Apply(self, inputs, [TensorVariable(inputs[0].type)])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        activations, labels, lengths = inputs
        _check(activations, labels, lengths)
        result = np.zeros(activations.shape, "float64")
        with np.errstate(all="ignore"):
            logp = _log_probabilities(activations)
            for k, n in enumerate(lengths):
                item, path = logp[:n, k], _with_blanks(labels[k])
                alpha = _forward(item, path)
                total = _log_likelihood(alpha)
                if n == 0 or total == -np.inf:
                    continue
                # read backwards, the same recursion; the emission at t is in both
                beta = _forward(item[::-1], path[::-1])[::-1, ::-1] - item[:, path]
                occupied = np.exp(alpha + np.where(np.isnan(beta), -np.inf, beta) - total)
                slopes = np.exp(item)
                for position, symbol in enumerate(path):
                    slopes[:, symbol] -= occupied[:, position]
                result[:n, k] = slopes
        output_storage[0][0] = result.astype(activations.dtype)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [input_shapes[0]]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [False], [False]]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        missing = NullType("the second derivative of ctc is not implemented")()
        return [missing, disconnected_type(), disconnected_type()]


def ctc(activations: Any, labels: Any, input_lengths: Any) -> Any:
    """The negative log-likelihood of the labels of every item, over all their alignments with its time steps.

    activations     (time, batch, symbols): before the softmax; symbol 0 is the blank
    labels          (batch, length): symbols from 1 on, negative numbers are padding
    input_lengths   (batch,): how many time steps of an item count
    inf for labels that no alignment gives (too many for the time steps). ValueError for labels out of range.
    Graves, Fernández, Gomez and Schmidhuber, "Connectionist temporal classification", 2006.

    >>> import numpy
    >>> activations = numpy.zeros((1, 1, 4), dtype="float32")
    >>> round(float(ctc(activations, [[2]], [1]).eval()[0]), 4)     # log(4): all symbols are equally probable
    1.3863
    """
    return ConnectionistTemporalClassification()(activations, labels, input_lengths)
