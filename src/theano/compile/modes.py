"""Modes: which rewrites are done and which backend runs the result.

A Mode is a linker (`linking.py`) and a Query, which says by tags which rewrites of the pipeline are wanted. The names
of linkers and optimizers are the original's; DESIGN.md says what they mean here. `config.mode`, `config.linker` and
`config.optimizer` choose the default.
"""

from __future__ import annotations

import copy
import importlib
from typing import Any

from theano import _config
from theano._config import config
from theano.compile.linking import Linker, NativeLinker, PerformLinker, run_pipeline
from theano.graph.text import debugprint
from theano.rewriting.query import Query
from theano.tensor.checks import Assert

OPT_NONE = Query(include=())
OPT_MERGE = Query(include=("merge",))
OPT_FAST_RUN = Query(include=("fast_run",))
OPT_FAST_RUN_STABLE = Query(include=("fast_run",), exclude=("unstable",))
OPT_FAST_COMPILE = Query(include=("fast_compile",))
OPT_STABILIZE = Query(include=("canonicalize", "stabilize"))
OPT_O2 = Query(include=("fast_compile", "fusion"))
OPT_O3 = Query(include=("fast_run",))
OPT_UNSAFE = Query(include=("fast_run", "unsafe"))

predefined_optimizers: dict[Any, Query] = {
    None: OPT_NONE,
    "None": OPT_NONE,
    "merge": OPT_MERGE,
    "o4": OPT_FAST_RUN,
    "o3": OPT_O3,
    "o2": OPT_O2,
    "o1": OPT_FAST_COMPILE,
    "unsafe": OPT_UNSAFE,
    "fast_compile": OPT_FAST_COMPILE,
    "fast_run": OPT_FAST_RUN,
    "fast_run_stable": OPT_FAST_RUN_STABLE,
    "stabilize": OPT_STABILIZE,
}

predefined_linkers: dict[Any, Linker] = {
    "py": PerformLinker(name="py"),
    "vm": PerformLinker(name="vm"),
    "vm_nogc": PerformLinker(allow_gc=False, name="vm_nogc"),
    "c": NativeLinker(name="c"),
    "c|py": NativeLinker(name="c|py"),
    "c|py_nogc": NativeLinker(allow_gc=False, name="c|py_nogc"),
    "cvm": NativeLinker(name="cvm"),
    "cvm_nogc": NativeLinker(allow_gc=False, name="cvm_nogc"),
    "native": NativeLinker(name="native"),
    "native_fast_compile": NativeLinker(name="native_fast_compile", optimize=False),
}


class Mode:
    """A linker and a set of rewrites.

    linker     a name among `predefined_linkers`, a Linker, or None: what `config.linker` says
    optimizer  a name among `predefined_optimizers`, a Query, None: no rewrites; "default": what `config.optimizer` says
    """

    def __init__(self, linker: Any = None, optimizer: Any = "default") -> None:
        if linker is None:
            linker = config.linker
        if isinstance(optimizer, str) and optimizer == "default":
            optimizer = config.optimizer
        self.provided_linker = linker
        self.provided_optimizer = optimizer
        self.linker, self.query = self.get_linker_optimizer(linker, optimizer)

    def get_linker_optimizer(self, linker: Any, optimizer: Any) -> tuple[Linker, Query]:
        """The Linker and the Query that names stand for. ValueError for unknown names."""
        if isinstance(linker, str) or linker is None:
            if linker not in predefined_linkers:
                names = ", ".join(map(repr, predefined_linkers))
                raise ValueError(f"There is no linker named {linker!r}; there are {names}.")
            linker = predefined_linkers[linker]
        if isinstance(optimizer, str) or optimizer is None:
            if optimizer not in predefined_optimizers:
                names = ", ".join(map(repr, predefined_optimizers))
                raise ValueError(f"There is no optimizer named {optimizer!r}; there are {names}.")
            optimizer = predefined_optimizers[optimizer]
        if not isinstance(linker, Linker):
            raise TypeError(f"linker must be a name or a Linker, got {linker!r}")
        if not isinstance(optimizer, Query):
            if not callable(getattr(optimizer, "optimize", None)):
                raise TypeError(f"optimizer must be a name, a Query or an Optimizer, got {optimizer!r}")
            optimizer = OPT_NONE.register((optimizer, 0))
        return linker, optimizer

    @property
    def optimizer(self) -> ModeOptimizer:
        """What this mode does to a graph: `mode.optimizer.optimize(fgraph)`."""
        return ModeOptimizer(self)

    def rewrite(self, fgraph: Any) -> Any:
        """Run the pipeline and this mode's own rewrites on a graph; what the pipeline did."""
        if "unsafe" in self.query.include:
            for node in fgraph.toposort():
                if isinstance(node.op, Assert):
                    fgraph.replace(node.outputs[0], node.inputs[0], "unsafe")
        return run_pipeline(fgraph, self.query)

    @property
    def fuse(self) -> bool:
        """Are elementwise operations fused? Not when the tag "fusion" is excluded or the flag is off."""
        if not config.tensor.local_elemwise_fusion:
            return False
        excluded = self.query.exclude
        return "fusion" not in excluded and "elemwise_fusion" not in excluded

    def including(self, *tags: str) -> Mode:
        """This mode with the rewrites of these tags too."""
        return self._with(self.query.including(*tags))

    def excluding(self, *tags: str) -> Mode:
        """This mode without the rewrites of these tags."""
        return self._with(self.query.excluding(*tags))

    def requiring(self, *tags: str) -> Mode:
        """This mode with only such rewrites as have all these tags."""
        return self._with(self.query.requiring(*tags))

    def register(self, *optimizations: Any) -> Mode:
        """This mode with extra rewrites: (rewrite, position) pairs.

        A rewrite is a callable that changes a FunctionGraph, or has a method `optimize` or `apply` that does. They run
        at their positions between the passes of the pipeline, of which `optdb.__position__` tells the positions, and
        in the order given where these are equal. "last" is a position too."""
        return self._with(self.query.register(*optimizations))

    def clone(self, link_kwargs: dict[str, Any] | None = None, optimizer: Any = "", **kwargs: Any) -> Mode:
        """A copy, with another optimizer or linker arguments (allow_gc)."""
        made = copy.copy(self)
        if optimizer != "":
            made.provided_optimizer = optimizer
            made.query = self.get_linker_optimizer(self.linker, optimizer)[1]
        if link_kwargs:
            made.linker = self.linker.clone(**link_kwargs)
        return made

    def _with(self, query: Query) -> Mode:
        made = copy.copy(self)
        made.query = made.provided_optimizer = query
        return made

    def __str__(self) -> str:
        return f"{type(self).__name__}(linker={self.provided_linker}, optimizer={self.provided_optimizer})"

    __repr__ = __str__


