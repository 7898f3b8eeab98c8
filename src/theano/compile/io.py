"""What `theano.function` is told about its inputs and outputs: In and Out."""

from __future__ import annotations

from typing import Any

from theano.graph.node import Constant, Variable
from theano.graph.shared import Container, SharedVariable


class SymbolicInput:
    """An input of a function.

    variable        the variable it stands for
    name            the keyword under which the function takes it; the variable's own name by default (if `autoname`)
    update          expression that becomes the input's default value after each call; of the variable's type
    mutable         the call may overwrite the array that the caller passes
    strict          True: no conversion of the values passed
    allow_downcast  True: lossy conversions are fine; False: never; None: only Python floats to a floatX scalar
    implicit        True: the caller cannot pass it, its value is the stored one
    """

    def __init__(
        self,
        variable: Variable,
        name: str | None = None,
        update: Variable | None = None,
        mutable: bool | None = None,
        strict: bool = False,
        allow_downcast: bool | None = None,
        autoname: bool = True,
        implicit: bool = False,
    ) -> None:
        if not isinstance(variable, Variable):
            raise TypeError(f"An input of a function must be a symbolic variable, got {variable!r}")
        if isinstance(variable, Constant):
            raise TypeError(f"A constant cannot be an input of a function: {variable}. Leave it out of the inputs.")
        self.variable = variable
        self.name = variable.name if name is None and autoname else name
        if self.name is not None and not isinstance(self.name, str):
            raise TypeError(f"The name of an input must be text, got {self.name!r}")
        if update is not None:
            update = new_value_for(variable, update)
        self.update = update
        self.mutable = update is not None if mutable is None else mutable
        self.strict = strict
        self.allow_downcast = allow_downcast
        self.implicit = implicit

    def __str__(self) -> str:
        return f"In({self.variable} -> {self.update})" if self.update is not None else f"In({self.variable})"

    __repr__ = __str__


class In(SymbolicInput):
    """An input of a function, with a default value and more.

    value    default value; or a Container, which makes the input implicit. Other arguments: see SymbolicInput
    borrow   the function may keep or return the caller's array itself; True where `mutable` is
    shared   the value is that of a shared variable

    >>> import theano, theano.tensor as tt
    >>> x = tt.dscalar("x")
    >>> f = theano.function([theano.In(x, value=1.0, update=x + 1)], x * 1)
    >>> float(f()), float(f()), float(f(5.0)), float(f())
    (1.0, 2.0, 5.0, 6.0)
    """

    def __init__(
        self,
        variable: Variable,
        name: str | None = None,
        value: Any = None,
        update: Variable | None = None,
        mutable: bool | None = None,
        strict: bool = False,
        allow_downcast: bool | None = None,
        autoname: bool = True,
        implicit: bool | None = None,
        borrow: bool | None = None,
        shared: bool = False,
    ) -> None:
        if isinstance(value, SharedVariable):
            value = value.container
        if implicit is None:
            implicit = isinstance(value, Container)
        if borrow is None:
            borrow = bool(mutable)
        elif mutable and not borrow:
            raise ValueError(
                f"The input {variable} is mutable but borrow is False: a function that may overwrite the caller's "
                f"array uses that array. Leave out borrow=False or mutable=True."
            )
        super().__init__(variable, name, update, bool(mutable), strict, allow_downcast, autoname, implicit)
        self.value = value
        self.borrow = borrow
        self.shared = shared
        if implicit and value is None:
            raise TypeError(f"The implicit input {variable} has no value, and no caller can pass one. Give value=.")


class SymbolicOutput:
    """An output of a function; with `borrow` it may share memory with inputs and stored values."""

    def __init__(self, variable: Variable, borrow: bool = False) -> None:
        if not isinstance(variable, Variable):
            raise TypeError(f"An output of a function must be a symbolic variable, got {variable!r}")
        self.variable = variable
        self.borrow = borrow

    def __str__(self) -> str:
        return f"Out({self.variable}, borrow={self.borrow})"

    __repr__ = __str__


Out = SymbolicOutput


def new_value_for(variable: Variable, update: Any) -> Variable:
    """`update` as a variable that can be the next value of `variable`; TypeError otherwise.

    Which axes are known to have length one must agree too: a row is no new value for a matrix, as a later expression
    would silently broadcast.
    """
    kind = variable.type
    if not isinstance(update, Variable):
        return kind.filter_variable(update)
    if update.type == kind:
        return update
    agree = getattr(update.type, "broadcastable", None) == getattr(kind, "broadcastable", None)
    if agree or isinstance(update, Constant):
        try:
            return kind.filter_variable(update)
        except TypeError:
            pass
    line = f"\nThe update was built at {update.owner.origin}" if update.owner is not None else ""
    raise TypeError(
        f"An update must have the same type as the original shared variable (or input) {variable}: "
        f"{variable} is of type {kind}, its update {update} of type {update.type}. If they differ in broadcasting, "
        f"call tensor.unbroadcast(update, axis, ...); if in dtype, "
        f"update.astype({getattr(kind, 'dtype', '...')!r}).{line}"
    )


