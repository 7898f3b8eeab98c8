"""The contract of products: ranks, dtypes, shapes with 0, 1 and many, layouts and modes, against NumPy."""

import numpy as np
import pytest
from agreement import LAYOUTS, MODES, agree, gradients_agree, label, sample
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import theano
import theano.tensor as T
from theano.graph.evaluate import evaluate

DTYPES = ["float32", "float64", "complex64", "complex128", "int8", "int64", "uint8", "bool", "float16"]

DOT = [
    ((), ()), ((3,), ()), ((), (2, 3)), ((3,), (3,)), ((2, 3), (3,)), ((2,), (2, 3)), ((2, 3), (3, 4)),
    ((1, 3), (3, 1)), ((2, 1), (1, 4)), ((0, 3), (3, 2)), ((2, 0), (0, 3)), ((0,), (0,)), ((2, 0), (0,)),
    ((2, 3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)), ((4,), (2, 4, 5)), ((2, 3, 4), (4,)), ((2, 3), (5, 3, 4)),
    ((2, 0, 3), (3, 0)), ((2, 3, 0), (0, 4)),
]
MATMUL = [
    ((3,), (3,)), ((2, 3), (3,)), ((2,), (2, 3)), ((2, 3), (3, 4)), ((2, 3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)),
    ((4,), (2, 4, 5)), ((2, 3, 4), (4,)), ((2, 3), (5, 3, 4)), ((2, 1, 3, 4), (5, 4, 6)), ((7, 2, 3, 4), (7, 2, 4, 6)),
    ((7, 1, 3, 4), (1, 2, 4, 6)), ((1, 3, 4), (1, 4, 6)), ((1, 1, 3, 4), (2, 4, 6)), ((0, 3, 4), (0, 4, 2)),
    ((2, 3, 0), (2, 0, 2)),
]
TENSORDOT = [
    ((2, 3, 4), (3, 4, 5), 2), ((2, 3), (4, 5), 0), ((2, 3), (3,), 1), ((2, 3, 4), (4, 3, 5), [[1, 2], [1, 0]]),
    ((2, 3), (2, 3), [[0, 1], [0, 1]]), ((2, 3), (3, 2), [[0, 1], [1, 0]]), ((3, 4, 5), (4, 3, 2), ([1, 0], [0, 1])),
    ((3, 4), (4,), [-1, 0]), ((2, 3, 4), (3,), [[1], [0]]), ((2, 0, 4), (0, 4, 5), 2), ((2, 3), (3, 0), 1),
    ((), (), 0), ((3,), (3,), 1), ((2, 3), (), 0),
]


@pytest.mark.parametrize("a, b", DOT, ids=str)
def test_dot(a, b):
    x, y = sample("float64", a), sample("float64", b, 1)
    agree(T.dot, np.dot, x, y, modes=MODES)
    gradients_agree(T.dot, x, y)


@pytest.mark.parametrize("a, b", MATMUL, ids=str)
def test_matmul(a, b):
    x, y = sample("float64", a), sample("float64", b, 1)
    agree(T.matmul, np.matmul, x, y, modes=MODES)
    agree(lambda u, v: u @ v, np.matmul, x, y)
    if x.size * y.size < 400:
        gradients_agree(T.matmul, x, y, orders=(1,))


@pytest.mark.parametrize("a, b, axes", TENSORDOT, ids=str)
def test_tensordot(a, b, axes):
    x, y = sample("float64", a), sample("float64", b, 1)
    agree(lambda u, v: T.tensordot(u, v, axes), lambda u, v: np.tensordot(u, v, axes), x, y, modes=MODES)
    gradients_agree(lambda u, v: T.tensordot(u, v, axes), x, y, orders=(1,))


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes(dtype):
    x, y, v = sample(dtype, (3, 4)), sample(dtype, (4, 2), 1), sample(dtype, (4,), 2)
    agree(T.dot, np.dot, x, y, modes=MODES)
    agree(T.dot, np.dot, x, v, modes=MODES)
    agree(T.dot, np.dot, v, v)
    agree(T.matmul, np.matmul, sample(dtype, (2, 3, 4)), sample(dtype, (2, 4, 3), 1), modes=MODES)
    agree(lambda a, b: T.einsum("ij,jk->ki", a, b), lambda a, b: np.einsum("ij,jk->ki", a, b), x, y)


