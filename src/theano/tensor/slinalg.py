"""Door: linear algebra as SciPy has it, under the path `theano.tensor.slinalg`. The code is in `tensor/linear/`."""

from __future__ import annotations

from theano.tensor.linear.eigen import Eigvalsh as Eigvalsh
from theano.tensor.linear.eigen import EigvalshGrad as EigvalshGrad
from theano.tensor.linear.eigen import GeneralisedEigh as GeneralisedEigh
from theano.tensor.linear.eigen import eigvalsh as eigvalsh
from theano.tensor.linear.factors import LU as LU
from theano.tensor.linear.factors import Cholesky as Cholesky
from theano.tensor.linear.factors import lu as lu
from theano.tensor.linear.functions import Expm as Expm
from theano.tensor.linear.functions import ExpmGrad as ExpmGrad
from theano.tensor.linear.functions import kron as kron
from theano.tensor.linear.solving import MATRIX_STRUCTURES as MATRIX_STRUCTURES
from theano.tensor.linear.solving import Solve as Solve
from theano.tensor.linear.solving import SolveTriangular as SolveTriangular
from theano.tensor.linear.solving import cho_solve as cho_solve
from theano.tensor.linear.solving import cholesky_solve as cholesky_solve
from theano.tensor.linear.solving import solve_triangular as solve_triangular

cholesky = Cholesky()
expm = Expm()
solve = Solve()
solve_lower_triangular = Solve("lower_triangular", lower=True)
solve_upper_triangular = Solve("upper_triangular", lower=False)
solve_symmetric = Solve("symmetric")
