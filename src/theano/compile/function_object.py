"""Function: the callable that `theano.function` returns.

The class of each function is its own subclass, whose `__call__` is the C function that the native backend made: calling
`f(1.5, 2.5)` then runs no Python at all. CPython gets to it without looking for it (`direct_calls.py`). The C function
hands anything unusual (keywords, missing arguments, lists, other dtypes) to `Function._call`, which converts the
values, or raises, and goes on to the native code.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from theano.compile.direct_calls import CODE, DirectCalls, call_directly
from theano.compile.io import In
from theano.compile.linking import Linked
from theano.compile.report import trimmed
from theano.graph.clone import clone_get_equiv
from theano.graph.fgraph import FunctionGraph
from theano.graph.node import Variable
from theano.graph.shared import Container, SharedVariable

if TYPE_CHECKING:
    from theano.compile.maker import FunctionMaker


_EXACT = 2**53  # ints up to this are exact as float64


class Slot:
    """An input of a function together with the container of its stored or default value."""

    __slots__ = ("container", "has_default", "implicit", "mutable", "name", "spec", "takes_numbers", "variable")

    def __init__(self, spec: Any, container: Container) -> None:
        self.spec = spec
        self.container = container
        self.variable: Variable = spec.variable
        self.name: str | None = spec.name
        self.implicit: bool = bool(spec.implicit)
        self.mutable: bool = bool(spec.mutable) and spec.update is None
        self.has_default = not self.implicit and container.storage[0] is not None
        kind = spec.variable.type
        plain = getattr(kind, "dtype", "") == "float64" and getattr(kind, "shape", None) == ()
        self.takes_numbers = plain and not spec.strict

    def filter(self, value: Any) -> Any:
        if self.takes_numbers and (type(value) is float or (type(value) is int and -_EXACT <= value <= _EXACT)):
            return np.array(value, dtype=np.float64)
        spec = self.spec
        if spec.strict:
            value = spec.variable.type.filter(value, strict=True)
        else:
            value = spec.variable.type.filter(value, strict=False, allow_downcast=spec.allow_downcast)
        if isinstance(value, np.ndarray) and not (value.flags.aligned and type(value) is np.ndarray):
            value = np.array(value)
        return value


class Function(DirectCalls):
    """A compiled function. Made by `theano.function`; see there for what its arguments mean.

    trust_input      True: arguments are neither checked nor converted
    value            the stored and default values of the inputs, by position, name or variable; also f[name]
    container        their containers
    maker            the FunctionMaker; `maker.fgraph` is the rewritten graph
    program          the Program that native code was made from, or None
    name             the label in profiles and errors
    """

    trust_input = False
    # set by FunctionMaker through `build`
    maker: FunctionMaker
    name: str | None
    profile: Any

    @classmethod
    def build(cls, linked: Linked, slots: Sequence[Slot], maker: FunctionMaker) -> Function:
        """A Function for a linked graph and its inputs; `FunctionMaker.create` calls it."""
        function = cls(
            linked,
            [slot.container for slot in slots],
            [],
            maker.indices,
            maker.outputs,
            [slot.container.storage[0] if slot.has_default else None for slot in slots],
            maker.unpack_single,
            maker.return_none,
            maker.output_keys,
            maker,
            maker.name,
        )
        function._attach(slots)
        return function

    def __init__(
        self,
        fn: Linked,
        input_storage: list[Container],
        output_storage: list[Container],
        indices: Any,
        outputs: Sequence[Any],
        defaults: list[Any],
        unpack_single: bool,
        return_none: bool,
        output_keys: list[str] | None,
        maker: Any,
        name: str | None = None,
    ) -> None:
        self.fn = fn
        self.input_storage = input_storage
        self.output_storage = output_storage
        self.indices = indices
        self.outputs = outputs
        self.defaults = defaults
        self.unpack_single = unpack_single
        self.return_none = return_none
        self.output_keys = output_keys
        self.maker = maker
        self.name = name
        self.profile = maker.profile

    # -- calling ------------------------------------------------------------------------------------------------

    def _attach(self, slots: Sequence[Slot]) -> None:
        self._slots = list(slots)
        self._explicit = [slot for slot in slots if not slot.implicit]
        self._by_name: dict[str, list[Slot]] = {}
        for slot in slots:
            if slot.name is not None:
                self._by_name.setdefault(slot.name, []).append(slot)
        self._mutable = [i for i, slot in enumerate(self._explicit) if slot.mutable]
        self._lent = self._lent_outputs()
        executable = self.fn.executable
        single = self.unpack_single and self.output_keys is None
        entry = executable.bind(self._call, self.fn.on_error, "single" if single else "list")
        self._run = executable.direct()
        if self._needs_python():
            entry = self._call
        members = {"__call__": staticmethod(entry), "__module__": type(self).__module__, "__doc__": type(self).__doc__}
        self.__class__ = type(type(self).__name__, (type(self),), members)
        if self.fn.program is not None and not self._needs_python() and call_directly(self):
            executable.answer(self, id(self) + CODE)

    def _needs_python(self) -> bool:
        """Must every call go through `_call`? For what the C entry does not look at."""
        return (
            self.output_keys is not None
            or self.profile is not None
            or bool(self._mutable)
            or bool(self._lent)
            or any(slot.spec.strict for slot in self._explicit)
        )

    def _lent_outputs(self) -> list[tuple[int, list[Any]]]:
        """(position, storage) of outputs that are stored values themselves: Out(shared, borrow=True). Backends copy
        these, because they cannot know who else overwrites them."""
        fgraph = self.maker.fgraph
        updated = set((fgraph.update_mapping or {}).values())
        stored = {
            v: slot.container.storage
            for position, (v, slot) in enumerate(zip(fgraph.inputs, self._slots))
            if slot.implicit and position not in updated
        }
        outputs = zip(fgraph.outputs, self.maker.outputs)
        return [(i, stored[v]) for i, (v, out) in enumerate(outputs) if out.borrow and v in stored]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function.

        args, kwargs    values of the inputs by position or by name; those with defaults may be left out
        output_subset   positions (or keys) of the outputs that are wanted; updates are always made
        """
        return self._call(*args, **kwargs)

    def _call(self, *args: Any, **kwargs: Any) -> Any:
        subset = kwargs.pop("output_subset", None)
        wanted = None if subset is None else self._positions(subset)
        trusted = self.trust_input and not kwargs and len(args) == len(self._explicit)
        try:
            values: Sequence[Any] = args if trusted else self._arguments(args, kwargs)
        except Exception as error:
            raise trimmed(error) from None
        if self._mutable:
            values = self._unaliased(values)
        start = time.perf_counter() if self.profile is not None else 0.0
        try:
            results = self._run(*values)
        except Exception as error:
            raise trimmed(error) from None
        if self.profile is not None:
            self.profile.count_call(time.perf_counter() - start)
        for position, storage in self._lent:
            if isinstance(results, list):
                results[position] = storage[0]
            else:
                results = storage[0]
        if wanted is None and self.output_keys is None:
            return results
        return self._packed(results, wanted)

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        explicit = self._explicit
        if len(args) > len(explicit):
            raise TypeError(
                f"Too many parameter passed to theano function {self._label()}: it takes {len(explicit)} "
                f"({', '.join(_title(slot) for slot in explicit)}), got {len(args)}."
            )
        given: list[Any] = list(args) + [_MISSING] * (len(explicit) - len(args))
        for name, value in kwargs.items():
            position = self._position(name)
            if given[position] is not _MISSING:
                raise TypeError(f"theano function {self._label()} got multiple values for the input {name!r}.")
            given[position] = value
        for position, (slot, value) in enumerate(zip(explicit, given)):
            if value is _MISSING or (value is None and slot.has_default):
                if not slot.has_default:
                    raise TypeError(
                        f"Missing required input: {_title(slot)} (index {position}) of theano function "
                        f"{self._label()}.{_made_at(slot)}"
                    )
                given[position] = slot.container.storage[0]
            elif not self.trust_input:
                try:
                    given[position] = slot.filter(value)
                except (TypeError, ValueError) as error:
                    raise type(error)(self._bad_input(position, slot, error)) from None
        return given

    def _position(self, name: str) -> int:
        slots = self._by_name.get(name, [])
        if len(slots) > 1:
            raise TypeError(
                f"Ambiguous name {name!r}: {len(slots)} inputs of theano function {self._label()} have it. "
                f"Pass them by position."
            )
        if slots and slots[0].implicit:
            raise TypeError(
                f"Tried to provide a value for the implicit input {name!r} of theano function {self._label()}; "
                f"set it with f[{name!r}] = value."
            )
        if not slots:
            named = [slot.name for slot in self._explicit if slot.name is not None]
            unnamed = len(self._explicit) - len(named)
            message = f"Unknown input or state: {name!r}. The function has {len(named)} named inputs"
            message += f" ({', '.join(map(str, named))})" if named else ""
            if unnamed:
                message += f", and {unnamed} unnamed ones, which cannot be passed by keyword"
            raise TypeError(f"{message}. It is theano function {self._label()}.")
        return self._explicit.index(slots[0])

    def _bad_input(self, position: int, slot: Slot, error: Exception) -> str:
        text = str(error)
        return (
            f"Bad input argument to theano function with name {self._label()} at index {position} (0-based).\n"
            f"{text}\nThe input is {_title(slot)} of type {slot.variable.type}.{_made_at(slot)}\n"
            f"Pass a value of that type, or declare the variable with another type."
        )

    def _unaliased(self, values: Sequence[Any]) -> list[Any]:
        """Arguments, with copies of those that the function may overwrite while another argument or a stored value lies
        in the same memory."""
        values = list(values)
        stored = [slot.container.storage[0] for slot in self._slots]
        for i in self._mutable:
            value = values[i]
            others = values[:i] + values[i + 1 :] + [s for s in stored if s is not value or s is None]
            shared = any(isinstance(o, np.ndarray) and np.may_share_memory(value, o) for o in others)
            if isinstance(value, np.ndarray) and shared:
                values[i] = value.copy()
        return values

    def _positions(self, subset: Sequence[Any]) -> list[int]:
        """The outputs that `output_subset` names, by position. Raises before anything is computed or updated."""
        keys = self.output_keys
        if isinstance(subset, (str, bytes)) or not isinstance(subset, Iterable):
            raise TypeError(f"output_subset must be a list of positions or keys of outputs, got {subset!r}")
        count = len(self.outputs)
        positions = []
        for item in subset:
            if keys is not None and isinstance(item, str):
                if item not in keys:
                    raise KeyError(f"output_subset: no output is called {item!r}; there are {', '.join(keys)}")
                positions.append(keys.index(item))
            elif not isinstance(item, (int, np.integer)):
                raise TypeError(f"output_subset: {item!r} is no position of an output")
            elif not -count <= item < count:
                raise IndexError(f"output_subset: {item} is out of range for {count} outputs")
            else:
                positions.append(int(item))
        return positions

    def _packed(self, results: Any, positions: Sequence[int] | None) -> Any:
        listed = [results] if self.unpack_single and self.output_keys is None else results
        keys = self.output_keys
        if positions is None:
            return dict(zip(keys or (), listed))
        if keys is not None:
            return {keys[i]: listed[i] for i in positions}
        return [listed[i] for i in positions]

    def _label(self) -> str:
        return f'"{self.name}"' if self.name else "(unnamed)"

    # -- stored values --------------------------------------------------------------------------------------------

    @property
    def value(self) -> _Values:
        """The stored values of the inputs, by position, name or variable; they can be assigned."""
        return _Values(self, False)

    @property
    def container(self) -> _Values:
        """The containers of the inputs' values, by position, name or variable."""
        return _Values(self, True)

    def __getitem__(self, item: Any) -> Any:
        return self.value[item]

    def __setitem__(self, item: Any, value: Any) -> None:
        self.value[item] = value

    def __contains__(self, item: Any) -> bool:
        return item in self.value

    def get_shared(self) -> list[SharedVariable]:
        """The shared variables that the function reads or writes."""
        return [slot.variable for slot in self._slots if isinstance(slot.variable, SharedVariable)]

    def free(self) -> None:
        """Give memory that calls have left behind for later ones back to the system. No call keeps any for itself: it
        lies in a pool, which functions share; see `config.pool_bytes` and `config.allow_gc`."""
        self.fn.free()

    def memory_plan(self, *args: Any, **kwargs: Any) -> Any:
        """What memory a call would take, without calling: its peak, and a table of all buffers.

        args, kwargs    for each input, as in a call, a value or a tuple: its shape. Where lengths hang on the numbers
                        in an argument (`T.zeros((n,))`), give the value
        Returns a MemoryPlan: `str()` is a table; `peak`, `results`, `temporaries`, `fresh`, `arguments` and `stored`
        are bytes, `buffers` lists what lives when and what reuses what, and `unknown` the ops whose results were not
        counted, because their shapes hang on values. ValueError if shapes do not fit, or on the reference backend,
        which makes no plan.

        >>> import theano, theano.tensor as T
        >>> x = T.matrix("x")
        >>> f = theano.function([x], T.dot(T.tanh(x), x.T).sum(axis=0))
        >>> plan = f.memory_plan((1000, 500))
        >>> plan.peak == 8 * (1000 * 500 + 1000 * 1000), plan.results
        (True, 8000)
        """
        from theano.compile.memory import function_memory

        return function_memory(self, args, kwargs)

    @property
    def program(self) -> Any:
        """The Program that runs (see docs/architecture.md); None on the reference backend."""
        return self.fn.program

    def explain(self) -> Any:
        """What the compiler did to make this function: see `theano.explain`."""
        from theano.compile.explanation import explain

        return explain(self)

    # -- copies ---------------------------------------------------------------------------------------------------

    def copy(
        self,
        share_memory: bool = False,
        swap: Any = None,
        delete_updates: bool = False,
        name: str | None = None,
        profile: Any = None,
    ) -> Function:
        """Another function with the same graph, which is not rewritten again.

        swap            {shared variable: another one of the same type, used in its place}
        delete_updates  True: the copy makes no updates
        share_memory    accepted; calls keep no memory that could be shared
        Default values are copied, so that the two functions do not change each other's.
        """
        swap = dict(swap or {})
        for old, new in swap.items():
            if not isinstance(new, SharedVariable):
                raise TypeError(f"swap must map shared variables to shared variables, got {new!r}")
            if old not in (slot.variable for slot in self._slots if isinstance(slot.variable, SharedVariable)):
                raise ValueError(f"swap: the function does not use the shared variable {old}")
            if old.type != new.type:
                raise ValueError(f"swap: {old} is of type {old.type}, {new} of type {new.type}; they must agree.")
        fgraph = self.maker.fgraph
        memo: dict[Any, Any] = {}
        specs, values = [], []
        for slot, symbol in zip(self._slots, fgraph.inputs, strict=True):
            new = swap.get(slot.variable)
            spec = _with(slot.spec, **({} if new is None else {"variable": new, "value": new.container}))
            memo[symbol] = symbol.clone() if new is None else new.clone()
            if new is not None:
                values.append(new.container)
            elif isinstance(slot.variable, SharedVariable) or isinstance(getattr(slot.spec, "value", None), Container):
                values.append(slot.container)
            else:
                values.append(slot.container.value)
            if delete_updates:
                spec.update = None
            specs.append(spec)
        outputs = fgraph.outputs[: len(self.maker.outputs)] if delete_updates else fgraph.outputs
        equivalents = clone_get_equiv([], outputs, copy_orphans=False, memo=memo)
        mapping = {} if delete_updates else dict(fgraph.update_mapping or {})
        copied = FunctionGraph(
            [memo[v] for v in fgraph.inputs], [equivalents[v] for v in outputs], clone=False, update_mapping=mapping
        )
        maker = self.maker.with_graph(copied, specs, name or self.name, profile)
        made = maker.create(values, trustme=True)
        made.trust_input = self.trust_input
        return made

    def __copy__(self) -> Function:
        return self.copy()

    def __reduce__(self) -> Any:
        return self.maker.reduce_function(self)

    def __repr__(self) -> str:
        return f"<theano function {self._label()}: {len(self._explicit)} inputs, {len(self.outputs)} outputs>"


