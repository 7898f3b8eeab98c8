"""Fourier transforms.

`rfft` and `irfft` keep complex numbers as a last axis (real part, imaginary part), so that they work on real dtypes.
`fft`, `ifft` and their forms for several axes (`fftn`, `fft2`, ...) give complex tensors as numpy.fft does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.graph.op import Op
from theano.graph.type import disconnected_type
from theano.scalar.arithmetic import sqrt
from theano.scalar.dtypes import complex_dtype, complex_dtypes, discrete_dtypes
from theano.tensor.careduce import normalized_axes, reduced_axes
from theano.tensor.convert import as_tensor_variable
from theano.tensor.creation import alloc
from theano.tensor.elemwise import cast_to
from theano.tensor.indexing import getitem
from theano.tensor.joining import join
from theano.tensor.lengths import known, over, plus, product
from theano.tensor.products import gradient_term, length
from theano.tensor.scalar_constants import static_int, vector_elements
from theano.tensor.shape import shape_vector
from theano.tensor.subtensor import set_subtensor
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable


def _real_input(name: str, x: Any) -> Any:
    """x in float32 or float64: integers become float64."""
    x = as_tensor_variable(x)
    if x.dtype in complex_dtypes:
        raise TypeError(f"{name} takes real tensors, got {x} of type {x.type}; for complex ones there is fft.fftn")
    if x.dtype in discrete_dtypes:
        return cast_to(x, "float64")
    return cast_to(x, "float32") if x.dtype == "float16" else x


class _HalfTransform(Op):
    """What RFFTOp and IRFFTOp share: inputs x and s, the lengths of the last axes of the real tensor."""

    __props__ = ()

    def _inputs(self, name: str, x: Any, s: Any, extra_axes: int) -> tuple[Any, Any, list[Any]]:
        x = _real_input(name, x)
        if s is None:
            if extra_axes:
                raise TypeError(f"{name} needs s, the lengths of the real result")
            s = [length(x, k) for k in range(1, x.ndim)]
        s = shape_vector(s)
        elements = vector_elements(s)
        count = s.type.shape[0] if elements is None else len(elements)
        if count is None:
            raise ValueError(f"{name}: how many axes are transformed must be known; s has an unknown length")
        if count < 1 or count + extra_axes > x.ndim:
            raise ValueError(
                f"{name}: {count} axes cannot be transformed of {x} of type {x.type}"
                + (", whose last axis holds real and imaginary parts" if extra_axes else "")
            )
        return x, s, elements or [getitem(s, k) for k in range(count)]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [False]]

    def _lengths(self, s: Any) -> list[Any]:
        elements = vector_elements(s) or [getitem(s, k) for k in range(s.type.shape[0])]
        return [known(e) for e in elements]


def _static(lengths: Sequence[Any]) -> list[int | None]:
    return [static_int(n) for n in lengths]


class RFFTOp(_HalfTransform):
    """The transform of real x over its last len(s) axes, not scaled: of the last axis the first n // 2 + 1 frequencies,
    and a new last axis (real part, imaginary part).

    s   the lengths of the transformed axes (default: all but the first): x is cut, or filled up with zeros
    """

    def make_node(self, x: Any, s: Any = None) -> Apply:
        x, s, elements = self._inputs("rfft", x, s, 0)
        lengths = _static(elements)
        half = None if lengths[-1] is None else lengths[-1] // 2 + 1
        shape = (*x.type.shape[: x.ndim - len(lengths)], *lengths[:-1], half, 2)
        return Apply(self, [x, s], [TensorVariable(tensor_type(x.dtype, shape))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, s = inputs
        lengths = tuple(int(n) for n in s)
        _check_lengths("rfft", lengths)
        z = np.fft.rfftn(x, s=lengths, axes=tuple(range(-len(lengths), 0)))
        output_storage[0][0] = np.asarray(np.stack([z.real, z.imag], axis=-1), x.dtype)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        *front, last = self._lengths(node.inputs[1])
        batch = input_shapes[0][: len(input_shapes[0]) - len(front) - 1]
        return [(*batch, *front, plus(over(last, 2), 1), 2)]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x, s), (g,) = inputs, output_gradients
        n = getitem(s, -1)
        # every frequency counts once here, but twice in irfft where its mirror image is left out
        middle = (Ellipsis, slice(1, plus(over(n + 1, 2), 0)), slice(None))
        term = IRFFTOp()(set_subtensor(getitem(g, middle), getitem(g, middle) * 0.5), s)
        return [gradient_term(x, _fitted_like(term, x, self._lengths(s))), disconnected_type()]


class IRFFTOp(_HalfTransform):
    """The real tensor of which RFFTOp gives x, not scaled: irfft(rfft(y)) is y times the product of s.

    s   the lengths of the transformed axes of the result, which tell n // 2 + 1 for even n from that for odd n
    """

    def make_node(self, x: Any, s: Any = None) -> Apply:
        x, s, elements = self._inputs("irfft", x, s, 1)
        if x.type.shape[-1] not in (None, 2):
            raise ValueError(f"irfft: the last axis of {x} must be (real part, imaginary part), got type {x.type}")
        lengths = _static(elements)
        shape = (*x.type.shape[: x.ndim - 1 - len(lengths)], *lengths)
        return Apply(self, [x, s], [TensorVariable(tensor_type(x.dtype, shape))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        x, s = inputs
        lengths = tuple(int(n) for n in s)
        _check_lengths("irfft", lengths)
        if x.shape[-1] != 2:
            raise ValueError(f"irfft: the last axis must be (real part, imaginary part), got shape {x.shape}")
        z = np.empty(x.shape[:-1], complex_dtype(str(x.dtype)))
        z.real, z.imag = x[..., 0], x[..., 1]
        axes = tuple(range(-len(lengths), 0))
        output_storage[0][0] = np.asarray(np.fft.irfftn(z, s=lengths, axes=axes, norm="forward"), x.dtype)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        lengths = self._lengths(node.inputs[1])
        return [(*input_shapes[0][: len(input_shapes[0]) - 1 - len(lengths)], *lengths)]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x, s), (g,) = inputs, output_gradients
        term = RFFTOp()(g, s)
        middle = (Ellipsis, slice(1, over(getitem(s, -1) + 1, 2)), slice(None))
        term = set_subtensor(getitem(term, middle), getitem(term, middle) * 2)
        return [gradient_term(x, _fitted_like(term, x, self._lengths(s), half=True)), disconnected_type()]


def _checked_length(name: str, n: Any) -> Any:
    """A length that is asked for. TypeError if it is no integer, ValueError if it is known to be none."""
    if isinstance(n, (int, np.integer)):
        _check_lengths(name, (int(n),))
        return int(n)
    variable = as_tensor_variable(n)
    if variable.ndim or variable.dtype not in discrete_dtypes:
        raise TypeError(f"{name}: a length must be an integer, got {n} of type {variable.type}")
    return variable


def _check_lengths(name: str, lengths: Sequence[int]) -> None:
    if any(n < 1 for n in lengths):
        raise ValueError(f"{name}: the transformed axes must have length 1 at least, got {tuple(lengths)}")


def _fitted_like(term: Any, x: Any, s: Sequence[Any], half: bool = False) -> Any:
    """`term`, of the transformed lengths s (of the last one only n // 2 + 1 if `half`), with the lengths of x."""
    first = x.ndim - int(half) - len(s)
    lengths = [*s[:-1], plus(over(s[-1], 2), 1) if half else s[-1]]
    for axis, n in enumerate(lengths, first):
        if not _is_length_of(n, x, axis):
            term = _fitted(term, axis, length(x, axis))
    return term


def _is_length_of(n: Any, x: Any, axis: int) -> bool:
    """Is n known to be the length of this axis?"""
    mine = length(x, axis)
    if isinstance(n, int) or isinstance(mine, int):
        return isinstance(n, int) and isinstance(mine, int) and n == mine
    return n is mine or (
        n.owner is not None and n.owner.op == mine.owner.op and n.owner.inputs == mine.owner.inputs
    )


def _fitted(x: Any, axis: int, n: Any) -> Any:
    """x cut to length n along an axis, or filled up with zeros."""
    cut = getitem(x, (*(slice(None),) * axis, slice(None, n)))
    missing = n - length(cut, axis)
    if isinstance(missing, int) and missing == 0:
        return cut
    lengths = [missing if k == axis else length(x, k) for k in range(x.ndim)]
    return join(axis, cut, alloc(np.zeros((), x.dtype), *lengths))


rfft_op = RFFTOp()
irfft_op = IRFFTOp()
_HALF_NORMS = (None, "ortho", "no_norm")


def _check_norm(name: str, norm: Any) -> Any:
    if norm not in _HALF_NORMS:
        raise ValueError(f"{name}: norm must be None, 'ortho' or 'no_norm', got {norm!r}")
    return norm


def _root(total: Any, dtype: str) -> Any:
    return sqrt(cast_to(as_tensor_variable(total), dtype))


def rfft(inp: Any, norm: str | None = None) -> Any:
    """The transform of a real tensor over all axes but the first, which counts the items of a batch.

    The result has n // 2 + 1 frequencies for the last axis, and a new last axis (real part, imaginary part).
    norm   None: not scaled; "ortho": divided by the square root of the number of elements; "no_norm": not scaled

    >>> from theano.tensor import dmatrix
    >>> m = dmatrix("m")
    >>> rfft(m).eval({m: [[1.0, 0.0, 0.0, 0.0]]}).tolist()
    [[[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]]
    """
    inp = _real_input("rfft", inp)
    _check_norm("rfft", norm)
    if inp.ndim < 2:
        raise ValueError(f"rfft: the first axis counts the items of a batch; {inp} of type {inp.type} has no other")
    lengths = [length(inp, k) for k in range(1, inp.ndim)]
    z = rfft_op(inp, lengths)
    return z / _root(product(lengths), inp.dtype) if norm == "ortho" else z


def irfft(inp: Any, norm: str | None = None, is_odd: bool = False) -> Any:
    """The inverse of `rfft`: a real tensor.

    norm     None: divided by the number of elements; "ortho": by its square root; "no_norm": not scaled
    is_odd   the last axis of the result has an odd length, which `inp` does not tell
    """
    if is_odd not in (True, False):
        raise ValueError(f"irfft: is_odd must be True or False, got {is_odd!r}")
    inp = _real_input("irfft", inp)
    _check_norm("irfft", norm)
    if inp.ndim < 3:
        raise ValueError(f"irfft takes what rfft gives, of 3 axes or more; got {inp} of type {inp.type}")
    *front, half = [length(inp, k) for k in range(1, inp.ndim - 1)]
    lengths = [*front, (half - 1) * 2 + int(is_odd)]
    x = irfft_op(inp, lengths)
    total = product(lengths)
    if norm == "ortho":
        return x / _root(total, inp.dtype)
    return x if norm == "no_norm" else x / cast_to(as_tensor_variable(total), inp.dtype)


# -- complex transforms ---------------------------------------------------------------------------------------------

_NORMS = ("backward", "ortho", "forward")
_OPPOSITE = {"backward": "forward", "ortho": "ortho", "forward": "backward"}


class FFTN(Op):
    """The discrete Fourier transform over `axes`, complex; its inverse if `inverse`.

    norm   "backward" (the inverse is divided by the number of elements), "forward" or "ortho"
    """

    __props__ = ("axes", "inverse", "norm")

    def __init__(self, axes: Sequence[int], inverse: bool = False, norm: str | None = None) -> None:
        if norm is not None and norm not in _NORMS:
            raise ValueError(f"fft: norm must be None or one of {', '.join(_NORMS)}, got {norm!r}")
        self.axes = tuple(int(k) for k in axes)
        self.inverse = bool(inverse)
        self.norm = norm or "backward"

    def make_node(self, x: Any) -> Apply:
        x = as_tensor_variable(x)
        axes = reduced_axes(normalized_axes(self.axes, x.ndim, "fft"), x.ndim)
        op = FFTN(axes, self.inverse, self.norm)
        return Apply(op, [x], [TensorVariable(tensor_type(complex_dtype(x.dtype), x.type.shape))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        (x,) = inputs
        op: Any = node.op
        dtype = node.outputs[0].type.dtype  # type: ignore[attr-defined]
        _check_lengths("fft", [x.shape[k] for k in op.axes])
        transform = np.fft.ifftn if op.inverse else np.fft.fftn
        output_storage[0][0] = np.asarray(transform(x.astype(dtype), axes=op.axes, norm=op.norm), dtype)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [tuple(input_shapes[0])]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (x,), (g,) = inputs, output_gradients
        return [gradient_term(x, FFTN(self.axes, not self.inverse, _OPPOSITE[self.norm])(g))]


def _transformed(name: str, inverse: bool, a: Any, s: Any, axes: Any, norm: str | None) -> Any:
    a = as_tensor_variable(a)
    if axes is None:
        axes = range(a.ndim) if s is None else range(a.ndim - len(s), a.ndim)
    chosen = [int(k) for k in axes]
    for k in chosen:
        normalized_axes(k, a.ndim, name)
    chosen = [k % a.ndim for k in chosen]
    if len(set(chosen)) != len(chosen):
        raise ValueError(f"{name}: an axis is named twice in {tuple(axes)}")
    if s is not None:
        if len(s) != len(chosen):
            raise ValueError(f"{name}: {len(s)} lengths are given for {len(chosen)} axes")
        for k, n in zip(chosen, s):
            if n is not None:
                a = _fitted(a, k, _checked_length(name, n))
    return FFTN(chosen, inverse, norm)(a) if chosen else cast_to(a, complex_dtype(a.dtype))


def fft(a: Any, n: Any = None, axis: int = -1, norm: str | None = None) -> Any:
    """The discrete Fourier transform along an axis, complex, as np.fft.fft gives it.

    n      a is cut, or filled up with zeros, to this length first
    norm   None or "backward": not scaled; "ortho": divided by sqrt(n); "forward": by n

    >>> from theano.tensor import dvector
    >>> v = dvector("v")
    >>> fft(v).eval({v: [1.0, 0.0]}).tolist()
    [(1+0j), (1+0j)]
    """
    return _transformed("fft", False, a, [n], [axis], norm)


def ifft(a: Any, n: Any = None, axis: int = -1, norm: str | None = None) -> Any:
    """The inverse of `fft`; of norm None or "backward" divided by n."""
    return _transformed("ifft", True, a, [n], [axis], norm)


def fftn(a: Any, s: Any = None, axes: Any = None, norm: str | None = None) -> Any:
    """`fft` along several axes: all of them, the last len(s), or `axes`."""
    return _transformed("fftn", False, a, s, axes, norm)


def ifftn(a: Any, s: Any = None, axes: Any = None, norm: str | None = None) -> Any:
    """The inverse of `fftn`."""
    return _transformed("ifftn", True, a, s, axes, norm)


def fft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None) -> Any:
    """`fftn` along the last two axes."""
    return _transformed("fft2", False, a, s, axes, norm)


def ifft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None) -> Any:
    """The inverse of `fft2`."""
    return _transformed("ifft2", True, a, s, axes, norm)
