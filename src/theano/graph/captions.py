"""Short texts for what is drawn: ops, variables, types and values, and which family an op belongs to."""

from __future__ import annotations

from typing import Any

import numpy as np

from theano.graph.node import Apply, Constant, Variable
from theano.graph.shared import SharedVariable

# family -> the classes of its ops; a subclass belongs to the family of its base
FAMILIES = {
    "elementwise": "Elemwise",
    "reduction": "CAReduce Argmax MaxAndArgmax CumOp",
    "product": "Dot Dot22 Dot22Scalar Gemm Gemv Ger BatchedDot BaseAbstractConv",
    "indexing": "Subtensor IncSubtensor BaseAdvancedSubtensor BaseAdvancedIncSubtensor Choose",
    "shape": "DimShuffle Reshape Rebroadcast SpecifyShape Shape Shape_i MakeVector Join Split Alloc AllocEmpty ViewOp",
    "loop or branch": "Scan IfElse OpFromGraph",
    "random": "RandomFunction",
    "matrix": "MatrixOp Det Eig Eigh Solve SolveTriangular SVD LU QRFull",
}
_FAMILY_OF = {name: family for family, names in FAMILIES.items() for name in names.split()}


def family(node: Apply) -> str:
    """The family of a node's op, "other" if it has none."""
    return next((_FAMILY_OF[c.__name__] for c in type(node.op).__mro__ if c.__name__ in _FAMILY_OF), "other")


def cut(text: str, longest: int) -> str:
    """`text` on one line and of so many characters at most."""
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: max(longest - 1, 0)] + "…"


def op_caption(node: Apply, longest: int = 28) -> str:
    """What a node does, shortly: `add` for Elemwise{add}, the name of an OpFromGraph, otherwise the op's own text."""
    scalar_op, text = getattr(node.op, "scalar_op", None), str(node.op)
    if scalar_op is not None and text == f"Elemwise{{{scalar_op}}}":
        text = str(scalar_op)
    elif type(node.op).__name__ == "OpFromGraph":
        text = text.partition("{inline=")[0]
    return cut(text, longest)


def type_caption(type: Any) -> str:
    """`float64 (?, 3)` of a tensor type, the type's own text of another."""
    shape, dtype = getattr(type, "shape", None), getattr(type, "dtype", None)
    if not isinstance(shape, tuple) or not isinstance(dtype, str):
        return cut(str(type), 60)
    lengths = ", ".join("?" if n is None else str(n) for n in shape)
    return f"{dtype} ({lengths}{',' if len(shape) == 1 else ''})"


def value_caption(value: Any, longest: int = 24) -> str:
    """A value in one line: the number itself, the elements of a short array, otherwise dtype and shape."""
    if isinstance(value, np.ndarray):
        if value.size > 6:
            return cut(f"{value.dtype} {value.shape}", longest)
        value = value.item() if value.ndim == 0 else np.array2string(value, separator=", ")
    return cut(str(value), longest)


def variable_caption(variable: Variable, longest: int = 28) -> str:
    """The name of a variable, the value of a constant, otherwise the type."""
    if variable.name is not None:
        return cut(variable.name, longest)
    if isinstance(variable, Constant):
        return value_caption(variable.data, longest)
    return "shared" if isinstance(variable, SharedVariable) else type_caption(variable.type)
