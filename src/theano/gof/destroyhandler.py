"""theano.gof.destroyhandler: old import path of what asks whether ops may overwrite their inputs."""

from __future__ import annotations

from theano.graph.destroying import DestroyHandler as DestroyHandler
from theano.graph.destroying import fast_inplace_check as fast_inplace_check
