"""Features of a FunctionGraph that users' rewrites and tools attach: undoing, validation, indices, tracing.

None of them is needed by the library itself. Some add methods to the graph that they are attached to (`fgraph.revert`,
`fgraph.replace_validate`, ...), and take them away when they are removed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from theano.errors import InconsistencyError, ReplacementDidntRemovedError
from theano.graph.fgraph import AlreadyThere, Feature, FunctionGraph
from theano.graph.node import Apply, Variable


class AddsMethods(Feature):
    """Base of features that give the graph methods. AlreadyThere if the graph has them."""

    def methods(self) -> dict[str, Callable[..., Any]]:
        """{name: function whose first argument is the graph}"""
        return {}

    def on_attach(self, fgraph: FunctionGraph) -> None:
        methods = self.methods()
        if any(hasattr(fgraph, name) for name in methods):
            raise AlreadyThere(f"The graph has {' and '.join(methods)} already")
        for name, function in methods.items():
            setattr(fgraph, name, partial(function, fgraph))

    def on_detach(self, fgraph: FunctionGraph) -> None:
        for name in self.methods():
            if name in vars(fgraph):
                delattr(fgraph, name)


class Bookkeeper(Feature):
    """A feature whose `on_import` is called for the nodes that are there already when it is attached, and whose
    `on_prune` is called for those that are left when it is removed."""

    def on_attach(self, fgraph: FunctionGraph) -> None:
        for node in fgraph.toposort():
            self.on_import(fgraph, node, "on_attach")

    def on_detach(self, fgraph: FunctionGraph) -> None:
        for node in fgraph.toposort():
            self.on_prune(fgraph, node, "on_detach")


class History(AddsMethods):
    """`fgraph.checkpoint()` gives a mark, and `fgraph.revert(mark)` undoes what was changed since then."""

    def __init__(self) -> None:
        self.history: dict[FunctionGraph, list[tuple[Any, int, Variable, Any]] | None] = {}

    def methods(self) -> dict[str, Callable[..., Any]]:
        return {"checkpoint": self.checkpoint, "revert": self.revert}

    def on_attach(self, fgraph: FunctionGraph) -> None:
        super().on_attach(fgraph)
        self.history[fgraph] = []

    def on_detach(self, fgraph: FunctionGraph) -> None:
        super().on_detach(fgraph)
        self.history.pop(fgraph, None)

    def on_change_input(
        self, fgraph: FunctionGraph, node: Any, i: int, r: Variable, new_r: Variable, reason: Any = None
    ) -> None:
        steps = self.history.get(fgraph)
        if steps is not None:
            steps.append((node, i, r, reason))

    def checkpoint(self, fgraph: FunctionGraph) -> int:
        """A mark for `revert`."""
        return len(self.history[fgraph] or ())

    def revert(self, fgraph: FunctionGraph, checkpoint: int) -> None:
        """Bring the graph back to what it was at the checkpoint. Marks made since then are void."""
        steps = self.history[fgraph] or []
        if not 0 <= checkpoint <= len(steps):
            raise ValueError(f"There is no checkpoint {checkpoint}: the graph has changed {len(steps)} times")
        self.history[fgraph] = None  # going back is nothing to undo
        try:
            with fgraph.unmerged():
                while len(steps) > checkpoint:
                    node, i, r, reason = steps.pop()
                    fgraph._change_input(node, i, r, ("revert", reason))
        finally:
            self.history[fgraph] = steps


class Validator(AddsMethods):
    """`fgraph.validate()` asks all features that define `validate(fgraph)`, which raise InconsistencyError;
    `fgraph.consistent()` says whether none does."""

    def methods(self) -> dict[str, Callable[..., Any]]:
        return {"validate": self.validate_all, "consistent": self.consistent}

    def on_attach(self, fgraph: FunctionGraph) -> None:
        super().on_attach(fgraph)
        fgraph.validate_time = 0.0  # type: ignore[attr-defined]

    def validate_all(self, fgraph: FunctionGraph) -> None:
        """Raise what the first feature that is not content raises, or for a graph that runs in a circle."""
        start = time.perf_counter()
        try:
            for feature in list(fgraph._features):
                check = getattr(feature, "validate", None)
                if check is not None:
                    check(fgraph)
            try:
                fgraph.toposort()
            except ValueError as error:
                raise InconsistencyError(str(error)) from None
        finally:
            fgraph.validate_time += time.perf_counter() - start  # type: ignore[attr-defined]

    def consistent(self, fgraph: FunctionGraph) -> bool:
        """Is every feature content?"""
        try:
            self.validate_all(fgraph)
        except InconsistencyError:
            return False
        return True


class ReplaceValidate(History, Validator):
    """Replacements that are undone when a feature is not content with the graph that they make.

    fgraph.replace_validate(old, new, reason=None)
    fgraph.replace_all_validate([(old, new)], reason=None)      all of them, or none
    fgraph.replace_all_validate_remove(pairs, remove, reason=None, warn=True)   undone too, and
        ReplacementDidntRemovedError, when one of `remove` (nodes or variables) is still there afterwards
    Each raises what stood in the way. The graph also has the methods of History and Validator.
    """

    def methods(self) -> dict[str, Callable[..., Any]]:
        return {
            **History.methods(self), **Validator.methods(self), "replace_validate": self.replace_validate,
            "replace_all_validate": self.replace_all_validate,
            "replace_all_validate_remove": self.replace_all_validate_remove,
        }  # fmt: skip

    def on_attach(self, fgraph: FunctionGraph) -> None:
        for feature in fgraph._features:
            if isinstance(feature, (History, Validator)) and not isinstance(feature, ReplaceValidate):
                fgraph.remove_feature(feature)  # this one does it, too
        super().on_attach(fgraph)

    def replace_validate(
        self, fgraph: FunctionGraph, r: Variable, new_r: Variable, reason: Any = None, **kwargs: Any
    ) -> int:
        """`replace_all_validate` of one pair."""
        return self.replace_all_validate(fgraph, [(r, new_r)], reason)

    def replace_all_validate(
        self, fgraph: FunctionGraph, replacements: Sequence[tuple[Variable, Variable]], reason: Any = None,
        verbose: Any = None,
    ) -> int:  # fmt: skip
        """Replace all or nothing. Returns a checkpoint of the graph as it was."""
        before = self.checkpoint(fgraph)
        try:
            for r, new_r in replacements:
                fgraph.replace(r, new_r, reason)
            self.validate_all(fgraph)
        except Exception:
            self.revert(fgraph, before)
            raise
        if verbose:
            for r, new_r in replacements:
                print(f"{reason}: {r} -> {new_r}")
        return before

    def replace_all_validate_remove(
        self, fgraph: FunctionGraph, replacements: Sequence[tuple[Variable, Variable]], remove: Sequence[Any],
        reason: Any = None, warn: bool = True, **kwargs: Any,
    ) -> int:  # fmt: skip
        """`replace_all_validate`; undone, with ReplacementDidntRemovedError, if a node of `remove` is still there."""
        before = self.replace_all_validate(fgraph, replacements, reason)
        left = [what for what in remove if what in fgraph]
        if left:
            self.revert(fgraph, before)
            text = f"{reason}: {left[0]} is still in the graph after it was replaced, so the replacement was undone"
            if warn:
                print(text, file=sys.stderr)
            raise ReplacementDidntRemovedError(text)
        return before


class NodeFinder(AddsMethods, Bookkeeper):
    """`fgraph.get_nodes(op)`: the nodes with this op, in the order in which they entered."""

    def __init__(self) -> None:
        self.d: dict[Any, dict[Apply, None]] = {}

    def methods(self) -> dict[str, Callable[..., Any]]:
        return {"get_nodes": self.query}

    def on_attach(self, fgraph: FunctionGraph) -> None:
        AddsMethods.on_attach(self, fgraph)
        Bookkeeper.on_attach(self, fgraph)

    def on_detach(self, fgraph: FunctionGraph) -> None:
        AddsMethods.on_detach(self, fgraph)
        self.d.clear()

    def on_import(self, fgraph: FunctionGraph, node: Apply, reason: Any) -> None:
        self.d.setdefault(node.op, {})[node] = None

    def on_prune(self, fgraph: FunctionGraph, node: Apply, reason: Any) -> None:
        nodes = self.d[node.op]
        nodes.pop(node, None)
        if not nodes:
            del self.d[node.op]

    def query(self, fgraph: FunctionGraph, op: Any) -> list[Apply]:
        """The nodes of an op."""
        try:
            return list(self.d.get(op, ()))
        except TypeError:
            raise TypeError(f"{op} cannot be looked for: it has no hash") from None


class PrintListener(Feature):
    """Prints what happens to the graph, while `active`."""

    def __init__(self, active: bool = True) -> None:
        self.active = active

    def _say(self, *words: Any) -> None:
        if self.active:
            print("--", *words)

    def on_attach(self, fgraph: FunctionGraph) -> None:
        self._say("attaching to:", fgraph)

    def on_detach(self, fgraph: FunctionGraph) -> None:
        self._say("detaching from:", fgraph)

    def on_import(self, fgraph: FunctionGraph, node: Apply, reason: Any) -> None:
        self._say("importing:", f"{node}, reason: {reason}")

    def on_prune(self, fgraph: FunctionGraph, node: Apply, reason: Any) -> None:
        self._say("pruning:", f"{node}, reason: {reason}")

    def on_change_input(
        self, fgraph: FunctionGraph, node: Any, i: int, r: Variable, new_r: Variable, reason: Any = None
    ) -> None:
        self._say("changing:", f"input {i} of {node} from {r} to {new_r}, reason: {reason}")


class PreserveNames(Feature):
    """What takes the place of a named variable, and has no name, gets that name."""

    def on_change_input(
        self, fgraph: FunctionGraph, node: Any, i: int, r: Variable, new_r: Variable, reason: Any = None
    ) -> None:
        if r.name is not None and new_r.name is None:
            new_r.name = r.name


class PreserveVariableAttributes(PreserveNames):
    """As PreserveNames, for the notes on the tag too; where the line comes from that built it is not one of these."""

    def on_change_input(
        self, fgraph: FunctionGraph, node: Any, i: int, r: Variable, new_r: Variable, reason: Any = None
    ) -> None:
        super().on_change_input(fgraph, node, i, r, new_r, reason)
        for name, value in vars(r.tag).items():
            if name != "trace" and not hasattr(new_r.tag, name):
                setattr(new_r.tag, name, value)


class NoOutputFromInplace(Feature):
    """Not content with outputs of the graph, from `first_output_idx` up to `last_output_idx`, that lie in the memory of
    an input which their op overwrites (`destroy_map`)."""

    def __init__(self, first_output_idx: int = 0, last_output_idx: int | None = None) -> None:
        self.first_idx, self.last_idx = first_output_idx, last_output_idx

    def validate(self, fgraph: FunctionGraph) -> None:
        """InconsistencyError if an output is made by an op that overwrites an input."""
        for out in fgraph.outputs[self.first_idx : self.last_idx]:
            if out.owner is not None and out.index in out.owner.op.destroy_map:
                raise InconsistencyError(
                    f"The output {out} of the graph is made by {out.owner.op}, which overwrites one of its inputs; a "
                    f"feature of the graph forbids that. Use the op without a destroy_map here."
                )


__all__ = [
    "AlreadyThere", "Bookkeeper", "Feature", "History", "NoOutputFromInplace", "NodeFinder",
    "PreserveNames", "PreserveVariableAttributes", "PrintListener", "ReplaceValidate", "Validator",
]
