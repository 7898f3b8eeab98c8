"""The tables of steps that call libraries: matrix products and routines.

The layouts are those of `runtime_products.py` and `runtime_routines.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from theano.backends.native import runtime_core as core
from theano.backends.native import runtime_products as products
from theano.backends.native import runtime_records as records
from theano.backends.native import runtime_routines as routines
from theano.backends.native import target
from theano.backends.native.thread_count import find_blas
from theano.backends.native.vector_code import code_table, tile_products, vector_products
from theano.lowering.program import Buffer, CallStep, FreeStep, KernelStep, RoutineStep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from theano.backends.native.image import Image
    from theano.lowering.program import RowGroup

# of a product: the routine of BLAS (if it is BLAS's), the kind (see PRODUCT_KIND), and what runs it
_MATRICES, _VECTORS = ("products", "product_run"), ("vector_products", "vector_product_run")
_PRODUCTS = {
    "dot": ("", 0, _VECTORS),
    "gemv": ("", 1, _VECTORS),
    "gemm": ("gemm", 2, _MATRICES),
    "ger": ("ger", 3, _VECTORS),
    "batched_gemm": ("gemm", 4, ("stacks", "stack_run")),
}


def product_record(image: Image, step: CallStep) -> int:
    find_blas()
    name, kind, door = _PRODUCTS[step.routine]
    out = step.outputs[0]
    prepare, run = image.runtime.door("products", "product_prepare"), image.runtime.door(*door)
    letter = {"float32": "s", "float64": "d"}[out.dtype]
    at = image.put([0] * (products.PRODUCT_BYTES // 8))
    image.write(at, core.STEP_PREPARE, prepare)
    image.write(at, core.STEP_RUN, run)
    scalars = [x for x in (step.alpha, step.beta) if isinstance(x, Buffer)]
    matrices = step.inputs[: len(step.inputs) - len(scalars)]
    image.write(at, products.PRODUCT_A, image.offset(matrices[0]))
    image.write(at, products.PRODUCT_B, image.offset(matrices[1]))
    image.write(at, products.PRODUCT_OUT, image.offset(out))
    beta: float | Buffer = step.beta
    if len(matrices) > 2 and not (isinstance(beta, float | int) and beta == 0 and kind != 3):
        image.write(at, products.PRODUCT_C, image.offset(matrices[2]))
        image.write(at, products.PRODUCT_GUARD, image.owners.guard.get(id(matrices[2]), 0))
        takes_over = step.inplace and id(matrices[2]) not in image.owners.never
        image.write(at, products.PRODUCT_TAKES_OVER, int(takes_over))
    else:
        beta = 0.0
    for value, where in ((step.alpha, products.PRODUCT_ALPHA), (beta, products.PRODUCT_BETA)):
        if isinstance(value, Buffer):
            image.write(at, where + 8, image.offset(value))
        else:
            bits = np.zeros(1, dtype=np.int64)
            bits.view(out.dtype)[0] = value
            image.point(at, where, image.put([int(bits[0])]))
    image.write(at, products.PRODUCT_SIZE, np.dtype(out.dtype).itemsize)
    if name:
        image.write(at, products.PRODUCT_ROUTINE, target.c_address(f"blas_{letter}{name}"))
        image.write(at, products.PRODUCT_TILES, tile_products(out.dtype))
    else:
        image.write(at, products.PRODUCT_VECTORS, vector_products(out.dtype))
    image.write(at, products.PRODUCT_KIND, kind)
    image.write(at, products.PRODUCT_STATE, image.room(8))
    return at


def kernels_behind_product(image: Image, group: RowGroup, tables: Sequence[int], followed: int) -> None:
    """Tell a group's product, and its last kernel, of each other. followed: FOLLOWED_PRODUCT."""
    program = image.program
    steps = program.steps[group.start : group.stop]
    kernels = [step for step in steps if isinstance(step, KernelStep)]
    product, last = tables[group.start], tables[group.stop - 1]
    (out,) = steps[0].outputs
    readers = [s for s in program.steps if not isinstance(s, FreeStep) and any(b is out for b in s.inputs)]
    # the result of a gemm in place is memory of what it is added to, which kernels read, too
    ours = all(any(s is k for k in kernels) for s in readers) and all(o.buffer is not out for o in program.outputs)
    plain = isinstance(steps[0], CallStep) and steps[0].beta == 0
    image.write(product, products.PRODUCT_FOLLOWED, max(1, sum(image.kernels[id(k)].cost for k in kernels)))
    image.write(product, products.PRODUCT_OURS, int(ours and plain))
    image.write(last, core.STEP_RUN, image.runtime.door("products", "run_behind_product"))
    image.point(last, records.KERNEL_PRODUCT, followed)


def routine_record(image: Image, step: RoutineStep) -> int:
    """The routine "family.name" is the pair of functions name_prepare and name_run in `runtime_<family>.py`."""
    family, _, name = step.routine.partition(".")
    prepare, run = (image.runtime.door(family, f"{name}_{what}") for what in ("prepare", "run"))
    at = image.put([0] * (routines.ROUTINE_BYTES // 8))
    image.write(at, core.STEP_PREPARE, prepare)
    image.write(at, core.STEP_RUN, run)
    for buffers, where in ((step.inputs, routines.ROUTINE_INPUTS), (step.outputs, routines.ROUTINE_OUTPUTS)):
        words = [w for b in buffers for w in (image.offset(b), b.ndim, np.dtype(b.dtype).itemsize)]
        image.point(at, where, image.put(words or [0]))
    image.point(at, routines.ROUTINE_PARAMS, image.put([int(n) for n in step.params] or [0]))
    image.write(at, routines.ROUTINE_STATE, image.room(routines.ROUTINE_STATE_BYTES))
    image.write(at, routines.ROUTINE_COUNT, len(step.inputs))
    image.write(at, routines.ROUTINE_CODE, code_table(step.routine, step.outputs[0].dtype))
    return at
