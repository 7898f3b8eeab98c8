"""Products computed by panels of rows, with the kernels behind them: the bits of the whole, whatever the panels."""

from __future__ import annotations

import ctypes
import dataclasses
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from native_kernels import layouts

import theano
import theano.tensor as T
from theano.backends.native import runtime_threads, target, thread_count
from theano.backends.native.runtime import cache_room, runtime
from theano.graph.fgraph import FunctionGraph
from theano.lowering import blocking
from theano.lowering.lower import lower
from theano.lowering.memory_plan import MemoryPlanner
from theano.lowering.program import CallStep, FreeStep, KernelStep
from theano.lowering.verify import ProgramError, verify

NEVER = 1 << 60


class Panels:
    """Sets how large a panel is, and counts the products that are computed so."""

    def __init__(self) -> None:
        self.room = cache_room()
        self.count = 0

    def whole(self) -> None:
        self.room[2] = NEVER

    def of(self, size: int) -> None:
        """As many rows as touch so many bytes."""
        self.room[0], self.room[2] = size, 1


@pytest.fixture
def panels() -> Iterator[Panels]:
    if target.host().vector_bytes < 32:
        pytest.skip("all large products are BLAS's on this processor")
    found = Panels()
    before, threads = list(found.room), thread_count._word[0]
    native = runtime()
    native._load_panels()
    native.upgrade()  # which publishes it anew: not while products are counted
    address = native._panels[0]
    kind = ctypes.PYFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
    run = kind(address)

    def counted(frame: int, step: int) -> int:
        found.count += 1
        return int(run(frame, step))

    callback = kind(counted)
    native._panels[0] = ctypes.cast(callback, ctypes.c_void_p).value or 0
    with theano.change_flags(openmp_elemwise_minsize=0):
        yield found
    native._panels[0] = address
    found.room[:] = before
    thread_count.set_threads(threads)


