"""DebugMode: every claim that this library makes about a function is checked on the values of each call.

A call runs the graph as the user wrote it, and the rewritten graph together with everything that rewrites replaced,
node by node on copies of the arguments. Checked are, in this order:

* inputs that `perform` changes without a `destroy_map` (BadDestroyMap), outputs that lie in the memory of an input
  without a `view_map` (BadViewMap), values that their types do not allow (InvalidValueError);
* that native code computes the same as `perform` for every node, and for the whole (BadThunkOutput);
* that what a rewrite put in the place of a variable has the variable's value (BadOptimization names the rule);
* when the function is made, that rewriting gives the same graph each time (StochasticOrder).

Ops must be deterministic functions of their inputs. It is slow, and meant to be.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from theano import errors
from theano._config import config
from theano.backends import reference
from theano.compile import debug_values
from theano.compile.linking import Linked, Linker, LocalLinker, NativeLinker, Plan
from theano.compile.modes import Mode
from theano.compile.node_by_node import run_node
from theano.errors import TheanoError
from theano.graph.evaluate import leaf_value
from theano.graph.fgraph import OUTPUT, Feature, FunctionGraph
from theano.graph.node import Apply, Constant, Variable
from theano.graph.running import run
from theano.graph.text import debugprint
from theano.graph.traverse import toposort
from theano.lowering.program import FreeStep, PyCallStep
from theano.rewriting.run import agree
from theano.tensor.creation import AllocEmpty
from theano.tensor.type import TensorType


class DebugModeError(TheanoError):
    """DebugMode found something wrong with an Op or a rewrite. Base of the errors below."""


class BadThunkOutput(DebugModeError):
    """Two ways of computing an op disagree.

    r, thunk1, val1, thunk2, val2   the variable, what was run, and what came out
    """

    def __init__(
        self, r: Variable, thunk1: str, val1: Any, thunk2: str, val2: Any, inputs_val: Sequence[Any] = ()
    ) -> None:
        self.r, self.thunk1, self.val1, self.thunk2, self.val2 = r, thunk1, val1, thunk2, val2
        self.inputs_val = inputs_val
        super().__init__(
            f"{debug_values.source(r)} has two values.\n{debug_values.difference(thunk1, val1, thunk2, val2)}\n"
            f"{debug_values.listed('Inputs', inputs_val)}"
            f"{debug_values.made_at(r)}\nCorrect `perform`, or the native lowering, of this op."
        )

    def offending_op(self) -> Any:
        """The op that has two values."""
        return None if self.r.owner is None else self.r.owner.op


class BadOptimization(DebugModeError, errors.BadOptimization):
    """A rewrite changed a value. The attributes are those of `theano.errors.BadOptimization`."""

    def __init__(
        self, old_r: Variable, new_r: Variable, old_r_val: Any, new_r_val: Any, reason: Any, old_graph: str = "",
        new_graph: str = "",
    ) -> None:  # fmt: skip
        text = (
            f"The rewrite {reason} replaced {old_r} by {new_r}, which has another value.\n"
            f"{debug_values.difference('before', old_r_val, 'after', new_r_val)}\n"
            f"Before:\n{old_graph}\nAfter:\n{new_graph}{debug_values.made_at(old_r)}\n"
            f"Leave the rewrite out with mode.excluding({str(reason)!r}), or correct it."
        )
        errors.BadOptimization.__init__(
            self, old_r, new_r, old_r_val, new_r_val, reason, old_graph, new_graph, text
        )


class BadDestroyMap(DebugModeError):
    """An op changed one of its inputs without declaring it in `destroy_map`."""

    def __init__(self, node: Apply, idx: int, old_val: Any, new_val: Any, perform: str) -> None:
        self.node, self.idx, self.old_val, self.new_val, self.perform = node, idx, old_val, new_val, perform
        super().__init__(
            f"{node.op} changed its input {idx} ({node.inputs[idx]}) in {perform}, which destroy_map does not "
            f"declare.\n{debug_values.difference('before', old_val, 'after', new_val)}"
            f"{debug_values.made_at(node)}\nWork on a copy, or declare destroy_map = {{output: [{idx}]}}."
        )


class BadViewMap(DebugModeError):
    """An output of an op shares memory with an input, or with another output, without a declaration in `view_map`."""

    def __init__(
        self, node: Apply, output_idx: int, out_storage: Any, in_alias_idx: Sequence[int] | None = None,
        out_alias_idx: Sequence[int] | None = None,
    ) -> None:  # fmt: skip
        self.node, self.output_idx, self.out_storage = node, output_idx, out_storage
        self.in_alias_idx, self.out_alias_idx = in_alias_idx, out_alias_idx
        aliases = (("inputs", in_alias_idx), ("outputs", out_alias_idx))
        what = [f"{kind} {list(where)}" for kind, where in aliases if where]
        super().__init__(
            f"Output {output_idx} of {node.op} shares memory with {' and '.join(what)}, which view_map does not "
            f"declare (it is {node.op.view_map}).{debug_values.made_at(node)}\n"
            f"Return a copy, or declare the view."
        )


class StochasticOrder(DebugModeError):
    """Rewriting the same graph again gave another graph."""


class InvalidValueError(DebugModeError):
    """A value is not one of its variable's type, or not finite where that is checked."""

    def __init__(
        self, r: Variable, v: Any = None, client_node: Apply | None = None, hint: str = "none",
        specific_hint: str = "none",
    ) -> None:  # fmt: skip
        self.r, self.v, self.client_node, self.hint, self.specific_hint = r, v, client_node, hint, specific_hint
        text = f"{debug_values.source(r)} of type {r.type} has the value {debug_values.short(v)}"
        if client_node is not None:
            text += f", an input of {client_node.op}"
        hints = "".join(f"\nHINT: {h}" for h in (hint, specific_hint) if h != "none")
        super().__init__(f"{text}.{debug_values.made_at(r)}{hints}")


