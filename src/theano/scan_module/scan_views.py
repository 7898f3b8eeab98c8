"""theano.scan_module.scan_views: import path of map, reduce and the folds."""

from __future__ import annotations

from theano.loops.folds import foldl as foldl
from theano.loops.folds import foldr as foldr
from theano.loops.folds import map as map
from theano.loops.folds import reduce as reduce
