"""Parameters of ops as one value with named, typed fields; and named constants (enumerations).

An op with `params_type = ParamsType(...)` gets, as a fourth argument of `perform`, a `Params` with its attributes of
these names, filtered by the types. Here that is a matter of form: attributes of the op serve as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from theano.graph.type import Type


class EnumType(Type):
    """Named constants, of which one is the value: EnumType(RED=1, GREEN=2.5, BLUE=("blue", 3)).

    A constant is a number, or (alias, number). The names, in capitals, are attributes and items; a value may be given
    as the number, or (unless strict) as a name or an alias. `ctype` and `cname` are the original's, and mean nothing.
    """

    def __init__(self, ctype: str = "double", cname: str | None = None, **kwargs: Any) -> None:
        self.ctype = ctype
        self.cname = cname
        self._constants: dict[str, Any] = {}
        self.aliases: dict[str, str] = {}
        for name, value in kwargs.items():
            if not name.isidentifier() or name != name.upper():
                raise AttributeError(f"The name of a constant is an identifier in capitals, got {name!r}")
            alias = None
            if isinstance(value, (tuple, list)) and len(value) == 2:
                alias, value = value if isinstance(value[0], str) else value[::-1]
            if not isinstance(value, (bool, int, float, np.number, np.bool_)):
                raise TypeError(f"The constant {name} must be a number, or (alias, number), got {kwargs[name]!r}")
            if alias is not None:
                if not isinstance(alias, str) or alias in self.aliases:
                    raise TypeError(f"The alias of {name} must be a string of its own, got {alias!r}")
                self.aliases[alias] = name
            self._constants[name] = value
        if any(alias in self._constants for alias in self.aliases):
            raise TypeError("An alias must not be the name of a constant")

    # -- as a table -------------------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        constants = self.__dict__.get("_constants", {})
        if name in constants:
            return constants[name]
        raise AttributeError(f"{type(self).__name__} has no constant {name!r}; it has {', '.join(constants)}")

    def __getitem__(self, name: str) -> Any:
        return self._constants[name]

    def __contains__(self, name: object) -> bool:
        return name in self._constants

    def __iter__(self) -> Iterator[str]:
        return iter(self._constants)

    def __len__(self) -> int:
        return len(self._constants)

    def keys(self) -> Any:
        """The names of the constants."""
        return self._constants.keys()

    def values(self) -> Any:
        """The constants."""
        return self._constants.values()

    def items(self) -> Any:
        """(name, constant) for each."""
        return self._constants.items()

    def fromalias(self, alias: str) -> Any:
        """The constant that an alias stands for. KeyError if there is none."""
        return self._constants[self.aliases[alias]]

    def has_alias(self, alias: str) -> bool:
        """Does a constant have this alias?"""
        return alias in self.aliases

    def get_aliases(self) -> tuple[str, ...]:
        """All aliases."""
        return tuple(self.aliases)

    # -- as a type --------------------------------------------------------------------------------------------------

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:
        if isinstance(data, str) and not strict:
            if data in self.aliases:
                return self.fromalias(data)
            if data in self._constants:
                return self._constants[data]
        elif any(data is value or data == value for value in self._constants.values()):
            return data
        names = ", ".join(f"{n} = {v!r}" for n, v in self._constants.items())
        raise TypeError(f"{data!r} is none of the constants {names}")

    def values_eq(self, a: Any, b: Any) -> bool:
        return bool(a == b)

    def values_eq_approx(self, a: Any, b: Any) -> bool:
        return bool(np.allclose(float(a), float(b)))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, EnumType) and type(self) is type(other) and self.ctype == other.ctype
            and self._constants == other._constants and self.aliases == other.aliases
        )  # fmt: skip

    def __hash__(self) -> int:
        return hash((type(self), self.ctype, *sorted(self._constants)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{n}={v!r}' for n, v in self._constants.items())})"

    __str__ = __repr__


class EnumList(EnumType):
    """Constants numbered from 0 on: EnumList("FIRST", ("SECOND", "alias"), "THIRD")."""

    def __init__(self, *args: Any, ctype: str = "int", cname: str | None = None) -> None:
        constants: dict[str, Any] = {}
        for number, entry in enumerate(args):
            name, alias = entry if isinstance(entry, (tuple, list)) else (entry, None)
            if not isinstance(name, str) or name in constants:
                raise TypeError(f"A constant needs a name of its own, got {name!r}")
            constants[name] = number if alias is None else (alias, number)
        super().__init__(ctype, cname, **constants)


class Params(dict):
    """The value of a ParamsType: the fields are items and attributes. It does not change."""

    def __init__(self, params_type: ParamsType, **kwargs: Any) -> None:
        missing = [field for field in params_type.fields if field not in kwargs]
        unknown = [field for field in kwargs if field not in params_type.fields]
        if missing or unknown:
            raise TypeError(f"Params has the fields {', '.join(params_type.fields)}; missing are {missing}, unknown "
                            f"{unknown}")
        super().__init__(kwargs)
        object.__setattr__(self, "__params_type__", params_type)

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        raise AttributeError(f"Params has no field {name!r}; it has {', '.join(self)}")

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("Params does not change: make another by params_type.get_params(...)")

    def __setitem__(self, name: str, value: Any) -> None:
        raise TypeError("Params does not change: make another by params_type.get_params(...)")

    def __eq__(self, other: object) -> bool:
        kind = self.__dict__["__params_type__"]
        return isinstance(other, Params) and kind == other.__dict__["__params_type__"] and kind.values_eq(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:  # type: ignore[override]
        contents = [v.tobytes() if isinstance(v, np.ndarray) else v for _, v in sorted(self.items())]
        return hash((self.__dict__["__params_type__"], *contents))

    def __reduce__(self) -> Any:
        return _params, (self.__dict__["__params_type__"], dict(self))


def _params(kind: ParamsType, fields: dict[str, Any]) -> Params:
    return Params(kind, **fields)


class ParamsType(Type):
    """A value with named fields, each of a type: ParamsType(size=theano.scalar.int64, mode=EnumList("FAST", "SAFE")).

    The constants of enumerations among the types are attributes of this.
    """

    def __init__(self, **kwargs: Any) -> None:
        if not kwargs:
            raise TypeError("ParamsType needs at least one field")
        for name, kind in kwargs.items():
            if not isinstance(kind, Type):
                raise TypeError(f"The field {name} must have a Type, got {kind!r}")
        self.fields = tuple(sorted(kwargs))
        self.types = tuple(kwargs[field] for field in self.fields)
        self.length = len(self.fields)
        self._enums: dict[str, EnumType] = {}
        for kind in self.types:
            for constant in kind if isinstance(kind, EnumType) else ():
                if constant in self._enums or constant in self.fields:
                    raise AttributeError(f"The constant {constant} has two meanings in one ParamsType")
                self._enums[constant] = kind

    def __getattr__(self, name: str) -> Any:
        enums = self.__dict__.get("_enums", {})
        if name in enums:
            return enums[name][name]
        raise AttributeError(f"ParamsType has no attribute and no constant {name!r}")

    # -- fields -----------------------------------------------------------------------------------------------------

    def get_type(self, field_name: str) -> Type:
        """The type of a field. KeyError if there is none of that name."""
        if field_name not in self.fields:
            raise KeyError(field_name)
        return self.types[self.fields.index(field_name)]

    def has_type(self, theano_type: Type) -> bool:
        """Does a field have this type?"""
        return theano_type in self.types

    def get_field(self, theano_type: Type) -> str:
        """The first field of this type. ValueError if there is none."""
        return self.fields[self.types.index(theano_type)]

    def get_enum(self, key: str) -> Any:
        """The constant of this name. KeyError if there is none."""
        return self._enums[key][key]

    def enum_from_alias(self, alias: str) -> Any:
        """The constant that an alias stands for. KeyError if there is none."""
        for kind in self.types:
            if isinstance(kind, EnumType) and kind.has_alias(alias):
                return kind.fromalias(alias)
        raise KeyError(alias)

    def extended(self, **kwargs: Any) -> ParamsType:
        """This with more fields (and others in the place of those of equal names)."""
        return ParamsType(**{**dict(zip(self.fields, self.types)), **kwargs})

    def generate_struct_name(self) -> str:
        """A name that is the same for equal types."""
        return "_Params_" + "_".join(f"{f}_{abs(hash(t)):x}" for f, t in zip(self.fields, self.types))

    def get_params(self, *objects: Any, **kwargs: Any) -> Params:
        """A value, of keyword arguments and, for the other fields, attributes of the objects, the first that has one.

        TypeError if a field is found nowhere.
        """
        found = {}
        for field, kind in zip(self.fields, self.types):
            if field in kwargs:
                value = kwargs[field]
            else:
                source = next((o for o in objects if hasattr(o, field)), None)
                if source is None:
                    raise TypeError(f"There is no value for the field {field}: neither a keyword argument nor an "
                                    f"attribute of {objects}")
                value = getattr(source, field)
            found[field] = kind.filter(value, strict=False, allow_downcast=True)
        return Params(self, **found)

    # -- as a type --------------------------------------------------------------------------------------------------

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> Params:
        if strict and not isinstance(data, Params):
            raise TypeError(f"{self} holds Params, got {data!r}")
        if isinstance(data, Params) and data.__dict__["__params_type__"] == self and strict:
            return data
        lacking = [field for field in self.fields if not hasattr(data, field)]
        if lacking:
            raise TypeError(f"{data!r} has no attribute {lacking[0]!r}, which {self} needs")
        return Params(self, **{
            field: kind.filter(getattr(data, field), strict, allow_downcast)
            for field, kind in zip(self.fields, self.types)
        })

    def values_eq(self, a: Any, b: Any) -> bool:
        return all(t.values_eq(getattr(a, f), getattr(b, f)) for f, t in zip(self.fields, self.types))

    def values_eq_approx(self, a: Any, b: Any) -> bool:
        return all(t.values_eq_approx(getattr(a, f), getattr(b, f)) for f, t in zip(self.fields, self.types))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ParamsType) and self.fields == other.fields and self.types == other.types

    def __hash__(self) -> int:
        return hash((ParamsType, self.fields, self.types))

    def __str__(self) -> str:
        return f"ParamsType<{', '.join(f'{f}: {t}' for f, t in zip(self.fields, self.types))}>"

    __repr__ = __str__


__all__ = ["EnumList", "EnumType", "Params", "ParamsType"]
