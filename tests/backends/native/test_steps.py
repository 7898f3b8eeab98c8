"""Views, library calls, Python calls and memory, in programs of several steps, against the program reference."""

from __future__ import annotations

import gc
import itertools
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from native_kernels import Failure, compiled, elementwise, fail, layouts, never_slow

from theano.backends.native import compile_program
from theano.lowering.kernel import Instr, Kernel, Operand, Result
from theano.lowering.program import (
    AllocStep,
    Buffer,
    CallStep,
    DimsStep,
    Extent,
    FreeStep,
    KernelStep,
    Program,
    ProgramInput,
    ProgramOutput,
    PyCallStep,
    Total,
    Value,
    ViewStep,
)
from theano.lowering.program_reference import run_program

_numbers = itertools.count()


def buffer(dtype: str, ndim: int) -> Buffer:
    return Buffer(next(_numbers), dtype, (None,) * ndim)


def copy_step(source: Buffer) -> KernelStep:
    axes = tuple(range(source.ndim))
    kernel = Kernel(
        source.ndim,
        (Operand(source.dtype, axes), Operand(source.dtype, axes)),
        1,
        (Instr("load", source.dtype, (), 0),),
        (Result("store", 0),),
    )
    return KernelStep(inputs=[source], outputs=[buffer(source.dtype, source.ndim)], kernel=kernel)


def program_of(inputs: list[Buffer], steps: list, outputs: list[Buffer], **more: Any) -> Program:
    return Program(
        inputs=[ProgramInput(b) for b in inputs],
        outputs=[ProgramOutput(b) for b in outputs],
        constants=more.get("constants", []),
        steps=steps,
        commit_from=more.get("commit_from", len(steps)),
    )


def compare(program: Program, args: list, rtol: float = 0.0) -> list:
    expected = run_program(program, *args)
    found = compiled(program)(*args)
    for have, want in zip(found, expected, strict=True):
        assert have.dtype == want.dtype and have.shape == want.shape
        np.testing.assert_allclose(have, want, rtol=rtol, atol=rtol)
    return found


def view_program(kind: str, params: tuple, ndim: int, out: int, extra: list[Buffer] | None = None) -> Program:
    x = buffer("float64", ndim)
    view = ViewStep(inputs=[x], outputs=[buffer("float64", out)], kind=kind, params=params)
    copy = copy_step(view.outputs[0])
    return program_of([x, *(extra or [])], [view, copy], [copy.outputs[0]])


X = np.random.default_rng(0).random((4, 5, 6))


@pytest.mark.parametrize("params", [(2, 0, 1), ("x", 2, "x", 1, 0), (0, 1, 2), (2, "x", 0, 1)])
def test_dimshuffle(params: tuple) -> None:
    for x in layouts(X).values():
        compare(view_program("dimshuffle", params, 3, len(params)), [x])


def test_dimshuffle_drops_only_length_one() -> None:
    program = view_program("dimshuffle", (2, 0), 3, 2)
    compare(program, [X[:, :1]])
    with pytest.raises(Failure) as caught:
        compiled(program)(X)
    assert (caught.value.code, caught.value.detail, caught.value.shapes) == ("drop", (1, 5), [(4, 5, 6)])


def test_slices_are_pythons() -> None:
    choices = [None, -7, -6, -5, -2, -1, 0, 1, 3, 5, 6, 9, 2**62, -(2**63)]
    x = np.arange(5.0)
    a, b, c = (buffer("int64", 0) for _ in range(3))
    for wanted in itertools.product([True, False], repeat=3):
        params = ((Value(a) if wanted[0] else None, Value(b) if wanted[1] else None, Value(c) if wanted[2] else None),)
        f = compiled(view_program("index", params, 1, 1, [a, b, c]))
        ranges = [[c for c in choices if (c is not None) == w] if w else [None] for w in wanted]
        for start, stop, step in itertools.product(*ranges):
            if step == 0:
                continue
            args = [np.array(0 if v is None else v) for v in (start, stop, step)]
            np.testing.assert_array_equal(f(x, *args)[0], x[start:stop:step], err_msg=f"{start}:{stop}:{step}")


