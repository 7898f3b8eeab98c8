"""Unification: find what unknowns in two structures have to be for the structures to be equal.

Structures are lists, tuples and dictionaries, nested, of unknowns and of anything that can be compared. For programs
that used the original's toolkit; patterns of rewrites here are matched by `pattern.py` and `pattern_sub.py`.

>>> x, y = FreeVariable("x"), FreeVariable("y")
>>> merged, known = unify([x, 2, x], [1, y, 1])
>>> merged, unify_build({"answer": (y, x)}, known)
([1, 2, 1], {'answer': (2, 1)})
>>> unify([x, x], [1, 2])
(None, False)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any


class Variable:
    """An unknown. The subclasses say what is known of it."""

    def __init__(self, name: str = "?") -> None:
        self.name = name

    def __repr__(self) -> str:
        facts = {k: v for k, v in vars(self).items() if k != "name"}
        more = "".join(f", {k}={v!r}" for k, v in facts.items())
        return f"{type(self).__name__}({self.name}{more})"


class FreeVariable(Variable):
    """An unknown that may be anything."""


class BoundVariable(Variable):
    """An unknown that is `value`."""

    def __init__(self, name: str, value: Any) -> None:
        super().__init__(name)
        self.value = value


class OrVariable(Variable):
    """An unknown that is one of `options`."""

    def __init__(self, name: str, options: Sequence[Any]) -> None:
        super().__init__(name)
        self.options = list(options)


class NotVariable(Variable):
    """An unknown that is none of `not_options`."""

    def __init__(self, name: str, not_options: Sequence[Any]) -> None:
        super().__init__(name)
        self.not_options = list(not_options)


class VariableInList:
    """Stands for a list one element of which is what `variable` is."""

    def __init__(self, variable: Any) -> None:
        self.variable = variable


class FVar:
    """FVar(fn, *args): when something is built, fn of what the arguments are then."""

    def __init__(self, fn: Callable[..., Any], *args: Any) -> None:
        self.fn, self.args = fn, args

    def __call__(self, known: Unification) -> Any:
        return self.fn(*(unify_build(arg, known) for arg in self.args))


class Unification:
    """What is known of unknowns: which of them are one and the same, and what that may be.

    inplace   True: `merge` changes this; False: it gives another
    """

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = inplace
        self._known: dict[Variable, Variable] = {}  # unknown -> the best description of it

    def __getitem__(self, v: Variable) -> Variable:
        """The best description of an unknown: itself where nothing is known."""
        return self._known.get(v, v)

    def merge(self, new_best: Variable, *vars: Variable) -> Unification:
        """`vars`, and all that are one with them, are what `new_best` describes."""
        made = self
        if not self.inplace:
            made = Unification()
            made._known = dict(self._known)
        old = {self[v] for v in vars}
        for v in (*vars, *(w for w, best in self._known.items() if best in old), *old, new_best):
            made._known[v] = new_best
        return made


def unify(a: Any, b: Any) -> tuple[Any, Any]:
    """(the structure that a and b both are, what is known of the unknowns), or (None, False) if they differ."""
    known = unify_walk(a, b, Unification())
    return (None, False) if known is False else (unify_merge(a, b, known), known)


def unify_walk(a: Any, b: Any, U: Unification) -> Any:
    """What is known once `a` and `b` are taken to be equal, besides what U says; False if they cannot be."""
    pending = [(a, b)]
    while pending:
        a, b = pending.pop()
        a, b = (U[v] if isinstance(v, Variable) else v for v in (a, b))
        if a is b:
            continue
        if isinstance(b, (Variable, VariableInList)) and not isinstance(a, Variable):
            a, b = b, a
        if isinstance(a, VariableInList):
            fitting = [x for x in b if unify_walk(a.variable, x, U) is not False] if _is_list(b) else []
            if not fitting:
                return False
            pending.append((a.variable, fitting[0] if len(fitting) == 1 else OrVariable("?", fitting)))
        elif isinstance(a, Variable):
            found = _joined(a, b if isinstance(b, Variable) else BoundVariable(a.name, b))
            if found is None:
                return False
            best, more = found
            U = U.merge(best, a, *([b] if isinstance(b, Variable) else []))
            pending += more
        elif isinstance(a, Mapping) and isinstance(b, Mapping):
            if a.keys() != b.keys():
                return False
            pending += [(a[key], b[key]) for key in a]
        elif _is_list(a) and _is_list(b) and type(a) is type(b):
            if len(a) != len(b):
                return False
            pending += list(zip(a, b))[::-1]
        elif not _equal(a, b):
            return False
    return U


def _joined(a: Variable, b: Variable) -> tuple[Variable, list[tuple[Any, Any]]] | None:
    """(the description of what is both, what else has to be equal); None if nothing is both."""
    if isinstance(a, FreeVariable) or isinstance(b, FreeVariable):
        return (b if isinstance(a, FreeVariable) else a), []
    if isinstance(a, BoundVariable) and isinstance(b, BoundVariable):
        return a, [(a.value, b.value)]
    if isinstance(a, NotVariable) and isinstance(b, NotVariable):
        return NotVariable(a.name, [*a.not_options, *b.not_options]), []
    allowed = _options(a)
    if allowed is None:
        a, b = b, a
        allowed = _options(a)
    assert allowed is not None
    others = _options(b)
    if others is not None:
        left = [x for x in allowed if any(_equal(x, y) for y in others)]
    else:
        left = [x for x in allowed if not any(_equal(x, y) for y in b.not_options)]  # type: ignore[attr-defined]
    if not left:
        return None
    return (BoundVariable(a.name, left[0]) if len(left) == 1 else OrVariable(a.name, left)), []


def _options(v: Variable) -> list[Any] | None:
    """The values that an unknown may have, where they can be listed."""
    if isinstance(v, BoundVariable):
        return [v.value]
    return v.options if isinstance(v, OrVariable) else None


def unify_merge(a: Any, b: Any, U: Unification) -> Any:
    """The structure that `a` and `b` both are, given what U knows."""
    if _is_list(a) and _is_list(b):
        return type(a)(unify_merge(x, y, U) for x, y in zip(a, b))
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return {key: unify_merge(a[key], b[key], U) for key in a}
    return unify_build(b if isinstance(a, (Variable, VariableInList)) and not isinstance(b, Variable) else a, U)


def unify_build(x: Any, U: Unification) -> Any:
    """`x` with what is known in the place of unknowns; unknowns of which the value is not known stay."""
    if isinstance(x, FVar):
        return x(U)
    if isinstance(x, Variable):
        best = U[x]
        return unify_build(best.value, U) if isinstance(best, BoundVariable) else best
    if isinstance(x, Mapping):
        return {key: unify_build(value, U) for key, value in x.items()}
    return type(x)(unify_build(part, U) for part in x) if _is_list(x) else x


def _is_list(x: Any) -> bool:
    return type(x) in (list, tuple)


def _equal(a: Any, b: Any) -> bool:
    return a is b or bool(a == b)


__all__ = [
    "BoundVariable", "FVar", "FreeVariable", "NotVariable", "OrVariable", "Unification", "Variable", "VariableInList",
    "unify", "unify_build", "unify_merge", "unify_walk",
]
