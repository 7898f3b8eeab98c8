"""The original's ops for softmax with a bias and for cross-entropies with class numbers.

Each is a name for plain mathematics: `expand` writes it out with other ops, and a rewrite does so before anything else
(`rewriting/named_losses.py`), so that there is nothing to be made fast or stable here. `perform` says in NumPy what
they mean. Gradients are stable before any rewriting, and exist for all orders.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from theano.graph.node import Apply
from theano.graph.op import Op
from theano.graph.type import DisconnectedType, disconnected_type
from theano.scalar.dtypes import upcast, upgrade_to_float_no_complex
from theano.scalar.exponential import log
from theano.scalar.selection import second
from theano.tensor.convert import as_tensor_variable
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.elemwise import cast_to
from theano.tensor.nnet.classes import selected
from theano.tensor.nnet.softmax import logsoftmax, softmax, softmax_gradient
from theano.tensor.reductions import argmax
from theano.tensor.reductions import sum as tensor_sum
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable


class NamedMathematics(Op):
    """Base of ops without a meaning of their own: `expand(inputs)` gives the outputs as other ops compute them."""

    __props__: ClassVar[tuple[str, ...]] = ()

    def expand(self, inputs: Sequence[Any]) -> list[Any]:
        """The outputs as other ops compute them."""
        raise NotImplementedError(f"{type(self).__name__}.expand")


class SoftmaxWithBias(NamedMathematics):
    """softmax(x + b) of the rows of a matrix x, with a vector b.

    A vector x is taken as a matrix of one row. Integers become floats. TypeError for other ranks and for complex
    numbers; ValueError when it runs and b has not as many elements as x has columns.
    """

    nin, nout = 2, 1

    def make_node(self, x: Any, b: Any) -> Apply:  # type: ignore[override]
        x, b = _matrix_and_bias(self, x, b)
        return Apply(self, [x, b], [TensorVariable(tensor_type(x.type.dtype, _biased_shape(x, b)))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        output_storage[0][0] = np.exp(_log_softmax(_biased(node, *inputs)), dtype=inputs[0].dtype)

    def expand(self, inputs: Sequence[Any]) -> list[Any]:
        x, b = inputs
        return [softmax(x + b)]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [_inferred(node, input_shapes)]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (p,), (gz,) = outputs, output_gradients
        return [gz, gz] if _absent(gz) else _to_summands(softmax_gradient(gz, p, (1,)), *inputs)


class CrossentropyCategorical1Hot(NamedMathematics):
    """-log(coding_dist[k, true_one_of_n[k]]) for every row k.

    coding_dist     probabilities, one distribution in each row (the last axis)
    true_one_of_n   integers, one for each row
    TypeError for other ranks and for class numbers that are no integers; when it runs, IndexError for a class number
    that is negative or too large, ValueError if there is not one for each row.
    """

    def make_node(self, coding_dist: Any, true_one_of_n: Any) -> Apply:  # type: ignore[override]
        p, classes = _distribution(self, coding_dist), as_tensor_variable(true_one_of_n)
        out = _refused(self, lambda: selected(p, classes))
        return Apply(self, [p, classes], [out.type()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        p, classes = inputs
        with np.errstate(all="ignore"):
            output_storage[0][0] = np.asarray(-np.log(_chosen(p, classes)))

    def expand(self, inputs: Sequence[Any]) -> list[Any]:
        return [-log(selected(*inputs))]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [input_shapes[1]]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [False]]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (p, classes), (gz,) = inputs, output_gradients
        # written out: what takes this gradient must see what it is divided by (scalar/cancelling.py)
        term = gz if _absent(gz) else CrossentropyCategorical1HotGrad().expand([gz, p, classes])[0]
        return [term, disconnected_type()]


class CrossentropyCategorical1HotGrad(NamedMathematics):
    """The gradient of CrossentropyCategorical1Hot by coding_dist, given that by its result, `g_y`."""

    def make_node(self, g_y: Any, coding_dist: Any, true_one_of_n: Any) -> Apply:  # type: ignore[override]
        p, classes = _distribution(self, coding_dist), as_tensor_variable(true_one_of_n)
        g_y = cast_to(as_tensor_variable(g_y), p.type.dtype)
        out = _refused(self, lambda: selected(p, classes))
        if g_y.type.ndim != out.type.ndim:
            raise TypeError(f"{self} needs one gradient for each row of {p}, got {g_y} of type {g_y.type}")
        return Apply(self, [g_y, p, classes], [p.type()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        g_y, p, classes = inputs
        with np.errstate(all="ignore"):
            at_classes = -g_y / _chosen(p, classes)
        result = np.zeros_like(p)
        np.put_along_axis(result, _along(classes), at_classes[..., None], -1)
        output_storage[0][0] = result

    def expand(self, inputs: Sequence[Any]) -> list[Any]:
        g_y, p, classes = inputs
        chosen = selected(p, classes)
        return [_into_classes(p, classes, -g_y / chosen, chosen)]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [input_shapes[1]]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [True], [False]]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (g_y, p, classes), (gz,) = inputs, output_gradients
        if _absent(gz):
            return [gz, gz, disconnected_type()]
        chosen, back = selected(p, classes), selected(gz, classes)
        by_p = _into_classes(p, classes, back * (g_y / chosen) / chosen, chosen)
        return [-back / chosen, by_p, disconnected_type()]


class CrossentropySoftmaxArgmax1HotWithBias(NamedMathematics):
    """[negative log-likelihoods of the classes y_idx, softmax(x + b), positions of its maxima] for the rows of x.

    x       matrix of logits        b   vector, added to each row        y_idx   vector of integers, one for each row
    The first two results have the float dtype of x + b, the third is int64. Errors as those of SoftmaxWithBias and
    CrossentropyCategorical1Hot.
    """

    nin, nout = 3, 3

    def __init__(self, **kwargs: Any) -> None:
        """Keyword arguments are those of the original's base class, and mean nothing."""

    def make_node(self, x: Any, b: Any, y_idx: Any) -> Apply:  # type: ignore[override]
        x, b = _matrix_and_bias(self, x, b)
        classes = as_tensor_variable(y_idx)
        p = TensorVariable(tensor_type(x.type.dtype, _biased_shape(x, b)))
        nll = _refused(self, lambda: selected(p, classes))
        position = TensorVariable(tensor_type("int64", p.type.shape[:1]))
        return Apply(self, [x, b, classes], [nll.type(), p, position])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, b, classes = inputs
        z = _biased(node, x, b)
        y = _log_softmax(z)
        output_storage[0][0] = -_chosen(y, classes).astype(x.dtype)
        output_storage[1][0] = np.exp(y, dtype=x.dtype)
        output_storage[2][0] = z.argmax(axis=1)

    def expand(self, inputs: Sequence[Any]) -> list[Any]:
        x, b, classes = inputs
        z = x + b
        return [-selected(logsoftmax(z), classes), softmax(z), argmax(z, axis=1)]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        rows, columns = _inferred(node, input_shapes[:2])
        return [input_shapes[2], (rows, columns), (rows,)]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True, True, False], [True, True, False], [False, False, False]]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x, b, classes), (_, p, _), (g_nll, g_p, _) = inputs, outputs, output_gradients
        terms = []
        if not _absent(g_nll):
            terms.append(crossentropy_softmax_1hot_with_bias_dx(g_nll, p, classes))
        if not _absent(g_p):
            terms.append(softmax_gradient(g_p, p, (1,)))
        if not terms:
            return [disconnected_type() for _ in inputs]
        total = terms[0] if len(terms) == 1 else terms[0] + terms[1]
        return [*_to_summands(total, x, b), disconnected_type()]


