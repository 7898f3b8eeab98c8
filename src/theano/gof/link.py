"""theano.gof.link: old import path of containers and linkers."""

from __future__ import annotations

from theano.compile.linking import Linker as Linker
from theano.compile.linking import LocalLinker as LocalLinker
from theano.compile.linking import PerformLinker as PerformLinker
from theano.graph.shared import Container as Container
