"""Which variables may share memory."""

import numpy as np

import theano
import theano.tensor as tt
from theano.compile import alias_root, infer_reuse_pattern, insert_deepcopy, view_tree_set
from theano.compile.ops import deep_copy_op, view_op


def test_roots_and_views():
    x = tt.dmatrix("x")
    v = view_op(view_op(x))
    y = deep_copy_op(v)
    assert alias_root(v) is x and alias_root(y) is y and alias_root(x) is x
    fgraph = theano.FunctionGraph([x], [v, y], clone=False)
    views = set()
    view_tree_set(fgraph, x, views)
    assert views == {x, v, v.owner.inputs[0]}
    assert infer_reuse_pattern(fgraph, [v]) == {v, v.owner.inputs[0]}
    assert infer_reuse_pattern(fgraph, [y]) == {y}


def test_insert_deepcopy():
    x, y = tt.dvectors("x", "y")
    z = x + 1
    fgraph = theano.FunctionGraph([x, y], [x, y, z, view_op(z)])
    inputs = [theano.In(x), theano.In(y, borrow=True)]
    outputs = [theano.Out(x, borrow=True), theano.Out(y, borrow=True), theano.Out(z), theano.Out(z)]
    insert_deepcopy(fgraph, inputs, outputs)
    fgraph.check_integrity()
    ops = [out.owner.op for out in fgraph.outputs]
    assert ops[0] == deep_copy_op and ops[1] == view_op and ops[3] == deep_copy_op
    assert ops[2] not in (deep_copy_op, view_op)
    value = np.arange(3.0)
    for result in theano.function([x], [deep_copy_op(x), view_op(x)])(value):
        assert result.tolist() == value.tolist() and not np.may_share_memory(result, value)
