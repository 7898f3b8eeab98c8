"""Door: Query, the selection of passes and rules, under the original's path."""

from __future__ import annotations

from theano.rewriting.query import Query as Query
