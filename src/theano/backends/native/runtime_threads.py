"""The run-time system: work in several threads.

Written in the language of `runtime_language.py`. A *crew* of threads is hired when work first asks for so many. It
looks out for more for a moment, since the next call may follow at once and a thread that sleeps wakes late; then it
sleeps. A child of `fork` starts with none (`thread_count.py`). Work comes in parts, which whoever is
free takes, the caller before all others: nobody waits for a thread that has not begun. Each thread has a *region* of
parts with which it begins, the same in the next call: what lies in the cache of its processor is most likely of use to
it. Who has done those takes the last parts of other regions. A lock guards the crew's table;
it is held between parts only. Where the machine has so much other work that callers wait for parts that others have
begun, the crew pauses for some calls (`look_back`). What threads compute is divided such that results do not depend on
their number. The GIL is not needed, and none of them ever asks for it.
"""

# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

from __future__ import annotations

from theano.backends.native.runtime_language import address_of, invoke, load64, stack, store64

# the crew's table
CREW_LOCK = 0
CREW_WORK = 128  # the condition: there is work
CREW_DONE = 256  # the condition: somebody has finished
CREW_JOBS = 384  # the first of a list of jobs
CREW_COUNT = 392  # how many have been hired
CREW_PAUSE = 400  # so many calls to come do without the crew
CREW_LENGTH = 408  # of the last pause
CREW_CALLS = 416  # how many jobs there have been
CREW_AWAKE = 424  # so many look out for work
CREW_LAST = 432  # when there was work for a crew that was awake

# a job, which lies on its caller's stack
JOB_NEXT = 0
JOB_FUNCTION = 8
JOB_ARGUMENT = 16
JOB_TAKEN = 24  # so many parts have been taken
JOB_PARTS = 32
JOB_WELCOME = 40  # so many more of the crew may help
JOB_HELPERS = 48  # so many are at it
JOB_REGIONS = 56  # so many regions of parts follow
JOB_BYTES = 64

# a region: which parts of it nobody has taken
REGION_NEXT = 0
REGION_END = 8
REGION_BYTES = 16

LOOKING_OUT = 100000  # nanoseconds for which a thread looks out for work before it sleeps
SHORT_WAIT = 50000  # nanoseconds for which a caller looks out for the others' end before it sleeps
TRIES = 64  # how often to try for the lock, which others hold for a moment, before sleeping
LONG_WAIT = 200000  # nanoseconds for which a caller may wait in any case
LONGEST_PAUSE = 63  # calls

# multiplications, or as much work, which are worth a thread
WORTH_A_THREAD = 2097152
WORTH_OF_A_THREAD = 10000000  # picoseconds of work which are worth one more than two
ASLEEP = 18  # so many times as much work must there be where the crew has to be woken
MOST_THREADS = 64


