"""The contract of reductions: dtypes, shapes with 0, 1 and many, axes, layouts and modes, against NumPy."""

import numpy as np
import pytest
from agreement import LAYOUTS, MODES, agree, gradients_agree, sample

import theano
import theano.tensor as T
from theano.graph.evaluate import evaluate

FLOATS = ["float16", "float32", "float64", "complex64", "complex128"]
INTS = ["bool", "int8", "uint8", "int32", "int64", "uint64"]
SHAPES = [(), (0,), (1,), (5,), (3, 4), (1, 4), (3, 0), (0, 3), (2, 3, 4), (2, 1, 4), (2, 0, 3)]


def axes_of(ndim):
    """Every kind of axis argument for this rank."""
    found = [None, ()]
    for k in range(ndim):
        found += [k, k - ndim, (k,), [k - ndim]]
    if ndim > 1:
        found += [(0, 1), (-1, 0), tuple(range(ndim)), list(range(ndim))]
    return found


def numpy_axis(axis):
    return tuple(axis) if isinstance(axis, list) else axis


def widened(dtype):
    if dtype == "bool" or dtype.startswith("int"):
        return "int64"
    return "uint64" if dtype.startswith("uint") else dtype


def accumulated(name, x, axis, keepdims):
    wide = widened(x.dtype.name)
    acc = {"float16": "float64", "float32": "float64", "complex64": "complex128"}.get(wide, wide)
    return np.asarray(getattr(np, name)(x, axis=numpy_axis(axis), keepdims=keepdims, dtype=acc)).astype(wide)


def is_empty(shape, axis):
    axes = range(len(shape)) if axis is None else np.atleast_1d(np.array(axis, dtype=int))
    return any(shape[k] == 0 for k in axes)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", FLOATS + INTS)
@pytest.mark.parametrize("name", ["sum", "prod"])
def test_sum_and_product(name, dtype, shape):
    x = sample(dtype, shape)
    for axis in axes_of(len(shape)):
        for keepdims in (False, True):
            agree(
                lambda v, a=axis, k=keepdims: getattr(T, name)(v, axis=a, keepdims=k),
                lambda v, a=axis, k=keepdims: accumulated(name, v, a, k), x,
            )


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64", *INTS])
@pytest.mark.parametrize("name", ["max", "min"])
def test_largest_and_smallest(name, dtype, shape):
    x = sample(dtype, shape)
    for axis in axes_of(len(shape)):
        if is_empty(shape, axis):
            v = T.as_tensor_variable(x)
            with pytest.raises(ValueError, match="nothing to reduce"):
                evaluate([getattr(T, name)(v, axis=axis)], {})
            continue
        for keepdims in (False, True):
            agree(
                lambda v, a=axis, k=keepdims: getattr(T, name)(v, axis=a, keepdims=k),
                lambda v, a=axis, k=keepdims: getattr(np, name)(v, axis=numpy_axis(a), keepdims=k), x,
            )


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", ["float64", "complex64", *INTS])
@pytest.mark.parametrize("name", ["all", "any"])
def test_all_and_any(name, dtype, shape):
    x = sample(dtype, shape)
    for axis in axes_of(len(shape)):
        agree(
            lambda v, a=axis: getattr(T, name)(v, axis=a),
            lambda v, a=axis: getattr(np, name)(v, axis=numpy_axis(a)), x,
        )


