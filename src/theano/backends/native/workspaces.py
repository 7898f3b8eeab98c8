"""How much memory routines take for their own use: for memory plans, which compute nothing.

Those of convolution and pooling are in `workspaces_of_windows.py`, the others here.

Each function says what the routine of the same name in `runtime_<family>.py` asks `workspace` for. LAPACK is asked for
the lengths of its workspaces as those routines ask it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from theano.backends.native import runtime_cholesky, runtime_panels, runtime_products, runtime_records, target
from theano.backends.native.runtime import cache_room
from theano.backends.native.thread_count import threads_for_multiplications
from theano.backends.native.workspaces_of_windows import convolution_workspace, pooling_workspace

_DOUBLE = 8
_RULES: dict[str, Callable[[Sequence[int], Sequence[np.ndarray]], int]] = {}


def workspace_of(
    routine: str, params: Sequence[int], inputs: Sequence[np.ndarray], numbers: Sequence[bool], output: np.ndarray
) -> int | None:
    """Bytes that "family.name" takes besides its results; None: that is not known.

    inputs    arrays of the shapes, strides and dtypes of its inputs
    numbers   of which of them the elements are known; others may not be looked at
    output    an array like the first result
    """
    family, _, name = routine.partition(".")
    if family == "cumulative":
        return 0
    if family == "convolution":
        return convolution_workspace(name, params, inputs, output)
    if family == "pooling":
        return pooling_workspace(name, params, inputs, numbers, output)
    rule = _RULES.get(routine)
    if rule is None:
        return None
    first = inputs[0]
    if not _count(first):
        return 0
    return rule(params, inputs)


def _rule(*routines: str) -> Callable[[Any], Any]:
    def register(function: Any) -> Any:
        _RULES.update(dict.fromkeys(routines, function))
        return function

    return register


def _count(x: np.ndarray) -> int:
    """How many matrices."""
    return int(np.prod(x.shape[:-2], dtype=object))


def _ask(name: str, *arguments: Any, integers: int | None = None, size: int = _DOUBLE) -> tuple[int, int]:
    """The lengths of the workspaces of numbers and of integers that a routine of LAPACK answers with.

    arguments   letters and integers; None stands for an array. The last None before -1 is where the answer goes
    integers    which argument gets the length of the workspace of integers
    size        of the numbers: the routine for floats of 32 or of 64 bits
    """
    answer, whole = (ctypes.c_double * 4)(), ctypes.c_int(0)
    pointers, kept = [], []
    for place, argument in enumerate(arguments):
        if place == integers:
            pointers.append(ctypes.addressof(whole))
        elif argument is None:
            pointers.append(ctypes.addressof(answer))
        else:
            kept.append(ctypes.c_char(argument.encode()) if isinstance(argument, str) else ctypes.c_int(argument))
            pointers.append(ctypes.addressof(kept[-1]))
    info = ctypes.c_int(0)
    pointers.append(ctypes.addressof(info))
    address = target.c_address(f"lapack_{'d' if size == _DOUBLE else 's'}{name}")
    ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * len(pointers))(address)(*pointers)
    if size == _DOUBLE:
        n = int(answer[0])
    else:
        n = int(ctypes.cast(answer, ctypes.POINTER(ctypes.c_float))[0])
    return n + (n >> 20) + 1, whole.value


def _gesdd(job: str, m: int, n: int, high: int) -> int:
    return _ask("gesdd", job, m, n, None, m, None, None, m, None, max(high, 1), None, -1, None)[0]


def _getri(n: int) -> int:
    return _ask("getri", n, None, n, None, None, -1)[0]


@_rule("cholesky.factor")
def _cholesky(params: Sequence[int], inputs: Sequence[np.ndarray]) -> int:
    n = inputs[0].shape[-1]
    return n * n * _DOUBLE if inputs[0].itemsize != _DOUBLE else 0


@_rule("cholesky.gradient")
def _cholesky_gradient(params: Sequence[int], inputs: Sequence[np.ndarray]) -> int:
    x = inputs[0]
    n, size = x.shape[-1], x.itemsize
    in_rows = x.strides[-2:] == (n * size, size)
    return (n * n * (1 - in_rows) + runtime_cholesky.BLOCK**2) * size


@_rule("factors.lu")
def _lu(params: Sequence[int], inputs: Sequence[np.ndarray]) -> int:
    m, n = inputs[0].shape[-2:]
    return (m * n + m + min(m, n)) * inputs[0].itemsize


@_rule("factors.qr")
def _qr(params: Sequence[int], inputs: Sequence[np.ndarray]) -> int:
    m, n = inputs[0].shape[-2:]
    k = min(m, n)
    if not k:
        return 0
    inner = m if params[0] == 1 else k
    room = _ask("geqrf", m, n, None, m, None, None, -1)[0]
    room = max(room, _ask("orgqr", m, inner, k, None, m, None, None, -1)[0])
    return (k + 2 + m * max(n, inner) + room) * _DOUBLE


@_rule("svd.svd")
def _svd(params: Sequence[int], inputs: Sequence[np.ndarray]) -> int:
    m, n = inputs[0].shape[-2:]
    k = min(m, n)
    if not k:
        return 0
    job, wide, high = (("A", m, n), ("S", k, k), ("N", 0, 0))[params[0]]
    return (m * n + m * wide + high * n + k + _gesdd(job, m, n, high) + 8 * k) * _DOUBLE


@_rule("least_squares.pinv")
def _pinv(params: Sequence[int], inputs: Sequence[np.ndarray]) -> int:
    m, n = inputs[0].shape[-2:]
    k = min(m, n)
    return (m * n + (m + n + 1) * k + _gesdd("S", m, n, k) + 8 * k) * _DOUBLE if k else 0


@_rule("least_squares.lstsq")
def _lstsq(params: Sequence[int], inputs: Sequence[np.ndarray]) -> int:
    (m, n), b = inputs[0].shape, inputs[1]
    high, columns = max(m, n, 1), max(b.shape[1] if b.ndim == 2 else 1, 1)
    room, whole = _ask(
        "gelsd", m, n, columns, None, max(m, 1), None, high, None, None, None, None, -1, None, integers=12
    )  # fmt: skip
    return (m * n + high * columns + min(m, n) + room + whole + 1) * _DOUBLE


@_rule("inverses.inverse")
def _inverse(params: Sequence[int], inputs: Sequence[np.ndarray]) -> int:
    n = inputs[0].shape[-1]
    return (n * n + n + max(_getri(n), n * n)) * _DOUBLE if n else 0


@_rule("inverses.det", "inverses.slogdet")
def _determinant(params: Sequence[int], inputs: Sequence[np.ndarray]) -> int:
    n = inputs[0].shape[-1]
    return (n * n + n) * _DOUBLE


@_rule("cofactors.cofactors")
def _cofactors(params: Sequence[int], inputs: Sequence[np.ndarray]) -> int:
    n = inputs[0].shape[-1]
    return (4 * n * n + 9 * n + max(_getri(n), _gesdd("A", n, n, n))) * _DOUBLE if n else 0


@_rule("lu.lu_factor")
def _lu_factor(params: Sequence[int], inputs: Sequence[np.ndarray]) -> int:
    return 0


@_rule("lu.lu_solve")
def _lu_solve(params: Sequence[int], inputs: Sequence[np.ndarray]) -> int:
    b = inputs[2]
    return b.nbytes if b.ndim == 2 and b.shape[1] > 1 else 0


@_rule("solving.solve_diagonal")
def _solve_diagonal(params: Sequence[int], inputs: Sequence[np.ndarray]) -> int:
    return 0


@_rule("solving.solve_triangular")
def _solve_triangular(params: Sequence[int], inputs: Sequence[np.ndarray]) -> int:
    a = inputs[0]
    n, size = a.shape[-1], a.itemsize
    down, across = a.strides[-2:]
    if n <= 1 or any(
        near == size and far % size == 0 and far // size >= n for far, near in ((down, across), (across, down))
    ):
        return 0
    return n * n * size


@_rule("solving.solve_general")
def _solve_general(params: Sequence[int], inputs: Sequence[np.ndarray]) -> int:
    n, k = inputs[0].shape[-1], _sides(inputs)
    return (n * n + n + n * k) * _DOUBLE


@_rule("solving.solve_definite")
def _solve_definite(params: Sequence[int], inputs: Sequence[np.ndarray]) -> int:
    n, k = inputs[0].shape[-1], _sides(inputs)
    return (n * n + n + n * k) * inputs[0].itemsize


@_rule("solving.solve_symmetric")
def _solve_symmetric(params: Sequence[int], inputs: Sequence[np.ndarray]) -> int:
    n, k, size = inputs[0].shape[-1], _sides(inputs), inputs[0].itemsize
    half = "L" if params[1] else "U"
    room = _ask("sysv", half, n, k, None, n, None, None, n, None, -1, size=size)[0] if n and k else 0
    return (n * n + n + n * k + room) * size


def _sides(inputs: Sequence[np.ndarray]) -> int:
    a, b = inputs
    return b.shape[-1] if b.ndim == a.ndim else 1


@_rule("eigen.eigh")
def _eigh(params: Sequence[int], inputs: Sequence[np.ndarray]) -> int:
    lower, _, vectors, pair = params
    n, size = inputs[0].shape[-1], inputs[0].itemsize if pair else _DOUBLE
    if not n:
        return 0
    job, half = "V" if vectors else "N", "L" if lower else "U"
    if pair:
        room, whole = _ask(
            "sygvd", 1, job, half, n, None, n, None, n, None, None, -1, None, -1, integers=11, size=size
        )  # fmt: skip
    else:
        room, whole = _ask("syevd", job, half, n, None, n, None, None, -1, None, -1, integers=8)
    return (n * n * (1 + pair) + n + room + max(whole, 1)) * size


@_rule("eigen.eig")
def _eig(params: Sequence[int], inputs: Sequence[np.ndarray]) -> int:
    n = inputs[0].shape[-1]
    if not n:
        return 0
    room, _ = _ask("geev", "N", "V", n, None, n, None, None, None, 1, None, n, None, -1)
    return (2 * n * n + 2 * n + room) * _DOUBLE


@_rule("products.panel")
def _panel(params: Sequence[int], inputs: Sequence[np.ndarray]) -> int:
    """See `panels_pay`; each thread has a panel."""
    (rows, terms), columns = inputs[0].shape, inputs[1].shape[1]
    row = columns * inputs[0].itemsize
    least, panel = (cache_room()[r // 8] for r in (runtime_records.ROOM_OF_PRODUCTS, runtime_records.ROOM_OF_ROWS))
    if terms > runtime_products.FEW_TERMS_BESIDE or row < runtime_products.LEAST_ROW or rows * row < least:
        return 0
    return threads_for_multiplications(rows * columns * terms) * (panel + runtime_panels.PAGE)


__all__ = ["workspace_of"]
