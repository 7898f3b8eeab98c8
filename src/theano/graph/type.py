"""Type: what values a variable may hold, and how values and variables are converted to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from theano.graph import node as symbols


class Type:
    """Base of all types. Subclasses define `filter`, `__eq__` and `__hash__`.

    `Variable` and `Constant` are the classes of the symbols it makes (set in `graph/node.py` for the default).
    """

    Variable: type[symbols.Variable]
    Constant: type[symbols.Constant]

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:
        """`data` as a value of this type. Raises TypeError (or ValueError) if it cannot be one.

        strict           True: no conversion, `data` must already be right
        allow_downcast   True: lossy conversions are fine; None: only Python floats to a floatX scalar
        """
        raise NotImplementedError(f"{type(self).__name__}.filter")

    def filter_variable(self, other: Any, allow_convert: bool = True) -> symbols.Variable:
        """A variable equal to `other` and of this type, or TypeError."""
        from_value = getattr(other, "type", None) is None
        variable = self.make_constant(self.filter(other)) if from_value else other
        if variable.type == self:
            return variable
        converted = self.convert_variable(variable) if allow_convert else None
        if converted is None:
            raise TypeError(
                f"Cannot convert type {variable.type} of variable {variable} into {self}. "
                f"Convert it first (for a tensor: .astype, patternbroadcast or specify_shape)."
            )
        return converted

    def convert_variable(self, variable: symbols.Variable) -> symbols.Variable | None:
        """`variable` as this type where that is safe and cheap, else None."""
        return None

    def is_super(self, other: Type) -> bool:
        """Is every value of type `other` also a value of this type, without conversion?"""
        return self == other

    def is_valid_value(self, value: Any) -> bool:
        """Is `value` one of this type as it is, without conversion?"""
        try:
            self.filter(value, strict=True)
        except (TypeError, ValueError):
            return False
        return True

    def value_validity_msg(self, value: Any) -> str:
        """Why `value` is none of this type, in words."""
        try:
            self.filter(value, strict=True)
        except (TypeError, ValueError) as error:
            return str(error)
        return "value is valid"

    def make_variable(self, name: str | None = None) -> symbols.Variable:
        """A new variable of this type."""
        return self.Variable(self, name=name)

    def __call__(self, name: str | None = None) -> symbols.Variable:
        """A new variable of this type."""
        return self.make_variable(name)

    def make_constant(self, value: Any, name: str | None = None) -> symbols.Constant:
        """A constant of this type."""
        return self.Constant(self, value, name=name)

    def values_eq(self, a: Any, b: Any) -> bool:
        """Are two values of this type equal?"""
        return a == b

    def values_eq_approx(self, a: Any, b: Any) -> bool:
        """Are two values equal within the error that an optimised function may have?"""
        return self.values_eq(a, b)

    @staticmethod
    def may_share_memory(a: Any, b: Any) -> bool:
        """May two values share memory?"""
        return a is b


class SingletonType(Type):
    """A type without parameters: all instances are one."""

    _instance: SingletonType | None = None

    def __new__(cls) -> SingletonType:
        if cls.__dict__.get("_instance") is None:
            cls._instance = super().__new__(cls)
        assert cls._instance is not None
        return cls._instance

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    def __str__(self) -> str:
        return type(self).__name__

    __repr__ = __str__

    def __reduce__(self) -> Any:
        return type(self), ()


class Generic(SingletonType):
    """Any Python object, passed through as it is."""

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:
        return data

    def is_valid_value(self, value: Any) -> bool:
        return True


generic = Generic()


class NullType(Type):
    """The type of a gradient that does not exist; `why_null` says why."""

    def __init__(self, why_null: str = "(no explanation given)") -> None:
        self.why_null = why_null

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:
        raise ValueError(f"No value can be of NullType: {self.why_null}")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(NullType)

    def __str__(self) -> str:
        return "NullType"


null_type = NullType()


class DisconnectedType(SingletonType):
    """The type of a gradient term of which it is known that the cost does not depend on the variable at all."""

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:
        raise ValueError("No value can be of DisconnectedType: the cost is not a function of this variable")


disconnected_type = DisconnectedType()
