"""Values that one branch computes and another, taken at the same time, needs again.

    a = ifelse(c, g(f(x)), y)                  a, kept = ifelse(c, [g(f(x)), f(x)], [y, nothing])
    b = ifelse(c, h(f(x), a), z)         ->    b = ifelse(c, h(kept, a), z)

A derivative needs what its branch has computed. Where it also needs the result of the conditional, the two cannot
become one conditional (`conditionals.merged`), and without this f(x) would be computed whatever c is.

Of several conditionals with one condition that need a value, the first keeps it. What a conditional inside a branch
keeps may then be needed outside that branch, too: so it is found out from the innermost branches to the outermost, and
only then the graph is changed, once. The work is proportional to the graph and to what is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from theano._provenance import inherit
from theano.graph.fgraph import Client, FunctionGraph
from theano.graph.node import Apply, Constant, Variable
from theano.loops.branch_uses import Place, guards
from theano.loops.ifelse import IfElse
from theano.tensor.convert import constant
from theano.tensor.creation import alloc
from theano.tensor.type import TensorType


def keep_values(fgraph: FunctionGraph) -> None:
    """Do so wherever it can be done."""
    if sum(isinstance(node.op, IfElse) for node in fgraph.apply_nodes) < 2:
        return
    needed = guards(fgraph)
    if any(place.depth and not _can_be_kept(fgraph, node) for node, place in needed.items()):
        # it would have to be computed before the branches are: and what it needs, when that may be nothing
        return
    _keep(fgraph, _Found(fgraph, needed))


def _can_be_kept(fgraph: FunctionGraph, node: Apply) -> bool:
    return all(isinstance(v.type, TensorType) or not fgraph.clients.get(v) for v in node.outputs)


class _Kept:
    """One more result of a conditional: `value`, of its first branch or of its second."""

    __slots__ = ("by", "of_first", "value")

    def __init__(self, by: Apply, of_first: bool, value: Variable | _Kept) -> None:
        self.by, self.of_first, self.value = by, of_first, value


class _Found:
    """What each conditional keeps, and who takes it.

    kept    {conditional: what it keeps beside its results}
    takes   {use: the value that it gets: a result of a conditional}
    """

    def __init__(self, fgraph: FunctionGraph, needed: dict[Apply, Place]) -> None:
        self.clients, self.needed = fgraph.clients, needed
        self.kept: dict[Apply, list[_Kept]] = {}
        self.takes: dict[Client, Variable | _Kept] = {}
        order = [node for node in needed if not _is_constant(node)]    # from the outputs to the inputs
        self._number = {node: -k for k, node in enumerate(order)}
        self._member: dict[Apply, Apply] = {}   # the conditional whose branch computes a node: the first that needs it
        self._around: dict[Apply, Apply] = {}   # ways from a conditional outwards, made short
        self._uses: dict[Variable | _Kept, list[Client]] = {}   # what uses a value now, beside its clients in the graph
        levels: list[list[Apply]] = [[] for _ in range(1 + max(place.depth for place in needed.values()))]
        for node in order:
            levels[needed[node].depth].append(node)
        for level in reversed(levels[1:]):
            for node in level:
                self._at(node)

    def _at(self, node: Apply) -> None:
        place = self.needed[node]
        values: list[Variable | _Kept] = [*node.outputs, *self.kept.get(node, ())]
        users = [[(self._member_of(use, place), use) for use in self._uses_of(value)] for value in values]
        first = min((member for found in users for member, _ in found), key=self._number.__getitem__)
        self._member[node] = first
        for value, found in zip(values, users):
            moved = [use for member, use in found if member is not first]
            if moved:
                result = self._result(first, value, place.holds)
                self._uses.setdefault(result, []).extend(moved)
                self.takes.update(dict.fromkeys(moved, result))

    def _uses_of(self, value: Variable | _Kept) -> Iterator[Client]:
        if isinstance(value, Variable):
            yield from self.clients[value]
        yield from self._uses.get(value, ())

    def _member_of(self, use: Client, place: Place) -> Apply:
        """The conditional whose branch in `place` has this use in it, perhaps further inside."""
        user, position = use
        member: Apply = user if isinstance(user.op, IfElse) and position > 0 else self._member[user]
        way = []
        while self.needed[member].depth >= place.depth:
            way.append(member)
            member = self._around.get(member, self._member[member])
        for passed in way[:-1]:
            # whoever asks later does so from here, or from further outside
            self._around[passed] = way[-1]
        return member

    def _result(self, conditional: Apply, value: Variable | _Kept, of_first: bool) -> Variable | _Kept:
        """The result of a conditional that is this value of one branch; one more, if none is."""
        n = conditional.op.n_outs  # type: ignore[attr-defined]
        start = 1 if of_first else 1 + n
        for inner, out in zip(conditional.inputs[start : start + n], conditional.outputs):
            if inner is value and inner.type == out.type:
                return out
        kept = _Kept(conditional, of_first, value)
        self.kept.setdefault(conditional, []).append(kept)
        return kept


def _is_constant(node: Apply) -> bool:
    return not isinstance(node.op, IfElse) and all(isinstance(given, Constant) for given in node.inputs)


def _keep(fgraph: FunctionGraph, found: _Found) -> None:
    stands: dict[Any, Any] = {}   # results as they are in the graph now
    made: dict[Apply, Apply] = {}
    for node in sorted(found.kept, key=found._number.__getitem__):   # what is inside comes first
        made[node] = new = _with_more(node, found.kept[node], stands)
        stands.update(zip([*node.outputs, *found.kept[node]], new.outputs))
        fgraph.replace_all(list(zip(node.outputs, new.outputs)), "keep_values", look_back=False)
    for (user, position), result in found.takes.items():
        if user in made:
            n = user.op.n_outs
            position += 0 if position <= n else len(found.kept[user])
            user = made[user]
        if user in fgraph.apply_nodes:   # not merged with another meanwhile
            # who takes a value comes after who keeps it: there can be no circle
            fgraph.change_input(user, position, stands.get(result, result), "keep_values", look_back=False)


def _with_more(node: Apply, kept: Sequence[_Kept], stands: dict[Any, Any]) -> Apply:
    """The conditional with these results after its own."""
    n = node.op.n_outs  # type: ignore[attr-defined]
    condition, *values = node.inputs
    with inherit(node.origin):
        first, second = [], []
        for one in kept:
            value = stands.get(one.value, one.value)
            nothing = _nothing(value)
            first.append(value if one.of_first else nothing)
            second.append(nothing if one.of_first else value)
        op = IfElse(n + len(kept), name=node.op.name)  # type: ignore[attr-defined]
        return op.make_node(condition, *values[:n], *first, *values[n:], *second)


def _nothing(value: Any) -> Any:
    """A value of the type of `value`, with as few elements as there may be, that nobody reads."""
    zero = constant(0, dtype=value.type.dtype)
    return alloc(zero, *(0 if n is None else n for n in value.type.shape)) if value.type.ndim else zero
