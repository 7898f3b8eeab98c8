"""Values that an expression cannot work on: each kind of mistake, as a table, in every mode.

A case's expression stands on a line of its own, and the report must show that line: also where the failing node was
fused with others or replaced by a rewrite. After the failure the function works on good data, shared values are as
before, and arguments were not touched.
"""

import os

import numpy as np
import pytest
from report_form import fails_in_every_mode

import theano.tensor as tt

HERE = os.path.abspath(__file__)

x, y, z = tt.dvectors("x", "y", "z")
m, n, k = tt.dmatrices("m", "n", "k")
t, u = tt.dtensor3s("t", "u")
a, b = tt.fmatrices("a", "b")
i, j = tt.lscalars("i", "j")
p, q = tt.lvectors("p", "q")
mask = tt.TensorType("bool", (False,))("mask")
mask2 = tt.TensorType("bool", (False, False))("mask2")
r = tt.drow("r")
s = tt.dscalar("s")
five = tt.TensorType("float64", (5,))("five")
three = tt.TensorType("float64", (3,))("three")
r3 = tt.TensorType("float64", (1, 3))("r3")

# 4, which is known when it has been folded
FOUR = tt.constant(np.array([1, 3])).sum()
V2, V3, V4 = np.ones(2), np.ones(3), np.ones(4)
W = np.ones((2, 3))
S = np.eye(3)
T234, T334 = np.ones((2, 3, 4)), np.ones((3, 3, 4))


def f32(value):
    return np.asarray(value, "float32")


