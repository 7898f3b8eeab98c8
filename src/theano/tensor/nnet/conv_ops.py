"""The ops of convolution: AbstractConv and its adjoints AbstractConv_gradInputs and AbstractConv_gradWeights.

Each is linear in both of its tensors, and the three are the gradients of one another, so derivatives of any order
exist. With `convdim` spatial axes, images are (batch, channels, *spatial), kernels (filters, channels / groups,
*spatial) or, unshared, (filters, *output, channels / groups, *spatial). The functions that users call are in
`abstract_conv.py`, the arithmetic is in `conv_arrays.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano._config import config
from theano.graph.node import Apply, Constant
from theano.graph.op import Op
from theano.graph.type import disconnected_type
from theano.scalar.dtypes import complex_dtypes, discrete_dtypes, upcast
from theano.tensor.convert import as_tensor_variable
from theano.tensor.creation import MakeVector, static_value
from theano.tensor.elemwise import cast_to
from theano.tensor.lengths import known, over, times
from theano.tensor.nnet import conv_arrays
from theano.tensor.nnet.conv_shape import (
    get_conv_output_shape,
    given_shape,
    normalized_border_mode,
    positive_ints,
)
from theano.tensor.products import differ, length
from theano.tensor.region import zero_for
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable


class BaseAbstractConv(Op):
    """A convolution over the last `convdim` axes.

    imshp, kshp       shapes of image and kernel that the user knows: tuples of ints and None. They are compared with
                      the real ones where config.conv.assert_shape asks for it
    border_mode       'valid': windows lie inside the image; 'full': they overlap it; 'half': padding by half the
                      kernel; an int, or one int or pair (left, right) per axis: that much padding with zeros
    subsample         distance of the windows
    filter_flip       the kernel is flipped: convolution. Else it is a correlation
    filter_dilation   distance of the elements of the kernel on the image
    num_groups        channels and filters are split into so many groups that see nothing of one another
    unshared          every output position has a kernel of its own
    """

    __props__ = (
        "convdim", "border_mode", "subsample", "filter_flip", "imshp", "kshp", "filter_dilation", "num_groups",
        "unshared",
    )  # fmt: skip

    def __init__(
        self,
        convdim: int,
        imshp: Any = None,
        kshp: Any = None,
        border_mode: Any = "valid",
        subsample: Any = None,
        filter_flip: bool = True,
        filter_dilation: Any = None,
        num_groups: int = 1,
        unshared: bool = False,
    ) -> None:
        if convdim not in (2, 3):
            raise ValueError(f"convolution has 2 or 3 spatial axes, got convdim={convdim!r}")
        self.convdim = convdim
        self.border_mode = normalized_border_mode(border_mode, convdim)
        self.subsample = positive_ints(subsample, convdim, "subsample")
        self.filter_dilation = positive_ints(filter_dilation, convdim, "filter_dilation")
        self.filter_flip = bool(filter_flip)
        (self.num_groups,) = positive_ints(num_groups, 1, "num_groups")
        self.unshared = bool(unshared)
        if self.unshared and convdim != 2:
            raise NotImplementedError("unshared convolution exists for 2 spatial axes only")
        self.imshp = given_shape(imshp, 2 + convdim, "input_shape")
        self.kshp = given_shape(kshp, self.kernel_ndim, "filter_shape")

    @property
    def kernel_ndim(self) -> int:
        """How many axes a kernel has."""
        return 2 + self.convdim * (2 if self.unshared else 1)

    # -- inputs -----------------------------------------------------------------------------------------------------

    def _tensors(self, a: tuple[str, Any, int], b: tuple[str, Any, int]) -> tuple[Any, Any]:
        """Two (what, tensor, rank) as tensors of one dtype and the ranks wanted. TypeError for others."""
        tensors = []
        for what, value, ndim in (a, b):
            x = as_tensor_variable(value)
            if x.type.ndim != ndim:
                raise TypeError(f"{self._name()}: {what} must have {ndim} axes, got {x} of type {x.type}")
            if x.type.dtype in complex_dtypes:
                raise TypeError(f"{self._name()}: {what} must be real, got {x} of type {x.type}")
            tensors.append(x)
        dtype = upcast(*(x.type.dtype for x in tensors))
        dtype = "int8" if dtype == "bool" else dtype
        return cast_to(tensors[0], dtype), cast_to(tensors[1], dtype)

    def _shape_vector(self, shape: Any) -> Any:
        """`shape`, spatial lengths, as a vector of int64."""
        if isinstance(shape, (list, tuple)):
            if len(shape) != self.convdim:
                raise ValueError(f"{self._name()}: {self.convdim} spatial lengths are needed, got {shape}")
            if any(not isinstance(n, (int, np.integer)) for n in shape):
                return MakeVector("int64")(*shape)
            shape = np.asarray(shape, dtype="int64")
        vector = as_tensor_variable(shape)
        if vector.type.ndim != 1 or vector.type.dtype not in discrete_dtypes:
            raise TypeError(f"{self._name()}: the shape must be a vector of integers, got {shape}")
        if differ(vector.type.shape[0], self.convdim):
            raise ValueError(f"{self._name()}: {self.convdim} spatial lengths are needed, got {shape}")
        return cast_to(vector, "int64")

    def _shape_entries(self, vector: Any) -> list[Any]:
        """The entries of a shape vector, as ints where they are known."""
        if isinstance(vector, Constant):
            return [int(n) for n in vector.data]
        if vector.owner is not None and isinstance(vector.owner.op, MakeVector):
            numbers = [static_value(n) for n in vector.owner.inputs]
            return [n if number is None else number for n, number in zip(vector.owner.inputs, numbers)]
        return [vector[k] for k in range(self.convdim)]

    def _check_static(self, image: Sequence[Any], kernel: Sequence[Any], top: Sequence[Any]) -> None:
        """ValueError where known lengths of image, kernel and output contradict one another."""
        image = [a if b is None else b for a, b in zip(self.imshp, image)]
        kernel = [a if b is None else b for a, b in zip(self.kshp, kernel)]
        inner = kernel[self.kernel_ndim - self.convdim - 1]
        self._check_channels(image[1], kernel[0], inner)
        found = get_conv_output_shape(image, kernel, self.border_mode, self.subsample, self.filter_dilation)
        wanted = [(k, n) for k, n in enumerate(found) if differ(n, top[k])]
        if self.unshared:
            positions = kernel[1 : 1 + self.convdim]
            wanted += [(2 + k, n) for k, n in enumerate(found[2:]) if differ(n, positions[k])]
        if wanted:
            raise ValueError(
                f"{self._name()}: images of shape {tuple(image)} and kernels of shape {tuple(kernel)} give an output "
                f"of shape {found}, not one with other lengths along axes {sorted({k for k, _ in wanted})}"
            )

    def _check_channels(self, channels: int | None, filters: int | None, inner: int | None) -> None:
        groups = self.num_groups
        for what, n in (("channels of the image", channels), ("filters", filters)):
            if n is not None and n % groups:
                raise ValueError(f"{self._name()}: the {n} {what} cannot be split into {groups} groups")
        if channels is not None and inner is not None and inner * groups != channels:
            grouped = f" times {groups} groups" if groups > 1 else ""
            raise ValueError(
                f"{self._name()}: the image has {channels} channels, but the kernels have {inner}{grouped}. Images are "
                f"(batch, channels, *spatial), kernels (filters, channels / groups, *spatial)"
            )

    def _static(self, lengths: Sequence[Any]) -> tuple[int | None, ...]:
        return tuple(n if isinstance(n, int) else None for n in map(known, lengths))

    # -- run time ---------------------------------------------------------------------------------------------------

    def _geometry(self, image: tuple[int, ...], kernel: tuple[int, ...]) -> conv_arrays.Geometry:
        """The geometry for the spatial lengths of image and kernel."""
        return conv_arrays.geometry(
            self._name(), image, kernel, self.border_mode, self.subsample, self.filter_dilation
        )

    def _check_shapes(self, image: tuple[int, ...], kernel: tuple[int, ...], top: tuple[int, ...]) -> None:
        """ValueError unless whole shapes of image, kernel and output fit one another."""
        d = self.convdim
        self._check_channels(image[1], kernel[0], kernel[-d - 1])
        g = self._geometry(image[2:], kernel[-d:])
        if top != (image[0], kernel[0], *g.top):
            raise ValueError(
                f"{self._name()}: images of shape {image} and kernels of shape {kernel} give an output of shape "
                f"{(image[0], kernel[0], *g.top)}, but the other side has shape {top}"
            )
        if self.unshared and kernel[1 : 1 + d] != g.top:
            raise ValueError(
                f"{self._name()}: unshared kernels of shape {kernel} are for an output of {kernel[1 : 1 + d]} "
                f"positions, but images of shape {image} have {g.top}"
            )
        if config.conv.assert_shape:
            for what, stated, found in (("input_shape", self.imshp, image), ("filter_shape", self.kshp, kernel)):
                if any(a is not None and a != b for a, b in zip(stated, found)):
                    raise AssertionError(f"{self._name()}: {what} was given as {stated}, but the shape is {found}")

    def _unflipped(self, kernel: np.ndarray) -> np.ndarray:
        """The kernel of the correlation that this convolution is, or back."""
        if not self.filter_flip:
            return kernel
        return np.flip(kernel, tuple(range(-self.convdim, 0)))

    def _gradient(self, x: Any, term: Any) -> Any:
        return zero_for(x) if x.type.dtype in discrete_dtypes else cast_to(term, x.type.dtype)

    def _spatial(self, x: Any) -> list[Any]:
        return [length(x, axis) for axis in range(x.type.ndim - self.convdim, x.type.ndim)]

    def _name(self) -> str:
        return f"conv{self.convdim}d"

    def __str__(self) -> str:
        return (
            f"{type(self).__name__}{{border_mode={self.border_mode!r}, subsample={self.subsample}, "
            f"filter_flip={self.filter_flip}, filter_dilation={self.filter_dilation}, num_groups={self.num_groups}"
            f"{', unshared' if self.unshared else ''}}}"
        )


def _wide(array: np.ndarray) -> np.ndarray:
    """float16 in a dtype that BLAS knows."""
    return array.astype(np.float32) if array.dtype == np.float16 else array


class AbstractConv(BaseAbstractConv):
    """The convolution of images with kernels. Inputs: image, kernel."""

    def make_node(self, img: Any, kern: Any) -> Apply:
        img, kern = self._tensors(("the image", img, 2 + self.convdim), ("the kernel", kern, self.kernel_ndim))
        self._check_static(img.type.shape, kern.type.shape, (None,) * img.type.ndim)
        shape = get_conv_output_shape(
            img.type.shape, kern.type.shape, self.border_mode, self.subsample, self.filter_dilation
        )
        return Apply(self, [img, kern], [TensorVariable(tensor_type(img.type.dtype, self._static(shape)))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        img, kern = inputs
        g = self._geometry(img.shape[2:], kern.shape[-self.convdim :])
        self._check_shapes(img.shape, kern.shape, (img.shape[0], kern.shape[0], *g.top))
        result = conv_arrays.forward(_wide(img), self._unflipped(_wide(kern)), g, self.num_groups, self.unshared)
        output_storage[0][0] = result.astype(img.dtype, copy=False)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        img, kern = input_shapes
        return [get_conv_output_shape(img, kern, self.border_mode, self.subsample, self.filter_dilation)]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (img, kern), (gz,) = inputs, output_gradients
        if outputs[0].type.dtype in discrete_dtypes:
            return [zero_for(img), zero_for(kern)]
        by_image, by_kernel = _adjoints(self)
        return [
            self._gradient(img, by_image(kern, gz, self._spatial(img), add_assert_shape=False)),
            self._gradient(kern, by_kernel(img, gz, self._spatial(kern), add_assert_shape=False)),
        ]


class AbstractConv_gradInputs(BaseAbstractConv):
    """The gradient of a convolution by its image. Inputs: kernel, gradient of the output, lengths of the image."""

    def make_node(self, kern: Any, topgrad: Any, shape: Any, add_assert_shape: bool = True) -> Apply:
        kern, topgrad = self._tensors(
            ("the kernel", kern, self.kernel_ndim), ("the gradient of the output", topgrad, 2 + self.convdim)
        )
        shape = self._shape_vector(shape)
        static = self._static(self._image_shape(kern.type.shape, topgrad.type.shape, self._shape_entries(shape)))
        self._check_static(static, kern.type.shape, topgrad.type.shape)
        return Apply(self, [kern, topgrad, shape], [TensorVariable(tensor_type(kern.type.dtype, static))])

    def _image_shape(self, kernel: Sequence[Any], top: Sequence[Any], spatial: Sequence[Any]) -> tuple[Any, ...]:
        inner = kernel[self.kernel_ndim - self.convdim - 1]
        return (top[0], None if inner is None else times(inner, self.num_groups), *spatial)

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        kern, top, shape = inputs
        image = tuple(int(n) for n in self._image_shape(kern.shape, top.shape, [int(n) for n in shape]))
        if min(image) < 0:
            raise ValueError(f"{self._name()}: the image cannot have shape {image}")
        g = self._geometry(image[2:], kern.shape[-self.convdim :])
        self._check_shapes(image, kern.shape, top.shape)
        result = conv_arrays.by_image(self._unflipped(_wide(kern)), _wide(top), g, self.num_groups, self.unshared)
        output_storage[0][0] = result.astype(top.dtype, copy=False)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [self._image_shape(input_shapes[0], input_shapes[1], self._shape_entries(node.inputs[2]))]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [True], [False]]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (kern, top, _), (gz,) = inputs, output_gradients
        if outputs[0].type.dtype in discrete_dtypes:
            return [zero_for(kern), zero_for(top), disconnected_type()]
        plain, by_kernel = _adjoints(self)
        return [
            self._gradient(kern, by_kernel(gz, top, self._spatial(kern), add_assert_shape=False)),
            self._gradient(top, plain(gz, kern)),
            disconnected_type(),
        ]


class AbstractConv_gradWeights(BaseAbstractConv):
    """The gradient of a convolution by its kernel. Inputs: image, gradient of the output, lengths of the kernel."""

    def make_node(self, img: Any, topgrad: Any, shape: Any, add_assert_shape: bool = True) -> Apply:
        img, topgrad = self._tensors(
            ("the image", img, 2 + self.convdim), ("the gradient of the output", topgrad, 2 + self.convdim)
        )
        shape = self._shape_vector(shape)
        self._check_channels(img.type.shape[1], topgrad.type.shape[1], None)
        static = self._static(self._kernel_shape(img.type.shape, topgrad.type.shape, self._shape_entries(shape)))
        if differ(img.type.shape[0], topgrad.type.shape[0]):
            raise ValueError(
                f"{self._name()}: {img} of type {img.type} and {topgrad} of type {topgrad.type} differ in the number "
                f"of items"
            )
        self._check_static(img.type.shape, static, topgrad.type.shape)
        return Apply(self, [img, topgrad, shape], [TensorVariable(tensor_type(img.type.dtype, static))])

    def _kernel_shape(self, image: Sequence[Any], top: Sequence[Any], spatial: Sequence[Any]) -> tuple[Any, ...]:
        positions = top[2:] if self.unshared else ()
        return (top[1], *positions, None if image[1] is None else over(image[1], self.num_groups), *spatial)

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        img, top, shape = inputs
        self._check_channels(img.shape[1], top.shape[1], None)
        kernel = tuple(int(n) for n in self._kernel_shape(img.shape, top.shape, [int(n) for n in shape]))
        if min(kernel) < 0:
            raise ValueError(f"{self._name()}: the kernel cannot have shape {kernel}")
        g = self._geometry(img.shape[2:], kernel[-self.convdim :])
        self._check_shapes(img.shape, kernel, top.shape)
        result = conv_arrays.by_kernel(_wide(img), _wide(top), g, self.num_groups, self.unshared)
        output_storage[0][0] = np.ascontiguousarray(self._unflipped(result)).astype(img.dtype, copy=False)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [self._kernel_shape(input_shapes[0], input_shapes[1], self._shape_entries(node.inputs[2]))]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [True], [False]]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (img, top, _), (gz,) = inputs, output_gradients
        if outputs[0].type.dtype in discrete_dtypes:
            return [zero_for(img), zero_for(top), disconnected_type()]
        plain, by_image = _adjoints(self)
        return [
            self._gradient(img, by_image(gz, top, self._spatial(img), add_assert_shape=False)),
            self._gradient(top, plain(img, gz)),
            disconnected_type(),
        ]


class _TwoSpatialAxes(BaseAbstractConv):
    """Constructor of the forms with two spatial axes."""

    def __init__(
        self,
        imshp: Any = None,
        kshp: Any = None,
        border_mode: Any = "valid",
        subsample: Any = (1, 1),
        filter_flip: bool = True,
        filter_dilation: Any = (1, 1),
        num_groups: int = 1,
        unshared: bool = False,
    ) -> None:
        super().__init__(2, imshp, kshp, border_mode, subsample, filter_flip, filter_dilation, num_groups, unshared)


class _ThreeSpatialAxes(BaseAbstractConv):
    """Constructor of the forms with three spatial axes."""

    def __init__(
        self,
        imshp: Any = None,
        kshp: Any = None,
        border_mode: Any = "valid",
        subsample: Any = (1, 1, 1),
        filter_flip: bool = True,
        filter_dilation: Any = (1, 1, 1),
        num_groups: int = 1,
    ) -> None:
        super().__init__(3, imshp, kshp, border_mode, subsample, filter_flip, filter_dilation, num_groups)


class AbstractConv2d(_TwoSpatialAxes, AbstractConv):
    """AbstractConv with two spatial axes."""


class AbstractConv2d_gradInputs(_TwoSpatialAxes, AbstractConv_gradInputs):
    """AbstractConv_gradInputs with two spatial axes."""


class AbstractConv2d_gradWeights(_TwoSpatialAxes, AbstractConv_gradWeights):
    """AbstractConv_gradWeights with two spatial axes."""


class AbstractConv3d(_ThreeSpatialAxes, AbstractConv):
    """AbstractConv with three spatial axes."""


class AbstractConv3d_gradInputs(_ThreeSpatialAxes, AbstractConv_gradInputs):
    """AbstractConv_gradInputs with three spatial axes."""


class AbstractConv3d_gradWeights(_ThreeSpatialAxes, AbstractConv_gradWeights):
    """AbstractConv_gradWeights with three spatial axes."""


_FAMILIES = (
    (AbstractConv, AbstractConv_gradInputs, AbstractConv_gradWeights),
    (AbstractConv2d, AbstractConv2d_gradInputs, AbstractConv2d_gradWeights),
    (AbstractConv3d, AbstractConv3d_gradInputs, AbstractConv3d_gradWeights),
)


def _adjoints(op: BaseAbstractConv) -> list[BaseAbstractConv]:
    """The other two ops of the family of `op`: in the order convolution, by inputs, by weights."""
    family = _FAMILIES[op.convdim - 1] if isinstance(op, (_TwoSpatialAxes, _ThreeSpatialAxes)) else _FAMILIES[0]
    keywords: dict[str, Any] = {name: getattr(op, name) for name in BaseAbstractConv.__props__}
    if family is not _FAMILIES[0]:
        del keywords["convdim"]
        if op.convdim == 3:
            del keywords["unshared"]
    role = next(k for k, kind in enumerate(_FAMILIES[0]) if isinstance(op, kind))
    return [kind(**keywords) for k, kind in enumerate(family) if k != role]
