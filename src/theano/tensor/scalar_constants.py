"""Values that are known while a graph is built: constant numbers, lengths of shape vectors.

`get_scalar_constant_value` looks through expressions that merely hand a constant on. An op takes part by a method
`constant_source(node)` which gives the variable or the array that all elements of its output equal, or None.
This is no constant folding of whole graphs: that is a rewrite.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from theano.errors import EmptyConstantError, NotScalarConstantError
from theano.graph.evaluate import perform
from theano.graph.node import Constant, Variable
from theano.tensor.convert import as_tensor_variable
from theano.tensor.dimshuffle import DimShuffle
from theano.tensor.elemwise import Elemwise

# how many ops that hand a value on (dimshuffles, casts, allocs) are looked through
_LONGEST_CHAIN = 100


def numpy_scalar(data: Any) -> Any:
    """The one element of `data` as a NumPy scalar.

    Raises EmptyConstantError if there is none, NotScalarConstantError if there are several different ones.
    """
    array = np.asarray(data)
    if array.dtype.kind not in "biufc":
        raise NotScalarConstantError(f"{data!r} is not a number or an array of numbers")
    if array.size == 0:
        raise EmptyConstantError(f"an array of shape {array.shape} has no element")
    first = array.reshape(-1)[0]
    if array.size > 1 and not (array == first).all():
        raise NotScalarConstantError(f"an array of shape {array.shape} with different elements is no scalar")
    return first


def get_scalar_constant_value(
    orig_v: Any, elemwise: bool = True, only_process_constants: bool = False, max_recur: int = 10
) -> np.ndarray:
    """The constant number, as a 0-d array, that all elements of `orig_v` equal.

    elemwise                  also evaluate elementwise ops of constants
    only_process_constants    look at constants alone, not through expressions
    max_recur                 how many nested elementwise ops and indices to evaluate
    Raises NotScalarConstantError if the value is not known, EmptyConstantError if a constant has no element.
    """
    if orig_v is None:
        raise NotScalarConstantError("None is not a number")
    v: Any = orig_v if isinstance(orig_v, Variable) else as_tensor_variable(orig_v)
    casts: list[str] = []
    for _ in range(_LONGEST_CHAIN):
        if isinstance(v, Constant):
            value = np.asarray(numpy_scalar(v.data))
            break
        source = None
        if v.owner is not None and not only_process_constants:
            op = v.owner.op
            if isinstance(op, Elemwise):
                name = op.scalar_op.name
                if name == "second":
                    source = v.owner.inputs[1]
                elif name == "identity":
                    source = v.owner.inputs[0]
                elif op.scalar_op.nin == 1 and name.startswith("Cast{"):
                    casts.append(v.type.dtype)
                    source = v.owner.inputs[0]
                elif elemwise and max_recur > 0:
                    source = _evaluate_elementwise(v, max_recur)
            elif isinstance(op, DimShuffle):
                source = v.owner.inputs[0]
            elif hasattr(op, "constant_source"):
                source = op.constant_source(v.owner)
            elif hasattr(op, "get_idx") and max_recur > 0:
                source = _indexed(v, max_recur - 1)
        if source is None:
            raise NotScalarConstantError(f"{orig_v} is not a known constant")
        if not isinstance(source, Variable):
            value = np.asarray(source)
            break
        v = source
    else:
        raise NotScalarConstantError(f"{orig_v} hands its value on through more than {_LONGEST_CHAIN} ops")
    with np.errstate(all="ignore"):
        for dtype in reversed(casts):
            value = value.astype(dtype)
    return np.array(value)


def _evaluate_elementwise(v: Any, max_recur: int) -> Any:
    node = v.owner
    scalars = [as_tensor_variable(get_scalar_constant_value(x, max_recur=max_recur - 1)) for x in node.inputs]
    return perform(node.op.make_node(*scalars), [x.data for x in scalars])[0]


def _indexed(v: Any, max_recur: int) -> Any:
    """What a scalar taken out of a known vector equals."""
    node = v.owner
    if v.type.ndim != 0:
        return None
    x = node.inputs[0]
    index = node.op.get_idx(node.inputs)
    if len(index) != x.type.ndim:
        return None
    position = []
    for entry in index:
        is_number = isinstance(entry, (int, np.integer)) or _is_scalar(entry)
        number = static_int(entry, max_recur) if is_number else None
        if number is None:
            return None
        position.append(int(number))
    if isinstance(x, Constant):
        try:
            return x.data[tuple(position)]
        except IndexError:
            return None
    elements = vector_elements(x, max_recur) if x.type.ndim == 1 else None
    if elements is None or not -len(elements) <= position[0] < len(elements):
        return None
    return elements[position[0]]


def _is_scalar(entry: Any) -> bool:
    return isinstance(entry, Variable) and getattr(entry.type, "ndim", None) == 0


def vector_elements(v: Any, max_recur: int = 10) -> list[Any] | None:
    """The elements of a symbolic vector where the expression gives each of them, else None.

    Elements are variables, or None for those that are not known; a Shape gives the static lengths. An op takes part by
    a method `vector_elements(node, max_recur)`.
    """
    if isinstance(v, Constant):
        return [as_tensor_variable(n) for n in v.data]
    if v.owner is None or max_recur <= 0:
        return None
    op = v.owner.op
    if hasattr(op, "vector_elements"):
        return op.vector_elements(v.owner, max_recur - 1)
    if hasattr(op, "get_idx"):
        return _sliced_elements(v.owner, max_recur - 1)
    if isinstance(op, Elemwise) and op.scalar_op.name == "Cast{int64}":
        return vector_elements(v.owner.inputs[0], max_recur - 1)
    return None


def _sliced_elements(node: Any, max_recur: int) -> list[Any] | None:
    """The elements of a known vector that a slice with known bounds selects."""
    index = node.op.get_idx(node.inputs)
    if len(index) != 1 or not isinstance(index[0], (tuple, slice)):
        return None
    bounds = (index[0].start, index[0].stop, index[0].step) if isinstance(index[0], slice) else index[0]
    numbers = [None if b is None else static_int(b, max_recur) for b in bounds]
    if any(b is not None and n is None for b, n in zip(bounds, numbers)):
        return None
    elements = vector_elements(node.inputs[0], max_recur)
    return None if elements is None else elements[slice(*numbers)]


def static_int(v: Any, max_recur: int = 10) -> int | None:
    """The integer `v` as a Python int where its value is known while the graph is built, else None."""
    if isinstance(v, (int, np.integer)):
        return int(v)
    if isinstance(v, Constant):
        value = v.data
    elif v.owner is None:
        return None
    else:
        try:
            value = np.asarray(get_scalar_constant_value(v, max_recur=max_recur))
        except NotScalarConstantError:
            return None
    return int(value) if value.ndim == 0 and value.dtype.kind in "iu" else None


def extract_constant(x: Any, elemwise: bool = True, only_process_constants: bool = False) -> Any:
    """The constant value of `x` (see `get_scalar_constant_value`), or `x` itself where it is not constant."""
    try:
        return get_scalar_constant_value(x, elemwise, only_process_constants)
    except NotScalarConstantError:
        return x


def get_vector_length(v: Any) -> int:
    """The length of a symbolic vector, known while the graph is built. ValueError if it is not known."""
    v = as_tensor_variable(v)
    if v.type.ndim != 1:
        raise TypeError(f"get_vector_length takes a vector; {v} has {v.type.ndim} axes (type {v.type})")
    length = v.type.shape[0]
    if length is None:
        raise ValueError(
            f"The length of {v} (type {v.type}) is not known while the graph is built. Give it as a list or tuple of "
            "numbers and 0-d variables, or declare it with specify_shape."
        )
    return length


__all__ = [
    "extract_constant", "get_scalar_constant_value", "get_vector_length", "numpy_scalar", "static_int",
    "vector_elements",
]
