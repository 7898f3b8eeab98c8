"""Reverse-mode derivatives: `grad` and `Lop`, by one sweep over the nodes from the cost down to `wrt`.

`backpropagate` is the sweep: iterative and linear in the graph. It knows nothing of mathematics: each op gives its
vector-Jacobian product (`Op.L_op`). The rules for what an op returns are in `Op.L_op`; the sweep checks them.
Read next: `forward.py` (Rop), `jacobian.py`.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from theano._collector import collector_paused
from theano._provenance import inherit
from theano.errors import DisconnectedInputError, MethodNotDefined, NullTypeGradError
from theano.graph.conditional import Conditional
from theano.graph.node import Apply, Constant, Variable
from theano.graph.op import Op
from theano.graph.traverse import toposort
from theano.graph.type import NullType, disconnected_type
from theano.scalar.dtypes import is_complex, is_discrete
from theano.tensor.convert import as_tensor_variable
from theano.tensor.type import TensorType
from theano.transforms.guards import Guard, Guarded, inside, keeps_branches, shared_guard, total
from theano.transforms.terms import (
    filled_like,
    fit,
    is_disconnected,
    is_discrete_variable,
    is_undefined,
    is_zero,
    zeros_for,
)


def grad(
    cost: Variable | None,
    wrt: Any,
    consider_constant: Iterable[Variable] | None = None,
    disconnected_inputs: str = "raise",
    add_names: bool = True,
    known_grads: Mapping[Variable, Variable] | None = None,
    return_disconnected: str = "zero",
    null_gradients: str = "raise",
) -> Any:
    """The gradient of a scalar `cost` with respect to `wrt`.

    cost                 a 0-d variable, or None when `known_grads` says where to start
    wrt                  a variable, or a list or tuple of them: the result has the same form
    consider_constant    variables through which no gradient flows
    disconnected_inputs  "raise", "warn" or "ignore" if the cost does not depend on an element of wrt
    add_names            name the gradients "(dcost/dx)" where both have names
    known_grads          {variable: gradient of the cost with respect to it}: taken instead of being computed
    return_disconnected  "zero", "None" or "Disconnected": what stands for the gradient by a variable on which the
                         cost does not depend
    null_gradients       "raise" or "return" for gradients that are undefined or not implemented
    The gradient by an integer variable is a float; through integer-valued expressions it is zero.
    Raises TypeError for a cost that is no scalar, DisconnectedInputError, NullTypeGradError.

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> grad((v**3).sum(), v).eval({v: [1.0, 2.0]}).tolist()
    [3.0, 12.0]
    """
    check_choice("disconnected_inputs", disconnected_inputs, ("raise", "warn", "ignore"))
    check_choice("return_disconnected", return_disconnected, ("zero", "None", "Disconnected"))
    check_choice("null_gradients", null_gradients, ("raise", "return"))
    wanted = wrt_list(wrt)
    blocked = constant_list(consider_constant)
    known = _known_gradients(known_grads)
    seeds: list[tuple[Variable, Variable]] = []
    if cost is None:
        if not known:
            raise ValueError("grad needs a cost, or known_grads that say where to start")
    else:
        _check_cost(cost)
        if cost not in known:
            seeds.append((cost, filled_like(cost, 1)))
    with collector_paused():
        found = backpropagate(seeds, wanted, blocked, known)
    results = [
        finish(cost, variable, found[variable], disconnected_inputs, return_disconnected, null_gradients)
        for variable in wanted
    ]
    if add_names and cost is not None and cost.name is not None:
        for variable, result in zip(wanted, results):
            if variable.name is not None and result is not None and result.name is None and result.owner is not None:
                result.name = f"(d{cost.name}/d{variable.name})"
    return format_as(isinstance(wrt, list), isinstance(wrt, tuple), results)


def Lop(
    f: Any,
    wrt: Any,
    eval_points: Any,
    consider_constant: Iterable[Variable] | None = None,
    disconnected_inputs: str = "raise",
) -> Any:
    """The vector `eval_points` times the Jacobian of `f` by `wrt`, without building the Jacobian.

    f, eval_points   a variable each, or lists of equal length
    wrt              a variable, or a list or tuple: the result has the same form

    >>> from theano.tensor import dvectors
    >>> v, u = dvectors("v", "u")
    >>> Lop(v**2, v, u).eval({v: [4.0, 5.0], u: [1.0, 2.0]}).tolist()
    [8.0, 20.0]
    """
    outputs = list(f) if isinstance(f, (list, tuple)) else [f]
    points = list(eval_points) if isinstance(eval_points, (list, tuple)) else [eval_points]
    if len(outputs) != len(points):
        raise ValueError(f"Lop needs one eval_point for each output; got {len(outputs)} and {len(points)}")
    check_choice("disconnected_inputs", disconnected_inputs, ("raise", "warn", "ignore"))
    wanted = wrt_list(wrt)
    seeds = []
    for number, (output, point) in enumerate(zip(outputs, points)):
        if not isinstance(output, Variable):
            raise TypeError(f"f must be symbolic; its element {number} is {output!r}")
        point = point if isinstance(point, Variable) else as_tensor_variable(point)
        check_rank(f"eval_points[{number}]", point, f"f[{number}]", output)
        seeds.append((output, point))
    with collector_paused():
        found = backpropagate(seeds, wanted, constant_list(consider_constant))
    results = [finish(None, v, found[v], disconnected_inputs, "zero", "raise") for v in wanted]
    return format_as(isinstance(wrt, list), isinstance(wrt, tuple), results)


def format_as(use_list: bool, use_tuple: bool, outputs: Any) -> Any:
    """`outputs` as a list, a tuple, or (neither asked for) the one element itself."""
    if use_list and use_tuple:
        raise ValueError("format_as: both a list and a tuple were asked for")
    if isinstance(outputs, (list, tuple)):
        if not use_list and not use_tuple:
            if len(outputs) != 1:
                raise ValueError(f"format_as: {len(outputs)} outputs cannot be returned as one variable")
            return outputs[0]
        return list(outputs) if use_list else tuple(outputs)
    if use_list or use_tuple:
        return [outputs] if use_list else (outputs,)
    return outputs


# -- the sweep ----------------------------------------------------------------------------------------------------


def backpropagate(
    seeds: Sequence[tuple[Variable, Variable]],
    wrt: Collection[Variable],
    blocked: Collection[Variable] = (),
    known: Mapping[Variable, Variable] | None = None,
) -> dict[Variable, Variable | None]:
    """{element of wrt: its gradient}, None where nothing flows to it.

    seeds     [(variable, gradient that starts there)]; they are added to what flows in from elsewhere
    blocked   variables through which nothing flows on
    known     {variable: gradient}: in place of what flows in
    A gradient may be of DisconnectedType or NullType.
    """
    known = known or {}
    terms: dict[Variable, list[Guarded]] = {}
    for variable, gradient in seeds:
        terms.setdefault(variable, []).append((gradient, ()))
    for variable, gradient in known.items():
        terms[variable] = [(gradient, ())]
    nodes = toposort(list(terms), blocked)
    active = reached_from(wrt, nodes, blocked)
    barred = set(blocked)
    branched = any(isinstance(node.op, Conditional) for node in nodes)
    guard: Guard = ()
    for node in reversed(nodes):
        if not any(variable in active for variable in node.inputs):
            continue
        flowing = [None if output in barred else terms.get(output) for output in node.outputs]
        if all(found is None for found in flowing):
            continue
        if branched:
            guard = shared_guard(pair for found in flowing for pair in found or ())
        gradients: list[Variable | None] = []
        for output, found in zip(node.outputs, flowing):
            if found is not None and (len(found) != 1 or found[0][1] != guard):
                with inherit(node.origin):
                    found = terms[output] = [(total(found, output, guard), guard)]
            gradients.append(None if found is None else found[0][0])
        for variable, term, where in _pull_back(node, gradients, active, guard):
            if variable in known:
                continue
            others = terms.setdefault(variable, [])
            if term is not _ZERO:
                others.append((term, where))
    results: dict[Variable, Variable | None] = {}
    for variable in wrt:
        given = terms.get(variable)
        if given is None:
            results[variable] = None
            continue
        with inherit(variable.owner.origin if variable.owner is not None else None):
            results[variable] = fit(total(given, variable), variable)
    return results


_ZERO: Any = object()  # a gradient that is zero whatever its shape: it needs no node


def reached_from(
    wrt: Collection[Variable], nodes: Sequence[Apply], blocked: Collection[Variable] = ()
) -> set[Variable]:
    """The variables that depend on an element of `wrt`, those included; `nodes` are in topological order."""
    active = set(wrt)
    barred = set(blocked)
    for node in nodes:
        if not any(variable in active for variable in node.inputs):
            continue
        pattern = connection_pattern(node)
        for position, output in enumerate(node.outputs):
            if output in barred:
                continue
            if pattern is None or any(
                row[position] and variable in active for row, variable in zip(pattern, node.inputs)
            ):
                active.add(output)
    return active


def connection_pattern(node: Apply) -> list[list[bool]] | None:
    """The op's pattern, or None where everything is connected. ValueError for one of the wrong form."""
    op = node.op
    method = getattr(type(op), "connection_pattern", None)
    if (method is None or method is Op.connection_pattern) and "connection_pattern" not in vars(op):
        return None
    pattern = op.connection_pattern(node)
    if not isinstance(pattern, list) or len(pattern) != len(node.inputs):
        raise ValueError(f"{op}.connection_pattern must be a list with one row for each of {len(node.inputs)} inputs, "
                         f"got {pattern!r}")
    for row in pattern:
        if not isinstance(row, (list, tuple)) or len(row) != len(node.outputs):
            raise ValueError(f"Each row of {op}.connection_pattern must have one entry for each of "
                             f"{len(node.outputs)} outputs, got {row!r}")
    return pattern


