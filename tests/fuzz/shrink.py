"""Make a graph that fails smaller, until every part of it is needed for the failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from graphs import Graph

from theano.graph.clone import clone_replace
from theano.graph.evaluate import evaluate
from theano.graph.traverse import graph_inputs, toposort
from theano.printing import debugprint
from theano.tensor.type import TensorType

Fails = Callable[[Graph], bool]


def only_needed(graph: Graph) -> Graph:
    """Without the inputs that no output needs."""
    used = set(graph_inputs(graph.outputs))
    keep = [k for k, x in enumerate(graph.inputs) if x in used or k in graph.updates.values()]
    return replace(
        graph, inputs=[graph.inputs[k] for k in keep], values=[graph.values[k] for k in keep],
        updates={out: keep.index(k) for out, k in graph.updates.items()},
    )  # fmt: skip


def with_outputs(graph: Graph, keep: list[int]) -> Graph:
    return only_needed(replace(
        graph, outputs=[graph.outputs[k] for k in keep], expected=[graph.expected[k] for k in keep],
        exact=[graph.exact[k] for k in keep],
        updates={keep.index(out): k for out, k in graph.updates.items() if out in keep},
    ))


def cut(graph: Graph, variable: Any) -> Graph:
    """With an input, of the value that it has, in place of an intermediate variable."""
    (value,) = evaluate([variable], dict(zip(graph.inputs, graph.values)))
    fresh = TensorType(variable.type.dtype, variable.type.shape)(f"x{len(graph.inputs)}")
    outputs = clone_replace(graph.outputs, {variable: fresh})
    return only_needed(replace(
        graph, inputs=[*graph.inputs, fresh], values=[*graph.values, np.asarray(value)], outputs=outputs,
    ))


def ending_at(graph: Graph, variable: Any) -> Graph:
    """With an intermediate variable for the only output."""
    (value,) = evaluate([variable], dict(zip(graph.inputs, graph.values)))
    return only_needed(replace(
        graph, outputs=[variable], expected=[np.asarray(value)], exact=[all(graph.exact)], updates={},
    ))


def smaller(graph: Graph) -> Iterator[Graph]:
    """Graphs a step smaller, the smallest first where it is easy to tell."""
    count = len(graph.outputs)
    if count > 1:
        for k in range(count):
            yield with_outputs(graph, [k])
            yield with_outputs(graph, [j for j in range(count) if j != k])
    if graph.updates:
        yield replace(graph, updates={})
    inner = [v for node in toposort(graph.outputs) for v in node.outputs if v not in graph.outputs]
    inner = [v for v in inner if isinstance(v.type, TensorType)]
    for variable in inner:
        yield ending_at(graph, variable)
    for variable in inner[::-1]:
        yield cut(graph, variable)


def shrunk(graph: Graph, fails: Fails, most: int = 500) -> Graph:
    """The smallest graph found, in at most so many tries, that still fails."""
    tries = 0
    found = True
    while found:
        found = False
        for candidate in smaller(graph):
            tries += 1
            if tries > most:
                return graph
            try:
                found = fails(candidate)
            except Exception:
                continue
            if found:
                graph = candidate
                break
    return graph


def written(graph: Graph) -> str:
    """The graph and its values, to make a test of."""
    lines = [f"{x} = {x.type}, {value!r}" for x, value in zip(graph.inputs, graph.values)]
    lines += [f"output {k} replaces {graph.inputs[n]}" for k, n in graph.updates.items()]
    lines.append(debugprint(graph.outputs, file="str"))
    lines += [f"expected {value!r}" for value in graph.expected]
    return "\n".join(lines)
