"""theano.tensor.nnet.neighbours: patches of images as the rows of a matrix, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano._records import record_class
from theano.graph.node import Apply, Constant
from theano.graph.op import Op
from theano.graph.type import disconnected_type
from theano.scalar.dtypes import discrete_dtypes
from theano.tensor.convert import as_tensor_variable
from theano.tensor.creation import MakeVector, static_value
from theano.tensor.elemwise import cast_to
from theano.tensor.lengths import minus, over, plus, product, times
from theano.tensor.products import length
from theano.tensor.region import zero_for
from theano.tensor.type import tensor_type
from theano.tensor.variable import TensorVariable

_MODES = ("valid", "half", "full", "wrap_centered", "ignore_borders")


def _pair(value: Any, what: str) -> Any:
    """Two integers as a vector of int64. TypeError or ValueError for anything else."""
    if isinstance(value, (int, np.integer)):
        value = (value, value)
    vector = as_tensor_variable(value)
    if vector.type.ndim != 1 or vector.type.dtype not in discrete_dtypes:
        raise TypeError(f"images2neibs: {what} must be two integers, got {value!r}")
    if vector.type.shape[0] not in (None, 2):
        raise ValueError(f"images2neibs: {what} must be two integers, got {value!r}")
    if isinstance(vector, Constant):
        if min(vector.data) < 1:
            raise ValueError(f"images2neibs: {what} must be at least 1, got {tuple(map(int, vector.data))}")
        return as_tensor_variable(vector.data.astype("int64"))
    return cast_to(vector, "int64")


def _entries(vector: Any) -> list[Any]:
    return [int(n) for n in vector.data] if isinstance(vector, Constant) else [vector[0], vector[1]]


def _pad(mode: str, size: Any) -> Any:
    """How many zeros are put on both sides of the image."""
    if mode == "half":
        return over(size, 2)
    return minus(size, 1) if mode == "full" else 0


@record_class(frozen=True, slots=True)
class _Grid:
    """Where the patches lie: rows[k, i] is the row of the image under row i of the k-th patches, -1 outside."""

    rows: np.ndarray
    columns: np.ndarray

    @property
    def patches(self) -> tuple[int, int]:
        return len(self.rows), len(self.columns)

    @property
    def size(self) -> tuple[int, int]:
        return self.rows.shape[1], self.columns.shape[1]


def _positions(mode: str, n: int, size: int, step: int) -> np.ndarray:
    """(patches, size): the positions under the patches along an axis of length n; -1 for padding.

    ValueError where the mode asks for what the lengths do not allow.
    """
    if size < 1 or step < 1:
        raise ValueError(f"images2neibs: patches and steps must be at least 1, got {size} and {step}")
    if mode == "wrap_centered":
        if size % 2 == 0:
            raise ValueError(f"images2neibs: in mode wrap_centered patches must have odd lengths, got {size}")
        if n < size:
            raise ValueError(f"images2neibs: in mode wrap_centered a patch of {size} needs as large an image, got {n}")
        starts = np.arange(0, n, step) - size // 2
        return (starts[:, None] + np.arange(size)) % n
    pad = _pad(mode, size)
    room = n + 2 * pad - size
    if room < 0:
        if mode == "ignore_borders":
            return np.zeros((0, size), dtype="int64")
        raise ValueError(f"images2neibs: a patch of {size} does not fit into an image of {n} (mode {mode})")
    if room % step and mode != "ignore_borders":
        raise ValueError(
            f"images2neibs: patches of {size} in steps of {step} do not end where an image of {n} (mode {mode}) ends. "
            f"Use mode 'ignore_borders' to leave the rest out"
        )
    at = (np.arange(0, room + 1, step) - pad)[:, None] + np.arange(size)
    return np.where((at >= 0) & (at < n), at, -1)


def _patch_count(mode: str, n: Any, size: Any, step: Any) -> Any:
    """How many patches lie along an axis."""
    if n is None:
        return None
    if mode == "wrap_centered":
        return over(minus(plus(n, step), 1), step)
    return plus(over(minus(plus(n, times(2, _pad(mode, size))), size), step), 1)


class _NeibsBase(Op):
    """Common to Images2Neibs and its adjoint: the mode and the grid of patches."""

    __props__ = ("mode",)

    def __init__(self, mode: str = "valid") -> None:
        if mode not in _MODES:
            raise ValueError(f"images2neibs: mode must be one of {', '.join(_MODES)}, got {mode!r}")
        self.mode = mode

    def _grid(self, shape: Sequence[int], size: Any, step: Any) -> _Grid:
        return _Grid(
            _positions(self.mode, shape[2], int(size[0]), int(step[0])),
            _positions(self.mode, shape[3], int(size[1]), int(step[1])),
        )

    def _rows_and_columns(self, shape: Sequence[Any], size: Any, step: Any) -> tuple[Any, Any]:
        """The shape of the matrix of patches."""
        sizes, steps = _entries(size), _entries(step)
        counts = [_patch_count(self.mode, shape[2 + k], sizes[k], steps[k]) for k in range(2)]
        lengths = [*shape[:2], *counts]
        return (None if any(n is None for n in lengths) else product(lengths)), times(*sizes)


class Images2Neibs(_NeibsBase):
    """The patches of images: (batch, channels, rows, columns) -> one row per patch. Inputs: images, size and step of
    the patches (vectors of two integers). See `images2neibs`."""

    def make_node(self, ten4: Any, neib_shape: Any, neib_step: Any = None) -> Apply:
        ten4 = as_tensor_variable(ten4)
        if ten4.type.ndim != 4:
            raise TypeError(f"images2neibs: the images must have 4 axes, got {ten4} of type {ten4.type}")
        size = _pair(neib_shape, "neib_shape")
        step = size if neib_step is None else _pair(neib_step, "neib_step")
        static: tuple[Any, ...] = (None, None)
        if isinstance(size, Constant) and isinstance(step, Constant):
            if None not in ten4.type.shape[2:]:
                self._grid(ten4.type.shape, size.data, step.data)
            static = self._rows_and_columns(ten4.type.shape, size, step)
        return Apply(self, [ten4, size, step], [TensorVariable(tensor_type(ten4.type.dtype, static))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        images, size, step = inputs
        grid = self._grid(images.shape, size, step)
        rows, columns = grid.rows[:, None, :, None], grid.columns[None, :, None, :]
        if images.shape[2] and images.shape[3]:
            result = images[:, :, rows, columns]
            outside = (rows < 0) | (columns < 0)
            if outside.any():
                result[:, :, outside] = 0
        else:
            result = np.zeros((*images.shape[:2], *grid.patches, *grid.size), images.dtype)
        count = images.shape[0] * images.shape[1] * len(grid.rows) * len(grid.columns)
        output_storage[0][0] = result.reshape(count, grid.size[0] * grid.size[1])

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [self._rows_and_columns(input_shapes[0], node.inputs[1], node.inputs[2])]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [False], [False]]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (images, size, step), (gz,) = inputs, output_gradients
        rest = [disconnected_type(), disconnected_type()]
        if images.type.dtype in discrete_dtypes:
            return [zero_for(images), *rest]
        shape = MakeVector("int64")(*(length(images, axis) for axis in range(4)))
        return [Neibs2Images(self.mode)(gz, size, step, shape), *rest]


class Neibs2Images(_NeibsBase):
    """The adjoint of Images2Neibs: images in which every element is the sum of those of the patches that hold it.
    Inputs: the matrix, size and step of the patches, shape of the images."""

    def make_node(self, neibs: Any, neib_shape: Any, neib_step: Any, original_shape: Any) -> Apply:
        neibs = as_tensor_variable(neibs)
        if neibs.type.ndim != 2:
            raise TypeError(f"neibs2images: the patches must be the rows of a matrix, got {neibs} of type {neibs.type}")
        size = _pair(neib_shape, "neib_shape")
        step = size if neib_step is None else _pair(neib_step, "neib_step")
        if isinstance(original_shape, (list, tuple)):
            original_shape = MakeVector("int64")(*original_shape)
        shape = as_tensor_variable(original_shape)
        if shape.type.ndim != 1 or shape.type.dtype not in discrete_dtypes or shape.type.shape[0] not in (None, 4):
            raise TypeError(f"neibs2images: original_shape must be four integers, got {original_shape}")
        shape = cast_to(shape, "int64")
        static = tuple(n if isinstance(n, int) else None for n in self._lengths(shape))
        kind = tensor_type(neibs.type.dtype, static)
        return Apply(self, [neibs, size, step, shape], [TensorVariable(kind)])

    def _lengths(self, shape: Any) -> list[Any]:
        if isinstance(shape, Constant):
            return [int(n) for n in shape.data]
        if shape.owner is not None and isinstance(shape.owner.op, MakeVector):
            numbers = [static_value(n) for n in shape.owner.inputs]
            return [n if number is None else number for n, number in zip(shape.owner.inputs, numbers)]
        return [shape[k] for k in range(4)]

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        neibs, size, step, shape = inputs
        shape = tuple(int(n) for n in shape)
        if len(shape) != 4 or min(shape) < 0:
            raise ValueError(f"neibs2images: original_shape must be four lengths, got {shape}")
        grid = self._grid(shape, size, step)
        wanted = (shape[0] * shape[1] * len(grid.rows) * len(grid.columns), grid.size[0] * grid.size[1])
        if neibs.shape != wanted:
            raise ValueError(
                f"neibs2images: images of shape {shape} have patches of {grid.size} in a matrix of shape {wanted}, got "
                f"{neibs.shape}"
            )
        patches = neibs.reshape(*shape[:2], *grid.patches, *grid.size)
        result = np.zeros(shape, neibs.dtype)
        for i in range(grid.size[0]):
            inside_rows = grid.rows[:, i] >= 0
            for j in range(grid.size[1]):
                inside_columns = grid.columns[:, j] >= 0
                # one element of every patch: no element of the image twice
                at = np.ix_(grid.rows[inside_rows, i], grid.columns[inside_columns, j])
                result[:, :, at[0], at[1]] += patches[..., i, j][:, :, inside_rows][..., inside_columns]
        output_storage[0][0] = result

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [tuple(self._lengths(node.inputs[3]))]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [False], [False], [False]]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        (neibs, size, step, _), (gz,) = inputs, output_gradients
        rest = [disconnected_type() for _ in range(3)]
        if neibs.type.dtype in discrete_dtypes:
            return [zero_for(neibs), *rest]
        return [Images2Neibs(self.mode)(gz, size, step), *rest]


def images2neibs(ten4: Any, neib_shape: Any, neib_step: Any = None, mode: str = "valid") -> Any:
    """The patches of images as the rows of a matrix: for every item, channel, patch row and patch column, in order.

    ten4         (batch, channels, rows, columns)
    neib_shape   rows and columns of a patch
    neib_step    distance of the patches; by default they lie side by side
    mode         'valid': patches must end where the image ends; 'ignore_borders': the rest is left out; 'half',
                 'full': 'valid' after padding with half a patch, or a patch less one, of zeros on all sides;
                 'wrap_centered': a patch around every step-th element, the image continuing on its other side
    ValueError where the lengths do not fit the mode.

    >>> from theano.tensor import arange
    >>> images2neibs(arange(16).reshape((1, 1, 4, 4)), (2, 2)).eval().tolist()
    [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]
    """
    return Images2Neibs(mode)(ten4, neib_shape, neib_step)


def neibs2images(neibs: Any, neib_shape: Any, original_shape: Any, mode: str = "valid") -> Any:
    """The images of which `images2neibs` with this neib_shape and no steps gave the matrix `neibs`.

    original_shape   the shape of the images: four ints, or a vector of them
    mode             'valid' or 'ignore_borders' (what lay in no patch is zero)
    """
    if mode not in ("valid", "ignore_borders"):
        raise NotImplementedError(f"neibs2images: mode must be 'valid' or 'ignore_borders', got {mode!r}")
    return Neibs2Images(mode)(neibs, neib_shape, None, original_shape)
