"""The run-time system: work in several threads, which live as long as it takes.

Written in the language of `runtime_language.py`. Threads are started for a piece of work and joined at its end, so
nothing is left that would have to survive a fork, and a call waits for nobody else's work. A start costs some ten
microseconds: `thread_count` tells how many threads are worth that. What threads compute is divided such that results do
not depend on their number. The GIL is not needed.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_language import address_of, invoke, load64, stack, store64

WORKER_FUNCTION = 0
WORKER_ARGUMENT = 8
WORKER_PART = 16
WORKER_HANDLE = 24
WORKER_STARTED = 32
WORKER_BYTES = 40

# multiplications, or as much work, which are worth a thread
WORTH_A_THREAD = 2097152
MOST_THREADS = 64


def thread_count(work: int) -> int:
    """How many threads to use for so many multiplications."""
    count = load64(THREADS)
    if count > MOST_THREADS:
        count = MOST_THREADS
    if count > work // WORTH_A_THREAD:
        count = work // WORTH_A_THREAD
    if count < 1:
        return 1
    return count


def share(total: int, unit: int, part: int, parts: int) -> int:
    """Where a part of `total` things starts; parts are whole units, but for the last. Part number `parts`: the end."""
    start = (total + unit - 1) // unit * part // parts * unit
    if start > total:
        return total
    return start


def thread_main(worker: int) -> int:
    invoke(load64(worker + WORKER_FUNCTION), load64(worker + WORKER_ARGUMENT), load64(worker + WORKER_PART))
    return 0


def parallel(function: int, argument: int, parts: int) -> int:
    """Call function(argument, part) for every part, at the same time. Its results are ignored."""
    workers = stack(parts * WORKER_BYTES)
    part = 1
    while part < parts:
        worker = workers + part * WORKER_BYTES
        store64(worker + WORKER_FUNCTION, function)
        store64(worker + WORKER_ARGUMENT, argument)
        store64(worker + WORKER_PART, part)
        failed = pthread_create(worker + WORKER_HANDLE, 0, address_of(thread_main), worker)
        store64(worker + WORKER_STARTED, failed == 0)
        part += 1
    invoke(function, argument, 0)
    part = 1
    while part < parts:
        worker = workers + part * WORKER_BYTES
        if load64(worker + WORKER_STARTED):
            pthread_join(load64(worker + WORKER_HANDLE), 0)
        else:
            thread_main(worker)
        part += 1
    return 0
