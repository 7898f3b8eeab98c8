"""Profiles of compiled functions: calls, compilation, and the time of every step, op and line of the user's program.

`step_times.py` runs a profiled function and says what a step is. The time of a kernel that several nodes share is
divided among them in equal parts: the sum over steps is measured, the parts of nodes in one kernel are an estimate.
"""

from __future__ import annotations

import atexit
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TextIO

from theano._config import config
from theano._records import record_class
from theano.graph.node import Apply

_import_time = time.perf_counter()
_printed_at_exit: list[ProfileStats] = []
_extra_printers: list[Callable[..., Any]] = []
_totals = {"calls": 0, "seconds": 0.0, "functions": 0, "compile seconds": 0.0}


UNKNOWN_LINE = "<unknown line>"


@record_class(eq=False)
class StepTime:
    """What is known of one step: its nodes, how it runs ("kernel", "native", "Python"), and the sums over all calls."""

    nodes: tuple[Apply, ...]
    impl: str
    seconds: float = 0.0
    calls: int = 0
    bytes: int = 0  # of new memory, in the last call

    def __str__(self) -> str:
        return " + ".join(str(node.op) for node in self.nodes)


class ProfileStats:
    """Totals of one function (or of several, when it is passed to several).

    atexit_print       print the summary when Python exits
    flag_time_thunks   take the time of every step; None: the flag profiling.time_thunks. False: the function runs
                       exactly as without a profile, and only calls are timed
    fct_callcount, fct_call_time, compile_time, optimizer_time, linker_time   what has been counted, in seconds
    steps              [StepTime]; `step_time()`, `op_time()`, `class_time()`, `line_time()` are views of it
    peak_bytes         the most memory that results of steps took at one time in a call
    """

    def __init__(
        self, atexit_print: bool = True, flag_time_thunks: bool | None = None, gpu_checks: bool = True, **kwargs: Any
    ) -> None:
        self.message = kwargs.pop("message", "") or ""
        self.flag_time_thunks = config.profiling.time_thunks if flag_time_thunks is None else flag_time_thunks
        self.compile_time = 0.0
        self.optimizer_time = 0.0
        self.linker_time = 0.0
        self.steps: list[StepTime] = []
        self.reset()
        self.__dict__.update(kwargs)
        if atexit_print:
            if not _printed_at_exit:
                atexit.register(_print_at_exit)
            _printed_at_exit.append(self)

    def reset(self) -> None:
        """Forget the calls."""
        self.fct_callcount = 0
        self.fct_call_time = 0.0
        self.vm_call_time = 0.0
        self.peak_bytes = 0
        self.ignore_first_call = config.profiling.ignore_first_call
        for step in self.steps:
            step.seconds, step.calls, step.bytes = 0.0, 0, 0

    # -- counting -------------------------------------------------------------------------------------------------

    def count_call(self, seconds: float) -> None:
        """Add one call."""
        if self.ignore_first_call:
            self.ignore_first_call = False
            return
        self.fct_callcount += 1
        self.fct_call_time += seconds
        _totals["calls"] += 1
        _totals["seconds"] += seconds

    def count_steps(self, taken: Iterable[tuple[StepTime, float, int]], peak: int) -> None:
        """Add the times of one call: (step, seconds, bytes of new memory)."""
        if self.ignore_first_call:
            return
        for step, seconds, size in taken:
            step.seconds += seconds
            step.calls += 1
            step.bytes = size
            self.vm_call_time += seconds
        self.peak_bytes = max(self.peak_bytes, peak)

    def count_compilation(self, maker: Any) -> None:
        """Add the times that a FunctionMaker took."""
        self.optimizer_time += maker.rewrite_seconds
        self.linker_time += maker.link_seconds
        self.compile_time += maker.rewrite_seconds + maker.link_seconds
        _totals["functions"] += 1
        _totals["compile seconds"] += maker.rewrite_seconds + maker.link_seconds

    def step(self, nodes: Sequence[Apply], impl: str) -> StepTime:
        """A new step, whose times will be counted here."""
        made = StepTime(tuple(nodes), impl)
        self.steps.append(made)
        return made

    # -- reading --------------------------------------------------------------------------------------------------

    def _summed(self, key: Callable[[Apply, StepTime], Any], value: Callable[[StepTime], Any]) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for step in self.steps:
            for node in step.nodes:
                where = key(node, step)
                found[where] = found.get(where, 0) + value(step)
        return found

    def step_time(self) -> dict[StepTime, float]:
        """{step: seconds}, as measured."""
        return {step: step.seconds for step in self.steps}

    @property
    def apply_time(self) -> dict[Apply, float]:
        """{node: seconds}; nodes of one kernel have equal parts."""
        return self._summed(lambda node, step: node, _share)

    @property
    def apply_callcount(self) -> dict[Apply, int]:
        """{node: how often it ran}"""
        return self._summed(lambda node, step: node, lambda step: step.calls)

    def class_time(self) -> dict[type, float]:
        """{class of the op: seconds}"""
        return self._summed(lambda node, step: type(node.op), _share)

    def class_callcount(self) -> dict[type, int]:
        """{class of the op: how often its nodes ran}"""
        return self._summed(lambda node, step: type(node.op), lambda step: step.calls)

    def class_nodes(self) -> dict[type, int]:
        """{class of the op: nodes}"""
        return self._summed(lambda node, step: type(node.op), lambda step: 1)

    def class_impl(self) -> dict[type, str]:
        """{class of the op: how it runs}"""
        return {type(node.op): step.impl for step in self.steps for node in step.nodes}

    def op_time(self) -> dict[Any, float]:
        """{op: seconds}"""
        return self._summed(lambda node, step: node.op, _share)

    def op_callcount(self) -> dict[Any, int]:
        """{op: how often its nodes ran}"""
        return self._summed(lambda node, step: node.op, lambda step: step.calls)

    def op_nodes(self) -> dict[Any, int]:
        """{op: nodes}"""
        return self._summed(lambda node, step: node.op, lambda step: 1)

    def op_impl(self) -> dict[Any, str]:
        """{op: how it runs}"""
        return {node.op: step.impl for step in self.steps for node in step.nodes}

    def line_time(self) -> dict[str, float]:
        """{"file:line, in function: source" of the user's program: seconds}"""
        return self._summed(lambda node, step: UNKNOWN_LINE if node.origin is None else str(node.origin), _share)

    # -- printing -------------------------------------------------------------------------------------------------

    def summary(self, file: TextIO | None = None, n_ops_to_print: int | None = None, **kwargs: Any) -> None:
        """Print everything, to the standard error by default."""
        file = sys.stderr if file is None else file
        self.summary_function(file)
        if self.steps and self.fct_callcount:
            self.summary_lines(file, n_ops_to_print)
            self.summary_class(file, n_ops_to_print)
            self.summary_ops(file, n_ops_to_print)
            self.summary_nodes(file, kwargs.get("n_apply_to_print"))
            self.summary_memory(file)
            self.print_tips(file)
        self.print_extra(file)
        self.summary_globals(file)

    def summary_function(self, file: TextIO | None = None) -> None:
        """Print the totals."""
        file = sys.stderr if file is None else file
        print("Function profiling\n==================", file=file)
        print(f"  Message: {self.message}", file=file)
        print(f"  Time in {self.fct_callcount} calls to Function.__call__: {self.fct_call_time:.6e}s", file=file)
        if self.steps and self.fct_call_time > 0:
            part = 100 * self.vm_call_time / self.fct_call_time
            print(f"  Time in steps, run one at a time: {self.vm_call_time:.6e}s ({part:.1f}%)", file=file)
        print(f"  Total compile time: {self.compile_time:.6e}s", file=file)
        print(f"    Rewriting: {self.optimizer_time:.6e}s", file=file)
        print(f"    Lowering and code generation: {self.linker_time:.6e}s", file=file)

    def summary_lines(self, file: TextIO | None = None, n: int | None = None) -> None:
        """Print the time of each line of the user's program."""
        self._table("Line", self.line_time(), lambda line: str(line), file, n or config.profiling.n_ops)

    def summary_class(self, file: TextIO | None = None, n: int | None = None) -> None:
        """Print the time of each class of ops."""
        nodes = self.class_nodes()
        self._table(
            "Class", self.class_time(), lambda c: f"{c.__module__}.{c.__name__} ({nodes[c]} nodes)", file,
            n or config.profiling.n_ops,
        )  # fmt: skip

    def summary_ops(self, file: TextIO | None = None, n: int | None = None) -> None:
        """Print the time of each op."""
        nodes = self.op_nodes()
        self._table(
            "Op", self.op_time(), lambda op: f"{op} ({nodes[op]} nodes)", file, n or config.profiling.n_ops
        )  # fmt: skip

    def summary_nodes(self, file: TextIO | None = None, n: int | None = None) -> None:
        """Print the time of each step."""
        self._table(
            "Step", self.step_time(), lambda s: f"{s.impl}, {s.calls} calls: {s}", file, n or config.profiling.n_apply
        )

    summary_steps = summary_nodes

    def summary_memory(self, file: TextIO | None = None, n: int | None = None) -> None:
        """Print the peak of memory, and the steps that make large results."""
        file = sys.stderr if file is None else file
        print(f"Memory: {self.peak_bytes / 1024:.1f} KiB at the peak of a call, without arguments", file=file)
        large = [step for step in self.steps if step.bytes >= config.profiling.min_memory_size]
        for step in sorted(large, key=lambda step: -step.bytes)[: n or config.profiling.n_apply]:
            print(_clipped(f"  {step.bytes / 1024:12.1f} KiB  {step}"), file=file)

    def summary_globals(self, file: TextIO | None = None) -> None:
        """Print totals of all profiled functions."""
        print_global_stats(file)

    def print_extra(self, file: TextIO | None = None) -> None:
        """Print the sections that `register_profiler_printer` added."""
        file = sys.stderr if file is None else file
        for printer in _extra_printers:
            printer(message=self.message, compile_time=self.compile_time, fct_call_time=self.fct_call_time, file=file)

    def print_tips(self, file: TextIO | None = None) -> None:
        """Print what could be done, where the times show something."""
        file = sys.stderr if file is None else file
        total = self.fct_call_time
        python = [step for step in self.steps if step.impl == "Python"]
        slow = sum(step.seconds for step in python)
        if total > 0 and slow > total / 10:
            names = ", ".join(sorted({str(step) for step in python}))
            print(_clipped(f"Tip: {100 * slow / total:.0f}% of the time is spent in Python code: {names}"), file=file)
        if total > 0 and self.vm_call_time < total / 2:
            print("Tip: calls take longer than the work in them: pass more data in each call.", file=file)

    def _table(
        self, title: str, seconds: dict[Any, float], text: Callable[[Any], str], file: TextIO | None, n: int
    ) -> None:
        file = sys.stderr if file is None else file
        total = self.fct_call_time or 1.0
        print(f"{title}\n{'-' * len(title)}\n  % of calls    sum %     seconds", file=file)
        above = 0.0
        ranked = sorted(seconds.items(), key=lambda item: -item[1])
        for what, spent in ranked[:n]:
            above += spent
            print(_clipped(f"  {100 * spent / total:9.1f}%  {100 * above / total:6.1f}%  {spent:.3e}  {text(what)}"),
                  file=file)  # fmt: skip
        rest = sum(seconds.values()) - above
        if len(ranked) > n:
            print(f"  {100 * rest / total:9.1f}%          {rest:.3e}  {len(ranked) - n} more", file=file)
        between = self.fct_call_time - sum(seconds.values())
        print(f"  {100 * between / total:9.1f}%          {between:.3e}  between steps", file=file)


