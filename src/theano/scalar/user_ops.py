"""Elementwise ops that users write as classes, in the original's way: `impl`, `grad`, an output type preference.

    class Gate(theano.scalar.UnaryScalarOp):
        def impl(self, x):
            return x if x > 0.5 else 0.0
        def grad(self, inputs, gradients):
            (x,), (gz,) = inputs, gradients
            return [theano.tensor.switch(x > 0.5, gz, 0.0)]

    gate = theano.tensor.Elemwise(Gate(theano.scalar.same_out_float_only, name="gate"))

An object of such a class is a record (`op.py`) like the library's own, whose NumPy meaning is `impl` called for every
element, or the function that `nfunc_spec` names. C code is not looked at. To be fast it may define `native(b, *values)`
as the records do.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from theano.graph.clone import clone_replace
from theano.graph.type import DisconnectedType, NullType
from theano.scalar.dtypes import specific_out
from theano.scalar.op import DISCONNECTED, UNDEFINED, ScalarOp


class UserScalarOp(ScalarOp):
    """Base of the classes that users derive from `theano.scalar.ScalarOp`, `UnaryScalarOp` and so on.

    nin                      number of inputs; nout must be 1
    impl(*numbers)           the value of one element
    nfunc_spec               ("numpy.exp", number of inputs, number of outputs): a function of arrays that does it
    grad(inputs, gradients)  as of an Op, on 0-d variables
    output_types_preference  dtype rule: a function of `theano.scalar` such as `upgrade_to_float`, or one of 0-d types
                             that gives a type or a tuple with one; by default the first input's type. A method
                             output_types(types) wins over it
    TypeError, when one is made, for classes with neither impl nor nfunc_spec; NotImplementedError for several outputs.
    """

    type_of: ClassVar[Callable[[str], Any]]  # dtype -> 0-d type; set by tensor/elemwise.py
    nout: ClassVar[int] = 1
    nfunc_spec: ClassVar[Any] = None
    output_types_preference: Any = None

    def __init__(self, output_types_preference: Any = None, name: str | None = None) -> None:
        kind = type(self)
        nin = getattr(kind, "nin", None)
        if not isinstance(nin, int):
            raise TypeError(f"{kind.__name__} does not say how many inputs it has: set nin in the class")
        if kind.nout != 1:
            raise NotImplementedError(f"{kind.__name__} has {kind.nout} outputs: an elementwise op of a user has one. "
                                      f"Write one op for each, or an Op (docs/extending_ops.md)")
        if output_types_preference is not None:
            object.__setattr__(self, "output_types_preference", output_types_preference)
        method = getattr(kind, "grad", None)
        fields = {
            "name": _free_name(name or kind.__name__, kind), "nin": nin, "dtype": self._dtype, "compute": "own",
            "numpy": self._meaning(), "grad": self._gradient if callable(method) else None,
            "native": self._native if callable(getattr(kind, "native", None)) else None, "define": None,
            "facts": frozenset(), "domain": (), "ulp": 1.0, "symbol": "", "aliases": (), "method": (),
            "disconnected": (), "params": (), "doc": (kind.__doc__ or "").strip(),
        }  # fmt: skip
        for field, value in fields.items():
            object.__setattr__(self, field, value)
        object.__setattr__(self, "_arguments", (self.output_types_preference, name))

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)  # users' classes may have attributes of their own

    # -- what the record says ---------------------------------------------------------------------------------------

    def _dtype(self, *dtypes: str) -> str:
        method = getattr(type(self), "output_types", None)
        rule = self.output_types_preference
        if method is not None:
            return _dtype_of(method(self, [UserScalarOp.type_of(d) for d in dtypes]), self)
        if rule is None:
            return dtypes[0]
        if getattr(rule, "__module__", "").startswith("theano.scalar"):
            return str(rule(*dtypes))
        return _dtype_of(rule(*[UserScalarOp.type_of(d) for d in dtypes]), self)

    def _meaning(self) -> Callable[..., Any]:
        kind = type(self)
        if kind.nfunc_spec is not None:
            return _named_function(kind.nfunc_spec[0])
        if not callable(getattr(kind, "impl", None)):
            raise TypeError(f"{kind.__name__} has neither impl nor nfunc_spec: what is its value?")
        count: int = kind.__dict__.get("nin", getattr(kind, "nin", 1))
        return np.frompyfunc(self.impl, count, 1)  # type: ignore[attr-defined]

    def _gradient(self, *arguments: Any) -> Any:
        """The terms that the class's own `grad` gives, for the inputs, the output and its gradient."""
        method = type(self).grad  # type: ignore[misc]
        if len(arguments) == 2 and all(isinstance(a, (list, tuple)) for a in arguments):
            return method(self, *arguments)  # type: ignore[misc]
        *inputs, _, gz = arguments
        symbols = [UserScalarOp.type_of(v.type.dtype)() for v in (*inputs, gz)]
        terms = method(self, symbols[:-1], symbols[-1:])  # type: ignore[misc]
        if not isinstance(terms, (list, tuple)) or len(terms) != len(inputs):
            raise ValueError(f"{self.name}.grad must give a term for each of {len(inputs)} inputs, gave {terms!r}")
        stands = dict(zip(symbols, (*inputs, gz)))
        return tuple(self._term(term, stands) for term in terms)

    def _term(self, term: Any, stands: dict[Any, Any]) -> Any:
        kind = getattr(term, "type", None)
        if term is None or isinstance(kind, NullType):
            return UNDEFINED
        if isinstance(kind, DisconnectedType):
            return DISCONNECTED
        return term if kind is None else clone_replace(term, stands, strict=False)

    def _native(self, b: Any, *values: Any) -> Any:
        return type(self).native(self, b, *values)  # type: ignore[misc]

    # -- identity -------------------------------------------------------------------------------------------------

    def _identity(self) -> tuple[Any, ...]:
        """What distinguishes this op from others of its class: `__props__`, or else all attributes of its own."""
        props = getattr(type(self), "__props__", None)
        own = self._own() if props is None else {p: getattr(self, p) for p in props}
        return (*self._arguments, own)  # type: ignore[attr-defined]

    def _own(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if k not in _OWN}

    def __eq__(self, other: object) -> bool:
        if self is other or type(self) is not type(other):
            return self is other
        try:
            return bool(self._identity() == other._identity())  # type: ignore[attr-defined]
        except ValueError:  # arrays do not say
            return False

    def __hash__(self) -> int:
        return hash((type(self), self.name))

    def __reduce__(self) -> Any:
        return _rebuilt, (type(self), self._arguments, self._own())  # type: ignore[attr-defined]


