"""Numerical stabilisation of elementwise expressions: forms that keep their digits where the written ones lose them.

The rules by family are in `logarithms.py`, `exponentials.py`, `special_functions.py` and `roots.py`; what follows from
the facts that the ops state (odd, even, inverse of one another), and what is done around switches, is here. Softmax,
log-sum-exp and cross-entropy are in `softmax.py`.
"""

from __future__ import annotations

from typing import Any

from theano.graph.node import Apply
from theano.rewriting.conform import conform, number_like
from theano.rewriting.known import number
from theano.rewriting.ranges import within
from theano.rewriting.rule import Rule, Site, function_rule, ruleset
from theano.rewriting.rules.domains import DOMAINS
from theano.rewriting.rules.exponentials import EXPONENTIALS
from theano.rewriting.rules.logarithms import LOGARITHMS
from theano.rewriting.rules.normal_intervals import NORMAL_INTERVALS
from theano.rewriting.rules.overflowing_squares import powers_over_sum_with_square
from theano.rewriting.rules.polynomials_of_sigmoids import polynomial_of_sigmoid
from theano.rewriting.rules.powers_of_sigmoids import POWERS_OF_SIGMOIDS
from theano.rewriting.rules.roots import ROOTS_AND_SIGNS
from theano.rewriting.rules.special_functions import SPECIAL_FUNCTIONS
from theano.rewriting.rules.useless import elementwise_node
from theano.scalar import facts
from theano.scalar.arithmetic import abs_, mul, neg
from theano.scalar.dtypes import float_dtypes
from theano.scalar.op import ScalarOp
from theano.scalar.selection import switch
from theano.tensor.elemwise import elemwise_of

ODD = tuple(r for r in ScalarOp.registry.values() if facts.odd in r.facts and r.nin == 1 and r is not neg)
EVEN = tuple(r for r in ScalarOp.registry.values() if facts.even in r.facts and r.nin == 1)
INVERTIBLE = {
    (r.name, fact.by): fact.on
    for r in ScalarOp.registry.values()
    for fact in r.facts
    if isinstance(fact, facts.Inverse) and r.nin == 1 and fact.by in ScalarOp.registry
}
UNDOING = tuple(dict.fromkeys(ScalarOp.registry[by] for _, by in INVERTIBLE))


@function_rule(*ODD, name="odd_of_negative", needs=[neg])
def odd_of_negative(node: Apply, site: Site) -> Any:
    """f(-x) -> -f(x) for odd f"""
    inner = elementwise_node(node.inputs[0], neg)
    dtypes = [v.type.dtype for v in (*node.inputs, *node.outputs)]  # type: ignore[attr-defined]
    if inner is None or any(dtype not in float_dtypes for dtype in dtypes):
        return None
    return [elemwise_of(neg)(node.op(inner.inputs[0]))]


@function_rule(*EVEN, name="even_of_negative", needs=[neg, abs_])
def even_of_negative(node: Apply, site: Site) -> Any:
    """f(-x) -> f(x), f(abs(x)) -> f(x) for even f"""
    inner = elementwise_node(node.inputs[0], neg, abs_)
    if inner is None or inner.inputs[0].type != node.inputs[0].type or \
            node.inputs[0].type.dtype not in float_dtypes:  # type: ignore[attr-defined]
        return None
    return [node.op(inner.inputs[0])]


@function_rule(*UNDOING, name="inverse_pair", assumes="rounding")
def inverse_pair(node: Apply, site: Site) -> Any:
    """f(g(x)) -> x where f undoes g and x is known to be in the domain"""
    (inner_value,), out = node.inputs, node.outputs[0]
    inner = inner_value.owner
    if inner is None or not hasattr(inner.op, "scalar_op") or len(inner.inputs) != 1:
        return None
    on = INVERTIBLE.get((inner.op.scalar_op.name, node.op.scalar_op.name))  # type: ignore[attr-defined]
    if on is None:
        return None
    source: Any = inner.inputs[0]
    if source.type.dtype != out.type.dtype or source.type.dtype not in float_dtypes:  # type: ignore[attr-defined]
        return None
    return [source] if within(source, on) else None


@function_rule(mul, name="factor_into_switch", assumes="finite signed_zero", needs=[switch])
def factor_into_switch(node: Apply, site: Site) -> Any:
    """a * switch(c, 0, b) -> switch(c, 0, a*b), a * switch(c, b, 0) -> switch(c, a*b, 0); NaN of a stays out of
    gradients"""
    out: Any = node.outputs[0]
    if out.type.dtype not in float_dtypes:
        return None
    for position, v in enumerate(node.inputs):
        inner = elementwise_node(v, switch)
        if inner is None or site.uses(v) > 1 or not site.may_pass(inner):
            continue
        condition, a, b = inner.inputs
        zero_first = number(a) == 0
        if not zero_first and number(b) != 0:
            continue
        others = [w for n, w in enumerate(node.inputs) if n != position]
        product = elemwise_of(mul)(*others, b if zero_first else a)
        zero = number_like(0, out.type.dtype)
        result = switch(condition, zero, product) if zero_first else switch(condition, product, zero)
        result = conform(site.passed(inner, result), out)
        if result is not None:
            return [result]
    return None


@function_rule(ScalarOp.registry["true_div"], name="switch_over_divisor", assumes="nonzero signed_zero", needs=[switch])
def switch_over_divisor(node: Apply, site: Site) -> Any:
    """switch(c, 0, b) / a -> switch(c, 0, b/a)"""
    v, divisor = node.inputs
    out: Any = node.outputs[0]
    inner = elementwise_node(v, switch)
    if inner is None or site.uses(v) > 1 or out.type.dtype not in float_dtypes or not site.may_pass(inner):
        return None
    condition, a, b = inner.inputs
    zero = number_like(0, out.type.dtype)
    if number(a) == 0:
        result = switch(condition, zero, node.op(b, divisor))
    elif number(b) == 0:
        result = switch(condition, node.op(a, divisor), zero)
    else:
        return None
    result = conform(site.passed(inner, result), out)
    return None if result is None else [result]


STABLE: tuple[Rule, ...] = ruleset(
    LOGARITHMS, POWERS_OF_SIGMOIDS, polynomial_of_sigmoid, EXPONENTIALS, SPECIAL_FUNCTIONS, ROOTS_AND_SIGNS,
    NORMAL_INTERVALS, powers_over_sum_with_square,
    odd_of_negative, even_of_negative, inverse_pair, DOMAINS, factor_into_switch, switch_over_divisor,
)

__all__ = ["STABLE"]