class CrossentropySoftmax1HotWithBiasDx(NamedMathematics):
    """dy[k] * (sm[k] - onehot(y_idx[k])) for every row k: the gradient of a cross-entropy by the logits.

    dy      gradient by the cross-entropies: a vector, or a number that is that of all rows
    sm      softmax of the logits, a matrix        y_idx   vector of integers, the class of each row
    """

    def make_node(self, dy: Any, sm: Any, y_idx: Any) -> Apply:  # type: ignore[override]
        p, classes = _distribution(self, sm), as_tensor_variable(y_idx)
        dy = cast_to(as_tensor_variable(dy), p.type.dtype)
        if p.type.ndim != 2 or dy.type.ndim > 1:
            raise TypeError(f"{self} needs a matrix sm and one gradient for each of its rows (or a number), got sm of "
                            f"type {p.type} and dy of type {dy.type}")
        _refused(self, lambda: selected(p, classes))
        return Apply(self, [dy, p, classes], [p.type()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        dy, p, classes = inputs
        if dy.ndim and dy.shape != p.shape[:1] and node.inputs[0].type.shape != (1,):  # type: ignore[attr-defined]
            raise ValueError(f"{self}: dy has shape {dy.shape}, sm has {p.shape[0]} rows")
        _chosen(p, classes)  # refuses wrong class numbers
        onehot = np.zeros_like(p)
        np.put_along_axis(onehot, _along(classes), 1, -1)
        output_storage[0][0] = (dy[..., None] if dy.ndim else dy) * (p - onehot)

    def expand(self, inputs: Sequence[Any]) -> list[Any]:
        dy, p, classes = inputs
        rows = _of_rows(dy)
        chosen = selected(p, classes)
        return [rows * p - _into_classes(p, classes, _for_each_row(dy, chosen), chosen)]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [input_shapes[1]]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [True], [False]]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (dy, p, classes), (gz,) = inputs, output_gradients
        if _absent(gz):
            return [gz, gz, disconnected_type()]
        by_row = tensor_sum(gz * p, axis=1) - selected(gz, classes)
        if dy.type.ndim == 0:
            by_row = tensor_sum(by_row)
        elif dy.type.broadcastable != (False,):
            by_row = tensor_sum(by_row, axis=0, keepdims=True)
        return [by_row, gz * _of_rows(dy), disconnected_type()]


softmax_with_bias = SoftmaxWithBias()
crossentropy_categorical_1hot = CrossentropyCategorical1Hot()
crossentropy_categorical_1hot_grad = CrossentropyCategorical1HotGrad()
crossentropy_softmax_argmax_1hot_with_bias = CrossentropySoftmaxArgmax1HotWithBias()
crossentropy_softmax_1hot_with_bias_dx = CrossentropySoftmax1HotWithBiasDx()


# ---- inputs ----------------------------------------------------------------------------------------------------------

def _distribution(op: Op, p: Any) -> Any:
    """`p` in a float dtype, with at least one axis."""
    p = as_tensor_variable(p)
    if p.type.ndim == 0:
        raise TypeError(f"{op} needs distributions along the last axis, got the scalar {p}")
    return cast_to(p, upgrade_to_float_no_complex(p.type.dtype))


def _matrix_and_bias(op: Op, x: Any, b: Any) -> tuple[Any, Any]:
    """(x as a matrix, b) in the float dtype of their sum."""
    x, b = as_tensor_variable(x), as_tensor_variable(b)
    if x.type.ndim == 1:
        x = dimshuffle(x, "x", 0)
    if x.type.ndim != 2 or b.type.ndim != 1:
        raise TypeError(f"{op} needs a matrix and a vector that is added to its rows, got {x} of type {x.type} and {b} "
                        f"of type {b.type}. For other ranks and axes there is softmax(x + b, axis=...)")
    dtype = upgrade_to_float_no_complex(upcast(x.type.dtype, b.type.dtype))
    _biased_shape(x, b)
    return cast_to(x, dtype), cast_to(b, dtype)


def _biased_shape(x: Any, b: Any) -> tuple[int | None, int | None]:
    """The static shape of x + b. Lengths of one that are known broadcast, as everywhere."""
    (rows, columns), (n,) = x.type.shape, b.type.shape
    if columns is not None and n is not None and columns != n and 1 not in (columns, n):
        raise ValueError(f"x has {columns} columns, but the bias has {n} elements")
    return rows, n if columns == 1 else columns if n in (1, None) or columns is not None else n


def _inferred(node: Apply, input_shapes: Sequence[Any]) -> tuple[Any, Any]:
    (rows, columns), (n,) = input_shapes
    return rows, n if node.inputs[0].type.shape[1] == 1 else columns  # type: ignore[attr-defined]


def _refused(op: Op, build: Any) -> Any:
    """What `build` gives; its TypeError in the name of `op`."""
    try:
        return build()
    except TypeError as error:
        raise TypeError(f"{op}: {error}") from None


# ---- gradients -------------------------------------------------------------------------------------------------------

def _absent(gradient: Any) -> bool:
    return isinstance(gradient.type, DisconnectedType)


def _to_summands(gradient: Any, x: Any, b: Any) -> list[Any]:
    """The gradients by x and b, given that by x + b."""
    by_x = gradient
    if x.type.shape[1] == 1 and gradient.type.shape[1] != 1:
        by_x = tensor_sum(gradient, axis=1, keepdims=True)
    by_b = tensor_sum(gradient, axis=0)
    if b.type.shape[0] == 1 and gradient.type.shape[1] != 1:
        by_b = tensor_sum(by_b, axis=0, keepdims=True)
    return [by_x, by_b]


def _of_rows(dy: Any) -> Any:
    """A gradient by each row as a column."""
    return dimshuffle(dy, 0, "x") if dy.type.ndim else dy


def _for_each_row(dy: Any, chosen: Any) -> Any:
    """`dy` with one element for each of `chosen`."""
    return dy if dy.type.broadcastable == chosen.type.broadcastable else second(chosen, dy)


def _into_classes(x: Any, classes: Any, values: Any, chosen: Any) -> Any:
    """Zeros like `x` with `values` at the classes: the gradient of `chosen`, which is selected(x, classes)."""
    node = chosen.owner
    return node.op.L_op(node.inputs, [chosen], [values])[0]


# ---- meaning in NumPy ------------------------------------------------------------------------------------------------

def _biased(node: Apply, x: np.ndarray, b: np.ndarray) -> np.ndarray:
    known = (node.inputs[0].type.shape[1], node.inputs[1].type.shape[0])  # type: ignore[attr-defined]
    if x.shape[1] != b.shape[0] and 1 not in known:
        raise ValueError(f"{node.op}: x has {x.shape[1]} columns, but the bias has {b.shape[0]} elements")
    with np.errstate(all="ignore"):
        return x + b


def _log_softmax(z: np.ndarray) -> np.ndarray:
    """In float64: the results are rounded once."""
    z = z.astype(np.float64)
    with np.errstate(all="ignore"):
        highest = np.max(z, axis=1, keepdims=True, initial=-np.inf)
        z = z - np.where(np.isfinite(highest), highest, 0)
        return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def _along(classes: np.ndarray) -> np.ndarray:
    return classes.astype(np.int64)[..., None]


def _chosen(x: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """x[..., classes[...]]; refuses class numbers that are none."""
    if classes.shape != x.shape[:-1]:
        raise ValueError(f"There must be one class number for each row: got class numbers of shape {classes.shape} "
                         f"for rows of shape {x.shape[:-1]}")
    wrong = (classes < 0) | (classes >= x.shape[-1])
    if wrong.any():
        place = tuple(int(k) for k in np.argwhere(wrong)[0])
        raise IndexError(f"Class number {classes[place]} at position {place} is out of range: there are "
                         f"{x.shape[-1]} classes, from 0 on")
    return np.take_along_axis(x, _along(classes), -1)[..., 0]
