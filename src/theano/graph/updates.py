"""OrderedUpdates: {shared variable: new value}, in order. Functions take it, loops return it."""

from __future__ import annotations

from typing import Any

from theano.graph.shared import SharedVariable


class OrderedUpdates(dict):
    """Updates for `theano.function`. Keys must be shared variables; `+` joins two, and two different new values for one
    variable are a KeyError."""

    def __init__(self, *key: Any, **kwargs: Any) -> None:
        super().__init__(*key, **kwargs)
        for variable in self:
            _check(variable)

    def __setitem__(self, key: Any, value: Any) -> None:
        _check(key)
        super().__setitem__(key, value)

    def update(self, other: Any = None, **kwargs: Any) -> None:  # type: ignore[override]
        pairs = dict(other or {}, **kwargs)
        for key, value in pairs.items():
            if key in self and self[key] is not value:
                raise KeyError("Collision", key)
            self[key] = value

    def __add__(self, other: Any) -> OrderedUpdates:
        made = OrderedUpdates(self)
        made.update(other)
        return made

    def __radd__(self, other: Any) -> OrderedUpdates:
        made = OrderedUpdates()
        made.update(other)
        made.update(self)
        return made


def _check(key: Any) -> None:
    if not isinstance(key, SharedVariable):
        raise TypeError(f"The keys of updates must be shared variables, got {key!r} of type {type(key).__name__}.")
