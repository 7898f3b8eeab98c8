"""theano.scan_module: the public names of loops. The code is in `loops/`."""

from __future__ import annotations

from theano.compile.collect import clone as clone
from theano.loops.checkpoints import scan_checkpoints as scan_checkpoints
from theano.loops.folds import foldl as foldl
from theano.loops.folds import foldr as foldr
from theano.loops.folds import map as map
from theano.loops.folds import reduce as reduce
from theano.loops.scan_arguments import until as until
from theano.scan_module import scan as _scan_path  # noqa: F401  so that the function below has the last word
from theano.scan_module import scan_op as scan_op
from theano.scan_module import scan_utils as scan_utils
from theano.scan_module import scan_views as scan_views
from theano.scan_module.scan import scan as scan
