"""The gradient of every op of theano.tensor: first and second order, reverse and forward, by finite differences.

SAMPLES has expressions of each op; that none is forgotten is checked in tests/architecture.
"""

import numpy as np
import pytest
from convolution_samples import CONVOLUTION_SAMPLES
from every_op import COMPOSITIONS
from linear_samples import LINEAR_SAMPLES
from test_odd_shapes import CHANGED, NO_GRADIENT

import theano
import theano.tensor as T
from theano.compile.ops import deep_copy_op, view_op
from theano.gradient import Rop, grad
from theano.graph.evaluate import evaluate
from theano.graph.print_op import Print
from theano.graph.traverse import toposort
from theano.rewriting import checks_of_lengths as checks
from theano.tensor import blas, nnet
from theano.tensor.careduce import (
    CAReduce,
    CAReduceDtype,
    Max,
    Min,
    Prod,
    ProductOfOthers,
    ProdWithoutZeros,
    Sum,
    Supremum,
)
from theano.tensor.checks import PdbBreakpoint
from theano.tensor.cumulative import LinearRecurrence
from theano.tensor.extra_ops import CpuContiguous, DiffOp, FillDiagonal, FillDiagonalOffset, NonNegative
from theano.tensor.products import CheckLengths
from theano.tensor.sort import TopKOp
from theano.transforms.map_rows import MapRows

V, M, C = (4,), (3, 4), (2, 3, 4)
LABELS = np.array([3, 0, 1])


def sub_add(x, y):
    return T.inc_subtensor(x[1:3], y)


