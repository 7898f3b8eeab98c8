"""Values on which linear algebra, transforms, sorting, counting, random draws and networks cannot work, in every mode.

The tables have the form of those in test_bad_data.py: (inputs, expression, exception, bad arguments, good arguments,
texts that the report must show). Each expression stands on a line of its own, and the report must show that line.
"""

import os

import numpy as np
import pytest
from numpy.linalg import LinAlgError
from report_form import fails_in_every_mode

import theano
import theano.tensor as tt
from theano.sandbox.rng_mrg import MRG_RandomStreams
from theano.tensor import extra_ops, fft, nlinalg, nnet, slinalg
from theano.tensor.nnet import bn, ctc, neighbours
from theano.tensor.shared_randomstreams import RandomStreams
from theano.tensor.signal import pool

HERE = os.path.abspath(__file__)

x, y = tt.dvectors("x", "y")
m, n = tt.dmatrices("m", "n")
t = tt.dtensor3("t")
q, w = tt.dtensor4s("q", "w")
i, j = tt.lscalars("i", "j")
p, r = tt.lvectors("p", "r")
k = tt.lmatrix("k")
draws, counted = RandomStreams(1), MRG_RandomStreams(1)

I2, I3, S2, W, V2, V3 = np.eye(2), np.eye(3), np.ones((2, 2)), np.ones((2, 3)), np.ones(2), np.ones(3)
NAN = np.full((2, 2), np.nan)


def image(*shape):
    return np.ones(shape)


MATRICES = {
    "inverse of a singular matrix": ([m], nlinalg.matrix_inverse(m), LinAlgError, (S2,), (I2,),
                                     ["singular", "(2, 2)"]),
    "inverse of a stack": ([t], nlinalg.matrix_inverse(t), LinAlgError, (np.ones((2, 2, 2)),), (np.stack([I2, I2]),),
                           ["a matrix of the stack", "nlinalg.matrix_inverse(t)"]),
    "inverse of a rectangle": ([m], nlinalg.matrix_inverse(m), LinAlgError, (W,), (I2,), ["(2, 3)"]),
    "determinant of a rectangle": ([m], nlinalg.det(m), LinAlgError, (W,), (I2,), ["(2, 3)", "nlinalg.det(m)"]),
    "negative power": ([m], nlinalg.matrix_power(m, -2), LinAlgError, (S2,), (I2,), ["nlinalg.matrix_power(m, -2)"]),
    "power of a rectangle": ([m], nlinalg.matrix_power(m, 3), ValueError, (W,), (I2,), ["nlinalg.matrix_power(m, 3)"]),
    "first power of a rectangle": ([m], nlinalg.matrix_power(m, 1), ValueError, (W,), (I2,), ["matrix_power(m, 1)"]),
    "eig of a rotation": ([m], nlinalg.eig(m)[0], LinAlgError, (np.array([[0.0, 1], [-1, 0]]),), (I2,), ["complex128"]),
    "eigh of a rectangle": ([m], nlinalg.eigh(m)[0], LinAlgError, (W,), (I2,), ["(2, 3)"]),
    "svd of NaN": ([m], nlinalg.svd(m)[1], LinAlgError, (NAN,), (I2,), ["nlinalg.svd(m)"]),
    "expm of a rectangle": ([m], slinalg.expm(m), LinAlgError, (W,), (I2,), ["(2, 3)"]),
    "not positive definite": ([m], slinalg.cholesky(m), LinAlgError, (-I2,), (I2,),
                              ["not positive definite", "(2, 2)"]),
    "Cholesky of NaN": ([m], slinalg.cholesky(m), ValueError, (NAN,), (I2,), ["NaN"]),
    "log of a determinant": ([m], tt.log(nlinalg.det(m)), LinAlgError, (W,), (I2,), ["nlinalg.det(m)"]),
    "solve, singular": ([m, x], slinalg.solve(m, x), LinAlgError, (S2, V2), (I2, V2), ["singular", "slinalg.solve(m"]),
    "solve, lengths": ([m, x], slinalg.solve(m, x), LinAlgError, (I2, V3), (I2, V2), ["(2, 2)", "(3,)"]),
    "solve, NaN": ([m, x], slinalg.solve(m, x), ValueError, (I2, NAN[0]), (I2, V2), ["NaN"]),
    "solve, definite": ([m, x], slinalg.solve(m, x, assume_a="pos"), LinAlgError, (-I2, V2), (I2, V2),
                        ["not positive definite"]),
    "solve, symmetric": ([m, x], slinalg.solve_symmetric(m, x), LinAlgError, (S2 * 0, V2), (I2, V2), ["singular"]),
    "triangle with a zero": ([m, x], slinalg.solve_lower_triangular(m, x), LinAlgError, (S2 * 0, V2), (I2, V2),
                             ["singular"]),
    "solve_triangular": ([m, x], slinalg.solve_triangular(m, x), LinAlgError, (S2 * 0, V2), (I2, V2),
                         ["element 0 of the diagonal"]),
    "inverse in a product": ([m, n], tt.dot(nlinalg.matrix_inverse(m), n), LinAlgError, (S2, W), (I2, W), ["singular"]),
    "lstsq, rows": ([m, x], nlinalg.lstsq()(m, x)[0], LinAlgError, (W, V3), (W, V2), ["(2, 3)", "(3,)"]),
    "pair": ([m, n], slinalg.eigvalsh(m, n), LinAlgError, (I2, -I2), (I2, I2), ["positive definite"]),
    "pair of shapes": ([m, n], slinalg.eigvalsh(m, n), LinAlgError, (I2, I3), (I2, I2), ["(2, 2)", "(3, 3)"]),
    "tensorinv": ([t], nlinalg.tensorinv(t), LinAlgError, (np.ones((2, 3, 5)),), (np.arange(36.0).reshape(2, 3, 6) ** 2
        % 7,), ["(6, 5)"]),
    "kron of a matrix and a sum": ([m, x], slinalg.kron(m, x) + x, ValueError, (I2, V2), (np.ones((1, 1)), V2),
                                   ["+ x"]),
}  # fmt: skip

