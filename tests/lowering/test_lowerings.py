"""Every op with a lowering: right for all kinds of shapes and dtypes, and without a call of Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from programs import check, kernels, program_of, python_calls

import theano
import theano.tensor as T
from theano.errors import TheanoError
from theano.lowering.program import DimsStep, PyCallStep
from theano.rewriting.checks_of_lengths import EqualLengths
from theano.tensor.diagonal import AllocDiag, diagonal_length
from theano.tensor.type import TensorType

DTYPES = ["bool", "int8", "uint8", "int32", "int64", "uint64", "float16", "float32", "float64"]


def tensor(shape: tuple[int, ...], dtype: str = "float64", name: str = "x", static: Any = None) -> Any:
    variable = TensorType(dtype, (None,) * len(shape) if static is None else static)(name)
    value = (np.arange(np.prod(shape, dtype=int)) % 7 - (0 if dtype[0] in "ub" else 2)).reshape(shape).astype(dtype)
    return variable, value


def native(inputs: list[Any], outputs: list[Any], values: list[Any], tolerance: float = 1e-9) -> Any:
    program = check(inputs, outputs, values, tolerance=tolerance)
    assert not python_calls(program)
    return program


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (5,), (2, 3), (3, 0, 2), (1, 4, 1)])
def test_reductions(dtype: str, shape: tuple[int, ...]) -> None:
    x, value = tensor(shape, dtype)
    outputs = [T.sum(x), T.all(x), T.any(x)]
    if dtype != "bool":
        outputs.append(T.prod(x % 3 if dtype != "float16" else x * 0 + 1))
    if value.size and dtype != "bool":
        outputs += [T.max(x), T.min(x)]
    for axis in range(len(shape)):
        outputs += [T.sum(x, axis=axis), T.any(x, axis=axis)]
        if shape[axis] and dtype != "bool":
            outputs += [T.max(x, axis=axis), T.argmax(x, axis=axis), T.min(x, axis=axis, keepdims=True)]
    native([x], outputs, [value], 1e-3 if dtype == "float16" else 1e-6)


def test_argmax_over_several_axes() -> None:
    x, value = tensor((2, 3, 4))
    value = np.sin(value * 3.3)
    native([x], [T.argmax(x), T.argmax(x, axis=(0, 2)), T.argmax(x, axis=(1, 2))], [value])
    native([x], [*T.max_and_argmax(x, axis=1)], [value])
    native([x], [T.argmax(x.dimshuffle(2, 0, 1), axis=(0, 1))], [value])


def test_reduction_of_axes_of_length_one() -> None:
    x, value = tensor((1, 3), static=(1, None))
    native([x], [x.sum(axis=0), x.max(axis=0), x.argmax(axis=0), T.all(x, axis=0), x.sum(axis=(0, 1))], [value])


@pytest.mark.parametrize("dtype", DTYPES)
def test_basic_indexing(dtype: str) -> None:
    x, value = tensor((4, 5), dtype)
    k = T.lscalar("k")
    outputs = [x[1], x[-1, 2], x[1:3], x[::-1, ::2], x[:, k], x[k:], x[:k, ::-1], x[10:], x[-100:2], x[3:1]]
    native([x, k], outputs, [value, np.array(2)])


def test_index_out_of_range() -> None:
    from memory_runner import MemoryRunner

    x, value = tensor((4,))
    k = T.lscalar("k")
    program = program_of([x, k], [x[k]])
    with pytest.raises(IndexError):
        MemoryRunner(program).run(value, np.array(4))


@pytest.mark.parametrize("dtype", ["int8", "int64", "float16", "float32", "float64", "bool"])
def test_writing_to_slices(dtype: str) -> None:
    x, value = tensor((4, 5), dtype)
    k = T.lscalar("k")
    one = np.asarray(1, dtype)
    outputs = [
        T.set_subtensor(x[1], one), T.inc_subtensor(x[1:3], one), T.set_subtensor(x[:, k], x[:, 0]),
        T.inc_subtensor(x[::-1, 1::2], x[:, 1::2]), T.set_subtensor(x[k, k], one), T.set_subtensor(x[9:], one),
        T.set_subtensor(x[:], one), T.inc_subtensor(x[:, :k].T, one),
    ]
    native([x, k], outputs, [value, np.array(2)])


def test_writing_checks_lengths() -> None:
    from memory_runner import MemoryRunner

    x, value = tensor((4, 5))
    y, other = tensor((3,), name="y")
    program = program_of([x, y], [T.set_subtensor(x[0], y)])
    with pytest.raises(ValueError):
        MemoryRunner(program).run(value, other)
    one = np.ones(1)
    with pytest.raises(ValueError):
        MemoryRunner(program).run(value, one)


@pytest.mark.parametrize("index_dtype", ["int8", "int32", "int64", "uint8"])
def test_gathers(index_dtype: str) -> None:
    x, value = tensor((4, 5))
    i = TensorType(index_dtype, (None,))("i")
    m = TensorType(index_dtype, (None, None))("m")
    rows = np.array([0, 3, 3, 1]).astype(index_dtype)
    native([x, i], [x[i], x[:, i], x[i, i], x[1, i], x[i, 2], x[i, ::2], x[i][:, i], x[i[::-1]]], [value, rows])
    matrix = np.array([[0, 1], [2, 3]], index_dtype)
    native([x, m], [x[m], x[:, m], x[m, 1], T.exp(x)[m].sum(axis=0)], [value, matrix])
    native([x, i], [x[i], x[:0][:, i]], [value, rows[:0]])


def test_gather_order_of_axes() -> None:
    x, value = tensor((3, 4, 5))
    i = T.lvector("i")
    positions = np.array([0, -1, 1, 2])
    native([x, i], [x[i, :, i], x[:, i, i], x[1, :, i], x[i, 1], x[:, 1, i], x[i, 0:2, 3]], [value, positions])


@pytest.mark.parametrize("make", [lambda x, i: x[i], lambda x, i: x[1, i], lambda x, i: T.exp(x)[:, i, i]])
def test_positions_are_checked_where_only_the_shape_is_read(make: Any) -> None:
    """Found by the fuzzer: no rule is there that would put the check back."""
    x, value = tensor((3, 4, 5))
    i = T.lvector("i")
    f = theano.function([x, i], T.alloc(1.5, make(x, i).shape[0]), mode=theano.Mode("native", None))
    assert f(value, [0, -1]).ndim == 1
    for wrong in ([0, 7], [-6]):
        with pytest.raises(IndexError):
            f(value, wrong)
    with pytest.raises(IndexError):
        f(value[:0, :0], [0])


@pytest.mark.parametrize("make", [
    lambda x, i, v: T.inc_subtensor(x[i], v), lambda x, i, v: T.set_subtensor(x[i, i], v[0]),
    lambda x, i, v: T.inc_subtensor(x[i, ::2], v), lambda x, i, v: T.set_subtensor(x[1:, :2], v[: i[1]]),
    lambda x, i, v: T.join(0, x[i], v),
])
def test_writes_are_checked_where_only_the_shape_is_read(make: Any) -> None:
    x, v, i = T.dmatrix("x"), T.dmatrix("v"), T.lvector("i")
    f = theano.function([x, i, v], T.alloc(1.5, make(x, i, v).shape[0]), mode=theano.Mode("native", None))
    for wrong in (np.zeros((7, 7)), np.zeros((2, 7)), np.zeros((0, 7))):
        with pytest.raises((ValueError, IndexError)):
            f(np.zeros((3, 3)), np.array([0, 2]), wrong)


def test_lengths_that_may_broadcast_are_left_to_numpy() -> None:
    x, value = tensor((3, 4))
    i, j = T.lvector("i"), T.lvector("j")
    check([x, i, j], [x[i, j]], [value, np.array([0, 1, 2]), np.array([3])])
    check([x, i, j], [x[i, j]], [value, np.array([0, 1]), np.array([3, 0])])


def test_masks() -> None:
    x, value = tensor((3, 4))
    check([x], [x[x > 0], T.set_subtensor(x[x > 1], 0.0)], [value])


def test_scatters() -> None:
    x, value = tensor((4, 5))
    i = T.lvector("i")
    positions = np.array([0, 3, 3, -1])
    outputs = [
        T.inc_subtensor(x[i], 1.0), T.set_subtensor(x[i], x[::-1]),
        T.inc_subtensor(x[:, i], x[:, 0].dimshuffle(0, "x")),
        T.inc_subtensor(x[i, i], 2.0), T.set_subtensor(x[i, 1], x[:, 0]), T.inc_subtensor(T.zeros_like(x)[i], x),
        T.inc_subtensor(T.exp(x)[i], T.exp(x)),
    ]
    native([x, i], outputs, [value, positions])
    native([x, i], [T.inc_subtensor(x[i], 1.0)], [value, positions[:0]])


@pytest.mark.parametrize("dtype", DTYPES)
def test_joins(dtype: str) -> None:
    x, value = tensor((2, 3), dtype)
    y, other = tensor((2, 3), "int8", name="y")
    empty = value[:0]
    outputs = [T.join(0, x, y), T.join(1, x, y, x), T.join(-1, T.exp(T.cast(x, "float64")), x), T.stack([x, x], axis=1)]
    native([x, y], outputs, [value, other], 1e-6)
    native([x, y], [T.join(0, x, y)], [empty, other])
    native([x, y], [T.join(0, x, y)], [empty, other[:0]])


def test_copies_in_c_order() -> None:
    """A kernel stores right into memory in C order, whatever the order of what it reads."""
    for dtype in ("float64", "bool", "complex64"):
        x = TensorType(dtype, (None,) * 3)("x")
        turned = T.extra_ops.cpu_contiguous(x.dimshuffle(2, 0, 1))
        f = theano.function([x], [turned, T.neq(turned, x.dimshuffle(2, 0, 1))])
        assert bool(python_calls(f.fn.program)) == (dtype == "complex64")
        for shape in ((2, 3, 4), (1, 1, 1), (0, 2, 3), (5, 1, 2), (1, 300, 20)):
            values = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
            for array in (values, values[::-1], np.asfortranarray(values)):
                found, differs = f(array)
                assert found.flags.c_contiguous and not np.shares_memory(found, array) and not differs.any()
                np.testing.assert_array_equal(found, array.transpose(2, 0, 1))


def test_a_join_checks_lengths() -> None:
    from memory_runner import MemoryRunner

    x, value = tensor((2, 3))
    y, other = tensor((2, 4), name="y")
    program = program_of([x, y], [T.join(0, x, y)])
    with pytest.raises(ValueError):
        MemoryRunner(program).run(value, other)
    row = T.drow("r")
    program = program_of([x, row], [T.join(1, x, row)])
    with pytest.raises((ValueError, AssertionError)):
        MemoryRunner(program).run(value, np.ones((1, 2)))


def test_splits_are_views() -> None:
    x, value = tensor((6, 2))
    a, b, c = T.split(x, [1, 2, 3], 3, axis=0)
    program = native([x], [a.sum(), T.exp(b), c * 2], [value])
    assert not [s for s in program.steps if isinstance(s, PyCallStep)]
    with pytest.raises((ValueError, AssertionError)):
        check([x], [a], [value[:5]])


def test_creation() -> None:
    n = T.lscalar("n")
    x, value = tensor((3, 2))
    v, row = tensor((2,), name="v")
    outputs = [
        T.alloc(2.5, n, 3), T.zeros((n, 2)), T.alloc(v, n, 2), T.alloc(T.exp(v), 3, 2) + x, T.ones_like(x), T.eye(n),
        T.eye(n, 3, -1, dtype="int8"), T.tri(3, n, 1), T.arange(n), T.arange(2, n), T.arange(n, 0, -1),
        T.arange(0.0, 1.0, 0.25), T.arange(5, dtype="float32"), T.fill(x, 3),
    ]
    for count in (0, 1, 4):
        native([n, x, v], outputs, [np.array(count), value, row])


def test_negative_lengths() -> None:
    from memory_runner import MemoryRunner

    n = T.lscalar("n")
    for expression in (T.zeros((n,)), T.zeros((n, 2)) + 1):
        with pytest.raises(ValueError):
            MemoryRunner(program_of([n], [expression])).run(np.array(-1))


def test_shapes() -> None:
    x, value = tensor((3, 2))
    outputs = [x.shape, x.shape[0], x.shape[1] * 2, T.as_tensor_variable([x.shape[0], 7]), T.exp(x).shape, x.T.shape]
    program = native([x], outputs, [value])
    assert [s for s in program.steps if isinstance(s, DimsStep)]


def test_shape_of_what_cannot_be_computed_is_an_error() -> None:
    from memory_runner import MemoryRunner

    x, value = tensor((3, 2))
    y, other = tensor((3, 4), name="y")
    for expression in ((x + y).shape, T.zeros_like(T.exp(x * y)), (x + y).shape[0]):
        with pytest.raises(ValueError):
            MemoryRunner(program_of([x, y], [expression])).run(value, other)


def test_reshapes() -> None:
    x, value = tensor((3, 4))
    n = T.lscalar("n")
    outputs = [
        x.reshape((4, 3)), x.reshape((-1,)), x.T.reshape((n, -1)), x.flatten(), T.exp(x).reshape((2, 6)).T,
        x.reshape((x.shape[1], x.shape[0])), x[:, ::2].reshape((-1,)),
    ]
    native([x, n], outputs, [value, np.array(2)])


def test_short_vectors_of_numbers() -> None:
    a, b = T.dscalar("a"), T.lscalar("b")
    native([a, b], [T.stack([a, a * 2, a + 1]), T.as_tensor_variable([b, b + 1]), T.stack([a, a])[1]], [1.5, 4])


def test_specified_shapes() -> None:
    x, value = tensor((3, 1))
    native([x], [T.specify_shape(x, (3, 1)) + np.ones((3, 4)), T.addbroadcast(x, 1) * np.ones(4)], [value])
    with pytest.raises((AssertionError, TheanoError)):
        check([x], [T.specify_shape(x, (2, 1))], [value])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products(dtype: str) -> None:
    x, value = tensor((3, 4), dtype)
    v, row = tensor((4,), dtype, name="v")
    b, batch = tensor((2, 3, 4), dtype, name="b")
    outputs = [
        T.dot(x, x.T), T.dot(x, v), T.dot(v, x.T), T.dot(v, v), T.dot(x[:, ::2], x[:, 1::2].T),
        T.batched_dot(b, b.dimshuffle(0, 2, 1)), T.dot(T.exp(x * 0.1), v[::-1]),
    ]
    native([x, v, b], outputs, [value, row, batch], 1e-4)
    native([x, v, b], outputs, [value[:0], row, batch[:0]], 1e-4)


@pytest.mark.parametrize("dtype", ["int64", "int8", "float16", "complex128"])
def test_products_of_other_dtypes(dtype: str) -> None:
    x, value = tensor((3, 4), dtype)
    check([x], [T.dot(x, x.T)], [value], tolerance=1e-2 if dtype == "float16" else 1e-9)


def test_complex_numbers() -> None:
    x = T.zmatrix("x")
    value = np.arange(6.0).reshape(2, 3) * (1 + 2j)
    check([x], [x.T * 2, x, x[1:], T.real(x), abs(x).sum(), T.exp(x).sum(axis=0), x.T], [value])


def test_diagonals() -> None:
    x, value = tensor((3, 4))
    native([x], [T.diag(x), x.diagonal(1) * 2, T.exp(x).diagonal(-1)], [value])
    check([x], [T.diag(x[0])], [value])


@pytest.mark.parametrize("offset", [0, 2, -1])
@pytest.mark.parametrize("axes", [(0, 1), (1, 0), (0, 2), (2, 1)])
def test_matrices_with_one_diagonal(axes: tuple[int, int], offset: int) -> None:
    """Alone, with stated lengths that hold the diagonal exactly, and with lengths that do not."""
    op = AllocDiag(offset, *axes)
    v, vector = tensor((4,), name="v")
    x, value = tensor((2, 4), name="x")
    rows, columns = T.lscalars("rows", "columns")
    source, array = (x, value) if 2 in axes else (v, vector)
    native([source], [op(source), T.exp(op(source[..., ::-1])).sum(), op(source).shape], [array])
    high, wide = 4 + max(-offset, 0), 4 + max(offset, 0)
    for m, n in ((high, wide), (high + (offset >= 0), wide), (high, wide + (offset <= 0))):
        fits = diagonal_length(m, n, offset) == 4
        inputs, values = [source, rows, columns], [array, np.array(m), np.array(n)]
        if fits:
            native(inputs, [op(source, rows, columns) * 2], values)
        else:
            with pytest.raises(ValueError):
                theano.function(inputs, op(source, rows, columns))(*values)


def test_the_main_diagonal_is_computed_where_it_is_used() -> None:
    v, vector = tensor((4,), name="v")
    x, value = tensor((4, 4), name="x")
    program = native([v, x], [T.tril(T.diag(v) + x), T.diag(v).sum(axis=0)], [vector, value])
    assert len(kernels(program)) == 1


def test_mismatched_lengths_are_found() -> None:
    from memory_runner import MemoryRunner

    x, value = tensor((3,))
    y, other = tensor((1,), name="y")
    program = program_of([x, y], [x + y])
    with pytest.raises(ValueError):
        MemoryRunner(program).run(value, other)
    program = program_of([x, y], [T.fill(x, 1.0) * 2 + T.exp(y)])
    with pytest.raises(ValueError):
        MemoryRunner(program).run(value, other)


def test_inputs_of_every_dtype_come_back(tmp_path: Any) -> None:
    for dtype in (*DTYPES, "complex64"):
        x, value = tensor((2, 3), dtype)
        check([x], [x, x.T, x], [value])


def test_gradient_markers_cost_nothing() -> None:
    from theano.gradient import disconnected_grad, grad_clip, zero_grad

    x, value = tensor((2, 3))
    program = native([x], [zero_grad(disconnected_grad(grad_clip(T.exp(x), -1, 1))) * 2, zero_grad(x)], [value])
    assert len(program.steps) <= 2


def test_checks_of_lengths_that_rewriting_puts_back() -> None:
    """They are made though nobody reads what they look at, and before anything is stored."""
    x, value = tensor((3, 4))
    y, other = tensor((4, 2), name="y")
    n = T.lscalar("n")
    for wrap in (lambda v: v, lambda v: v.T, lambda v: T.exp(v).T):
        checked = EqualLengths("f")(wrap(x), x.shape[1], y.shape[0], x.shape[0], n)
        native([x, y, n], [checked * 2, checked], [value, other, np.array(3)])
    count = theano.shared(np.zeros(2))
    f = theano.function([x, y, n], checked, updates=[(count, count + 1)])
    for bad in ((value[1:], other, 3), (value, other[:3], 3), (value, other, 4)):
        with pytest.raises(ValueError, match="operands of f have lengths"):
            f(*bad)
    with pytest.raises(ValueError, match="a length is -1"):
        f(value, other, -1)
    assert not count.get_value().any()
    # numbers of which none is the length of an axis are compared, too
    k = T.lscalar("k")
    checked = EqualLengths("f")(x, n, k + 1)
    assert python_calls(program_of([n, k, x], [checked])) == []
    f = theano.function([n, k, x], checked)
    assert f(3, 2, value) is not None
    for a, b, text in ((3, 3, "operands of f have lengths 3 and 4"), (-1, -2, "a length is -1")):
        with pytest.raises(ValueError, match=text):
            f(a, b, value)
