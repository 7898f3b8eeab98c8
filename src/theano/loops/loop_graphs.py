"""Tools for graphs with loops in them: rebuilding graphs into inner graphs, taking results out of a loop, and the small
tools that the original kept beside `scan`."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from theano.errors import MethodNotDefined, ShapeError
from theano.graph.clone import clone_replace, equal_computations
from theano.graph.node import Apply, Constant, Variable
from theano.graph.shared import SharedVariable
from theano.graph.traverse import ancestors, toposort
from theano.loops.scan_arguments import read_result
from theano.loops.scan_layout import ScanLayout
from theano.loops.scan_op import Scan
from theano.tensor.convert import as_tensor_variable
from theano.tensor.creation import AllocEmpty
from theano.tensor.elemwise import cast_to
from theano.tensor.shape_ops import shape_i_op
from theano.tensor.subtensor import set_subtensor
from theano.tensor.type import TensorType


def map_variables(
    replacer: Callable[[Variable], Variable], graphs: Iterable[Variable], additional_inputs: Iterable[Variable] = ()
) -> list[Variable]:
    """`graphs` built again with every variable replaced by `replacer(variable)`, also in the inner graphs of loops.

    replacer            is called with each variable, whose own inputs have been replaced already. It returns the
                        variable itself or another one; what it returns is not searched again
    additional_inputs   accepted; what a replacement takes from outside a loop is passed into the loop by itself

    >>> import theano.tensor as tt
    >>> a, b, c = tt.dscalars("a", "b", "c")
    >>> ab = a + b
    >>> ab.tag.replacement = a * b
    >>> v, = map_variables(lambda x: getattr(x.tag, "replacement", x), [ab + c])
    >>> float(v.eval({a: 2.0, b: 3.0, c: 10.0}))
    16.0
    """
    wanted = list(graphs)
    memo: dict[Variable, Variable] = {}

    def mapped(variable: Variable) -> Variable:
        if variable not in memo:
            memo[variable] = replacer(variable)
        return memo[variable]

    for node in toposort(wanted):
        inputs = [mapped(v) if v.owner is None else memo[v] for v in node.inputs]
        new = _map_inner(node, inputs, replacer)
        for old, output in zip(node.outputs, new.outputs):
            memo[old] = replacer(output)
    return [mapped(v) if v.owner is None else memo[v] for v in wanted]


def _map_inner(node: Apply, inputs: list[Variable], replacer: Callable[[Variable], Variable]) -> Apply:
    """`node` on `inputs`, with its inner graph mapped if it is a loop."""
    op = node.op
    if isinstance(op, Scan):
        graph = op.fgraph.clone()
        given = set(graph.inputs)
        outputs = map_variables(lambda v: v if v in given else replacer(v), graph.outputs)
        outside = [
            v for v in ancestors(outputs, given) if v.owner is None and v not in given and not isinstance(v, Constant)
        ]
        changed = outside or not all(a is b for a, b in zip(outputs, graph.outputs))
        if changed:
            stands = {v: v.type(v.name) for v in outside}
            new = _like(op, [*graph.inputs, *stands.values()], clone_replace(outputs, stands, strict=False), op.info)
            return new.make_node(*inputs, *outside)
    if all(new is old for new, old in zip(inputs, node.inputs)):
        return node
    return node.clone_with_new_inputs(inputs, strict=False)


def _like(op: Scan, inputs: Sequence[Variable], outputs: Sequence[Variable], info: ScanLayout) -> Scan:
    return Scan(
        inputs, outputs, info, mode=op.mode, truncate_gradient=op.truncate_gradient, name=op.name, profile=op.profile,
        allow_gc=op.allow_gc, bar=op.bar,
    )  # fmt: skip


def infer_shape(outs: Sequence[Variable], inputs: Sequence[Variable], input_shapes: Sequence[Any]) -> list[Any]:
    """For every variable of `outs` a tuple of its lengths in terms of `input_shapes` (tuples; None for what is no
    tensor). A length that no op can tell is read off the variable itself."""
    shapes: dict[Variable, Any] = dict(zip(inputs, input_shapes))

    def own(variable: Variable) -> Any:
        if not isinstance(variable.type, TensorType):
            return None
        return tuple(shape_i_op(k)(variable) if n is None else n for k, n in enumerate(variable.type.shape))

    for node in toposort(outs, inputs):
        known = [shapes.setdefault(v, own(v)) for v in node.inputs]
        try:
            found = node.op.infer_shape(node, known)
        except (MethodNotDefined, NotImplementedError, ShapeError):
            found = [None] * len(node.outputs)
        for output, shape in zip(node.outputs, found):
            shapes.setdefault(output, own(output) if shape is None else tuple(shape))
    return [shapes.setdefault(v, own(v)) for v in outs]


def expand_empty(tensor_var: Any, size: Any) -> Any:
    """`tensor_var` with `size` further rows at its end, of undefined content."""
    if isinstance(size, int) and size == 0:
        return tensor_var
    lengths = [shape_i_op(k)(tensor_var) for k in range(tensor_var.type.ndim)]
    empty = AllocEmpty(tensor_var.type.dtype)(lengths[0] + size, *lengths[1:])
    return set_subtensor(empty[: lengths[0]], tensor_var)


def safe_new(x: Any, tag: str = "", dtype: str | None = None) -> Any:
    """A new variable of the type of `x` (in another `dtype`), named after it with `tag` appended; constants stay."""
    if isinstance(x, Constant):
        made: Any = x.clone()
        return made if dtype is None or made.type.dtype == dtype else cast_to(made, dtype)  # type: ignore[attr-defined]
    x = x if isinstance(x, Variable) else as_tensor_variable(x)
    kind = x.type if dtype is None else x.type.clone(dtype=dtype)
    made = kind(None if x.name is None else x.name + tag)
    if hasattr(x.tag, "test_value"):
        made.tag.test_value = copy.deepcopy(x.tag.test_value)
    return made


def reconstruct_graph(
    inputs: Sequence[Variable], outputs: Sequence[Variable], tag: str | None = None
) -> tuple[list[Variable], list[Variable]]:
    """(new inputs, the same outputs computed from them)"""
    fresh = [safe_new(v, tag or "") for v in inputs]
    return fresh, clone_replace(outputs, dict(zip(inputs, fresh)), strict=False)


def forced_replace(out: Variable | None, x: Variable, y: Variable) -> Variable | None:
    """`out` with y wherever x is computed, also by other nodes that are equal to those of x."""
    if out is None:
        return None
    equal = [v for v in ancestors([out]) if v is x or (v.type == x.type and equal_computations([v], [x]))]
    return clone_replace(out, dict.fromkeys(equal, y), strict=False)


def traverse(out: Variable, x: Variable, x_copy: Variable, d: dict[Any, Any], visited: set[Any] | None = None) -> Any:
    """Add {x: x_copy} to `d` if `out` depends on x; returns `d`."""
    seen = set() if visited is None else visited
    for variable in ancestors([out]):
        seen.add(variable)
        if variable is x:
            d[variable] = x_copy
    return d


def get_updates_and_outputs(ls: Any) -> tuple[Any, list[Any], dict[SharedVariable, Any]]:
    """(condition or None, outputs, updates) of what the function of a step returned."""
    found = read_result(ls)
    return found.condition, found.outputs, found.updates


def isNaN_or_Inf_or_None(x: Any) -> bool:
    """Is `x` (a number, or a constant) None, NaN or infinite?"""
    if isinstance(x, Constant):
        x = x.data
    if x is None:
        return True
    try:
        number = complex(np.asarray(x).item()) if not isinstance(x, str) else complex(x)
    except (TypeError, ValueError):
        return False
    return math.isnan(number.real) or math.isnan(number.imag) or math.isinf(abs(number))


def hash_listsDictsTuples(x: Any) -> int:
    """A hash of nested lists, tuples and dictionaries."""
    if isinstance(x, Mapping):
        return hash(tuple((hash_listsDictsTuples(k), hash_listsDictsTuples(v)) for k, v in x.items()))
    if isinstance(x, (list, tuple)):
        return hash(tuple(hash_listsDictsTuples(v) for v in x))
    return hash(x)


class Validator:
    """Can variables be computed without those that are invalid?

    valid, invalid     variables known to be the one or the other
    valid_equivalent   {invalid variable: what to use in its place}
    """

    def __init__(
        self,
        valid: Iterable[Variable] = (),
        invalid: Iterable[Variable] = (),
        valid_equivalent: Mapping[Variable, Variable] | None = None,
    ) -> None:
        self.valid = set(valid)
        self.invalid = set(invalid)
        self.valid_equivalent = dict(valid_equivalent or {})
        self.valid.update(self.valid_equivalent.values())
        self.invalid.update(self.valid_equivalent)

    def check(self, out: Variable) -> tuple[Variable, bool] | None:
        """(out, True) if it is valid; (an equivalent, False) if it can be computed in another way; else None."""
        known = self.valid | self.invalid
        for node in toposort([out], known):
            for variable in node.inputs:
                if variable.owner is None and variable not in known:
                    (self.valid if isinstance(variable, Constant) else self.invalid).add(variable)
            usable = all(v in self.valid or v in self.valid_equivalent for v in node.inputs)
            replaced = any(v not in self.valid for v in node.inputs)
            if usable and replaced:
                new = node.clone_with_new_inputs([self.valid_equivalent.get(v, v) for v in node.inputs], strict=False)
                self.valid_equivalent.update(zip(node.outputs, new.outputs))
                self.valid.update(new.outputs)
            (self.valid if usable and not replaced else self.invalid).update(node.outputs)
        if out in self.valid or isinstance(out, Constant):
            return out, True
        if out in self.valid_equivalent:
            return self.valid_equivalent[out], False
        return None


def scan_can_remove_outs(op: Scan, out_idxs: Sequence[int]) -> tuple[list[int], list[int]]:
    """(those of the outputs `out_idxs` that no other output needs, the rest of them)"""
    info, inner = op.info, op.inner
    count = info.states + info.traced + info.carried
    candidates = {int(i) for i in out_idxs if 0 <= int(i) < count}
    feeding: dict[int, Sequence[Variable]] = dict(enumerate(inner.taps))
    feeding.update({info.states + info.traced + k: [v] for k, v in enumerate(inner.carried)})
    needed_by = [set(ancestors([output])) for output in op.fgraph.outputs]
    kept = [i for i in range(len(op.fgraph.outputs)) if i not in candidates]
    for i in kept:  # grows
        for number, variables in feeding.items():
            if number not in kept and any(v in needed_by[i] for v in variables):
                kept.append(number)
    return [int(i) for i in out_idxs if int(i) not in kept], [int(i) for i in out_idxs if int(i) in kept]


def compress_outs(
    op: Scan, not_required: Sequence[int], inputs: Sequence[Variable]
) -> tuple[list[Variable], list[Variable], ScanLayout, list[Variable], dict[int, int]]:
    """(inner inputs, inner outputs, layout, outer inputs, {old output: new output}) without the outputs
    `not_required`, which no other output may need (see `scan_can_remove_outs`)."""
    info, inner, outer = op.info, op.inner, op.info.outer(inputs)
    gone = set(not_required)
    first = info.states + info.traced
    states = [k for k in range(info.states) if k not in gone]
    traced = [k for k in range(info.states, first) if k not in gone]
    carried = [k for k in range(info.carried) if first + k not in gone]
    layout = ScanLayout(
        info.sequences, tuple(info.taps[k] for k in states), len(traced), len(carried), info.until
    )
    inner_inputs = [
        *inner.sequences, *(tap for k in states for tap in inner.taps[k]), *(inner.carried[k] for k in carried),
        *inner.others,
    ]  # fmt: skip
    outer_inputs = [
        outer.n_steps, *outer.sequences, *(outer.initials[k] for k in states), *(outer.carried[k] for k in carried),
        *outer.others,
    ]  # fmt: skip
    remaining = [*states, *traced, *(first + k for k in carried)]
    remaining += [len(op.fgraph.outputs) - 1] if info.until else []
    outputs = [op.fgraph.outputs[k] for k in remaining]
    return inner_inputs, outputs, layout, outer_inputs, {old: new for new, old in enumerate(remaining)}


class scan_args:
    """The inputs and outputs of a loop by kind, outside (`outer_in_seqs`, ...) and inside (`inner_in_seqs`, ...)."""

    def __init__(
        self,
        outer_inputs: Sequence[Any],
        outer_outputs: Sequence[Any],
        _inner_inputs: Sequence[Variable],
        _inner_outputs: Sequence[Variable],
        info: ScanLayout,
    ) -> None:
        self.info = info
        self.inner_inputs, self.inner_outputs = reconstruct_graph(_inner_inputs, _inner_outputs)
        self.outer_inputs, self.outer_outputs = list(outer_inputs), list(outer_outputs)
        op = Scan(self.inner_inputs, self.inner_outputs, info)
        self.n_steps = self.outer_inputs[0]
        self.cond = info.outputs(self.inner_outputs).last
        for kind, own in (("seqs", "seqs"), ("mit_sot", "mitsot"), ("sit_sot", "sitsot"), ("shared", "shared"),
                          ("other", "non_seqs")):  # fmt: skip
            setattr(self, f"outer_in_{kind}", getattr(op, f"outer_{own}")(self.outer_inputs))
            setattr(self, f"inner_in_{kind}", getattr(op, f"inner_{own}")(self.inner_inputs))
        for kind, own in (("mit_sot", "mitsot"), ("sit_sot", "sitsot"), ("nit_sot", "nitsot"), ("shared", "shared")):
            setattr(self, f"outer_out_{kind}", getattr(op, f"outer_{own}_outs")(self.outer_outputs))
            setattr(self, f"inner_out_{kind}", getattr(op, f"inner_{own}_outs")(self.inner_outputs))