TRANSFORMS = {
    "rfft of nothing": ([m], fft.rfft(m), ValueError, (np.ones((2, 0)),), (W,), ["fft.rfft(m)"]),
    "irfft of three parts": ([t], fft.irfft(t), ValueError, (np.ones((2, 3, 3)),), (np.ones((2, 3, 2)),),
                             ["(2, 3, 3)"]),
    "irfft of length zero": ([t], fft.irfft(t), ValueError, (np.ones((2, 1, 2)),), (np.ones((2, 3, 2)),), ["(0,)"]),
    "fft of nothing": ([m], fft.fft(m).real, ValueError, (np.ones((2, 0)),), (W,), ["fft.fft(m)"]),
    "sort, axis": ([m, i], tt.sort(m, i), ValueError, (W, 2), (W, 1), ["tt.sort(m, i)", "2"]),
    "argsort, axis": ([m, i], tt.argsort(m, i), ValueError, (W, -3), (W, 0), ["tt.argsort(m, i)"]),
    "topk, more than there are": ([x, i], tt.topk(x, i), ValueError, (V3, 4), (V3, 3), ["k = 4", "3"]),
    "topk of none": ([x, i], tt.argtopk(x, i), ValueError, (V3, 0), (V3, -1), ["k = 0"]),
    "bincount of negatives": ([p], extra_ops.bincount(p), ValueError, ([1, -1],), ([1, 0],), ["-1"]),
    "bincount, weights": ([p, x], extra_ops.bincount(p, x), ValueError, ([1, 2], V3), ([1, 2], V2), ["(3,)", "(2,)"]),
    "bincount, minlength": ([p, i], extra_ops.bincount(p, minlength=i), ValueError, ([1], -1), ([1], 0), ["minlength"]),
    "unravel_index": ([p], extra_ops.unravel_index(p, (2, 3))[0], ValueError, ([6],), ([5],), ["6"]),
    "ravel_multi_index": ([p], extra_ops.ravel_multi_index((p, p), (2, 3)), ValueError, ([2],), ([1],), ["(p, p)"]),
    "one-hot": ([p], extra_ops.to_one_hot(p, 3), IndexError, ([3],), ([2],), ["3"]),
    "searchsorted, sorter": ([x, p], extra_ops.searchsorted(x, x, sorter=p), ValueError, (V3, [0]), (V3, [0, 1, 2]),
                             ["sorter"]),
    "fill_diagonal": ([t], tt.fill_diagonal(t, 1), ValueError, (np.ones((2, 2, 3)),), (np.ones((2, 2, 2)),),
                      ["(2, 2, 3)"]),
    "compress": ([p, x], tt.compress(p, x), IndexError, ([1, 0, 1], V2), ([1, 1], V2), ["tt.compress(p, x)"]),
    "cumsum and more": ([m, x], tt.cumsum(m, 1) + x, ValueError, (W, V2), (W, V3), ["tt.cumsum(m, 1) + x"]),
}  # fmt: skip

