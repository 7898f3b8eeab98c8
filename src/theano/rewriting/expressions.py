"""Rewrites of expressions that are in no FunctionGraph: while a graph is being built.

And small questions about expressions that users' rewrites ask (`check_chain`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from theano.graph.clone import clone_replace
from theano.graph.node import Apply, Constant, Variable
from theano.graph.op import Op
from theano.graph.traverse import ancestors, toposort
from theano.rewriting.custom import is_wanted

DEEPEST = 8  # how often what a rewrite made is rewritten again


def pre_greedy_local_optimizer(list_optimizations: Sequence[Any], out: Variable) -> Variable:
    """The expression `out` with local optimizers applied to its nodes, from its inputs on.

    At each node the first optimizer that has something to say wins, and what it made is treated in the same way. The
    expression itself is not changed: what stays as it is is used, not copied.

    >>> import theano.tensor as tt
    >>> from theano.gof.opt import PatternSub, pre_greedy_local_optimizer
    >>> x = tt.dvector("x")
    >>> twice = PatternSub((tt.neg, (tt.neg, "x")), "x")
    >>> pre_greedy_local_optimizer([twice], tt.exp(-(-x))).owner.inputs
    [x]
    """
    return _rewritten([out], list_optimizations, {}, 0)[0]


def _rewritten(
    outputs: Sequence[Variable], opts: Sequence[Any], known: Mapping[Variable, Variable], depth: int
) -> list[Variable]:
    """`outputs` rewritten down to the variables in `known`, for which their values stand."""
    stands = dict(known)
    for node in toposort(outputs, known.keys()):
        inputs = [stands.get(v, v) for v in node.inputs]
        here = node
        if any(a is not b for a, b in zip(inputs, node.inputs)):
            here = node.clone_with_new_inputs(inputs, strict=False)
        found = _asked(here, opts) if depth < DEEPEST else None
        if found is not None:
            below = {v: v for v in ancestors(here.inputs)}
            results = _rewritten(found, opts, below, depth + 1)
        else:
            results = here.outputs
        stands.update((a, b) for a, b in zip(node.outputs, results) if a is not b)
    return [stands.get(v, v) for v in outputs]


def _asked(node: Apply, opts: Sequence[Any]) -> list[Variable] | None:
    """What the first optimizer that has something to say puts in the place of the node's outputs."""
    for opt in opts:
        found = opt.transform(node) if is_wanted(opt, node) else None
        if found is None or found is False:
            continue
        if isinstance(found, Mapping):
            found = [found.get(v, v) for v in node.outputs]
        if any(new is not old for new, old in zip(found, node.outputs, strict=True)):
            return list(found)
    return None


def pre_constant_merge(vars: Sequence[Variable]) -> list[Variable]:
    """The expressions with one Constant in the place of several that are equal. They themselves are not changed."""
    first: dict[Any, Constant] = {}
    twins: dict[Variable, Variable] = {}
    for v in ancestors(vars):
        if isinstance(v, Constant):
            one = first.setdefault((v.type, v.merge_signature()), v)
            if one is not v:
                twins[v] = one
    return list(clone_replace(list(vars), twins)) if twins else list(vars)


def check_chain(r: Any, *chain: Any) -> bool:
    """Is `r` (a variable or a node) made by the first of `chain`, its first input by the second, and so on?

    An element of `chain` is an op, an op class, or None: no op at all.

    >>> import theano.tensor as tt
    >>> from theano.gof.opt import check_chain
    >>> x = tt.dvector("x")
    >>> check_chain(tt.exp(-x), tt.exp, tt.neg, None), check_chain(tt.exp(x), tt.exp, tt.neg)
    (True, False)
    """
    variable: Any = r.outputs[0] if isinstance(r, Apply) else r
    for what in chain:
        node = None if variable is None else variable.owner
        if what is None:
            if variable is None or node is not None:
                return False
            variable = None
            continue
        kind = isinstance(what, type) and issubclass(what, Op)
        if node is None or not (isinstance(node.op, what) if kind else node.op == what):
            return False
        variable = node.inputs[0] if node.inputs else None
    return True


def merge_dict(d1: Mapping[Any, Any], d2: Mapping[Any, Any]) -> dict[Any, Any]:
    """A dict with the items of both; those of d2 win."""
    return {**d1, **d2}


__all__ = ["check_chain", "merge_dict", "pre_constant_merge", "pre_greedy_local_optimizer"]
