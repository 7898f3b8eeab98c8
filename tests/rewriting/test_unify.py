"""Unification of structures with unknowns."""

from __future__ import annotations

import doctest
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theano.gof.unify import (
    BoundVariable,
    FreeVariable,
    FVar,
    NotVariable,
    OrVariable,
    Unification,
    VariableInList,
    unify,
    unify_build,
    unify_walk,
)
from theano.rewriting import unify as module

x, y, z = FreeVariable("x"), FreeVariable("y"), FreeVariable("z")


def solved(a: Any, b: Any, *what: Any) -> Any:
    merged, known = unify(a, b)
    assert known is not False
    assert unify_build(a, known) == unify_build(b, known) == unify_build(merged, known)
    return unify_build(list(what), known)


def differ(a: Any, b: Any) -> bool:
    return unify(a, b) == (None, False) and unify(b, a) == (None, False)


def test_examples() -> None:
    assert doctest.testmod(module).failed == 0


def test_unknowns_and_values() -> None:
    assert solved([x, 2], [1, y], x, y) == [1, 2]
    assert solved([x, y, z], [y, z, 3], x, y, z) == [3, 3, 3]
    assert solved({"a": x, "b": (1, [y])}, {"a": 5, "b": (1, [x])}, x, y) == [5, 5]
    assert solved([x, x], [[1, y], [z, 2]], x, y, z) == [[1, 2], 2, 1]
    assert differ([x, x], [1, 2]) and differ([1], (1,)) and differ([1], [1, 2]) and differ({"a": 1}, {"b": 1})
    assert differ([x, x, 3], [y, 3, 4])


def test_what_stays_unknown() -> None:
    merged, known = unify([x, y], [y, x])
    assert known[x] is known[y] and isinstance(known[x], FreeVariable)
    assert merged[0] is merged[1]


def test_options() -> None:
    def options() -> Any:
        return OrVariable("o", [1, 2, 3])

    o = options()
    assert solved([o], [2], o) == [2] and differ([options()], [4])
    a, b = options(), OrVariable("b", [3, 4])
    assert solved(a, b, a, b) == [3, 3]
    a, n = options(), NotVariable("n", [1])
    _, known = unify(a, n)
    assert known[a].options == known[n].options == [2, 3]
    assert differ(OrVariable("a", [1]), NotVariable("b", [1])) and differ([NotVariable("n", [1])], [1])
    n, m = NotVariable("n", [1]), NotVariable("m", [2])
    assert unify([n, n], [m, 3])[1][m].value == 3 and differ([n, n], [m, 2])
    assert differ([BoundVariable("a", 1)], [2])
    assert unify(BoundVariable("a", [x]), BoundVariable("b", [2]))[1][x].value == 2


def test_lists_that_hold_it() -> None:
    merged, known = unify([VariableInList((1, x)), x], [[(2, 5), (1, 7)], y])
    assert merged == [[(2, 5), (1, 7)], 7] and known[y].value == 7
    _, known = unify(VariableInList(x), [1, 2])
    assert known[x].options == [1, 2]
    assert unify(VariableInList(3), [1, 2]) == (None, False) and unify(VariableInList(3), 3) == (None, False)


def test_building_with_functions() -> None:
    _, known = unify([x, y], [2, 3])
    assert unify_build([FVar(lambda a, b: a * b, x, y), x], known) == [6, 2]


def test_in_place_or_not() -> None:
    for inplace in (True, False):
        first = Unification(inplace)
        second = unify_walk(x, 1, first)
        assert (second is first) is inplace and second[x].value == 1
        assert isinstance(first[x], BoundVariable) is inplace


structures = st.recursive(
    st.integers(0, 3), lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner), max_leaves=8)


@given(structures, st.lists(st.integers(0, 2), max_size=8))
def test_what_is_cut_out_is_found_again(structure: Any, places: list[int]) -> None:
    """Unknowns in the place of parts, equal ones for equal parts: the parts come back."""
    unknowns: dict[Any, FreeVariable] = {}
    choices = iter(places)

    def cut(part: Any) -> Any:
        if next(choices, 1) == 0:
            return unknowns.setdefault(repr(part), FreeVariable(repr(part)))
        return type(part)(cut(p) for p in part) if isinstance(part, (list, tuple)) else part

    pattern = cut(structure)
    merged, known = unify(pattern, structure)
    assert merged == structure and unify_build(pattern, known) == structure
    for text, unknown in unknowns.items():
        assert repr(unify_build(unknown, known)) == text


@pytest.mark.parametrize("v", [x, BoundVariable("b", 1), OrVariable("o", [1]), NotVariable("n", [2])])
def test_text(v: Any) -> None:
    assert repr(v).startswith(type(v).__name__) and v.name in repr(v)
