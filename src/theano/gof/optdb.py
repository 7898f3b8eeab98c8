"""Door: databases of rewrites, and the queries that select from them, under the original's path."""

from __future__ import annotations

from theano.rewriting.databases import DB as DB
from theano.rewriting.databases import EquilibriumDB as EquilibriumDB
from theano.rewriting.databases import LocalGroupDB as LocalGroupDB
from theano.rewriting.databases import ProxyDB as ProxyDB
from theano.rewriting.databases import SequenceDB as SequenceDB
from theano.rewriting.databases import TopoDB as TopoDB
from theano.rewriting.query import Query as Query
