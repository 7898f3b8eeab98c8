"""Jacobians, hessians and hessian-vector products.

The rows of a jacobian are one reverse sweep with a symbolic cotangent, run for each unit vector by `MapRows`; few rows
of statically known number are written out, so that they are optimised with the rest of the graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from theano.graph.clone import clone_replace
from theano.graph.node import Constant, Variable
from theano.graph.traverse import toposort
from theano.scalar.arithmetic import mul
from theano.scalar.comparison import eq
from theano.tensor.convert import constant
from theano.tensor.elemwise import cast_to
from theano.tensor.joining import stack
from theano.tensor.ranges import arange
from theano.tensor.shape import Reshape, Shape, Shape_i
from theano.tensor.type import TensorType, tensor_type
from theano.transforms.map_rows import MapRows
from theano.transforms.reverse import (
    backpropagate,
    check_choice,
    constant_list,
    finish,
    format_as,
    grad,
    wrt_list,
)
from theano.transforms.terms import gradient_dtype, is_disconnected, is_undefined

UNROLLED_ROWS = 16  # at most so many rows are written out


def jacobian(
    expression: Variable,
    wrt: Any,
    consider_constant: Iterable[Variable] | None = None,
    disconnected_inputs: str = "raise",
) -> Any:
    """All derivatives of a tensor `expression`: an array of shape expression.shape + wrt.shape.

    wrt    a variable, or a list or tuple of them: the result has the same form
    Raises TypeError if `expression` is no tensor; DisconnectedInputError as `grad` does.

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> jacobian(v**2, v).eval({v: [4.0, 5.0]}).tolist()
    [[8.0, 0.0], [0.0, 10.0]]
    """
    check_choice("disconnected_inputs", disconnected_inputs, ("raise", "warn", "ignore"))
    if not isinstance(expression, Variable) or not isinstance(expression.type, TensorType):
        raise TypeError(f"jacobian needs a symbolic tensor, got {expression!r}")
    wanted = wrt_list(wrt)
    if expression.type.ndim == 0:
        return grad(expression, wrt, consider_constant, disconnected_inputs)
    blocked = constant_list(consider_constant)
    cotangent = tensor_type(gradient_dtype(expression), expression.type.shape)()
    found = backpropagate([(expression, cotangent)], list(dict.fromkeys(wanted)), blocked)
    pulled = [
        finish(None, variable, found[variable], disconnected_inputs, "zero", "raise") for variable in wanted
    ]
    results = _rows(expression, cotangent, [p for p in pulled if p is not None])
    return format_as(isinstance(wrt, list), isinstance(wrt, tuple), results)


def hessian(
    cost: Variable,
    wrt: Any,
    consider_constant: Iterable[Variable] | None = None,
    disconnected_inputs: str = "raise",
) -> Any:
    """The second derivatives of a scalar `cost` by each variable of `wrt`, of shape wrt.shape + wrt.shape.

    A variable on which the gradient does not depend has zeros (that is the hessian of a linear cost).

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> hessian((v**3).sum(), v).eval({v: [1.0, 2.0]}).tolist()
    [[6.0, 0.0], [0.0, 12.0]]
    """
    variables = wrt_list(wrt)
    results = []
    for variable in variables:
        gradient = grad(cost, variable, consider_constant, disconnected_inputs)
        results.append(jacobian(gradient, variable, consider_constant, disconnected_inputs="ignore"))
    return format_as(isinstance(wrt, list), isinstance(wrt, tuple), results)


def hessian_vector_product(cost: Variable, wrt: Any, vectors: Any) -> Any:
    """The hessian of a scalar `cost` by `wrt` times `vectors` (one for each variable), in the cost of two gradients.

    >>> from theano.tensor import dvectors
    >>> v, u = dvectors("v", "u")
    >>> hessian_vector_product((v**3).sum(), v, u).eval({v: [1.0, 2.0], u: [1.0, 1.0]}).tolist()
    [6.0, 12.0]
    """
    variables = wrt_list(wrt)
    points = list(vectors) if isinstance(vectors, (list, tuple)) else [vectors]
    if len(points) != len(variables):
        raise ValueError(f"{len(variables)} variables need as many vectors, got {len(points)}")
    gradients = grad(cost, variables)
    seeds = list(zip(gradients, points))
    found = backpropagate(seeds, list(dict.fromkeys(variables)))
    results = [finish(None, v, found[v], "ignore", "zero", "raise") for v in variables]
    return format_as(isinstance(wrt, list), isinstance(wrt, tuple), results)


def _rows(expression: Any, cotangent: Any, pulled: Sequence[Any]) -> list[Any]:
    """Each of `pulled`, a function of `cotangent`, for all unit cotangents: stacked, of shape expression.shape + ..."""
    if any(is_undefined(p) or is_disconnected(p) for p in pulled):
        raise ValueError("a jacobian has no rows of an undefined gradient")
    shape = expression.type.shape
    dtype = cotangent.type.dtype
    flat = expression.type.ndim == 1
    count: Any = Shape_i(0)(expression) if flat else mul(*[Shape_i(k)(expression) for k in range(len(shape))])
    positions = arange(count)
    known = _product(shape)
    if known is not None and 0 < known <= UNROLLED_ROWS:
        copies = [
            clone_replace(pulled, {cotangent: _unit(shape, row, dtype)}, strict=False)
            for row in range(known)
        ]
        return [_restored(stack([copy[k] for copy in copies]), expression, p) for k, p in enumerate(pulled)]
    row = tensor_type(positions.type.dtype, ())()
    outer_positions = positions.type()
    lengths = [] if flat else [Shape()(expression)]
    inner_lengths = [v.type() for v in lengths]
    unit = cast_to(eq(outer_positions, row), dtype)
    if not flat:
        unit = Reshape(len(shape))(unit, inner_lengths[0])
    unit = cotangent.type.filter_variable(unit)
    needed = _needed(pulled, cotangent)
    stands = {v: v.type() for v in needed}
    inner = clone_replace(pulled, {**stands, cotangent: unit}, strict=False)
    op = MapRows([row, outer_positions, *inner_lengths, *stands.values()], inner, 1, [False] * len(inner))
    results = op(count, positions, positions, *lengths, *needed, return_list=True)
    return [_restored(result, expression, p) for result, p in zip(results, pulled)]


def _unit(shape: tuple[int, ...], row: int, dtype: str) -> Any:
    unit = np.zeros(shape, dtype)
    unit.flat[row] = 1
    return constant(unit)


def _restored(rows: Any, expression: Any, pulled: Any) -> Any:
    """Stacked rows with the expression's own axes in place of the first."""
    if expression.type.ndim == 1:
        return rows
    lengths = [Shape_i(k)(expression) for k in range(expression.type.ndim)]
    lengths += [Shape_i(1 + k)(rows) for k in range(pulled.type.ndim)]
    return Reshape(len(lengths))(rows, lengths)


def _needed(results: Sequence[Variable], on: Variable) -> list[Variable]:
    """The variables, no constants, that the part of the graph of `results` which depends on `on` takes from outside."""
    depends = {on}
    needed: dict[Variable, None] = {}
    for node in toposort(results):
        if any(v in depends for v in node.inputs):
            depends.update(node.outputs)
            for variable in node.inputs:
                if variable not in depends and not isinstance(variable, Constant):
                    needed.setdefault(variable)
    for variable in results:
        if variable not in depends and not isinstance(variable, Constant):
            needed.setdefault(variable)
    return list(needed)


def _product(shape: Sequence[int | None]) -> int | None:
    total = 1
    for n in shape:
        if n is None:
            return None
        total *= n
    return total


