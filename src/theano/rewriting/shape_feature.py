"""ShapeFeature: symbolic shapes of the variables of a graph, as users' rewrites ask for them.

The pipeline has its own (`Site.shape`, of which this is another face: `dims.py`, `shapes.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from theano.errors import ShapeError
from theano.graph.evaluate import evaluate
from theano.graph.fgraph import AlreadyThere, FunctionGraph
from theano.graph.node import Apply, Constant, Variable
from theano.graph.traverse import ancestors
from theano.rewriting.custom import Optimizer
from theano.rewriting.dims import Dims, axis_key
from theano.rewriting.dims_of_ops import SPEAKERS
from theano.rewriting.shapes import Shapes
from theano.tensor.convert import as_tensor_variable
from theano.tensor.elemwise import cast_to
from theano.tensor.shape import Shape_i, shape_i_op
from theano.tensor.type import TensorType


class ShapeFeature(Dims):
    """Shapes of all variables of the graph that it is attached to, made when asked for.

    shape_of[v]                the lengths of v, a tuple of 0-d int64 variables, expressions of the lengths of inputs
                               where these are known; None if v is no tensor
    get_shape(v, axis)         one of them
    same_shape(x, y)           are the shapes (or dim_x and dim_y of them) known to be equal?
    set_shape(v, lengths)      let these be the lengths of v (with override=False only where none were set before)
    The graph has it as `fgraph.shape_feature`.
    """

    def __init__(self) -> None:
        super().__init__(dict(SPEAKERS))
        self._shapes = Shapes(self)
        self._set: dict[Variable, tuple[Any, ...] | None] = {}
        self.shape_of = _ShapeOf(self)

    def on_attach(self, fgraph: FunctionGraph) -> None:
        if getattr(fgraph, "shape_feature", None) is not None:
            raise AlreadyThere("The graph has a ShapeFeature already")
        fgraph.shape_feature = self  # type: ignore[attr-defined]
        super().on_attach(fgraph)

    def on_detach(self, fgraph: FunctionGraph) -> None:
        fgraph.shape_feature = None  # type: ignore[attr-defined]

    def on_change_input(
        self, fgraph: FunctionGraph, node: Any, i: int, r: Variable, new_r: Variable, reason: Any = None
    ) -> None:
        self._shapes.forget()

    def get_shape(self, var: Variable, idx: int) -> Any:
        """The length of one axis. IndexError if there is no such axis, TypeError if `var` is no tensor."""
        lengths = self.shape_of[var]
        if lengths is None:
            raise TypeError(f"{var} of type {var.type} has no shape")
        return lengths[idx]

    def set_shape(self, r: Variable, s: Sequence[Any] | None, override: bool = False) -> None:
        """Let `s` be the lengths of r. ValueError for a wrong number of them."""
        if r in self._set and not override:
            return
        ndim = getattr(r.type, "ndim", None)
        if s is not None and len(s) != ndim:
            raise ValueError(f"{r} of type {r.type} has {ndim} axes, but {len(s)} lengths are given")
        self._set[r] = None if s is None else tuple(cast_to(as_tensor_variable(n), "int64") for n in s)

    def same_shape(self, x: Any, y: Any, dim_x: int | None = None, dim_y: int | None = None) -> bool:
        """Are x and y known to have one shape, or axis dim_x of x the length of axis dim_y of y?"""
        if (dim_x is None) != (dim_y is None):
            raise ValueError("Give dim_x and dim_y, or neither")
        if not isinstance(x.type, TensorType) or not isinstance(y.type, TensorType):
            return False
        if dim_x is None or dim_y is None:
            return self.same(x, y)
        return self.same_length(axis_key(x, dim_x), axis_key(y, dim_y))

    def init_r(self, r: Variable) -> None:
        """Nothing to do: shapes are made when they are asked for."""

    def shape_tuple(self, r: Variable) -> tuple[Any, ...] | None:
        """The lengths of r, each by its own op, whatever is known of them."""
        if not isinstance(r.type, TensorType):
            return None
        return tuple(shape_i_op(axis)(r) for axis in range(r.type.ndim))

    def default_infer_shape(self, node: Apply, i_shapes: Any) -> list[tuple[Any, ...] | None]:
        """What is said of an op that does not infer shapes: the lengths of its outputs, once these are computed."""
        return [self.shape_tuple(v) for v in node.outputs]


class _ShapeOf(Mapping[Variable, Any]):
    def __init__(self, feature: ShapeFeature) -> None:
        self._feature = feature

    def __getitem__(self, v: Any) -> tuple[Any, ...] | None:
        if v in self._feature._set:
            return self._feature._set[v]
        return tuple(self._feature._shapes.shape(v)) if isinstance(v.type, TensorType) else None

    def __contains__(self, v: object) -> bool:
        return isinstance(v, Variable)

    def __iter__(self) -> Any:
        return iter(self._feature._set)

    def __len__(self) -> int:
        return len(self._feature._set)


class ShapeOptimizer(Optimizer):
    """Attaches a ShapeFeature."""

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        fgraph.attach_feature(ShapeFeature())

    def apply(self, fgraph: FunctionGraph) -> None: ...


class UnShapeOptimizer(Optimizer):
    """Takes the ShapeFeature away."""

    def apply(self, fgraph: FunctionGraph) -> None:
        for feature in list(fgraph._features):
            if isinstance(feature, ShapeFeature):
                fgraph.remove_feature(feature)


def shape_of_variables(
    fgraph: FunctionGraph, input_shapes: Mapping[Variable, Sequence[int]]
) -> dict[Variable, tuple[int, ...]]:
    """The shapes of all tensors of a graph, as numbers, from those of its inputs {input: shape}.

    Nothing but lengths is computed. ValueError if the shape of an input is missing or does not fit its type, ShapeError
    if a shape depends on values.

    >>> import theano.tensor as tt
    >>> from theano.gof import FunctionGraph
    >>> from theano.tensor.utils import shape_of_variables
    >>> x = tt.dmatrix("x")
    >>> fgraph = FunctionGraph([x], [tt.sum(x[512:], axis=0)], clone=False)
    >>> shapes = shape_of_variables(fgraph, {x: (1024, 8)})
    >>> shapes[fgraph.outputs[0]]
    (8,)
    """
    values = {v: _stand_in(v, input_shapes) for v in fgraph.inputs if isinstance(v.type, TensorType)}
    feature = ShapeFeature()
    feature._recording = False
    for node in fgraph.toposort():
        feature.on_import(fgraph, node, None)
    tensors = [v for v in fgraph.variables if isinstance(v.type, TensorType)]
    lengths = [n for v in tensors for n in feature.shape_of[v]]  # type: ignore[union-attr]
    _refuse_values(lengths, values)
    numbers = iter(evaluate(lengths, values))
    return {v: tuple(int(next(numbers)) for _ in range(v.type.ndim)) for v in tensors}  # type: ignore[attr-defined]


def _refuse_values(lengths: Sequence[Variable], inputs: Mapping[Variable, Any]) -> None:
    """ShapeError if a length needs more than the shapes of inputs."""
    read = {v for v in ancestors(lengths) if v.owner is not None and isinstance(v.owner.op, Shape_i)}
    for v in ancestors(lengths, read):
        if v in read:
            source = v.owner.inputs[0]  # type: ignore[union-attr]
            if source not in inputs and source.owner is not None:
                raise ShapeError(f"The shape of {source} follows from values, not from shapes alone")
        elif v.owner is None and not isinstance(v, Constant) and not hasattr(v, "container"):
            raise ShapeError(f"A shape depends on the value of {v}, not on shapes alone")


def _stand_in(v: Any, shapes: Mapping[Variable, Sequence[int]]) -> np.ndarray:
    """An array of the input's shape that takes no memory."""
    if v not in shapes:
        raise ValueError(f"The shape of the input {v} is not given")
    shape = tuple(int(n) for n in shapes[v])
    known = v.type.shape
    if len(shape) != len(known) or any(n is not None and n != m for n, m in zip(known, shape)):
        raise ValueError(f"The shape {shape} does not fit the input {v} of type {v.type}")
    return np.broadcast_to(np.zeros((), v.type.dtype), shape)


__all__ = ["ShapeFeature", "ShapeOptimizer", "UnShapeOptimizer", "shape_of_variables"]
