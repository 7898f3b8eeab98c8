"""FunctionGraph: a graph with fixed inputs and outputs that rewrites may change.

Equal subexpressions never exist twice: a node that enters (or becomes) equal to one already there is merged with it,
and equal constants are one constant. Features listen to changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from theano._provenance import inherit
from theano.errors import InconsistencyError, MissingInputError
from theano.graph.clone import clone_get_equiv
from theano.graph.node import Apply, Constant, Variable, _Block, _new
from theano.graph.traverse import general_toposort, toposort

OUTPUT = "output"
Client = tuple[Any, int]


class Feature:
    """Listener to a FunctionGraph. Define the callbacks that you need."""

    def on_attach(self, fgraph: FunctionGraph) -> None: ...
    def on_detach(self, fgraph: FunctionGraph) -> None: ...
    def on_import(self, fgraph: FunctionGraph, node: Apply, reason: Any) -> None: ...
    def on_prune(self, fgraph: FunctionGraph, node: Apply, reason: Any) -> None: ...

    def on_change_input(
        self, fgraph: FunctionGraph, node: Any, i: int, r: Variable, new_r: Variable, reason: Any = None
    ) -> None: ...

    def orderings(self, fgraph: FunctionGraph) -> dict[Apply, list[Apply]]:
        return {}


class AlreadyThere(Exception):
    """Raised by `on_attach` when an equal feature is attached already."""


class FunctionGraph:
    """A graph from `inputs` to `outputs`.

    inputs, outputs    variables; by default the graph between them is copied (`clone`), so that the user's own
                       expressions are never changed
    features           listeners
    update_mapping     {output number: input number} of updates, kept for information
    merge              False: equal nodes are left apart (for tests)
    Raises MissingInputError if an output needs a leaf that is no input, no constant and no shared variable.
    """

    def __init__(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        features: Sequence[Feature] | None = None,
        clone: bool = True,
        update_mapping: dict[int, int] | None = None,
        merge: bool = True,
    ) -> None:
        if clone:
            memo = clone_get_equiv(inputs, outputs, copy_inputs=True, copy_orphans=False)
            inputs = [memo[v] for v in inputs]
            outputs = [memo[v] for v in outputs]
        self.inputs: list[Variable] = list(inputs)
        self.outputs: list[Variable] = []
        self.update_mapping = update_mapping
        self.merge = merge
        # an ordered set of uses for every variable, so that a use is removed in constant time
        self.clients: dict[Variable, dict[Client, None]] = {v: {} for v in self.inputs}
        self.apply_nodes: set[Apply] = set()
        self._features: list[Feature] = []
        self._by_content: dict[Any, Apply] = {}
        self._constants: dict[Any, Constant] = {}
        self._input_set = set(self.inputs)
        for position, variable in enumerate(outputs):
            variable = self._import(variable, "init")
            self.outputs.append(variable)
            self.clients[variable][(OUTPUT, position)] = None
        for feature in features or ():
            self.attach_feature(feature)

    # -- reading ------------------------------------------------------------------------------------------------

    @property
    def variables(self) -> set[Variable]:
        return set(self.clients)

    def get_clients(self, variable: Variable) -> list[Client]:
        """[(node or "output", input position)] of all uses."""
        return list(self.clients.get(variable, ()))

    def toposort(self) -> list[Apply]:
        """The nodes, each after those that it needs (and after those that features' orderings put before it)."""
        orderings: dict[Apply, list[Apply]] = {}
        for feature in self._features:
            for node, before in feature.orderings(self).items():
                orderings.setdefault(node, []).extend(before)
        if orderings:
            from_inputs = self._input_set

            def needs(node: Apply) -> list[Apply]:
                owners = [v.owner for v in node.inputs if v.owner is not None and v not in from_inputs]
                return owners + orderings.get(node, [])

            return general_toposort([v.owner for v in self.outputs if v.owner is not None], needs)
        return toposort(self.outputs, self._input_set)

    def __contains__(self, node: Any) -> bool:
        return node in self.apply_nodes or node in self.clients

    def __len__(self) -> int:
        return len(self.apply_nodes)

    def __str__(self) -> str:
        return f"FunctionGraph({self.inputs} -> {self.outputs}; {len(self.apply_nodes)} nodes)"

    # -- changing -----------------------------------------------------------------------------------------------

    def add_input(self, variable: Variable) -> None:
        if variable not in self._input_set:
            self.inputs.append(variable)
            self._input_set.add(variable)
            self.clients.setdefault(variable, {})

    def add_output(self, variable: Variable, reason: Any = None) -> None:
        variable = self._import(variable, reason)
        self.clients[variable][(OUTPUT, len(self.outputs))] = None
        self.outputs.append(variable)

    def replace(self, old: Variable, new: Variable, reason: Any = None) -> None:
        """Use `new` wherever `old` is used. TypeError if `new` cannot be converted to `old`'s type.

        The new nodes enter with the origin of `old`'s node where they have none of their own. Nodes that become equal
        to others are merged, and nodes that nobody uses any more leave.
        """
        self.replace_all([(old, new)], reason)

    def replace_all(self, pairs: Iterable[tuple[Variable, Variable]], reason: Any = None) -> None:
        pending = list(pairs)
        merged: dict[Variable, Variable] = {}
        touched: list[Variable] = []
        while pending:
            old, new = pending.pop()
            new = self._follow(new, merged)
            if old is new or old not in self.clients:
                continue
            if new.type != old.type and not old.type.is_super(new.type):
                with inherit(old.owner.origin if old.owner is not None else None):
                    new = old.type.filter_variable(new)
            new = self._import(new, reason, merged)
            if old is new:
                continue
            if new.name is None and old.name is not None and new not in self._input_set \
                    and not isinstance(new, Constant):
                new.name = old.name
            for node, position in list(self.clients[old]):
                self._set_input(node, position, new, reason)
                if node is OUTPUT or not self.merge or node.outputs[0] in merged:
                    continue  # a node that is on its way out is nobody's twin
                twin = self._find_twin(node)
                if twin is not None:
                    pending.extend(zip(node.outputs, twin.outputs))
                    merged.update(zip(node.outputs, twin.outputs))
            touched.append(old)
        for variable in touched:
            self._prune(variable, reason)

    def change_input(self, node: Any, position: int, new: Variable, reason: Any = None) -> None:
        """Let one input of one node (or output `position`, for node "output") be `new`."""
        old = self.outputs[position] if node is OUTPUT else node.inputs[position]
        if new is old:
            return
        if new.type != old.type and not old.type.is_super(new.type):
            new = old.type.filter_variable(new)
        new = self._import(new, reason)
        self._set_input(node, position, new, reason)
        if node is not OUTPUT and self.merge:
            twin = self._find_twin(node)
            if twin is not None:
                self.replace_all(list(zip(node.outputs, twin.outputs)), reason)
        self._prune(old, reason)

    def attach_feature(self, feature: Feature) -> None:
        if feature in self._features:
            return
        try:
            feature.on_attach(self)
        except AlreadyThere:
            return
        self._features.append(feature)

    def remove_feature(self, feature: Feature) -> None:
        if feature in self._features:
            self._features.remove(feature)
            feature.on_detach(self)

    def execute_callbacks(self, name: str, *args: Any, **kwargs: Any) -> None:
        for feature in self._features:
            callback = getattr(feature, name, None)
            if callback is not None:
                callback(self, *args, **kwargs)

    def collect_callbacks(self, name: str, *args: Any) -> dict[Feature, Any]:
        return {f: getattr(f, name)(self, *args) for f in self._features if hasattr(f, name)}

    def disown(self) -> None:
        for feature in list(self._features):
            self.remove_feature(feature)

    # -- copying ------------------------------------------------------------------------------------------------

    def clone(self) -> FunctionGraph:
        return self.clone_get_equiv()[0]

    def clone_get_equiv(self) -> tuple[FunctionGraph, dict[Any, Any]]:
        """(a copy of this graph, {old: new}). Features are not copied."""
        memo = clone_get_equiv(self.inputs, self.outputs, copy_inputs=True, copy_orphans=False)
        copy = FunctionGraph(
            [memo[v] for v in self.inputs],
            [memo[v] for v in self.outputs],
            clone=False,
            update_mapping=self.update_mapping,
            merge=self.merge,
        )
        return copy, memo

    def __reduce__(self) -> Any:
        roots = [v.owner for v in self.outputs if v.owner is not None]
        state = (self.inputs, self.outputs, self.update_mapping, self.merge)
        return _restore, (_Block(roots), *state)

    # -- checking -----------------------------------------------------------------------------------------------

    def check_integrity(self) -> None:
        """Raise InconsistencyError if clients, nodes and outputs do not tell the same story."""
        nodes = toposort(self.outputs, self._input_set)
        if set(nodes) != self.apply_nodes:
            raise InconsistencyError("The nodes of the graph are not those that its outputs need")
        uses: dict[Variable, list[Client]] = {}
        for node in nodes:
            for position, variable in enumerate(node.inputs):
                uses.setdefault(variable, []).append((node, position))
        for position, variable in enumerate(self.outputs):
            uses.setdefault(variable, []).append((OUTPUT, position))
        for variable, clients in self.clients.items():
            if sorted(map(_client_key, clients)) != sorted(map(_client_key, uses.get(variable, []))):
                raise InconsistencyError(f"The clients of {variable} are not those that use it")
        for variable in uses:
            if variable not in self.clients:
                raise InconsistencyError(f"{variable} is used but unknown to the graph")

    # -- inside -------------------------------------------------------------------------------------------------

    def _follow(self, variable: Variable, merged: dict[Variable, Variable]) -> Variable:
        while variable in merged:
            variable = merged[variable]
        return variable

    def _content(self, node: Apply) -> Any:
        return (node.op, *node.inputs)

    def _find_twin(self, node: Apply) -> Apply | None:
        """A node of the graph equal to `node`, if there is one; otherwise `node` becomes findable."""
        key = self._content(node)
        twin = self._by_content.setdefault(key, node)
        return None if twin is node or not _same_types(twin, node) else twin

    def _forget_content(self, node: Apply) -> None:
        key = self._content(node)
        if self._by_content.get(key) is node:
            del self._by_content[key]

    def _set_input(self, node: Any, position: int, new: Variable, reason: Any) -> None:
        if node is OUTPUT:
            old = self.outputs[position]
            self.outputs[position] = new
        else:
            old = node.inputs[position]
            self._forget_content(node)
            node.inputs[position] = new
        del self.clients[old][(node, position)]
        self.clients[new][(node, position)] = None
        for feature in self._features:
            feature.on_change_input(self, node, position, old, new, reason)

    def _import(self, variable: Variable, reason: Any, merged: dict[Variable, Variable] | None = None) -> Variable:
        """Bring `variable` and all that it needs into the graph; returns what stands for it here."""
        if variable in self.clients:
            return variable
        if variable.owner is None:
            return self._import_leaf(variable)
        stands: dict[Variable, Variable] = {} if merged is None else merged
        for node in toposort([variable], self.clients):
            if node in self.apply_nodes:
                continue
            for position, source in enumerate(node.inputs):
                here = self._follow(source, stands)
                if here not in self.clients:
                    here = self._import_leaf(here)
                if here is not source:
                    stands.setdefault(source, here)
                    node.inputs[position] = here
            if self.merge:
                twin = self._find_twin(node)
                if twin is not None:
                    stands.update(zip(node.outputs, twin.outputs))
                    continue
            self.apply_nodes.add(node)
            for position, source in enumerate(node.inputs):
                self.clients[source][(node, position)] = None
            for output in node.outputs:
                self.clients.setdefault(output, {})
            for feature in self._features:
                feature.on_import(self, node, reason)
        return self._follow(variable, stands)

    def _import_leaf(self, variable: Variable) -> Variable:
        if variable in self.clients:
            return variable
        if isinstance(variable, Constant):
            known = self._constants.setdefault((variable.type, variable.merge_signature()), variable)
            self.clients.setdefault(known, {})
            return known
        if hasattr(variable, "container"):  # a shared variable: the compiler adds it to the inputs
            self.clients.setdefault(variable, {})
            return variable
        origin = f"\nIt was made at {variable.origin}" if variable.origin is not None else ""
        raise MissingInputError(
            f"The graph needs the value of {variable} (type {variable.type}), which is not among its inputs.{origin}\n"
            f"Add it to the inputs, or give its value with givens."
        )

    def _prune(self, variable: Variable, reason: Any) -> None:
        """Remove `variable`'s node, and all that only it used, if nobody uses its outputs."""
        stack = [variable]
        while stack:
            v = stack.pop()
            if v not in self.clients or self.clients[v]:
                continue
            node = v.owner
            if node is None or v in self._input_set:
                if v not in self._input_set:
                    del self.clients[v]
                    if isinstance(v, Constant):
                        self._constants.pop((v.type, v.merge_signature()), None)
                continue
            if node not in self.apply_nodes or any(self.clients.get(out) for out in node.outputs):
                continue
            self._forget_content(node)
            self.apply_nodes.remove(node)
            for output in node.outputs:
                self.clients.pop(output, None)
            for position, source in enumerate(node.inputs):
                del self.clients[source][(node, position)]
                stack.append(source)
            for feature in self._features:
                feature.on_prune(self, node, reason)


def _same_types(a: Apply, b: Apply) -> bool:
    return all(x.type == y.type for x, y in zip(a.outputs, b.outputs))


def _client_key(client: Client) -> tuple[int, int]:
    return (0 if client[0] is OUTPUT else id(client[0]), client[1])


def _restore(
    block: list[Apply], inputs: list[Variable], outputs: list[Variable], update_mapping: Any, merge: bool
) -> FunctionGraph:
    return FunctionGraph(inputs, outputs, clone=False, update_mapping=update_mapping, merge=merge)


__all__ = ["OUTPUT", "AlreadyThere", "Client", "Feature", "FunctionGraph", "_new"]
