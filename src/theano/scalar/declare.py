"""elementwise(): declare one elementwise op, that is make its record and enter it in `ScalarOp.registry`.

Also what the tables of the family files share: the gradient that is zero, constants of a variable's dtype, and the
rule for complex inputs. The family files are arithmetic, exponential, trigonometric, hyperbolic, rounding, special,
comparison, logic, selection, complex_numbers and activation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from theano.scalar.dtypes import is_complex
from theano.scalar.facts import REAL
from theano.scalar.op import ZERO, ScalarOp


def zero_gradient(*arguments: Any) -> tuple[str, ...]:
    """Connected, and zero almost everywhere, in every input."""
    return (ZERO,) * (len(arguments) - 2)


def like(number: float, variable: Any) -> np.ndarray:
    """A constant in a variable's dtype: in a gradient, 1.7724… would otherwise turn float32 into float64."""
    return np.asarray(number, dtype=variable.dtype)


def holomorphic(grad: Callable[..., Any]) -> Callable[..., Any]:
    """Make a real gradient right for complex inputs of a holomorphic op.

    The gradient of a real cost C by a complex x is dC/dRe(x) + i dC/dIm(x). For holomorphic y = f(x) it is
    conj(f'(x)) * gz = conj(f'(x) * conj(gz)); by a real x it is the real part of that.
    """

    def gradient(*arguments: Any) -> Any:
        *inputs, output, gz = arguments
        if not is_complex(output.dtype):
            return grad(*arguments)
        conj, real = ScalarOp.registry["conj"], ScalarOp.registry["real"]
        entries = grad(*inputs, output, conj(gz))
        if not isinstance(entries, tuple):
            entries = (entries,)
        return tuple(
            entry if isinstance(entry, str) else conj(entry) if is_complex(x.dtype) else real(entry)
            for entry, x in zip(entries, inputs)
        )

    return gradient


def elementwise(
    name: str,
    nin: int | None = 1,
    *,
    dtype: Callable[..., str],
    numpy: Callable[..., Any] | None = None,
    grad: Callable[..., Any] | str | None = None,
    facts: Iterable[Any] = (),
    domain: tuple = (REAL,),
    complex_grad: str = "holomorphic",
    **fields: Any,
) -> ScalarOp:
    """Declare an op; the fields are those of `ScalarOp`.

    grad           ZERO stands for the gradient that is zero in every input
    complex_grad   "holomorphic": `grad` is written for reals and is extended; "own": it handles complex inputs itself
    domain         one interval per input; a single one is for all inputs
    """
    gradient: Callable[..., Any] | None
    if isinstance(grad, str):
        assert grad == ZERO
        gradient = zero_gradient
    elif grad is not None and complex_grad == "holomorphic":
        gradient = holomorphic(grad)
    else:
        gradient = grad
    if nin is not None and len(domain) == 1:
        domain = domain * nin
    record = ScalarOp(name, nin, dtype, numpy, grad=gradient, facts=frozenset(facts), domain=domain, **fields)
    if name in ScalarOp.registry:
        raise ValueError(f"two elementwise ops are called {name!r}")
    ScalarOp.registry[name] = record
    return record
