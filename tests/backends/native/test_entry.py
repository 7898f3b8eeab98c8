"""The compiled function object: what it accepts at once, what goes the slow way, updates, threads, memory."""

from __future__ import annotations

import contextlib
import gc
import sys
import threading
import tracemalloc

import numpy as np
import pytest
from native_kernels import Failure, compiled, elementwise, fail, kernel_program, never_slow

from theano._config import change_flags
from theano.backends.native import compile_program
from theano.backends.native.runtime import empty_pool, pooled_bytes, runtime, small_blocks
from theano.lowering.kernel import UNIT, Instr, Kernel, Operand, Result
from theano.lowering.program import Buffer, KernelStep, Program, ProgramInput, ProgramOutput


def add_program(ndim: int, dtype: str = "float64", shape: tuple | None = None) -> Program:
    a, b, c = (Buffer(n, dtype, shape or (None,) * ndim) for n in range(3))
    step = KernelStep(inputs=[a, b], outputs=[c], kernel=elementwise("add", [dtype, dtype], dtype, ndim))
    return Program(
        inputs=[ProgramInput(a), ProgramInput(b)], outputs=[ProgramOutput(c)], constants=[], steps=[step], commit_from=1
    )


def update_program(storage: list, dtype: str = "float64", ndim: int = 1, *, inplace: bool = True) -> Program:
    """shared += x, giving x + shared's old value's double... the new value is also the result."""
    x, s, out = (Buffer(n, dtype, (None,) * ndim) for n in range(3))
    step = KernelStep(
        inputs=[s, x],
        outputs=[out],
        kernel=elementwise("add", [dtype, dtype], dtype, ndim),
        inplace={0: 0} if inplace else {},
    )
    return Program(
        inputs=[ProgramInput(x), ProgramInput(s, storage)],
        outputs=[ProgramOutput(out, storage)],
        constants=[],
        steps=[step],
        commit_from=0,
    )


def test_scalars() -> None:
    f = compiled(add_program(0), "single")
    for a, b in ((1.5, 2.5), (np.array(1.5), 2.5), (np.float64(1.5), np.array(2.5))):
        out = f(a, b)
        assert type(out) is np.ndarray and out.shape == () and out == 4.0


class Slow:
    def __init__(self) -> None:
        self.calls: list = []

    def __call__(self, *args: object, **names: object) -> str:
        self.calls.append((args, names))
        return "slow"


def test_what_takes_the_slow_way() -> None:
    slow = Slow()
    v = np.ones(3)
    f = compile_program(add_program(1)).bind(slow, fail, "single")
    swapped = v.astype(">f8")
    unaligned = np.frombuffer(b"\0" + v.tobytes(), dtype=np.uint8)[1:].view(np.float64)

    class Sub(np.ndarray):
        pass

    for args, names in (
        ((v,), {}), ((v, v, v), {}), ((), {}), ((v,), {"b": v}), ((v, [1, 2, 3]), {}), ((v, v.astype("f4")), {}),
        ((v, v.reshape(1, 3)), {}), ((v, swapped), {}), ((v, unaligned), {}), ((v, v.view(Sub)), {}), ((v, None), {}),
    ):  # fmt: skip
        assert f(*args, **names) == "slow"
        assert slow.calls[-1][1] == names and len(slow.calls[-1][0]) == len(args)
    count = len(slow.calls)
    assert f(v, v).tolist() == [2, 2, 2]
    assert len(slow.calls) == count
    g = compile_program(add_program(0)).bind(slow, fail, "single")
    for a in (1, True, np.float32(1), 1j, "x"):
        assert g(a, 2.0) == "slow"