class Journal(Feature):
    """What was replaced by what while a graph was rewritten, and the graph as it was before.

    steps   [(name of the rewrite, variable, what took its place)] in the order of time
    """

    def __init__(self, original: FunctionGraph) -> None:
        self.original = original
        self.steps: list[tuple[Any, Variable, Variable]] = []
        self.open = True
        self._seen: set[tuple[Variable, Variable]] = set()

    def on_change_input(
        self, fgraph: FunctionGraph, node: Any, i: int, r: Variable, new_r: Variable, reason: Any = None
    ) -> None:
        if self.open and (r, new_r) not in self._seen:
            self._seen.add((r, new_r))
            self.steps.append((reason, r, new_r))


class Checks:
    """What a DebugMode checks; see there."""

    def __init__(self, native: bool, perform: bool, finite: bool, preallocated: Sequence[str], strides: int) -> None:
        self.native = native
        self.perform = perform
        self.finite = finite
        self.preallocated = tuple(preallocated)
        self.strides = strides


class Checked(reference.Executable):
    """Runs a graph with all checks."""

    def __init__(self, plan: Plan, checks: Checks) -> None:
        super().__init__(plan.fgraph, plan.storages, plan.updates, plan.borrow)
        self.checks = checks
        self.plan = plan
        self.journal = next((f for f in plan.fgraph._features if isinstance(f, Journal)), None)
        self._native: dict[Any, Any] = {}
        self._whole: Any = None

    def compute(self, values: Mapping[Variable, Any]) -> list[Any]:
        values = {v: debug_values.copied(value) for v, value in values.items()}
        final = self.fgraph.outputs
        expected = self._as_written(values)
        known = dict(values)
        failed: dict[Variable, Exception] = {}
        position: dict[Variable, int] = {}
        steps = [] if self.journal is None else self.journal.steps
        roots = [v for _, old, new in steps for v in (old, new)] + list(final)
        for number, node in enumerate(toposort(roots, set(self.fgraph.inputs))):
            position.update(dict.fromkeys(node.outputs, number))
            self._run(node, known, failed)
        self._compare_replacements(known, failed, position)
        broken = next((failed[v] for v in final if v in failed), None)
        if broken is not None:
            raise broken
        results = [known[v] if v in known else leaf_value(v) for v in final]
        if expected is not None:
            for variable, old, new in zip(final, expected, results):
                if not _agree_after_rewriting(variable, old, new):
                    raise BadOptimization(variable, variable, old, new, "(not known which)", "", _text(variable))
        if self.checks.native:
            self._compare_whole(values, results)
        return results

    def _as_written(self, values: Mapping[Variable, Any]) -> list[Any] | None:
        """The outputs of the graph before rewriting. What it raises is the user's own error."""
        if self.journal is None:
            return None
        original = self.journal.original
        known = {v: values[mine] for v, mine in zip(original.inputs, self.fgraph.inputs)}
        for node in original.toposort():
            arguments = [known[v] if v in known else leaf_value(v) for v in node.inputs]
            known.update(zip(node.outputs, self._perform(node, arguments, original)))
        return [known[v] if v in known else leaf_value(v) for v in original.outputs]

    def _run(self, node: Apply, known: dict[Variable, Any], failed: dict[Variable, Exception]) -> None:
        """Run one node of the rewritten graph, or of what it had before; what raises is kept for later."""
        missing = next((failed[v] for v in node.inputs if v in failed), None)
        if missing is not None:
            failed.update(dict.fromkeys(node.outputs, missing))
            return
        arguments = [known[v] if v in known else leaf_value(v) for v in node.inputs]
        try:
            results = self._perform(node, arguments, self.fgraph)
        except DebugModeError:
            raise
        except Exception as error:
            failed.update(dict.fromkeys(node.outputs, error))
            return
        known.update(zip(node.outputs, results))
        if node in self.fgraph.apply_nodes:
            if self.checks.finite and not isinstance(node.op, AllocEmpty):
                _check_finite(node, results)
            if self.checks.preallocated:
                self._preallocated(node, arguments, results)
            if self.checks.native:
                self._compare_native(node, arguments, results)

    def _perform(self, node: Apply, arguments: list[Any], fgraph: FunctionGraph) -> list[Any]:
        before = [debug_values.copied(value) for value in arguments]
        try:
            results = run_node(node, arguments, fgraph)
        except (TypeError, ValueError) as error:
            if not str(error).startswith(f"{node.op}.perform gave a wrong output"):
                raise
            raise InvalidValueError(node.outputs[0], hint=str(error).partition("\n")[0]) from None
        if not self.checks.perform:
            return results
        for number, (variable, old, new) in enumerate(zip(node.inputs, before, arguments)):
            if not debug_values.same(variable, old, new):
                raise BadDestroyMap(node, number, old, new, "perform")
        allowed = [_may_view(node, number, arguments) for number in range(len(results))]
        for number, (variable, value) in enumerate(zip(node.outputs, results)):
            if not variable.type.is_valid_value(value):
                raise InvalidValueError(variable, value, hint=variable.type.value_validity_msg(value))
            own = allowed[number]
            inputs = [i for i, x in enumerate(arguments) if i not in own and debug_values.overlap(x, value)]
            others = [
                i for i, x in enumerate(results[:number]) if not own & allowed[i] and debug_values.overlap(x, value)
            ]
            if inputs or others:
                raise BadViewMap(node, number, value, inputs or None, others or None)
        return results

    def _preallocated(self, node: Apply, arguments: list[Any], results: list[Any]) -> None:
        """`perform` may write into arrays that it finds in its output cells: is the result the same then?"""
        for kind in debug_values.preallocations(self.checks.preallocated):
            cells = [[debug_values.preallocated(kind, value)] for value in results]
            inputs = [debug_values.copied(value) for value in arguments]
            with np.errstate(all="ignore"):
                run(node, inputs, cells)
            for variable, value, cell in zip(node.outputs, results, cells):
                if not variable.type.values_eq_approx(value, cell[0]):
                    raise BadThunkOutput(
                        variable, "perform", value, f"perform with preallocated output ({kind})", cell[0], arguments
                    )

    # -- native code ----------------------------------------------------------------------------------------------

    def _compare_native(self, node: Apply, arguments: list[Any], results: list[Any]) -> None:
        first = [node.inputs.index(v) for v in node.inputs]  # which inputs are one variable
        constants = [v if isinstance(v, Constant) else None for v in node.inputs]
        key = (node.op, *(v.type for v in node.inputs), *first, *constants)
        found = self._native.get(key, False)
        if found is False:
            found = self._native[key] = _native_node(node)
        if found is None:
            return
        run, positions = found
        native = run(*(arguments[i] for i in positions))
        for variable, value, other in zip(node.outputs, results, native):
            self._same(variable, "perform", value, "native code", other, arguments)

    def _compare_whole(self, values: Mapping[Variable, Any], results: list[Any]) -> None:
        if self._whole is None:
            linked = NativeLinker().link(Plan(self.fgraph, {}, {}, name=self.plan.name, fuse=self.plan.fuse))
            self._whole = _callable(linked)
        found = self._whole(*(debug_values.copied(values[v]) for v in self.fgraph.inputs))
        for variable, value, other in zip(self.fgraph.outputs, results, found):
            self._same(variable, "perform, node by node", value, "native code of the whole graph", other, ())

    def _same(
        self, variable: Variable, how: str, value: Any, otherwise: str, other: Any, arguments: Sequence[Any]
    ) -> None:
        if not isinstance(variable.type, TensorType) or isinstance(getattr(variable.owner, "op", None), AllocEmpty):
            return
        views = variable.owner is not None and variable.owner.op.view_map  # results of native code are copies
        if not variable.type.values_eq_approx(value, other):
            raise BadThunkOutput(variable, how, value, otherwise, other, arguments)
        if self.checks.strides and not views and debug_values.steps(value) != debug_values.steps(other):
            if self.checks.strides > 1:
                raise BadThunkOutput(
                    variable, f"{how}, strides {value.strides}", value, f"{otherwise}, strides {other.strides}", other,
                    arguments,
                )  # fmt: skip
            warnings.warn(f"DebugMode: strides of {variable} are {value.strides} and {other.strides}", stacklevel=2)

    # -- rewrites -------------------------------------------------------------------------------------------------

    def _compare_replacements(
        self, known: Mapping[Variable, Any], failed: Mapping[Variable, Exception], position: Mapping[Variable, int]
    ) -> None:
        """Of all replacements that changed a value, blame the one that others can only have followed."""
        wrong: list[tuple[Any, ...]] = []
        for reason, old, new in [] if self.journal is None else self.journal.steps:
            if old in failed:
                continue  # what raised may become what does not
            before = known[old] if old in known else leaf_value(old)
            after = failed.get(new)
            if after is None:
                after = known[new] if new in known else leaf_value(new)
                if _agree_after_rewriting(old, before, after):
                    continue
            depth = max(position.get(old, -1), position.get(new, -1))
            wrong.append((depth, len(wrong), reason, old, new, before, after))
        if wrong:
            _, _, reason, old, new, before, after = min(wrong, key=lambda item: item[:2])
            raise BadOptimization(old, new, before, after, reason, _text(old), _text(new))


