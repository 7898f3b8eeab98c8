"""The plan of a Program in which nothing has axes, for `runtime_point_calls.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from theano.backends.native import runtime_point_calls as short
from theano.lowering.program import Buffer, FreeStep, KernelStep, Program

if TYPE_CHECKING:
    from theano.backends.native.image import Image

MOST_NUMBERS = 1000  # the frame lies on the stack
NUMBER_BYTES = 16  # room for one of any dtype


def plan_of_points(image: Image) -> int:
    """Write the plan into the image; its place there, or 0: the Program needs the long way."""
    if not image.runtime.known["POINT_ARRAYS"] or not _has_only_points(image.program):
        return 0
    steps = (s for s in image.program.steps if not isinstance(s, FreeStep))
    if not all(isinstance(s, KernelStep) and image.is_point(s) for s in steps):
        return 0
    places = _Places(image)
    return places.write() if places.found() else 0


def _has_only_points(program: Program) -> bool:
    buffers = [i.buffer for i in program.inputs] + [o.buffer for o in program.outputs]
    if len(buffers) + len(program.steps) > MOST_NUMBERS or any(thing.mutable for thing in program.inputs):
        return False
    return all(b.ndim == 0 and b.dtype != "object" for b in buffers)


class _Places:
    """Where each number's address lies in the frame."""

    def __init__(self, image: Image) -> None:
        self.image = image
        program = image.program
        self.arguments = [i for i in program.inputs if i.storage is None]
        self.storages = [i for i in program.inputs if i.storage is not None]
        self.results = [o for o in program.outputs if o.storage is None]
        self.updates = [o for o in program.outputs if o.storage is not None]
        self.place: dict[int, int] = {}
        self.fixed: list[int] = []
        self.temporary: list[int] = []
        self.made: dict[int, Buffer] = {}
        self.holder: dict[int, Buffer] = {}  # by the place of a stored value that is overwritten: its last content
        self.kernels: list[int] = []
        self.count = self.nkernels = self.widest = 0

    def _new(self, buffer: Buffer) -> int:
        self.place[id(buffer)] = at = 8 * self.count
        self.count += 1
        return at

    def found(self) -> bool:
        """Find the places; False: the results are something else than what kernels make."""
        for thing in (*self.arguments, *self.storages):
            self._new(thing.buffer)
        for buffer, _ in self.image.program.constants:
            if buffer.ndim or buffer.dtype == "object":
                return False
            self.fixed += [self._new(buffer), self.image.constant_address(buffer)]
        outputs = [o.buffer for o in (*self.results, *self.updates)]
        if len(set(map(id, outputs))) != len(outputs):
            return False
        for step in self.image.program.steps:
            if isinstance(step, KernelStep):
                self._kernel(step, {id(b) for b in outputs})
        return self._outputs_fit()

    def _kernel(self, step: KernelStep, outputs: set[int]) -> None:
        made = self.image.kernels[id(step)]
        first = len(self.arguments)
        for number, out in enumerate(step.outputs):
            source = self.place[id(step.inputs[step.inplace[number]])] if number in step.inplace else -1
            if first <= source // 8 < first + len(self.storages):
                self.place[id(out)] = source
                self.holder[source] = out
            elif id(out) in outputs:
                self._new(out)
                self.made[id(out)] = out
            else:
                self.temporary.append(self._new(out))
        buffers = [*step.inputs, *step.outputs]
        slots = [self.place[id(buffers[slot.operand])] for slot in made.slots]
        self.kernels += [made.address, len(slots), *slots]
        self.nkernels += 1
        self.widest = max(self.widest, len(slots))

    def _outputs_fit(self) -> bool:
        kept = {8 * n: thing for n, thing in enumerate(self.storages, len(self.arguments))}
        updated = {id(o.buffer): o.storage for o in self.updates}
        if any(updated.get(id(last)) is not kept[at].storage for at, last in self.holder.items()):
            return False
        held = {id(last) for last in self.holder.values()}
        return all(id(o.buffer) in self.made or id(o.buffer) in held for o in (*self.results, *self.updates))

    def write(self) -> int:
        put, descr = self.image.put, self.image.descr
        arrays, storages = [], []
        for output in (*self.results, *self.updates):
            if id(output.buffer) in self.made:
                arrays += [self.place[id(output.buffer)], descr(output.buffer.dtype)]
                storages += [] if output.storage is None else [id(output.storage)]
        whole = 8 * self.count
        calls = whole + 8 * len(self.arguments)
        rooms = calls + 8 * self.widest
        pairs = [w for n, at in enumerate(self.temporary) for w in (at, rooms + NUMBER_BYTES * n)]
        first = len(self.arguments)
        taken = [int(8 * n in self.holder) for n in range(first, first + len(self.storages))]
        words: dict[int, Any] = {
            short.PLAN_BYTES: rooms + NUMBER_BYTES * (len(self.temporary) + 1),
            short.PLAN_WHOLE: whole,
            short.PLAN_CALLS: calls,
            short.PLAN_NFIXED: len(self.fixed) // 2,
            short.PLAN_NROOMS: len(self.temporary),
            short.PLAN_NARRAYS: len(arrays) // 2,
            short.PLAN_NKERNELS: self.nkernels,
        }
        tables = {
            short.PLAN_TAKEN: taken, short.PLAN_FIXED: self.fixed, short.PLAN_ROOMS: pairs, short.PLAN_ARRAYS: arrays,
            short.PLAN_STORAGES: storages, short.PLAN_KERNELS: self.kernels,
        }  # fmt: skip
        written = {offset: put(table or [0]) for offset, table in tables.items()}
        at = put([words.get(8 * n, 0) for n in range(short.PLAN_WORDS)])
        for offset, table_at in written.items():
            self.image.point(at, offset, table_at)
        return at
