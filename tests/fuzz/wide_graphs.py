"""Random graphs of what the others leave out: integers of every width, all elementwise ops, and every op that the
contract of ops has a case for, planted among others."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from graphs import DTYPES, Graph, GraphMaker, Item

sys.path.append(str(Path(__file__).parent.parent / "contract"))
from agreement import listed, variables
from every_op import BASES, CASES, COMPOSITIONS, ELSEWHERE, ops_of_the_package
from op_case import Case, made

from theano.scalar.op import ScalarOp
from theano.tensor.elemwise import Elemwise, cast_to
from theano.tensor.type import TensorType

INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
BITS = ["and_", "or_", "xor", "invert"]
ELEMENTWISE = sorted(ScalarOp.registry)
LEFT_OUT = {"Hint", "PdbBreakpoint", "Print"}  # promises what must be true; stops a program; writes


class WideGraphMaker(GraphMaker):
    dtypes = (*INTEGERS, *DTYPES)

    def __init__(self, seed: int, rows: bool = False) -> None:
        super().__init__(seed, rows)
        self.more_steps += [self.bits, self.any_elementwise, self.any_elementwise, self.any_elementwise]

    def numbers(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        """Now and then all equal, or zeros of either sign."""
        value = super().numbers(shape, dtype)
        if self.chance(0.1):
            value[...] = -0.0 if dtype.startswith("float") and self.chance(0.5) else 1
        return value

    def bits(self) -> None:
        a = self.some(lambda item: item.dtype in (*INTEGERS, "bool"))
        if a is None:
            return
        name = self.pick(BITS)
        inputs = [a] if name == "invert" else [a, self.partner(a)]
        if all(i.dtype in (*INTEGERS, "bool") for i in inputs):
            self.applied(name, inputs, True)

    def any_elementwise(self) -> None:
        """Any op, of exact numbers; a result which is not finite stays out."""
        name = self.pick(ELEMENTWISE)
        record = ScalarOp.registry[name]
        a = self.some(lambda item: item.exact and item.dtype != "float16")
        if a is None:
            return
        inputs = [a] + [self.partner(a) for _ in range((record.nin or 2) - 1)]
        if all(i.exact and i.dtype != "float16" for i in inputs):
            self.applied(name, inputs, False)

    def applied(self, name: str, inputs: list[Item], exact: bool) -> None:
        try:
            variable = Elemwise(ScalarOp.registry[name])(*[i.variable for i in inputs])
            item = self.add(variable, inputs, exact)
        except (TypeError, ValueError):  # refused dtypes; whole numbers to negative powers
            return
        if item is not None and item.value.dtype.kind in "fc" and not np.isfinite(item.value).all():
            self.items.remove(item)

    def cast(self) -> None:
        a = self.some(lambda item: item.exact)
        if a is None:
            return
        dtype = self.pick(self.dtypes)
        value = a.value
        to_integers = value.dtype.kind == "f" and np.dtype(dtype).kind in "iu"
        if to_integers and ((np.abs(value) > 100).any() or (dtype.startswith("u") and (value < 0).any())):
            return
        exact = not (dtype.startswith("float") and value.size and np.abs(value.astype("float64")).max() > 1000)
        self.add(cast_to(a.variable, dtype), [a], exact)


def of_case(case: Case) -> Callable[[GraphMaker], Item | None]:
    """An expression of the contract, on inputs of its own."""

    def add(maker: GraphMaker) -> Item | None:
        dtype = maker.pick(case.dtypes)
        arrays = [made(spec, dtype, number) for number, spec in enumerate(maker.pick(case.arguments))]
        items = []
        for x, value in zip(variables(arrays), arrays):
            x.name = f"x{len(maker.inputs)}"
            items.append(Item(x, np.asarray(value), exact=False))
            maker.inputs.append(items[-1])
        maker.items += items
        maker.stabilised = True
        found: list[Any] = [
            maker.add(out, items, exact=False) for out in listed(case.build(*[item.variable for item in items]))
            if isinstance(out.type, TensorType)
        ]
        return maker.pick(found) if found else None

    return add


PIECES = [of_case(case) for name, cases in CASES.items() if name not in LEFT_OUT for case in cases if case.loose <= 100]


def wide_graph(seed: int, ops: int | None = None, case: int | None = None) -> Graph:
    """The graph of a seed; with an expression of the contract among its ops."""
    maker = WideGraphMaker(seed)
    fragment = None if case is None else PIECES[case % len(PIECES)]
    return maker.make(int(maker.rng.integers(2, 25)) if ops is None else ops, fragment)


def all_ops() -> set[str]:
    """The names of all ops of the dense library, as `reached.ops_in` has them. Loads every module of the package."""
    left_out = BASES | COMPOSITIONS | ELSEWHERE.keys() | LEFT_OUT | {"Elemwise"}
    elementwise = {f"elementwise {record}" for record in ScalarOp.registry.values() if record.define is None}
    return elementwise | (ops_of_the_package().keys() - left_out)
