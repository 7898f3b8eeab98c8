"""Random graphs with many products of matrices and vectors, of lengths about those of registers and groups of rows."""

from __future__ import annotations

from graphs import Graph, GraphMaker, Item

import theano.tensor as T
from theano.tensor.type import TensorType

LENGTHS = [1, 2, 3, 4, 7, 8, 9, 17, 33, 64, 130]
DTYPES = ("float64", "float32")


class ProductGraphMaker(GraphMaker):
    dtypes = DTYPES

    def __init__(self, seed: int, rows: bool = False) -> None:
        super().__init__(seed, rows)
        self.pool = [int(n) for n in self.rng.choice(LENGTHS, size=3)]
        self.more_steps += [self.product] * 25

    def fitting(self, shape: tuple[int, ...], dtype: str) -> Item:
        """Something of this shape: what there is already, or an input, which may lie in memory in any way."""
        found = self.some(lambda item: item.shape == shape and item.dtype == dtype)
        if found is not None and self.chance(0.7):
            return found
        value = self.numbers(shape, dtype)
        if len(shape) == 2 and self.chance(0.5):
            value = value.copy(order="F")
        if shape and self.chance(0.2):
            value = value[::-1]
        item = Item(TensorType(dtype, (None,) * len(shape))(f"x{len(self.inputs)}"), value)
        self.items.append(item)
        self.inputs.append(item)
        return item

    def product(self) -> None:
        """A product, now and then times a number and added to something."""
        a = self.some(lambda item: item.value.ndim in (1, 2) and item.dtype in DTYPES)
        if a is None:
            a = self.fitting((self.pick(self.pool), self.pick(self.pool)), self.pick(DTYPES))
        inner = a.shape[-1]
        b = self.fitting((inner,) if self.chance(0.6) else (inner, self.pick(self.pool)), a.dtype)
        if a.value.ndim == 2 and b.value.ndim == 2 and a.shape[0] * b.shape[1] > self.most_elements:
            return
        made = self.add(T.dot(a.variable, b.variable), [a, b])
        if made is None or not made.usable or self.chance(0.5):
            return
        other = self.fitting(made.shape, made.dtype)
        factor = self.constant((), "int8")
        scaled = [made, other] if self.chance(0.5) else [other, made]
        self.add(scaled[0].variable * factor.variable + scaled[1].variable, [made, other, factor])


def product_graph(seed: int, ops: int | None = None) -> Graph:
    """The graph of a seed."""
    maker = ProductGraphMaker(seed)
    return maker.make(int(maker.rng.integers(2, 12)) if ops is None else ops)
