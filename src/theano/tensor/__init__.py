"""theano.tensor: symbolic dense arrays."""

from __future__ import annotations

import importlib
import typing

from theano.tensor.basic import *  # noqa: F403

# submodules that are loaded when they are first named, as in `tensor.nnet.softmax`
_SUBMODULES = (
    "fft", "fourier", "io", "linear", "nlinalg", "slinalg", "nnet", "opt", "raw_random", "shared_randomstreams",
    "signal", "utils",
)
_SCALARS = ("ScalarFromTensor", "TensorFromScalar", "scalar_from_tensor", "tensor_from_scalar")
# names of `theano.gradient` that programs spell `theano.tensor.grad` too
_DERIVATIVES = (
    "Lop", "Rop", "consider_constant", "disconnected_grad", "grad", "grad_clip", "grad_not_implemented",
    "grad_undefined", "hessian", "jacobian", "numeric_grad", "verify_grad", "zero_grad",
)  # fmt: skip


def __getattr__(name: str) -> typing.Any:
    if name in _DERIVATIVES:
        return getattr(importlib.import_module("theano.gradient"), name)
    if name == "load":
        return importlib.import_module("theano.tensor.io").load
    if name in _SCALARS:
        return getattr(importlib.import_module("theano.tensor.scalar_types"), name)
    if name in _SUBMODULES:
        return importlib.import_module(f"theano.tensor.{name}")
    raise AttributeError(f"module 'theano.tensor' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_DERIVATIVES, *_SUBMODULES, "load"})
