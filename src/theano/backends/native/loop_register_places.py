"""The operands of a loop whose machine code goes over the steps itself (`loop_registers.py`)."""

from __future__ import annotations

from theano._records import record_class
from theano.lowering.program import Buffer

# What an operand is. Of the first five, its place at a step of the loop; of an array from which elements or rows are
# taken at positions that the loop computes: where it lies, a length with its stride, and a row.
SEQUENCE, FIXED, TRACE, STATE, CARRIED, TABLE, LENGTH, ROW = range(8)


@record_class(frozen=True, slots=True)
class Place:
    """An operand in memory.

    number   of the sequence, trace or carried value, or of an axis (LENGTH)
    back     x[t - back] of a state
    walks    False: one element for all points
    """

    kind: int
    buffer: Buffer
    number: int = 0
    back: int = 0
    walks: bool = True


@record_class(frozen=True, slots=True)
class Taken:
    """An element or a row of an array that stays, at computed positions.

    table    the number of the array's place;  lengths   those of its first axes
    positions   for each of these a number, or the buffer that holds it
    row         the number of the row's place; -1: it is an element
    """

    table: int
    lengths: tuple[int, ...]
    positions: tuple[int | Buffer, ...]
    row: int = -1
