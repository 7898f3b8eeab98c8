"""theano.gof.utils: small things that programs import from the original's module of this name.

Equality from `__props__` (`object2`), notes on nodes (`scratchpad`), the lines that built a variable, and functions on
lists and dictionaries.
"""

from __future__ import annotations

import functools
import hashlib
import traceback
import warnings
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

from theano._provenance import here
from theano.errors import MethodNotDefined as MethodNotDefined
from theano.errors import TestValueError as TestValueError
from theano.graph.node import Tag as scratchpad  # noqa: F401
from theano.graph.props import object2 as object2
from theano.graph.traverse import general_toposort


class undef:
    """Stands for what is not given."""


def simple_extract_stack(f: Any = None, limit: int | None = None, skips: Sequence[str] = ()) -> list[tuple[Any, ...]]:
    """[(file, line number, function, text)] of the calls that lead here, the outermost first, without those from files
    whose path contains one of `skips`."""
    frames = traceback.extract_stack(f)[: None if f is not None else -1]
    found = [(s.filename, s.lineno, s.name, s.line) for s in frames if not any(skip in s.filename for skip in skips)]
    return found if limit is None else found[-limit:]


def add_tag_trace(thing: Any, user_line: int | None = None) -> Any:
    """Let a variable or node know that it was built on this line, unless it knows where. Returns it."""
    if thing.origin is None:
        thing.origin = here()
    return thing


def get_variable_trace_string(v: Any) -> str:
    """Where a variable was built, as the text of a traceback; empty if that is not known."""
    source = v.owner if getattr(v, "owner", None) is not None else v
    if source.origin is None:
        return ""
    lines = [f'  File "{file}", line {number}, in {name}\n    {text}' for file, number, name, text
             in reversed(source.origin.frames())]
    return "Backtrace when that variable is created:\n\n" + "\n".join(lines) + "\n"


def hashtype(self: Any) -> int:
    """A hash of the class of an object."""
    return hash(type(self))


def memoize(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f` with its results remembered by positional arguments, which must be hashable."""
    return functools.cache(f)


def deprecated(filename: str, msg: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator for functions that are on their way out: the first call warns."""

    def decorate(f: Callable[..., Any]) -> Callable[..., Any]:
        warned = False

        @functools.wraps(f)
        def called(*args: Any, **kwargs: Any) -> Any:
            nonlocal warned
            if not warned:
                warnings.warn(f"{filename}.{f.__name__} is deprecated. {msg}".strip(), DeprecationWarning, stacklevel=2)
                warned = True
            return f(*args, **kwargs)

        return called

    return decorate


def uniq(seq: Iterable[Any]) -> list[Any]:
    """The elements in their order, each once; they are compared with ==."""
    found: list[Any] = []
    for item in seq:
        if not any(item is other or item == other for other in found):
            found.append(item)
    return found


def unique(x: Sequence[Hashable]) -> bool:
    """Is every element there once only?"""
    return len(set(x)) == len(x)


def hist(coll: Iterable[Hashable]) -> dict[Any, int]:
    """{element: how often it is there}"""
    counts: dict[Any, int] = {}
    for item in coll:
        counts[item] = counts.get(item, 0) + 1
    return counts


def difference(seq1: Iterable[Any], seq2: Iterable[Any]) -> list[Any]:
    """The elements of seq1 that are not in seq2."""
    without = list(seq2)
    return [x for x in seq1 if x not in without]


def remove(predicate: Callable[[Any], bool], coll: Iterable[Any]) -> list[Any]:
    """The elements for which `predicate` is false."""
    return [x for x in coll if not predicate(x)]


def flatten(a: Any) -> list[Any]:
    """The elements of nested lists, tuples and sets."""
    found: list[Any] = []
    stack = [a]
    while stack:
        item = stack.pop()
        if isinstance(item, (tuple, list, set)):
            stack.extend(reversed(list(item)))
        else:
            found.append(item)
    return found


def to_return_values(values: Sequence[Any]) -> Any:
    """The one element of a list, or the list if it has more or none."""
    return values[0] if len(values) == 1 else values


def from_return_values(values: Any) -> list[Any]:
    """A list of one value or of several."""
    return list(values) if isinstance(values, (list, tuple)) else [values]


def toposort(prereqs_d: Mapping[Any, Iterable[Any]]) -> list[Any]:
    """The keys of {item: what must come before it}, in an order that does this. ValueError if that is a circle."""
    return general_toposort(list(prereqs_d), lambda item: prereqs_d.get(item, ()))


def give_variables_names(variables: Sequence[Any]) -> list[Any]:
    """Give a name of its own to each variable that has none, or has that of another. Returns them."""
    taken: set[str] = set()
    for number, v in enumerate(variables):
        if v.name is None or v.name in taken:
            base, k = f"{v.name or type(v).__name__}_{number}", 0
            v.name = base
            while v.name in taken or any(w is not v and w.name == v.name for w in variables):
                k += 1
                v.name = f"{base}_{k}"
        taken.add(v.name)
    return list(variables)


def hash_from_code(msg: str | bytes) -> str:
    """A hash of a text, the same in every process."""
    return "m" + hashlib.sha256(msg.encode() if isinstance(msg, str) else msg).hexdigest()


def hash_from_file(file_path: str) -> str:
    """The hash of a file's content."""
    with open(file_path, "rb") as file:
        return hash_from_code(file.read())


def hash_from_dict(d: Mapping[Any, Any]) -> str:
    """A hash of a dictionary by the texts of its items, whatever their order."""
    return hash_from_code("\n".join(f"{key!r}: {d[key]!r}" for key in sorted(d, key=repr)))
