"""The cases of neural networks, signals, random numbers, and of ops that hold graphs or change derivatives only."""

import itertools
import os
import tempfile

import numpy as np
from op_case import FLOATS, case, ints, special
from scipy import signal
from scipy import special as functions

import theano
import theano.tensor as T
from theano import gradient
from theano.compile.ops import as_op, deep_copy_op, view_op
from theano.graph.print_op import Print
from theano.lowering.duplicate import Duplicate
from theano.rewriting import checks_of_lengths as checks
from theano.sandbox import rng_mrg
from theano.sandbox.multinomial import ChoiceFromUniform, MultinomialFromUniform, MultinomialWOReplacementFromUniform
from theano.tensor import io, nnet, raw_random
from theano.tensor.nnet import abstract_conv as conv
from theano.tensor.nnet import classes, ctc, neighbours, one_hot_losses
from theano.tensor.signal import pool
from theano.transforms.map_rows import MapRows

IMAGE, KERNEL = (2, 3, 5, 4), (2, 3, 2, 3)
SOLID, SOLID_KERNEL = (1, 2, 4, 3, 3), (2, 2, 2, 1, 2)
SHAPES = [((3, 4),), ((1, 4),), ((3, 1),), ((0, 4),)]
LOGITS = [((3, 4),), ((1, 4),), ((3, 1),), ((0, 4),), (special(8, 3),),
(np.array([[1e3, -1e3, 0.0], [-np.inf, 1.0, 2.0]]),)]
LABELS = ints([1, 0, 3])


# -- convolution by SciPy ----------------------------------------------------------------------------------------------


def correlated(x, w, flip=True, mode="valid"):
    """Images with kernels, one pair of channels at a time."""
    function = signal.convolve if flip else signal.correlate
    out = [[sum(function(x[b, c], w[f, c], mode, "direct") for c in range(x.shape[1])) for f in range(len(w))]
           for b in range(len(x))]  # fmt: skip
    return np.asarray(out, x.dtype)


def by_image(w, top, flip=True):
    """The adjoint of `correlated` in its image: every output gives its kernel back."""
    return correlated(top, np.swapaxes(w, 0, 1), not flip, "full")


def by_kernel(x, top, flip=True):
    """The adjoint of `correlated` in its kernel."""
    found = correlated(np.swapaxes(x, 0, 1), np.swapaxes(top, 0, 1), False)
    found = np.swapaxes(found, 0, 1)
    return np.flip(found, tuple(range(2, x.ndim))) if flip else found


# -- pooling, patches --------------------------------------------------------------------------------------------------


def windows(x, size, stride):
    """Views of all windows over the last axes: (..., *counts, *size)."""
    d = len(size)
    found = np.lib.stride_tricks.sliding_window_view(x, size, tuple(range(x.ndim - d, x.ndim)))
    return found[(..., *(slice(None, None, s) for s in stride), *(slice(None),) * d)]


def spread(x, top, size, stride, of_maxima):
    """The adjoint of summing windows: of all elements, or of those that equal the maximum of the window."""
    out = np.zeros_like(x)
    for at in np.ndindex(*top.shape[-2:]):
        place = tuple(slice(k * s, k * s + n) for k, s, n in zip(at, stride, size))
        part = x[(..., *place)]
        chosen = part == part.max((-2, -1), keepdims=True) if of_maxima else np.ones_like(part)
        out[(..., *place)] += chosen * top[(..., *at)][..., None, None]
    return out


def at_maxima(x, values, size, stride):
    wide, theirs = windows(x, size, stride), windows(values, size, stride)
    return ((wide == wide.max((-2, -1), keepdims=True)) * theirs).sum((-2, -1))


def patches(x, size, stride):
    found = windows(x, size, stride)
    return found.reshape(-1, size[0] * size[1])


# -- losses ------------------------------------------------------------------------------------------------------------


def softmax(x, axis=-1):
    """By the definition; a row that holds +inf or NaN, or only -inf, has none."""
    wide = x.astype("float64")
    e = np.exp(wide - np.max(np.where(np.isfinite(wide), wide, -1e300), axis, keepdims=True, initial=-1e300))
    return (e / e.sum(axis, keepdims=True)).astype(x.dtype)


