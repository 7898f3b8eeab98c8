"""The front door: names, signatures, and what importing the package does and does not load."""

import inspect
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import theano
import theano.tensor as tt

SOURCE = Path(theano.__file__).parent.parent
TOP = [
    "function", "function_dump", "shared", "In", "Out", "SymbolicInput", "SymbolicOutput", "dot", "clone",
    "grad", "Rop", "Lop", "subgraph_grad", "get_scalar_constant_value", "pp", "pprint", "OpFromGraph", "as_op",
    "OrderedUpdates", "Mode", "predefined_modes", "predefined_linkers", "predefined_optimizers",
    "FunctionMaker", "ProfileStats", "config", "change_flags", "Apply", "Variable", "Constant", "Op",
    "OpenMPOp", "Type", "Generic", "generic", "FunctionGraph", "Container", "InconsistencyError", "Linker",
    "LocalLinker", "PerformLinker", "object2", "__version__", "__api_version__", "tensor", "compile", "gof",
    "scalar", "gradient", "ifelse", "raise_op", "printing", "configparser", "updates",
]  # fmt: skip


@pytest.mark.parametrize("name", TOP)
def test_top_level_name(name):
    assert getattr(theano, name) is not None
    assert name in dir(theano)


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        theano.no_such_name  # noqa: B018
    assert not hasattr(theano, "no_such_name")


SIGNATURES = {
    "function": "inputs outputs mode updates givens no_default_updates accept_inplace name rebuild_strict "
    "allow_input_downcast profile on_unused_input",
    "function_dump": "filename inputs outputs mode updates givens no_default_updates accept_inplace name "
    "rebuild_strict allow_input_downcast profile on_unused_input extra_tag_to_remove",
    "shared": "value name strict allow_downcast kwargs",
    "In": "variable name value update mutable strict allow_downcast autoname implicit borrow shared",
    "Out": "variable borrow",
    "SymbolicInput": "variable name update mutable strict allow_downcast autoname implicit",
    "clone": "output replace strict share_inputs copy_inputs",
    "Mode": "linker optimizer",
    "FunctionMaker": "inputs outputs mode accept_inplace function_builder profile on_unused_input fgraph output_keys "
    "name",
    "Container": "r storage readonly strict allow_downcast name",
    "FunctionGraph": "inputs outputs features clone update_mapping",
    "Variable": "type owner index name",
    "Constant": "type data name",
    "Apply": "op inputs outputs",
    "OpFromGraph": "inputs outputs inline lop_overrides grad_overrides rop_overrides connection_pattern name kwargs",
    "as_op": "itypes otypes infer_shape",
    "ProfileStats": "atexit_print flag_time_thunks gpu_checks kwargs",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_signature(name):
    found = list(inspect.signature(getattr(theano, name)).parameters)
    wanted = SIGNATURES[name].split()
    assert found[: len(wanted)] == wanted


def test_old_import_paths():
    from theano.compile.function_module import Function, orig_function
    from theano.compile.mode import FAST_RUN, get_default_mode
    from theano.compile.sharedvalue import SharedVariable
    from theano.gof.fg import FunctionGraph
    from theano.gof.graph import ancestors, inputs
    from theano.gof.null_type import NullType
    from theano.gof.op import PureOp, get_test_value
    from theano.gof.toolbox import Feature
    from theano.gof.type import PureType
    from theano.gof.utils import object2

    assert Function is theano.compile.Function and orig_function and FAST_RUN is theano.predefined_modes["FAST_RUN"]
    assert get_default_mode and SharedVariable and FunctionGraph is theano.FunctionGraph
    x = tt.dscalar("x")
    y = x + 1
    assert x in inputs([y]) and y in ancestors([y])
    assert PureOp is theano.Op and PureType is theano.Type and Feature and object2 is theano.object2 and NullType
    assert get_test_value(3) == 3


def test_sparse_grad():
    x, rows = tt.dmatrix("x"), tt.lvector("rows")
    marked = theano.sparse_grad(x[rows])
    assert marked.owner.op.sparse_grad and not x[rows].owner.op.sparse_grad
    value = np.arange(6.0).reshape(3, 2)
    f = theano.function([x, rows], [marked, theano.grad((marked**2).sum(), x)])
    picked, gradient = f(value, [2, 2, 0])
    assert np.array_equal(picked, value[[2, 2, 0]])
    assert np.array_equal(gradient, value * [[2], [0], [4]])
    with pytest.raises(TypeError, match="sparse_grad"):
        theano.sparse_grad(x * 2)


def test_object2():
    class Point(theano.object2):
        __props__ = ("x", "y")

        def __init__(self, x, y):
            self.x, self.y = x, y

    assert Point(1, 2) == Point(1, 2) != Point(2, 1)
    assert len({Point(1, 2), Point(1, 2), Point(2, 1)}) == 2
    assert str(Point(1, 2)) == "Point{x=1, y=2}"


def run(code):
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SOURCE), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_loads_nothing_heavy():
    code = "import sys, theano, theano.tensor; print(*sys.modules)"
    loaded = set(run(code).split())
    assert "theano.tensor" in loaded
    heavy = {m for m in loaded if m.split(".")[0] in ("scipy", "llvmlite", "matplotlib", "jax", "sklearn", "pydot")}
    assert not heavy
    assert not {m for m in loaded if m.startswith(("theano.backends.native", "theano.lowering.lower"))}


def test_a_first_program_loads_only_what_it_needs():
    code = (
        "import gc, sys\n"
        "before = set(sys.modules)\n"
        "import theano, theano.tensor as T\n"
        "assert gc.isenabled()\n"
        "x = T.dvector()\n"
        "assert theano.function([x], x * 2)([1.5]) == [3.0] and gc.isenabled()\n"
        "print(*set(sys.modules) - before)\n"
    )
    loaded = set(run(code).split())
    assert "theano.backends.native.image" in loaded
    assert not loaded & {"logging", "configparser", "theano.compile.pkl_utils", "scipy.linalg"}


def test_importing_leaves_the_collector_switched_off():
    run("import gc; gc.disable(); import theano; assert not gc.isenabled()")


def test_what_a_program_has_frozen_stays_frozen():
    run(
        "import gc; gc.freeze(); frozen = gc.get_freeze_count()\n"
        "import theano, theano.tensor as T\n"
        "x = T.dvector(); theano.function([x], x * 2)\n"
        "assert 0 < 0.9 * frozen < gc.get_freeze_count()"
    )


def test_garbage_from_before_the_import_is_found():
    run(
        "import gc, weakref\n"
        "class Ring: pass\n"
        "ring = Ring(); ring.itself = ring; seen = weakref.ref(ring); del ring\n"
        "import theano, theano.tensor as T\n"
        "x = T.dvector(); theano.function([x], x * 2)\n"
        "assert gc.get_freeze_count() == 0\n"
        "gc.collect(); assert seen() is None"
    )


def test_importing_changes_nothing_global():
    code = (
        "import sys, threading, numpy, warnings\n"
        "before = numpy.geterr(), sys.getrecursionlimit(), threading.active_count(), list(warnings.filters)\n"
        "import theano, theano.tensor\n"
        "assert before == (numpy.geterr(), sys.getrecursionlimit(), threading.active_count(), list(warnings.filters))\n"
    )
    run(code)


def test_compiling_and_calling_changes_no_numpy_setting():
    before = np.geterr()
    x = tt.dvector("x")
    theano.function([x], tt.log(x) / x)(np.zeros(2))
    assert np.geterr() == before
