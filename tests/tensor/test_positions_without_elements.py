"""Index arrays into rows of no elements: every position is looked at, though there is nothing to read or write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import theano
import theano.tensor as T

MODES = [None, "reference"]
x, t = T.dmatrix("x"), T.dtensor3("t")
i, j = T.lvector("i"), T.lvector("j")
POSITIONS = np.array([2, 0])

# (inputs, graph, values where every position is inside, values where one is not)
CASES: dict[str, tuple[list[Any], Any, list[Any], list[Any]]] = {
    "rows": ([x, i], x[i], [np.zeros((3, 0)), POSITIONS], [np.zeros((2, 0)), POSITIONS]),
    "rows of a slice": ([x, i], x[:, 1:][i], [np.zeros((3, 1)), POSITIONS], [np.zeros((1, 1)), POSITIONS]),
    "rows far apart": (
        [x, i], x[i], [np.zeros((10**9, 0)), [5, -(10**9)]], [np.zeros((10**9, 0)), [5, 10**9]],
    ),
    "columns": ([x, i], x[:, i], [np.zeros((0, 3)), POSITIONS], [np.zeros((0, 2)), POSITIONS]),
    "narrow positions": (
        [x, i], x[T.cast(i, "int8")], [np.zeros((3, 0)), POSITIONS], [np.zeros((3, 0)), [0, -4]],
    ),
    "many positions": (
        [x, i], x[i], [np.zeros((3, 0)), np.arange(100) % 3], [np.zeros((3, 0)), (np.arange(100) == 77) * 3],
    ),
    "two arrays": ([t, i, j], t[i, j], [np.zeros((3, 2, 0)), [0, 2], [0, 1]], [np.zeros((3, 2, 0)), [0, 2], [0, 2]]),
    "arrays of two axes": (
        [t, i, j], t[i[:, None], j], [np.zeros((3, 2, 0)), [0, 2, 1], [0, 1]], [np.zeros((3, 2, 0)), [0, 2], [0, 2, 1]],
    ),
    "positions of positions": (
        [x, i, j], x[i[j]], [np.zeros((3, 0)), [0, 7, 1], [0, 2]], [np.zeros((3, 0)), [0, 7, 1], [0, 1]],
    ),
    "sum of rows": ([x, i], (2 * x[i] + 1).sum(axis=1), [np.zeros((3, 0)), POSITIONS], [np.zeros((2, 0)), POSITIONS]),
    "largest of nothing": ([t, i], t[i].max(axis=2), [np.zeros((3, 0, 2)), [0, 2]], [np.zeros((3, 0, 2)), [0, 5]]),
    "two gathers": (
        [x, t, i, j], x[i] + t[0][:, j], [np.zeros((3, 0)), np.zeros((1, 2, 4)), POSITIONS, []],
        [np.zeros((2, 0)), np.zeros((1, 2, 4)), POSITIONS, []],
    ),
    "set": ([x, i], T.set_subtensor(x[i], 1.0), [np.zeros((3, 0)), POSITIONS], [np.zeros((2, 0)), POSITIONS]),
    "inc": ([x, i], T.inc_subtensor(x[i], 1.0), [np.zeros((3, 0)), POSITIONS], [np.zeros((2, 0)), POSITIONS]),
    "set of columns": (
        [x, i], T.set_subtensor(x[:, i], 1.0), [np.zeros((0, 3)), POSITIONS], [np.zeros((0, 2)), POSITIONS],
    ),
    "inc at two arrays": (
        [t, i, j], T.inc_subtensor(t[i, j], 1.0), [np.zeros((3, 2, 0)), [0, 2], [0, 1]],
        [np.zeros((3, 2, 0)), [0, 2], [0, -3]],
    ),
    "inc of a slice": (
        [x, i], T.inc_subtensor(x[1:, :1][i], 1.0), [np.zeros((4, 0)), POSITIONS], [np.zeros((3, 0)), POSITIONS],
    ),
}  # fmt: skip


def arrays(values: list[Any]) -> list[np.ndarray]:
    return [v if isinstance(v, np.ndarray) else np.array(v, dtype=np.int64) for v in values]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", CASES)
def test_every_position_is_looked_at(name: str, mode: str | None) -> None:
    inputs, out, good, bad = CASES[name]
    f = theano.function(inputs, out, mode=mode)
    for _ in range(2):
        assert f(*arrays(good)).size in (0, len(good[-1]))
        with pytest.raises(IndexError):
            f(*arrays(bad))


@pytest.mark.parametrize("mode", MODES)
def test_arrays_that_meet_in_nothing_name_no_position(mode: str | None) -> None:
    f = theano.function([x, i, j], x[i[:, None], j], mode=mode)
    assert f(np.zeros((3, 2)), [0, 7], []).shape == (2, 0)
    assert f(np.zeros((3, 2)), [], [7]).shape == (0, 1)
    with pytest.raises(IndexError):
        f(np.zeros((3, 2)), [0, 7], [1])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("write", [T.set_subtensor, T.inc_subtensor])
def test_no_update_happens_where_a_position_is_outside(write: Callable[..., Any], mode: str | None) -> None:
    table, calls = theano.shared(np.zeros((3, 0))), theano.shared(0)
    f = theano.function([i], [], updates=[(table, write(table[i], 1.0)), (calls, calls + 1)], mode=mode)
    f([0, 2])
    with pytest.raises(IndexError):
        f([0, 3])
    assert calls.get_value() == 1 and table.get_value().shape == (3, 0)


@pytest.mark.parametrize("mode", MODES)
def test_in_a_loop(mode: str | None) -> None:
    out, _ = theano.scan(lambda k, x: x[k : k + 2][T.stack([k, 1])].sum(), sequences=i, non_sequences=x)
    f = theano.function([x, i], out, mode=mode)
    assert f(np.zeros((3, 0)), [0, 1]).tolist() == [0, 0]
    with pytest.raises(IndexError):
        f(np.zeros((3, 0)), [0, 1, 2])
