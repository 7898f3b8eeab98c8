"""Finite differences against symbolic gradients: `verify_grad` and `numeric_grad`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from theano._config import config
from theano.compile.function import function
from theano.errors import TheanoError
from theano.graph.node import Variable
from theano.scalar.dtypes import is_discrete
from theano.tensor.elemwise import cast_to
from theano.tensor.type import tensor_type
from theano.transforms.reverse import grad

_STEP = {"float16": 1e-2, "float32": 3e-4, "float64": 1e-7}
_TOLERANCE = {"float16": 1e-1, "float32": 1e-2, "float64": 1e-4}


class GradientError(TheanoError):
    """A symbolic gradient differs from finite differences."""

    def __init__(
        self, arg: int, err_pos: int, shape: tuple[int, ...], val1: float, val2: float, abs_err: float, rel_err: float,
        abs_tol: float, rel_tol: float,
    ) -> None:
        super().__init__(arg, err_pos, shape, val1, val2, abs_err, rel_err, abs_tol, rel_tol)
        self.arg = arg
        self.err_pos = err_pos
        self.shape = shape
        self.val1 = val1
        self.val2 = val2
        self.abs_err = abs_err
        self.rel_err = rel_err
        self.abs_tol = abs_tol
        self.rel_tol = rel_tol

    def __str__(self) -> str:
        position = np.unravel_index(self.err_pos, self.shape) if self.shape else ()
        return (
            f"The gradient of argument {self.arg} is wrong at {tuple(map(int, position))} of shape {self.shape}:\n"
            f"by finite differences {self.val1}, symbolic {self.val2}\n"
            f"absolute error {self.abs_err} (tolerance {self.abs_tol}), "
            f"relative error {self.rel_err} (tolerance {self.rel_tol})"
        )


class numeric_grad:
    """The gradient of a scalar function `f` at `pt` by forward differences.

    f         takes the arrays of `pt`, returns a number
    pt        an array or a list of arrays; the attribute `gf` has the same form
    eps       the step; by default suitable for the coarsest dtype among the arguments and `out_type`
    """

    type_eps = _STEP

    def __init__(self, f: Callable[..., Any], pt: Any, eps: float | None = None, out_type: str | None = None) -> None:
        single = not isinstance(pt, (list, tuple))
        points = [np.array(p) for p in ([pt] if single else pt)]
        for p in points:
            if p.dtype.name not in _STEP:
                raise TypeError(f"numeric_grad needs float arguments, got an array of dtype {p.dtype}")
        if eps is None:
            names = [p.dtype.name for p in points] + ([out_type] if out_type in _STEP else [])
            eps = max(_STEP[name] for name in names) if names else _STEP["float64"]
        reference = np.asarray(f(*[p.copy() for p in points]))
        if reference.shape != ():
            raise ValueError(f"numeric_grad needs a function with a scalar result, got one of shape {reference.shape}")
        gradients = []
        for p in points:
            gradient = np.zeros_like(p)
            for index in np.ndindex(p.shape):
                before = p[index]
                p[index] = before + eps
                step = p[index] - before  # what the step became in this dtype
                gradient[index] = (np.asarray(f(*[q.copy() for q in points])) - reference) / step
                p[index] = before
            gradients.append(gradient)
        self.gf: Any = gradients[0] if single else gradients

    @staticmethod
    def abs_rel_err(a: Any, b: Any) -> tuple[np.ndarray, np.ndarray]:
        """(absolute errors, relative errors) between two arrays."""
        absolute = np.abs(np.asarray(a) - np.asarray(b))
        relative = absolute / np.maximum(np.abs(a) + np.abs(b), 1e-8)
        return absolute, relative

    def abs_rel_errors(self, g_pt: Sequence[Any]) -> list[tuple[np.ndarray, np.ndarray]]:
        """The errors of the gradients `g_pt` against the numeric ones, one pair for each argument."""
        own = self.gf if isinstance(self.gf, list) else [self.gf]
        if len(g_pt) != len(own):
            raise ValueError(f"the number of gradients differs: {len(g_pt)} given, {len(own)} computed")
        errors = []
        for number, (a, b) in enumerate(zip(g_pt, own)):
            if np.shape(a) != b.shape:
                raise ValueError(f"gradient {number} has shape {np.shape(a)}, its argument {b.shape}")
            errors.append(numeric_grad.abs_rel_err(a, b))
        return errors

    def max_err(self, g_pt: Sequence[Any], abs_tol: float, rel_tol: float) -> tuple[int, int, float, float]:
        """(argument, flat position, absolute error, relative error) of the worst error relative to the tolerances."""
        worst: list[tuple[float, int]] = []
        errors = self.abs_rel_errors(g_pt)
        for absolute, relative in errors:
            if absolute.size == 0:
                worst.append((-1.0, 0))
                continue
            # both must be beyond tolerance for an error; NaN counts as the worst
            scaled = np.minimum(absolute / abs_tol, relative / rel_tol)
            scaled = np.where(np.isfinite(scaled), scaled, np.inf)
            position = int(np.argmax(scaled))
            worst.append((float(scaled.flat[position]), position))
        argument = int(np.argmax([error for error, _ in worst]))
        position = worst[argument][1]
        absolute, relative = errors[argument]
        if absolute.size == 0:
            return argument, 0, 0.0, 0.0
        return argument, position, float(absolute.flat[position]), float(relative.flat[position])


def mode_not_slow(mode: Any) -> Any:
    """`mode`, or a faster one where it is a debugging mode: finite differences call the function often."""
    name = mode if isinstance(mode, str) else type(mode).__name__
    if mode is None:
        name = str(config.mode)
    return "FAST_RUN" if name in ("DebugMode", "DEBUG_MODE", "NanGuardMode", "MonitorMode") else mode


def verify_grad(
    fun: Callable[..., Any],
    pt: Sequence[Any],
    n_tests: int = 2,
    rng: Any = None,
    eps: float | None = None,
    out_type: str | None = None,
    abs_tol: float | None = None,
    rel_tol: float | None = None,
    mode: Any = None,
    cast_to_output_type: bool = False,
    no_debug_ref: bool = True,
) -> None:
    """Check the gradient of `fun` at `pt` against finite differences of a random projection.

    fun                  takes symbolic variables, returns one (an Op will do)
    pt                   list of float arrays
    rng                  a numpy.random.RandomState or Generator; required
    eps, abs_tol, rel_tol  step and tolerances; by default those of the coarsest dtype in play
    cast_to_output_type  differentiate the output cast to its own dtype's float (for float16 results)
    no_debug_ref         evaluate the reference in a fast mode
    Raises GradientError (also `verify_grad.E_grad`) where they differ.

    >>> import numpy, theano.tensor as tt
    >>> rng = numpy.random.RandomState(0)
    >>> verify_grad(lambda x, y: tt.tanh(x) * y, [rng.rand(3), rng.rand(3)], rng=rng)
    """
    if not isinstance(pt, (list, tuple)):
        raise TypeError(f"verify_grad: pt must be a list of arrays, got {type(pt).__name__}")
    if rng is None:
        raise TypeError("verify_grad needs rng=, a numpy.random.RandomState or Generator, so that tests repeat")
    points = [np.array(p) for p in pt]
    for number, p in enumerate(points):
        if p.dtype.name not in _STEP:
            raise TypeError(f"verify_grad: pt[{number}] has dtype {p.dtype}; finite differences need floats")
    inputs = [tensor_type(p.dtype.name, (None,) * p.ndim)(f"input {n}") for n, p in enumerate(points)]
    output: Any = fun(*inputs)
    if isinstance(output, (list, tuple)):
        raise NotImplementedError("verify_grad checks functions with one output; select one")
    if not isinstance(output, Variable):
        raise TypeError(f"verify_grad: fun returned {output!r}, which is not symbolic")
    names = [p.dtype.name for p in points] + [str(output.type.dtype)]  # type: ignore[attr-defined]
    if out_type is not None:
        names.append(out_type)
    known = [name for name in names if name in _TOLERANCE]
    tolerance = max(_TOLERANCE[name] for name in known)
    abs_tol = tolerance if abs_tol is None else abs_tol
    rel_tol = tolerance if rel_tol is None else rel_tol
    step = max(_STEP[name] for name in known) if eps is None else eps

    fast = mode_not_slow(mode) if no_debug_ref else mode
    value = function(inputs, output, mode=fast, on_unused_input="ignore")
    shape = value(*[p.copy() for p in points]).shape
    wide: Any = output
    if is_discrete(output.type.dtype):  # type: ignore[attr-defined]
        wide = cast_to(output, str(config.floatX))
    elif cast_to_output_type and out_type is not None:
        wide = cast_to(output, out_type)
    weights: Any = tensor_type(wide.type.dtype, wide.type.shape)("random projection")
    projected = (wide * weights).sum()
    cost = function([*inputs, weights], projected, mode=fast, on_unused_input="ignore")
    symbolic = function(
        [*inputs, weights], grad(projected, inputs, disconnected_inputs="ignore"), mode=mode, on_unused_input="ignore"
    )
    for _ in range(n_tests):
        drawn = np.asarray(_uniform(rng, shape) + 0.5, dtype=weights.type.dtype)
        numeric = numeric_grad(lambda *values, drawn=drawn: cost(*values, drawn), points, step, out_type)
        found = symbolic(*[p.copy() for p in points], drawn)
        argument, position, absolute, relative = numeric.max_err(found, abs_tol, rel_tol)
        if (absolute > abs_tol and relative > rel_tol) or not np.isfinite(absolute):
            raise GradientError(
                argument,
                position,
                points[argument].shape,
                float(numeric.gf[argument].flat[position]),
                float(np.asarray(found[argument]).flat[position]),
                absolute,
                relative,
                abs_tol,
                rel_tol,
            )


def _uniform(rng: Any, shape: tuple[int, ...]) -> Any:
    draw = rng.rand(*shape) if hasattr(rng, "rand") else rng.random(shape)
    return np.asarray(draw)


verify_grad.E_grad = GradientError  # type: ignore[attr-defined]

__all__ = ["GradientError", "mode_not_slow", "numeric_grad", "verify_grad"]
