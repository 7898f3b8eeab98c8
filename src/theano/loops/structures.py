"""Structures of values: tuples, lists and dictionaries, nested, of variables. What `loop` carries and stacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Path = tuple[Any, ...]


def leaves(structure: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """(where, what) of every value, in order; None is no value."""
    if structure is None:
        return
    if isinstance(structure, Mapping):
        for key in structure:
            yield from leaves(structure[key], (*path, key))
    elif isinstance(structure, (tuple, list)):
        for number, part in enumerate(structure):
            yield from leaves(part, (*path, number))
    else:
        yield path, structure


def filled(structure: Any, values: Iterator[Any]) -> Any:
    """The structure with other values."""
    if structure is None:
        return None
    if isinstance(structure, Mapping):
        return {key: filled(structure[key], values) for key in structure}
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*(filled(part, values) for part in structure))
    if isinstance(structure, (tuple, list)):
        return type(structure)(filled(part, values) for part in structure)
    return next(values)


def mapped(function: Callable[[Any], Any], structure: Any) -> Any:
    return filled(structure, iter([function(value) for _, value in leaves(structure)]))


def written(name: str, path: Path) -> str:
    """How a user would write it: carry[0]["weights"]."""
    return name + "".join(f"[{part!r}]" for part in path)


def values(structure: Any) -> Sequence[Any]:
    return [value for _, value in leaves(structure)]