# name: (inputs, expression, exception, bad arguments, good arguments, further texts that the report must show)
ELEMENTWISE = {
    "add": ([x, y], x + y, ValueError, (V2, V3), (V2, V2), ["x + y", "(2,)", "(3,)", "float64"]),
    "sub of empty": ([x, y], x - y, ValueError, (V2, np.ones(0)), (V2, V2), ["x - y", "(0,)"]),
    "one does not broadcast": ([x, y], x / y, ValueError, (V3, np.ones(1)), (V3, V3), ["x / y", "(1,)"]),
    "matrix and vector": ([m, x], m * x, ValueError, (W, V2), (W, V3), ["m * x", "(2, 3)"]),
    "row": ([m, r], m + r, ValueError, (W, np.ones((1, 2))), (W, np.ones((1, 3))), ["m + r", "(1, 2)"]),
    "power": ([x, y], x**y, ValueError, (V2, V3), (V2, V2), ["x**y"]),
    "maximum": ([x, y], tt.maximum(x, y), ValueError, (V2, V3), (V2, V2), ["tt.maximum(x, y)"]),
    "comparison": ([x, y], x < y, ValueError, (V2, V3), (V2, V2), ["x < y"]),
    "switch": ([mask, x, y], tt.switch(mask, x, y), ValueError, (V2 > 0, V2, V3), (V2 > 0, V2, V2), ["tt.switch("]),
    "clip": ([x, y, z], tt.clip(x, y, z), ValueError, (V2, V2, V3), (V2, V2, V2), ["tt.clip(x, y, z)"]),
    "float32": ([a, b], a * b, ValueError, (f32(W), f32(S)), (f32(W), f32(W)), ["a * b", "float32"]),
    "integers": ([p, q], p // q, ValueError, (np.ones(2, int), np.ones(3, int)), ([1], [1]), ["p // q", "int64"]),
    "fused before": ([x, y], tt.exp(tt.tanh(x + y)), ValueError, (V2, V3), (V2, V2), ["x + y"]),
    "fused after": ([x, y], (tt.exp(x) + tt.sin(y)).sum(), ValueError, (V2, V3), (V2, V2), ["tt.exp(x) + tt.sin(y)"]),
    "rewritten to softplus": (
        [x, y], tt.log(1 + tt.exp(x * y)), ValueError, (V2, V3), (V2, V2), ["x * y"]),
    "rewritten to log1p": ([x, y], tt.log(1 + x * y), ValueError, (V2, V3), (V2, V2), ["x * y"]),
    "of transposes": ([m, n], (m.T + n).T, ValueError, (W, W), (S, S), ["m.T + n"]),
    "of slices": ([x], x[1:] + x[:-2], ValueError, (V4,), (np.ones(1),), ["x[1:] + x[:-2]"]),
    "of reshaped": ([x, y], x.reshape((2, 2)) + y, ValueError, (V4, V3), (V4, V2), ["x.reshape((2, 2)) + y"]),
    "cancelled": ([x, y], x + y - x, ValueError, (V2, V3), (V2, V2), ["x + y"]),
    "only its shape is used": ([x, y], (x * y).shape, ValueError, (V2, V3), (V2, V2), ["x * y"]),
    "under a reduction of nothing": ([m, n], (m * n).sum(axis=[]), ValueError, (W, S), (W, W), ["m * n"]),
    "integer division by zero": ([p, q], p + q // 2 + p % 3 + tt.zeros(2), ValueError,
                                 ([1, 2, 3], [1, 2, 3]), ([1, 2], [3, 4]), ["p + q // 2"]),
}  # fmt: skip

PRODUCTS = {
    "dot of vectors": ([x, y], tt.dot(x, y), ValueError, (V2, V3), (V2, V2), ["tt.dot(x, y)", "(2,)", "(3,)"]),
    "dot of matrices": ([m, n], tt.dot(m, n), ValueError, (W, W), (S, S), ["tt.dot(m, n)", "(2, 3)"]),
    "matrix times vector": ([m, x], tt.dot(m, x), ValueError, (W, V2), (W, V3), ["tt.dot(m, x)", "(2,)"]),
    "vector times matrix": ([m, x], tt.dot(x, m), ValueError, (W, V3), (W, V2), ["tt.dot(x, m)"]),
    "dot of float32": ([a, b], tt.dot(a, b), ValueError, (f32(W), f32(W)), (f32(S), f32(S)), ["tt.dot(a, b)"]),
    "dot of integers": ([p, q], tt.dot(p, q), ValueError, ([1, 2], [1, 2, 3]), ([1], [1]), ["tt.dot(p, q)"]),
    "matmul": ([m, n], m @ n, ValueError, (W, W), (S, S), ["m @ n"]),
    "dot of transposes": ([m, n], tt.dot(m.T, n.T), ValueError, (W, S), (S, S), ["tt.dot(m.T, n.T)"]),
    "gemm, factors": ([m, n, k], 2 * tt.dot(m, n) + 3 * k, ValueError, (W, W, S), (S, S, S), ["tt.dot(m, n)"]),
    "gemm, addend": ([m, n, k], tt.dot(m, n) + 3 * k, ValueError, (S, S, W), (S, S, S), ["tt.dot(m, n) + 3 * k"]),
    "gemv, addend": ([m, x, y], tt.dot(m, x) + y, ValueError, (W, V3, V3), (W, V3, V2), ["tt.dot(m, x) + y"]),
    "ger, addend": ([m, x, y], m + 0.5 * tt.outer(x, y), ValueError, (W, V3, V3), (W, V2, V3),
                    ["m + 0.5 * tt.outer(x, y)"]),
    "batched_dot, batches": ([t, u], tt.batched_dot(t, u), ValueError,
                             (T234, np.ones((3, 4, 2))), (T234, np.ones((2, 4, 2))), ["tt.batched_dot(t, u)"]),
    "batched_dot, inner": ([t, u], tt.batched_dot(t, u), ValueError,
                           (T234, np.ones((2, 3, 2))), (T234, np.ones((2, 4, 2))), ["tt.batched_dot(t, u)"]),
    "tensordot": ([t, u], tt.tensordot(t, u, axes=[[1, 2], [1, 0]]), ValueError,
                  (T234, T234), (T234, np.ones((4, 3, 5))), ["tt.tensordot(t, u"]),
    "dot, empty": ([m, n], tt.dot(m, n), ValueError, (np.ones((2, 0)), W), (np.ones((2, 0)), np.ones((0, 2))),
                   ["tt.dot(m, n)", "(2, 0)"]),
    "einsum": ([m, n], tt.einsum("ij,jk->ik", m, n), ValueError, (W, W), (S, S), ["tt.einsum("]),
}  # fmt: skip

SHAPES = {
    "join": ([m, n], tt.join(0, m, n), ValueError, (W, S[:, :2]), (W, S), ["tt.join(0, m, n)", "(2, 3)", "(3, 2)"]),
    "join of last axis": ([m, n], tt.join(-1, m, n), ValueError, (W, S), (W, W), ["tt.join(-1, m, n)"]),
    "join, symbolic axis": ([i, m, n], tt.join(i, m, n), ValueError, (1, W, S), (0, W, S), ["tt.join(i, m, n)"]),
    "join, axis out of range": ([i, m, n], tt.join(i, m, n), IndexError, (2, S, S), (1, S, S), ["tt.join(i, m, n)"]),
    "concatenate of three": ([x, m, n], tt.concatenate([m, x.dimshuffle("x", 0), n]), ValueError,
                             (V2, W, W), (V3, W, W), ["tt.concatenate("]),
    "stack": ([x, y], tt.stack([x, y]), ValueError, (V2, V3), (V2, V2), ["tt.stack([x, y])"]),
    "horizontal_stack": ([m, n], tt.horizontal_stack(m, n), ValueError, (W, S), (W, W), ["tt.horizontal_stack(m, n)"]),
    "split, sum of sizes": ([x, p], tt.split(x, p, 2)[0], ValueError, (V4, [2, 3]), (V4, [2, 2]),
        ["tt.split(x, p, 2)"]),
    "split, number of sizes": ([x, p], tt.split(x, p, 2)[0], ValueError, (V4, [4]), (V4, [2, 2]),
        ["tt.split(x, p, 2)"]),
    "split, negative size": ([x, p], tt.split(x, p, 2)[0], ValueError, (V4, [5, -1]), (V4, [4, 0]), ["tt.split("]),
    "reshape": ([x], x.reshape((2, 3)), ValueError, (V4,), (np.ones(6),), ["x.reshape((2, 3))", "(4,)"]),
    "reshape, symbolic": ([x, i], x.reshape((i, 2)), ValueError, (V4, 3), (V4, 2), ["x.reshape((i, 2))"]),
    "reshape, unknown length": ([x, i], x.reshape((i, -1)), ValueError, (V4, 3), (V4, 2), ["x.reshape((i, -1))"]),
    "reshape, -1 of nothing": ([x, i], x.reshape((i, -1)), ValueError, (np.ones(0), 0), (V4, 2),
        ["x.reshape((i, -1))"]),
    "reshape, negative": ([x, i], x.reshape((i, 2)), ValueError, (V4, -2), (V4, 2), ["x.reshape((i, 2))"]),
    "reshape, two unknown": ([x, i], x.reshape((i, -1)), ValueError, (V4, -1), (V4, 2), ["x.reshape((i, -1))"]),
    "reshape, a vector": ([x, p], x.reshape(p, ndim=2), ValueError, (V4, [1, 2, 2]), (V4, [2, 2]), ["x.reshape(p"]),
    "reshape of a transpose": ([m], m.T.reshape((4,)), ValueError, (W,), (np.ones((2, 2)),), ["m.T.reshape((4,))"]),
    "reshape, of which nothing is left": ([x], x.reshape((0, 3)) * 2, ValueError, (V2,), (np.ones(0),), ["(0, 3)"]),
    "reshape, of which the shape is left": ([x], x.reshape((2, 3)).shape, ValueError, (V2,), (np.ones(6),), ["(2, 3)"]),
    "split, of which nothing is left": ([x], tt.split(x, [0, 2], 2)[0] * 2, ValueError, (V3,), (V2,), ["[0, 2]"]),
    # lengths that follow from another operand, of which the compiler makes use
    "alloc beside a known length": ([x, three], tt.alloc(1.0, x.shape[0]) + three, ValueError, (V2, V3), (V3, V3),
                                    ["+ three"]),
    "product of zeros": ([m, three], tt.dot(tt.zeros((2, m.shape[1])), three), ValueError, (S[:, :2], V3), (S, V3),
                         ["tt.dot(tt.zeros("]),
    "join of ones": ([m, r3], tt.join(0, tt.ones((1, m.shape[1])), r3), ValueError, (S[:, :2], S[:1]), (S, S[:1]),
                     ["tt.join(0, tt.ones("]),
    "split of ones": ([x], tt.split(tt.ones((x.shape[0],)), [1, 2], 2)[0], ValueError, (V4,), (V3,), ["[1, 2], 2)"]),
    "reshaped ones": ([x], tt.ones((x.shape[0],)).reshape((3,)), ValueError, (V4,), (V3,), [".reshape((3,))"]),
    # lengths that are found out while the function is compiled, where it has to compile and to fail when it runs
    "reshaped ones of a folded length": ([x], (tt.ones(FOUR) * x.sum()).reshape((3,)), ValueError, (V3,), None,
                                         [".reshape((3,))"]),
    "split of a folded length": ([x], tt.split(tt.alloc(x.sum(), FOUR), [1, 2], 2)[0], ValueError, (V3,), None,
                                 ["[1, 2], 2)"]),
    "added to a folded length": ([three], tt.zeros(FOUR) + three, ValueError, (V3,), None, ["+ three"]),
    "stated of a folded length": ([x], tt.specify_shape(tt.alloc(x.sum(), FOUR), (3,)) * 2, AssertionError, (V3,),
                                  None, ["tt.specify_shape("]),
    "specify_shape": ([x], tt.specify_shape(x, (3,)) * 2, AssertionError, (V2,), (V3,), ["tt.specify_shape(x, (3,))"]),
    "specify_shape, symbolic": ([x, i], tt.specify_shape(x, [i]) * 2, AssertionError, (V2, 3), (V3, 3),
                                ["tt.specify_shape(x, [i])"]),
    "addbroadcast": ([m], tt.addbroadcast(m, 0) * 2, ValueError, (W,), (np.ones((1, 3)),), ["tt.addbroadcast(m, 0)"]),
    "addbroadcast and drop": ([m], tt.addbroadcast(m, 0).dimshuffle(1), ValueError, (W,), (np.ones((1, 3)),),
                              ["tt.addbroadcast(m, 0)"]),
    "patternbroadcast": ([x], tt.patternbroadcast(x, (True,)) + tt.zeros((3,)), ValueError, (V3,), (np.ones(1),),
                         ["tt.patternbroadcast(x"]),
    "alloc": ([x, i], tt.alloc(x, 2, i), ValueError, (V2, 3), (V3, 3), ["tt.alloc(x, 2, i)"]),
    "repeat, negative": ([x, i], tt.repeat(x, i), ValueError, (V3, -1), (V3, 2), ["tt.repeat(x, i)"]),
    "repeat, lengths": ([x, p], tt.repeat(x, p), ValueError, (V3, [1, 2]), (V3, [1, 2, 0]), ["tt.repeat(x, p)"]),
    "diag of three axes": ([x, y], tt.diag(x) + y, ValueError, (V3, V2), (V3, V3), ["tt.diag(x) + y"]),
    "fill": ([x, y], tt.fill(x, y), ValueError, (V2, V3), (V2, V2), ["tt.fill(x, y)"]),
    "permute rows": ([x, p], tt.permute_row_elements(x, p), ValueError, (V3, [0, 1, 3]), (V3, [0, 2, 1]),
                     ["tt.permute_row_elements(x, p)"]),
}  # fmt: skip

SIZES = {
    "zeros": ([i], tt.zeros((i,)), ValueError, (-1,), (2,), ["tt.zeros((i,))"]),
    "ones and more": ([i], tt.ones((i, 2)) * 2 + 1, ValueError, (-3,), (2,), ["tt.ones((i, 2))", "-3"]),
    "alloc": ([i, s], tt.alloc(s, 2, i), ValueError, (-1, 1.0), (2, 1.0), ["tt.alloc(s, 2, i)"]),
    "alloc, summed": ([i, s], tt.alloc(s, i).sum(), ValueError, (-1, 1.0), (2, 1.0), ["tt.alloc(s, i)"]),
    "alloc, shape only": ([i, s], tt.alloc(s, i).shape[0], ValueError, (-1, 1.0), (2, 1.0), ["tt.alloc(s, i)"]),
    "eye": ([i], tt.eye(i), ValueError, (-2,), (2,), ["tt.eye(i)"]),
    "tri": ([i], tt.tri(i), ValueError, (-2,), (2,), ["tt.tri(i)"]),
    "absurd": ([i], tt.zeros((i, i)) + 1, MemoryError, (2**40,), (2,), ["tt.zeros((i, i))"]),
    "absurd, above 2**63 bytes": ([i], tt.zeros((i,)) + 1, MemoryError, (2**61,), (2,), ["tt.zeros((i,))"]),
    "absurd, wraps around": ([i], tt.zeros((i, i, i)) + 1, MemoryError, (2**62,), (2,), ["tt.zeros((i, i, i))"]),
    "absurd, ones": ([i], tt.ones((i,)), MemoryError, (2**50,), (2,), ["tt.ones((i,))"]),
    "absurd eye": ([i], tt.eye(i), MemoryError, (2**30,), (2,), ["tt.eye(i)"]),
    "absurd arange": ([i], tt.arange(i), MemoryError, (2**55,), (2,), ["tt.arange(i)"]),
    "absurd repeat": ([x, i], tt.repeat(x, i), MemoryError, (V3, 2**50), (V3, 2), ["tt.repeat(x, i)"]),
    "absurd outer": ([i], tt.outer(tt.arange(i), tt.arange(i)), MemoryError, (2**24,), (2,), ["tt.outer("]),
    "absurd, by broadcasting": ([i, j], tt.zeros((i, 1)) * 2 + tt.ones((1, j)), MemoryError, (2**40, 2**40), (2, 2),
                                ["tt.zeros((i, 1)) * 2 + tt.ones((1, j))"]),
    "arange, step zero": ([i], tt.arange(0, 5, i), (ZeroDivisionError, ValueError), (0,), (2,), ["tt.arange(0, 5, i)"]),
    "arange, step 0.0": ([s], tt.arange(0.0, 5.0, s), (ZeroDivisionError, ValueError), (0.0,), (2.0,),
                         ["tt.arange(0.0, 5.0, s)"]),
    "arange to nan": ([s], tt.arange(0.0, s), ValueError, (np.nan,), (2.0,), ["tt.arange(0.0, s)"]),
    "arange to inf": ([s], tt.arange(0.0, s), (ValueError, OverflowError, MemoryError), (np.inf,), (2.0,),
                      ["tt.arange(0.0, s)"]),
}  # fmt: skip

INDICES = {
    "scalar": ([x, i], x[i], IndexError, (V3, 3), (V3, 2), ["x[i]", "3"]),
    "scalar, negative": ([x, i], x[i], IndexError, (V3, -4), (V3, -3), ["x[i]", "-4"]),
    "scalar, constant": ([x], x[5] + 1, IndexError, (V3,), (np.ones(6),), ["x[5]", "5"]),
    "scalar, huge": ([x, i], x[i], IndexError, (V3, 2**63 - 1), (V3, 0), ["x[i]"]),
    "scalar, smallest": ([x, i], x[i], IndexError, (V3, -(2**63)), (V3, 0), ["x[i]"]),
    "of an empty array": ([x], x[0], IndexError, (np.ones(0),), (V3,), ["x[0]"]),
    "second axis": ([m, i], m[:, i], IndexError, (W, 3), (W, 2), ["m[:, i]"]),
    "two scalars": ([m, i, j], m[i, j], IndexError, (W, 0, -4), (W, -2, -3), ["m[i, j]"]),
    "last of an empty slice": ([x], x[2:][-1], IndexError, (V2,), (V3,), ["x[2:][-1]"]),
    "after a reverse": ([x, i], x[::-1][i], IndexError, (V2, 2), (V3, 2), ["x[::-1][i]"]),
    "fused": ([x, i], tt.exp(x[i] * 2) + 1, IndexError, (V3, 3), (V3, 2), ["x[i]"]),
    "of an expression": ([x, i], (x * 2 + 1)[i], IndexError, (V3, 3), (V3, 2), ["(x * 2 + 1)[i]"]),
    "of a sum": ([m, i], m.sum(axis=0)[i], IndexError, (W, 3), (W, 2), ["m.sum(axis=0)[i]"]),
    "of a join": ([x, y, i], tt.concatenate([x, y])[i], IndexError, (V2, V3, 5), (V2, V3, 4), ["tt.concatenate("]),
    "of a shape": ([m, p], m.shape[p], IndexError, (W, [2]), (W, [1]), ["m.shape[p]"]),
    "array": ([x, p], x[p], IndexError, (V3, [0, 3]), (V3, [0, -3]), ["x[p]", "3"]),
    "array, negative": ([x, p], x[p], IndexError, (V3, [0, -4]), (V3, [0, -3]), ["x[p]", "-4"]),
    "array of rows": ([m, p], m[p], IndexError, (W, [2]), (W, [1]), ["m[p]"]),
    "array, second axis": ([m, p], m[:, p], IndexError, (W, [3]), (W, [2]), ["m[:, p]"]),
    "two arrays": ([m, p, q], m[p, q], IndexError, (W, [0, 1], [0, 3]), (W, [0, 1], [0, 2]), ["m[p, q]"]),
    "two arrays, lengths": ([m, p, q], m[p, q], IndexError, (W, [0, 1], [0, 1, 2]), (W, [0], [0]), ["m[p, q]"]),
    "array of an empty axis": ([x, p], x[p], IndexError, (np.ones(0), [0]), (np.ones(0), np.ones(0, int)), ["x[p]"]),
    "array, fused": ([x, p], (x[p] * 2).sum(), IndexError, (V3, [0, 3]), (V3, [0, 2]), ["x[p]"]),
    "array, arange and labels": ([m, p], -tt.log(m)[tt.arange(p.shape[0]), p].mean(), IndexError,
                                 (W, [0, 3]), (W, [0, 2]), ["tt.arange(p.shape[0]), p"]),
    "mask": ([x, mask], x[mask], IndexError, (V3, np.ones(2, bool)), (V3, np.ones(3, bool)), ["x[mask]"]),
    "mask, longer": ([x, mask], x[mask], IndexError, (V3, np.zeros(4, bool)), (V3, np.ones(3, bool)), ["x[mask]"]),
    "mask of rows": ([m, mask], m[mask], IndexError, (W, np.ones(3, bool)), (W, np.ones(2, bool)), ["m[mask]"]),
    "mask of two axes": ([m, mask2], m[mask2], IndexError, (W, S > 0), (W, W > 0), ["m[mask2]"]),
    "slice of step 0": ([x, i], x[::i], ValueError, (V3, 0), (V3, 2), ["x[::i]"]),
    "take": ([x, p], tt.take(x, p), IndexError, (V3, [3]), (V3, [2]), ["tt.take(x, p)"]),
    "choose": ([p, x, y], tt.choose(p, [x, y]), ValueError, ([0, 2], V2, V2), ([0, 1], V2, V2), ["tt.choose(p"]),
    "of a known length": ([five], five[5] * 2, IndexError, (np.ones(5),), None, ["five[5]", "5"]),
    "before a known length": ([five], five[-6] + 1, IndexError, (np.ones(5),), None, ["five[-6]"]),
    "max of no elements": ([five], five[5:].max(), ValueError, (np.ones(5),), None, ["five[5:].max()"]),
    "unused rows": ([m, i], m[i].shape[0], IndexError, (W, 2), (W, 1), ["m[i]"]),
}  # fmt: skip

WRITES = {
    "set a slice": ([x, y], tt.set_subtensor(x[1:3], y), ValueError, (V4, V3), (V4, V2),
        ["tt.set_subtensor(x[1:3], y)"]),
    "inc a slice": ([x, y], tt.inc_subtensor(x[1:3], y), ValueError, (V4, V3), (V4, V2),
        ["tt.inc_subtensor(x[1:3], y)"]),
    "set what was cut short": ([x, y], tt.set_subtensor(x[:3], y), ValueError, (V2, V3), (V3, V3), ["x[:3], y"]),
    "set one": ([x, i, s], tt.set_subtensor(x[i], s), IndexError, (V3, 3, 1.0), (V3, 2, 1.0), ["x[i], s"]),
    "inc one": ([x, i, s], tt.inc_subtensor(x[i], s), IndexError, (V3, -4, 1.0), (V3, -1, 1.0), ["x[i], s"]),
    "set a row": ([m, x], tt.set_subtensor(m[0], x), ValueError, (W, V2), (W, V3), ["m[0], x"]),
    "set rows": ([m, p, n], tt.set_subtensor(m[p], n), ValueError, (W, [0, 1], S), (W, [0, 1], W), ["m[p], n"]),
    "inc rows, width": ([m, p, n], tt.inc_subtensor(m[p], n), ValueError, (W, [0, 1], S[:2, :2]), (W, [0, 1], W),
                        ["m[p], n"]),
    "inc rows, index": ([m, p, n], tt.inc_subtensor(m[p], n), IndexError, (W, [0, 2], W), (W, [0, 1], W), ["m[p], n"]),
    "set by array": ([x, p, y], tt.set_subtensor(x[p], y), IndexError, (V3, [0, 3], V2), (V3, [0, 2], V2), ["x[p], y"]),
    "set by array, lengths": ([x, p, y], tt.set_subtensor(x[p], y), ValueError, (V3, [0, 1], V3), (V3, [0, 1], V2),
                              ["x[p], y"]),
    "inc by arrays": ([m, p, q, y], tt.inc_subtensor(m[p, q], y), IndexError, (W, [0, 1], [0, 3], V2),
                      (W, [0, 1], [0, 2], V2), ["m[p, q], y"]),
    "inc by array and slice, columns": ([m, p, n], tt.inc_subtensor(m[p, ::2], n), ValueError, (W, [0, 1], W),
        (W, [0, 1], W[:, :2]), ["m[p, ::2], n"]),
    "set by array and slice, rows": ([m, p, n], tt.set_subtensor(m[p, 1:], n), ValueError, (W, [0, 1], S[:, :2]),
        (W, [0, 1], W[:, :2]), ["m[p, 1:], n"]),
    "set by slice, array and whole axis": ([t, p, u], tt.set_subtensor(t[:1, p], u), ValueError,
        (T234, [0, 2], T234[:, :2]), (T234, [0, 2], T234[:1, :2]), ["t[:1, p], u"]),
    "set by arrays that are apart": ([t, p, u], tt.set_subtensor(t[p, ::2, p], u[0]), ValueError,
        (T234, [0, 1], T234), (T234, [0, 1], T234[:, :2, :2]), ["t[p, ::2, p], u[0]"]),
    "set by mask": ([x, mask, y], tt.set_subtensor(x[mask], y), (ValueError, IndexError), (V3, V3 > 0, V2),
                    (V3, V3 > 0, V3), ["x[mask], y"]),
    "set by mask of other length": ([x, mask, s], tt.set_subtensor(x[mask], s), IndexError, (V3, V2 > 0, 1.0),
                                    (V3, V3 > 0, 1.0), ["x[mask], s"]),
    "run-time one does not broadcast": ([x, y], tt.set_subtensor(x[1:3], y), ValueError, (V4, np.ones(1)), (V4, V2),
                                        ["x[1:3], y"]),
}  # fmt: skip

REDUCTIONS = {
    "max": ([x], x.max(), ValueError, (np.ones(0),), (V3,), ["x.max()"]),
    "min": ([x], x.min(), ValueError, (np.ones(0),), (V3,), ["x.min()"]),
    "max of axis": ([m], m.max(axis=1), ValueError, (np.ones((2, 0)),), (W,), ["m.max(axis=1)"]),
    "min of axis": ([m], m.min(axis=0), ValueError, (np.ones((0, 3)),), (W,), ["m.min(axis=0)"]),
    "argmax": ([m], tt.argmax(m, axis=1), ValueError, (np.ones((2, 0)),), (W,), ["tt.argmax(m, axis=1)"]),
    "argmin": ([m], tt.argmin(m, axis=0), ValueError, (np.ones((0, 2)),), (W,), ["tt.argmin(m, axis=0)"]),
    "max_and_argmax": ([x], tt.max_and_argmax(x)[1], ValueError, (np.ones(0),), (V3,), ["tt.max_and_argmax(x)"]),
    "ptp": ([x], tt.ptp(x), ValueError, (np.ones(0),), (V3,), ["tt.ptp(x)"]),
    "of a mask that selects nothing": ([x], x[(x > 5).nonzero()].max(), ValueError, (V3,), (V3 * 9,), [".max()"]),
    "max of integers": ([p], p.max(), ValueError, (np.ones(0, int),), (np.ones(2, int),), ["p.max()"]),
}  # fmt: skip

TABLES = {
    "elementwise": ELEMENTWISE,
    "products": PRODUCTS,
    "shapes": SHAPES,
    "sizes": SIZES,
    "indices": INDICES,
    "writes": WRITES,
    "reductions": REDUCTIONS,
}
CASES = {f"{table}: {name}": case for table, cases in TABLES.items() for name, case in cases.items()}


@pytest.mark.parametrize("name", CASES)
def test_report(name):
    fails_in_every_mode(CASES[name], file=HERE)
