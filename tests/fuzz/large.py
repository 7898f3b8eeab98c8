"""Random graphs of arrays which are large enough for several threads, and how to compare them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from graphs import Graph, GraphMaker, Item

import theano
from theano.backends.native import thread_count
from theano.tensor.elemwise import Elemwise

# long and short axes: of parts of the innermost axis, of outer ones, and of accumulators' own
SHAPES = [(300_007,), (211, 1301), (1301, 211), (3, 100_003), (61, 53, 97)]
THREADS = 4


class LargeGraphMaker(GraphMaker):
    """Inputs have hundreds of thousands of elements, whatever shape is asked for."""

    def __init__(self, seed: int, rows: bool = False) -> None:
        super().__init__(seed, rows)
        self.most_elements = 500_000

    def add_input(self, shape: tuple[int, ...], dtype: str) -> Item:
        return super().add_input(self.pick(SHAPES), dtype)

    def add(self, variable: Any, inputs: list[Item], exact: bool | None = None) -> Item | None:
        """Nothing is computed in order to find out that it is too large."""
        made = variable.owner is not None and isinstance(variable.owner.op, Elemwise)
        if made and variable.type.ndim == max(i.value.ndim for i in inputs):  # else their axes are apart
            size = math.prod(np.broadcast_shapes(*(i.shape for i in inputs)))
            if size > self.most_elements:
                return None
        return super().add(variable, inputs, exact)

    def dot(self) -> None:
        """No product of 300007 x 1 by 1 x 300007."""
        self.reduction()

    def create(self) -> None:
        """No matrix of such lengths."""
        self.reduction()


def large_graph(seed: int) -> Graph:
    """The graph of a seed; every other one with what goes along rows."""
    return LargeGraphMaker(seed, rows=seed % 2 == 1).make(8)


@contextmanager
def several_threads(count: int = THREADS) -> Iterator[None]:
    """Native code divides whatever is large enough to be in pieces at all, and so many threads share it."""
    before = thread_count._word[0]
    with theano.change_flags(openmp_elemwise_minsize=0):
        thread_count.set_threads(count)
        try:
            yield
        finally:
            thread_count.set_threads(before)
