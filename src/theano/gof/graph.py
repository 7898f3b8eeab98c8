"""theano.gof.graph: old import path of nodes and walks over the graph."""

from __future__ import annotations

from theano.graph.clone import clone as clone
from theano.graph.clone import clone_get_equiv as clone_get_equiv
from theano.graph.clone import equal_computations as equal_computations
from theano.graph.clone import is_same_graph as is_same_graph
from theano.graph.clone import is_same_graph as is_same_graph_with_merge  # noqa: F401
from theano.graph.nested_text import as_string as as_string
from theano.graph.nested_text import default_leaf_formatter as default_leaf_formatter
from theano.graph.nested_text import default_node_formatter as default_node_formatter
from theano.graph.nested_text import op_as_string as op_as_string
from theano.graph.node import Apply as Apply
from theano.graph.node import Constant as Constant
from theano.graph.node import Node as Node
from theano.graph.node import NoParams as NoParams
from theano.graph.node import Variable as Variable
from theano.graph.traverse import ancestors as ancestors
from theano.graph.traverse import general_toposort as general_toposort
from theano.graph.traverse import graph_inputs as inputs  # noqa: F401
from theano.graph.traverse import io_connection_pattern as io_connection_pattern
from theano.graph.traverse import io_toposort as io_toposort
from theano.graph.traverse import io_toposort as list_of_nodes  # noqa: F401
from theano.graph.traverse import io_toposort as ops  # noqa: F401
from theano.graph.traverse import is_in_ancestors as is_in_ancestors
from theano.graph.traverse import nodes_constructed as nodes_constructed
from theano.graph.traverse import orphans as orphans
from theano.graph.traverse import stack_search as stack_search
from theano.graph.traverse import variables_and_orphans as variables_and_orphans
from theano.graph.traverse import variables_between as variables  # noqa: F401
from theano.graph.traverse import view_roots as view_roots
