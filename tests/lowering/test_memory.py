"""The memory plan: what is overwritten, what is copied, when memory is given back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from memory_runner import MemoryRunner
from programs import assert_same, check, kernels, program_of, run_native, steps

import theano.tensor as T
from theano.graph.evaluate import evaluate
from theano.graph.node import Apply
from theano.graph.op import Op
from theano.lowering.program import CallStep, FreeStep, PyCallStep, ViewStep

x, y = T.dmatrix("x"), T.dmatrix("y")
v, w = T.dvector("v"), T.dvector("w")
X = np.arange(12.0).reshape(3, 4) / 7
V = np.arange(4.0) - 1.5


def updated(
    inputs: Sequence[Any], updates: dict[Any, Any], values: Sequence[np.ndarray], outputs: Sequence[Any] = ()
) -> Any:
    """Run a Program with storages natively and with NumPy; returns it."""
    place = {variable: position for position, variable in enumerate(inputs)}
    every = [*outputs, *updates.values()]
    expected = evaluate(every, dict(zip(inputs, values)))
    for run in (lambda program, args: MemoryRunner(program).run(*args), run_native):
        cells = {place[s]: [np.array(values[place[s]])] for s in updates}
        program = program_of(
            inputs, every, storages=cells,
            updates={len(outputs) + n: cells[place[s]] for n, s in enumerate(updates)},
        )
        arguments = [np.array(value) for n, value in enumerate(values) if n not in cells]
        results = run(program, arguments)
        assert_same(results, expected[:len(outputs)])
        assert_same([cells[place[s]][0] for s in updates], expected[len(outputs):])
        assert_same(arguments, [value for n, value in enumerate(values) if n not in cells])
    return program


def committed(program: Any) -> list[Any]:
    return [step for step in program.steps[program.commit_from:] if not isinstance(step, FreeStep)]


def test_a_dying_temporary_is_taken_over() -> None:
    program = check([x], [T.tanh(T.dot(x, x.T))], [X])
    (kernel,) = kernels(program)
    assert kernel.inplace == {0: 0}


def test_arguments_and_constants_are_never_overwritten() -> None:
    program = check([v], [T.exp(v) + T.constant(V)], [V])
    assert all(not k.inplace for k in kernels(program))


def test_what_is_read_later_is_not_overwritten() -> None:
    product = T.dot(x, x.T)
    program = check([x], [T.exp(product), T.dot(product, product)], [X])
    produced = steps(program, CallStep)[0].outputs[0]
    users = [k for k in kernels(program) if produced in k.inputs]
    last = max(n for n, s in enumerate(program.steps) if produced in s.inputs and not isinstance(s, FreeStep))
    assert all(not k.inplace for k in users if program.steps.index(k) < last)


def test_a_view_keeps_its_memory_alive() -> None:
    product = T.dot(x, x.T)
    check([x], [T.dot(product[1:], T.exp(product[:, ::-1]))], [X])
    check([x], [T.exp(product).reshape((-1,))[::2] + product.reshape((-1,))[::2]], [X])


def test_an_update_is_written_in_place() -> None:
    program = updated([v, w], {v: v - 0.1 * w}, [V, np.cos(V)])
    (step,) = committed(program)
    assert step.inplace == {0: step.inputs.index(program.inputs[0].buffer)}


def test_momentum_updates_share_one_kernel_in_place() -> None:
    g, m = T.dvector("g"), T.dvector("m")
    new = 0.9 * m - 0.1 * g
    program = updated([g, m, v], {m: new, v: v + new}, [V, V + 1, V - 1])
    (step,) = committed(program)
    assert len(step.inplace) == 2


def test_an_exchange_is_right() -> None:
    updated([v, w], {v: w, w: v}, [V, V + 1])


def test_a_circle_of_updates_is_right() -> None:
    a, b, c = T.dvector("a"), T.dvector("b"), T.dmatrix("c")
    program = updated(
        [a, b, c], {a: a + T.exp(b).sum() + c.sum(), b: b * a.sum(), c: c - a.sum() * b.sum()}, [V, V + 1, X]
    )
    assert committed(program)


def test_an_update_whose_new_value_is_needed_elsewhere() -> None:
    new = v * 2
    updated([v, x], {v: new}, [V, X], outputs=[T.dot(x, new), new])


def test_an_update_that_reads_itself_in_another_order_is_not_in_place() -> None:
    program = updated([v], {v: T.exp(v[::-1])}, [V])
    assert not committed(program)
    square = np.arange(9.0).reshape(3, 3)
    program = updated([x], {x: x.T + 1}, [square])
    assert not committed(program)


def test_an_update_of_what_others_read_runs_after_them() -> None:
    program = updated([x, v], {v: v + 1}, [X, V], outputs=[T.dot(x, v), v, v[::-1]])
    assert len(committed(program)) == 1


def test_rows_are_updated_in_place() -> None:
    i = T.lvector("i")
    program = updated([x, i], {x: T.inc_subtensor(x[i], 1.0)}, [X, np.array([0, 2, 2])])
    (step,) = committed(program)
    assert step.inplace
    k = T.lscalar("k")
    program = updated([x, k], {x: T.set_subtensor(x[k], 7.0)}, [X, np.array(-1)])
    (step,) = [s for s in committed(program) if not isinstance(s, ViewStep)]
    assert step.inplace
    assert kernels(program) == [step]


def test_a_product_is_added_in_place() -> None:
    from theano.tensor.blas import gemm

    a, b = T.dmatrix("a"), T.dmatrix("b")
    new = gemm(x, np.float64(-0.5), a, b, np.float64(1.0))
    program = updated([x, a, b], {x: new}, [X, X[:, :2] + 1, X[:2] - 1])
    (step,) = committed(program)
    assert isinstance(step, CallStep)
    assert step.inplace


def test_nothing_in_place_where_the_dtype_changes() -> None:
    i = T.ivector("i")
    updated([i], {i: T.cast(i * 2.5, "int32")}, [np.arange(4, dtype="int32")])


@pytest.mark.parametrize(
    "expression", [x, x.T, x[1:], T.constant(X), x.reshape((-1,)), T.exp(x).T, T.exp(x)[1:], x[None]], ids=str
)
def test_results_own_their_memory(expression: Any) -> None:
    program = program_of([x], [expression, expression])
    for run in (lambda program, args: MemoryRunner(program).run(*args), run_native):
        a, b = run(program, [X])
        assert not np.shares_memory(a, X)
        assert not np.shares_memory(a, b)
        assert a.flags.writeable
        (expected,) = evaluate([expression], {x: X})
        assert_same([a, b], [expected, expected])


def test_borrowed_results_may_be_views() -> None:
    program = program_of([x], [x[1:]], borrow={0})
    assert not kernels(program)
    (result,) = MemoryRunner(program).run(X)
    assert np.shares_memory(result, X)


def test_borrowing_never_exposes_a_storage() -> None:
    cell = [np.array(X)]
    program = program_of([x], [x.T], storages={0: cell}, borrow={0})
    (result,) = MemoryRunner(program).run()
    assert not np.shares_memory(result, cell[0])


def test_temporaries_are_given_back_after_their_last_use() -> None:
    z = x
    for _ in range(10):
        z = T.tanh(T.dot(z, x.T)).dot(x)
    program = check([x], [z.sum()], [X])
    alive = most = 0
    for step in program.steps:
        if isinstance(step, FreeStep):
            alive -= len(step.inputs)
        elif not isinstance(step, ViewStep):
            alive += len(step.outputs) - len(getattr(step, "inplace", {}) or {})
        most = max(most, alive)
    assert most <= 3


def test_set_subtensor_works_in_memory_that_dies() -> None:
    program = check([x], [T.set_subtensor(T.exp(x)[1:], 0.0)], [X])
    assert len(kernels(program)) == 2
    program = check([x], [T.set_subtensor(x[1:], 0.0), x * 2], [X])
    assert len(kernels(program)) == 3
    zeros = T.zeros_like(x)
    check([x], [T.inc_subtensor(T.inc_subtensor(zeros[:2], x[:2])[1:], 5.0), zeros], [X])
    e = T.exp(x)
    check([x], [T.set_subtensor(e[1:], e[:-1]), T.set_subtensor(e[0], e[1])], [X])


class Reverse(Op):
    """A user's view op."""

    __props__ = ()
    view_map = {0: [0]}

    def make_node(self, a: Any) -> Apply:
        return Apply(self, [a], [a.type()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        output_storage[0][0] = inputs[0][::-1]


class AddOne(Op):
    """A user's op that works in place."""

    __props__ = ()
    destroy_map = {0: [0]}

    def make_node(self, a: Any) -> Apply:
        return Apply(self, [a], [a.type()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        inputs[0][...] += 1
        output_storage[0][0] = inputs[0]


def test_views_of_users_are_honoured() -> None:
    r = Reverse()(v)
    check([v], [r, T.exp(r), Reverse()(T.exp(v)) + T.exp(v)], [V])
    updated([v], {v: v * 2}, [V], outputs=[Reverse()(v)])


def test_destruction_by_users_is_honoured() -> None:
    e = T.exp(v)
    check([v], [AddOne()(v), AddOne()(e), e, AddOne()(AddOne()(e)) * e], [V])
    updated([v], {v: AddOne()(v)}, [V], outputs=[v])
    program = check([v], [AddOne()(T.exp(v)).sum()], [V])
    assert len(kernels(program)) == 2          # no copy: the temporary dies
    assert steps(program, PyCallStep)[0].mutable == (0,)
