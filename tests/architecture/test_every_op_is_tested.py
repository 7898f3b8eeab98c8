"""Every op of the package is in the suites that hold for all ops: its contract and its gradient.

A new op needs a case in tests/contract/op_cases_*.py (what NumPy or SciPy gives for it) and a sample in
tests/gradients/test_ops.py, or a reason why it has no gradient in tests/gradients/test_odd_shapes.py.
"""

import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def tables(monkeypatch):
    for folder in ("contract", "gradients"):
        monkeypatch.syspath_prepend(str(TESTS / folder))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if str(TESTS) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]   # under the names by which pytest imports them


def test_contract():
    from every_op import BASES, CASES, ELSEWHERE, ops_of_the_package

    found = ops_of_the_package()
    missing = set(found) - {name for name, cases in CASES.items() if cases} - BASES - set(ELSEWHERE)
    assert not missing, f"ops without a case in tests/contract/op_cases_*.py: {sorted(missing)}"
    assert not (set(CASES) | BASES | set(ELSEWHERE)) - set(found), "cases of ops that do not exist"
    assert all(found[name].__subclasses__() or name == "OpenMPOp" for name in BASES)


def test_gradients():
    from every_op import BASES, ELSEWHERE, ops_of_the_package
    from test_ops import FIRST_ORDER, SAMPLES, WITHOUT_DERIVATIVE

    known = set(SAMPLES) | WITHOUT_DERIVATIVE | set(FIRST_ORDER)
    unknown = set(ops_of_the_package()) - known - BASES - set(ELSEWHERE)
    assert not unknown, f"ops without a sample in tests/gradients/test_ops.py: {sorted(unknown)}"
    assert all(SAMPLES.values())
    assert known <= set(ops_of_the_package())
