"""Pieces of graphs in which a rewrite rule applies: the left side of every declared rule, examples of all others.

Grown at random, a graph meets a third of the rules. With a piece of each rule planted among other ops it meets all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parent.parent / "rules"))
import test_functions
import test_loop_rules
import test_matrix_rules
from complex_graphs import COMPLEX
from graphs import Graph, GraphMaker, Item, random_graph
from test_declared import DECLARED, left_side

from theano.graph.evaluate import evaluate
from theano.rewriting.rule import Rule
from theano.scalar.arithmetic import abs_, sqr
from theano.tensor.type import TensorType

Fragment = Callable[[GraphMaker], Item | None]
LARGEST = 4.0  # of the values in a rule's left side: so its rounding errors stay small


def planted(maker: GraphMaker, kind: TensorType, value: np.ndarray) -> Item:
    item = Item(kind(f"x{len(maker.inputs)}"), value, exact=False)
    maker.items.append(item)
    maker.inputs.append(item)
    return item


def of_declared(rule: Rule, dtypes: Sequence[str] = ("float64", "float32")) -> Fragment:
    """The left side, on what the graph already computes. Not there where its ops refuse the dtype."""

    def add(maker: GraphMaker) -> Item | None:
        def fits(item: Item) -> bool:
            return item.dtype in dtypes and bool((np.abs(item.value) <= LARGEST).all())

        first = maker.some(fits) if maker.chance(0.8) else None
        if first is None:
            dtype = maker.pick(dtypes)
            first = planted(maker, TensorType(dtype, (None,)), maker.numbers((3,), dtype) + maker.pick([0, 0.25]))
        kind = first.variable.type
        through = maker.pick([lambda v: v, lambda v: v, sqr, abs_])  # the last two for conditions on the sign
        try:
            variables, before = left_side(rule, [kind], through)
        except TypeError:
            return None
        items = [first]
        for _ in variables[1:]:
            other = maker.some(lambda i: i.variable.type == kind and i.shape == first.shape and fits(i))
            if other is None or maker.chance(0.5):
                other = planted(maker, kind, maker.numbers(first.shape, first.dtype))
            items.append(other)
        maker.rng.shuffle(items)  # type: ignore[arg-type]
        return maker.insert(before, variables, items)

    return add


def of_example(example: test_functions.Example) -> Fragment:
    """A graph of the tests of rules that are functions, on inputs of its own."""

    def add(maker: GraphMaker) -> Item | None:
        variables, before = example()
        items = [planted(maker, x.type, test_functions.sample(x.type, maker.rng)) for x in variables]
        return maker.insert(before, variables, items)

    return add


def of_matrices(build: test_matrix_rules.Build) -> Fragment:
    def add(maker: GraphMaker) -> Item | None:
        dtype = maker.pick(["float64", "float32"])
        inputs = test_matrix_rules.inputs_of(dtype)
        before = build(inputs)
        values = test_matrix_rules.values_of(maker.pick([1, 2, 5]), dtype, int(maker.rng.integers(1000)))
        items = [planted(maker, x.type, values[name]) for name, x in inputs.items()]
        return maker.insert(before, list(inputs.values()), items)

    return add


def of_loops(build: test_loop_rules.Build) -> Fragment:
    def add(maker: GraphMaker) -> Item | None:
        inputs = test_loop_rules.inputs_of("float64")
        before = build(inputs)
        steps, seed = maker.pick([1, 2, 5]), int(maker.rng.integers(1000))
        values = test_loop_rules.values_of(steps, "float64", seed)
        try:
            evaluate([before], {x: values[name] for name, x in inputs.items()})
        except IndexError:  # it reads a row that is not there after so few steps
            values = test_loop_rules.values_of(5, "float64", seed)
        items = [planted(maker, x.type, values[name]) for name, x in inputs.items()]
        return maker.insert(before, list(inputs.values()), items)

    return add


FRAGMENTS: dict[str, list[Fragment]] = {
    **{rule.name: [of_declared(rule)] for rule in DECLARED},
    **{name: [of_example(each) for each in found] for name, found in test_functions.EXAMPLES.items()},
    **{name: [of_matrices(each) for each in found] for name, found in test_matrix_rules.EXAMPLES.items()},
    **{name: [of_loops(each) for each in found] for name, found in test_loop_rules.EXAMPLES.items()},
}
PIECES = [fragment for found in FRAGMENTS.values() for fragment in found]
OF_COMPLEX = [of_declared(rule, COMPLEX) for rule in DECLARED]


def varied_graph(seed: int) -> Graph:
    """The graph of a seed; odd ones have a fragment planted in them, each in turn."""
    return random_graph(seed, fragment=PIECES[seed // 2 % len(PIECES)] if seed % 2 else None)
