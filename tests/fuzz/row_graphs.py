"""Random graphs of matrices whose rows go through several kernels: enough rows for blocks of them, where the cache is
taken for small (`divided.py`)."""

from __future__ import annotations

import numpy as np
from graphs import Graph, GraphMaker, Item
from rows import row_by_row

import theano.tensor as T

ROWS = [1, 5, 17, 40]
COLUMNS = [1, 3, 8, 19, 33]


class RowGraphMaker(GraphMaker):
    dtypes = ("float64", "float64", "float32", "float32", "float16", "int8")

    def __init__(self, seed: int, rows: bool = True) -> None:
        super().__init__(seed, rows)
        self.lengths = self.pick(ROWS), self.pick(COLUMNS)
        self.more_steps += [lambda: row_by_row(self)] * 6 + [self.sums_of_rows] * 10

    def add_input(self, shape: tuple[int, ...], dtype: str) -> Item:
        return super().add_input(self.lengths, dtype)

    def sums_of_rows(self) -> None:
        """What rows are reduced to, in a wide accumulator or not, beside the rows or alone."""
        a = self.some(lambda item: item.shape == self.lengths and item.dtype != "bool")
        if a is None:
            return
        x, keep = a.variable, self.chance(0.7)
        if a.dtype == "float32" and self.chance(0.6):
            total = T.sum(x, axis=1, keepdims=keep, acc_dtype="float64")
        else:
            total = T.sum(x, axis=1, keepdims=keep)
        item = self.add(total, [a], a.exact and a.dtype != "float16")
        if item is not None and keep and item.usable and np.dtype(item.dtype).kind == "f":
            self.add(x * np.asarray(0.5, a.dtype) - total, [a, item], item.exact)


def row_graph(seed: int, ops: int | None = None) -> Graph:
    """The graph of a seed."""
    maker = RowGraphMaker(seed)
    return maker.make(int(maker.rng.integers(2, 16)) if ops is None else ops)
