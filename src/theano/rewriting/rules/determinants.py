"""Determinants: their logarithms and signs, and those of matrices whose structure or factors are known."""

from __future__ import annotations

from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.rewriting.conform import conform, number_like, quotient
from theano.rewriting.matrix_facts import (
    cholesky_factor,
    is_real_matrix,
    kron_factors,
    made_by,
    transposed_from,
    triangles,
)
from theano.rewriting.pattern import factors_of
from theano.rewriting.rule import Site, function_rule, ruleset
from theano.scalar import arithmetic as ar
from theano.scalar.comparison import eq, lt
from theano.scalar.exponential import log, pow
from theano.scalar.selection import switch
from theano.tensor.careduce import Prod, Sum
from theano.tensor.diagonal import ExtractDiag
from theano.tensor.dimshuffle import DimShuffle, dimshuffle
from theano.tensor.elemwise import Elemwise, cast_to, elemwise_of
from theano.tensor.linear.inverses import Cofactors, Det, MatrixInverse, SLogDet
from theano.tensor.linear.shared_factors import LUFactor
from theano.tensor.products import transposed
from theano.tensor.ranges import arange
from theano.tensor.shape import Reshape


def constant_like(value: float, v: Any) -> Any:
    return number_like(value, v.type.dtype)


@function_rule(log, name="log_of_det", tags="slogdet_specialization", assumes="rounding", needs=[Det])
def log_of_det(node: Apply, site: Site) -> Any:
    """log(det(x)) -> log|det(x)|, NaN where the determinant is negative; neither over- nor underflows"""
    det = made_by(node.inputs[0], Det)
    if det is None or not is_real_matrix(det.inputs[0]):
        return None
    sign, logarithm = SLogDet()(det.inputs[0])
    nan, zero = constant_like(np.nan, logarithm), constant_like(0, sign)
    return [conform(elemwise_of(switch)(elemwise_of(lt)(sign, zero), nan, logarithm), node.outputs[0])]


@function_rule(log, name="log_of_modulus_of_det", tags="slogdet_specialization", assumes="rounding", needs=[ar.abs_])
def log_of_modulus_of_det(node: Apply, site: Site) -> Any:
    """log(abs(det(x))) -> slogdet(x)[1]"""
    modulus = made_by(node.inputs[0], Elemwise)
    if modulus is None or modulus.op.scalar_op is not ar.abs_:  # type: ignore[attr-defined]
        return None
    det = made_by(modulus.inputs[0], Det)
    if det is None or not is_real_matrix(det.inputs[0]):
        return None
    return [conform(SLogDet()(det.inputs[0])[1], node.outputs[0])]


@function_rule(ar.sgn, name="sign_of_det", tags="slogdet_specialization", needs=[Det])
def sign_of_det(node: Apply, site: Site) -> Any:
    """sgn(det(x)) -> slogdet(x)[0]"""
    det = made_by(node.inputs[0], Det)
    if det is None or not is_real_matrix(det.inputs[0]):
        return None
    return [conform(SLogDet()(det.inputs[0])[0], node.outputs[0])]


@function_rule(ar.mul, ar.true_div, name="cofactors_over_det", assumes="rounding regular", needs=[Cofactors])
def cofactors_over_det(node: Apply, site: Site) -> Any:
    """cofactors(x) / det(x) -> inv(x).T: the gradient of log(det(x)); sgn(det(x)) / abs(det(x)) counts as 1 / det(x)"""
    out: Any = node.outputs[0]
    coefficient, factors = scalars_apart(out)
    for power, cofactors in factors:
        source = made_by(cofactors, Cofactors)
        if power != 1 or source is None or not is_real_matrix(cofactors):
            continue
        x = source.inputs[0]
        gone = _inverse_of_det(x, factors)
        if gone is None:
            continue
        rest = [
            (p, v if v.type.ndim else dimshuffle(v, ["x", "x"]))
            for k, (p, v) in enumerate(factors) if v is not cofactors and k not in gone
        ]
        parts = [(1, transposed(MatrixInverse()(x))), *rest]
        above, below = [v for p, v in parts if p > 0], [v for p, v in parts if p < 0]
        return [conform(quotient(above, below, coefficient, out.type.dtype), out)]
    return None