def thread_count(work: int) -> int:
    """How many threads to use for so many multiplications."""
    return threads_for_parts(work // WORTH_A_THREAD)


def threads_for_parts(parts: int) -> int:
    """How many threads to use for so much work that it is worth `parts` of them, while others may be busy."""
    count = load64(THREADS) - load64(BUSY)
    if count > MOST_THREADS:
        count = MOST_THREADS
    if count > parts:
        count = parts
    if count < 2 or paused():
        return 1
    return count


def threads_for_work(work: int) -> int:
    """How many threads to use for so many picoseconds of work. With the GIL held.

    To wake a thread takes longer than to do a little work, so nobody is woken for that; but where little work follows
    on little work at once, somebody is, for what is to come.
    """
    least = load64(LEAST_DIVIDED)
    if work < least or load64(THREADS) < 2:
        return 1
    if work < least * ASLEEP and load64(CREW + CREW_AWAKE) == 0:
        time = now()
        # from the start of the one before, which may have taken longer than was guessed
        dense = time < load64(CREW + CREW_LAST) + LOOKING_OUT + work // 500
        store64(CREW + CREW_LAST, time)
        if dense and work < LOOKING_OUT * 500:
            # who is woken now is still awake when this is done
            lock()
            hire(1)
            pthread_cond_signal(CREW + CREW_WORK)
            pthread_mutex_unlock(CREW + CREW_LOCK)
            return 1
        if not dense:
            return 1
    parts = work // WORTH_OF_A_THREAD
    if parts < 2:
        parts = 2
    return threads_for_parts(parts)


def more_busy(count: int) -> int:
    """So many threads more (or less) are at work besides Python's. The caller holds the GIL, which guards the word."""
    store64(BUSY, load64(BUSY) + count)
    return 0


def share(total: int, unit: int, part: int, parts: int) -> int:
    """Where a part of `total` things starts; parts are whole units, but for the last. Part number `parts`: the end."""
    start = (total + unit - 1) // unit * part // parts * unit
    if start > total:
        return total
    return start


def lock() -> int:
    """Take the lock; it is seldom held for long."""
    tries = TRIES
    while tries > 0:
        if pthread_mutex_trylock(CREW + CREW_LOCK) == 0:
            return 0
        tries -= 1
    pthread_mutex_lock(CREW + CREW_LOCK)
    return 0


def look_out(word: int, value: int, longest: int) -> int:
    """Wait, awake and without the lock, for as long as a word has this value, but not for long."""
    end = now() + longest
    while load64(word) == value and now() < end:
        pass
    return 0


def take_part(job: int, home: int) -> int:
    """Take a part, of which there is one: the next of region `home`, or else the last of another."""
    store64(job + JOB_TAKEN, load64(job + JOB_TAKEN) + 1)
    region = job + JOB_BYTES + home * REGION_BYTES
    part = load64(region + REGION_NEXT)
    if part < load64(region + REGION_END):
        store64(region + REGION_NEXT, part + 1)
        return part
    region = job + JOB_BYTES
    while load64(region + REGION_NEXT) == load64(region + REGION_END):
        region += REGION_BYTES
    part = load64(region + REGION_END) - 1
    store64(region + REGION_END, part)
    return part


def run_parts(job: int, home: int) -> int:
    """Take parts as long as there are some. The lock is held before, after and between them."""
    while load64(job + JOB_TAKEN) < load64(job + JOB_PARTS):
        part = take_part(job, home)
        pthread_mutex_unlock(CREW + CREW_LOCK)
        invoke(load64(job + JOB_FUNCTION), load64(job + JOB_ARGUMENT), part)
        lock()
    return 0


def serve(number: int) -> int:
    """What each of the crew does, for ever. They are numbered from 0."""
    awake = 1
    lock()
    while 1:
        job = load64(CREW + CREW_JOBS)
        while job != 0 and not (load64(job + JOB_WELCOME) > 0 and load64(job + JOB_TAKEN) < load64(job + JOB_PARTS)):
            job = load64(job + JOB_NEXT)
        if job == 0 and awake:
            awake = 0
            seen = load64(CREW + CREW_CALLS)
            store64(CREW + CREW_AWAKE, load64(CREW + CREW_AWAKE) + 1)
            pthread_mutex_unlock(CREW + CREW_LOCK)
            look_out(CREW + CREW_CALLS, seen, LOOKING_OUT)
            lock()
            store64(CREW + CREW_AWAKE, load64(CREW + CREW_AWAKE) - 1)
        elif job == 0:
            pthread_cond_wait(CREW + CREW_WORK, CREW + CREW_LOCK)
            awake = 1
        else:
            awake = 1
            store64(job + JOB_WELCOME, load64(job + JOB_WELCOME) - 1)
            store64(job + JOB_HELPERS, load64(job + JOB_HELPERS) + 1)
            # region 0 is the caller's
            run_parts(job, 1 + number % (load64(job + JOB_REGIONS) - 1))
            store64(job + JOB_HELPERS, load64(job + JOB_HELPERS) - 1)
            if load64(job + JOB_HELPERS) == 0:
                pthread_cond_broadcast(CREW + CREW_DONE)
    return 0


def hire(count: int) -> int:
    """See to it that the crew has so many threads, as far as the system allows it. The lock is held."""
    handle = stack(8)
    while load64(CREW + CREW_COUNT) < count:
        if pthread_create(handle, 0, address_of(serve), load64(CREW + CREW_COUNT)):
            return 0
        pthread_detach(load64(handle))
        store64(CREW + CREW_COUNT, load64(CREW + CREW_COUNT) + 1)
    return 0


def dismiss(job: int) -> int:
    """Take a job out of the list."""
    before = CREW + CREW_JOBS - JOB_NEXT
    while load64(before + JOB_NEXT) != job:
        before = load64(before + JOB_NEXT)
    store64(before + JOB_NEXT, load64(job + JOB_NEXT))
    return 0


def now() -> int:
    """Nanoseconds since some moment."""
    time = stack(16)
    timespec_get(time, 1)
    return load64(time) * 1000000000 + load64(time + 8)


def paused() -> int:
    """Does the crew pause in this call?"""
    lock()
    left = load64(CREW + CREW_PAUSE)
    if left > 0:
        store64(CREW + CREW_PAUSE, left - 1)
    pthread_mutex_unlock(CREW + CREW_LOCK)
    return left > 0


def look_back(worked: int, waited: int) -> int:
    """A caller has worked and then waited for so long: let the crew pause, longer each time, if that was no good."""
    length = load64(CREW + CREW_LENGTH)
    if waited > LONG_WAIT and waited > worked >> 1:
        length = length * 2 + 1
        if length > LONGEST_PAUSE:
            length = LONGEST_PAUSE
        store64(CREW + CREW_PAUSE, length)
    else:
        length = length >> 1
    store64(CREW + CREW_LENGTH, length)
    return 0


def parallel(function: int, argument: int, parts: int) -> int:
    """Call function(argument, part) for every part, all at the same time if possible. Its results are ignored."""
    return share_out(function, argument, parts, parts)


def share_out(function: int, argument: int, parts: int, threads: int) -> int:
    """Call function(argument, part) for every part, by at most so many threads. Its results are ignored."""
    if threads > parts:
        threads = parts
    if threads < 2:
        part = 0
        while part < parts:
            invoke(function, argument, part)
            part += 1
        return 0
    job = stack(JOB_BYTES + threads * REGION_BYTES)
    region = 0
    while region < threads:
        store64(job + JOB_BYTES + region * REGION_BYTES + REGION_NEXT, share(parts, 1, region, threads))
        store64(job + JOB_BYTES + region * REGION_BYTES + REGION_END, share(parts, 1, region + 1, threads))
        region += 1
    store64(job + JOB_REGIONS, threads)
    lock()
    hire(threads - 1)
    store64(job + JOB_NEXT, load64(CREW + CREW_JOBS))
    store64(job + JOB_FUNCTION, function)
    store64(job + JOB_ARGUMENT, argument)
    store64(job + JOB_TAKEN, 0)
    store64(job + JOB_PARTS, parts)
    store64(job + JOB_WELCOME, threads - 1)
    store64(job + JOB_HELPERS, 0)
    store64(CREW + CREW_JOBS, job)
    store64(CREW + CREW_CALLS, load64(CREW + CREW_CALLS) + 1)
    while threads > 1:
        pthread_cond_signal(CREW + CREW_WORK)
        threads -= 1
    begun = now()
    run_parts(job, 0)
    dismiss(job)
    ready = now()
    if load64(job + JOB_HELPERS) > 0:
        pthread_mutex_unlock(CREW + CREW_LOCK)
        while load64(job + JOB_HELPERS) > 0 and now() < ready + SHORT_WAIT:
            pass
        lock()
    while load64(job + JOB_HELPERS) > 0:
        pthread_cond_wait(CREW + CREW_DONE, CREW + CREW_LOCK)
    look_back(ready - begun, now() - ready)
    pthread_mutex_unlock(CREW + CREW_LOCK)
    return 0
