"""The contract of creation, shape and joining: every case over dtypes, shapes with 0, 1 and many, memory layouts and
backends, against NumPy.

A case is an expression, the same in NumPy, and the shapes of its inputs. For each of them the test also holds: static
shapes are right and do not depend on luck, shapes inferred without computing the value are right, no input is changed,
and the gradient equals finite differences.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.graph.evaluate import evaluate
from theano.graph.traverse import toposort
from theano.tensor.type import TensorType

MODES = ["reference", "FAST_COMPILE", "FAST_RUN"]
DTYPES = ["float64", "float32", "float16", "int64", "int8", "uint8", "uint64", "bool", "complex128", "complex64"]
LAYOUTS = {
    "contiguous": lambda a: a.copy(),
    "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a.copy(),
    "reversed": lambda a: np.asarray(np.flip(np.flip(a).copy())),
    "transposed": lambda a: np.asarray(a.T.copy().T),
}


@dataclass
class Case:
    name: str
    build: object          # variables -> variable or list of variables
    numpy: object          # arrays -> array or list of arrays
    shapes: tuple          # one tuple of input shapes for each sample
    differentiable: bool = True
    any_dtype: bool = True
    forgets: bool = False  # the expression forgets lengths on purpose

    def __str__(self):
        return self.name


def case(name, build, numpy, *shapes, **options):
    """`shapes`: for each sample either one shape (one input) or a list of shapes."""
    samples = tuple(tuple(s) if isinstance(s, list) else (s,) for s in shapes)
    return Case(name, build, numpy, samples, **options)


def np_alloc_diag(v, offset, axis1, axis2):
    n = v.shape[-1] + abs(offset)
    out = np.zeros((n, n, *v.shape[:-1]), v.dtype)
    at = np.arange(v.shape[-1])
    out[at + max(-offset, 0), at + max(offset, 0)] = np.moveaxis(v, -1, 0)
    return np.moveaxis(out, (0, 1), (axis1, axis2))


MATRICES = [(3, 4), (1, 4), (3, 1), (1, 1), (0, 4), (3, 0), (0, 0)]
VECTORS = [(5,), (1,), (0,)]
CUBES = [(2, 3, 4), (1, 3, 1), (2, 0, 3), (0, 1, 2)]
ALL = [(), *VECTORS, *MATRICES, *CUBES]

CASES = [
    # creation
    case("alloc a scalar", lambda x: T.alloc(x, 2, 3), lambda x: np.broadcast_to(x, (2, 3)), ()),
    case("alloc nothing", lambda x: T.alloc(x, 0, 3), lambda x: np.broadcast_to(x, (0, 3)), ()),
    case("alloc rows", lambda x: T.alloc(x, 4, *x.shape), lambda x: np.broadcast_to(x, (4, *x.shape)), *VECTORS,
         *MATRICES),
    case("alloc a row", lambda x: T.alloc(x, 5, 4), lambda x: np.broadcast_to(x, (5, 4)), (1, 4)),
    case("alloc a column", lambda x: T.alloc(x, 2, 3, 5), lambda x: np.broadcast_to(x, (2, 3, 5)), (3, 1)),
    case("alloc one", lambda x: T.alloc(T.unbroadcast(x, 0), 1), lambda x: x, (1,)),
    case("alloc by a vector", lambda x: T.alloc(x[0], x.shape), lambda x: np.broadcast_to(x[0], x.shape), (4,), (1,)),
    case("zeros", lambda x: T.zeros(x.shape, dtype=x.dtype), np.zeros_like, *ALL, differentiable=False),
    case("ones", lambda x: T.ones([x.shape[0], 2], dtype=x.dtype), lambda x: np.ones((x.shape[0], 2), x.dtype),
         *VECTORS, differentiable=False),
    case("full", lambda x: T.full((2, 3), x), lambda x: np.full((2, 3), x), ()),
    case("zeros_like", T.zeros_like, np.zeros_like, *ALL, differentiable=False),
    case("ones_like", T.ones_like, np.ones_like, *ALL, differentiable=False),
    case("fill", lambda x, y: T.fill(x, y), lambda x, y: np.broadcast_to(y, x.shape).copy(),
         [(3, 4), ()], [(0, 4), ()], [(3, 4), (4,)], [(3, 4), (3, 1)], differentiable=False),
    case("full_like", lambda x: T.full_like(x, 3, dtype="int32"), lambda x: np.full_like(x, 3, dtype="int32"), *ALL,
         differentiable=False),
    case("eye", lambda x: T.eye(x.shape[0], x.shape[1], 1, dtype=x.dtype),
         lambda x: np.eye(*x.shape, 1, dtype=x.dtype), *MATRICES, differentiable=False),
    case("eye below", lambda x: T.eye(4, k=-2, dtype=x.dtype), lambda x: np.eye(4, k=-2, dtype=x.dtype), (),
         differentiable=False),
    case("eye far outside", lambda x: T.eye(2, 3, k=7), lambda x: np.eye(2, 3, k=7), (), differentiable=False),
    case("identity_like", T.identity_like, lambda x: np.eye(*x.shape, dtype=x.dtype), *MATRICES,
         differentiable=False),
    case("tri", lambda x: T.tri(x.shape[0], x.shape[1], -1), lambda x: np.tri(*x.shape, -1), *MATRICES,
         differentiable=False),
    case("tril", lambda x: T.tril(x, 1), lambda x: np.tril(x, 1), *MATRICES),
    case("triu", lambda x: T.triu(x, -1), lambda x: np.triu(x, -1), *MATRICES),
    case("tril of a stack", T.tril, np.tril, *CUBES),
    case("arange", lambda x: T.arange(x.shape[0]), lambda x: np.arange(x.shape[0]), *VECTORS, differentiable=False),
    case("arange with steps", lambda x: T.arange(-2, x.shape[0], 2), lambda x: np.arange(-2, x.shape[0], 2), *VECTORS,
         differentiable=False),
    case("arange down", lambda x: T.arange(x.shape[0], -1, -3), lambda x: np.arange(x.shape[0], -1, -3), *VECTORS,
         differentiable=False),
    case("arange of variables", lambda a, b: T.arange(a * 0.1, 2.05, b * b * 0.1 + 0.25, dtype="float64"),
         lambda a, b: np.arange(a * 0.1, 2.05, b * b * 0.1 + 0.25), [(), ()], any_dtype=False),
    case("MakeVector", lambda a, b: T.MakeVector(a.dtype)(a, b, a), lambda a, b: np.array([a, b, a], a.dtype),
         [(), ()]),
    case("mgrid", lambda x: T.mgrid[0:x.shape[0], 2:4], lambda x: list(np.mgrid[0:x.shape[0], 2:4]), *VECTORS,
         differentiable=False),
    case("ogrid", lambda x: T.ogrid[0:3, 1:8:3, -2:2], lambda x: list(np.ogrid[0:3, 1:8:3, -2:2]), (),
         differentiable=False),
    case("mgrid of points", lambda x: T.mgrid[0:1:5j, 0:2], lambda x: list(np.mgrid[0:1:5j, 0:2]), (),
         differentiable=False),
    # diagonals
    case("diag of a vector", T.diag, np.diag, *VECTORS),
    case("diag above", lambda x: T.diag(x, 2), lambda x: np.diag(x, 2), *VECTORS),
    case("diag below", lambda x: T.diag(x, -1), lambda x: np.diag(x, -1), *VECTORS),
    case("diag of a matrix", T.diag, np.diag, *MATRICES),
    case("diagonal above", lambda x: T.diagonal(x, 1), lambda x: np.diagonal(x, 1), *MATRICES),
    case("diagonal outside", lambda x: T.diagonal(x, -9), lambda x: np.diagonal(x, -9), *MATRICES),
    case("diagonal of axes", lambda x: x.diagonal(-1, 2, 0), lambda x: x.diagonal(-1, 2, 0), *CUBES),
    case("diagonal of negative axes", lambda x: x.diagonal(0, -1, -3), lambda x: x.diagonal(0, -1, -3), *CUBES),
    case("AllocDiag", lambda x: T.AllocDiag(-1, 2, 0)(x), lambda x: np_alloc_diag(x, -1, 2, 0), *MATRICES),
    case("trace", lambda x: x.trace(), lambda x: np.trace(x), *MATRICES, any_dtype=False),
    # shape
    case("shape", T.shape, lambda x: np.array(x.shape, "int64"), *ALL, differentiable=False),
    case("size", lambda x: x.size, lambda x: np.array(x.size, "int64"), *ALL, differentiable=False),
    case("Shape_i", lambda x: T.Shape_i(1)(x), lambda x: np.array(x.shape[1], "int64"), *MATRICES,
         differentiable=False),
    case("reshape", lambda x: x.reshape((2, -1)), lambda x: x.reshape((2, -1)), (4,), (2, 3), (0,), (2, 1, 2)),
    case("reshape by a vector", lambda x: x.reshape(x.shape[::-1]), lambda x: x.reshape(x.shape[::-1]), *MATRICES),
    case("reshape by a join", lambda x: x.reshape(T.concatenate([x.shape, [1]]), ndim=3),
         lambda x: x.reshape((*x.shape, 1)), *MATRICES),
    case("reshape to 0-d", lambda x: x.reshape(()), lambda x: x.reshape(()), (1, 1), (1,), ()),
    case("reshape from 0-d", lambda x: x.reshape((1, 1)), lambda x: x.reshape((1, 1)), ()),
    case("reshape empty", lambda x: x.reshape((0, 7)), lambda x: x.reshape((0, 7)), (0,), (0, 3)),
    case("reshape arguments", lambda x: x.reshape(x.shape[1], x.shape[0]), lambda x: x.reshape(x.shape[::-1]),
         *MATRICES),
    case("flatten", T.flatten, lambda x: x.reshape(-1), *ALL),
    case("flatten to 2", lambda x: x.flatten(2), lambda x: x.reshape(x.shape[0], int(np.prod(x.shape[1:]))), *CUBES,
         *MATRICES),
    case("ravel", lambda x: x.ravel(), np.ravel, *ALL),
    case("transpose", T.transpose, np.transpose, *ALL),
    case("transpose axes", lambda x: x.transpose(2, 0, 1), lambda x: x.transpose(2, 0, 1), *CUBES),
    case("transpose negative axes", lambda x: x.transpose((-1, 0, -2)), lambda x: x.transpose((-1, 0, -2)), *CUBES),
    case("T", lambda x: x.T, lambda x: x.T, *ALL),
    case("swapaxes", lambda x: x.swapaxes(0, -1), lambda x: x.swapaxes(0, -1), *MATRICES, *CUBES),
    case("moveaxis", lambda x: T.moveaxis(x, 0, -1), lambda x: np.moveaxis(x, 0, -1), *CUBES),
    case("moveaxis of two", lambda x: T.moveaxis(x, [0, 2], [2, 1]), lambda x: np.moveaxis(x, [0, 2], [2, 1]), *CUBES),
    case("dimshuffle", lambda x: x.dimshuffle(1, "x", 0), lambda x: x.T[:, None, :], *MATRICES),
    case("dimshuffle drops", lambda x: x.dimshuffle(1), lambda x: x[0], (1, 4), (1, 0)),
    case("shape_padleft", lambda x: T.shape_padleft(x, 2), lambda x: x[None, None], *ALL),
    case("shape_padright", lambda x: T.shape_padright(x), lambda x: x[..., None], *ALL),
    case("shape_padaxis", lambda x: T.shape_padaxis(x, -2), lambda x: np.expand_dims(x, -2), *VECTORS, *MATRICES),
    case("expand_dims", lambda x: T.expand_dims(x, (0, -1)), lambda x: np.expand_dims(x, (0, -1)), *ALL),
    case("squeeze", T.squeeze, np.squeeze, *ALL),
    case("squeeze an axis", lambda x: T.squeeze(x, 1), lambda x: np.squeeze(x, 1), (3, 1), (0, 1)),
    case("addbroadcast", lambda x: T.addbroadcast(x, 0) + T.ones((3, 1)), lambda x: x + np.ones((3, 1)), (1, 4),
         any_dtype=False),
    case("unbroadcast", lambda x: T.unbroadcast(x, 0, 1), lambda x: x, *MATRICES, forgets=True),
    case("patternbroadcast", lambda x: T.patternbroadcast(x, (True, False)), lambda x: x, (1, 4), (1, 1),
         forgets=True),
    case("specify_shape", lambda x: T.specify_shape(x, x.shape), lambda x: x, *ALL),
    case("specify_shape partly", lambda x: T.specify_shape(x, (None, 4)), lambda x: x, (3, 4), (0, 4), (1, 4)),
    case("specify one", lambda x: T.specify_shape(T.unbroadcast(x, 1), (None, 1)), lambda x: x, (3, 1)),
    case("broadcast_to", lambda x: T.broadcast_to(x, (3, 4)), lambda x: np.broadcast_to(x, (3, 4)), (4,), (3, 1), ()),
    case("tile", lambda x: T.tile(x, (2, 3)), lambda x: np.tile(x, (2, 3)), *MATRICES, *VECTORS, ()),
    case("tile once", lambda x: T.tile(x, 1), lambda x: np.tile(x, 1), *MATRICES),
    case("tile by a number", lambda x: T.tile(x, 2), lambda x: np.tile(x, 2), *MATRICES, *CUBES),
    case("tile zero times", lambda x: T.tile(x, (0, 2)), lambda x: np.tile(x, (0, 2)), *MATRICES),
    case("tile by variables", lambda x: T.tile(x, [x.shape[0], 2, 1]), lambda x: np.tile(x, [x.shape[0], 2, 1]),
         *MATRICES),
    case("tile ndim", lambda x: T.tile(x, (2,), ndim=3), lambda x: np.tile(x, (1, 1, 2)), *MATRICES),
    case("roll", lambda x: T.roll(x, 2), lambda x: np.roll(x, 2), *VECTORS, *MATRICES),
    case("roll an axis", lambda x: T.roll(x, -1, axis=1), lambda x: np.roll(x, -1, axis=1), *MATRICES),
    case("roll far", lambda x: T.roll(x, 11, axis=-1), lambda x: np.roll(x, 11, axis=-1), *VECTORS, *CUBES),
    case("roll by a variable", lambda x: T.roll(x, x.shape[0] - 1, 0), lambda x: np.roll(x, x.shape[0] - 1, 0),
         *VECTORS, *MATRICES),
    case("roll two axes", lambda x: T.roll(x, (1, 2), (0, 1)), lambda x: np.roll(x, (1, 2), (0, 1)), *MATRICES),
    # joining
    case("join rows", lambda x, y: T.join(0, x, y), lambda x, y: np.concatenate([x, y], 0),
         [(2, 3), (4, 3)], [(0, 3), (4, 3)], [(2, 0), (0, 0)], [(1, 3), (1, 3)], [(2,), (3,)], [(1,), (0,)],
         [(2, 3, 1), (1, 3, 1)]),
    case("join columns", lambda x, y, z: T.concatenate([x, y, z], axis=-1),
         lambda x, y, z: np.concatenate([x, y, z], -1), [(2, 3), (2, 1), (2, 0)], [(1, 1), (1, 1), (1, 2)]),
    case("join one", lambda x: T.join(1, x), lambda x: x, *MATRICES),
    case("join itself", lambda x: T.join(0, x, x), lambda x: np.concatenate([x, x]), *MATRICES),
    case("join along a variable axis", lambda x, y: T.join(T.cast(x.shape[0] * 0 + 1, "int32"), x, y),
         lambda x, y: np.concatenate([x, y], 1), [(2, 3), (2, 4)], [(0, 3), (0, 4)]),
    case("join along a negative variable axis", lambda x, y: T.join(x.shape[0] * 0 - 1, x, y),
         lambda x, y: np.concatenate([x, y], 1), [(2, 3), (2, 4)]),
    case("stack", lambda x, y: T.stack([x, y]), lambda x, y: np.stack([x, y]), [(3,), (3,)], [(0, 2), (0, 2)],
         [(1, 1), (1, 1)]),
    case("stack last", lambda x, y: T.stack([x, y], axis=-1), lambda x, y: np.stack([x, y], -1), [(3,), (3,)],
         [(2, 1), (2, 1)]),
    case("stack scalars", lambda x, y: T.stack([x, y, x]), lambda x, y: np.stack([x, y, x]), [(), ()]),
    case("stacklists", lambda x, y: T.stacklists([[x, y], [y, x], [x, x]]),
         lambda x, y: np.array([[x, y], [y, x], [x, x]]), [(), ()], [(2, 3), (2, 3)]),
    case("horizontal_stack", T.horizontal_stack, lambda x, y: np.hstack([x, y]), [(2, 3), (2, 1)]),
    case("vertical_stack", T.vertical_stack, lambda x, y: np.vstack([x, y]), [(2, 3), (1, 3)]),
    case("split", lambda x: T.split(x, [2, 0, 1], 3), lambda x: np.split(x, [2, 2]), (3,), (3, 2), (3, 0)),
    case("split columns", lambda x: T.split(x, [1, x.shape[1] - 1], 2, axis=-1),
         lambda x: np.split(x, [1], axis=-1), (3, 4), (2, 1), (0, 2)),
    case("split along a variable axis", lambda x: T.split(x, [1, 2], 2, axis=x.shape[0] * 0),
         lambda x: np.split(x, [1]), (3, 4)),
    # permutations
    case("permute_row_elements", lambda x: T.permute_row_elements(x, [2, 0, 1]), lambda x: x[..., [2, 0, 1]], (3,),
         (4, 3), (0, 3), (2, 2, 3)),
    case("permute_row_elements inverse", lambda x: T.permute_row_elements(x, [2, 0, 1], True),
         lambda x: x[..., [1, 2, 0]], (3,), (4, 3)),
    case("permute_row_elements of one row", lambda x: T.permute_row_elements(x, np.array([[1, 0], [0, 1], [1, 0]])),
         lambda x: np.take_along_axis(np.broadcast_to(x, (3, 2)), np.array([[1, 0], [0, 1], [1, 0]]), 1), (1, 2), (2,)),
]  # fmt: skip


def sample(dtype, shape, seed):
    rng = np.random.default_rng(seed)
    if dtype == "bool":
        return np.asarray(rng.integers(0, 2, shape), bool)
    if np.dtype(dtype).kind in "iu":
        return np.asarray(rng.integers(0, 100, shape), dtype)
    if np.dtype(dtype).kind == "c":
        return np.asarray(rng.normal(size=shape) + 1j * rng.normal(size=shape), dtype)
    return np.asarray(rng.normal(size=shape), dtype)


def variables(arrays, static):
    """Inputs whose type knows lengths of one, or (static) all lengths."""
    shapes = [a.shape if static else tuple(1 if n == 1 else None for n in a.shape) for a in arrays]
    return [TensorType(a.dtype.name, s)(f"x{k}") for k, (a, s) in enumerate(zip(arrays, shapes))]


def listed(x):
    return list(x) if isinstance(x, (list, tuple)) else [x]


def inferred_shapes(outputs, inputs):
    """{variable: lengths} through infer_shape alone."""
    lengths = {v: tuple(v.shape[k] for k in range(v.ndim)) for v in inputs}

    def of(v):
        if v not in lengths:
            lengths[v] = tuple(np.shape(v.data)) if hasattr(v, "data") else None
        return lengths[v]

    for node in toposort(outputs, inputs):
        shapes = node.op.infer_shape(node, [of(v) for v in node.inputs])
        lengths.update(zip(node.outputs, shapes))
    return [of(v) for v in outputs]


SAMPLES = [
    pytest.param(c, shapes, id=f"{c.name}-{'-'.join(map(str, shapes))}") for c in CASES for shapes in c.shapes
]


def check(got, want):
    assert isinstance(got, np.ndarray)
    assert got.shape == np.shape(want)
    assert got.dtype == np.asarray(want).dtype
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("case, shapes", SAMPLES)
def test_values_static_and_inferred_shapes(case, shapes):
    dtypes = DTYPES if case.any_dtype else ["float64"]
    for dtype, static, (layout, arrange) in product(dtypes, [False, True], LAYOUTS.items()):
        if layout != "contiguous" and dtype != "float64":
            continue
        arrays = [arrange(sample(dtype, s, k)) for k, s in enumerate(shapes)]
        before = [a.copy() for a in arrays]
        inputs = variables(arrays, static)
        outputs = listed(case.build(*inputs))
        want = [np.asarray(w) for w in listed(case.numpy(*arrays))]
        values = dict(zip(inputs, arrays))
        got = evaluate(outputs, values)
        for g, w, out in zip(got, want, outputs, strict=True):
            check(g, w)
            if static:
                assert out.type.shape == w.shape or "variable" in case.name or case.forgets
        for a, b in zip(arrays, before):
            np.testing.assert_array_equal(a, b)
        for out, w, lengths in zip(outputs, want, inferred_shapes(outputs, inputs)):
            symbolic = [T.as_tensor_variable(n) for n in lengths]
            assert tuple(int(n) for n in evaluate(symbolic, values)) == w.shape
            needed = set(toposort(symbolic, inputs))
            assert out.owner is None or out.owner not in needed


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_backends(case, mode):
    for dtype in ["float64", "float16", "int8", "bool"] if case.any_dtype else ["float64"]:
        by_pattern = {}
        for shapes in case.shapes:
            by_pattern.setdefault(tuple(tuple(n == 1 for n in s) for s in shapes), []).append(shapes)
        for samples in by_pattern.values():
            inputs = variables([sample(dtype, s, 0) for s in samples[0]], static=False)
            f = theano.function(inputs, listed(case.build(*inputs)), mode=mode, on_unused_input="ignore")
            for shapes, (layout, arrange) in product(samples, LAYOUTS.items()):
                arrays = [arrange(sample(dtype, s, k)) for k, s in enumerate(shapes)]
                before = [a.copy() for a in arrays]
                results = f(*arrays)
                for got, want in zip(results, listed(case.numpy(*arrays)), strict=True):
                    check(got, want)
                    assert not any(np.shares_memory(got, a) for a in arrays), layout
                for a, b in zip(arrays, before):
                    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("case, shapes", [p for p in SAMPLES if p.values[0].differentiable])
def test_gradient(case, shapes):
    arrays = [sample("float64", s, k) for k, s in enumerate(shapes)]
    inputs = variables(arrays, static=False)
    outputs = listed(case.build(*inputs))
    rng = np.random.default_rng(7)
    weights = [rng.normal(size=np.shape(w)) for w in listed(case.numpy(*arrays))]
    cost = sum((T.sqr(out) * w).sum() for out, w in zip(outputs, weights))
    gradients = theano.grad(cost, inputs, disconnected_inputs="ignore")
    assert [g.type.broadcastable for g in gradients] == [x.type.broadcastable for x in inputs]
    values = dict(zip(inputs, arrays))
    got = evaluate(gradients, values)

    def at(changed):
        results = listed(case.numpy(*changed))
        return sum((np.square(r) * w).sum() for r, w in zip(results, weights))

    step = 1e-6
    for k, a in enumerate(arrays):
        for position in np.ndindex(a.shape):
            up, down = [x.copy() for x in arrays], [x.copy() for x in arrays]
            up[k][position] += step
            down[k][position] -= step
            slope = (at(up) - at(down)) / (2 * step)
            assert abs(got[k][position] - slope) <= 1e-6 * max(1.0, abs(slope)), (case.name, k, position)


@pytest.mark.parametrize("case", [c for c in CASES if c.differentiable and c.any_dtype], ids=str)
def test_gradient_types(case):
    for dtype in ("float32", "complex64", "int8"):
        inputs = variables([sample(dtype, s, k) for k, s in enumerate(case.shapes[0])], static=False)
        cost = sum(T.cast(T.real(out), "float32").sum() for out in listed(case.build(*inputs)))
        for x, g in zip(inputs, theano.grad(cost, inputs, disconnected_inputs="ignore")):
            assert g.type.broadcastable == x.type.broadcastable
            assert g.dtype == (dtype if dtype != "int8" else g.dtype) and g.dtype not in T.discrete_dtypes


@pytest.mark.parametrize("case", [c for c in CASES if c.differentiable], ids=str)
def test_second_derivative(case):
    shapes = max(case.shapes, key=lambda s: sum(int(np.prod(n)) for n in s))
    arrays = [sample("float64", s, k) for k, s in enumerate(shapes)]
    inputs = variables(arrays, static=False)
    rng = np.random.default_rng(3)
    cost = sum((T.tanh(out) * rng.normal()).sum() for out in listed(case.build(*inputs)))
    gradients = theano.grad(cost, inputs, disconnected_inputs="ignore")
    directions = [rng.normal(size=a.shape) for a in arrays]
    product = sum((g * d).sum() for g, d in zip(gradients, directions))
    seconds = theano.grad(product, inputs, disconnected_inputs="ignore")
    got = evaluate(seconds, dict(zip(inputs, arrays)))
    step = 1e-6
    for x, second in zip(inputs, got):
        assert second.shape == arrays[inputs.index(x)].shape
    ahead, behind = (
        evaluate(gradients, {x: a + sign * step * d for x, a, d in zip(inputs, arrays, directions)})
        for sign in (1, -1)
    )
    for second, up, down in zip(got, ahead, behind):
        np.testing.assert_allclose(second, (up - down) / (2 * step), rtol=1e-5, atol=1e-6)
