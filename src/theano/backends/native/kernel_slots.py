"""What the driver must know about each address that it hands to a kernel's code, and which positions can be hoisted.

A *slot* is an operand, an accumulator or a counter; `kernel_text.py` writes code that walks slots, `image.py` puts them
into the tables that the run-time system reads.
"""

from __future__ import annotations

from collections.abc import Sequence

from theano._records import record_class
from theano.backends.native import reduction_text
from theano.backends.native import runtime_records as rt
from theano.backends.native.vector_text import ITEMSIZE, SIZE, VALUE_TYPE
from theano.lowering.kernel import INDEXED, Instr, Kernel

# Instructions in a body up to which a reduction's loop is repeated in place, and above which it exists only once.
SHORT = 12
LONG = 80


@record_class(slots=True)
class Slot:
    """What the driver must know about one address that it hands to the code."""

    role: int
    operand: int = -1  # number in Kernel.operands; -1 for a counter
    axes: tuple[int, ...] = ()  # a counter's iteration axes, slowest first
    size: int = 1
    identity: int = 0
    temporary: int = 0
    finish: str = ""  # function that casts the accumulator to the output
    combine: tuple[str, str, str] | None = None  # an accumulator's kind, for `combine_text.py`
    partner: int = 0  # where positions are accumulated: the slot of the values
    flags: int = 0
    indexed: int = -1  # number of its first computed axis among all computed axes
    hangs: frozenset[int] = frozenset()  # the axes along which its computed positions vary


@record_class(frozen=True, slots=True)
class Hoisting:
    """Computed positions which do not vary along some axis, so that they can be found once for a run along it.

    order    the instructions that only positions hang on, in order; among them gathers from where they stand still
    loads    operands read by these;  counters   axes counted by these
    still    operands gathered from one element at a time;  walked   operands of which a run is contiguous
    rows     accumulators are a row in memory (see `reduction_text.py`), not one value for the run
    """

    order: tuple[int, ...]
    loads: frozenset[int]
    counters: frozenset[int]
    still: frozenset[int]
    walked: frozenset[int]
    rows: bool


def hoisting(kernel: Kernel) -> Hoisting | None:
    """How the positions of a kernel can be hoisted; None if it computes none, or if they vary along every axis."""
    body, scatters = kernel.body, [r for r in kernel.results if r.kind.startswith("scatter")]
    gathers = [n for n, instr in enumerate(body) if instr.op == "gather"]
    if not gathers and not scatters:
        return None
    needed = in_positions(kernel)
    loads = frozenset(body[n].attr for n in needed if body[n].op == "load")
    counters = frozenset(body[n].attr for n in needed if body[n].op == "iota")
    fixed = {a for number in loads for a in kernel.operands[number].axes} | set(counters)
    fixed |= {a for n in gathers if n in needed for a in kernel.operands[body[n].attr].axes}
    free = set(range(kernel.rank)) - fixed
    targets = [o for o, r in zip(kernel.operands[kernel.n_inputs :], kernel.results) if r in scatters]
    if not free or any(not free & set(o.axes) for o in targets):
        return None
    walked = {body[n].attr for n in gathers if free & set(kernel.operands[body[n].attr].axes)}
    still = {body[n].attr for n in gathers} - walked
    kept = [
        bool(free & set(o.axes)) for o, r in zip(kernel.operands[kernel.n_inputs :], kernel.results)
        if r.kind != "store" and r not in scatters
    ]
    if len(set(kept)) > 1:
        return None
    outputs = {kernel.n_inputs + n for n, r in enumerate(kernel.results) if r in scatters}
    order = sorted(needed | {n for n in gathers if body[n].attr in still})
    return Hoisting(
        tuple(order), loads, counters, frozenset(still), frozenset(walked | outputs), bool(kept) and kept[0]
    )


def in_positions(kernel: Kernel) -> set[int]:
    """The instructions that computed positions hang on."""
    wanted = [a for instr in kernel.body if instr.op == "gather" for a in instr.args]
    return _needed_by(kernel, [*wanted, *(a for r in kernel.results for a in r.args)])


def _axes_of(kernel: Kernel, args: Sequence[int]) -> frozenset[int]:
    """The axes along which one of these values varies."""
    axes: set[int] = set()
    for n in _needed_by(kernel, args):
        instr = kernel.body[n]
        if instr.op in ("load", "gather"):
            axes.update(a for a in kernel.operands[instr.attr].axes if a >= 0)
        elif instr.op == "iota":
            axes.add(instr.attr)
    return frozenset(axes)


def _needed_by(kernel: Kernel, args: Sequence[int]) -> set[int]:
    """These instructions and what they are computed from."""
    wanted = list(args)
    found: set[int] = set()
    while wanted:
        n = wanted.pop()
        if n not in found:
            found.add(n)
            wanted.extend(kernel.body[n].args)
    return found


