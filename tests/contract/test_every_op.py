"""Every op of the package has cases in the contract: against NumPy or SciPy, on both backends, for odd shapes."""

import pytest
from agreement import variables
from every_op import BASES, CASES, COMPOSITIONS, ELSEWHERE, ops_of_the_package
from op_case import check, contains, made


def test_no_op_is_forgotten():
    found = ops_of_the_package()
    missing = set(found) - {name for name, cases in CASES.items() if cases} - BASES - set(ELSEWHERE)
    assert not missing, f"ops without a case in the contract: {sorted(missing)}"
    assert not (set(CASES) | BASES | set(ELSEWHERE)) - set(found), "cases of ops that do not exist"
    assert all(found[name].__subclasses__() or name == "OpenMPOp" for name in BASES)


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
