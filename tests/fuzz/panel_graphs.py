"""Random graphs of matrix products with something behind them which goes over their rows: biases, activations, softmax.

Where rows are many, or thresholds low (`divided.py`), native code takes such products by panels of rows
(`runtime_panels.py`). `watched` counts what has been done by panels.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from graphs import Graph, Item
from large import several_threads
from product_graphs import ProductGraphMaker

import theano.tensor as T
from theano.backends.native import runtime
from theano.tensor.elemwise import Elemwise

ROWS = [0, 1, 2, 9, 17, 17, 31, 33, 40, 65, 65, 97, 130]
TERMS = [1, 2, 3, 7, 9, 12, 16, 16, 24, 33]
COLUMNS = [1, 3, 8, 9, 13, 17, 17, 33]
# products of more than a million multiplications, with rows of 256 bytes and more, are panels' as soon as results are
# large for the cache
TALL_TERMS = [7, 9, 12, 12, 16, 16, 24]
TALL_COLUMNS = [64, 67, 72, 80, 97, 130]
MILLION = 1_000_000
ROOM = 100_000  # bytes that a panel may touch: 64 rows and more

Function = Callable[[Any], Any]
ROUNDED: list[Function] = [T.tanh, T.nnet.sigmoid, T.exp, T.nnet.softplus]
EXACT: list[Function] = [T.nnet.relu, T.sqr, T.abs_, T.neg]
LAYOUTS: list[Callable[[np.ndarray], np.ndarray]] = [
    np.ascontiguousarray, np.ascontiguousarray, np.asarray, np.asarray, lambda v: v[..., ::-1],
    lambda v: np.repeat(v, 2, axis=0)[::2], lambda v: np.repeat(v, 2, axis=-1)[..., ::2],
    lambda v: np.repeat(v, 3, axis=0)[::-3],
]  # fmt: skip


class PanelGraphMaker(ProductGraphMaker):
    """Matrices have the same number of rows. tall: as many as panels need without lower thresholds."""

    def __init__(self, seed: int, tall: bool = False) -> None:
        super().__init__(seed)
        self.tall = tall
        terms, self.columns = self.pick(TALL_TERMS if tall else TERMS), self.pick(TALL_COLUMNS if tall else COLUMNS)
        self.terms = [terms, self.pick(TALL_TERMS if tall else TERMS)]
        least = MILLION // (min(self.terms) * self.columns) + 1
        self.length = least + int(self.rng.integers(200)) if tall else self.pick(ROWS)
        self.pool = [self.columns, self.terms[0]]
        self.most_elements = 2 * self.length * self.columns if tall else 5000
        self.more_steps = [self.layer] * 40

    def numbers(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        """Of floats quarters: sums of their products are exact, and no activation is the same for all of them."""
        value = super().numbers(shape, dtype)
        return np.asarray(value / 4, dtype) if dtype in self.dtypes else value

    def add_input(self, shape: tuple[int, ...], dtype: str) -> Item:
        return super().add_input((self.length, self.pick([self.columns, *self.terms])), dtype)

    def add(self, variable: Any, inputs: list[Item], exact: bool | None = None) -> Item | None:
        """Nothing is computed in order to find out that it is too large."""
        if variable.owner is not None and isinstance(variable.owner.op, Elemwise) and all(
            variable.type.ndim >= i.value.ndim for i in inputs
        ):
            sizes = [i.shape for i in inputs if i.value.ndim == variable.type.ndim]
            if sizes and math.prod(max(s) for s in zip(*sizes)) > self.most_elements:
                return None
        return super().add(variable, inputs, exact)

    def fitting(self, shape: tuple[int, ...], dtype: str) -> Item:
        """As others do; but what is new lies in memory in more ways."""
        count = len(self.inputs)
        item = super().fitting(shape, dtype)
        if len(self.inputs) > count and shape:
            item.value = self.pick(LAYOUTS)(item.value)
        return item

    def dot(self) -> None:
        self.layer()

    def create(self) -> None:
        self.reduction()

    def layer(self) -> None:
        """A product, perhaps times a number and added to something, and what goes over its rows."""
        terms = self.terms
        a = self.some(lambda i: i.value.ndim == 2 and i.shape[0] == self.length and i.shape[1] in terms
                      and i.dtype in self.dtypes and i.value.size)  # fmt: skip
        if a is None or self.chance(0.3):
            a = self.fitting((self.length, self.pick(terms)), self.pick(self.dtypes))
        columns = self.columns if self.tall or self.chance(0.8) else self.pick(terms)
        made = self.times(a, columns) if self.chance(0.6) else self.onto(a, columns)
        if made is not None and made.usable and self.chance(0.3):
            made = self.scaled_sum(made)
        for _ in range(self.pick([1, 1, 2, 3, 4])):
            if made is None or not made.usable:
                return
            follow = self.pick([self.bias, self.bias, self.bias, self.activation, self.activation, self.along_row])
            made = follow(made) or made

    def times(self, a: Item, columns: int) -> Item | None:
        b = self.fitting((a.shape[1], columns), a.dtype)
        return self.add(T.dot(a.variable, b.variable), [a, b])

    def number(self, dtype: str) -> Item:
        if self.chance(0.3):
            return self.fitting((), dtype)
        value = np.asarray(self.pick([-1.5, 0, 0.25, 1, 1, 2]), dtype)
        return Item(T.constant(value), value)

    def addend(self, shape: tuple[int, ...], dtype: str) -> Item | None:
        """Perhaps something that nobody else needs, whose memory is free to take."""
        if self.chance(0.4):
            return self.times(self.fitting((self.length, self.pick(self.terms)), dtype), shape[1])
        other = self.fitting(shape, dtype)
        return self.add(T.sqr(other.variable), [other]) if self.chance(0.6) else other

    def onto(self, a: Item, columns: int) -> Item | None:
        """A product that is scaled and added, as one op."""
        b = self.fitting((a.shape[1], columns), a.dtype)
        z = self.addend((self.length, columns), a.dtype)
        if z is None or not z.usable:
            return None
        alpha, beta = self.number(a.dtype), self.number(a.dtype)
        inputs = [z, alpha, a, b, beta]
        return self.add(T.blas.gemm(*[i.variable for i in inputs]), inputs)

    def scaled_sum(self, made: Item) -> Item | None:
        """Likewise, of which rewriting makes one op, or kernels."""
        other = self.addend(made.shape, made.dtype)
        if other is None or not other.usable:
            return made
        factor = self.number(made.dtype)
        x, y, s = made.variable, other.variable, factor.variable
        return self.add(self.pick([x * s + y, x + s * y, y - x * s]), [made, other, factor])

    def bias(self, made: Item) -> Item | None:
        """Something for each row, each column, each element, or for all."""
        rows, columns = made.shape
        kind = self.pick(["row", "row", "column", "matrix", "both", "number"])
        if kind == "row":
            other = self.fitting((columns,), made.dtype)
            y = other.variable
        elif kind == "column":
            other = self.fitting((rows,), made.dtype)
            y = other.variable.dimshuffle(0, "x")
        elif kind == "number":
            other = self.fitting((), made.dtype)
            y = other.variable
        else:
            other = made if kind == "both" else self.fitting(made.shape, made.dtype)
            y = other.variable
        x = made.variable
        results = [x + y, x * y, y - x, T.maximum(x, y)]
        choice = int(self.rng.integers(len(results) - 1 if not (made.exact and other.exact) else len(results)))
        return self.add(results[choice], [made, other])

    def activation(self, made: Item) -> Item | None:
        if self.chance(0.5):
            return self.add(self.pick(ROUNDED)(made.variable), [made], False)
        function = self.pick([*EXACT, T.floor] if made.exact else EXACT)
        return self.add(function(made.variable), [made])

    def along_row(self, made: Item) -> Item | None:
        """What rows are reduced to, and perhaps the rows with it."""
        x, kind = made.variable, self.pick(["softmax", "logsoftmax", "norm", "sum", "max", "argmax", "mean"])
        if not made.value.size:
            return made
        if kind in ("softmax", "logsoftmax"):
            return self.add(getattr(T.nnet, kind)(x), [made], False)
        if kind == "norm":
            middle = x - x.mean(axis=1, keepdims=True)
            variance = T.sqr(middle).mean(axis=1, keepdims=True)
            return self.add(middle / T.sqrt(variance + np.asarray(0.125, made.dtype)), [made], False)
        if kind == "argmax":
            if made.exact:
                self.add(T.argmax(x, axis=1), [made])
            return made
        if kind == "max" and not made.exact:
            return made
        reduced = getattr(T, kind)(x, axis=1, keepdims=True)
        item = self.add(reduced, [made], made.exact and kind != "mean")
        if item is None or not item.usable or self.chance(0.3):
            return made
        return self.add(x - item.variable, [made, item])


def panel_graph(seed: int, tall: bool = False) -> Graph:
    """The graph of a seed."""
    maker = PanelGraphMaker(seed, tall)
    return maker.make(int(maker.rng.integers(1, 4 if tall else 7)))


# -- what was done by panels

DONE = {  # what, and where in the code that is so
    "beside the result": "beside", "in place": "not beside", "without plans": "not ready",
    "behind others' rows": "start > 0", "onto what was there": "load64(tiled + TILED_BETA)",
    "with a rest": "(end - start) % block > 0",
}  # fmt: skip
_counts = (ctypes.c_int64 * len(DONE))()
START = "    panel = stack(TILED_BYTES)\n"  # of a thread's panels


def watched(text: str) -> str:
    """`runtime_panels.py` with counters in it."""
    assert text.count(START) == 1
    lines = []
    for number, test in enumerate(DONE.values()):
        at = ctypes.addressof(_counts) + 8 * number
        lines.append(f"    if {test}:\n        store64({at}, load64({at}) + 1)\n")
    text = text.replace("    TILED_BYTES,\n", "    TILED_BETA,\n    TILED_BYTES,\n", 1)
    return text.replace(START, "".join(lines) + START)


def done() -> dict[str, int]:
    """How often which was done, since this was asked last."""
    found = {f"panels: {name}": count for name, count in zip(DONE, _counts) if count}
    _counts[:] = [0] * len(DONE)
    return found


@contextmanager
def small_panels(threads: int = 2) -> Iterator[None]:
    """Tall products go by panels, as they do where results are larger than the cache."""
    room = runtime.cache_room()
    were = list(room)
    room[0], room[2] = ROOM, 1
    try:
        with several_threads(threads):
            yield
    finally:
        room[:] = were
