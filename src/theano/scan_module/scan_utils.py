"""theano.scan_module.scan_utils: tools for graphs with loops."""

from __future__ import annotations

from theano.compile.collect import clone as clone
from theano.graph.clone import equal_computations as equal_computations
from theano.loops.scan_arguments import until as until