@pytest.mark.parametrize("a, b", [
    ("float32", "float64"), ("int8", "float32"), ("int64", "float32"), ("int8", "int16"), ("float64", "complex64"),
    ("bool", "int8"), ("uint8", "int8"),
])
def test_mixed_dtypes(a, b):
    x, y = sample(a, (3, 4)), sample(b, (4, 2), 1)
    agree(T.dot, np.dot, x, y, modes=MODES)
    agree(T.dot, np.dot, y.T, x.T)


def test_complex_numbers_are_not_conjugated():
    x = np.array([1j, 2.0])
    agree(T.dot, lambda a, b: np.complex128(3), x, x, modes=MODES)
    agree(T.vdot, lambda a, b: np.complex128(5), x, x)


@pytest.mark.parametrize("mode", MODES)
def test_layouts(mode):
    x, y, v = T.dmatrix(), T.dmatrix(), T.dvector()
    f = theano.function([x, y, v], [T.dot(x, y), T.dot(y, x.T), T.dot(x, v), T.dot(v, y), T.dot(x[:, ::-2], y[::2])],
                        mode=mode)
    for arrange in LAYOUTS.values():
        a, b, c = (arrange(sample("float64", s, k)) for k, s in enumerate([(4, 4), (4, 4), (4,)]))
        for got, want in zip(f(a, b, c), [a @ b, b @ a.T, a @ c, c @ b, a[:, ::-2] @ b[::2]]):
            np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("build, shapes", [
    (T.dot, [(2, 3), (4, 5)]), (T.dot, [(3,), (4,)]), (T.dot, [(2, 3), (4,)]), (T.dot, [(3,), (4, 2)]),
    (T.batched_dot, [(2, 3, 4), (2, 5, 3)]), (T.batched_dot, [(2, 3, 4), (3, 4, 3)]),
    (lambda a, b: T.tensordot(a, b, [[0, 1], [0, 1]]), [(2, 3), (3, 2)]),
    (lambda a, b: T.einsum("ij,ij->", a, b), [(2, 3), (3, 2)]),
    (lambda a, b: T.einsum("bij,bjk->bik", a, b), [(2, 3, 4), (3, 4, 2)]),
    (T.matmul, [(3, 2, 2, 2), (2, 3, 2, 2)]),
], ids=label)
def test_lengths_that_do_not_fit(build, shapes, mode):
    inputs = [T.TensorType("float64", (None,) * len(s))() for s in shapes]
    f = theano.function(inputs, build(*inputs), mode=mode)
    with pytest.raises(ValueError) as error:
        f(*(np.zeros(s) for s in shapes))
    if mode == "reference":
        assert str(shapes[0]) in str(error.value) or str(shapes[0][0]) in str(error.value)
    with pytest.raises(ValueError):   # known before
        build(*(T.TensorType("float64", s)() for s in shapes))


def test_what_is_refused():
    with pytest.raises(ValueError, match="scalar"):
        T.matmul(T.dscalar(), T.dmatrix())
    with pytest.raises(TypeError, match="scalar"):
        T.batched_dot(T.dscalar(), T.dmatrix())
    from theano.tensor.products import BatchedDot, Dot

    with pytest.raises(TypeError, match="vectors and matrices"):
        Dot()(T.dtensor3(), T.dmatrix())
    with pytest.raises(TypeError, match="3 axes"):
        BatchedDot()(T.dmatrix(), T.dtensor3())
    x, y = T.dmatrix(), T.dtensor3()
    for axes in (3, -1, [[0, 0], [0, 1]], [[0], [0, 1]], [[2], [0]], "ab", [[0]]):
        with pytest.raises(ValueError):
            T.tensordot(x, y, axes)
    with pytest.raises(ValueError, match="batch axis"):
        T.batched_tensordot(y, y, [[0], [1]])


def test_outer_and_inner():
    v, w, m = sample("float64", (3,)), sample("float64", (4,), 1), sample("float64", (2, 3), 2)
    agree(T.outer, np.outer, v, w, modes=MODES)
    agree(T.outer, np.outer, m, w)
    agree(T.outer, np.outer, np.float64(2), w)
    gradients_agree(T.outer, v, w)
    agree(T.inner, np.inner, m, v, modes=MODES)
    agree(T.inner, np.inner, m, sample("float64", (5, 3)))
    agree(T.inner, np.inner, v, np.float64(2))
    agree(T.inner, np.inner, v, v)
    gradients_agree(T.inner, m, v, orders=(1,))


