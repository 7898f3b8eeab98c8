"""theano.tensor.signal.pool: values against windows written out, derivatives, ties, NaN, sizes, refusals."""

import itertools

import numpy as np
import pytest
from agreement import MODES, agree, gradients_agree

import theano
import theano.tensor as T
from theano.gradient import Rop, grad
from theano.graph.evaluate import evaluate
from theano.tensor.signal import pool

NUMPY = {"max": np.max, "sum": np.sum, "average_exc_pad": np.mean}


def normal(*shape, dtype="float64"):
    return np.random.default_rng(list(shape)).normal(size=shape).astype(dtype)


def starts(n, w, s, pad, ignore_border):
    """Where windows begin, on the image with its padding."""
    n += 2 * pad
    found = []
    while (found[-1] + s if found else 0) < n:
        first = found[-1] + s if found else 0
        if first + w > n and ignore_border:
            break
        if found and s < w and found[-1] + w >= n and not ignore_border:
            break
        found.append(first)
    return found


def by_windows(x, ws, ignore_border, stride, pad, mode):
    d = len(ws)
    lists = [starts(n, w, s, p, ignore_border) for n, w, s, p in zip(x.shape[-d:], ws, stride, pad)]
    out = np.zeros(x.shape[:-d] + tuple(map(len, lists)), x.dtype)
    for at in np.ndindex(*out.shape[-d:]):
        cut = []
        for k, n, w, p, all_of in zip(at, x.shape[-d:], ws, pad, lists):
            cut.append(slice(max(0, all_of[k] - p), min(n, all_of[k] - p + w)))
        part = x[(..., *cut)]
        axes = tuple(range(-d, 0))
        if mode == "average_inc_pad":
            value = part.sum(axes) / (np.prod(ws) if any(pad) else np.prod(part.shape[-d:]))
        else:
            value = NUMPY[mode](part, axes)
        out[(..., *at)] = value
    return out


MODES_OF_POOLING = ["max", "sum", "average_inc_pad", "average_exc_pad"]
CASES = [
    (ws, ignore, stride, pad)
    for ws, stride, ignore, pad in itertools.product(
        [(2, 2), (3, 1), (2, 4)], [(2, 2), (1, 2), (3, 5)], [True, False], [(0, 0), (1, 0)]
    )
    if ignore or not any(pad)
]


