"""Chains of writes: no copy at a link which nobody else sees, storage overwritten only where that cannot be seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from memory_runner import MemoryRunner
from programs import assert_same, kernels, program_of, run_native, steps

import theano
import theano.tensor as T
from theano.graph.evaluate import evaluate
from theano.lowering.program import CallStep, KernelStep, Program, ViewStep

x, y = T.dmatrix("x"), T.dmatrix("y")
v = T.dvector("v")
i, k = T.lvector("i"), T.lscalar("k")
X = np.arange(20.0).reshape(5, 4) / 7
V = np.arange(4.0) - 1.5
I, K = np.array([3, 0, -1, 3]), np.array(-2)
INPUTS, VALUES = [x, v, i, k, y], [X, V, I, K, np.cos(X)]


def copies(program: Program) -> list[KernelStep]:
    """Kernels that make a whole new array of the storage's or of an intermediate value's size."""
    return [
        step for step in kernels(program)
        if step.base or any(b.ndim == 2 and n not in step.inplace for n, b in enumerate(step.outputs))
    ]


def updated(updates: dict[Any, Any], outputs: Sequence[Any] = (), held: bool = False, fuse: bool = True) -> Program:
    """Run the Program of updates of x and y with NumPy and natively. held: somebody else holds the arrays."""
    place = {variable: position for position, variable in enumerate(INPUTS)}
    every = [*outputs, *updates.values()]
    expected = evaluate(every, dict(zip(INPUTS, VALUES)))
    program = None
    for native in (False, True):
        cells = {place[s]: [np.array(VALUES[place[s]])] for s in updates}
        program = program_of(
            INPUTS, every, storages=cells, fuse=fuse,
            updates={len(outputs) + n: cells[place[s]] for n, s in enumerate(updates)},
        )
        arguments = [np.array(value) for n, value in enumerate(VALUES) if n not in cells]
        holders = [cell[0] for cell in cells.values()] if held and native else []
        addresses = {n: cell[0].ctypes.data for n, cell in cells.items()}
        run = run_native if native else lambda program, args: MemoryRunner(program).run(*args)
        assert_same(run(program, arguments), expected[:len(outputs)])
        assert_same([cells[place[s]][0] for s in updates], expected[len(outputs):])
        for array, n in zip(holders, cells, strict=False):
            assert_same([array], [VALUES[n]])
        if native and not held and not copies(program):
            assert {n: cell[0].ctypes.data for n, cell in cells.items()} == addresses
    assert program is not None
    return program


LINKS = {
    "row": lambda z: T.set_subtensor(z[k], v),
    "rows": lambda z: T.inc_subtensor(z[i], v),
    "slice": lambda z: T.set_subtensor(z[1:4:2, ::-1], 2.0),
    "column": lambda z: T.inc_subtensor(z[:, k], 1.0),
    "pairs": lambda z: T.set_subtensor(z[i, T.arange(4)], v),
    "element": lambda z: T.inc_subtensor(z[k, 1], v[0]),
    "block": lambda z: T.inc_subtensor(z[k:], y[k:] * 2),
}


@pytest.mark.parametrize("second", LINKS)
@pytest.mark.parametrize("first", LINKS)
def test_two_writes_into_a_shared_value_make_no_copy(first: str, second: str) -> None:
    program = updated({x: LINKS[second](LINKS[first](x))})
    assert not copies(program)
    assert program.commit_from < len(program.steps)


def test_ten_writes_into_a_shared_value_make_no_copy() -> None:
    z = x
    for link in (*LINKS.values(), *list(LINKS.values())[::-1]):
        z = link(z)
    assert not copies(updated({x: z}))
    updated({x: z}, held=True)
    updated({x: z}, fuse=False)


def test_writes_into_a_temporary_make_no_copy() -> None:
    z = T.exp(x)
    for link in (*LINKS.values(), *list(LINKS.values())[::-1]):
        z = link(z)
    program = updated({}, [z])
    assert len(copies(program)) == 1         # exp


def test_writes_into_an_argument_make_one_copy() -> None:
    z = x
    for link in LINKS.values():
        z = link(z)
    assert len(copies(updated({}, [z]))) == 1


def test_what_is_written_last_may_be_an_expression_in_place() -> None:
    assert not copies(updated({x: LINKS["rows"](x * 0.9)}))
    assert not copies(updated({x: LINKS["slice"](LINKS["row"](x * 0.9 + y))}))
    assert not copies(updated({x: T.tanh(LINKS["slice"](T.exp(x)))}))


def test_a_link_that_others_need_is_copied() -> None:
    first = LINKS["slice"](x)
    second = LINKS["rows"](first)
    program = updated({x: LINKS["row"](second)}, [first, second.sum()])
    assert copies(program)
    updated({x: LINKS["row"](second), y: first})
    updated({x: first, y: LINKS["row"](first)})
    updated({x: second}, [T.dot(second, v), first[k]])


def test_a_value_read_from_the_same_memory() -> None:
    first = LINKS["slice"](x)
    for z in (x, first, T.exp(x)):
        updated({x: T.set_subtensor(first[1:], z[:-1])})
        updated({x: T.set_subtensor(first[k], z[0] * 2)})
        updated({x: T.inc_subtensor(first[i], z[:-1])})
        updated({x: T.set_subtensor(first[::-1], z)})
        updated({}, [T.set_subtensor(T.set_subtensor(z[1:], z[:-1])[:, 1:], z[:, :-1])])


def test_storages_that_read_each_other() -> None:
    updated({x: LINKS["row"](LINKS["slice"](x)), y: LINKS["rows"](T.inc_subtensor(y[2:], x[2:]))})
    updated({x: T.set_subtensor(LINKS["slice"](x)[0], y[1]), y: T.set_subtensor(LINKS["slice"](y)[0], x[1])})
    updated({x: T.set_subtensor(x[1:], y[1:]), y: T.set_subtensor(y[1:], x[1:])})


def test_a_value_that_is_returned_too() -> None:
    new = T.tanh(v) * 2
    program = updated({x: T.set_subtensor(x[k], new)}, [new])
    assert not copies(program)


def test_what_somebody_holds_stays() -> None:
    for first in LINKS.values():
        updated({x: first(x)}, held=True)
        updated({x: LINKS["slice"](first(x))}, held=True)


def test_a_product_into_memory_that_is_read_through_a_view() -> None:
    from theano.tensor.blas import gemm

    e = T.exp(x)
    square = T.dot(x.T, x)
    updated({}, [gemm(e, np.float64(1.5), e[:, ::-1], square, np.float64(0.5))])
    updated({}, [gemm(LINKS["row"](e), np.float64(1.5), x, square, np.float64(0.5))])
    program = updated({x: gemm(LINKS["row"](x), np.float64(1.5), y, square, np.float64(0.5))})
    assert steps(program, CallStep)


def test_failing_links_leave_the_shared_value_as_it_was() -> None:
    shared = theano.shared(X.copy(), name="shared")
    z = T.inc_subtensor(T.set_subtensor(shared[1:3], v)[i], 1.0)
    f = theano.function([v, i, k], [], updates=[(shared, T.set_subtensor(z[k], 5.0))])
    for rows, row in ((np.array([0, 9]), 0), (np.array([0, 1]), 9)):
        with pytest.raises(IndexError):
            f(V, rows, row)
        assert_same([shared.get_value()], [X])
    with pytest.raises(ValueError):
        f(V[:2], np.array([0]), 0)
    assert_same([shared.get_value()], [X])
    f(V, np.array([0, -1]), 0)
    expected = X.copy()
    expected[1:3] = V
    expected[[0, -1]] += 1
    expected[0] = 5
    assert_same([shared.get_value()], [expected])


@pytest.mark.parametrize("seed", range(60))
def test_random_chains(seed: int) -> None:
    """Links of any kind, values read from anywhere, outputs from anywhere."""
    rng = np.random.default_rng(seed)
    known: list[Any] = [x, y, T.exp(x)]
    links = list(LINKS.values())
    z = x
    for _ in range(int(rng.integers(1, 6))):
        if rng.random() < 0.3:
            source = known[rng.integers(len(known))]
            n = int(rng.integers(1, 4))
            write = T.inc_subtensor if rng.random() < 0.5 else T.set_subtensor
            z = write(z[n:], source[:-n] * 2 if rng.random() < 0.5 else source[:-n])
        elif rng.random() < 0.1:
            z = z * 0.5 + known[rng.integers(len(known))]
        else:
            z = links[rng.integers(len(links))](z)
        known.append(z)
        if rng.random() < 0.1:
            z = known[rng.integers(len(known))]
    outputs = [known[n] for n in rng.integers(len(known), size=int(rng.integers(0, 3)))]
    updates = {x: z}
    if rng.random() < 0.4:
        updates[y] = known[rng.integers(len(known))]
    updated(updates, outputs, held=bool(rng.random() < 0.3), fuse=bool(rng.random() < 0.8))


def test_the_program_tells_what_is_taken_over() -> None:
    program = updated({x: T.set_subtensor(x[1:], 0.0)})
    (own,) = [s for s in steps(program, ViewStep) if s.kind == "own"]
    assert program.steps.index(own) >= program.commit_from
    assert "view b0 own ()" in str(program)
