"""The tables of loops, for programs that have some: an image for each body, and the record for `runtime_loops.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from theano.backends.native import runtime_core as core
from theano.backends.native import runtime_launches as launches
from theano.backends.native import runtime_traces as loops
from theano.backends.native.image import Image, Place
from theano.backends.native.image_owners import Owners
from theano.backends.native.kernel_code import CompiledKernel
from theano.backends.native.loop_plan import Plan
from theano.backends.native.loop_registers import RegisterLoop, place_words
from theano.lowering.program import Buffer, FreeStep, KernelStep, LoopStep, PyCallStep


class BodyImage(Image):
    """The tables of a loop's body. Its frame is filled by the loop; it has no entry."""

    def __init__(self, step: LoopStep, optimize: bool, kernels: Mapping[int, CompiledKernel]) -> None:
        self.loop = step
        self.plan = Plan(step)
        super().__init__(step.body, optimize, kernels)

    def _find_owners(self) -> Owners:
        owners = super()._find_owners()
        owners.argument.clear()  # nothing comes from a call's arguments
        owners.results.clear()  # nor becomes a result
        owners.in_order = {id(b) for s in self.program.steps for b in s.outputs}  # the loop reads them
        return owners

    def _takes_over(self, out: Buffer, source: Buffer) -> bool:
        return id(out) not in self.plan.apart and super()._takes_over(out, source)

    def _build(self) -> None:
        table = self.put([0] * (core.PROGRAM_BYTES // 8))
        tables = [self._step(s) for s in self.program.steps]
        self.tables = {id(s): at for s, at in zip(self.program.steps, tables, strict=True)}
        step_table = self.put([Place(at) for at in tables] or [0])
        owned = [self.offset(b) for b in self.buffers if id(b) not in self.owners.constant]
        owners = self.put(owned or [0])
        self.first, self.others = self._plan_tables()
        made = [self.offset(b) for s in self.program.steps for b in s.outputs]
        self.made = self.put(made or [0]), len(made)
        # the traces' own room, see KEPT_ in `runtime_traces.py`
        self.rooms = [
            self.room(loops.KEPT_ROW + core.BUFFER_DIMS + 16 * b.ndim + core.BUFFER_DIMS + 16 * (b.ndim + 1))
            for b in (output.buffer for output in self.program.outputs)
        ]
        self.bar = self.room(loops.BAR_BYTES) if self.loop.nodes[0].op.bar is not None else 0
        template = self._template()
        self.write(table, core.PROGRAM_FRAME_BYTES, self._frame_bytes)
        self.point(table, core.PROGRAM_TEMPLATE, template)
        self.point(table, core.PROGRAM_STEPS, step_table)
        self.write(table, core.PROGRAM_NSTEPS, len(tables))
        self.write(table, core.PROGRAM_COMMIT, min(self.program.commit_from, len(tables)))
        self.point(table, core.PROGRAM_OWNERS, owners)
        self.write(table, core.PROGRAM_NOWNERS, len(owned))
        self.write(table, core.PROGRAM_SEQUENTIAL, int(self.owners.sequential))
        self.close(table)

    def _plan_tables(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """((table of the first step, how many entries), (that of the others, how many))"""
        if not self.plan.exists:
            return (0, 0), (0, 0)
        first = [Place(self.tables[id(s)]) for s in self.program.steps if not isinstance(s, FreeStep)]
        words: list[int] = []
        for step, again in self.plan.steps:
            sources = {id(out): self.offset(source) for out, source in self.plan.taken_over(step)}
            outputs = [w for b in step.outputs for w in (self.offset(b), sources.get(id(b), 0))]
            launch = 0
            if isinstance(step, KernelStep) and not again:
                slots = len(self.kernels[id(step)].slots)
                launch = self.room(launches.LAUNCH_STEPS + launches.LAUNCH_SLOT_BYTES * slots)
            table = Place(self.put(outputs or [0]))
            words += [Place(self.tables[id(step)]), int(again), table, len(step.outputs), launch]
        return (self.put(first or [0]), len(first)), (self.put(words or [0]), len(self.plan.steps))


def loop_record(image: Image, step: LoopStep) -> int:
    layout, body = step.layout, step.body
    made = BodyImage(step, image.optimize, image.kernels)
    image.kept.append(made)
    inner, outer = layout.inner([i.buffer for i in body.inputs]), layout.outer(step.inputs)
    fresh, ends = layout.outputs([o.buffer for o in body.outputs]), layout.outputs(step.outputs)
    record = [0] * (loops.LOOP_BYTES // 8)
    record[core.STEP_RUN // 8] = image.runtime.door("loops", "loop_run")
    record[loops.LOOP_BODY // 8] = made.address
    record[loops.LOOP_STEPS // 8] = image.offset(outer.n_steps)
    words: list[int] = []
    for outside, inside in zip(outer.sequences, inner.sequences, strict=True):
        words += [image.offset(outside), made.offset(inside), inside.ndim]
    _table(image, record, loops.LOOP_SEQUENCES, words, loops.SEQUENCE_BYTES)
    words = []
    for number, (outside, inside) in enumerate(
        zip((*ends.states, *ends.traced), (*fresh.states, *fresh.traced), strict=True)
    ):
        taps: list[int] = []
        initial = before = 0
        if number < layout.states:
            initial, before = image.offset(outer.initials[number]), layout.rows(number)
            for tap, buffer in zip(layout.taps[number], inner.taps[number], strict=True):
                taps += [tap, made.offset(buffer)]
        words += [
            image.offset(outside), made.offset(inside), inside.ndim, np.dtype(inside.dtype).itemsize, initial, before,
            Place(image.put(taps or [0])), len(taps) // 2, made.rooms[number], int(id(inside) in made.plan.direct),
        ]  # fmt: skip
    _table(image, record, loops.LOOP_TRACES, words, loops.TRACE_BYTES)
    words = []
    for from_, to, inside, result in zip(outer.carried, ends.carried, inner.carried, fresh.carried, strict=True):
        words += [
            image.offset(from_), image.offset(to), made.offset(inside), made.offset(result),
            *_rank_and_size(inside), int(id(result) in made.plan.direct),
        ]  # fmt: skip
    _table(image, record, loops.LOOP_CARRIED, words, loops.CARRIED_BYTES)
    words = []
    for outside, inside in zip(outer.others, inner.others, strict=True):
        argument = 0
        if inside.dtype != "object" and not made.plan.exists:
            argument = Place(image.put(image.argument_words(outside, mutable=False)))
        words += [image.offset(outside), made.offset(inside), _rank_and_size(inside)[0], argument]
    _table(image, record, loops.LOOP_OTHERS, words, loops.OTHER_BYTES)
    if layout.until:
        record[loops.LOOP_CONDITION // 8] = made.offset(fresh.last[0])
        record[loops.LOOP_CONDITION_SIZE // 8] = np.dtype(fresh.last[0].dtype).itemsize
        record[loops.LOOP_COUNT // 8] = image.offset(ends.last[0])
    perform = PyCallStep(inputs=step.inputs, outputs=step.outputs, nodes=step.nodes)
    record[loops.LOOP_PYTHON // 8] = Place(image.python_record(perform))
    base = made.array.ctypes.data
    registers = RegisterLoop(step, made.plan)
    if registers.fits:
        words = place_words(registers, made.at)
        record[loops.LOOP_VECTORS // 8], record[loops.LOOP_SINGLE // 8] = registers.code(image.optimize)
        record[loops.LOOP_LANES // 8] = registers.lanes
        record[loops.LOOP_MASKS // 8] = 2 if registers.reduces else int("masked" in registers.ways())
        record[loops.LOOP_AT_ONCE // 8] = int(registers.starts_at_once())
        record[loops.LOOP_NESTS // 8] = int(bool(registers.nesting.nests))
        _table(image, record, loops.LOOP_PLACES, words, loops.PLACE_BYTES)
    drawn = step.nodes[0].op.bar
    if drawn is not None:
        _draw_bar(image, made, record, drawn.draw)
    tables = ((made.first, loops.LOOP_FIRST), (made.others, loops.LOOP_PLAN), (made.made, loops.LOOP_MADE))
    for (at, count), where in tables:
        record[where // 8] = base + at
        record[where // 8 + 1] = count
    return image.put(record)


def _draw_bar(image: Image, made: BodyImage, record: list[int], draw: Callable[..., Any]) -> None:
    image.kept.append(draw)
    record[loops.LOOP_BAR // 8] = id(draw)
    record[loops.LOOP_BAR_STATE // 8] = made.bar
    doors = {
        loops.LOOP_BAR_BEGINS: "bar_begins", loops.LOOP_BAR_GOES_ON: "bar_goes_on", loops.LOOP_BAR_ENDS: "bar_ends",
        loops.LOOP_BAR_FAILS: "bar_fails", loops.LOOP_BAR_CLOCK: "bar_clock",
    }  # fmt: skip
    for where, name in doors.items():
        record[where // 8] = image.runtime.door("bars", name)


def _rank_and_size(buffer: Buffer) -> tuple[int, int]:
    return (-1, 8) if buffer.dtype == "object" else (buffer.ndim, np.dtype(buffer.dtype).itemsize)


def _table(image: Image, record: list[int], where: int, words: list[int], size: int) -> None:
    record[where // 8] = Place(image.put(words or [0]))
    record[where // 8 + 1] = 8 * len(words) // size
