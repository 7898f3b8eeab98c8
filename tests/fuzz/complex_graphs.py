"""Random graphs of complex numbers among real ones: arithmetic, parts, comparisons, choices, sums, and what moves
elements. Complex values start as whole numbers of both parts, and are exact as real ones are (`graphs.py`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from graphs import SMOOTH, Graph, GraphMaker, Item

import theano.tensor as T
from theano.scalar.complex_pairs import FORMULAS as ARITHMETIC
from theano.scalar.op import ScalarOp
from theano.tensor.elemwise import Elemwise, cast_to

COMPLEX = ("complex128", "complex64")
DTYPES = (*COMPLEX, *COMPLEX, "float64", "float32", "int64", "int8", "uint8", "bool", "float16")
EXACT = ["add", "add", "mul", "mul", "sub", "neg", "conj", "real", "imag", "sqr", "identity", "second", "switch"]
# with a cut or a pole where errors of rounding decide
CUT = ["angle", "sqrt", "log", "arctan", "arcsinh", "log1p"]
SMOOTH_HERE = [*SMOOTH, "exp", "exp", "abs_", "abs_", "true_div", "true_div", "inv", "sin", "cosh", "tan"]
FROM_REALS = ["complex", "complex", "complex_from_polar"]
# NaN, infinities, zeros of both signs, and what overflows in an exponential (whether the sum of two products that
# overflow is NaN hangs on how often it is rounded)
SPECIAL = (0.0, -0.0, 1.0, -2.5, np.inf, -np.inf, np.nan, 1e15, 89.5, -1e-15)


def is_complex(item: Item) -> bool:
    return item.dtype in COMPLEX


class ComplexGraphMaker(GraphMaker):
    """Half of the inputs are complex; what a real graph has is there, too."""

    dtypes = DTYPES
    kept_clear: Sequence[str] = CUT

    def __init__(self, seed: int, rows: bool = False) -> None:
        super().__init__(seed, rows)
        self.more_steps += [self.of_complex] * 8 + [self.of_reals] * 3 + [self.sums, self.products, self.chosen]

    def do(self, step: Callable[[], None]) -> None:
        """Ops that refuse complex numbers are left out."""
        try:
            step()
        except TypeError as error:
            if "complex" not in str(error):
                raise

    def numbers(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        if dtype not in COMPLEX:
            return super().numbers(shape, dtype)
        re, im = self.rng.integers(-3, 4, size=(2, *shape))
        return np.asarray(re + 1j * im * self.rng.integers(0, 2)).astype(dtype)

    # -- ops

    def add(self, variable: Any, inputs: list[Item], exact: bool | None = None) -> Item | None:
        node = variable.owner
        record = getattr(node.op, "scalar_op", None) if node is not None else None
        cut = record is not None and record.name in self.kept_clear and is_complex(inputs[0])
        if cut and not clear_of_cuts(inputs[0].value):
            return None
        return super().add(variable, inputs, exact)

    def apply(self, name: str, inputs: list[Item], exact: bool) -> Item | None:
        variable = Elemwise(ScalarOp.registry[name])(*[i.variable for i in inputs])
        return self.add(variable, inputs, exact and all(i.exact for i in inputs))

    def of_complex(self) -> None:
        """An op of complex numbers, which may meet real ones."""
        a = self.some(is_complex)
        if a is None:
            return self.of_reals()
        choice = self.rng.random()
        names = EXACT if choice < 0.6 else SMOOTH_HERE if choice < 0.85 else CUT if choice < 0.92 else ["eq", "neq"]
        name = self.pick(names)
        record = ScalarOp.registry[name]
        inputs = [a] + [self.partner(a) for _ in range((record.nin or int(self.rng.integers(2, 4))) - 1)]
        if self.chance(0.3):
            self.rng.shuffle(inputs)  # type: ignore[arg-type]
        if name in ("eq", "neq") and not all(i.exact for i in inputs):
            return None
        if name == "switch" and not inputs[0].exact:
            return None
        self.apply(name, inputs, name in EXACT or name in ("eq", "neq"))
        return None

    def of_reals(self) -> None:
        """A complex number of its parts, or of modulus and angle."""
        a = self.some(lambda item: not is_complex(item))
        b = None if a is None else self.partner(a)
        if a is not None and b is not None and not is_complex(b):
            name = self.pick(FROM_REALS)
            self.apply(name, [a, b], name == "complex")

    def chosen(self) -> None:
        """One of two, of which at least one is complex, by a real condition."""
        a = self.some(is_complex)
        c = None if a is None else self.partner(a)
        if a is None or c is None or not c.exact or is_complex(c):
            return
        condition = self.add(T.gt(c.variable, 0), [c])
        if condition is not None:
            self.apply("switch", [condition, a, self.partner(a)], True)

    def sums(self) -> None:
        a = self.some(lambda item: is_complex(item) and item.value.ndim > 0)
        if a is None:
            return
        axes = [k for k in range(a.value.ndim) if self.chance(0.6)] or [0]
        kind = self.pick(["sum", "sum", "prod", "mean", "cumsum"])
        if kind == "cumsum":
            self.add(T.extra_ops.cumsum(a.variable, axis=axes[0]), [a])
        elif kind != "mean" or all(a.shape[k] for k in axes):
            keep = self.chance(0.4)
            self.add(getattr(T, kind)(a.variable, axis=axes, keepdims=keep), [a], a.exact and kind == "sum")

    def products(self) -> None:
        a = self.some(lambda item: is_complex(item) and item.value.ndim in (1, 2))
        if a is None:
            return
        known = a.variable.type.shape[-1]
        b = self.some(
            lambda item: item.value.ndim in (1, 2) and item.dtype in (*COMPLEX, "float64", "float32")
            and item.shape[0] == a.shape[-1] and (known is None or item.variable.type.shape[0] in (None, known))
        )
        if b is None:
            b = a if a.value.ndim == 1 else Item(a.variable.T, a.value.T, a.exact)
        self.add(T.dot(a.variable, b.variable), [a, b])

    def cast(self) -> None:
        if self.chance(0.5):
            return super().cast()
        a = self.some()
        assert a is not None
        self.add(cast_to(a.variable, self.pick(COMPLEX)), [a])
        return None


class SpecialGraphMaker(ComplexGraphMaker):
    """One elementwise op or two of NaN, infinities, zeros of both signs and huge numbers, on cuts as well."""

    kept_clear = ()

    def numbers(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        value = super().numbers(shape, dtype)
        if dtype in COMPLEX or dtype in ("float64", "float32"):
            for part in (value.real, value.imag) if dtype in COMPLEX else (value,):
                part[...] = self.rng.choice(SPECIAL, size=shape)
        return value


def clear_of_cuts(value: np.ndarray) -> bool:
    """Is nothing near the negative real axis, or the imaginary one beyond +-i?"""
    negative = (np.abs(value.imag) < 1e-3) & (value.real < 1e-3)
    beyond_i = (np.abs(value.real) < 1e-3) & (np.abs(value.imag) > 0.99)
    return not (negative | beyond_i).any()


def special_graph(seed: int) -> Graph:
    """One op of arithmetic, whose formula on pairs special values may lead astray: each in turn."""
    maker = SpecialGraphMaker(seed)
    name = list(ARITHMETIC)[seed % len(ARITHMETIC)]
    shape = maker.pick([(1,), (3,), (8,), (17,), (40,), (3, 7)])
    cast = name.startswith("Cast{")
    dtype = maker.pick(COMPLEX) if not cast else "float64" if maker.chance(0.5) else COMPLEX[name == "Cast{complex128}"]
    a = maker.add_input(shape, dtype)
    if cast:
        maker.add(cast_to(a.variable, name[5:-1]), [a], False)
    else:
        real = name in FROM_REALS
        others: list[Any] = ["float64", "float32"] if real else [dtype, dtype, "float32", "bool"]
        record = ScalarOp.registry[name]
        count = record.nin or 2
        items = [maker.add_input(shape, maker.pick(others)) for _ in range(count)]
        maker.apply(name, items if real else [a, *items[1:]], False)
    (item,) = [item for item in maker.items if item.variable.owner is not None]
    values = [each.value for each in maker.inputs]
    return Graph([each.variable for each in maker.inputs], values, [item.variable], [item.value], [False])


def complex_graph(
    seed: int, ops: int | None = None, fragment: Callable[[GraphMaker], Item | None] | None = None
) -> Graph:
    """The graph of a seed; a fragment is planted among its ops."""
    maker = ComplexGraphMaker(seed)
    return maker.make(int(maker.rng.integers(2, 25)) if ops is None else ops, fragment)