def test_index() -> None:
    i = buffer("int8", 0)
    program = view_program("index", (Value(i), (1, None, 2), -1), 3, 1, [i])
    for n in (-4, -1, 0, 3):
        compare(program, [X, np.array(n, dtype=np.int8)])
    for n in (4, -5):
        with pytest.raises(Failure) as caught:
            compiled(program)(X, np.array(n, dtype=np.int8))
        assert (caught.value.code, caught.value.detail) == ("index", (n, 4, 0, 0))
    compare(view_program("index", ((None, None, -1),), 3, 3), [X])
    compare(view_program("index", (1, 2, 3), 3, 0), [X])
    with pytest.raises(Failure) as caught:
        compiled(view_program("index", ((None, None, 0),), 3, 3))(X)
    assert caught.value.code == "step"


@pytest.mark.parametrize(
    "shape",
    [(120,), (20, 6), (4, 30), (2, 2, 5, 6), (4, 5, 1, 6), (-1,), (-1, 6), (4, -1), (1, 120, 1), (6, 5, 4), (3, 40)],
)
def test_reshape(shape: tuple) -> None:
    for x in layouts(X).values():
        compare(view_program("reshape", shape, 3, len(shape)), [x])


def test_reshape_with_run_time_numbers_and_errors() -> None:
    n = buffer("int32", 0)
    x = buffer("float64", 3)
    view = ViewStep(inputs=[x], outputs=[buffer("float64", 2)], kind="reshape", params=(Value(n), Extent(x, 2)))
    copy = copy_step(view.outputs[0])
    program = program_of([x, n], [view, copy], [copy.outputs[0]])
    compare(program, [X, np.array(20, dtype=np.int32)])
    compare(program, [X, np.array(-1, dtype=np.int32)])
    for bad, code in ((19, "reshape"), (-2, "negative"), (2**31 - 1, "reshape"), (0, "reshape")):
        with pytest.raises(Failure) as caught:
            compiled(program)(X, np.array(bad, dtype=np.int32))
        assert caught.value.code == code
    for shape in ((0, 5), (-1, 5), (0,), (5, 0, 7)):
        compare(view_program("reshape", shape, 2, len(shape)), [np.zeros((0, 5))])
    with pytest.raises(Failure):
        compiled(view_program("reshape", (-1, 0), 2, 2))(np.zeros((0, 5)))
    compare(view_program("reshape", (), 2, 0), [np.ones((1, 1))])
    compare(view_program("reshape", (1, 1), 0, 2), [np.array(3.0)])


@pytest.mark.parametrize("params", [(0, 0, 1), (2, 0, 1), (-3, 1, 2), (1, 2, 0), (9, 0, 1), (-9, -1, -2)])
def test_diagonal(params: tuple) -> None:
    for x in layouts(X).values():
        compare(view_program("diagonal", params, 3, 2), [x])


def test_specify() -> None:
    program = view_program("specify", (None, 5, 6), 3, 3)
    compare(program, [X])
    with pytest.raises(Failure) as caught:
        compiled(program)(X[:, :4])
    assert (caught.value.code, caught.value.detail) == ("specify", (1, 5, 4))


def call_program(routine: str, ranks: tuple, dtype: str, alpha: Any = 1.0, beta: Any = 0.0) -> Program:
    inputs = [buffer(dtype, n) for n in ranks]
    rank = {"gemm": 2, "gemv": 1, "ger": 2, "dot": 0, "batched_gemm": 3}[routine]
    scalars = [b for b in (alpha, beta) if isinstance(b, Buffer)]
    step = CallStep(inputs=[*inputs, *scalars], outputs=[buffer(dtype, rank)], routine=routine, alpha=alpha, beta=beta)
    return program_of([*inputs, *scalars], [step], step.outputs)


