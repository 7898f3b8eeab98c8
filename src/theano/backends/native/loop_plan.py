"""What the steps of a loop's body have to do from the second step of the loop on.

The first step of a loop is run in full. Where no length can change after it, every buffer keeps its memory, and most
steps of the body need no preparation any more; what gives the same result in all steps is not run again.
`loop_image.py` writes the tables, `runtime_loops.py` follows them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from theano.backends.native.loop_lengths import keeps_lengths
from theano.lowering.program import (
    AllocStep,
    Buffer,
    CallStep,
    DimsStep,
    Extent,
    FreeStep,
    KernelStep,
    LoopStep,
    PyCallStep,
    Step,
    Total,
    Value,
    ViewStep,
)

# What may change in a buffer from one step of the loop to the next.
CONSTANT = 0  # nothing
CONTENT = 1  # what is in its memory
PLACE = 2  # also where its memory is
LENGTHS = 3  # also its lengths and strides


class Plan:
    """What has to be done in every step of a loop but the first, if all lengths stay as they are then.

    exists    False: they may not, or Python is called
    steps     (step, again): again where it has to be prepared again
    direct    buffers of results whose kernel or call may write them into any memory
    apart     buffers of results which must not take over the memory of what their kernel reads: it is needed where it
              is for the next step
    """

    def __init__(self, loop: LoopStep) -> None:
        body = self.body = loop.body
        self.others = loop.layout.inner([thing.buffer for thing in body.inputs]).others
        self.steps: list[tuple[Step, bool]] = []
        self.direct: set[int] = set()
        self.change: dict[int, int] = {}
        self.exists = not any(
            isinstance(s, PyCallStep) or (isinstance(s, LoopStep) and not keeps_lengths(s)) for s in body.steps
        )
        self.exists = self.exists and any(not isinstance(s, FreeStep) for s in body.steps)
        self.results = {id(output.buffer) for output in body.outputs}
        self.in_place = self._written_in_place()
        self.apart: set[int] = set()
        owned = self._owned()
        self.exists = self.exists and owned is not None
        if self.exists and owned is not None:
            self.apart = {
                id(out)
                for step in body.steps
                for out, source in taken_over(step)
                if id(out) in self.results and id(source) not in self.in_place and id(source) not in owned
                and _writes_anywhere(step, step.outputs.index(out))
            }
        self.overwritten = self._overwritten()
        if self.exists:
            self._start()
            for step in body.steps:
                if not isinstance(step, FreeStep):
                    self._look_at(step)
            carried = [out.buffer for out in body.outputs if out.storage is not None]
            self.exists = all(self.change[id(b)] < LENGTHS for b in carried)
            if not self.exists:
                self.apart.clear()

    def taken_over(self, step: Step) -> list[tuple[Buffer, Buffer]]:
        """(output, input whose memory it may take over)"""
        return [(out, source) for out, source in taken_over(step) if id(out) not in self.apart]

    def _written_in_place(self) -> set[int]:
        """Storage inputs into whose memory their own new values are written."""
        found = set()
        of_cell = {id(out.storage): out.buffer for out in self.body.outputs if out.storage is not None}
        inputs = {id(i.buffer): of_cell[id(i.storage)] for i in self.body.inputs if i.storage is not None}
        for step in self.body.steps:
            for out, source in taken_over(step):
                if inputs.get(id(source)) is out:
                    found.add(id(source))
        return found

    def _owned(self) -> set[int] | None:
        """Views that take the memory of a storage input over, as it is written part by part, and what lies in there.

        None: the new value of such an input does not, and two buffers would have one memory.
        """
        of_cell = {id(out.storage): out.buffer for out in self.body.outputs if out.storage is not None}
        results = {id(i.buffer): of_cell[id(i.storage)] for i in self.body.inputs if i.storage is not None}
        root: dict[int, int] = {}
        wanted: list[tuple[Buffer, int]] = []
        for step in self.body.steps:
            if isinstance(step, ViewStep) and step.kind == "own":
                root[id(step.outputs[0])] = id(step.outputs[0])
                wanted.append((results[id(step.inputs[0])], id(step.outputs[0])))
            elif isinstance(step, ViewStep) and id(step.inputs[0]) in root:
                root[id(step.outputs[0])] = root[id(step.inputs[0])]
            for out, source in taken_over(step):
                if id(source) in root:
                    root[id(out)] = root[id(source)]
        return set(root) if all(root.get(id(out)) == view for out, view in wanted) else None

    def _overwritten(self) -> set[int]:
        """Memory which a step writes into that another one has made."""
        found = set()
        root: dict[int, Buffer] = {}
        for step in self.body.steps:
            if isinstance(step, ViewStep):
                root[id(step.outputs[0])] = root.get(id(step.inputs[0]), step.inputs[0])
            for out, source in self.taken_over(step):
                origin = root.get(id(source), source)
                found.add(id(origin))
                root[id(out)] = origin
        return found

    def _start(self) -> None:
        for buffer, _ in self.body.constants:
            self.change[id(buffer)] = CONSTANT
        for thing in self.body.inputs:
            self.change[id(thing.buffer)] = CONTENT if id(thing.buffer) in self.in_place else PLACE
        for buffer in self.others:
            self.change[id(buffer)] = CONSTANT

    def _look_at(self, step: Step) -> None:
        worst = max((self.change[id(b)] for b in _read_by(step)), default=CONSTANT)
        lengths = max((self._of_dim(d) for d in _dims_of(step)), default=CONSTANT)
        taken = [source for _, source in self.taken_over(step)]
        again, change = False, CONTENT
        match step:
            case ViewStep():
                change, again = self._of_view(step)
            case KernelStep() | CallStep():
                again = max(worst, lengths) == LENGTHS or any(self.change[id(b)] >= PLACE for b in taken)
                change = LENGTHS if max(worst, lengths) == LENGTHS else PLACE if again else CONTENT
            case AllocStep():
                again = lengths > CONSTANT
                change = LENGTHS if again else CONTENT
                worst = lengths if again else CONSTANT
            case DimsStep():
                again = lengths > CONSTANT
                change = PLACE if again else CONSTANT
                worst = lengths
            case _:
                again, change = True, LENGTHS
        stays = max(worst, lengths) == CONSTANT
        kept = self._with_lengths_that_stay(step) if isinstance(step, LoopStep) else []
        for number, buffer in enumerate(step.outputs):
            # a number has no lengths
            own = worst if any(b is buffer for b in kept) else change
            own = PLACE if again and (buffer.ndim == 0 or own < PLACE) else own
            self.change[id(buffer)] = CONSTANT if stays else own
            if id(buffer) in self.overwritten:
                self.change[id(buffer)] = max(self.change[id(buffer)], CONTENT)
                stays = stays and isinstance(step, AllocStep | ViewStep)
            if id(buffer) in self.results:
                # a result may be read in another place in the next step
                if not again and _writes_anywhere(step, number):
                    self.direct.add(id(buffer))
                self.change[id(buffer)] = max(self.change[id(buffer)], PLACE)
                stays = False
        if not stays and (again or not isinstance(step, ViewStep | AllocStep | DimsStep)):
            self.steps.append((step, again))

    def _with_lengths_that_stay(self, step: LoopStep) -> list[Buffer]:
        """Results of a loop inside that have the lengths of what it reads, whatever it computes: what it carries has
        those that it starts with, and of numbers there are as many as it makes steps."""
        layout, made = step.layout, step.layout.outputs(step.outputs)
        found = list(made.carried)
        number = layout.outer(step.inputs).n_steps
        if not layout.until and self.change[id(number)] == CONSTANT:
            found += [rows for rows in (*made.states, *made.traced) if rows.ndim == 1]
        return found

    def _of_dim(self, dim: Any) -> int:
        """How a run-time integer changes: CONSTANT or LENGTHS."""
        if isinstance(dim, Total):
            return max(map(self._of_dim, dim.terms), default=CONSTANT)
        if isinstance(dim, Extent):
            return LENGTHS if self.change[id(dim.buffer)] == LENGTHS else CONSTANT
        if isinstance(dim, Value):
            return CONSTANT if self.change[id(dim.buffer)] == CONSTANT else LENGTHS
        return CONSTANT

    def _of_view(self, step: ViewStep) -> tuple[int, bool]:
        source = self.change[id(step.inputs[0])]
        moves = any(self._of_dim(d) for d in step.params) if step.kind == "index" else False
        lengths = max((self._of_dim(d) for d in _lengths_of_view(step)), default=CONSTANT)
        if source == LENGTHS or lengths == LENGTHS:
            return LENGTHS, True
        if step.kind == "reshape" and source > CONSTANT:
            return PLACE, True  # it may be a copy
        if moves or source == PLACE:
            return PLACE, True
        return source, False


def taken_over(step: Step) -> Iterator[tuple[Buffer, Buffer]]:
    """(output, input whose memory it may take over)"""
    if isinstance(step, KernelStep):
        for out, source in step.inplace.items():
            yield step.outputs[out], step.inputs[source]
    elif isinstance(step, CallStep) and step.inplace:
        yield step.outputs[0], step.inputs[2]


def _writes_anywhere(step: Step, output: int) -> bool:
    """Does the step need nothing that is in the memory of its output, wherever that is?"""
    if isinstance(step, KernelStep):
        return output not in step.base and not step.kernel.results[output].kind.startswith("scatter")
    return isinstance(step, CallStep) and not step.inplace


def _read_by(step: Step) -> list[Buffer]:
    return [*step.inputs, *step.base.values()] if isinstance(step, KernelStep) else list(step.inputs)


def _dims_of(step: Step) -> Sequence[Any]:
    match step:
        case KernelStep():
            return step.extents
        case AllocStep() | DimsStep():
            return step.dims
        case ViewStep():
            return [d for p in step.params for d in (p if isinstance(p, tuple) else (p,))]
    return ()


def _lengths_of_view(step: ViewStep) -> list[Any]:
    """The run-time integers on which the lengths of a view hang."""
    if step.kind == "index":
        return [d for p in step.params if isinstance(p, tuple) for d in p]
    return list(_dims_of(step)) if step.kind in ("reshape", "specify", "stretch") else []
