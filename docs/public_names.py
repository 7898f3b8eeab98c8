"""What is public: the names of a module, where each comes from, its signature and what it says of itself.

A name of a module is public if it does not begin with an underscore, is no module, and was defined there or imported
for others (`from a import b as b`; a plain `from a import b` is for the module's own use). `make_reference.py` makes
the tables of `docs/reference/` from this; `tests/docs/test_reference.py` asks it what has no docstring.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import types
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from theano.graph.op import Op
from theano.graph.shared import Container
from theano.graph.type import Type
from theano.scalar.op import ScalarOp
from theano.tensor.elemwise import Elemwise


class PublicName(NamedTuple):
    """A public name of a module: `home` is the module whose code it is, or that hands it on."""

    name: str
    value: Any
    home: str

    @property
    def kind(self) -> str:
        """"function" (also an op, ready to be called), "class", "type" or "value"."""
        value = self.value
        if isinstance(value, type):
            return "class"
        if inspect.isroutine(value) or isinstance(value, (Op, ScalarOp)):
            return "function"
        if isinstance(value, Type):
            return "type"
        is_ours = type(value).__module__.partition(".")[0] == "theano"
        return "function" if is_ours and callable(value) and not isinstance(value, Container) else "value"


@cache
def imports(module: str) -> tuple[dict[str, str], frozenset[str]]:
    """(names imported for others -> module they come from, names imported for the module's own use)."""
    tree = ast.parse(Path(importlib.import_module(module).__file__ or "").read_text())
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    handed_on: dict[str, str] = {}
    own_use: set[str] = set()
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            source = getattr(node, "module", None) or alias.name
            if alias.name == "*":
                others, _ = imports(source)
                handed_on.update(others)
            elif alias.asname is None or (alias.asname != alias.name and name in used):
                own_use.add(name)
            else:
                handed_on[name] = source
    return handed_on, frozenset(own_use)


def public_names(module: str) -> list[PublicName]:
    """All public names of a module, in the order of the alphabet."""
    found = importlib.import_module(module)
    handed_on, own_use = imports(module)
    late = {name: home for name, home in getattr(found, "_LAZY", {}).items() if str(home).startswith("theano.")}
    names = []
    for name in sorted(dir(found), key=lambda n: (n.lower(), n)):
        if name.startswith("_") or name in own_use:
            continue
        value = getattr(found, name)
        if not isinstance(value, types.ModuleType):
            names.append(PublicName(name, value, handed_on.get(name) or late.get(name) or _home_of(value, module)))
    return names


def _home_of(value: Any, module: str) -> str:
    home = getattr(value, "__module__", None) if inspect.isroutine(value) or isinstance(value, type) else None
    return home if isinstance(home, str) and home.startswith("theano") else module


# -- signatures -------------------------------------------------------------------------------------------------------


def signature(name: str, value: Any) -> str:
    """`name(a, b=1, *rest)`: how it is called, without annotations; the name alone of what is no function."""
    if isinstance(value, type) and issubclass(value, BaseException) and "__init__" not in value.__dict__:
        return name
    called = value
    if isinstance(value, (Elemwise, ScalarOp)):
        return f"{name}({', '.join(operands(value))})"
    if isinstance(value, Op) and type(value).__call__ is Op.__call__:
        called = value.make_node
    try:
        found = inspect.signature(called)
    except (TypeError, ValueError):
        return f"{name}()" if inspect.isroutine(value) else name
    return name + _text(found)


def _text(found: inspect.Signature) -> str:
    plain = []
    for parameter in found.parameters.values():
        if parameter.name.startswith("_"):
            continue
        default = parameter.default
        if default is not parameter.empty and (isinstance(default, type) or " at 0x" in repr(default)):
            default = _Shown(getattr(default, "__name__", "..."))
        plain.append(parameter.replace(annotation=parameter.empty, default=default))
    return str(found.replace(parameters=plain, return_annotation=found.empty))


class _Shown:
    """A default value that is shown by another text than its repr."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def operands(op: Elemwise | ScalarOp) -> list[str]:
    """Names of the operands of an elementwise op, as the functions of its own record call them."""
    record = op.scalar_op if isinstance(op, Elemwise) else op
    if record.nin is None:
        return ["x", "*others"]
    if record.params:
        return ["x"]
    wrapped = inspect.getclosurevars(record.grad).nonlocals.get("grad") if callable(record.grad) else None
    for function, skipped in ((record.define, 0), (record.native, 1), (wrapped or record.grad, 0), (record.numpy, 0)):
        if isinstance(function, types.FunctionType):
            parameters = list(inspect.signature(function).parameters.values())[skipped:][: record.nin]
            if len(parameters) == record.nin and all(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters):
                return [p.name for p in parameters]
    return ["x", "y", "z"][: record.nin]


# -- docstrings -------------------------------------------------------------------------------------------------------


def docstring(value: Any) -> str:
    """What a public object says of itself: its own docstring, that of its record, or that of its class."""
    if isinstance(value, type) or inspect.isroutine(value):
        return inspect.cleandoc(value.__dict__.get("__doc__") or "") if isinstance(value, type) else _doc(value)
    if isinstance(value, Elemwise):
        return value.scalar_op.doc
    if isinstance(value, ScalarOp):
        return value.doc
    own = getattr(value, "__dict__", {}).get("__doc__")
    if own:
        return inspect.cleandoc(own)
    if type(value).__module__.partition(".")[0] == "theano":
        return inspect.cleandoc(type(value).__dict__.get("__doc__") or "")
    return ""


def _doc(function: Any) -> str:
    return inspect.getdoc(function) or ""


_SENTENCE_END = re.compile(r"(?<!\be\.g)(?<!\bi\.e)(?<!\bcf)(?<!\.\.)[.](?=\s|$)")


def first_sentence(text: str) -> str:
    """The first sentence of a docstring, on one line."""
    paragraph = " ".join(text.split("\n\n", 1)[0].split())
    end = _SENTENCE_END.search(paragraph)
    return paragraph[: end.end()] if end else paragraph


def members(cls: type) -> Iterator[tuple[str, Any, type]]:
    """(name, function or property, class that defines it) of the public methods and properties that a class has."""
    seen: set[str] = set()
    for base in cls.__mro__:
        if base.__module__.partition(".")[0] != "theano":
            continue
        for name, member in base.__dict__.items():
            handed_down = getattr(getattr(member, "__func__", member), "__name__", name).startswith(("_", "<"))
            if name.startswith("_") or name in seen or handed_down:
                continue
            if inspect.isroutine(member) or isinstance(member, (property, classmethod, staticmethod)):
                seen.add(name)
                yield name, member, base


def member_doc(cls: type, name: str) -> str:
    """The docstring of a method or property, or that of the base's which it overrides."""
    for base in cls.__mro__:
        member = base.__dict__.get(name)
        member = getattr(member, "__func__", member)
        doc = getattr(member, "__doc__", None)
        if doc and not isinstance(member, (str, int, dict)):
            return inspect.cleandoc(doc)
    return ""


def missing_docstrings(module: str, left_out: Collection[str] = ()) -> list[str]:
    """Public functions, classes, ops, methods and properties of a module that do not say what they are."""
    missing = []
    for name, value, _ in public_names(module):
        if isinstance(value, types.GenericAlias) or name in left_out:
            continue
        doc = docstring(value)
        documented = inspect.isroutine(value) or isinstance(value, (type, Elemwise, ScalarOp, Op))
        if documented and (not doc or _is_generated(value, doc)):
            missing.append(f"{module}.{name}")
        if isinstance(value, type) and not getattr(value, "_is_protocol", False):
            undocumented = ((base, m) for m, _, base in members(value) if not member_doc(value, m))
            missing += [f"{base.__module__}.{base.__qualname__}.{m}" for base, m in undocumented]
    return missing


def _is_generated(value: Any, doc: str) -> bool:
    """Is it the docstring that a dataclass or a named tuple gets when it has none?"""
    return isinstance(value, type) and doc.startswith(f"{value.__name__}(") and doc.endswith(")")
