"""Making small programs by hand, running them natively, and comparing with the NumPy reference."""

from __future__ import annotations

from typing import Any

import numpy as np

from theano.backends.native import compile_program
from theano.lowering.kernel import Instr, Kernel, Operand, Result
from theano.lowering.kernel_reference import reference_run
from theano.lowering.program import Buffer, KernelStep, Program, ProgramInput, ProgramOutput


class Failure(Exception):
    """What `on_error` raises here: step, code, detail, shapes."""

    def __init__(self, step: int, code: str, detail: tuple, shapes: list, args: tuple) -> None:
        super().__init__(step, code, detail, shapes)
        self.step, self.code, self.detail, self.shapes, self.call_args = step, code, detail, shapes, args


def fail(*what: Any) -> None:
    raise Failure(*what)


def never_slow(*args: Any, **kwargs: Any) -> None:
    raise AssertionError(f"the slow path was taken with {args} {kwargs}")


def kernel_program(kernel: Kernel, extents: tuple = (), start: dict[int, int] | None = None) -> Program:
    """A program of one kernel. start: {output: ndim} adds an input that a scatter output starts as a copy of."""
    inputs = [Buffer(n, o.dtype, (None,) * len(o.axes)) for n, o in enumerate(kernel.operands[: kernel.n_inputs])]
    outputs = [
        Buffer(100 + n, o.dtype, (None,) * len(o.axes)) for n, o in enumerate(kernel.operands[kernel.n_inputs :])
    ]
    bases = {n: Buffer(200 + n, outputs[n].dtype, (None,) * ndim) for n, ndim in (start or {}).items()}
    step = KernelStep(inputs=inputs, outputs=outputs, kernel=kernel, extents=extents, base=bases)
    return Program(
        inputs=[ProgramInput(b) for b in (*inputs, *bases.values())],
        outputs=[ProgramOutput(b) for b in outputs],
        constants=[],
        steps=[step],
        commit_from=1,
    )


def compiled(program: Program, unpack: str = "list", optimize: bool = False) -> Any:
    return compile_program(program, optimize=optimize).bind(never_slow, fail, unpack)


def fills_memory(array: np.ndarray) -> bool:
    """Is it contiguous, in whatever order its axes lie in memory?"""
    order = sorted(range(array.ndim), key=lambda axis: -array.strides[axis])
    return array.transpose(order).flags.c_contiguous


def check(
    kernel: Kernel,
    inputs: list[np.ndarray],
    *,
    extents: tuple = (),
    start: dict[int, np.ndarray] | None = None,
    rtol: float = 0.0,
    atol: float = 0.0,
    optimize: bool = False,
    signs: bool = False,
) -> list[np.ndarray]:
    """Run natively and by the reference and compare; NaN equals NaN. signs: those of zeros, too."""
    start = start or {}
    program = kernel_program(kernel, extents, {n: a.ndim for n, a in start.items()})
    found = compiled(program, optimize=optimize)(*inputs, *start.values())
    expected = reference_run(kernel, inputs, extents, start)
    assert len(found) == len(expected)
    for have, want in zip(found, expected, strict=True):
        assert type(have) is np.ndarray
        assert have.dtype == want.dtype
        assert have.shape == want.shape
        assert have.flags.writeable and have.flags.owndata
        assert have.flags.c_contiguous or (not all(a.flags.c_contiguous for a in inputs) and fills_memory(have))
        np.testing.assert_allclose(have, want, rtol=rtol, atol=atol, equal_nan=True, err_msg=str(kernel))
        if signs and want.dtype.kind == "f":
            zero = want == 0
            np.testing.assert_array_equal(np.signbit(have[zero]), np.signbit(want[zero]), err_msg=str(kernel))
    return found


def elementwise(op: str, dtypes: list[str], dtype: str, rank: int, attr: Any = None) -> Kernel:
    """out = op(in0, in1, ...), all operands of full rank."""
    axes = tuple(range(rank))
    operands = [Operand(d, axes) for d in dtypes] + [Operand(dtype, axes)]
    body = [Instr("load", d, (), n) for n, d in enumerate(dtypes)]
    body.append(Instr(op, dtype, tuple(range(len(dtypes))), attr))
    return Kernel(rank, tuple(operands), len(dtypes), tuple(body), (Result("store", len(dtypes)),))


def layouts(array: np.ndarray) -> dict[str, np.ndarray]:
    """The same values in several memory layouts."""
    found = {"contiguous": np.ascontiguousarray(array).reshape(array.shape)}
    if array.ndim:
        wide = np.zeros([2 * n for n in array.shape], dtype=array.dtype)
        every = tuple(slice(None, None, 2) for _ in array.shape)
        wide[every] = array
        found["strided"] = wide[every]
        back = tuple(slice(None, None, -1) for _ in array.shape)
        found["reversed"] = np.ascontiguousarray(array[back])[back]
        found["transposed"] = np.asfortranarray(array)
    return found
