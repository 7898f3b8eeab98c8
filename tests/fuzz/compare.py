"""Run a random graph in several ways and say where the results differ."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import partial
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
from theano.scalar.arithmetic import add, sub
from theano.tensor.blas import Gemm, Gemv, Ger
from theano.tensor.careduce import Sum
from theano.tensor.elemwise import Elemwise
from theano.tensor.products import Dot
from theano.tensor.type import TensorType

sys.path.append(str(Path(__file__).parent.parent / "lowering"))
from memory_runner import MemoryRunner

sys.path.append(str(Path(__file__).parent))
from graphs import Graph
from panel_graphs import done
from reached import Reached, forms, ops_in

TOLERANCE = {"float64": 1e-7, "float32": 2e-3, "float16": 5e-2, "complex128": 1e-7, "complex64": 2e-3}
SHAKES = 16
SUMS = (Sum, Dot, Gemm, Gemv, Ger)
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


@np.errstate(all="ignore")  # memory that a fault leaves as it was may hold signalling NaN
def difference(
    name: str, got: Any, expected: np.ndarray, exact: bool, tolerance: float, stabilised: bool = False
) -> str | None:
    """What is wrong with a result; None if nothing is. `stabilised`: it may be better than NaN or infinity.

    Floats differ by more than the tolerance of the largest number; complex numbers are pairs of such.
    """
    got = np.asarray(got)
    if got.dtype != expected.dtype or got.shape != expected.shape:
        return f"{name}: {got.dtype} {got.shape}, expected {expected.dtype} {expected.shape}"
    if stabilised and expected.dtype.kind in "fc":
        got = np.where(np.isfinite(expected), got, expected)
    if expected.dtype.kind == "c":  # the other part of an infinite number is whatever came last
        got = np.where(np.isfinite(got) | np.isfinite(expected), got, expected)
    if exact and expected.dtype.kind not in "fc":
        return None if np.array_equal(got, expected) else f"{name}: {got}, expected {expected}"
    found, wanted = reals(got), reals(expected)
    finite = np.abs(wanted)[np.isfinite(wanted)]
    scale = float(finite.max()) if finite.size else 1.0
    close = np.allclose(found, wanted, rtol=tolerance, atol=tolerance * max(scale, 1.0), equal_nan=True)
    return None if close else f"{name}: {got}, expected {expected}"


def reals(value: Any) -> np.ndarray:
    """As float64; of complex numbers the parts, along a new last axis."""
    value = np.asarray(value)
    if value.dtype.kind != "c":
        return value.astype("float64")
    return np.stack([value.real, value.imag], -1).astype("float64")


def graph_of(graph: Graph, rewritten: bool, assumes: bool = False, reached: Reached | None = None) -> FunctionGraph:
    fgraph = FunctionGraph(graph.inputs, graph.outputs)
    if rewritten:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RewriteBudgetWarning)  # rules that go round in circles are a fault
            report = rewrite(fgraph, Query(include=("fast_run",), exclude=() if assumes else ("assumes",)))
        failures = [failure for done in report.passes for failure in done.failures]
        if failures:
            raise AssertionError(f"rules failed: {failures}")
        if reached is not None:
            reached.rules.update(report.fired())
    if reached is not None:
        reached.ops.update(ops_in(fgraph.outputs))
    return fgraph


def program_of(graph: Graph, fgraph: FunctionGraph, fuse: bool = True) -> tuple[Program, dict[int, list]]:
    cells = {position: [graph.values[position].copy()] for position in graph.updates.values()}
    updates = {out: cells[position] for out, position in graph.updates.items()}
    return lower(fgraph, storages=cells, updates=updates, fuse=fuse), cells


def disagreements(
    graph: Graph, *, rewritten: bool = False, assumes: bool = False, native: bool = False, fuse: bool = True,
    mutate: Mutation | None = None, spoil: Callable[[FunctionGraph], bool] | None = None,
    reached: Reached | None = None,
) -> list[str]:  # fmt: skip
    """Where a Program of the graph, run with real memory (or natively), differs from the values of the graph.

    rewritten  of the rewritten graph; `assumes`: by all rules, also those that are not exact in IEEE arithmetic. These
               promise nothing for outputs that are computed from NaN or infinity, which are not compared then
    mutate     breaks the Program on purpose, `spoil` the graph; False if there is nothing to break (NotApplied)
    reached    is told which rules and forms of Programs were met
    """
    fgraph = graph_of(graph, rewritten, assumes, reached)
    if spoil is not None and not spoil(fgraph):
        raise NotApplied
    # other code rounds otherwise, and sums may cancel; where something is broken on purpose, that must not be excused
    loose = assumes or (mutate is None and spoil is None)
    with np.errstate(all="ignore"):
        promised = finite_throughout(graph) if assumes else [True] * len(graph.outputs)
        if rewritten and mutate is None:
            values = evaluate(fgraph.outputs, dict(zip(fgraph.inputs, graph.values)))
            wrong = check(graph, values, "rewritten graph", promised, loose)
            if wrong:
                return wrong
        program, cells = program_of(graph, fgraph, fuse)
        if reached is not None:
            reached.forms.update(forms(program))
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
            if reached is not None:
                reached.forms.update(done())
        else:
            results = MemoryRunner(program).run(*arguments)
    stored = iter([cell for cell in (thing.storage for thing in program.outputs) if cell is not None])
    rest = iter(results)
    values = [next(rest) if thing.storage is None else next(stored)[0] for thing in program.outputs]
    wrong = check(graph, values, "native" if native else "program", promised, loose)
    for given, value in zip(arguments, before):
        if given.tobytes() != value.tobytes():
            wrong.append("an argument was overwritten")
    return wrong


def finite_throughout(graph: Graph) -> list[bool]:
    """For each output: nothing that it is computed from is NaN or infinite."""
    inner = [v for v in ancestors(graph.outputs) if isinstance(v.type, TensorType)]
    known = dict(zip(inner, evaluate(inner, dict(zip(graph.inputs, graph.values)))))
    broken = {v for v, value in known.items() if np.asarray(value).dtype.kind in "fc" and not np.isfinite(value).all()}
    return [not broken.intersection(ancestors([output])) for output in graph.outputs]


def uncertainty(graph: Graph) -> list[np.ndarray]:
    """How far each output's elements move where every operation is wrong by some roundings.

    cosh(16)**2 - sinh(16)**2 in float32 is any multiple of 2**20, for one: a rule that makes it 1 is not to blame.
    Infinitely far where they leave the numbers, or come back: arccos of what is 1 but for an error. Of sums that cancel
    nothing may be left, too, in another order: 0 / 0 where noise divided by itself is 1. Integers and bools move where
    they hang on such: two sums that are equal but for an error are compared.
    """
    rng = np.random.default_rng(0)

    def shake(node: Any, inputs: list[Any], results: list[Any], *, cancels: bool) -> None:
        for k, value in enumerate(map(np.asarray, results)):
            if value.dtype.kind in "fc":
                if cancels:
                    value = np.where(is_cancelled(node, inputs, value), value.dtype.type(0), value)
                parts = reals(value)
                small_integer = (np.rint(parts) == parts) & (np.abs(parts) < 1000)
                by = 1 + rng.uniform(-4, 4, parts.shape) * np.finfo(value.dtype).eps
                moved = np.where(small_integer, parts, parts * by)
                if value.dtype.kind == "c":
                    moved = moved.view("complex128")[..., 0]
                results[k] = moved.astype(value.dtype)

    found = [np.zeros(np.shape(reals(value))) for value in graph.expected]
    for number in range(SHAKES):
        after = partial(shake, cancels=bool(number % 2))
        moved = evaluate(graph.outputs, dict(zip(graph.inputs, graph.values)), after=after)
        for k, (value, expected) in enumerate(zip(moved, graph.expected, strict=True)):
            at_the_edge = np.isfinite(reals(expected)) != np.isfinite(reals(value))
            distance = np.where(at_the_edge, np.inf, np.abs(reals(value) - reals(expected)))
            found[k] = np.fmax(found[k], distance)
    return found


def is_cancelled(node: Any, inputs: list[Any], value: np.ndarray) -> Any:
    """For each element of a sum: is it no larger than the roundings of its terms?"""
    record = getattr(node.op, "scalar_op", None)
    if not isinstance(node.op, SUMS) and not (isinstance(node.op, Elemwise) and record in (add, sub)):
        return False
    magnitudes = [np.abs(x).astype(x.dtype) for x in map(np.asarray, inputs)]
    if record is sub:
        sizes = np.add(*magnitudes)
    else:
        storage: list[list[Any]] = [[None]]
        node.op.perform(node, magnitudes, storage)
        sizes = np.abs(storage[0][0])
    return np.abs(value) < 16 * np.finfo(value.dtype).eps * sizes


def check(graph: Graph, values: list[Any], name: str, promised: list[bool], loose: bool = False) -> list[str]:
    """What is wrong with the values of those outputs about which something is promised.

    `loose`: elements that the graph's own rounding errors leave open may differ as much; those of which no digit is
    left may be anything, NaN too (noise divided by noise, which a rule that is exact makes 0 / 0).
    """
    found = []
    for number, (got, expected, exact) in enumerate(zip(values, graph.expected, graph.exact, strict=True)):
        output = graph.outputs[number]
        if not promised[number]:
            continue
        title = f"{name}, output {number} = {output}"
        wrong = difference(title, got, expected, exact, tolerance_of(output), graph.stabilised)
        if wrong and loose and np.shape(got) == expected.shape:
            with np.errstate(all="ignore"):
                open_by = 10 * uncertainty(graph)[number]
                wanted = reals(expected)
                noise = (open_by > 0) & (open_by >= np.abs(wanted))
                open_still = (np.abs(reals(got) - wanted) <= open_by) | np.isinf(open_by) | noise
            if expected.dtype.kind == "c":
                open_still = open_still.all(axis=-1)
            got = np.where(open_still, expected, got).astype(np.asarray(got).dtype)
            wrong = difference(title, got, expected, exact, tolerance_of(output), graph.stabilised)
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
