"""Operators and methods of tensor variables, and NumPy functions on them."""

import math
import operator
import pickle

import numpy as np
import pytest

import theano.tensor as T
from theano.graph.evaluate import evaluate
from theano.scalar import ScalarOp
from theano.tensor.type import TensorType

A = np.array([[1.5, -2.0, 0.5], [3.0, 0.25, -1.0]])
B = np.array([0.5, 2.0, -3.0])


def value(build, *arrays):
    inputs = [TensorType(a.dtype.name, (None,) * a.ndim)() for a in map(np.asarray, arrays)]
    out = build(*inputs)
    if isinstance(out, (tuple, list)):
        return evaluate(list(out), dict(zip(inputs, map(np.asarray, arrays))))
    return evaluate([out], dict(zip(inputs, map(np.asarray, arrays))))[0]


def same(got, want):
    want = np.asarray(want)
    assert got.shape == want.shape and got.dtype == want.dtype
    np.testing.assert_allclose(got, want, rtol=1e-14, atol=0)


@pytest.mark.parametrize("name", ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "lt", "le", "gt", "ge"])
def test_binary_operators_and_their_reflections(name):
    op = getattr(operator, name)
    a, b = np.abs(A), np.abs(B)
    same(value(op, a, b), op(a, b))
    same(value(lambda x: op(x, 2.0), a), op(a, 2.0))
    same(value(lambda x: op(2.0, x), a), op(2.0, a))
    same(value(lambda x: op(x, b), a), op(a, b))
    same(value(lambda x: op(b, x), a), op(b, a))  # an array on the left
    same(value(lambda x: op(np.float64(2), x), a), op(2.0, a))
    same(value(lambda x: op([1.0, 2.0, 4.0], x), a), op(np.array([1.0, 2.0, 4.0]), a))


@pytest.mark.parametrize("name", ["and_", "or_", "xor"])
def test_bitwise_operators(name):
    op = getattr(operator, name)
    i, j = np.array([1, 6, 7]), np.array([3, 4, 0])
    same(value(op, i, j), op(i, j))
    same(value(lambda x: op(5, x), i), op(5, i))
    same(value(op, i > 1, j > 1), op(i > 1, j > 1))


def test_unary_operators():
    same(value(lambda x: -x, A), -A)
    same(value(lambda x: +x, A), A)
    same(value(abs, A), abs(A))
    same(value(lambda x: ~x, A > 0), ~(A > 0))
    same(value(lambda x: ~x, np.array([1, 2])), ~np.array([1, 2]))
    same(value(math.ceil, B), np.ceil(B))
    same(value(math.floor, B), np.floor(B))
    same(value(math.trunc, B), np.trunc(B))
    same(value(round, np.array([0.5, 1.5, 2.5])), np.array([0.0, 2.0, 2.0]))


def test_divmod_and_matmul():
    got = value(lambda x: divmod(x, 2), np.array([-7, 7]))
    assert [g.tolist() for g in got] == [[-4, 3], [1, 1]]
    got = value(lambda x: divmod(7, x), np.array([-2, 2]))
    assert [g.tolist() for g in got] == [[-4, 3], [-1, 1]]
    same(value(operator.matmul, A, B), A @ B)
    same(value(lambda x: A @ x, B), A @ B)


def test_operands_that_are_no_tensors_get_their_chance():
    class Other:
        def __radd__(self, left):
            return "reflected"

        def __add__(self, right):
            return "own"

    x = T.dvector("x")
    assert x + Other() == "reflected"
    with pytest.raises(TypeError, match="unsupported operand"):
        x + "text"
    with pytest.raises(TypeError):
        None * x
    with pytest.raises(TypeError):
        _ = x < object()


def test_equality_is_identity():
    x, y = T.dvectors("xy")
    assert x == x and x != y and hash(x) != hash(y) and len({x, y, x}) == 2
    assert x in [y, x]
    same(value(T.eq, A, A), A == A)


def test_truth():
    x, y = T.dscalars("xy")
    assert bool(x) and bool(x + y)
    for comparison in (x < y, x <= y, x > 1, x >= 1, T.eq(x, y), T.neq(x, y)):
        with pytest.raises(TypeError, match="switch"):
            bool(comparison)
    with pytest.raises(TypeError, match="&"):
        bool(x < y < x)


