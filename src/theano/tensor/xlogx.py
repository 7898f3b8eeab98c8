"""Door for the old import path of x*log(x) and x*log(y), which are 0 where x is."""

from __future__ import annotations

from theano.scalar.exponential import xlogx as _xlogx
from theano.scalar.exponential import xlogy0 as _xlogy0
from theano.tensor.elemwise import elemwise_of

xlogx = elemwise_of(_xlogx)
xlogy0 = elemwise_of(_xlogy0)