@pytest.mark.parametrize("dtype", ["bool", "int8", "int16", "int32", "int64", "uint8", "uint64", "float32", "float64"])
def test_numbers_for_arguments_without_axes(dtype: str) -> None:
    """NumPy's numbers of the very dtype, and Python ints that fit, are taken as they are."""
    slow = Slow()
    body = (Instr("load", dtype, (), 0),)
    kernel = Kernel(0, (Operand(dtype, ()), Operand(dtype, ())), 1, body, (Result("store", 0),))
    f = compile_program(kernel_program(kernel)).bind(slow, fail, "single")
    one = np.dtype(dtype).type(1)
    for value in (one, np.asarray(one)):
        found = f(value)
        assert found == 1 and found.dtype == dtype and found.ndim == 0
    assert f(np.complex64(1)) == "slow" and f("1") == "slow" and f(np.longdouble(1)) == "slow"
    assert dtype == "bool" or f(True) == "slow"
    if not dtype.startswith("int"):
        assert f(1) == "slow"
        return
    info = np.iinfo(dtype)
    for whole in (0, 1, -1, 7, info.min, info.max):
        assert int(f(whole)) == whole
    for whole in (info.min - 1, info.max + 1, 2**63, -(2**63) - 1, 2**200, -(2**200)):
        assert f(whole) == "slow"
    kept = [f(5), f(6)]
    assert [int(a) for a in kept] == [5, 6]


def test_static_lengths_are_checked() -> None:
    slow = Slow()
    f = compile_program(add_program(2, shape=(None, 1))).bind(slow, fail, "single")
    assert f(np.ones((3, 1)), np.ones((3, 1))).shape == (3, 1)
    assert f(np.ones((3, 2)), np.ones((3, 1))) == "slow"


def test_direct() -> None:
    executable = compile_program(add_program(1))
    with pytest.raises(RuntimeError):
        executable.direct()
    executable.bind(never_slow, fail, "single")
    direct = executable.direct()
    assert direct(np.ones(2), np.ones(2)).tolist() == [2, 2]
    for args in ((np.ones(2),), (np.ones(2), 1.0), (np.ones(2), np.ones((2, 2)))):
        with pytest.raises(TypeError, match="do not fit"):
            direct(*args)
    other = np.dtype(np.float64, metadata={"some": "thing"})
    assert direct(np.ones(2).astype(other), np.ones(2)).tolist() == [2, 2]


def test_errors_name_step_shapes_and_arguments() -> None:
    a, b = np.ones((2, 3)), np.ones((2, 4))
    f = compiled(add_program(2))
    with pytest.raises(Failure) as caught:
        f(a, b)
    error = caught.value
    assert (error.step, error.code, error.detail) == (0, "shape", (1, 3, 4, 1))
    assert error.shapes == [(2, 3), (2, 4)]
    assert error.call_args[0] is a and error.call_args[1] is b
    assert f(a, a)[0].tolist() == (a + a).tolist()


def test_on_error_which_returns_is_a_runtime_error() -> None:
    f = compile_program(add_program(1)).bind(never_slow, lambda *what: None, "list")
    with pytest.raises(RuntimeError, match="shape"):
        f(np.ones(2), np.ones(3))


def test_one_does_not_broadcast() -> None:
    with pytest.raises(Failure):
        compiled(add_program(1))(np.ones(1), np.ones(3))


def test_broadcasting_axes() -> None:
    kernel = Kernel(
        2,
        (Operand("float64", (0, UNIT)), Operand("float64", (1,)), Operand("float64", ()), Operand("float64", (0, 1))),
        3,
        (
            *(Instr("load", "float64", (), n) for n in range(3)),
            Instr("mul", "float64", (0, 1)),
            Instr("add", "float64", (3, 2)),
        ),
        (Result("store", 4),),
    )
    from native_kernels import check

    for m, n in ((3, 4), (1, 1), (40, 3), (3, 40), (0, 4), (1000, 2)):
        rng = np.random.default_rng(m)
        check(kernel, [rng.random((m, 1)), rng.random(n), np.array(2.0)])


# ---- storages


def test_update_in_place() -> None:
    storage = [np.zeros(3)]
    array = storage[0]
    address = array.ctypes.data
    del array
    f = compiled(update_program(storage))
    assert f(np.ones(3)) == []
    assert f(np.ones(3)) == []
    assert storage[0].tolist() == [2, 2, 2]
    assert storage[0].ctypes.data == address


