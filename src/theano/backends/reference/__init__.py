"""The reference backend: runs a rewritten graph node by node through `Op.perform`.

It is the meaning of every op and the oracle of the tests; it makes no attempt to be fast. Its Executable has the
interface of the native one (`backends/native`), so that `compile/` need not know which of them it holds.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from theano.graph.evaluate import evaluate
from theano.graph.fgraph import FunctionGraph
from theano.graph.node import Apply, Constant, Variable

OnError = Callable[[Apply, list[Any], Exception], None]
AfterNode = Callable[[Apply, list[Any], list[Any]], None]


class Executable:
    """A graph ready to run.

    fgraph      the graph; its inputs are the arguments and the storages
    storages    {input position: one-element list}: inputs whose value is read from the list at each call
    updates     {output position: one-element list}: outputs which, when all went well, become the list's element
    borrow      positions of outputs that may share memory with inputs
    on_node_error    called with (node, inputs, exception) when a node raises; raises a better error
    after_node       called with (node, inputs, outputs) after each node
    """

    def __init__(
        self,
        fgraph: FunctionGraph,
        storages: Mapping[int, list[Any]],
        updates: Mapping[int, list[Any]],
        borrow: frozenset[int] = frozenset(),
        on_node_error: OnError | None = None,
        after_node: AfterNode | None = None,
    ) -> None:
        self.fgraph = fgraph
        self.storages = dict(storages)
        self.updates = dict(updates)
        self.borrow = borrow
        self.on_node_error = on_node_error
        self.after_node = after_node
        self.order = fgraph.toposort()
        self.arguments = [v for i, v in enumerate(fgraph.inputs) if i not in self.storages]
        self.unpack = "list"

    def bind(self, slow: Callable[..., Any], on_error: Callable[..., Any] | None, unpack: str) -> Callable[..., Any]:
        """The callable that users call: always `slow`, which checks the arguments and calls `direct()`.

        unpack   "single": the one result is returned; "list": a list of results
        """
        self.unpack = unpack
        return slow

    def direct(self) -> Callable[..., Any]:
        """The callable that takes arguments of the right types, all of them, in order."""
        return self.run

    def run(self, *arguments: Any) -> Any:
        if len(arguments) != len(self.arguments):
            raise TypeError(f"expected {len(self.arguments)} arguments, got {len(arguments)}")
        values = dict(zip(self.arguments, arguments))
        inputs = self.fgraph.inputs
        for position, storage in self.storages.items():
            variable = inputs[position]
            try:
                values[variable] = variable.type.filter(storage[0], strict=True)
            except (TypeError, ValueError) as error:
                raise TypeError(
                    f"The stored value of {variable} does not fit its type: {error}\nSet it with set_value."
                ) from None
        outputs = self.compute(values)
        results, new_values = self._separate(outputs, list(values.values()))
        for storage, value in new_values:
            storage[0] = value
        return results[0] if self.unpack == "single" else results

    def compute(self, values: Mapping[Variable, Any]) -> list[Any]:
        """The values of the graph's outputs. Debugging modes override this."""
        return evaluate(
            self.fgraph.outputs, values, order=self.order, after=self.after_node, on_error=self.on_node_error
        )

    def _separate(self, outputs: Sequence[Any], inputs: list[Any]) -> tuple[list[Any], list[tuple[list[Any], Any]]]:
        """Results and updates that share memory neither with inputs or constants nor with each other."""
        taken = {id(value) for value in inputs}
        taken.update(id(v.data) for v in self.fgraph.outputs if isinstance(v, Constant))
        results = []
        new_values = []
        for position, value in enumerate(outputs):
            storage = self.updates.get(position)
            if storage is not None and value is storage[0]:
                continue  # unchanged
            if position not in self.borrow:
                if isinstance(value, np.ndarray):
                    if value.base is not None or id(value) in taken or not value.flags.writeable:
                        value = np.array(value, copy=True, order="K")
                elif id(value) in taken:
                    value = copy.deepcopy(value)
                taken.add(id(value))
            if storage is None:
                results.append(value)
            else:
                new_values.append((storage, value))
        return results, new_values