# op: [(expression, shape of each argument)]; arguments are float64 and lie in (0.2, 1.8), all different
SAMPLES = {
    "Elemwise": [(lambda x, y: T.exp(x) * y, (M, V)), (lambda x: T.switch(T.gt(x, 1), x**3, T.sin(x)), (M,))],
    "DimShuffle": [
        (lambda x: x.dimshuffle(1, "x", 0), (M,)),
        (lambda x: T.addbroadcast(x, 0).dimshuffle(1), ((1, 4),)),
    ],
    "Sum": [(lambda x: x.sum(), (M,)), (lambda x: Sum((0, 2))(x**2), (C,)), (lambda x: x.sum(axis=-1), (M,))],
    "Prod": [(lambda x: x.prod(), (V,)), (lambda x: x.prod(axis=1), (M,)), (lambda x: Prod((0, 1))(x), ((2, 2, 3),))],
    "ProdWithoutZeros": [(lambda x: ProdWithoutZeros(1)(x), (M,))],
    "ProductOfOthers": [
        (lambda x: ProductOfOthers((0,))(x), (V,)), (lambda x, g: ProductOfOthers((1,))(x, g), (M, M)),
    ],
    "PdbBreakpoint": [(lambda x, y: PdbBreakpoint("never")(x.sum() > 1e9, x**2) * y, (M, M))],
    "Assert": [(lambda x, y: T.opt.Assert("positive")(x**2, (y > 0).all()) * y, (M, M))],
    "Max": [(lambda x: x.max(), (M,)), (lambda x: Max((0,))(x * x), (C,))],
    "Supremum": [(lambda x: Supremum(None)(x), (M,)), (lambda x: Supremum((0,))(x * x), (C,))],
    "Min": [(lambda x: Min((1,))(x * x), (M,)), (lambda x: x.min(axis=0), (M,))],
    "CAReduce": [(lambda x: CAReduce(T.add.scalar_op, (0,))(x), (M,))],
    "CAReduceDtype": [(lambda x: CAReduceDtype(T.mul.scalar_op, (1,))(x), (M,))],
    "MaxAndArgmax": [(lambda x: T.max_and_argmax(x, axis=1)[0], (M,)), (lambda x: T.max_and_argmax(x)[0] ** 2, (M,))],
    "Subtensor": [
        (lambda x: x[1:, ::-2] ** 2, (M,)), (lambda x: x[-1], (M,)), (lambda x: x[T.constant(1) :, None, ..., 0], (C,)),
    ],
    "IncSubtensor": [
        (sub_add, (V, (2,))), (lambda x, y: T.set_subtensor(x[0], y) ** 2, (M, V)),
        (lambda x, y: T.inc_subtensor(x[:, ::2], y) ** 2, (M, (2,))),
    ],
    "AdvancedSubtensor1": [(lambda x: x[np.array([0, 2, 0])] ** 2, (M,))],
    "AdvancedIncSubtensor1": [
        (lambda x, y: T.inc_subtensor(x[np.array([0, 2, 0])], y) ** 2, (M, M)),
        (lambda x, y: T.set_subtensor(x[np.array([0, 2])], y) ** 2, (M, (2, 4))),
    ],
    "AdvancedSubtensor": [
        (lambda x: x[np.array([0, 2, 0]), np.array([1, 1, 3])] ** 2, (M,)),
        (lambda x: x[:, np.array([[0, 1], [1, 1]])], (M,)),
        (lambda x: x[np.array([True, False, True])], (M,)),
    ],
    "AdvancedIncSubtensor": [
        (lambda x, y: T.inc_subtensor(x[np.array([0, 2, 0]), np.array([1, 1, 1])], y) ** 2, (M, (3,))),
        (lambda x, y: T.set_subtensor(x[np.array([True, False, True])], y) ** 2, (M, (2, 4))),
    ],
    "Dot": [
        (T.dot, (M, (4, 2))), (T.dot, (M, V)), (T.dot, (V, (4, 2))), (T.dot, (V, V)), (lambda x: T.dot(x, x.T), (M,)),
    ],
    "BatchedDot": [(T.batched_dot, (C, (2, 4, 2))), (lambda x: T.batched_dot(x, x.dimshuffle(0, 2, 1)), (C,))],
    "CheckLengths": [(lambda x, y: CheckLengths("pair", [(0, 0)])(x, y) * y.sum(), (M, M)),],
    "Gemm": [(lambda z, a, x, y, b: blas.Gemm()(z, a, x, y, b), ((3, 2), (), M, (4, 2), ()))],
    "Gemv": [(lambda y, a, m, x, b: blas.Gemv()(y, a, m, x, b), ((3,), (), M, V, ()))],
    "Ger": [(lambda m, a, x, y: blas.Ger()(m, a, x, y), (M, (), (3,), V))],
    "Dot22": [(lambda x, y: blas.Dot22()(x, y), (M, (4, 2)))],
    "Dot22Scalar": [(lambda x, y, a: blas.Dot22Scalar()(x, y, a), (M, (4, 2), ()))],
    "Alloc": [(lambda x: T.alloc(x**2, 3, 4), (V,)), (lambda x: T.alloc(x, 2, 2), ((),))],
    "MakeVector": [(lambda x, y: T.stack([x, y, x * y]), ((), ()))],
    "Reshape": [(lambda x: (x**2).reshape((2, 6)), (M,)), (lambda x: x.flatten(), (C,))],
    "SpecifyShape": [(lambda x: T.specify_shape(x, (3, 4)) ** 2, (M,))],
    "Rebroadcast": [(lambda x: T.unbroadcast(T.addbroadcast(x, 0), 0) ** 2, ((1, 4),))],
    "Join": [(lambda x, y: T.join(1, x, y, x) ** 2, (M, (3, 1))), (lambda x: T.concatenate([x, x]), (V,))],
    "Split": [(lambda x: T.split(x, [1, 3], 2, axis=1)[1] ** 2, (M,))],
    "ExtractDiag": [(lambda x: T.diagonal(x, 1) ** 2, (M,)), (lambda x: T.diagonal(x, -1, 1, 2), (C,))],
    "AllocDiag": [(lambda x: T.diag(x, 1) ** 2, (V,))],
    "CumOp": [(lambda x: T.cumsum(x**2, axis=1), (M,)), (lambda x: T.cumprod(x, axis=0), (M,)), (T.cumprod, (V,))],
    "LinearRecurrence": [(lambda a, b: LinearRecurrence(0)(a, b), (V, V))],
    "RepeatOp": [
        (lambda x: T.repeat(x**2, np.array([2, 0, 1, 3]), axis=1), (M,)),
        (lambda x: T.repeat(x**2, np.array([1, 0, 2]), axis=0), (M,)),
    ],
    "SortOp": [(lambda x: T.sort(x, axis=0) ** 2, (M,)), (lambda x: T.sort(x, axis=None), (M,))],
    "TopKOp": [(lambda x: TopKOp(axis=-1, return_indices=False)(x, 2) ** 2, (M,))],
    "DiffOp": [(lambda x: DiffOp(2, 1)(x**3), (M,))],
    "FillDiagonal": [(lambda x, y: FillDiagonal()(x, y) ** 2, (M, ()))],
    "FillDiagonalOffset": [(lambda x, y: FillDiagonalOffset()(x, y, 1) ** 2, (M, ()))],
    "NonNegative": [(lambda x: NonNegative("x")(x) ** 2, (V,))],
    "CpuContiguous": [(lambda x: CpuContiguous()(x.T) ** 2, (M,))],
    "PermuteRowElements": [(lambda x: T.permute_row_elements(x**2, np.array([2, 0, 3, 1])), (M,))],
    "Choose": [(lambda x, y: T.choose(np.array([0, 1, 1, 0]), [x, y]) ** 2, (V, V))],
    "Softmax": [(lambda x: nnet.softmax(x), (M,)), (lambda x: nnet.softmax(x, axis=0), (M,))],
    "LogSoftmax": [(lambda x: nnet.logsoftmax(x), (M,)), (lambda x: nnet.logsoftmax(x, axis=(0, 2)), (C,))],
    "LogSumExp": [(lambda x: nnet.logsumexp(x, axis=1), (M,)), (lambda x: nnet.logsumexp(x), (M,))],
    "SoftmaxGrad": [(lambda x, y: nnet.softmax_grad(x, y), (M, M))],
    "SoftmaxWithBias": [(nnet.softmax_with_bias, (M, V))],
    "CrossentropyCategorical1Hot": [(lambda p: nnet.crossentropy_categorical_1hot(p, LABELS), (M,))],
    "CrossentropyCategorical1HotGrad": [
        (lambda g, p: nnet.crossentropy_categorical_1hot_grad(g, p, LABELS), ((3,), M)),
    ],
    "CrossentropySoftmaxArgmax1HotWithBias": [
        (lambda x, b: nnet.crossentropy_softmax_argmax_1hot_with_bias(x, b, LABELS)[0], (M, V)),
        (lambda x, b: nnet.crossentropy_softmax_argmax_1hot_with_bias(x, b, LABELS)[1], (M, V)),
    ],
    "CrossentropySoftmax1HotWithBiasDx": [
        (lambda g, p: nnet.crossentropy_softmax_1hot_with_bias_dx(g, p, LABELS), ((3,), M)),
        (lambda g, p: nnet.crossentropy_softmax_1hot_with_bias_dx(g, p, LABELS), ((), M)),
    ],
}