def _pull_back(
    node: Apply, gradients: Sequence[Variable | None], active: Collection[Variable], guard: Guard
) -> list[tuple[Variable, Variable, Guard]]:
    """[(input, term, where it is not zero)] for the active inputs of `node`; `gradients` are those of its outputs, None
    where none flows, which are not zero only where `guard` holds."""
    pattern = connection_pattern(node)
    connected: list[int] = []
    undefined: list[tuple[Variable, Variable, Guard]] = []
    for position, variable in enumerate(node.inputs):
        if variable not in active:
            continue
        through = [
            gradient
            for number, gradient in enumerate(gradients)
            if gradient is not None and (pattern is None or pattern[position][number]) and not is_disconnected(gradient)
        ]
        null = next((g for g in through if is_undefined(g)), None)
        if null is not None:
            undefined.append((variable, null, ()))
        elif through:
            connected.append(position)
    if not connected:
        return undefined
    passed: list[Variable | None] = []
    for output, gradient in zip(node.outputs, gradients):
        if gradient is None or is_undefined(gradient) or is_discrete_variable(output):
            passed.append(None)
        else:
            passed.append(None if is_disconnected(gradient) or is_zero(gradient) else gradient)
    if all(gradient is None for gradient in passed):
        # zero, or through integers only: a smooth function of them has no other derivative
        return undefined + [(node.inputs[position], _ZERO, ()) for position in connected]
    with inherit(node.origin):
        handed = [
            disconnected_type() if gradient is None else fit(gradient, output)
            for gradient, output in zip(passed, node.outputs)
        ]
        in_branches = keeps_branches(node, guard)
        terms = ask_op(node, handed, in_branches)
        result = undefined
        for position in connected:
            variable = node.inputs[position]
            term = checked_term(node, position, variable, terms[position])
            if is_disconnected(term):
                continue
            if not is_undefined(term):
                term = _ZERO if is_zero(term) else fit(term, variable)
            result.append((variable, term, inside(node, position, guard) if in_branches else guard))
        return result


