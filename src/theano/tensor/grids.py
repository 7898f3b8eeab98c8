"""mgrid and ogrid: meshes by slicing, as NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np

from theano.scalar.dtypes import upcast
from theano.tensor.convert import as_tensor_variable
from theano.tensor.creation import alloc
from theano.tensor.elemwise import cast_to
from theano.tensor.ranges import arange
from theano.tensor.shape import shape_i


class Mesh:
    """`mgrid[0:5, 0:n]`: a list with the coordinates along each axis, dense or (ogrid) open.

    Bounds and steps are numbers or 0-d variables. An imaginary step `5j` asks for 5 points, both ends included. A
    single slice gives one vector instead of a list.
    """

    def __init__(self, name: str, sparse: bool) -> None:
        self.name = name
        self.sparse = sparse

    def __getitem__(self, key: Any) -> Any:
        one = not isinstance(key, tuple)
        ranges = [self._range(s) for s in ((key,) if one else key)]
        dtype = upcast(*[r.dtype for r in ranges])
        ranges = [cast_to(r, dtype) for r in ranges]
        if one:
            return ranges[0]
        count = len(ranges)
        grids = [r.dimshuffle(["x"] * k + [0] + ["x"] * (count - 1 - k)) for k, r in enumerate(ranges)]
        if self.sparse:
            return grids
        lengths = [shape_i(r, 0) for r in ranges]
        return [alloc(g, *lengths) for g in grids]

    def _range(self, s: Any) -> Any:
        if not isinstance(s, slice) or s.stop is None:
            raise TypeError(f"{self.name} takes slices with a stop, such as {self.name}[0:5, 0:n]; got {s!r}")
        start = 0 if s.start is None else s.start
        if isinstance(s.step, complex):
            points = int(abs(s.step))
            first, last = as_tensor_variable(start), as_tensor_variable(s.stop)
            step = (last - first) / np.float64(max(points - 1, 1))
            return cast_to(first, "float64") + arange(points) * step
        return arange(start, s.stop, 1 if s.step is None else s.step)

    def __repr__(self) -> str:
        return self.name


mgrid = Mesh("mgrid", sparse=False)
ogrid = Mesh("ogrid", sparse=True)
