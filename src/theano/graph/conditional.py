"""Conditional: the contract of a lazy op that is one of two branches, for all that has to know of it without knowing
more: reverse derivatives (`transforms/guards.py`) keep a branch's derivative in that branch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from theano.errors import MethodNotDefined
from theano.graph.op import Op


class Conditional(Op):
    """An op of which the first input, a number, is the condition; each other input belongs to one of two branches."""

    is_lazy = True

    def is_read_if(self, position: int) -> bool:
        """Is the input at `position` (from 1) read where the condition holds, or where it does not?"""
        raise MethodNotDefined(f"{type(self).__name__}.is_read_if")

    def terms_in_branches(self, inputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        """Like `L_op`, but the terms hold only where the input that they belong to is read; else they are zero."""
        raise MethodNotDefined(f"{type(self).__name__}.terms_in_branches")

    def choose(self, condition: Any, a: Any, b: Any) -> Any:
        """`a` where the condition holds, else `b`: two gradients by one variable. Lazy, as this op is."""
        raise MethodNotDefined(f"{type(self).__name__}.choose")