def broadcast(x: np.ndarray) -> np.ndarray:
    return np.broadcast_to(x[:1], x.shape)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products(dtype: str) -> None:
    rng = np.random.default_rng(3)
    rtol = 1e-4 if dtype == "float32" else 1e-12
    for m, k, n in [
        (3, 4, 5),
        (1, 1, 1),
        (1, 7, 3),
        (7, 1, 3),
        (5, 6, 1),
        (20, 30, 17),
        (0, 3, 2),
        (3, 0, 2),
        (3, 2, 0),
    ]:
        a, b, c, x, y = (rng.normal(size=s).astype(dtype) for s in ((m, k), (k, n), (m, n), (k,), (m,)))
        for first in layouts(a).values():
            for second in layouts(b).values():
                compare(call_program("gemm", (2, 2), dtype), [first, second], rtol)
            for second in layouts(x).values():
                compare(call_program("gemv", (2, 1), dtype, 2.0), [first, second], rtol)
                for third in layouts(y).values():
                    compare(call_program("gemv", (2, 1, 1), dtype, 2.0, -0.5), [first, second, third], rtol)
        for third in layouts(c).values():
            compare(call_program("gemm", (2, 2, 2), dtype, 0.5, 2.0), [a, b, third], rtol)
            for first, second in zip(
                layouts(y).values(), layouts(b[0] if k else np.zeros(n, dtype)).values(), strict=True
            ):
                compare(call_program("ger", (1, 1, 2), dtype, -1.5), [first, second, third], rtol)
        for first, second in itertools.product(layouts(x).values(), repeat=2):
            compare(call_program("dot", (1, 1), dtype), [first, second], rtol)
        stack_a, stack_b = rng.normal(size=(3, m, k)).astype(dtype), rng.normal(size=(3, k, n)).astype(dtype)
        for first, second in zip(layouts(stack_a).values(), layouts(stack_b).values(), strict=True):
            compare(call_program("batched_gemm", (3, 3), dtype), [first, second], rtol)
    if dtype == "float64":
        alpha, beta = buffer(dtype, 0), buffer(dtype, 0)
        a, b, c = rng.normal(size=(3, 4)), rng.normal(size=(4, 5)), rng.normal(size=(3, 5))
        compare(call_program("gemm", (2, 2, 2), dtype, alpha, beta), [a, b, c, np.array(3.0), np.array(-2.0)], rtol)
        compare(call_program("gemm", (2, 2), dtype), [broadcast(a), broadcast(b)], rtol)
        compare(call_program("gemv", (2, 1), dtype), [broadcast(a), broadcast(b[:, 0])], rtol)


def test_products_do_not_read_what_they_write() -> None:
    """beta 0: the fresh memory may hold NaN."""
    for routine, ranks, args in (
        ("gemm", (2, 2), [np.ones((40, 40)), np.ones((40, 40))]),
        ("gemv", (2, 1), [np.ones((900, 9)), np.ones(9)]),
        ("ger", (1, 1), [np.ones(40), np.ones(40)]),
        ("dot", (1, 1), [np.ones(40), np.ones(40)]),
    ):
        f = compiled(call_program(routine, ranks, "float64"))
        for _ in range(20):
            out = f(*args)[0]
            assert np.isfinite(out).all()
            out[...] = np.nan
            del out


def test_mismatched_products() -> None:
    for routine, ranks, shapes in (
        ("gemm", (2, 2), [(3, 4), (5, 2)]),
        ("gemm", (2, 2, 2), [(3, 4), (4, 2), (3, 3)]),
        ("gemv", (2, 1), [(3, 4), (5,)]),
        ("dot", (1, 1), [(3,), (4,)]),
        ("batched_gemm", (3, 3), [(2, 3, 4), (3, 4, 5)]),
        ("ger", (1, 1, 2), [(3,), (4,), (4, 3)]),
    ):
        with pytest.raises(Failure) as caught:
            compiled(call_program(routine, ranks, "float64", 1.0, 1.0))(*(np.ones(s) for s in shapes))
        assert caught.value.code == "inner"
        assert caught.value.shapes == list(shapes)


