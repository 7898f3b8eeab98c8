"""Variable, Constant and Apply: the symbolic graph.

A Variable is a typed symbolic value: either a leaf or output number `index` of the Apply node `owner`. An Apply node
is an op with its input and output variables. The graph says mathematics and nothing else.

Pickling and deep copying flatten the graph first (see `_Block`), so that chains of any length work.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from theano._config import config
from theano._provenance import Origin, here
from theano.graph.type import Type

if TYPE_CHECKING:
    from theano.graph.op import Op

_numbers = itertools.count()


class Tag:
    """A place for notes on a node, such as `variable.tag.test_value`."""

    def __repr__(self) -> str:
        return f"Tag({self.__dict__})"

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        if not config.pickle_test_value:
            state.pop("test_value", None)
        return state


class Node:
    """What Variable and Apply share: notes (`tag`) and the line of the user's program that made them (`origin`)."""

    _tag: Tag | None = None
    origin: Origin | None = None

    @property
    def tag(self) -> Tag:
        """A place for notes, such as `tag.test_value`; `tag.trace` is the stack that made it."""
        if self._tag is None:
            self._tag = Tag()
            if self.origin is not None:
                self._tag.trace = [self.origin.frames()[::-1]]  # type: ignore[attr-defined]
        return self._tag

    @tag.setter
    def tag(self, value: Tag) -> None:
        self._tag = value

    def get_parents(self) -> list[Any]:
        """What it is made of: the owner of a variable, the inputs of a node."""
        raise NotImplementedError


