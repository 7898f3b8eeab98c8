"""theano.gof.toolbox: old import path of FunctionGraph's features."""

from __future__ import annotations

from theano.errors import BadOptimization as BadOptimization
from theano.errors import ReplacementDidntRemovedError as ReplacementDidntRemovedError
from theano.graph.features import Bookkeeper as Bookkeeper
from theano.graph.features import History as History
from theano.graph.features import NodeFinder as NodeFinder
from theano.graph.features import NoOutputFromInplace as NoOutputFromInplace
from theano.graph.features import PreserveNames as PreserveNames
from theano.graph.features import PreserveVariableAttributes as PreserveVariableAttributes
from theano.graph.features import PrintListener as PrintListener
from theano.graph.features import ReplaceValidate as ReplaceValidate
from theano.graph.features import Validator as Validator
from theano.graph.fgraph import AlreadyThere as AlreadyThere
from theano.graph.fgraph import Feature as Feature