def ask_op(node: Apply, gradients: list[Variable], in_branches: bool = False) -> Sequence[Any]:
    op = node.op
    if in_branches and isinstance(op, Conditional):
        return op.terms_in_branches(node.inputs, gradients)
    if type(op).L_op is Op.L_op and type(op).grad is Op.grad and "grad" not in vars(op) and "L_op" not in vars(op):
        raise MethodNotDefined(
            f"{op} has no derivative: {type(op).__name__} defines neither L_op nor grad.\n"
            f"The gradient is asked for through the node built at {node.origin}.\n"
            f"Define one, or stop the gradient with theano.gradient.disconnected_grad or zero_grad."
        )
    terms = op.L_op(node.inputs, node.outputs, gradients)
    if not isinstance(terms, (list, tuple)):
        raise TypeError(f"{op}.{_method(op)} must return a list with one term per input, got {type(terms).__name__}"
                        f"{_built(node)}")
    if len(terms) != len(node.inputs):
        raise ValueError(f"{op}.{_method(op)} returned {len(terms)} terms for {len(node.inputs)} inputs{_built(node)}")
    return terms


def checked_term(node: Apply, position: int, variable: Variable, term: Any) -> Variable:
    """`term` if it is what L_op may return for input `position`; TypeError or ValueError that names the op if not."""
    where = f"{node.op}.{_method(node.op)}"
    if term is None:
        raise TypeError(
            f"{where} returned None for input {position}, {variable}. Return zeros, grad_undefined(...), "
            f"grad_not_implemented(...) or DisconnectedType()() instead.{_built(node)}"
        )
    if not isinstance(term, Variable):
        raise TypeError(f"{where} returned {type(term).__name__} for input {position}, {variable}; "
                        f"a symbolic variable is needed.{_built(node)}")
    if is_disconnected(term) or is_undefined(term):
        return term
    if not isinstance(term.type, TensorType) or not isinstance(variable.type, TensorType):
        return term
    if is_discrete(term.type.dtype):
        if is_zero(term):
            return zeros_for(variable)
        raise TypeError(
            f"{where} returned a term of dtype {term.type.dtype} for input {position}, {variable}; gradients are "
            f"floats. Cast it, or return zeros_like(input).astype(floatX).{_built(node)}"
        )
    if is_complex(term.type.dtype) and not is_complex(variable.type.dtype):
        raise TypeError(f"{where} returned a complex term for the real input {position}, {variable}; take its real "
                        f"part.{_built(node)}")
    if term.type.ndim != variable.type.ndim:
        raise ValueError(f"{where} returned a term with {term.type.ndim} axes for input {position}, {variable}, "
                         f"which has {variable.type.ndim}.{_built(node)}")
    return term