class _Missing:
    def __repr__(self) -> str:
        return "<missing>"


_MISSING = _Missing()


class _Values:
    """Stored and default values of a function's inputs by position, name or variable; or their containers."""

    def __init__(self, function: Function, containers: bool) -> None:
        self._function = function
        self._containers = containers

    def _slot(self, item: Any) -> Slot:
        slots = self._function._slots
        if isinstance(item, int):
            return slots[item]
        if isinstance(item, str):
            found = self._function._by_name.get(item, [])
        else:
            found = [slot for slot in slots if slot.variable is item or slot.container is item]
        if not found:
            raise KeyError(f"Unknown input or state: {item!r}")
        if len(found) > 1:
            raise KeyError(f"Ambiguous name: {item!r}; {len(found)} inputs have it")
        return found[0]

    def __getitem__(self, item: Any) -> Any:
        container = self._slot(item).container
        return container if self._containers else container.value

    def __setitem__(self, item: Any, value: Any) -> None:
        slot = self._slot(item)
        slot.container.value = value

    def __contains__(self, item: Any) -> bool:
        try:
            self._slot(item)
        except (KeyError, IndexError):
            return False
        return True

    def __len__(self) -> int:
        return len(self._function._slots)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))


def _title(slot: Slot) -> str:
    return slot.name or str(slot.variable)


def _made_at(slot: Slot) -> str:
    return "" if slot.variable.origin is None else f"\nIt was made at {slot.variable.origin}"


def _with(spec: Any, **changes: Any) -> Any:
    made = In.__new__(In)
    made.__dict__.update({"value": None, "borrow": False, "shared": False, **spec.__dict__, **changes})
    return made
