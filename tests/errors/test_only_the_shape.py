"""Mistakes in expressions of which nothing but the shape is used: no rewrite and no backend may lose them.

All cases of test_bad_data.py and test_bad_operands.py of which the mistake is one of shapes, positions or sizes. What
is wrong with values alone (a singular matrix, a probability above one) may go unnoticed where values are not asked
for, and so may what would have needed too much memory.
"""

import numpy as np
import pytest
import test_bad_data
import test_bad_operands

import theano
import theano.tensor as tt

# in the reference these fail also where only the shape is used; compiled they do not
OF_VALUES = {
    "elementwise: integer division by zero", "shapes: join, symbolic axis", "shapes: join, axis out of range",
    "shapes: permute rows", "indices: choose", "indices: max of no elements",
    "writes: set by mask",
}  # fmt: skip
TABLES = ("elementwise", "products", "shapes", "indices", "writes")
CASES = {
    name: case for name, case in test_bad_data.CASES.items() if name.split(":")[0] in TABLES and name not in OF_VALUES
}
OF_LINEAR_ALGEBRA = (
    "inverse of a rectangle", "determinant of a rectangle", "power of a rectangle", "expm of a rectangle",
    "log of a determinant", "solve, lengths", "kron of a matrix and a sum",
)  # fmt: skip
CASES |= {name: test_bad_operands.MATRICES[name] for name in OF_LINEAR_ALGEBRA}
for name in ("arange, step zero", "arange, step 0.0"):
    CASES[name] = next(case for key, case in test_bad_data.CASES.items() if key.endswith(": " + name))
CASES |= {name: test_bad_operands.NETWORKS[name] for name in (
    "channels", "gradient of a convolution", "label too large", "label negative", "labels of too few rows",
    "distributions", "binary cross-entropy", "batch normalisation",
)}  # fmt: skip
MODES = {mode: mode for mode in ("reference", "FAST_COMPILE", "FAST_RUN")} | {"as written": theano.Mode("native", None)}
USES = {"its shape": tt.shape, "zeros like it": tt.zeros_like, "times zero": lambda v: v * 0}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("name", CASES)
def test_fails_as_the_reference_does(name, use):
    inputs, expression, _, bad, good, _ = CASES[name]
    kinds = {}
    for mode, linker_and_rules in MODES.items():
        f = theano.function(inputs, USES[use](expression), mode=linker_and_rules, on_unused_input="ignore")
        try:
            result = f(*[np.asarray(value) for value in bad])
        except Exception as error:
            kinds[mode] = type(error)
        else:
            raise AssertionError(f"{mode}: no error; the result was {result!r}")
        if good is not None:
            f(*good)
    assert len(set(kinds.values())) == 1, kinds
