"""theano.scan_module.scan_utils: tools for graphs with loops. The code is in `loops/loop_graphs.py`."""

from __future__ import annotations

from theano.compile.collect import clone as clone
from theano.graph.clone import equal_computations as equal_computations
from theano.loops.loop_graphs import Validator as Validator
from theano.loops.loop_graphs import compress_outs as compress_outs
from theano.loops.loop_graphs import expand_empty as expand_empty
from theano.loops.loop_graphs import forced_replace as forced_replace
from theano.loops.loop_graphs import get_updates_and_outputs as get_updates_and_outputs
from theano.loops.loop_graphs import hash_listsDictsTuples as hash_listsDictsTuples
from theano.loops.loop_graphs import infer_shape as infer_shape
from theano.loops.loop_graphs import isNaN_or_Inf_or_None as isNaN_or_Inf_or_None
from theano.loops.loop_graphs import map_variables as map_variables
from theano.loops.loop_graphs import reconstruct_graph as reconstruct_graph
from theano.loops.loop_graphs import safe_new as safe_new
from theano.loops.loop_graphs import scan_args as scan_args
from theano.loops.loop_graphs import scan_can_remove_outs as scan_can_remove_outs
from theano.loops.loop_graphs import traverse as traverse
from theano.loops.scan_arguments import until as until
