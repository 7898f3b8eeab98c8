"""Functions of numbers: kernels without axes, the short way of a call, and result arrays with their element in them."""

from __future__ import annotations

import copy
import gc
import pickle
import sys
import threading
import weakref

import numpy as np
import pytest
from native_kernels import check, compiled, elementwise, fail, kernel_program
from test_native_elementwise import BINARY, UNARY, samples

import theano
import theano.tensor as T
from theano.backends.native import compile_program
from theano.backends.native import runtime_core as core
from theano.backends.native.point_text import goes_over_a_point
from theano.backends.native.runtime import runtime
from theano.lowering.kernel import Instr, Kernel, Operand, Result
from theano.lowering.program import Buffer, KernelStep, Program, ProgramInput, ProgramOutput


def takes_the_short_way(function: theano.compile.Function) -> bool:
    image = function.fn.executable._image
    return bool(image.array[(image.address - image.array.ctypes.data + core.PROGRAM_POINTS) // 8])


def counter(start: float = 0.0) -> tuple:
    state = theano.shared(np.float64(start), name="state")
    inc = T.dscalar("inc")
    f = theano.function([inc], state, updates=[(state, state + inc)])
    assert takes_the_short_way(f)
    return f, state


@pytest.mark.parametrize(("op", "dtype", "result"), UNARY + BINARY)
def test_opcodes(op: str, dtype: str, result: str) -> None:
    count = 1 if (op, dtype, result) in UNARY else 2
    kernel = elementwise(op, [dtype] * count, result, 0)
    assert goes_over_a_point(kernel)
    f = compiled(kernel_program(kernel))
    many = compiled(kernel_program(elementwise(op, [dtype] * count, result, 1)))
    args = [samples(dtype, 40, seed) for seed in range(count)]
    whole = many(*args)[0]
    for n, point in enumerate(zip(*args, strict=True)):
        (found,) = f(*map(np.array, point))
        assert found.dtype == result and found.shape == ()
        assert np.asarray(found).tobytes() == whole[n].tobytes() or (np.isnan(found) and np.isnan(whole[n])), point


@pytest.mark.parametrize("dtype", ["bool", "int8", "int64", "float16", "float64", "complex64", "complex128"])
def test_temporaries_of_every_size(dtype: str) -> None:
    """Each has room of its own: copies of the arguments are made before anything reads them."""
    point = Operand(dtype, ())
    copy_of = Kernel(0, (point, point), 1, (Instr("load", dtype, (), 0),), (Result("store", 0),))
    arguments, copies, results = ([Buffer(10 * group + n, dtype, ()) for n in range(5)] for group in range(3))
    steps = [
        KernelStep(inputs=[a], outputs=[b], kernel=copy_of)
        for a, b in zip([*arguments, *copies], [*copies, *results], strict=True)
    ]
    program = Program(
        inputs=[ProgramInput(b) for b in arguments], outputs=[ProgramOutput(b) for b in results], constants=[],
        steps=steps, commit_from=len(steps),
    )  # fmt: skip
    values = [np.array(1.5 + n - (2j * n if "complex" in dtype else 0)).astype(dtype) for n in range(5)]
    np.testing.assert_array_equal(compiled(program)(*values), values)


def test_complex_powers_of_numbers() -> None:
    x, n = T.zscalar("x"), T.zscalar("n")
    f = theano.function([x, n], x**n * x**x, mode=theano.Mode("native", None))
    assert takes_the_short_way(f)
    a, b = np.array(-1j + 0.0), np.array(3 + 0j)
    np.testing.assert_allclose(f(a, b), a**b * a**a, rtol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["exp", "log", "sin", "tanh", "erf", "gammaln", "log1p", "sqrt"])
def test_functions_give_the_bits_that_they_give_for_vectors(name: str, dtype: str) -> None:
    x, v = T.scalar(dtype=dtype), T.vector(dtype=dtype)
    f, g = theano.function([x], getattr(T, name)(x)), theano.function([v], getattr(T, name)(v))
    values = np.abs(samples(dtype, 60))
    assert np.array([f(value) for value in values]).tobytes() == g(values).tobytes()


@pytest.mark.parametrize("source", ["bool", "int8", "uint16", "int64", "float16", "float32", "float64"])
@pytest.mark.parametrize("target", ["bool", "uint8", "int32", "float16", "float64"])
def test_casts(source: str, target: str) -> None:
    body = (Instr("load", source, (), 0), Instr("cast", target, (0,)))
    kernel = Kernel(0, (Operand(source, ()), Operand(target, ())), 1, body, (Result("store", 1),))
    for value in (0, 1, 7):
        check(kernel, [np.array(value, dtype=source)])


def test_choices() -> None:
    x, y = T.dscalars("x", "y")
    f = theano.function([x, y], [T.switch(x > y, x, y), T.clip(x, 0, y), x < y])
    assert [float(r) for r in f(3.0, 2.0)] == [3, 2, 0] and f(1.0, 2.0)[2].dtype == "bool"


def test_results_never_share_memory_with_the_state_or_each_other() -> None:
    f, state = counter()
    results = [f(2.0) for _ in range(5)]
    assert [float(r) for r in results] == [0, 2, 4, 6, 8] and state.get_value() == 10
    results[-1][...] = -1
    assert state.get_value() == 10 and f(1.0) == 10
    held = state.get_value(borrow=True)
    assert f(1.0) == 11 and held == 11 and state.get_value() == 12
    held[...] = 50  # nobody's any more
    assert f(1.0) == 12 and held == 50


def test_the_state_stays_where_it_is_while_nobody_else_holds_it() -> None:
    f, state = counter()
    f(1.0)
    place = state.container.storage[0].ctypes.data
    for _ in range(4):
        f(1.0)
    assert state.container.storage[0].ctypes.data == place


def test_states_of_every_kind() -> None:
    f, state = counter()
    readonly = np.array(3.0)
    readonly.flags.writeable = False
    wide = np.arange(4.0)
    for value, start in ((readonly, 3), (wide[2:3].reshape(()), 2), (np.array(7.0), 7)):
        state.set_value(value, borrow=True)
        assert f(1.0) == start and state.get_value() == start + 1 and value == start
    assert wide.tolist() == [0, 1, 2, 3]


def test_swapped_states_and_new_values() -> None:
    a, b, c = (theano.shared(np.float64(n)) for n in range(3))
    x = T.dscalar()
    f = theano.function([x], [x + a, a * b], updates=[(a, b), (b, a), (c, x * a + b)])
    assert takes_the_short_way(f)
    values = [0.0, 1.0, 2.0]
    for step in (2.0, 3.0, 4.0):
        found = f(step)
        assert [float(r) for r in found] == [step + values[0], values[0] * values[1]]
        values = [values[1], values[0], step * values[0] + values[1]]
        assert [float(s.get_value()) for s in (a, b, c)] == values
    assert len({s.container.storage[0].ctypes.data for s in (a, b, c)}) == 3


def test_chains_of_writes_into_one_state() -> None:
    a = theano.shared(np.float32(1.5))
    x = T.fscalar()
    f = theano.function([x], [a * x], updates=[(a, T.exp(a + x) - a * a)])
    assert takes_the_short_way(f)
    value = np.float32(1.5)
    for step in np.float32([0.5, -1.0, 0.25]):
        assert f(step)[0] == value * step
        value = np.exp(value + step) - value * value
        np.testing.assert_allclose(a.get_value(), value, rtol=1e-6)
        value = np.float32(a.get_value())


def test_arguments_of_every_kind() -> None:
    x, n = T.dscalar(), T.lscalar()
    f = theano.function([x, n], [x * 2, n * 3, T.constant(5.0)])
    for one in (1.5, np.float64(1.5), np.array(1.5), [1.5], np.float32(1.5)):
        if isinstance(one, list):
            with pytest.raises(TypeError):
                f(one, 1)
            continue
        for whole in (4, np.int64(4), np.array(4), np.int8(4), True):
            found = f(one, whole)
            assert [float(r) for r in found] == [3, 3 * int(whole), 5]
    with pytest.raises(TypeError):
        f(1.0, 2**70)
    with pytest.raises(TypeError):
        f(1.0, 1.5)
    with pytest.raises(TypeError):
        f(np.ones(1), 1)


def test_a_state_that_does_not_fit_is_an_error() -> None:
    f, state = counter()
    for wrong in (np.ones(2), np.array(1, dtype=np.int32), "text"):
        state.container.storage[0] = wrong
        with pytest.raises((TypeError, ValueError)):
            f(1.0)
        assert state.container.storage[0] is wrong
    state.set_value(4.0)
    assert f(1.0) == 4


def test_result_arrays_are_ordinary() -> None:
    f, _ = counter(2.5)
    r = f(1.0)
    assert r.flags.owndata and r.flags.writeable and r.flags.aligned and r.flags.c_contiguous and r.flags.f_contiguous
    assert r.base is None and r.nbytes == 8 and sys.getsizeof(r) == sys.getsizeof(np.array(2.5))
    assert sys.getrefcount(r) == 2
    for other in (pickle.loads(pickle.dumps(r)), copy.deepcopy(r), r.copy(), np.array(r), r + 0):
        assert other == 2.5
    assert memoryview(r)[()] == 2.5 and bytes(r.data) == np.float64(2.5).tobytes()
    dead = []
    weak = weakref.ref(r, dead.append)
    view = r.reshape(1)
    del r
    assert not dead and view.tolist() == [2.5]
    del view
    assert dead == [weak]


def test_result_arrays_can_be_resized() -> None:
    f, _ = counter(2.5)
    for length in (0, 1, 2, 5, 3000, 400000):
        r = f(0.0)
        r.resize((length,))
        assert r.tolist() == ([2.5] + [0.0] * (length - 1) if length else [])
        r.resize((2,), refcheck=False)
        assert r.tolist() == ([2.5, 0.0] if length else [0.0, 0.0])
        assert f(0.0) == 2.5


def test_what_is_done_to_a_result_stays_there() -> None:
    f, _ = counter(2.5)
    r = f(0.0)
    r.dtype = np.int64
    r.shape = (1, 1)
    r.flags.writeable = False
    del r
    again = f(0.0)
    assert again == 2.5 and again.dtype == "float64" and again.shape == () and again.flags.writeable


def test_no_reference_is_lost_or_kept() -> None:
    f, _ = counter()
    g = theano.function([], [])
    things = [np.dtype("float64"), None, np.ndarray]
    f(1.0)

    def after_calls() -> bool:
        gc.collect()
        before = [sys.getrefcount(t) for t in things]
        for _ in range(500):
            f(1.0)
            f(np.array(1.0))
            g()
        return all(abs(sys.getrefcount(t) - count) < 20 for t, count in zip(things, before, strict=True))

    assert any(after_calls() for _ in range(3))  # threads that earlier tests left may end meanwhile
    before = [sys.getrefcount(t) for t in things]
    kept = [f(1.0) for _ in range(100)]
    assert sys.getrefcount(things[0]) >= before[0] + 100
    del kept
    assert abs(sys.getrefcount(things[0]) - before[0]) < 20


def test_without_memory_nothing_is_stored() -> None:
    testing = pytest.importorskip("_testcapi")
    a, b = theano.shared(np.float64(1.0)), theano.shared(np.float64(2.0))
    x = T.dscalar()
    f = theano.function([x], [a + x, b * x, a * b], updates=[(a, a + x), (b, a)])
    f(0.0)
    a.set_value(1.0)
    b.set_value(2.0)
    for start in range(40):
        number = np.float64(3.0)
        before = float(a.get_value()), float(b.get_value())
        result = None
        testing.set_nomemory(start, start + 1)
        try:
            result = f(number)
        except MemoryError:
            pass
        finally:
            testing.remove_mem_hooks()
        after = float(a.get_value()), float(b.get_value())
        if result is None:
            assert after == before
        else:
            assert [float(r) for r in result] == [before[0] + 3, before[1] * 3, before[0] * before[1]]
            assert after == (before[0] + 3, before[0])
    assert takes_the_short_way(f)


def test_many_numbers() -> None:
    xs = [T.dscalar() for _ in range(40)]
    f = theano.function(xs, [x * n for n, x in enumerate(xs)] + [sum(xs[1:], xs[0])])
    assert takes_the_short_way(f)
    values = [float(n) for n in range(40)]
    assert [float(r) for r in f(*values)] == [n * n for n in values] + [sum(values)]
    more = [T.dscalar() for _ in range(1100)]
    g = theano.function(more, sum(more[1:], more[0]))
    assert not takes_the_short_way(g)
    assert g(*[1.0] * 1100) == 1100


def test_threads() -> None:
    f, state = counter()
    found: list[list[float]] = [[] for _ in range(6)]

    def work(mine: list[float]) -> None:
        for _ in range(3000):
            mine.append(float(f(1.0)))

    threads = [threading.Thread(target=work, args=(mine,)) for mine in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(n for mine in found for n in mine) == list(range(18000)) and state.get_value() == 18000


def test_a_destructor_that_calls_the_function() -> None:
    """What drops the old state's array may run Python code: the state is whole by then."""
    a, b = theano.shared(np.float64(1.0)), theano.shared(np.float64(10.0))
    f = theano.function([], [a, b], updates=[(a, b), (b, a)])  # new arrays for both
    assert takes_the_short_way(f)
    seen: list[list[float]] = []
    a.set_value(np.array(1.0), borrow=True)
    ref = weakref.ref(a.container.storage[0], lambda _: seen.append([float(r) for r in f()]))
    assert [float(r) for r in f()] == [1, 10] and ref() is None
    assert len(seen) == 1
    assert {float(a.get_value()), float(b.get_value())} <= {1.0, 10.0}


def test_quick_and_good_code_say_the_same() -> None:
    f, _ = counter()
    for n in range(5):
        assert f(1.0) == n
    runtime().upgrade()
    for n in range(5, 10):
        assert f(1.0) == n


def test_without_quickly_made_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where NumPy's arrays are not what machine code knows, there is no plan."""
    monkeypatch.setitem(runtime().known, "POINT_ARRAYS", 0)
    program = kernel_program(elementwise("add", ["float64", "float64"], "float64", 0))
    executable = compile_program(program, optimize=False)
    f = executable.bind(fail, fail, "single")
    image = executable._image
    assert image.array[(image.address - image.array.ctypes.data + core.PROGRAM_POINTS) // 8] == 0
    assert f(1.0, 2.0) == 3
