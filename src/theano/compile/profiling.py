"""Profiles of compiled functions: how often they were called and how long calls, rewriting and code generation took.

Times of single steps come with a later version; the tables by class, op and node are empty until then.
"""

from __future__ import annotations

import atexit
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

from theano._config import config

_import_time = time.perf_counter()
_printed_at_exit: list[ProfileStats] = []
_extra_printers: list[Callable[..., Any]] = []
_totals = {"calls": 0, "seconds": 0.0, "functions": 0, "compile seconds": 0.0}


class ProfileStats:
    """Totals of one function (or of several, when it is passed to several).

    atexit_print   print the summary when Python exits
    fct_callcount, fct_call_time, compile_time, optimizer_time, linker_time   what has been counted
    """

    def __init__(
        self, atexit_print: bool = True, flag_time_thunks: bool | None = None, gpu_checks: bool = True, **kwargs: Any
    ) -> None:
        self.message = kwargs.pop("message", "") or ""
        self.flag_time_thunks = config.profiling.time_thunks if flag_time_thunks is None else flag_time_thunks
        self.compile_time = 0.0
        self.optimizer_time = 0.0
        self.linker_time = 0.0
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
        self.apply_time: dict[Any, float] = {}
        self.apply_callcount: dict[Any, int] = {}
        self.ignore_first_call = config.profiling.ignore_first_call

    def count_call(self, seconds: float) -> None:
        if self.ignore_first_call:
            self.ignore_first_call = False
            return
        self.fct_callcount += 1
        self.fct_call_time += seconds
        self.vm_call_time += seconds
        _totals["calls"] += 1
        _totals["seconds"] += seconds

    def count_compilation(self, maker: Any) -> None:
        self.optimizer_time += maker.rewrite_seconds
        self.linker_time += maker.link_seconds
        self.compile_time += maker.rewrite_seconds + maker.link_seconds
        _totals["functions"] += 1
        _totals["compile seconds"] += maker.rewrite_seconds + maker.link_seconds

    def summary(self, file: TextIO | None = None, **kwargs: Any) -> None:
        """Print everything, to the standard error by default."""
        file = sys.stderr if file is None else file
        self.summary_function(file)
        for printer in _extra_printers:
            printer(message=self.message, compile_time=self.compile_time, fct_call_time=self.fct_call_time, file=file)

    def summary_function(self, file: TextIO | None = None) -> None:
        """Print the totals."""
        file = sys.stderr if file is None else file
        print("Function profiling\n==================", file=file)
        print(f"  Message: {self.message}", file=file)
        print(f"  Time in {self.fct_callcount} calls to Function.__call__: {self.fct_call_time:.6e}s", file=file)
        print(f"  Total compile time: {self.compile_time:.6e}s", file=file)
        print(f"    Rewriting: {self.optimizer_time:.6e}s", file=file)
        print(f"    Lowering and code generation: {self.linker_time:.6e}s", file=file)


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
