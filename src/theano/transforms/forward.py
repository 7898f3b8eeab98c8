"""Forward-mode derivatives: `Rop`, by one sweep over the nodes from `wrt` to the outputs.

Where an op defines `R_op`, that is used. Everywhere else the forward derivative is derived from `L_op`: its terms are
linear in the output gradient u, so the derivative of <terms, tangents> by u is the Jacobian times the tangents. So
every op with a reverse derivative has a forward one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from theano._provenance import inherit
from theano.errors import MethodNotDefined, NullTypeGradError
from theano.graph.clone import clone_replace
from theano.graph.node import Apply, Variable
from theano.graph.op import Op
from theano.graph.traverse import toposort
from theano.graph.type import disconnected_type
from theano.tensor.convert import as_tensor_variable
from theano.transforms.reverse import (
    ask_op,
    backpropagate,
    check_choice,
    check_rank,
    checked_term,
    connection_pattern,
    format_as,
    report_disconnected,
    wrt_list,
)
from theano.transforms.terms import fit, is_disconnected, is_discrete_variable, is_undefined, zeros_for


def Rop(
    f: Any,
    wrt: Any,
    eval_points: Any,
    disconnected_outputs: str = "raise",
    return_disconnected: str = "zero",
) -> Any:
    """The Jacobian of `f` by `wrt` times the vector `eval_points`, without building the Jacobian.

    f                      a variable, or a list or tuple: the result has the same form
    wrt, eval_points       a variable each, or lists of equal length; each eval_point has the shape of its variable
    disconnected_outputs   "raise", "warn" or "ignore" if an output does not depend on wrt
    return_disconnected    "zero", "None" or "Disconnected": what stands for the derivative of such an output

    >>> from theano.tensor import dvectors
    >>> v, u = dvectors("v", "u")
    >>> Rop(v**2, v, u).eval({v: [4.0, 5.0], u: [1.0, 2.0]}).tolist()
    [8.0, 20.0]
    """
    check_choice("disconnected_outputs", disconnected_outputs, ("raise", "warn", "ignore"))
    check_choice("return_disconnected", return_disconnected, ("zero", "None", "Disconnected"))
    wanted = wrt_list(wrt)
    points = list(eval_points) if isinstance(eval_points, (list, tuple)) else [eval_points]
    outputs = list(f) if isinstance(f, (list, tuple)) else [f]
    if len(wanted) != len(points):
        raise ValueError(f"Rop needs one eval_point for each element of wrt; got {len(wanted)} and {len(points)}")
    tangents: dict[Variable, Variable] = {}
    for number, (variable, point) in enumerate(zip(wanted, points)):
        point = point if isinstance(point, Variable) else as_tensor_variable(point)
        check_rank(f"eval_points[{number}]", point, f"wrt[{number}]", variable)
        point = fit(point, variable)
        tangents[variable] = tangents[variable] + point if variable in tangents else point  # type: ignore[operator]
    for output in outputs:
        if not isinstance(output, Variable):
            raise TypeError(f"f must be symbolic, got {output!r}")
    push_forward(outputs, tangents)
    results = []
    for output in outputs:
        tangent = tangents.get(output)
        if tangent is not None and is_undefined(tangent):
            raise NullTypeGradError(f"The forward derivative of {output} is undefined or not implemented: "
                                    f"{tangent.type.why_null}")  # type: ignore[attr-defined]
        if tangent is None:
            report_disconnected(wanted[0], disconnected_outputs, str(output))
            if return_disconnected == "zero":
                tangent = zeros_for(output)
            elif return_disconnected == "Disconnected":
                tangent = disconnected_type()
        results.append(tangent)
    return format_as(isinstance(f, list), isinstance(f, tuple), results)


def push_forward(outputs: Sequence[Variable], tangents: dict[Variable, Variable]) -> None:
    """Extend `tangents` {variable: its directional derivative} to all that depends on its keys, up to `outputs`."""
    for node in toposort(outputs):
        if not any(variable in tangents for variable in node.inputs):
            continue
        with inherit(node.origin):
            found = _derivatives(node, [tangents.get(variable) for variable in node.inputs])
        for output, tangent in zip(node.outputs, found):
            # a variable of wrt keeps the tangent that was given for it
            if tangent is not None and output not in tangents:
                tangents[output] = tangent


def _derivatives(node: Apply, tangents: Sequence[Variable | None]) -> list[Variable | None]:
    """The tangent of every output of `node`, None where it is not connected."""
    connected = _connected_outputs(node, tangents)
    if not any(connected):
        return [None] * len(node.outputs)
    undefined = next((t for t in tangents if t is not None and is_undefined(t)), None)
    if undefined is not None:
        return [undefined if c else None for c in connected]
    if all(is_discrete_variable(output) for output in node.outputs):
        return [zeros_for(output) if c else None for output, c in zip(node.outputs, connected)]
    op = node.op
    if type(op).R_op is not Op.R_op or "R_op" in vars(op):
        try:
            given = op.R_op(node.inputs, tangents)
        except (MethodNotDefined, NotImplementedError):
            given = None
        if given is not None:
            return _checked(node, given)
    return [
        _by_two_reversals(node, number, tangents) if c else None for number, c in enumerate(connected)
    ]


def _connected_outputs(node: Apply, tangents: Sequence[Variable | None]) -> list[bool]:
    pattern = connection_pattern(node)
    return [
        any(
            tangent is not None and (pattern is None or pattern[position][number])
            for position, tangent in enumerate(tangents)
        )
        for number in range(len(node.outputs))
    ]


def _by_two_reversals(node: Apply, number: int, tangents: Sequence[Variable | None]) -> Variable | None:
    """The tangent of output `number`, from the op's vector-Jacobian product."""
    output = node.outputs[number]
    if is_discrete_variable(output):
        return zeros_for(output)
    cotangent = output.type()
    gradients = [cotangent if n == number else disconnected_type() for n in range(len(node.outputs))]
    terms = ask_op(node, gradients)
    pattern = connection_pattern(node)
    seeds = []
    reached = False
    for position, (variable, tangent) in enumerate(zip(node.inputs, tangents)):
        if tangent is None or (pattern is not None and not pattern[position][number]):
            continue
        term = checked_term(node, position, variable, terms[position])
        if is_disconnected(term):
            continue
        if is_undefined(term):
            return term
        reached = True
        if not is_discrete_variable(variable) or term.type.dtype == tangent.type.dtype:  # type: ignore[attr-defined]
            tangent = fit(tangent, term)
        seeds.append((term, tangent))
    if not reached:
        return None
    blocked = [v for v in (*node.inputs, *node.outputs) if v is not cotangent]
    tangent = backpropagate(seeds, [cotangent], blocked)[cotangent]
    if tangent is None or is_disconnected(tangent):
        return zeros_for(output)
    if is_undefined(tangent):
        return tangent
    # linear: the value of the cotangent does not matter, only its shape can still appear
    stays = {variable: variable for variable in (*blocked, *(tangent for _, tangent in seeds))}
    return fit(clone_replace(tangent, {**stays, cotangent: output}, strict=False), output)


def _checked(node: Apply, given: Any) -> list[Variable | None]:
    if not isinstance(given, (list, tuple)) or len(given) != len(node.outputs):
        raise ValueError(f"{node.op}.R_op must return a list with one entry for each of {len(node.outputs)} outputs, "
                         f"got {given!r}")
    checked: list[Variable | None] = []
    for output, tangent in zip(node.outputs, given):
        if tangent is None or is_disconnected(tangent):
            checked.append(None)
            continue
        if not is_undefined(tangent):
            check_rank(f"What {node.op}.R_op returned", tangent, "the output", output)
            tangent = fit(tangent, output)
        checked.append(tangent)
    return checked
