"""Run a kernel with plain NumPy: slow, obviously right, the oracle of the tests of lowering and of backends.

The whole iteration space is computed at once, one array for each instruction; nothing here is fused or blocked.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from theano.lowering.kernel import INDEXED, Instr, Kernel, Operand
from theano.scalar.exponential import log_of_product, log_of_quotient


class ShapeMismatch(ValueError):
    """Operands disagree about the length of an iteration axis."""


def reference_run(
    kernel: Kernel,
    inputs: Sequence[np.ndarray],
    extents: Sequence[int | None] = (),
    start: dict[int, np.ndarray] | None = None,
) -> list[np.ndarray]:
    """The results of a kernel as new arrays.

    extents    lengths of iteration axes that no operand tells
    start      {output number: array}: what a scatter result starts as
    """
    start = start or {}
    lengths = list(extents) or [None] * kernel.rank
    for operand, array in zip(kernel.operands[: kernel.n_inputs], inputs, strict=True):
        _match(operand, array, lengths)
    for number, array in start.items():
        _match(kernel.operands[kernel.n_inputs + number], array, lengths)
    if any(n is None for n in lengths):
        raise ValueError("an iteration axis has no length")
    shape = tuple(int(n) for n in lengths)  # type: ignore[arg-type]
    if any(n < 0 for n in shape):
        raise ValueError(f"negative length in {shape}")
    values: list[np.ndarray] = []
    with np.errstate(all="ignore"):
        for instr in kernel.body:
            args = [values[a] for a in instr.args]
            value = _instruction(kernel, instr, args, inputs, shape)
            values.append(np.broadcast_to(np.asarray(value, dtype=instr.dtype), shape))
        return [
            _result(kernel, number, result, values, shape, start.get(number))
            for number, result in enumerate(kernel.results)
        ]


def _match(operand: Operand, array: np.ndarray, lengths: list[int | None]) -> None:
    if array.ndim != len(operand.axes):
        raise ValueError(f"an operand of rank {len(operand.axes)} is bound to an array of rank {array.ndim}")
    for axis, n in zip(operand.axes, array.shape, strict=True):
        if axis == INDEXED:
            continue
        known = 1 if axis < 0 else lengths[axis]
        if known is None:
            lengths[axis] = n
        elif known != n:
            raise ShapeMismatch(f"axis {axis}: {known} and {n}")


def _positions(operand: Operand, array: np.ndarray, args: Sequence[np.ndarray], shape: tuple[int, ...]) -> tuple:
    """One index array per buffer axis, all broadcast to the iteration space."""
    computed = iter(args)
    index: list[Any] = []
    for axis, n in zip(operand.axes, array.shape, strict=True):
        if axis == INDEXED:
            at = np.asarray(next(computed), dtype=np.int64)
            if at.size and ((at < -n) | (at >= n)).any():
                raise IndexError(f"position out of range for length {n}")
            index.append(np.where(at < 0, at + n, at))
        elif axis < 0:
            index.append(np.zeros(shape, dtype=np.int64))
        else:
            ramp = np.arange(shape[axis]).reshape([-1 if a == axis else 1 for a in range(len(shape))])
            index.append(np.broadcast_to(ramp, shape))
    return tuple(index)


_NUMPY: dict[str, Callable[..., Any]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "imod": np.remainder, "idiv": np.floor_divide,
    "fmod": np.fmod, "neg": np.negative, "abs": np.abs, "min": np.minimum, "max": np.maximum, "sqrt": np.sqrt,
    "floor": np.floor, "ceil": np.ceil, "trunc": np.trunc, "rint": np.rint, "copysign": np.copysign,
    "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor, "not": np.invert, "shl": np.left_shift,
    "shr": np.right_shift, "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
    "eq": np.equal, "ne": np.not_equal, "isnan": np.isnan, "isinf": np.isinf, "select": np.where,
    "fma": lambda a, b, c: a * b + c,
}  # fmt: skip

_MATH_NAMES = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh",
    "atanh": "arctanh", "atan2": "arctan2", "pow": "power",
}  # fmt: skip


def _power(x: np.ndarray, y: np.ndarray) -> Any:
    """By repeated squaring; products wrap."""
    rest = np.asarray(y).astype(np.dtype(f"u{y.dtype.itemsize}"))
    value, square = np.ones(np.broadcast_shapes(x.shape, y.shape), x.dtype), np.asarray(x)
    while rest.any():
        value = np.where(rest & 1 != 0, np.multiply(value, square, dtype=x.dtype), value)
        square, rest = np.multiply(square, square, dtype=x.dtype), rest >> 1
    return value


_OF_SCIPY: dict[str, Callable[..., Any]] = {
    "erfcx": lambda special, x: special.erfcx(x), "psi": lambda special, x: special.psi(x),
    "trigamma": lambda special, x: special.polygamma(1, x).astype(x.dtype),
    "polygamma": lambda special, n, x: special.polygamma(n.astype("f8"), x.astype("f8")).astype(x.dtype),
}  # fmt: skip
_OF_TWO = {"log_product": log_of_product, "log_quotient": log_of_quotient}


def _instruction(
    kernel: Kernel, instr: Instr, args: list[np.ndarray], inputs: Sequence[np.ndarray], shape: tuple[int, ...]
) -> Any:
    match instr.op:
        case "load" | "gather":
            operand = kernel.operands[instr.attr]
            array = inputs[instr.attr]
            return array[_positions(operand, array, args, shape)] if array.ndim else array
        case "iota":
            ramp = np.arange(shape[instr.attr])
            return ramp.reshape([-1 if a == instr.attr else 1 for a in range(len(shape))])
        case "extent":
            return np.int64(shape[instr.attr])
        case "const":
            return np.asarray(instr.attr).astype(instr.dtype)
        case "cast":
            return args[0].astype(instr.dtype)
        case "re":
            return args[0].real
        case "im":
            return args[0].imag
        case "pair":
            value = np.empty(np.broadcast_shapes(args[0].shape, args[1].shape), instr.dtype)
            value.real, value.imag = args
            return value
        case "div":
            return _divide(args[0], args[1], instr.dtype)
        case "power":
            return _power(*args)
        case "math":
            return _mathematics(instr.attr, args)
        case "call":
            module, _, name = instr.attr.partition(":")
            function = np.vectorize(getattr(importlib.import_module(module), name), otypes=[np.float64])
            return function(*(a.astype(np.float64) for a in args)) if args[0].size else args[0]
        case "floor" | "ceil" | "trunc" | "rint" if instr.dtype[0] != "f":
            return args[0]
        case "isnan" | "isinf" if args[0].dtype.kind != "f":
            return np.zeros(shape, dtype=bool)
    if instr.dtype == "bool" and instr.op == "sub":
        return np.logical_xor(*args)
    return _NUMPY[instr.op](*args)


def _divide(a: np.ndarray, b: np.ndarray, dtype: str) -> np.ndarray:
    if dtype[0] == "f":
        return np.divide(a, b)
    quotient = np.floor_divide(a, b)
    rest = a - quotient * b
    return np.where(b == 0, 0, quotient + ((rest != 0) & ((a < 0) != (b < 0)))).astype(dtype)


def _mathematics(name: str, args: list[np.ndarray]) -> Any:
    if name == "exp10":
        return np.power(args[0].dtype.type(10), args[0])
    numpy_name = _MATH_NAMES.get(name, name)
    if hasattr(np, numpy_name):
        return getattr(np, numpy_name)(*args)
    if name in _OF_TWO:
        return _OF_TWO[name](*args)
    if name in _OF_SCIPY:
        return _OF_SCIPY[name](importlib.import_module("scipy.special"), *args)
    dtype = args[0].dtype

    def scalar(x: float) -> float:
        try:
            return float(getattr(math, {"tgamma": "gamma"}.get(name, name))(x))
        except OverflowError:
            return math.inf
        except ValueError:
            # a pole or a negative half-axis, where C answers and Python raises
            if name == "tgamma":
                return math.copysign(math.inf, x) if x == 0 else math.nan
            return math.inf

    return np.vectorize(scalar, otypes=[np.float64])(args[0].astype(np.float64)).astype(dtype)


_REDUCE: dict[str, Callable[..., Any]] = {
    "sum": np.add.reduce, "prod": np.multiply.reduce, "max": np.maximum.reduce, "min": np.minimum.reduce,
    "sup": partial(np.maximum.reduce, initial=-np.inf),
    "all": np.logical_and.reduce, "any": np.logical_or.reduce, "or": np.bitwise_or.reduce,
    "and": np.bitwise_and.reduce, "xor": np.bitwise_xor.reduce,
}  # fmt: skip


def _result(
    kernel: Kernel,
    number: int,
    result: Any,
    values: list[np.ndarray],
    shape: tuple[int, ...],
    start: np.ndarray | None,
) -> np.ndarray:
    operand = kernel.operands[kernel.n_inputs + number]
    value = values[result.value]
    named = [a for a in operand.axes if a >= 0]
    if result.kind.startswith("scatter"):
        if start is None:
            raise ValueError("a scatter result needs something to start from")
        out = np.array(start, dtype=operand.dtype)
        index = _positions(operand, out, [values[a] for a in result.args], shape)
        flat = tuple(i.reshape(-1) for i in index)
        value = value.reshape(-1).astype(operand.dtype)
        if result.kind == "scatter_add":
            np.add.at(out, flat, value)
        else:
            for position, item in zip(zip(*flat, strict=True), value, strict=True):
                out[position] = item
        return out
    # the named axes first, in the output's order, then what is reduced in C order
    reduced = [a for a in range(kernel.rank) if a not in named]
    moved = value.transpose(named + reduced)
    kept = tuple(shape[a] for a in named)
    moved = moved.reshape((*kept, math.prod(shape[a] for a in reduced)))
    if result.kind == "store":
        out = moved.reshape(kept)
    elif result.kind in ("argmax", "argmin"):
        if moved.shape[-1] == 0:
            raise ValueError(f"{result.kind} of nothing")
        out = getattr(np, result.kind)(moved, axis=-1)
    else:
        if result.kind in ("max", "min") and moved.shape[-1] == 0:
            raise ValueError(f"{result.kind} of nothing")
        if result.kind in ("all", "any"):
            out = _REDUCE[result.kind](moved, axis=-1)
        else:
            accumulator = result.dtype or value.dtype.name
            wide = moved.astype(accumulator)
            if accumulator == "float16" and result.kind in ("sum", "prod"):
                wide = wide.astype(np.float32)
            if result.kind == "and" and moved.shape[-1] == 0:
                out = np.full(kept, -1 if wide.dtype.kind != "b" else True).astype(wide.dtype)
            else:
                keyword = {"dtype": wide.dtype} if result.kind in ("sum", "prod") else {}
                out = _REDUCE[result.kind](wide, axis=-1, **keyword)
    full = [shape[a] if a >= 0 else 1 for a in operand.axes]
    return np.array(np.asarray(out).astype(operand.dtype).reshape(full), order="C")