def _share(step: StepTime) -> float:
    return step.seconds / len(step.nodes)


def _clipped(line: str) -> str:
    width = config.profiling.output_line_width
    return line if len(line) <= width else line[: max(width - 3, 0)] + "..."


class ScanProfileStats(ProfileStats):
    """A profile of a loop: `count_loop` adds one run of it, with its number of steps."""

    def __init__(self, atexit_print: bool = True, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(atexit_print, **kwargs)
        self.name = name

    def reset(self) -> None:
        super().reset()
        self.callcount = 0
        self.nbsteps = 0
        self.call_time = 0.0

    def count_loop(self, steps: int, seconds: float) -> None:
        """Add one run of the loop."""
        self.callcount += 1
        self.nbsteps += steps
        self.call_time += seconds

    def summary_function(self, file: TextIO | None = None) -> None:
        file = sys.stderr if file is None else file
        print(f"Scan profiling ({self.name})\n==================", file=file)
        print(f"  Time in {self.callcount} runs ({self.nbsteps} steps): {self.call_time:.6e}s", file=file)
        super().summary_function(file)


def register_profiler_printer(fct: Callable[..., Any]) -> Callable[..., Any]:
    """Let `fct(message=, compile_time=, fct_call_time=, file=)` add a section to every summary."""
    _extra_printers.append(fct)
    return fct


def print_global_stats(file: TextIO | None = None) -> None:
    """Print totals of all profiled functions since the import."""
    file = sys.stderr if file is None else file
    print(
        f"Global stats: {_totals['functions']} functions compiled in {_totals['compile seconds']:.3f}s, "
        f"{_totals['calls']} calls in {_totals['seconds']:.3f}s, "
        f"{time.perf_counter() - _import_time:.3f}s since import",
        file=file,
    )


def make_profile(profile: Any, name: str | None) -> ProfileStats | None:
    """The ProfileStats that the argument `profile` of theano.function asks for, or None."""
    if profile is None:
        profile = config.profile
    if profile is False:
        return None
    if isinstance(profile, ProfileStats):
        return profile
    return ProfileStats(message=profile if isinstance(profile, str) else name or "")


def _print_at_exit() -> None:
    wanted = config.profiling.destination
    file = sys.stderr if wanted == "stderr" else sys.stdout if wanted == "stdout" else open(wanted, "a")  # noqa: SIM115
    for profile in _printed_at_exit:
        if profile.fct_callcount or profile.compile_time:
            profile.summary(file)
    if config.print_global_stats:
        print_global_stats(file)
    if file not in (sys.stderr, sys.stdout):
        file.close()
