"""Put back the checks of lengths that rewriting lost.

While a graph is rewritten it is taken to be free of shape errors, so `x*y/x` may become `y`. Afterwards each equality
of lengths that a node of the original graph enforced must still be enforced by some node, or follow from those that
are; where it does not, one output is wrapped in a check. A program that fails with mismatched shapes before rewriting
fails after it, and one that never checked costs nothing. Covered: elementwise ops, Alloc (its sizes too), Join, Split,
SpecifyShape, products, and vectors that are reshaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano._provenance import inherit
from theano.graph.fgraph import OUTPUT
from theano.graph.node import Apply, Variable
from theano.graph.op import Op
from theano.graph.type import disconnected_type
from theano.rewriting.dims import Dims, Key
from theano.rewriting.dims_of_ops import SPEAKERS
from theano.rewriting.engine import PassReport
from theano.rewriting.rule import Site
from theano.rewriting.shapes import Shapes
from theano.tensor.convert import constant
from theano.tensor.elemwise import cast_to
from theano.tensor.shape import shape_i_op


class EqualLengths(Op):
    """EqualLengths(what)(x, a, b, c, d, ...) is x, after checking that a == b >= 0, c == d >= 0, ... (ValueError).

    what   the op that asked for it originally, for the error
    """

    __props__ = ("what",)
    view_map = {0: [0]}

    def __init__(self, what: str) -> None:
        self.what = what

    def make_node(self, x: Variable, *lengths: Any) -> Apply:
        if len(lengths) % 2:
            raise ValueError("EqualLengths takes pairs of lengths")
        return Apply(self, [x, *lengths], [x.type()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, *lengths = inputs
        for a, b in zip(lengths[::2], lengths[1::2]):
            if int(a) < 0:
                raise ValueError(f"{self.what}: negative dimensions are not allowed, but a length is {int(a)}")
            if int(a) != int(b):
                raise ValueError(
                    f"Input dimension mismatch: the operands of {self.what} have lengths {int(a)} and {int(b)} "
                    f"along one axis, and neither is known to be 1 when the expression is built."
                )
        output_storage[0][0] = np.asarray(x)

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [output_gradients[0], *(disconnected_type() for _ in inputs[1:])]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], *([False] for _ in node.inputs[1:])]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [input_shapes[0]]

    def __str__(self) -> str:
        return f"EqualLengths{{{self.what}}}"


def restore_checks(site: Site, report: PassReport) -> None:
    """Wrap an output in the checks that no node makes any more."""
    fgraph, original = site.fgraph, site.dims
    # also of nodes that are still there: they may have got inputs of which the check is trivially true
    lost = original.enforced
    unsized = [fact for fact in original.sizes if fact[1] not in fgraph.apply_nodes]
    if not (lost or unsized) or not fgraph.outputs:
        return
    now = Dims(dict(SPEAKERS))
    now.on_attach(fgraph)
    for a, b in original.definitions:
        now.join(a, b)
    missing: dict[Apply, list[tuple[Key, Key]]] = {}
    for a, b, node in lost:
        if not now.same_length(a, b):
            now.join(a, b)
            missing.setdefault(node, []).append((a, b))
    if unsized:
        shapes = [(v, getattr(v.type, "shape", ())) for v in fgraph.clients]
        real = {now.find((v, axis)) for v, shape in shapes for axis, n in enumerate(shape) if n is None}
        for key, node in unsized:
            root = now.find(key)
            if root not in real and not isinstance(now.source(key), int):
                real.add(root)
                missing.setdefault(node, []).append((key, key))
    if not missing:
        return
    # names of lengths that need nothing computed that the graph does not compute already
    at_hand: dict[Key, Key] = {}
    fresh = Dims(dict(SPEAKERS))
    fresh.on_attach(fgraph)
    for a, b in original.definitions:
        fresh.join(a, b)
    for variable in fgraph.clients:
        shape = getattr(variable.type, "shape", None)
        for axis, n in enumerate(shape or ()):
            if n is None:
                at_hand.setdefault(fresh.find((variable, axis)), (variable, axis))

    symbolic = Shapes(fresh)

    def length(key: Key) -> Any:
        if not isinstance(key, int):
            key = fresh.source(key) or at_hand.get(fresh.find(key), key)
        if isinstance(key, int):
            return constant(key, dtype="int64")
        if len(key) == 1:
            return cast_to(key[0], "int64")
        # of what is computed no more: from the lengths of what it was made of, not by computing it for this
        return shape_i_op(key[1])(key[0]) if key[0] in fgraph.clients else symbolic.length(*key)

    updates = fgraph.update_mapping or {}
    position = next((n for n in range(len(fgraph.outputs)) if n not in updates), 0)
    for node, pairs in missing.items():
        old = fgraph.outputs[position]
        with inherit(node.origin):
            lengths = [length(key) for pair in pairs for key in pair]
            new = EqualLengths(str(node.op))(old, *lengths)
        new.name = old.name
        fgraph.change_input(OUTPUT, position, new, "restore_checks")
        report.fired["restore_check"] += 1
        report.where.append(("restore_check", str(node.op), node.origin))


__all__ = ["EqualLengths", "restore_checks"]