class Variable(Node):
    """A symbolic value.

    type    what values it may hold
    owner   the Apply node that computes it, or None
    index   which of the owner's outputs it is
    name    for printing and keyword arguments; names do not make variables equal
    """

    def __init__(
        self, type: Type, owner: Apply | None = None, index: int | None = None, name: str | None = None
    ) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(
                f"The name of a variable must be a string, got {name!r}. (A type takes a name, not a length.)"
            )
        self.type = type
        self.owner = owner
        self.index = index
        self.name = name
        self._number = next(_numbers)
        if owner is None:
            self.origin = here()
        if Variable._observers:
            for tell in list(Variable._observers):
                tell(self)

    _observers: ClassVar[list[Callable[[Variable], Any]]] = []

    @classmethod
    def append_construction_observer(cls, observer: Callable[[Variable], Any]) -> None:
        """Let `observer` be called with every variable that is made, in any thread."""
        Variable._observers.append(observer)

    @classmethod
    def remove_construction_observer(cls, observer: Callable[[Variable], Any]) -> None:
        """Let `observer` no longer be called. ValueError if it was not."""
        Variable._observers.remove(observer)

    @property
    def auto_name(self) -> str:
        """A name that no other variable of this process has."""
        return f"auto_{self._number}"

    def get_parents(self) -> list[Any]:
        return [] if self.owner is None else [self.owner]

    def clone(self) -> Variable:
        """A new variable of the same type and name, without an owner."""
        copy = self.__class__(self.type, None, None, self.name)
        copy._tag = self._tag
        copy.origin = self.origin
        return copy

    def __str__(self) -> str:
        if self.name is not None:
            return self.name
        if self.owner is not None:
            op = self.owner.op
            if self.index == op.default_output or len(self.owner.outputs) == 1:
                return f"{op}.out" if len(self.owner.outputs) > 1 else f"{op}.0"
            return f"{op}.{self.index}"
        return f"<{self.type}>"

    def __repr__(self) -> str:
        if config.print_test_value and hasattr(self._tag, "test_value"):
            return f"{self}\n{self._tag.test_value!r}"  # type: ignore[union-attr]
        return str(self)

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state.pop("owner", None)
        state.pop("index", None)
        state.pop("_number", None)
        state.pop("_eval_cache", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__dict__.setdefault("owner", None)
        self.__dict__.setdefault("index", None)
        self._number = next(_numbers)

    def __reduce_ex__(self, protocol: Any) -> Any:
        if self.owner is None:
            return _new, (type(self),), self.__getstate__()
        return _output_of, (self.owner, self.index)


class Constant(Variable):
    """A variable with a fixed value, `data`. It never has an owner."""

    def __init__(self, type: Type, data: Any, name: str | None = None) -> None:
        super().__init__(type, None, None, name)
        self.data = type.filter(data)

    @property
    def value(self) -> Any:
        """The same as `data`."""
        return self.data

    def signature(self) -> Any:
        """A hashable; constants with equal signatures are interchangeable."""
        try:
            hash(self.data)
        except TypeError:
            return (self.type, id(self.data))
        return (self.type, type(self.data), self.data)

    def merge_signature(self) -> Any:
        """What must be equal for two constants to be merged in a graph: the signature."""
        return self.signature()

    def equals(self, other: Any) -> bool:
        """Is `other` a constant with an equal value?"""
        return isinstance(other, Constant) and self.signature() == other.signature()

    def clone(self) -> Constant:
        """Constants are immutable: a clone is a new symbol for the same data."""
        copy = _new(type(self))
        copy.__dict__.update(self.__dict__)
        copy._number = next(_numbers)
        return copy

    def __str__(self) -> str:
        if self.name is not None:
            return self.name
        text = str(self.data)
        if len(text) > 20:
            text = text[:10].strip() + ".." + text[-10:].strip()
        return f"{type(self).__name__}{{{text}}}"


class _NoParams:
    """Stands for the parameters of an op that has none."""

    def __repr__(self) -> str:
        return "NoParams"

    def __reduce__(self) -> str:
        return "NoParams"


NoParams = _NoParams()


class Apply(Node):
    """An op applied to inputs.

    Raises TypeError if an input or output is no Variable.
    """

    def __init__(self, op: Op, inputs: Sequence[Variable], outputs: Sequence[Variable]) -> None:
        self.op = op
        self.inputs = list(inputs)
        self.outputs = list(outputs)
        for variable in self.inputs:
            if not isinstance(variable, Variable):
                raise TypeError(f"The inputs of {op} must be Variables; got {variable!r}")
        for index, variable in enumerate(self.outputs):
            if not isinstance(variable, Variable):
                raise TypeError(f"The outputs of {op} must be Variables; got {variable!r}")
            if variable.owner is None:
                variable.owner = self
                variable.index = index
            elif variable.owner is not self or variable.index != index:
                raise ValueError(f"Output {index} of {op} belongs to another node")
        self.origin = here()

    @property
    def nin(self) -> int:
        """The number of inputs."""
        return len(self.inputs)

    @property
    def nout(self) -> int:
        """The number of outputs."""
        return len(self.outputs)

    def default_output(self) -> Variable:
        """The output that `op(...)` returns; ValueError if there are several and none is the default."""
        number = self.op.default_output
        if number is None:
            if len(self.outputs) != 1:
                raise ValueError(f"{self.op} has {len(self.outputs)} outputs and none of them is the default")
            number = 0
        return self.outputs[number]

    @property
    def out(self) -> Variable:
        """The same as `default_output()`."""
        return self.default_output()

    def get_parents(self) -> list[Any]:
        return list(self.inputs)

    @property
    def params_type(self) -> Type | None:
        """The type of the parameters of the node's op."""
        return self.op.params_type

    def run_params(self) -> Any:
        """The parameters for `perform`; NoParams where the op has none."""
        kind = self.op.params_type
        return NoParams if kind is None else kind.filter(self.op.get_params(self))

    def clone(self) -> Apply:
        """The same op on the same inputs, with new outputs."""
        return self.clone_with_new_inputs(self.inputs, strict=True)

    def clone_with_new_inputs(self, inputs: Sequence[Variable], strict: bool = True) -> Apply:
        """The same op on other inputs.

        strict   True: inputs must have equal types (they are converted where the type allows); False: where types
                 differ the node is made again by `op.make_node`.
        """
        inputs = list(inputs)
        remake = False
        for position, (new, old) in enumerate(zip(inputs, self.inputs, strict=True)):
            if new.type != old.type:
                if not strict:
                    remake = True
                elif not old.type.is_super(new.type):
                    inputs[position] = old.type.filter_variable(new)
        if remake:
            node = self.op.make_node(*inputs)
        else:
            node = _new(Apply)
            node.op = self.op
            node.inputs = inputs
            node.outputs = []
            for index, old in enumerate(self.outputs):
                output = old.__class__(old.type, node, index, old.name)
                output._tag = old._tag
                node.outputs.append(output)
        node.origin = self.origin
        node._tag = self._tag
        return node

    def __str__(self) -> str:
        return f"{self.op}({', '.join(map(str, self.inputs))})"

    def __repr__(self) -> str:
        return str(self)

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state.pop("_thunk_runner", None)
        state["outputs"] = [(type(out), out.__getstate__()) for out in self.outputs]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        outputs = state.pop("outputs")
        made = self.__dict__.get("outputs") or _blank_outputs(self, [kind for kind, _ in outputs])
        self.__dict__.update(state)
        self.outputs = made
        for output, (_, output_state) in zip(made, outputs):
            output.__setstate__(output_state)

    def __reduce_ex__(self, protocol: Any) -> Any:
        if any(id(self) in block for block in _flattening.stack):
            return _new_node, ([type(out) for out in self.outputs],), self.__getstate__()
        return _last_of, (_Block([self]),)


def _new(kind: Any) -> Any:
    return kind.__new__(kind)


def _blank_outputs(node: Apply, kinds: Sequence[type]) -> list[Variable]:
    outputs = []
    for index, kind in enumerate(kinds):
        output = _new(kind)
        output.owner = node
        output.index = index
        outputs.append(output)
    return outputs


def _new_node(kinds: Sequence[type]) -> Apply:
    """A node with outputs that are yet to be filled: its own state may refer to them, as a default update does."""
    node = _new(Apply)
    node.outputs = _blank_outputs(node, kinds)
    return node


def _output_of(owner: Apply, index: int) -> Variable:
    return owner.outputs[index]


class _Flattening(threading.local):
    def __init__(self) -> None:
        self.stack: list[set[int]] = []


_flattening = _Flattening()


class _Block(list):
    """All ancestors of some nodes in topological order: what is written in place of one deep node.

    The list items are produced while the pickler consumes them; while it does, the nodes of the block write
    themselves flat, because their inputs are already in the pickler's memo.
    """

    def __init__(self, nodes: Sequence[Apply] = ()) -> None:
        super().__init__()
        self._nodes = list(nodes)

    def _items(self) -> Iterator[Apply | None]:
        nodes = ancestors_of_nodes(self._nodes)
        block = {id(node) for node in nodes}
        _flattening.stack.append(block)
        try:
            yield from nodes
            yield None  # the pickler reads one item ahead: the block must still be known when the last node is written
        finally:
            _flattening.stack.remove(block)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _Block, (), None, self._items()


def _last_of(block: _Block) -> Apply:
    return block[-2]


def ancestors_of_nodes(nodes: Sequence[Apply]) -> list[Apply]:
    """`nodes` and all their ancestors, every node after the nodes that it needs, iteratively."""
    order: list[Apply] = []
    done: set[int] = set()
    stack: list[tuple[Apply, bool]] = [(node, False) for node in reversed(nodes)]
    while stack:
        node, expanded = stack.pop()
        if id(node) in done:
            continue
        if expanded:
            done.add(id(node))
            order.append(node)
            continue
        stack.append((node, True))
        for variable in reversed(node.inputs):
            owner = variable.owner
            if owner is not None and id(owner) not in done:
                stack.append((owner, False))
    return order


Type.Variable = Variable
Type.Constant = Constant
