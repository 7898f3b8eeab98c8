"""Symbolic lengths: the length of an axis as an expression of the lengths of the graph's inputs.

Made on demand from `Dims` and, where these know nothing, from `Op.infer_shape`; never recursive. Lengths that are
known while the graph is compiled are constants.
"""

from __future__ import annotations

from typing import Any

from theano.errors import MethodNotDefined, ShapeError
from theano.graph.node import Apply
from theano.rewriting.dims import Dims, Key, axis_key
from theano.tensor.convert import as_tensor_variable, constant
from theano.tensor.elemwise import cast_to
from theano.tensor.shape import shape_i_op
from theano.tensor.type import TensorType


class Shapes:
    """Lengths of axes as 0-d int64 variables."""

    def __init__(self, dims: Dims) -> None:
        self.dims = dims
        self._inferred: dict[Any, tuple[Any, ...] | None] = {}

    def forget(self) -> None:
        """Infer anew what is asked from now on: the graph has changed."""
        self._inferred.clear()

    def length(self, v: Any, axis: int) -> Any:
        """The length of `axis` of `v`, not computing `v` where that can be helped."""
        ready = self.ready(axis_key(v, axis))
        if ready is not None:
            return ready
        self._infer(v)
        shape = self._inferred.get(v)
        return shape_i_op(axis)(v) if shape is None else shape[axis]

    def shape(self, v: Any) -> list[Any]:
        return [self.length(v, axis) for axis in range(v.type.ndim)]

    def ready(self, key: Key) -> Any | None:
        """The length as a constant or as that of an input of the graph, if it is known to equal one."""
        source = self.dims.source(key)
        if source is None:
            return None
        if isinstance(source, int):
            return constant(source, dtype="int64")
        return cast_to(source[0], "int64") if len(source) == 1 else shape_i_op(source[1])(source[0])

    def _infer(self, variable: Any) -> None:
        """Fill `_inferred` for `variable` and for what its shape is made of, each before those that need it."""
        stack: list[tuple[Any, bool]] = [(variable, False)]
        while stack:
            v, entered = stack.pop()
            if v in self._inferred:
                continue
            lengths = [self.ready(axis_key(v, axis)) for axis in range(v.type.ndim)]
            node = v.owner
            if node is None or None not in lengths:
                self._inferred[v] = tuple(
                    shape_i_op(axis)(v) if n is None else n for axis, n in enumerate(lengths))
                continue
            if not entered:
                stack.append((v, True))
                for x in node.inputs:
                    if isinstance(x.type, TensorType) and x not in self._inferred:
                        stack.append((x, False))
                continue
            inferred = self._from_op(node)
            for out, found in zip(node.outputs, inferred):
                if not isinstance(out.type, TensorType) or out in self._inferred:
                    continue
                if found is None:
                    found = tuple(shape_i_op(axis)(out) for axis in range(out.type.ndim))
                else:
                    found = tuple(
                        self.ready(axis_key(out, axis)) or cast_to(as_tensor_variable(n), "int64")
                        for axis, n in enumerate(found)
                    )
                self._inferred[out] = found

    def _from_op(self, node: Apply) -> list[tuple[Any, ...] | None]:
        shapes = [self._inferred.get(x) if isinstance(x.type, TensorType) else None for x in node.inputs]
        try:
            found = node.op.infer_shape(node, shapes)
        except (MethodNotDefined, ShapeError, NotImplementedError):
            return [None] * len(node.outputs)
        return [
            tuple(n) if n is not None and len(n) == getattr(out.type, "ndim", -1) else None
            for n, out in zip(found, node.outputs)
        ]
