"""OpFromGraph: a graph as one Op, with derivatives that can be replaced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from theano.compile.function import function
from theano.compile.io import In, Out
from theano.graph.clone import clone_get_equiv, clone_replace
from theano.graph.fgraph import FunctionGraph
from theano.graph.node import Apply, Variable
from theano.graph.op import Op
from theano.graph.shared import SharedVariable
from theano.graph.traverse import graph_inputs
from theano.graph.type import DisconnectedType, NullType, disconnected_type
from theano.transforms.forward import Rop
from theano.transforms.reverse import grad

ops_with_inner_function: dict[type[Op], str] = {}
"""Op class -> name of the attribute that holds its inner function."""


class OpFromGraph(Op):
    """The graph from `inputs` to `outputs` as one op, which can be applied to other inputs.

    inline                 True: the op is replaced by its graph when a function is compiled
    lop_overrides          replaces L_op: "default"; a callable (inputs, outputs, output gradients) -> list; an
                           OpFromGraph with such inputs; or a list with one of these per input, where a variable of
                           NullType or DisconnectedType is also possible and a callable returns one term
    grad_overrides         the same without the outputs
    rop_overrides          replaces R_op: callables take (inputs, evaluation points)
    connection_pattern     [input][output] booleans, or a callable of the node; found from the graph by default
    name                   shown when the op is printed
    Shared variables inside become further inputs by themselves. Inner default updates are not made.

    >>> import theano, theano.tensor as tt
    >>> x, y = tt.dscalars("x", "y")
    >>> op = theano.OpFromGraph([x, y], [x * y + 1])
    >>> a, b = tt.dscalars("a", "b")
    >>> float(theano.function([a, b], op(a, b) * 2)(3.0, 4.0))
    26.0
    """

    def __init__(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        inline: bool = False,
        lop_overrides: Any = "default",
        grad_overrides: Any = "default",
        rop_overrides: Any = "default",
        connection_pattern: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(outputs, (list, tuple)):
            raise TypeError(f"outputs must be a list, got {type(outputs).__name__}")
        for variable in (*inputs, *outputs):
            if not isinstance(variable, Variable):
                raise TypeError(f"Inputs and outputs must be Variables, got {variable!r}")
        twice = [variable for number, variable in enumerate(inputs) if variable in inputs[:number]]
        if twice:
            raise ValueError(f"Each input of OpFromGraph stands for one argument, but {twice[0]} is given twice")
        if "updates" in kwargs or "givens" in kwargs:
            raise TypeError("OpFromGraph does not take updates or givens; substitute with theano.clone first")
        self.is_inline = inline
        self.name = name
        self.kwargs = kwargs
        self._connection_pattern = connection_pattern
        self.shared_inputs: list[Any] = [
            v for v in graph_inputs(outputs) if isinstance(v, SharedVariable) and v not in set(inputs)
        ]
        stand_ins = [v.type(v.name) for v in self.shared_inputs]
        memo = dict(zip(self.shared_inputs, stand_ins))
        memo = clone_get_equiv(inputs, outputs, copy_orphans=False, memo=memo)
        self.local_inputs: list[Variable] = [memo[v] for v in inputs] + stand_ins
        self.local_outputs: list[Variable] = [memo[v] for v in outputs]
        self.fgraph = FunctionGraph(self.local_inputs, self.local_outputs, clone=True)  # refuses missing inputs
        self.itypes = [v.type for v in self.local_inputs]
        self.otypes = [v.type for v in self.local_outputs]
        if _is_default(grad_overrides):
            self.set_lop_overrides(lop_overrides)
        elif _is_default(lop_overrides):
            self.set_grad_overrides(grad_overrides)
        else:
            raise ValueError("Give lop_overrides or grad_overrides, not both")
        self.set_rop_overrides(rop_overrides)
        self._fn: Any = None

    # -- the contract of an op ------------------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return object.__hash__(self)

    def __str__(self) -> str:
        return f"{self.name or type(self).__name__}{{inline={self.is_inline}}}"

    def make_node(self, *inputs: Any) -> Apply:
        count = len(self.local_inputs) - len(self.shared_inputs)
        if len(inputs) == len(self.local_inputs):  # an existing node is made again
            given, shared = inputs[:count], list(inputs[count:])
        elif len(inputs) == count:
            given, shared = inputs, self.shared_inputs
        else:
            raise ValueError(f"{self} takes {count} inputs, got {len(inputs)}")
        converted = [kind.filter_variable(v) for kind, v in zip(self.itypes, given)]
        return Apply(self, converted + list(shared), [kind() for kind in self.otypes])

    @property
    def fn(self) -> Any:
        """The inner function, compiled when first needed."""
        if self._fn is None:
            inputs = [In(v, borrow=True) for v in self.local_inputs]
            outputs = [Out(v, borrow=True) for v in self.local_outputs]
            self._fn = function(inputs, outputs, on_unused_input="ignore", name=str(self), **self.kwargs)
        return self._fn

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        for cell, value in zip(output_storage, self.fn(*inputs)):
            cell[0] = value

    def expand(self, inputs: Sequence[Variable]) -> list[Variable]:
        """The outputs of the inner graph on other inputs."""
        return clone_replace(self.local_outputs, dict(zip(self.local_inputs, inputs)), strict=True)

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        if callable(self._connection_pattern):
            return self._connection_pattern(node)
        if self._connection_pattern is None:
            reached = [set(_connected_ancestors(out)) for out in self.local_outputs]
            self._connection_pattern = [[v in r for r in reached] for v in self.local_inputs]
        return self._connection_pattern

    # -- derivatives ------------------------------------------------------------------------------------------------

    def set_lop_overrides(self, lop_overrides: Any) -> None:
        """Replace L_op; see the class."""
        self._lop, self._lop_sees_outputs = lop_overrides, True

    def set_grad_overrides(self, grad_overrides: Any) -> None:
        """Replace L_op by rules that do not see the outputs; see the class."""
        self._lop, self._lop_sees_outputs = grad_overrides, False

    def set_rop_overrides(self, rop_overrides: Any) -> None:
        """Replace R_op; see the class."""
        self._rop = rop_overrides

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_gradients: Sequence[Variable]
    ) -> list[Variable]:
        arguments = (list(inputs), list(outputs), list(output_gradients))
        if not self._lop_sees_outputs:
            arguments = (list(inputs), list(output_gradients))  # type: ignore[assignment]
        count = len(self.local_inputs) - len(self.shared_inputs)
        rule = self._lop
        if _is_default(rule):
            return self._default_gradients(inputs, output_gradients)
        if isinstance(rule, (list, tuple)):
            if len(rule) not in (count, len(self.local_inputs)):
                raise ValueError(f"{self}: the list of overrides must have {count} elements, has {len(rule)}")
            rules = list(rule) + ["default"] * (len(self.local_inputs) - len(rule))
            defaults = self._default_gradients(inputs, output_gradients) if any(map(_is_default, rules)) else []
            return [
                defaults[i] if _is_default(one) else _apply_rule(one, arguments, single=True)
                for i, one in enumerate(rules)
            ]
        terms = list(_apply_rule(rule, arguments, single=False))
        if len(terms) == count:
            terms += self._default_gradients(inputs, output_gradients)[count:]
        return terms

    def _default_gradients(self, inputs: Sequence[Variable], output_gradients: Sequence[Variable]) -> list[Variable]:
        known: dict[Variable, Variable] = {}
        stands = dict(zip(self.local_inputs, inputs))
        for out, gradient in zip(self.local_outputs, output_gradients):
            if not isinstance(gradient.type, DisconnectedType):
                symbol = gradient.type()
                known[out] = known[out] + symbol if out in known else symbol  # type: ignore[operator]
                stands[symbol] = gradient
        if not known:
            return [disconnected_type() for _ in self.local_inputs]
        terms = grad(
            None,
            self.local_inputs,
            known_grads=known,
            disconnected_inputs="ignore",
            return_disconnected="Disconnected",
            null_gradients="return",
            add_names=False,
        )
        plain = [t for t in terms if not isinstance(t.type, (DisconnectedType, NullType))]
        replaced = iter(clone_replace(plain, stands, strict=True))
        return [t if isinstance(t.type, (DisconnectedType, NullType)) else next(replaced) for t in terms]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        rule = self._rop
        if isinstance(rule, (list, tuple)):
            if len(rule) != len(self.local_outputs):
                raise ValueError(f"{self}: rop_overrides must have {len(self.local_outputs)} elements, has {len(rule)}")
            defaults = self._default_rop(inputs, eval_points) if any(map(_is_default, rule)) else []
            arguments = (list(inputs), list(eval_points))
            return [
                defaults[i] if _is_default(one) else _apply_rule(one, arguments, single=True)
                for i, one in enumerate(rule)
            ]
        if _is_default(rule):
            return self._default_rop(inputs, eval_points)
        return list(_apply_rule(rule, (list(inputs), list(eval_points)), single=False))

    def _default_rop(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        symbols, stands, wrt = [], dict(zip(self.local_inputs, inputs)), []
        for variable, point in zip(self.local_inputs, eval_points):
            if point is not None:
                symbol = point.type()
                stands[symbol] = point
                symbols.append(symbol)
                wrt.append(variable)
        if not wrt:
            return [None] * len(self.local_outputs)
        terms = Rop(self.local_outputs, wrt, symbols, disconnected_outputs="ignore", return_disconnected="None")
        present = iter(clone_replace([t for t in terms if t is not None], stands, strict=True))
        return [None if t is None else next(present) for t in terms]

    def get_lop_op(self) -> OpFromGraph:
        """An OpFromGraph for the gradient: (inputs, outputs, output gradients) -> gradients by the inputs."""
        inputs = [v.type() for v in self.local_inputs]
        outputs = [v.type() for v in self.local_outputs]
        gradients = [v.type() for v in self.local_outputs]
        terms = self.L_op(inputs, outputs, gradients)
        return OpFromGraph([*inputs, *outputs, *gradients], terms, inline=self.is_inline, name=f"{self.name}_lop")

    def get_rop_op(self) -> OpFromGraph:
        """An OpFromGraph for the forward derivative: (inputs, evaluation points) -> derivatives of the outputs."""
        inputs = [v.type() for v in self.local_inputs]
        points = [v.type() for v in self.local_inputs]
        terms = self.R_op(inputs, points)
        return OpFromGraph([*inputs, *points], terms, inline=self.is_inline, name=f"{self.name}_rop")  # type: ignore[arg-type]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_fn": None}


ops_with_inner_function[OpFromGraph] = "fn"


def inline_ofg_expansion(node: Apply) -> list[Variable] | None:
    """The rewrite that puts the inner graph in the place of an OpFromGraph with inline=True."""
    if isinstance(node.op, OpFromGraph) and node.op.is_inline:
        return node.op.expand(node.inputs)
    return None


def _is_default(rule: Any) -> bool:
    return isinstance(rule, str) and rule == "default"


def _apply_rule(rule: Any, arguments: tuple[list[Any], ...], single: bool) -> Any:
    if rule is None:
        return disconnected_type()
    if isinstance(rule, Variable):
        if not isinstance(rule.type, (DisconnectedType, NullType)):
            raise ValueError(f"An override that is a variable must be of NullType or DisconnectedType, got {rule}")
        return rule
    if isinstance(rule, OpFromGraph):
        flat = [v for group in arguments for v in group]
        results = rule(*flat, return_list=True)
        return results[0] if single else results
    if callable(rule):
        return rule(*arguments)
    raise TypeError(f"A derivative override must be 'default', a callable, an OpFromGraph or a variable, got {rule!r}")


def _connected_ancestors(output: Variable) -> list[Variable]:
    """What `output` depends on through connected inputs of ops."""
    found, pending, seen = [], [output], set()
    while pending:
        variable = pending.pop()
        if variable in seen:
            continue
        seen.add(variable)
        found.append(variable)
        node = variable.owner
        if node is not None:
            pattern = node.op.connection_pattern(node)
            pending += [v for v, row in zip(node.inputs, pattern) if row[variable.index or 0]]
    return found