def _method(op: Op) -> str:
    return "grad" if type(op).L_op is Op.L_op else "L_op"


def _built(node: Apply) -> str:
    return f"\nThe node was built at {node.origin}" if node.origin is not None else ""


def _user_level() -> int:
    """The stacklevel for a warning that is to name the line of the user's program."""
    level = 1
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("theano."):
        frame = frame.f_back
        level += 1
    return level


# -- arguments and results ----------------------------------------------------------------------------------------


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, got {value!r}")


def _check_cost(cost: Any) -> None:
    if not isinstance(cost, Variable):
        raise TypeError(f"The cost must be a symbolic variable, got {cost!r} of {type(cost).__name__}")
    if isinstance(cost.type, NullType):
        raise ValueError(f"Cannot differentiate a cost of NullType: {cost.type.why_null}")
    if is_disconnected(cost):
        raise ValueError("Cannot differentiate a cost of DisconnectedType")
    ndim = getattr(cost.type, "ndim", None)
    if ndim is None:
        raise TypeError(f"The cost must be a scalar tensor; {cost} has type {cost.type}")
    if ndim != 0:
        raise TypeError(f"cost must be a scalar, but {cost} has {ndim} axes (type {cost.type}). Reduce it first, for "
                        f"example with .sum() or .mean(); for all derivatives of a vector use jacobian.")
    if is_complex(cost.type.dtype):  # type: ignore[attr-defined]
        raise TypeError(f"The cost must be real, but {cost} has type {cost.type}. Take abs, real or imag of it.")


