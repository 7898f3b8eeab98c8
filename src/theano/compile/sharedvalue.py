"""theano.compile.sharedvalue: public import path of shared variables. The code is in `graph/shared.py`."""

from __future__ import annotations

from theano.graph.shared import SharedVariable as SharedVariable
from theano.graph.shared import generic_constructor as generic_constructor
from theano.graph.shared import shared as shared
from theano.graph.shared import shared_constructor as shared_constructor
