"""What may be computed before a loop, also if the loop makes no step: ops say of themselves that they have a result."""

from __future__ import annotations

import numpy as np
import pytest

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
