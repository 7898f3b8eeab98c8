"""The graphs in which function rules apply, compiled as a whole and called with lengths that fit and that do not: the
same values, or an error of the same kind. Rules take graphs to be free of such errors; what was checked has to stay so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_functions import CASES, EXAMPLES, sample

import theano
import theano.tensor as T
from theano.graph.evaluate import evaluate
from theano.tensor.type import TensorType

LENGTHS = [(4, 5, 2), (0, 3, 3), (3, 0, 1), (1, 1, 1), (2, 2, 2), (1, 4, 3), (3, 2, 0), (5, 3, 4)]
# what fails in the middle of a calculation that is not needed any more, or only for some values
VALUES_MATTER = {"dot_with_zero", "zero_factor"}
# several things are wrong at once with these lengths, and any of them may be found first
SEVERAL_WRONG = {("written_out", 1), ("product_with_chosen_rows", 5)}


def values_of(inputs: list[Any], lengths: tuple[int, ...], together: bool, rng: np.random.Generator) -> dict[Any, Any]:
    """Arrays of these lengths (each of others, if not `together`)."""
    found = {}
    for number, x in enumerate(inputs):
        if not isinstance(x.type, TensorType):
            continue
        shape = [
            lengths[(axis + (0 if together else number)) % len(lengths)] if n is None else n
            for axis, n in enumerate(x.type.shape)
        ]
        found[x] = sample(TensorType(x.type.dtype, tuple(shape)), rng)
    return found


@pytest.mark.parametrize("name, number", CASES)
def test_values_or_errors_stay(name: str, number: int) -> None:
    inputs, out = EXAMPLES[name][number]()
    f = theano.function(inputs, out, on_unused_input="ignore")
    rng = np.random.default_rng(number)
    for lengths in LENGTHS:
        for together in (True, False):
            values = values_of(inputs, lengths, together, rng)
            try:
                want = evaluate([out], values)[0]
            except (ValueError, IndexError, AssertionError) as error:
                with pytest.raises((ValueError, IndexError, AssertionError)) as failure:
                    f(*values.values())
                # of several inputs there may be several things wrong
                if len(inputs) == 1 and (name, number) not in SEVERAL_WRONG:
                    assert failure.type is type(error), (lengths, together, error)
                continue
            got = f(*values.values())
            assert got.shape == want.shape and got.dtype == want.dtype, (lengths, together)
            if name not in VALUES_MATTER:
                np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-9, err_msg=f"{lengths} {together}")


@pytest.mark.parametrize("build", [
    lambda made: T.split(made, [1, 4], 2, axis=0)[1],
    lambda made: T.split(made, [0, 5], 2, axis=0)[0],
    lambda made: T.reshape(made, [5]),
    lambda made: T.flatten(T.reshape(T.set_subtensor(made[:1], 2.0).reshape([-1]), [1, 5])),
    lambda made: T.specify_shape(made, (5,)),
    lambda made: made + np.arange(5.0),
])  # fmt: skip
@pytest.mark.parametrize("make", [
    lambda x: T.alloc(T.sum(x), x.shape[0]), lambda x: T.exp(T.alloc(2.0, x.shape[0])), lambda x: T.zeros_like(x) + 1,
    lambda x: T.alloc(T.sum(x), T.join(0, x[1:], x[:1]).shape[0]),
    lambda x: T.exp(T.alloc(2.0, T.join(0, x[1:], x[:1]).shape[0])),
])  # fmt: skip
def test_a_length_that_is_demanded_of_what_is_made_with_it(make: Any, build: Any) -> None:
    """As found by random graphs: once the length that an Alloc is given was known to be 5, nobody asked for it."""
    x = T.dvector("x")
    f = theano.function([x], build(make(x)))
    assert len(f(np.ones(5))) <= 5
    for n in (0, 3, 6):
        with pytest.raises((ValueError, AssertionError)):
            f(np.ones(n))
