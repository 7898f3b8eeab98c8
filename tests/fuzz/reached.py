"""What random graphs have reached: ops, rewrite rules that fired, and forms of Programs (steps, kernels, instructions,
formulas on complex numbers), and what native code did by panels of rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from panel_graphs import DONE

from theano.compile.pipeline import PIPELINE
from theano.graph.traverse import toposort
from theano.lowering.kernel import INDEXED, OPCODES, REDUCTIONS, UNIT, Kernel
from theano.lowering.program import CallStep, KernelStep, Program, Step, ViewStep
from theano.scalar.complex_functions import FORMULAS
from theano.tensor.elemwise import Elemwise

RULES = frozenset(rule.name for p in PIPELINE for rule in p.rules)
VIEWS = ("dimshuffle", "index", "reshape", "diagonal", "specify")
KERNELS = (
    "several results", "stores and reductions", "reductions over different axes", "over no axes", "over four axes",
    "broadcast operand", "axis of length one", "computed position", "diagonal walk", "transposed walk", "in place",
    "start from a base", "rows together", "rows behind a product",
)  # fmt: skip
FORMS = frozenset((
    *(f"step {each.__name__}" for each in Step.__subclasses__() if each.__module__ == Step.__module__),
    *(f"view {kind}" for kind in VIEWS), *(f"instruction {op}" for op in OPCODES),
    *(f"result {kind}" for kind in ("store", "scatter_set", "scatter_add", *REDUCTIONS)),
    *(f"kernel: {form}" for form in KERNELS), *(f"complex {name}" for name in FORMULAS),
    *(f"panels: {name}" for name in DONE),
))  # fmt: skip
NOT_MADE = {
    # of integers these are reductions of CAReduce alone, which no op of the generator's leads to
    "result or", "result and", "result xor",
    # no lowering makes these; tests of the backends write such kernels themselves. `T.argmin` is the argmax of what is
    # turned round, lengths are operands, diagonals are views, and reductions are fused over one set of axes only
    "result argmin", "instruction extent", "kernel: diagonal walk", "kernel: reductions over different axes",
}  # fmt: skip


def forms_of_kernel(kernel: Kernel) -> Iterator[str]:
    outputs = kernel.operands[kernel.n_inputs:]
    kinds = [result.kind for result in kernel.results]
    if len(kinds) > 1:
        yield "several results"
    if "store" in kinds and REDUCTIONS & set(kinds):
        yield "stores and reductions"
    if len({o.axes for o, kind in zip(outputs, kinds) if kind in REDUCTIONS}) > 1:
        yield "reductions over different axes"
    if kernel.rank == 0:
        yield "over no axes"
    if kernel.rank >= 4:
        yield "over four axes"
    for operand in kernel.operands[:kernel.n_inputs]:
        walked = [a for a in operand.axes if a >= 0]
        if len(set(walked)) < kernel.rank:
            yield "broadcast operand"
        if UNIT in operand.axes:
            yield "axis of length one"
        if INDEXED in operand.axes:
            yield "computed position"
        if len(set(walked)) < len(walked):
            yield "diagonal walk"
        if walked != sorted(walked):
            yield "transposed walk"


def forms(program: Program) -> set[str]:
    """The forms which a Program contains."""
    found: set[str] = set()
    for step in program.steps:
        found.add(f"step {type(step).__name__}")
        if isinstance(step, ViewStep):
            found.add(f"view {step.kind}")
        if isinstance(step, KernelStep):
            found.update(f"complex {name}" for name in complex_ops(step))
            found.update(f"instruction {instr.op}" for instr in step.kernel.body)
            found.update(f"result {result.kind}" for result in step.kernel.results)
            found.update(f"kernel: {form}" for form in forms_of_kernel(step.kernel))
            if step.inplace:
                found.add("kernel: in place")
            if step.base:
                found.add("kernel: start from a base")
    if program.row_groups:
        found.add("kernel: rows together")
    if any(isinstance(program.steps[group.start], CallStep) for group in program.row_groups):
        found.add("kernel: rows behind a product")
    return found


def complex_ops(step: KernelStep) -> Iterator[str]:
    """Ops which the kernel computes by formulas on pairs."""
    for node in step.nodes:
        if isinstance(node.op, Elemwise) and any("complex" in v.type.dtype for v in (*node.inputs, *node.outputs)):
            yield node.op.scalar_op.name


def ops_in(outputs: Any) -> set[str]:
    """Names of ops: of elementwise ones of what they compute, of others of their classes."""
    ops = [node.op for node in toposort(outputs)]
    return {f"elementwise {op.scalar_op}" if isinstance(op, Elemwise) else type(op).__name__ for op in ops}


class Reached:
    """Counts over many graphs."""

    def __init__(self) -> None:
        self.rules: Counter[str] = Counter()
        self.forms: Counter[str] = Counter()
        self.ops: Counter[str] = Counter()

    def add(self, other: Reached) -> None:
        self.rules.update(other.rules)
        self.forms.update(other.forms)
        self.ops.update(other.ops)

    def report(self, ops: set[str]) -> str:
        """How many of all, and which not; `ops`: the names of all ops."""
        lines = []
        all_of = ("rules", RULES, self.rules), ("forms", FORMS - NOT_MADE, self.forms), ("ops", ops, self.ops)
        for what, known, counts in all_of:
            missed = sorted(known - counts.keys())
            lines.append(f"{what}: {len(known) - len(missed)} of {len(known)} reached")
            if missed:
                lines.append(f"  not: {', '.join(missed)}")
        return "\n".join(lines)
