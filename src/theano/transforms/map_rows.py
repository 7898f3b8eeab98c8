"""MapRows: an inner graph applied to every row of some inputs, the results stacked or summed.

It carries the rows of jacobians and hessians. Its derivative is again a MapRows, so that all orders work. It is no
general loop: no iteration sees another (for that there is scan).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano.errors import MethodNotDefined, ShapeError
from theano.graph.clone import clone_replace, equal_computations
from theano.graph.fgraph import FunctionGraph
from theano.graph.inner_function import InnerFunction
from theano.graph.node import Apply, Constant, Variable
from theano.graph.op import Op
from theano.graph.traverse import graph_inputs
from theano.graph.type import disconnected_type
from theano.tensor.convert import as_tensor_variable
from theano.tensor.type import TensorType, tensor_type
from theano.transforms.reverse import backpropagate, reached_from
from theano.transforms.terms import gradient_dtype, is_disconnected, is_undefined


class MapRows(Op):
    """For i in range(n): the inner graph of row i of every sequence, and of the other inputs as they are.

    inner_inputs    first one variable for a row of each sequence, then one for each other input
    inner_outputs   what is computed from them (shared variables are no leaves: pass them as inputs)
    sequences       how many of the inner inputs are rows
    summed          for every output: False, the rows' results are stacked along a new first axis; True, summed
    The node's inputs are n (0-d integer), the sequences (n rows each), the others.
    """

    def __init__(
        self,
        inner_inputs: Sequence[Variable],
        inner_outputs: Sequence[Variable],
        sequences: int,
        summed: Sequence[bool],
    ) -> None:
        self.fgraph = FunctionGraph(inner_inputs, inner_outputs)
        self.sequences = sequences
        self.summed = tuple(bool(s) for s in summed)
        if len(self.summed) != len(inner_outputs):
            raise ValueError("MapRows needs one entry of `summed` for every output")
        self.inner = InnerFunction(self.fgraph, name="rows")

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, MapRows) or hash(self) != hash(other):
            return False
        mine, theirs = self.fgraph, other.fgraph
        return (
            self.summed == other.summed
            and self.sequences == other.sequences
            and [v.type for v in mine.inputs] == [v.type for v in theirs.inputs]
            and equal_computations(mine.outputs, theirs.outputs, mine.inputs, theirs.inputs)
        )

    def __hash__(self) -> int:
        kinds = tuple(v.type for v in (*self.fgraph.inputs, *self.fgraph.outputs))
        return hash((MapRows, self.sequences, self.summed, kinds, len(self.fgraph)))

    def __str__(self) -> str:
        return f"MapRows{{{len(self.fgraph)} nodes}}"

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "inner"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.inner = InnerFunction(self.fgraph, name="rows")

    @property
    def inner_inputs(self) -> list[Variable]:
        return self.fgraph.inputs

    @property
    def inner_outputs(self) -> list[Variable]:
        return self.fgraph.outputs

    def make_node(self, n: Any, *inputs: Any) -> Apply:
        n = as_tensor_variable(n)
        if n.type.ndim != 0 or np.dtype(n.type.dtype).kind not in "iu":
            raise TypeError(f"MapRows: n must be a 0-d integer, got {n} of type {n.type}")
        if len(inputs) != len(self.fgraph.inputs):
            raise ValueError(f"MapRows takes n and {len(self.fgraph.inputs)} inputs, got n and {len(inputs)}")
        converted = []
        for position, (variable, inner) in enumerate(zip(inputs, self.fgraph.inputs)):
            variable = variable if isinstance(variable, Variable) else as_tensor_variable(variable)
            if position < self.sequences:
                wanted = tensor_type(inner.type.dtype, (None, *inner.type.shape))  # type: ignore[attr-defined]
                if not isinstance(variable.type, TensorType) or variable.type.ndim != wanted.ndim:
                    raise TypeError(f"MapRows: sequence {position} must have {wanted.ndim} axes, got {variable.type}")
                if variable.type.dtype != wanted.dtype:
                    raise TypeError(f"MapRows: sequence {position} must have dtype {wanted.dtype}, got {variable.type}")
            else:
                variable = inner.type.filter_variable(variable)
            converted.append(variable)
        outputs = []
        for inner, summed in zip(self.fgraph.outputs, self.summed):
            kind = inner.type
            if not summed:
                kind = tensor_type(kind.dtype, (None, *kind.shape))  # type: ignore[attr-defined]
            outputs.append(kind())
        return Apply(self, [n, *converted], outputs)

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        n, values = int(inputs[0]), list(inputs[1:])
        if n < 0:
            raise ValueError(f"MapRows: the number of rows must not be negative, got {n}")
        sequences, others = values[: self.sequences], values[self.sequences :]
        for position, sequence in enumerate(sequences):
            if sequence.shape[0] != n:
                raise ValueError(f"MapRows: sequence {position} has {sequence.shape[0]} rows, not {n}")
        run = self.inner.runner()
        results: list[Any] = [None] * len(self.summed)
        for row in range(max(n, 1)):
            # without rows one run on zeros tells the shapes
            rows = [np.asarray(s[row]) if n else np.zeros(s.shape[1:], s.dtype) for s in sequences]
            found = run(*rows, *others)
            for k, (value, summed) in enumerate(zip(found, self.summed)):
                if row == 0:
                    shape = np.shape(value) if summed else (n, *np.shape(value))
                    results[k] = np.zeros(shape, value.dtype)
                if summed and n:
                    results[k] += value
                elif n:
                    results[k][row] = value
        for result, cell in zip(results, output_storage):
            cell[0] = result

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        inner = self.fgraph.clone()
        seeds = []
        stacked: list[tuple[Variable, Any]] = []  # (inner cotangent, outer gradient)
        shared: list[tuple[Variable, Any]] = []
        for output, summed, gradient in zip(inner.outputs, self.summed, output_gradients):
            if is_disconnected(gradient):
                continue
            cotangent = tensor_type(gradient_dtype(output), output.type.shape)()  # type: ignore[attr-defined]
            seeds.append((output, cotangent))
            (shared if summed else stacked).append((cotangent, gradient))
        found = backpropagate(seeds, inner.inputs)
        terms: list[Any] = [disconnected_type()] + [None] * len(inner.inputs)
        kept: list[tuple[int, Variable, bool]] = []
        for position, variable in enumerate(inner.inputs):
            gradient = found[variable]
            if gradient is None or is_disconnected(gradient):
                terms[position + 1] = disconnected_type()
            elif is_undefined(gradient):
                terms[position + 1] = gradient
            else:
                kept.append((position, gradient, position >= self.sequences))
        if kept:
            rows, rest = inner.inputs[: self.sequences], inner.inputs[self.sequences :]
            new = MapRows(
                [*rows, *(c for c, _ in stacked), *rest, *(c for c, _ in shared)],
                [gradient for _, gradient, _ in kept],
                self.sequences + len(stacked),
                [summed for _, _, summed in kept],
            )
            n, outer = inputs[0], list(inputs[1:])
            results = new(
                n,
                *outer[: self.sequences], *(g for _, g in stacked),
                *outer[self.sequences :], *(g for _, g in shared),
                return_list=True,
            )
            for (position, _, _), result in zip(kept, results):
                terms[position + 1] = result
        return terms

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        nodes = self.fgraph.toposort()
        pattern = [[False] * len(self.fgraph.outputs)]
        for variable in self.fgraph.inputs:
            reached = reached_from([variable], nodes)
            pattern.append([output in reached for output in self.fgraph.outputs])
        return pattern

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        lengths: dict[Variable, Any] = {}
        for position, variable in enumerate(self.fgraph.inputs):
            shape = input_shapes[position + 1]
            if shape is not None:
                lengths[variable] = tuple(shape[1:]) if position < self.sequences else tuple(shape)
        for inner in self.fgraph.toposort():
            known = [lengths.get(v) if v in lengths else _static_shape(v) for v in inner.inputs]
            try:
                lengths.update(zip(inner.outputs, inner.op.infer_shape(inner, known)))
            except (MethodNotDefined, NotImplementedError) as error:
                raise ShapeError(f"The shape of {inner} inside {self} is not known") from error
        outer = dict(zip(self.fgraph.inputs[self.sequences :], node.inputs[1 + self.sequences :]))
        rows = set(self.fgraph.inputs[: self.sequences])
        shapes = []
        for output, summed in zip(self.fgraph.outputs, self.summed):
            dims = lengths[output] if output in lengths else _static_shape(output)
            if dims is None:
                raise ShapeError(f"The shape of {output} inside {self} is not known")
            symbolic = [d for d in dims if isinstance(d, Variable)]
            if any(leaf in rows for leaf in graph_inputs(symbolic, node.inputs)):
                raise ShapeError(f"The shape of {output} inside {self} depends on the row")
            replaced = iter(clone_replace(symbolic, outer, strict=False)) if symbolic else iter(())
            shape = tuple(next(replaced) if isinstance(d, Variable) else d for d in dims)
            shapes.append(shape if summed else (node.inputs[0], *shape))
        return shapes


def _static_shape(variable: Variable) -> tuple[int, ...] | None:
    if isinstance(variable, Constant) and isinstance(variable.data, np.ndarray):
        return variable.data.shape
    shape = getattr(variable.type, "shape", None)
    return shape if shape is not None and None not in shape else None
