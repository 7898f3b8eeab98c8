"""Loops: what does not need to be in one is taken out, what nobody reads is not kept, equal loops are one.

A loop is a node like others, so the rules see it as a whole; `loops/loop_parts.py` takes it apart for them. What they
take out is graph like any other, and meets all other rules. That sequences have a row for every step, and that a row
which is read exists, is checked after rewriting, whatever has become of the loop (`restore_checks.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from theano._provenance import inherit
from theano.graph.clone import clone_replace, equal_computations
from theano.graph.fgraph import OUTPUT, FunctionGraph
from theano.graph.node import Apply
from theano.graph.traverse import ancestors
from theano.loops.loop_graphs import scan_can_remove_outs
from theano.loops.loop_parts import Carried, LoopParts, State, Traced
from theano.loops.scan_op import Scan
from theano.rewriting.dims import Dims
from theano.rewriting.dims_of_ops import SPEAKERS
from theano.rewriting.indices import indexed
from theano.rewriting.over_rows import OverRows
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.rewriting.rules.indexing import read_entries
from theano.rewriting.rules.loop_memory import rows_made_in_loop
from theano.rewriting.rules.loop_steps import steps_that_are_read
from theano.rewriting.rules.loop_sums import sum_after_loop
from theano.rewriting.rules.useless import elementwise_node
from theano.scalar.selection import second
from theano.tensor.basic_indexing import Subtensor
from theano.tensor.elemwise import Elemwise
from theano.tensor.products import Dot
from theano.tensor.scalar_constants import static_int
from theano.tensor.shape import SpecifyShape, shape_padleft, unbroadcast
from theano.tensor.shape_ops import shape_i_op

MOST_BOUND = 5_000   # nodes before and after a loop that are looked at

# -- what nobody reads -------------------------------------------------------------------------------------------------


@function_rule(Scan, name="unused_results_of_loop", tags="scan scan_remove_unused")
def unused_results_of_loop(node: Apply, site: Site) -> Any:
    """a result of a loop that nobody reads -> the loop without it"""
    op: Any = node.op
    info = op.info
    count = info.states + info.traced + info.carried
    unread = [k for k in range(count) if not site.uses(node.outputs[k])]
    gone = set(scan_can_remove_outs(op, unread)[0]) if unread else set()
    if not gone or len(gone) == len(node.outputs):
        return None
    parts = LoopParts(node)
    kept = iter([k not in gone for k in range(count)])
    parts.states = [part for part in parts.states if next(kept)]
    parts.traced = [part for part in parts.traced if next(kept)]
    parts.carried = [part for part in parts.carried if next(kept)]
    return parts.rebuilt()


@function_rule(Scan, name="state_without_feedback", tags="scan")
def state_without_feedback(node: Apply, site: Site) -> Any:
    """a state of which no step reads an earlier row -> a row of each step that is only kept"""
    op: Any = node.op
    read = set(ancestors(op.fgraph.outputs))
    unread = [k for k, taps in enumerate(op.inner.taps) if not read.intersection(taps)]
    if not unread:
        return None
    parts = LoopParts(node)
    dims = _dims_inside(parts)
    # where rows may differ in shape from the first one, that has to stay, so that they can be compared
    like: dict[int, Any] = {k: next(iter(parts.states[k].taps.values())) for k in unread}
    found = [k for k in unread if dims.same(like[k], parts.states[k].result)]
    if not found:
        return None
    for number in reversed(found):
        state = parts.states.pop(number)
        parts.traced.insert(0, Traced(like[number].type.filter_variable(state.result), state.old))
    return parts.rebuilt()


@function_rule(Scan, name="last_row_of_loop", tags="scan scan_save_mem")
def last_row_of_loop(node: Apply, site: Site) -> Any:
    """x[-1] of the rows that a loop keeps, where nobody reads the others -> the last row, which alone is kept"""
    op: Any = node.op
    found: list[tuple[int, list[tuple[Apply, int]]]] = []
    for number in range(op.info.states):
        depth = op.info.rows(number)
        reads = _reads_of_last_rows(node.outputs[number], depth, site)
        known = op.info.outer(node.inputs).initials[number].type.shape[0]
        if reads is not None and known in (None, depth):   # any other length is an error of the loop
            found.append((number, reads))
    if not found:
        return None
    parts = LoopParts(node)
    dims = _dims_inside(parts)
    replaced: list[tuple[Apply, Carried]] = []
    states = list(parts.states)
    for number, reads in found:
        parts.states.remove(states[number])
        held = _held(states[number], _of_depth(states[number], node), dims)
        parts.carried += held
        replaced += [(read, held[back - 1]) for read, back in reads]
    new = parts.rebuilt()
    for read, part in replaced:
        new[read.outputs[0]] = _rest_of_index(read, part.new)
    return new


def _reads_of_last_rows(trace: Any, depth: int, site: Site) -> list[tuple[Apply, int]] | None:
    """[(node, how many rows from the end it reads)]; None if nothing is read, or more than the last `depth` rows."""
    reads = []
    for user, position in site.fgraph.clients.get(trace, ()):
        if user is OUTPUT or position or not isinstance(user.op, Subtensor):
            return None
        first = user.op.get_idx(user.inputs)[0]
        first = None if isinstance(first, tuple) else static_int(first)
        if first is None or not -depth <= first < 0:
            return None
        reads.append((user, -first))
    return reads or None


def _dims_inside(parts: LoopParts) -> Dims:
    """What is known of lengths inside the loop."""
    dims = Dims(dict(SPEAKERS))
    dims.on_attach(parts.graph)
    return dims


def _of_shape(result: Any, like: Any, dims: Dims) -> Any:
    """`result` as a row of a state: all of them have one shape."""
    if not dims.same(like, result):
        result = SpecifyShape(implied=True)(result, [shape_i_op(axis)(like) for axis in range(like.type.ndim)])
    return like.type.filter_variable(result)


def _of_depth(state: State, loop: Apply) -> Any:
    """The initial rows. Where there may be fewer, they are counted first: to read one is then another mistake."""
    if state.initial.type.shape[0] is not None:
        return state.initial
    with inherit(loop.origin):
        return SpecifyShape(implied=True)(state.initial, (state.depth, *[None] * (state.initial.type.ndim - 1)))


def _held(state: State, initial: Any, dims: Dims) -> list[Carried]:
    """A state as values that are carried: its last row, the one before, ..."""
    like: Any = next(iter(state.taps.values()))
    rows = [state.taps.get(-back) or like.type() for back in range(1, state.depth + 1)]
    results = [_of_shape(state.result, like, dims), *rows[:-1]]
    starts = [like.type.filter_variable(initial[state.depth - back]) for back in range(1, state.depth + 1)]
    return [Carried(*three) for three in zip(rows, starts, results)]


def _rest_of_index(read: Apply, row: Any) -> Any:
    """What is left of an index whose first entry was a row."""
    return indexed(row, read_entries(read)[1:])


# -- what can be computed before the loop ------------------------------------------------------------------------------


@function_rule(Scan, name="invariant_of_loop", tags="scan scan_pushout PushOutNonSeqScan")
def invariant_of_loop(node: Apply, site: Site) -> Any:
    """what a step computes from nothing that changes -> computed once, before the loop"""
    op: Any = node.op
    known = set(op.inner.others)
    moved: dict[Any, None] = {}
    for inner in op.fgraph.toposort():
        if not inner.op.is_total or elementwise_node(inner.outputs[0], second) is not None:
            continue
        if any(v in known for v in inner.inputs) and all(v in known or _is_constant(v) for v in inner.inputs):
            known.update(inner.outputs)
            moved.update(dict.fromkeys(inner.outputs))
    border = _border(op.fgraph, moved)
    if not border:
        return None
    parts = LoopParts(node)
    copies = [parts.copies[v] for v in border]
    for variable, outside in zip(copies, parts.same(copies)):
        parts.take_out(variable, outside, in_all_steps=True)
    return parts.rebuilt()


@function_rule(Scan, name="products_with_rows", tags="scan scan_pushout PushOutSeqScan PushOutDot1 more_mem")
def products_with_rows(node: Apply, site: Site) -> Any:
    """dot(x[t], W) in every step -> dot(x, W) before the loop; so with arithmetic on numbers x[t]"""
    op: Any = node.op
    if op.info.until or not op.info.sequences:
        return None
    wanted = _worth_taking_out(op)
    if not wanted:
        return None
    parts = LoopParts(node)
    over = OverRows.of_loop(parts)
    wanted = [parts.copies[v] for v in wanted]
    if not over.take_all(wanted):
        return None
    for variable in wanted:
        parts.take_out(variable, over.rows[variable], in_all_steps=False)
    return parts.rebuilt()


def _worth_taking_out(op: Any) -> list[Any]:
    """Inner variables that depend on sequences alone and are cheaper for all rows at once: products, and arithmetic on
    numbers, which the processor does for several rows in one go."""
    over = OverRows({v: v for v in op.inner.sequences}, {v: v for v in op.inner.others})
    numbers: dict[Any, None] = {}
    products = []
    for inner in op.fgraph.toposort():
        if not over.can(inner):
            continue
        (out, *_) = inner.outputs
        if not any(v in over.rows for v in inner.inputs):
            over.same.update((v, v) for v in inner.outputs)
            continue
        over.rows.update((v, v) for v in inner.outputs)
        if isinstance(inner.op, Dot):
            products.append(out)
        if out.type.ndim == 0 and isinstance(inner.op, Elemwise):
            numbers.update(dict.fromkeys(inner.outputs))
    return [*products, *(v for v in _border(op.fgraph, numbers) if v not in products)]


def _border(graph: FunctionGraph, inside: dict[Any, None]) -> list[Any]:
    """Those of `inside` that a node reads of which the results are not inside, or that are results of the graph."""
    users = {v: [user for user, _ in graph.clients.get(v, ())] for v in inside}
    return [v for v in inside if any(user is OUTPUT or user.outputs[0] not in inside for user in users[v])]


def _is_constant(variable: Any) -> bool:
    return variable.owner is None and getattr(variable, "data", None) is not None


@function_rule(Scan, name="rows_without_loop", tags="scan scan_pushout scan_make_elemwise")
def rows_without_loop(node: Apply, site: Site) -> Any:
    """rows that do not depend on earlier steps -> computed for all steps at once, without a loop"""
    op: Any = node.op
    if op.info.until or not op.info.traced:
        return None
    changing = {v for taps in op.inner.taps for v in taps} | set(op.inner.carried)
    results = op.info.outputs(op.fgraph.outputs).traced
    alone = [k for k, v in enumerate(results) if not changing.intersection(ancestors([v]))]
    if not alone:
        return None
    parts = LoopParts(node)
    over = OverRows.of_loop(parts)
    replaced: dict[Any, Any] = {}
    for number in alone:
        part = parts.traced[number]
        if over.take_all([part.result]) and part.result in over.rows:
            replaced[part.old] = part.old.type.filter_variable(over.rows[part.result])
    if not replaced:
        return None
    parts.traced = [part for part in parts.traced if part.old not in replaced]
    return {**(parts.rebuilt() if parts.results() else {}), **replaced}


# -- several loops, and loops of one step ------------------------------------------------------------------------------


@function_rule(Scan, name="loops_over_the_same", tags="scan scan_merge ScanMerge more_mem")
def loops_over_the_same(node: Apply, site: Site) -> Any:
    """two loops of as many steps over one sequence, or from one initial state -> one loop"""
    op: Any = node.op
    if op.info.until:
        return None
    own = op.info.outer(node.inputs)
    shared = {*own.sequences, *own.initials, *own.carried}
    bound: set[Apply] | None = None
    own_starts = (*own.sequences, *own.initials, *own.carried)
    near = dict.fromkeys(user for v in own_starts for user, _ in site.fgraph.clients[v] if user is not OUTPUT)
    for other in near:
        if other is node or not isinstance(other.op, Scan) or other.op.info.until or other.inputs[0] is not own.n_steps:
            continue
        if other.op.mode != op.mode or other.op.truncate_gradient != op.truncate_gradient:
            continue
        if bound is None:
            bound = _bound_to(node, site)
        if bound is None:
            return None
        if other in bound:
            continue
        theirs = other.op.info.outer(other.inputs)
        if shared.isdisjoint((*theirs.sequences, *theirs.initials, *theirs.carried)):
            continue
        parts, more = LoopParts(node), LoopParts(other)
        for name in ("sequences", "states", "traced", "carried", "others"):
            getattr(parts, name).extend(getattr(more, name))
        parts.bar = parts.bar or more.bar
        return parts.rebuilt()
    return None


def _bound_to(node: Apply, site: Site) -> set[Apply] | None:
    """The nodes that this one needs, and those that need it; None if there are very many: a graph may have a thousand
    loops, each of which would look at all of it."""
    found = {node}
    pending = [node]
    while pending and len(found) <= MOST_BOUND:
        for v in pending.pop().inputs:
            if v.owner is not None and v.owner not in found:
                found.add(v.owner)
                pending.append(v.owner)
    pending.append(node)
    while pending and len(found) <= MOST_BOUND:
        for out in pending.pop().outputs:
            for user, _ in site.fgraph.clients.get(out, ()):
                if user is not OUTPUT and user not in found:
                    found.add(user)
                    pending.append(user)
    return found if len(found) <= MOST_BOUND else None


@function_rule(Scan, name="equal_states_of_loop", tags="scan scan_merge scan_merge_inouts")
def equal_states_of_loop(node: Apply, site: Site) -> Any:
    """states that begin alike and go on alike -> one state; so of what is only carried"""
    op: Any = node.op
    outer, inner, results = op.info.outer(node.inputs), op.inner, op.info.outputs(op.fgraph.outputs)
    # (where it begins, inner variables, new value) of all that is fed back
    fed = list(zip(zip(outer.initials, op.info.taps), inner.taps, results.states))
    fed += [((start, None), [v], value) for start, v, value in zip(outer.carried, inner.carried, results.carried)]
    # Suppose that all are equal which begin alike, and see what follows: those that go on differently are set apart,
    # until no more differ.
    first = _first_alike([begins for begins, _, _ in fed], lambda a, b: a == b)
    while True:
        alike = {b: a for k, i in enumerate(first) if i != k for a, b in zip(fed[i][1], fed[k][1])}
        if not alike:
            return None
        values = clone_replace([value for _, _, value in fed], alike, strict=False)
        apart = _first_alike(list(zip(first, values)), _same_class_and_value)
        if apart == first:
            break
        first = apart
    parts = LoopParts(node)
    every: list[Any] = [*parts.states, *parts.carried]
    same_as = {k: i for k, i in enumerate(first) if i != k}
    for j, i in same_as.items():
        (parts.states if isinstance(every[j], State) else parts.carried).remove(every[j])
        parts.replace(dict(zip(every[j].variables(), every[i].variables())))
    new = parts.rebuilt()
    for j, i in sorted(same_as.items()):
        new[every[j].old] = new[every[i].old]
    return new


def _first_alike(things: Sequence[Any], alike: Callable[[Any, Any], bool]) -> list[int]:
    """For each thing the number of the first one that is like it."""
    return [next(i for i in range(k + 1) if i == k or alike(things[i], things[k])) for k in range(len(things))]


def _same_class_and_value(a: tuple[int, Any], b: tuple[int, Any]) -> bool:
    return a[0] == b[0] and a[1].type == b[1].type and equal_computations([a[1]], [b[1]])


@function_rule(Scan, name="equal_rows_of_loop", tags="scan scan_merge scan_merge_inouts")
def equal_rows_of_loop(node: Apply, site: Site) -> Any:
    """a result that is kept twice -> kept once"""
    op: Any = node.op
    results = op.info.outputs(op.fgraph.outputs)
    if len(set(results.traced)) == len(results.traced) and not set(results.states) & set(results.traced):
        return None
    parts = LoopParts(node)
    first: dict[Any, Any] = {state.result: state for state in parts.states}
    doubles = []
    for part in list(parts.traced):
        known = first.setdefault(part.result, part)
        if known is not part:
            parts.traced.remove(part)
            doubles.append((part, known))
    new = parts.rebuilt()
    for part, known in doubles:
        if known.new.type.broadcastable != part.old.type.broadcastable:
            return None
        new[part.old] = known.new
    return new


@function_rule(Scan, name="one_step_of_loop", tags="scan")
def one_step_of_loop(node: Apply, site: Site) -> Any:
    """a loop of one step -> the step"""
    if static_int(node.inputs[0]) != 1:
        return None
    parts = LoopParts(node)
    dims = _dims_inside(parts)
    for state in parts.states:
        state.result = _of_shape(state.result, next(iter(state.taps.values())), dims)
    values = {part.row: part.row.type.filter_variable(part.rows[0]) for part in parts.sequences}
    values.update({part.row: part.rows for part in parts.others})
    values.update({part.variable: part.start for part in parts.carried})
    for state in parts.states:
        for tap, variable in state.taps.items():
            values[variable] = variable.type.filter_variable(state.initial[state.depth + tap])
    found = clone_replace(parts.results(), values, strict=False)
    new: dict[Any, Any] = {}
    for part, value in zip(parts.kept(), found):
        keeps_rows = not isinstance(part, Carried)
        new[part.old] = unbroadcast(shape_padleft(value), 0) if keeps_rows else part.old.type.filter_variable(value)
    if parts.steps_made is not None:
        new[parts.steps_made] = parts.n_steps
    return new


LOOPS = ruleset(
    unused_results_of_loop, one_step_of_loop, state_without_feedback, equal_states_of_loop, equal_rows_of_loop,
    loops_over_the_same, last_row_of_loop, steps_that_are_read, rows_without_loop, invariant_of_loop,
    products_with_rows, sum_after_loop, rows_made_in_loop,
)
