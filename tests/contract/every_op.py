"""All cases of the contract of ops, and all ops that the package has: the subclasses of Op in all of its modules."""

import importlib
import pkgutil

from op_cases_algebra import ALGEBRA_CASES
from op_cases_networks import NETWORK_CASES
from op_cases_tensors import TENSOR_CASES

import theano
from theano.graph.op import Op

CASES = TENSOR_CASES | ALGEBRA_CASES | NETWORK_CASES
# classes that give their subclasses something and are no ops by themselves
BASES = {
    "BaseAbstractConv", "BaseAdvancedIncSubtensor", "BaseAdvancedSubtensor", "Checked", "Conditional", "GradientOp",
    "LengthsOp", "MatrixOp", "NamedMathematics", "OpenMPOp", "PoolBase", "PoolGrad", "_AlongAxis", "_FromUniform",
    "_HalfTransform", "_NeibsBase", "_ThreeSpatialAxes", "_TwoSpatialAxes", "mrg_uniform_base",
}  # fmt: skip
# packages of which the ops take or hold other things than arrays, and have contracts of their own
APART = ("theano.loops.", "theano.sparse.", "theano.typed_list.")
ELSEWHERE = {
    "DoubleOp": "an example, no part of the library: tests/api/test_misc.py",
    "COp": "is refused: tests/compile/test_own_thunks.py",
    "MakeSlice": "has no tensor as its result: tests/tensor/test_types.py",
    "Raise": "has no value: tests/tensor/test_checks.py",
}
# ops that give an expression of other ops when they are applied
COMPOSITIONS = {"DiffOp", "FillDiagonal", "FillDiagonalOffset"}


def subclasses(kind):
    for child in kind.__subclasses__():
        yield child
        yield from subclasses(child)


def ops_of_the_package():
    """{name: class} of all ops that the package defines."""
    for module in pkgutil.walk_packages(theano.__path__, "theano."):
        importlib.import_module(module.name)
    found = [kind for kind in subclasses(Op) if kind.__module__.startswith("theano.")]
    return {kind.__name__: kind for kind in found if not kind.__module__.startswith(APART)}