def test_update_copies_what_others_hold() -> None:
    storage = [np.zeros(3)]
    f = compiled(update_program(storage))
    for hold in (lambda: storage[0], lambda: storage[0][:2], lambda: memoryview(storage[0]), lambda: storage[0].T):
        held = hold()
        before = np.array(held)
        f(np.ones(3))
        assert (np.array(held) == before).all()
        assert not np.shares_memory(np.asarray(held), storage[0])
    assert storage[0].tolist() == [4, 4, 4]


def test_update_copies_what_is_not_its_own() -> None:
    base = np.zeros(6)
    readonly = np.zeros(3)
    readonly.flags.writeable = False
    for start in (base[::2], base[:3], np.broadcast_to(np.zeros(()), (3,)), readonly):
        storage = [start]
        del start
        f = compiled(update_program(storage))
        for _ in range(3):
            f(np.ones(3))
        assert storage[0].tolist() == [3, 3, 3]
        assert base.tolist() == [0] * 6 and readonly.tolist() == [0] * 3


def test_failed_update_changes_nothing() -> None:
    storage = [np.zeros(3)]
    array = storage[0]
    f = compiled(update_program(storage))
    with pytest.raises(Failure):
        f(np.ones(4))
    assert storage[0] is array and array.tolist() == [0, 0, 0]


def test_the_check_of_a_later_step_comes_before_the_first_overwrites() -> None:
    storages = [[np.zeros(3)], [np.zeros(4)]]
    x = Buffer(0, "float64", (None,))
    kernel = elementwise("add", ["float64", "float64"], "float64", 1)
    inputs, outputs, steps = [ProgramInput(x)], [], []
    for n, storage in enumerate(storages):
        s, out = Buffer(1 + n, "float64", (None,)), Buffer(5 + n, "float64", (None,))
        steps.append(KernelStep(inputs=[s, x], outputs=[out], kernel=kernel, inplace={0: 0}))
        inputs.append(ProgramInput(s, storage))
        outputs.append(ProgramOutput(out, storage))
    f = compiled(Program(inputs=inputs, outputs=outputs, constants=[], steps=steps, commit_from=0))
    with pytest.raises(Failure) as caught:
        f(np.ones(3))
    assert caught.value.step == 1
    assert storages[0][0].tolist() == [0, 0, 0] and storages[1][0].tolist() == [0, 0, 0, 0]


def test_storage_that_does_not_fit() -> None:
    storage: list = [np.zeros(3)]
    f = compiled(update_program(storage))
    for bad in (np.zeros((3, 1)), np.zeros(3, dtype="f4"), 3.0, None):
        storage[0] = bad
        with pytest.raises(Failure) as caught:
            f(np.ones(3))
        assert (caught.value.step, caught.value.code, caught.value.detail) == (-1, "storage", (0,))
    storage[0] = np.zeros(3)
    f(np.ones(3))
    assert storage[0].tolist() == [1, 1, 1]


def test_swapped_storages_do_not_share_memory() -> None:
    first, second = [np.zeros(2)], [np.ones(2)]
    a, b = Buffer(0, "float64", (None,)), Buffer(1, "float64", (None,))
    program = Program(
        inputs=[ProgramInput(a, first), ProgramInput(b, second)],
        outputs=[ProgramOutput(b, first), ProgramOutput(a, second)],
        constants=[],
        steps=[],
        commit_from=0,
    )
    f = compiled(program)
    f()
    assert first[0].tolist() == [1, 1] and second[0].tolist() == [0, 0]
    assert not np.shares_memory(first[0], second[0])


