"""Containers of run-time values, shared variables, and `shared()`, which chooses the kind of variable for a value.

A shared variable has a value of its own, which lives between calls of the functions that use it. Its value is a
one-element list inside a Container; compiled functions read and replace the element of that list. The constructors
for tensors register themselves in `tensor/sharedvar.py`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NoReturn

from theano.graph.node import Node, Variable
from theano.graph.type import Type, generic


class Container:
    """Holds the run-time value of a variable; what is assigned is filtered by the variable's type.

    r               the variable, or its type
    storage         a one-element list: where the value is
    readonly        True: assignment raises
    strict          True: only values that need no conversion are accepted
    allow_downcast  True: lossy conversions are accepted
    """

    def __init__(
        self,
        r: Variable | Type,
        storage: list[Any],
        readonly: bool = False,
        strict: bool = False,
        allow_downcast: bool | None = None,
        name: str | None = None,
    ) -> None:
        if not isinstance(storage, list) or len(storage) < 1:
            raise TypeError(f"storage must be a list of one element, got {storage!r}")
        self.type: Type = r if isinstance(r, Type) else r.type
        self.name = getattr(r, "name", None) if name is None else name
        self.storage = storage
        self.readonly = readonly
        self.strict = strict
        self.allow_downcast = allow_downcast

    @property
    def value(self) -> Any:
        """What is held, or None."""
        return self.storage[0]

    @value.setter
    def value(self, value: Any) -> None:
        if self.readonly:
            raise AttributeError(f"Cannot set the value of the read-only container of {self.name or self.type}")
        try:
            self.storage[0] = self.filter(value)
        except (TypeError, ValueError) as error:
            raise type(error)(f"Cannot set the value of {self.name or self.type}: {error}") from None

    data = value

    def filter(self, value: Any) -> Any:
        """`value` as this container would hold it."""
        if value is None:
            return None
        if self.strict:
            return self.type.filter(value, strict=True)
        return self.type.filter(value, strict=False, allow_downcast=self.allow_downcast)

    def __str__(self) -> str:
        return f"<{self.value!r}>"

    def __repr__(self) -> str:
        return f"<{self.name or self.type}: {self.value!r}>"

    def __deepcopy__(self, memo: dict[int, Any]) -> Container:
        storage = memo.get(id(self.storage))
        if storage is None:
            storage = memo[id(self.storage)] = [copy.deepcopy(self.storage[0], memo)]
        made = type(self)(self.type, storage, self.readonly, self.strict, self.allow_downcast, self.name)
        memo[id(self)] = made
        return made


class SharedVariable(Variable):
    """A variable with a value of its own, shared by all functions that use it.

    name, type           as for any variable
    value                the first value; None when `container` is given
    strict               True: only values that need no conversion are accepted
    allow_downcast       True: lossy conversions of values are accepted; None: only Python floats to a floatX scalar
    container            the container of another shared variable: both then share one value

    `default_update`, an optional attribute, is an expression that becomes the new value after each call of every
    function that uses this variable, unless the function gives another update or switches it off.
    """

    container: Container

    def __init__(
        self,
        name: str | None,
        type: Type,
        value: Any,
        strict: bool | None,
        allow_downcast: bool | None = None,
        container: Container | None = None,
    ) -> None:
        super().__init__(type, None, None, name)
        if container is not None:
            if value is not None or strict is not None or allow_downcast is not None:
                raise TypeError("A shared variable takes either a container, or a value with strict and allow_downcast")
            self.container = container
        else:
            self.container = Container(self, [None], False, bool(strict), allow_downcast, name)
            self.container.storage[0] = self.container.filter(value)

    def get_value(self, borrow: bool = False, return_internal_type: bool = False) -> Any:
        """The value: a copy, or with `borrow` the stored object itself; who changes that changes the value."""
        value = self.container.value
        return value if borrow else copy.deepcopy(value)

    def set_value(self, new_value: Any, borrow: bool = False) -> None:
        """Replace the value by a copy of `new_value`, or with `borrow` by the object itself."""
        self.container.value = new_value if borrow else copy.deepcopy(new_value)

    def zero(self, borrow: bool = False) -> None:
        """Set the value to zero; with `borrow` the stored array itself is overwritten."""
        if borrow:
            self.container.value[...] = 0
        else:
            self.container.value = 0 * self.container.value

    def clone(self) -> SharedVariable:
        """A new variable that shares its value with this one."""
        made = type(self)(self.name, self.type, None, None, container=self.container)
        made._tag = copy.copy(self._tag)
        made.origin = self.origin
        return made

    @property
    def value(self) -> NoReturn:
        """Raises AttributeError, which names get_value and set_value."""
        raise AttributeError("A shared variable has no attribute `value`; use get_value() and set_value(...).")

    @value.setter
    def value(self, value: Any) -> NoReturn:
        raise AttributeError("A shared variable has no attribute `value`; use get_value() and set_value(...).")


def generic_constructor(
    value: Any, name: str | None = None, strict: bool = False, allow_downcast: bool | None = None
) -> SharedVariable:
    """A shared variable that holds any Python object."""
    return SharedVariable(name, generic, value, strict, allow_downcast)


def shared(
    value: Any, name: str | None = None, strict: bool = False, allow_downcast: bool | None = None, **kwargs: Any
) -> Any:
    """A shared variable with the first value `value`.

    The constructors in `shared.constructors` are tried, the newest first; each raises TypeError for a value that it
    does not take. Arrays and numbers become tensors; anything else, lists among them, a Generic.

    strict, allow_downcast   how later values are converted, see SharedVariable
    borrow                   (tensors) True: keep `value` itself and not a copy of it
    broadcastable, shape     (arrays) which axes always have length one; by default none
    Raises TypeError when no constructor takes the value and the keywords.

    >>> import numpy, theano
    >>> w = theano.shared(numpy.zeros(2), name="w")
    >>> w.type, w.get_value().tolist()
    (TensorType(float64, vector), [0.0, 0.0])
    """
    if isinstance(value, Node):
        raise TypeError(
            f"The value of a shared variable cannot be a symbolic expression ({value}). Give a number or an array; "
            f"to compute it from other variables, use updates=."
        )
    refused = []
    for constructor in reversed(shared.constructors):  # type: ignore[attr-defined]
        try:
            made = constructor(value, name=name, strict=strict, allow_downcast=allow_downcast, **kwargs)
        except TypeError as error:
            refused.append(f"{constructor.__name__}: {error}")
            continue
        return made
    keywords = "".join(f", {k}={v!r}" for k, v in kwargs.items())
    reasons = "\n  ".join(reason.splitlines()[0] for reason in refused)
    raise TypeError(
        f"No suitable SharedVariable constructor could be found for a value of type {type(value).__name__}{keywords}. "
        f"Are you sure all kwargs are supported? They said:\n  {reasons}"
    )


_constructors: list[Callable[..., Any]] = []
shared.constructors = _constructors  # type: ignore[attr-defined]


def shared_constructor(ctor: Callable[..., Any], remove: bool = False) -> Callable[..., Any]:
    """Let `shared` try `ctor` before all others (or, with `remove`, never again). Usable as a decorator."""
    if remove:
        _constructors.remove(ctor)
    else:
        _constructors.append(ctor)
    return ctor


shared_constructor(generic_constructor)
