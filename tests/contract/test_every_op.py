"""Every op of the package has cases in the contract: against NumPy or SciPy, on both backends, for odd shapes.

That none is forgotten is checked in tests/architecture.
"""

import pickle

import numpy as np
import pytest
from agreement import listed, variables
from every_op import CASES, COMPOSITIONS
from op_case import check, close, contains, made

import theano
from theano.graph.evaluate import evaluate
from theano.graph.traverse import toposort

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


@pytest.mark.parametrize("name", CASES)
def test_debugmode_has_nothing_to_say(name):
    """No rewrite changes a value, no op writes to its inputs, declared views are the views there are."""
    for each in CASES[name]:
        with np.errstate(all="ignore"):
            arrays = [made(spec, each.dtypes[0], number) for number, spec in enumerate(each.arguments[0])]
            want = [np.asarray(w) for w in listed(each.expected(*arrays))]
            if not all(np.isfinite(a).all() for a in (*arrays, *want) if a.dtype.kind in "fc"):
                continue   # which DebugMode refuses
            inputs = variables(arrays)
            f = theano.function(inputs, listed(each.build(*inputs)), mode="DebugMode", on_unused_input="ignore")
            for got, w in zip(f(*arrays), want, strict=True):
                close(got, w, each, "DebugMode")


@pytest.mark.parametrize("name", sorted(set(CASES) - {"Print"}))   # whose function here has no name to be found by
def test_pickled_graphs_and_equal_ops(name):
    for each in CASES[name]:
        with np.errstate(all="ignore"):
            arrays = [made(spec, each.dtypes[0], number) for number, spec in enumerate(each.arguments[0])]
            want = listed(each.expected(*arrays))
            inputs = variables(arrays)
            outputs = listed(each.build(*inputs))
            loaded, results = pickle.loads(pickle.dumps((inputs, outputs)))
            for got, w in zip(evaluate(results, dict(zip(loaded, arrays))), want, strict=True):
                close(got, w, each, "pickled")
        for old, new in zip(toposort(outputs), toposort(results), strict=True):
            if hasattr(old.op, "__props__"):
                assert old.op == new.op and hash(old.op) == hash(new.op) and str(old.op) == str(new.op)