def test_iteration_and_length():
    x = TensorType("float64", (2, None))("x")
    rows = list(x)
    assert len(rows) == 2 and [r.ndim for r in rows] == [1, 1]
    assert evaluate(rows, {x: A})[1].tolist() == A[1].tolist()
    n, m = T.dmatrix("m").shape
    assert n.ndim == m.ndim == 0
    with pytest.raises(TypeError, match=r"builtins.sum"):
        sum(T.dvector())
    with pytest.raises(TypeError, match="0-d"):
        iter(T.dscalar())
    assert not hasattr(T.dvector("x"), "__len__")  # programs ask this to tell a list from a variable
    with pytest.raises(TypeError, match=r"has no len\(\)"):
        len(T.dvector("x"))


def test_item_assignment():
    x = T.dvector("x")
    with pytest.raises(TypeError, match="set_subtensor"):
        x[0] = 1
    with pytest.raises(TypeError, match="set_subtensor"):
        x[0] += 1


def test_no_array_by_accident():
    x = T.dvector("x")
    for make in (np.asarray, np.array, lambda v: np.array([v, v]), lambda v: np.add(np.ones(2), 1, out=v)):
        with pytest.raises(TypeError):
            make(x)
    with pytest.raises(TypeError):
        float(T.dscalar())
    a = np.ones(2)
    with pytest.raises(TypeError, match="out="):
        a += x
    with pytest.raises(TypeError):
        range(T.lscalar())


def test_attributes():
    x = T.drow("x")
    assert (x.ndim, x.dtype, x.broadcastable, x.name) == (2, "float64", (True, False), "x")
    assert x.owner is None and (x + 1).owner.outputs[(x + 1).index] is not None
    assert x.auto_name.startswith("auto_") and x.T.name == "x.T"
    v = T.dvector()
    assert v.T is v
    x.tag.note = 3
    assert x.tag.note == 3
    assert any("test_attributes" in str(frame) for frame in x.tag.trace[0])
    z = np.array([1 + 2j, 3j])
    same(value(lambda x: x.real, z), z.real)
    same(value(lambda x: x.imag, z), z.imag)
    same(value(lambda x: x.size, A), np.int64(6))
    same(value(lambda x: x.size, np.float64(1)), np.int64(1))


ONE = sorted({name for r in ScalarOp.registry.values() if r.nin == 1 for name in r.method})


@pytest.mark.parametrize("name", ONE)
def test_elementwise_methods(name):
    x = np.array([1.25, 2.0]) if name == "arccosh" else np.array([0.25, 0.5])
    same(value(lambda v: getattr(v, name)(), x), getattr(np, name)(x))
    same(value(getattr(np, name), x), getattr(np, name)(x))


METHODS = {
    "reshape": (lambda x: x.reshape((3, 2)), A), "reshape to -1": (lambda x: x.reshape(-1), A),
    "reshape by lengths": (lambda x: x.reshape(3, 2), A), "flatten": (lambda x: x.flatten(), A),
    "ravel": (lambda x: x.ravel(), A), "transpose": (lambda x: x.transpose(), A),
    "transpose axes": (lambda x: x.transpose(1, 0), A), "transpose list": (lambda x: x.transpose([1, 0]), A),
    "swapaxes": (lambda x: x.swapaxes(0, 1), A), "T": (lambda x: x.T, A), "diagonal": (lambda x: x.diagonal(1), A),
    "trace": (lambda x: x.trace(), A), "repeat": (lambda x: x.repeat(2, 1), A),
    "repeat flat": (lambda x: x.repeat(3), A),
    "any": (lambda x: x.any(), A > 1), "all": (lambda x: x.all(axis=0), A > 1), "sum": (lambda x: x.sum(0), A),
    "sum keepdims": (lambda x: x.sum(axis=(0, 1), keepdims=True), A), "prod": (lambda x: x.prod(axis=-1), A),
    "mean": (lambda x: x.mean(axis=1), A), "var": (lambda x: x.var(axis=0), A), "std": (lambda x: x.std(ddof=1), A),
    "min": (lambda x: x.min(1), A), "max": (lambda x: x.max(0, keepdims=True), A), "argmin": (lambda x: x.argmin(0), A),
    "argmax": (lambda x: x.argmax(), A), "cumsum": (lambda x: x.cumsum(1), A), "cumprod": (lambda x: x.cumprod(), A),
    "nonzero": (lambda x: list(x.nonzero()), A > 0), "searchsorted": (lambda x: x.searchsorted(np.array([0.1, 9.0])),
                                                                     np.sort(B)),
    "take": (lambda x: x.take([2, 0], axis=1), A), "take flat": (lambda x: x.take(np.array([[5, 0]])), A),
    "compress": (lambda x: x.compress(np.array([True, False, True]), axis=1), A), "clip": (lambda x: x.clip(0, 1), A),
    "round": (lambda x: x.round(), A * 1.5),
    "astype": (lambda x: x.astype("float32"), A), "copy": (lambda x: x.copy(), A), "dot": (lambda x: x.dot(B), A),
    "real": (lambda x: x.real, A), "conj": (lambda x: x.conj(), A * 1j), "conjugate": (lambda x: x.conjugate(), A * 1j),
    "ellipsis": (lambda x: x[..., 1], A), "none": (lambda x: x[:, None, 1], A), "mask": (lambda x: x[x > 0], A),
    "list": (lambda x: x[[1, 0]], A), "reversed": (lambda x: x[::-1, 1:], A),
}  # fmt: skip


