"""Every rule that is written as a function: graphs in which it applies, evaluated before and after."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from example_graphs import Example, fixed, m, on, sc, v
from examples_of_parts import PARTS
from examples_of_wholes import WHOLES
from sampling import check, grid
from test_declared import RULES, applied

import theano
import theano.tensor as T
from theano import scalar as s
from theano.graph.clone import clone_replace
from theano.graph.evaluate import evaluate
from theano.rewriting.rules.loops import LOOPS
from theano.rewriting.rules.matrices import DETERMINANTS_BY_FACTORS, MATRICES, drop_hint
from theano.rewriting.rules.norms import DOWN, LARGEST, SMALLEST, UP
from theano.scalar.exponential import log1mexp
from theano.scalar.selection import identity, second
from theano.tensor.argmax import MaxAndArgmax
from theano.tensor.careduce import Max, Prod
from theano.tensor.checks import Assert
from theano.tensor.creation import Alloc, MakeVector
from theano.tensor.dimshuffle import DimShuffle
from theano.tensor.joining import Join
from theano.tensor.nnet.softmax import LogSoftmax, LogSumExp, Softmax
from theano.tensor.shape import Rebroadcast, Reshape, Shape_i, specify_shape
from theano.tensor.type import TensorType
from theano.transforms.gradient_ops import grad_clip, zero_grad


def keepdims(x: Any, axis: int) -> Any:
    return x.dimshuffle(*["x" if k == axis else k - (k > axis) for k in range(x.ndim + 1)])


def shifted(x: Any, axis: int) -> Any:
    return x - x.max(axis=axis, keepdims=True)


def _root_over_scale(total: Any) -> Any:
    """What the rule `norm` makes of a root, but for the sum of scaled squares."""
    return T.sqrt(total) / T.sqr(T.switch(total > LARGEST, DOWN, T.switch(total < SMALLEST, UP, 1.0)))


# by rule: graphs in which it applies
EXAMPLES: dict[str, list[Example]] = {
    **PARTS,
    **WHOLES,
    "fold_constants": [on(v(), build=lambda x: x + T.exp(T.constant([1.0, 2.0, 3.0])))],
    "gradient_marker": [on(v(), build=zero_grad), on(v(), build=lambda x: grad_clip(x, -1, 1))],
    "identity": [on(v(), build=lambda x: s.ScalarOp.registry["identity"](x))],
    "true_assertion": [on(v(), build=lambda x: Assert()(x, np.True_))],
    "single_term": [on(v(), build=lambda x: T.add(x)), on(v(), build=lambda x: T.mul(x))],
    "idempotent": [on(v(), build=lambda x: T.maximum(x, x)), on(v(), build=lambda x: T.minimum(x, x))],
    "useless_cast": [
        on(v("x", "int8"), build=lambda x: T.cast(T.cast(x, "int32"), "float64")),
        on(v("x", "float32"), build=lambda x: T.cast(T.cast(x, "float64"), "float32")),
        on(v("x", "bool"), build=lambda x: T.cast(T.cast(x, "uint8"), "int64")),
    ],
    "useless_dimshuffle": [
        on(m(), build=lambda x: DimShuffle((False, False), (1, 0))(DimShuffle((False, False), (1, 0))(x))),
        on(v(), build=lambda x: DimShuffle((False, True), (1, 0))(DimShuffle((False,), (0, "x"))(x))),
        on(v(), build=lambda x: DimShuffle((False,), (0,))(x)),
    ],
    "useless_fill": [
        on(v("x"), v("y"), build=lambda x, y: second(x, y)),
        on(v("x"), build=lambda x: second(T.exp(T.sin(x)), np.float64(2))),
    ],
    "fill_of_operand": [
        on(v("x"), v("y"), build=lambda x, y: x * second(y, np.float64(2))),
        on(m("x"), v("y"), build=lambda x, y: x + second(x, y)),
    ],
    "fill_sink": [on(v("x"), sc("a"), build=lambda x, a: T.exp(second(x, a)))],
    "real_of_real": [on(v(), build=lambda x: T.real(x)), on(v(), build=lambda x: T.conj(x))],
    "projection": [on(v(), build=lambda x: abs(abs(x))), on(v(), build=lambda x: T.sgn(T.sgn(x)))],
    "rounding_of_whole": [on(v(), build=lambda x: T.floor(T.ceil(x))), on(v(), build=lambda x: T.trunc(T.floor(x)))],
    "shape_by_axes": [on(m(), build=lambda x: T.exp(x).shape)],
    "length_by_inputs": [
        on(m(), build=lambda x: Shape_i(0)(T.exp(x).T)),
        on(m(), build=lambda x: Shape_i(0)(x[1:])),
        on(v(), build=lambda x: Shape_i(0)(T.concatenate([x, x]))),
    ],
    "element_of_vector": [
        on(sc("a"), sc("b"), build=lambda a, b: MakeVector("float64")(a, b)[1]),
        on(sc("a"), sc("b"), build=lambda a, b: MakeVector("float64")(a, b, a)[0:2]),
        on(sc("a"), sc("b"), build=lambda a, b: MakeVector("float64")(a, b)[-2]),
    ],
    "useless_reshape": [
        on(v(), build=lambda x: Reshape(1)(x, T.constant([-1]))),
        on(m(), build=lambda x: Reshape(2)(x, MakeVector("int64")(Shape_i(0)(x), Shape_i(1)(x)))),
    ],
    "reshape_of_reshape": [
        on(m(), build=lambda x: Reshape(2)(Reshape(1)(x, T.constant([-1])), T.constant([3, -1]))),
        on(fixed(6, 4), build=lambda x: Reshape(2)(Reshape(3)(x, T.constant([2, 6, 2])), T.constant([4, 6]))),
        on(m(), build=lambda x: Reshape(3)(
            Reshape(2)(x, MakeVector("int64")(x.shape[0] * x.shape[1], 1)),
            MakeVector("int64")(x.shape[1], 1, x.shape[0]))),
    ],
    "reshape_of_elementwise": [
        on(m("x"), build=lambda x: T.exp(T.exp(x).flatten())),
        on(m("x"), sc("a"), build=lambda x, a: T.log(Reshape(2)(x * a, T.constant([1, -1])))),
    ],
    "reshape_of_dimshuffle": [on(v(), build=lambda x: Reshape(2)(x.dimshuffle(0, "x"), T.constant([3, -1])))],
    "reshape_to_dimshuffle": [
        on(v(), build=lambda x: Reshape(2)(x, T.constant([-1, 1]))),
        on(v(), build=lambda x: Reshape(2)(x, MakeVector("int64")(np.int64(1), Shape_i(0)(x)))),
    ],
    "useless_specify_shape": [
        lambda: (lambda x: ([x], specify_shape(x, (3, -1))))(TensorType("float64", (3, None))("x"))],
    "useless_rebroadcast": [
        lambda: (lambda x: ([x], Rebroadcast((0, True))(x)))(TensorType("float64", (1, None))("x"))],
    "useless_alloc": [
        on(v(), build=lambda x: Alloc()(x, Shape_i(0)(x))), on(v(), build=lambda x: Alloc()(x, 1, 1, Shape_i(0)(x))),
    ],
    "alloc_of_alloc": [
        on(sc(), build=lambda a: Alloc()(Alloc()(a, np.int64(1), np.int64(4)), np.int64(3), np.int64(4))),
        on(sc("a"), v("x"), build=lambda a, x: Alloc()(second(x, a), np.int64(2), Shape_i(0)(x))),
    ],
    "alloc_of_dimshuffle": [on(v(), build=lambda x: Alloc()(x.dimshuffle("x", 0), np.int64(3), Shape_i(0)(x)))],
    "compare_length": [
        on(v(), build=lambda x: T.switch(Shape_i(0)(x) < 0, 1.0, x)),
        on(v(), build=lambda x: T.switch(Shape_i(0)(x) >= 0, 1.0, x)),
        on(v(), build=lambda x: T.eq(Shape_i(0)(x), -1)), on(v(), build=lambda x: T.neq(np.int64(-2), Shape_i(0)(x))),
    ],
    "maximum_of_length": [
        on(v(), build=lambda x: T.maximum(Shape_i(0)(x), np.int64(0))),
        on(v(), build=lambda x: T.minimum(np.int64(-1), Shape_i(0)(x))),
    ],
    "length_or_zero": [
        on(v(), build=lambda x: T.switch(Shape_i(0)(x) <= 0, 0, Shape_i(0)(x))),
        on(v(), build=lambda x: T.switch(T.neq(Shape_i(0)(x), 0), Shape_i(0)(x), 0)),
    ],
    "alloc_of_operand": [on(m("x"), v("y"), build=lambda x, y: x + Alloc()(y, Shape_i(0)(x), Shape_i(0)(y)))],
    "elementwise_of_alloc": [
        on(sc("a"), v("x"), build=lambda a, x: T.exp(Alloc()(a, Shape_i(0)(x)))),
        on(v("x"), sc("a"), build=lambda x, a: a * Alloc()(x, np.int64(2), Shape_i(0)(x))),
    ],
    "fill_to_alloc": [on(m("x"), sc("a"), build=lambda x, a: second(T.exp(x), a))],
    "useless_switch": [
        on(v("x"), v("y"), build=lambda x, y: T.switch(np.True_, x, y)),
        on(v("x"), v("y"), build=lambda x, y: T.switch(0, x, y)),
        on(v("x"), v("y"), build=lambda x, y: T.switch(y > 0, x, x)),
    ],
    "compare_with_itself": [
        on(v(), build=lambda x: x < x), on(v("x", "int32"), build=lambda x: T.eq(x, x)),
        on(v("x", "int32"), build=lambda x: T.neq(x, x)), on(v("x", "int32"), build=lambda x: x >= x),
    ],
    "useless_logic": [
        on(v("x", "int32"), build=lambda x: x & 0), on(v("x", "int32"), build=lambda x: x | 0),
        on(v("x", "int32"), build=lambda x: x ^ 0), on(v("x", "int32"), build=lambda x: x & x),
        on(v("x", "int32"), build=lambda x: x ^ x), on(v("x", "bool"), build=lambda x: x & True),
        on(v("x", "bool"), build=lambda x: x | True),
    ],
    "double_invert": [on(v("x", "int32"), build=lambda x: ~~x), on(v("x", "bool"), build=lambda x: ~~x)],
    "switch_of_switch": [
        on(v("x"), v("y"), build=lambda x, y: T.switch(x > 0, T.switch(x > 0, y, 1.0), 2.0)),
        on(v("x"), v("y"), build=lambda x, y: T.switch(x > 0, y, T.switch(x > 0, 1.0, 2.0))),
    ],
    "switches_on_one_condition": [
        on(v("x"), v("y"), build=lambda x, y: T.switch(x > 0, x, y) * T.switch(x > 0, y, 2.0))],
    "join_of_one": [on(v(), build=lambda x: Join()(0, x))],
    "join_with_empty": [on(v(), build=lambda x: Join()(0, x, np.zeros(0), x))],
    "join_of_vectors_of_scalars": [
        on(sc("a"), sc("b"), build=lambda a, b: Join()(0, MakeVector("float64")(a, b), MakeVector("float64")(b)))],
    "dimshuffle_of_elementwise": [
        on(m(), build=lambda x: T.exp(x).T), on(v("x"), v("y"), build=lambda x, y: (x + y).dimshuffle("x", 0))],
    "arithmetic_of_scalars": [on(sc("a"), build=lambda a: T.exp(a.dimshuffle("x", "x")) * 2)],
    "dimshuffle_of_alloc": [
        on(v(), build=lambda x: Alloc()(x, np.int64(3), Shape_i(0)(x)).T),
        on(sc("a"), build=lambda a: Alloc()(a, np.int64(3)).dimshuffle(0, "x")),
    ],
    "dimshuffle_of_one_element": [
        on(sc("a"), build=lambda a: DimShuffle((True,), ())(MakeVector("float64")(a)))],
    "transpose_of_dot": [on(m("x"), m("y"), build=lambda x, y: T.dot(x, y.T).T)],
    "reduce_length_one": [
        on(v(), build=lambda x: x.dimshuffle(0, "x").sum(axis=1)), on(v(), build=lambda x: x.dimshuffle("x", 0).sum()),
        on(v("x", "int8"), build=lambda x: x.dimshuffle("x", 0).prod(axis=0)),
        on(v(), build=lambda x: x.dimshuffle("x", 0).max(axis=0)),
    ],
    "sum_of_negative": [on(m(), build=lambda x: (-x).sum(axis=0))],
    "sum_of_multiple": [on(m(), build=lambda x: (2.5 * x).sum(axis=1)), on(v(), build=lambda x: (-3 * x).sum())],
    "reduction_of_constant": [
        on(sc("a"), m("x"), build=lambda a, x: Alloc()(a, Shape_i(0)(x), np.int64(4)).sum()),
        on(sc("a"), m("x"), build=lambda a, x: second(x, a).sum(axis=0)),
        on(sc("a"), build=lambda a: Prod()(Alloc()(a, np.int64(3)))),
        on(v("y"), m("x"), build=lambda y, x: Alloc()(y, Shape_i(0)(x), Shape_i(0)(y)).sum(axis=0)),
    ],
    "unused_max_or_argmax": [
        on(m(), build=lambda x: MaxAndArgmax((1,))(x)[0]), on(m(), build=lambda x: MaxAndArgmax((1,))(x)[1])],
    "argmax_of_softmax": [on(m(), build=lambda x: T.argmax(T.nnet.softmax(x), axis=1))],
    "max_of_negative": [on(m(), build=lambda x: Max((0,))(-x))],
    "log_of_product": [
        on(m("x"), build=lambda x: T.log(T.prod(T.exp(x), axis=1))),
        on(m("x"), build=lambda x: T.log(T.prod(x, axis=0))),
    ],
    "quotient_of_bessel_functions": [
        on(v("x"), build=lambda x: T.iv(1.5, x) / T.iv(0.5, x)),
        on(v("x"), v("y"), build=lambda x, y: 0.5 * y * (T.iv(0.5, x) + T.iv(2.5, x)) / T.iv(1.5, x)),
    ],
    "log_of_multiple_of_sum_of_exps": [
        on(m(), build=lambda x: T.log(T.exp(x).mean(axis=0))),
        on(m(), build=lambda x: T.log(T.exp(x).sum(axis=1) / 3)),
        on(m(), v("y"), build=lambda x, y: T.log(T.exp(x).sum(axis=0) * T.exp(T.sin(y)))),
        on(m("x"), m("w"), build=lambda x, w: T.log((T.exp(x) * T.sqr(w)).sum(axis=1))),
        on(m(), build=lambda x: T.log((0.25 * T.exp(x)).sum(axis=1))),
    ],
    "unit_factor": [
        on(v(), build=lambda x: x * 1), on(v(), build=lambda x: x / 1), on(v(), build=lambda x: -1.0 * x),
        on(v(), build=lambda x: 1.0 / x), on(v("x", "int32"), build=lambda x: x * -1)],
    "zero_term": [
        on(v(), build=lambda x: x + 0), on(v(), build=lambda x: 0 - x), on(v(), build=lambda x: x - 0),
        on(v("x", "int8"), build=lambda x: 0 + x + 0)],
    "zero_factor": [on(v(), build=lambda x: x * 0), on(v("x", "int32"), build=lambda x: 0 * x),
                    on(v(), build=lambda x: 0 / (x * x + 1))],
    "like_terms": [
        on(v("x"), v("y"), build=lambda x, y: x + y - x), on(v(), build=lambda x: x - x),
        on(v(), build=lambda x: 2 * x + 3 * x), on(v(), build=lambda x: (x + 1) + 2),
        on(v("x", "int8"), v("y", "int8"), build=lambda x, y: x + y - x),
        on(v("x", "uint8"), build=lambda x: 200 * x + 100 * x), on(v(), build=lambda x: x - 3 * x),
        on(v("x"), v("y"), build=lambda x, y: (y - x) + (x - 2 * y)),
    ],
    "like_factors": [
        on(v("x"), v("s"), build=lambda x, s: 3 * x * (x / s) / s * 2),
        on(v("x"), v("y"), build=lambda x, y: x * y / x), on(v(), build=lambda x: x / x),
        on(v("x"), v("y"), build=lambda x, y: (2 * x) / (4 * y)), on(v(), build=lambda x: 2 * (3 * x)),
        on(v(), build=lambda x: -(2 * x)), on(v("x"), v("y"), build=lambda x, y: x / (x / y)),
        on(v(), build=lambda x: x**3 / x**2), on(v("x", "int8"), build=lambda x: 3 * (100 * x)),
        on(v(), build=lambda x: T.sqr(x) / x),
    ],
    "signs_in_sum": [
        on(v(), build=lambda x: T.neg(-x)), on(v("x"), v("y"), build=lambda x, y: x + (-y)),
        on(v("x"), v("y"), build=lambda x, y: x - (-y)), on(v("x"), v("y"), build=lambda x, y: -(x - y)),
        on(v("x"), v("y"), build=lambda x, y: (-x) + (-y)), on(v("x"), v("y"), build=lambda x, y: (-x) - y),
        on(v("x", "int8"), build=lambda x: T.neg(-x)),
    ],
    "signs_in_product": [
        on(v("x"), v("y"), build=lambda x, y: (-x) * (-y)), on(v("x"), v("y"), build=lambda x, y: (-x) / y)],
    "whole_quotient_by_one": [on(v("x", "int32"), build=lambda x: x // 1)],
    "power_by_constant": [
        on(v(), build=lambda x: x**0), on(v(), build=lambda x: x**1), on(v(), build=lambda x: x**2),
        on(v(), build=lambda x: x**-1.0), on(v("x", "int8"), build=lambda x: x**2), on(v(), build=lambda x: 1.0**x)],
    "power_to_products": [
        on(v(), build=lambda x: x**3), on(v(), build=lambda x: x**-4.0), on(v(), build=lambda x: x**7)],
    "root_by_constant": [on(v(), build=lambda x: x**0.5), on(v(), build=lambda x: x**-0.5)],
    "square_of_repeated_factor": [on(v(), build=lambda x: x * x), on(v("x", "int8"), build=lambda x: x * x)],
    "norm": [
        on(m(), build=lambda x: T.sqrt(T.sqr(x).sum(axis=1))), on(v(), build=lambda x: T.sqrt(T.sqr(x).sum())),
        on(m("x", "float32"), build=lambda x: T.sqrt(T.sqr(x).sum(axis=0, keepdims=True))),
        on(m("x"), v("y"), build=lambda x, y: T.sqrt(T.sqr(T.exp(x - y.dimshuffle("x", 0)).T).sum(axis=0))),
        on(m("x"), v("y"), build=lambda x, y: T.sqrt(T.sqr(x - y.dimshuffle("x", 0)).sum(axis=0))),
        on(TensorType("float64", (3,))("x"), build=lambda x: T.sqrt(T.sqr(x).sum())),
    ],
    "powers_of_sigmoid": [
        on(v("x"), build=lambda x: T.exp(x) ** 2 / (1 + T.exp(x)) ** 3),
        on(v("x"), v("y"), build=lambda x, y: y / T.sqr(1 + T.exp(-x)) / (1 + T.exp(x))),
        on(v("x"), build=lambda x: T.exp(-2 * x) * T.nnet.sigmoid(x) ** 3),
        on(v("x"), build=lambda x: T.exp(x) / (1 + T.exp(x)) ** 1.5),
        on(v("x"), v("y"), build=lambda x, y: y * T.exp(x) / (1 + T.exp(x)) / T.sqrt(1 + T.exp(x))),
    ],
    "exp_into_sum_of_sigmoids": [
        on(v("x"), v("y"), build=lambda x, y: T.exp(x) * (y * T.nnet.sigmoid(-x) - T.sqr(T.nnet.sigmoid(-x)))),
        on(v("x"), build=lambda x: T.nnet.sigmoid(-x) * (T.tanh(x) / T.nnet.sigmoid(-x) - T.nnet.sigmoid(x))),
        on(v("x"), build=lambda x: (T.tanh(x) / T.cosh(x) - T.cos(x) / T.sqr(T.cosh(x))) * T.sinh(x)),
    ],
    "polynomial_of_sigmoid": [
        on(v("x"), build=lambda x: T.nnet.sigmoid(x) - 3 * T.nnet.sigmoid(x) ** 2 + 2 * T.nnet.sigmoid(x) ** 3),
        on(v("x"), v("y"), build=lambda x, y: 1 + y * T.nnet.sigmoid(x) - y * T.nnet.sigmoid(x) ** 3),
    ],
    "powers_of_tanh": [
        on(v("x"), build=lambda x: T.sinh(x) / T.sqr(T.cosh(x))),
        on(v("x"), v("y"), build=lambda x, y: y * T.sqr(T.sinh(x)) / T.cosh(x) ** 3),
    ],
    "softplus_of_both_signs": [
        on(v("x"), v("y"), build=lambda x, y: y * T.nnet.softplus(x) + (1 - y) * T.nnet.softplus(-x)),
        on(v("x", "float32"), build=lambda x: T.nnet.softplus(-x) * T.nnet.softplus(x)),
    ],
    "quotient_by_norm": [
        on(m("y"), v("x"), build=lambda y, x: y / _root_over_scale(abs(x).sum())),
        on(m("x"), build=lambda x: x / _root_over_scale(abs(x).sum(axis=1)).dimshuffle(0, "x")),
    ],
    "share_of_exps": [
        on(v("x"), v("y"), v("z"), build=lambda x, y, z: T.exp(x) / (T.exp(x) + T.exp(y) + T.exp(z))),
        on(v("x"), v("y"), build=lambda x, y: 2 * y * T.exp(x) / (0.25 * T.exp(x) + 4 * T.exp(y) + 1)),
    ],
    "hypot_of_many": [
        on(v("x"), v("y"), v("z"), build=lambda x, y, z: T.sqrt(T.sqr(x) + T.sqr(y) + T.sqr(z))),
        on(v("x"), build=lambda x: T.sqrt(T.sqr(x) + 2)),
    ],
    "weighted_softmax_by_exps": [
        on(m("x"), m("w"), build=lambda x, w: T.exp(x) / (T.exp(x) * T.sqr(w)).sum(axis=1, keepdims=True)),
        on(m("x"), build=lambda x: 0.5 * T.exp(x) / (0.25 * T.exp(x)).sum(axis=0, keepdims=True)),
    ],
    "dot_with_zero": [
        on(m("x"), build=lambda x: T.dot(x, T.zeros_like(x).T)), on(v("x"), build=lambda x: T.dot(x, T.zeros_like(x)))],
    "dot_over_one_term": [
        on(v("x"), v("y"), build=lambda x, y: T.dot(x.dimshuffle(0, "x"), y.dimshuffle("x", 0))),
        on(v("x"), build=lambda x: T.dot(x.dimshuffle(0, "x"), T.constant([2.0]))),
    ],
    "blas_product": [
        on(m("x"), m("y"), build=lambda x, y: x - 0.5 * T.dot(x, y)),
        on(m("x"), m("y"), sc("a"), build=lambda x, y, a: a * (T.dot(x, y) * 2 + 3 * y) / 4),
        on(m("x"), v("y"), build=lambda x, y: y - 0.1 * T.dot(x, y)),
        on(m("x"), v("y"), build=lambda x, y: y + T.dot(y, x)),
        on(m("x"), v("y"), build=lambda x, y: x + 2 * T.dot(y.dimshuffle(0, "x"), y.dimshuffle("x", 0))),
    ],
    "softmax_by_exps": [
        on(m(), build=lambda x: T.exp(x) / T.exp(x).sum(axis=1, keepdims=True)),
        on(m(), build=lambda x: T.exp(x) / T.exp(x).sum(axis=0, keepdims=True)),
        on(v(), build=lambda x: 3 * T.exp(x) / T.exp(x).sum(keepdims=True)),
    ],
    "softmax_by_sum_of_quotients": [
        on(m("x"), m("y"), build=lambda x, y: T.exp(x) * keepdims(
            -(y / keepdims(T.exp(x).sum(axis=1), 1)).sum(axis=1), 1)),
        on(m("x"), m("y"), build=lambda x, y: T.exp(x) * keepdims(
            T.switch(y > 0, y / keepdims(T.exp(x).sum(axis=0), 0), 0.0).sum(axis=0), 0)),
    ],
    "log_sum_exp": [
        on(m(), build=lambda x: T.log(T.exp(x).sum(axis=1))), on(v(), build=lambda x: T.log(T.exp(x).sum())),
        on(m(), build=lambda x: T.log(T.exp(x).sum(axis=1, keepdims=True))),
    ],
    "log_softmax_by_log_sum_exp": [on(m(), build=lambda x: x - keepdims(LogSumExp((1,))(x), 1))],
    "log_of_softmax": [
        on(m(), build=lambda x: T.log(Softmax((1,))(x))), on(m(), build=lambda x: T.log(Softmax((0,))(x)[1])),
        on(m(), build=lambda x: T.log(Softmax((1,))(x).T))],
    "exp_of_log_softmax": [on(m(), build=lambda x: T.exp(LogSoftmax((1,))(x)))],
    "weighted_log_of_softmax": [
        on(m("x"), m("y"), build=lambda x, y: s.ScalarOp.registry["xlogy0"](y, Softmax((1,))(x)))],
    "open_softmax": [
        on(m(), build=lambda x: Softmax((1,))(x)), on(m(), build=lambda x: Softmax(None)(x)),
        on(m(), build=lambda x: Softmax((1,))(shifted(x, 1))), on(m(), build=lambda x: Softmax((0,))(shifted(x, 1))),
    ],
    "open_log_softmax": [
        on(m(), build=lambda x: LogSoftmax((0,))(x)), on(m(), build=lambda x: LogSoftmax((0,))(shifted(x, 0)))],
    "open_log_sum_exp": [
        on(m(), build=lambda x: LogSumExp((1,))(x)), on(v(), build=lambda x: LogSumExp(None)(x)),
        on(m(), build=lambda x: LogSumExp((1,))(shifted(x, 1))),
        on(m(), build=lambda x: LogSumExp(None)(shifted(x, 1))),
    ],
    "selected_log_softmax": [
        on(m(), build=lambda x: LogSoftmax((1,))(x)[T.arange(x.shape[0]), T.argmin(abs(x), axis=1)]),
        on(m(), build=lambda x: LogSoftmax((1,))(x)[T.constant([2, 0]), T.constant([0, 1])]),
        on(m(), build=lambda x: LogSoftmax((1,))(shifted(x, 1))[T.constant([2, 0]), T.constant([0, 1])]),
    ],
    "written_out": [
        on(m("x"), v("b"), build=lambda x, b: T.nnet.softmax_with_bias(x, b)),
        on(m("x"), build=lambda x: T.nnet.crossentropy_categorical_1hot(x, T.constant([0, 2, 1]))),
        on(v("g"), m("x"), build=lambda g, x: T.nnet.crossentropy_categorical_1hot_grad(g, x, T.constant([0, 2, 1]))),
        on(v("g"), m("x"),
           build=lambda g, x: T.nnet.crossentropy_softmax_1hot_with_bias_dx(g, x, T.constant([0, 2, 1]))),
        *[on(m("x"), v("b"), build=lambda x, b, n=n: T.nnet.crossentropy_softmax_argmax_1hot_with_bias(
            x, b, T.constant([0, 2, 1]))[n]) for n in range(3)],
    ],
    "log_of_sum_of_exps": [
        on(v("x"), v("y"), build=lambda x, y: T.log(T.exp(x) + T.exp(y))),
        on(v("x"), v("y"), build=lambda x, y: T.log(T.exp(x) + 2 + T.exp(y))),
        on(v("x"), build=lambda x: T.log(0.25 + 0.75 * T.exp(x))),
        on(v("x"), v("y"), build=lambda x, y: T.log(T.nnet.sigmoid(y) + T.nnet.sigmoid(-y) * T.exp(x))),
        on(v("x"), v("y"), build=lambda x, y: T.log(T.nnet.sigmoid(y) * T.exp(x) + 2 * T.nnet.sigmoid(-y))),
    ],
    "powers_over_sum_with_square": [
        on(v(), build=lambda x: T.sqr(x) / (1 + T.sqr(x))),
        on(v(), build=lambda x: x**3 / (2 + 3 * T.sqr(x)) ** 1.5),
        on(v("x"), v("y"), build=lambda x, y: y * x * (0.5 + T.sqr(x)) ** -2.5 * x / y),
        on(v("x", "float32"), build=lambda x: 3 * x**4 / T.sqr(2 + T.sqr(x))),
    ],
    "square_in_steps": [
        on(v(), build=lambda x: T.sqr(x) * T.exp(-T.sqr(x))), on(v(), build=lambda x: T.sqr(x) / T.cosh(x)),
        on(v("x"), v("y"), build=lambda x, y: T.mul(y, T.sqr(x), (1 + T.sqr(x)) ** -3.5)),
    ],
    "exp_over_expm1_of_exp": [
        on(v(), build=lambda x: T.exp(x) / T.expm1(T.exp(x))),
        on(v("x"), v("y"), build=lambda x, y: y * T.exp(-x) / (T.expm1(T.exp(-x)) * T.cosh(y))),
    ],
    "scaled_gaussian_over_erfc": [
        on(v(), build=lambda x: T.exp(-T.sqr(x) / 4) / T.erfc(x / 2)),
        on(v(), build=lambda x: 3 * T.exp(-T.sqr(x) / 4 - T.sqr(x / 2)) / T.sqr(T.erfc(-x / 2))),
    ],
    "log_of_quotient_by_sum": [
        on(v(), build=lambda x: T.log(3 / (1 + T.sqr(x)))), on(v(), build=lambda x: T.log(3 * (1 + T.sqr(x)))),
        on(v("x"), v("y"), build=lambda x, y: T.log(y / T.sqr(1 + T.sqr(x)))),
    ],
    "log_of_difference_of_erfs": [
        on(v("x"), v("y"), build=lambda x, y: T.log(T.erf(x) - T.erf(y))),
        on(v("x"), v("y"), build=lambda x, y: T.log(0.5 * T.erfc(x) - 0.5 * T.erfc(-y))),
        on(v("x", "float32"), v("y", "float32"), build=lambda x, y: T.log(2 * (T.erfc(y) - T.erfc(x)))),
    ],
    "gaussian_over_difference_of_erfs": [
        on(v("x"), v("y"), build=lambda x, y: T.exp(-T.sqr(x)) / (T.erf(x) - T.erf(y))),
        on(v("x"), v("y"), build=lambda x, y: 3 * T.exp(-T.sqr(x)) / (0.5 * T.erfc(-y) - 0.5 * T.erfc(-x))),
        on(v("x"), v("y"), build=lambda x, y: (y * T.exp(-T.sqr(y)) - 2 * T.exp(-T.sqr(x))) / (T.erfc(y) - T.erfc(x))),
    ],
    "log_of_number_plus_square": [
        on(v(), build=lambda x: T.log(4 + T.sqr(x))),
        on(v("x", "float32"), build=lambda x: T.log(2 + 3 * T.sqr(x))),
    ],
    "log_of_power": [on(v(), build=lambda x: T.log(x**3)), on(v(), build=lambda x: T.log(x**4)),
                     on(v(), build=lambda x: T.log(x**0.7)), on(v(), build=lambda x: T.log(3 * T.sqr(x)))],
    "odd_of_negative": [on(v(), build=lambda x: T.sin(-x)), on(v(), build=lambda x: T.tanh(-x))],
    "even_of_negative": [on(v(), build=lambda x: T.cos(-x)), on(v(), build=lambda x: T.cosh(abs(x)))],
    "inverse_pair": [
        on(v(), build=lambda x: T.arcsinh(T.sinh(x))), on(v(), build=lambda x: T.arctanh(T.tanh(x))),
        on(v(), build=lambda x: log1mexp(log1mexp(-T.sqr(x))))],
    "factor_into_switch": [
        on(v("x"), v("y"), build=lambda x, y: x * T.switch(y > 0, 0.0, y)),
        on(v("x"), v("y"), build=lambda x, y: x * T.switch(y > 0, y, 0.0))],
    "switch_over_divisor": [on(v("x"), v("y"), build=lambda x, y: T.switch(y > 0, 0.0, y) / x)],
}
# rules on matrices need matrices that can be inverted and factored: test_matrix_rules.py; on loops: test_loop_rules.py
ELSEWHERE = (*MATRICES, *DETERMINANTS_BY_FACTORS, *LOOPS, drop_hint)
FUNCTIONS = [rule for rule in RULES.values() if rule.sides is None and rule not in ELSEWHERE]
CASES = [pytest.param(name, n, id=f"{name}-{n}") for name, found in EXAMPLES.items() for n in range(len(found))]
# the new value may be finite where NaN or inf was, and in these also another finite one for NaN or inf that was given
IGNORE_SPECIAL = {"fold_constants", "zero_factor", "dot_with_zero", "argmax_of_softmax"}


def test_every_function_rule_has_an_example() -> None:
    assert {rule.name for rule in FUNCTIONS} <= set(EXAMPLES)
    assert set(EXAMPLES) <= {rule.name for rule in FUNCTIONS}


def sample(kind: TensorType, rng: np.random.Generator) -> np.ndarray:
    shape = tuple(3 if n is None else n for n in kind.shape)
    if kind.dtype == "bool":
        return rng.random(shape) < 0.5
    if kind.dtype.startswith(("int", "uint")):
        return rng.integers(0 if kind.dtype[0] == "u" else -5, 6, shape).astype(kind.dtype)
    return np.asarray(rng.normal(size=shape) * 2).astype(kind.dtype)


def rewritten(name: str, number: int) -> tuple[list[Any], Any, Any]:
    inputs, before = EXAMPLES[name][number]()
    after, copies, fired = applied(RULES[name], inputs, before)
    assert fired, f"{name} does not apply"
    return inputs, before, clone_replace(after, dict(zip(copies, inputs)))


@pytest.mark.parametrize("name, number", CASES)
def test_example(name: str, number: int) -> None:
    inputs, before, after = rewritten(name, number)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        values = {x: sample(x.type, rng) for x in inputs}
        check(before, after, values, name, RULES[name].assumes)


@pytest.mark.parametrize("name, number", CASES)
def test_special_values(name: str, number: int) -> None:
    """0, -0, inf, NaN, tiny and huge: finite results stay finite and right."""
    inputs, before, after = rewritten(name, number)
    if name in IGNORE_SPECIAL or any(x.type.ndim != 1 for x in inputs):
        pytest.skip("not element by element")
    (dtype,) = {x.type.dtype for x in inputs}
    values = dict(zip(inputs, grid(len(inputs), dtype)))
    if before.type.ndim != 1 or evaluate([before], values)[0].shape != values[inputs[0]].shape:
        pytest.skip("not element by element")
    check(before, after, values, name, RULES[name].assumes)


@pytest.mark.parametrize("name, number", CASES)
def test_no_elements(name: str, number: int) -> None:
    """Empty arrays give what they gave, or the error that they gave."""
    inputs, before, after = rewritten(name, number)
    values = {
        x: np.zeros(tuple(0 if n is None else n for n in x.type.shape), x.type.dtype) for x in inputs
    }
    try:
        expected = evaluate([before], values)[0]
    except (ValueError, IndexError):
        return
    found = evaluate([after], values)[0]
    assert found.shape == expected.shape and found.dtype == expected.dtype
    assert np.array_equal(found, expected, equal_nan=found.dtype.kind == "f")


@pytest.mark.parametrize("shape", [(5, 0), (0, 5), (0, 0)])
def test_softmax_over_no_elements(shape: tuple[int, int]) -> None:
    x = T.dmatrix("x")
    f = theano.function([x], [T.nnet.softmax(x), LogSoftmax((1,))(x), LogSumExp((1,))(x)])
    softmax, log_softmax, log_sum_exp = f(np.zeros(shape))
    assert softmax.shape == log_softmax.shape == shape
    np.testing.assert_array_equal(log_sum_exp, np.full(shape[0], -np.inf if shape[1] == 0 else np.log(5)))


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_sum_of_no_elements_is_zero_whatever_they_would_be(value: float) -> None:
    a, x = sc("a"), m("x")
    for build in (lambda: Alloc()(a, Shape_i(0)(x), np.int64(4)).sum(), lambda: second(x, a).sum(axis=0)):
        before = build()
        after, copies, fired = applied(RULES["reduction_of_constant"], [a, x], before)
        assert fired
        for shape in ((0, 4), (2, 4)):
            values = [np.asarray(value), np.zeros(shape)]
            expected = evaluate([before], dict(zip([a, x], values)))[0]
            np.testing.assert_array_equal(evaluate([after], dict(zip(copies, values)))[0], expected)


def test_identity_is_tested_on_its_record() -> None:
    assert EXAMPLES["identity"][0]()[1].owner.op.scalar_op is identity


@pytest.mark.parametrize("count", [5, 127, 128, 200, 300])
@pytest.mark.parametrize("dtype", [
    "int8", "uint8", "int16", "int64", "uint64", "float16", "float32", "float64", "complex64", "complex128",
])
def test_products_of_many_equal_factors(dtype: str, count: int) -> None:
    """The exponent was an int8: from 128 factors on the rule failed, and of uint64 it went by float64."""
    x, y = TensorType(dtype, (None,))("x"), TensorType(dtype, (None,))("y")
    out = y
    for _ in range(count):
        out = out * x
    after, inputs, fired = applied(RULES["like_factors"], [x, y], out)
    assert fired or (dtype in ("int8", "uint8") and count > np.iinfo(dtype).max)
    whole = np.dtype(dtype).kind in "iu"
    values = np.array([0, 1, 2, 3, 5], dtype) if whole else np.array([0, 1, -1, 0.99, -1.01], dtype)
    before, = evaluate([out], {x: values, y: values})
    found, = evaluate([after], dict(zip(inputs, [values, values])))
    assert found.dtype == before.dtype
    np.testing.assert_allclose(found, before, rtol=0 if whole else 4 * count * float(np.finfo(dtype).eps))
