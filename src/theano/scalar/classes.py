"""Class-like names of the elementwise ops (`theano.scalar.Exp`, `Add`, `Cast`, ...), for `isinstance` tests.

There is one record for each op and no class hierarchy. A name here stands for one record or a family of records:
`isinstance(node.op.scalar_op, theano.scalar.Exp)` asks whether it is that record, `Exp()` gives the record. The table
is derived from the registry; only spellings which are not the capitalised name are listed.

A class that is derived from `ScalarOp`, `UnaryScalarOp`, `BinaryScalarOp` ... is an op of a user: see `user_ops.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from theano.scalar.dtypes import bool_out, same_out_discrete, upcast_out_discrete
from theano.scalar.op import ScalarOp
from theano.scalar.selection import cast_to
from theano.scalar.user_ops import UserScalarOp

_SPELLINGS = {
    "lt": "LT", "gt": "GT", "le": "LE", "ge": "GE", "eq": "EQ", "neq": "NEQ", "isnan": "IsNan", "isinf": "IsInf",
    "and_": "AND", "or_": "OR", "xor": "XOR", "abs_": "Abs", "true_div": "TrueDiv", "int_div": "IntDiv",
    "deg2rad": "Deg2Rad", "rad2deg": "Rad2Deg", "arccos": "ArcCos", "arcsin": "ArcSin", "arctan": "ArcTan",
    "arctan2": "ArcTan2", "arccosh": "ArcCosh", "arcsinh": "ArcSinh", "arctanh": "ArcTanh", "gammaln": "GammaLn",
    "xlogx": "XlogX", "xlogy0": "XlogY0",
    "gammainc": "GammaInc", "gammaincc": "GammaIncC", "gammal": "GammaL", "gammau": "GammaU", "chi2sf": "Chi2SF",
}  # fmt: skip


class RecordFamily(type):
    """A class whose instances are the records for which `holds` is true.

    derive   what a class derived from it gets besides (None: none can be): {"nin": 2}
    """

    holds: Callable[[ScalarOp], bool]
    derive: dict[str, Any] | None

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        family = next((base for base in bases if isinstance(base, RecordFamily)), None)
        if family is None:
            return super().__new__(mcs, name, bases, namespace)
        given = type.__getattribute__(family, "derive")
        if given is None:
            raise TypeError(f"theano.scalar.{family.__name__} is one of the library's ops: derive from UnaryScalarOp, "
                            f"BinaryScalarOp or ScalarOp")
        others = tuple(base for base in bases if not isinstance(base, RecordFamily))
        return type(name, (UserScalarOp, *others), {**given, **namespace})

    def __subclasscheck__(cls, candidate: type) -> bool:
        if isinstance(candidate, RecordFamily):
            return candidate is cls
        given = type.__getattribute__(cls, "derive")
        return given is not None and issubclass(candidate, UserScalarOp) and all(
            getattr(candidate, name, None) == value for name, value in given.items()
        )

    def __instancecheck__(cls, candidate: Any) -> bool:
        return isinstance(candidate, ScalarOp) and bool(type.__getattribute__(cls, "holds")(candidate))


def _family(
    name: str, doc: str, holds: Callable[[ScalarOp], bool], make: Callable[..., Any] | None = None,
    derive: dict[str, Any] | None = None, **more: Any,
) -> Any:  # fmt: skip
    def refuse(cls: type, *arguments: Any, **named: Any) -> Any:
        raise TypeError(f"theano.scalar.{name} is a family of ops, not one; derive a class from it that defines "
                        f"impl, or declare one with elementwise()")

    def new(cls: type, *arguments: Any, **named: Any) -> Any:
        return make(*arguments, **(named if make is ScalarOp else {})) if make is not None else refuse(cls)

    attributes = {"__doc__": doc, "__new__": new, "holds": staticmethod(holds), "derive": derive, **more}
    return RecordFamily(name, (), attributes)


def _of_record(record: ScalarOp) -> Any:
    spelling = _SPELLINGS.get(record.name) or "".join(part[:1].upper() + part[1:] for part in record.name.split("_"))
    return _family(spelling, record.doc, lambda r: r is record, lambda *_: record)


def record_classes() -> dict[str, Any]:
    """All class-like names: one for each record, `Cast`, and the families."""
    table = {c.__name__: c for c in map(_of_record, ScalarOp.registry.values())}
    table["Cast"] = _family("Cast", "Conversion to a dtype.", _is_cast, cast_to)
    rule = staticmethod(bool_out)
    one, two = {"nin": 1}, {"nin": 2}
    families: dict[str, tuple[str, Callable[[ScalarOp], bool], dict[str, Any] | None]] = {
        "UnaryScalarOp": ("Ops of one input.", lambda r: r.nin == 1, one),
        "BinaryScalarOp": ("Ops of two inputs.", lambda r: r.nin == 2, two),
        "UnaryBitOp": ("Bitwise ops of one input.", lambda r: r.dtype is same_out_discrete, one),
        "BinaryBitOp": ("Bitwise ops of two inputs.", lambda r: r.dtype is upcast_out_discrete, two),
        "LogicalComparison": (
            "Comparisons of two inputs.", lambda r: r.dtype is bool_out and r.nin == 2,
            {**two, "output_types_preference": rule}),
        "InRange": ("Membership of an interval.", lambda r: r.name in ("inopenrange", "inclosedrange"), None),
        "FixedLogicalComparison": (
            "Tests of one input.", lambda r: r.dtype is bool_out and r.nin == 1,
            {**one, "output_types_preference": rule}),
    }  # fmt: skip
    for name, (doc, holds, derive) in families.items():
        table[name] = _family(name, doc, holds, derive=derive)
    table["ScalarOp"] = _family(
        "ScalarOp", "Any elementwise op; derive ops of your own from it.", lambda r: True, ScalarOp, {},
        registry=ScalarOp.registry,
    )
    return table


def _is_cast(record: ScalarOp) -> bool:
    return bool(record.params) and record.params[0] is cast_to
