"""Join and Split, and other ops that put elements together: sorted, different, the largest ones."""

from __future__ import annotations

from typing import Any

from theano.graph.fgraph import OUTPUT
from theano.graph.node import Apply
from theano.rewriting.conform import conform
from theano.rewriting.dims import axis_key
from theano.rewriting.dims_of_ops import value_key
from theano.rewriting.indices import ALL, Entry, counted, index_list
from theano.rewriting.known import number, padded
from theano.rewriting.requirements import requirements
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.rewriting.rules.indexing import read_entries
from theano.scalar import arithmetic as ar
from theano.tensor.creation import Alloc, MakeVector
from theano.tensor.dimshuffle import DimShuffle, dimshuffle
from theano.tensor.elemwise import Elemwise, cast_to, elemwise_of
from theano.tensor.extra_ops import Unique
from theano.tensor.joining import Join, Split
from theano.tensor.scalar_constants import static_int, vector_elements
from theano.tensor.shape import Reshape
from theano.tensor.sort import SortOp, TopKOp
from theano.tensor.subtensor import Subtensor


def join_axis(node: Apply) -> int | None:
    """The axis along which a Join (or Split) works, where the graph tells it."""
    split = isinstance(node.op, Split)
    axis = static_int(node.inputs[1 if split else 0])
    return None if axis is None else axis % node.inputs[0 if split else 1].type.ndim  # type: ignore[attr-defined,no-any-return]


@function_rule(Join, name="join_of_one", tags="fast_compile useless local_join_1")
def join_of_one(node: Apply, site: Site) -> Any:
    """join(axis, x) -> x"""
    if len(node.inputs) != 2:
        return None
    return [conform(node.inputs[1], node.outputs[0])]


@function_rule(Join, name="join_with_empty", tags="useless local_join_empty")
def join_with_empty(node: Apply, site: Site) -> Any:
    """join(axis, x, empty, y) -> join(axis, x, y)"""
    axis = join_axis(node)
    if axis is None:
        return None
    axis_input, *parts = node.inputs
    kept = [x for x in parts if x.type.shape[axis] != 0]  # type: ignore[attr-defined]
    if len(kept) == len(parts) or not kept:
        return None
    return [conform(node.op(axis_input, *kept), node.outputs[0])]


@function_rule(Join, name="join_of_vectors_of_scalars", tags="useless local_join_make_vector", needs=[MakeVector])
def join_of_vectors_of_scalars(node: Apply, site: Site) -> Any:
    """join(0, [a, b], [c]) -> [a, b, c]"""
    parts = node.inputs[1:]
    if parts[0].type.ndim != 1:  # type: ignore[attr-defined]
        return None
    dtype = node.outputs[0].type.dtype  # type: ignore[attr-defined]
    elements = []
    for x in parts:
        if x.owner is None or not isinstance(x.owner.op, MakeVector):
            return None
        elements.extend(x.owner.inputs)
    return [conform(MakeVector(dtype)(*[cast_to(e, dtype) for e in elements]), node.outputs[0])]


@function_rule(Join, name="join_of_joins", needs=[Join])
def join_of_joins(node: Apply, site: Site) -> Any:
    """join(axis, join(axis, x, y), z) -> join(axis, x, y, z)"""
    axis = join_axis(node)
    if axis is None or _is_joined_on(node, axis, site):
        return None
    parts: list[Any] = []
    pending = node.inputs[:0:-1]
    while pending:
        x = pending.pop()
        inner = x.owner
        if inner is not None and isinstance(inner.op, Join) and join_axis(inner) == axis and site.uses(x) == 1:
            pending.extend(inner.inputs[:0:-1])
        else:
            parts.append(x)
    if len(parts) == len(node.inputs) - 1:
        return None
    dtype = node.outputs[0].type.dtype  # type: ignore[attr-defined]
    return [conform(Join()(axis, *[cast_to(x, dtype) for x in parts]), node.outputs[0])]