@pytest.mark.parametrize("name", METHODS)
def test_methods_as_numpys(name):
    method, x = METHODS[name]
    got, want = value(method, x), method(x)
    if not isinstance(want, list):
        got, want = [got], [want]
    for g, w in zip(got, want, strict=True):
        same(g, w)


def test_methods_that_numpy_has_not_or_not_so():
    same(value(lambda x: x.sort(), A), np.sort(A))
    same(value(lambda x: x.argsort(axis=0), A), np.argsort(A, 0))
    same(value(lambda x: x.ptp(1), A), np.ptp(A, 1))
    same(value(lambda x: x.nonzero_values(), A), A.ravel())
    same(value(lambda x: x.nonzero(return_matrix=True), A > 0), np.array((A > 0).nonzero()))
    same(value(lambda x: x.choose([A[0], A[1]]), np.array([0, 1, 0])), np.choose([0, 1, 0], A))
    same(value(lambda x: x.fill(2.5), A), np.full(A.shape, 2.5, "float32"))
    same(value(lambda x: x.zeros_like(), A), np.zeros_like(A))
    same(value(lambda x: x.ones_like(dtype="int8"), A), np.ones_like(A, dtype="int8"))
    same(value(lambda x: x.squeeze(), A), A)
    same(value(lambda x: x.clip(a_max=1, a_min=0), A), np.clip(A, 0, 1))
    same(value(lambda x: x.flatten(2), np.zeros((2, 3, 4))), np.zeros((2, 12)))
    assert T.dvector("x").copy(name="y").name == "y" and T.dvector("x").copy().name is None
    x = T.dvector("x")
    assert x.astype("float64") is x and x.astype(np.float64) is x
    assert T.constant(3).get_scalar_constant_value() == 3


def test_norm():
    for L, order in ((1, 1), (2, 2), (3, 3), (2.5, 2.5)):
        got = value(lambda x, L=L: x.norm(L, axis=1), A)
        np.testing.assert_allclose(got, np.linalg.norm(A, order, axis=1), rtol=1e-13)
    assert value(lambda x: x.norm(2, axis=0, keepdims=True), A).shape == (1, 3)
    np.testing.assert_allclose(value(lambda x: x.norm(2), A * 1j), np.linalg.norm(A), rtol=1e-13)
    for L in (0, float("inf")):
        with pytest.raises(NotImplementedError, match="norm"):
            T.dvector().norm(L)


# ---- NumPy functions ----

UFUNCS = {
    "add": 2, "subtract": 2, "multiply": 2, "divide": 2, "true_divide": 2, "floor_divide": 2, "remainder": 2, "mod": 2,
    "power": 2, "maximum": 2, "minimum": 2, "arctan2": 2, "logaddexp": 2, "hypot": 2, "less": 2, "greater_equal": 2,
    "equal": 2, "not_equal": 2, "logical_and": 2, "negative": 1, "absolute": 1, "fabs": 1, "sign": 1, "reciprocal": 1,
    "square": 1, "sqrt": 1, "exp": 1, "exp2": 1, "expm1": 1, "log": 1, "log2": 1, "log10": 1, "log1p": 1, "sin": 1,
    "tanh": 1, "arcsinh": 1, "rint": 1, "floor": 1, "isnan": 1, "isinf": 1, "isfinite": 1, "logical_not": 1,
    "deg2rad": 1, "radians": 1, "conjugate": 1,
}  # fmt: skip


