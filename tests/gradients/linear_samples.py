"""Expressions of the ops of linear algebra and Fourier transforms, for `test_ops`: see SAMPLES there."""

import numpy as np

import theano.tensor as T
from theano.sandbox.linalg import psd
from theano.tensor import fft, nlinalg, slinalg
from theano.tensor.linear.cholesky_gradient import CholeskyGrad
from theano.tensor.linear.inverses import Cofactors

S, W, H, B = (3, 3), (2, 3), (3, 2), (2, 2, 2)
# keeps the eigenvalues of these samples apart, and the matrices regular and definite
SPREAD = np.diag([3.0, 6.0, 10.0])


def definite(x):
    return T.dot(x, x.T) + SPREAD


LINEAR_SAMPLES = {
    "MatrixInverse": [(lambda x: nlinalg.matrix_inverse(x + SPREAD), (S,)), (nlinalg.matrix_inverse, (B,))],
    "MatrixPinv": [
        (nlinalg.pinv, (W,)), (nlinalg.pinv, (H,)), (lambda x: nlinalg.pinv(x + SPREAD, 0.5), (S,)),
        (lambda x: nlinalg.pinv(x, 0.3), (W,)), (lambda x: nlinalg.pinv(x, 0.3), (H,)),
    ],
    "Det": [(lambda x: nlinalg.det(x + SPREAD), (S,)), (nlinalg.det, (B,))],
    "Cofactors": [(lambda x: Cofactors()(x), (S,)), (lambda x: Cofactors()(x), (B,))],
    "SLogDet": [(lambda x: nlinalg.slogdet(x + SPREAD)[1], (S,))],
    "Eig": [
        (lambda x: nlinalg.eig(x + SPREAD)[0], (S,)), (lambda x: nlinalg.eig(x + SPREAD)[1], (S,)),
        (lambda x: T.imag(nlinalg.eig(T.complex(SPREAD, x))[1]), (S,)),
    ],
    "Eigh": [(lambda x: nlinalg.eigh(x + SPREAD)[0], (S,)), (lambda x: nlinalg.eigh(x + SPREAD, "U")[1], (S,))],
    "Eigvalsh": [
        (lambda x: slinalg.eigvalsh(x + SPREAD), (S,)), (lambda x, y: slinalg.eigvalsh(x, definite(y)), (S, S)),
    ],
    "GeneralisedEigh": [(lambda x, y: slinalg.GeneralisedEigh()(x, definite(y))[1], (S, S))],
    "QRFull": [
        (lambda x: nlinalg.qr(x)[0], (H,)), (lambda x: nlinalg.qr(x)[1], (W,)),
        (lambda x: nlinalg.qr(x, "complete")[0], (W,)),
    ],
    "QRIncomplete": [(lambda x: nlinalg.qr(x, "r"), (H,)), (lambda x: nlinalg.qr(x, "r"), (W,))],
    "SVD": [
        (lambda x: nlinalg.svd(x, 0)[0], (W,)), (lambda x: nlinalg.svd(x, 0)[2], (H,)),
        (lambda x: nlinalg.svd(x, 1, 0), (S,)),
    ],
    "LU": [(lambda x: slinalg.lu(x)[1], (H,)), (lambda x: slinalg.lu(x)[2], (W,)), (lambda x: slinalg.lu(x)[2], (S,))],
    "Hint": [(lambda x: psd(x) ** 2, (S,))],
    "Cholesky": [
        (lambda x: slinalg.cholesky(definite(x)), (S,)), (lambda x: slinalg.Cholesky(lower=False)(definite(x)), (S,)),
    ],
    "CholeskyGrad": [(lambda x, g: CholeskyGrad()(x + SPREAD, g), (S, S)), (lambda x, g: CholeskyGrad()(x, g), (B, B))],
    "Solve": [
        (lambda x, y: slinalg.solve(x + SPREAD, y), (S, (3,))),
        (lambda x, y: slinalg.solve(definite(x), y, assume_a="pos"), (S, H)),
    ],
    "SolveTriangular": [
        (lambda x, y: slinalg.solve_triangular(x + SPREAD, y), (S, H)),
        (lambda x, y: slinalg.solve_triangular(x, y, 1, True, True), (S, (3,))),
    ],
    "Lstsq": [
        (lambda x, y: nlinalg.lstsq()(x, y)[0], (H, (3,))), (lambda x, y: nlinalg.lstsq()(x, y)[1], (H, H)),
        (lambda x, y: nlinalg.lstsq()(x + SPREAD[:, :2], y, 0.7)[0], (H, (3,))),
    ],
    "Expm": [(slinalg.expm, (S,)), (slinalg.expm, (B,))],
    "RFFTOp": [(fft.rfft, ((2, 5),)), (lambda x: fft.rfft_op(x, (4,)), ((2, 5),))],
    "IRFFTOp": [(fft.irfft, ((2, 3, 2),)), (lambda x: fft.irfft_op(x, (5,)), ((2, 3, 2),))],
    "FFTN": [(lambda x: T.real(fft.fft(x, 5)), ((2, 4),)), (lambda x: T.imag(fft.ifftn(x)), ((2, 4),))],
}  # fmt: skip
