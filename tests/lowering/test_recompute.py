"""What kernels compute anew, and what is stored for them: both decisions of the cost model, seen in Programs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from programs import check, kernels, program_of

import theano
import theano.tensor as T
from theano.lowering.program import Program
from theano.lowering.recompute import ANEW, LOAD, STORE

x, y = T.dmatrix("x"), T.dmatrix("y")
v = T.dvector("v")
X = np.arange(12.0).reshape(3, 4) / 7
Y = np.cos(X)
V = np.arange(4.0) - 1.5


def stored(program: Program) -> int:
    """How many results of kernels are matrices."""
    return sum(buffer.ndim == 2 for step in kernels(program) for buffer in step.outputs)


def opcodes(program: Program, name: str) -> int:
    return sum(instr.op == name for step in kernels(program) for instr in step.kernel.body)


def both_ways(value: Any) -> list[Any]:
    """Two kernels that cannot be one: sums along different axes."""
    return [value.sum(axis=0), value.sum(axis=1)]


def test_cheap_values_are_computed_in_each_kernel() -> None:
    program = check([x], both_ways(T.sqr(x + 1.0) - 3.0), [X])
    assert (len(kernels(program)), stored(program), opcodes(program, "mul")) == (2, 0, 2)


def test_functions_are_computed_once() -> None:
    for value, name in ((T.exp(x), "math"), (1.0 / (x + 1.0), "div"), (T.sqrt(x + 1.0), "sqrt")):
        program = check([x], both_ways(value), [X])
        assert (stored(program), opcodes(program, name)) == (1, 1)


def test_a_value_of_two_arrays_is_stored_unless_they_are_read_anyway() -> None:
    """For two kernels, loading four arrays costs more than storing one and loading two."""
    assert 2 * (1 + 2 * LOAD) > STORE + 2 * LOAD >= (1 + 2 * LOAD) + (1 + LOAD)
    program = check([x, y], both_ways(x * y), [X, Y])
    assert (stored(program), opcodes(program, "mul")) == (1, 1)
    product = x * y
    program = check([x, y], [product.sum(axis=0), (product + T.exp(y)).sum(axis=1)], [X, Y])
    assert (stored(program), opcodes(program, "mul")) == (0, 2)


@pytest.mark.parametrize("count, anew", [(1, True), (4, True), (ANEW + 1, False)])
def test_what_a_chain_costs(count: int, anew: bool) -> None:
    value = x
    for n in range(count):
        value = T.maximum(value, n / 9) if n % 2 else value + (n + 1.0)
    program = check([x], both_ways(value), [X])
    assert stored(program) == (0 if anew else 1)


def test_what_is_stored_anyway_is_read() -> None:
    value = x + 1.0
    program = check([x], [*both_ways(value), value], [X])
    assert (stored(program), opcodes(program, "add")) == (1, 1)


def test_inside_a_broadcast_one_instruction_is_the_most() -> None:
    program = check([v, x], [(v + 1.0) * x + T.exp(x)], [V, X])
    assert [k.kernel.rank for k in kernels(program)] == [2]
    program = check([v, x], [(T.sqr(v) + 1.0) * x], [V, X])
    assert [k.kernel.rank for k in kernels(program)] == [1, 2]


def test_a_normalised_row_is_computed_anew_in_each_pass_over_it() -> None:
    """Layer norm's gradient: the rows stay in the cache, and no pass writes what the next ones can work out."""
    mean = x.mean(axis=1, keepdims=True)
    scaled = (x - mean) / T.sqrt(T.sqr(x - mean).mean(axis=1, keepdims=True) + 1e-5)
    gradient = T.grad(None, x, known_grads={scaled: y})
    program = check([x, y], [gradient], [X, Y])
    wide = [b for step in kernels(program) for b in step.outputs if b.shape == (None, None)]
    assert len(wide) == 2


def test_what_is_read_at_several_places_is_made_anew_at_all_of_them_or_at_none() -> None:
    """Found by the fuzzer: lengths of a filled array contradicted those of the quotient at one of two places where a
    difference read it, and then neither told the length of an axis."""
    n, m, value = T.lscalar("n"), T.lscalar("m"), T.dscalar("value")
    a = T.alloc(value, n, m)
    out = (a.dimshuffle(0, "x", 1, "x") - a.dimshuffle("x", 0, "x", 1)) / a.dimshuffle("x", "x", 0, 1)
    program = program_of([n, m, value], [out])
    assert len(kernels(program)) == 2
    for mode in (theano.Mode(optimizer=None), "FAST_COMPILE", "FAST_RUN", "reference"):
        f = theano.function([n, m, value], out, mode=mode)
        assert f(3, 3, 2.0).shape == (3, 3, 3, 3) and not f(3, 3, 2.0).any()
        with pytest.raises(ValueError, match="mismatch"):
            f(3, 4, 2.0)
