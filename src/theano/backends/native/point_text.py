"""Kernel → LLVM text where the kernel goes over a single point: loads, instructions, stores, and no loop.

The function has the form that `kernel_text.py` describes, and needs neither steps nor counts. It touches one element of
each operand with plain instructions: what a masked instruction has stored is not at once ready for others to read.
"""

from __future__ import annotations

from theano.backends.native import runtime_records as rt
from theano.backends.native.kernel_slots import Slots
from theano.backends.native.kernel_text import KernelText
from theano.backends.native.vector_text import ALIGNMENT, ELEMENT_TYPE, VectorText
from theano.lowering.kernel import Kernel

# Of these, vectors and single numbers may be computed in different ways: they stay vectors.
_FUNCTIONS = frozenset(("math", "call", "fmod", "imod", "idiv"))


def goes_over_a_point(kernel: Kernel) -> bool:
    """Has the kernel no axes, no computed positions, nothing but loads and stores?"""
    plain = all(result.kind == "store" and not result.args for result in kernel.results)
    return kernel.rank == 0 and plain and not any(instr.op in ("gather", "iota", "extent") for instr in kernel.body)


class PointText(KernelText):
    """Writes the LLVM text of such a kernel."""

    def __init__(self, kernel: Kernel, name: str) -> None:
        super().__init__(kernel, name)
        if not any(instr.op in _FUNCTIONS for instr in kernel.body):
            in_place = self.text.in_place
            self.text = VectorText(1)
            self.text.in_place = in_place
        self.table = Slots(kernel, name, masks=True)
        self.slots = self.table.all

    def write(self) -> None:
        text = self.text
        self.active, self.mask, self.memory_mask = "1", text.splat("i1", "true"), ""
        for number in range(len(self.slots)):
            place = text.set(f"getelementptr i64, ptr %data, i64 {number}")
            self.start.append(text.set(f"load ptr, ptr {place}"))
        self.origin = self.now = self.start
        for number, slot in enumerate(self.slots):
            if slot.role == rt.ROLE_IN:
                self.spread[number] = self._element(number)
        values = self._body()
        for number, result in enumerate(self.kernel.results, self.kernel.n_inputs):
            dtype = self.kernel.operands[number].dtype
            kind = ELEMENT_TYPE[dtype]
            value = text.pack(dtype, text.cast(self.kernel.body[result.value].dtype, dtype, values[result.value]))
            text.emit(f"store {kind} {text.element(kind, value)}, ptr {self.start[number]}, align {ALIGNMENT[dtype]}")
        text.emit("ret i64 0")
        head = f"define i64 @{self.name}(ptr %data, ptr %step, i64 %count, i64 %active, ptr %state) {{"
        self.function = "\n".join([head, "entry:", *text.allocas, *text.lines, "}"])
