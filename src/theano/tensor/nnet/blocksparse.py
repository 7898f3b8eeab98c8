"""theano.tensor.nnet.blocksparse: products with blocks of a matrix that are chosen per item.

Compositions of indexing and products: they are differentiable to any order. SparseBlockGemv and SparseBlockOuter stand
for the original's ops of these names.
"""

from __future__ import annotations

from typing import Any

from theano.scalar.dtypes import integer_dtypes
from theano.tensor.convert import as_tensor_variable
from theano.tensor.dimshuffle import dimshuffle
from theano.tensor.products import contract
from theano.tensor.subtensor import inc_subtensor


def _tensor(name: str, what: str, value: Any, ndim: int, integers: bool = False) -> Any:
    x = as_tensor_variable(value)
    if x.type.ndim != ndim:
        raise TypeError(f"{name}: {what} must have {ndim} axes, got {x} of type {x.type}")
    if integers and x.type.dtype not in integer_dtypes:
        raise TypeError(f"{name}: {what} must be integers, got {x} of type {x.type}")
    return x


class SparseBlockGemv:
    """o[b, j] + sum over i of h[b, i] @ W[inputIdx[b, i], outputIdx[b, j]].

    o (batch, output blocks, output size), W (blocks, blocks, input size, output size), h (batch, input blocks, input
    size), inputIdx (batch, input blocks), outputIdx (batch, output blocks)
    """

    def __call__(self, o: Any, W: Any, h: Any, inputIdx: Any, outputIdx: Any) -> Any:
        name = "sparse_block_gemv"
        o, W, h = _tensor(name, "o", o, 3), _tensor(name, "W", W, 4), _tensor(name, "h", h, 3)
        rows = dimshuffle(_tensor(name, "inputIdx", inputIdx, 2, True), [0, 1, "x"])
        columns = dimshuffle(_tensor(name, "outputIdx", outputIdx, 2, True), [0, "x", 1])
        blocks = W[rows, columns]
        return o + contract(blocks, h, batch=[(0, 0)], summed=[(1, 1), (3, 2)], name=name)


class SparseBlockOuter:
    """o with alpha * outer(x[b, i], y[b, j]) added to the block o[xIdx[b, i], yIdx[b, j]], for all b, i and j.

    o (blocks, blocks, size of x, size of y), x (batch, blocks of x, size), y (batch, blocks of y, size)
    """

    def __call__(self, o: Any, x: Any, y: Any, xIdx: Any, yIdx: Any, alpha: Any = None) -> Any:
        name = "sparse_block_outer"
        o, x, y = _tensor(name, "o", o, 4), _tensor(name, "x", x, 3), _tensor(name, "y", y, 3)
        rows = dimshuffle(_tensor(name, "xIdx", xIdx, 2, True), [0, 1, "x"])
        columns = dimshuffle(_tensor(name, "yIdx", yIdx, 2, True), [0, "x", 1])
        products = dimshuffle(x, [0, 1, "x", 2, "x"]) * dimshuffle(y, [0, "x", 1, "x", 2])
        if alpha is not None:
            products = products * as_tensor_variable(alpha)
        return inc_subtensor(o[rows, columns], products)


sparse_block_gemv = sparse_block_gemv_inplace = SparseBlockGemv()
sparse_block_outer = sparse_block_outer_inplace = SparseBlockOuter()


def sparse_block_dot(W: Any, h: Any, inputIdx: Any, b: Any, outputIdx: Any) -> Any:
    """b[outputIdx[n, j]] + sum over i of h[n, i] @ W[inputIdx[n, i], outputIdx[n, j]].

    W (blocks, blocks, input size, output size), h (batch, input blocks, input size), inputIdx (batch, input blocks),
    b (blocks, output size), outputIdx (batch, output blocks). Without a batch, h, inputIdx and outputIdx all lack
    their first axis, and so does the result.
    """
    h, inputIdx, outputIdx = as_tensor_variable(h), as_tensor_variable(inputIdx), as_tensor_variable(outputIdx)
    b = _tensor("sparse_block_dot", "b", b, 2)
    single = h.type.ndim == 2
    if single:
        h, inputIdx, outputIdx = (dimshuffle(v, ["x", *range(v.type.ndim)]) for v in (h, inputIdx, outputIdx))
    result = sparse_block_gemv(b[outputIdx], W, h, inputIdx, outputIdx)
    return result[0] if single else result
