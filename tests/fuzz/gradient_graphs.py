"""Gradients of random graphs: what differentiation makes, and rules are for, more than for what people write."""

from __future__ import annotations

import numpy as np
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
    return Graph(graph.inputs, graph.values, outputs, expected, [False] * len(outputs), stabilised=True)
