"""Lowering of Scan: a LoopStep, whose body is the Program of the rewritten inner graph.

What only Python can do stays a Python call inside the body. A loop whose inner graph has a mode of its own which is
not one of native code (it watches nodes, or uses the reference backend) runs through `perform`.
"""

from __future__ import annotations

from typing import Any

from theano.graph.node import Apply
from theano.loops.scan_op import Scan
from theano.lowering.context import Lowering, lowers
from theano.lowering.program import LoopStep, Program, Step
from theano.lowering.work import Opaque


@lowers(Scan)
def lower_scan(lowering: Lowering, node: Apply) -> None:
    op: Any = node.op
    body = _body(lowering, op)
    if body is None:
        lowering.python(node)
        return
    inputs = [lowering.in_memory(datum) for datum in lowering.data(node.inputs)]
    outputs = [lowering.new(v) for v in node.outputs]

    def emit(emission: Any, ins: Any, outs: Any) -> list[Step]:
        return [LoopStep(inputs=ins, outputs=outs, nodes=[node], body=body, layout=op.info)]

    lowering.add(Opaque([node], inputs, outputs, emit))
    for variable, datum in zip(node.outputs, outputs):
        lowering.define(variable, datum)


def _body(lowering: Lowering, op: Any) -> Program | None:
    info = op.info
    if info.until and op.fgraph.outputs[-1].type.dtype not in _CONDITIONS:
        return None
    graph = op.function.rewritten()
    if graph is None or lowering.lower_graph is None:
        return None
    first_in, first_out = info.inner_input_count - info.carried, info.states + info.traced
    cells: list[list[Any]] = [[None] for _ in range(info.carried)]
    body = lowering.lower_graph(
        graph,
        storages={first_in + number: cell for number, cell in enumerate(cells)},
        updates={first_out + number: cell for number, cell in enumerate(cells)},
        name=str(op),
    )
    # a step runs over little memory, again and again: it is in the cache anyway
    body.row_groups.clear()
    return body


_CONDITIONS = frozenset(("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"))
