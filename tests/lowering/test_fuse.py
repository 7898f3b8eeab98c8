"""Which work shares a kernel."""

from __future__ import annotations

import numpy as np
from programs import check, kernels, program_of, python_calls, steps

import theano.tensor as T
from theano.lowering.program import CallStep, FreeStep

x, y = T.dmatrix("x"), T.dmatrix("y")
v, w = T.dvector("v"), T.dvector("w")
s = T.dscalar("s")
X = np.arange(12.0).reshape(3, 4) / 7
Y = np.cos(X)
V = np.arange(4.0) - 1.5


def test_a_chain_is_one_kernel() -> None:
    program = check([x], [T.exp(x) * 2 + T.tanh(x)], [X])
    assert len(program.steps) == 1


def test_broadcast_operands_are_read_in_place() -> None:
    program = check([x, v, s], [T.exp(x + v) * s - v.dimshuffle("x", 0)], [X, V, 2.0])
    assert len(program.steps) == 1


def test_transposes_and_slices_are_read_in_place() -> None:
    program = check([x, y], [x.T + T.exp(y).T], [X, Y])
    assert len(program.steps) == 1
    program = check([x], [x[1:, ::-1] * 2], [X])
    assert len(kernels(program)) == 1
    assert not python_calls(program)


def test_several_outputs_share_a_kernel() -> None:
    e = T.exp(x)
    program = check([x, y], [e + y, e * y, e], [X, Y])
    assert len(kernels(program)) == 1


def test_reductions_join_what_feeds_them() -> None:
    e = T.exp(x)
    program = check([x], [e.sum(), e.max(), (e * e).sum()], [X])
    assert len(kernels(program)) == 1


def test_reductions_over_different_axes_do_not_share() -> None:
    program = check([x], [x.sum(axis=0), x.sum(axis=1)], [X])
    assert len(kernels(program)) == 2


def test_variance_is_two_passes() -> None:
    program = check([x], [((x - x.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)], [X])
    big = [k for k in kernels(program) if k.kernel.rank == 2]
    assert len(big) == 2


def test_expensive_producers_are_not_recomputed_in_a_broadcast() -> None:
    program = check([v, x], [T.exp(v) + x], [V, X])
    assert [k.kernel.rank for k in kernels(program)] == [1, 2]


def test_trivial_producers_are() -> None:
    program = check([v, x], [-v + x], [V, X])
    assert [k.kernel.rank for k in kernels(program)] == [2]


def test_a_producer_read_in_two_orders_is_stored() -> None:
    e = T.exp(x)
    square = np.arange(9.0).reshape(3, 3) / 5
    program = check([x], [e + e.T], [square])
    assert len(kernels(program)) == 2


def test_cheap_values_are_computed_anew_for_separate_kernels() -> None:
    shifted = x + 1.0
    program = check([x], [T.exp(shifted).sum(axis=0), T.dot(T.tanh(shifted), v[:0] if False else shifted.T)], [X])
    assert len(steps(program, CallStep)) == 1


def test_gathers_take_part() -> None:
    i = T.lvector("i")
    program = check([x, i], [T.exp(x[i]) * 2], [X, np.array([0, 2, -1])])
    assert len(kernels(program)) == 1
    program = check([x, i], [T.log(x + 1)[T.arange(i.shape[0]), i].sum()], [X, np.array([0, 2, 1])])
    assert len(kernels(program)) == 2


def test_constant_arrays_cost_no_memory() -> None:
    program = check([x], [x + T.zeros((3, 4)) + T.arange(4) + T.eye(3, 4)], [X])
    assert len(kernels(program)) == 1
    program = check([x], [x + T.zeros_like(x) + T.fill(x, 2.0)], [X])
    assert len(kernels(program)) == 1


def test_long_chains_are_cut_into_kernels_of_bounded_size() -> None:
    z = x
    for k in range(1000):
        z = T.sin(z) if k % 2 else z * 1.01
    program = check([x], [z], [X])
    assert 4 <= len(kernels(program)) <= 10
    assert all(len(k.kernel.body) < 600 for k in kernels(program))
    # one temporary at a time: each kernel takes over the memory of the one before
    assert not steps(program, FreeStep)


def test_many_operands_are_bounded() -> None:
    many = [T.dvector(f"a{k}") for k in range(60)]
    total = many[0]
    for a in many[1:]:
        total = total + T.exp(a)
    program = check(many, [total], [V + k / 60 for k in range(60)])
    assert all(len(k.kernel.operands) <= 24 for k in kernels(program))


def test_lowering_is_linear_in_instructions() -> None:
    """Twice the graph gives twice the steps, not four times the work inside one."""
    counts = []
    for n in (500, 1000):
        z = v
        for k in range(n):
            z = T.exp(z) * 0.1 + v if k % 3 else T.tanh(z)
        counts.append(sum(len(k.kernel.body) for k in kernels(program_of([v], [z]))))
    assert counts[1] < 2.2 * counts[0]


def test_siblings_that_read_the_same_data_are_united() -> None:
    total = x.sum()
    program = check([x, y], [T.dot(x, y.T) * total, T.exp(x)], [X, Y])
    assert len([k for k in kernels(program) if k.inputs[0] is program.inputs[0].buffer]) == 1


def test_fusion_can_be_switched_off() -> None:
    program = program_of([x], [T.exp(x) * 2 + 1], fuse=False)
    assert len(kernels(program)) == 3
