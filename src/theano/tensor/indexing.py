"""x[...]: from a Python index to indexing ops. `getitem` is what `TensorVariable.__getitem__` calls.

NumPy's rules: integers, slices, None, Ellipsis, arrays of integers, masks, and any mixture. Lists are arrays. New axes
become a DimShuffle of the result, so that the ops know integers, slices and arrays only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano.graph.node import Constant, Variable
from theano.scalar.dtypes import integer_dtypes
from theano.tensor.advanced_indexing import AdvancedSubtensor, AdvancedSubtensor1
from theano.tensor.basic_indexing import Subtensor
from theano.tensor.convert import as_tensor_variable, constant
from theano.tensor.dimshuffle import DimShuffle
from theano.tensor.index_list import ARRAY, INT, clamped, too_many, without_whole_tail
from theano.tensor.other_types import MakeSlice, NoneTypeT
from theano.tensor.variable import TensorConstant

_WHOLE = slice(None)
_GAP = Ellipsis   # an ellipsis that stands for no axis: it still separates index arrays, as in NumPy


class AdvancedIndexingError(TypeError):
    """An index needs arrays where only integers and slices are allowed."""


class AdvancedBooleanIndexingError(TypeError):
    """An index holds a mask where none is allowed."""


def getitem(x: Any, args: Any) -> Any:
    """x[args], with NumPy's meaning.

    Raises TypeError for what is no index (floats, Python bools), IndexError for too many indices and for masks and
    arrays that are known not to fit.
    """
    x = as_tensor_variable(x)
    entries = _entries(x, args if isinstance(args, tuple) else (args,))
    if any(_is_array(entry) for entry in entries):
        return _advanced(x, entries)
    return _basic(x, entries)


def _entries(x: Any, args: Sequence[Any]) -> list[Any]:
    """For every index None, an int, a slice, an integer or mask variable, or _GAP; other Ellipses are resolved."""
    entries: list[Any] = [as_index(arg) for arg in args]
    used = 0
    ellipsis = None
    for position, entry in enumerate(entries):
        if entry is Ellipsis:
            if ellipsis is not None:
                raise IndexError("an index can only have a single ellipsis ('...')")
            ellipsis = position
        elif entry is not None:
            used += entry.ndim if _is_mask(entry) else 1
    if used > x.ndim:
        raise too_many(used, x.ndim)
    if ellipsis is not None:
        whole: list[Any] = [_WHOLE] * (x.ndim - used)
        entries[ellipsis:ellipsis + 1] = whole or [_GAP]
    return entries


def as_index(arg: Any) -> Any:
    """One index as None, Ellipsis, an int, a slice of None, ints and 0-d int64 variables, or a tensor variable.

    A variable that comes out has an integer dtype, or is a mask of at least one axis.
    """
    if arg is None or arg is Ellipsis:
        return arg
    if isinstance(arg, slice):
        return slice(*(_bound(part) for part in (arg.start, arg.stop, arg.step)))
    if isinstance(arg, (bool, np.bool_)):
        raise TypeError(
            f"a tensor cannot be indexed with the Python bool {arg}. Use an integer, or a mask of the tensor's "
            "length: an array or list of bools."
        )
    if isinstance(arg, (int, np.integer)):
        return int(arg)
    if isinstance(arg, Constant) and (arg.data is None or isinstance(arg.data, slice)):
        return as_index(arg.data)
    if isinstance(getattr(getattr(arg, "owner", None), "op", None), MakeSlice):
        return as_index(slice(*(None if isinstance(v.type, NoneTypeT) else v for v in arg.owner.inputs)))
    if isinstance(arg, (list, tuple, range)) and not len(arg):
        return constant(np.zeros((0,), "int64"))
    if isinstance(arg, str):
        raise TypeError(f"a tensor cannot be indexed with the string {arg!r}")
    try:
        index = as_tensor_variable(arg)
    except TypeError as error:
        raise TypeError(f"a tensor cannot be indexed with {arg!r} of {type(arg)}: {error}") from None
    if index.dtype == "bool":
        if index.ndim == 0:
            raise TypeError(
                f"a tensor cannot be indexed with the bool {index} without axes. Cast it to an integer to use it as a "
                "position, or give a mask with an axis."
            )
        return index
    if index.dtype not in integer_dtypes:
        remedy = "use // for whole quotients, or .astype('int64')"
        raise TypeError(f"an index must be an integer, a mask, a slice, None or ...; got {index} of dtype "
                        f"{index.dtype}: {remedy}")
    if isinstance(index, TensorConstant) and index.ndim == 0:
        return int(index.data)
    return index


def _bound(part: Any) -> Any:
    """A bound of a slice as None, an int or a 0-d integer variable."""
    if part is None:
        return None
    if isinstance(part, Constant) and part.data is None:
        return None
    if isinstance(part, (bool, np.bool_)):
        raise TypeError(f"a bound of a slice must be an integer or None, got {part}")
    if isinstance(part, (int, np.integer)):
        return clamped(int(part))
    try:
        index = as_tensor_variable(part)
    except TypeError:
        raise TypeError(f"a bound of a slice must be an integer or None, got {part!r} of {type(part)}") from None
    if index.dtype not in integer_dtypes or index.ndim:
        raise TypeError(
            f"a bound of a slice must be a single integer or None, got {index} of type {index.type}; "
            "use // for whole quotients, or .astype('int64')"
        )
    return clamped(int(index.data)) if isinstance(index, Constant) else index


def _is_mask(entry: Any) -> bool:
    return isinstance(entry, Variable) and entry.type.dtype == "bool"  # type: ignore[attr-defined]


def _is_array(entry: Any) -> bool:
    return isinstance(entry, Variable) and entry.type.ndim > 0  # type: ignore[attr-defined]


def _listed(entries: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """An index list and the inputs for its slots."""
    listed: list[Any] = []
    inputs: list[Any] = []
    for entry in entries:
        if isinstance(entry, slice):
            parts = []
            for part in (entry.start, entry.stop, entry.step):
                symbolic = isinstance(part, Variable)
                parts.append(INT if symbolic else part)
                if symbolic:
                    inputs.append(part)
            listed.append(slice(*parts))
        elif isinstance(entry, Variable):
            listed.append(ARRAY if _is_array(entry) else INT)
            inputs.append(entry)
        else:
            listed.append(entry)
    return listed, inputs


def _basic(x: Any, entries: Sequence[Any]) -> Any:
    listed, inputs = _listed([entry for entry in entries if entry is not None and entry is not _GAP])
    only_new_axes = None in entries and all(entry == _WHOLE for entry in listed)
    result = x if only_new_axes else Subtensor(without_whole_tail(listed))(x, *inputs)
    if None not in entries:
        return result
    kept = iter(range(result.ndim))
    order: list[Any] = [
        "x" if entry is None else next(kept) for entry in entries if entry is None or isinstance(entry, slice)
    ]
    return DimShuffle(result.type.broadcastable, [*order, *kept])(result)


def _advanced(x: Any, entries: Sequence[Any]) -> Any:
    plain = [entry for entry in entries if entry is not None and entry is not _GAP]
    listed, inputs = _listed(plain)
    idx_list = without_whole_tail(listed)
    if idx_list == (ARRAY,) and inputs[0].ndim == 1 and not _is_mask(inputs[0]):
        result = AdvancedSubtensor1()(x, inputs[0])
    else:
        result = AdvancedSubtensor(idx_list)(x, *inputs)
    if len(plain) == len(entries):
        return result
    width = max(1 if _is_mask(v) else v.ndim for v in inputs)
    before, wanted = _labels(plain, width), _labels(entries, width)
    whole = result.ndim - len(before)
    before += [("rest", k) for k in range(whole)]
    wanted += [("rest", k) for k in range(whole)]
    position = {label: k for k, label in enumerate(before)}
    order = [position.get(label, "x") for label in wanted]
    if order == list(range(result.ndim)):
        return result
    return DimShuffle(result.type.broadcastable, order)(result)


def _labels(entries: Sequence[Any], width: int) -> list[Any]:
    """The axes of the result in order: ("array", k), ("slice", k), ("new", k); NumPy's rule as in `Layout`."""
    at = [
        p for p, entry in enumerate(entries)
        if entry is not None and entry is not _GAP and not isinstance(entry, slice)
    ]
    arrays: list[Any] = [("array", k) for k in range(width)]
    others: list[Any] = []
    before = 0
    count = {"slice": 0, "new": 0}
    for position, entry in enumerate(entries):
        kind = "new" if entry is None else "slice" if isinstance(entry, slice) else ""
        if kind:
            others.append((kind, count[kind]))
            count[kind] += 1
            before += position < at[0]
    if at[-1] - at[0] + 1 != len(at):
        before = 0
    return others[:before] + arrays + others[before:]


