"""Random well-typed graphs over all ops that have a lowering, with values for their inputs.

Every variable is made together with its value, so that shapes fit and sizes stay small. Values start as small integers;
a variable whose value is not exact any more (after exp, division, ...) enters no op that would turn a rounding error
into a different result (comparisons, floor, argmax, casts to integers), and one that is huge or not finite enters none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from rows import cumulative, draws, four_axes, positions, row_by_row

import theano.tensor as T
from theano.graph.clone import clone_replace
from theano.graph.evaluate import evaluate
from theano.scalar.op import ScalarOp
from theano.tensor.elemwise import Elemwise, cast_to
from theano.tensor.type import TensorType

DTYPES = ("float64", "float64", "float32", "int64", "int32", "int8", "uint8", "bool", "float16")
EXACT = ["add", "sub", "mul", "neg", "abs_", "sqr", "maximum", "minimum", "second", "switch", "identity", "clip", "sgn"]
COMPARE = ["lt", "le", "gt", "ge", "eq", "neq"]
ROUND = ["floor", "ceil", "trunc", "round_half_to_even", "isnan", "isinf", "int_div", "mod"]
BITS = ["and_", "or_", "xor", "invert"]
SMOOTH = ["exp", "tanh", "sigmoid", "softplus", "sin", "cos", "log1p", "expm1", "arctan", "true_div", "sqrt", "erf"]
LARGEST = 1e5
MOST_ELEMENTS = 3000


@dataclass
class Item:
    """A variable with its value. `exact`: no rounding has happened."""

    variable: Any
    value: np.ndarray
    exact: bool = True
    usable: bool = True

    @property
    def dtype(self) -> str:
        return self.variable.type.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape


@dataclass
class Graph:
    """inputs with values; outputs; `updates`: {output position: position of the input that it replaces}."""

    inputs: list[Any]
    values: list[np.ndarray]
    outputs: list[Any]
    expected: list[np.ndarray]
    exact: list[bool]
    updates: dict[int, int] = field(default_factory=dict)
    stabilised: bool = False  # rewriting may give numbers where the graph gives NaN or infinity


class GraphMaker:
    """Makes one graph; the same seed makes the same graph."""

    dtypes: tuple[str, ...] = DTYPES

    def __init__(self, seed: int, rows: bool = False) -> None:
        self.rng = np.random.default_rng(seed)
        self.items: list[Item] = []
        self.inputs: list[Item] = []
        self.stabilised = False
        self.along_rows = rows
        more = (cumulative, cumulative, row_by_row, row_by_row, draws, four_axes) if rows else ()
        self.more_steps: list[Callable[[], None]] = [partial(step, self) for step in more]
        self.most_elements = MOST_ELEMENTS
        self.pool: list[int] = [int(n) for n in self.rng.choice([0, 1, 2, 3, 4, 5, 9], size=3)]

    # -- choices

    def pick(self, options: Any) -> Any:
        options = list(options)
        return options[int(self.rng.integers(len(options)))]

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def some(self, test: Any = lambda item: True) -> Item | None:
        fitting = [item for item in self.items if item.usable and test(item)]
        # later ones more often, so that graphs grow deep
        return fitting[min(int(len(fitting) * self.rng.random() ** 0.6), len(fitting) - 1)] if fitting else None

    # -- making

    def numbers(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        low = 0 if dtype.startswith(("u", "b")) else -4
        return self.rng.integers(low, 5, size=shape).astype(dtype)

    def add_input(self, shape: tuple[int, ...], dtype: str) -> Item:
        static = tuple(
            n if (n == 1 and self.chance(0.8)) or self.chance(0.15) else None for n in shape
        )
        value = self.numbers(shape, dtype)
        if self.chance(0.3) and len(shape) > 1:
            value = np.asfortranarray(value)
        if self.chance(0.2) and len(shape):
            wide = np.repeat(value, 2, axis=0)
            value = wide[::2] if self.chance(0.5) else wide[::-2][::-1][::1]
        item = Item(TensorType(dtype, static)(f"x{len(self.inputs)}"), value)
        self.items.append(item)
        self.inputs.append(item)
        return item

    def constant(self, shape: tuple[int, ...], dtype: str) -> Item:
        value = self.numbers(shape, dtype)
        return Item(T.constant(value), value)

    def add(self, variable: Any, inputs: list[Item], exact: bool | None = None) -> Item | None:
        """Enter a variable made of `inputs`, if its value is small enough to go on with."""
        known = {item.variable: item.value for item in self.items}
        known.update({item.variable: item.value for item in inputs})
        (value,) = evaluate([variable], known)
        value = np.asarray(value)
        if value.size > self.most_elements:
            return None
        item = Item(variable, value, all(i.exact for i in inputs) if exact is None else exact)
        if value.dtype.kind in "fc":
            limit = 500 if value.dtype == "float16" else LARGEST
            item.usable = bool(np.isfinite(value).all() and (np.abs(value) < limit).all())
            if value.dtype == "float16" and not item.exact:
                item.usable = False
        elif value.dtype.kind in "iu" and value.dtype.itemsize > 2:
            item.usable = bool((np.abs(value.astype("float64")) < 1e6).all())
        self.items.append(item)
        return item

    def insert(self, variable: Any, variables: list[Any], items: list[Item]) -> Item | None:
        """Enter an expression of `variables`, with the variables of `items` in their place."""
        placed = clone_replace(variable, dict(zip(variables, (item.variable for item in items))))
        self.stabilised = True
        return self.add(placed, items, exact=False)

    # -- ops

    def elementwise(self) -> None:
        a = self.some()
        assert a is not None
        names = list(EXACT)
        if a.exact:
            names += COMPARE + ROUND
        if a.dtype in ("bool", "int8", "int32", "int64", "uint8"):
            names += BITS
        if self.chance(0.4):
            names = SMOOTH
        record = ScalarOp.registry[self.pick(names)]
        inputs = [a]
        for _ in range((record.nin or int(self.rng.integers(2, 4))) - 1):
            inputs.append(self.partner(a))
        if record.name in COMPARE + ROUND and not all(i.exact for i in inputs):
            return
        if record.name == "switch":
            inputs = [inputs[1], a, inputs[2]]
            if not inputs[0].exact:
                return
        if record.name in ("mod", "int_div") and any((i.value == 0).any() for i in inputs[1:]):
            return
        if record.name in ("maximum", "minimum", "clip", "sgn", "abs_") and not all(i.exact for i in inputs):
            return
        if self.chance(0.15):
            self.rng.shuffle(inputs)  # type: ignore[arg-type]
        try:
            variable = Elemwise(record)(*[i.variable for i in inputs])
        except (TypeError, ValueError):
            return
        exact = all(i.exact for i in inputs) and record.name not in SMOOTH
        if "float16" in (variable.type.dtype, *(i.dtype for i in inputs)) and record.name in ("mul", "sqr", "add"):
            exact = False
        self.add(variable, inputs, exact)

    def partner(self, a: Item) -> Item:
        """Something that broadcasts with `a`."""
        known = a.variable.type.shape

        def fits(item: Item) -> bool:
            own = item.variable.type.shape
            return item is not a and item.value.ndim <= a.value.ndim and all(
                n == 1 or (m != 1 and item.shape[k] == a.shape[k + a.value.ndim - item.value.ndim])
                for k, (n, m) in enumerate(zip(own, known[len(known) - len(own):]))
            )

        choice = self.rng.random()
        if choice < 0.6:
            found = self.some(fits)
            if found is not None:
                return found
        if choice < 0.75 and a.value.ndim:
            axis = int(self.rng.integers(a.value.ndim))
            if a.dtype != "bool" and a.dtype != "float16":
                reduced = a.variable.sum(axis=axis, keepdims=True)
                item = self.add(reduced, [a])
                if item is not None and item.usable:
                    return item
        if choice < 0.85:
            return self.constant((), self.pick(["int8", "float32", a.dtype]))
        return a

    def dimshuffle(self) -> None:
        a = self.some()
        assert a is not None
        known = a.variable.type.shape
        order: list[Any] = [k for k in range(a.value.ndim) if known[k] != 1 or self.chance(0.7)]
        self.rng.shuffle(order)
        while len(order) < 4 and self.chance(0.3):
            order.insert(int(self.rng.integers(len(order) + 1)), "x")
        self.add(a.variable.dimshuffle(*order), [a])

    def reduction(self) -> None:
        a = self.some(lambda item: item.value.ndim > 0)
        if a is None:
            return
        axes = [k for k in range(a.value.ndim) if self.chance(0.6)] or [0]
        kind = self.pick(["sum", "sum", "prod", "max", "min", "all", "any", "argmax", "mean", "sum"])
        if kind in ("max", "min", "argmax", "mean") and any(a.shape[k] == 0 for k in axes):
            return
        if kind in ("max", "min", "argmax", "all", "any") and not a.exact:
            return
        if a.dtype == "bool" and kind in ("max", "min", "argmax", "prod"):
            return
        if kind == "argmax":
            axes = axes[:1] if self.chance(0.5) else axes
            if self.along_rows:
                positions(self, a, axes)
                return
            variable = T.argmax(a.variable, axis=axes[0] if len(axes) == 1 else axes)
        else:
            keep = self.chance(0.4)
            variable = getattr(T, kind)(a.variable, axis=axes, keepdims=keep)
        exact = a.exact and kind not in ("mean", "prod") and not (kind == "sum" and a.dtype == "float16")
        self.add(variable, [a], exact)

    def index_number(self, n: int) -> tuple[Any, list[Item]]:
        """A position in an axis of length n: a Python int, or a 0-d input."""
        value = int(self.rng.integers(-n, n))
        if self.chance(0.3):
            item = Item(TensorType("int64", ())(f"x{len(self.inputs)}"), np.array(value))
            self.inputs.append(item)
            self.items.append(item)
            return item.variable, [item]
        return value, []

    def slice(self, n: int) -> tuple[Any, list[Item]]:
        bounds: list[Any] = []
        extra: list[Item] = []
        for _ in range(2):
            if self.chance(0.4):
                bounds.append(None)
            else:
                given, more = self.index_number(n + 2)
                bounds.append(given)
                extra += more
        step = self.pick([None, None, 1, 2, -1, -2, 3])
        return slice(bounds[0], bounds[1], step), extra

    def basic_index(self, a: Item) -> tuple[tuple[Any, ...], list[Item]]:
        index: list[Any] = []
        extra: list[Item] = []
        for n in a.shape[:int(self.rng.integers(1, a.value.ndim + 1))]:
            given, more = self.index_number(n) if n and self.chance(0.35) else self.slice(n)
            index.append(given)
            extra += more
        return tuple(index), extra

    def subtensor(self) -> None:
        a = self.some(lambda item: item.value.ndim > 0)
        if a is None:
            return
        index, extra = self.basic_index(a)
        self.add(a.variable[index], [a, *extra])

    def rows(self, n: int, length: int | None = None) -> Item:
        length = int(self.rng.integers(0, 6)) if length is None else length
        value = self.rng.integers(-n, n, size=length).astype(self.pick(["int64", "int32"]))
        item = Item(TensorType(value.dtype.name, (None,))(f"x{len(self.inputs)}"), value)
        self.inputs.append(item)
        self.items.append(item)
        return item

    def advanced_index(self, a: Item) -> tuple[tuple[Any, ...], list[Item]] | None:
        if any(n == 0 for n in a.shape):
            return None
        index: list[Any] = []
        extra: list[Item] = []
        length = None
        for n in a.shape:
            choice = self.rng.random()
            if choice < 0.45 or (n == a.shape[-1] and not extra):
                rows = self.rows(n, length)
                length = rows.value.shape[0]
                index.append(rows.variable)
                extra.append(rows)
            elif choice < 0.6:
                index.append(int(self.rng.integers(-n, n)))
            else:
                index.append(slice(None) if self.chance(0.6) else slice(0, None, 2))
        return (tuple(index), extra) if extra else None

    def gather(self) -> None:
        a = self.some(lambda item: item.value.ndim > 0)
        found = None if a is None else self.advanced_index(a)
        if a is None or found is None:
            return
        index, extra = found
        self.add(a.variable[index], [a, *extra])

    def write(self) -> None:
        a = self.some(lambda item: item.value.ndim > 0 and item.dtype not in ("bool", "float16"))
        if a is None:
            return
        found = self.basic_index(a) if self.chance(0.5) else self.advanced_index(a)
        if found is None:
            return
        index, extra = found
        region = a.variable[index]
        item = self.add(region, [a, *extra])
        if item is None:
            return
        adding = self.chance(0.5)
        values = [self.constant((), a.dtype), item, item]
        fitting = self.some(
            lambda other: other.shape == item.shape and other.dtype == a.dtype
            and other.variable.type.broadcastable == region.type.broadcastable
        )
        if fitting is not None:
            values += [fitting, fitting]
        value = self.pick(values)
        function = T.inc_subtensor if adding else T.set_subtensor
        try:
            variable = function(region, value.variable)
        except (TypeError, ValueError):
            return
        self.add(variable, [a, value, *extra])

    def join(self) -> None:
        a = self.some(lambda item: item.value.ndim > 0)
        if a is None:
            return
        axis = int(self.rng.integers(a.value.ndim))
        rest = a.shape[:axis] + a.shape[axis + 1:]
        parts = [a]
        for _ in range(int(self.rng.integers(1, 4))):
            other = self.some(
                lambda item: item.value.ndim == a.value.ndim
                and item.shape[:axis] + item.shape[axis + 1:] == rest
                and all(
                    m is None or n is None or m == n
                    for k, (m, n) in enumerate(zip(item.variable.type.shape, a.variable.type.shape)) if k != axis
                )
            )
            parts.append(a if other is None else other)
        self.rng.shuffle(parts)  # type: ignore[arg-type]
        self.add(T.join(axis, *[p.variable for p in parts]), parts)

    def split(self) -> None:
        a = self.some(lambda item: item.value.ndim > 0)
        if a is None:
            return
        axis = int(self.rng.integers(a.value.ndim))
        n = a.shape[axis]
        first = int(self.rng.integers(0, n + 1))
        try:
            pieces = T.split(a.variable, [first, n - first], 2, axis=axis)
        except ValueError:
            return
        for piece in pieces:
            self.add(piece, [a])

    def dot(self) -> None:
        a = self.some(lambda item: item.value.ndim in (1, 2) and item.dtype in ("float64", "float32", "int64"))
        if a is None:
            return
        b = self.some(
            lambda item: item.value.ndim in (1, 2) and item.dtype in ("float64", "float32", "int64")
            and item.shape[0] == a.shape[-1]
            and (item.variable.type.shape[0] == a.variable.type.shape[-1] or None in (
                item.variable.type.shape[0], a.variable.type.shape[-1]))
        )
        if b is None:
            if a.value.ndim == 1:
                self.add(T.dot(a.variable, a.variable), [a])
                return
            self.add(T.dot(a.variable, a.variable.T), [a])
            return
        self.add(T.dot(a.variable, b.variable), [a, b])

    def create(self) -> None:
        a = self.some(lambda item: item.value.ndim > 0)
        lengths: list[Any] = []
        extra: list[Item] = []
        for _ in range(int(self.rng.integers(1, 3))):
            if a is not None and self.chance(0.6):
                lengths.append(a.variable.shape[int(self.rng.integers(a.value.ndim))])
                extra.append(a)
            else:
                lengths.append(self.pick([0, 1, 2, 3]))
        choice = self.rng.random()
        if choice < 0.4:
            value = self.some(lambda item: item.value.ndim == 0) or self.constant((), "float32")
            self.add(T.alloc(value.variable, *lengths), [value, *extra])
        elif choice < 0.6:
            self.add(T.eye(lengths[0], lengths[-1], int(self.rng.integers(-1, 2)), dtype=self.pick(self.dtypes)), extra)
        elif choice < 0.9:
            start = int(self.rng.integers(-2, 3))
            dtype = self.pick(["int64", "float64", "int8"])
            self.add(T.arange(start, lengths[0], self.pick([1, 1, 2]), dtype=dtype), extra)
        else:
            self.add(T.shape(a.variable) if a is not None else T.arange(3), extra + ([a] if a is not None else []))

    def reshape(self) -> None:
        a = self.some()
        assert a is not None
        size = a.value.size
        shapes: list[Any] = [(size,), (-1,), (1, size)] if size else [(size,), (0, 3)]
        for n in (2, 3):
            if size and size % n == 0:
                shapes += [(n, -1), (size // n, n)]
        self.add(T.reshape(a.variable, self.pick(shapes)), [a])

    def cast(self) -> None:
        a = self.some(lambda item: item.exact)
        if a is None:
            return
        dtype = self.pick(self.dtypes)
        if a.value.size and (a.value.min() < 0 and dtype == "uint8" and a.value.dtype.kind == "f"):
            return
        if a.value.dtype.kind == "f" and dtype in ("int8", "uint8") and (np.abs(a.value) > 100).any():
            return
        exact = not (dtype.startswith("float") and a.value.size and np.abs(a.value).max() > 1000)
        self.add(cast_to(a.variable, dtype), [a], exact)

    def fill(self) -> None:
        a = self.some()
        assert a is not None
        value = self.partner(a)
        self.add(T.fill(a.variable, value.variable), [a, value])

    def do(self, step: Callable[[], None]) -> None:
        step()

    def make(self, ops: int, fragment: Callable[[GraphMaker], Item | None] | None = None) -> Graph:
        """A graph of so many ops, with a fragment planted half way."""
        for _ in range(int(self.rng.integers(1, 4))):
            shape = tuple(self.pick(self.pool) for _ in range(int(self.rng.integers(0, 4))))
            self.add_input(shape, self.pick(self.dtypes))
        steps = [
            self.elementwise, self.elementwise, self.elementwise, self.elementwise, self.elementwise,
            self.reduction, self.reduction, self.dimshuffle, self.subtensor, self.gather, self.write, self.write,
            self.join, self.split, self.dot, self.create, self.reshape, self.cast, self.fill,
        ]
        steps += self.more_steps
        planted = None
        for number in range(ops):
            if fragment is not None and number == ops // 2:
                planted = fragment(self)
            self.do(self.pick(steps))
        inputs = [item.variable for item in self.inputs]
        made = [item for item in self.items if item.variable.owner is not None]
        if not made:
            return self.make(ops, fragment)
        outputs = [self.pick(made) for _ in range(int(self.rng.integers(1, 4)))]
        outputs.append(made[-1])
        if planted is not None:
            outputs.append(planted)
        if self.chance(0.2):
            outputs.append(self.pick(self.items))
        updates: dict[int, int] = {}
        for position, item in enumerate(self.inputs):
            fitting = [
                other for other in made if other.variable.type == item.variable.type and other.shape == item.shape
            ]
            if fitting and self.chance(0.5):
                updates[len(outputs)] = position
                outputs.append(self.pick(fitting))
        return Graph(
            inputs, [item.value for item in self.inputs], [item.variable for item in outputs],
            [item.value for item in outputs], [item.exact for item in outputs], updates, self.stabilised,
        )


def random_graph(
    seed: int, ops: int | None = None, fragment: Callable[[GraphMaker], Item | None] | None = None, rows: bool = False
) -> Graph:
    """The graph of a seed; a fragment is planted among its ops. rows: with what goes along rows (`rows.py`)."""
    maker = GraphMaker(seed, rows)
    return maker.make(int(maker.rng.integers(2, 25)) if ops is None else ops, fragment)
