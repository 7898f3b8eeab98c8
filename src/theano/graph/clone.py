"""Copies of graphs, with or without substitutions, and equality of graphs. Iterative and linear."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from theano.graph.node import Constant, Variable
from theano.graph.traverse import toposort


def clone_get_equiv(
    inputs: Sequence[Variable],
    outputs: Sequence[Variable],
    copy_inputs: bool = True,
    copy_orphans: bool = True,
    memo: dict[Any, Any] | None = None,
) -> dict[Any, Any]:
    """{old node or variable: its copy} for the graph from `inputs` to `outputs`.

    copy_inputs    new variables for the inputs too
    copy_orphans   new variables for leaves that are no inputs (shared variables stay what they are when False)
    memo           substitutions made before: what is in it is not copied
    """
    memo = {} if memo is None else memo
    for variable in inputs:
        if variable not in memo:
            memo[variable] = variable.clone() if copy_inputs else variable
    for node in toposort(outputs, [v for v in memo if isinstance(v, Variable)]):
        if node in memo:
            continue
        new_inputs = []
        for variable in node.inputs:
            copy = memo.get(variable)
            if copy is None:
                copy = memo[variable] = variable.clone() if copy_orphans else variable
            new_inputs.append(copy)
        copy_node = node.clone_with_new_inputs(new_inputs, strict=False)
        memo[node] = copy_node
        for old, new in zip(node.outputs, copy_node.outputs, strict=True):
            memo.setdefault(old, new)
    for variable in outputs:
        if variable not in memo:
            memo[variable] = variable.clone() if copy_orphans else variable
    return memo


def clone(
    inputs: Sequence[Variable],
    outputs: Sequence[Variable],
    copy_inputs: bool = True,
    copy_orphans: bool | None = None,
) -> tuple[list[Variable], list[Variable]]:
    """Copy the graph from `inputs` to `outputs`: (new inputs, new outputs)."""
    orphans = copy_inputs if copy_orphans is None else copy_orphans
    memo = clone_get_equiv(inputs, outputs, copy_inputs, orphans)
    return [memo[v] for v in inputs], [memo[v] for v in outputs]


def clone_replace(
    outputs: Variable | Sequence[Variable],
    replace: Mapping[Variable, Variable] | Iterable[tuple[Variable, Variable]] | None = None,
    *,
    strict: bool = True,
    share_inputs: bool = True,
) -> Any:
    """`outputs` computed with each key of `replace` replaced by its value; what does not depend on them is shared.

    strict          replacements must have the type of what they replace (converted where the type allows it);
                    False: nodes are made again where types change
    share_inputs    False: leaves that are not replaced are copied too
    Replacements are simultaneous: a value is not itself searched for keys.
    """
    single = isinstance(outputs, Variable)
    wanted: list[Variable] = [outputs] if isinstance(outputs, Variable) else list(outputs)
    pairs = list(replace.items() if isinstance(replace, Mapping) else replace or ())
    memo: dict[Any, Any] = {}
    for old, new in pairs:
        if not isinstance(old, Variable):
            raise TypeError(f"A key of replace must be a symbolic variable, got {old!r}")
        if not isinstance(new, Variable):
            new = old.type.filter_variable(new)
        if strict and new.type != old.type:
            new = old.type.filter_variable(new)
        memo[old] = new
    for node in toposort(wanted, list(memo)):
        inputs = []
        for variable in node.inputs:
            copy = memo.get(variable, variable)
            if copy is variable and variable.owner is None and not share_inputs:
                copy = memo[variable] = variable if isinstance(variable, Constant) else variable.clone()
            inputs.append(copy)
        if all(new is old for new, old in zip(inputs, node.inputs)):
            continue
        copy_node = node.clone_with_new_inputs(inputs, strict=False)
        for old, new in zip(node.outputs, copy_node.outputs, strict=True):
            memo.setdefault(old, new)
    result = [memo.get(v, v) for v in wanted]
    return result[0] if single else result


def is_same_graph(
    var1: Variable, var2: Variable, givens: Mapping[Variable, Any] | Iterable[tuple[Variable, Any]] | None = None,
    debug: bool = False,
) -> bool:  # fmt: skip
    """Do two expressions state the same computation? Leaves must be the same variables, or equal constants.

    givens   {variable: what to read in its place}, in both expressions
    debug    accepted, and means nothing

    >>> import theano.tensor as tt
    >>> x, y, z = tt.dvectors("x", "y", "z")
    >>> is_same_graph(x + y, x + y), is_same_graph(x + y, x + z), is_same_graph(x + y, x + z, givens={y: z})
    (True, False, True)
    """
    if givens is not None:
        pairs = list(givens.items() if isinstance(givens, Mapping) else givens)
        var1, var2 = clone_replace([var1, var2], pairs, strict=False)
    return equal_computations([var1], [var2])


def equal_computations(
    xs: Sequence[Variable], ys: Sequence[Variable], in_xs: Sequence[Variable] = (), in_ys: Sequence[Variable] = ()
) -> bool:
    """Do xs and ys state the same computation, when in_xs[k] is read as in_ys[k]?

    Other leaves must be the same variables, or equal constants.

    >>> import theano.tensor as tt
    >>> x = tt.dscalar("x")
    >>> equal_computations([tt.exp(x) + 1], [tt.exp(x) + 1]), equal_computations([x + 1], [1 + x])
    (True, False)
    """
    if len(xs) != len(ys) or len(in_xs) != len(in_ys):
        return False
    stands = dict(zip(in_xs, in_ys))
    seen: set[tuple[Variable, Variable]] = set()
    stack = list(zip(xs, ys))
    while stack:
        x, y = stack.pop()
        if (x, y) in seen or (x is y and not stands):
            continue
        seen.add((x, y))
        if x in stands:
            if stands[x] is not y:
                return False
        elif x.owner is None or y.owner is None:
            if x is not y and not (isinstance(x, Constant) and isinstance(y, Constant) and x.equals(y)):
                return False
        elif (
            x.owner.op != y.owner.op
            or x.index != y.index
            or x.type != y.type
            or len(x.owner.inputs) != len(y.owner.inputs)
        ):
            return False
        else:
            stack.extend(zip(x.owner.inputs, y.owner.inputs))
    return True
