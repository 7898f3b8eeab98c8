"""What may be computed before a loop, also if the loop makes no step: ops say of themselves that they have a result."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import theano
import theano.tensor as T
from theano.graph.evaluate import evaluate
from theano.scalar.exponential import exp
from theano.tensor.careduce import CAReduce, Max, Min, Prod, Sum, Supremum
from theano.tensor.dimshuffle import DimShuffle
from theano.tensor.elemwise import elemwise_of
from theano.tensor.linear.factors import Cholesky
from theano.tensor.products import Dot

X = T.dmatrix("X")
REDUCTIONS = [Sum(0), Prod(0), Supremum(0), Max(0), Min(0)]


@pytest.mark.parametrize("op", REDUCTIONS, ids=str)
def test_a_reduction_is_total_if_it_has_a_result_of_nothing(op: CAReduce) -> None:
    out, nothing = op(X), {X: np.zeros((0, 3))}
    if op.is_total:
        assert evaluate([out], nothing)[0].shape == (3,)
    else:
        with pytest.raises(ValueError, match="nothing to reduce"):
            evaluate([out], nothing)


def test_others() -> None:
    for op in (elemwise_of(exp), DimShuffle((False, False), (1, 0)), Dot()):
        assert op.is_total
    assert not Cholesky().is_total


@pytest.mark.parametrize("reduce", [T.sum, T.max])
def test_a_loop_without_steps(reduce: Any) -> None:
    """The maximum of nothing is an error, which a loop without steps does not meet."""
    n, start = T.lscalar("n"), T.dscalar("s")
    rows, _ = theano.scan(lambda s, m: s * reduce(m), outputs_info=start, non_sequences=X, n_steps=n)
    f = theano.function([n, start, X], rows, mode="FAST_RUN")
    assert f(0, 1.0, np.zeros((0, 3))).shape == (0,)
    np.testing.assert_array_equal(f(2, 1.0, np.full((1, 1), 3.0)), [3.0, 9.0])