def inner(x, y):
    """A graph of a vector and a scalar for ops that hold one: (inputs, outputs)."""
    v, s = T.vector(dtype=x.dtype), T.scalar(dtype=y.dtype)
    return [v, s], [v**2 * s]


SAMPLES |= {
    "OpFromGraph": [(lambda x, y: theano.OpFromGraph(*inner(x, y))(x, y), (V, ()))],
    "MapRows": [
        (lambda x, y: MapRows(*inner(x, y), 1, [False])(x.shape[0], x, y), (M, ())),
        (lambda x, y: MapRows(*inner(x, y), 1, [True])(x.shape[0], x, y), (M, ())),
    ],
    "ViewOp": [(lambda x: view_op(x**2), (M,))],
    "DeepCopyOp": [(lambda x: deep_copy_op(x**2), (M,))],
    "Print": [(lambda x: Print("p", global_fn=lambda op, value: None)(x**2), (M,))],
    "EqualLengths": [(lambda x, y: checks.EqualLengths("pair")(x**2, x.shape[1], y.shape[0]) * y, (M, V))],
    "InsideAxes": [(lambda x: checks.InsideAxes("index")(x**2, np.int64(2), x.shape[0]), (M,))],
    "Computed": [(lambda x: checks.Computed("for")(x**2, x * 3), (M,))],
    "StatedLengths": [(lambda x: checks.StatedLengths("f")(x**2, x.shape, x.shape[0], x.shape[1]), (M,))],
    "NoZeroStep": [(lambda x: checks.NoZeroStep("slice")(x**2, x.shape[0]), (M,))],
    "OneLength": [(lambda x, y: checks.OneLength("rows")(x**2, x.shape[1], y.shape[0]) * y, (M, V))],
    "SameCounts": [(lambda x: checks.SameCounts("reshape", 2, 1)(x**2, *x.shape, np.int64(12)), (M,))],
    "WholePieces": [(lambda x: checks.WholePieces("split")(x**2, np.array([1, 3]), np.int64(2), x.shape[1]), (M,))],
}
SAMPLES |= LINEAR_SAMPLES | CONVOLUTION_SAMPLES

