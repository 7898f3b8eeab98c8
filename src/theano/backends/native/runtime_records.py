"""The run-time system: what lies where in the tables of kernels and views, which `image.py` writes and
machine code reads.

Numbers only, of the language of `runtime_language.py`: offsets in bytes, flags and kinds. The frame and the buffers
are in `runtime_core.py`.
"""

from __future__ import annotations

# a kernel step's record
KERNEL_RANK = 16
KERNEL_SLOTS = 24
KERNEL_INPUTS = 32
KERNEL_OUTPUTS = 40
KERNEL_CODE = 48
KERNEL_LANES = 56
KERNEL_FLAGS = 64
KERNEL_COST = 72  # picoseconds for an element, a guess
KERNEL_STATE = 80  # where the step's state lies in the frame
KERNEL_EXTENTS = 88
KERNEL_OPERANDS = 96
KERNEL_ROWS = 104  # of the last kernel of a group of rows: the group's table, see `runtime_rows.py`
KERNEL_STATE_BYTES = 112
KERNEL_PRODUCT = 120  # of the last kernel of a group which starts with a product: see `runtime_products.py`
KERNEL_BYTES = 128

KEEP_ORDER = 1  # a scatter: points are visited in C order
CHECKED = 2  # positions are computed: they may be out of range
REDUCES = 4
COUNTS = 8  # some slot is a counter
MASKS = 16  # the code does not touch memory beyond the active lanes
HOISTS = 32  # the code can find positions once for a run, see STATE_HOISTED

# one slot of a kernel: an operand, an accumulator or a counter
SLOT_ROLE = 0
SLOT_BUFFER = 8
SLOT_SIZE = 16
SLOT_NDIM = 24
SLOT_AXES = 32
SLOT_STATE = 40  # where lengths and strides of computed axes go in the state
SLOT_SOURCE = 48  # the buffer which an output takes over or starts as a copy of; 0: none
SLOT_GUARD = 56  # see `exclusive`
SLOT_IDENTITY = 64  # bits of a reduction's neutral element
SLOT_TEMPORARY = 72  # element size of an accumulator which is not the output itself; 0: it is
SLOT_FINISH = 80  # code which casts the accumulator to the output; 0: none
SLOT_FLAGS = 88
SLOT_COMBINE = 96  # a word with the address of code which folds accumulators into others; 0: an accumulator has none
SLOT_PARTNER = 104  # the number of the slot with the values whose positions this accumulator holds; 0: none
SLOT_HANGS = 112  # bits: the axes which computed positions in this slot hang on
SLOT_RESULT = 120  # of an output without axes which becomes an array of its own: its dtype; or 0
SLOT_BYTES = 128

ROLE_NONE = 0
ROLE_IN = 1
ROLE_OUT = 2
ROLE_ACCUMULATE = 3
ROLE_RAW = 4  # addresses are computed: gather, scatter
ROLE_COUNTER = 5  # a position along axes, no memory

TAKES_OVER = 1  # SLOT_SOURCE is taken over where possible, else copied
NEEDS_CONTENT = 2  # the output starts with the content of SLOT_SOURCE
NOT_EMPTY = 4  # reduction without a neutral element
MUST_STAND = 8  # for positions to be found once for a run, this slot must stand still along it
MUST_WALK = 16  # and this one must be contiguous
IN_POSITIONS = 32  # computed positions hang on this slot
SPREADS = 64  # the code can take one element of an operand which stands still along a run
AS_INPUTS = 128  # the axes of an output may lie in memory in the order that those of the inputs do

# a view step's record
VIEW_IN = 16
VIEW_OUT = 24
VIEW_NIN = 32
VIEW_NOUT = 40
VIEW_SIZE = 48
VIEW_PARAMS = 56
VIEW_NPARAMS = 64
VIEW_BYTES = 72

# the state: what the kernel's code is told besides addresses
STATE_MODE = 0  # 1: check positions only, write nothing
STATE_FLAT = 8  # 1: every accumulator stands still along the innermost axis
STATE_ERROR = 16  # value, length, operand, axis of a position out of range
STATE_COPY = 48  # bit k: output k must be filled from its source before the run
STATE_RUNS = 56  # how many runs the code goes over itself, if its kernel has several axes; 0 is 1
STATE_APART = 64  # here is how far these lie apart, for each slot
STATE_HOISTED = 72  # 1: positions do not vary along a run
STATE_CARRY = 80  # not 0: a run comes in pieces; here is what float sums keep between them, two vectors for each slot
STATE_PIECE = 88  # of such a run: FIRST_PIECE, LAST_PIECE
STATE_TOGETHER = 96  # may the code take several runs together: WITHIN_RUNS, NEXT_RUNS; 0: not
STATE_AHEAD = 104  # how many bytes ahead a reduction asks for memory to read, and what writes rows for that to write
STATE_PAST = 112  # 1: whole vectors are written past the caches
STATE_EXTENTS = 120

WITHIN_RUNS = 1  # memory of the same runs is asked for ahead
NEXT_RUNS = 2  # of the next runs, a group of them being small enough for the cache

FIRST_PIECE = 1
LAST_PIECE = 2

LINE = 64  # bytes of a cache line

# The words of CACHE_ROOM. How many bytes a block of rows may touch: half of the second cache.
ROOM_OF_ROWS = 0
# How many an array has that may be in some cache since it was last used: half of the third, 16 MiB at most.
ROOM_OF_ARRAYS = 8
# How many a product has from which on it is computed by panels with what follows it, see `runtime_products.py`.
ROOM_OF_PRODUCTS = 16

# Machines foresee what is read next up to the end of a page of memory. So reductions ask for what lies FAR_AHEAD in
# long runs, and in short ones if the next begin where they end, as a rule.
FAR_AHEAD = 16384
LONG_RUN = 32768
# Where a group of kernels writes rows, stores wait for memory in the order of the program, and what kernels leave for
# each other waits behind them: so that memory is asked for before.
WRITE_AHEAD = 8192
