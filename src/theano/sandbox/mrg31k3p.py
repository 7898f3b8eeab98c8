"""MRG31k3p, the generator after which `rng_mrg` is named: its recurrence, and how to skip ahead.

L'Ecuyer and Touzin, "Fast combined multiple recursive generators with multipliers of the form a = 2^q +/- 2^r", Winter
Simulation Conference 2000. Two recurrences of order three,

    x[n] = (2**22 x[n-2] + (2**7 + 1) x[n-3]) mod M1,   y[n] = (2**15 y[n-1] + (2**15 + 1) y[n-3]) mod M2,

are subtracted. A state is six integers: x[n-1], x[n-2], x[n-3], y[n-1], y[n-2], y[n-3]. `MRG_RandomStreams` does not
draw from it (see `theano.tensor.random_counter`); programs that use the arithmetic find it here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from theano.graph.node import Apply
from theano.graph.op import Op
from theano.graph.type import disconnected_type
from theano.scalar.dtypes import integer_dtypes
from theano.tensor.convert import as_tensor_variable
from theano.tensor.region import zero_for
from theano.tensor.type import tensor_type

M1 = np.int32(2**31 - 1)
M2 = np.int32(2**31 - 21069)
MASK12 = np.int32(2**9 - 1)
MASK13 = np.int32(2**24 - 1)
MASK2 = np.int32(2**16 - 1)
MULT2 = np.int32(21069)
NORM = 4.656612873077392578125e-10   # 2**-31
np_int32_vals = [np.int32(i) for i in (0, 7, 9, 15, 16, 22, 24)]


def _power(matrix: list[list[int]], exponent_of_two: int, modulus: int) -> np.ndarray:
    """matrix ** (2 ** exponent_of_two) modulo `modulus`."""
    power = np.array(matrix, dtype=object)
    for _ in range(exponent_of_two):
        power = power.dot(power) % modulus
    return power.astype("int64")


_A1 = [[0, 2**22, 2**7 + 1], [1, 0, 0], [0, 1, 0]]
_A2 = [[2**15, 0, 2**15 + 1], [1, 0, 0], [0, 1, 0]]
A1p72, A1p134 = (_power(_A1, e, int(M1)) for e in (72, 134))
A2p72, A2p134 = (_power(_A2, e, int(M2)) for e in (72, 134))


def matVecModM(A: Any, s: Any, m: Any) -> np.ndarray:
    """(A s) mod m as int32, exact for entries below 2**31."""
    A, s = np.asarray(A), np.asarray(s)
    rows = [sum(int(a) * int(x) for a, x in zip(row, s)) % int(m) for row in A]
    return np.asarray(rows, dtype="int64").astype("int32")


def multMatVect(v: Any, A: Any, m1: Any, B: Any, m2: Any) -> np.ndarray:
    """A v[:3] mod m1 and B v[3:] mod m2, joined: a state moved on by the matrices."""
    v = np.asarray(v)
    return np.concatenate([matVecModM(A, v[:3], m1), matVecModM(B, v[3:], m2)])


def ff_2p72(rstate: Any) -> np.ndarray:
    """The state 2**72 steps later."""
    return multMatVect(rstate, A1p72, M1, A2p72, M2)


def ff_2p134(rstate: Any) -> np.ndarray:
    """The state 2**134 steps later."""
    return multMatVect(rstate, A1p134, M1, A2p134, M2)


def mrg_next_value(rstate: Any, new_rstate: Any, NORM: float, mask: Any, offset: Any) -> Any:
    """One step: writes the state after `rstate` into `new_rstate` and returns the next number.

    The number is ((x - y) mod M1, from 1 to M1; masked by `mask`, plus `offset`) times NORM: with -1 and 0 as mask and
    offset a float in (0, 1).
    """
    x1, x2, x3, y1, y2, y3 = (int(v) for v in rstate)
    x = (2**22 * x2 + (2**7 + 1) * x3) % int(M1)
    y = (2**15 * y1 + (2**15 + 1) * y3) % int(M2)
    new_rstate[...] = [x, x1, x2, y, y1, y2]
    difference = x - y if x > y else x - y + int(M1)
    return np.float64((difference & int(mask)) + int(offset)) * NORM


class DotModulo(Op):
    """(A s mod m) and (A2 s2 mod m2) joined into one vector of int32."""

    __props__ = ()

    def make_node(self, A: Any, s: Any, m: Any, A2: Any, s2: Any, m2: Any) -> Apply:
        inputs = [as_tensor_variable(v) for v in (A, s, m, A2, s2, m2)]
        for name, rank, v in zip(("A", "s", "m", "A2", "s2", "m2"), (2, 1, 0) * 2, inputs):
            if v.ndim != rank or v.dtype not in integer_dtypes:
                raise TypeError(f"DotModulo: {name} must be integers with {rank} axes, got {v} of type {v.type}")
        return Apply(self, inputs, [tensor_type("int32", (None,))()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        A, s, m, A2, s2, m2 = inputs
        if A.shape[1:] != s.shape or A2.shape[1:] != s2.shape:
            raise ValueError(f"DotModulo: shapes {A.shape}, {s.shape} and {A2.shape}, {s2.shape} do not fit")
        output_storage[0][0] = np.concatenate([matVecModM(A, s, m), matVecModM(A2, s2, m2)])

    def infer_shape(self, node: Apply, input_shapes: Sequence[Any]) -> list[Any]:
        return [(input_shapes[0][0] + input_shapes[3][0],)]

    def L_op(self, inputs: Sequence[Any], outputs: Sequence[Any], output_gradients: Sequence[Any]) -> list[Any]:
        moduli = (2, 5)
        return [disconnected_type() if k in moduli else zero_for(v) for k, v in enumerate(inputs)]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[k not in (2, 5)] for k in range(6)]
