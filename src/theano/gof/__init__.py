"""theano.gof: old import paths of the symbolic graph. Doors without logic: the code is in `theano/graph`."""

from __future__ import annotations

import importlib
from typing import Any

from theano.compile.linking import Linker as Linker
from theano.compile.linking import LocalLinker as LocalLinker
from theano.compile.linking import PerformLinker as PerformLinker
from theano.errors import CachedConstantError as CachedConstantError
from theano.errors import InconsistencyError as InconsistencyError
from theano.errors import MissingInputError as MissingInputError
from theano.errors import ProtocolError as ProtocolError
from theano.gof.cop import COp as COp
from theano.graph.fgraph import AlreadyThere as AlreadyThere
from theano.graph.fgraph import Feature as Feature
from theano.graph.fgraph import FunctionGraph as FunctionGraph
from theano.graph.node import Apply as Apply
from theano.graph.node import Constant as Constant
from theano.graph.node import Variable as Variable
from theano.graph.op import Op as Op
from theano.graph.params import EnumList as EnumList
from theano.graph.params import EnumType as EnumType
from theano.graph.params import Params as Params
from theano.graph.params import ParamsType as ParamsType
from theano.graph.props import object2 as object2
from theano.graph.shared import Container as Container
from theano.graph.traverse import ancestors as ancestors
from theano.graph.traverse import general_toposort as general_toposort
from theano.graph.traverse import io_toposort as io_toposort
from theano.graph.traverse import stack_search as stack_search
from theano.graph.traverse import view_roots as view_roots
from theano.graph.type import Generic as Generic
from theano.graph.type import SingletonType as SingletonType
from theano.graph.type import Type as Type
from theano.graph.type import generic as generic

# submodules that are loaded when they are first named, as in `theano.gof.opt`
_SUBMODULES = (
    "compiledir", "compilelock", "cop", "destroyhandler", "fg", "graph", "link", "null_type", "op", "opt", "optdb",
    "params_type", "toolbox", "type", "unify", "utils",
)  # fmt: skip
# submodule -> names of it that are also names of this module
_LAZY = {
    "opt": (
        "EquilibriumOptimizer", "FromFunctionLocalOptimizer", "FromFunctionOptimizer", "LocalOptGroup",
        "LocalOptimizer", "MergeOptimizer", "NavigatorOptimizer", "OpKeyOptimizer", "OpRemove", "OpSub", "Optimizer",
        "PatternSub", "SeqOptimizer", "TopoOptimizer", "in2out", "inplace_optimizer", "local_optimizer", "optimizer",
        "out2in",
    ),
    "destroyhandler": ("DestroyHandler", "fast_inplace_check"),
    "toolbox": (
        "BadOptimization", "Bookkeeper", "History", "NoOutputFromInplace", "NodeFinder", "PreserveNames",
        "PreserveVariableAttributes", "PrintListener", "ReplaceValidate", "ReplacementDidntRemovedError", "Validator",
    ),
    "optdb": ("DB", "EquilibriumDB", "LocalGroupDB", "ProxyDB", "Query", "SequenceDB", "TopoDB"),
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f"theano.gof.{name}")
    for module, names in _LAZY.items():
        if name in names:
            return getattr(importlib.import_module(f"theano.gof.{module}"), name)
    raise AttributeError(f"module 'theano.gof' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_SUBMODULES, *(name for names in _LAZY.values() for name in names)})
