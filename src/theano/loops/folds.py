"""map, reduce, foldl and foldr: loops with a simpler form than `scan`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from theano.graph.updates import OrderedUpdates
from theano.loops.scan import scan
from theano.loops.scan_arguments import as_list, read_outputs
from theano.tensor.joining import join
from theano.tensor.shape import shape_padleft


def map(
    fn: Callable[..., Any],
    sequences: Any,
    non_sequences: Any = None,
    truncate_gradient: int = -1,
    go_backwards: bool = False,
    mode: Any = None,
    name: str | None = None,
) -> tuple[Any, OrderedUpdates]:
    """`fn` applied to every row of the sequences: (the results stacked, updates). See `scan`.

    >>> import theano, theano.tensor as tt
    >>> x = tt.dvector("x")
    >>> squares, _ = theano.map(lambda v: v**2, x)
    >>> squares.eval({x: [1.0, 2.0, 3.0]}).tolist()
    [1.0, 4.0, 9.0]
    """
    return scan(
        fn, sequences=sequences, outputs_info=[], non_sequences=non_sequences, truncate_gradient=truncate_gradient,
        go_backwards=go_backwards, mode=mode, name=name,
    )  # fmt: skip


def reduce(
    fn: Callable[..., Any],
    sequences: Any,
    outputs_info: Any,
    non_sequences: Any = None,
    go_backwards: bool = False,
    mode: Any = None,
    name: str | None = None,
) -> tuple[Any, OrderedUpdates]:
    """`fn(rows..., values so far..., non_sequences...)` gives new values: (the last of them, updates). See `scan`.

    Without rows the result is the initial value.

    >>> import theano, theano.tensor as tt
    >>> x = tt.dvector()
    >>> product, _ = theano.reduce(lambda v, so_far: so_far * v, x, tt.constant(1.0, dtype="float64"))
    >>> float(product.eval({x: [2.0, 3.0, 4.0]}))
    24.0
    """
    given = as_list(outputs_info)
    rows, updates = scan(
        fn, sequences=sequences, outputs_info=given, non_sequences=non_sequences, go_backwards=go_backwards,
        truncate_gradient=-1, mode=mode, name=name, return_list=True,
    )  # fmt: skip
    last = []
    for trace, info in zip(rows, read_outputs(given)):
        before = [] if info.initial is None else [shape_padleft(info.initial) if info.single else info.initial]
        last.append((join(0, *before, trace) if before else trace)[-1])
    return (last[0] if len(last) == 1 else last), updates


def foldl(
    fn: Callable[..., Any],
    sequences: Any,
    outputs_info: Any,
    non_sequences: Any = None,
    mode: Any = None,
    name: str | None = None,
) -> tuple[Any, OrderedUpdates]:
    """`reduce` from the first row to the last."""
    return reduce(fn, sequences, outputs_info, non_sequences, False, mode, name)


def foldr(
    fn: Callable[..., Any],
    sequences: Any,
    outputs_info: Any,
    non_sequences: Any = None,
    mode: Any = None,
    name: str | None = None,
) -> tuple[Any, OrderedUpdates]:
    """`reduce` from the last row to the first."""
    return reduce(fn, sequences, outputs_info, non_sequences, True, mode, name)