def _is_joined_on(node: Apply, axis: int, site: Site) -> bool:
    """Is the result only a part of another join along the axis, which will take this one in with all that it takes?"""
    users = site.fgraph.clients[node.outputs[0]]
    if len(users) != 1:
        return False
    ((user, position),) = users
    return user is not OUTPUT and isinstance(user.op, Join) and position > 0 and join_axis(user) == axis


@function_rule(Join, name="join_of_slices", needs=[Subtensor], tags="local_join_subtensors")
def join_of_slices(node: Apply, site: Site) -> Any:
    """join(x[:3], x[3:5]) -> x[:5], join(x[:n], x[n:]) -> x"""
    axis = join_axis(node)
    if axis is None:
        return None
    parts: list[Any] = []
    for x in node.inputs[1:]:
        both = _one_slice(parts[-1], x, axis) if parts else None
        if both is None:
            parts.append(x)
        else:
            parts[-1] = both
    if len(parts) == len(node.inputs) - 1:
        return None
    out = node.outputs[0]
    return [conform(parts[0] if len(parts) == 1 else Join()(axis, *parts), out)]


def _one_slice(a: Any, b: Any, axis: int) -> Any | None:
    """One slice that is the slices a and b joined, if they are of one tensor and b goes on where a ends."""
    if a.owner is None or b.owner is None or not isinstance(a.owner.op, Subtensor) or a.type.dtype != b.type.dtype:
        return None
    if not isinstance(b.owner.op, Subtensor) or a.owner.inputs[0] is not b.owner.inputs[0]:
        return None
    x = a.owner.inputs[0]
    first, second = read_entries(a.owner), read_entries(b.owner)
    if len(first) != a.type.ndim:   # some axes are gone
        return None
    if any(e != ALL or f != ALL for k, (e, f) in enumerate(zip(first, second)) if k != axis):
        return None
    both = _joined_entries(first[axis], second[axis])
    if both is None:
        return None
    if both == ALL:
        return x
    listed, inputs = index_list([*[ALL] * axis, both])
    return Subtensor(listed)(x, *inputs)


def _joined_entries(first: Entry, second: Entry) -> Entry | None:
    (a, b, step), (b_too, c, step_too) = first, second
    if step is not None or step_too is not None or b is None:
        return None
    if a is None and c is None and (b is b_too or (isinstance(b, int) and b == b_too)):
        return ALL   # whatever b is
    if not all(counted(n) for n in (a, b, b_too, c)) or b != b_too:
        return None
    if (a or 0) > b or (c is not None and c < b):
        return None
    return (a, c, None)


@function_rule(Join, name="join_of_allocs", needs=[Alloc], tags="local_join_of_alloc")
def join_of_allocs(node: Apply, site: Site) -> Any:
    """join(0, alloc(v, n, m), alloc(v, k, m)) -> alloc(v, n + k, m), join(1, alloc(v, n, 2), alloc(w, n, 3)) ->
    alloc(join(0, v, w), n, 5)"""
    axis = join_axis(node)
    parts: list[Any] = node.inputs[1:]
    if axis is None or len(parts) < 2 or any(x.owner is None or not isinstance(x.owner.op, Alloc) for x in parts):
        return None
    out: Any = node.outputs[0]
    ndim = out.type.ndim
    values = [padded(x.owner.inputs[0], ndim) for x in parts]
    flat = [v.type.broadcastable for v in values]
    if len({f[:axis] + f[axis + 1 :] for f in flat}) > 1 or any(v.type.dtype != out.type.dtype for v in values):
        return None
    lengths = [site.length(out, k) for k in range(ndim)]
    if all(f[axis] for f in flat) and _all_the_same([x.owner.inputs[0] for x in parts]):
        return _allocated(values[0], lengths, out)
    # along the axis the values are as long as the parts; along some other axis they are the same everywhere
    along = [axis_key(x, axis) for x in parts]
    if any(f[axis] and n != 1 for f, n in zip(flat, along)) or flat[0] == out.type.broadcastable:
        return None
    if not any(one and not there for k, (one, there) in enumerate(zip(flat[0], out.type.broadcastable)) if k != axis):
        return None
    return _allocated(Join()(axis, *values), lengths, out)


