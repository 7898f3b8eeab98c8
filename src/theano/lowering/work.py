"""What a graph has to compute, before it is known in which kernel or step: data and pieces of work.

The lowerings of the ops (`elementwise.py`, `reductions.py`, ...) turn Apply nodes into `Fused` work, which says what
happens at one point of an iteration space and may share a kernel with other work, and `Opaque` work, which becomes
steps of its own (views, library calls, Python calls). `fuse.py` groups fused work, `kernels.py` writes the kernels,
`schedule.py` orders everything and plans memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from theano._records import field, record_class
from theano.lowering.kernel import INDEXED, UNIT
from theano.lowering.program import Buffer, Step

if TYPE_CHECKING:
    from theano.lowering.fuse import Group
    from theano.lowering.kernels import PointBuilder


@record_class(frozen=True, slots=True)
class Length:
    """The length of a datum along an axis. The datum exists in memory and is no alias."""

    datum: Datum
    axis: int


@record_class(frozen=True, slots=True)
class SumOf:
    """The sum of lengths: an offset or a length in a join."""

    terms: tuple[DimRef, ...]


class Datum:
    """A value that flows through the graph: what a Variable is, and values that only the lowering needs.

    dtype    NumPy name, or "object"
    shape    static lengths; None where unknown
    dims     for every axis where its length can be read at run time: an int, a Length, or a 0-d integer Datum. Given as
             None: where the datum itself is
    work     what computes it; None for inputs and constants. `index` is the number of the output
    base     not None for an alias, which is a permutation of another datum's axes (with axes of length one added or
             dropped): `base_axes[d]` is the axis of this datum that axis d of `base` became, or UNIT
    constant the array (or object) of a constant
    dim      of a 0-d integer: what it is known to be (an int or a Length)
    """

    __slots__ = (
        "alias_view", "asked", "base", "base_axes", "buffer", "constant", "dim", "dims", "dtype", "elements",
        "in_memory", "index", "leaf", "must_run", "name", "shape", "uses", "work",
    )

    def __init__(
        self, dtype: str, shape: Sequence[int | None], dims: Sequence[Any] | None = None, name: str = ""
    ) -> None:
        self.dtype = dtype
        self.shape = tuple(shape)
        self.name = name
        self.work: Fused | Opaque | None = None
        self.index = 0
        self.base: Datum | None = None
        self.base_axes: tuple[int, ...] = ()
        self.constant: Any = None
        self.leaf = False                        # an input or a constant
        self.dim: Any = None
        self.elements: list[Any] | None = None   # of an integer vector: its elements as DimRefs, where known
        self.alias_view: Datum | None = None     # an alias as a view in memory, once somebody needs that
        self.asked = False                       # somebody reads its shape, or that of what is made of it
        self.must_run = False                    # also if nobody reads it: what computes it may fail
        self.uses: list[Use] = []                # in fuse.py
        self.in_memory = False                   # decided by fuse.py: somebody reads it from memory
        self.buffer: Buffer | None = None        # in schedule.py
        told = (None,) * len(self.shape) if dims is None else dims
        self.dims: tuple[Any, ...] = tuple(
            n if n is not None else ref if ref is not None else Length(self, axis)
            for axis, (n, ref) in enumerate(zip(self.shape, told, strict=True))
        )
        self.shape = tuple(ref if isinstance(ref, int) else None for ref in self.dims)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __repr__(self) -> str:
        return f"Datum({self.dtype}, {self.shape}{', ' + self.name if self.name else ''})"


DimRef = int | Length | Datum


class Read(NamedTuple):
    """How work reads a datum (never an alias): `axes[d]` is the work's axis that walks axis d, UNIT or INDEXED."""

    datum: Datum
    axes: tuple[int, ...]


class Use(NamedTuple):
    """A use of a datum. `axes` is None if it must be in memory for it (opaque work, lengths, outputs)."""

    work: Any
    axes: tuple[int, ...] | None


class Write(NamedTuple):
    """What fused work writes: `kind` as of kernel.Result; `axes[d]` is the work's axis along axis d of the datum.

    acc     accumulator dtype of a reduction
    base    of a scatter: the datum whose content the result starts with
    into    of a store: the view into whose memory it goes
    """

    datum: Datum
    kind: str
    axes: tuple[int, ...]
    acc: str = ""
    base: Datum | None = None
    into: Datum | None = None


