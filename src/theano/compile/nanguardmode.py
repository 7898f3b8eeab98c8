"""NanGuardMode: stop at the first node that computes NaN, an infinity or a huge number, and name the user's line.

The rewritten graph runs node by node through `perform`, so nothing is hidden inside a fused kernel. Inputs of the
function are blamed on the first node that reads them. Constants are what the user wrote and are not checked.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from theano._config import config
from theano.compile.modes import Mode
from theano.compile.node_by_node import Thunk, WatchingLinker
from theano.compile.report import annotated
from theano.errors import UnwantedValueError
from theano.graph.node import Apply, Constant, Variable
from theano.tensor.creation import AllocEmpty

BIG = 1e10  # magnitudes above this are "big"


def flatten(l: Any) -> list[Any]:
    """A nested list or tuple as a flat list."""
    flat: list[Any] = []
    pending = [l]
    while pending:
        item = pending.pop()
        if isinstance(item, (list, tuple)):
            pending.extend(reversed(item))
        else:
            flat.append(item)
    return flat


def _floats(arr: Any, var: Variable | None) -> np.ndarray | None:
    """`arr` if it holds floats that are to be checked, else None."""
    if var is not None and not getattr(var.tag, "nan_guard_mode_check", True):
        return None
    if not isinstance(arr, (np.ndarray, np.generic, float, complex)):
        return None
    array = np.asarray(arr)
    return array if array.dtype.kind in "fc" and array.size else None


def contains_nan(arr: Any, node: Apply | None = None, var: Variable | None = None) -> bool:
    """Is there a NaN in `arr`? False for what holds no floats, and for `var.tag.nan_guard_mode_check = False`."""
    array = _floats(arr, var)
    return array is not None and bool(np.isnan(array).any())


def contains_inf(arr: Any, node: Apply | None = None, var: Variable | None = None) -> bool:
    """Is there an infinity in `arr`? False for what holds no floats, and for `var.tag.nan_guard_mode_check = False`."""
    array = _floats(arr, var)
    return array is not None and bool(np.isinf(array).any())


def _contains_big(arr: Any, var: Variable | None) -> bool:
    array = _floats(arr, var)
    if array is None:
        return False
    with np.errstate(all="ignore"):
        return bool((np.abs(array) > BIG).any())


class Guard:
    """The watch of a NanGuardMode."""

    def __init__(self, nan: bool, inf: bool, big: bool) -> None:
        self.nan = nan
        self.inf = inf
        self.big = big

    def complaints(self, value: Any, node: Apply, variable: Variable) -> Iterator[str]:
        if self.nan and contains_nan(value, node, variable):
            yield "NaN detected"
        infinite = self.inf and contains_inf(value, node, variable)
        if infinite:
            yield "Inf detected"
        if self.big and not infinite and _contains_big(value, variable):
            yield "Big value detected"

    def __call__(self, position: int, node: Apply, thunk: Thunk) -> None:
        values = [cell[0] for cell in thunk.inputs]
        for number, (variable, value) in enumerate(zip(node.inputs, values)):
            if variable.owner is None and not isinstance(variable, Constant):
                self.inspect(f"the function's input {variable}, input {number} of", value, node, variable, thunk)
        thunk()
        if isinstance(node.op, AllocEmpty):  # its memory has no values yet
            return
        for number, (variable, cell) in enumerate(zip(node.outputs, thunk.outputs)):
            self.inspect(f"output {number} of", cell[0], node, variable, thunk)

    def inspect(self, where: str, value: Any, node: Apply, variable: Variable, thunk: Thunk) -> None:
        found = list(self.complaints(value, node, variable))
        if not found:
            return
        error = UnwantedValueError(f"{' and '.join(found)} in {where} {node.op}.")
        error = annotated(error, node, [cell[0] for cell in thunk.inputs], thunk.fgraph)  # type: ignore[assignment]
        if config.NanGuardMode.action == "warn":
            warnings.warn(str(error), stacklevel=5)
            return
        if config.NanGuardMode.action == "pdb":
            print(error)
            breakpoint()
        raise error


class NanGuardMode(Mode):
    """A mode whose functions raise UnwantedValueError (an AssertionError) at the first unwanted value.

    nan_is_error, inf_is_error, big_is_error   what is unwanted; big: magnitudes above 1e10. None: the flags
                                               NanGuardMode.nan_is_error and so on
    optimizer, linker                          as for Mode; whatever the linker, the graph runs node by node
    The flag NanGuardMode.action chooses between "raise", "warn" and "pdb". Variables with
    `v.tag.nan_guard_mode_check = False` are not checked, as far as rewriting leaves them in the graph.
    """

    def __init__(
        self,
        nan_is_error: bool | None = None,
        inf_is_error: bool | None = None,
        big_is_error: bool | None = None,
        optimizer: Any = "default",
        linker: Any = None,
    ) -> None:
        super().__init__(linker, optimizer)
        flags = config.NanGuardMode
        self.nan_is_error = flags.nan_is_error if nan_is_error is None else nan_is_error
        self.inf_is_error = flags.inf_is_error if inf_is_error is None else inf_is_error
        self.big_is_error = flags.big_is_error if big_is_error is None else big_is_error
        guard = Guard(self.nan_is_error, self.inf_is_error, self.big_is_error)
        self.linker = WatchingLinker(guard, "NanGuardMode")
