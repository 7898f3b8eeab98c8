"""The tables of docs/reference/, as Markdown: each function makes one kind, from the library itself."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

from derivative_text import derivatives
from public_names import (
    PublicName,
    docstring,
    first_sentence,
    imports,
    member_doc,
    members,
    operands,
    public_names,
    signature,
)

import theano.tensor as tt
from theano import _config, _settings, scalar
from theano.compile import Linker, Mode
from theano.graph.type import Type
from theano.scalar.classes import record_classes
from theano.scalar.op import ScalarOp
from theano.tensor import constructors as tensor_constructors
from theano.tensor.elemwise import Elemwise


def _cell(text: str) -> str:
    return text.replace("|", "\\|").strip()


def _code(text: str) -> str:
    return f"`{text}`"


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


# -- names of modules -------------------------------------------------------------------------------------------------


_CLAUSES = re.compile(r"\b(from|only|but)\b")


class Asked(NamedTuple):
    """What a line `names: module [from home, ...] [only name, ...] [but name, ...]` asks for."""

    module: str
    homes: list[str]
    only: list[str]
    left_out: list[str]


def _asked(what: str) -> Asked:
    module, *clauses = _CLAUSES.split(what)
    given = {word: [part.strip() for part in listed.split(",")] for word, listed in zip(clauses[::2], clauses[1::2])}
    homes = [home if home.startswith("theano") else f"{module.strip()}.{home}" for home in given.get("from", [])]
    asked = Asked(module.strip(), homes, given.get("only", []), given.get("but", []))
    unknown = {*asked.only, *asked.left_out} - {entry.name for entry in public_names(asked.module)}
    if unknown:
        raise ValueError(f"{asked.module} has no public names {', '.join(sorted(unknown))}")
    return asked


def _selected(what: str) -> list[PublicName]:
    asked = _asked(what)
    return [
        entry
        for entry in public_names(asked.module)
        if entry.name not in asked.left_out
        and (not asked.only or entry.name in asked.only)
        and (not asked.homes or entry.home in asked.homes)
        and not _has_other_table(asked.module, entry)
    ]


def left_out(what: str) -> tuple[str, list[str]]:
    """(module, names that a table leaves out)."""
    asked = _asked(what)
    return asked.module, asked.left_out


def _has_other_table(module: str, entry: PublicName) -> bool:
    """Constructors and elementwise functions have tables of their own kinds."""
    if module == "theano.scalar":
        return isinstance(entry.value, ScalarOp) or entry.name in _class_names()
    elementwise_op = isinstance(entry.value, Elemwise) and entry.name in _spellings(entry.value.scalar_op)
    return module == "theano.tensor" and (elementwise_op or entry.name in tensor_constructors.NAMES)


def names(what: str) -> str:
    """Public names of a module: functions first, then classes, then values."""
    rows = []
    selected = _selected(what)
    first_of: dict[int, str] = {}
    for kind in ("function", "class", "type", "value"):
        for name, value, home in selected:
            if PublicName(name, value, home).kind == kind:
                rows.append([_code(_head(name, value, kind)), _meaning(name, value, kind, first_of)])
    return _table(["name", "what it is"], rows)


def _head(name: str, value: Any, kind: str) -> str:
    return name if kind in ("type", "value") else signature(name, value)


def _meaning(name: str, value: Any, kind: str, first_of: dict[int, str]) -> str:
    earlier = first_of.setdefault(id(value), name) if kind != "value" else name
    if earlier != name:
        return f"The same as `{earlier}`."
    if kind == "value" and not _is_ours(value):
        return _content(value)
    if isinstance(value, (Mode, Linker)):
        return f"{_code(repr(value))}."
    return first_sentence(docstring(value))


def _is_ours(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] == "theano" and not isinstance(value, Type)


def _content(value: Any) -> str:
    """A plain value, or what kind of value it is where it is long."""
    if isinstance(value, dict):
        return f"A dictionary with the keys {', '.join(_code(repr(key)) for key in value)}."
    if isinstance(value, (list, tuple)) and value and all(isinstance(item, Type) for item in value):
        return f"A {type(value).__name__} of types: {', '.join(_code(str(item)) for item in value)}."
    text = repr(sorted(value) if isinstance(value, frozenset) else value)
    return _code(text) if len(text) <= 200 else f"A {type(value).__name__}."


def errors(what: str) -> str:
    """The exceptions of a module, with the natural exceptions that they are too."""
    rows = []
    for name, value, _ in public_names(what):
        if isinstance(value, type) and issubclass(value, BaseException):
            natural = [base.__name__ for base in value.__mro__ if base.__module__ == "builtins"]
            shown = [n for n in natural if n not in ("object", "BaseException", "Exception")][:2]
            rows.append([_code(name), ", ".join(map(_code, shown)), first_sentence(docstring(value))])
    return _table(["error", "is also a", "meaning"], rows)


# -- members of classes -----------------------------------------------------------------------------------------------


def _class(path: str) -> type:
    module, _, name = path.rpartition(".")
    found = getattr(importlib.import_module(module), name)
    if not isinstance(found, type):
        raise ValueError(f"{path} is no class")
    return found


def members_of(what: str) -> str:
    """The public methods and properties of a class ("x of path"); elementwise methods have a line of their own."""
    x, _, path = what.partition(" of ")
    cls = _class(path)
    rows, elementwise_methods = [], []
    for name, member, _ in sorted(members(cls), key=lambda entry: entry[0].lower()):
        record = ScalarOp.registry.get(name)
        if record is not None and name in record.method:
            elementwise_methods.append(name)
        elif isinstance(member, property):
            rows.append([_code(f"{x}.{name}"), first_sentence(member_doc(cls, name))])
        else:
            function = member.__func__ if isinstance(member, (classmethod, staticmethod)) else member
            text = signature(name, function)
            text = text.replace("(self, ", "(").replace("(self)", "()").replace("(cls, ", "(").replace("(cls)", "()")
            rows.append([_code(f"{x}.{text}"), first_sentence(member_doc(cls, name))])
    if elementwise_methods:
        listed = ", ".join(_code(f"{x}.{name}()") for name in elementwise_methods)
        rows.append([listed, "The elementwise functions of these names."])
    return _table(["member", "what it is"], rows)


# -- elementwise functions --------------------------------------------------------------------------------------------


def _records(what: str) -> list[ScalarOp]:
    """The records of the given families, in the order of their declaration."""
    families = [part.strip() for part in what.split(",")]
    found = {family: [r for r in ScalarOp.registry.values() if _declared_in(r) == family] for family in families}
    empty = [family for family in families if not found[family]]
    if empty:
        raise ValueError(f"theano.scalar.{empty[0]} declares no elementwise op")
    return [record for family in families for record in found[family]]


@cache
def _declared_in(record: ScalarOp) -> str:
    """The family file that declares a record: the one that has it under a name which it did not import."""
    for found in pkgutil.iter_modules(scalar.__path__, "theano.scalar."):
        handed_on, own_use = imports(found.name)
        for name, value in vars(importlib.import_module(found.name)).items():
            if value is record and name not in own_use and name not in handed_on:
                return found.name.rpartition(".")[2]
    return ""


def _domain(record: ScalarOp) -> str:
    texts = [str(interval) for interval in record.domain]
    return texts[0] if len(set(texts)) == 1 else " × ".join(texts)


def _rule_name(record: ScalarOp) -> str:
    return getattr(record.dtype, "__name__", type(record.dtype).__name__)


def elementwise(what: str) -> str:
    """The records of some families, with what is known of them."""
    rows = []
    for record in _records(what):
        shown = [f"{name}({', '.join(operands(record))})" for name in _spellings(record)]
        if shown:
            rows.append([
                ", ".join(map(_code, shown)),
                record.doc,
                _code(_rule_name(record)),
                _domain(record),
                "; ".join(map(_code, derivatives(record))),
                f"{record.ulp:g}",
            ])
    return _table(["function", "what it is", "dtype", "smooth on", "gradient", "ulp"], rows)


def _spellings(record: ScalarOp) -> list[str]:
    found = []
    for name in (record.name, *record.aliases):
        value = getattr(tt, name, None)
        if isinstance(value, Elemwise) and value.scalar_op is record:
            found.append(name)
    return found


@cache
def _class_names() -> dict[str, ScalarOp]:
    """The class-like names of theano.scalar that stand for one record: {"Exp": exp}."""
    found = {}
    for name, family in record_classes().items():
        try:
            record = family()
        except TypeError:
            continue
        if isinstance(record, ScalarOp):
            found[name] = record
    return found


def records(what: str) -> str:
    """All records of theano.scalar, with the class-like names that stand for them."""
    classes = {record: name for name, record in _class_names().items()}
    rows = [
        [_code(name), _code(classes[record]), record.doc]
        for name, record in sorted(ScalarOp.registry.items()) if record in classes
    ]  # fmt: skip
    return _table(["record", "for `isinstance`", "what it is"], rows)


def dtype_rules(what: str) -> str:
    """The dtype rules that the records of some families use."""
    rules = {_rule_name(record): record.dtype for record in _records(what)}
    return _table(
        ["rule", "dtype of the result"], [[_code(name), first_sentence(rule.__doc__ or "")] for name, rule in sorted(
            rules.items())]
    )


# -- constructors and settings ----------------------------------------------------------------------------------------


def constructors(what: str) -> str:
    """The types and constructors of symbolic variables: a row for each word."""
    rows = []
    for word, pattern in tensor_constructors.PATTERNS.items():
        plural = tensor_constructors._PLURALS.get(word, word + "s")
        typed = [letter + word for letter in tensor_constructors.LETTERS]
        plurals = [letter + plural for letter in ("", "f", "d", "i", "l")]
        rows.append([_code(f"{word}(name=None, dtype=None)"), ", ".join(map(_code, typed)),
                     ", ".join(map(_code, plurals)), _code(str(pattern))])
    return _table(["any dtype", "of one dtype", "several at once", "`broadcastable`"], rows)


def flags(what: str) -> str:
    """Settings: the flags of a section ("-" for those without one), or those that are accepted without effect."""
    rows = []
    own = {name for name, *_ in (*_config.FLAGS, *_config.OLD_FLAGS)}
    declared = (param for param in _config.config._all_params() if param.fullname in own)
    for param in sorted(declared, key=lambda p: p.fullname.lower()):
        section, _, _ = param.fullname.rpartition(".")
        idle = param.doc.startswith("no effect")
        wanted = idle if what == "without effect" else not idle and what == (section or "-")
        if wanted:
            note = "" if param.allow_override else " Only before the import."
            rows.append([_code(param.fullname), param.kind(), _default(param), _sentence(param.doc) + note])
    if not rows:
        raise ValueError(f"There are no flags {what!r}")
    return _table(["flag", "values", "default", "meaning"], rows)


def _default(param: _settings.ConfigParam) -> str:
    return _code(str(param.default)) if str(param.default) else "empty"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


# -- coverage ---------------------------------------------------------------------------------------------------------


def covered(kind: str, what: str) -> set[tuple[str, str]]:
    """The (module, public name) pairs that a table shows, or leaves out on purpose."""
    if kind == "names":
        asked = _asked(what)
        return {(asked.module, name) for name in (*asked.left_out, *(entry.name for entry in _selected(what)))}
    if kind == "records":
        shown = {entry.name for entry in public_names("theano.scalar") if isinstance(entry.value, ScalarOp)}
        return {("theano.scalar", name) for name in (*shown, *_class_names())}
    if kind == "errors":
        return {(what, entry.name) for entry in public_names(what) if isinstance(entry.value, type)}
    if kind == "elementwise":
        return {("theano.tensor", name) for record in _records(what) for name in _spellings(record)}
    if kind == "constructors":
        return {("theano.tensor", name) for name in tensor_constructors.NAMES}
    return set()
