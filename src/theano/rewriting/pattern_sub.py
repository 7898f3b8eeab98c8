"""PatternSub: in_pattern -> out_pattern, in the original's notation of nested tuples.

The pipeline's own rules use `pattern.py`, which is checked by sampling; this is for rewrites that users bring.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from theano.graph.node import Apply, Constant, Variable
from theano.rewriting.conform import conform
from theano.rewriting.custom import LocalOptimizer
from theano.rewriting.rule import Site
from theano.tensor.convert import as_tensor_variable
from theano.tensor.type import TensorType


class PatternSub(LocalOptimizer):
    """in_pattern -> out_pattern. A pattern is one of

    (op, *patterns)   the op applied to what the patterns describe
    "name"            any variable; where the name occurs again, the same variable
    a number          a constant of which every element is that number
    a Constant        that constant; any other Variable: that variable
    {"pattern": p, "constraint": (variable) -> bool}

    A replacement of another dtype is refused; in the place of a whole pattern a number is of the dtype that was there.

    allow_multiple_clients   also where inner results are used elsewhere (they are then computed twice)
    skip_identities_fn       (variable) -> a variable to match in its place, or None: ops to be looked through
    tracks, get_nodes        ops at which this is tried, and (node) -> the nodes to try it on when one of them is met;
                             by default the op of the pattern, and its nodes
    values_eq_approx         how a debugging mode compares the two sides: kept on the new variable's tag

    >>> import theano.tensor as tt
    >>> from theano.gof import FunctionGraph
    >>> from theano.gof.opt import PatternSub, in2out
    >>> x, y = tt.dvectors("x", "y")
    >>> fgraph = FunctionGraph([x, y], [tt.exp(x) * tt.exp(y)])
    >>> rule = PatternSub((tt.mul, (tt.exp, "a"), (tt.exp, "b")), (tt.exp, (tt.add, "a", "b")))
    >>> _ = in2out(rule).optimize(fgraph)
    >>> print([str(node.op) for node in fgraph.toposort()])
    ['Elemwise{add}', 'Elemwise{exp}']
    """

    def __init__(
        self, in_pattern: Any, out_pattern: Any, allow_multiple_clients: bool = False,
        skip_identities_fn: Callable[[Any], Any] | None = None, name: str | None = None, pdb: bool = False,
        tracks: Sequence[Any] = (), get_nodes: Callable[[Apply], Sequence[Apply]] | None = None,
        values_eq_approx: Any = None,
    ) -> None:  # fmt: skip
        if not isinstance(in_pattern, (tuple, list)) or not in_pattern:
            raise TypeError("The pattern to search for must start with a specific Op: (op, *arguments)")
        if bool(tracks) != (get_nodes is not None):
            raise ValueError("tracks and get_nodes are given together: at which ops, and which nodes are tried there")
        self.in_pattern, self.out_pattern = in_pattern, out_pattern
        self.allow_multiple_clients = allow_multiple_clients
        self.skip_identities_fn = skip_identities_fn
        self.values_eq_approx = values_eq_approx
        self.op = in_pattern[0]
        self._tracks, self.get_nodes = list(tracks), get_nodes
        self.name = name or f"{in_pattern} -> {out_pattern}"
        unknown = _names(out_pattern) - _names(in_pattern)
        if unknown:
            raise ValueError(f"{self.name}: the pattern to search for does not say what {sorted(unknown)} is")

    def tracks(self) -> Sequence[Any]:
        return self._tracks or [self.op]

    def nodes_to_try(self, node: Apply) -> Sequence[Apply]:
        return [node] if self.get_nodes is None else list(self.get_nodes(node))

    def transform(self, node: Apply) -> Any:
        return self._rewritten(node, None)

    def at(self, node: Apply, site: Site) -> Any:
        return self._rewritten(node, site)

    def _rewritten(self, node: Apply, site: Site | None) -> Any:
        if node.op != self.op or len(node.outputs) != 1:
            return False
        bound = self._match(self.in_pattern, node.outputs[0], {}, site, True)
        if bound is None:
            return False
        old: Any = node.outputs[0]
        result = self._build(self.out_pattern, bound)
        if isinstance(self.out_pattern, (int, float, complex)):
            result = as_tensor_variable(np.asarray(self.out_pattern, old.type.dtype))
        if isinstance(old.type, TensorType) and isinstance(result.type, TensorType):
            if result.type.dtype != old.type.dtype:
                return False
            result = conform(result, old)
        if result is None or (result.type != old.type and not old.type.is_super(result.type)):
            return False
        if self.values_eq_approx is not None:
            result.tag.values_eq_approx = self.values_eq_approx
        return [result]

    def _match(self, pattern: Any, v: Any, bound: dict[str, Any], site: Site | None, root: bool) -> Any:
        """`bound` with what the names of `pattern` stand for if it describes `v`, else None."""
        if isinstance(pattern, dict):
            constraint = pattern.get("constraint")
            if constraint is not None and not constraint(v):
                return None
            return self._match(pattern["pattern"], v, bound, site, root)
        if isinstance(pattern, (tuple, list)):
            return self._match_op(pattern, v, bound, site, root)
        if isinstance(pattern, str):
            known = bound.get(pattern)
            if known is None:
                return {**bound, pattern: v}
            return bound if known is v or (isinstance(v, Constant) and v.equals(known)) else None
        if isinstance(pattern, Constant):
            return bound if isinstance(v, Constant) and v.equals(pattern) else None
        if isinstance(pattern, Variable):
            return bound if v is pattern else None
        value = Site.number(v)
        return bound if value is not None and value == pattern else None

    def _match_op(self, pattern: Any, v: Any, bound: dict[str, Any], site: Site | None, root: bool) -> Any:
        if not root and not self.allow_multiple_clients and site is not None and site.uses(v) > 1:
            return None
        node = v.owner
        if node is None or node.op != pattern[0] or len(node.inputs) != len(pattern) - 1:
            other = self.skip_identities_fn(v) if self.skip_identities_fn is not None and not root else None
            return None if other is None else self._match_op(pattern, other, bound, site, root)
        for part, x in zip(pattern[1:], node.inputs):
            found = self._match(part, x, bound, site, False)
            if found is None:
                return None
            bound = found
        return bound

    def _build(self, pattern: Any, bound: dict[str, Any]) -> Any:
        if isinstance(pattern, dict):
            return self._build(pattern["pattern"], bound)
        if isinstance(pattern, (tuple, list)):
            return pattern[0](*[self._build(part, bound) for part in pattern[1:]])
        if isinstance(pattern, str):
            return bound[pattern]
        return pattern if isinstance(pattern, Variable) else as_tensor_variable(pattern)

    def __str__(self) -> str:
        return self.name or ""


def _names(pattern: Any) -> set[str]:
    if isinstance(pattern, dict):
        return _names(pattern["pattern"])
    if isinstance(pattern, (tuple, list)):
        return {name for part in pattern[1:] for name in _names(part)}
    return {pattern} if isinstance(pattern, str) else set()


__all__ = ["PatternSub"]
