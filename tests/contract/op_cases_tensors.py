"""The cases of ops on tensors: elementwise, shapes, creation, joining, indexing, selection, sorting, counting."""

import numpy as np
from op_case import FLOATS, MOVED, SUMMED, case, ints, special

import theano.tensor as T
from theano.tensor import extra_ops
from theano.tensor.checks import PdbBreakpoint
from theano.tensor.cumulative import CumOp, LinearRecurrence
from theano.tensor.other_types import default
from theano.tensor.permutation import PermuteRowElements
from theano.tensor.shape import shape_i_op
from theano.tensor.sort import ArgSortOp, SortOp, TopKOp

REAL = (*FLOATS, "int16", "uint8")
ROWS = ints([2, 0, 2, -1])


def on(a, at, value, add=False):
    """A copy of `a` in which a[at] is `value`, or is increased by it as often as it is named."""
    out = np.array(a)
    if add:
        np.add.at(out, at, value)
    else:
        out[at] = value
    return out


def changed(build):
    """The two forms of an op that writes: set and increase."""
    return [
        (lambda x, y, *i: T.set_subtensor(build(x, *i), y), False),
        (lambda x, y, *i: T.inc_subtensor(build(x, *i), y), True),
    ]


def writes(build, *arguments, dtypes=FLOATS):
    """Cases of set and inc of the part `build`, which NumPy selects the same way."""

    def expected(add):
        def by_numpy(x, y, *i):
            at = np.arange(x.size).reshape(x.shape)
            place = build(at, *i)
            out = x.flatten()
            y = np.broadcast_to(y, place.shape)
            if add:
                np.add.at(out, place.ravel(), y.ravel())
            else:
                out[place.ravel()] = y.ravel()
            return out.reshape(x.shape)

        return by_numpy

    return [case(form, expected(add), *arguments, dtypes=dtypes) for form, add in changed(build)]


def alloc_diag(v, offset, axis1=0, axis2=1):
    """By the definition, element by element."""
    n = v.shape[-1] + abs(offset)
    out = np.zeros((n, n, *v.shape[:-1]), v.dtype)
    for k in range(v.shape[-1]):
        out[k + max(-offset, 0), k + max(offset, 0)] = v[..., k]
    return np.moveaxis(out, (0, 1), (axis1, axis2))


def recurrence(a, b, axis):
    a, b = np.moveaxis(a, axis, 0), np.moveaxis(b, axis, 0)
    out = np.zeros_like(b)
    for k in range(len(b)):
        out[k] = b[k] + (a[k] * out[k - 1] if k else 0)
    return np.moveaxis(out, 0, axis)


def top(x, k, axis, order=True):
    """The k largest, descending; the -k smallest, descending, if k is negative."""
    down = np.flip(np.sort(x, axis), axis)
    n = x.shape[axis]
    return np.take(down, np.arange(k) if k > 0 else np.arange(n + k, n), axis)


def filled(a, value, offset=0):
    out = np.array(a)
    for k in range(max(a.shape)):
        if 0 <= k - min(offset, 0) < a.shape[0] and k + max(offset, 0) < a.shape[1]:
            out[k - min(offset, 0), k + max(offset, 0)] = value
    return out


def permuted(x, y, inverse=0):
    lead = np.broadcast_shapes(x.shape[:-1], y.shape[:-1])
    x, y = (np.broadcast_to(v, (*lead, v.shape[-1])) for v in (x, y))
    return np.take_along_axis(x, np.argsort(y, -1) if inverse else y, -1)


def picked(a, x, y):
    return np.where(a == 0, x, y)


def unique_items(x):
    return np.unique(x, axis=0)


ORDER = np.array([[2, 0, 3, 1], [0, 1, 2, 3], [3, 2, 1, 0]])
SHAPES = [((3, 4),), ((1, 4),), ((3, 1),), ((0, 4),), ((3, 0),)]
LINES = [((4,),), ((1,),), ((0,),)]