class Slots:
    """The slots of a kernel, its flags and its accumulators. `name` is what its functions' names start with."""

    def __init__(self, kernel: Kernel, name: str, masks: bool) -> None:
        self.kernel = kernel
        self.name = name
        self.all: list[Slot] = []
        self.flags = rt.MASKS if masks else 0
        self.indexed = 0
        self.counters: dict[tuple[int, ...], int] = {}
        self.accumulators: list[reduction_text.Accumulator] = []
        self.hoisting = hoisting(kernel)
        self._make_inputs()
        self._make_outputs()
        self._make_counters()
        self._mark_positions()

    def _make_inputs(self) -> None:
        kernel = self.kernel
        read = {i.attr for i in kernel.body if i.op == "load"}
        gathered = {i.attr for i in kernel.body if i.op == "gather"}
        for number, operand in enumerate(kernel.operands[: kernel.n_inputs]):
            slot = Slot(rt.ROLE_NONE, number, operand.axes, ITEMSIZE[operand.dtype])
            if INDEXED in operand.axes:
                slot.indexed = self.indexed
                self.indexed += operand.axes.count(INDEXED)
            if number in gathered:
                slot.role = rt.ROLE_RAW
                self.flags |= rt.CHECKED
            elif number in read:
                slot.role = rt.ROLE_IN
                # what all axes walk stands still only where the caller's array repeats itself
                if set(range(kernel.rank)) - set(operand.axes):
                    slot.flags |= rt.SPREADS
            self.all.append(slot)

    def _make_outputs(self) -> None:
        kernel = self.kernel
        for number, result in enumerate(kernel.results, kernel.n_inputs):
            operand = kernel.operands[number]
            slot = Slot(rt.ROLE_OUT, number, operand.axes, ITEMSIZE[operand.dtype])
            if result.kind.startswith("scatter"):
                slot.role = rt.ROLE_RAW
                slot.indexed = self.indexed
                self.indexed += operand.axes.count(INDEXED)
                self.flags |= rt.CHECKED | rt.KEEP_ORDER
            elif result.kind != "store":
                self.flags |= rt.REDUCES
                self._make_accumulator(slot, number)
            self.all.append(slot)

    def _make_counters(self) -> None:
        for instr in self.kernel.body:
            if instr.op == "iota":
                self._counter((instr.attr,))
        for accumulator in self.accumulators:
            if accumulator.position_axes is not None:
                accumulator.position_slot = self._counter(accumulator.position_axes)
                operand = self.kernel.operands[accumulator.slot]
                slot = Slot(rt.ROLE_ACCUMULATE, accumulator.slot, operand.axes)
                slot.size = slot.temporary = SIZE[accumulator.memory]
                slot.identity = accumulator.identity_bits
                accumulator.value_slot = self.all[accumulator.slot].partner = len(self.all)
                self.all.append(slot)

    def _mark_positions(self) -> None:
        """Tell the driver which slots positions hang on, and what must hold for these to be hoisted: which slots must
        stand still along a run, and which must be contiguous."""
        for instr in (self.kernel.body[n] for n in in_positions(self.kernel)):
            if instr.op in ("load", "gather"):
                self.all[instr.attr].flags |= rt.IN_POSITIONS
            elif instr.op == "iota":
                self.all[self.counters[instr.attr,]].flags |= rt.IN_POSITIONS
        for place, args in [
            *((i.attr, i.args) for i in self.kernel.body if i.op == "gather"),
            *((n, r.args) for n, r in enumerate(self.kernel.results, self.kernel.n_inputs) if r.args),
        ]:
            self.all[place].hangs |= _axes_of(self.kernel, args)
        found = self.hoisting
        if found is None:
            return
        self.flags |= rt.HOISTS
        for number, slot in enumerate(self.all):
            if slot.role == rt.ROLE_ACCUMULATE:
                slot.flags |= rt.MUST_WALK if found.rows else rt.MUST_STAND
            elif slot.operand in found.walked:
                slot.flags |= rt.MUST_WALK
            elif slot.operand in found.loads | found.still or number in [self.counters[a,] for a in found.counters]:
                slot.flags |= rt.MUST_STAND

    def _make_accumulator(self, slot: Slot, number: int) -> None:
        kernel = self.kernel
        result = kernel.results[number - kernel.n_inputs]
        operand = kernel.operands[number]
        reduced = tuple(a for a in range(kernel.rank) if a not in operand.axes)
        accumulator = reduction_text.Accumulator(
            result.kind, result.value, kernel.body[result.value].dtype, result.dtype, number,
            loses=operand.dtype == "float32" and result.dtype == "float64",
        )
        made = kernel.body[result.value]
        if made.op == "cast":
            accumulator.origin = kernel.body[made.args[0]].dtype
            if result.value in joined_sums(kernel):
                accumulator.joined = made.args[0]
        slot.role = rt.ROLE_ACCUMULATE
        slot.combine = accumulator.what, accumulator.source, result.dtype
        if result.kind in ("max", "min", "argmax", "argmin"):
            slot.flags |= rt.NOT_EMPTY
        if result.kind in ("argmax", "argmin"):
            accumulator.position_axes = reduced
            slot.identity = 2**63 - 1
        else:
            slot.identity = accumulator.identity_bits
            if accumulator.dtype != operand.dtype or accumulator.dtype == "float16":
                slot.temporary = SIZE[accumulator.memory]
                slot.finish = f"{self.name}.finish{number}"
        self.accumulators.append(accumulator)

    def _counter(self, axes: tuple[int, ...]) -> int:
        if axes not in self.counters:
            self.flags |= rt.COUNTS
            self.counters[axes] = len(self.all)
            self.all.append(Slot(rt.ROLE_COUNTER, -1, axes))
        return self.counters[axes]


