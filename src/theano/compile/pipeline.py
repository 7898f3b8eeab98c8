"""The pipeline: what is done to a graph between the user's expression and its execution, top to bottom.

Read `PIPELINE` as a table of contents. Each pass is a set of rules (`rewriting/rules/`) that is applied until nothing
changes, or a single function. `theano.function` calls `rewrite`; a Query says which passes and rules run.
"""

from __future__ import annotations

from typing import Any

from theano._config import config
from theano.graph.fgraph import FunctionGraph
from theano.loops.scan_op import Scan
from theano.rewriting.named_losses import written_out
from theano.rewriting.pipeline_db import PipelineDB
from theano.rewriting.query import ALL
from theano.rewriting.query import Query as Query
from theano.rewriting.restore_checks import restore_checks
from theano.rewriting.rules.algebra import (
    ALGEBRA,
    POWERS,
    product_of_exponentials,
    signs_in_sum,
    unit_factor,
    zero_term,
)
from theano.rewriting.rules.diagonals import DIAGONALS
from theano.rewriting.rules.folding import FOLDING
from theano.rewriting.rules.gathers import GATHERING, MASKS
from theano.rewriting.rules.indexed_results import INDEXED_RESULTS
from theano.rewriting.rules.indexing import INDEXING
from theano.rewriting.rules.joining import JOINING, PIECES, PIECES_FOR_SPEED
from theano.rewriting.rules.loops import LOOPS
from theano.rewriting.rules.matrices import DETERMINANTS, MATRICES, drop_hint
from theano.rewriting.rules.products import BLAS, PRODUCTS_OF_MATRICES
from theano.rewriting.rules.reductions import REDUCTIONS, REDUCTIONS_FOR_SPEED
from theano.rewriting.rules.selection import SELECTION
from theano.rewriting.rules.shapes import ALLOCATION, SHAPES
from theano.rewriting.rules.softmax import CROSSENTROPY, OPENING, SOFTMAX
from theano.rewriting.rules.stable import STABLE
from theano.rewriting.rules.useless import USELESS, fill_sink
from theano.rewriting.rules.views import VIEWS
from theano.rewriting.rules.writes import WRITING, WRITTEN
from theano.rewriting.run import Pass as Pass
from theano.rewriting.run import RewriteReport as RewriteReport
from theano.rewriting.run import run_passes

# Normal forms that every pass keeps up: constants folded, nodes without effect gone, lengths expressed by inputs'.
# What is indexed, written, read again
PARTS = (*INDEXING, *INDEXED_RESULTS, *WRITTEN, *GATHERING, *PIECES, *DIAGONALS)
TIDY = (*FOLDING, *USELESS, *SHAPES, *SELECTION, *JOINING)

PIPELINE: tuple[Pass, ...] = (
    Pass("drop useless nodes", ("useless", "fast_compile"), (written_out, *TIDY)),
    Pass(
        "canonicalize",
        ("canonicalize", "fast_compile"),
        (
            written_out, *TIDY, fill_sink, *VIEWS, *REDUCTIONS, *PARTS, *ALGEBRA, *PRODUCTS_OF_MATRICES, *SOFTMAX,
            *DETERMINANTS,
        ),
    ),
    Pass("work on loops", ("scan",), (*TIDY, *PARTS, *LOOPS), only_with=Scan),
    Pass("stabilize", ("stabilize",), (*TIDY, *PARTS, *ALGEBRA, *SOFTMAX, *STABLE, *MATRICES)),
    Pass(
        "specialize",
        ("specialize",),
        (
            *TIDY, *ALLOCATION, *REDUCTIONS, *REDUCTIONS_FOR_SPEED, *PARTS, *WRITING, *MASKS, *PIECES_FOR_SPEED,
            *ALGEBRA, *POWERS, product_of_exponentials, *CROSSENTROPY, drop_hint,
        ),
    ),
    Pass("use BLAS", ("blas", "BlasOpt"), (*TIDY, *BLAS)),
    Pass("open compositions for fusion", ("fusion",), (*TIDY, *OPENING, signs_in_sum, unit_factor, zero_term)),
    Pass("restore checks of lengths", ("check",), work=restore_checks, always=True),
)

# Where the original's numbers put these phases, so that `optdb.register(name, rewrite, position, ...)` of a program
# written for it finds its place. Here they say nothing but the order above.
POSITIONS = {
    "drop useless nodes": 0.6, "canonicalize": 1.0, "work on loops": 1.4, "stabilize": 1.5, "specialize": 2.0,
    "use BLAS": 2.5, "open compositions for fusion": 49.0, "restore checks of lengths": float("inf"),
}  # fmt: skip
# phases of the original that are parts of a pass here
OTHER_NAMES = {
    "ShapeOpt": "drop useless nodes", "uncanonicalize": "specialize", "specialize_device": "specialize",
    "elemwise_fusion": "open compositions for fusion",
}  # fmt: skip

optdb = PipelineDB(PIPELINE, POSITIONS, OTHER_NAMES)
"""What users add to the pipeline: `optdb.register(...)`, `optdb["canonicalize"].register(...)`."""

FAST_RUN = Query(include=("fast_run",))
FAST_COMPILE = Query(include=("fast_compile",))


def register(rule: Any, *passes: str) -> None:
    """Let a user's rule take part in passes of the pipeline, by name or tag; it takes the place of one of its name.

    ValueError if there is no such pass.
    """
    for wanted in passes:
        if wanted not in optdb.names_of_passes():
            known = ", ".join(repr(p.name) for p in PIPELINE if p.work is None)
            raise ValueError(f"There is no pass {wanted!r} in the pipeline; there are {known}")
        optdb[wanted].put(rule.name, rule, ALL, *rule.tags)


def unregister(name: str) -> None:
    """Take the rewrite of this name, that a user added, out of the pipeline."""
    optdb.unregister_everywhere(name)


def rewrite(fgraph: FunctionGraph, query: Query = FAST_RUN) -> RewriteReport:
    """Rewrite `fgraph` in place by the passes that `query` selects, and say what was done.

    The setting `exact` leaves out every rule that is not exact in IEEE arithmetic, as `query.excluding("assumes")`.
    """
    if config.exact:
        query = query.excluding("assumes")
    return run_passes(fgraph, optdb.passes(query, float(config.optdb.position_cutoff)), query)
