"""A random graph as a function that is called: other layouts, lengths and aliases of arguments, updates, borrowing.

One function is called several times. Each time its results and the stored values are what the graph gives, arguments
stay as they were, no result shares memory with anything that it must not share, and earlier results do not change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from compare import check
from graphs import LARGEST, Graph

import theano
from theano.compile.mode import Mode
from theano.graph.clone import clone_replace
from theano.graph.evaluate import evaluate
from theano.graph.traverse import ancestors
from theano.tensor.elemwise import Elemwise
from theano.tensor.sharedvar import TensorSharedVariable
from theano.tensor.type import TensorType

# errors that may be lost with a value that is not needed (docs/errors.md): a maximum of nothing, or its position
NOT_RESTORED = ("nothing to reduce", "there is no largest one")
MODES = ["FAST_RUN", "FAST_RUN", Mode("cvm", None), "FAST_COMPILE"]


# -- arrays of the same numbers in other places


def reversed_in_memory(value: np.ndarray) -> np.ndarray:
    turn = (slice(None, None, -1),) * value.ndim
    return value[turn].copy()[turn]


def every_second(value: np.ndarray) -> np.ndarray:
    wide = np.zeros([2 * n for n in value.shape], value.dtype)
    part = (slice(None, None, 2),) * value.ndim
    wide[part] = value
    return wide[part]


def turned(value: np.ndarray) -> np.ndarray:
    order = np.roll(np.arange(value.ndim), 1)
    return value.transpose(order).copy().transpose(np.argsort(order))


def misaligned(value: np.ndarray) -> np.ndarray:
    memory = np.zeros(value.nbytes + 1, "uint8")
    made = memory[1:].view(value.dtype).reshape(value.shape)
    made[...] = value
    return made


def repeated(value: np.ndarray) -> np.ndarray:
    """With strides of 0 where that shows the same."""
    if value.ndim and value.size and (value == value[:1]).all():
        return np.broadcast_to(value[:1].copy(), value.shape)
    return value.copy()


def read_only(value: np.ndarray) -> np.ndarray:
    made = value.copy()
    made.flags.writeable = False
    return made


LAYOUTS = [
    lambda value: value.copy(), lambda value: value.copy(order="F"), reversed_in_memory, every_second, turned,
    misaligned, repeated, read_only, lambda value: value.astype(value.dtype.newbyteorder()),
]  # fmt: skip
WRITEABLE = LAYOUTS[:5]


# -- which other values an argument may have


def legal(graph: Graph, values: list[np.ndarray]) -> bool:
    """Do all numbers stay small and finite, as they do in the graph's own values? Raises what the graph raises."""
    inner = [v for v in ancestors(graph.outputs) if isinstance(v.type, TensorType)]
    known = dict(zip(inner, evaluate(inner, dict(zip(graph.inputs, values)))))
    for variable, value in known.items():
        value = np.asarray(value)
        if value.dtype.kind in "fc" and not (np.isfinite(value) & (np.abs(value) < LARGEST)).all():
            return False
        if value.dtype == "float16" and (np.abs(value) > 500).any():
            return False
        if value.dtype.kind in "iu" and value.dtype.itemsize > 2 and (np.abs(value.astype("float64")) > 1e6).any():
            return False
        if divides_by_zero(variable, known):
            return False
    return True


def divides_by_zero(variable: Any, known: dict[Any, Any]) -> bool:
    node = variable.owner
    if node is None or not isinstance(node.op, Elemwise) or node.op.scalar_op.name not in ("mod", "int_div"):
        return False
    return bool((np.asarray(known[node.inputs[1]]) == 0).any())