@pytest.mark.parametrize("mode", MODES_OF_POOLING)
class Test_every_mode:
    @pytest.mark.parametrize("ws, ignore, stride, pad", CASES, ids=str)
    def test_values(self, mode, ws, ignore, stride, pad):
        agree(
            lambda a: pool.pool_2d(a, ws, ignore, stride, pad, mode),
            lambda a: by_windows(a, ws, ignore, stride, pad, mode), normal(2, 3, 7, 6),
        )  # fmt: skip

    @pytest.mark.parametrize("ws, ignore, stride, pad", CASES[::3], ids=str)
    def test_derivatives(self, mode, ws, ignore, stride, pad):
        gradients_agree(lambda a: pool.pool_2d(a, ws, ignore, stride, pad, mode) ** 2, normal(1, 2, 6, 5))

    @pytest.mark.parametrize("ignore, pad", [(True, (0, 0, 0)), (True, (1, 0, 1)), (False, (0, 0, 0))])
    def test_three_axes(self, mode, ignore, pad):
        ws, stride = (2, 3, 2), (2, 1, 2)

        def build(a):
            return pool.pool_3d(a, ws, ignore, stride, pad, mode)

        agree(build, lambda a: by_windows(a, ws, ignore, stride, pad, mode), normal(2, 1, 5, 4, 3), modes=MODES)
        gradients_agree(lambda a: build(a) ** 2, normal(3, 4, 3))

    def test_compiled_with_its_gradient(self, mode):
        x = normal(2, 3, 7, 6)
        a = T.dtensor4()
        z = pool.pool_2d(a, (3, 2), True, (2, 1), (1, 1), mode)
        want = evaluate([z, grad((z**2).sum(), a)], {a: x})
        for name in MODES:
            for got, w in zip(theano.function([a], [z, grad((z**2).sum(), a)], mode=name)(x), want):
                np.testing.assert_allclose(got, w, rtol=1e-12)

    def test_sizes_as_expressions(self, mode):
        x = normal(2, 7, 6)
        a, ws, stride, pad = T.dtensor3(), T.ivector(), T.lvector(), T.lvector()
        z = pool.pool_2d(a, ws, True, stride, pad, mode)
        f = theano.function([a, ws, stride, pad], [z, z.shape, grad(z.sum(), a)])
        got, shape, gradient = f(x, [3, 2], [2, 1], [1, 0])
        np.testing.assert_allclose(got, by_windows(x, (3, 2), True, (2, 1), (1, 0), mode))
        assert got.shape == tuple(shape) and gradient.shape == x.shape
        z = pool.pool_2d(a, ws, False, stride, mode=mode)
        f = theano.function([a, ws, stride], [z, z.shape])
        for w, s in [([3, 2], [2, 1]), ([2, 2], [3, 4]), ([9, 2], [1, 2])]:
            got, shape = f(x, w, s)
            np.testing.assert_allclose(got, by_windows(x, w, False, s, (0, 0), mode))
            assert got.shape == tuple(shape)

    def test_forward_derivative(self, mode):
        x, direction = normal(2, 5, 5), normal(2, 1, 5, 5)[:, 0]
        a, e = T.dtensor3(), T.dtensor3()
        z = pool.pool_2d(a, (2, 3), False, (1, 2), mode=mode)
        found = evaluate([Rop(z, a, e)], {a: x, e: direction})[0]
        h = 1e-6
        ends = [evaluate([z], {a: x + sign * h * direction})[0] for sign in (1, -1)]
        np.testing.assert_allclose(found, (ends[0] - ends[1]) / (2 * h), atol=1e-8)

    @pytest.mark.parametrize("layout", ["reversed", "transposed", "strided"])
    def test_layouts(self, mode, layout):
        base = normal(8, 8, 8)
        x = {"reversed": base[:2, ::-1, ::-1], "transposed": base.T[:2], "strided": base[::4, ::2, ::2]}[layout]
        a = T.dtensor3()
        f = theano.function([a], [z := pool.pool_2d(a, (2, 3), True, (1, 1), (1, 1), mode), grad((z * z).sum(), a)])
        for got, want in zip(f(x), f(x.copy())):
            np.testing.assert_array_equal(got, want)

    @pytest.mark.parametrize("dtype", ["float32", "float16", "int8", "uint8", "bool"])
    def test_dtypes(self, mode, dtype):
        x = (np.abs(normal(2, 5, 4)) * 3).astype(dtype)
        found = evaluate([pool.pool_2d(T.constant(x), (2, 2), False, mode=mode)], {})[0]
        averaged = mode.startswith("average")
        assert found.dtype == ("float64" if averaged and not dtype.startswith("f") else dtype)
        want = by_windows(x.astype("float64"), (2, 2), False, (2, 2), (0, 0), mode)
        if dtype == "bool":
            want = want.astype(found.dtype)
        np.testing.assert_allclose(found, want, rtol={"float32": 1e-5, "float16": 2e-2}.get(dtype, 1e-12), atol=1e-3)

    def test_padding_of_integers_never_wins(self, mode):
        x = np.full((1, 3, 3), -5, "int8")
        found = evaluate([pool.pool_2d(T.constant(x), (2, 2), True, (1, 1), (1, 1), mode)], {})[0]
        np.testing.assert_array_equal(found, by_windows(
            x.astype(found.dtype), (2, 2), True, (1, 1), (1, 1), mode))  # fmt: skip

    def test_no_items(self, mode):
        a = T.dtensor4()
        z = pool.pool_2d(a, (2, 2), True, mode=mode)
        values = theano.function([a], [z, grad(z.sum(), a)])(np.zeros((0, 3, 4, 5)))
        assert [v.shape for v in values] == [(0, 3, 2, 2), (0, 3, 4, 5)]


