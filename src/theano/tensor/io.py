"""theano.tensor.io: arrays that are read from .npy files when a function runs.

Sending arrays between processes (MPI), which the original's module of this name had too, is not here.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from theano.graph.node import Apply, Constant, Variable
from theano.graph.op import Op
from theano.graph.type import Generic, disconnected_type, generic
from theano.tensor.type import TensorType
from theano.tensor.variable import TensorVariable

MMAP_MODES = (None, "c", "r")


class LoadFromDisk(Op):
    """LoadFromDisk(dtype, broadcastable, mmap_mode)(path): the array in the .npy file `path`.

    The file is read each time that the function runs. See `load`.
    """

    __props__ = ("dtype", "broadcastable", "mmap_mode")

    def __init__(self, dtype: Any, broadcastable: Sequence[bool], mmap_mode: str | None = None) -> None:
        if mmap_mode not in MMAP_MODES:
            raise ValueError(
                f"mmap_mode must be None (read the file), 'c' (map it, changes stay in memory) or 'r' (map it, "
                f"read-only), got {mmap_mode!r}: an expression never writes to a file"
            )
        kind = TensorType(dtype, [bool(flag) for flag in broadcastable])
        self.dtype = kind.dtype
        self.broadcastable = kind.broadcastable
        self.mmap_mode = mmap_mode

    def make_node(self, path: Any) -> Apply:  # type: ignore[override]
        if isinstance(path, (str, os.PathLike)):
            path = Constant(generic, os.fspath(path))
        if not isinstance(path, Variable) or not isinstance(path.type, Generic):
            found = f"{path} of type {path.type}" if isinstance(path, Variable) else f"{path!r}"
            raise TypeError(f"The path of a file must be a string or a variable such as theano.generic('path'), got "
                            f"{found}")
        return Apply(self, [path], [TensorVariable(TensorType(self.dtype, self.broadcastable))])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        (path,) = inputs
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"The path of a file must be a string, got {path!r}")
        array = np.load(path, mmap_mode=self.mmap_mode)  # type: ignore[arg-type]
        if not isinstance(array, np.ndarray):
            array.close()
            raise TypeError(f"{os.fspath(path)!r} holds several arrays (.npz); save the one that is meant with "
                            f"numpy.save")
        wrong = self._what_is_wrong(array)
        if wrong:
            raise TypeError(
                f"load({os.fspath(path)!r}) asks for an array of dtype {self.dtype} with broadcastable="
                f"{self.broadcastable}, but the file has dtype {array.dtype.name} and shape {array.shape}: {wrong}"
            )
        output_storage[0][0] = np.asarray(array).astype(self.dtype, copy=False)  # in native byte order

    def _what_is_wrong(self, array: np.ndarray) -> str:
        if array.dtype.name != self.dtype:
            return f"load it as {array.dtype.name} and convert with astype"
        if array.ndim != len(self.broadcastable):
            return f"it has {array.ndim} axes, not {len(self.broadcastable)}"
        long = [axis for axis, flag in enumerate(self.broadcastable) if flag and array.shape[axis] != 1]
        return f"broadcastable axes have length one, axis {long[0]} has not" if long else ""

    def do_constant_folding(self, node: Apply) -> bool:
        return False  # the file may change

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[False]]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return [disconnected_type()]

    def __str__(self) -> str:
        return f"Load{{dtype: {self.dtype}, broadcastable: {self.broadcastable}, mmap: {self.mmap_mode}}}"


def load(path: Any, dtype: Any, broadcastable: Sequence[bool], mmap_mode: str | None = None) -> Any:
    """The array in a .npy file, read when the function runs (and each time that it does).

    path            a string or path, or a variable of the type `theano.generic` whose value is one
    dtype           of the array, exactly
    broadcastable   for every axis, whether its length is one, as for `TensorType`
    mmap_mode       None: read the whole file; "c" or "r": map it into memory, so that only what is needed is read. The
                    file is never written to
    When it runs: TypeError if the file holds another dtype, rank or length of a broadcastable axis; FileNotFoundError.

    >>> import os, tempfile, numpy as np, theano, theano.tensor as tt
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     name = os.path.join(folder, "numbers.npy")
    ...     np.save(name, np.arange(4.0))
    ...     path = theano.generic("path")
    ...     float(theano.function([path], load(path, "float64", (False,)).sum())(name))
    6.0
    """
    return LoadFromDisk(dtype, broadcastable, mmap_mode)(path)


__all__ = ["LoadFromDisk", "load"]
