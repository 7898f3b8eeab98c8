"""Index arrays of which only a call tells whether they broadcast, and arrays beside integers and slices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from programs import check, kernels, program_of, python_calls

import theano
import theano.tensor as T
from theano.lowering.program import KernelStep
from theano.tensor.shape import Rebroadcast

x, y = T.dmatrix("x"), T.dtensor3("y")
i, j = T.lvector("i"), T.lvector("j")
m = T.lmatrix("m")
X = np.arange(20.0).reshape(5, 4) / 7
Y = np.cos(np.arange(120.0)).reshape(5, 4, 6)

LENGTHS = [
    ([0, 4, -1], [3, -4, 0]), ([2], [1, 0, -1]), ([1, 3, 1, 1], [2]), ([2], [3]), ([], []), ([1], []), ([], [2]),
]


def native(inputs: list[Any], output: Any, values: list[Any]) -> Any:
    """`check`, and nothing is left to Python."""
    program = check(inputs, [output], values)
    assert not python_calls(program)
    return program


@pytest.mark.parametrize(("first", "second"), LENGTHS)
@pytest.mark.parametrize("strided", [False, True])
def test_pairs_of_vectors(first: list[int], second: list[int], strided: bool) -> None:
    a, b = np.array(first, "int64"), np.array(second, "int64")
    data = X
    if strided:
        a, b, data = np.repeat(a, 2)[::2], b[::-1].copy()[::-1], np.asfortranarray(X)[::-1]
    native([x, i, j], x[i, j], [data, a, b])
    native([x, i, j], T.inc_subtensor(x[i, j], 2.0), [data, a, b])
    native([x, i, j], T.set_subtensor(x[i, j], 2.0), [data, a, b])
    native([x, i, j], T.exp(x)[i, j] * 2 + T.cast(i.sum(), "float64"), [data, a, b])
    native([x, i, j], T.inc_subtensor(T.exp(x)[i, j], x[i, j]), [data, a, b])


@pytest.mark.parametrize(("rows", "shape"), [([0, 2, -1], (2, 3)), ([1], (2, 3)), ([0, 1, 2], (2, 1)), ([3], (1, 1))])
def test_a_vector_and_a_matrix(rows: list[int], shape: tuple[int, int]) -> None:
    a, b = np.array(rows), np.arange(shape[0] * shape[1]).reshape(shape) % 4
    native([x, i, m], x[i, m], [X, a, b])
    native([y, i, m], y[i, m], [Y, a, b])
    native([y, i, m], y[i, :, m], [Y, a, b])
    native([y, i, m], y[:, i, m], [Y, a, b])
    native([y, i, m], T.inc_subtensor(y[:, i, m], 1.0), [Y, a, b])


def test_arrays_beside_integers_and_slices() -> None:
    a, b = np.array([0, 2, 2]), np.array([3, -1, -1])
    for region in (y[i, 1], y[1, i], y[1:, i], y[::-2, 1, i], y[i, 1:3, j], y[2:, i, j], y[i, j, -1], y[1:3, i, 2]):
        native([y, i, j], region + 0 * T.cast(j.sum(), "float64"), [Y, a, b])
        for write in (T.inc_subtensor, T.set_subtensor):
            native([y, i, j], write(region, 2.5) + 0 * T.cast(j.sum(), "float64"), [Y, a, b])
            native([y, i, j], write(region, region * 2) + 0 * T.cast(j.sum(), "float64"), [Y, a, b])


def test_lengths_that_do_not_fit_are_an_index_error() -> None:
    for output in (x[i, j], T.inc_subtensor(x[i, j], 1.0)):
        f = theano.function([x, i, j], output)
        with pytest.raises(IndexError):
            f(X, np.array([0, 1, 2]), np.array([0, 1]))
        with pytest.raises(IndexError):
            f(X, np.array([0, 5]), np.array([0, 1]))
        with pytest.raises(IndexError):
            f(X, np.array([0, 1]), np.array([-5]))


def test_a_write_beside_a_slice_is_one_kernel_in_place() -> None:
    program = program_of([y, i], [T.inc_subtensor(T.exp(y)[1:, i], 1.0)])
    assert [bool(k.inplace) for k in kernels(program)] == [False, True]
    assert all(isinstance(step, KernelStep) for step in program.steps if step.outputs and step.outputs[0].ndim > 3)


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int32", "uint64"])
def test_positions_of_other_dtypes(dtype: str) -> None:
    a, b = T.vector("a", dtype=dtype), T.lvector("b")
    native([x, a, b], x[a, b], [X, np.array([0, 4, 1], dtype), np.array([1])])


def test_a_region_of_length_one_that_the_type_does_not_tell() -> None:
    vector, index, value = T.dvector("vector"), T.ivector("index"), T.dmatrix("value")
    row = Rebroadcast((0, False))((vector + vector[0]).dimshuffle("x", 0))
    native([vector, index, value], T.inc_subtensor(row[:, index], value),
           [np.arange(1.0, 4), np.array([-1, 0, -1], "int32"), np.array([[1.0, 10.0, 100.0]])])


def test_a_join_of_length_one_that_the_type_does_not_tell() -> None:
    row = T.drow("row")
    joined = T.join(1, *[Rebroadcast((0, False))(row)] * 3)
    check([row], [joined, joined.sum(), T.join(1, joined, joined)], [np.array([[1.0, 2.0, 3.0]])])


def test_a_part_of_a_row_that_the_type_does_not_tell() -> None:
    row = T.drow("row")
    matrix = Rebroadcast((0, False))(row)
    check([row], [matrix[:, 1:], matrix[:, 2:0], matrix[:, :2].T * 2], [np.array([[1.0, 2.0, 3.0]])])
