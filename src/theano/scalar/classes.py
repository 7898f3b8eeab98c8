"""Class-like names of the elementwise ops (`theano.scalar.Exp`, `Add`, `Cast`, ...), for `isinstance` tests.

There is one record for each op and no class hierarchy. A name here stands for one record or a family of records:
`isinstance(node.op.scalar_op, theano.scalar.Exp)` asks whether it is that record, `Exp()` gives the record. The table
is derived from the registry; only spellings which are not the capitalised name are listed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from theano.scalar.dtypes import bool_out, same_out_discrete, upcast_out_discrete
from theano.scalar.op import ScalarOp
from theano.scalar.selection import cast_to

_SPELLINGS = {
    "lt": "LT", "gt": "GT", "le": "LE", "ge": "GE", "eq": "EQ", "neq": "NEQ", "isnan": "IsNan", "isinf": "IsInf",
    "and_": "AND", "or_": "OR", "xor": "XOR", "abs_": "Abs", "true_div": "TrueDiv", "int_div": "IntDiv",
    "deg2rad": "Deg2Rad", "rad2deg": "Rad2Deg", "arccos": "ArcCos", "arcsin": "ArcSin", "arctan": "ArcTan",
    "arctan2": "ArcTan2", "arccosh": "ArcCosh", "arcsinh": "ArcSinh", "arctanh": "ArcTanh", "gammaln": "GammaLn",
    "gammainc": "GammaInc", "gammaincc": "GammaIncC", "gammal": "GammaL", "gammau": "GammaU", "chi2sf": "Chi2SF",
}  # fmt: skip


class RecordFamily(type):
    """A class whose instances are the records for which `holds` is true."""

    holds: Callable[[ScalarOp], bool]

    def __instancecheck__(cls, candidate: Any) -> bool:
        return isinstance(candidate, ScalarOp) and bool(type.__getattribute__(cls, "holds")(candidate))


def _family(name: str, doc: str, holds: Callable[[ScalarOp], bool], make: Callable[..., Any] | None = None) -> Any:
    def refuse(cls: type, *arguments: Any, **named: Any) -> Any:
        raise TypeError(f"theano.scalar.{name} is a family of ops, not one; declare new ones with elementwise()")

    def new(cls: type, *arguments: Any, **named: Any) -> Any:
        return make(*arguments) if make is not None else refuse(cls)

    return RecordFamily(name, (), {"__doc__": doc, "__new__": new, "holds": staticmethod(holds)})


def _of_record(record: ScalarOp) -> Any:
    spelling = _SPELLINGS.get(record.name) or "".join(part[:1].upper() + part[1:] for part in record.name.split("_"))
    return _family(spelling, record.doc, lambda r: r is record, lambda *_: record)


def record_classes() -> dict[str, Any]:
    """All class-like names: one for each record, `Cast`, and the families."""
    table = {c.__name__: c for c in map(_of_record, ScalarOp.registry.values())}
    table["Cast"] = _family("Cast", "Conversion to a dtype.", _is_cast, cast_to)
    families: dict[str, tuple[str, Callable[[ScalarOp], bool]]] = {
        "UnaryScalarOp": ("Ops of one input.", lambda r: r.nin == 1),
        "BinaryScalarOp": ("Ops of two inputs.", lambda r: r.nin == 2),
        "UnaryBitOp": ("Bitwise ops of one input.", lambda r: r.dtype is same_out_discrete),
        "BinaryBitOp": ("Bitwise ops of two inputs.", lambda r: r.dtype is upcast_out_discrete),
        "LogicalComparison": ("Comparisons of two inputs.", lambda r: r.dtype is bool_out and r.nin == 2),
        "InRange": ("Membership of an interval.", lambda r: r.name in ("inopenrange", "inclosedrange")),
        "FixedLogicalComparison": ("Tests of one input.", lambda r: r.dtype is bool_out and r.nin == 1),
    }
    for name, (doc, holds) in families.items():
        table[name] = _family(name, doc, holds)
    return table


def _is_cast(record: ScalarOp) -> bool:
    return bool(record.params) and record.params[0] is cast_to
