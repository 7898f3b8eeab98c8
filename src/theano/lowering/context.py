"""Lowering: the state while a FunctionGraph becomes work, and the registry of lowerings.

A lowering is a function (lowering, node) registered for an Op class with `@lowers(OpClass)`. It gives every output of
the node a Datum with `lowering.define`. Ops without one, and those whose lowering calls `lowering.python(node)`, run
through `Op.perform`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from theano.graph.node import Apply, Constant, Variable
from theano.lowering.build import NATIVE_DTYPES
from theano.lowering.kernel import UNIT
from theano.lowering.program import DimsStep, Program, PyCallStep, RoutineStep, Step, ViewStep
from theano.lowering.recompute import ANEW
from theano.lowering.work import Datum, DimRef, Fused, Opaque, Work, Write, datum_in_memory, read, refs_in
from theano.scalar.op import ScalarOp
from theano.tensor.type import TensorType

LoweringRule = Callable[["Lowering", Apply], None]
_rules: dict[type, LoweringRule] = {}
_named: dict[tuple[str, str], LoweringRule] = {}


def lowers(*op_classes: type) -> Callable[[LoweringRule], LoweringRule]:
    """Register a lowering for exactly these Op classes (not for subclasses, which may mean something else)."""

    def register(rule: LoweringRule) -> LoweringRule:
        for op_class in op_classes:
            _rules[op_class] = rule
        return rule

    return register


def lowers_named(module: str, *op_classes: str) -> Callable[[LoweringRule], LoweringRule]:
    """`lowers` for classes of a module that need not be loaded, and is not by this."""

    def register(rule: LoweringRule) -> LoweringRule:
        for op_class in op_classes:
            _named[module, op_class] = rule
        return rule

    return register


def rule_for(op: Any) -> LoweringRule:
    kind = type(op)
    return _rules.get(kind) or _named.get((kind.__module__, kind.__qualname__), Lowering.python)


class Lowering:
    """What lowerings use: data of variables, and ways to add work."""

    def __init__(
        self, dtypes: Collection[str] = NATIVE_DTYPES, lower_graph: Callable[..., Program] | None = None
    ) -> None:
        self.lower_graph = lower_graph  # `lower` as the present graph is lowered, for graphs inside ops
        self.dtypes = dtypes  # what kernels may compute with; everything else is Python's
        self.works: list[Work] = []
        self.constants: list[Datum] = []
        self.wide: list[tuple[Datum, ScalarOp]] = []  # what folds many operands, and how: `wide.py` may cut it
        self._data: dict[Variable, Datum] = {}

    # -- data -----------------------------------------------------------------------------------------------------

    def datum(self, variable: Variable) -> Datum:
        """The datum of a variable whose node has been lowered, of an input or of a constant."""
        known = self._data.get(variable)
        if known is None:
            if not isinstance(variable, Constant):
                raise KeyError(f"{variable} is neither computed nor an input")
            known = self.constant(variable.data, variable)
            self._data[variable] = known
        return known

    def data(self, variables: Sequence[Variable]) -> list[Datum]:
        return [self.datum(v) for v in variables]

    def define(self, variable: Variable, datum: Datum) -> None:
        self._data[variable] = datum
        if not datum.name and variable.name:
            datum.name = variable.name

    def new(self, variable: Variable, dims: Sequence[DimRef | None] | None = None) -> Datum:
        """A datum for a variable of the graph; it still has to be computed. dims: as of Datum."""
        if isinstance(variable.type, TensorType):
            return Datum(variable.type.dtype, variable.type.shape, dims, variable.name or "")
        return Datum("object", (), None, variable.name or "")

    def input(self, variable: Variable) -> Datum:
        datum = self.new(variable)
        datum.leaf = datum.in_memory = True
        self._data[variable] = datum
        return datum

    def constant(self, value: Any, variable: Variable | None = None) -> Datum:
        """A constant; `value` is an array, or any object for a variable that is no tensor."""
        if variable is not None and not isinstance(variable.type, TensorType):
            datum = Datum("object", ())
        else:
            datum = Datum(value.dtype.name, value.shape)
            if value.ndim == 0 and value.dtype.kind in "iub":
                datum.dim = int(value)
            elif value.ndim == 1 and value.dtype.kind in "iub" and value.size <= 64:
                datum.elements = [int(n) for n in value]
        datum.constant = value
        datum.leaf = datum.in_memory = True
        self.constants.append(datum)
        return datum

    def in_memory(self, datum: Datum) -> Datum:
        """The datum itself, or for an alias a view of what it stands for."""
        if datum.base is None:
            return datum
        if datum.alias_view is None:
            base = datum.base
            order: list[int | str] = ["x"] * datum.ndim
            for d, a in enumerate(datum.base_axes):
                if a != UNIT:
                    order[a] = d
            view = Datum(datum.dtype, datum.shape, datum.dims, datum.name)
            self.view(view, base, "dimshuffle", tuple(order), nodes=[])
            datum.alias_view = view
        return datum.alias_view

    def dim(self, datum: Datum) -> DimRef:
        """What the content of a 0-d integer datum is known to be: an int, a length, or else the datum itself."""
        ref: DimRef = self.in_memory(datum) if datum.dim is None else datum.dim
        return ref

    def elements(self, vector: Datum, length: int, nodes: Sequence[Any] = ()) -> list[DimRef]:
        """The elements of an integer vector of known length."""
        if vector.elements is not None:
            return list(vector.elements)
        found: list[DimRef] = []
        for number in range(length):
            found.append(self.view(Datum(vector.dtype, ()), vector, "index", (number,), nodes=nodes))
        return found

    # -- work -----------------------------------------------------------------------------------------------------

    def add(self, work: Work) -> None:
        work.position = len(self.works)
        self.works.append(work)
        if isinstance(work, Fused):
            for number, write in enumerate(work.writes):
                write.datum.work = work
                write.datum.index = number
            work.chain_cost = work.cost
            for datum, _ in work.reads:
                before = datum.work
                if isinstance(before, Fused) and before.pointwise and before.chain_cost <= ANEW:
                    work.chain_cost += before.chain_cost
        else:
            for number, datum in enumerate(work.outputs):
                datum.work = work
                datum.index = number

    def pointwise(
        self,
        out: Datum,
        reads: Sequence[tuple[Datum, Sequence[int]]],
        emit: Callable[[Any], Any],
        *,
        nodes: Sequence[Any],
        size: int = 1,
        cost: int = 100,
        extents: Sequence[DimRef | None] = (),
        source: bool = False,
    ) -> Datum:
        """Let `out` be computed point by point: `emit` gives the value of one element.

        reads   (datum, for each of its axes the axis of `out` along which it is read)
        """
        walked = [read(datum, axes, out.shape) for datum, axes in reads]
        self.add(Fused(
            list(nodes), out.shape, walked, [Write(out, "store", tuple(range(out.ndim)))],
            lambda point: [emit(point)], tuple(extents), size, cost, source=source,
        ))
        return out

    def opaque(self, work: Opaque) -> None:
        self.add(work)

    def view(
        self, out: Datum, source: Datum, kind: str, params: tuple[Any, ...], *,
        nodes: Sequence[Any],
    ) -> Datum:
        """Let `out` be a view of `source`; `params` may hold DimRefs."""

        def emit(emission: Any, ins: Any, outs: Any) -> list[Step]:
            return [ViewStep(inputs=ins, outputs=outs, nodes=nodes, kind=kind, params=emission.dims_in(params))]

        self.add(Opaque(list(nodes), [self.in_memory(source)], [out], emit, tuple(refs_in(params)), {0: 0},
                        copies=kind == "reshape", whole=kind in ("reshape", "specify"),
                        safe=_is_safe(source, kind, params)))
        return out

    def own(self, datum: Datum, nodes: Sequence[Any] = ()) -> Datum:
        """A datum with the content of `datum` in memory that may be overwritten."""
        source = self.in_memory(datum)
        out = Datum(datum.dtype, datum.shape, datum.dims, datum.name)
        self.add(Opaque(list(nodes), [source], [out], None, kind="own", safe=True))
        return out

    def after(self, memory: Datum, writes: Sequence[Datum], nodes: Sequence[Any]) -> Datum:
        """The content of `memory` once `writes`, which are stores into views of it, have happened."""
        out = Datum(memory.dtype, memory.shape, memory.dims, memory.name)
        self.add(Opaque(list(nodes), [memory, *writes], [out], None, views={0: 0}, kind="after"))
        return out

    def number_of(self, ref: DimRef, nodes: Sequence[Any] = ()) -> Datum:
        """A 0-d int64 datum with the value of a length."""
        if isinstance(ref, Datum):
            return ref
        if isinstance(ref, int):
            return self.constant(np.asarray(ref, "int64"))
        out = Datum("int64", ())
        out.dim = ref

        def emit(emission: Any, ins: Any, outs: Any) -> list[Step]:
            needed = datum_in_memory(ref)
            inputs = [] if needed is None else [emission.buffer(needed)]
            return [DimsStep(inputs=inputs, outputs=outs, nodes=nodes, dims=(emission.dim(ref),))]

        self.add(Opaque(list(nodes), [], [out], emit, (ref,), safe=True))
        return out

    def copy(self, datum: Datum, nodes: Sequence[Any] = ()) -> Datum:
        """A fresh copy of `datum`, which no input, constant or other datum shares memory with."""
        out = Datum(datum.dtype, datum.shape, datum.dims, datum.name)
        if datum.dtype in self.dtypes:
            return self.pointwise(
                out, [(datum, range(datum.ndim))], lambda point: point.read(0), nodes=nodes, size=1, cost=100
            )
        source = self.in_memory(datum)
        self.add(Opaque(list(nodes), [source], [out], _python_copy, python=True, safe=True))
        return out

    def fitted(self, datum: Datum, shape: Sequence[int | None], nodes: Sequence[Any]) -> Datum:
        """`datum`, which must have length one wherever `shape` (aligned on the right) says so, known to have it."""
        offset = len(shape) - datum.ndim
        stated = tuple(
            1 if shape[offset + axis] == 1 and n != 1 else None for axis, n in enumerate(datum.shape)
        )
        if not any(stated):
            return datum
        known = tuple(n if m is None else m for n, m in zip(datum.shape, stated))
        return self.view(Datum(datum.dtype, known, datum.dims, datum.name), datum, "specify", stated, nodes=nodes)

    def cast(self, datum: Datum, dtype: str, nodes: Sequence[Any] = ()) -> Datum:
        if datum.dtype == dtype:
            return datum
        out = Datum(dtype, datum.shape, datum.dims, datum.name)
        return self.pointwise(
            out, [(datum, range(datum.ndim))], lambda point: point.b.cast(point.read(0), dtype),
            nodes=nodes, size=1, cost=1,
        )

    def python(self, node: Apply) -> None:
        """Run the node through `Op.perform`."""
        destroyed = sorted({source for sources in node.op.destroy_map.values() for source in sources})
        inputs = []
        for number, datum in enumerate(self.data(node.inputs)):
            inputs.append(self.own(datum, [node]) if number in destroyed else self.in_memory(datum))
        outputs = [self.new(v) for v in node.outputs]

        def emit(emission: Any, ins: Any, outs: Any) -> list[Step]:
            return [PyCallStep(inputs=ins, outputs=outs, nodes=[node], mutable=tuple(destroyed))]

        views = {out: sources[0] for out, sources in (*node.op.view_map.items(), *node.op.destroy_map.items())}
        self.add(Opaque([node], inputs, outputs, emit, views=views, python=True))
        for variable, datum in zip(node.outputs, outputs):
            self.define(variable, datum)

    def routine(self, node: Apply, routine: str, params: Sequence[int] = ()) -> None:
        """Run the node by a routine of the backend, see RoutineStep. All its variables are dense tensors."""
        inputs = [self.in_memory(datum) for datum in self.data(node.inputs)]
        outputs = [self.new(v) for v in node.outputs]

        def emit(emission: Any, ins: Any, outs: Any) -> list[Step]:
            return [RoutineStep(inputs=ins, outputs=outs, nodes=[node], routine=routine, params=tuple(params))]

        self.add(Opaque([node], inputs, outputs, emit))
        for variable, datum in zip(node.outputs, outputs):
            self.define(variable, datum)


def _is_safe(source: Datum, kind: str, params: tuple[Any, ...]) -> bool:
    """Can this view of `source` be taken, whatever lengths there turn out to be?"""
    if kind == "index":
        return all(isinstance(part, tuple) and all(n is None or isinstance(n, int) for n in part) for part in params)
    if kind == "specify":
        return all(ref is None or ref == known for ref, known in zip(params, source.dims))
    return kind == "dimshuffle"


def _python_copy(emission: Any, ins: Any, outs: Any) -> list[Step]:
    return [PyCallStep(inputs=ins, outputs=outs, nodes=[emission.duplicate_node(ins[0])])]


__all__ = ["Lowering", "lowers", "rule_for"]