def _all_the_same(values: list[Any]) -> bool:
    value = number(values[0])
    return all(v is values[0] for v in values) or (value is not None and all(number(v) == value for v in values))


def _allocated(value: Any, lengths: list[Any], out: Any) -> Any:
    return [conform(Alloc()(value, *lengths), out)]


@function_rule(Join, name="join_of_equal_pieces", tags="local_join_to_repeat")
def join_of_equal_pieces(node: Apply, site: Site) -> Any:
    """join(axis, x, x, x) -> tile(x): one copy in place of three; of an x of length one alloc(x, 3)"""
    axis = join_axis(node)
    x: Any = node.inputs[1]
    parts = node.inputs[1:]
    if axis is None or len(parts) < 2 or any(v is not x for v in parts):
        return None
    out: Any = node.outputs[0]
    lengths = [site.length(x, k) for k in range(x.type.ndim)]
    count = len(parts)
    if x.type.broadcastable[axis]:
        return _allocated(x, [*lengths[:axis], count, *lengths[axis + 1 :]], out)
    apart = dimshuffle(x, [*range(axis), "x", *range(axis, x.type.ndim)])
    repeated = Alloc()(apart, *lengths[:axis], count, *lengths[axis:])
    whole = [*lengths[:axis], elemwise_of(ar.mul)(lengths[axis], count), *lengths[axis + 1 :]]
    return [conform(Reshape(x.type.ndim)(repeated, MakeVector("int64")(*[cast_to(n, "int64") for n in whole])), out)]


# ---- Split --------------------------------------------------------------------------------------------------------


@function_rule(Split, name="split_into_one", tags="useless local_useless_split")
def split_into_one(node: Apply, site: Site) -> Any:
    """split into one part, which is as long as x -> x"""
    if len(node.outputs) != 1:
        return None
    x = node.inputs[0]
    axis, elements = join_axis(node), vector_elements(node.inputs[2])
    if axis is None or elements is None or elements[0] is None:
        return None
    if not site.dims.same_length(value_key(elements[0]), axis_key(x, axis)):
        return None
    return [conform(x, node.outputs[0])]


@function_rule(Split, name="split_of_join", needs=[Join])
def split_of_join(node: Apply, site: Site) -> Any:
    """split(join(x, y), [len(x), len(y)]) -> x, y"""
    axis, elements = join_axis(node), vector_elements(node.inputs[2])
    parts = None if axis is None else _parts_of(node.inputs[0], axis, elements or [], site)
    if parts is None or len(parts) != len(node.outputs):
        return None
    return [conform(x, out) for x, out in zip(parts, node.outputs)]


@function_rule(Split, name="split_of_elementwise")
def split_of_elementwise(node: Apply, site: Site) -> Any:
    """split(f(join(x, y), z), [len(x), len(y)]) -> f(x, z0), f(y, z1): what the gradient of a join is"""
    x, axis_input, sizes = node.inputs
    inner, axis = x.owner, join_axis(node)
    if inner is None or not isinstance(inner.op, Elemwise) or axis is None or site.uses(x) > 1:
        return None
    if not all(asked.is_certain(site.dims) for asked in requirements(node)):
        return None
    elements = vector_elements(sizes) or []
    if not _is_of_join(x, axis, elements, site, 3):
        return None
    pieces: list[Any] = []
    for v in inner.inputs:
        parts = _parts_of(v, axis, elements, site)
        if parts is None and v.type.broadcastable[axis]:  # type: ignore[attr-defined]
            parts = [v] * len(node.outputs)
        pieces.append(Split(len(node.outputs))(v, axis_input, sizes) if parts is None else parts)
    return [conform(inner.op(*[p[k] for p in pieces]), out) for k, out in enumerate(node.outputs)]


