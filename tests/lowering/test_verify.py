"""The verifier names what is wrong with a Program."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from programs import kernels, program_of, steps

import theano.tensor as T
from theano.lowering.kernel import Instr
from theano.lowering.program import FreeStep, Program, RoutineStep
from theano.lowering.verify import ProgramError, verify

x = T.dmatrix("x")


def made() -> Program:
    e = T.dot(x, x.T)
    return program_of([x], [T.exp(e).sum(axis=0), T.dot(e, e)])


def test_good_programs_pass() -> None:
    verify(made())


def test_use_before_definition() -> None:
    program = made()
    program.steps.reverse()
    with pytest.raises(ProgramError, match="does not exist"):
        verify(program)


def test_use_after_free() -> None:
    program = made()
    index = next(n for n, s in enumerate(program.steps) if isinstance(s, FreeStep))
    free = program.steps.pop(index)
    program.steps.insert(2, free)
    with pytest.raises(ProgramError):
        verify(program)


def test_overwriting_an_argument() -> None:
    program = program_of([x], [T.exp(x)])
    kernels(program)[0].inplace = {0: 0}
    with pytest.raises(ProgramError, match="argument"):
        verify(program)


def test_overwriting_what_is_read_later() -> None:
    e = T.dot(x, x.T)
    program = program_of([x], [T.dot(T.exp(e), T.tanh(e).sum(axis=0)), T.dot(e, e)])
    step = next(s for s in kernels(program) if s.kernel.results[0].kind == "store" and not s.inplace)
    step.inplace = {0: 0}
    with pytest.raises(ProgramError):
        verify(program)


def test_overwriting_what_is_walked_differently() -> None:
    program = program_of([x], [T.exp(T.dot(x, x.T)).T])
    step = kernels(program)[0]
    assert not step.inplace
    step.inplace = {0: 0}
    with pytest.raises(ProgramError, match="walk"):
        verify(program)


def test_an_output_that_is_an_argument() -> None:
    program = program_of([x], [T.exp(x)])
    program.outputs[0] = replace(program.outputs[0], buffer=program.inputs[0].buffer)
    with pytest.raises(ProgramError, match="shares memory"):
        verify(program)


def test_one_memory_for_two_outputs() -> None:
    program = program_of([x], [T.exp(x), T.tanh(x)])
    program.outputs[0] = program.outputs[1]
    with pytest.raises(ProgramError, match="share"):
        verify(program)


@pytest.mark.parametrize(
    "instr",
    [
        Instr("add", "float64", (0, 5)), Instr("add", "float32", (0, 0)), Instr("frobnicate", "float64", (0,)),
        Instr("and", "float64", (0, 0)), Instr("lt", "float64", (0, 0)), Instr("select", "float64", (0, 0, 0)),
        Instr("math", "float64", (0,), "frexp"), Instr("load", "float64", (), 3), Instr("iota", "float64", (), 0),
        Instr("gather", "float64", (0,), 0),
    ],
    ids=str,
)
def test_ill_formed_instructions(instr: Instr) -> None:
    program = program_of([x], [x + 1.0])
    step = kernels(program)[0]
    assert [i.op for i in step.kernel.body] == ["load", "const", "add"]
    step.kernel = replace(step.kernel, body=(*step.kernel.body[:2], instr))
    with pytest.raises(ProgramError):
        verify(program)


@pytest.mark.parametrize(
    "instr",
    [Instr("neg", "complex128", (0,)), Instr("cast", "float64", (0,)), Instr("eq", "bool", (0, 0))],
    ids=str,
)
def test_complex_numbers_are_computed_with_by_their_parts(instr: Instr) -> None:
    z = T.zvector("z")
    program = program_of([z], [-z])
    step = kernels(program)[0]
    assert [i.op for i in step.kernel.body] == ["load", "re", "im", "neg", "neg", "pair"]
    step.kernel = replace(step.kernel, body=(step.kernel.body[0], instr, *step.kernel.body[2:]))
    with pytest.raises(ProgramError, match="complex"):
        verify(program)


def test_a_store_must_be_complete() -> None:
    program = program_of([x], [x.sum(axis=0)])
    step = kernels(program)[0]
    (result,) = step.kernel.results
    step.kernel = replace(step.kernel, results=(result._replace(kind="store", dtype=""),))
    with pytest.raises(ProgramError, match="several times"):
        verify(program)


def test_an_axis_without_a_length() -> None:
    program = program_of([x], [T.zeros((x.shape[0],))])
    step = kernels(program)[0]
    step.extents = (None,)
    with pytest.raises(ProgramError, match="length"):
        verify(program)


def test_freeing_what_is_not_its_own() -> None:
    program = program_of([x], [T.exp(x)])
    program.steps.append(FreeStep(inputs=[program.inputs[0].buffer], outputs=[]))
    with pytest.raises(ProgramError, match="not its own"):
        verify(program)


def test_verification_is_cheap() -> None:
    v: Any = T.dvector("v")
    z = v
    for _ in range(2000):
        z = T.tanh(z) + v
    program = program_of([v], [z])
    assert len(steps(program, FreeStep)) < len(program.steps)
    verify(program)


def test_routines_have_a_family_and_come_before_the_commit() -> None:
    program = program_of([x], [T.slinalg.cholesky(x)])
    (step,) = steps(program, RoutineStep)
    step.routine = "cholesky"
    with pytest.raises(ProgramError, match="family"):
        verify(program)
    step.routine = "cholesky.factor"
    program.commit_from = 0
    with pytest.raises(ProgramError, match="commit"):
        verify(program)


def test_routines_have_the_inputs_of_their_node() -> None:
    program = program_of([x], [T.slinalg.cholesky(x)])
    (step,) = steps(program, RoutineStep)
    step.inputs.append(step.inputs[0])
    with pytest.raises(ProgramError, match="inputs"):
        verify(program)
