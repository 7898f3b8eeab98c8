"""Convolution in native code: what `perform` gives in all its forms, and failure where it raises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from routine_pairs import NATIVE, REFERENCE, agree, calls_python, fail_alike, layouts, numbers, same

import theano
import theano.tensor as T
from theano.tensor.nnet import conv_ops
from theano.tensor.nnet.abstract_conv import causal_conv1d
from theano.tensor.nnet.conv_shape import get_conv_output_shape

OPS = {
    2: (conv_ops.AbstractConv2d, conv_ops.AbstractConv2d_gradInputs, conv_ops.AbstractConv2d_gradWeights),
    3: (conv_ops.AbstractConv3d, conv_ops.AbstractConv3d_gradInputs, conv_ops.AbstractConv3d_gradWeights),
}


def all_three(image: np.ndarray, kernel: np.ndarray, seed: int = 3, **options: Any) -> None:
    """The convolution and both of its gradients."""
    axes = image.ndim - 2
    plain, by_image, by_kernel = (kind(**options) for kind in OPS[axes])
    agree(plain, image, kernel)
    shape = get_conv_output_shape(
        image.shape, kernel.shape, plain.border_mode, plain.subsample, plain.filter_dilation
    )
    top = numbers(shape, image.dtype.name, seed)
    agree(by_image, kernel, top, np.asarray(image.shape[2:], "int64"))
    agree(by_kernel, image, top, np.asarray(kernel.shape[-axes:], "int64"))


OPTIONS = {
    "plain": {},
    "full": {"border_mode": "full"},
    "half": {"border_mode": "half"},
    "padded": {"border_mode": 2},
    "unevenly padded": {"border_mode": (0, 3)},
    "padded on one side": {"border_mode": ((1, 0), (0, 2))},
    "strided": {"subsample": (2, 3)},
    "strided across": {"subsample": (1, 2)},
    "strided down": {"subsample": (3, 1)},
    "dilated": {"filter_dilation": (2, 1)},
    "dilated across": {"filter_dilation": (1, 3)},
    "correlation": {"filter_flip": False},
    "everything": {"border_mode": ((1, 2), (0, 3)), "subsample": (2, 3), "filter_dilation": (1, 2)},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_two_axes(dtype: str, options: dict[str, Any]) -> None:
    all_three(numbers((3, 4, 11, 12), dtype), numbers((5, 4, 3, 4), dtype, 1), **options)


THREE = {
    "plain": {},
    "half": {"border_mode": "half"},
    "full": {"border_mode": "full", "filter_flip": False},
    "everything": {"border_mode": ((1, 0), (0, 2), (3, 1)), "subsample": (2, 1, 3), "filter_dilation": (1, 2, 1)},
    "groups": {"num_groups": 2, "subsample": (1, 2, 1)},
}


@pytest.mark.parametrize("options", THREE.values(), ids=THREE)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_three_axes(dtype: str, options: dict[str, Any]) -> None:
    channels = 4 // options.get("num_groups", 1)  # type: ignore[operator]
    all_three(numbers((2, 4, 6, 7, 8), dtype), numbers((6, channels, 3, 2, 4), dtype, 1), **options)


@pytest.mark.parametrize("image", [(5, 1, 1), (1, 5, 1), (5, 6, 1), (5, 1, 6), (1, 1, 1)])
def test_axes_of_length_one(image: tuple[int, ...]) -> None:
    kernel = tuple(min(n, 2) for n in image)
    for options in ({}, {"border_mode": "full"}, {"border_mode": ((1, 2), (0, 0), (0, 0)), "subsample": (2, 1, 1)}):
        all_three(numbers((3, 2, *image)), numbers((4, 2, *kernel), seed=1), **options)


@pytest.mark.parametrize("groups", [2, 3, 6])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_groups(dtype: str, groups: int) -> None:
    kernel = numbers((12, 6 // groups, 3, 2), dtype, 1)
    all_three(numbers((3, 6, 9, 10), dtype), kernel, num_groups=groups, border_mode=1, subsample=(1, 2))


UNSHARED = {
    "plain": {},
    "groups": {"num_groups": 2},
    "everything": {"border_mode": (1, 2), "subsample": (2, 3), "filter_dilation": (2, 1), "num_groups": 2},
    "correlation": {"filter_flip": False, "border_mode": "half"},
}


@pytest.mark.parametrize("options", UNSHARED.values(), ids=UNSHARED)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_kernel_for_each_position(dtype: str, options: dict[str, Any]) -> None:
    image = numbers((5, 4, 7, 9), dtype)
    op = conv_ops.AbstractConv2d(unshared=True, **options)
    top = get_conv_output_shape(image.shape, (6, 2, 3, 2), op.border_mode, op.subsample, op.filter_dilation)
    kernel = numbers((6, *top[2:], 4 // op.num_groups, 3, 2), dtype, 1)
    all_three(image, kernel, unshared=True, **options)


# batch, channels, rows, columns; filters, rows, columns
SHAPES = {
    "one of everything": ((1, 1, 1, 1), (1, 1, 1)),
    "kernel of one element": ((2, 7, 6, 5), (9, 1, 1)),
    "kernel as large as the image": ((3, 2, 5, 4), (7, 5, 4)),
    "kernel as large as many images": ((70, 3, 5, 4), (7, 5, 4)),
    "long rows": ((1, 2, 3, 200), (3, 2, 70)),
    "windows fill panels": ((4, 3, 12, 12), (50, 5, 5)),
    "windows end in the middle of panels": ((7, 3, 9, 10), (13, 2, 3)),
    "a row of the output fills a panel": ((2, 1, 3, 66), (8, 3, 3)),
    "columns": ((3, 4, 50, 1), (6, 3, 1)),
    "rows of one": ((3, 4, 50, 1), (6, 1, 1)),
    "no items": ((0, 2, 5, 5), (3, 2, 2)),
    "no channels": ((2, 0, 5, 5), (3, 2, 2)),
    "no filters": ((2, 2, 5, 5), (0, 2, 2)),
}


@pytest.mark.parametrize("shapes", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_shapes(dtype: str, shapes: Any) -> None:
    image, (filters, rows, columns) = shapes
    all_three(numbers(image, dtype), numbers((filters, image[1], rows, columns), dtype, 1))


@pytest.mark.parametrize("unshared", [False, True])
@pytest.mark.parametrize("options", [{}, {"subsample": 3, "filter_dilation": 2}, {"num_groups": 2}])
def test_along_time(options: dict[str, Any], unshared: bool) -> None:
    x, w = T.dtensor3("x"), T.TensorType("float64", (None,) * (4 if unshared else 3))("w")
    image, inner = numbers((3, 4, 37)), 4 // options.get("num_groups", 1)
    times = (37 - 1) // options.get("subsample", 1) + 1
    kernel = numbers((6, times, inner, 5) if unshared else (6, inner, 5), seed=1)
    y = causal_conv1d(x, w, kernel.shape, unshared=unshared, **options)
    outputs = [y, *T.grad(T.sqr(y).sum(), [x, w])]
    native = theano.function([x, w], outputs, mode=NATIVE)
    assert not calls_python(native)
    reference = theano.function([x, w], outputs, mode=REFERENCE)
    for found, wanted in zip(native(image, kernel), reference(image, kernel)):
        same(found, wanted)


@pytest.mark.parametrize("filters", range(1, 20))
def test_any_number_of_filters(filters: int) -> None:
    all_three(numbers((2, 3, 6, 7), "float32"), numbers((filters, 3, 3, 3), "float32", 1), border_mode=1)


@pytest.mark.parametrize("channels", range(1, 14))
def test_any_number_of_channels(channels: int) -> None:
    all_three(numbers((2, channels, 5, 6)), numbers((3, channels, 2, 1), seed=1))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_kernels_longer_than_a_panel(dtype: str) -> None:
    all_three(numbers((3, 300, 7, 6), dtype), numbers((17, 300, 3, 3), dtype, 1), border_mode=1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_more_filters_than_a_panel_holds(dtype: str) -> None:
    all_three(numbers((2, 3, 5, 6), dtype), numbers((2500, 3, 3, 3), dtype, 1))


@pytest.mark.parametrize("mode", ["valid", "half"])
@pytest.mark.parametrize("layout", layouts(np.ones((1, 1, 1, 1))))
def test_layouts(layout: str, mode: str) -> None:
    image, kernel = numbers((3, 4, 8, 9)), numbers((5, 4, 3, 3), seed=1)
    all_three(layouts(image)[layout], kernel, border_mode=mode)
    all_three(image, layouts(kernel)[layout], border_mode=mode)
    top = numbers((3, 5, 6, 7), seed=2)
    agree(conv_ops.AbstractConv2d_gradInputs(), kernel, layouts(top)[layout], np.array([8, 9]))
    agree(conv_ops.AbstractConv2d_gradWeights(), image, layouts(top)[layout], np.array([3, 3]))


def test_lengths_that_the_stride_hides() -> None:
    """Of several lengths of an image which give the same output, the gradient has the one that is asked for."""
    kernel, top = numbers((2, 3, 3, 3)), numbers((2, 2, 4, 4), seed=1)
    for n in (9, 10):
        agree(conv_ops.AbstractConv2d_gradInputs(subsample=(2, 2)), kernel, top, np.array([n, n]))
        agree(conv_ops.AbstractConv2d_gradWeights(subsample=(2, 2)), numbers((2, 3, n, n)), top, np.array([3, 3]))


def random_case(seed: int) -> tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]:
    r = np.random.default_rng(seed)
    axes = int(r.integers(2, 4))
    groups = int(r.choice([1, 1, 2, 3]))
    kernel = [int(r.integers(1, 5)) for _ in range(axes)]
    dilation = tuple(int(r.choice([1, 1, 2, 3])) for _ in range(axes))
    image = [(k - 1) * d + int(r.integers(1, 9)) for k, d in zip(kernel, dilation)]
    mode: Any = r.choice(["valid", "full", "half", "pads"])
    if mode == "pads":
        mode = tuple((int(r.integers(0, 3)), int(r.integers(0, 3))) for _ in range(axes))
    options = {
        "border_mode": mode if isinstance(mode, tuple) else str(mode), "filter_dilation": dilation,
        "num_groups": groups, "filter_flip": bool(r.integers(2)),
        "subsample": tuple(int(r.choice([1, 1, 2, 3])) for _ in range(axes)),
    }  # fmt: skip
    inner = int(r.integers(1, 5))
    shape = (int(r.integers(1, 9)), groups * inner, *image)
    return shape, (groups * int(r.integers(1, 8)), inner, *kernel), options


@pytest.mark.parametrize("seed", range(40))
def test_chosen_at_random(seed: int) -> None:
    image, kernel, options = random_case(seed)
    dtype = ("float32", "float64")[seed % 2]
    all_three(numbers(image, dtype, seed), numbers(kernel, dtype, seed + 1), **options)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_special_values(dtype: str) -> None:
    """An infinity or NaN changes those elements which depend on it and no others."""
    for special in (np.inf, -np.inf, np.nan):
        image, kernel, top = numbers((3, 2, 6, 7), dtype), numbers((5, 2, 3, 3), dtype, 1), numbers((3, 5, 4, 5), dtype)
        dirty = image.copy()
        dirty[1, 1, 2, 3] = special
        agree(conv_ops.AbstractConv2d(), dirty, kernel)
        agree(conv_ops.AbstractConv2d_gradWeights(), dirty, top, np.array([3, 3]))
        dirty = top.copy()
        dirty[2, 3, 1, 1] = special
        agree(conv_ops.AbstractConv2d_gradInputs(), kernel, dirty, np.array([6, 7]))
        agree(conv_ops.AbstractConv2d_gradWeights(), image, dirty, np.array([3, 3]))
        dirty = kernel.copy()
        dirty[4, 1, 1, 1] = special
        agree(conv_ops.AbstractConv2d(), image, dirty)
        agree(conv_ops.AbstractConv2d_gradInputs(), dirty, top, np.array([6, 7]))


def test_other_dtypes_run_through_perform() -> None:
    for dtype in ("int32", "float16"):
        x, w = T.tensor4(dtype=dtype), T.tensor4(dtype=dtype)
        f = theano.function([x, w], conv_ops.AbstractConv2d()(x, w), mode=NATIVE)
        assert calls_python(f)
        assert f(np.ones((1, 2, 3, 3), dtype), np.ones((1, 2, 2, 2), dtype)).tolist() == [[[[8, 8], [8, 8]]]]


def test_stated_shapes_are_checked_where_that_is_asked_for() -> None:
    x, w = T.dtensor4(), T.dtensor4()
    f = theano.function([x, w], T.nnet.conv2d(x, w, (2, 3, 5, None), (None, 3, 2, 2)), mode=NATIVE)
    assert not calls_python(f)
    right, wrong = np.ones((2, 3, 5, 6)), np.ones((3, 3, 5, 6))
    kernel, wider = np.ones((1, 3, 2, 2)), np.ones((1, 3, 2, 3))
    assert f(wrong, kernel).shape == (3, 1, 4, 5) and f(right, wider).shape == (2, 1, 4, 4)
    with theano.config.change_flags(**{"conv.assert_shape": True}):
        assert f(right, kernel).shape == (2, 1, 4, 5)
        with pytest.raises(AssertionError, match="input_shape was given as"):
            f(wrong, kernel)
        with pytest.raises(AssertionError, match="filter_shape was given as"):
            f(right, wider)
    assert f(wrong, wider).shape == (3, 1, 4, 4)


# -- failures: those of perform -------------------------------------------------------------------------------------


def test_failures_of_convolution() -> None:
    plain = conv_ops.AbstractConv2d()
    fail_alike(plain, np.ones((2, 3, 5, 5)), np.ones((2, 4, 2, 2)))
    fail_alike(plain, np.ones((2, 3, 5, 5)), np.ones((2, 3, 6, 2)))
    fail_alike(plain, np.ones((2, 3, 5, 5)), np.ones((2, 3, 2, 0)))
    fail_alike(conv_ops.AbstractConv2d(filter_dilation=(3, 1)), np.ones((2, 3, 5, 5)), np.ones((2, 3, 3, 2)))
    fail_alike(conv_ops.AbstractConv2d(num_groups=2), np.ones((2, 3, 5, 5)), np.ones((2, 3, 2, 2)))
    fail_alike(conv_ops.AbstractConv2d(num_groups=2), np.ones((2, 4, 5, 5)), np.ones((3, 2, 2, 2)))
    fail_alike(conv_ops.AbstractConv2d(unshared=True), np.ones((2, 3, 5, 5)), np.ones((2, 3, 4, 3, 2, 2)))


def test_failures_of_gradients() -> None:
    kernel, top = np.ones((2, 3, 2, 2)), np.ones((4, 2, 3, 3))
    by_image, by_kernel = conv_ops.AbstractConv2d_gradInputs(), conv_ops.AbstractConv2d_gradWeights()
    for shape in ((4, 5), (-1, 4), (1, 1)):
        fail_alike(by_image, kernel, top, np.array(shape))
    fail_alike(by_image, kernel, np.ones((4, 3, 3, 3)), np.array([4, 4]))
    image = np.ones((4, 3, 4, 4))
    for shape in ((2, 3), (0, 2), (-2, 2), (5, 5)):
        fail_alike(by_kernel, image, top, np.array(shape))
    fail_alike(by_kernel, np.ones((3, 3, 4, 4)), top, np.array([2, 2]))
    fail_alike(conv_ops.AbstractConv2d_gradWeights(num_groups=2), image, top, np.array([2, 2]))


def test_padding_beyond_any_memory() -> None:
    x, w = T.dtensor4(), T.dtensor4()
    op = conv_ops.AbstractConv2d(border_mode=(2**42, 0), subsample=(2**40, 1))
    f = theano.function([x, w], op(x, w), mode=NATIVE)
    with pytest.raises(MemoryError):
        f(np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 2)))


# -- in programs ----------------------------------------------------------------------------------------------------


def test_gradients_need_no_python() -> None:
    x, w = T.ftensor4("x"), T.ftensor4("w")
    for options in ({}, {"border_mode": "half", "subsample": (2, 2)}, {"num_groups": 2}):
        y = T.nnet.conv2d(x, w, **options)
        grads = T.grad((y**2).sum(), [x, w])
        again = T.grad(sum((g**2).sum() for g in grads), [x, w])
        native = theano.function([x, w], [*grads, *again], mode=NATIVE)
        assert not calls_python(native), str(native.program)
        reference = theano.function([x, w], [*grads, *again], mode=REFERENCE)
        arrays = numbers((2, 4, 6, 6), "float32"), numbers((4, 4 // options.get("num_groups", 1), 3, 3), "float32", 1)
        for found, wanted in zip(native(*arrays), reference(*arrays)):
            same(found, wanted, 1.0)


def test_flipped_kernels_are_read_where_they_are() -> None:
    x, w = T.dtensor4(), T.dtensor4()
    f = theano.function([x, w], conv_ops.AbstractConv2d()(x[:, :, ::-1], w[:, :, ::-1, ::-1]), mode=NATIVE)
    assert not calls_python(f)
    a, b = numbers((2, 3, 6, 7)), numbers((4, 3, 2, 3), seed=1)
    g = theano.function([x, w], conv_ops.AbstractConv2d(filter_flip=False)(x, w), mode=REFERENCE)
    same(f(a, b), g(a[:, :, ::-1], b))


def test_functions_may_run_at_once() -> None:
    from concurrent.futures import ThreadPoolExecutor

    x, w = T.ftensor4(), T.ftensor4()
    f = theano.function([x, w], T.nnet.conv2d(x, w, border_mode="half"), mode=NATIVE)
    arrays = [(numbers((8, 8, 20, 20), "float32", k), numbers((16, 8, 3, 3), "float32", -k % 7)) for k in range(8)]
    alone = [f(*a) for a in arrays]
    with ThreadPoolExecutor(4) as pool:
        for found, wanted in zip(pool.map(lambda a: f(*a), arrays * 4), alone * 4):
            np.testing.assert_array_equal(found, wanted)
