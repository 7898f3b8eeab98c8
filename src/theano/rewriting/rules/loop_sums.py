"""Sums over the steps of a loop, taken out of it: one product of all rows in place of one in each step.

The derivative of a loop by a matrix that all steps multiply with is such a sum.
"""

from __future__ import annotations

from typing import Any

from theano.graph.fgraph import FunctionGraph
from theano.graph.node import Apply
from theano.loops.loop_parts import LoopParts, Traced
from theano.loops.scan_op import Scan
from theano.rewriting.over_rows import OverRows
from theano.rewriting.rule import Site, function_rule
from theano.rewriting.rules.useless import elementwise_node
from theano.scalar.arithmetic import add, mul
from theano.scalar.dtypes import float_dtypes
from theano.tensor.dimshuffle import DimShuffle
from theano.tensor.elemwise import elemwise_of
from theano.tensor.products import Dot
from theano.tensor.shape_ops import shape_i_op


@function_rule(
    Scan, name="sum_after_loop", assumes="rounding",
    tags="scan scan_pushout PushOutScanOutput scan_push_out_add more_mem",
)  # fmt: skip
def sum_after_loop(node: Apply, site: Site) -> Any:
    """a sum of products, one of each step -> one product of all rows, after the loop"""
    op: Any = node.op
    if op.info.until or not op.info.carried:
        return None
    if not any(
        _product_of_rows(term) is not None
        for variable, result in zip(op.inner.carried, op.info.outputs(op.fgraph.outputs).carried)
        for term in _terms(op.fgraph, variable, result)
    ):
        return None
    parts = LoopParts(node)
    traces = _Traces(parts)
    sums: dict[Any, Any] = {}  # what is carried -> what is added after the loop
    for part in list(parts.carried):
        terms = _terms(parts.graph, part.variable, part.result)
        products = [(term, _product_of_rows(term)) for term in terms]
        pushed = [(term, pair) for term, pair in products if pair is not None]
        if not pushed:
            continue
        rest = [term for term, pair in products if pair is None]
        sums[part] = [(traces.of(a), traces.of(b)) for _, (a, b) in pushed]
        if rest:
            part.result = elemwise_of(add)(part.variable, *rest)
        else:
            parts.carried.remove(part)
    for part in list(parts.carried):  # sums of rows that are kept anyway
        terms = _terms(parts.graph, part.variable, part.result)
        if part not in sums and terms and all(traces.has(term) for term in terms):
            parts.carried.remove(part)
            sums[part] = [(traces.of(term), None) for term in terms]
    new = parts.rebuilt() if parts.results() else {}
    for part, pairs in sums.items():
        total = part.new if part in parts.carried else part.start
        for a, b in pairs:
            total = total + _sum_over_steps(traces.rows(a), None if b is None else traces.rows(b))
        new[part.old] = part.old.type.filter_variable(total)
    return new


def _terms(graph: FunctionGraph, variable: Any, result: Any) -> list[Any]:
    """The terms of `variable + terms`, if that is `result` and the variable is used nowhere else. What a loop carries
    need not be a tensor: the state of a random stream has no dtype."""
    if len(graph.clients.get(variable, ())) != 1 or getattr(variable.type, "dtype", None) not in float_dtypes:
        return []
    terms: list[Any] = []
    pending = [result]
    while pending:
        term = pending.pop()
        total = elementwise_node(term, add)
        if total is not None and len(graph.clients.get(term, ())) == 1:
            pending.extend(reversed(total.inputs))
        else:
            terms.append(term)
    if variable not in terms or any(v.type.broadcastable != result.type.broadcastable for v in terms):
        return []
    return [v for v in terms if v is not variable]


def _product_of_rows(term: Any) -> tuple[Any, Any] | None:
    """(a, b) if `term` is the outer product of vectors a and b, or a.T . b of matrices, summed over steps later."""
    node = term.owner
    if node is None or len(node.inputs) != 2:
        return None
    x, y = node.inputs
    column, row = _turned(x, (0, "x")), _turned(y, ("x", 0))
    outer = isinstance(node.op, Dot) or elementwise_node(term, mul) is not None
    if outer and column is not None and row is not None:
        return column, row
    if elementwise_node(term, mul) is not None:
        column, row = _turned(y, (0, "x")), _turned(x, ("x", 0))
        return (column, row) if column is not None and row is not None else None
    if isinstance(node.op, Dot) and x.type.ndim == y.type.ndim == 2:
        source = _turned(x, (1, 0))
        return (source, y) if source is not None else None
    return None


def _turned(variable: Any, order: tuple[Any, ...]) -> Any:
    """The x of which `variable` is a dimshuffle in this order; None if it is not."""
    node = variable.owner
    if node is None or not isinstance(node.op, DimShuffle) or tuple(node.op.new_order) != order:
        return None
    (x,) = node.inputs
    return x if x.type.ndim == sum(axis != "x" for axis in order) else None  # type: ignore[attr-defined]


class _Traces:
    """Rows of inner variables outside the loop: of sequences as they are, others are traced."""

    def __init__(self, parts: LoopParts) -> None:
        self.parts = parts
        self.over = OverRows.of_loop(parts)
        self.traced = {part.result: part for part in parts.traced}
        self.traced.update({state.result: state for state in parts.states})

    def has(self, variable: Any) -> bool:
        return variable in self.over.rows or variable in self.traced

    def of(self, variable: Any) -> Any:
        """A name for the rows of a variable, to be given to `rows` when the loop has been rebuilt."""
        if variable not in self.traced and not (self.over.take_all([variable]) and variable in self.over.rows):
            part = self.traced[variable] = Traced(variable)
            self.parts.traced.append(part)
        return variable

    def rows(self, variable: Any) -> Any:
        if variable in self.traced:
            return self.traced[variable].new
        return self.over.rows[variable]


def _sum_over_steps(a: Any, b: Any | None) -> Any:
    """The sum over t of a[t], or of a[t].T . b[t] (of outer products where the rows are vectors)."""
    if b is None:
        return a.sum(axis=0, dtype=a.type.dtype)
    return Dot()(_flat(a).T, _flat(b))


def _flat(rows: Any) -> Any:
    if rows.type.ndim == 2:
        return rows
    lengths = [shape_i_op(axis)(rows) for axis in range(3)]
    return rows.reshape((lengths[0] * lengths[1], lengths[2]), ndim=2)