class Op:
    """Stands for an Op whose perform is a Python function of (inputs, output_storage)."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def perform(self, node: Any, inputs: list, outputs: list) -> None:
        self.function(inputs, outputs)


class Kind:
    """Stands for a TensorType: takes nothing that is not already right."""

    def filter(self, value: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:
        raise TypeError("empty" if value is None else f"{value.dtype} does not fit")


class Node:
    """Stands for an Apply node."""

    def __init__(self, function: Any) -> None:
        self.op = Op(function)
        self.outputs = [SimpleNamespace(type=Kind()) for _ in range(2)]


def python_program(function: Any, source: str = "float64", ndim: int = 1, target: str = "float64") -> Program:
    x = buffer(source, ndim)
    step = PyCallStep(inputs=[x], outputs=[buffer(target, ndim)], nodes=[Node(function)])
    return program_of([x], [step], step.outputs)


def test_python_call() -> None:
    seen = []

    def double(inputs: list, outputs: list) -> None:
        seen.append(inputs[0])
        outputs[0][0] = inputs[0] * 2

    f = compiled(python_program(double))
    x = np.arange(4.0)
    out = f(x)[0]
    assert out.tolist() == [0, 2, 4, 6] and out.flags.owndata
    assert not seen[0].flags.writeable and np.shares_memory(seen[0], x)
    seen.clear()

    def identity(inputs: list, outputs: list) -> None:
        outputs[0][0] = inputs[0]

    out = compiled(python_program(identity))(x)[0]
    assert not np.shares_memory(out, x) and out.flags.writeable


def test_python_call_sees_intermediate_results_and_may_keep_them() -> None:
    kept = []

    def keep(inputs: list, outputs: list) -> None:
        kept.append(inputs[0])
        outputs[0][0] = inputs[0][::-1]

    x = buffer("float64", 1)
    copy = copy_step(x)
    call = PyCallStep(inputs=copy.outputs, outputs=[buffer("float64", 1)], nodes=[Node(keep)])
    last = copy_step(call.outputs[0])
    free = FreeStep(inputs=[*copy.outputs], outputs=[])
    f = compiled(program_of([x], [copy, call, free, last], [last.outputs[0], call.outputs[0]]))
    first, second = f(np.arange(5.0))
    assert first.tolist() == second.tolist() == [4, 3, 2, 1, 0]
    gc.collect()
    for n in range(50):
        f(np.full(5, float(n)))
    assert kept[0].tolist() == [0, 1, 2, 3, 4]
    assert not np.shares_memory(second, kept[0])


def test_python_call_with_objects_and_constants() -> None:
    x, thing, constant, out = buffer("object", 0), buffer("object", 0), buffer("float64", 1), buffer("float64", 1)

    def make(inputs: list, outputs: list) -> None:
        outputs[0][0] = {"x": inputs[0]}

    def use(inputs: list, outputs: list) -> None:
        outputs[0][0] = inputs[1] * len(inputs[0]["x"])

    steps = [
        PyCallStep(inputs=[x], outputs=[thing], nodes=[Node(make)]),
        PyCallStep(inputs=[thing, constant], outputs=[out], nodes=[Node(use)]),
    ]
    program = program_of([x], steps, [out, thing], constants=[(constant, np.array([1.0, 2.0]))])
    executable = compile_program(program)
    f = executable.bind(lambda *args: executable.direct()(*args), fail, "list")
    found, kept = f("four")
    assert found.tolist() == [4, 8] and kept == {"x": "four"}


def test_errors_of_python_calls() -> None:
    def broken(inputs: list, outputs: list) -> None:
        raise KeyError("inside")

    with pytest.raises(Failure) as caught:
        compiled(python_program(broken))(np.ones(3))
    assert (caught.value.step, caught.value.code, caught.value.shapes) == (0, "python", [(3,)])
    assert isinstance(caught.value.__context__, KeyError)

    def empty(inputs: list, outputs: list) -> None:
        pass

    def wrong(inputs: list, outputs: list) -> None:
        outputs[0][0] = inputs[0].astype("complex128")

    for function, word in ((empty, "empty"), (wrong, "complex128")):
        with pytest.raises(Failure) as caught:
            compiled(python_program(function))(np.ones(3))
        assert word in str(caught.value.__context__)


def test_freed_and_reused_memory() -> None:
    x = buffer("float64", 2)
    kernel = elementwise("neg", ["float64"], "float64", 2)
    steps: list = []
    last = x
    for _ in range(6):
        step = KernelStep(inputs=[last], outputs=[buffer("float64", 2)], kernel=kernel)
        steps.append(step)
        if last is not x:
            steps.append(FreeStep(inputs=[last], outputs=[]))
        last = step.outputs[0]
    program = program_of([x], steps, [last])
    values = np.random.default_rng(0).random((700, 300))
    f = compiled(program)
    for _ in range(5):
        np.testing.assert_array_equal(f(values)[0], values)


def test_in_place_on_a_temporary() -> None:
    x = buffer("float64", 1)
    first = copy_step(x)
    kernel = elementwise("neg", ["float64"], "float64", 1)
    second = KernelStep(inputs=first.outputs, outputs=[buffer("float64", 1)], kernel=kernel, inplace={0: 0})
    program = program_of([x], [first, second], second.outputs)
    for n in (0, 3, 50, 500_000):
        values = np.random.default_rng(n).random(n)
        out = compiled(program)(values)[0]
        np.testing.assert_array_equal(out, -values)
        assert out.flags.owndata


def test_join_through_views_of_allocated_memory() -> None:
    a, b, out = buffer("float32", 2), buffer("float32", 2), buffer("float32", 2)
    whole = Total((Extent(a, 0), Extent(b, 0)))
    steps: list = [AllocStep(inputs=[a, b], outputs=[out], dims=(whole, Extent(a, 1)))]
    parts = [(0, Extent(a, 0)), (Extent(a, 0), whole)]
    axes = (0, 1)
    kernel = Kernel(
        2,
        (Operand("float32", axes), Operand("float32", axes), Operand("float32", axes)),
        2,
        (Instr("load", "float32", (), 0),),
        (Result("store", 0),),
    )
    for source, (first, last) in zip((a, b), parts, strict=True):
        place, written = buffer("float32", 2), buffer("float32", 2)
        steps.append(ViewStep(inputs=[out], outputs=[place], kind="index", params=((first, last, None),)))
        steps.append(KernelStep(inputs=[source, place], outputs=[written], kernel=kernel, inplace={0: 1}))
    lengths, one = buffer("int64", 1), buffer("int64", 0)
    steps.append(DimsStep(inputs=[out, a], outputs=[lengths], dims=(Extent(out, 0), whole, 7)))
    steps.append(DimsStep(inputs=[out], outputs=[one], dims=(Extent(out, 1),)))
    program = program_of([a, b], steps, [out, lengths, one])
    rng = np.random.default_rng(0)
    for m, n, k in ((2, 3, 4), (0, 3, 2), (50, 1, 40), (1, 1, 0)):
        x, y = (rng.random((rows, k)).astype("float32") for rows in (m, n))
        for first, second in zip(layouts(x).values(), layouts(y).values(), strict=True):
            found = compare(program, [first, second])
            assert found[0].flags.owndata and found[1].tolist() == [m + n, m + n, 7]
    with pytest.raises(Failure) as caught:
        compiled(program)(np.zeros((2, 3), "float32"), np.zeros((2, 4), "float32"))
    assert (caught.value.step, caught.value.code) == (4, "shape")


def test_allocations_of_bad_lengths() -> None:
    n, out = buffer("int64", 0), buffer("float64", 2)
    program = program_of([n], [AllocStep(inputs=[n], outputs=[out], dims=(Value(n), 1 << 30))], [out])
    for length, code in ((-1, "negative"), (1 << 40, "memory"), (2**63 - 1, "memory")):
        with pytest.raises(Failure) as caught:
            compiled(program)(np.array(length))
        assert caught.value.code == code
    assert compiled(program)(np.array(0))[0].shape == (0, 1 << 30)


def test_a_result_given_twice_is_two_arrays() -> None:
    x = buffer("float64", 1)
    step = copy_step(x)
    view = ViewStep(inputs=step.outputs, outputs=[buffer("float64", 1)], kind="index", params=((1, None, None),))
    program = program_of([x], [step, view], [step.outputs[0], step.outputs[0], view.outputs[0], x])
    values = np.arange(5.0)
    found = compiled(program)(values)
    for a, b in itertools.combinations([*found, values], 2):
        assert not np.shares_memory(a, b)
    assert [f.tolist() for f in found] == [values.tolist(), values.tolist(), values[1:].tolist(), values.tolist()]


def test_borrowed_outputs_are_views() -> None:
    x = buffer("float64", 1)
    view = ViewStep(inputs=[x], outputs=[buffer("float64", 1)], kind="index", params=((None, None, -1),))
    storage = [np.arange(4.0)]
    program = Program(
        inputs=[ProgramInput(x, storage)],
        outputs=[ProgramOutput(view.outputs[0], borrow=True), ProgramOutput(view.outputs[0])],
        constants=[],
        steps=[view],
        commit_from=1,
    )
    borrowed, own = compiled(program)()
    assert np.shares_memory(borrowed, storage[0]) and not np.shares_memory(own, storage[0])
    held = storage[0]
    storage[0] = np.zeros(4)
    del held
    assert borrowed.tolist() == own.tolist() == [3, 2, 1, 0]


def test_never_slow_is_a_test_that_can_fail() -> None:
    with pytest.raises(AssertionError):
        compile_program(view_program("specify", (None,), 1, 1)).bind(never_slow, fail, "list")("text")
