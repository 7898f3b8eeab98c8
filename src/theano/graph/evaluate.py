"""The meaning of a graph: evaluate it node by node through `Op.perform`.

Constant folding, the reference backend, test values and ops with inner graphs all use this. Slow, and the oracle of
every test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np

from theano.graph.node import Apply, Constant, Variable
from theano.graph.running import run
from theano.graph.traverse import toposort

_evaluating: ContextVar[bool] = ContextVar("evaluating", default=False)


def is_evaluating() -> bool:
    """Is `evaluate` at work further up? Then ops with an inner graph evaluate that too, and do not compile it."""
    return _evaluating.get()


def evaluate(
    outputs: Sequence[Variable],
    values: Mapping[Variable, Any],
    *,
    order: Sequence[Apply] | None = None,
    after: Callable[[Apply, list[Any], list[Any]], None] | None = None,
    on_error: Callable[[Apply, list[Any], Exception], None] | None = None,
) -> list[Any]:
    """The values of `outputs`, given those of the leaves (constants know theirs).

    order       the nodes in topological order, if the caller has it already
    after       called with (node, inputs, outputs) after each node
    on_error    called when a node raises; it may raise a better error. Otherwise the exception goes on.
    No value passed in is changed: inputs that an op destroys are copied first. Values are dropped after their last use.
    What only a lazy op would need, and does not, is not computed.
    """
    known: dict[Variable, Any] = dict(values)
    nodes = toposort(outputs, known.keys()) if order is None else order
    remaining: dict[Variable, int] = {}
    for node in nodes:
        for variable in node.inputs:
            remaining[variable] = remaining.get(variable, 0) + 1
    for variable in outputs:
        remaining[variable] = remaining.get(variable, 0) + 1
    token = _evaluating.set(True)
    try:
        with np.errstate(all="ignore"):
            for node in _in_demand(nodes, outputs, known):
                inputs = [known[v] if v in known else leaf_value(v) if v.owner is None else None for v in node.inputs]
                try:
                    results = perform(node, inputs)
                except Exception as error:
                    if on_error is not None:
                        on_error(node, inputs, error)
                    raise
                if after is not None:
                    after(node, inputs, results)
                known.update(zip(node.outputs, results))
                for variable in node.inputs:
                    remaining[variable] -= 1
                    if remaining[variable] == 0 and variable not in values:
                        known.pop(variable, None)
    finally:
        _evaluating.reset(token)
    return [known[v] if v in known else leaf_value(v) for v in outputs]


def _in_demand(
    nodes: Sequence[Apply], outputs: Sequence[Variable], known: Mapping[Variable, Any]
) -> Iterator[Apply]:
    """The nodes to run, in order. `known` holds the values of those given so far when the next one is asked for."""
    if not any(node.op.is_lazy for node in nodes):
        yield from nodes
        return
    done: set[Apply] = set()
    pending = [v.owner for v in reversed(outputs) if v not in known and v.owner is not None]
    while pending:
        node = pending[-1]
        if node in done:
            pending.pop()
            continue
        wanted = node.inputs
        first = wanted[0] if wanted else None
        if not node.op.is_lazy or first is None:
            pass
        elif first in known or first.owner is None:
            condition = known[first] if first in known else leaf_value(first)
            wanted = [node.inputs[k] for k in node.op.needed(condition)]
        else:
            wanted = [first]
        missing = [v.owner for v in wanted if v not in known and v.owner is not None and v.owner not in done]
        if missing:
            pending.extend(reversed(missing))
        else:
            done.add(node)
            yield pending.pop()


def leaf_value(variable: Variable) -> Any:
    """The value of a constant or a shared variable. KeyError for other variables."""
    if isinstance(variable, Constant):
        return variable.data
    container = getattr(variable, "container", None)
    if container is not None:
        return container.value
    raise KeyError(variable)


def perform(node: Apply, inputs: Sequence[Any]) -> list[Any]:
    """Run one node. Inputs that the op destroys are copied, outputs are checked against their types."""
    op = node.op
    values = list(inputs)
    for sources in op.destroy_map.values():
        for source in sources:
            values[source] = values[source].copy()
    storage: list[list[Any]] = [[None] for _ in node.outputs]
    run(node, values, storage)
    results = []
    for number, (cell, output) in enumerate(zip(storage, node.outputs)):
        try:
            results.append(output.type.filter(cell[0], strict=False, allow_downcast=False))
        except (TypeError, ValueError) as error:
            raise type(error)(f"{op}.perform gave a wrong output {number}: {error}") from None
    return results
