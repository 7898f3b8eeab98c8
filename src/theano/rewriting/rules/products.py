"""Matrix products: with zeros, with one term, and with scaling and addition as BLAS does them at once."""

from __future__ import annotations

from typing import Any

from theano.graph.fgraph import OUTPUT
from theano.graph.node import Apply
from theano.rewriting.conform import conform, number_like, quotient
from theano.rewriting.known import number
from theano.rewriting.pattern import factors_of, terms_of
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.rewriting.rules.structured_products import STRUCTURED_PRODUCTS
from theano.scalar import arithmetic as ar
from theano.tensor.blas import Gemm, Gemv, Ger
from theano.tensor.creation import Alloc
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.elemwise import Elemwise, elemwise_of
from theano.tensor.products import Dot

MOST_LINEAR_TERMS = 16
BLAS_DTYPES = ("float32", "float64", "complex64", "complex128")


@function_rule(Dot, name="dot_with_zero", assumes="finite", tags="local_0_dot_x")
def dot_with_zero(node: Apply, site: Site) -> Any:
    """dot(0, x) -> 0, dot(x, 0) -> 0"""
    a, b = node.inputs
    if number(a) != 0 and number(b) != 0:
        return None
    out: Any = node.outputs[0]
    zero = number_like(0, out.type.dtype)
    if out.type.ndim == 0:
        return [conform(zero, out)]
    lengths = [site.length(out, axis) for axis in range(out.type.ndim)]
    return [conform(Alloc()(zero, *lengths), out)]


@function_rule(Dot, name="dot_over_one_term", assumes="signed_zero", tags="local_dot_to_mul")
def dot_over_one_term(node: Apply, site: Site) -> Any:
    """dot(x, y) with one term to sum -> x * y"""
    a, b = node.inputs
    if not a.type.broadcastable[-1] or not b.type.broadcastable[0]:  # type: ignore[attr-defined]
        return None
    if a.type.dtype == "bool":  # type: ignore[attr-defined]
        return None
    if a.type.ndim == 1 and b.type.ndim == 1:  # type: ignore[attr-defined]
        result = elemwise_of(ar.mul)(dimshuffle(a), dimshuffle(b))
    elif a.type.ndim == 1:  # type: ignore[attr-defined]
        result = elemwise_of(ar.mul)(a, dimshuffle(b, 1))
    elif b.type.ndim == 1:  # type: ignore[attr-defined]
        result = elemwise_of(ar.mul)(dimshuffle(a, 0), b)
    else:
        result = elemwise_of(ar.mul)(a, b)
    result = conform(result, node.outputs[0])
    return None if result is None else [result]


@function_rule(
    ar.add, ar.sub, ar.mul, ar.true_div, ar.neg, name="blas_product", tags="BlasOpt GemmOptimizer", assumes="rounding",
    needs=[Dot, ar.mul, ar.neg, ar.sub, ar.add, ar.true_div],
)
def blas_product(node: Apply, site: Site) -> Any:
    """b*z + a*dot(x, y) -> gemm(z, a, x, y, b), gemv and ger likewise,
    where no elementwise op follows"""
    out: Any = node.outputs[0]
    if out.type.dtype not in BLAS_DTYPES or out.type.ndim not in (1, 2):
        return None
    for user, _ in site.fgraph.clients[out]:
        if user is not OUTPUT and isinstance(user.op, Elemwise):
            return None  # the addition is done for nothing by the kernel of the op that follows
    terms = linear_terms(out, site)
    dots = [base for base in terms if base.owner is not None and type(base.owner.op) is Dot and site.uses(base) == 1]
    if not dots or len(terms) != 2:
        return None
    product = dots[0]
    (z,) = (base for base in terms if base is not product)
    dtype = out.type.dtype
    if z in dots or z.type.dtype != dtype:
        return None
    if any(term.type.broadcastable != out.type.broadcastable for term in (z, product)):
        return None  # one of them is stretched by the addition, which BLAS does not do
    result = blas(z, factor(terms[product], dtype), product.owner, factor(terms[z], dtype), dtype)
    if result is None:
        return None
    result = conform(result, out)
    return None if result is None else [result]


