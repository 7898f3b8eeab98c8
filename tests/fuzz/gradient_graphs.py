"""Gradients of random graphs: what differentiation makes, and rules are for, more than for what people write.

Those that nothing infinite takes part in: BLAS has its own opinion of 0 * inf.
"""

from __future__ import annotations

import numpy as np
from compare import finite_throughout
from fragments import varied_graph
from graphs import Graph

import theano
import theano.tensor as T
from theano.errors import DisconnectedInputError, NullTypeGradError
from theano.graph.evaluate import evaluate

FLOATS = ("float32", "float64")


def gradient_graph(seed: int) -> Graph:
    """The derivatives of a weighted sum of a seed's results by all its floats; its graph itself where it has none."""
    graph = varied_graph(seed)
    results = [out for out in graph.outputs if out.type.dtype in FLOATS]
    by = [x for x in graph.inputs if x.type.dtype in FLOATS]
    if not results or not by:
        return graph
    rng = np.random.default_rng(seed)
    cost = sum(T.sum(T.cast(out, "float64") * float(rng.integers(1, 4))) for out in results)
    try:
        slopes = theano.grad(cost, by, disconnected_inputs="ignore", return_disconnected="None")
    except (DisconnectedInputError, NullTypeGradError, NotImplementedError):
        return graph  # by the order of a Bessel function, for one
    outputs = [slope for slope in slopes if slope is not None]
    if not outputs:
        return graph
    with np.errstate(all="ignore"):
        expected = evaluate(outputs, dict(zip(graph.inputs, graph.values)))
        slopes_of = Graph(graph.inputs, graph.values, outputs, expected, [False] * len(outputs), stabilised=True)
        kept = [k for k, finite in enumerate(finite_throughout(slopes_of)) if finite]
    if not kept:
        return graph
    slopes_of.outputs = [outputs[k] for k in kept]
    slopes_of.expected = [expected[k] for k in kept]
    slopes_of.exact = [False] * len(kept)
    return slopes_of
