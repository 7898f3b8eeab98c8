"""theano.gof.type: old import path of the contract of types."""

from __future__ import annotations

from theano.graph.params import EnumList as EnumList
from theano.graph.params import EnumType as EnumType
from theano.graph.params import Params as Params
from theano.graph.params import ParamsType as ParamsType
from theano.graph.type import Generic as Generic
from theano.graph.type import NullType as NullType
from theano.graph.type import SingletonType as SingletonType
from theano.graph.type import Type as PureType  # noqa: F401
from theano.graph.type import Type as Type
from theano.graph.type import generic as generic
from theano.graph.type import null_type as null_type
