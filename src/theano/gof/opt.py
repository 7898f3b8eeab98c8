"""Door: rewrites that users write, under the original's path. The code is in `theano.rewriting.custom`."""

from __future__ import annotations

from theano.rewriting.custom import EquilibriumOptimizer as EquilibriumOptimizer
from theano.rewriting.custom import FromFunctionLocalOptimizer as FromFunctionLocalOptimizer
from theano.rewriting.custom import FromFunctionOptimizer as FromFunctionOptimizer
from theano.rewriting.custom import LocalOptGroup as LocalOptGroup
from theano.rewriting.custom import LocalOptimizer as LocalOptimizer
from theano.rewriting.custom import MergeOptimizer as MergeOptimizer
from theano.rewriting.custom import OpKeyOptimizer as OpKeyOptimizer
from theano.rewriting.custom import OpRemove as OpRemove
from theano.rewriting.custom import OpSub as OpSub
from theano.rewriting.custom import Optimizer as Optimizer
from theano.rewriting.custom import PatternSub as PatternSub
from theano.rewriting.custom import SeqOptimizer as SeqOptimizer
from theano.rewriting.custom import TopoOptimizer as TopoOptimizer
from theano.rewriting.custom import check_stack_trace as check_stack_trace
from theano.rewriting.custom import copy_stack_trace as copy_stack_trace
from theano.rewriting.custom import in2out as in2out
from theano.rewriting.custom import inherit_stack_trace as inherit_stack_trace
from theano.rewriting.custom import local_optimizer as local_optimizer
from theano.rewriting.custom import optimizer as optimizer
from theano.rewriting.custom import out2in as out2in
