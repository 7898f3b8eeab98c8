"""Linear algebra: inverses, determinants, eigenvalues, factorisations, linear systems, functions of matrices.

Every op takes a matrix, or a stack of matrices along further axes in front. The public import paths are
`theano.tensor.nlinalg` and `theano.tensor.slinalg`.
"""