@pytest.mark.parametrize("subscripts, a, b", [
    ("ijk,ikl->ijl", (2, 3, 4), (2, 4, 5)), ("ik,ikl->il", (2, 4), (2, 4, 5)), ("ijk,ik->ij", (2, 3, 4), (2, 4)),
    ("ik,ik->i", (2, 4), (2, 4)), ("i,ik->ik", (2,), (2, 4)), ("i,i->i", (2,), (2,)), ("ik,i->ik", (2, 3), (2,)),
    ("iajk,ibkl->iajbl", (2, 3, 4, 5), (2, 6, 5, 2)), ("ijk,ikl->ijl", (0, 3, 4), (0, 4, 5)),
    ("ijk,ikl->ijl", (2, 3, 0), (2, 0, 5)), ("ijk,ikl->ijl", (1, 3, 4), (1, 4, 5)),
])
def test_batched_dot(subscripts, a, b):
    x, y = sample("float64", a), sample("float64", b, 1)
    agree(T.batched_dot, lambda u, v: np.einsum(subscripts, u, v), x, y, modes=MODES)
    if x.size * y.size < 1000:
        gradients_agree(T.batched_dot, x, y, orders=(1,))


@pytest.mark.parametrize("subscripts, a, b, axes", [
    ("iajk,ijkl->ial", (2, 3, 4, 5), (2, 4, 5, 2), 2), ("iajk,ikab->ijb", (2, 3, 4, 5), (2, 5, 3, 2), [[1, 3], [2, 1]]),
    ("iaj,ijk->iak", (2, 3, 4), (2, 4, 5), 1), ("ia,ij->iaj", (2, 3), (2, 4), 0),
    ("iaj,ika->ijk", (2, 3, 4), (2, 5, 3), [1, 2]),
])
def test_batched_tensordot(subscripts, a, b, axes):
    x, y = sample("float64", a), sample("float64", b, 1)
    agree(lambda u, v: T.batched_tensordot(u, v, axes), lambda u, v: np.einsum(subscripts, u, v), x, y, modes=MODES)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_ops_of_blas(dtype):
    from theano.tensor import blas

    def s(*shape, seed=0):
        return sample(dtype, shape, seed)

    x, y, z, v, w = s(3, 4), s(4, 2, seed=1), s(3, 2, seed=2), s(4, seed=3), s(3, seed=4)
    a, b = s(seed=5), s(seed=6)
    agree(blas.gemm, lambda z, a, x, y, b: b * z + a * (x @ y), z, a, x, y, b, modes=MODES)
    agree(blas.gemv, lambda w, a, x, v, b: b * w + a * (x @ v), w, a, x, v, b, modes=MODES)
    agree(blas.ger, lambda x, a, w, v: x + a * np.outer(w, v), x, a, w, v, modes=MODES)
    agree(blas.Dot22(), np.dot, x, y, modes=MODES)
    agree(blas.Dot22Scalar(), lambda x, y, a: a * (x @ y), x, y, a, modes=MODES)
    if dtype == "float64":
        gradients_agree(blas.gemm, z, a, x, y, b, orders=(1,))
        gradients_agree(blas.gemv, w, a, x, v, b, orders=(1,))
        gradients_agree(blas.ger, x, a, w, v, orders=(1,))
        gradients_agree(blas.Dot22(), x, y, orders=(1,))
        gradients_agree(blas.Dot22Scalar(), x, y, a, orders=(1,))


@pytest.mark.parametrize("mode", MODES)
def test_blas_does_not_look_at_an_addend_times_zero(mode):
    from theano.tensor import blas

    z, x, y, b = T.dmatrix(), T.dmatrix(), T.dmatrix(), T.dscalar()
    f = theano.function([z, x, y, b], blas.gemm(z, 1.0, x, y, b), mode=mode)
    got = f(np.full((2, 2), np.nan), np.eye(2), np.eye(2), 0.0)
    np.testing.assert_array_equal(got, np.eye(2))


def test_blas_refuses():
    from theano.tensor import blas

    m, v, s = T.dmatrix(), T.dvector(), T.dscalar()
    with pytest.raises(TypeError, match="operand 0"):
        blas.gemm(v, s, m, m, s)
    with pytest.raises(TypeError, match="one dtype"):
        blas.Dot22()(m, T.fmatrix())
    with pytest.raises(TypeError, match="two matrices"):
        blas.Dot22()(m, v)
    with pytest.raises(ValueError, match="fit"):
        blas.gemm(np.zeros((2, 2)), 1.0, np.zeros((2, 3)), np.zeros((4, 2)), 1.0)
    with pytest.raises(ValueError, match="Shape mismatch"):
        evaluate([blas.gemm(m, 1.0, m, m, 1.0)], {m: np.zeros((2, 3))})


# -- einsum ----------------------------------------------------------------------------------------------------------


