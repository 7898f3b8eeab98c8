"""Door: tools for rewrites of tensor expressions, under the original's path. The code is in `rewriting/` and
`compile/register.py`."""

from __future__ import annotations

from theano.compile.register import register_canonicalize as register_canonicalize
from theano.compile.register import register_specialize as register_specialize
from theano.compile.register import register_specialize_device as register_specialize_device
from theano.compile.register import register_stabilize as register_stabilize
from theano.compile.register import register_uncanonicalize as register_uncanonicalize
from theano.compile.register import register_useless as register_useless
from theano.rewriting.broadcasting import broadcast_like as broadcast_like
from theano.rewriting.broadcasting import encompasses_broadcastable as encompasses_broadcastable
from theano.rewriting.broadcasting import merge_broadcastables as merge_broadcastables
from theano.rewriting.broadcasting import scalarconsts_rest as scalarconsts_rest
from theano.rewriting.canonizer import Canonizer as Canonizer
from theano.rewriting.canonizer import local_add_canonizer as local_add_canonizer
from theano.rewriting.canonizer import local_mul_canonizer as local_mul_canonizer
from theano.rewriting.rules.folding import fold_constants as constant_folding
from theano.rewriting.shape_feature import ShapeFeature as ShapeFeature
from theano.rewriting.shape_feature import ShapeOptimizer as ShapeOptimizer
from theano.rewriting.shape_feature import UnShapeOptimizer as UnShapeOptimizer
from theano.tensor.checks import Assert as Assert
from theano.tensor.checks import assert_ as assert_
from theano.tensor.checks import assert_op as assert_op
from theano.tensor.creation import MakeVector as MakeVector

make_vector = MakeVector("int64")

__all__ = [
    "Assert", "Canonizer", "MakeVector", "ShapeFeature", "ShapeOptimizer", "UnShapeOptimizer", "assert_", "assert_op",
    "broadcast_like", "constant_folding", "encompasses_broadcastable", "local_add_canonizer", "local_mul_canonizer",
    "make_vector", "merge_broadcastables", "register_canonicalize", "register_specialize",
    "register_specialize_device", "register_stabilize", "register_uncanonicalize", "register_useless",
    "scalarconsts_rest",
]
