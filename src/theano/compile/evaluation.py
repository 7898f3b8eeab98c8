"""`Variable.eval`: compile an expression on the spot and run it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from theano.compile.function import function
from theano.graph.node import Variable


def evaluate_variable(self: Variable, inputs_to_values: Mapping[Variable, Any] | None = None) -> Any:
    """The value of this expression.

    inputs_to_values   {variable: value} for the inputs that it depends on; shared variables need none
    The function is kept, so that a second call with the same inputs compiles nothing. Raises MissingInputError when a
    value is missing, and UnusedInputError for a variable on which the expression does not depend.

    >>> import theano.tensor as tt
    >>> x = tt.dscalar("x")
    >>> float((x * 2).eval({x: 3.0}))
    6.0
    """
    given = dict(inputs_to_values or {})
    for key in given:
        if not isinstance(key, Variable):
            raise TypeError(f"The keys of eval's dictionary must be symbolic variables, got {key!r}.")
    inputs = tuple(sorted(given, key=lambda v: v._number))
    cache = self.__dict__.setdefault("_eval_cache", {})
    compiled = cache.get(inputs)
    if compiled is None:
        compiled = cache[inputs] = function(list(inputs), self)
    return compiled(*(given[v] for v in inputs))


Variable.eval = evaluate_variable  # type: ignore[attr-defined]
