"""Door: linear algebra as NumPy has it, under the path `theano.tensor.nlinalg`. The code is in `tensor/linear/`."""

from __future__ import annotations

from theano.tensor.diagonal import AllocDiag as AllocDiag
from theano.tensor.diagonal import ExtractDiag as ExtractDiag
from theano.tensor.diagonal import diag as diag
from theano.tensor.linear.eigen import Eig as Eig
from theano.tensor.linear.eigen import Eigh as Eigh
from theano.tensor.linear.eigen import EighGrad as EighGrad
from theano.tensor.linear.eigen import eigh as eigh
from theano.tensor.linear.factors import SVD as SVD
from theano.tensor.linear.factors import QRFull as QRFull
from theano.tensor.linear.factors import QRIncomplete as QRIncomplete
from theano.tensor.linear.factors import qr as qr
from theano.tensor.linear.factors import svd as svd
from theano.tensor.linear.functions import TensorInv as TensorInv
from theano.tensor.linear.functions import TensorSolve as TensorSolve
from theano.tensor.linear.functions import extract_diag as extract_diag
from theano.tensor.linear.functions import matrix_dot as matrix_dot
from theano.tensor.linear.functions import matrix_power as matrix_power
from theano.tensor.linear.functions import norm as norm
from theano.tensor.linear.functions import tensorinv as tensorinv
from theano.tensor.linear.functions import tensorsolve as tensorsolve
from theano.tensor.linear.functions import trace as trace
from theano.tensor.linear.inverses import Det as Det
from theano.tensor.linear.inverses import MatrixInverse as MatrixInverse
from theano.tensor.linear.inverses import SLogDet as SLogDet
from theano.tensor.linear.inverses import slogdet as slogdet
from theano.tensor.linear.least_squares import Lstsq
from theano.tensor.linear.pseudo_inverse import MatrixPinv as MatrixPinv

alloc_diag = AllocDiag()
det = Det()
eig = Eig()
matrix_inverse = inv = MatrixInverse()
pinv = MatrixPinv()
# programs write lstsq()(x, y, rcond)
lstsq = Lstsq