def other_lengths(graph: Graph, values: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """The same numbers, in shapes in which every length that is not known has become another one."""
    change = {n: int(rng.choice([0, 1, 2, 3, 6, n + 1])) if rng.random() < 0.5 else n for n in range(10)}
    made = []
    for variable, value in zip(graph.inputs, values):
        shape = [n if known is not None else change.get(n, n) for n, known in zip(value.shape, variable.type.shape)]
        made.append(np.resize(value, shape) if value.size else np.zeros(shape, value.dtype))
    return made


class Called:
    """A function of the graph, with conventions that a seed decides."""

    def __init__(self, graph: Graph, seed: int) -> None:
        self.graph = graph
        self.rng = rng = np.random.default_rng(seed)
        self.mode = MODES[int(rng.integers(len(MODES)))]
        self.stored: dict[int, TensorSharedVariable] = {}
        for out, position in graph.updates.items():
            variable = graph.inputs[position]
            start = np.array(graph.values[position])
            self.stored[out] = TensorSharedVariable(f"s{position}", variable.type, start, True, None)
        replaced = {graph.inputs[graph.updates[out]]: variable for out, variable in self.stored.items()}
        outputs = clone_replace(graph.outputs, replaced)
        self.given = [k for k in range(len(graph.inputs)) if k not in graph.updates.values()]
        self.returned = [k for k in range(len(outputs)) if k not in graph.updates]
        self.mutable = {k for k in self.given if rng.random() < 0.2}
        self.borrowed = {k for k in self.returned if rng.random() < 0.2}
        borrowed_inputs = {k: k in self.mutable or rng.random() < 0.2 for k in self.given}
        self.function = theano.function(
            [theano.In(graph.inputs[k], mutable=k in self.mutable, borrow=borrowed_inputs[k]) for k in self.given],
            [theano.Out(outputs[k], borrow=k in self.borrowed) for k in self.returned],
            updates=[(variable, outputs[out]) for out, variable in self.stored.items()],
            mode=self.mode, on_unused_input="ignore",
        )  # fmt: skip
        self.kept: list[tuple[Any, np.ndarray]] = []

    def values(self) -> list[np.ndarray]:
        """Those of the graph, with what is stored now."""
        found = list(self.graph.values)
        for out, position in self.graph.updates.items():
            found[position] = np.array(self.stored[out].get_value())
        return found

    def wrong(self) -> Iterator[str]:
        """What is wrong with a few calls."""
        yield from self.call("as they are", self.values(), self.given_arrays(self.values(), plain=True))
        for name in ("other layouts", "aliases", "other lengths", "once more"):
            values = self.values()
            if name == "other lengths":
                values = other_lengths(self.graph, values, self.rng)
            arrays = self.given_arrays(values, plain=name == "once more")
            if name == "aliases":
                self.share(values, arrays)
            yield from self.call(name, values, arrays)

    def given_arrays(self, values: list[np.ndarray], plain: bool) -> dict[int, np.ndarray]:
        made = {}
        for k in self.given:
            layouts = WRITEABLE if k in self.mutable else LAYOUTS
            made[k] = np.array(values[k]) if plain else layouts[int(self.rng.integers(len(layouts)))](values[k])
        return made

    def share(self, values: list[np.ndarray], arrays: dict[int, np.ndarray]) -> None:
        """Let some arguments be the same array, or parts of one that overlap."""
        for k in self.given:
            for j in self.given:
                one, other = self.graph.inputs[j], self.graph.inputs[k]
                alike = j < k and one.type == other.type and values[j].shape == values[k].shape
                if alike and not {j, k} & self.mutable and self.rng.random() < 0.7:
                    arrays[k] = arrays[j]
                    if values[j].ndim and values[j].dtype.kind == "f" and self.rng.random() < 0.4:
                        wide = np.concatenate([values[j][:1], values[j]])
                        arrays[j], arrays[k] = wide[1:], wide[:-1]
                    values[k] = np.array(arrays[k], values[k].dtype)  # in the processor's order of bytes
                    break

    def call(self, name: str, values: list[np.ndarray], arrays: dict[int, np.ndarray]) -> Iterator[str]:
        graph = self.graph
        before = {k: array.tobytes() for k, array in arrays.items()}
        for out, position in graph.updates.items():
            self.stored[out].set_value(values[position], borrow=bool(self.rng.random() < 0.5))
            values[position] = np.array(values[position])
        try:
            if not legal(graph, values):
                return
            expected = evaluate(graph.outputs, dict(zip(graph.inputs, values)))
        except (ValueError, IndexError, AssertionError, TypeError) as error:
            yield from self.fails(name, values, arrays, error)
            return
        found = self.function(*arrays.values())
        results = dict(zip(self.returned, found))
        stored = {out: variable.get_value(borrow=True) for out, variable in self.stored.items()}
        # what is stored may have come from operations that round, and another order of them
        called = replace(graph, values=values, expected=[np.asarray(value) for value in expected])
        got = [(results if out in results else stored)[out] for out in range(len(graph.outputs))]
        yield from check(called, got, name, [True] * len(got), loose=True)
        for k, array in arrays.items():
            if k not in self.mutable and array.tobytes() != before[k]:
                yield f"{name}: argument {k} was overwritten"
        yield from self.shares_memory(name, results, arrays)
        for got, was in self.kept:
            if np.asarray(got).tobytes() != was.tobytes():
                yield f"{name}: a result of an earlier call has changed"
        self.kept += [(got, np.array(got)) for k, got in results.items() if k not in self.borrowed]

    def shares_memory(self, name: str, results: dict[int, Any], arrays: dict[int, np.ndarray]) -> Iterator[str]:
        held = [(f"argument {k}", array) for k, array in arrays.items()]
        held += [(f"stored {variable}", variable.get_value(borrow=True)) for variable in self.stored.values()]
        for k, got in results.items():
            if k not in self.borrowed:
                for what, other in held:
                    if np.shares_memory(got, other):
                        yield f"{name}: output {k} shares memory with {what}"
                held.append((f"output {k}", got))

    def fails(
        self, name: str, values: list[np.ndarray], arrays: dict[int, np.ndarray], error: Exception
    ) -> Iterator[str]:
        """The function raises, too, and what is stored stays as it was."""
        try:
            self.function(*arrays.values())
        except (ValueError, IndexError, AssertionError, TypeError):
            for out, position in self.graph.updates.items():
                if np.asarray(self.stored[out].get_value(borrow=True)).tobytes() != values[position].tobytes():
                    yield f"{name}: a call that failed has changed what is stored"
        else:
            if any(lost in str(error) for lost in NOT_RESTORED):
                return
            yield f"{name}: no error, expected {type(error).__name__}: {str(error).splitlines()[0]}"


def wrong_calls(graph: Graph, seed: int) -> list[str]:
    """What is wrong when the graph is a function, without rules that assume more than IEEE arithmetic gives."""
    if graph.stabilised:
        return []
    with theano.change_flags(exact=True), np.errstate(all="ignore"):
        return list(Called(graph, seed).wrong())
