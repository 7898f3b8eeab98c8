"""Steps of loops that nobody reads: they are not made, where that cannot hide an error.

What a step computes may be the reason why a function fails, also if nobody reads it. So the last steps are left out
only where each step is made of ops that fail for lengths that do not fit, and for nothing else: all steps have the same
lengths, and the first is always made. Whether sequences have rows for all steps is checked as before
(`restore_checks`).
"""

from __future__ import annotations

from typing import Any

from theano.graph.fgraph import OUTPUT
from theano.graph.node import Apply
from theano.graph.traverse import ancestors
from theano.loops.loop_parts import LoopParts
from theano.loops.scan_op import Scan
from theano.rewriting.rule import Site, function_rule
from theano.rewriting.rules.indexing import read_entries
from theano.rewriting.rules.useless import elementwise_node
from theano.scalar.comparison import ge
from theano.scalar.dtypes import is_discrete
from theano.scalar.exponential import pow
from theano.scalar.op import ScalarOp
from theano.scalar.selection import maximum, minimum, switch
from theano.tensor.basic_indexing import Subtensor
from theano.tensor.convert import constant
from theano.tensor.creation import MakeVector
from theano.tensor.elemwise import Elemwise, cast_to
from theano.tensor.products import Dot
from theano.tensor.scalar_constants import static_int


@function_rule(Scan, name="steps_that_are_read", tags="scan")
def steps_that_are_read(node: Apply, site: Site) -> Any:
    """x[:k] and x[i] of the rows of a loop, where nobody reads others -> the loop with as many steps"""
    op: Any = node.op
    if op.info.until or op.info.carried:
        return None
    reads: dict[Apply, tuple[Any, int]] = {}   # (what, how many rows more): x[i] needs i + 1 rows
    for trace in node.outputs:
        for user, position in site.fgraph.clients.get(trace, ()):
            read = None if user is OUTPUT or position else _rows_read(user)
            if read is None:
                return None
            reads[user] = read
    n_steps: Any = node.inputs[0]
    numbers = [max(what + more, 1) for what, more in reads.values() if isinstance(what, int)]
    others = [(what, more) for what, more in reads.values() if not isinstance(what, int)]
    if any(v.owner is node for v in ancestors([what for what, _ in others])):
        return None
    if not reads or _is_done(n_steps, numbers, [what for what, _ in others]) or not _fails_at_once(op):
        return None
    parts = LoopParts(node)
    needed: Any = constant(max(numbers, default=1), dtype="int64")
    for what, more in others:
        rows = minimum(cast_to(what, "int64"), n_steps) + constant(more, dtype="int64")
        # all rows, where it counts from the end
        needed = maximum(needed, switch(ge(what, constant(0, dtype="int64")), rows, n_steps))
    parts.n_steps = cast_to(minimum(n_steps, needed), "int64")
    for part in parts.sequences:
        part.rows = part.rows[: parts.n_steps]
    # what has been read is equal, and the traces are not
    parts.rebuilt()
    traces = {part.old: part.new for part in parts.kept()}
    again = {user: user.clone_with_new_inputs([traces[user.inputs[0]], *user.inputs[1:]]) for user in reads}
    return {user.outputs[0]: new.outputs[0] for user, new in again.items()}


def _rows_read(user: Apply) -> tuple[Any, int] | None:
    """How many of the first rows are read; None if that cannot be told, or if it depends on how many there are."""
    if not isinstance(user.op, Subtensor):
        return None
    first = read_entries(user)[0]
    if not isinstance(first, tuple):
        return _number(first, 1)
    start, stop, step = first
    forwards = (start is None or _is_from(start, 0)) and (step is None or _is_from(step, 1))
    return _number(stop, 0) if forwards and stop is not None else None


def _number(entry: Any, more: int) -> tuple[Any, int] | None:
    known = static_int(entry)
    if known is not None:
        return (known, more) if known >= 0 else None
    return entry, more


def _is_from(entry: Any, least: int) -> bool:
    known = static_int(entry)
    return known is not None and known >= least


def _is_done(n_steps: Any, numbers: list[int], others: list[Any]) -> bool:
    """Are there no more steps than are read, as far as is known? So it is after this rule, too."""
    if others:
        return not set(others).isdisjoint(ancestors([n_steps]))
    least = elementwise_node(n_steps, minimum)
    found = [static_int(v) for v in ([n_steps] if least is None else least.inputs)]
    return any(n is not None and n <= max(numbers) for n in found)


def _fails_at_once(op: Scan) -> bool:
    """Does a step fail only if the first step does: for lengths, which are the same in all steps?"""
    inner = op.inner
    varies: set[Any] = {*inner.sequences, *(tap for taps in inner.taps for tap in taps)}
    for node in op.fgraph.toposort():
        if not any(v in varies for v in node.inputs):
            # the same in all steps, if it is anything at all
            if not (node.op.is_cheap or isinstance(node.op, Dot)):
                return False
            continue
        varies.update(node.outputs)
        if isinstance(node.op, (Dot, MakeVector)) or _is_arithmetic(node):
            continue
        # positions and lengths that change may fail later
        if isinstance(node.op, Elemwise) or not node.op.is_cheap or any(v in varies for v in node.inputs[1:]):
            return False
    return True


def _is_arithmetic(node: Apply) -> bool:
    """An elementwise op of ours. An integer has no negative integer power: that is an error of values."""
    record = getattr(node.op, "scalar_op", None)
    if not isinstance(node.op, Elemwise) or ScalarOp.registry.get(getattr(record, "name", "")) is not record:
        return False
    return record is not pow or not is_discrete(node.outputs[0].type.dtype)  # type: ignore[attr-defined]
