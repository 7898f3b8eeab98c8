"""The one door to `scipy.linalg`: it is imported when a function of it is first evaluated, not before.

Eigenvectors and singular vectors are given up to their signs, and rounding decides these. So `perform` takes them from
SciPy's LAPACK and not from NumPy's, which is another build: native code calls the same routines. As NumPy does, these
functions compute float32 in float64 and round the results once.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError


@cache
def scipy_linalg() -> ModuleType:
    """The module `scipy.linalg`."""
    import scipy.linalg

    return scipy.linalg


@cache
def lapack() -> ModuleType:
    """The module `scipy.linalg.lapack`."""
    import scipy.linalg.lapack

    return scipy.linalg.lapack


def wide(x: np.ndarray) -> np.ndarray:
    """x in double precision."""
    return x.astype({"float32": "float64", "complex64": "complex128"}.get(x.dtype.name, x.dtype))


def hermitian_spectrum(x: np.ndarray, lower: bool) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues and eigenvectors of a stack of Hermitian matrices, by the driver syevd or heevd."""
    values, vectors = np.empty(x.shape[:-1], x.real.dtype), np.empty(x.shape, x.dtype)
    if x.size:
        for k in np.ndindex(x.shape[:-2]):
            try:
                values[k], vectors[k] = scipy_linalg().eigh(wide(x[k]), lower=lower, check_finite=False, driver="evd")
            except LinAlgError:
                raise LinAlgError(f"eigh: the eigenvalues did not converge (shape {x.shape})") from None
    return values, vectors


def real_spectrum(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Real and imaginary parts of the eigenvalues of a stack of real matrices, and LAPACK's eigenvectors, by geev."""
    real, imaginary, vectors = np.zeros(x.shape[:-1], x.dtype), np.zeros(x.shape[:-1], x.dtype), np.empty_like(x)
    if x.size:
        geev, query = lapack().get_lapack_funcs(("geev", "geev_lwork"), (wide(x),))
        room = int(query(x.shape[-1], compute_vl=0)[0])
        for k in np.ndindex(x.shape[:-2]):
            real[k], imaginary[k], _, vectors[k], info = geev(wide(x[k]), compute_vl=0, lwork=room)
            if info:
                raise LinAlgError(f"eig: the eigenvalues did not converge (shape {x.shape})")
    return real, imaginary, vectors


def singular(x: np.ndarray, full_matrices: bool, compute_uv: bool) -> list[np.ndarray]:
    """u, s, vh (or s alone) of a matrix that has elements, by the driver gesdd."""
    try:
        found: Any = scipy_linalg().svd(
            wide(x), full_matrices, compute_uv, check_finite=False, lapack_driver="gesdd"
        )
    except (LinAlgError, ValueError):  # ValueError: NaN
        raise LinAlgError(f"svd did not converge (shape {x.shape}); the matrix may hold NaN or inf") from None
    return list(found) if compute_uv else [found]
