"""Run a random graph in several ways and say where the results differ."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from theano.compile.pipeline import rewrite
from theano.graph.evaluate import evaluate
from theano.graph.fgraph import FunctionGraph
from theano.graph.traverse import ancestors
from theano.lowering.lower import lower
from theano.lowering.program import Program
from theano.lowering.verify import verify
from theano.rewriting.engine import RewriteBudgetWarning
from theano.rewriting.query import Query

sys.path.append(str(Path(__file__).parent.parent / "lowering"))
from memory_runner import MemoryRunner

sys.path.append(str(Path(__file__).parent))
from graphs import Graph

TOLERANCE = {"float64": 1e-7, "float32": 2e-3, "float16": 5e-2}
Mutation = Callable[[Program], bool]


class NotApplied(Exception):
    """The mutation found nothing to break in this Program."""


def tolerance_of(output: Any) -> float:
    """What the output's dtype allows; at least a hundred roundings of the narrowest float that it is computed from.

    A float64 output of a float32 product has the product's error. Integers and bools have no tolerance.
    """
    own = TOLERANCE.get(output.type.dtype, 0.0)
    if own == 0.0:
        return own
    computed = {v.type.dtype for v in ancestors([output]) if v.owner is not None}
    carried = [min(100 * float(np.finfo(dtype).eps), TOLERANCE[dtype]) for dtype in computed & TOLERANCE.keys()]
    return max([own, *carried])


def difference(name: str, got: Any, expected: np.ndarray, exact: bool, tolerance: float) -> str | None:
    got = np.asarray(got)
    if got.dtype != expected.dtype or got.shape != expected.shape:
        return f"{name}: {got.dtype} {got.shape}, expected {expected.dtype} {expected.shape}"
    if exact and expected.dtype.kind != "f":
        return None if np.array_equal(got, expected) else f"{name}: {got}, expected {expected}"
    finite = np.abs(expected.astype("float64"))[np.isfinite(expected.astype("float64"))]
    scale = float(finite.max()) if finite.size else 1.0
    close = np.allclose(
        got.astype("float64"), expected.astype("float64"), rtol=tolerance, atol=tolerance * max(scale, 1.0),
        equal_nan=True,
    )
    return None if close else f"{name}: {got}, expected {expected}"


def graph_of(graph: Graph, rewritten: bool) -> FunctionGraph:
    fgraph = FunctionGraph(graph.inputs, graph.outputs)
    if rewritten:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RewriteBudgetWarning)  # rules that go round in circles are a fault
            rewrite(fgraph, Query(include=("fast_run",), exclude=("assumes",)))
    return fgraph


def program_of(graph: Graph, fgraph: FunctionGraph, fuse: bool = True) -> tuple[Program, dict[int, list]]:
    cells = {position: [graph.values[position].copy()] for position in graph.updates.values()}
    updates = {out: cells[position] for out, position in graph.updates.items()}
    return lower(fgraph, storages=cells, updates=updates, fuse=fuse), cells


def disagreements(
    graph: Graph, *, rewritten: bool = False, native: bool = False, fuse: bool = True, mutate: Mutation | None = None
) -> list[str]:
    """Where a Program of the graph, run with real memory (or natively), differs from the values of the graph."""
    fgraph = graph_of(graph, rewritten)
    with np.errstate(all="ignore"):
        if rewritten and mutate is None:
            values = evaluate(fgraph.outputs, dict(zip(fgraph.inputs, graph.values)))
            wrong = check(graph, values, "rewritten graph")
            if wrong:
                return wrong
        program, cells = program_of(graph, fgraph, fuse)
        if mutate is not None:
            if not mutate(program):
                raise NotApplied
        else:
            verify(program)
            str(program)
        arguments = [value for position, value in enumerate(graph.values) if position not in cells]
        before = [value.copy() for value in arguments]
        if native:
            results = run_native(program, arguments)
        else:
            results = MemoryRunner(program).run(*arguments)
    stored = iter([cell for cell in (thing.storage for thing in program.outputs) if cell is not None])
    rest = iter(results)
    values = [next(rest) if thing.storage is None else next(stored)[0] for thing in program.outputs]
    wrong = check(graph, values, "native" if native else "program")
    for given, value in zip(arguments, before):
        if not np.array_equal(given, value):
            wrong.append("an argument was overwritten")
    return wrong


def check(graph: Graph, values: list[Any], name: str) -> list[str]:
    found = []
    for number, (got, expected, exact) in enumerate(zip(values, graph.expected, graph.exact, strict=True)):
        output = graph.outputs[number]
        wrong = difference(f"{name}, output {number} = {output}", got, expected, exact, tolerance_of(output))
        if wrong:
            found.append(wrong)
    return found


def run_native(program: Program, arguments: list[Any]) -> list[Any]:
    from theano.backends.native import compile_program

    def slow(*args: Any) -> Any:
        return direct(*args)

    def on_error(step: int, code: str, detail: Any, shapes: Any, args: Any) -> None:
        raise RuntimeError(f"native step {step} {program.steps[step]}: {code} {detail} {shapes}")

    executable = compile_program(program)
    function = executable.bind(slow, on_error, "list")
    direct = executable.direct()
    return list(function(*arguments))