def advanced(x: Any, args: Sequence[Any]) -> tuple[Any, list[Any]]:
    """The index list and the inputs for an op that indexes x by arrays with `args`; None is not allowed."""
    x = as_tensor_variable(x)
    entries = _entries(x, args)
    if None in entries:
        raise AdvancedIndexingError("new axes (None) are not part of an indexing op; add them with dimshuffle")
    listed, inputs = _listed([entry for entry in entries if entry is not _GAP])
    return without_whole_tail(listed), inputs


def as_index_variable(idx: Any) -> Any:
    """An index as a variable (or None, Ellipsis, or a slice of variables). TypeError for what is no index."""
    entry = as_index(idx)
    if isinstance(entry, int):
        return constant(entry, dtype="int64")
    return entry


def make_constant(args: Any) -> Any:
    """Index literals as constants, in nested tuples and slices as well."""
    if isinstance(args, tuple):
        return tuple(make_constant(arg) for arg in args)
    if isinstance(args, slice):
        return slice(*(None if part is None else make_constant(part) for part in (args.start, args.stop, args.step)))
    if isinstance(args, (int, np.integer)):
        return constant(int(args), dtype="int64")
    return args


def check_and_reject_bool(args_el: Any) -> None:
    """TypeError if an index is a Python bool or holds one."""
    if isinstance(args_el, (bool, np.bool_)):
        as_index(args_el)
    if isinstance(args_el, (tuple, list)):
        for entry in args_el:
            check_and_reject_bool(entry)


def check_advanced_indexing_dimensions(input: Any, idx_list: Any) -> None:
    """IndexError if the indices take more axes than `input` has, or a mask of known shape cannot fit it."""
    entries = _entries(as_tensor_variable(input), tuple(idx_list))
    if any(_is_array(entry) for entry in entries):
        _advanced(as_tensor_variable(input), entries)


def adv_index_broadcastable_pattern(a: Any, idx: Any) -> tuple[bool, ...]:
    """Which axes of a[idx] are known to have length one."""
    return getitem(a, idx if isinstance(idx, tuple) else tuple(idx)).type.broadcastable
