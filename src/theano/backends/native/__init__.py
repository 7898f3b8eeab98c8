"""The native backend: Program → machine code in memory, through LLVM.

    executable = compile_program(program)
    f = executable.bind(slow, on_error, "single")

Read in this order: `executable.py` (the public face), `image.py` (a program as tables), `kernel_code.py` and
`kernel_slots.py`, `kernel_text.py`, `position_text.py`, `opcode_text.py`, `reduction_text.py`, `hoisted_runs_text.py`,
`joint_runs_text.py` (kernels as vector code),
the run-time system in the language of `runtime_language.py`, and `target.py` (LLVM). Nothing here knows the graph: the
input is `lowering/program.py`.

The run-time system: `runtime_core.py` (frames, memory), `runtime_calls.py` (from arguments to results),
`runtime_point_calls.py` (the same for functions of numbers), `runtime_records.py` (a kernel's tables),
`runtime_prepare.py`, `runtime_kernels.py`, `runtime_axes.py`, `runtime_walk.py`, `runtime_turn.py`, `runtime_runs.py`
(running a kernel, from the step down to a run of vectors), `runtime_rows.py` (groups of kernels), `runtime_views.py`,
`runtime_parts.py`, `runtime_reshapes.py` (views), `runtime_python_calls.py`, `runtime_products.py` (BLAS),
`runtime_routines.py` (what a routine step is). Routines of LAPACK start from `runtime_matrices.py`, convolution and
pooling from `runtime_plan.py` and `vector_language.py`.
"""

from __future__ import annotations

from theano.backends.native.executable import Executable as Executable
from theano.backends.native.executable import compile_program as compile_program
from theano.backends.native.kernel_code import kernel_dtypes as kernel_dtypes
