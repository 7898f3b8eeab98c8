"""Decorators by which users put rewrites of their own into the pipeline: `register_canonicalize` and its kin.

They take a LocalOptimizer (`theano.gof.local_optimizer`) and give it back. `theano.tensor.opt` re-exports them.
"""

from __future__ import annotations

from typing import Any

from theano.compile.pipeline import register
from theano.rewriting.custom import as_rule


def _register(opt: Any, where: str, tags: tuple[str, ...], name: str | None) -> Any:
    if isinstance(opt, str):  # used with tags: @register_canonicalize("fast_compile")
        return lambda inner: _register(inner, where, (opt, *tags), name)
    register(as_rule(opt, tags, name), where)
    return opt


def register_useless(lopt: Any, *tags: str, name: str | None = None, **kwargs: Any) -> Any:
    """Take part in the pass "drop useless nodes"."""
    return _register(lopt, "drop useless nodes", tags, name)


def register_canonicalize(lopt: Any, *tags: str, name: str | None = None, **kwargs: Any) -> Any:
    """Take part in the pass "canonicalize"."""
    return _register(lopt, "canonicalize", tags, name)


def register_stabilize(lopt: Any, *tags: str, name: str | None = None, **kwargs: Any) -> Any:
    """Take part in the pass "stabilize"."""
    return _register(lopt, "stabilize", tags, name)


def register_specialize(lopt: Any, *tags: str, name: str | None = None, **kwargs: Any) -> Any:
    """Take part in the pass "specialize"."""
    return _register(lopt, "specialize", tags, name)


register_uncanonicalize = register_specialize_device = register_specialize
