"""Door: tools for rewrites of tensor expressions, under the original's path. The code is in `rewriting/` and
`compile/register.py`."""

from __future__ import annotations

from theano.compile.register import register_canonicalize as register_canonicalize
from theano.compile.register import register_specialize as register_specialize
from theano.compile.register import register_specialize_device as register_specialize_device
from theano.compile.register import register_stabilize as register_stabilize
from theano.compile.register import register_uncanonicalize as register_uncanonicalize
from theano.compile.register import register_useless as register_useless
from theano.rewriting.rules.folding import fold_constants as constant_folding
from theano.tensor.checks import Assert as Assert
from theano.tensor.checks import assert_ as assert_
from theano.tensor.checks import assert_op as assert_op
from theano.tensor.creation import MakeVector as MakeVector

make_vector = MakeVector("int64")

__all__ = [
    "Assert", "MakeVector", "assert_", "assert_op", "constant_folding", "make_vector",
    "register_canonicalize", "register_specialize", "register_specialize_device", "register_stabilize",
    "register_uncanonicalize", "register_useless",
]
