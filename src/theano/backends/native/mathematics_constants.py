"""The constants of a function of vector mathematics on x86: one table, read through one register.

Left to itself, LLVM makes an address of 64 bits for each constant that an instruction uses (code in memory may be
anywhere), and for AVX2 a vector of it by an instruction more: three instructions where one would do. What is read from
a table, whose address LLVM does not see through, is an operand of the instruction that uses it.
"""

from __future__ import annotations

import struct

from theano.backends.native.vector_text import SIZE, VectorText

_CODES = {"double": "<d", "float": "<f", "i64": "<Q", "i32": "<I"}
NAME, REGISTER = "mathematics.constants", "%constants"


class ConstantTable:
    """Grows while a function is written.

    spread   an entry is one number, which an instruction spreads over its lanes (AVX-512), and not a whole vector
    """

    def __init__(self, spread: bool) -> None:
        self.spread = spread
        self._places: dict[tuple[bytes, int], int] = {}
        self._words: list[int] = []

    def read(self, text: VectorText, kind: str, value: float) -> str:
        """A constant in every lane; "" if that is quicker made than read."""
        bits = number_bits(kind, value)
        if kind not in _CODES or not any(bits) or bits == b"\xff" * len(bits):
            return ""
        size, count = SIZE[kind], 1 if self.spread else text.lanes
        place = text.set(f"getelementptr i8, ptr {REGISTER}, i64 {self._place(bits, count)}")
        if self.spread and text.lanes > 1:
            return text.spread(kind, text.set(f"load {kind}, ptr {place}, align {size}"))
        return text.set(f"load {text.vec(kind)}, ptr {place}, align {size * count}")

    def _place(self, bits: bytes, count: int) -> int:
        """Where so many copies of a number lie, in bytes."""
        if (bits, count) not in self._places:
            whole = bits * count
            whole += whole[: -len(whole) % 8]
            words = len(whole) // 8
            self._words += [0] * (-len(self._words) % words)
            self._places[bits, count] = 8 * len(self._words)
            self._words += struct.unpack(f"<{words}Q", whole)
        return self._places[bits, count]

    def text(self) -> list[str]:
        words = ", ".join(f"i64 {word}" for word in self._words)
        return [f"@{NAME} = private unnamed_addr constant [{len(self._words)} x i64] [{words}], align 64"]

    def register_text(self) -> str:
        """The first instruction of the function: it does nothing, and nothing is known of what it gives."""
        return f'  {REGISTER} = call ptr asm "", "=r,0"(ptr @{NAME})'


def number_bits(kind: str, value: float) -> bytes:
    if kind not in _CODES:
        return b""
    if kind in ("i64", "i32"):
        return struct.pack(_CODES[kind], int(value) & ((1 << 8 * SIZE[kind]) - 1))
    try:
        return struct.pack(_CODES[kind], value)
    except OverflowError:  # of single precision
        return struct.pack(_CODES[kind], float("inf") if value > 0 else float("-inf"))
