"""Door: the older path `theano.tensor.fourier`; the code is in `tensor/fft.py`."""

from __future__ import annotations

from typing import Any

from theano.tensor.fft import FFTN as Fourier
from theano.tensor.fft import fft as _fft

__all__ = ["Fourier", "fft"]


def fft(a: Any, n: Any = None, axis: int = -1) -> Any:
    """The discrete Fourier transform along an axis, of `a` cut or filled up with zeros to length n."""
    return _fft(a, n, axis)
