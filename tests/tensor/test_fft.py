"""theano.tensor.fft against numpy.fft: values, shapes, dtypes, gradients, errors."""

import numpy as np
import pytest
from agreement import LAYOUTS, MODES, agree, gradients_agree, sample

import theano
import theano.tensor as T
from theano.graph.evaluate import evaluate
from theano.tensor import fft as F

SHAPES = [(2, 6), (3, 5), (1, 1), (2, 2), (2, 3, 4), (2, 4, 5), (0, 4), (2, 3, 2, 3)]


def pairs(z):
    return np.stack([z.real, z.imag], axis=-1)


def half(x, norm):
    return pairs(np.fft.rfftn(x, axes=range(1, x.ndim), norm="ortho" if norm == "ortho" else None)).astype(x.dtype)


@pytest.mark.parametrize("norm", [None, "ortho", "no_norm"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_rfft_and_irfft(shape, dtype, norm):
    x = sample(dtype, shape)
    odd = bool(shape[-1] % 2)
    agree(lambda v: F.rfft(v, norm), lambda v: half(v, norm), x, modes=MODES)
    scale = np.asarray(np.prod(shape[1:]) if norm == "no_norm" else 1, dtype)
    agree(lambda v: F.irfft(v, norm, odd), lambda v: x * scale, half(x, norm), modes=MODES)
    agree(lambda v: F.irfft(F.rfft(v, norm), norm, odd), lambda v: v * scale, x, modes=MODES)


@pytest.mark.parametrize("norm", [None, "ortho", "no_norm"])
@pytest.mark.parametrize("shape", SHAPES[:-1], ids=str)
def test_gradients_of_rfft_and_irfft(shape, norm):
    x = sample("float64", shape)
    gradients_agree(lambda v: F.rfft(v, norm), x)
    gradients_agree(lambda v: F.irfft(v, norm, bool(shape[-1] % 2)), sample("float64", half(x, norm).shape))


@pytest.mark.parametrize("s", [(4,), (7,), (3,), (3, 4), (5, 6), (2, 3)], ids=str)
def test_ops_with_lengths(s):
    """Data are cut, or filled up with zeros; how many axes are transformed follows from s."""
    x = sample("float64", (2, 3, 5))
    axes = tuple(range(-len(s), 0))
    lengths = np.array(s)
    agree(lambda v: F.rfft_op(v, s), lambda v: pairs(np.fft.rfftn(v, s, axes)), x, modes=MODES)
    gradients_agree(lambda v: F.rfft_op(v, s), x)
    z = sample("float64", (2, 3, 4, 2))

    def back(v):
        return np.fft.irfftn(v[..., 0] + 1j * v[..., 1], s, axes, norm="forward")

    agree(lambda v: F.irfft_op(v, s), back, z, modes=MODES)
    gradients_agree(lambda v: F.irfft_op(v, s), z)
    n = T.TensorType("int64", (len(s),))()
    v = T.dtensor3()
    f = theano.function([v, n], [F.rfft_op(v, n), theano.grad(T.sum(F.rfft_op(v, n)), v)])
    got, gradient = f(x, lengths)
    np.testing.assert_allclose(got, pairs(np.fft.rfftn(x, s, axes)), atol=1e-12)
    assert gradient.shape == x.shape


NORMS = [None, "backward", "ortho", "forward"]


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128", "complex64"])
@pytest.mark.parametrize("name", ["fft", "ifft"])
def test_fft(name, dtype, norm):
    x = sample(dtype, (4, 5))
    here, numpy = getattr(F, name), getattr(np.fft, name)
    for n, axis in [(None, -1), (None, 0), (3, -1), (7, 1), (6, 0)]:
        agree(lambda v, n=n, a=axis: here(v, n, a, norm), lambda v, n=n, a=axis: numpy(v, n, a, norm), x,
              modes=MODES if n is None else ())


@pytest.mark.parametrize("name", ["fftn", "ifftn", "fft2", "ifft2"])
def test_fft_over_several_axes(name):
    x = sample("complex128", (3, 4, 5))
    here, numpy = getattr(F, name), getattr(np.fft, name)
    agree(here, numpy, x, modes=MODES)
    for norm in NORMS:
        agree(lambda v, n=norm: here(v, axes=(0, -1), norm=n), lambda v, n=norm: numpy(v, axes=(0, -1), norm=n), x)
    agree(lambda v: here(v, (2, 7), (0, 2)), lambda v: numpy(v, (2, 7), (0, 2)), x, modes=MODES)
    agree(here, numpy, sample("int64", (3, 4)))


@pytest.mark.parametrize("norm", NORMS)
def test_gradients_of_fft(norm):
    def parts(z):
        return [T.real(z), T.imag(z)]

    a, b = sample("float64", (2, 3)), sample("float64", (2, 3), 1)
    for build in (lambda z: F.fft(z, norm=norm), lambda z: F.ifft(z, 5, norm=norm), lambda z: F.fftn(z, norm=norm)):
        gradients_agree(lambda u, v, f=build: parts(f(T.complex(u, v))), a, b)
    gradients_agree(lambda u: parts(F.fft2(u, norm=norm)), a)


def test_lengths_as_expressions():
    x, n = T.dmatrix(), T.lscalar()
    f = theano.function([x, n], F.fft(x, n))
    a = sample("float64", (2, 4))
    for length in (1, 3, 4, 6):
        np.testing.assert_allclose(f(a, length), np.fft.fft(a, length), atol=1e-12)


@pytest.mark.parametrize("arrange", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts(arrange):
    a = arrange(sample("float64", (4, 6)))
    x = T.dmatrix()
    for mode in MODES:
        got, z = theano.function([x], [F.rfft(x), F.fft(x)], mode=mode)(a)
        np.testing.assert_allclose(got, half(a, None), atol=1e-12)
        np.testing.assert_allclose(z, np.fft.fft(a), atol=1e-12)


def test_other_dtypes():
    x = np.array([[1, 2, 3]])
    agree(F.rfft, lambda v: half(v.astype("float64"), None), x)
    agree(F.rfft, lambda v: half(v.astype("float32"), None), x.astype("float16"))
    assert F.fft(T.TensorType("float16", (3,))()).dtype == "complex64"


def test_convolution_by_transforms():
    """A composition: the circular convolution of rows, with its gradient."""
    x, k = sample("float64", (2, 8)), sample("float64", (2, 8), 1)

    def convolved(u, v):
        a, b = F.rfft(u), F.rfft(v)
        re = a[..., 0] * b[..., 0] - a[..., 1] * b[..., 1]
        im = a[..., 0] * b[..., 1] + a[..., 1] * b[..., 0]
        return F.irfft(T.stack([re, im], axis=-1))

    def expected(u, v):
        return np.array([[sum(p[j] * q[(i - j) % 8] for j in range(8)) for i in range(8)] for p, q in zip(u, v)])

    agree(convolved, expected, x, k, modes=MODES)
    gradients_agree(convolved, x, k, orders=(1,))


def test_older_path():
    from theano.tensor import fourier

    agree(lambda v: fourier.fft(v, 4, 0), lambda v: np.fft.fft(v, 4, 0), sample("float64", (3, 2)))


def test_errors():
    with pytest.raises(TypeError, match="real"):
        F.rfft(T.zmatrix())
    with pytest.raises(ValueError, match="batch"):
        F.rfft(T.dvector())
    with pytest.raises(ValueError, match="3 axes"):
        F.irfft(T.dmatrix())
    for call in (F.rfft, F.irfft, F.fft):
        with pytest.raises(ValueError, match="norm"):
            call(T.dtensor3(), norm="backwards")
    with pytest.raises(ValueError, match="is_odd"):
        F.irfft(T.dtensor3(), is_odd=2)
    with pytest.raises(ValueError, match="real part, imaginary part"):
        F.irfft(T.TensorType("float64", (2, 3, 3))())
    with pytest.raises(TypeError, match="needs s"):
        F.irfft_op(T.dtensor3())
    with pytest.raises(ValueError, match="cannot be transformed"):
        F.rfft_op(T.dvector(), (3, 3))
    with pytest.raises(ValueError, match="unknown length"):
        F.rfft_op(T.dmatrix(), T.lvector())
    with pytest.raises(ValueError, match="named twice"):
        F.fftn(T.dmatrix(), axes=(1, -1))
    with pytest.raises(ValueError, match="2 lengths"):
        F.fftn(T.dtensor3(), (2, 2), axes=(0,))
    with pytest.raises(ValueError, match="out of bounds"):
        F.fft(T.dmatrix(), axis=2)
    x, z = T.dmatrix(), T.dtensor3()
    with pytest.raises(ValueError, match="length 1 at least"):
        evaluate([F.rfft(x)], {x: np.zeros((2, 0))})
    with pytest.raises(ValueError, match="length 1 at least"):
        evaluate([F.fft(x)], {x: np.zeros((2, 0))})
    with pytest.raises(ValueError, match="real part, imaginary part"):
        evaluate([F.irfft(z)], {z: np.zeros((2, 3, 3))})