def numbers(dtype: str, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def same_bits(a: Any, b: Any) -> None:
    for x, y in zip(*([v] if isinstance(v, np.ndarray) else v for v in (a, b)), strict=True):
        assert x.dtype == y.dtype and x.shape == y.shape
        assert x.tobytes() == y.tobytes()


EXPRESSIONS: dict[str, Callable[..., Any]] = {
    "bias": lambda p, b, c, u, v: p + b,
    "tanh": lambda p, b, c, u, v: T.tanh(p + b),
    "column": lambda p, b, c, u, v: T.nnet.sigmoid(p * c.dimshuffle(0, "x") + b),
    "one column": lambda p, b, c, u, v: T.nnet.relu(p - c.dimshuffle(0, "x")),
    "two operands": lambda p, b, c, u, v: p * u - T.exp(-p * v),
    "scaled": lambda p, b, c, u, v: T.sqr(p * b[0]),
    "both kept": lambda p, b, c, u, v: [p, p + b, p * u],
    "softmax": lambda p, b, c, u, v: T.nnet.softmax(p + b),
    "rows": lambda p, b, c, u, v: (p - p.mean(axis=1, keepdims=True)) / (1 + p.var(axis=1, keepdims=True)),
    "sums": lambda p, b, c, u, v: T.sqr(p + b).sum(axis=1),
}
NEVER_PANELS = ("sums",)  # a kernel which sums is no panel's, unless others follow
CHEAP = ("bias", "one column", "scaled", "both kept")  # these wait for memory
# rows, terms, columns; the second for cheap kernels only
SIZES = [(3001, 16, 70), (2500, 33, 70), (9000, 3, 90), (1100, 7, 300), (6000, 4, 67)]


def arrays_of(dtype: str, m: int, inner: int, n: int) -> list[np.ndarray]:
    shapes = [(m, inner), (inner, n), (n,), (m,), (m, n), (m, n)]
    return [numbers(dtype, *shape, seed=seed) for seed, shape in enumerate(shapes)]


def inputs_of(dtype: str) -> list[Any]:
    kinds = (T.matrix, T.matrix, T.vector, T.vector, T.matrix, T.matrix)
    return [kind(name, dtype) for kind, name in zip(kinds, "xwbcuv")]


def function_of(dtype: str, expression: Callable[..., Any], mode: Any = None) -> Any:
    x, w, *rest = inputs_of(dtype)
    return theano.function([x, w, *rest], expression(T.dot(x, w), *rest), mode=mode, on_unused_input="ignore")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_panels_change_no_bit(name: str, dtype: str, panels: Panels) -> None:
    f, oracle = (function_of(dtype, EXPRESSIONS[name], mode) for mode in (None, "reference"))
    for m, inner, n in SIZES:
        arrays = arrays_of(dtype, m, inner, n)
        panels.whole()
        panels.count = 0
        thread_count.set_threads(1)
        wanted = f(*arrays)
        assert panels.count == 0
        tolerance = 1e-4 if dtype == "float32" else 1e-12
        for got, known in zip(*(r if isinstance(r, list) else [r] for r in (wanted, oracle(*arrays))), strict=True):
            np.testing.assert_allclose(got, known, rtol=tolerance, atol=tolerance)
        for size in (60000, 150000, 400000):
            for threads in (1, 2, 3):
                panels.of(size)
                thread_count.set_threads(threads)
                thread_count._crew[runtime_threads.CREW_PAUSE // 8] = 0
                same_bits(f(*arrays), wanted)
        assert panels.count == (0 if name in NEVER_PANELS or (inner > 16 and name not in CHEAP) else 9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_operands_that_lie_otherwise(dtype: str, panels: Panels) -> None:
    f = function_of(dtype, lambda p, b, c, u, v: [T.tanh(p + b) * u, p * c.dimshuffle(0, "x") - v])
    x, w, b, c, u, v = arrays_of(dtype, 1500, 12, 80)
    named = [layouts(array) for array in (x, w, b, c, u, v)]
    for number in range(max(map(len, named))):
        arrays = [list(kinds.values())[number % len(kinds)] for kinds in named]
        for changed in (arrays, [arrays[0], w, b, c, u, v], [x, arrays[1], b, c, u, v], [x, w, *arrays[2:]]):
            panels.whole()
            wanted = f(*changed)
            panels.of(100000)
            same_bits(f(*changed), wanted)
    assert panels.count == 16


def test_products_that_are_scaled_and_added(panels: Panels) -> None:
    """A gemm which works in the memory of what it adds, and one that may not."""
    x, w, s, h, r = T.dmatrix("x"), T.dmatrix("w"), T.dscalar("s"), T.dmatrix("h"), T.dmatrix("r")
    gates = theano.function([x, w, h, r], T.nnet.relu(T.dot(x, w) + T.dot(h, r)))
    onto = theano.function([x, w, s, h], T.tanh(s * T.dot(x, w) + 0.5 * h))
    X, W, H, R = (numbers("float64", *shape) for shape in ((2000, 30), (30, 40), (2000, 20), (20, 40)))
    G = numbers("float64", 2000, 40, seed=1)
    for size in (NEVER, 60000):
        if size == NEVER:
            panels.whole()
        else:
            panels.of(size)
        np.testing.assert_allclose(gates(X, W, H, R), np.maximum(X @ W + H @ R, 0), rtol=1e-11, atol=1e-11)
        np.testing.assert_allclose(onto(X, W, 0.1, G), np.tanh(0.1 * (X @ W) + 0.5 * G), rtol=1e-11)
        assert (panels.count > 0) == (size != NEVER)


def test_layers_and_their_gradients(panels: Panels) -> None:
    x, *weights = T.dmatrix("x"), T.dmatrix("u"), T.dmatrix("v"), T.dvector("a"), T.dvector("b")
    u, v, a, b = weights
    cost = T.sqr(T.tanh(T.dot(T.tanh(T.dot(x, u) + a), v) + b)).mean()
    f = theano.function([x, *weights], [cost, *T.grad(cost, [x, *weights])])
    arrays = [numbers("float64", *s, seed=n) / 3 for n, s in enumerate([(3000, 10), (10, 40), (40, 9), (40,), (9,)])]
    panels.whole()
    wanted = f(*arrays)
    panels.of(50000)
    same_bits([np.asarray(r) for r in f(*arrays)], [np.asarray(r) for r in wanted])
    assert panels.count >= 2


def test_calls_at_the_same_time(panels: Panels) -> None:
    f = function_of("float64", EXPRESSIONS["tanh"])
    arrays = arrays_of("float64", 4000, 9, 80)
    panels.whole()
    wanted = f(*arrays)
    panels.of(100000)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: f(*arrays), range(24)):
            same_bits(found, wanted)
    assert panels.count == 24


def test_few_or_no_rows_columns_and_terms(panels: Panels) -> None:
    f = function_of("float64", EXPRESSIONS["both kept"])
    oracle = function_of("float64", EXPRESSIONS["both kept"], "reference")
    panels.of(3000)
    for m, inner, n in [(0, 3, 4), (3, 0, 4), (3, 4, 0), (1, 30, 5), (30, 5, 1), (100000, 2, 1), (1, 1, 1), (17, 2, 3)]:
        arrays = arrays_of("float64", m, inner, n)
        for got, wanted in zip(f(*arrays), oracle(*arrays), strict=True):
            assert got.shape == wanted.shape
            np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-12)


def test_special_values(panels: Panels) -> None:
    f = function_of("float64", EXPRESSIONS["tanh"])
    arrays = arrays_of("float64", 3000, 16, 40)
    arrays[0][5, 3], arrays[0][2999, 0], arrays[1][2, 7], arrays[2][1] = np.nan, np.inf, -np.inf, np.inf
    panels.whole()
    wanted = f(*arrays)
    panels.of(60000)
    same_bits(f(*arrays), wanted)
    assert panels.count == 1


@pytest.mark.parametrize(("which", "shape"), [(1, (15, 40)), (2, (39,)), (3, (2999,)), (4, (3000, 39)), (4, (2999, 40)),
                                              (5, (1, 40)), (2, (1,))])  # fmt: skip
def test_lengths_that_do_not_fit(which: int, shape: tuple[int, ...], panels: Panels) -> None:
    f = function_of("float64", lambda p, b, c, u, v: T.tanh(p + b) * u - v * c.dimshuffle(0, "x"))
    arrays = arrays_of("float64", 3000, 16, 40)
    arrays[which] = numbers("float64", *shape)
    found = []
    for size in (NEVER, 60000):
        if size == NEVER:
            panels.whole()
        else:
            panels.of(size)
        with pytest.raises(ValueError) as caught:
            f(*arrays)
        found.append(str(caught.value))
    assert found[0] == found[1]
    assert panels.count == 0


def program_of(inputs: list[Any], outputs: list[Any]) -> Any:
    program = lower(FunctionGraph(inputs, outputs), storages={}, updates={})
    verify(program)
    return program


def kinds_of(program: Any) -> list[list[str]]:
    return [
        [type(step).__name__ for step in program.steps[group.start : group.stop]] for group in program.row_groups
    ]


def test_which_kernels_belong_to_a_product() -> None:
    x, w, b, u = T.dmatrix("x"), T.dmatrix("w"), T.dvector("b"), T.dmatrix("u")
    p = T.dot(x, w)
    assert kinds_of(program_of([x, w, b], [T.tanh(p + b)])) == [["CallStep", "KernelStep"]]
    assert kinds_of(program_of([x, w, b], [T.tanh(p.T + b)])) == [["CallStep", "KernelStep"]]
    assert "rows (i0, i0)" in str(program_of([x, w, b], [T.tanh(p + b)]))
    # sums over rows need all of them; sums of rows are divided as ever, and bits depend on that
    assert kinds_of(program_of([x, w], [T.exp(p).sum(axis=0)])) == []
    assert kinds_of(program_of([x, w], [T.exp(p).sum(axis=1)])) == []
    # nothing of the product is read
    assert kinds_of(program_of([x, w, u], [p, T.tanh(u)])) == []
    # kernels that are a group by their columns stay one
    (group,) = program_of([x, w], [p - p.mean(axis=0)]).row_groups
    assert group.axes[0] == 1


def test_a_group_makes_no_more_memory() -> None:
    """What the product is the last to need is given back after the group: so nothing new is made in it then."""
    x, w, v, b = T.dmatrix("x"), T.dmatrix("w"), T.dmatrix("v"), T.dvector("b")
    h = T.tanh(T.dot(x, w) + b)
    p = T.dot(h, v)
    values = [np.ones((1000, 20)), np.ones((20, 50)), np.ones((50, 30)), np.ones(50)]
    for outputs in ([T.tanh(p)], [p, T.tanh(p)], [T.nnet.softmax(p)], [p, T.nnet.softmax(p)], [T.cast(p, "float32")]):
        inputs = [x, w, v, b]
        program = program_of(inputs, outputs)
        assert any(isinstance(program.steps[group.start], CallStep) for group in program.row_groups)
        for group in program.row_groups:
            assert not any(isinstance(s, FreeStep) for s in program.steps[group.start : group.stop])
        planned = MemoryPlanner(program, values, [False] * 4).run()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("theano.lowering.lower.group_rows", lambda steps, commit_from: (list(steps), []))
            without = MemoryPlanner(program_of(inputs, outputs), values, [False] * 4).run()
        assert planned.peak == without.peak


def test_the_memory_plan_knows_of_panels(panels: Panels) -> None:
    x, w, b = T.dmatrix("x"), T.dmatrix("w"), T.dvector("b")
    f = theano.function([x, w, b], T.tanh(T.dot(x, w) + b))
    thread_count.set_threads(1)
    panels.of(100000)
    panels.room[2] = 3000 * 50 * 8
    for rows, inner, panel in [(3000, 8, 104096), (2999, 8, 0), (3000, 17, 0)]:
        plan = f.memory_plan((rows, inner), (inner, 50), (50,))
        assert plan.peak == rows * 50 * 8 + panel
    f(np.ones((3000, 8)), np.ones((8, 50)), np.ones(50))
    assert panels.count == 1


def test_verify_refuses_wrong_groups() -> None:
    x, w, b = T.dmatrix("x"), T.dmatrix("w"), T.dvector("b")
    program = program_of([x, w, b], [T.tanh(T.dot(x, w) + b)])
    (group,) = program.row_groups
    kernel = program.steps[group.stop - 1]
    assert isinstance(kernel, KernelStep)
    for wrong in (
        dataclasses.replace(group, axes=(1, 0)),
        dataclasses.replace(group, axes=(0, 1)),
        dataclasses.replace(group, axes=(None, 0)),
    ):
        program.row_groups[:] = [wrong]
        with pytest.raises(ProgramError):
            verify(program)
    program.row_groups[:] = [group]
    verify(program)
    assert blocking.group_rows(program.steps, 0) == (program.steps, [])