@record_class(eq=False, slots=True)
class Fused:
    """Work at every point of an iteration space of `lengths` (static; 1 means: no loop).

    emit     (point builder) -> for every write its value, or (value, positions) for a scatter
    extents  for every axis None (what is read tells its length) or a DimRef
    size     number of instructions, an estimate;  cost   of recomputing one point, see build.record_cost
    ordered  the order of the axes matters (positions along several axes, repeated positions in a scatter)
    """

    nodes: list[Any]
    lengths: tuple[int | None, ...]
    reads: list[Read]
    writes: list[Write]
    emit: Callable[[PointBuilder], list[Any]]
    extents: tuple[DimRef | None, ...] = ()
    size: int = 1
    cost: int = 100
    ordered: bool = False
    apart: bool = False               # the kernels that use the result do not compute it: see `wide.py`
    source: bool = False              # nothing of its rank is read: it is cheaper to compute than to load
    position: int = 0
    group: Group | None = None
    where: tuple[int, ...] = ()       # own axis -> axis of the group's kernel, or UNIT
    inline_for: set[Any] = field(default_factory=set)   # work that computes this anew instead of reading it
    chain_cost: int = 0               # cost with that of cheap producers which could be computed anew with it

    @property
    def pointwise(self) -> bool:
        """One value per point of the space, which other work at that point can use directly."""
        return len(self.writes) == 1 and self.writes[0].kind == "store" and self.writes[0].into is None

    def __post_init__(self) -> None:
        if not self.extents:
            self.extents = (None,) * len(self.lengths)


@record_class(eq=False, slots=True)
class Opaque:
    """Work that becomes steps of its own.

    emit    (emission, input buffers, output buffers) -> steps
    dims    DimRefs that `emit` turns into Dims with `emission.dim`; no sums (see `refs_in`)
    views   {output number: input number}: the output shares memory with the input
    takes   input number that output 0 may overwrite and take over, if it dies here; else `emit` must do without.
            The emission tells: `emission.taken`
    kind    "step"; "own": the output is the input, or a copy of it if others still need that; "after": the output
            *is* input 0, after what produced the other inputs has run
    """

    nodes: list[Any]
    inputs: list[Datum]
    outputs: list[Datum]
    emit: Callable[[Any, list[Buffer], list[Buffer]], list[Step]] | None
    dims: tuple[DimRef, ...] = ()
    views: dict[int, int] = field(default_factory=dict)
    takes: int | None = None
    kind: str = "step"
    python: bool = False              # a Python call: nobody knows who else holds the memory of its outputs
    copies: bool = False              # a view which may turn out to be a copy (reshape)
    whole: bool = False               # a view of all elements in the same order
    safe: bool = False                # it cannot fail
    position: int = 0
    level: int = 0


Work = Fused | Opaque


def read(datum: Datum, axes: Sequence[int], lengths: Sequence[int | None]) -> Read:
    """A read of `datum`, whose axis d is walked by the work's axis `axes[d]`; resolves aliases and broadcasting.

    An axis of length one is not walked. `lengths` are the static lengths of the work's axes.
    """
    walked = tuple(
        UNIT if a == UNIT or (a != INDEXED and datum.shape[d] == 1) else a for d, a in enumerate(axes)
    )
    if datum.base is None:
        return Read(datum, walked)
    base = datum.base
    return Read(base, tuple(UNIT if a == UNIT or base.shape[d] == 1 else walked[a]
                            for d, a in enumerate(datum.base_axes)))


def is_number(datum: Datum) -> bool:
    """Is it a constant with one element?"""
    return datum.constant is not None and getattr(datum.constant, "size", 0) == 1


def datum_in_memory(ref: DimRef | None) -> Datum | None:
    """The datum that must be in memory for a DimRef to be known."""
    if isinstance(ref, Length):
        return ref.datum
    return ref if isinstance(ref, Datum) else None


def memory_of(datum: Datum) -> Datum:
    """The datum whose buffer `datum` has: one that stands for memory *after* some writes is that memory."""
    work = datum.work
    return work.inputs[0] if isinstance(work, Opaque) and work.kind == "after" else datum


def shares_memory(datum: Datum, memory: Datum) -> bool:
    """Is `datum` a view of `memory`, or that itself?"""
    while datum is not memory:
        work = datum.work
        if not isinstance(work, Opaque) or datum.index not in work.views:
            return False
        datum = work.inputs[work.views[datum.index]]
    return True


def refs_in(params: Iterable[Any]) -> list[DimRef]:
    """All DimRefs in parameters with nested tuples."""
    found: list[DimRef] = []
    pending = list(params)
    while pending:
        entry = pending.pop()
        if isinstance(entry, tuple):
            pending.extend(entry)
        elif isinstance(entry, SumOf):
            pending.extend(entry.terms)
        elif isinstance(entry, (Datum, Length)):
            found.append(entry)
    return found