def linear_terms(out: Any, site: Site) -> dict[Any, tuple[Any, list[tuple[int, Any]]]]:
    """`out` as a linear combination: {matrix or vector: (number, [(power, 0-d factor)])}.

    Scaled sums are multiplied out; where one base appears twice with numbers only, these are added.
    """
    dtype = out.type.dtype
    found: dict[Any, tuple[Any, list[tuple[int, Any]]]] = {}
    stack: list[tuple[Any, list[tuple[int, Any]], Any]] = [(1, [], out)]
    while stack and len(stack) + len(found) <= MOST_LINEAR_TERMS:
        c, scalars, v = stack.pop()
        constant, terms = terms_of(v) if v is out or site.uses(v) == 1 else (0, [(1, v)])
        if constant:
            return {}
        if len(terms) > 1:
            stack.extend((c * sign, scalars, w) for sign, w in reversed(terms))
            continue
        sign, base = terms[0]
        number_factor, more, rest = scaled(base, site)
        c, scalars = c * sign * number_factor, scalars + more
        if rest is not v and rest.owner is not None and site.uses(rest) == 1 and rest.type.dtype == dtype and \
                isinstance(rest.owner.op, Elemwise) and rest.owner.op.scalar_op in (ar.add, ar.sub):
            stack.append((c, scalars, rest))
        elif rest in found:
            known, others = found[rest]
            if others or scalars:
                return {}
            found[rest] = (known + c, [])
        else:
            found[rest] = (c, scalars)
    return {} if stack else found


def factor(parts: tuple[Any, list[tuple[int, Any]]], dtype: str) -> Any:
    """A 0-d factor made of a number and scalars."""
    c, scalars = parts
    return quotient([s for p, s in scalars if p > 0], [s for p, s in scalars if p < 0], c, dtype)


def blas(z: Any, alpha: Any, dot: Apply, beta: Any, dtype: str) -> Any | None:
    x, y = dot.inputs
    if x.type.dtype != dtype or y.type.dtype != dtype:  # type: ignore[attr-defined]
        return None
    ranks = (x.type.ndim, y.type.ndim)  # type: ignore[attr-defined]
    if ranks == (2, 2):
        inner_one = x.type.broadcastable[1] and y.type.broadcastable[0]  # type: ignore[attr-defined]
        if inner_one and number(beta) == 1:
            return Ger()(z, alpha, dimshuffle(x, 0), dimshuffle(y, 1))
        return Gemm()(z, alpha, x, y, beta)
    if ranks == (2, 1):
        return Gemv()(z, alpha, x, y, beta)
    if ranks == (1, 2):
        return Gemv()(z, alpha, dimshuffle(y, 1, 0), x, beta)
    return None


def scaled(v: Any, site: Site) -> tuple[Any, list[tuple[int, Any]], Any]:
    """(number, [(power, 0-d factor)], w) of which v is the product."""
    node = v.owner
    if node is None or not isinstance(node.op, Elemwise) or node.op.scalar_op not in (ar.mul, ar.true_div, ar.neg) \
            or site.uses(v) > 1:
        return 1, [], v
    coefficient, factors = factors_of(v)
    scalars, rest = [], []
    for power, w in factors:
        if all(w.type.broadcastable) and w.type.dtype == v.type.dtype:
            scalars.append((power, dimshuffle(w, ()) if w.type.ndim else w))
        else:
            rest.append((power, w))
    if len(rest) != 1 or rest[0][0] < 0:
        return 1, [], v
    return coefficient, scalars, rest[0][1]


PRODUCTS_OF_MATRICES = ruleset(dot_with_zero, dot_over_one_term, STRUCTURED_PRODUCTS)
BLAS = ruleset(blas_product)
