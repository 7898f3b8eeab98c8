"""The nodes of a step that only branches of conditionals need."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from theano.graph.node import Apply


def only_in_branches(outputs: Sequence[Any], nodes: Sequence[Apply], lazy: Collection[Apply]) -> list[Apply]:
    """Those of `nodes` that no output needs but through branches of the conditionals `lazy`: they may never be run."""
    if not lazy:
        return []
    firm: set[Apply] = set()
    pending = [v.owner for v in outputs]
    while pending:
        node = pending.pop()
        if node is not None and node not in firm:
            firm.add(node)
            pending.extend(v.owner for v in (node.inputs[:1] if node in lazy else node.inputs))
    return [node for node in nodes if node not in firm]
