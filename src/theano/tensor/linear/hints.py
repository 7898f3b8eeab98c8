"""Hint: what a user knows of a matrix and the graph does not show. `theano.sandbox.linalg.psd` makes one.

A hint computes nothing. Rewriting reads it (`rewriting/matrix_facts.py`) and then takes it out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from theano.graph.node import Apply
from theano.graph.op import Op
from theano.tensor.convert import as_tensor_variable

HINTS = ("psd", "symmetric")


class Hint(Op):
    """The input itself, of which these facts are promised: Hint(psd=True, symmetric=True).

    psd        positive semi-definite
    symmetric  equal to its transpose
    """

    __props__ = ("facts",)
    view_map = {0: [0]}

    def __init__(self, **facts: Any) -> None:
        unknown = sorted(set(facts) - set(HINTS))
        if unknown:
            raise TypeError(f"There is no hint {', '.join(unknown)}; there are {', '.join(HINTS)}")
        self.facts = tuple(name for name in HINTS if facts.get(name))

    @property
    def hints(self) -> tuple[tuple[str, bool], ...]:
        """What is promised: (name, True) for each."""
        return tuple((name, True) for name in self.facts)

    def make_node(self, x: Any) -> Apply:
        x = as_tensor_variable(x)
        if x.type.ndim < 2:
            raise TypeError(f"A hint is about a matrix, got {x} of type {x.type}")
        return Apply(self, [x], [x.type()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        output_storage[0][0] = inputs[0]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return list(input_shapes)

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return list(output_gradients)

    def R_op(self, inputs: Sequence[Any], eval_points: Sequence[Any]) -> list[Any]:
        return list(eval_points)

    def __str__(self) -> str:
        return f"Hint{{{', '.join(self.facts)}}}"


def hinted(v: Any, fact: str) -> bool:
    """Is this promised of `v`?"""
    return v.owner is not None and isinstance(v.owner.op, Hint) and fact in v.owner.op.facts