def lanes_of(kernel: Kernel, vector_bytes: int) -> int:
    """How many elements one vector holds: the widest type in sight decides.

    Not in sight are positions that are computed once for a run. A sum that is wider than what it adds up may be two
    vectors; but not where many runs go into a row of sums and little is computed, since it takes long to take vectors
    apart which do not come from memory.
    """
    found = hoisting(kernel)
    aside = set(found.order) if found else set()
    sums = _sums_of_narrower(kernel)
    if adds_rows(kernel):
        joined = joined_sums(kernel)
        sums = {n for n in sums if n in joined or kernel.body[kernel.body[n].args[0]].op == "load"}
    widest = 1
    for n, instr in enumerate(kernel.body):
        if n not in aside:
            widest = max(widest, SIZE[VALUE_TYPE[instr.dtype]] // (2 if n in sums else 1))
    for number, operand in enumerate(kernel.operands[: kernel.n_inputs]):
        if not found or number not in found.loads:
            widest = max(widest, ITEMSIZE[operand.dtype])
    for operand, result in zip(kernel.operands[kernel.n_inputs :], kernel.results):
        vectors = 2 if result.value in sums else 1
        widest = max(widest, ITEMSIZE[operand.dtype] // vectors)
        if result.dtype:
            widest = max(widest, SIZE[VALUE_TYPE[result.dtype]] // vectors)
        if result.kind in ("argmax", "argmin"):
            widest = max(widest, 4)
        elif result.args and not found:
            widest = 8
    return vector_bytes // widest


def adds_rows(kernel: Kernel) -> bool:
    """Are rows, as they lie in memory as a rule, reduced into rows, so that memory decides how long that takes?"""
    if kernel.rank < 2 or not is_quick(kernel):
        return False
    into = [o for o, r in zip(kernel.operands[kernel.n_inputs :], kernel.results, strict=True) if r.kind != "store"]
    return bool(into) and all(kernel.rank - 1 in o.axes and len(o.axes) < kernel.rank for o in into) and not any(
        r.kind.startswith(("scatter", "arg")) for r in kernel.results
    )


def is_quick(kernel: Kernel) -> bool:
    """Is little computed at each point?"""
    slow = ("gather", "math", "call", "div", "sqrt", "fmod")
    return len(kernel.body) <= SHORT and not any(i.op in slow for i in kernel.body)


def joined_sums(kernel: Kernel) -> set[int]:
    """Casts to float64, for sums with float32 results, of numbers computed in float32 that are never negative."""
    body = kernel.body
    return {
        result.value
        for operand, result in zip(kernel.operands[kernel.n_inputs :], kernel.results, strict=True)
        if result.kind == "sum" and result.dtype == "float64" and operand.dtype == "float32"
        and body[result.value].op == "cast" and body[body[result.value].args[0]].dtype == "float32"
        and _is_never_negative(body, body[result.value].args[0])
    }


def _is_never_negative(body: Sequence[Instr], n: int) -> bool:
    """Is an instruction's value (if it is a number) the result of a rounding, and not below 0: a square, a power?"""
    instr = body[n]
    return (instr.op == "mul" and instr.args[0] == instr.args[1]) or (
        instr.op == "math" and instr.attr in ("exp", "exp2", "exp10")
    )


def _sums_of_narrower(kernel: Kernel) -> set[int]:
    """Casts to a wider type which nothing but sums use."""
    body = kernel.body
    casts = {
        n for n, instr in enumerate(body)
        if instr.op == "cast" and SIZE[VALUE_TYPE[instr.dtype]] > SIZE[VALUE_TYPE[body[instr.args[0]].dtype]]
    }
    used = {a for instr in body for a in instr.args} | {a for r in kernel.results for a in r.args}
    return casts - used - {r.value for r in kernel.results if r.kind not in ("sum", "prod")}
