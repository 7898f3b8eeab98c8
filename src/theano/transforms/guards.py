"""Gradients in branches: the derivative of what only one branch of a conditional needs is computed in that branch only.

The gradient by a value inside a branch is zero where the branch is not taken. If it were said so at once, as
ifelse(c, g, 0), all that is computed of it would be computed always: f'(x) * ifelse(c, g, 0). So a term flows as it is
in its branch, f'(x) * g, with a guard that says where it is not zero, [c holds]. Only where a variable gets terms of
different guards (x is used in both branches, or outside, too; or it is what the gradient is asked by) they become a
conditional, whose branches have the derivatives inside: ifelse(c, f'(x) * g, 0). Nothing is multiplied by the zeros of
a branch that is not taken, so that no NaN comes of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from theano.graph.conditional import Conditional
from theano.graph.node import Apply, Variable
from theano.transforms.terms import is_undefined, sum_terms, zeros_for

DEEPEST = 20  # further inside, terms are made zero at once: a chain of n conditionals must not take n * n nodes


@dataclass(frozen=True, slots=True)
class Condition:
    """`variable` holds, or does not hold. `op` makes conditionals of it."""

    variable: Variable
    holds: bool
    op: Conditional = field(compare=False)


Guard = tuple[Condition, ...]         # from the outermost conditional to the innermost
Guarded = tuple[Variable, Guard]      # a term, and where it is not zero


def keeps_branches(node: Apply, guard: Guard) -> bool:
    """Is `node`, whose gradient has this guard, a conditional of which the terms are to flow in their branches?"""
    return isinstance(node.op, Conditional) and len(guard) < DEEPEST


def inside(node: Apply, position: int, guard: Guard) -> Guard:
    """The guard of terms for an input of a conditional."""
    op: Any = node.op
    condition = Condition(node.inputs[0], op.is_read_if(position), op)
    return guard if condition in guard else (*guard, condition)


def shared_guard(flowing: Iterable[Guarded]) -> Guard:
    """What holds wherever any of the terms is not zero."""
    found: Guard | None = None
    for _, guard in flowing:
        found = guard if found is None else common(found, guard)
    return found or ()


def common(a: tuple[Any, ...], b: tuple[Any, ...]) -> tuple[Any, ...]:
    """What two guards begin with."""
    if a == b:
        return a
    same = 0
    while same < min(len(a), len(b)) and a[same] == b[same]:
        same += 1
    return a[:same]


def total(flowing: Sequence[Guarded], variable: Variable, guard: Guard = ()) -> Variable:
    """The sum of gradient terms by `variable`, where `guard` holds, with which all of theirs begin."""
    if not flowing:
        return zeros_for(variable)
    if all(conditions == guard for _, conditions in flowing):
        return sum_terms([term for term, _ in flowing])
    undefined = next((term for term, _ in flowing if is_undefined(term)), None)
    if undefined is not None:
        return undefined
    pending = list(flowing)
    while (deepest := max(len(conditions) for _, conditions in pending)) > len(guard):
        groups: dict[tuple[Guard, Variable], dict[bool, list[Variable]]] = {}
        rest = []
        for term, conditions in pending:
            if len(conditions) < deepest:
                rest.append((term, conditions))
                continue
            last = conditions[-1]
            sides = groups.setdefault((conditions[:-1], last.variable), {True: [], False: []})
            sides[last.holds].append(term)
            op = last.op
        for (outer, condition), sides in groups.items():
            a, b = (sum_terms(side) if side else zeros_for(variable) for side in (sides[True], sides[False]))
            rest.append((op.choose(condition, a, b), outer))
        pending = rest
    return sum_terms([term for term, _ in pending])
