"""Make a replacement fit what it replaces: dtype, rank and broadcasting. Also small builders of sums and products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano.scalar import arithmetic as ar
from theano.scalar.selection import second
from theano.tensor.convert import as_tensor_variable
from theano.tensor.dimshuffle import DimShuffle
from theano.tensor.elemwise import Elemwise, cast_to, elemwise_of

WIDEST = 32  # terms of one n-ary node
FURTHEST = 64  # ops between a value and the operand that stands for its shape


def conform(new: Any, like: Any, templates: Sequence[Any] | None = None) -> Any | None:
    """`new` with the dtype and broadcasting of `like`, or None where that cannot be had.

    templates   variables that broadcast together to like's shape (by default, where an elementwise op made `like`,
                that op's inputs; any other op's inputs say nothing of the shape of what it makes)
    """
    new = as_tensor_variable(new)
    want, have = like.type, new.type
    if have.dtype != want.dtype:
        new = cast_to(new, want.dtype)
        have = new.type
    missing = want.ndim - have.ndim
    if missing < 0:
        return None
    if missing:
        new = DimShuffle(have.broadcastable, ["x"] * missing + list(range(have.ndim)))(new)
        have = new.type
    if have.broadcastable == want.broadcastable:
        return new
    lacking = [a for a, (h, w) in enumerate(zip(have.broadcastable, want.broadcastable)) if h and not w]
    if any(h != w and not h for h, w in zip(have.broadcastable, want.broadcastable)):
        return None
    if templates is None:
        node = like.owner
        templates = node.inputs if node is not None and isinstance(node.op, Elemwise) else ()
    for template in templates:
        if not lacking:
            break
        pattern = template.type.broadcastable
        if len(pattern) != want.ndim:
            continue
        if any(not pattern[axis] for axis in lacking) and all(w <= p for p, w in zip(pattern, want.broadcastable)):
            new = elemwise_of(second)(shape_template(template), new)
            lacking = [axis for axis in lacking if pattern[axis]]
    return None if lacking or new.type.broadcastable != want.broadcastable else new


def shape_template(v: Any) -> Any:
    """A variable of v's shape that is cheaper: the operand behind elementwise ops of one operand."""
    for _ in range(FURTHEST):
        node = v.owner
        if node is None or not isinstance(node.op, Elemwise):
            return v
        full = [x for x in node.inputs if x.type.broadcastable == v.type.broadcastable]
        if len(full) != 1 and not (node.op.scalar_op is second and full):
            return v
        v = full[0]
    return v


def number_like(value: Any, dtype: str) -> np.ndarray:
    """A 0-d constant's value in `dtype`."""
    return np.asarray(value, dtype=dtype)


def _beside(value: Any, dtype: str, others: Sequence[Any]) -> np.ndarray:
    """A constant of as many axes as the others have, which an op of them takes as it is."""
    return np.full((1,) * max((v.ndim for v in others), default=0), value, dtype)


def in_dtype(v: Any, dtype: str) -> Any:
    """`v` in the dtype of the node that it is taken out of: there it was promoted, and did not wrap."""
    return v if v.dtype == dtype else cast_to(as_tensor_variable(v), dtype)


def add_all(terms: Sequence[Any]) -> Any:
    return _nary(ar.add, terms)


def mul_all(factors: Sequence[Any]) -> Any:
    return _nary(ar.mul, factors)


def _nary(record: Any, items: Sequence[Any]) -> Any:
    """From the left, in nodes of up to WIDEST inputs: the order of evaluation is that of `items`."""
    done, rest = items[0], list(items[1:])
    op = elemwise_of(record)
    for start in range(0, len(rest), WIDEST - 1):
        done = op(done, *rest[start : start + WIDEST - 1])
    return done


def signed_sum(terms: Sequence[tuple[int, Any]], constant: Any, dtype: str) -> Any:
    """The sum of signed terms and a constant, with as few negations as possible, in the order given."""
    positive = [in_dtype(v, dtype) for sign, v in terms if sign > 0]
    negative = [in_dtype(v, dtype) for sign, v in terms if sign < 0]
    if constant:
        if not positive or (constant > 0 if not isinstance(constant, complex) else True):
            positive.append(_beside(constant, dtype, [*positive, *negative]))
        else:
            negative.append(_beside(-constant, dtype, [*positive, *negative]))
    if not positive:
        if not negative:
            return as_tensor_variable(number_like(0, dtype))
        return elemwise_of(ar.neg)(add_all(negative))
    total = add_all(positive)
    if not negative:
        return as_tensor_variable(total)
    return elemwise_of(ar.sub)(total, add_all(negative))


def quotient(num: Sequence[Any], den: Sequence[Any], coefficient: Any, dtype: str) -> Any:
    """coefficient * product(num) / product(den), with the coefficient first and a sign taken out."""
    num = [in_dtype(v, dtype) for v in num]
    den = [in_dtype(v, dtype) for v in den]
    negative = coefficient == -1
    if coefficient != 1 and not negative:
        num.insert(0, _beside(coefficient, dtype, [*num, *den]))
    if num:
        top = mul_all(num)
        result = elemwise_of(ar.true_div)(top, mul_all(den)) if den else as_tensor_variable(top)
    elif den:
        result = elemwise_of(ar.inv)(mul_all(den))
    else:
        return as_tensor_variable(number_like(coefficient, dtype))
    return elemwise_of(ar.neg)(result) if negative else result
