"""Pooling in native code: what `perform` gives in all its forms, and failure where it raises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from routine_pairs import NATIVE, REFERENCE, agree, calls_python, fail_alike, layouts, numbers, same

import theano
import theano.tensor as T
from theano.tensor.signal import pool

MODES = ["max", "sum", "average_inc_pad", "average_exc_pad"]


def with_ties(shape: Any, dtype: str = "float64", seed: int = 0) -> np.ndarray:
    """Few different numbers, so that windows have several largest elements."""
    return np.asarray(np.random.default_rng(seed).integers(-2, 2, shape), dtype)


def results(x: np.ndarray, ndim: int, ignore: bool, mode: str, sizes: Any) -> np.ndarray:
    v = T.TensorType(x.dtype.name, (None,) * x.ndim)()
    f = theano.function([v], pool.Pool(ignore, mode, ndim)(v, *sizes), mode=REFERENCE)
    return np.asarray(f(x))


def forms(x: np.ndarray, ws: Any, stride: Any = None, pad: Any = None, ignore: bool = True, mode: str = "max") -> None:
    """Pooling and all of its derivatives."""
    ndim = len(ws)
    sizes = (ws, stride, pad)
    agree(lambda a: pool.Pool(ignore, mode, ndim)(a, *sizes), x)
    z = results(x, ndim, ignore, mode, sizes)
    gz, like_x = numbers(z.shape, x.dtype.name, 1), numbers(x.shape, x.dtype.name, 2)
    if mode != "max":
        agree(lambda a, g: pool.AveragePoolGrad(ignore, mode, ndim)(a, g, *sizes), x, gz)
        return
    agree(lambda a, m, g: pool.MaxPoolGrad(ignore, mode, ndim)(a, m, g, *sizes), x, z, gz)
    agree(lambda a, m, g: pool.DownsampleFactorMaxGradGrad(ignore, mode, ndim)(a, m, g, *sizes), x, z, like_x)
    agree(lambda a, p: pool.MaxPoolRop(ignore, mode, ndim)(a, p, *sizes), x, like_x)


# ws, stride, pad, ignore_border
SIZES = {
    "pairs": ((2, 2), None, None, True),
    "pairs to the border": ((2, 2), None, None, False),
    "pairs across": ((3, 2), (1, 2), None, True),
    "overlapping": ((3, 3), (2, 2), None, True),
    "overlapping to the border": ((3, 3), (2, 2), None, False),
    "one step": ((3, 2), (1, 1), None, True),
    "one step to the border": ((3, 2), (1, 1), None, False),
    "padded": ((3, 3), (2, 2), (1, 1), True),
    "padded more": ((4, 3), (1, 2), (3, 2), True),
    "apart": ((2, 1), (3, 4), None, True),
    "apart to the border": ((2, 1), (3, 4), None, False),
    "thirds": ((3, 3), None, None, True),
    "thirds to the border": ((3, 3), None, (0, 0), False),
    "single elements": ((1, 1), None, None, True),
    "wide": ((1, 7), (1, 5), (0, 3), True),
    "all": ((9, 11), None, None, True),
    "larger than the image": ((20, 30), None, None, False),
    "larger than the image, small step": ((20, 30), (2, 3), None, False),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_two_axes(dtype: str, sizes: Any, mode: str) -> None:
    ws, stride, pad, ignore = sizes
    forms(with_ties((2, 3, 9, 11), dtype), ws, stride, pad, ignore, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_three_axes(dtype: str, mode: str) -> None:
    x = with_ties((2, 2, 6, 5, 7), dtype)
    forms(x, (2, 2, 2), mode=mode)
    forms(x, (3, 2, 2), (1, 2, 2), (1, 1, 0), mode=mode)
    forms(x, (2, 3, 3), (2, 2, 1), ignore=False, mode=mode)


@pytest.mark.parametrize("mode", MODES)
def test_one_axis(mode: str) -> None:
    forms(with_ties((3, 13)), (3,), (2,), (1,), mode=mode)
    forms(with_ties(12), (2,), mode=mode)


@pytest.mark.parametrize("length", [1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 47, 64, 65, 100])
@pytest.mark.parametrize("mode", ["max", "average_exc_pad"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_length_of_rows(dtype: str, mode: str, length: int) -> None:
    x = with_ties((2, 3, length), dtype)
    for ws, stride in (((2, 2), (2, 2)), ((1, 3), (1, 1)), ((2, 5), (1, 3))):
        forms(x, ws, stride, ignore=False, mode=mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("layout", layouts(np.ones((1, 1, 1, 1))))
def test_layouts(layout: str, mode: str) -> None:
    forms(layouts(with_ties((2, 3, 6, 8)))[layout], (2, 2), mode=mode)
    forms(layouts(with_ties((2, 3, 6, 8)))[layout], (3, 2), (1, 2), (1, 1), mode=mode)


def test_layouts_of_gradients() -> None:
    x = with_ties((2, 3, 6, 8))
    z = results(x, 2, True, "max", ((2, 2), None, None))
    for maxima in layouts(z).values():
        for gz in layouts(numbers(z.shape, seed=1)).values():
            agree(lambda a, m, g: pool.MaxPoolGrad(True)(a, m, g, (2, 2)), x, maxima, gz)


@pytest.mark.parametrize("mode", MODES)
def test_no_images(mode: str) -> None:
    forms(np.ones((0, 3, 4, 6)), (2, 2), mode=mode)
    forms(np.ones((2, 0, 4, 6), "float32"), (3, 2), (1, 1), (1, 1), mode=mode)


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf, -0.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_special_values(dtype: str, special: float) -> None:
    x = with_ties((3, 2, 7, 9), dtype)
    x[1, 0, 2:5, 3] = special
    x[2] = special
    for mode in MODES:
        for ws, stride, pad in (((2, 2), None, None), ((3, 3), (2, 2), (1, 1)), ((3, 3), (1, 1), None)):
            forms(x, ws, stride, pad, mode=mode)


@pytest.mark.parametrize("seed", range(30))
def test_chosen_at_random(seed: int) -> None:
    r = np.random.default_rng(seed)
    ndim = int(r.integers(1, 4))
    ignore = bool(r.integers(2))
    ws = tuple(int(n) for n in r.integers(1, 5, ndim))
    pad = tuple(int(r.integers(0, w)) if ignore else 0 for w in ws)
    image = tuple(w + int(r.integers(0, 9)) for w in ws)
    stride = tuple(int(n) for n in r.integers(1, 5, ndim))
    x = with_ties((*r.integers(1, 5, int(r.integers(0, 3))), *image), ("float32", "float64")[seed % 2], seed)
    for mode in MODES:
        forms(x, ws, stride, pad, ignore, mode)


def test_sizes_may_be_computed() -> None:
    x, ws, stride, pad = T.dtensor4("x"), T.lvector("ws"), T.lvector("stride"), T.lvector("pad")
    z = pool.Pool(True)(x, ws, stride, pad)
    outputs = [z, T.grad((z * z).sum(), x)]
    native = theano.function([x, ws, stride, pad], outputs, mode=NATIVE)
    reference = theano.function([x, ws, stride, pad], outputs, mode=REFERENCE)
    assert not calls_python(native)
    for sizes in (((2, 2), (2, 2), (0, 0)), ((3, 2), (1, 2), (2, 1)), ((4, 4), (3, 1), (0, 3))):
        arrays = [with_ties((2, 3, 8, 9)), *(np.array(s)[::-1] for s in sizes)]
        for found, wanted in zip(native(*arrays), reference(*arrays)):
            same(found, wanted)


def test_other_dtypes_run_through_perform() -> None:
    for dtype in ("int32", "float16"):
        x = T.tensor4(dtype=dtype)
        f = theano.function([x], pool.pool_2d(x, (2, 2), ignore_border=True), mode=NATIVE)
        assert calls_python(f)
        assert f(np.arange(16, dtype=dtype).reshape(1, 1, 4, 4)).tolist() == [[[[5, 7], [13, 15]]]]


# -- failures: those of perform -------------------------------------------------------------------------------------


def test_sizes_that_make_no_sense() -> None:
    x = np.ones((2, 3, 4, 5))
    keep, ignore = (lambda a, *s: pool.Pool(False)(a, *s)), (lambda a, *s: pool.Pool(True)(a, *s))
    two, none = np.array([2, 2]), np.array([0, 0])
    for ws, stride, pad in (([0, 2], two, none), (two, [2, 0], none), (two, two, [-1, 0]), ([5, 2], two, none)):
        fail_alike(ignore, x, np.array(ws), np.array(stride), np.array(pad))
    for ws, stride, pad in (([2, 2, 2], two, none), (two, [2], none), (two, two, [0])):
        fail_alike(ignore, x, np.array(ws), np.array(stride), np.array(pad))
    fail_alike(ignore, x, two, two, np.array([0, 2]), kind=NotImplementedError)
    fail_alike(keep, x, two, two, np.array([0, 1]), kind=NotImplementedError)
    fail_alike(keep, np.ones((2, 3, 0, 5)), two, two, none)


def test_arrays_that_do_not_fit() -> None:
    x, z = np.ones((2, 3, 4, 6)), np.ones((2, 3, 2, 3))
    wrong = np.ones((2, 3, 2, 1))
    gradient = lambda a, m, g: pool.MaxPoolGrad(True)(a, m, g, (2, 2))  # noqa: E731
    assert "maxima of shape (2, 3, 2, 1)" in fail_alike(gradient, x, wrong, z)
    assert "gradient of shape (2, 3, 2, 1)" in fail_alike(gradient, x, z, wrong)
    fail_alike(lambda a, g: pool.AveragePoolGrad(True, "sum")(a, g, (2, 2)), x, wrong)
    collect = lambda a, m, g: pool.DownsampleFactorMaxGradGrad(True)(a, m, g, (2, 2))  # noqa: E731
    fail_alike(collect, x, wrong, x)
    fail_alike(collect, x, z, np.ones((2, 3, 4, 1)))
    fail_alike(lambda a, p: pool.MaxPoolRop(True)(a, p, (2, 2)), x, np.ones((1, 3, 4, 6)))


# -- in programs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_gradients_need_no_python(mode: str) -> None:
    x = T.ftensor4("x")
    z = pool.pool_2d(x, (3, 2), ignore_border=True, stride=(2, 2), mode=mode)
    first = T.grad(T.tanh(z).sum(), x)
    outputs = [first, T.grad((first * x).sum(), x)]
    native = theano.function([x], outputs, mode=NATIVE)
    assert not calls_python(native), str(native.program)
    reference = theano.function([x], outputs, mode=REFERENCE)
    value = numbers((2, 3, 9, 8), "float32")
    for found, wanted in zip(native(value), reference(value)):
        same(found, wanted)