def test_arguments_are_only_overwritten_when_mutable() -> None:
    for mutable in (False, True):
        x, out = Buffer(0, "float64", (None,)), Buffer(1, "float64", (None,))
        kernel = elementwise("neg", ["float64"], "float64", 1)
        step = KernelStep(inputs=[x], outputs=[out], kernel=kernel, inplace={0: 0})
        program = Program(
            inputs=[ProgramInput(x, mutable=mutable)],
            outputs=[ProgramOutput(out)],
            constants=[],
            steps=[step],
            commit_from=0,
        )
        f = compiled(program, "single")
        values = np.arange(3.0)
        found = f(values)
        assert found.tolist() == [-0.0, -1, -2]
        assert values.tolist() == ([-0.0, -1, -2] if mutable else [0, 1, 2])
        values.flags.writeable = False
        before = values.copy()
        f(values)
        assert (values == before).all()
        many = np.broadcast_to(np.array(2.0), (5,))
        assert f(many).tolist() == [-2] * 5 and many[0] == 2


# ---- threads, memory


def test_threads() -> None:
    f = compiled(add_program(1), "single")
    g = compiled(add_program(2))
    wrong: list = []

    def work(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for n in range(2000):
            size = (n * 7 + seed) % 50
            x = rng.random(size)
            if not (f(x, x) == 2 * x).all():
                wrong.append(size)
            if n % 500 == 0:
                y = rng.random((300, 400))
                if not (g(y, y)[0] == 2 * y).all():
                    wrong.append("large")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_threads_update_one_storage() -> None:
    storage = [np.zeros(500)]
    f = compiled(update_program(storage))

    def work() -> None:
        for _ in range(500):
            f(np.ones(500))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert (storage[0] == 2000).all()


def test_no_reference_is_lost_or_kept() -> None:
    storage = [np.zeros(3)]
    f, g = compiled(add_program(1), "single"), compiled(update_program(storage))
    h = compiled(add_program(1))
    x = np.ones(3)
    bad = np.ones(4)
    watched = [x, x.dtype, storage, f, None, fail]
    runtime().upgrade()  # its syntax trees are not there at the beginning, nor at the end

    def work(n: int) -> None:
        for _ in range(n):
            f(x, x)
            g(x)
            h(x, x)
            with contextlib.suppress(Failure):
                g(bad)

    work(100)
    gc.collect()
    before = [sys.getrefcount(w) for w in watched]
    tracemalloc.start()
    start = tracemalloc.get_traced_memory()[0]
    work(10_000)
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - start
    tracemalloc.stop()
    after = [sys.getrefcount(w) for w in watched]
    assert all(abs(a - b) < 20 for a, b in zip(after, before, strict=True)), (before, after)
    assert grown < 20_000


def test_functions_are_collected() -> None:
    import weakref

    class Watch:
        def __call__(self, *args: object) -> None:
            raise AssertionError

    slow = Watch()
    f = compile_program(add_program(1)).bind(slow, fail, "list")
    watch = weakref.ref(slow)
    del slow
    assert f(np.ones(2), np.ones(2))[0].tolist() == [2, 2]
    del f
    gc.collect()
    assert watch() is None


def test_large_results_are_recycled() -> None:
    f = compiled(add_program(1), "single")
    x = np.ones(1 << 20)
    empty_pool()
    out = f(x, x)
    address = out.ctypes.data
    assert address % 64 == 0
    del out
    assert pooled_bytes() >= x.nbytes
    out = f(x, x)
    assert out.ctypes.data == address and (out == 2).all()
    kept = out[5:]
    del out
    again = f(x, x)
    assert again.ctypes.data != address and (kept == 2).all()
    del again, kept
    empty_pool()
    assert pooled_bytes() == 0


def test_the_pool_can_be_switched_off_and_limited() -> None:
    f = compiled(add_program(1), "single")
    x = np.ones(1 << 20)
    f(x, x)
    assert pooled_bytes() >= x.nbytes
    with change_flags(pool_bytes=0):
        assert pooled_bytes() == 0
        for _ in range(3):
            assert (f(x, x) == 2).all()
            assert pooled_bytes() == 0
    with change_flags(pool_bytes=x.nbytes + (1 << 20)):
        out = [f(x, x) for _ in range(3)]
        del out
        assert x.nbytes <= pooled_bytes() <= x.nbytes + (1 << 20)
    f(x, x)
    assert pooled_bytes() >= x.nbytes
    empty_pool()


def test_small_blocks_are_kept_up_to_a_number() -> None:
    """By kinds: a block for 3 numbers serves 8, but not 9; none is kept where the pool is off."""
    f = compiled(add_program(1), "single")
    empty_pool()
    assert sum(small_blocks().values()) == 0
    results = [f(np.ones(n), np.ones(n)) for n in (3, 8, 9, 128, 129) for _ in range(200)]
    assert all((out == 2).all() for out in results)
    del results
    assert small_blocks() == {64: 128, 128: 128, 1024: 128}
    kept = f(np.ones(5), np.ones(5))
    assert small_blocks()[64] == 127
    with change_flags(pool_bytes=0):
        assert not small_blocks()
        for _ in range(3):
            assert (f(np.ones(3), np.ones(3)) == 2).all()
        del kept
        assert not small_blocks()
    f(np.ones(0), np.ones(0))
    assert not small_blocks()


def test_result_arrays_are_ordinary() -> None:
    f = compiled(add_program(1), "single")
    for n in (0, 3, 1 << 20):
        out = f(np.ones(n), np.ones(n))
        out.resize(n + 5, refcheck=False)
        assert (out[:n] == 2).all() and (out[n:] == 0).all()
        out.resize(2, refcheck=False)
        copy = out.copy()
        copy[...] = 7
        assert out.base is None and out.flags.owndata and out.flags.writeable


def test_upgraded_code_gives_the_same() -> None:
    f = compiled(add_program(2))
    x = np.random.default_rng(0).random((9, 11))
    before = f(x, x[::-1])
    runtime().upgrade()
    np.testing.assert_array_equal(before[0], f(x, x[::-1])[0])
    np.testing.assert_array_equal(before[0], compiled(add_program(2))(x, x[::-1])[0])


def test_program_text() -> None:
    executable = compile_program(add_program(1), optimize=True)
    assert "fadd" in executable.text("llvm")
    assert "add" in executable.text("asm")
    with pytest.raises(ValueError, match="what"):
        executable.text("java")


def test_equal_kernels_share_code() -> None:
    first, second = compile_program(add_program(1)), compile_program(add_program(1))
    assert first.text() == second.text()
    codes = {id(k.code) for e in (first, second) for k in e._image.kernels.values()}
    assert len(codes) == 1


def test_a_kernel_without_results_in_a_long_program() -> None:
    """A thousand steps: one frame on the heap, time linear."""
    kernel = elementwise("neg", ["float64"], "float64", 1)
    first = last = Buffer(0, "float64", (None,))
    steps = []
    for n in range(1000):
        out = Buffer(n + 1, "float64", (None,))
        steps.append(KernelStep(inputs=[last], outputs=[out], kernel=kernel))
        last = out
    program = Program(
        inputs=[ProgramInput(first)], outputs=[ProgramOutput(last)], constants=[], steps=steps, commit_from=1000
    )
    assert compiled(program, "single")(np.arange(3.0)).tolist() == [0, 1, 2]


def test_result_of_a_constant_is_a_copy() -> None:
    c = Buffer(0, "float64", (None,))
    value = np.arange(3.0)
    program = Program(inputs=[], outputs=[ProgramOutput(c)], constants=[(c, value)], steps=[], commit_from=0)
    f = compiled(program, "single")
    out = f()
    out[...] = 9
    assert f().tolist() == [0, 1, 2] and value.tolist() == [0, 1, 2]


def test_scatter_result_needs_no_kernel_input() -> None:
    kernel = Kernel(0, (Operand("int32", ()),), 0, (Instr("const", "int32", (), 7),), (Result("store", 0),))
    out = Buffer(0, "int32", ())
    step = KernelStep(inputs=[], outputs=[out], kernel=kernel)
    program = Program(inputs=[], outputs=[ProgramOutput(out)], constants=[], steps=[step], commit_from=1)
    assert compiled(program, "single")() == 7
