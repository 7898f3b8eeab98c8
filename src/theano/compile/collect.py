"""From what the user passes to `theano.function` to plain inputs and outputs: substitutions, shared variables, updates.

`collect` applies the givens, finds the shared variables that the expressions use and adds their default
updates, until nothing new turns up. The user's own expressions are never changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from theano._records import record_class
from theano.compile.io import SymbolicInput, SymbolicOutput, new_value_for
from theano.graph.clone import clone_replace
from theano.graph.node import Variable
from theano.graph.shared import SharedVariable, shared
from theano.graph.traverse import ancestors

Pairs = Mapping[Any, Any] | Iterable[tuple[Any, Any]] | None


@record_class()
class Collected:
    """Expressions after substitution, and the shared variables and updates that belong to them."""

    outputs: list[Variable]
    input_updates: list[Variable | None]
    updates: dict[SharedVariable, Variable]
    shared_inputs: list[SharedVariable]
    substitutions: dict[Variable, Variable]


def collect(
    outputs: Sequence[Variable],
    inputs: Sequence[SymbolicInput],
    givens: Pairs = None,
    updates: Pairs = None,
    strict: bool = True,
    no_default_updates: bool | Sequence[SharedVariable] = False,
) -> Collected:
    """Apply `givens` everywhere at once, and find all shared variables and all updates. See `theano.function`."""
    input_variables = {i.variable for i in inputs}
    substitutions = _check_givens(givens, input_variables)
    final = _check_updates(updates)
    skipped = _check_no_default_updates(no_default_updates)

    def substituted(expressions: list[Variable]) -> list[Variable]:
        return clone_replace(expressions, substitutions, strict=strict) if substitutions else expressions

    input_updates = [i.update for i in inputs if i.update is not None]
    roots = substituted([*outputs, *input_updates, *final.values()])
    results = roots[: len(outputs)]
    stepped = iter(roots[len(outputs) :])
    new_updates = [None if i.update is None else next(stepped) for i in inputs]
    final = dict(zip(final, stepped))

    found: dict[SharedVariable, None] = dict.fromkeys(final)
    pending: list[Variable] = list(roots)
    seen: set[Variable] = set()
    while pending:
        fresh = [v for v in ancestors(pending, seen) if v not in seen]
        pending = []
        seen.update(fresh)
        for variable in fresh:
            if not isinstance(variable, SharedVariable):
                continue
            found.setdefault(variable)
            default = getattr(variable, "default_update", None)
            if default is None or variable in final or skipped is True or variable in skipped:
                continue
            final[variable] = substituted([new_value_for(variable, default)])[0]
            pending.append(final[variable])
    final = {variable: new_value_for(variable, value) for variable, value in final.items()}
    twins = _twins(found)
    if twins:  # one stored value is one input, under whichever of its names it is used
        for variable, first in twins.items():
            if variable in final:
                if first in final:
                    raise ValueError(f"{variable} and {first} share one value and have two update rules. Give one.")
                final[first] = final.pop(variable)
        given = [u for u in new_updates if u is not None]
        merged = iter(clone_replace([*results, *given, *final.values()], twins.items()))
        results = [next(merged) for _ in results]
        new_updates = [None if u is None else next(merged) for u in new_updates]
        final = dict(zip(final, merged))
    return Collected(
        results,
        new_updates,
        final,
        [v for v in found if v not in input_variables and v not in twins],
        substitutions,
    )


def _twins(found: Iterable[SharedVariable]) -> dict[SharedVariable, SharedVariable]:
    """{clone: the first shared variable that has the same stored value}"""
    first: dict[int, SharedVariable] = {}
    return {v: w for v in found if (w := first.setdefault(id(v.container.storage), v)) is not v}


def rebuild_collect_shared(
    outputs: Any,
    inputs: Sequence[Any] | None = None,
    replace: Pairs = None,
    updates: Pairs = None,
    rebuild_strict: bool = True,
    copy_inputs_over: bool = True,
    no_default_updates: bool | Sequence[SharedVariable] = False,
) -> tuple[list[Variable], Any, list[Any]]:
    """`collect` in the original's form: (input variables, outputs after substitution, [substitutions,
    {shared: new value}, [(shared, new value)], [shared variables]]).

    outputs              None, one variable or Out, or a list of them
    inputs               the declared inputs (variables or In); they may not be substituted
    """
    specs = [i if isinstance(i, SymbolicInput) else SymbolicInput(i) for i in inputs or ()]
    single = isinstance(outputs, (Variable, SymbolicOutput))
    wanted = [outputs] if single else list(outputs or ())
    expressions = [o.variable if isinstance(o, SymbolicOutput) else o for o in wanted]
    found = collect(expressions, specs, replace, updates, rebuild_strict, no_default_updates)
    answer: list[Any] = [
        SymbolicOutput(result, borrow=o.borrow) if isinstance(o, SymbolicOutput) else result
        for result, o in zip(found.outputs, wanted)
    ]
    details: list[Any] = [found.substitutions, found.updates, list(found.updates.items()), found.shared_inputs]
    return [i.variable for i in specs], (answer[0] if single else answer), details


def pairs_of(pairs: Pairs, what: str) -> list[tuple[Any, Any]]:
    """[(key, value)] from a mapping or an iterable of pairs."""
    if pairs is None:
        return []
    items = pairs.items() if isinstance(pairs, Mapping) else pairs
    found = []
    for item in items:
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            raise ValueError(f"{what} must be a dictionary or a list of pairs; an element is {item!r}")
        found.append((item[0], item[1]))
    return found


def _check_updates(updates: Pairs) -> dict[SharedVariable, Variable]:
    checked: dict[SharedVariable, Variable] = {}
    for target, value in pairs_of(updates, "updates"):
        if not isinstance(target, SharedVariable):
            raise TypeError(
                f"The target of an update must be a shared variable, got {target} of {type(target).__name__}. "
                f"Make it with theano.shared(value)."
            )
        if target in checked:
            raise ValueError(
                f"The shared variable {target} has two update rules: {checked[target]} and {value}. Give one."
            )
        checked[target] = new_value_for(target, value)
    return checked


def _check_givens(givens: Pairs, declared: Collection[Variable]) -> dict[Variable, Variable]:
    checked: dict[Variable, Variable] = {}
    for old, new in pairs_of(givens, "givens"):
        if not isinstance(old, Variable):
            raise TypeError(f"A key of givens must be a symbolic variable, got {old!r}")
        if old in declared:
            raise RuntimeError(
                f"You are trying to replace the variable {old} through givens, but it is an input of the function. "
                f"Leave it out of the inputs, or out of givens."
            )
        if old in checked:
            raise ValueError(f"givens replaces {old} twice")
        checked[old] = new if isinstance(new, Variable) else _as_given(old, new)
    if checked:
        for variable in ancestors(checked.values()):
            if variable in checked:
                raise AssertionError(
                    f"givens replaces {variable}, on which the replacement of another variable (or its own) depends. "
                    f"Replacements are made all at once and are not chained: substitute by hand first."
                )
    return checked


def _as_given(old: Variable, value: Any) -> Variable:
    """A number becomes a constant; an array a shared variable, so that it is not folded into the program."""
    value = old.type.filter(value)
    if isinstance(value, np.ndarray) and value.ndim:
        return shared(value, name=old.name, shape=getattr(old.type, "shape", None))
    return old.type.make_constant(value)


def _check_no_default_updates(which: Any) -> Any:
    if isinstance(which, bool):
        return which or ()
    if not isinstance(which, (list, tuple, set, frozenset)):
        raise TypeError(f"no_default_updates must be True, False or a list of shared variables, got {which!r}")
    for variable in which:
        if not isinstance(variable, SharedVariable):
            raise TypeError(f"no_default_updates must list shared variables; {variable!r} is none")
    return set(which)


def clone(
    output: Any,
    replace: Pairs = None,
    strict: bool = True,
    share_inputs: bool = True,
    copy_inputs: Any = None,
) -> Any:
    """A copy of the expression(s) `output` in which each key of `replace` is replaced by its value, all at once.

    strict        replacements must have the type of what they replace; False: nodes are made again where types change
    share_inputs  False: leaves (not constants) are copied too
    copy_inputs   the old name of share_inputs

    >>> import theano, theano.tensor as tt
    >>> a, b = tt.dscalars("a", "b")
    >>> theano.pp(clone(tt.exp(a), replace={a: b}))
    'exp(b)'
    """
    if copy_inputs is not None:
        share_inputs = copy_inputs
    return clone_replace(output, pairs_of(replace, "replace"), strict=strict, share_inputs=share_inputs)
