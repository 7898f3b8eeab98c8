"""Decorators by which users put rewrites of their own into the pipeline: `register_canonicalize` and its kin.

They take a LocalOptimizer (`theano.gof.local_optimizer`) and give it back. `theano.tensor.opt` re-exports them. What is
registered takes the place of what had its name (so that a cell of a notebook can be run again);
`theano.compile.mode.optdb["canonicalize"].unregister(name)` takes it out.
"""

from __future__ import annotations

from typing import Any

from theano.compile.pipeline import optdb
from theano.rewriting.query import ALL


def _register(opt: Any, where: str, tags: tuple[str, ...], name: str | None) -> Any:
    if isinstance(opt, str):  # used with tags: @register_canonicalize("fast_compile")
        return lambda inner: _register(inner, where, (opt, *tags), name)
    optdb[where].put(name or str(opt), opt, ALL, *tags)
    return opt


def register_useless(lopt: Any, *tags: str, name: str | None = None, **kwargs: Any) -> Any:
    """Take part in the pass "drop useless nodes"."""
    return _register(lopt, "useless", tags, name)


def register_canonicalize(lopt: Any, *tags: str, name: str | None = None, **kwargs: Any) -> Any:
    """Take part in the pass "canonicalize"."""
    return _register(lopt, "canonicalize", tags, name)


def register_stabilize(lopt: Any, *tags: str, name: str | None = None, **kwargs: Any) -> Any:
    """Take part in the pass "stabilize"."""
    return _register(lopt, "stabilize", tags, name)


def register_specialize(lopt: Any, *tags: str, name: str | None = None, **kwargs: Any) -> Any:
    """Take part in the pass "specialize"."""
    return _register(lopt, "specialize", tags, name)


def register_uncanonicalize(lopt: Any, *tags: str, name: str | None = None, **kwargs: Any) -> Any:
    """Take part in the pass "specialize": there is no later one of its kind here."""
    return _register(lopt, "specialize", ("uncanonicalize", *tags), name)


def register_specialize_device(lopt: Any, *tags: str, name: str | None = None, **kwargs: Any) -> Any:
    """Take part in the pass "specialize": there is no later one of its kind here."""
    return _register(lopt, "specialize", ("specialize_device", *tags), name)
