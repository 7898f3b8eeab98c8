"""Every op of the package has cases in the contract: against NumPy or SciPy, on both backends, for odd shapes.

That none is forgotten is checked in tests/architecture.
"""

import pytest
from agreement import variables
from every_op import CASES, COMPOSITIONS
from op_case import check, contains, made

PARAMETERS = [
    pytest.param(name, each, dtype, id=f"{name}-{number}-{dtype}")
    for name, cases in CASES.items()
    for number, each in enumerate(cases)
    for dtype in each.dtypes
]


@pytest.mark.parametrize("name, each, dtype", PARAMETERS)
def test_contract(name, each, dtype):
    arrays = [made(spec, dtype, number) for number, spec in enumerate(each.arguments[0])]
    inside = contains(each.build(*variables(arrays)), name)
    assert inside is not (name in COMPOSITIONS), f"the case does not contain {name}"
    check(each, dtype)
