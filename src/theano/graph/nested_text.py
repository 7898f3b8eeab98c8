"""Graphs as nested text, `add(mul(x, y), 1)`, as the original's `op_as_string` and `as_string` give them.

Fit for small graphs and for tests. `theano.pp` writes formulas, `theano.printing.debugprint` trees (`graph/text.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from theano.graph.node import Apply, Variable
from theano.graph.traverse import toposort

LeafFormatter = Callable[[Variable], str]
NodeFormatter = Callable[[Apply, Sequence[str]], str]


def default_leaf_formatter(leaf: Variable) -> str:
    """The text of a leaf: its name, or its type."""
    return str(leaf)


def default_node_formatter(op: Apply, argstrings: Sequence[str]) -> str:
    """The text of a node: `op(argument, argument)`."""
    return f"{op.op}({', '.join(argstrings)})"


def as_string(
    i: Collection[Variable], o: Sequence[Variable], leaf_formatter: LeafFormatter = default_leaf_formatter,
    node_formatter: NodeFormatter = default_node_formatter,
) -> list[str]:  # fmt: skip
    """A text for each of the outputs `o`, down to the inputs `i`.

    A node that is used several times is written out where it occurs first, as `*1 -> text`, and is `*1` from then on.
    Output number k of a node with several is followed by `::k`.

    >>> import theano.tensor as tt
    >>> from theano.gof.graph import as_string
    >>> x, y = tt.dscalars("x", "y")
    >>> z = tt.mul(x, y)
    >>> as_string([x, y], [tt.add(z, z), tt.exp(x)])
    ['Elemwise{add}(*1 -> Elemwise{mul}(x, y), *1)', 'Elemwise{exp}(x)']
    """
    leaves = set(i)
    uses: dict[Apply, int] = {}
    for v in [*o, *(x for node in toposort(o, leaves) for x in node.inputs)]:
        if v.owner is not None and v not in leaves:
            uses[v.owner] = uses.get(v.owner, 0) + 1
    numbers: dict[Apply, int] = {}
    return [_described(v, leaves, uses, numbers, leaf_formatter, node_formatter) for v in o]


def _described(
    output: Variable, leaves: set[Variable], uses: dict[Apply, int], numbers: dict[Apply, int],
    leaf_formatter: LeafFormatter, node_formatter: NodeFormatter,
) -> str:  # fmt: skip
    """The text of `output`; `numbers` are those of the nodes that were written out before."""
    texts: list[list[str]] = [[]]
    stack: list[tuple[str, Any]] = [("see", output)]
    while stack:
        what, thing = stack.pop()
        if what == "made":
            node, suffix = thing
            text = node_formatter(node, texts.pop())
            texts[-1].append((f"*{numbers[node]} -> {text}" if node in numbers else text) + suffix)
            continue
        node = None if thing in leaves else thing.owner
        if node is None:
            texts[-1].append(leaf_formatter(thing))
            continue
        suffix = f"::{thing.index}" if len(node.outputs) > 1 else ""
        if node in numbers:
            texts[-1].append(f"*{numbers[node]}{suffix}")
            continue
        if uses[node] > 1:
            numbers[node] = len(numbers) + 1
        texts.append([])
        stack.append(("made", (node, suffix)))
        stack.extend(("see", x) for x in reversed(node.inputs))
    return texts[0][0]


def op_as_string(
    i: Collection[Variable], op: Apply, leaf_formatter: LeafFormatter = default_leaf_formatter,
    node_formatter: NodeFormatter = default_node_formatter,
) -> str:  # fmt: skip
    """The text of one node down to the inputs `i`."""
    return node_formatter(op, as_string(i, op.inputs, leaf_formatter, node_formatter))


__all__ = ["as_string", "default_leaf_formatter", "default_node_formatter", "op_as_string"]
