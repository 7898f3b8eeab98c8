"""Op: the contract of an operation, for ours and for users' own.

An Op gives `make_node` (types), `perform` (meaning, with NumPy), `L_op` or `grad` (derivative) and `infer_shape`;
nothing else is needed for it to work everywhere. A native lowering is registered apart (`lowering/`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from theano._config import config
from theano.errors import MethodNotDefined
from theano.graph.node import Apply, Variable
from theano.graph.params import ParamsType
from theano.graph.type import Type


class Op:
    """Base of all operations.

    __props__       names of the attributes that distinguish instances: equality, hash and text follow from them
    itypes, otypes  types of inputs and outputs, in place of `make_node`
    default_output  which output `op(...)` returns when there are several; None: all of them
    view_map        {output: [input]}: outputs that share memory with an input
    destroy_map     {output: [input]}: inputs that `perform` overwrites
    is_lazy         the value of the first input tells which others are read: see `needed`
    is_cheap        one pass over the elements at most, or none: it may be done twice rather than its results be kept,
                    and in both branches of a conditional. Its inputs after the first, if it is not elementwise, are
                    positions and lengths
    is_total        it has a result for all values that its inputs can have, lengths that do not fit aside: it may be
                    computed where the graph as it is written would not come to it, as before a loop without steps
    params_type     a ParamsType: `perform` then has a fourth argument, what `get_params(node)` gives
    check_input and _f16_ok are the original's, and mean nothing: inputs are checked, and float16 works.
    """

    __props__: ClassVar[tuple[str, ...]]
    itypes: Sequence[Type]
    otypes: Sequence[Type]
    default_output: int | None = None
    view_map: dict[int, list[int]] = {}
    destroy_map: dict[int, list[int]] = {}
    is_lazy: bool = False
    is_cheap: bool = False
    is_total: bool = False
    params_type: Type | None = None
    check_input = True
    _f16_ok = True

    # of a graph with such ops in it, before it is rewritten: called once with the graph
    prepare: ClassVar[Callable[[Any], None] | None] = None

    # after a node has been made: (node, "strict" | "ignore" ...) -> None; `compile/test_values.py` sets it
    compute_test_values: ClassVar[Callable[[Apply], None] | None] = None

    def make_node(self, *inputs: Any) -> Apply:
        """The Apply node for these inputs; TypeError or ValueError for inputs that the op refuses."""
        if not hasattr(self, "itypes"):
            raise MethodNotDefined(f"{type(self).__name__} defines neither make_node nor itypes and otypes")
        if len(inputs) != len(self.itypes):
            raise ValueError(f"{self} takes {len(self.itypes)} inputs, got {len(inputs)}")
        converted = []
        for number, (value, kind) in enumerate(zip(inputs, self.itypes)):
            variable = value if isinstance(value, Variable) else kind.filter_variable(value)
            if variable.type != kind:
                try:
                    variable = kind.filter_variable(variable)
                except TypeError as error:
                    raise TypeError(
                        f"Input {number} of {self} must be of type {kind}, got {variable} of type {variable.type}"
                    ) from error
            converted.append(variable)
        return Apply(self, converted, [kind() for kind in self.otypes])

    def __call__(self, *inputs: Any, name: str | None = None, return_list: bool = False, **kwargs: Any) -> Any:
        """Apply the op: one variable, or a list of them when there are several outputs and no default."""
        node = self.make_node(*inputs, **kwargs)
        if name is not None:
            node.outputs[0 if self.default_output is None else self.default_output].name = name
        if config.compute_test_value != "off" and Op.compute_test_values is not None:
            Op.compute_test_values(node)
        if self.default_output is not None:
            result = node.outputs[self.default_output]
            return [result] if return_list else result
        if return_list or len(node.outputs) != 1:
            return list(node.outputs)
        return node.outputs[0]

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        """Compute: put output k into output_storage[k][0]. Inputs must not be changed unless `destroy_map` says so."""
        raise MethodNotDefined(f"{type(self).__name__}.perform")

    def needed(self, first: Any) -> Sequence[int]:
        """Of a lazy op: positions of the inputs that `perform` reads, given the value of the first. It gets None for
        the others."""
        raise MethodNotDefined(f"{type(self).__name__}.needed")

    def get_params(self, node: Apply) -> Any:
        """The parameters for `perform`, where the op has a `params_type`: its attributes of these names."""
        if isinstance(self.params_type, ParamsType):
            return self.params_type.get_params(self)
        raise MethodNotDefined(f"{type(self).__name__}.get_params")

    def make_thunk(
        self, node: Apply, storage_map: Mapping[Variable, list[Any]], compute_map: Mapping[Variable, list[bool]],
        no_recycling: Sequence[Variable], impl: str | None = None,
    ) -> Callable[[], Any]:  # fmt: skip
        """A function without arguments that runs the node on the one-element lists in `storage_map`.

        An op that defines this needs no `perform`: the thunk is how it is run, in every mode (`graph/running.py`).
        """
        return self.make_py_thunk(node, storage_map, compute_map, no_recycling)

    def make_py_thunk(
        self, node: Apply, storage_map: Mapping[Variable, list[Any]], compute_map: Mapping[Variable, list[bool]],
        no_recycling: Sequence[Variable], debug: bool = False,
    ) -> Callable[[], Any]:  # fmt: skip
        """A thunk that calls `perform`."""
        inputs = [storage_map[v] for v in node.inputs]
        outputs = [storage_map[v] for v in node.outputs]
        more = () if self.params_type is None else (node.run_params(),)
        perform: Any = self.perform

        def thunk() -> None:
            perform(node, [cell[0] for cell in inputs], outputs, *more)
            for v in node.outputs:
                compute_map[v][0] = True

        thunk.inputs, thunk.outputs, thunk.perform, thunk.lazy = inputs, outputs, perform, False  # type: ignore[attr-defined]
        return thunk

    def make_c_thunk(self, *arguments: Any, **named: Any) -> Any:
        """NotImplementedError: there is no C code."""
        raise NotImplementedError(f"{self} has no C code: native code is made by lowerings (docs/extending_ops.md)")

    def prepare_node(
        self, node: Apply, storage_map: Any = None, compute_map: Any = None, impl: str | None = None
    ) -> None:
        """Called by programs that run thunks themselves. Nothing to do."""

    def python_constant_folding(self, node: Apply) -> bool:
        """Accepted for the original's programs: constants are always folded through `perform`."""
        return True

    def grad(self, inputs: Sequence[Variable], output_gradients: Sequence[Variable]) -> Sequence[Variable]:
        """One symbolic term per input: the vector-Jacobian product. See `L_op`."""
        raise MethodNotDefined(f"{type(self).__name__}.grad")

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_gradients: Sequence[Variable]
    ) -> Sequence[Variable]:
        """`grad` that also sees the outputs. Terms for inputs: a variable of the input's shape and float dtype, or one
        of DisconnectedType (the output does not depend on it) or NullType (undefined).
        An output gradient may be of DisconnectedType when there are several outputs."""
        return self.grad(inputs, output_gradients)

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> Sequence[Variable | None]:
        """Forward derivative: Jacobian times `eval_points` (None: zero).

        Optional: it is derived from L_op otherwise."""
        raise MethodNotDefined(f"{type(self).__name__}.R_op")

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        """For every output a tuple of symbolic 0-d int64 variables (or ints), from those of the inputs.

        `input_shapes[k]` is such a tuple, or None for an input that is no tensor. Raises ShapeError if unknown."""
        raise MethodNotDefined(f"{type(self).__name__}.infer_shape")

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """[input][output]: does a change of this input's elements change this output's elements?"""
        return [[True] * len(node.outputs) for _ in node.inputs]

    def do_constant_folding(self, node: Apply) -> bool:
        """May the op be evaluated when it is compiled, if its inputs are constants?"""
        return True

    def _props(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__props__)

    def _props_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__props__}

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(self) is not type(other) or not hasattr(self, "__props__"):
            return NotImplemented
        return self._props() == other._props()  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        if not hasattr(self, "__props__"):
            return object.__hash__(self)
        return hash((type(self), self._props()))

    def __str__(self) -> str:
        name = getattr(self, "name", None) or type(self).__name__
        props = getattr(self, "__props__", ())
        if not props:
            return name
        return f"{name}{{{', '.join(f'{p}={getattr(self, p)!r}' for p in props)}}}"

    def __repr__(self) -> str:
        return str(self)
