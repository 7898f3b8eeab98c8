"""The text of Programs and kernels. A difference is a question: is the new Program better?

Run `python tests/golden/test_programs.py` to write the files anew, and read the diff.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import theano.tensor as T
from theano.graph.fgraph import FunctionGraph
from theano.lowering.lower import lower
from theano.tensor.signal.pool import pool_2d

HERE = Path(__file__).parent / "programs"
Expression = tuple[list[Any], list[Any], dict[int, int]]


def fused_arithmetic() -> Expression:
    a, b = T.dvectors("a", "b")
    return [a, b], [T.tanh(a * b) + T.exp(-(a**2)) * T.log1p(b**2)], {}


def variance_of_rows() -> Expression:
    x = T.dmatrix("x")
    return [x], [((x - x.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)], {}


def broadcast_and_transpose() -> Expression:
    x, v = T.fmatrix("x"), T.fvector("v")
    return [x, v], [(x.T * v + 1).sum(axis=0), x[::-1, 1:]], {}


def dense_layer_with_updates() -> Expression:
    x, w, b = T.dmatrix("x"), T.dmatrix("w"), T.dvector("b")
    h = T.tanh(T.dot(x, w) + b)
    return [x, w, b], [h.mean(), w - 0.1 * T.dot(x.T, h), b - 0.1 * h.sum(axis=0)], {1: 1, 2: 2}


def rows_and_joins() -> Expression:
    x, i = T.dmatrix("x"), T.lvector("i")
    return [x, i], [T.join(0, T.exp(x), x[i]), T.inc_subtensor(x[i], 1.0), T.set_subtensor(x[1:], 0.0)], {}


def shapes_and_ranges() -> Expression:
    x, n = T.imatrix("x"), T.lscalar("n")
    return [x, n], [T.arange(n) * x.shape[0], T.zeros((n, x.shape[1])), x.reshape((n, -1)), x.shape], {}


def calls_of_python() -> Expression:
    z = T.zvector("z")
    return [z], [T.prod(z), T.sort(abs(z))], {}


def linear_algebra() -> Expression:
    x, y, b = T.dmatrix("x"), T.fmatrix("y"), T.fvector("b")
    factor = T.slinalg.cholesky(x * 2)
    return [x, y, b], [factor, T.diag(T.diag(factor)), *T.nlinalg.slogdet(y), T.slinalg.solve(y.T, b)], {}


def convolution_and_pooling() -> Expression:
    x, w = T.ftensor4("x"), T.ftensor4("w")
    y = T.nnet.conv2d(x, w, border_mode="half", subsample=(2, 1))
    z = pool_2d(y, (2, 2), ignore_border=True)
    return [x, w], [y, *T.grad(T.sqr(z).sum(), [x, w])], {}


CASES: list[Callable[[], Expression]] = [
    fused_arithmetic, variance_of_rows, broadcast_and_transpose, dense_layer_with_updates, rows_and_joins,
    shapes_and_ranges, calls_of_python, linear_algebra, convolution_and_pooling,
]


def text_of(case: Callable[[], Expression]) -> str:
    inputs, outputs, replaced = case()
    cells = {position: [np.zeros(1)] for position in replaced.values()}
    updates = {out: cells[position] for out, position in replaced.items()}
    return str(lower(FunctionGraph(inputs, outputs), storages=cells, updates=updates, name=case.__name__)) + "\n"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_program_text(case: Callable[[], Expression]) -> None:
    assert text_of(case) == (HERE / f"{case.__name__}.txt").read_text(encoding="utf-8")


def main() -> int:
    HERE.mkdir(exist_ok=True)
    for case in CASES:
        (HERE / f"{case.__name__}.txt").write_text(text_of(case), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