NETWORKS = {
    "channels": ([q, w], nnet.conv2d(q, w), ValueError, (image(1, 2, 4, 4), image(1, 3, 2, 2)),
                 (image(1, 2, 4, 4), image(1, 2, 2, 2)), ["2 channels", "3"]),
    "kernel larger than the image": ([q, w], nnet.conv2d(q, w), ValueError, (image(1, 2, 2, 2), image(1, 2, 3, 3)),
                                     (image(1, 2, 3, 3), image(1, 2, 3, 3)), ["larger than the image", "(2, 2)"]),
    "groups": ([q, w], nnet.conv2d(q, w, num_groups=2), ValueError, (image(1, 3, 4, 4), image(2, 1, 2, 2)),
               (image(1, 2, 4, 4), image(2, 1, 2, 2)), ["2 groups"]),
    "gradient of a convolution": (
        [q, w], theano.grad(nnet.conv2d(q, w).sum(), w), ValueError, (image(1, 2, 4, 4), image(1, 3, 2, 2)),
        (image(1, 2, 4, 4), image(1, 2, 2, 2)), ["nnet.conv2d(q, w)"]),
    "window larger than the image": ([q], pool.pool_2d(q, (5, 5), True), ValueError, (image(1, 1, 3, 3),),
                                     (image(1, 1, 5, 5),), ["(5, 5)", "(3, 3)"]),
    "pool of nothing": ([q], pool.pool_2d(q, (1, 1), False), ValueError, (image(1, 1, 0, 3),), (image(1, 1, 3, 3),),
                        ["(0, 3)"]),
    "patches that do not end": ([q], neighbours.images2neibs(q, (2, 2)), ValueError, (image(1, 1, 3, 3),),
                                (image(1, 1, 4, 4),), ["ignore_borders"]),
    "patches that are larger": ([q], neighbours.images2neibs(q, (5, 5)), ValueError, (image(1, 1, 3, 3),),
                                (image(1, 1, 5, 5),), ["does not fit"]),
    "label too large": ([m, p], nnet.categorical_crossentropy(m, p), IndexError, (S2, [0, 2]), (S2, [0, 1]),
                        ["nnet.categorical_crossentropy(m, p)"]),
    "label negative": ([m, p], nnet.categorical_crossentropy(m, p), IndexError, (S2, [0, -1]), (S2, [0, 1]), ["-1"]),
    "labels of too few rows": ([m, p], nnet.categorical_crossentropy(m, p), ValueError, (S2, [0]), (S2, [0, 1]),
                               ["(1,)", "(2,)"]),
    "label and softmax": ([m, p], nnet.categorical_crossentropy(nnet.softmax(m), p), IndexError, (S2, [0, 2]),
                          (S2, [0, 1]), ["nnet.categorical_crossentropy("]),
    "label and gradient": (
        [m, p], theano.grad(nnet.categorical_crossentropy(nnet.softmax(m), p).sum(), m), IndexError, (S2, [0, -1]),
        (S2, [0, 1]), ["-1"]),
    "distributions": ([m, n], nnet.categorical_crossentropy(m, n), ValueError, (S2, W), (S2, S2), ["(m, n)"]),
    "binary cross-entropy": ([x, y], nnet.binary_crossentropy(x, y), ValueError, (V2 / 2, V3), (V2 / 2, V2),
                             ["(x, y)"]),
    "batch normalisation": ([m, x], bn.batch_normalization_train(m, x, x)[0], ValueError, (W, V2), (W, V3),
                            ["bn.batch_normalization_train(m, x, x)"]),
    "labels of ctc": ([t, k, p], ctc.ctc(t, k, p), ValueError, (np.ones((3, 2, 3)), [[1], [5]], [3, 3]),
                      (np.ones((3, 2, 3)), [[1], [2]], [3, 3]), ["1 to 2"]),
    "lengths of ctc": ([t, k, p], ctc.ctc(t, k, p), ValueError, (np.ones((3, 2, 3)), [[1], [2]], [3, 4]),
                       (np.ones((3, 2, 3)), [[1], [2]], [3, 3]), ["input_lengths"]),
}  # fmt: skip

