"""theano.tensor.nnet convolution: against SciPy and loops written out, derivatives of two orders, refusals."""

import itertools

import numpy as np
import pytest
from agreement import MODES, agree, gradients_agree
from scipy import signal

import theano
import theano.tensor as T
from theano.gradient import grad
from theano.graph.evaluate import evaluate
from theano.tensor import nnet
from theano.tensor.nnet import abstract_conv, conv_arrays
from theano.tensor.nnet.conv_shape import dilated


def normal(*shape, dtype="float64", seed=0):
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(dtype)


def by_loops(x, w, pads, stride, dilation, flip=True, groups=1, unshared=False):
    """The definition, one window at a time, for any number of spatial axes."""
    d = x.ndim - 2
    if flip:
        w = w[(..., *(slice(None, None, -1),) * d)]
    x = np.pad(x, ((0, 0), (0, 0), *pads))
    kernel = w.shape[-d:]
    extents = [dilated(k, n) for k, n in zip(kernel, dilation)]
    top = [(n - e) // s + 1 for n, e, s in zip(x.shape[2:], extents, stride)]
    out = np.zeros((x.shape[0], w.shape[0], *top), x.dtype)
    inner = w.shape[-d - 1]
    for b, o, *at in np.ndindex(out.shape):
        first = o // (w.shape[0] // groups) * inner
        window = tuple(slice(p * s, p * s + e, n) for p, s, e, n in zip(at, stride, extents, dilation))
        part = x[(b, slice(first, first + inner), *window)]
        out[(b, o, *at)] = (part * (w[(o, *at)] if unshared else w[o])).sum()
    return out


OPTIONS = [
    dict(zip(("border_mode", "subsample", "filter_dilation", "filter_flip"), values))
    for values in itertools.product(
        ["valid", "full", "half", 1, (1, 2), ((1, 2), (0, 1))], [(1, 1), (2, 3)], [(1, 1), (2, 1)], [True, False]
    )
]


def expected(x, w, border_mode="valid", subsample=(1, 1), filter_dilation=(1, 1), filter_flip=True, groups=1):
    extents = [dilated(k, n) for k, n in zip(w.shape[2:], filter_dilation)]
    pads = abstract_conv.border_mode_to_pad(border_mode, x.ndim - 2, extents)
    return by_loops(x, w, pads, subsample, filter_dilation, filter_flip, groups)


class Test_conv2d:
    @pytest.mark.parametrize("mode", ["valid", "full"])
    @pytest.mark.parametrize("flip", [True, False])
    def test_one_channel_is_what_scipy_computes(self, mode, flip):
        x, w = normal(1, 1, 6, 7), normal(1, 1, 3, 2)
        oracle = signal.convolve2d if flip else signal.correlate2d
        agree(
            lambda a, b: nnet.conv2d(a, b, border_mode=mode, filter_flip=flip),
            lambda a, b: oracle(a[0, 0], b[0, 0], mode)[None, None], x, w, modes=MODES,
        )  # fmt: skip

    def test_half_keeps_the_size_for_odd_kernels(self):
        x, w = normal(1, 1, 6, 7), normal(1, 1, 3, 5)
        agree(
            lambda a, b: nnet.conv2d(a, b, border_mode="half"),
            lambda a, b: signal.convolve2d(a[0, 0], b[0, 0], "same")[None, None], x, w,
        )  # fmt: skip

    @pytest.mark.parametrize("options", OPTIONS, ids=str)
    def test_options(self, options):
        x, w = normal(2, 4, 7, 6), normal(6, 2, 3, 2)
        agree(
            lambda a, b: nnet.conv2d(a, b, num_groups=2, **options),
            lambda a, b: expected(a, b, groups=2, **options), x, w,
        )  # fmt: skip

    @pytest.mark.parametrize("options", OPTIONS[::5], ids=str)
    def test_derivatives(self, options):
        gradients_agree(lambda a, b: nnet.conv2d(a, b, num_groups=2, **options), normal(2, 4, 6, 6), normal(2, 2, 3, 2))

    @pytest.mark.parametrize("groups", [1, 2, 4])
    def test_groups_up_to_one_channel_each(self, groups):
        x, w = normal(2, 4, 5, 4), normal(8, 4 // groups, 2, 3)
        agree(
            lambda a, b: nnet.conv2d(a, b, num_groups=groups), lambda a, b: expected(a, b, groups=groups), x, w,
            modes=MODES,
        )  # fmt: skip

    @pytest.mark.parametrize("dtype, limit", [("float32", 2e-5), ("float16", 2e-2), ("int32", 0), ("uint8", 0)])
    def test_dtypes(self, dtype, limit):
        scale = 1 if dtype.startswith("f") else 3
        x, w = ((normal(*s) * scale).astype(dtype) for s in [(2, 3, 5, 5), (4, 3, 3, 2)])
        found = evaluate([nnet.conv2d(T.constant(x), T.constant(w))], {})[0]
        assert found.dtype == dtype
        want = expected(x.astype("float64" if limit else dtype), w.astype("float64" if limit else dtype))
        np.testing.assert_allclose(found, want, rtol=limit, atol=limit * 5)

    def test_dtypes_meet(self):
        assert nnet.conv2d(T.ftensor4(), T.dtensor4()).dtype == "float64"
        x, w = T.ftensor4(), T.dtensor4()
        gx, gw = grad(nnet.conv2d(x, w).sum(), [x, w])
        assert (gx.dtype, gw.dtype) == ("float32", "float64")

    @pytest.mark.parametrize("layout", ["reversed", "transposed", "strided"])
    def test_layouts(self, layout):
        base = normal(8, 8, 8, 8)
        x = {"reversed": base[:2, :3, ::-1, ::-1], "transposed": base.T[:2, :3], "strided": base[::4, ::3, ::2]}[layout]
        w = normal(4, 3, 2, 3)
        f = theano.function([a := T.dtensor4(), b := T.dtensor4()], [nnet.conv2d(a, b, border_mode="full")] + grad(
            nnet.conv2d(a, b, border_mode="full").sum(), [a, b]
        ))  # fmt: skip
        for got, want in zip(f(x, w), f(x.copy(), w)):
            np.testing.assert_allclose(got, want, rtol=1e-12)
        np.testing.assert_allclose(f(x, w)[0], expected(x, w, "full"), atol=1e-12)

    @pytest.mark.parametrize("block", [1, 40, 500])
    def test_any_size_of_the_workspace_gives_the_same(self, block, monkeypatch):
        monkeypatch.setattr(conv_arrays, "_BLOCK", block)
        x, w = normal(3, 4, 7, 6), normal(2, 2, 3, 2)
        for options in OPTIONS[::7]:
            a, b = T.dtensor4(), T.dtensor4()
            z = nnet.conv2d(a, b, num_groups=2, **options)
            gz = normal(*expected(x, w, groups=2, **options).shape)
            found = evaluate([z, *grad((z * gz).sum(), [a, b])], {a: x, b: w})
            np.testing.assert_allclose(found[0], expected(x, w, groups=2, **options), atol=1e-12)
            dx, dw = normal(*x.shape, seed=1), normal(*w.shape, seed=1)
            np.testing.assert_allclose((found[1] * dx).sum(), (expected(dx, w, groups=2, **options) * gz).sum())
            np.testing.assert_allclose((found[2] * dw).sum(), (expected(x, dw, groups=2, **options) * gz).sum())

    @pytest.mark.parametrize("batch, channels, filters", [(0, 3, 2), (2, 0, 2), (2, 3, 0)])
    def test_nothing_to_convolve(self, batch, channels, filters):
        x, w = T.dtensor4(), T.dtensor4()
        z = nnet.conv2d(x, w)
        f = theano.function([x, w], [z, *grad(z.sum(), [x, w])])
        values = np.ones((batch, channels, 4, 4)), np.ones((filters, channels, 3, 2))
        z, gx, gw = f(*values)
        np.testing.assert_array_equal(z, np.zeros((batch, filters, 2, 3)))
        np.testing.assert_array_equal(gx, np.zeros((batch, channels, 4, 4)) if not filters else gx)
        assert gx.shape == values[0].shape and gw.shape == values[1].shape
        np.testing.assert_array_equal(gw, np.zeros(gw.shape) if not batch else gw)

    def test_the_rest_of_the_image_gets_no_gradient(self):
        x = T.dtensor4()
        f = theano.function([x], grad(nnet.conv2d(x, np.ones((1, 1, 2, 2)), subsample=(3, 3)).sum(), x))
        found = f(np.zeros((1, 1, 7, 6)))[0, 0]
        np.testing.assert_array_equal(found, np.outer([1, 1, 0, 1, 1, 0, 0], [1, 1, 0, 1, 1, 0]))

    def test_static_shapes(self):
        x, w = T.TensorType("float64", (2, 3, 8, None))(), T.TensorType("float64", (4, 3, 3, 3))()
        z = nnet.conv2d(x, w, border_mode="half", subsample=(2, 1))
        assert z.type.shape == (2, 4, 4, None)
        assert grad(z.sum(), w).type.shape == w.type.shape
        assert nnet.conv2d(T.dtensor4(), T.dtensor4()).type.shape == (None,) * 4

    def test_the_shape_needs_no_convolution(self):
        x, w = T.dtensor4(), T.dtensor4()
        f = theano.function([x, w], nnet.conv2d(x, w, border_mode="half", subsample=(2, 2)).shape)
        assert not any(isinstance(n.op, abstract_conv.BaseAbstractConv) for n in f.maker.fgraph.toposort())
        assert f(np.zeros((2, 3, 8, 7)), np.zeros((4, 3, 3, 3))).tolist() == [2, 4, 4, 4]

    def test_hints_are_checked_if_asked_for(self):
        x, w = T.dtensor4(), T.dtensor4()
        f = theano.function([x, w], nnet.conv2d(x, w, (2, 1, 5, 5), (1, 1, 2, 2)))
        values = np.ones((3, 1, 5, 5)), np.ones((1, 1, 2, 2))
        assert f(*values).shape == (3, 1, 4, 4)
        with theano.change_flags(**{"conv.assert_shape": True}), pytest.raises(AssertionError, match="input_shape"):
            f(*values)

    def test_old_keywords(self):
        x, w = T.dtensor4(), T.dtensor4()
        assert nnet.conv2d(x, w, image_shape=(2, 1, 5, 5), filter_shape=(1, 1, 2, 2)).ndim == 4
        with pytest.warns(UserWarning, match="unroll"):
            nnet.conv2d(x, w, unroll_batch=3)
        with pytest.raises(ValueError, match="not both"):
            nnet.conv2d(x, w, input_shape=(2, 1, 5, 5), image_shape=(2, 1, 5, 5))


class Test_unshared:
    @pytest.mark.parametrize("options", [OPTIONS[0], OPTIONS[13], OPTIONS[-1], OPTIONS[30]], ids=str)
    @pytest.mark.parametrize("groups", [1, 2])
    def test_values_and_derivatives(self, options, groups):
        x = normal(2, 4, 7, 6)
        shared = expected(x, normal(2, 4 // groups, 3, 2), groups=groups, **options)
        w = normal(2, *shared.shape[2:], 4 // groups, 3, 2)
        extents = [dilated(k, n) for k, n in zip((3, 2), options["filter_dilation"])]
        pads = abstract_conv.border_mode_to_pad(options["border_mode"], 2, extents)

        def build(a, b):
            return nnet.conv2d(a, b, num_groups=groups, unshared=True, **options)

        agree(
            build,
            lambda a, b: by_loops(
                a, b, pads, options["subsample"], options["filter_dilation"], options["filter_flip"], groups, True
            ),
            x, w, modes=MODES,
        )  # fmt: skip
        gradients_agree(build, x, w)

    def test_wrong_number_of_positions(self):
        f = theano.function(
            [x := T.dtensor4(), w := T.TensorType("float64", (None,) * 6)()], nnet.conv2d(x, w, unshared=True)
        )
        with pytest.raises(ValueError, match="positions"):
            f(np.ones((1, 1, 4, 4)), np.ones((1, 2, 2, 1, 2, 2)))


class Test_conv3d:
    @pytest.mark.parametrize("mode", ["valid", "full", "half", 1, ((1, 0), (0, 2), (1, 1))])
    @pytest.mark.parametrize("flip", [True, False])
    def test_values(self, mode, flip):
        x, w = normal(2, 2, 4, 5, 3), normal(3, 2, 2, 3, 2)
        agree(
            lambda a, b: nnet.conv3d(a, b, border_mode=mode, filter_flip=flip, subsample=(1, 2, 1)),
            lambda a, b: expected(a, b, mode, (1, 2, 1), (1, 1, 1), flip), x, w,
        )  # fmt: skip

    def test_scipy_and_compiled(self):
        agree(
            nnet.conv3d, lambda a, b: signal.convolve(a[0, 0], b[0, 0], "valid")[None, None],
            normal(1, 1, 4, 5, 6), normal(1, 1, 2, 3, 2), modes=MODES,
        )  # fmt: skip

    def test_derivatives(self):
        gradients_agree(
            lambda a, b: nnet.conv3d(a, b, border_mode="half", subsample=(2, 1, 1), filter_dilation=(1, 2, 1)),
            normal(2, 1, 3, 5, 2), normal(2, 1, 2, 2, 2),
        )  # fmt: skip

    def test_time_second(self):
        x, w = normal(2, 4, 3, 5, 6), normal(3, 2, 3, 2, 2)
        agree(
            nnet.conv3d2d.conv3d,
            lambda a, b: np.moveaxis(
                expected(np.moveaxis(a, 2, 1), np.moveaxis(b, 2, 1), "valid", (1, 1, 1), (1, 1, 1)), 1, 2
            ),
            x, w,
        )  # fmt: skip


class Test_explicit_gradients:
    @pytest.mark.parametrize("options", OPTIONS[::6], ids=str)
    def test_they_are_those_of_grad(self, options):
        x, w = T.dtensor4(), T.dtensor4()
        z = nnet.conv2d(x, w, **options)
        gz = T.dtensor4()
        values = {x: normal(2, 3, 7, 6), w: normal(2, 3, 3, 2)}
        values[gz] = normal(*evaluate([z], values)[0].shape)
        by_x = abstract_conv.conv2d_grad_wrt_inputs(gz, w, (None, None, 7, 6), **options)
        by_w = abstract_conv.conv2d_grad_wrt_weights(x, gz, w.shape, **options)
        assert by_x.type.shape[2:] == (7, 6)
        found = evaluate([by_x, by_w, *grad(None, [x, w], known_grads={z: gz})], values)
        np.testing.assert_allclose(found[0], found[2], atol=1e-12)
        np.testing.assert_allclose(found[1], found[3], atol=1e-12)

    def test_three_axes(self):
        x, w, gz = normal(2, 2, 4, 5, 3), normal(3, 2, 2, 3, 2), normal(2, 3, 3, 3, 2)
        gx = abstract_conv.conv3d_grad_wrt_inputs(gz, w, x.shape).eval()
        gw = abstract_conv.conv3d_grad_wrt_weights(x, gz, w.shape).eval()
        dx, dw = normal(*x.shape, seed=1), normal(*w.shape, seed=1)
        ones = (1, 1, 1)
        np.testing.assert_allclose((gx * dx).sum(), (expected(dx, w, "valid", ones, ones) * gz).sum())
        np.testing.assert_allclose((gw * dw).sum(), (expected(x, dw, "valid", ones, ones) * gz).sum())

    @pytest.mark.parametrize("shape", [(2, 3, 9, 6), (2, 3, 2, 6)])
    def test_shapes_that_do_not_fit(self, shape):
        with pytest.raises(ValueError, match=r"conv2d|kernel"):
            abstract_conv.conv2d_grad_wrt_inputs(normal(2, 2, 5, 5), normal(2, 3, 3, 2), shape)
        n = T.lvector()
        f = theano.function([n], abstract_conv.conv2d_grad_wrt_inputs(normal(2, 2, 5, 5), normal(2, 3, 3, 2), n))
        with pytest.raises(ValueError, match=r"conv2d"):
            f(np.array(shape))

    def test_transposed(self):
        x, w = normal(2, 3, 4, 4), normal(3, 2, 3, 3)
        found = nnet.conv2d_transpose(x, w, (2, 2, 9, 9), input_dilation=(2, 2)).eval()
        want = np.zeros((2, 2, 9, 9))
        for b, i, r, c in np.ndindex(x.shape):
            want[b, :, 2 * r : 2 * r + 3, 2 * c : 2 * c + 3] += x[b, i, r, c] * w[i, :, ::-1, ::-1]
        np.testing.assert_allclose(found, want, atol=1e-12)
        gradients_agree(lambda a, b: nnet.conv2d_transpose(a, b, (2, 2, 9, 9), input_dilation=(2, 2)), x, w)


class Test_forms:
    def test_separable(self):
        x, deep, point = normal(2, 3, 5, 5), normal(6, 1, 2, 3), normal(4, 6, 1, 1)
        agree(
            lambda a, b, c: nnet.separable_conv2d(a, b, c, 3, subsample=(2, 1)),
            lambda a, b, c: expected(expected(a, b, groups=3, subsample=(2, 1)), c), x, deep, point, modes=MODES,
        )  # fmt: skip
        ones = (1, 1, 1)
        agree(
            lambda a, b, c: abstract_conv.separable_conv3d(a, b, c, 2),
            lambda a, b, c: expected(
                expected(a, b, "valid", ones, ones, groups=2), c, "valid", ones, ones
            ),
            normal(1, 2, 3, 4, 3), normal(4, 1, 2, 2, 2), normal(3, 4, 1, 1, 1),
        )  # fmt: skip
        with pytest.raises(ValueError, match="pointwise"):
            nnet.separable_conv2d(x, deep, normal(4, 6, 2, 1), 3)

    @pytest.mark.parametrize("dilation, stride", [(1, 1), (2, 1), (1, 2)])
    def test_causal(self, dilation, stride):
        x, w = normal(2, 3, 8), normal(4, 3, 3)

        def loops(a, b):
            out = np.zeros((2, 4, len(range(0, 8, stride))))
            for k, t in enumerate(range(0, 8, stride)):
                for j in range(3):
                    if t - j * dilation >= 0:
                        out[:, :, k] += a[:, :, t - j * dilation] @ b[:, :, j].T
            return out

        def build(a, b):
            return abstract_conv.causal_conv1d(a, b, (4, 3, 3), subsample=stride, filter_dilation=dilation)

        agree(build, loops, x, w, modes=MODES)
        gradients_agree(build, x, w)

    def test_causal_unshared(self):
        x, w = normal(2, 3, 4), normal(2, 4, 3, 2)
        wide = np.pad(x, ((0, 0), (0, 0), (1, 0)))
        want = np.stack([
            np.einsum("bcj,fcj->bf", wide[:, :, t : t + 2], w[:, t, :, ::-1]) for t in range(4)
        ], axis=2)  # fmt: skip
        found = abstract_conv.causal_conv1d(x, w, (2, 4, 3, 2), unshared=True).eval()
        np.testing.assert_allclose(found, want, atol=1e-12)

    @pytest.mark.parametrize("images", [(5, 6), (3, 5, 6)])
    @pytest.mark.parametrize("filters", [(2, 3), (4, 2, 3)])
    @pytest.mark.parametrize("mode", ["valid", "full"])
    def test_signal(self, images, filters, mode):
        from theano.tensor.signal.conv import conv2d

        def loops(a, b):
            a, b = a.reshape(-1, 5, 6), b.reshape(-1, 2, 3)
            out = np.array([[signal.convolve2d(p, q, mode) for q in b] for p in a])
            return out.reshape(*images[:-2], *filters[:-2], *out.shape[2:])

        agree(lambda a, b: conv2d(a, b, border_mode=mode), loops, normal(*images), normal(*filters))

    def test_signal_refuses_other_ranks(self):
        with pytest.raises(TypeError, match="axes"):
            T.signal.conv.conv2d(T.dtensor4(), T.dmatrix())


class Test_refusals:
    @pytest.mark.parametrize("mode", ["same", -1, (1,), (1, 2, 3), ((1, 2), (-1, 0)), ((1, 2, 3), 1), 1.5, None])
    def test_border_modes(self, mode):
        with pytest.raises(ValueError, match="border_mode"):
            nnet.conv2d(T.dtensor4(), T.dtensor4(), border_mode=mode)

    @pytest.mark.parametrize(
        "keywords, error",
        [
            ({"subsample": (0, 1)}, ValueError), ({"subsample": (1,)}, ValueError), ({"subsample": 1.5}, TypeError),
            ({"filter_dilation": (1, -1)}, ValueError), ({"num_groups": 0}, ValueError),
            ({"input_shape": (1, 2, 3)}, ValueError), ({"filter_shape": (1, 2, 3, "4")}, TypeError),
            ({"input_shape": (1, 2, 3, 3), "filter_shape": (1, 3, 3, 3)}, ValueError),
            ({"input_shape": (1, 3, 3, 3), "filter_shape": (1, 3, 4, 3)}, ValueError),
        ],
        ids=str,
    )  # fmt: skip
    def test_parameters(self, keywords, error):
        with pytest.raises(error):
            nnet.conv2d(T.dtensor4(), T.dtensor4(), **keywords)

    def test_ranks_and_complex(self):
        for x, w in [(T.dtensor3(), T.dtensor4()), (T.dtensor4(), T.dmatrix()), (T.ztensor4(), T.dtensor4())]:
            with pytest.raises(TypeError, match="conv2d"):
                nnet.conv2d(x, w)

    @pytest.mark.parametrize(
        "image, kernel, message",
        [
            ((1, 1, 3, 3), (1, 1, 4, 3), "kernel is larger"), ((1, 2, 4, 4), (1, 3, 2, 2), "channels"),
            ((1, 1, 3, 3), (1, 1, 0, 3), "no elements"), ((1, 1, 0, 3), (1, 1, 2, 2), "kernel is larger"),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("mode", MODES)
    def test_data(self, image, kernel, message, mode):
        x, w = T.dtensor4("x"), T.dtensor4("w")
        f = theano.function([x, w], nnet.conv2d(x, w), mode=mode)
        with pytest.raises(ValueError, match=message):
            f(np.ones(image), np.ones(kernel))

    def test_groups_that_do_not_divide(self):
        f = theano.function([x := T.dtensor4(), w := T.dtensor4()], nnet.conv2d(x, w, num_groups=2))
        for image, kernel in [((1, 3, 4, 4), (2, 1, 2, 2)), ((1, 4, 4, 4), (3, 2, 2, 2))]:
            with pytest.raises(ValueError, match="groups"):
                f(np.ones(image), np.ones(kernel))


class Test_shapes:
    @pytest.mark.parametrize("n, k", list(itertools.product([5, 6, 7], [1, 2, 3])))
    @pytest.mark.parametrize("mode", ["valid", "full", "half", 1, (0, 2)])
    @pytest.mark.parametrize("dilation", [1, 2])
    def test_the_three_shapes_agree(self, n, k, mode, dilation):
        top = abstract_conv.get_conv_shape_1axis(n, k, mode, 1, dilation)
        assert abstract_conv.get_conv_gradinputs_shape_1axis(k, top, mode, 1, dilation) == n
        assert abstract_conv.get_conv_gradweights_shape_1axis(n, top, mode, 1, dilation) == (
            None if mode == "half" else k
        )

    def test_whole_shapes(self):
        assert abstract_conv.get_conv_output_shape((2, 4, 9, None), (3, 4, 3, 3), "full", (2, 1)) == (2, 3, 6, None)
        assert abstract_conv.get_conv_gradinputs_shape((3, 2, 3, 3), (2, 3, 6, 6), "valid", (1, 2), None, 2) == (
            2, 4, 8, None,
        )  # fmt: skip
        assert abstract_conv.get_conv_gradweights_shape((2, 4, 9, 9), (2, 3, 7, 8), "valid", (1, 1), None, 2) == (
            3, 2, 3, 2,
        )  # fmt: skip
        assert abstract_conv.check_conv_gradinputs_shape((2, 4, 9, 9), (3, 4, 3, 3), (2, 3, 4, 4), "valid", (2, 2))
        assert not abstract_conv.check_conv_gradinputs_shape((2, 4, 9, 9), (3, 4, 3, 3), (2, 3, 5, 4), "valid", (2, 2))

    def test_checks(self):
        n = T.lscalar()
        f = theano.function([n], abstract_conv.assert_conv_shape((3, n))[1])
        assert f(4) == 4
        with pytest.raises(ValueError, match="negative"):
            f(-1)
        with pytest.raises(ValueError, match="negative"):
            abstract_conv.assert_conv_shape((3, -1))
        x = T.dmatrix()
        assert abstract_conv.assert_shape(x, (2, 3)) is x
        with theano.change_flags(**{"conv.assert_shape": True}):
            f = theano.function([x], abstract_conv.assert_shape(x, (2, None)))
        assert f(np.ones((2, 5))).shape == (2, 5)
        with pytest.raises((AssertionError, ValueError)):
            f(np.ones((3, 5)))


class Test_upsampling:
    @pytest.mark.parametrize("ratio", [1, 2, 3, 4])
    def test_it_is_a_transposed_convolution(self, ratio):
        x = normal(2, 3, 4, 5)
        found = abstract_conv.bilinear_upsampling(x, ratio).eval()
        wide = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), "edge")
        kernel = abstract_conv.bilinear_kernel_2D(ratio).eval()
        full = np.zeros((2, 3, 5 * ratio + 2 * ratio - 1, 6 * ratio + 2 * ratio - 1))
        for r, c in np.ndindex(6, 7):
            place = (..., slice(r * ratio, (r + 2) * ratio - 1), slice(c * ratio, (c + 2) * ratio - 1))
            full[place] += wide[:, :, r, c, None, None] * kernel
        pad = 2 * ratio - 1 - (ratio - 1) // 2
        np.testing.assert_allclose(found, full[:, :, pad : pad + 4 * ratio, pad : pad + 5 * ratio], atol=1e-12)

    def test_fractions(self):
        x = normal(1, 1, 4, 5)
        whole = abstract_conv.bilinear_upsampling(x, 3).eval()
        np.testing.assert_allclose(
            abstract_conv.bilinear_upsampling(x, frac_ratio=(3, 2)).eval(), whole[..., ::2, ::2], atol=1e-12
        )
        other = abstract_conv.frac_bilinear_upsampling(x, ((3, 2), (1, 1))).eval()
        assert other.shape == (1, 1, 6, 5)

    def test_compiled_derivatives_and_refusals(self):
        x = normal(1, 2, 3, 3)
        gradients_agree(lambda a: abstract_conv.bilinear_upsampling(a, 2) ** 2, x)
        a = T.ftensor4()
        z = abstract_conv.bilinear_upsampling(a, 2)
        found, shape = theano.function([a], [z, z.shape])(np.float32(x))
        assert found.dtype == "float32" and found.shape == tuple(shape) == (1, 2, 6, 6)
        for keywords in ({}, {"ratio": 2, "frac_ratio": (2, 1)}, {"ratio": 0}, {"frac_ratio": (1, 2, 3)}):
            with pytest.raises(ValueError, match="bilinear"):
                abstract_conv.bilinear_upsampling(a, **keywords)