def _is_of_join(v: Any, axis: int, sizes: list[Any], site: Site, depth: int) -> bool:
    """Is `v` an elementwise function, used once, of something that was joined of parts of these sizes?"""
    if v.owner is None or not isinstance(v.owner.op, Elemwise) or depth == 0 or site.uses(v) > 1:
        return False
    return any(
        _parts_of(x, axis, sizes, site) is not None or _is_of_join(x, axis, sizes, site, depth - 1)
        for x in v.owner.inputs
    )


def _parts_of(v: Any, axis: int, sizes: list[Any], site: Site) -> list[Any] | None:
    """What was joined to `v` along this axis, if these are the sizes of the parts."""
    joined = v.owner
    if joined is None or not isinstance(joined.op, Join) or join_axis(joined) != axis:
        return None
    parts = joined.inputs[1:]
    if len(parts) != len(sizes) or None in sizes:
        return None
    if not all(site.dims.same_length(value_key(n), axis_key(x, axis)) for n, x in zip(sizes, parts)):
        return None
    return [cast_to(part, v.type.dtype) for part in parts]


# ---- sorted, different, largest -----------------------------------------------------------------------------------


@function_rule(SortOp, name="sort_of_sorted", needs=[SortOp, Unique])
def sort_of_sorted(node: Apply, site: Site) -> Any:
    """sort(sort(x)) -> sort(x), sort(unique(x)) -> unique(x)"""
    x, axis = node.inputs
    inner = x.owner
    if type(node.op) is not SortOp or inner is None:
        return None
    if isinstance(inner.op, Unique):
        return [conform(x, node.outputs[0])] if inner.op.axis is None and x is inner.outputs[0] else None
    if type(inner.op) is not SortOp:
        return None
    ndim = x.type.ndim  # type: ignore[attr-defined]
    axes = [static_int(axis), static_int(inner.inputs[1])]
    return [conform(x, node.outputs[0])] if None not in axes and axes[0] % ndim == axes[1] % ndim else None


@function_rule(Unique, name="unique_of_rearranged", assumes="signed_zero",
               needs=[Reshape, DimShuffle, Alloc, SortOp, Join],
               tags="local_Unique_lift local_Unique_scalar")
def unique_of_rearranged(node: Apply, site: Site) -> Any:
    """unique(f(x)) -> unique(x) where f changes the order of the elements only, or how often they occur"""
    op: Any = node.op
    inner = node.inputs[0].owner
    if len(node.outputs) > 1 or op.axis is not None or inner is None:
        return None
    x: Any = inner.inputs[0]
    if isinstance(inner.op, Join):
        x = inner.inputs[1]
        if any(v is not x for v in inner.inputs[1:]):
            return None
    elif isinstance(inner.op, Alloc):
        shape = node.inputs[0].type.shape  # type: ignore[attr-defined]
        before = padded(x, len(shape)).type.shape
        if any(m == 1 and not (n is not None and n > 0) for n, m in zip(shape, before)):
            return None   # of nothing there may be nothing
    elif type(inner.op) not in (Reshape, DimShuffle, SortOp):
        return None
    return [conform(op(x), node.outputs[0])]


@function_rule(TopKOp, name="unused_largest_or_positions", tags="fast_compile local_useless_topk")
def unused_largest_or_positions(node: Apply, site: Site) -> Any:
    """topk(x) of which only the elements, or only the positions, are used -> these alone"""
    op: Any = node.op
    if len(node.outputs) < 2 or all(site.uses(out) for out in node.outputs):
        return None
    wanted = next((k for k, out in enumerate(node.outputs) if site.uses(out)), None)
    if wanted is None:
        return None
    alone = TopKOp(op.axis, op.sorted, op.idx_dtype, return_values=wanted == 0, return_indices=wanted == 1)
    return {node.outputs[wanted]: alone(*node.inputs)}


JOINING = ruleset(join_of_one, join_with_empty, join_of_vectors_of_scalars, split_into_one)
PIECES = ruleset(
    join_of_joins, join_of_slices, join_of_allocs, split_of_join, split_of_elementwise, sort_of_sorted,
    unique_of_rearranged, unused_largest_or_positions,
)
PIECES_FOR_SPEED = ruleset(join_of_equal_pieces)
