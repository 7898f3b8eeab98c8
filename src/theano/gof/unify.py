"""theano.gof.unify: old import path of unification. The code is in `theano/rewriting/unify.py`."""

from __future__ import annotations

from theano.rewriting.unify import BoundVariable as BoundVariable
from theano.rewriting.unify import FreeVariable as FreeVariable
from theano.rewriting.unify import FVar as FVar
from theano.rewriting.unify import NotVariable as NotVariable
from theano.rewriting.unify import OrVariable as OrVariable
from theano.rewriting.unify import Unification as Unification
from theano.rewriting.unify import Variable as Variable
from theano.rewriting.unify import VariableInList as VariableInList
from theano.rewriting.unify import unify as unify
from theano.rewriting.unify import unify_build as unify_build
from theano.rewriting.unify import unify_merge as unify_merge
from theano.rewriting.unify import unify_walk as unify_walk
