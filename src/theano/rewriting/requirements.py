"""What ops require of their operands besides equal lengths of axes: positions inside an axis, class numbers, masks of
its length, steps that are not 0, values that fit a slice, as many elements as before, pieces that make up an axis.

`restore_checks.py` looks which of these the graph no longer requires after it was rewritten. Facts of equal lengths
are in `dims_of_ops.py`. Each requirement says whether it follows from what is known (`is_certain`), what is equal for
requirements that are the same one (`identity`), and by which op it is checked on which values; `length` gives the
variable for the key of a length.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from theano._records import record_class
from theano.graph.node import Apply, Constant, Variable
from theano.rewriting.checks_of_lengths import (
    Checked,
    EqualLengths,
    InsideAxes,
    NoZeroStep,
    OneLength,
    SameCounts,
    StatedLengths,
    WholePieces,
)
from theano.rewriting.dims import Dims, Key, axis_key
from theano.rewriting.dims_of_ops import value_key
from theano.rewriting.indices import entries_of, is_position, needed
from theano.scalar import arithmetic as ar
from theano.tensor.convert import as_tensor_variable
from theano.tensor.dimshuffle import DimShuffle
from theano.tensor.elemwise import Elemwise
from theano.tensor.index_list import Layout
from theano.tensor.joining import Join, Split
from theano.tensor.lengths import slice_length
from theano.tensor.nnet.classes import ClassNumbers
from theano.tensor.nnet.one_hot_losses import (
    CrossentropyCategorical1Hot,
    CrossentropyCategorical1HotGrad,
    CrossentropySoftmax1HotWithBiasDx,
    CrossentropySoftmaxArgmax1HotWithBias,
)
from theano.tensor.ranges import ARange
from theano.tensor.scalar_constants import static_int, vector_elements
from theano.tensor.selecting import Nonzero
from theano.tensor.shape import Reshape, SpecifyShape
from theano.tensor.subtensor import (
    AdvancedIncSubtensor,
    AdvancedIncSubtensor1,
    AdvancedSubtensor,
    AdvancedSubtensor1,
    IncSubtensor,
    Subtensor,
)
from theano.tensor.type import TensorType

Lengths = Callable[[Key], Any]
_OF_CLASSES = (
    CrossentropyCategorical1Hot, CrossentropyCategorical1HotGrad, CrossentropySoftmax1HotWithBiasDx,
    CrossentropySoftmaxArgmax1HotWithBias,
)  # fmt: skip


@record_class(frozen=True, slots=True)
class Inside:
    """`index` (an int, or a variable of integers) names elements of an axis that is so long."""

    index: Any
    length: Key

    def is_certain(self, dims: Dims) -> bool:
        """Does it follow from what the index is made of?"""
        n = dims.source(self.length)
        index = self.index
        if isinstance(index, Constant):
            index = np.asarray(index.data)
            if not index.size:
                return True
        if isinstance(index, (int, np.ndarray)):
            return isinstance(n, int) and bool(np.min(index) >= -n and np.max(index) < n)
        while index.owner is not None and (
            isinstance(index.owner.op, DimShuffle)
            or (isinstance(index.owner.op, Elemwise) and len(index.owner.inputs) == 1 and _is_cast(index.owner))
        ):
            index = index.owner.inputs[0]
        node = index.owner
        if node is not None and isinstance(node.op, ARange):
            start, stop, step = (static_int(node.inputs[0]), node.inputs[1], static_int(node.inputs[2]))
            return (start or 0) >= 0 and start is not None and (step or 0) > 0 and (
                stop.type.dtype == "int64" and dims.same_length(value_key(stop), self.length)  # type: ignore[attr-defined]
            )
        if node is not None and isinstance(node.op, Nonzero):
            return dims.same_length(axis_key(node.inputs[0], node.outputs.index(index)), self.length)
        return False

    def identity(self, dims: Dims) -> Any:
        index = self.furthest()
        return Inside, dims.find((self.index,)) if index is None else index, dims.find(self.length)

    def furthest(self) -> int | None:
        """The position, counted from the start, that an axis has if and only if it has all of these; None if that is
        not known."""
        if isinstance(self.index, int):
            return self.index if self.index >= 0 else -1 - self.index
        data = self.index.data if isinstance(self.index, Constant) else None
        if data is None or not data.size:  # type: ignore[attr-defined]
            return None
        return int(max(data.max(), -1 - data.min()))  # type: ignore[attr-defined]

    def check(self, what: str, length: Lengths) -> tuple[Checked, list[Any]]:
        furthest = self.furthest()
        index = self.index if furthest is None else np.int64(furthest)
        return InsideAxes(what), [index, length(self.length)]


@record_class(frozen=True, slots=True)
class Classes:
    """`labels` (a variable of integers) are class numbers below a length: unlike positions they are not negative."""

    labels: Any
    length: Key

    def is_certain(self, dims: Dims) -> bool:
        if not isinstance(self.labels, Constant):
            return False
        labels, n = np.asarray(self.labels.data), dims.source(self.length)
        return not labels.size or bool(isinstance(n, int) and labels.min() >= 0 and labels.max() < n)

    def identity(self, dims: Dims) -> Any:
        return Classes, dims.find((self.labels,)), dims.find(self.length)

    def check(self, what: str, length: Lengths) -> tuple[Checked, list[Any]]:
        return InsideAxes(what, from_start=True), [self.labels, length(self.length)]


@record_class(frozen=True, slots=True)
class OfMask:
    """A mask is as long as the axis from which it chooses."""

    mask: Key
    length: Key

    def is_certain(self, dims: Dims) -> bool:
        return dims.same_length(self.mask, self.length)

    def identity(self, dims: Dims) -> Any:
        return OfMask, frozenset((dims.find(self.mask), dims.find(self.length)))

    def check(self, what: str, length: Lengths) -> tuple[Checked, list[Any]]:
        return EqualLengths(what, "IndexError"), [length(self.mask), length(self.length)]


@record_class(frozen=True, slots=True)
class Together:
    """Index arrays have one length along an axis, or length one."""

    lengths: tuple[Key, ...]

    def is_certain(self, dims: Dims) -> bool:
        return len({dims.find(key) for key in self.lengths}) < 2

    def identity(self, dims: Dims) -> Any:
        return Together, frozenset(dims.find(key) for key in self.lengths)

    def check(self, what: str, length: Lengths) -> tuple[Checked, list[Any]]:
        return OneLength(what), [length(key) for key in self.lengths]


@record_class(frozen=True, slots=True)
class FitsSlice:
    """What is written to a slice of an axis is as long as the slice."""

    value: Key
    bounds: tuple[Any, Any, Any]
    length: Key

    def is_certain(self, dims: Dims) -> bool:
        return False

    def identity(self, dims: Dims) -> Any:
        bounds = tuple(b if b is None or isinstance(b, int) else dims.find((b,)) for b in self.bounds)
        return FitsSlice, dims.find(self.value), bounds, dims.find(self.length)

    def check(self, what: str, length: Lengths) -> tuple[Checked, list[Any]]:
        region = slice_length(*self.bounds, length(self.length))
        return EqualLengths(what), [length(self.value), as_tensor_variable(region)]


@record_class(frozen=True, slots=True)
class Steps:
    """The step of a slice or a range, a variable, is not 0."""

    step: Any

    def is_certain(self, dims: Dims) -> bool:
        return isinstance(dims.source(value_key(self.step)), int)  # a constant was looked at when the node was made

    def identity(self, dims: Dims) -> Any:
        return Steps, dims.find(value_key(self.step))

    def check(self, what: str, length: Lengths) -> tuple[Checked, list[Any]]:
        return NoZeroStep(what), [self.step]


def _is_cast(node: Apply) -> bool:
    return node.op.scalar_op.name.startswith("Cast")  # type: ignore[attr-defined]


@record_class(frozen=True, slots=True)
class SameCount:
    """A reshape: the product of `lengths` is that of `entries` (values of 0-d integers, one of which may be -1; or one
    vector of them)."""

    lengths: tuple[Key, ...]
    entries: tuple[Any, ...]
    ndim: int

    def _reduced(self, dims: Dims) -> tuple[int, Counter[Key], int, Counter[Any], bool]:
        """Both sides as a number and a bag of unknown factors, without what is on both; is there a -1?"""
        number, unknown = _factors(self.lengths, dims)
        given, wanted = _factors([value_key(v) for v in self.entries], dims)
        both = unknown & wanted
        return number, unknown - both, abs(given), wanted - both, given < 0

    def is_certain(self, dims: Dims) -> bool:
        if any(v.type.ndim for v in self.entries):
            return False
        number, unknown, given, wanted, rest = self._reduced(dims)
        if wanted:
            return False
        return given != 0 and number % given == 0 if rest else number == given and not unknown

    def identity(self, dims: Dims) -> Any:
        if any(v.type.ndim for v in self.entries):
            return SameCount, dims.find((self.entries[0],)), tuple(dims.find(key) for key in self.lengths)
        number, unknown, given, wanted, rest = self._reduced(dims)
        return SameCount, number, frozenset(unknown.items()), given, frozenset(wanted.items()), rest

    def check(self, what: str, length: Lengths) -> tuple[Checked, list[Any]]:
        op = SameCounts(what, len(self.lengths), self.ndim)
        return op, [*(length(key) for key in self.lengths), *self.entries]


def _factors(keys: Any, dims: Dims) -> tuple[int, Counter[Key]]:
    """A product as a number and the other factors, products of lengths taken apart."""
    number, others = 1, Counter[Key]()
    stack = list(keys)
    while stack:
        key = stack.pop()
        source = dims.source(key)
        if isinstance(source, int):
            number *= source
            continue
        node = key[0].owner if isinstance(key, tuple) and len(key) == 1 else None
        if node is not None and isinstance(node.op, Elemwise) and node.op.scalar_op is ar.mul:
            stack.extend(value_key(v) for v in node.inputs)
        elif node is not None and isinstance(node.op, Elemwise) and len(node.inputs) == 1 and _is_cast(node):
            stack.append(value_key(node.inputs[0]))
        else:
            others[dims.find(key)] += 1
    return number, others


@record_class(frozen=True, slots=True)
class Pieces:
    """The `count` sizes in a vector are not negative and add up to the length of an axis."""

    sizes: Any
    count: int
    length: Key

    def is_certain(self, dims: Dims) -> bool:
        """Are they the lengths of what was joined along that axis, or the one length of it?"""
        elements = vector_elements(self.sizes)
        if elements is None or None in elements or len(elements) != self.count:
            return False
        keys = [value_key(n) for n in elements]
        if len(keys) == 1 and dims.same_length(keys[0], self.length):
            return True
        if all(isinstance(key, int) and key >= 0 for key in keys) and sum(keys) == dims.source(self.length):
            return True
        return isinstance(self.length, tuple) and self._are_parts(self.length[0], self.length[1], keys, dims, 4)

    def _are_parts(self, v: Any, axis: int, keys: list[Key], dims: Dims, depth: int) -> bool:
        """Are these the lengths of what was joined to `v`, or to what `v` is an elementwise function of?"""
        node = v.owner
        if node is None or depth == 0:
            return False
        if isinstance(node.op, Elemwise):
            longer = [x for x in node.inputs if not x.type.broadcastable[axis]]
            return any(self._are_parts(x, axis, keys, dims, depth - 1) for x in longer)
        along = static_int(node.inputs[0]) if isinstance(node.op, Join) else None
        if along is None or along % v.type.ndim != axis or len(node.inputs) != self.count + 1:
            return False
        return all(dims.same_length(key, axis_key(x, axis)) for key, x in zip(keys, node.inputs[1:]))

    def identity(self, dims: Dims) -> Any:
        return Pieces, dims.find((self.sizes,)), self.count, dims.find(self.length)

    def check(self, what: str, length: Lengths) -> tuple[Checked, list[Any]]:
        return WholePieces(what), [self.sizes, np.int64(self.count), length(self.length)]


@record_class(frozen=True, slots=True)
class Stated:
    """The lengths of all axes are those in a vector of which the elements are not known one by one."""

    vector: Any
    lengths: tuple[Key, ...]

    def is_certain(self, dims: Dims) -> bool:
        return False

    def identity(self, dims: Dims) -> Any:
        return Stated, dims.find((self.vector,)), tuple(dims.find(key) for key in self.lengths)

    def check(self, what: str, length: Lengths) -> tuple[Checked, list[Any]]:
        return StatedLengths(what), [self.vector, *(length(key) for key in self.lengths)]


Requirement = Inside | Classes | OfMask | Together | FitsSlice | SameCount | Pieces | Stated | Steps


def requirements(node: Apply) -> Iterator[Requirement]:
    """What this node requires, besides the equal lengths that `dims_of_ops.py` tells."""
    op: Any = node.op
    if isinstance(op, Reshape):
        x, vector = node.inputs
        entries = vector_elements(vector)
        known = entries is not None and None not in entries
        lengths = tuple(axis_key(x, axis) for axis in range(x.type.ndim))  # type: ignore[attr-defined]
        yield SameCount(lengths, tuple(entries) if known else (vector,), op.ndim)  # type: ignore[arg-type]
    elif isinstance(op, SpecifyShape):
        x, vector = node.inputs
        if isinstance(x.type, TensorType) and vector_elements(vector) is None:
            yield Stated(vector, tuple(axis_key(x, axis) for axis in range(x.type.ndim)))
    elif isinstance(op, ARange):
        if not isinstance(node.inputs[2], Constant):
            yield Steps(node.inputs[2])
    elif isinstance(op, Split):
        x, axis, sizes = node.inputs
        along = static_int(axis)
        if along is not None:
            yield Pieces(sizes, len(node.outputs), axis_key(x, along % x.type.ndim))  # type: ignore[attr-defined]
    elif isinstance(op, (AdvancedSubtensor1, AdvancedIncSubtensor1)):
        yield Inside(node.inputs[-1], axis_key(node.inputs[0], 0))
    elif isinstance(op, (Subtensor, AdvancedSubtensor)):
        yield from _positions(node.inputs[0], op.get_idx(node.inputs))
    elif isinstance(op, AdvancedIncSubtensor):
        x, y, *indices = node.inputs
        given = op.region_idx(node.inputs)
        yield from _positions(x, given)
        layout = Layout(op.idx_list, indices, x.type.ndim)  # type: ignore[attr-defined]
        rank = y.type.ndim - len(layout.slices) - len(layout.rest)  # type: ignore[attr-defined]
        slices = [(axis, bounds) for _, bounds, axis in layout.slices]
        yield from _written(x, y, layout.arrange([None] * rank, slices, [None] * len(layout.rest)))
    elif isinstance(op, _OF_CLASSES):
        *given, labels = node.inputs
        rows: Any = given[0] if isinstance(op, CrossentropySoftmaxArgmax1HotWithBias) else given[-1]
        yield Classes(labels, axis_key(rows, rows.type.ndim - 1))
    elif isinstance(op, IncSubtensor):
        given = op.region_idx(node.inputs)
        yield from _positions(node.inputs[0], given)
        slices = [(axis, entry) for axis, entry in enumerate(given) if isinstance(entry, tuple)]
        yield from _written(node.inputs[0], node.inputs[1], slices)


def _positions(x: Any, given: list[Any]) -> Iterator[Requirement]:
    axis = 0
    arrays = []
    for entry in given:
        if isinstance(entry, tuple):
            axis += 1
            if isinstance(entry[2], Variable):
                yield Steps(entry[2])
        elif isinstance(entry, int) or entry.type.dtype != "bool":
            yield _inside(entry, x, axis)
            if not isinstance(entry, int) and entry.type.ndim:
                arrays.append(entry)
            axis += 1
        else:
            for k in range(entry.type.ndim):
                yield OfMask(axis_key(entry, k), axis_key(x, axis + k))
            axis += entry.type.ndim
    for last in range(1, max((a.type.ndim for a in arrays), default=0) + 1):
        keys = [axis_key(a, a.type.ndim - last) for a in arrays if a.type.ndim >= last]
        yield Together(tuple(key for key in keys if key != 1))


def _inside(index: Any, x: Any, axis: int) -> Inside | Classes:
    """`index` names elements of this axis; of a slice of an axis: what that asks of the whole axis."""
    if not isinstance(index, int) and index.owner is not None and isinstance(index.owner.op, ClassNumbers):
        return Classes(index.owner.inputs[0], axis_key(x, axis))
    if isinstance(index, Constant) and index.type.ndim == 0:  # type: ignore[attr-defined]
        index = int(index.data)  # type: ignore[arg-type]
    while isinstance(index, int) and x.owner is not None and isinstance(x.owner.op, Subtensor):
        source: Any = x.owner.inputs[0]
        entries = entries_of(x.owner.op, x.owner.inputs, source.type.ndim)
        above = [k for k, entry in enumerate(entries) if not is_position(entry)][axis]
        before = needed(entries[above], index)
        if before is None:
            break
        index, x, axis = before, source, above
    return Inside(index, axis_key(x, axis))


def _written(x: Any, y: Any, slices: Sequence[tuple[int, Any] | None]) -> Iterator[Requirement]:
    """slices: for every axis of `y`, as far as they go, the axis of `x` and the bounds of its slice, or None."""
    for place, entry in enumerate(slices):
        if entry is not None and entry[1] != (None, None, None) and y.type.shape[place] != 1:
            yield FitsSlice(axis_key(y, place), entry[1], axis_key(x, entry[0]))


__all__ = ["Requirement", "requirements"]
