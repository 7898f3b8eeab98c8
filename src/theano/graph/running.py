"""How one node is run: by `Op.perform`, with parameters where the op has some, or by a thunk of the op's own.

An op may bring its own runtime, `make_thunk(node, storage_map, compute_map, no_recycling)`: a function without
arguments that takes its inputs from one-element lists and puts its outputs there. It is made once a node and thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from theano.graph.node import Apply
from theano.graph.op import Op

Runner = Callable[[Sequence[Any], list[list[Any]]], None]


def runner(node: Apply) -> Runner:
    """(inputs, output cells) -> None: what runs `node`."""
    op = node.op
    if has_own_thunk(op):
        known = node.__dict__.get("_thunk_runner")
        if known is None:
            known = node.__dict__["_thunk_runner"] = _OwnThunk(node)
        return known  # type: ignore[no-any-return]
    if op.params_type is not None:
        params = node.run_params()
        perform: Any = op.perform
        return lambda inputs, cells: perform(node, inputs, cells, params)
    return partial(op.perform, node)


def run(node: Apply, inputs: Sequence[Any], cells: list[list[Any]]) -> None:
    """Run a node once."""
    op = node.op
    if op.params_type is None and not has_own_thunk(op):
        op.perform(node, inputs, cells)
    else:
        runner(node)(inputs, cells)


def has_own_thunk(op: Any) -> bool:
    return type(op).make_thunk is not Op.make_thunk


class _OwnThunk:
    """Runs a node through the thunk that its op makes."""

    def __init__(self, node: Apply) -> None:
        self.node = node
        self._made = threading.local()

    def __call__(self, inputs: Sequence[Any], cells: list[list[Any]]) -> None:
        made = self._made
        if not hasattr(made, "thunk"):
            made.storage = {v: [None] for v in (*self.node.inputs, *self.node.outputs)}
            made.computed = {v: [v in self.node.inputs] for v in made.storage}
            made.thunk = self.node.op.make_thunk(self.node, made.storage, made.computed, [])
        for v, value in zip(self.node.inputs, inputs):
            made.storage[v][0] = value
        try:
            for _ in range(len(inputs) + 1):
                if not made.thunk():  # a lazy one says which inputs it still wants: they are all there
                    break
            else:
                raise RuntimeError(f"The thunk of {self.node.op} asks for inputs again and again")
            for v, cell in zip(self.node.outputs, cells):
                cell[0] = made.storage[v][0]
        finally:
            for own in made.storage.values():
                own[0] = None


__all__ = ["run", "runner"]
