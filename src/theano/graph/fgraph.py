"""FunctionGraph: a graph with fixed inputs and outputs that rewrites may change.

Equal subexpressions never exist twice: a node that enters (or becomes) equal to one already there is merged with it,
and equal constants are one constant. Features listen to changes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from theano._provenance import inherit
from theano.errors import InconsistencyError, MissingInputError
from theano.graph.clone import clone_get_equiv
from theano.graph.node import Apply, Constant, Variable, _Block, _new
from theano.graph.traverse import general_toposort, toposort

OUTPUT = "output"
Client = tuple[Any, int]


CALLBACKS = ("on_import", "on_prune", "on_change_input", "orderings")


class Feature:
    """Listener to a FunctionGraph. Define the callbacks that you need. (An object of any other class may listen too.)

    on_attach        the feature has been added; AlreadyThere: it is not needed
    on_detach        it has been taken away
    on_import        a node has entered; its inputs are in the graph
    on_prune         a node has left, as nobody needed it
    on_change_input  input i of a node (of "output": output number i of the graph) was r and is new_r now
    orderings        {node: [nodes that have to run before it]}, beyond what the graph says
    Whatever else a feature defines can be called for all features by `execute_callbacks` and `collect_callbacks`.
    """

    def on_attach(self, fgraph: FunctionGraph) -> None:
        """Called when the feature is attached; raise AlreadyThere to refuse."""

    def on_detach(self, fgraph: FunctionGraph) -> None:
        """Called when the feature is removed."""

    def on_import(self, fgraph: FunctionGraph, node: Apply, reason: Any) -> None:
        """Called after a node has entered the graph."""

    def on_prune(self, fgraph: FunctionGraph, node: Apply, reason: Any) -> None:
        """Called after a node has left the graph."""

    def on_change_input(
        self, fgraph: FunctionGraph, node: Any, i: int, r: Variable, new_r: Variable, reason: Any = None
    ) -> None:
        """Called after input i of a node (of "output": output i of the graph) became `new_r` in place of `r`."""

    def orderings(self, fgraph: FunctionGraph) -> dict[Apply, list[Apply]]:
        """{node: nodes that must run before it}, beside what the graph itself says."""
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

    is_step = False  # of a loop, which runs it again and again: what is saved in a call of it counts

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
        self._callbacks: list[list[tuple[str, Callable[..., Any]]]] = []   # of each feature
        self._listeners: dict[str, list[Callable[..., Any]]] = {name: [] for name in CALLBACKS}
        self._watched: Variable | None = None  # while something is imported in its place ...
        self._met = False  # ... did a node that enters use it?
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
        """All variables of the graph."""
        return set(self.clients)

    def get_clients(self, variable: Variable) -> list[Client]:
        """[(node or "output", input position)] of all uses."""
        return list(self.clients.get(variable, ()))

    def toposort(self) -> list[Apply]:
        """The nodes, each after those that it needs (and after those that features' orderings put before it)."""
        orderings = self.orderings() if self._listeners["orderings"] else None
        if orderings:
            from_inputs = self._input_set

            def needs(node: Apply) -> list[Apply]:
                owners = [v.owner for v in node.inputs if v.owner is not None and v not in from_inputs]
                return owners + orderings.get(node, [])

            return general_toposort([v.owner for v in self.outputs if v.owner is not None], needs)
        return toposort(self.outputs, self._input_set)

    def orderings(self) -> dict[Apply, list[Apply]]:
        """{node: [nodes that have to run before it]}, as the features say."""
        found: dict[Apply, list[Apply]] = {}
        for say in self._listeners["orderings"]:
            for node, before in say(self).items():
                found.setdefault(node, []).extend(before)
        return found

    def __contains__(self, node: Any) -> bool:
        return node in self.apply_nodes or node in self.clients

    def __len__(self) -> int:
        return len(self.apply_nodes)

    def __str__(self) -> str:
        return f"FunctionGraph({self.inputs} -> {self.outputs}; {len(self.apply_nodes)} nodes)"

    # -- changing -----------------------------------------------------------------------------------------------

    def add_input(self, variable: Variable) -> None:
        """One more input."""
        if variable not in self._input_set:
            self.inputs.append(variable)
            self._input_set.add(variable)
            self.clients.setdefault(variable, {})

    def add_output(self, variable: Variable, reason: Any = None) -> None:
        """One more output; what computes it enters the graph."""
        variable = self._import(variable, reason)
        self.clients[variable][(OUTPUT, len(self.outputs))] = None
        self.outputs.append(variable)

    def replace(self, old: Variable, new: Variable, reason: Any = None, verbose: Any = None) -> None:
        """Use `new` wherever `old` is used. TypeError if `new` cannot be converted to `old`'s type.

        Where `new` is computed from `old`, what computes it goes on using `old`: so a value can be wrapped, as in
        `fgraph.replace(v, checked(v))`. The new nodes enter with the origin of `old`'s node where they have none of
        their own. Nodes that become equal to others are merged, and nodes that nobody uses any more leave.
        """
        self.replace_all([(old, new)], reason)

    def replace_all(
        self, pairs: Iterable[tuple[Variable, Variable]], reason: Any = None, *, look_back: bool = True
    ) -> bool:
        """`replace` for several pairs; True if anything used one of the old variables, and so has changed.

        look_back   False: each `new` is known to depend on its `old` through nodes that enter with it, at most; this
                    saves the search for others
        """
        pending = [(old, new, True) for old, new in pairs]
        merged: dict[Variable, Variable] = {}
        touched: list[Variable] = []
        changed = False
        while pending:
            old, new, asked = pending.pop()
            new = self._follow(new, merged)
            if old is new or old not in self.clients:
                continue
            new, kept = self._brought_in(old, new, reason, merged, look_back and asked)
            if old is new:
                continue
            if new.name is None and old.name is not None and new not in self._input_set \
                    and not isinstance(new, Constant):
                new.name = old.name
            for node, position in list(self.clients[old]):
                if node in kept:
                    continue
                self._set_input(node, position, new, reason)
                changed = True
                if node is OUTPUT or not self.merge or node.outputs[0] in merged:
                    continue  # a node that is on its way out is nobody's twin
                twin = self._find_twin(node)
                if twin is not None:
                    pending.extend((a, b, False) for a, b in zip(node.outputs, twin.outputs))
                    merged.update(zip(node.outputs, twin.outputs))
            touched += [old, new]  # `new`, too, may have found no user
        for variable in touched:
            self._prune(variable, reason)
        return changed

    def _brought_in(
        self, old: Variable, new: Variable, reason: Any, merged: dict[Variable, Variable], look_back: bool
    ) -> tuple[Variable, Collection[Apply]]:
        """(`new` as it stands in this graph for `old`, the nodes by which it is computed from `old` if it is)"""
        if new.type != old.type and not old.type.is_super(new.type):
            with inherit(old.owner.origin if old.owner is not None else None):
                new = old.type.filter_variable(new)
        self._watched, self._met = old, False
        try:
            new = self._import(new, reason, merged)
        finally:
            self._watched = None
        return new, self._way(old, new) if (self._met or look_back) and new is not old else ()

    def _way(self, old: Variable, new: Variable) -> set[Apply]:
        """The nodes by which `new` is computed from `old`, and others above them; empty if it is not."""
        # what `old` itself is computed from is not computed from it: most walks end right there
        above = set(old.owner.inputs) if old.owner is not None else set()
        above.update(w for v in list(above) if v.owner is not None for w in v.owner.inputs)
        found = False
        seen: set[Apply] = set()
        stack = [new]
        while stack:
            v = stack.pop()
            if v is old:
                found = True
            elif v.owner is not None and v.owner not in seen and v not in above and v not in self._input_set:
                seen.add(v.owner)
                stack.extend(v.owner.inputs)
        return seen if found else set()

    def change_input(self, node: Any, i: int, new_r: Variable, reason: Any = None, *, look_back: bool = True) -> None:
        """Let one input of one node (or output `i`, for node "output") be `new_r`.

        InconsistencyError if it is computed from the node's own outputs, in a circle; not looked for if not look_back.
        """
        if look_back and node is not OUTPUT and any(self._way(out, new_r) or out is new_r for out in node.outputs):
            raise InconsistencyError(
                f"Input {i} of {node} cannot become {new_r}, which is computed from that node: the graph would run in "
                f"a circle. To put something behind a node, use replace."
            )
        self._change_input(node, i, new_r, reason)

    def _change_input(self, node: Any, position: int, new: Variable, reason: Any) -> None:
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
                self.replace_all(list(zip(node.outputs, twin.outputs)), reason, look_back=False)
        self._prune(old, reason)

    @contextmanager
    def unmerged(self) -> Iterator[None]:
        """Equal nodes stay apart while this lasts: what merging did can be undone."""
        merge, self.merge = self.merge, False
        try:
            yield
        finally:
            self.merge = merge
            self._by_content = {}
            if merge:
                for node in self.toposort():
                    self._by_content.setdefault(self._content(node), node)

    def attach_feature(self, feature: Feature) -> None:
        """Let `feature` listen, unless it does already, or says by raising AlreadyThere that it is not needed."""
        if feature in self._features:
            return
        try:
            attach = getattr(feature, "on_attach", None)
            if attach is not None:
                attach(self)
        except AlreadyThere:
            return
        self._features.append(feature)
        self._callbacks.append(_callbacks_of(feature))
        self._listen()

    def remove_feature(self, feature: Feature) -> None:
        """Tell `feature` of no more changes."""
        if feature in self._features:
            position = self._features.index(feature)
            del self._features[position], self._callbacks[position]
            self._listen()
            detach = getattr(feature, "on_detach", None)
            if detach is not None:
                detach(self)

    def _listen(self) -> None:
        told = [pair for callbacks in self._callbacks for pair in callbacks]
        self._listeners = {name: [f for event, f in told if event == name] for name in CALLBACKS}

    def execute_callbacks(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Call the method `name` of all features."""
        for feature in self._features:
            callback = getattr(feature, name, None)
            if callback is not None:
                callback(self, *args, **kwargs)

    def collect_callbacks(self, name: str, *args: Any) -> dict[Feature, Any]:
        """{feature: what its method `name` returns} for all features that have it."""
        return {f: getattr(f, name)(self, *args) for f in self._features if hasattr(f, name)}

    def disown(self) -> None:
        """Remove all features."""
        for feature in list(self._features):
            self.remove_feature(feature)

    # -- copying ------------------------------------------------------------------------------------------------

    def clone(self) -> FunctionGraph:
        """A copy with variables and nodes of its own, without features."""
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
        for tell in self._listeners["on_change_input"]:
            tell(self, node, position, old, new, reason)

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
                if here is self._watched:
                    self._met = True
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
            for tell in self._listeners["on_import"]:
                tell(self, node, reason)
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
            for tell in self._listeners["on_prune"]:
                tell(self, node, reason)


def _callbacks_of(feature: Feature) -> list[tuple[str, Callable[..., Any]]]:
    """What a feature wants to be told; callbacks that do nothing are left out."""
    found = [(name, getattr(feature, name, None)) for name in CALLBACKS]
    return [(name, f) for name, f in found if f and getattr(f, "__func__", None) is not getattr(Feature, name)]


def _same_types(a: Apply, b: Apply) -> bool:
    return all(x.type == y.type for x, y in zip(a.outputs, b.outputs))


def _client_key(client: Client) -> tuple[int, int]:
    return (0 if client[0] is OUTPUT else id(client[0]), client[1])


def _restore(
    block: list[Apply], inputs: list[Variable], outputs: list[Variable], update_mapping: Any, merge: bool
) -> FunctionGraph:
    return FunctionGraph(inputs, outputs, clone=False, update_mapping=update_mapping, merge=merge)


__all__ = ["OUTPUT", "AlreadyThere", "Client", "Feature", "FunctionGraph", "_new"]