@st.composite
def subscripts_and_shapes(draw):
    labels = "abcde"[:draw(st.integers(1, 5))]
    size = {label: draw(st.sampled_from([1, 2, 3])) for label in labels}
    dots = draw(st.booleans())
    parts, shapes = [], []
    for _ in range(draw(st.integers(1, 4))):
        part = "".join(draw(st.lists(st.sampled_from(labels), max_size=3)))
        shape = [1 if part.count(label) == 1 and draw(st.integers(0, 9)) == 0 else size[label] for label in part]
        if dots and draw(st.booleans()):
            at = draw(st.integers(0, len(part)))
            extra = [3, 2][draw(st.integers(0, 2)):]
            shape[at:at] = [1 if draw(st.integers(0, 4)) == 0 else n for n in extra]
            part = part[:at] + "..." + part[at:]
        parts.append(part)
        shapes.append(tuple(shape))
    text = ",".join(parts)
    if draw(st.booleans()):
        used = sorted(set(text) - set(",."))
        output = "".join(draw(st.permutations(used)))[:draw(st.integers(0, len(used)))] if used else ""
        if "..." in text:
            at = draw(st.integers(0, len(output)))
            output = output[:at] + "..." + output[at:]
        text += "->" + output
    return text, shapes


@settings(max_examples=300)
@given(subscripts_and_shapes())
def test_any_einsum(drawn):
    text, shapes = drawn
    arrays = [sample("float64", s, k) for k, s in enumerate(shapes)]
    try:
        np.einsum(text, *arrays)
    except ValueError:
        assume(False)
    agree(lambda *v: T.einsum(text, *v), lambda *v: np.einsum(text, *v), *arrays)


@pytest.mark.parametrize("text, shapes", [
    ("ij,jk", [(2, 3), (3, 4)]), ("ii", [(3, 3)]), ("ii->i", [(3, 3)]), ("ij->ji", [(2, 3)]), ("ij,ij->", [(2, 3)] * 2),
    ("i,j->ij", [(2,), (3,)]), ("bij,bjk->bik", [(2, 2, 3), (2, 3, 2)]), ("...i,...i->...", [(2, 3), (2, 3)]),
    ("ij,jk,kl->il", [(2, 3), (3, 2), (2, 3)]), ("iij,j->i", [(2, 2, 3), (3,)]), ("a,a,a->a", [(3,)] * 3),
    ("ijk->", [(2, 1, 3)]), ("i->", [(0,)]), ("ij,j->i", [(2, 0), (0,)]), ("..., ij -> ...ji", [(2,), (2, 3)]),
], ids=str)
def test_einsum(text, shapes):
    arrays = [sample("float64", s, k) for k, s in enumerate(shapes)]
    agree(lambda *v: T.einsum(text, *v), lambda *v: np.einsum(text, *v), *arrays, modes=MODES)
    gradients_agree(lambda *v: T.einsum(text, *v), *arrays, orders=(1,))


def test_einsum_of_lists_and_order():
    x, y = sample("float64", (2, 3)), sample("float64", (3, 4), 1)
    agree(lambda a, b: T.einsum(a, [0, 1], b, [1, 2], [2, 0]), lambda a, b: (a @ b).T, x, y)
    agree(lambda a, b: T.einsum(a, [0, 1], b, [1, 2]), lambda a, b: a @ b, x, y)
    a, b, c = T.TensorType("float64", (50, 2))(), T.TensorType("float64", (2, 60))(), T.TensorType("float64", (60,))()
    result = T.einsum("ij,jk,k->i", a, b, c)   # the product with the vector comes first
    assert result.owner.inputs[1].ndim == 1 or result.owner.inputs[0].ndim == 1
    assert all(v.ndim < 2 or v.owner is None or 50 not in v.type.shape or 60 not in v.type.shape
               for node in theano.graph.traverse.toposort([result]) for v in node.outputs)
    unordered = T.einsum("ij,jk,k->i", a, b, c, optimize=False)
    assert unordered.type.shape == (50,)


@pytest.mark.parametrize("text, shapes", [
    ("ij,jk", [(2, 3)]), ("ij", [(2,)]), ("i1", [(2, 2)]), ("ij->k", [(2, 2)]), ("ij->ii", [(2, 2)]),
    ("ij,jk->ik", [(2, 3), (4, 2)]), ("...i->i", [(2, 3)]), ("i.j", [(2, 3)]), ("ii", [(2, 3)]),
], ids=str)
def test_einsum_refuses(text, shapes):
    with pytest.raises(ValueError):
        T.einsum(text, *(T.TensorType("float64", s)() for s in shapes))
