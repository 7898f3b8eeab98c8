"""Running a function one step at a time with a clock: what `profile=True` does with a graph.

Native code runs a whole graph in one go and has no clock inside. A profiled function is therefore cut into the steps
of its Program: the nodes that share a kernel stay together, every other node is a step of its own, and each step
becomes native code by itself. The times are those of the same kernels. What is lost is the reuse of memory between
steps, and that neighbouring kernels work on one block of rows at a time: the whole is somewhat slower than without a
profile. With the reference backend a step is one `perform`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from theano._records import field, record_class
from theano.backends import reference
from theano.compile.linking import Linked, Linker, NativeLinker, PerformLinker, Plan
from theano.compile.node_by_node import run_node
from theano.compile.profiling import ProfileStats, StepTime
from theano.graph.evaluate import leaf_value
from theano.graph.fgraph import FunctionGraph
from theano.graph.node import Apply, Constant, Variable
from theano.graph.traverse import toposort


@record_class(eq=False)
class Part:
    """Nodes that run together: what they read and what others read of them, and how they are run."""

    nodes: list[Apply]
    inputs: list[Variable] = field(default_factory=list)
    outputs: list[Variable] = field(default_factory=list)
    run: Callable[..., Sequence[Any]] | None = None
    record: StepTime | None = None


class Timed(reference.Executable):
    """Runs the parts of a graph in order and writes their times into a profile."""

    def __init__(self, plan: Plan, parts: list[Part], stats: ProfileStats) -> None:
        super().__init__(plan.fgraph, plan.storages, plan.updates, plan.borrow)
        self.parts = parts
        self.stats = stats

    def compute(self, values: Mapping[Variable, Any]) -> list[Any]:
        clock = time.perf_counter
        known = dict(values)
        remaining: dict[Variable, int] = {}
        for variable in [v for part in self.parts for v in part.inputs] + self.fgraph.outputs:
            remaining[variable] = remaining.get(variable, 0) + 1
        live = peak = 0
        taken: list[tuple[StepTime, float, int]] = []
        for part in self.parts:
            arguments = [known[v] if v in known else leaf_value(v) for v in part.inputs]
            assert part.run is not None and part.record is not None
            start = clock()
            results = part.run(*arguments)
            seconds = clock() - start
            known.update(zip(part.outputs, results))
            size = sum(map(_own_bytes, results))
            live += size
            peak = max(peak, live)
            taken.append((part.record, seconds, size))
            for variable in part.inputs:
                remaining[variable] -= 1
                if remaining[variable] == 0 and variable not in values:
                    live -= _own_bytes(known.pop(variable))
        self.stats.count_steps(taken, peak)
        return [known[v] if v in known else leaf_value(v) for v in self.fgraph.outputs]


def _own_bytes(value: Any) -> int:
    """The bytes that a result added to the memory in use: none for a view."""
    return value.nbytes if isinstance(value, np.ndarray) and value.base is None else 0


def link_with_clock(linker: Linker, plan: Plan, stats: ProfileStats) -> Linked:
    """What `linker.link(plan)` gives, run step by step with times; as it is for linkers that watch nodes themselves."""
    linked = linker.link(plan)
    if isinstance(linker, NativeLinker):
        steps = [step.nodes for step in linked.program.steps if hasattr(step, "kernel")]
        scheduled = [node for step in linked.program.steps for node in set(step.nodes)]
        parts = divide(plan.fgraph, steps, scheduled)
        for part in parts:
            if _only_a_view(part):  # native code would return a copy
                part.run, impl = _perform(part, plan.fgraph), "view"
            else:
                part.run, impl = _native(part, plan, linker)
            part.record = stats.step(part.nodes, impl)
    elif isinstance(linker, PerformLinker):
        parts = divide(plan.fgraph, [], plan.fgraph.toposort())
        for part in parts:
            part.run = _perform(part, plan.fgraph)
            part.record = stats.step(part.nodes, "Python")
    else:
        return linked
    return Linked(Timed(plan, parts, stats), plan, linked.program)


def _only_a_view(part: Part) -> bool:
    """Is it one node whose results are views, with nothing absorbed that would have to be computed for it?"""
    node = part.nodes[0]
    given = all(isinstance(v, Constant) or v in part.inputs for v in node.inputs)
    return len(part.nodes) == 1 and bool(node.op.view_map) and given


def _native(part: Part, plan: Plan, linker: NativeLinker) -> tuple[Callable[..., Any], str]:
    """(native code of a part, what it is: "Python" where it only calls `perform`)"""
    graph = FunctionGraph(part.inputs, part.outputs)
    every = frozenset(range(len(part.outputs)))  # views may stay views
    linked = linker.link(Plan(graph, {}, {}, borrow=every, name=plan.name, fuse=plan.fuse))
    linked.executable.bind(_refuse, linked.on_error, "list")
    native = any(type(step).__name__ not in ("PyCallStep", "FreeStep") for step in linked.program.steps)
    return linked.executable.direct(), "kernel" if len(part.nodes) > 1 else "native" if native else "Python"


def _refuse(*args: Any, **kwargs: Any) -> Any:
    raise TypeError("a step of a profiled function got values that native code does not take")


def _perform(part: Part, fgraph: FunctionGraph) -> Callable[..., Any]:
    """A part through `perform`: its one node, after the nodes without a step of their own that it needs."""
    order = toposort(part.outputs, set(part.inputs))

    def run(*values: Any) -> list[Any]:
        known = dict(zip(part.inputs, values))
        for node in order:
            arguments = [known[v] if v in known else leaf_value(v) for v in node.inputs]
            known.update(zip(node.outputs, run_node(node, arguments, fgraph)))
        return [known[v] for v in part.outputs]

    return run


def divide(fgraph: FunctionGraph, kernels: Sequence[Sequence[Apply]], scheduled: Sequence[Apply]) -> list[Part]:
    """The graph in parts, each after those that it needs.

    kernels     the nodes of each kernel
    scheduled   the nodes of all steps, as often as a step computes them: one that several compute is a part of its own.
                A node that no step computes (a transposition, a length) is repeated in every part that reads it.
    """
    order = fgraph.toposort()
    times = Counter(scheduled)
    absorbed = {node for node in order if node not in times}
    results = {v.owner for v in fgraph.outputs}
    together = {node: number for number, nodes in enumerate(kernels) for node in nodes if times[node] == 1}
    while True:
        members: dict[Any, list[Apply]] = {}
        for node in order:
            if node not in absorbed or node in results:
                members.setdefault(together.get(node, node), []).append(node)
        parts = {key: _part(nodes, absorbed, fgraph) for key, nodes in members.items()}
        sequence, stuck = _in_order(parts)
        if not stuck:
            return sequence
        for part in stuck:  # two kernels that need each other once a shared node is apart
            for node in part.nodes:
                together.pop(node, None)


def _in_order(parts: Mapping[Any, Part]) -> tuple[list[Part], list[Part]]:
    """(the parts in order, the kernels among those that wait for each other)"""
    maker = {v: key for key, part in parts.items() for v in part.outputs}
    users: dict[Any, list[Any]] = {key: [] for key in parts}
    waiting = dict.fromkeys(parts, 0)
    for key, part in parts.items():
        for other in {maker[v] for v in part.inputs if v in maker}:
            users[other].append(key)
            waiting[key] += 1
    ready = [key for key in parts if waiting[key] == 0]
    for key in ready:  # grows while it is read
        for user in users[key]:
            waiting[user] -= 1
            if waiting[user] == 0:
                ready.append(user)
    return [parts[key] for key in ready], [p for key, p in parts.items() if waiting[key] > 0 and len(p.nodes) > 1]


def _part(nodes: list[Apply], absorbed: Collection[Apply], fgraph: FunctionGraph) -> Part:
    inside = set(nodes)
    arguments = set(fgraph.inputs)
    read: dict[Variable, None] = {}
    pending = list(nodes)
    repeated = set(nodes)
    while pending:
        for v in pending.pop().inputs:
            if isinstance(v, Constant) or v.owner in repeated:
                continue
            if v.owner is not None and v.owner in absorbed and v not in arguments:
                repeated.add(v.owner)
                pending.append(v.owner)
            else:
                read[v] = None
    outputs = [
        v for node in nodes for v in node.outputs if any(client not in inside for client, _ in fgraph.get_clients(v))
    ]
    return Part(nodes, list(read), outputs)