def scalars_apart(v: Any) -> tuple[Any, list[tuple[int, Any]]]:
    """`factors_of`, with what is the same for all elements as 0-d factors, each taken apart."""
    coefficient, factors = factors_of(v)
    found = []
    for power, x in factors:
        node = made_by(x, DimShuffle)
        if node is None or node.inputs[0].type.ndim:  # type: ignore[attr-defined]
            found.append((power, x))
            continue
        number, parts = factors_of(node.inputs[0])
        if power == 1 or number == 1:
            coefficient = coefficient * number
            found.extend((power * p, part) for p, part in parts)
        else:
            found.append((power, node.inputs[0]))
    return coefficient, found


def _inverse_of_det(x: Any, factors: list[tuple[int, Any]]) -> set[int] | None:
    """Numbers of the factors of which the product is 1 / det(x)."""
    signs, moduli = set(), set()
    for k, (power, v) in enumerate(factors):
        if power == -1 and _is_det(v, x):
            return {k}
        record = v.owner.op.scalar_op if made_by(v, Elemwise) else None
        slog = made_by(v, SLogDet)
        if power == -1 and record is ar.abs_ and _is_det(v.owner.inputs[0], x):
            moduli.add(k)
        elif power == 1 and (
            (record is ar.sgn and _is_det(v.owner.inputs[0], x))
            or (slog is not None and slog.inputs[0] is x and v is slog.outputs[0])
        ):
            signs.add(k)
    return {min(signs), min(moduli)} if signs and moduli else None


def _is_det(v: Any, x: Any) -> bool:
    det = made_by(v, Det)
    return det is not None and det.inputs[0] is x


def diagonal_of(x: Any) -> Any:
    return ExtractDiag(0, 0, 1)(x)


@function_rule(Det, name="det_by_structure", assumes="rounding", tags="local_det_chol det_of_triangular")
def det_by_structure(node: Apply, site: Site) -> Any:
    """det(x) -> prod(diag(x)) of a triangular x, prod(diag(cholesky(x)))**2 where the graph computes that factor of
    the symmetric x anyhow, det(y) of x = y.T"""
    (x,) = node.inputs
    if not is_real_matrix(x):
        return None
    of = transposed_from(x)
    if of is not None:
        return [Det()(of)]
    if triangles(x):
        return [conform(Prod()(diagonal_of(x)), node.outputs[0])]
    factor = cholesky_factor(x, site.fgraph.clients[x])
    if factor is None:
        return None
    return [conform(elemwise_of(ar.sqr)(Prod()(diagonal_of(factor))), node.outputs[0])]


@function_rule(SLogDet, name="slogdet_by_structure", assumes="rounding", tags="local_det_chol det_of_triangular")
def slogdet_by_structure(node: Apply, site: Site) -> Any:
    """slogdet(x) -> prod(sgn(diag(x))), sum(log(abs(diag(x)))) of a triangular x; likewise of cholesky(x) where the
    graph computes that factor of the symmetric x anyhow; slogdet(y) of x = y.T"""
    (x,) = node.inputs
    if not is_real_matrix(x):
        return None
    of = transposed_from(x)
    if of is not None:
        return list(SLogDet()(of))
    dtype = x.type.dtype  # type: ignore[attr-defined]
    if triangles(x):
        d = diagonal_of(x)
        sign = Prod()(elemwise_of(ar.sgn)(d))
        logarithm = Sum(acc_dtype=dtype)(elemwise_of(log)(elemwise_of(ar.abs_)(d)))
        return [conform(new, old) for new, old in zip((sign, logarithm), node.outputs)]
    factor = cholesky_factor(x, site.fgraph.clients[x])
    if factor is None:
        return None
    half = Sum(acc_dtype=dtype)(elemwise_of(log)(diagonal_of(factor)))
    return [conform(constant_like(1, half), node.outputs[0]), conform(elemwise_of(ar.add)(half, half), node.outputs[1])]


@function_rule(Det, name="det_of_inverse", assumes="rounding regular", needs=[MatrixInverse], tags="det_of_inv")
def det_of_inverse(node: Apply, site: Site) -> Any:
    """det(inv(x)) -> 1 / det(x)"""
    inverse = made_by(node.inputs[0], MatrixInverse)
    if inverse is None or not is_real_matrix(node.inputs[0]):
        return None
    return [conform(elemwise_of(ar.inv)(Det()(inverse.inputs[0])), node.outputs[0])]


