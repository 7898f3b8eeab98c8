"""Walks over the graph: ancestors, inputs, topological orders. All iterative, all linear."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from theano.graph.node import Apply, Constant, Variable, ancestors_of_nodes


def stack_search(
    start: Iterable[Any], expand: Callable[[Any], Iterable[Any] | None], mode: str = "bfs", build_inv: bool = False
) -> Any:
    """Everything reachable from `start` through `expand`, in breadth-first ("bfs") or depth-first ("dfs") order.

    With `build_inv` also the inverse relation {child: [parents]}. Raises ValueError for another mode.
    """
    if mode not in ("bfs", "dfs"):
        raise ValueError(f"mode must be 'bfs' or 'dfs', got {mode!r}")
    pending = deque(start)
    seen: set[int] = set()
    found: list[Any] = []
    inverse: dict[Any, list[Any]] = {}
    while pending:
        item = pending.popleft() if mode == "bfs" else pending.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        found.append(item)
        for child in expand(item) or ():
            if build_inv:
                inverse.setdefault(child, []).append(item)
            pending.append(child)
    return (found, inverse) if build_inv else found


def ancestors(variables: Iterable[Variable], blockers: Collection[Variable] | None = None) -> list[Variable]:
    """`variables` and all that they are computed from, each once, not going past `blockers`.

    >>> import theano.tensor as tt
    >>> x = tt.dscalar("x")
    >>> [str(v) for v in ancestors([tt.exp(x)])]
    ['Elemwise{exp}.0', 'x']
    """
    blocked = set(blockers or ())
    order: list[Variable] = []
    seen: set[Variable] = set()
    stack = list(variables)[::-1]
    while stack:
        variable = stack.pop()
        if variable in seen:
            continue
        seen.add(variable)
        order.append(variable)
        if variable.owner is not None and variable not in blocked:
            stack.extend(reversed(variable.owner.inputs))
    return order


def graph_inputs(variables: Iterable[Variable], blockers: Collection[Variable] | None = None) -> list[Variable]:
    """The variables without owner (constants among them) that `variables` are computed from."""
    return [v for v in ancestors(variables, blockers) if v.owner is None]


def explicit_graph_inputs(variables: Iterable[Variable]) -> list[Variable]:
    """`graph_inputs` without constants and shared variables."""
    return [v for v in graph_inputs(variables) if not isinstance(v, Constant) and not hasattr(v, "get_value")]


def toposort(outputs: Iterable[Variable], inputs: Collection[Variable] = ()) -> list[Apply]:
    """The Apply nodes that compute `outputs`, each after those that it needs; stops at `inputs`.

    The order is depth-first from the first output and depends on the graph alone.
    """
    order: list[Apply] = []
    # a set or dict is used as it is: a rewrite that brings in one node must not cost a walk over all of a graph
    blocked = inputs if isinstance(inputs, (set, frozenset, dict)) else set(inputs)
    done: set[Apply] = set()
    for output in outputs:
        if output.owner is None or output in blocked or output.owner in done:
            continue
        stack: list[tuple[Apply, Iterator[Variable]]] = [(output.owner, iter(output.owner.inputs))]
        entered = {output.owner}
        while stack:
            node, parents = stack[-1]
            for variable in parents:
                owner = variable.owner
                if owner is None or owner in done or variable in blocked:
                    continue
                if owner in entered:
                    raise ValueError(f"The graph has a cycle through {owner}")
                entered.add(owner)
                stack.append((owner, iter(owner.inputs)))
                break
            else:
                stack.pop()
                entered.discard(node)
                done.add(node)
                order.append(node)
    return order


def io_toposort(
    inputs: Collection[Variable], outputs: Iterable[Variable], orderings: dict[Apply, list[Apply]] | None = None,
    clients: dict[Any, list[Any]] | None = None,
) -> list[Apply]:  # fmt: skip
    """`toposort` between inputs and outputs; `orderings` {node: nodes that must come before it}.

    clients   a dictionary to be filled with {variable or node: the nodes that need it}
    """
    order = toposort(outputs, inputs)
    if orderings:
        blocked = set(inputs)

        def needs(node: Apply) -> list[Apply]:
            before = [v.owner for v in node.inputs if v.owner is not None and v not in blocked]
            return before + orderings.get(node, [])

        order = general_toposort([v.owner for v in outputs if v.owner is not None and v not in blocked], needs)
    if clients is not None:
        for node in order:
            for needed in (*node.inputs, *(orderings or {}).get(node, ())):
                clients.setdefault(needed, []).append(node)
    return order


def general_toposort(
    outputs: Iterable[Any], deps: Callable[[Any], Iterable[Any]], debug_print: bool = False,
    compute_deps_cache: Any = None, deps_cache: Any = None, clients: dict[Any, list[Any]] | None = None,
) -> list[Any]:  # fmt: skip
    """Everything reachable from `outputs` through `deps`, dependencies first. ValueError on a cycle.

    clients   a dictionary to be filled with {item: the items that depend on it}
    The other arguments are the original's, and mean nothing.
    """
    order = _ordered(outputs, deps)
    if clients is not None:
        for item in order:
            for needed in deps(item) or ():
                clients.setdefault(needed, []).append(item)
    return order


def _ordered(start: Iterable[Any], deps: Callable[[Any], Iterable[Any]]) -> list[Any]:
    order: list[Any] = []
    done: set[Any] = set()
    entered: set[Any] = set()
    for root in start:
        if root in done:
            continue
        stack = [(root, iter(deps(root) or ()))]
        entered.add(root)
        while stack:
            item, before = stack[-1]
            for other in before:
                if other in done:
                    continue
                if other in entered:
                    raise ValueError(f"The dependencies have a cycle through {other}")
                entered.add(other)
                stack.append((other, iter(deps(other) or ())))
                break
            else:
                stack.pop()
                entered.discard(item)
                done.add(item)
                order.append(item)
    return order


def variables_between(inputs: Collection[Variable], outputs: Iterable[Variable]) -> list[Variable]:
    """All variables on the way from `inputs` to `outputs`, both included."""
    return ancestors(outputs, inputs)


def orphans(inputs: Collection[Variable], outputs: Iterable[Variable]) -> list[Variable]:
    """Leaves needed by `outputs` that are not among `inputs` (constants, shared variables)."""
    given = set(inputs)
    return [v for v in ancestors(outputs, inputs) if v.owner is None and v not in given]


def variables_and_orphans(
    inputs: Collection[Variable], outputs: Iterable[Variable]
) -> tuple[list[Variable], list[Variable]]:
    """(`variables_between`, those of them that are `orphans`)"""
    wanted = list(outputs)
    return variables_between(inputs, wanted), orphans(inputs, wanted)


def io_connection_pattern(inputs: Sequence[Variable], outputs: Sequence[Variable]) -> list[list[bool]]:
    """[input][output]: may a change of this input's elements change this output's, by what the ops say?

    What the inputs are computed from does not matter.

    >>> import theano.tensor as tt
    >>> x, y = tt.dvectors("x", "y")
    >>> io_connection_pattern([x, y], [x + y, tt.zeros_like(x) * y])
    [[True, False], [True, True]]
    """
    given = set(inputs)
    reached: list[set[Variable]] = []
    for output in outputs:
        seen: set[Variable] = set()
        stack = [output]
        while stack:
            v = stack.pop()
            if v in seen:
                continue
            seen.add(v)
            node = v.owner
            if node is not None and v not in given:
                pattern = node.op.connection_pattern(node)
                stack += [x for x, row in zip(node.inputs, pattern) if row[v.index or 0]]
        reached.append(seen)
    return [[v in seen for seen in reached] for v in inputs]


@contextmanager
def nodes_constructed() -> Iterator[list[Variable]]:
    """A list, which fills with the variables that are made inside (in whatever thread), the newest first.

    >>> import theano.tensor as tt
    >>> with nodes_constructed() as made:
    ...     y = tt.dscalar("x") + 1
    >>> made[0] is y
    True
    """
    made: list[Variable] = []

    def observe(variable: Variable) -> None:
        made.insert(0, variable)

    Variable.append_construction_observer(observe)
    try:
        yield made
    finally:
        Variable.remove_construction_observer(observe)


def is_in_ancestors(node: Apply, ancestor: Apply) -> bool:
    """Is `ancestor` needed to compute `node`?"""
    return any(n is ancestor for n in ancestors_of_nodes([node]))


def view_roots(variable: Variable) -> list[Variable]:
    """The variables whose memory `variable` may share, through the ops' view maps."""
    roots, pending, seen = [], [variable], set()
    while pending:
        v = pending.pop()
        if v in seen:
            continue
        seen.add(v)
        node = v.owner
        views = [] if node is None or v.index is None else node.op.view_map.get(v.index, [])
        if node is not None and views:
            pending.extend(node.inputs[i] for i in views)
        else:
            roots.append(v)
    return roots
