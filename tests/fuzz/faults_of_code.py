"""Planted miscompilations in the text of machine code: each is a wrong line that an emitter could write.

A fault is (pattern, replacement) for one place in the LLVM IR of a kernel. None makes code leave its arrays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from theano.backends.native import kernel_code

Edit = Callable[[re.Match[str]], str]
LANES = re.compile(r"i64 (\d+)(?=[,>])")
VALUES = r"<\d+ x (?:double|float)>"


def one_lane_less(found: re.Match[str]) -> str:
    return LANES.sub(lambda lane: f"i64 {int(lane[1]) + 1}", found[0])


def swapped(found: re.Match[str]) -> str:
    return f"{found[1]}{found[3]}, {found[2]}"


def other_part(found: re.Match[str]) -> str:
    return found[1] + re.sub(r"i32 (\d+)", lambda lane: f"i32 {int(lane[1]) + 1}", found[2])


# of complex numbers, whose parts lie in turn
OF_COMPLEX: dict[str, tuple[str, str | Edit]] = {
    "imaginary for real parts": (
        rf"(shufflevector {VALUES} %\w+, {VALUES} poison, <\d+ x i32> )(<i32 0, i32 2[,>].*)$", other_part),
    "imaginary parts first": (
        rf"(shufflevector {VALUES} )(%\w+), ({VALUES} )(%\w+)(, <\d+ x i32> <i32 0, i32 \d+, i32 1,.*)$",
        r"\1\4, \3\2\5"),
}
FAULTS: dict[str, tuple[str, str | Edit]] = {
    "last element not written": (r"icmp slt <\d+ x i64> <i64 0,[^>]*>", one_lane_less),
    "product is a sum": (rf"fmul ({VALUES})", r"fadd \1"),
    "difference turned round": (rf"(fsub {VALUES} )(%\w+), (%\w+)$", swapped),
    "sum is a difference": (rf"fadd ({VALUES})", r"fsub \1"),
    "choices swapped": (rf"(select <\d+ x i1> %\w+, )({VALUES} %\w+), ({VALUES} %\w+)$", swapped),
    "sign bit lost when widened": (r"\bsext (<\d+ x i(?:8|16|32)>)", r"zext \1"),
    "integers taken for unsigned": (r"\bsitofp (<\d+ x i)", r"uitofp \1"),
    "less or equal for less": (rf"fcmp olt ({VALUES})", r"fcmp ole \1"),
    "equal for unequal": (rf"fcmp une ({VALUES})", r"fcmp oeq \1"),
    "sum does not start at zero": (
        r"store (<\d+ x double>) splat \(double 0x0000000000000000\)", r"store \1 splat (double 0x3FF0000000000000)"),
    "every second element": (r"(%at\d+ = getelementptr i8, ptr %\w+, i64 )(?:%v\d+|[1-9]\d*)", r"\g<1>0"),
    "square root forgotten": (r"call (<\d+ x double>) @llvm\.sqrt\.v(\d+)f64\(", r"call \1 @llvm.fabs.v\2f64("),
}  # fmt: skip


@contextmanager
def planted(name: str, rng: np.random.Generator) -> Iterator[list[str]]:
    """Kernels compiled inside have the fault, in one place each; the list grows by each line that was changed.

    What is compiled here is forgotten afterwards.
    """
    found, replacement = (FAULTS | OF_COMPLEX)[name]
    pattern = re.compile(found, re.MULTILINE)
    changed: list[str] = []

    class Faulty(kernel_code.KernelText):
        def write(self) -> None:
            super().write()
            places = list(pattern.finditer(self.function))
            if places:
                at = places[int(rng.integers(len(places)))]
                new = replacement(at) if callable(replacement) else at.expand(replacement)
                self.function = self.function[:at.start()] + new + self.function[at.end():]
                changed.append(f"{at[0]} -> {new}")

    before = kernel_code.KernelText, kernel_code._compiled
    kernel_code.KernelText, kernel_code._compiled = Faulty, {}  # type: ignore[misc]
    try:
        yield changed
    finally:
        kernel_code.KernelText, kernel_code._compiled = before  # type: ignore[misc]