def _may_view(node: Apply, output: int, arguments: Sequence[Any]) -> set[int]:
    """The inputs in whose memory an output may lie: the declared ones, and those that lie there already."""
    declared = {*node.op.view_map.get(output, ()), *node.op.destroy_map.get(output, ())}
    return declared | {
        i for i, x in enumerate(arguments) if any(debug_values.overlap(x, arguments[k]) for k in declared - {i})
    }


def _agree_after_rewriting(variable: Variable, old: Any, new: Any) -> bool:
    if isinstance(variable.owner, Apply) and isinstance(variable.owner.op, AllocEmpty):
        return True
    return agree(old, new)


def _text(variable: Variable) -> str:
    return debugprint(variable, depth=6, file="str") or ""


def _check_finite(node: Apply, results: Sequence[Any]) -> None:
    for variable, value in zip(node.outputs, results):
        floats = isinstance(value, np.ndarray) and value.dtype.kind in "fc"
        if floats and not np.isfinite(value).all():
            raise InvalidValueError(
                variable, value, hint="DebugMode(check_isfinite=False) allows NaN and infinities.",
            )  # fmt: skip


def _callable(linked: Linked) -> Any:
    def slow(*args: Any, **kwargs: Any) -> Any:
        raise TypeError("DebugMode: native code does not take these values")

    linked.executable.bind(slow, linked.on_error, "list")
    return linked.executable.direct()


