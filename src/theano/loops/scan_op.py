"""Scan: a loop as one op. A graph is run for step after step on rows of sequences and on its own earlier results.

The order of inputs and outputs is in `scan_layout.py`, the loop itself in `scan_steps.py`, the derivative in
`scan_gradient.py`. Users build these nodes with `scan` (`scan.py`), which finds out what a step needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from theano._config import change_flags, config
from theano.errors import MethodNotDefined, ShapeError
from theano.graph.clone import clone_replace, equal_computations
from theano.graph.fgraph import FunctionGraph
from theano.graph.inner_function import InnerFunction
from theano.graph.node import Apply, Constant, Variable
from theano.graph.op import Op
from theano.graph.traverse import ancestors, graph_inputs
from theano.loops.progress import Bar
from theano.loops.scan_accessors import ScanAccessors
from theano.loops.scan_gradient import pull_back
from theano.loops.scan_layout import InnerInputs, OuterInputs, ScanLayout
from theano.loops.scan_steps import run_steps
from theano.scalar.dtypes import is_discrete
from theano.tensor.convert import as_tensor_variable, constant
from theano.tensor.creation import MakeVector
from theano.tensor.elemwise import Elemwise, cast_to
from theano.tensor.shape_ops import Shape, Shape_i, shape_i_op
from theano.tensor.type import TensorType, tensor_type
from theano.transforms.reverse import reached_from


class Scan(ScanAccessors, Op):
    """For t in range(n_steps): the inner graph, applied to what belongs to step t.

    inputs, outputs     the inner graph, in the order that `info` says (see ScanLayout). Shared variables are no leaves:
                        they must come in through inputs
    info                a ScanLayout
    mode                the mode in which the inner graph is compiled; None: the configured one
    truncate_gradient   the derivative goes back over so many steps at most; -1: over all
    name                shown when the op is printed and in errors
    bar                 a Bar: how far the loop is is drawn while it runs
    typeConstructor, profile, allow_gc   accepted, without effect

    Rows of a state must have the shape of its initial rows; rows of a trace must all have one shape. What is carried
    may change the lengths that its type does not state.
    """

    bar: Bar | None = None   # of what was pickled when there was none

    # what is said of lengths that do not fit where nothing is left of the loop but its demands (`restore_checks.py`)
    remedy_of_lengths = "Sequences must have a row for each step: give longer sequences, or fewer n_steps."

    def __init__(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        info: ScanLayout,
        typeConstructor: Any = None,
        *,
        mode: Any = None,
        truncate_gradient: int = -1,
        name: str | None = None,
        profile: Any = False,
        allow_gc: bool | None = None,
        bar: Bar | None = None,
    ) -> None:
        if not isinstance(info, ScanLayout):
            raise TypeError(f"Scan needs a ScanLayout as info, got {type(info).__name__}")
        if len(outputs) != info.inner_output_count:
            raise ValueError(f"Scan: {info} needs {info.inner_output_count} inner outputs, got {len(outputs)}")
        if len(inputs) < info.inner_input_count:
            raise ValueError(f"Scan: {info} needs at least {info.inner_input_count} inner inputs, got {len(inputs)}")
        self.info = info
        self.mode = mode
        self.truncate_gradient = truncate_gradient
        self.name = name
        self.profile = profile
        self.allow_gc = allow_gc
        self.bar = bar
        self.fgraph = FunctionGraph(inputs, outputs)
        self._check_inner_types()
        self._make_lazy_parts()

    def _make_lazy_parts(self) -> None:
        self.function = InnerFunction(self.fgraph, self.mode, str(self))
        self._pattern: list[list[bool]] | None = None
        self._row_shapes: list[Any] | None = None
        self._hash: int | None = None

    def __getstate__(self) -> dict[str, Any]:
        left_out = ("function", "_pattern", "_row_shapes", "_hash")
        return {name: value for name, value in self.__dict__.items() if name not in left_out}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._make_lazy_parts()

    # -- identity -----------------------------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Scan) or hash(self) != hash(other):
            return False
        mine, theirs = self.fgraph, other.fgraph
        return (
            self.info == other.info
            and self.truncate_gradient == other.truncate_gradient
            and self.mode == other.mode
            and self.bar == other.bar
            and [v.type for v in mine.inputs] == [v.type for v in theirs.inputs]
            and [v.type for v in mine.outputs] == [v.type for v in theirs.outputs]
            and equal_computations(mine.outputs, theirs.outputs, mine.inputs, theirs.inputs)
        )

    def __hash__(self) -> int:
        if self._hash is None:
            kinds = tuple(v.type for v in (*self.fgraph.inputs, *self.fgraph.outputs))
            self._hash = hash((Scan, self.info, self.truncate_gradient, kinds, len(self.fgraph)))
        return self._hash

    def __str__(self) -> str:
        return f"{'while' if self.info.until else 'for'}{{{self.name or 'scan_fn'}}}"

    # -- parts --------------------------------------------------------------------------------------------------

    @property
    def inputs(self) -> list[Variable]:
        return self.fgraph.inputs

    @property
    def outputs(self) -> list[Variable]:
        return self.fgraph.outputs

    @property
    def as_while(self) -> bool:
        return self.info.until

    def outer(self, inputs: Sequence[Any]) -> OuterInputs:
        return self.info.outer(inputs)

    @property
    def inner(self) -> InnerInputs:
        return self.info.inner(self.fgraph.inputs)

    # -- types --------------------------------------------------------------------------------------------------

    def _check_inner_types(self) -> None:
        inner, results = self.inner, self.info.outputs(self.fgraph.outputs)
        for taps, result in zip(inner.taps, results.states):
            for tap in taps:
                if not tap.type.is_super(result.type):
                    raise TypeError(f"Scan: a state of type {tap.type} has the new value {result} of type "
                                    f"{result.type}; they must agree")
        for before, after in zip(inner.carried, results.carried):
            if not before.type.is_super(after.type):
                raise TypeError(f"Scan: {before} of type {before.type} has the new value {after} of type {after.type}")
        for variable in (*inner.sequences, *(t for taps in inner.taps for t in taps), *results.traced):
            if not isinstance(variable.type, TensorType):
                raise TypeError(f"Scan: rows must be tensors, got {variable} of type {variable.type}")
        for condition in results.last:
            if not isinstance(condition.type, TensorType) or condition.type.ndim != 0:
                raise TypeError(f"until needs a scalar condition, got {condition} of type {condition.type}")

    def make_node(self, n_steps: Any, *inputs: Any) -> Apply:
        n_steps = as_tensor_variable(n_steps)
        if n_steps.type.ndim != 0 or not is_discrete(n_steps.type.dtype) or n_steps.type.dtype == "bool":
            raise TypeError(f"{self}: n_steps must be a 0-d integer, got {n_steps} of type {n_steps.type}")
        n_steps = cast_to(n_steps, "int64")
        count = self.info.sequences + self.info.states + self.info.carried + len(self.inner.others)
        if len(inputs) != count:
            raise ValueError(f"{self} takes n_steps and {count} inputs, got {len(inputs)}")
        outer = self.outer([n_steps, *inputs])
        inner = self.inner
        converted: list[Variable] = []
        for position, (variable, row) in enumerate(zip(outer.sequences, inner.sequences)):
            converted.append(_rows_of(row, variable, f"{self}: sequence {position}"))
        for position, (variable, taps) in enumerate(zip(outer.initials, inner.taps)):
            converted.append(_rows_of(taps[0], variable, f"{self}: the initial state {position}"))
        for variable, stand in zip((*outer.carried, *outer.others), (*inner.carried, *inner.others)):
            converted.append(stand.type.filter_variable(variable))
        results = self.info.outputs(self.fgraph.outputs)
        outputs = [
            tensor_type(row.type.dtype, (None, *row.type.shape))()
            for row in (
                *(taps[0] for taps in inner.taps),
                *results.traced,
            )
        ]
        outputs += [before.type() for before in inner.carried]
        if self.info.until:
            outputs.append(tensor_type("int64", ())())
        return Apply(self, [n_steps, *converted], outputs)

    def do_constant_folding(self, node: Apply) -> bool:
        return False  # a loop may be long: it runs when the function is called

    # -- meaning ------------------------------------------------------------------------------------------------

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        for cell, value in zip(output_storage, run_steps(self, node, inputs)):
            cell[0] = value

    # -- shapes -------------------------------------------------------------------------------------------------

    def row_shapes(self) -> list[Any]:
        """For every inner output the lengths of its axes: ints, or expressions of the inner inputs."""
        if self._row_shapes is None and config.compute_test_value != "off":  # inner inputs need not have any
            with change_flags(compute_test_value="off"):
                return self.row_shapes()
        if self._row_shapes is None:
            lengths: dict[Variable, Any] = {}
            for variable in self.fgraph.inputs:
                if isinstance(variable.type, TensorType):
                    lengths[variable] = _own_shape(variable)
            for inner in self.fgraph.toposort():
                known = [lengths.get(v) if v.owner or v in lengths else _fixed_shape(v) for v in inner.inputs]
                try:
                    found = inner.op.infer_shape(inner, known)
                except (MethodNotDefined, NotImplementedError, ShapeError):
                    found = [_own_shape(v) for v in inner.outputs]
                for output, shape in zip(inner.outputs, found):
                    lengths[output] = _own_shape(output) if shape is None else tuple(shape)
            self._row_shapes = [lengths.get(v, _fixed_shape(v)) for v in self.fgraph.outputs]
        return self._row_shapes

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        if config.compute_test_value != "off":
            with change_flags(compute_test_value="off"):
                return self.infer_shape(node, input_shapes)
        outer, shapes = self.outer(node.inputs), self.outer(input_shapes)
        steps: Any = node.outputs[-1] if self.info.until else outer.n_steps
        results: list[Any] = [(steps, *shape[1:]) for shape in shapes.initials]
        for shape in self._traced_shapes(node, outer, shapes):
            results.append(None if shape is None else (steps, *shape))
        kept = map(_keeps_shape, self.inner.carried, self.info.outputs(self.fgraph.outputs).carried)
        results += [tuple(shape) if keeps and shape is not None else None for keeps, shape in zip(kept, shapes.carried)]
        if self.info.until:
            results.append(())
        return results

    def _traced_shapes(self, node: Apply, outer: OuterInputs, shapes: OuterInputs) -> list[tuple[Any, ...] | None]:
        """The lengths of traced rows as expressions outside the loop; None where they depend on a step."""
        if not self.info.traced:
            return []
        inner = self.inner
        from_outside = dict(zip(inner.others, outer.others))
        outside: dict[Variable, Any] = {}  # stand-in for an inner row -> its shape
        rows = [*inner.sequences, *(tap for taps in inner.taps for tap in taps), *inner.carried]
        known = [shape[1:] for shape in shapes.sequences]
        for taps, shape in zip(inner.taps, shapes.initials):
            known += [shape[1:]] * len(taps)
        for row, shape in zip(rows, [*known, *shapes.carried]):
            if shape is not None:
                from_outside[row] = row.type()
                outside[from_outside[row]] = shape
        results = self.info.outputs(self.row_shapes()).traced
        wanted = [n for shape in results for n in shape if isinstance(n, Variable)]
        replaced = _with_lengths(clone_replace(wanted, from_outside, strict=False), outside)
        hidden = {*rows, *outside}
        lengths = iter([None if hidden.intersection(graph_inputs([n], node.inputs)) else n for n in replaced])
        found: list[tuple[Any, ...] | None] = []
        for shape in results:
            row = tuple(next(lengths) if isinstance(n, Variable) else n for n in shape)
            found.append(None if None in row else row)
        return found

    @staticmethod
    def length_facts(node: Apply) -> Iterator[tuple[Any, Any, bool]]:
        """What is known of lengths, for `rewriting/dims.py`: every sequence has a row for each step, and every state as
        many initial rows as it looks back. A loop that is optimised away must still refuse one that has not."""
        info: ScanLayout = node.op.info  # type: ignore[attr-defined]
        outer, results = info.outer(node.inputs), info.outputs(node.outputs)
        for sequence in outer.sequences:
            yield _axis(sequence, 0), (outer.n_steps,), True
        for number, initial in enumerate(outer.initials):
            if initial.type.shape[0] is None:
                yield (initial, 0), info.rows(number), True
        steps = results.last[0] if info.until else outer.n_steps
        for trace in (*results.states, *results.traced):
            yield (trace, 0), (steps,), False
        for trace, initial in zip(results.states, outer.initials):
            for axis in range(1, trace.type.ndim):
                if trace.type.shape[axis] is None:
                    yield (trace, axis), _axis(initial, axis), False

    # -- derivative ---------------------------------------------------------------------------------------------

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[False] * len(node.outputs), *(list(row) for row in self.connections())]

    def connections(self) -> list[list[bool]]:
        """[outer input after n_steps][outer output], over any number of steps."""
        if self._pattern is None:
            info, inner = self.info, self.inner
            nodes = self.fgraph.toposort()
            outputs = self.fgraph.outputs[: info.states + info.traced + info.carried]

            def direct(variables: Sequence[Variable]) -> list[bool]:
                reached = reached_from(variables, nodes)
                return [output in reached for output in outputs]

            # what a state or a carried value reaches in one step, under the number of its output
            feeds = {number: direct(taps) for number, taps in enumerate(inner.taps)}
            for number, variable in enumerate(inner.carried):
                feeds[info.states + info.traced + number] = direct([variable])

            def over_time(row: list[bool]) -> list[bool]:
                row = list(row)
                pending = [number for number, flag in enumerate(row) if flag]
                while pending:
                    for number, flag in enumerate(feeds.get(pending.pop(), ())):
                        if flag and not row[number]:
                            row[number] = True
                            pending.append(number)
                return row

            rows = [direct([v]) for v in inner.sequences]
            rows += [feeds[number] for number in range(info.states)]
            for number in range(info.states + info.traced, len(outputs)):
                own = list(feeds[number])
                own[number] = True  # without steps it comes out as it went in
                rows.append(own)
            rows += [direct([v]) for v in inner.others]
            self._pattern = [over_time(row) + [False] * info.until for row in rows]
        return self._pattern

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        return pull_back(self, inputs, outputs, output_gradients)


def _rows_of(row: Variable, variable: Any, what: str) -> Variable:
    """`variable` as rows of the type of `row`."""
    variable = as_tensor_variable(variable)
    wanted = tensor_type(row.type.dtype, (None, *row.type.shape))  # type: ignore[attr-defined]
    if variable.type.ndim != wanted.ndim or variable.type.dtype != wanted.dtype:
        raise TypeError(f"{what} must be of type {wanted}, got {variable} of type {variable.type}")
    return variable if wanted.is_super(variable.type) else wanted.filter_variable(variable)


def _axis(variable: Any, axis: int) -> Any:
    known = variable.type.shape[axis]
    return (variable, axis) if known is None else known


def _fixed_shape(variable: Variable) -> tuple[Any, ...] | None:
    if isinstance(variable, Constant):
        return variable.data.shape if isinstance(variable.data, np.ndarray) else None
    return _own_shape(variable)


def _own_shape(variable: Variable) -> tuple[Any, ...] | None:
    if not isinstance(variable.type, TensorType):
        return None
    return tuple(shape_i_op(k)(variable) if n is None else n for k, n in enumerate(variable.type.shape))


def _keeps_shape(before: Variable, after: Variable) -> bool:
    """Is what is carried known to have the shape that it had before the step?"""
    return isinstance(before.type, TensorType) and all(
        n is not None or _is_as_long(after, axis, before, axis) for axis, n in enumerate(before.type.shape)
    )


def _is_as_long(variable: Any, axis: int, other: Variable, other_axis: int) -> bool:
    """Is an axis as long as one of `other`, by what each op says of its shape?"""
    pending = [(variable, axis)]
    seen = set(pending)
    while pending:
        v, k = pending.pop()
        if v is other and k == other_axis:
            return True
        node = v.owner
        if node is None:
            continue
        if isinstance(node.op, Elemwise):   # all operands that are not broadcast are as long
            more = [(x, k) for x in node.inputs if x.type.shape[k] is None]
        else:
            more = _source_of_length(node, v, k)
        pending += [pair for pair in more if pair not in seen]
        seen.update(more)
    return False


def _source_of_length(node: Apply, v: Variable, axis: int) -> list[tuple[Variable, int]]:
    """[(input, its axis of this length)], if the op says that it is the length of one"""
    try:
        found = node.op.infer_shape(node, [_own_shape(x) for x in node.inputs])[node.outputs.index(v)]
    except (MethodNotDefined, NotImplementedError, ShapeError):
        return []
    length = None if found is None else found[axis]
    maker = getattr(length, "owner", None)
    return [(maker.inputs[0], maker.op.i)] if maker is not None and isinstance(maker.op, Shape_i) else []


def _with_lengths(expressions: list[Variable], shapes: dict[Variable, Any]) -> list[Variable]:
    """`expressions` with the shapes of the keys of `shapes` replaced by the lengths that stand there."""
    replacements: dict[Variable, Variable] = {}
    for variable in ancestors(expressions):
        source = variable.owner.inputs[0] if variable.owner is not None else None
        if source not in shapes:
            continue
        op = variable.owner.op  # type: ignore[union-attr]
        if isinstance(op, Shape_i):
            replacements[variable] = _int64(shapes[source][op.i])
        elif isinstance(op, Shape):
            replacements[variable] = MakeVector("int64")(*[_int64(n) for n in shapes[source]])
    return clone_replace(expressions, replacements, strict=False) if replacements else expressions


def _int64(n: Any) -> Variable:
    return cast_to(n, "int64") if isinstance(n, Variable) else constant(n, dtype="int64")
