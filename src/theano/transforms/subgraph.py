"""subgraph_grad: the gradient in pieces, each from some variables to others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from theano.graph.node import Variable
from theano.transforms.reverse import grad
from theano.transforms.terms import is_disconnected


def subgraph_grad(
    wrt: Sequence[Variable],
    end: Sequence[Variable],
    start: Mapping[Variable, Variable] | None = None,
    cost: Variable | None = None,
    details: bool = False,
) -> Any:
    """Gradients with respect to `wrt` and `end`, not going past `end`.

    wrt       list: what gradients are wanted for (parameters of this piece)
    end       list: where the sweep stops (inputs of this piece)
    start     {variable: gradient}, for example what an earlier call gave for its `end`
    cost      an added cost; with `start` its gradients are added to those that flow from `start`
    details   True: also the gradients by wrt from start alone and from the cost alone (None for what was not given)
    Returns (gradients by wrt, gradients by end), with details four lists.
    Raises ValueError if neither `start` nor `cost` is given.

    To chain pieces, give the gradients of `end` as the next piece's `start`.

    >>> from theano.tensor import dscalars
    >>> x, w1, w2 = dscalars("x", "w1", "w2")
    >>> hidden = x * w1
    >>> (by_w2,), (by_hidden,) = subgraph_grad([w2], end=[hidden], cost=hidden * w2)
    >>> (by_w1,), _ = subgraph_grad([w1], end=[x], start={hidden: by_hidden})
    >>> float(by_w1.eval({x: 2.0, w2: 3.0}))
    6.0
    """
    if start is None and cost is None:
        raise ValueError("subgraph_grad needs start or cost: without them there is no gradient to begin with")
    for name, items in (("wrt", wrt), ("end", end)):
        if not isinstance(items, (list, tuple)):
            raise TypeError(f"subgraph_grad: {name} must be a list, got {type(items).__name__}")
    if start is not None and not isinstance(start, Mapping):
        raise TypeError(f"subgraph_grad: start must be a dict {{variable: gradient}}, got {type(start).__name__}")
    params = list(dict.fromkeys([*wrt, *end]))

    def gradients(of: Variable | None, known: Mapping[Variable, Variable] | None) -> dict[Variable, Any]:
        found = grad(
            of, params, consider_constant=list(end), disconnected_inputs="ignore", known_grads=known,
            return_disconnected="zero",
        )
        return dict(zip(params, found))

    from_start = gradients(None, start) if start is not None else None
    from_cost = gradients(cost, None) if cost is not None else None
    total = {}
    for variable in params:
        terms = [part[variable] for part in (from_start, from_cost) if part is not None]
        total[variable] = terms[0] if len(terms) == 1 or is_disconnected(terms[1]) else terms[0] + terms[1]
    by_wrt, by_end = [total[v] for v in wrt], [total[v] for v in end]
    if not details:
        return by_wrt, by_end
    part_start = None if from_start is None else [from_start[v] for v in wrt]
    part_cost = None if from_cost is None else [from_cost[v] for v in wrt]
    return by_wrt, by_end, part_start, part_cost