_OWN = {*ScalarOp.__slots__, "_arguments", "output_types_preference"}  # type: ignore[attr-defined]


def _rebuilt(kind: type[UserScalarOp], arguments: tuple[Any, Any], own: dict[str, Any]) -> UserScalarOp:
    op = kind.__new__(kind)
    UserScalarOp.__init__(op, *arguments)
    vars(op).update(own)
    return op


def _free_name(name: str, kind: type) -> str:
    """`name`, or where a record of the library has it one that tells them apart."""
    taken = name in ScalarOp.registry or name.startswith("Cast") or any(
        name in record.aliases for record in ScalarOp.registry.values()
    )
    return f"{kind.__name__}:{name}" if taken else name


def _dtype_of(found: Any, op: UserScalarOp) -> str:
    """The dtype that a rule on types gave: a type or a dtype, or a list with one."""
    if isinstance(found, (list, tuple)):
        if len(found) != 1:
            raise TypeError(f"{op.name}: the output types must be one type, got {found!r}")
        (found,) = found
    dtype = getattr(found, "dtype", found)
    if not isinstance(dtype, str):
        raise TypeError(f"{op.name}: the output type must be a type such as theano.scalar.float64, got {found!r}")
    return dtype


def _named_function(path: str) -> Callable[..., Any]:
    """The function of arrays with this path; NumPy's where it names no module."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module or "numpy"), name)


class unary_out_lookup:
    """A dtype rule from a table: {input type: output type}. TypeError for other inputs."""

    __module__ = "theano.scalar.user_ops"

    def __init__(self, type_table: Any) -> None:
        self.table: dict[str, str] = {specific_out(a).dtype: specific_out(b).dtype for a, b in type_table.items()}

    def __call__(self, *dtypes: str) -> str:
        if len(dtypes) != 1 or dtypes[0] not in self.table:
            raise TypeError(f"inputs must be one of {', '.join(self.table)}, got ({', '.join(dtypes)})")
        return self.table[dtypes[0]]

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.table == other.table  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash(tuple(sorted(self.table.items())))


class transfer_type:
    """A dtype rule: that of the input of this number, or the given dtype."""

    def __init__(self, *transfer: Any) -> None:
        if len(transfer) != 1:
            raise NotImplementedError(f"an elementwise op of a user has one output, got {len(transfer)} types")
        self.transfer = getattr(transfer[0], "dtype", transfer[0])

    def __call__(self, *dtypes: str) -> str:
        return dtypes[self.transfer] if isinstance(self.transfer, int) else str(self.transfer)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.transfer == other.transfer  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash(self.transfer)


class Composite(UserScalarOp):
    """An expression of 0-d variables as one elementwise op. Applied, it is the expression: nothing is hidden.

    >>> import theano, theano.tensor as tt
    >>> x, y = theano.scalar.float64("x"), theano.scalar.float64("y")
    >>> op = tt.Elemwise(theano.scalar.Composite([x, y], [x * y + 1]))
    >>> a = tt.dvector("a")
    >>> op(a, 2.0).eval({a: [1.0, 2.0]})
    array([3., 5.])
    """

    nin = 0

    def __init__(self, inputs: Sequence[Any], outputs: Sequence[Any], name: str | None = None) -> None:
        if len(outputs) != 1:
            raise NotImplementedError(f"A Composite has one output, got {len(outputs)}; make one for each")
        self.inputs, self.outputs = list(inputs), list(outputs)
        super().__init__(None, name or f"Composite{{{outputs[0]}}}")
        for field, value in (("nin", len(self.inputs)), ("define", self._defined), ("numpy", None)):
            object.__setattr__(self, field, value)

    def impl(self, *values: Any) -> Any:
        """TypeError: the graph inside says what it means."""
        raise TypeError("A Composite has no implementation of its own")

    def _defined(self, *arguments: Any) -> Any:
        if len(arguments) != len(self.inputs):
            raise TypeError(f"{self.name} takes {len(self.inputs)} arguments, got {len(arguments)}")
        return clone_replace(self.outputs[0], dict(zip(self.inputs, arguments)), strict=False)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __reduce__(self) -> Any:
        return Composite, (self.inputs, self.outputs, self.name)


__all__ = ["Composite", "UserScalarOp", "transfer_type", "unary_out_lookup"]
