"""FunctionMaker: from inputs and outputs to a rewritten graph, and from that to Functions.

The graph is copied, rewritten once as the mode says, and linked for every Function that is created from it. The layer
above (`function.py`) has dealt with givens, shared variables and updates: here each is a plain input with a stored
value and a plain output.
"""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Sequence
from typing import Any

from theano._config import config
from theano._provenance import inherit
from theano.compile.function_object import Function, Slot
from theano.compile.io import In, SymbolicInput, SymbolicOutput
from theano.compile.linking import Linked, Plan
from theano.compile.modes import Mode, get_mode
from theano.compile.profiling import make_profile
from theano.compile.step_times import link_with_clock
from theano.errors import UnusedInputError
from theano.graph.fgraph import Feature, FunctionGraph
from theano.graph.node import Variable
from theano.graph.shared import Container, SharedVariable
from theano.graph.traverse import ancestors


class Supervisor(Feature):
    """Keeps the set of inputs that must not be overwritten; the memory planner never does."""

    def __init__(self, protected: Sequence[Variable]) -> None:
        self.protected = list(protected)


def std_fgraph(
    input_specs: Sequence[SymbolicInput], output_specs: Sequence[SymbolicOutput], accept_inplace: bool = False
) -> tuple[FunctionGraph, list[SymbolicOutput]]:
    """(the graph of a function, outputs for the updates). The updates' outputs follow those of `output_specs`."""
    inputs = [spec.variable for spec in input_specs]
    updates = [SymbolicOutput(spec.update) for spec in input_specs if spec.update is not None]
    positions = [i for i, spec in enumerate(input_specs) if spec.update is not None]
    outputs = [spec.variable for spec in output_specs] + [out.variable for out in updates]
    mapping = {len(output_specs) + k: position for k, position in enumerate(positions)}
    fgraph = FunctionGraph(inputs, outputs, update_mapping=mapping)
    protected = [v for v, spec in zip(fgraph.inputs, input_specs) if not spec.mutable]
    fgraph.attach_feature(Supervisor(protected))
    return fgraph, updates


def fgraph_updated_vars(fgraph: FunctionGraph, expanded_inputs: Sequence[SymbolicInput]) -> dict[Variable, Variable]:
    """{input variable of the graph: output variable that is its new value}."""
    mapping = fgraph.update_mapping or {}
    return {fgraph.inputs[i]: fgraph.outputs[o] for o, i in mapping.items()}


