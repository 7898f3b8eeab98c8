"""theano.compile.ops: ops that plumb graphs, and `as_op`, which makes an Op of a NumPy function.

Shape, SpecifyShape and Rebroadcast live in `tensor/shape.py`; this is also their public door.
"""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from theano._config import config
from theano.graph.node import Apply, Variable
from theano.graph.op import Op
from theano.graph.type import Type
from theano.tensor.shape import Rebroadcast as Rebroadcast
from theano.tensor.shape import Shape as Shape
from theano.tensor.shape import Shape_i as Shape_i
from theano.tensor.shape import SpecifyShape as SpecifyShape
from theano.tensor.shape import shape as shape
from theano.tensor.shape import shape_i as shape_i
from theano.tensor.shape import shape_i_op as shape_i_op
from theano.tensor.shape import specify_shape as specify_shape


class OpenMPOp(Op):
    """Base of ops that may use several threads in their own native code; `openmp` says whether they should."""

    def __init__(self, openmp: bool | None = None) -> None:
        self.openmp = config.openmp if openmp is None else openmp


class ViewOp(Op):
    """The identity; its output shares memory with its input."""

    __props__: ClassVar[tuple[str, ...]] = ()
    view_map = {0: [0]}

    def make_node(self, *inputs: Any) -> Apply:
        (x,) = inputs
        return Apply(self, [x], [x.type()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        output_storage[0][0] = inputs[0]

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return list(input_shapes)

    def grad(self, inputs: Sequence[Variable], output_gradients: Sequence[Variable]) -> Sequence[Variable]:
        return list(output_gradients)


class DeepCopyOp(Op):
    """The identity; its output is a copy that shares nothing with its input."""

    __props__: ClassVar[tuple[str, ...]] = ()

    def make_node(self, *inputs: Any) -> Apply:
        (x,) = inputs
        return Apply(self, [x], [x.type()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        value = inputs[0]
        output_storage[0][0] = np.array(value) if isinstance(value, np.ndarray) else copy.deepcopy(value)

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return list(input_shapes)

    def grad(self, inputs: Sequence[Variable], output_gradients: Sequence[Variable]) -> Sequence[Variable]:
        return list(output_gradients)


view_op = ViewOp()
deep_copy_op = DeepCopyOp()


class FromFunctionOp(Op):
    """An op that calls a Python function on arrays. It has no gradient.

    fn               takes one array per input; returns an array, or one per output
    itypes, otypes   types of the inputs and outputs
    infer_shape      None, or (node, input shapes) -> output shapes
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        itypes: Type | Sequence[Type],
        otypes: Type | Sequence[Type],
        infer_shape: Callable[..., Any] | None = None,
    ) -> None:
        self._fn = fn
        self.itypes = [itypes] if isinstance(itypes, Type) else list(itypes)
        self.otypes = [otypes] if isinstance(otypes, Type) else list(otypes)
        for kind in (*self.itypes, *self.otypes):
            if not isinstance(kind, Type):
                raise TypeError(f"itypes and otypes must be Types such as theano.tensor.dvector, got {kind!r}")
        self.__name__ = getattr(fn, "__name__", "function")
        self.__doc__ = getattr(fn, "__doc__", None)
        self._infer_shape = infer_shape

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._fn == other._fn  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((type(self), self._fn))

    def __str__(self) -> str:
        return f"FromFunctionOp{{{self.__name__}}}"

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        results = self._fn(*inputs)
        if not isinstance(results, (list, tuple)):
            results = (results,)
        if len(results) != len(self.otypes):
            raise ValueError(f"{self.__name__} returned {len(results)} values for {len(self.otypes)} outputs")
        for cell, result in zip(output_storage, results):
            cell[0] = result

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        if self._infer_shape is None:
            return super().infer_shape(node, input_shapes)
        return self._infer_shape(node, input_shapes)

    def __reduce__(self) -> Any:
        module, name = self._fn.__module__, self.__name__
        found = getattr(importlib.import_module(module), name, None)
        if found is self or found == self:
            return _load_back, (module, name)
        return FromFunctionOp, (self._fn, self.itypes, self.otypes, self._infer_shape)


def _load_back(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


def _takes_c_code(what: str) -> Callable[..., None]:
    def register(type: Any, code: Any, *details: Any, version: Any = ()) -> None:
        return None

    register.__name__ = f"register_{what}_c_code"
    register.__doc__ = f"Accepted, without effect: {what} runs `perform` for other types, there is no C code."
    return register


register_deep_copy_op_c_code = _takes_c_code("deep_copy_op")
register_rebroadcast_c_code = _takes_c_code("rebroadcast")
register_shape_c_code = _takes_c_code("shape")
register_shape_i_c_code = _takes_c_code("shape_i")
register_specify_shape_c_code = _takes_c_code("specify_shape")
register_view_op_c_code = _takes_c_code("view_op")


def as_op(
    itypes: Type | Sequence[Type], otypes: Type | Sequence[Type], infer_shape: Callable[..., Any] | None = None
) -> Callable[[Callable[..., Any]], FromFunctionOp]:
    """Decorator that makes an Op of a function on arrays.

    >>> import numpy as np, theano, theano.tensor as tt
    >>> from theano.compile.ops import as_op
    >>> @as_op([tt.dvector], [tt.dvector])
    ... def backwards(x):
    ...     return x[::-1].copy()
    >>> backwards(tt.as_tensor_variable([1.0, 2.0])).eval()
    array([2., 1.])
    """

    def make(fn: Callable[..., Any]) -> FromFunctionOp:
        return FromFunctionOp(fn, itypes, otypes, infer_shape)

    return make
