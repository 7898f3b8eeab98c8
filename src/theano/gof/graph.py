"""theano.gof.graph: old import path of nodes and walks over the graph."""

from __future__ import annotations

from theano.graph.clone import clone as clone
from theano.graph.clone import clone_get_equiv as clone_get_equiv
from theano.graph.clone import equal_computations as equal_computations
from theano.graph.node import Apply as Apply
from theano.graph.node import Constant as Constant
from theano.graph.node import Node as Node
from theano.graph.node import Variable as Variable
from theano.graph.traverse import ancestors as ancestors
from theano.graph.traverse import general_toposort as general_toposort
from theano.graph.traverse import graph_inputs as inputs  # noqa: F401
from theano.graph.traverse import io_toposort as io_toposort
from theano.graph.traverse import io_toposort as list_of_nodes  # noqa: F401
from theano.graph.traverse import io_toposort as ops  # noqa: F401
from theano.graph.traverse import is_in_ancestors as is_in_ancestors
from theano.graph.traverse import orphans as orphans
from theano.graph.traverse import stack_search as stack_search
from theano.graph.traverse import variables_between as variables  # noqa: F401
from theano.graph.traverse import view_roots as view_roots
