"""Machine code that turns a block of memory: rows become columns, a square of elements at a time, in registers.

    i64 turn_<lanes>_<bits>(target, source, step, count, width, pitch)

`count` rows of `width` elements, `step` bytes apart, become columns: rows of the target, `pitch` bytes apart. There are
at least `lanes` of each. A last square that does not fit begins earlier. The memory of the block beside this one, which
comes next, is asked for.
"""

from __future__ import annotations

from theano.backends.native import target
from theano.backends.native.vector_text import SIZE

PREFETCH = "declare void @llvm.prefetch.p0(ptr, i32, i32, i32)"


def squares_for(size: int) -> tuple[int, ...]:
    """The sides of squares for elements of so many bytes, largest first."""
    side = target.host().vector_bytes // size
    return tuple(n for n in (side, side // 2) if 4 <= n <= 16)


def turn_text(lanes: int, kind: str) -> str:
    """The LLVM text (after PREFETCH) of the function for squares of so many elements, which are moved as integers."""
    vec, size = f"<{lanes} x {kind}>", SIZE[kind]
    lines = [
        f"define i64 @turn_{lanes}_{8 * size}"
        "(ptr %target, ptr %source, i64 %step, i64 %count, i64 %width, i64 %pitch) {",
        "entry:",
        f"  %last.row = sub i64 %count, {lanes}",
        f"  %last.column = sub i64 %width, {lanes}",
        f"  %ahead = mul i64 %width, {size}",
        *(f"  %from.{n} = mul i64 %step, {n}" for n in range(lanes)),
        *(f"  %to.{n} = mul i64 %pitch, {n}" for n in range(lanes)),
        "  br label %rows",
        "rows:",
        "  %row = phi i64 [0, %entry], [%row.next, %row.done]",
        "  %row.early = icmp slt i64 %row, %last.row",
        "  %r = select i1 %row.early, i64 %row, i64 %last.row",
        "  %row.offset = mul i64 %r, %step",
        "  %row.from = getelementptr i8, ptr %source, i64 %row.offset",
        f"  %column.offset = mul i64 %r, {size}",
        "  %row.to = getelementptr i8, ptr %target, i64 %column.offset",
        "  br label %columns",
        "columns:",
        "  %column = phi i64 [0, %rows], [%column.next, %columns]",
        "  %column.early = icmp slt i64 %column, %last.column",
        "  %c = select i1 %column.early, i64 %column, i64 %last.column",
        f"  %c.bytes = mul i64 %c, {size}",
        "  %c.pitch = mul i64 %c, %pitch",
        "  %from = getelementptr i8, ptr %row.from, i64 %c.bytes",
        "  %to = getelementptr i8, ptr %row.to, i64 %c.pitch",
    ]
    values = []
    for n in range(lanes):
        lines += [
            f"  %at.{n} = getelementptr i8, ptr %from, i64 %from.{n}",
            f"  %next.{n} = getelementptr i8, ptr %at.{n}, i64 %ahead",
            f"  call void @llvm.prefetch.p0(ptr %next.{n}, i32 0, i32 3, i32 1)",
            f"  %v.{n} = load {vec}, ptr %at.{n}, align {size}",
        ]
        values.append(f"%v.{n}")
    values = _exchanges(lines, vec, values)
    for n, value in enumerate(values):
        lines += [
            f"  %place.{n} = getelementptr i8, ptr %to, i64 %to.{n}",
            f"  store {vec} {value}, ptr %place.{n}, align {size}",
        ]
    lines += [
        f"  %column.next = add i64 %column, {lanes}",
        "  %column.more = icmp slt i64 %column.next, %width",
        "  br i1 %column.more, label %columns, label %row.done",
        "row.done:",
        f"  %row.next = add i64 %row, {lanes}",
        "  %row.more = icmp slt i64 %row.next, %count",
        "  br i1 %row.more, label %rows, label %done",
        "done:",
        "  ret i64 0",
        "}",
    ]
    return "\n".join(lines)


def _exchanges(lines: list[str], vec: str, values: list[str]) -> list[str]:
    """Turn a square whose rows are `values`: squares of half the side change places, in pairs of rows, again and
    again."""
    lanes = len(values)
    distance = 1
    while distance < lanes:
        values = list(values)
        for low in (n for n in range(lanes) if not n & distance):
            high = low + distance
            pair = f"{vec} {values[low]}, {vec} {values[high]}, <{lanes} x i32>"
            first = [lanes + n - distance if n & distance else n for n in range(lanes)]
            second = [n + lanes if n & distance else n + distance for n in range(lanes)]
            for number, chosen in ((low, first), (high, second)):
                values[number] = f"%s.{distance}.{number}"
                mask = ", ".join(f"i32 {n}" for n in chosen)
                lines.append(f"  {values[number]} = shufflevector {pair} <{mask}>")
        distance *= 2
    return values
