"""Memory of loops: arrays as long as the loop that need not be there while it runs.

The derivative of a loop reads the rows that the loop has kept, and the gradients of these. Such a gradient is mostly
arithmetic on the rows themselves, which is done in the loop, a row at a time, in place of a whole array of them. Where
it reads the rows before each step, too, these lie in one array with those after it.
"""

from __future__ import annotations

from typing import Any

from theano.graph.fgraph import OUTPUT
from theano.graph.node import Apply, Constant
from theano.loops.loop_parts import LoopParts, Rows
from theano.loops.scan_op import Scan
from theano.rewriting.engine import PassReport
from theano.rewriting.indices import indexed
from theano.rewriting.rule import Site, function_rule
from theano.scalar.arithmetic import abs_, add, mul, neg, sgn, sqr, sub, true_div
from theano.scalar.selection import maximum, minimum, switch
from theano.tensor.basic_indexing import Subtensor
from theano.tensor.convert import constant
from theano.tensor.dimshuffle import DimShuffle, dimshuffle
from theano.tensor.elemwise import Elemwise
from theano.tensor.joining import Join
from theano.tensor.scalar_constants import static_int
from theano.tensor.type import TensorType

_ARITHMETIC = frozenset((add, sub, mul, neg, sqr, true_div, abs_, sgn, maximum, minimum, switch))


@function_rule(Scan, name="rows_made_in_loop", tags="scan scan_pushin")
def rows_made_in_loop(node: Apply, site: Site) -> Any:
    """arithmetic on rows that one loop reads, and nobody else -> done in the loop, a row at a time"""
    op: Any = node.op
    given = op.info.outer(node.inputs)
    there = {_source(rows) for rows in given.sequences}
    found = [n for n, rows in enumerate(given.sequences) if _can_be_made(rows, node, there, site)]
    if not found:
        return None
    parts = LoopParts(node)
    for part in [parts.sequences[n] for n in found]:
        parts.sequences.remove(part)
        (row,) = part.rows.owner.op.make_node(*(_inside(v, parts) for v in part.rows.owner.inputs)).outputs
        parts.replace({part.row: part.row.type.filter_variable(row)})
    return parts.rebuilt()


def _can_be_made(rows: Any, node: Apply, there: set[Any], site: Site) -> bool:
    """Is this sequence arithmetic, of nothing that would have to be kept for longer but one array?"""
    maker = rows.owner
    if maker is None or not isinstance(maker.op, Elemwise) or len(maker.outputs) != 1:
        return False
    if rows.type.ndim < 2 or maker.op.scalar_op not in _ARITHMETIC:
        return False   # numbers are rather computed all at once, and so are functions that gain by it
    if any(user is not node for user, _ in site.fgraph.clients.get(rows, ())):
        return False
    whole = [v for v in maker.inputs if v.type.shape[0] != 1]
    anew = [v for v in whole if v not in there and _source(v).owner is not None and _source(v) not in there]
    return bool(whole) and len(anew) <= 1 and all(isinstance(v.type, TensorType) for v in maker.inputs)


def _source(rows: Any) -> Any:
    """Whose memory this is."""
    while rows.owner is not None and isinstance(rows.owner.op, (Subtensor, DimShuffle)):
        rows = rows.owner.inputs[0]
    return rows


def _inside(v: Any, parts: LoopParts) -> Any:
    """A row of `v` in the loop."""
    if v.type.shape[0] != 1:
        row = v.type.clone(shape=v.type.shape[1:])()
        parts.sequences.append(Rows(row, v))
        return row
    if isinstance(v, Constant):
        return constant(v.data[0], dtype=v.data.dtype)
    same = dimshuffle(v, list(range(1, v.type.ndim)))
    inner = same.type()
    parts.others.append(Rows(inner, same))
    return inner


def keep_states_once(site: Site, report: PassReport) -> None:
    """Where join(0, first, states) is needed, states are read elsewhere as its last rows: they die when it is made.

    Late, since what reads a part of a join is else made to read the parts of the join.
    """
    fgraph = site.fgraph
    for node in [n for n in fgraph.toposort() if isinstance(n.op, Scan)]:
        info: Any = node.op.info   # type: ignore[attr-defined]
        for number, initial in enumerate(info.outer(node.inputs).initials):
            states = node.outputs[number]
            users = [user for user, _ in fgraph.clients.get(states, ())]
            joins = [user for user in users if user is not OUTPUT and _is_history(user, initial, states)]
            if joins and len(users) > 1 and OUTPUT not in users:
                rest = indexed(joins[0].outputs[0], [(info.rows(number), None, None)])
                fgraph.replace(states, states.type.filter_variable(rest), "keep_states_once")
                report.fired["keep_states_once"] += 1
                report.where.append(("keep_states_once", str(node.op), node.origin))


def _is_history(user: Apply, initial: Any, states: Any) -> bool:
    if not isinstance(user.op, Join) or len(user.inputs) != 3:
        return False
    axis, first, rest = user.inputs
    return static_int(axis) == 0 and first is initial and rest is states