@pytest.mark.parametrize("name", UFUNCS)
def test_ufuncs(name):
    ufunc = getattr(np, name)
    a, b = np.abs(A), np.abs(B)
    same(value(ufunc, *(a, b)[: UFUNCS[name]]), ufunc(*(a, b)[: UFUNCS[name]]))
    if UFUNCS[name] == 2:
        same(value(lambda x: ufunc(a, x), b), ufunc(a, b))


FUNCTIONS = {
    "sum": lambda np, x: np.sum(x, axis=0, keepdims=True), "sum all": lambda np, x: np.sum(x),
    "mean": lambda np, x: np.mean(x, 1), "prod": lambda np, x: np.prod(x), "var": lambda np, x: np.var(x, axis=0),
    "std": lambda np, x: np.std(x, ddof=1), "max": lambda np, x: np.max(x, axis=1), "amin": lambda np, x: np.amin(x, 0),
    "argmax": lambda np, x: np.argmax(x, axis=1), "all": lambda np, x: np.all(x > 0),
    "any": lambda np, x: np.any(x > 0),
    "ptp": lambda np, x: np.ptp(x, axis=0), "concatenate": lambda np, x: np.concatenate([x, x], axis=1),
    "concatenate an array": lambda np, x: np.concatenate([A, x]), "stack": lambda np, x: np.stack([x, x], axis=-1),
    "reshape": lambda np, x: np.reshape(x, (3, 2)), "ravel": lambda np, x: np.ravel(x),
    "transpose": lambda np, x: np.transpose(x), "transpose axes": lambda np, x: np.transpose(x, (1, 0)),
    "swapaxes": lambda np, x: np.swapaxes(x, 0, 1), "moveaxis": lambda np, x: np.moveaxis(x, 0, 1),
    "expand_dims": lambda np, x: np.expand_dims(x, 1), "squeeze": lambda np, x: np.squeeze(x[None]),
    "tile": lambda np, x: np.tile(x, (2, 1)), "roll": lambda np, x: np.roll(x, 1, axis=0),
    "repeat": lambda np, x: np.repeat(x, 2, axis=0), "diag": lambda np, x: np.diag(x),
    "diagonal": lambda np, x: np.diagonal(x, 1), "trace": lambda np, x: np.trace(x), "tril": lambda np, x: np.tril(x),
    "triu": lambda np, x: np.triu(x, 1), "where": lambda np, x: np.where(x > 0, x, 0.0),
    "clip": lambda np, x: np.clip(x, 0.0, 1.0), "round": lambda np, x: np.round(x),
    "round decimals": lambda np, x: np.round(x, 1),
    "around": lambda np, x: np.around(x), "clip below": lambda np, x: np.clip(x, 0.0, None),
    "clip names": lambda np, x: np.clip(x, a_max=1.0, a_min=0.0), "where positions": lambda np, x: np.where(x > 0)[0],
    "split": lambda np, x: np.split(x, 3, axis=1)[1], "split at": lambda np, x: np.split(x, [1], axis=0)[1],
    "hstack": lambda np, x: np.hstack([x, x]), "hstack of vectors": lambda np, x: np.hstack([x[0], x[1]]),
    "vstack": lambda np, x: np.vstack([x, x[0]]), "atleast_2d": lambda np, x: np.atleast_2d(x[0]),
    "count_nonzero": lambda np, x: np.count_nonzero(x > 0, axis=0), "copy": lambda np, x: np.copy(x),
    "size of an axis": lambda np, x: np.multiply(np.size(x, 1), np.size(x)),
    "dot": lambda np, x: np.dot(x, B), "tensordot": lambda np, x: np.tensordot(x, x, axes=2),
    "outer": lambda np, x: np.outer(x[0], x[1]), "inner": lambda np, x: np.inner(x, x),
    "einsum": lambda np, x: np.einsum("ij,kj->ik", x, x), "matmul": lambda np, x: np.matmul(x, B),
    "zeros_like": lambda np, x: np.zeros_like(x), "ones_like": lambda np, x: np.ones_like(x, dtype="int8"),
    "full_like": lambda np, x: np.full_like(x, 2.0), "cumsum": lambda np, x: np.cumsum(x, axis=1),
    "cumprod": lambda np, x: np.cumprod(x), "sort": lambda np, x: np.sort(x, axis=0),
    "argsort": lambda np, x: np.argsort(x, axis=0), "take": lambda np, x: np.take(x, [0, 1], axis=1),
    "nonzero": lambda np, x: np.nonzero(x > 0)[1], "isclose": lambda np, x: np.isclose(x, 3.0),
    "real": lambda np, x: np.real(x), "broadcast_to": lambda np, x: np.broadcast_to(x, (4, 2, 3)),
    "nan_to_num": lambda np, x: np.nan_to_num(x), "add.reduce": lambda np, x: np.add.reduce(x),
    "maximum.reduce": lambda np, x: np.maximum.reduce(x, axis=1),
    "add.accumulate": lambda np, x: np.add.accumulate(x, 1),
    "multiply.outer": lambda np, x: np.multiply.outer(x, B),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_numpy_functions(name):
    call = FUNCTIONS[name]
    same(value(lambda x: call(np, x), A), call(np, A))


def test_numpy_shape_and_rank():
    x = T.dmatrix("x")
    assert np.shape(x).type == T.shape(x).type
    assert np.ndim(x) == 2


def test_numpy_functions_that_are_refused():
    x = T.dmatrix("x")
    for call in (lambda: np.linalg.inv(x), lambda: np.fft.fft(x), lambda: np.partition(x, 1), lambda: np.fmod(x, 2),
                 lambda: np.sum(x, where=x > 0), lambda: np.exp(x, out=np.zeros((2, 2))), lambda: np.spacing(x),
                 lambda: np.subtract.reduce(x), lambda: np.add.at(x, 0, 1),
                 lambda: np.exp(x, where=A > 0)):  # fmt: skip
        with pytest.raises(TypeError):
            call()


def test_pickled_methods_work():
    x = T.dmatrix("x")
    y = pickle.loads(pickle.dumps(x.sum(axis=0) * 2 + x[0]))
    (leaf,) = [v for v in y.owner.inputs[1].owner.inputs if v.owner is None]
    assert leaf.name == "x"


def test_functions_with_options():
    x = np.array([0.5, 1.5, -2.5, 2.4])
    same(value(T.round, x), np.array([0.0, 2.0, -2.0, 2.0]))
    same(value(lambda v: T.round(v, mode="half_away_from_zero"), x), np.array([1.0, 2.0, -3.0, 2.0]))
    same(value(T.iround, x), np.array([0, 2, -2, 2]))
    same(value(lambda v: T.cast(v, "int8"), x), x.astype("int8"))
    same(value(lambda v: T.cast(v, "floatX"), np.array([1, 2])), np.array([1.0, 2.0]))
    same(value(lambda v: T.ceil_intdiv(v, 3), np.array([0, 1, 3, 4, -4])), np.array([0, 1, 1, 2, -1]))
    same(value(lambda v: T.div_proxy(v, 2), np.array([-7, 7])), np.array([-4, 3]))
    same(value(lambda v: T.div_proxy(v, 2), x), x / 2)
    same(value(lambda a, b: T.smallest(a, b, 1.0), x, x[::-1]), np.minimum(np.minimum(x, x[::-1]), 1.0))
    same(value(lambda a, b: T.largest(a, b), x, x[::-1]), np.maximum(x, x[::-1]))
    special = np.array([np.nan, np.inf, -np.inf, 1.0, 1.0 + 1e-7, 0.0])
    other = np.array([np.nan, np.inf, np.inf, 1.0, 1.0, 1e-9])
    for equal_nan in (False, True):
        same(value(lambda a, b, e=equal_nan: T.isclose(a, b, equal_nan=e), special, other),
             np.isclose(special, other, equal_nan=equal_nan))  # fmt: skip
    assert not value(T.allclose, special, other) and value(T.allclose, other[1:], other[1:])
    same(value(lambda a: T.isclose(a, 3), np.array([3, 4], "int8")), np.array([True, False]))
    for f in (T.isnan, T.isinf):
        same(value(f, np.array([1, 2])), np.array([False, False]))
        same(value(f, special), getattr(np, f.__name__)(special))
    same(value(lambda v: T.clip(v, -1, 1), x), np.clip(x, -1, 1))


def test_every_record_and_alias_is_a_function():
    for record in ScalarOp.registry.values():
        for name in (record.name, *record.aliases):
            assert callable(getattr(T, name)), name
    assert T.exp(T.dvector()).owner.op is T.exp
    assert T.where is T.switch and T.fill is T.second and T.square is T.sqr and T.bitwise_and is T.and_