class FunctionMaker:
    """Rewrites a graph and makes Functions that run it.

    inputs, outputs   as for `theano.function`, without givens, updates and default updates; shared variables appear as
                      implicit inputs (In with a Container as value)
    fgraph            a graph that is rewritten already: its inputs and outputs are those that std_fgraph makes
    output_keys       the results come as a dictionary with these keys
    `maker.fgraph` is the rewritten graph, `maker.report` tells what the rewrites did.
    """

    def __init__(
        self,
        inputs: Sequence[Any],
        outputs: Any,
        mode: Any = None,
        accept_inplace: bool = False,
        function_builder: type[Function] = Function,
        profile: Any = None,
        on_unused_input: str | None = None,
        fgraph: FunctionGraph | None = None,
        output_keys: Sequence[str] | None = None,
        name: str | None = None,
    ) -> None:
        self.mode: Mode = get_mode(mode)
        self.name = name
        self.profile = make_profile(profile, name)
        self.accept_inplace = accept_inplace
        self.function_builder = function_builder
        self.output_keys = list(output_keys) if output_keys is not None else None
        self.return_none = outputs is None
        self.unpack_single = outputs is not None and not isinstance(outputs, (list, tuple))
        listed = [] if outputs is None else [outputs] if self.unpack_single else list(outputs)
        self.inputs: list[Any] = [i if isinstance(i, SymbolicInput) else In(i) for i in inputs]
        self.outputs = [o if isinstance(o, SymbolicOutput) else SymbolicOutput(o) for o in listed]
        self.indices = list(range(len(self.inputs)))
        self.on_unused_input = on_unused_input
        self.report: Any = None
        self.rewrite_seconds = 0.0
        self.link_seconds = 0.0
        self._written = (list(self.inputs), list(self.outputs)) if fgraph is None else None
        if fgraph is None:
            self._check_unused()
            fgraph = self.written_graph()
            self.rewrite(fgraph)
        elif fgraph.update_mapping is None:
            positions = [i for i, spec in enumerate(self.inputs) if spec.update is not None]
            fgraph.update_mapping = {len(self.outputs) + k: i for k, i in enumerate(positions)}
        self.fgraph = fgraph

    def written_graph(self) -> FunctionGraph:
        """The graph before it is rewritten, made anew from the expressions. ValueError where they are not known any
        more: a function that was unpickled has only its rewritten graph."""
        if self._written is None:
            raise ValueError("This function was made from a graph that was rewritten already (as those are that were "
                             "unpickled): its expressions are not known. Compile them again.")
        fgraph, _ = std_fgraph(*self._written, self.accept_inplace)
        _expand_inline(fgraph)
        for prepare in {type(node.op).prepare for node in fgraph.apply_nodes}:
            if prepare is not None:
                prepare(fgraph)
        return fgraph

    def rewrite(self, fgraph: FunctionGraph) -> None:
        """Let the pipeline do what the mode asks for."""
        start = time.perf_counter()
        self.report = self.mode.rewrite(fgraph)
        self.rewrite_seconds = time.perf_counter() - start

    def _check_unused(self) -> None:
        action = self.on_unused_input or config.on_unused_input
        if action == "ignore":
            return
        if action not in ("raise", "warn"):
            raise ValueError(f"on_unused_input must be 'raise', 'warn' or 'ignore', got {action!r}")
        roots = [o.variable for o in self.outputs] + [i.update for i in self.inputs if i.update is not None]
        used = set(ancestors(roots))
        for position, spec in enumerate(self.inputs):
            if spec.variable in used or spec.update is not None or spec.implicit:
                continue
            message = (
                f"theano.function was asked to create a function computing outputs given certain inputs, but the "
                f"provided input variable at index {position}, {spec.variable} ({spec.variable.type}), is not needed "
                f"to compute them."
            )
            if spec.variable.origin is not None:
                message += f"\nIt was made at {spec.variable.origin}"
            message += "\nLeave it out, or pass on_unused_input='warn' or 'ignore' to theano.function."
            if action == "raise":
                raise UnusedInputError(message)
            warnings.warn(message, stacklevel=4)

    def create(self, input_storage: Any = None, trustme: bool = False, storage_map: Any = None) -> Function:
        """A Function with its own storage.

        input_storage   for each input None (the default given with it), a value, or a Container or one-element list
                        to use as its storage
        trustme         True: values in `input_storage` are not checked
        """
        given = list(input_storage) if input_storage is not None else [None] * len(self.inputs)
        if len(given) != len(self.inputs):
            raise ValueError(f"input_storage must have {len(self.inputs)} elements, got {len(given)}")
        slots = [
            Slot(spec, _container(spec, value, trustme)) for spec, value in zip(self.inputs, given, strict=True)
        ]
        start = time.perf_counter()
        linked = self.link(slots)
        self.link_seconds = time.perf_counter() - start
        if self.profile is not None:
            self.profile.count_compilation(self)
        return self.function_builder.build(linked, slots, self)

    def link(self, slots: Sequence[Slot]) -> Linked:
        """Let the mode's linker make the rewritten graph runnable."""
        mapping = self.fgraph.update_mapping or {}
        plan = Plan(
            self.fgraph,
            storages={i: slot.container.storage for i, slot in enumerate(slots) if slot.implicit},
            updates={o: slots[i].container.storage for o, i in mapping.items()},
            borrow=frozenset(i for i, out in enumerate(self.outputs) if out.borrow),
            mutable=frozenset(i for i, slot in enumerate(slots) if slot.mutable and not slot.implicit),
            name=self.name or "",
            fuse=self.mode.fuse,
        )
        if self.profile is not None and self.profile.flag_time_thunks:
            return link_with_clock(self.mode.linker, plan, self.profile)
        return self.mode.linker.link(plan)

    def with_graph(
        self, fgraph: FunctionGraph, inputs: Sequence[Any], name: str | None = None, profile: Any = None
    ) -> FunctionMaker:
        """A maker for a graph that is rewritten already, and otherwise like this one."""
        made = copy.copy(self)
        made.fgraph = fgraph
        made.inputs = list(inputs)
        made.name = name
        made.profile = make_profile(profile, name)
        return made

    def reduce_function(self, function: Function) -> Any:
        """What pickle writes for a Function: the rewritten graph and the stored values. Loading rewrites nothing, and
        makes the code again."""
        slots = []
        for spec, slot in zip(self.inputs, function._slots, strict=True):
            options = (spec.name, bool(spec.mutable), spec.strict, spec.allow_downcast, slot.implicit)
            slots.append((slot.variable, slot.container, options, getattr(spec, "borrow", False)))
        facts = {
            "borrowed": [out.borrow for out in self.outputs],
            "single": self.unpack_single,
            "none": self.return_none,
            "keys": self.output_keys,
            "name": function.name,
            "builder": self.function_builder,
            "trust_input": function.trust_input,
        }
        return _restore_function, (self.fgraph, slots, self.mode, facts)