TENSOR_CASES = {
    "Elemwise": [case(lambda x, y: x * y + x, lambda x, y: x * y + x, ((3, 4), (4,)), ((3, 1), (1, 4)), ((0, 4), ()))],
    "DimShuffle": [
        case(lambda x: x.dimshuffle(1, "x", 0), lambda x: x.T[:, None], *SHAPES, dtypes=MOVED),
        case(lambda x: x.dimshuffle(1), lambda x: x[0], ((1, 4),), ((1, 0),), dtypes=MOVED),
    ],
    "Shape": [case(lambda x: T.shape(x), lambda x: np.array(x.shape), *SHAPES, ((1, 1),))],
    "Shape_i": [case(lambda x: shape_i_op(1)(x) * shape_i_op(0)(x), lambda x: np.array(x.shape[1] * x.shape[0]),
        *SHAPES)],
    "SpecifyShape": [
        case(lambda x, n: T.specify_shape(x, (n, 4)), lambda x, n: x, ((3, 4), ints(3)), ((0, 4), ints(0)),
             dtypes=MOVED),
    ],
    "Rebroadcast": [
        case(lambda x: T.unbroadcast(T.addbroadcast(x, 0), 0), lambda x: x, ((1, 4),), ((1, 0),), dtypes=MOVED),
    ],
    "Reshape": [
        case(lambda x: x.reshape((-1, 2)), lambda x: x.reshape(-1, 2), ((3, 4),), ((2, 1),), ((0, 4),), dtypes=MOVED),
        case(lambda x, n: x.reshape((n, 2, x.shape[1])), lambda x, n: x.reshape(int(n), 2, x.shape[1]),
             ((4, 3), ints(2)), ((2, 1), ints(1)), ((4, 0), ints(2))),
        case(lambda x: x.reshape(()), lambda x: x.reshape(()), ((1, 1),)),
    ],
    "Alloc": [
        case(lambda x, n: T.alloc(x, n, x.shape[0]), lambda x, n: np.tile(x, (n, 1)), ((4,), ints(3)), ((0,), ints(3)),
             ((4,), ints(0)), dtypes=MOVED),
        case(lambda x, n: T.alloc(x, 2, n), lambda x, n: np.broadcast_to(x, (2, n)), ((2, 1), ints(3)), ((), ints(0)),
             ((1, 1), ints(2))),
    ],
    "AllocEmpty": [
        case(lambda n: T.AllocEmpty("float32")(n, 3) * 0 + 1 > 0, lambda n: np.ones((n, 3), bool), (ints(0),),
             dtypes=("float32",)),
        case(lambda n: T.set_subtensor(T.AllocEmpty("float32")(n, 3)[:], 2), lambda n: np.full((n, 3), 2, "float32"),
             (ints(2),), (ints(0),), dtypes=("float32",)),
    ],
    "MakeVector": [
        case(lambda x, y: T.stack([x, y, x]), lambda x, y: np.array([x, y, x]), ((), ()), (special(), ()),
             dtypes=MOVED),
    ],
    "ARange": [
        case(T.arange, np.arange, (ints(2), ints(9), ints(3)), (ints(9), ints(2), ints(-3)),
             (ints(3), ints(3), ints(1)),
             (ints(4), ints(2), ints(1)), dtypes=("int64",)),
        case(lambda a, b, c: T.arange(a, b, c), lambda a, b, c: np.arange(a, b, c),
             *[tuple(np.asarray(v) for v in t) for t in [(0.0, 1.0, 0.1), (1.0, -1.0, -0.25), (0.0, 0.0, 1.0)]],
             dtypes=("float64",)),
    ],
    "Eye": [
        case(lambda n, m, k: T.eye(n, m, k), lambda n, m, k: np.eye(n, m, k),
             *[tuple(map(ints, t)) for t in [(3, 4, 0), (4, 3, 2), (3, 3, -2), (2, 3, 7), (3, 2, -5), (0, 3, 0),
                 (2, 0, 1)]],
             dtypes=("int64",)),
    ],
    "Tri": [
        case(lambda n, m, k: T.tri(n, m, k, "float32"), lambda n, m, k: np.tri(n, m, k, "float32"),
             *[tuple(map(ints, t)) for t in [(3, 4, 0), (4, 3, 2), (3, 3, -2), (2, 3, 7), (3, 2, -5), (0, 3, 0),
                 (2, 0, 1)]],
             dtypes=("int64",)),
    ],
    "Join": [
        case(lambda x, y: T.join(1, x, y, x), lambda x, y: np.concatenate([x, y, x], 1), ((3, 4), (3, 1)),
             ((0, 4), (0, 2)),
             ((3, 0), (3, 0)), ((1, 2), (1, 2)), dtypes=MOVED),
        case(lambda k, x, y: T.join(k, x, y), lambda k, x, y: np.concatenate([x, y], int(k)),
             (ints(0), (2, 3), (2, 3)), (ints(-1), (2, 3), (2, 3))),
        case(lambda x, y: T.concatenate([x, y]), lambda x, y: np.concatenate([x, y]), ((3,), ints(1, 2))),
    ],
    "Split": [
        case(lambda x, n: T.split(x, n, 3, axis=1), lambda x, n: np.split(x, np.cumsum(n)[:-1], 1),
             ((3, 4), ints(1, 0, 3)), ((0, 4), ints(2, 2, 0)), ((2, 0), ints(0, 0, 0)), dtypes=MOVED),
        case(lambda x: T.split(x, [1, 2], 2, axis=-1)[1], lambda x: x[:, 1:], ((2, 3),), ((1, 3),)),
    ],
    "ExtractDiag": [
        case(lambda x: T.diagonal(x, 1), lambda x: np.diagonal(x, 1), *SHAPES, ((2, 5),), ((4, 2),), dtypes=MOVED),
        case(lambda x: T.diagonal(x, -1, 2, 0), lambda x: np.diagonal(x, -1, 2, 0), ((3, 2, 4),), ((0, 2, 3),),
             ((1, 1, 1),)),
    ],
    "AllocDiag": [
        case(lambda v: T.diag(v, -2), lambda v: alloc_diag(v, -2), *LINES, dtypes=MOVED),
        case(lambda v: T.AllocDiag(1, 0, 2)(v), lambda v: alloc_diag(v, 1, 0, 2), ((2, 3),), ((0, 3),), ((2, 0),)),
    ],
    "Subtensor": [
        case(lambda x: x[1:, ::-2], lambda x: x[1:, ::-2], *SHAPES, dtypes=MOVED),
        case(lambda x, i, j: x[i, j::2], lambda x, i, j: x[i, j::2], ((3, 4), ints(-1), ints(-3)),
             ((1, 4), ints(0), ints(9)),
             ((2, 0), ints(1), ints(0))),
        case(lambda x, i: x[..., None, i:-1], lambda x, i: x[..., None, i:-1], ((2, 3, 4), ints(1)),
             ((0, 3, 1), ints(-2))),
    ],
    "IncSubtensor": [
        *writes(lambda x: x[::-2, 1:3], ((4, 4), (2, 2)), ((4, 4), ()), ((4, 4), (2,)), ((4, 4), (2, 1)),
            ((0, 4), (0, 2)),
                dtypes=(*FLOATS, "complex64", "int16")),
        *writes(lambda x, i: x[i], ((3, 4), (4,), ints(-1)), ((3, 0), (0,), ints(0)), ((3, 4), special(4), ints(1))),
    ],
    "AdvancedSubtensor1": [
        case(lambda x, p: x[p], lambda x, p: x[p], ((3, 4), ROWS), ((3, 0), ROWS), ((3, 4), ints([])), ((3,), ROWS),
             dtypes=MOVED),
    ],
    "AdvancedSubtensor": [
        case(lambda x, p, q: x[p, :, q], lambda x, p, q: x[p, :, q], ((3, 2, 4), ROWS, ints([[0], [-4]])),
             ((3, 0, 4), ROWS, ints([1])), ((3, 2, 4), ints([]), ints([])), dtypes=MOVED),
        case(lambda x, p: x[:, p], lambda x, p: x[:, p], ((2, 3), ROWS), ((0, 3), ROWS),
             ((2, 3), np.array([True, False, True]))),
        case(lambda x, m: x[m], lambda x, m: x[m], ((2, 2), np.array([[True, False], [True, True]])),
             ((2, 2), np.zeros((2, 2), bool)), ((0, 2), np.zeros((0, 2), bool))),
    ],
    "AdvancedIncSubtensor1": writes(
        lambda x, p: x[p], ((3, 4), (4, 4), ROWS), ((3, 4), (), ROWS), ((3, 4), (4,), ROWS), ((3, 4), (0, 4), ints([])),
        ((3, 0), (4, 0), ROWS), dtypes=(*FLOATS, "complex64", "int16"),
    ),
    "AdvancedIncSubtensor": [
        *writes(lambda x, p, q: x[p, q], ((3, 4), (4,), ROWS, ints([1, 1, 1, -1])), ((3, 4), (), ROWS, ints([0])),
                ((3, 4), (0,), ints([]), ints([]))),
        *writes(lambda x, m: x[m], ((2, 3), (3,), np.array([True, False])[:, None] & np.ones((2, 3), bool)),
                ((2, 3), (0,), np.zeros((2, 3), bool)), ((2, 3), (), np.ones((2, 3), bool))),
    ],
    "Nonzero": [
        case(lambda x: T.nonzero(x), lambda x: np.nonzero(x), (special(3, 3),), ((0, 2),), ((1, 3),), dtypes=MOVED),
    ],
    "Choose": [
        case(lambda a, x, y: T.choose(a, [x, y]), picked, (ints([0, 1, 1]), (3,), (3,)),
             (ints([[0, 1, 1]]), (3,), (3,)),
             (ints([]), (0,), (0,)), dtypes=MOVED),
        case(lambda a, c: T.choose(a, c, mode="wrap"), lambda a, c: np.choose(a, c, mode="wrap"),
             (ints([[-1, 5]]), (3, 2, 2)),
             (ints(4), (3,))),
        case(lambda a, c: T.choose(a, c, mode="clip"), lambda a, c: np.choose(a, c, mode="clip"),
             (ints([-7, 1]), (3, 2))),
    ],
    "PermuteRowElements": [
        case(lambda x, y: PermuteRowElements()(x, y, 0), permuted, ((3, 4), ORDER), ((1, 4), ORDER), ((3, 4), ORDER[0]),
             ((0, 4), ORDER[:0]), dtypes=MOVED),
        case(lambda x, y: PermuteRowElements()(x, y, 1), lambda x, y: permuted(x, y, 1), ((3, 4), ORDER),
             ((4,), ORDER)),
    ],
    "SortOp": [
        case(lambda x: SortOp()(x, 0), lambda x: np.sort(x, 0), *SHAPES, (special(5, 3),), dtypes=REAL),
        case(lambda x: T.sort(x, None), lambda x: np.sort(x, None), ((3, 4),), ((0, 2),)),
        case(lambda x, k: SortOp("stable")(x, k), lambda x, k: np.sort(x, int(k)), ((3, 4), ints(-2)),
             ((3, 4), ints(1))),
    ],
    "ArgSortOp": [
        case(lambda x: ArgSortOp("stable")(x, -1), lambda x: np.argsort(x, -1, kind="stable"), *SHAPES,
             (special(3, 5),),
             dtypes=REAL),
    ],
    "TopKOp": [
        case(lambda x, k: TopKOp(1)(x, k), lambda x, k: [top(x, int(k), 1), np.flip(np.argsort(x, 1), 1)[:, : int(k)]],
             ((3, 4), ints(2)), ((1, 4), ints(4)), ((0, 4), ints(1))),
        case(lambda x, k: TopKOp(0, return_indices=False)(x, k), lambda x, k: top(x, int(k), 0), ((3, 4), ints(-2)),
             ((5,), ints(-5)), ((3, 0), ints(1)), (special(6), ints(4)), dtypes=REAL),
        case(lambda x, k: T.sort(TopKOp(-1, sorted=False, return_indices=False)(x, k)), lambda x,
             k: np.sort(top(x, int(k), -1)),
             ((3, 4), ints(3)), ((3, 4), ints(-1))),
        case(lambda x: T.argtopk(x, 2, 0, idx_dtype="int16"),
             lambda x: np.flip(np.argsort(x, 0), 0)[:2].astype("int16"), ((4,),)),
    ],
    "CumOp": [
        case(lambda x: CumOp(1, "add")(x), lambda x: np.cumsum(x, 1), *SHAPES, (special(3, 4),), dtypes=SUMMED),
        case(lambda x: CumOp(None, "mul")(x), lambda x: np.cumprod(x), *SHAPES, dtypes=SUMMED),
        case(lambda x: CumOp(-2, "mul")(x), lambda x: np.cumprod(x, 0), ((3, 4),), ((0, 1),)),
    ],
    "LinearRecurrence": [
        case(lambda a, b: LinearRecurrence(1)(a, b), lambda a, b: recurrence(a, b, 1), ((3, 4), (3, 4)),
             ((3, 0), (3, 0)),
             ((3, 1), (3, 1)), dtypes=(*FLOATS, "complex128")),
    ],
    "RepeatOp": [
        case(lambda x, r: T.repeat(x, r, axis=1), lambda x, r: np.repeat(x, r, 1), ((2, 3), ints([2, 0, 1])),
             ((0, 3), ints([1, 1, 1])), ((2, 0), ints([])), dtypes=MOVED),
        case(lambda x, r: extra_ops.RepeatOp()(x, r), lambda x, r: np.repeat(x, r), ((2, 2), ints([2, 0, 1, 3])),
             ((0, 2), ints([]))),
        case(lambda x, r: extra_ops.RepeatOp(0)(x, r), lambda x, r: np.repeat(x, r, 0), ((2, 2), ints(3)),
             ((2, 2), ints(0))),
    ],
    "DiffOp": [
        case(lambda x: extra_ops.DiffOp(2, 0)(x), lambda x: np.diff(x, 2, 0), *SHAPES, (special(4, 2),), dtypes=SUMMED),
        case(lambda x: T.extra_ops.diff(x, 0), lambda x: np.diff(x, 0), ((3,),)),
    ],
    "NonNegative": [case(lambda x: extra_ops.NonNegative("x")(x), lambda x: x, (ints([0, 3]),), (ints([]),),
        dtypes=("int64",))],
    "SearchsortedOp": [
        case(lambda x, v: extra_ops.searchsorted(T.sort(x), v, "right"), lambda x,
             v: np.searchsorted(np.sort(x), v, "right"),
             ((5,), (2, 3)), ((0,), (3,)), ((5,), ()), ((5,), special(8)), dtypes=REAL),
        case(lambda x, v, s: extra_ops.SearchsortedOp()(x, v, s), lambda x, v, s: np.searchsorted(x, v, sorter=s),
             (np.array([3.0, 1.0, 2.0, 1.0]), (3,), ints([1, 3, 2, 0]))),
    ],
    "FillDiagonal": [
        case(lambda a, v: extra_ops.FillDiagonal()(a, v), filled, ((3, 3), ()), ((5, 2), ()), ((2, 5), ()),
             ((1, 4), ()),
             ((0, 4), ())),
        case(lambda a, v: T.fill_diagonal(a, v), lambda a, v: on(a, (range(2),) * 3, v), ((2, 2, 2), ())),
    ],
    "FillDiagonalOffset": [
        case(lambda a, v, k: extra_ops.FillDiagonalOffset()(a, v, k), lambda a, v, k: filled(a, v, int(k)),
             *[(shape, (), ints(k)) for shape in [(3, 3), (5, 2), (2, 5), (1, 1)] for k in (-1, 0, 2, 6)]),
    ],
    "Bartlett": [case(extra_ops.bartlett, np.bartlett, *[(ints(n),) for n in (5, 4, 1, 0, -2)], dtypes=("int64",))],
    "Unique": [
        case(lambda x: extra_ops.Unique(True, True, True)(x),
             lambda x: [v.ravel() for v in np.unique(x, True, True, True)], ((2, 3),), (ints([3, 1, 3, 2]),), ((0,),),
             dtypes=(*FLOATS, "int16", "bool")),
        case(lambda x: extra_ops.Unique(axis=0)(x), unique_items, (ints([[2, 1], [0, 3], [2, 1]]),), dtypes=("int64",)),
    ],
    "UnravelIndex": [
        case(lambda i: list(extra_ops.unravel_index(i, (3, 4), order="F")),
             lambda i: list(np.unravel_index(i, (3, 4), "F")),
             (ints([[0, 11], [5, 6]]),), (ints([]),), (ints(7),), dtypes=("int64",)),
    ],
    "RavelMultiIndex": [
        case(lambda i, j: extra_ops.ravel_multi_index((i, j), (3, 4)), lambda i,
             j: np.asarray(np.ravel_multi_index((i, j), (3, 4))),
             (ints([2, 0]), ints([3, 1])), (ints([]), ints([])), (ints([[1], [2]]), ints([[0, 1]])), dtypes=("int64",)),
        case(lambda i, j: extra_ops.ravel_multi_index((i, j), (3, 4), "wrap", "F"),
             lambda i, j: np.asarray(np.ravel_multi_index((i, j), (3, 4), "wrap", "F")), (ints([-1, 5]), ints([4, -9])),
             dtypes=("int64",)),
    ],
    "CpuContiguous": [case(lambda x: extra_ops.cpu_contiguous(x.T), lambda x: x.T, *SHAPES, dtypes=MOVED)],
    "Assert": [case(lambda x: T.opt.Assert("m")(x, x.ndim > 1, T.eq(x.shape[0], x.shape[0])), lambda x: x, *SHAPES)],
    "PdbBreakpoint": [case(lambda x, y: PdbBreakpoint("p")(x.shape[0] > 99, x, y), lambda x, y: [x, y], ((3,), (2, 2)),
        ((0,), ()))],
    "Default": [case(lambda x, y: default(x, y), lambda x, y: x, ((3, 2), (3, 2)))],
}  # fmt: skip