def _native_node(node: Apply) -> tuple[Any, list[int]] | None:
    """(native code for this node alone, which inputs it takes); None where it would only call `perform`."""
    positions: dict[Variable, int] = {}
    for i, v in enumerate(node.inputs):
        if not isinstance(v, Constant):
            positions.setdefault(v, i)
    kinds = [*(v.type for v in node.outputs), *(v.type for v in positions)]
    if not all(isinstance(kind, TensorType) for kind in kinds):
        return None
    graph = FunctionGraph(list(positions), list(node.outputs))
    linked = NativeLinker().link(Plan(graph, {}, {}))
    if all(isinstance(step, (PyCallStep, FreeStep)) for step in linked.program.steps):
        return None
    return _callable(linked), list(positions.values())


class DebugLinker(LocalLinker):
    """Links graphs so that they run with all checks."""

    backend = "reference"

    def __init__(self, checks: Checks) -> None:
        super().__init__(name="DebugMode")
        self.checks = checks

    def clone(self, allow_gc: bool | None = None) -> Linker:
        return copy.copy(self)

    def link(self, plan: Plan) -> Linked:
        return Linked(Checked(plan, self.checks), plan)


class DebugMode(Mode):
    """A mode whose functions check themselves; see the head of this module. None stands for the flag in brackets.

    optimizer                   which rewrites are made, as for Mode
    stability_patience          how often rewriting is repeated to see that it gives one graph [DebugMode.patience]
    check_c_code                run native code too, and compare [DebugMode.check_c]
    check_py_code               check what `perform` does with its inputs and outputs [DebugMode.check_py]
    check_isfinite              complain about NaN and infinities [DebugMode.check_finite]
    check_preallocated_output   kinds of arrays that `perform` finds in its output cells, separated by colons: previous,
                                c_contiguous, f_contiguous, strided, wrong_size, ALL
                                [DebugMode.check_preallocated_output]
    require_matching_strides    1: warn where native code gives other strides than `perform`; 2: raise
                                [DebugMode.check_strides]
    linker                      accepted: the graph runs on all backends in any case
    """

    def __init__(
        self,
        optimizer: Any = "fast_run",
        stability_patience: int | None = None,
        check_c_code: bool | None = None,
        check_py_code: bool | None = None,
        check_isfinite: bool | None = None,
        check_preallocated_output: Any = None,
        require_matching_strides: int | None = None,
        linker: Any = None,
    ) -> None:
        super().__init__(linker, optimizer)
        flags = config.DebugMode
        kinds = flags.check_preallocated_output if check_preallocated_output is None else check_preallocated_output
        self.stability_patience = flags.patience if stability_patience is None else stability_patience
        self.check_c_code = flags.check_c if check_c_code is None else check_c_code
        self.check_py_code = flags.check_py if check_py_code is None else check_py_code
        self.check_isfinite = flags.check_finite if check_isfinite is None else check_isfinite
        self.check_preallocated_output = [k for k in kinds.split(":") if k] if isinstance(kinds, str) else list(kinds)
        strides = require_matching_strides
        self.require_matching_strides = flags.check_strides if strides is None else strides
        debug_values.preallocations(self.check_preallocated_output)  # refuses unknown kinds
        if not (self.check_c_code or self.check_py_code):
            raise ValueError("DebugMode has to check at least one of check_c_code and check_py_code")
        checks = Checks(
            self.check_c_code, self.check_py_code, self.check_isfinite, self.check_preallocated_output,
            self.require_matching_strides,
        )  # fmt: skip
        self.linker = DebugLinker(checks)

    def rewrite(self, fgraph: FunctionGraph) -> Any:
        """Rewrite, keep a journal of it, and see whether other attempts give the same graph."""
        journal = Journal(fgraph.clone())
        fgraph.attach_feature(journal)
        report = super().rewrite(fgraph)
        journal.open = False
        wanted = fingerprint(fgraph)
        for attempt in range(1, self.stability_patience):
            again = journal.original.clone()
            super().rewrite(again)
            found = fingerprint(again)
            if found != wanted:
                at = next((i for i, (a, b) in enumerate(zip(wanted, found)) if a != b), min(len(wanted), len(found)))
                raise StochasticOrder(
                    f"Rewriting the same graph again (attempt {attempt + 1}) gave another graph; node {at} is "
                    f"{_entry(wanted, at)} in one and {_entry(found, at)} in the other.\n"
                    f"A rewrite depends on something else than the graph: on the order of a set, or on an earlier call."
                )
        return report


def _entry(nodes: Sequence[Any], at: int) -> str:
    return str(nodes[at][0]) if at < len(nodes) else "missing"


def fingerprint(fgraph: FunctionGraph) -> list[tuple[Any, ...]]:
    """The structure of a graph: equal for equal graphs over other variables."""
    numbers: dict[Variable, Any] = {v: ("input", i) for i, v in enumerate(fgraph.inputs)}

    def name(v: Variable) -> Any:
        if v in numbers:
            return numbers[v]
        return (v.type, v.merge_signature()) if isinstance(v, Constant) else v

    lines: list[tuple[Any, ...]] = []
    for node in fgraph.toposort():
        lines.append((node.op, *map(name, node.inputs)))
        numbers.update({v: (len(lines), i) for i, v in enumerate(node.outputs)})
    lines.append((OUTPUT, *map(name, fgraph.outputs)))
    return lines