def log_softmax(x, axis=-1):
    return (x.astype("float64") - functions.logsumexp(x.astype("float64"), axis, keepdims=True)).astype(x.dtype)


def one_hot(y, n, dtype):
    return (y[..., None] == np.arange(n)).astype(dtype)


def rows(p, y):
    return np.take_along_axis(p, y[..., None], -1)[..., 0]


def over_alignments(x, labels, lengths):
    costs = []
    for k, n in enumerate(lengths):
        logp, total = functions.log_softmax(x[:n, k].astype("float64"), axis=-1), 0.0
        for path in itertools.product(range(x.shape[2]), repeat=int(n)):
            if [s for s, _ in itertools.groupby(path) if s] == [s for s in labels[k] if s >= 0]:
                total += np.exp(sum(logp[t, s] for t, s in enumerate(path)))
        costs.append(-np.log(total))
    return np.array(costs, x.dtype)


def slopes(x, labels, lengths):
    """The gradient of `over_alignments` by central differences."""
    x = x.astype("float64")
    out = np.zeros_like(x)
    for at in np.ndindex(x.shape):
        ends = []
        for step in (1e-5, -1e-5):
            moved = x.copy()
            moved[at] += step
            ends.append(over_alignments(moved, labels, lengths).sum())
        out[at] = (ends[0] - ends[1]) / 2e-5
    return out


CTC = (np.random.default_rng(0).normal(size=(3, 2, 3)), ints([[1, 2], [2, -1]]), ints([3, 2]))


# -- random numbers ----------------------------------------------------------------------------------------------------


def state(seed=7):
    return np.random.RandomState(seed)


def drawn(p, unis, n, replace=True):
    """n classes for every row, by hand: number k * rows + r belongs to draw k of row r."""
    out = np.zeros((len(p), n), "int64")
    for r, weights in enumerate(np.array(p, "float64")):
        for k in range(n):
            edges = np.cumsum(weights)
            out[r, k] = np.searchsorted(edges, unis[k * len(p) + r] * edges[-1], "right")
            if not replace:
                weights[out[r, k]] = 0
    return out


def counts(p, unis, n):
    found = drawn(p, unis, n)
    return np.array([np.bincount(row, minlength=p.shape[1]) for row in found], "int64").reshape(p.shape)


def mixed(key, counter):
    """64 bits of a counter, in Python's integers: SplitMix64 twice, the key, and once more."""
    full = 2**64 - 1
    z = (counter * 0x9E3779B97F4A7C15 + key) & full
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & full
    z = (z ^ z >> 27) * 0x94D049BB133111EB & full
    z ^= z >> 31 ^ (key << 32 | key >> 32) & full
    z = (z ^ z >> 32) * 0xD6E8FEB86659FD93 & full
    return z ^ z >> 32


def uniform_numbers(rstate, size):
    key, first = (int(v) for v in rstate)
    found = [((mixed(key, first + k) >> 12) + 0.5) / 2**52 for k in range(int(np.prod(size)))]
    return [rstate + [0, len(found)], np.array(found).reshape(size)]


def moved(A, s, m):
    return [sum(int(a) * int(b) for a, b in zip(row, s)) % int(m) for row in A]


CHANCES = np.array([[0.25, 0.0, 0.75], [0.5, 0.25, 0.25]])
UNIS = np.array([0.1, 0.6, 0.3, 0.99])
draw = raw_random.RandomFunction

# -- ops that hold graphs ----------------------------------------------------------------------------------------------

_x, _y = T.dvector(), T.dscalar()
INNER = theano.OpFromGraph([_x, _y], [_x * _y, (_x + _y).sum()])
ROWS_OF = MapRows([_x, _y], [_x * _y, T.sqr(_x)], 1, [False, True])


@as_op([T.dvector, T.lscalar], [T.dmatrix, T.dscalar], infer_shape=lambda node, shapes: [(*shapes[0], *shapes[0]), ()])
def outer_and_sum(x, n):
    return np.outer(x, x) * n, x.sum()


def file_of(array):
    path = os.path.join(tempfile.mkdtemp(), "array.npy")
    np.save(path, array)
    return path


STORED = np.arange(6.0).reshape(2, 3)