class ModeOptimizer:
    """The rewrites of a mode, as something that can be applied to a FunctionGraph."""

    def __init__(self, mode: Mode) -> None:
        self.mode = mode

    def optimize(self, fgraph: Any) -> Any:
        """Rewrite the graph in place; what was done."""
        return self.mode.rewrite(fgraph)

    apply = __call__ = optimize

    def __eq__(self, other: object) -> bool:
        return self.mode.query == (other.mode.query if isinstance(other, ModeOptimizer) else other)

    def __hash__(self) -> int:
        return hash(self.mode.query)

    def __repr__(self) -> str:
        return f"ModeOptimizer({self.mode.query})"


class AddDestroyHandler:
    """Accepted for the original's programs, and does nothing: what is overwritten in place is decided while a graph is
    lowered (docs/architecture.md)."""

    def optimize(self, fgraph: Any) -> None:
        """Does nothing."""


class AddFeatureOptimizer:
    """For `Mode.register`: attach a feature to the graph of each function."""

    def __init__(self, feature: Any) -> None:
        self.feature = feature

    def optimize(self, fgraph: Any) -> None:
        """Attach the feature to `fgraph`."""
        fgraph.attach_feature(self.feature)


class PrintCurrentFunctionGraph:
    """For `Mode.register`: print the graph of each function under a header."""

    def __init__(self, header: str) -> None:
        self.header = header

    def optimize(self, fgraph: Any) -> None:
        """Print `fgraph`."""
        print(f"PrintCurrentFunctionGraph: {self.header}")
        debugprint(fgraph)


FAST_RUN = Mode("cvm", "fast_run")
FAST_COMPILE = Mode("native_fast_compile", "fast_compile")
REFERENCE = Mode("py", None)

predefined_modes: dict[str, Mode] = {"FAST_RUN": FAST_RUN, "FAST_COMPILE": FAST_COMPILE, "reference": REFERENCE}

# modes that look at values while they run: name -> (module, class); loaded when asked for, made anew from their flags
WATCHING_MODES = {
    "DebugMode": ("theano.compile.debugmode", "DebugMode"),
    "DEBUG_MODE": ("theano.compile.debugmode", "DebugMode"),
    "NanGuardMode": ("theano.compile.nanguardmode", "NanGuardMode"),
}


def get_mode(orig_string: Any) -> Mode:
    """The mode of this name; None: the default; a Mode is returned as it is. ValueError for an unknown name."""
    wanted = config.mode if orig_string is None else orig_string
    if isinstance(wanted, Mode):
        return wanted
    if not isinstance(wanted, str):
        raise TypeError(f"mode must be a name or a Mode, got {wanted!r}")
    if wanted == "Mode":
        return _with_config_tags(Mode(config.linker, config.optimizer))
    if wanted in predefined_modes:
        mode = predefined_modes[wanted]
        return _with_config_tags(mode) if orig_string is None else mode
    if wanted in WATCHING_MODES:
        module, name = WATCHING_MODES[wanted]
        mode = getattr(importlib.import_module(module), name)()
        return _with_config_tags(mode) if orig_string is None else mode
    names = ", ".join(map(repr, ["Mode", *predefined_modes, *WATCHING_MODES]))
    raise ValueError(f"There is no mode named {wanted!r}; there are {names}.")


def get_default_mode() -> Mode:
    """The mode that the configuration asks for."""
    return get_mode(None)


def _with_config_tags(mode: Mode) -> Mode:
    for flag, change in (
        ("optimizer_including", Mode.including),
        ("optimizer_excluding", Mode.excluding),
        ("optimizer_requiring", Mode.requiring),
    ):
        tags = [tag for tag in getattr(config, flag).split(":") if tag]
        if tags:
            mode = change(mode, *tags)
    return mode


def register_mode(name: str, mode: Mode) -> None:
    """Make `mode` known under `name`. ValueError if the name is taken."""
    if name in predefined_modes or name in WATCHING_MODES or name == "Mode":
        raise ValueError(f"The mode name {name!r} is taken")
    predefined_modes[name] = mode
    _config.MODE_NAMES.add(name)


def register_linker(name: str, linker: Linker) -> None:
    """Make `linker` known under `name`. ValueError if the name is taken."""
    if name in predefined_linkers:
        raise ValueError(f"The linker name {name!r} is taken")
    predefined_linkers[name] = linker


def register_optimizer(name: str, opt: Any) -> None:
    """Make a Query (or an Optimizer) known under `name`. ValueError if the name is taken."""
    if name in predefined_optimizers:
        raise ValueError(f"The optimizer name {name!r} is taken")
    predefined_optimizers[name] = opt