@function_rule(SLogDet, name="slogdet_of_inverse", assumes="rounding regular", needs=[MatrixInverse], tags="det_of_inv")
def slogdet_of_inverse(node: Apply, site: Site) -> Any:
    """slogdet(inv(x)) -> sign and -logarithm of slogdet(x)"""
    inverse = made_by(node.inputs[0], MatrixInverse)
    if inverse is None or not is_real_matrix(node.inputs[0]):
        return None
    sign, logarithm = SLogDet()(inverse.inputs[0])
    return [conform(sign, node.outputs[0]), conform(elemwise_of(ar.neg)(logarithm), node.outputs[1])]


@function_rule(Det, name="det_of_kron", assumes="rounding finite", needs=[Reshape], tags="det_of_kronecker")
def det_of_kron(node: Apply, site: Site) -> Any:
    """det(kron(a, b)) -> det(a)**m * det(b)**n for a of n and b of m rows, both square"""
    found = kron_factors(node.inputs[0], site.dims)
    if found is None:
        return None
    a, b = found
    n, m = (cast_to(site.length(x, 0), a.type.dtype) for x in (a, b))
    powers = [elemwise_of(pow)(Det()(x), k) for x, k in ((a, m), (b, n))]
    return [conform(elemwise_of(ar.mul)(*powers), node.outputs[0])]


@function_rule(SLogDet, name="slogdet_of_kron", assumes="rounding", needs=[Reshape], tags="det_of_kronecker")
def slogdet_of_kron(node: Apply, site: Site) -> Any:
    """slogdet(kron(a, b)) -> sign(a)**m * sign(b)**n, m * log(a) + n * log(b), as for det"""
    found = kron_factors(node.inputs[0], site.dims)
    if found is None:
        return None
    a, b = found
    n, m = (cast_to(site.length(x, 0), a.type.dtype) for x in (a, b))
    (sign_a, log_a), (sign_b, log_b) = SLogDet()(a), SLogDet()(b)
    sign = elemwise_of(ar.mul)(elemwise_of(pow)(sign_a, m), elemwise_of(pow)(sign_b, n))
    logarithm = elemwise_of(ar.add)(elemwise_of(ar.mul)(m, log_a), elemwise_of(ar.mul)(n, log_b))
    return [conform(sign, node.outputs[0]), conform(logarithm, node.outputs[1])]


@function_rule(Det, SLogDet, name="det_by_lu", assumes="rounding", tags="local_det_chol det_of_factorized_matrix")
def det_by_lu(node: Apply, site: Site) -> Any:
    """det(x), slogdet(x) -> from the diagonal of the LU factorisation of x, where the graph computes that anyhow"""
    (x,) = node.inputs
    if not is_real_matrix(x):
        return None
    users = [user for user, _ in site.fgraph.clients[x] if isinstance(user, Apply)]
    factorised = next((user for user in users if isinstance(user.op, LUFactor)), None)
    if factorised is None:
        return None
    factors, pivots = factorised.outputs
    diagonal = diagonal_of(factors)
    rows = arange(1, elemwise_of(ar.add)(site.length(x, 0), np.int64(1)))
    unmoved = elemwise_of(eq)(cast_to(pivots, "int64"), rows)
    one = number_like(1, x.type.dtype)  # type: ignore[attr-defined]
    sign = Prod()(elemwise_of(switch)(unmoved, one, -one))
    if isinstance(node.op, Det):
        return [conform(elemwise_of(ar.mul)(sign, Prod()(diagonal)), node.outputs[0])]
    signs = elemwise_of(ar.mul)(sign, Prod()(elemwise_of(ar.sgn)(diagonal)))
    logarithm = Sum(acc_dtype=x.type.dtype)(elemwise_of(log)(elemwise_of(ar.abs_)(diagonal)))  # type: ignore[attr-defined]
    return [conform(new, old) for new, old in zip((signs, logarithm), node.outputs)]


DETERMINANTS = ruleset(log_of_det, log_of_modulus_of_det, sign_of_det, cofactors_over_det)
DETERMINANTS_BY_STRUCTURE = ruleset(
    det_by_structure, slogdet_by_structure, det_of_inverse, slogdet_of_inverse, det_of_kron, slogdet_of_kron,
)
DETERMINANTS_BY_FACTORS = ruleset(det_by_lu)