NETWORK_CASES = {
    "Softmax": [
        case(nnet.Softmax(-1), softmax, *LOGITS),
        case(nnet.Softmax((0, 2)), lambda x: softmax(x, (0, 2)), ((2, 3, 4),), ((1, 3, 1),)),
        case(nnet.Softmax(None), lambda x: softmax(x, (0, 1)), ((2, 3),)),
    ],
    "LogSoftmax": [
        case(nnet.LogSoftmax(-1), log_softmax, *SHAPES, LOGITS[-1]),
        case(nnet.LogSoftmax(0), lambda x: log_softmax(x, 0), ((2, 3, 4),)),
    ],
    "LogSumExp": [
        case(nnet.LogSumExp(1), lambda x: functions.logsumexp(x, 1), *SHAPES[:3], LOGITS[-1],
             (np.full((2, 3), -np.inf),)),
        case(nnet.LogSumExp(None), lambda x: np.asarray(functions.logsumexp(x)), ((2, 3),), ((4,),)),
    ],
    "SoftmaxGrad": [
        case(nnet.SoftmaxGrad(-1), lambda g, p: (g - (g * p).sum(-1, keepdims=True)) * p, ((3, 4), (3, 4)),
             ((1, 4), (1, 4)),
             ((0, 4), (0, 4))),
    ],
    "SoftmaxWithBias": [
        case(one_hot_losses.SoftmaxWithBias(), lambda x, b: softmax(x + b), ((3, 4), (4,)), ((1, 4), (4,)),
             ((0, 4), (4,))),
    ],
    "ClassNumbers": [
        case(lambda y: classes.ClassNumbers()(y, y.shape[0]), lambda y: y.astype("int64"),
             (ints([1, 0], dtype="int8"),), (ints([]),),
             dtypes=("int64",)),
    ],
    "CrossentropyCategorical1Hot": [
        case(one_hot_losses.CrossentropyCategorical1Hot(), lambda p, y: -np.log(rows(p, y)),
             (lambda dtype: softmax(np.eye(3, 4, dtype=dtype)), LABELS),
             (lambda dtype: np.ones((0, 4), dtype), ints([]))),
    ],
    "CrossentropyCategorical1HotGrad": [
        case(one_hot_losses.CrossentropyCategorical1HotGrad(),
             lambda g, p, y: -one_hot(y, 4, p.dtype) * (g / rows(p, y))[:, None],
             ((3,), (lambda dtype: softmax(np.eye(3, 4, dtype=dtype))), LABELS)),
    ],
    "CrossentropySoftmaxArgmax1HotWithBias": [
        case(one_hot_losses.CrossentropySoftmaxArgmax1HotWithBias(),
             lambda x, b, y: [-rows(log_softmax(x + b), y), softmax(x + b), (x + b).argmax(1)],
             ((3, 4), (4,), LABELS), ((1, 4), (4,), ints([2]))),
    ],
    "CrossentropySoftmax1HotWithBiasDx": [
        case(one_hot_losses.CrossentropySoftmax1HotWithBiasDx(), lambda g, p,
             y: g[..., None] * (p - one_hot(y, 4, p.dtype)),
             ((3,), (3, 4), LABELS), ((), (3, 4), LABELS)),
    ],
    "ConnectionistTemporalClassification": [case(ctc.ctc, over_alignments, CTC, loose=10)],
    "ConnectionistTemporalClassificationGrad": [
        case(ctc.ConnectionistTemporalClassificationGrad(), slopes, CTC, dtypes=("float64",), loose=100),
    ],
    # -- convolution ------------------------------------------------------------------------------------------------
    "AbstractConv": [
        case(conv.AbstractConv(2), correlated, (IMAGE, KERNEL), ((1, 1, 3, 3), (1, 1, 3, 3)), loose=9),
        case(conv.AbstractConv(2, border_mode="full", filter_flip=False), lambda x, w: correlated(x, w, False, "full"),
             (IMAGE, KERNEL), loose=9),
    ],
    "AbstractConv2d": [case(conv.AbstractConv2d(), correlated, (IMAGE, KERNEL), loose=9)],
    "AbstractConv3d": [case(conv.AbstractConv3d(), correlated, (SOLID, SOLID_KERNEL), loose=9)],
    "AbstractConv_gradInputs": [
        case(lambda w, g: conv.AbstractConv_gradInputs(2)(w, g, (5, 4)), by_image, (KERNEL, (2, 2, 4, 2)), loose=9),
    ],
    "AbstractConv2d_gradInputs": [
        case(lambda w, g, n: conv.AbstractConv2d_gradInputs(filter_flip=False)(w, g, n), lambda w, g,
             n: by_image(w, g, False),
             (KERNEL, (2, 2, 4, 2), ints([5, 4])), loose=9),
    ],
    "AbstractConv3d_gradInputs": [
        case(lambda w, g: conv.AbstractConv3d_gradInputs()(w, g, (4, 3, 3)), by_image, (SOLID_KERNEL, (1, 2, 3, 3, 2)),
             loose=9),
    ],
    "AbstractConv_gradWeights": [
        case(lambda x, g: conv.AbstractConv_gradWeights(2)(x, g, (2, 3)), by_kernel, (IMAGE, (2, 2, 4, 2)), loose=9),
    ],
    "AbstractConv2d_gradWeights": [
        case(lambda x, g, n: conv.AbstractConv2d_gradWeights(filter_flip=False)(x, g, n), lambda x, g,
             n: by_kernel(x, g, False),
             (IMAGE, (2, 2, 4, 2), ints([2, 3])), loose=9),
    ],
    "AbstractConv3d_gradWeights": [
        case(lambda x, g: conv.AbstractConv3d_gradWeights()(x, g, (2, 1, 2)), by_kernel, (SOLID, (1, 2, 3, 3, 2)),
             loose=9),
    ],
    # -- pooling, patches -------------------------------------------------------------------------------------------
    "Pool": [
        case(lambda x: pool.Pool(True)(x, (2, 2), (1, 2)), lambda x: windows(x, (2, 2), (1, 2)).max((-2, -1)),
             (IMAGE,), ((3, 2),),
             dtypes=(*FLOATS, "int16")),
        case(lambda x, s: pool.Pool(True, "sum")(x, (3, 2), s), lambda x, s: windows(x, (3, 2), s).sum((-2, -1)),
             (IMAGE, ints([2, 1]))),
        case(lambda x: pool.Pool(True, "average_exc_pad")(x, (3, 2)),
             lambda x: windows(x, (3, 2), (3, 2)).mean((-2, -1)), (IMAGE,)),
    ],
    "MaxPoolGrad": [
        case(lambda x, g: pool.MaxPoolGrad(True)(x, pool.Pool(True)(x, (2, 2), (1, 2)), g, (2, 2), (1, 2)),
             lambda x, g: spread(x, g, (2, 2), (1, 2), True), (IMAGE, (2, 3, 4, 2)), (np.ones((3, 4)), (2, 2))),
    ],
    "AveragePoolGrad": [
        case(lambda x, g: pool.AveragePoolGrad(True, "sum")(x, g, (2, 2), (1, 2)), lambda x,
             g: spread(x, g, (2, 2), (1, 2), False),
             (IMAGE, (2, 3, 4, 2))),
        case(lambda x, g: pool.AveragePoolGrad(True, "average_inc_pad")(x, g, (2, 2), (1, 2)),
             lambda x, g: spread(x, g / 4, (2, 2), (1, 2), False), (IMAGE, (2, 3, 4, 2))),
    ],
    "DownsampleFactorMaxGradGrad": [
        case(lambda x, v: pool.DownsampleFactorMaxGradGrad(True)(x, pool.Pool(True)(x, (2, 2), (1, 1)), v, (2, 2),
             (1, 1)),
             lambda x, v: at_maxima(x, v, (2, 2), (1, 1)), (IMAGE, IMAGE)),
    ],
    "MaxPoolRop": [
        case(lambda x, v: pool.MaxPoolRop(True)(x, v, (2, 3), (2, 1)), lambda x, v: at_maxima(x, v, (2, 3), (2, 1)),
             (IMAGE, IMAGE)),
    ],
    "Images2Neibs": [
        case(lambda x: neighbours.Images2Neibs("ignore_borders")(x, (2, 2), (1, 2)),
             lambda x: patches(x, (2, 2), (1, 2)), (IMAGE,),
             ((0, 2, 3, 3),)),
        case(lambda x: neighbours.Images2Neibs("ignore_borders")(x, (2, 6), (1, 2)),
             lambda x: np.zeros((0, 12), x.dtype), (IMAGE,),
             ((1, 1, 1, 1),)),
        case(lambda x, n: neighbours.Images2Neibs("full")(x, n),
             lambda x, n: patches(np.pad(x, ((0, 0), (0, 0), (1, 1), (2, 2))), n, n), ((1, 2, 2, 5), ints([2, 3]))),
    ],
    "Neibs2Images": [
        case(lambda m, n: neighbours.neibs2images(m, (2, 2), n),
             lambda m, n: m.reshape(n[0], n[1], n[2] // 2, n[3] // 2, 2, 2).swapaxes(3, 4).reshape(n),
             ((12, 4), ints([1, 2, 4, 6]))),
    ],
    # -- random numbers ---------------------------------------------------------------------------------------------
    "RandomFunction": [
        case(lambda a, s: raw_random.normal(state(), (3, 2), a, s)[1], lambda a, s: state().normal(a, s, (3, 2)),
             (np.array([1.0, 5.0]), np.array(2.0)), (np.ones((3, 1)), np.ones((1, 2))), dtypes=("float64",)),
        case(lambda n: raw_random.permutation(state(), (2,), n)[1],
             lambda n: (lambda r: np.stack([r.permutation(int(n)) for _ in range(2)]))(state()), (ints(5),), (ints(0),),
             dtypes=("int64",)),
        case(lambda p, n: raw_random.multinomial(state(), (4,), n, p)[1], lambda p,
             n: state().multinomial(int(n), p, 4),
             (CHANCES[0], ints(6)), dtypes=("float64",)),
        case(lambda n: raw_random.uniform(state(), n, dtype="float32", ndim=2)[1],
             lambda n: state().uniform(size=n).astype("float32"),
             (ints([2, 3]),), (ints([0, 3]),), dtypes=("float32",)),
        case(lambda p: raw_random.binomial(state(), (2, 3), 5, p, dtype="float64")[1],
             lambda p: state().binomial(5, p, (2, 3)).astype("float64"), (np.array([0.0, 0.5, 1.0]),),
             (np.array(0.3),), dtypes=("float64",)),
    ],
    "mrg_uniform": [
        case(lambda r, n: rng_mrg.mrg_uniform.new(r, 2, "float64", n), uniform_numbers,
             (ints([2**62 + 5, 2**40]), ints([2, 3])),
             (ints([1, 0]), ints([0, 3])), dtypes=("float64",), loose=0),
    ],
    "MultinomialFromUniform": [
        case(lambda p, u: MultinomialFromUniform("int64")(p, u, 2), lambda p, u: counts(p, u, 2), (CHANCES, UNIS),
             (CHANCES[:0], ints([]) * 1.0),
             dtypes=("float64",)),
        case(lambda p, u: MultinomialFromUniform("auto")(p, u, 2), lambda p, u: counts(p, u, 2).astype("float64"),
             (CHANCES, UNIS), dtypes=("float64",)),
    ],
    "ChoiceFromUniform": [
        case(lambda p, u, n: ChoiceFromUniform("int64", True)(p, u, n), lambda p, u, n: drawn(p, u, int(n)),
             (CHANCES, UNIS, ints(2)),
             (CHANCES, UNIS[:0], ints(0)), dtypes=("float64",)),
        case(lambda p, u: ChoiceFromUniform("auto")(p, u, 2), lambda p, u: drawn(p, u, 2, False), (CHANCES, UNIS),
             dtypes=("float64",)),
    ],
    "MultinomialWOReplacementFromUniform": [
        case(lambda p, u: MultinomialWOReplacementFromUniform("auto")(p, u, 2), lambda p, u: drawn(p, u, 2, False),
             (CHANCES, UNIS),
             dtypes=("float64",)),
    ],
    "DotModulo": [
        case(rng_mrg.DotModulo(), lambda A, s, m, B, t, n: np.array(moved(A, s, m) + moved(B, t, n), "int32"),
             (ints([[2**30, 7], [3, 2**31 - 2]]), ints([2**31 - 2, 5]), ints(2**31 - 1), ints([[4]]), ints([9]),
             ints(5)),
             dtypes=("int64",)),
    ],
    # -- plumbing ---------------------------------------------------------------------------------------------------
    "ViewOp": [case(view_op, lambda x: x, *SHAPES)],
    "DeepCopyOp": [case(deep_copy_op, lambda x: x, *SHAPES)],
    "Duplicate": [case(Duplicate(), lambda x: x, *SHAPES)],
    "Print": [case(Print("p", global_fn=lambda op, x: None), lambda x: x, *SHAPES)],
    "EqualLengths": [case(lambda x, y: checks.EqualLengths("pair")(x, x.shape[0], y.shape[1]), lambda x, y: x,
        ((3,), (2, 3)),
        ((0,), (1, 0)))],
    "InsideAxes": [
        case(lambda x, i, p: checks.InsideAxes("pair")(x, i, x.shape[0], p, 3), lambda x, i, p: x,
             ((4,), ints(-4), ints([2, -3, 0])), ((2,), ints(1), ints([]))),
        case(lambda x, i: checks.InsideAxes("classes", from_start=True)(x, i, x.shape[0]), lambda x, i: x,
             ((4,), ints([3, 0])), ((0,), ints([]))),
    ],
    "Computed": [case(lambda x, y: checks.Computed("for")(x, y * 2), lambda x, y: x, ((4,), (2, 3)), ((0, 2), ()))],
    "StatedLengths": [
        case(lambda x, v: checks.StatedLengths("f")(x, v, x.shape[0]), lambda x, v: x,
             ((5,), ints([5])), ((0,), ints([0]))),
    ],
    "NoZeroStep": [
        case(lambda x, i, j: checks.NoZeroStep("slice")(x, i, j), lambda x, i, j: x, ((4,), ints(-4), ints(1)),
             ((0,), ints(2), ints(3))),
        case(lambda x, i: checks.NoZeroStep("arange")(x, i), lambda x, i: x, ((4,), ())),
    ],
    "OneLength": [
        case(lambda x, y, p: checks.OneLength("rows")(x, y.shape[0], p.shape[0]), lambda x, y, p: x, ((2,), (3,), (1,)),
             ((2,), (0,), (0,))),
    ],
    "SameCounts": [
        case(lambda x, n: checks.SameCounts("reshape", 2, 2)(x, x.shape[0], x.shape[1], n, -1), lambda x, n: x,
             ((2, 3), ints(3)), ((0, 2), ints(5))),
        case(lambda x, p: checks.SameCounts("reshape", 1, 2)(x, x.shape[0], p), lambda x, p: x, ((6,), ints([2, 3]))),
    ],
    "WholePieces": [
        case(lambda x, p: checks.WholePieces("split")(x, p, 2, x.shape[0]), lambda x, p: x, ((5,), ints([5, 0]))),
    ],
    "OpFromGraph": [case(INNER, lambda x, y: [x * y, (x + y).sum()], ((4,), ()), ((0,), ()), dtypes=("float64",))],
    "FromFunctionOp": [
        case(outer_and_sum, lambda x, n: [np.outer(x, x) * n, x.sum()], ((3,), ints(2)), ((0,), ints(2)),
             dtypes=("float64",)),
    ],
    "MapRows": [
        case(lambda x, y: ROWS_OF(x.shape[0], x, y), lambda x, y: [x * y, (x**2).sum(0)], ((3, 4), ()), ((1, 2), ()),
             dtypes=("float64",)),
    ],
    "LoadFromDisk": [case(lambda x: io.load(file_of(STORED), "float64", [False] * 2) + x, lambda x: STORED + x,
        ((2, 3),), dtypes=("float64",))],
    "ConsiderConstant": [case(gradient.ConsiderConstant(), lambda x: x, *SHAPES)],
    "ZeroGrad": [case(gradient.ZeroGrad(), lambda x: x, *SHAPES)],
    "DisconnectedGrad": [case(gradient.DisconnectedGrad(), lambda x: x, *SHAPES)],
    "UndefinedGrad": [case(gradient.UndefinedGrad(), lambda x: x, *SHAPES)],
    "GradClip": [case(gradient.GradClip(-1, 1), lambda x: x, *SHAPES)],
    "GradScale": [case(gradient.GradScale(3), lambda x: x, *SHAPES)],
}  # fmt: skip
