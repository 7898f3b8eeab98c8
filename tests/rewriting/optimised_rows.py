"""What the tests of the list of optimisations share: variables with values, rows, and the check of a row.

A row is an optimisation in words, a graph that asks for it, and the graph that must come out. The graph is compiled in
the default mode; what it computes is compared with the meaning of the graph as it was written, on both backends.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano._records import record_class
from theano.graph.evaluate import evaluate
from theano.graph.node import Constant
from theano.graph.traverse import graph_inputs, toposort
from theano.tensor.elemwise import Elemwise
from theano.tensor.type import TensorType

x, y, z = T.dvectors("x", "y", "z")
a, b, c = T.dscalars("a", "b", "c")
A, B, C = T.dmatrices("A", "B", "C")
t, u = T.dtensor3s("t", "u")
i, j = T.lscalars("i", "j")
k = T.lvector("k")          # positions
n = T.lvector("n")          # whole numbers, positive
mask = T.TensorType("bool", (None,))("mask")
f = T.fvector("f")
row = TensorType("float64", (1, None))("row")
column = TensorType("float64", (None, 1))("column")
x4 = TensorType("float64", (4,))("x4")
x3 = TensorType("float64", (3,))("x3")
square = TensorType("float64", (4, 4))("square")

_random = np.random.default_rng(11)
LENGTH = 5
SHAPES = {
    "row": (1, LENGTH), "column": (LENGTH, 1), "x4": (4,), "x3": (3,), "square": (4, 4), "f": (LENGTH,),
}  # fmt: skip
VALUES: dict[str, Any] = {
    **{name: _random.uniform(0.2, 1.5, LENGTH) for name in "xyz"},
    **{name: _random.uniform(0.2, 1.5) for name in "abc"},
    **{name: _random.normal(size=(LENGTH, LENGTH)) / LENGTH + np.eye(LENGTH) for name in "ABC"},
    **{name: _random.normal(size=(2, LENGTH, LENGTH)) for name in "tu"},
    **{name: _random.normal(size=shape) for name, shape in SHAPES.items()},
    "i": 1, "j": 3, "k": [3, 0, 2], "n": [3, 1, 4, 2, 5], "mask": [True, False, True, True, False],
}  # fmt: skip

CHECKS = ("EqualLengths", "InsideAxes")
PARAMETERS = re.compile(r"\{(.*)\}")
USUAL = {
    "offset=0", "axis1=0", "axis2=1", "dtype=float64", "dtype=int64", "on_error=raise", "lower=True", "UPLO=L",
    "full_matrices=True", "unit_diagonal=False", "checked=True", "axis=-1", "sorted=True", "idx_dtype=int64",
    "return_index=False", "return_inverse=False", "return_counts=False", "axis=None",
}  # fmt: skip


@record_class(frozen=True)
class Row:
    """See the module. `becomes` is the result as a text, as `text_of` writes it; `has` and `lacks` are names of ops
    that must be (must not be) in it, for results that are too long to write; `rules` must have been applied."""

    words: str
    build: Callable[[], Any]
    becomes: str = ""
    has: str = ""
    lacks: str = ""
    rules: str = ""
    without: str = ""           # passes or rules to leave out, where a later one hides what the row is about
    at: Any = None              # other values of variables, by name
    right: Any = None           # the right value, where the graph as written has a wrong one
    close: float = 1e-9


def rows(*entries: Row) -> Any:
    """For pytest: one case for each row, by its words."""
    return pytest.mark.parametrize("row", [pytest.param(entry, id=entry.words) for entry in entries])


def name_of(op: Any) -> str:
    """What a row calls an op: the name of the elementwise function, or of the class."""
    return str(op.scalar_op.name) if isinstance(op, Elemwise) else type(op).__name__


def text_of(v: Any) -> str:
    """An expression on one line; ops with parameters in their own spelling, what only checks lengths as `checked`."""
    if v.owner is None:
        return _constant(v) if isinstance(v, Constant) else str(v.name)
    op = v.owner.op
    if type(op).__name__ in CHECKS or str(op).startswith("SpecifyShape{implied}"):
        return f"checked({text_of(v.owner.inputs[0])})"
    name = name_of(op) if isinstance(op, Elemwise) else PARAMETERS.sub(_parameters, str(op).replace("'", ""))
    place = f".{v.owner.outputs.index(v)}" if len(v.owner.outputs) > 1 else ""
    return f"{name}{place}({', '.join(text_of(x) for x in v.owner.inputs)})"


def _parameters(found: re.Match[str]) -> str:
    """Without those that have their usual values."""
    told = [part for part in found[1].split(", ") if part not in USUAL]
    return "{" + ", ".join(told) + "}" if told else ""


def _constant(v: Any) -> str:
    data = np.asarray(v.data) if not isinstance(v.data, slice) else None
    if data is None:
        return str(v.data)
    return str(data.reshape(-1)[0]) if data.size == 1 else str(data.tolist())


def compiled(row: Row, backend: str | None = None) -> tuple[Any, list[Any], list[Any]]:
    """(the function, its inputs, the outputs as written)"""
    built = row.build()
    outputs = list(built) if isinstance(built, (list, tuple)) else [built]
    inputs = [v for v in graph_inputs(outputs) if not isinstance(v, Constant) and not hasattr(v, "get_value")]
    inputs = sorted(dict.fromkeys(inputs), key=lambda v: v.name)
    mode = theano.compile.get_default_mode() if backend is None else theano.Mode(backend, "fast_run")
    if row.without:
        mode = mode.excluding(*row.without.split())
    return theano.function(inputs, outputs, mode=mode), inputs, outputs


def check_row(row: Row) -> None:
    """Fail if the optimisation is not done, or changes what comes out."""
    function, inputs, outputs = compiled(row)
    graph = function.maker.fgraph
    found = "; ".join(text_of(v) for v in graph.outputs)
    if row.becomes:
        assert found == row.becomes
    names = {name_of(node.op) for node in graph.toposort()}
    written = {name_of(node.op) for node in toposort(outputs)}
    assert set(row.has.split()) <= names, found
    assert names.isdisjoint(row.lacks.split()), found
    assert set(row.lacks.split()) <= written, f"the graph as written has no {row.lacks}"
    fired = function.maker.report.fired()
    assert all(fired[rule] for rule in row.rules.split()), f"{dict(fired)}: {found}"
    check_values(row, function, inputs, outputs)


def check_values(row: Row, function: Any, inputs: list[Any], outputs: list[Any]) -> None:
    given = {**VALUES, **(row.at or {})}
    values = [np.asarray(given[v.name], v.type.dtype) for v in inputs]
    with np.errstate(all="ignore"):
        if row.right is None:
            expected = evaluate(outputs, dict(zip(inputs, values)))
        else:
            expected = [row.right]
        reference = compiled(row, "py")[0]
        for results in (function(*values), reference(*values)):
            for result, want, out in zip(results, expected, outputs, strict=True):
                assert result.dtype == out.type.dtype and result.shape == np.shape(want)
                np.testing.assert_allclose(result, want, rtol=row.close, atol=row.close * (row.right is None))