# ops of which test_odd_shapes.py checks what their gradient is: one that is zero, for results that are integers, bools
# or shapes, or none, for the reason that is given there
WITHOUT_DERIVATIVE = set(NO_GRADIENT) | CHANGED | {
    "All", "Any", "ARange", "AllocEmpty", "ArgSortOp", "Argmax", "Bartlett", "ChoiceFromUniform", "ClassNumbers",
    "DotModulo", "Eye", "LoadFromDisk", "MultinomialFromUniform", "MultinomialWOReplacementFromUniform", "Nonzero",
    "RavelMultiIndex", "SearchsortedOp", "Shape", "Shape_i", "Tri", "UnravelIndex", "mrg_uniform",
}  # fmt: skip
# the derivatives of second order are not written, or are tested elsewhere
FIRST_ORDER = {
    "ConnectionistTemporalClassification": "the recursion has one derivative: test_odd_shapes.py",
    "RandomFunction": "location and scale: tests/random/test_random_streams.py",
}
CASES = [
    pytest.param(name, expression, shapes, id=f"{name}-{number}")
    for name, samples in SAMPLES.items()
    for number, (expression, shapes) in enumerate(samples)
]


def arguments(shapes):
    rng = np.random.default_rng(11)
    count = sum(int(np.prod(shape)) for shape in shapes)
    numbers = rng.permutation(np.linspace(0.2, 1.8, count)) if count > 1 else np.array([0.7] * count)
    values = []
    for shape in shapes:
        size = int(np.prod(shape))
        values.append(numbers[:size].reshape(shape))
        numbers = numbers[size:]
    return values


def inputs_for(shapes):
    return [T.TensorType("float64", (None,) * len(shape))(f"x{k}") for k, shape in enumerate(shapes)]


def run(outputs, inputs, values):
    return evaluate(outputs, dict(zip(inputs, values)))


def directional(function, values, direction, step):
    """The derivative of a function of arrays along `direction`, by the five-point formula."""

    def at(s):
        return function([v + s * d for v, d in zip(values, direction)])

    return (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step)


def projected(expression, inputs):
    """sum of the outputs weighted at random, and the outputs themselves."""
    output = expression(*inputs)
    return output, lambda weights: (output * weights).sum()


@pytest.mark.parametrize("name, expression, shapes", CASES)
def test_derivatives(name, expression, shapes):
    inputs, values = inputs_for(shapes), arguments(shapes)
    output = expression(*inputs)
    contained = any(type(node.op).__name__ == name for node in toposort([output]))
    assert contained is not (name in COMPOSITIONS), f"the sample does not contain {name}"
    rng = np.random.default_rng(5)
    plain = run([output], inputs, values)[0]
    weights = rng.normal(size=plain.shape)
    direction = [rng.normal(size=v.shape) for v in values]

    cost = (output * weights).sum()
    gradients = grad(cost, inputs, disconnected_inputs="ignore")
    assert [g.type.ndim for g in gradients] == [v.ndim for v in values]
    found = run(gradients, inputs, values)
    assert [g.shape for g in found] == [v.shape for v in values]
    numeric = directional(lambda at: run([cost], inputs, at)[0], values, direction, 1e-4)
    slope = sum((g * d).sum() for g, d in zip(found, direction))
    np.testing.assert_allclose(slope, numeric, rtol=1e-7, atol=1e-8, err_msg="first derivative, reverse")

    tangent = Rop(output, inputs, [T.constant(d) for d in direction], disconnected_outputs="ignore")
    forward = run([tangent], inputs, values)[0]
    numeric = directional(lambda at: run([output], inputs, at)[0], values, direction, 1e-4)
    np.testing.assert_allclose(forward, numeric, rtol=1e-7, atol=1e-8, err_msg="first derivative, forward")

    other = [rng.normal(size=v.shape) for v in values]
    along = sum((g * d).sum() for g, d in zip(gradients, other))
    second = grad(along, inputs, disconnected_inputs="ignore")
    numeric = directional(lambda at: run([along], inputs, at)[0], values, direction, 1e-4)
    slope = sum((g * d).sum() for g, d in zip(run(second, inputs, values), direction))
    np.testing.assert_allclose(slope, numeric, rtol=1e-6, atol=1e-7, err_msg="second derivative")

    everything = [*gradients, tangent, *second]
    compiled = theano.function(inputs, everything, on_unused_input="ignore")(*values)
    for got, want in zip(compiled, run(everything, inputs, values)):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9, err_msg="compiled")


@pytest.mark.parametrize("name, expression, shapes", CASES)
def test_float32_stays_float32(name, expression, shapes):
    inputs = [T.TensorType("float32", (None,) * len(shape))() for shape in shapes]
    output = expression(*inputs)
    if output.dtype != "float32":
        pytest.skip("the expression itself has constants of float64")
    for gradient in grad(output.sum(), inputs, disconnected_inputs="ignore"):
        assert gradient.dtype == "float32"