class Test_maxima:
    def test_equal_elements_all_get_the_gradient(self):
        a = T.dmatrix()
        g = theano.function([a], grad(pool.pool_2d(a, (2, 2), True).sum(), a))
        np.testing.assert_array_equal(g([[1, 1], [0, 1]]), [[1, 1], [0, 1]])

    def test_not_a_number_and_infinities(self):
        x = np.array([[np.nan, 1, -np.inf, -np.inf], [2, 3, -np.inf, -np.inf]])
        a = T.dmatrix()
        z = pool.pool_2d(a, (2, 2), True)
        values = theano.function([a], [z, grad(z.sum(), a)])(x)
        np.testing.assert_array_equal(values[0], [[np.nan, -np.inf]])
        np.testing.assert_array_equal(values[1], [[1, 0, 1, 1], [0, 0, 1, 1]])

    def test_gradient_ops_by_hand(self):
        x, v = normal(5, 4), normal(4, 5).T
        a, e = T.dmatrix(), T.dmatrix()
        largest = pool.Pool(True)(a, (2, 2))
        found = evaluate(
            [pool.MaxPoolRop(True)(a, e, (2, 2)), pool.DownsampleFactorMaxGradGrad(True)(a, largest, e, (2, 2))],
            {a: x, e: v},
        )
        np.testing.assert_array_equal(found[0], found[1])
        h = 1e-6
        ends = [by_windows(x + s * h * v, (2, 2), True, (2, 2), (0, 0), "max") for s in (1, -1)]
        np.testing.assert_allclose(found[0], (ends[0] - ends[1]) / (2 * h), atol=1e-8)
        gradients_agree(lambda a, e: pool.MaxPoolRop(True)(a, e, (2, 2)), x, v)

    def test_same_size(self):
        x = np.array([[1.0, 2, 5, -6, 9], [3, -4, 4, 5, 9], [9, 9, 9, 9, 9]])
        want = np.array([[0.0, 0, 5, 0, 0], [3, 0, 0, 5, 0], [0, 0, 0, 0, 0]])
        agree(lambda a: pool.max_pool_2d_same_size(a, (2, 2)), lambda a: want, x, modes=MODES)
        a = T.dmatrix()
        gradients = evaluate([grad(pool.max_pool_2d_same_size(a, (2, 2)).sum(), a)], {a: x})[0]
        np.testing.assert_array_equal(gradients, (want != 0).astype(float))


class Test_declarations:
    def test_static_shapes(self):
        a = T.TensorType("float64", (2, None, 7, 6))()
        assert pool.pool_2d(a, (2, 2), True).type.shape == (2, None, 3, 3)
        assert pool.pool_2d(a, (2, 2), False).type.shape == (2, None, 4, 3)
        assert grad(pool.pool_2d(a, 2, True).sum(), a).type.shape == a.type.shape

    def test_the_border_must_be_chosen(self):
        with pytest.warns(UserWarning, match="ignore_border"):
            z = pool.pool_2d(T.dmatrix(), (2, 2))
        assert z.owner.op.ignore_border is False

    def test_old_names(self):
        a = T.dmatrix()
        for old, new in [({"ds": (2, 2)}, {"ws": (2, 2)}), ({"ws": 2, "st": (1, 1)}, {"ws": 2, "stride": (1, 1)}),
                         ({"ws": 2, "padding": (1, 1)}, {"ws": 2, "pad": (1, 1)})]:  # fmt: skip
            with pytest.warns(DeprecationWarning, match="now called"):
                z = pool.pool_2d(a, ignore_border=True, **old)
            x = normal(5, 5)
            want = pool.pool_2d(a, ignore_border=True, **new)
            np.testing.assert_array_equal(*evaluate([z, want], {a: x}))
        with pytest.raises(ValueError, match="old name"):
            pool.pool_2d(a, (2, 2), True, ds=(2, 2))
        with pytest.raises(ValueError, match="size of the windows"):
            pool.pool_2d(a, ignore_border=True)

    @pytest.mark.parametrize(
        "keywords, error",
        [
            ({"mode": "min"}, ValueError), ({"ws": (0, 1)}, ValueError), ({"ws": (1, 2, 3)}, TypeError),
            ({"ws": 1.5}, TypeError), ({"stride": (0, 1)}, ValueError), ({"pad": (-1, 0)}, ValueError),
            ({"pad": (2, 0)}, NotImplementedError), ({"pad": (1, 1), "ignore_border": False}, NotImplementedError),
        ],
        ids=str,
    )  # fmt: skip
    def test_refusals(self, keywords, error):
        with pytest.raises(error, match="pooling"):
            pool.pool_2d(T.dmatrix(), **{"ws": (2, 2), "ignore_border": True, **keywords})

    def test_ranks_and_complex(self):
        for x in (T.dvector(), T.zmatrix()):
            with pytest.raises(TypeError, match="pooling"):
                pool.pool_2d(x, (2, 2), True)

    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("shape, ignore", [((1, 5), True), ((5, 0), True), ((0, 5), False)])
    def test_no_window_fits(self, mode, shape, ignore):
        a = T.dmatrix()
        f = theano.function([a], pool.pool_2d(a, (2, 2), ignore), mode=mode)
        with pytest.raises(ValueError, match="no window"):
            f(np.ones(shape))
        with pytest.raises(ValueError, match="no window"):
            pool.pool_2d(np.ones(shape), (2, 2), ignore)
