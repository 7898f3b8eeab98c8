"""What the tests of lowering share: make the Program of expressions, and compare it with their meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from memory_runner import MemoryRunner

from theano.graph.evaluate import evaluate
from theano.graph.fgraph import FunctionGraph
from theano.lowering.lower import lower
from theano.lowering.program import KernelStep, Program, PyCallStep
from theano.lowering.verify import verify


def program_of(inputs: Sequence[Any], outputs: Sequence[Any], **options: Any) -> Program:
    """The verified Program of an expression as it is (nothing is rewritten)."""
    options = {"storages": {}, "updates": {}, **options}
    program = lower(FunctionGraph(inputs, outputs), **options)
    verify(program)
    assert str(program)
    return program


def kernels(program: Program) -> list[KernelStep]:
    return [step for step in program.steps if isinstance(step, KernelStep)]


def steps(program: Program, kind: type) -> list[Any]:
    return [step for step in program.steps if isinstance(step, kind)]


def python_calls(program: Program) -> list[str]:
    return [type(step.nodes[0].op).__name__ for step in steps(program, PyCallStep)]


def assert_same(got: Sequence[Any], expected: Sequence[Any], tolerance: float = 1e-9) -> None:
    for a, b in zip(got, expected, strict=True):
        b = np.asarray(b)
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def check(
    inputs: Sequence[Any], outputs: Sequence[Any], values: Sequence[Any], native: bool = True, tolerance: float = 1e-9
) -> Program:
    """The Program, fused and not, gives what the graph means."""
    values = [np.asarray(v) for v in values]
    with np.errstate(all="ignore"):
        expected = evaluate(outputs, dict(zip(inputs, values)))
        for fuse in (True, False):
            program = program_of(inputs, outputs, fuse=fuse)
            assert_same(MemoryRunner(program).run(*values), expected, tolerance)
    if native:
        assert_same(run_native(program_of(inputs, outputs), values), expected, max(tolerance, 1e-7))
    return program_of(inputs, outputs)


def run_native(program: Program, arguments: Sequence[Any]) -> list[Any]:
    from theano.backends.native import compile_program

    def on_error(step: int, code: str, detail: Any, shapes: Any, args: Any) -> None:
        raise RuntimeError(f"step {step}: {code} {detail} {shapes}")

    executable = compile_program(program)
    function = executable.bind(lambda *args: direct(*args), on_error, "list")
    direct = executable.direct()
    return list(function(*arguments))