DRAWS = {
    "scale": ([x], draws.normal((2,), 0, x), ValueError, (-V2,), (V2,), ["draws.normal((2,), 0, x)", "scale"]),
    "probability": ([x], draws.binomial((2,), 5, x), ValueError, (2 * V2,), (V2,), ["draws.binomial((2,), 5, x)"]),
    "trials": ([p], draws.binomial((2,), p, 0.5), ValueError, ([-1, 2],), ([1, 2],), ["draws.binomial("]),
    "rate": ([x], draws.poisson((2,), x), ValueError, (-V2,), (V2,), ["draws.poisson((2,), x)"]),
    "bounds": ([i], draws.random_integers((2,), 5, i), ValueError, (3,), (5,), ["high", "3"]),
    "chances below 0": ([x], draws.multinomial((2,), 5, x), ValueError, (np.array([-0.1, 1.1]),), (V2 / 2,),
                        ["pvals"]),
    "chances of a choice": ([x], draws.choice((2,), 2, p=x), ValueError, (V2,), (V2 / 2,), ["sum to 1"]),
    "choice without replacement": ([i], draws.choice((i,), 3, replace=False), ValueError, (4,), (3,),
                                   ["larger sample"]),
    "choice from nothing": ([x], draws.choice((2,), x, dtype="float64"), ValueError, (np.ones(0),), (V2,), ["empty"]),
    "permutation": ([i], draws.permutation((2,), i), ValueError, (-1,), (2,), ["-1"]),
    "size": ([i], draws.uniform((i,)), ValueError, (-1,), (2,), ["(-1,)"]),
    "parameters and size": ([x], draws.uniform((3,), x, 1), ValueError, (V2,), (V3 * 0,),
                            ["draws.uniform((3,), x, 1)"]),
    "counted, size": ([i], counted.uniform((i,)), ValueError, (-1,), (2,), ["-1"]),
    "counted, parameters and size": ([x], counted.normal((3,), x), ValueError, (V2,), (V3,), ["counted.normal("]),
    "counted, chances": ([m], counted.multinomial(pvals=m), ValueError, (S2,), (S2 / 2,), ["sum to 1"]),
    "counted, NaN": ([m], counted.multinomial(pvals=m), ValueError, (NAN,), (S2 / 2,), ["NaN"]),
    "counted, classes": ([m, i], counted.choice(i, p=m, replace=False), ValueError, (S2 / 2, 3), (S2 / 2, 2),
                         ["only 2"]),
    "counted, choice from nothing": ([i], counted.choice((2,), i), ValueError, (0,), (1,), ["choice from nothing"]),
    "counted, choice and chances": ([i, x], counted.choice((2,), i, p=x), ValueError, (3, V2 / 2), (2, V2 / 2),
                                    ["choice: p and a"]),
}  # fmt: skip

TABLES = {"matrices": MATRICES, "transforms": TRANSFORMS, "networks": NETWORKS, "draws": DRAWS}
CASES = {f"{table}: {name}": case for table, cases in TABLES.items() for name, case in cases.items()}


@pytest.mark.parametrize("name", CASES)
def test_report(name):
    fails_in_every_mode(CASES[name], file=HERE, modes=("FAST_RUN", "FAST_COMPILE", "reference", "DebugMode"))


# expressions that are refused when they are built: (exception, text of the message)
REFUSED = {
    "cumsum, axis": (lambda: tt.cumsum(m, 1.5), TypeError, "float"),
    "repeat, axis": (lambda: extra_ops.RepeatOp(0.5), TypeError, "float"),
    "diff, order": (lambda: extra_ops.diff(x, 1.5), TypeError, "float"),
    "bincount, minlength": (lambda: extra_ops.bincount(p, minlength=1.5), TypeError, "minlength must be an integer"),
    "bincount, negative": (lambda: extra_ops.bincount(p, minlength=-1), ValueError, "minlength must not be negative"),
    "fft, length": (lambda: fft.fft(m, -1), ValueError, "length 1 at least"),
    "fft, length of a float": (lambda: fft.fft(m, 1.5), TypeError, "length must be an integer"),
    "poisson of complex": (lambda: draws.poisson((2, 2), tt.zmatrix()), TypeError, "real"),
    "binomial of complex": (lambda: draws.binomial((2, 2), 1, tt.zmatrix()), TypeError, "real"),
    "choice of a float": (lambda: counted.choice(2, 1.5), TypeError, "integer or a vector"),
    "choice of nothing": (lambda: counted.choice(2, 0), ValueError, "nothing to choose from"),
    "choice of none of a vector": (lambda: counted.choice(2, np.ones(0)), ValueError, "nothing to choose from"),
    "choice and chances": (lambda: counted.choice(2, 3, p=[0.5, 0.5]), ValueError, "p and a"),
    "multinomial of a float": (lambda: counted.multinomial(pvals=m, n=1.5), TypeError, "n must be an integer"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_when_it_is_built(name):
    build, kind, text = REFUSED[name]
    with pytest.raises(kind, match=text):
        build()
