"""From a rewritten graph to something that runs: the choice of the backend.

A Linker turns a FunctionGraph with its storages into an Executable (`backends/native`, `backends/reference`). Linkers
have the names that the original used for its own; most of these mean one of two things here: native code, or the
reference backend. Rewriting, lowering and native code are loaded when the first function is compiled, so that
`import theano` stays cheap: this is the module that loads them.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.linalg import LinAlgError

from theano._collector import settle
from theano._config import change_flags
from theano._records import field, record_class
from theano.backends import reference
from theano.compile.report import annotated, trimmed
from theano.graph.fgraph import FunctionGraph
from theano.tensor.type import TensorType

NUMBERS = (bool, int, float, complex, np.generic)


@record_class(slots=True)
class Plan:
    """What a linker needs to know.

    storages   {input position: one-element list} of inputs whose value is read at each call
    updates    {output position: one-element list} of outputs that become stored values
    borrow     output positions that may share memory with inputs; mutable: arguments that may be overwritten
    """

    fgraph: FunctionGraph
    storages: Mapping[int, list[Any]]
    updates: Mapping[int, list[Any]]
    borrow: frozenset[int] = frozenset()
    mutable: frozenset[int] = frozenset()
    name: str = ""
    fuse: bool = True


@record_class(slots=True)
class Linked:
    """A runnable graph: `bind` and `direct` as described in `backends/native`; `program` is None for the reference."""

    executable: Any
    plan: Plan
    program: Any = None
    on_error: Callable[..., Any] | None = None
    notes: dict[str, Any] = field(default_factory=dict)

    def free(self) -> None:
        """Give back memory that is kept for later calls."""
        free = getattr(self.executable, "free", None)
        if free is not None:
            free()


class Linker:
    """Base of the linkers. `link` is what they are for."""

    backend = ""

    def __init__(self, allow_gc: bool | None = None, schedule: Any = None, name: str = "") -> None:
        self.allow_gc = allow_gc
        self.name = name or type(self).__name__

    def clone(self, allow_gc: bool | None = None) -> Linker:
        """A linker like this one, with another `allow_gc`."""
        made = type(self)(self.allow_gc if allow_gc is None else allow_gc)
        made.name = self.name
        return made

    def link(self, plan: Plan) -> Linked:
        """Make a graph with its storages runnable."""
        raise NotImplementedError(f"{type(self).__name__}.link")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), self.name))


class LocalLinker(Linker):
    """Base of linkers that run the graph node by node."""


class PerformLinker(LocalLinker):
    """Runs every node through its `perform`: the reference backend."""

    backend = "reference"

    def link(self, plan: Plan, kind: type[reference.Executable] = reference.Executable) -> Linked:
        def on_node_error(node: Any, inputs: list[Any], error: Exception) -> None:
            raise annotated(error, node, inputs, plan.fgraph) from None

        return Linked(kind(plan.fgraph, plan.storages, plan.updates, plan.borrow, on_node_error=on_node_error), plan)


class NativeLinker(Linker):
    """Makes machine code. With `optimize=False` the code is generated faster and runs slower."""

    backend = "native"

    def __init__(
        self, allow_gc: bool | None = None, schedule: Any = None, name: str = "", optimize: bool = True
    ) -> None:
        super().__init__(allow_gc, schedule, name)
        self.optimize = optimize

    def clone(self, allow_gc: bool | None = None) -> Linker:
        made = super().clone(allow_gc)
        made.optimize = self.optimize  # type: ignore[attr-defined]
        return made

    def link(self, plan: Plan) -> Linked:
        first = "theano.lowering.lower" not in sys.modules
        from theano.backends.native import compile_program, kernel_dtypes
        from theano.lowering.lower import lower

        program = lower(
            plan.fgraph,
            storages=dict(plan.storages),
            updates=dict(plan.updates),
            borrow=plan.borrow,
            mutable=plan.mutable,
            fuse=plan.fuse,
            name=plan.name,
            dtypes=kernel_dtypes(),
            reshaped=True,
        )
        executable = compile_program(program, optimize=self.optimize)
        if first:
            settle()
        return Linked(executable, plan, program, NativeErrors(plan, program))


class NativeErrors:
    """Called by native code when a step fails: runs the same graph on the same arguments node by node, which raises the
    natural error at the right node, and returns that. Nothing was stored by the failing call."""

    # what a record of native code means when the second run finds nothing (the data changed in between)
    KINDS: ClassVar[dict[str, type[Exception]]] = {
        "index": IndexError, "memory": MemoryError, "specify": AssertionError, "limit": OverflowError,
        "numbers": LinAlgError,
    }  # fmt: skip

    def __init__(self, plan: Plan, program: Any) -> None:
        self.plan = plan
        self.program = program

    def __call__(self, step_index: int, code: str, detail: Any, shapes: Any, args: tuple[Any, ...]) -> Any:
        return trimmed(self.find(step_index, code, detail, shapes, args))

    def find(self, step_index: int, code: str, detail: Any, shapes: Any, args: tuple[Any, ...]) -> BaseException:
        steps = self.program.steps
        nodes = list(steps[step_index].nodes) if 0 <= step_index < len(steps) else []
        plan = self.plan
        raised = sys.exception()
        if code == "interrupt" and raised is not None:  # no node is to blame, and nothing would be found
            return raised
        if code == "python":  # an Op's perform raised: what it raised is being handled
            in_loop = isinstance(raised, Exception) and hasattr(steps[step_index], "body")
            if in_loop:  # the reference backend knows the step of the loop
                code = "loop"
            elif isinstance(raised, Exception) and nodes:
                return annotated(raised, nodes[0], None, plan.fgraph, shapes)
            elif raised is not None:
                return raised
        if step_index < 0:
            return self._bad_storage()
        copies = {position: [storage[0]] for position, storage in plan.storages.items()}
        kind = reference.Executable
        if any(hasattr(step, "body") for step in steps):
            kind = importlib.import_module("theano.compile.failing_steps").QuickLoops
        try:
            linked = PerformLinker().link(Plan(plan.fgraph, copies, {}, name=plan.name), kind)
            linked.executable.run(*self._arrays(args))
        except Exception as error:
            return error
        if isinstance(raised, Exception):  # what an Op's perform raised in a loop, and not again
            return annotated(raised, nodes[0], None, plan.fgraph, shapes)
        meaning: type[Exception] = self.KINDS.get(code, ValueError)
        text = f"Native code found an error ({code}, {tuple(detail)}) in step {step_index} of {plan.name}"
        if code == "numbers":
            text = "A matrix is so near to a singular or an indefinite one that rounding decides"
        failure = meaning(text)
        return annotated(failure, nodes[0], None, plan.fgraph, shapes) if nodes else failure

    def _arrays(self, args: Sequence[Any]) -> list[Any]:
        """The arguments as ops expect them: compiled code also takes numbers of Python and NumPy."""
        plan = self.plan
        given = [v for position, v in enumerate(plan.fgraph.inputs) if position not in plan.storages]
        return [
            np.asarray(value, v.type.dtype) if isinstance(value, NUMBERS) and isinstance(v.type, TensorType) else value
            for v, value in zip(given, args, strict=True)
        ]

    def _bad_storage(self) -> Exception:
        """A stored value is not what its type says: somebody put it past the container."""
        for position, storage in self.plan.storages.items():
            variable = self.plan.fgraph.inputs[position]
            if not variable.type.is_valid_value(storage[0]):
                reason = variable.type.value_validity_msg(storage[0])
                return TypeError(
                    f"The stored value of {variable} does not fit its type: {reason}\nSet it with set_value."
                )
        return TypeError("A stored value is not aligned or not in native byte order. Set it with set_value.")


def run_pipeline(fgraph: FunctionGraph, query: Any) -> Any:
    """Run the pipeline of rewrites (see `pipeline.py`)."""
    with change_flags(warn_float64="ignore"):  # that flag is about what users write
        from theano.compile.pipeline import rewrite

        return rewrite(fgraph, query)
