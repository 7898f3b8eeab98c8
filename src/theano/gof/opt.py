"""Door: rewrites that users write, under the original's path. The code is in `theano/rewriting`."""

from __future__ import annotations

import importlib
from typing import Any

from theano.graph.clone import is_same_graph as is_same_graph_with_merge  # noqa: F401
from theano.rewriting.custom import FromFunctionLocalOptimizer as FromFunctionLocalOptimizer
from theano.rewriting.custom import FromFunctionOptimizer as FromFunctionOptimizer
from theano.rewriting.custom import LocalOptGroup as LocalOptGroup
from theano.rewriting.custom import LocalOptimizer as LocalOptimizer
from theano.rewriting.custom import MergeFeature as MergeFeature
from theano.rewriting.custom import MergeOptimizer as MergeOptimizer
from theano.rewriting.custom import OpRemove as OpRemove
from theano.rewriting.custom import OpSub as OpSub
from theano.rewriting.custom import Optimizer as Optimizer
from theano.rewriting.custom import SeqOptimizer as SeqOptimizer
from theano.rewriting.custom import inplace_optimizer as inplace_optimizer
from theano.rewriting.custom import local_optimizer as local_optimizer
from theano.rewriting.custom import optimizer as optimizer
from theano.rewriting.expressions import check_chain as check_chain
from theano.rewriting.expressions import merge_dict as merge_dict
from theano.rewriting.expressions import pre_constant_merge as pre_constant_merge
from theano.rewriting.expressions import pre_greedy_local_optimizer as pre_greedy_local_optimizer
from theano.rewriting.navigators import ChangeTracker as ChangeTracker
from theano.rewriting.navigators import EquilibriumOptimizer as EquilibriumOptimizer
from theano.rewriting.navigators import NavigatorOptimizer as NavigatorOptimizer
from theano.rewriting.navigators import OpKeyOptimizer as OpKeyOptimizer
from theano.rewriting.navigators import TopoOptimizer as TopoOptimizer
from theano.rewriting.navigators import Updater as Updater
from theano.rewriting.navigators import in2out as in2out
from theano.rewriting.navigators import out2in as out2in
from theano.rewriting.pattern_sub import PatternSub as PatternSub
from theano.rewriting.stack_traces import CheckStackTraceOptimization as CheckStackTraceOptimization
from theano.rewriting.stack_traces import CheckStrackTraceFeature as CheckStrackTraceFeature
from theano.rewriting.stack_traces import check_stack_trace as check_stack_trace
from theano.rewriting.stack_traces import copy_stack_trace as copy_stack_trace
from theano.rewriting.stack_traces import inherit_stack_trace as inherit_stack_trace


def __getattr__(name: str) -> Any:
    if name.startswith("LocalMetaOptimizer"):  # these compile functions
        return getattr(importlib.import_module("theano.compile.meta_optimizer"), name)
    raise AttributeError(f"module 'theano.gof.opt' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), "LocalMetaOptimizer", "LocalMetaOptimizerSkipAssertionError"])