def _restore_function(fgraph: FunctionGraph, slots: list[Any], mode: Mode, facts: dict[str, Any]) -> Any:
    if not config.unpickle_function:
        return None
    mapping = fgraph.update_mapping or {}
    updated = {i: fgraph.outputs[o] for o, i in mapping.items()}
    specs = []
    for position, (variable, container, options, borrow) in enumerate(slots):
        name, mutable, strict, allow_downcast, implicit = options
        spec = In.__new__(In)
        spec.__dict__.update(
            variable=variable, name=name, update=updated.get(position), mutable=mutable, strict=strict,
            implicit=implicit, allow_downcast=allow_downcast, borrow=borrow, value=container,
            shared=isinstance(variable, SharedVariable),
        )  # fmt: skip
        specs.append(spec)
    outputs: Any = [SymbolicOutput(v, b) for v, b in zip(fgraph.outputs, facts["borrowed"])]
    outputs = None if facts["none"] else outputs[0] if facts["single"] else outputs
    maker = FunctionMaker(
        specs, outputs, mode, function_builder=facts["builder"], fgraph=fgraph, output_keys=facts["keys"],
        name=facts["name"],
    )  # fmt: skip
    if config.reoptimize_unpickled_function:
        maker.rewrite(fgraph)
    function = maker.create()
    function.trust_input = facts["trust_input"]
    return function


def _expand_inline(fgraph: FunctionGraph) -> None:
    """Put the inner graphs of ops that ask for it (OpFromGraph with inline=True) in their places."""
    pending = [node for node in fgraph.toposort() if getattr(node.op, "is_inline", False)]
    while pending:
        for node in pending:
            if node in fgraph.apply_nodes:
                with inherit(node.origin):
                    inner = node.op.expand(node.inputs)  # type: ignore[attr-defined]
                fgraph.replace_all(list(zip(node.outputs, inner)), "inline")
        pending = [node for node in fgraph.toposort() if getattr(node.op, "is_inline", False)]


def _container(spec: Any, value: Any, trustme: bool) -> Container:
    if value is None:
        value = getattr(spec, "value", None)
    if isinstance(value, Container):
        return value
    if isinstance(value, list) and trustme and len(value) == 1:
        storage = value
        return Container(spec.variable, storage, False, spec.strict, spec.allow_downcast, spec.name)
    container = Container(spec.variable, [None], False, spec.strict, spec.allow_downcast, spec.name)
    if value is not None:
        container.storage[0] = value if trustme else container.filter(value)
    return container


def orig_function(
    inputs: Sequence[Any],
    outputs: Any,
    mode: Any = None,
    accept_inplace: bool = False,
    name: str | None = None,
    profile: Any = None,
    on_unused_input: str | None = None,
    output_keys: Sequence[str] | None = None,
) -> Function:
    """A Function from inputs and outputs that need no further collection (see FunctionMaker)."""
    maker = FunctionMaker(
        inputs,
        outputs,
        mode,
        accept_inplace=accept_inplace,
        profile=profile,
        on_unused_input=on_unused_input,
        output_keys=output_keys,
        name=name,
    )
    return maker.create()
