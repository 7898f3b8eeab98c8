"""The pipeline: what is done to a graph between the user's expression and its execution, top to bottom.

Read `PIPELINE` as a table of contents. Each pass is a set of rules (`rewriting/rules/`) that is applied until nothing
changes, or a single function. `theano.function` calls `rewrite`; a Query says which passes and rules run.
"""

from __future__ import annotations

from theano._config import config
from theano.graph.fgraph import FunctionGraph
from theano.rewriting.query import Query as Query
from theano.rewriting.restore_checks import restore_checks
from theano.rewriting.rules.algebra import ALGEBRA, POWERS, product_of_exponentials
from theano.rewriting.rules.folding import FOLDING
from theano.rewriting.rules.shapes import ALLOCATION, SHAPES
from theano.rewriting.rules.stable import STABLE
from theano.rewriting.rules.useless import USELESS, fill_sink
from theano.rewriting.run import Pass as Pass
from theano.rewriting.run import RewriteReport as RewriteReport
from theano.rewriting.run import run_passes

PIPELINE: tuple[Pass, ...] = (
    Pass("drop useless nodes", ("useless", "fast_compile"), (*FOLDING, *USELESS, *SHAPES)),
    Pass("canonicalize", ("canonicalize", "fast_compile"), (*FOLDING, *USELESS, *SHAPES, fill_sink, *ALGEBRA)),
    Pass("stabilize", ("stabilize",), (*FOLDING, *USELESS, *SHAPES, *ALGEBRA, *STABLE)),
    Pass(
        "specialize",
        ("specialize",),
        (*FOLDING, *USELESS, *SHAPES, *ALLOCATION, *ALGEBRA, *POWERS, product_of_exponentials),
    ),
    Pass("restore checks of lengths", ("check",), work=restore_checks, always=True),
)

FAST_RUN = Query(include=("fast_run",))
FAST_COMPILE = Query(include=("fast_compile",))


def rewrite(fgraph: FunctionGraph, query: Query = FAST_RUN) -> RewriteReport:
    """Rewrite `fgraph` in place by the passes that `query` selects, and say what was done.

    The setting `exact` leaves out every rule that is not exact in IEEE arithmetic, as `query.excluding("assumes")`.
    """
    if config.exact:
        query = query.excluding("assumes")
    return run_passes(fgraph, PIPELINE, query)
