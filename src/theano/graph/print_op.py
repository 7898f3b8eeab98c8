"""Print: an identity that prints its value when the compiled function runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from theano.graph.node import Apply, Variable
from theano.graph.op import Op


def _print_fn(op: Print, xin: Any) -> None:
    for attribute in op.attrs:
        name = attribute if isinstance(attribute, str) else attribute[0]
        arguments = () if isinstance(attribute, str) else attribute[1:]
        value = getattr(xin, name)
        print(op.message, name, "=", value(*arguments) if callable(value) else value)


class Print(Op):
    """x itself; prints `message` and attributes of the value each time it is computed.

    message     text in front
    attrs       names of attributes (or methods without arguments) of the value, for example ("shape", "mean")
    global_fn   (op, value) -> None: does the printing
    Values pass unchanged and so do gradients. Only what the outputs need is computed, and so printed.

    >>> import theano, theano.tensor as tt
    >>> x = tt.dvector("x")
    >>> result = theano.function([x], Print("x is")(x) + 1)([1.0, 2.0])
    x is __str__ = [1. 2.]
    """

    __props__ = ("message", "attrs", "global_fn")
    view_map = {0: [0]}

    def __init__(
        self,
        message: str = "",
        attrs: Sequence[Any] = ("__str__",),
        global_fn: Callable[[Any, Any], None] = _print_fn,
    ) -> None:
        self.message = message
        self.attrs = tuple(attrs)
        self.global_fn = global_fn

    def make_node(self, x: Any) -> Apply:
        if not isinstance(x, Variable):
            raise TypeError(f"Print takes a symbolic variable, got {x!r} of {type(x).__name__}")
        return Apply(self, [x], [x.type()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        output_storage[0][0] = inputs[0]
        self.global_fn(self, inputs[0])

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return list(output_gradients)

    def R_op(self, inputs: Sequence[Any], eval_points: Sequence[Any]) -> list[Any]:
        return list(eval_points)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return list(input_shapes)

    def do_constant_folding(self, node: Apply) -> bool:
        return False

    def __str__(self) -> str:
        return f"Print{{message={self.message!r}, attrs={self.attrs}}}"
