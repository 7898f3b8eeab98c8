"""The pipeline: what is done to a graph between the user's expression and its execution, top to bottom.

Read `PIPELINE` as a table of contents. A pass is a set of rules, which are applied wherever they fit until none fits
any more, or a single function of the whole graph (`work=`). A rule replaces a node by something equal: mostly it is
written as two expressions, before -> after, in the family files of `rewriting/rules/`. The order of the passes is
the plan: simplify, bring to one form, make numerically safe, make fast, and only then think of the machine. No pass
relies on a rule of a later one, and none is run twice.

`theano.function` copies the user's graph and calls `rewrite`; what comes out goes to `lowering/`, which makes kernels
of it. A Query says which passes and rules run: FAST_RUN all, FAST_COMPILE those that are marked as cheap. To see what
each pass does to an expression, print `theano.explain(expression)`.
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
from theano.rewriting.rules.algebra import ALGEBRA, signs_in_sum
from theano.rewriting.rules.common_factors import common_factor
from theano.rewriting.rules.diagonals import DIAGONALS
from theano.rewriting.rules.exponentials import LATE_EXPONENTIALS, softplus_of_both_signs
from theano.rewriting.rules.folding import FOLDING
from theano.rewriting.rules.gathers import GATHERING, MASKS
from theano.rewriting.rules.indexed_results import INDEXED_RESULTS
from theano.rewriting.rules.indexing import INDEXING
from theano.rewriting.rules.joining import JOINING, PIECES, PIECES_FOR_SPEED
from theano.rewriting.rules.logarithms import OF_TWO_FACTORS
from theano.rewriting.rules.loop_memory import keep_states_once
from theano.rewriting.rules.loops import LOOPS
from theano.rewriting.rules.matrices import DETERMINANTS, DETERMINANTS_BY_FACTORS, MATRICES, drop_hint
from theano.rewriting.rules.near_zero import NEAR_ZERO
from theano.rewriting.rules.neutral import unit_factor, zero_term
from theano.rewriting.rules.norms import NORMS
from theano.rewriting.rules.overflowing_squares import LOGARITHMS_OF_SQUARES, square_in_steps
from theano.rewriting.rules.powers import POWERS
from theano.rewriting.rules.products import BLAS, PRODUCTS_OF_MATRICES
from theano.rewriting.rules.reductions import REDUCTIONS, REDUCTIONS_FOR_SPEED
from theano.rewriting.rules.roots import BESIDE_HYPOTENUSES, hypot_of_many
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

# ---- sets of rules -----------------------------------------------------------------------------------------------
#
# Normal forms that every pass keeps up, because every replacement may leave something to tidy behind:
#   FOLDING     2 * 3 -> 6                                    what depends on constants is computed now
#   USELESS     cast(x, dtype of x) -> x, x.T.T -> x          nodes that do nothing go
#   SHAPES      (x + y).shape[0] -> x.shape[0]                lengths are expressed by those of the inputs
#   SELECTION   switch(True, a, b) -> a
#   JOINING     join(0, x) -> x
TIDY = (*FOLDING, *USELESS, *SHAPES, *SELECTION, *JOINING)

# Parts of arrays: what is asked for moves towards the inputs, so that the rest is never computed.
#   exp(x)[3] -> exp(x[3]), dot(x, y)[i] -> dot(x[i], y), set(x, y, i)[i] -> y, join(x[:3], x[3:]) -> x,
#   diagonal(dot(x, y)) -> sum(x * y.T, axis=1)
PARTS = (*INDEXING, *INDEXED_RESULTS, *WRITTEN, *GATHERING, *PIECES, *DIAGONALS)


# ---- the passes, in their order ----------------------------------------------------------------------------------

PIPELINE: tuple[Pass, ...] = (
    # First what costs nothing to find: later passes match patterns, and the fewer nodes there are, and the fewer of
    # them say nothing, the more they find. `written_out` puts mathematics in the place of ops that are names for it:
    #   softmax_with_bias(x, b) -> softmax(x + b)
    Pass("drop useless nodes", ("useless", "fast_compile"), (written_out, *TIDY)),

    # One spelling for each meaning, so that the rules of the next passes need to know only one:
    #   x * y / x -> y, (x + 1) + 2 -> x + 3, fill(x, v) + y -> v + y, (x.T * 2).T -> x * 2, sum(sum(x, 0)) -> sum(x)
    # Softmax is recognised here, in any spelling: exp(x) / sum(exp(x)) is one op from now on, of which more is known.
    # Logarithms of determinants are recognised before algebra takes them apart.
    Pass(
        "canonicalize",
        ("canonicalize", "fast_compile"),
        (
            written_out, *TIDY, fill_sink, *VIEWS, *REDUCTIONS, *PARTS, *ALGEBRA, *PRODUCTS_OF_MATRICES, *SOFTMAX,
            *DETERMINANTS,
        ),
    ),

    # Loops, in graphs that have any: what each step computes anew although it does not change is computed once before,
    # what does not depend on the step before is computed for all steps at once, and only the results that are read are
    # kept. Their inner graphs go through this pipeline, too, when their code is made.
    Pass("work on loops", ("scan",), (*TIDY, *PARTS, *LOOPS), only_with=Scan),

    # Formulas that lose digits, or overflow on the way to a result that does not, are replaced by such as do not:
    #   log(1 + exp(x)) -> softplus(x), 1 - sigmoid(x) -> sigmoid(-x), log(softmax(x)) -> log_softmax(x),
    #   dot(inv(x), b) -> solve(x, b)
    # This comes before anything is done for speed: a fast formula is often one that no longer shows what it means.
    Pass("stabilize", ("stabilize",), (*TIDY, *PARTS, *ALGEBRA, *SOFTMAX, *STABLE, *MATRICES)),

    # Now for speed, where it costs the general form that the passes above rely on:
    #   x ** 2 -> sqr(x), fill(f(x), 0) -> alloc(0, lengths), inc(zeros, y, i) -> set(zeros, y, i),
    #   max(exp(x)) -> exp(max(x)), sum(3 * x) -> 3 * sum(x), -log_softmax(x)[arange, y] -> only what is selected
    # And what only now has its last form: a sum that cancels near 0 is a polynomial there.
    #   cos(x)/x - sin(x)/x**2 -> switch(abs(x) < 1, x*p(x**2), cos(x)/x - sin(x)/x**2)
    # Hints of users (`psd(x)`) have been used by now, and go.
    Pass(
        "specialize",
        ("specialize",),
        (
            *TIDY, *ALLOCATION, *REDUCTIONS, *REDUCTIONS_FOR_SPEED, *PARTS, *WRITING, *MASKS, *PIECES_FOR_SPEED,
            *ALGEBRA, common_factor, *POWERS, *OF_TWO_FACTORS, *LOGARITHMS_OF_SQUARES, *LATE_EXPONENTIALS,
            hypot_of_many, *BESIDE_HYPOTENUSES, *NORMS, *NEAR_ZERO, *CROSSENTROPY, *DETERMINANTS_BY_FACTORS, drop_hint,
        ),
    ),

    # b * z + a * dot(x, y) -> gemm(z, a, x, y, b): multiplied and added at once. After algebra, which brings terms
    # together that belong to one call; it would not see through a gemm.
    Pass("use BLAS", ("blas", "BlasOpt"), (*TIDY, *BLAS)),

    # The derivative of a loop reads its states, and those before each step: they are kept once.
    #   join(0, first, states), states -> j = join(0, first, states), j[1:]
    # Late, since rules take what is read of a join from its parts.
    Pass("keep states once", ("scan",), work=keep_states_once, only_with=Scan),

    # softmax(x) -> exp(x - max(x)) / sum(exp(x - max(x))), spelt so that nothing overflows: as plain elementwise ops
    # and reductions it fuses with its neighbours. Last of all, since it undoes what `canonicalize` recognised.
    Pass("open compositions for fusion", ("fusion",),
         (*TIDY, *OPENING, softplus_of_both_signs, square_in_steps, signs_in_sum, unit_factor, zero_term)),

    # Up to here the graph was taken to be free of errors of shapes, so that (x * y / x) is y although x and y may have
    # lengths that do not fit. Each check that the original graph made and this one does not is put back here.
    Pass("restore checks of lengths", ("check",), work=restore_checks, always=True),
)  # fmt: skip

# Where the original's numbers put these phases, so that `optdb.register(name, rewrite, position, ...)` of a program
# written for it finds its place. Here they say nothing but the order above.
POSITIONS = {
    "drop useless nodes": 0.6, "canonicalize": 1.0, "work on loops": 1.4, "stabilize": 1.5, "specialize": 2.0,
    "use BLAS": 2.5, "keep states once": 2.6, "open compositions for fusion": 49.0,
    "restore checks of lengths": float("inf"),
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
