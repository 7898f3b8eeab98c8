"""scan_checkpoints: a loop that keeps every N-th state only, and computes the others again for the gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from theano.graph.updates import OrderedUpdates
from theano.loops.scan import scan
from theano.loops.scan_arguments import as_list, read_outputs, read_sequences, read_steps
from theano.scalar.selection import maximum, minimum
from theano.tensor.convert import as_tensor_variable
from theano.tensor.creation import zeros
from theano.tensor.joining import join
from theano.tensor.ranges import arange
from theano.tensor.shape_ops import reshape, shape_i_op


def scan_checkpoints(
    fn: Callable[..., Any],
    sequences: Any = (),
    outputs_info: Any = None,
    non_sequences: Any = (),
    name: str = "checkpointscan_fn",
    n_steps: Any = None,
    save_every_N: int = 10,
    padding: bool = True,
) -> tuple[Any, OrderedUpdates]:
    """`scan` whose results hold the states after every N-th step and after the last: use `result[-1]`.

    For the gradient the steps between are computed again, N at a time: memory for n/N + N steps in place of n, for the
    price of another pass.

    save_every_N    N
    padding         True: the number of steps need not be a multiple of N (the sequences are copied then);
                    False: it must be, which is checked when the function runs
    Sequences have no taps, and every output is fed back with tap -1. Other arguments: see `scan`.

    >>> import theano, theano.tensor as tt
    >>> w = tt.dscalar("w")
    >>> powers, _ = theano.scan_checkpoints(
    ...     lambda before, k: before * k, outputs_info=[tt.ones((), "float64")], non_sequences=[w], n_steps=20)
    >>> float(theano.grad(powers[-1], w).eval({w: 1.0}))
    20.0
    """
    every = int(save_every_N)
    if every < 1:
        raise ValueError(f"scan_checkpoints: save_every_N must be positive, got {save_every_N}")
    arguments = read_sequences(list(sequences) if isinstance(sequences, (list, tuple)) else sequences)
    if any(argument.taps != (0,) for argument in arguments):
        raise ValueError("scan_checkpoints: sequences with taps are not possible; slice them first")
    infos = read_outputs(outputs_info)
    if not infos or any(not info.single for info in infos):
        raise ValueError(
            "scan_checkpoints: every entry of outputs_info must be the value before the first step (tap -1): what is "
            "between the checkpoints is not kept"
        )
    others = as_list(non_sequences)
    steps = read_steps(n_steps)
    if steps is None:
        if not arguments:
            raise ValueError("scan_checkpoints: give n_steps, or a sequence to go along")
        steps = shape_i_op(0)(arguments[0].variable)
        for argument in arguments[1:]:
            steps = minimum(steps, shape_i_op(0)(argument.variable))
    steps = as_tensor_variable(steps).astype("int64")
    if padding:
        chunks = (steps + every - 1) // every
        lengths = minimum(every, maximum(steps - arange(chunks) * every, 0)).astype("int64")
    else:
        chunks = steps // every
        lengths = None
    pieces = [chunked(argument.variable, steps, chunks, every, padding) for argument in arguments]
    count = len(arguments)

    def run_chunk(*given: Any) -> Any:
        length: Any = every
        if padding:
            length, given = given[0], given[1:]
        rows = [piece[:length] for piece in given[:count]]
        states = given[count : count + len(infos)]
        found, updates = scan(
            fn, sequences=rows, outputs_info=list(states), non_sequences=list(given[count + len(infos) :]),
            n_steps=length, name=name, return_list=True,
        )  # fmt: skip
        return [state[-1] for state in found], updates

    return scan(
        run_chunk, sequences=[*([lengths] if padding else []), *pieces], outputs_info=[info.initial for info in infos],
        non_sequences=others, n_steps=chunks, name=f"{name}_chunks",
    )  # fmt: skip


def chunked(sequence: Any, steps: Any, chunks: Any, every: Any, padding: bool = True) -> Any:
    """The rows of `sequence` in groups of `every`: an axis of chunks in front. Padding is never read."""
    rows = sequence[:steps]
    lengths = [shape_i_op(k)(sequence) for k in range(1, sequence.type.ndim)]
    if padding:
        missing = chunks * every - steps
        rows = join(0, rows, zeros([missing, *lengths], dtype=sequence.type.dtype))
    return reshape(rows, [chunks, every, *lengths], ndim=sequence.type.ndim + 1)