@pytest.mark.parametrize("shape", [(1,), (5,), (3, 4), (1, 4), (0, 3), (2, 3, 4)], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64", *INTS])
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_positions(name, dtype, shape):
    x = sample(dtype, shape)
    for axis in [None, *range(-len(shape), len(shape))]:
        if is_empty(shape, axis):
            with pytest.raises(ValueError, match="no element"):
                evaluate([getattr(T, name)(T.as_tensor_variable(x), axis=axis)], {})
            continue
        for keepdims in (False, True):
            agree(
                lambda v, a=axis, k=keepdims: getattr(T, name)(v, axis=a, keepdims=k),
                lambda v, a=axis, k=keepdims: getattr(np, name)(v, axis=a, keepdims=k), x,
            )


def test_position_over_several_axes_counts_in_their_elements():
    x = sample("float64", (2, 3, 4))
    moved = x.transpose(1, 0, 2).reshape(3, 8)
    agree(lambda v: T.argmax(v, axis=(0, 2)), lambda v: moved.argmax(1), x)
    agree(lambda v: T.max_and_argmax(v, axis=[2, 0]), lambda v: [moved.max(1), moved.argmax(1)], x)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex128"])
@pytest.mark.parametrize("ddof", [0, 1, 2])
def test_variance(dtype, ddof):
    x = sample(dtype, (4, 5))
    for axis in (None, 0, -1, (0, 1)):
        for corrected in (False, True):
            agree(
                lambda v, a=axis, c=corrected: T.var(v, a, ddof, corrected=c),
                lambda v, a=axis: np.var(v, axis=a, ddof=ddof), x,
            )
            agree(
                lambda v, a=axis, c=corrected: T.std(v, a, ddof, True, corrected=c),
                lambda v, a=axis: np.std(v, axis=a, ddof=ddof, keepdims=True), x,
            )


@pytest.mark.parametrize("dtype", [*FLOATS, *INTS])
def test_mean(dtype):
    x = sample(dtype, (4, 5))
    for axis in (None, 0, -1, (0, 1), ()):
        agree(lambda v, a=axis: T.mean(v, a), lambda v, a=axis: np.mean(v, axis=a), x)
    agree(lambda v: T.mean(v, 1, keepdims=True), lambda v: np.mean(v, 1, keepdims=True), x)
    assert T.mean(T.as_tensor_variable(x), op=True).dtype == np.mean(x).dtype


def test_mean_of_many_float16_does_not_overflow():
    x = np.full(100_000, 2, "float16")
    agree(T.mean, lambda v: np.float16(2), x)


def test_float32_is_added_up_in_float64():
    x = np.concatenate([np.float32([2**24]), np.ones(1000, "float32")])
    for mode in MODES:
        v = T.fvector()
        assert theano.function([v], T.sum(v), mode=mode)(x) == np.float32(2**24 + 1000)
    assert T.sum(T.fvector(), acc_dtype="float32").owner.op.acc_dtype == "float32"


def test_dtypes_asked_for():
    x = T.fmatrix()
    assert T.sum(x, dtype="float64").dtype == "float64"
    assert T.sum(T.bmatrix(), dtype="int8").dtype == "int8"
    assert T.sum(T.bmatrix(), dtype="float32").dtype == "float32"
    assert T.mean(T.bmatrix(), dtype="float32").dtype == "float32"
    assert T.sum(x).owner.op.acc_dtype == "float64"
    with pytest.raises(TypeError, match="precision"):
        T.sum(T.dmatrix(), acc_dtype="float32")
    with pytest.raises(TypeError, match="imaginary"):
        T.sum(T.zmatrix(), dtype="float64")
    with pytest.raises(TypeError, match="integer"):
        T.mean(x, dtype="int64")


def test_empty_reductions():
    nothing = np.zeros(0)
    agree(T.sum, lambda v: 0.0, nothing, modes=MODES)
    agree(T.prod, lambda v: 1.0, nothing, modes=MODES)
    agree(T.all, lambda v: True, nothing, modes=MODES)
    agree(T.any, lambda v: False, nothing, modes=MODES)
    agree(T.mean, lambda v: np.nan, nothing, modes=MODES)
    for mode in MODES:
        x = T.dvector()
        for name in ("max", "min", "argmax", "argmin"):
            f = theano.function([x], getattr(T, name)(x), mode=mode)
            with pytest.raises(ValueError):
                f(nothing)
            assert f([3.0, 1.0]) == {"max": 3, "min": 1, "argmax": 0, "argmin": 1}[name]


@pytest.mark.parametrize("mode", MODES)
def test_nan_goes_through(mode):
    a = np.array([[1.0, np.nan, 3.0], [4.0, 5.0, 6.0]])
    x = T.dmatrix()
    f = theano.function([x], [T.max(x, 1), T.min(x, 1), T.argmax(x, 1), T.argmin(x, 1), T.max(x)], mode=mode)
    got = f(a)
    for g, w in zip(got, [a.max(1), a.min(1), a.argmax(1), a.argmin(1), a.max()]):
        np.testing.assert_array_equal(g, w)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float64", "float32", "int8", "bool"])
def test_modes_and_layouts(mode, layout, dtype):
    names = ["sum", "prod", "max", "min", "all", "any", "mean"]
    for shape, axes in [((3, 4), [None, 0, 1]), ((2, 3, 4), [None, 0, 1, (0, 2), (1, 2)])]:
        array = LAYOUTS[layout](sample(dtype, shape))
        x = T.TensorType(dtype, (None,) * len(shape))()
        outputs = [getattr(T, name)(x, axis=axis) for name in names for axis in axes]
        got = theano.function([x], outputs, mode=mode)(array)
        want = evaluate(outputs, {x: array})
        for g, w in zip(got, want):
            assert g.dtype == w.dtype
            np.testing.assert_allclose(g, w, rtol=1e-6 if dtype == "float32" else 1e-12)


def test_static_shapes():
    x = T.TensorType("float64", (2, None, 1))()
    assert T.sum(x, 1).type.shape == (2, 1)
    assert T.sum(x, 0).type.shape == (None, 1)
    assert T.sum(x, 1, keepdims=True).type.shape == (2, 1, 1)
    assert T.max(x).type.shape == ()
    assert T.sum(x, ()).type.shape == (2, None, 1)


def test_equal_axes_make_equal_ops():
    x = T.dmatrix()
    assert T.sum(x, 1).owner.op == T.sum(x, -1).owner.op == T.sum(x, [1]).owner.op
    assert T.sum(x).owner.op == T.sum(x, (0, 1)).owner.op
    assert T.sum(x).owner.op.axis is None
    assert hash(T.sum(x, 1).owner.op) == hash(T.sum(x, -1).owner.op)


def test_wrong_axes():
    x = T.dmatrix("x")
    for axis in (2, -3, (0, 5)):
        with pytest.raises(ValueError, match="out of bounds"):
            T.sum(x, axis)
    with pytest.raises(ValueError, match="twice"):
        T.max(x, (1, -1))
    for axis in (0.5, "0", (0, 1.0), True):
        with pytest.raises(TypeError):
            T.sum(x, axis)
    with pytest.raises(TypeError, match="known when"):
        T.sum(x, T.iscalar())
    assert T.sum(x, T.constant(1)).owner.op.axis == (1,)
    with pytest.raises(TypeError, match="no meaning"):
        T.max(T.zvector())
    with pytest.raises(TypeError, match="no meaning"):
        T.argmax(T.zvector())


@pytest.mark.parametrize("shape", [(4,), (2, 3), (3, 1), (2, 0)], ids=str)
@pytest.mark.parametrize("name", ["sum", "prod", "mean", "max", "min", "var", "std", "ptp"])
def test_gradients(name, shape):
    x = sample("float64", shape)
    for axis in [None, 0, -1]:
        if name in ("max", "min", "ptp") and is_empty(shape, axis):
            continue
        if name in ("std", "var", "mean") and (is_empty(shape, axis) or (name == "std" and 1 in shape)):
            continue
        gradients_agree(lambda v, a=axis: getattr(T, name)(v, axis=a), x, limit=1e-4)


@pytest.mark.parametrize("zeros", [0, 1, 2, 3, 4])
def test_gradient_of_product_is_exact_with_zeros(zeros):
    x = np.array([2.0, -3.0, 0.5, 1.5])
    x[:zeros] = 0
    gradients_agree(T.prod, x, orders=(1, 2))
    v = T.dvector()
    others = [np.prod(np.delete(x, k)) for k in range(4)]
    np.testing.assert_array_equal(evaluate([theano.grad(T.prod(v), v)], {v: x})[0], others)
    second = [[0 if k == j else np.prod(np.delete(x, [k, j])) for j in range(4)] for k in range(4)]
    rows = [theano.grad(theano.grad(T.prod(v), v)[k], v) for k in range(4)]
    np.testing.assert_allclose(evaluate(rows, {v: x}), second, atol=1e-14)
    third = theano.grad(theano.grad(theano.grad(T.prod(v), v)[0], v)[1], v)
    np.testing.assert_allclose(evaluate([third], {v: x})[0], [0, 0, x[3], x[2]], atol=1e-14)


def test_gradient_of_product_along_axes_and_without_zeros():
    x = sample("float64", (2, 3, 2))
    x[0, 1, 1] = 0
    for axis in ((0, 2), 1, (0, 1, 2)):
        gradients_agree(lambda v, a=axis: T.prod(v, axis=a), x)
    v = T.dvector()
    g = theano.grad(T.prod(v, no_zeros_in_input=True), v)
    np.testing.assert_allclose(evaluate([g], {v: np.array([2.0, 4.0])})[0], [4.0, 2.0])


def test_gradient_of_maximum_goes_to_every_tied_entry():
    v = T.dvector()
    at = np.array([1.0, 3.0, 3.0, np.inf, np.inf])
    for name, want in [("max", [0, 0, 0, 1, 1]), ("min", [1, 0, 0, 0, 0])]:
        np.testing.assert_array_equal(evaluate([theano.grad(getattr(T, name)(v), v)], {v: at})[0], want)
    m, p = T.max_and_argmax(v)
    np.testing.assert_array_equal(evaluate([theano.grad(m, v)], {v: at})[0], [0, 0, 0, 1, 1])
    np.testing.assert_array_equal(evaluate([theano.grad(T.cast(p, "float64"), v)], {v: at})[0], np.zeros(5))


def test_gradients_of_positions_and_of_integers_are_zero():
    x, i = T.dvector(), T.ivector()
    for cost, v, at in [
        (T.cast(T.argmax(x), "float64"), x, np.array([1.0, 2.0])),
        (T.cast(T.all(x), "float64"), x, np.array([1.0, 2.0])),
        (T.cast(T.sum(i), "float64"), i, np.array([1, 2], "int32")),
        (T.mean(T.neq(x, 0)), x, np.array([1.0, 2.0])),
    ]:
        (g,) = evaluate([theano.grad(cost, v)], {v: at})
        assert g.dtype == "float64"
        np.testing.assert_array_equal(g, np.zeros(2))
    (g,) = evaluate([theano.grad(T.sum(i, dtype="float64"), i)], {i: np.array([1, 2], "int32")})
    np.testing.assert_array_equal(g, np.ones(2))


def test_general_reduction():
    from theano import scalar
    from theano.tensor.reductions import CAReduce, CAReduceDtype

    x = sample("int32", (3, 4))
    agree(lambda v: CAReduce(scalar.xor, axis=0)(v), lambda v: np.bitwise_xor.reduce(v, 0), x)
    agree(lambda v: CAReduce(scalar.add)(v), lambda v: v.sum(dtype="int32"), x)
    agree(lambda v: CAReduceDtype(scalar.add, 1)(v), lambda v: v.sum(1, dtype="int64"), x)
    gradients_agree(lambda v: CAReduce(scalar.mul, 1)(v), sample("float64", (2, 3)))
    assert str(CAReduce(scalar.xor, axis=0)(T.imatrix()).owner.op) == "Reduce{xor}{axis=[0]}"


def test_product_without_zeros():
    from theano.tensor.reductions import ProdWithoutZeros

    v = T.dmatrix()
    x = np.array([[2.0, 0.0, 3.0], [0.0, 0.0, 0.0]])
    got, g = evaluate([ProdWithoutZeros(1)(v), theano.grad(T.sum(ProdWithoutZeros(1)(v)), v)], {v: x})
    np.testing.assert_array_equal(got, [6.0, 0.0])
    np.testing.assert_array_equal(g, [[3.0, 0.0, 2.0], [0.0, 0.0, 0.0]])


@pytest.mark.parametrize("options", [
    {}, {"rowvar": False}, {"bias": True}, {"ddof": 0}, {"ddof": 2}, {"fweights": np.array([1, 2, 0, 3])},
    {"aweights": np.array([0.1, 0.5, 2.0, 1.0])},
    {"fweights": np.array([1, 2, 0, 3]), "aweights": np.array([0.1, 0.5, 2.0, 1.0]), "ddof": 2},
], ids=lambda o: ",".join(o))
def test_covariance(options):
    x = sample("float64", (4, 3) if options.get("rowvar") is False else (3, 4))
    agree(lambda v: T.cov(v, **options), lambda v: np.cov(v, **options), x)


def test_covariance_of_vectors_and_its_errors():
    x, y = sample("float64", (6,)), sample("float64", (6,), 1)
    agree(T.cov, np.cov, x)
    agree(T.cov, np.cov, x, y)
    gradients_agree(T.cov, x[:3], y[:3], orders=(1,))
    with pytest.raises(ValueError, match="two axes"):
        T.cov(T.dtensor3())
    with pytest.raises(TypeError, match="fweights"):
        T.cov(T.dmatrix(), fweights=T.dvector())
    with pytest.raises(ValueError, match="ddof"):
        T.cov(T.dmatrix(), ddof=0.5)