def wrt_list(wrt: Any) -> list[Variable]:
    if isinstance(wrt, (set, frozenset)):
        raise TypeError("wrt is a set, whose order is not defined; give a list or tuple")
    wanted = list(wrt) if isinstance(wrt, (list, tuple)) else [wrt]
    for variable in wanted:
        if not isinstance(variable, Variable):
            raise TypeError(f"Expected a symbolic variable in wrt, got {variable!r} of {type(variable).__name__}")
    return wanted


def constant_list(consider_constant: Any) -> list[Variable]:
    if consider_constant is None:
        return []
    if isinstance(consider_constant, Variable) or not isinstance(consider_constant, Iterable):
        raise TypeError(f"consider_constant must be a collection of variables, got {consider_constant!r}")
    blocked = list(consider_constant)
    for variable in blocked:
        if not isinstance(variable, Variable):
            raise TypeError(f"consider_constant holds {variable!r}, which is no symbolic variable")
    return blocked


def _known_gradients(known_grads: Any) -> dict[Variable, Variable]:
    if known_grads is None:
        return {}
    if not isinstance(known_grads, Mapping):
        raise TypeError(f"known_grads must be a dict {{variable: gradient}}, got {type(known_grads).__name__}")
    known = {}
    for variable, gradient in known_grads.items():
        if not isinstance(variable, Variable):
            raise TypeError(f"A key of known_grads is {variable!r}, which is no symbolic variable")
        gradient = gradient if isinstance(gradient, Variable) else as_tensor_variable(gradient)
        if not is_disconnected(gradient) and not is_undefined(gradient):
            check_rank(f"The gradient given for {variable}", gradient, "the variable", variable)
        known[variable] = gradient
    return known


def check_rank(one: str, a: Variable, other: str, b: Variable) -> None:
    if getattr(a.type, "ndim", None) != getattr(b.type, "ndim", None):
        raise ValueError(f"{one} must have as many axes as {other}: {a} has type {a.type}, {b} has type {b.type}")


def finish(
    cost: Variable | None,
    variable: Variable,
    gradient: Variable | None,
    disconnected_inputs: str,
    return_disconnected: str,
    null_gradients: str,
) -> Variable | None:
    """What the caller gets for an element of wrt."""
    if gradient is not None and is_undefined(gradient):
        if null_gradients == "raise":
            why = gradient.type.why_null  # type: ignore[attr-defined]
            raise NullTypeGradError(f"The gradient with respect to {variable} is undefined or not implemented: {why}")
        return gradient
    if gradient is not None and not is_disconnected(gradient):
        return gradient
    report_disconnected(variable, disconnected_inputs, "the cost" if cost is None else f"the cost {cost}")
    if return_disconnected == "zero":
        return zeros_for(variable)
    return None if return_disconnected == "None" else disconnected_type()


def report_disconnected(variable: Variable, action: str, what: str) -> None:
    """Raise DisconnectedInputError, warn, or do nothing."""
    if action == "ignore":
        return
    kind = "the constant" if isinstance(variable, Constant) else "the variable"
    message = (
        f"The gradient was asked for with respect to {kind} {variable} (type {variable.type}), on which {what} does "
        f"not depend, or only through operations without a derivative (shape, disconnected_grad, ...). An expression "
        f"that is built again is another variable: differentiate by the same object. If this is intended, pass "
        f"disconnected_inputs='ignore'."
    )
    if variable.origin is not None:
        message += f"\nThe variable was made at {variable.origin}"
    if action == "warn":
        warnings.warn(message, stacklevel=_user_level())
    else:
        raise DisconnectedInputError(message)
