"""MonitorMode: call the user's functions before and after every node that runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from theano.compile.modes import Mode
from theano.compile.node_by_node import Thunk, WatchingLinker
from theano.graph.node import Apply
from theano.graph.text import debugprint

Hook = Callable[[int, Apply, Thunk], Any]


class MonitorMode(Mode):
    """A mode that lets users look at every node of the rewritten graph, run one by one through `perform`.

    pre_func, post_func   called as (i, node, fn) before and after each node; i is its position in the graph,
                          `fn.inputs[k][0]` and `fn.outputs[k][0]` are its values. What they put there is used.
    optimizer, linker     as for Mode; whatever the linker, the graph runs node by node

    >>> import theano, theano.tensor as tt
    >>> from theano.compile.monitormode import MonitorMode
    >>> x = tt.dscalar("x")
    >>> mode = MonitorMode(post_func=lambda i, node, fn: print(node.op, fn.outputs[0][0]))
    >>> result = theano.function([x], tt.exp(x), mode=mode)(0.0)
    Elemwise{exp} 1.0
    """

    def __init__(
        self, pre_func: Hook | None = None, post_func: Hook | None = None, optimizer: Any = "default",
        linker: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(linker, optimizer)
        self.pre_func = pre_func
        self.post_func = post_func
        self.linker = WatchingLinker(self.eval, "MonitorMode")

    def eval(self, i: int, node: Apply, fn: Thunk) -> None:
        """Run one node between the two functions."""
        if self.pre_func is not None:
            self.pre_func(i, node, fn)
        fn()
        if self.post_func is not None:
            self.post_func(i, node, fn)


def detect_nan(i: int, node: Apply, fn: Thunk) -> None:
    """For `post_func`: print each node that computes NaN, with its graph, its line, inputs and outputs."""
    for cell in fn.outputs:
        value = cell[0]
        if isinstance(value, np.ndarray) and value.dtype.kind in "fc" and np.isnan(value).any():
            print("*** NaN detected ***")
            debugprint(node)
            if node.origin is not None:
                print(f"Made at : {node.origin}")
            print(f"Inputs : {[cell[0] for cell in fn.inputs]}")
            print(f"Outputs: {[cell[0] for cell in fn.outputs]}")
            break
