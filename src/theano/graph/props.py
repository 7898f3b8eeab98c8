"""object2: equality, hash and text from `__props__`, for users' own classes. Ops have this built in."""

from __future__ import annotations

from typing import Any, ClassVar


class object2:
    """Base of classes whose instances are told apart by the attributes that `__props__` names."""

    __props__: ClassVar[tuple[str, ...]]

    def _props(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__props__)

    def _props_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__props__}

    def __eq__(self, other: object) -> bool:
        if not hasattr(self, "__props__") or type(self) is not type(other):
            return NotImplemented if self is not other else True
        return self._props() == other._props()  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        if not hasattr(self, "__props__"):
            return object.__hash__(self)
        return hash((type(self), self._props()))

    def __str__(self) -> str:
        if not hasattr(self, "__props__"):
            return object.__repr__(self)
        props = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__props__)
        return f"{type(self).__name__}{{{props}}}"
