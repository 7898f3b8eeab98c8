"""Kernel: a small typed loop nest, the unit of native computation.

A kernel is an iteration space of `rank` axes, operands that are read and written through strides (or through an
index), a straight list of scalar instructions, and results: stores and reductions. It knows nothing of a target:
`backends/native` turns it into SIMD code, `reference_run` (in `lowering/kernel_reference.py`) runs it with NumPy.

Kernels are values: equal kernels have equal hashes and share one piece of machine code per process. So a kernel
holds no buffer, no shape and no constant array; those belong to the step (`program.py`) that runs it.

Read next: `program.py` (the steps), `build.py` (how elementwise records become instructions).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from theano._records import record_class

UNIT = -1      # a buffer axis of length one which no iteration axis walks
INDEXED = -2   # a buffer axis whose position is computed: a gather (input) or a scatter (output)


@record_class(frozen=True, slots=True)
class Operand:
    """How one buffer is walked.

    `axes[d]` says what moves along the buffer's axis `d`: an iteration axis (its number), `UNIT` or `INDEXED`.
    Iteration axes that no buffer axis names have stride 0, which is broadcasting. Two buffer axes may name the
    same iteration axis (a diagonal: the strides add).
    """

    dtype: str
    axes: tuple[int, ...]


class Instr(NamedTuple):
    """One scalar instruction; its value is referred to by its position in `Kernel.body`.

    op      one of OPCODES
    dtype   of the result
    args    positions of earlier instructions
    attr    opcode-specific: operand number (load, gather), iteration axis (iota), Python number (const),
            function name (math, call), comparison name is part of the opcode
    """

    op: str
    dtype: str
    args: tuple[int, ...] = ()
    attr: Any = None


# load      attr = operand number; value at the current point
# gather    attr = operand number; args = int64 values, one per INDEXED axis of the operand, in order. Negative
#           values count from the end; out of range is a run-time IndexError of the step
# iota      attr = iteration axis; dtype int64: the position along that axis
# extent    attr = iteration axis; dtype int64: the length of that axis
# const     attr = Python bool/int/float (nan, inf and -0.0 allowed); dtype gives the type
# Arithmetic works on two values of the result's dtype. Integers wrap (two's complement). div on integers is C
# division towards zero and idiv/imod are Python's floor forms; integer x/0 and x%0 give 0, as NumPy.
# power is of integers only, and takes exponents as numbers without sign (`integer_powers.py` lets no other reach it).
# min, max propagate NaN; fmod is C's. fma(a, b, c) may be contracted.
# Comparisons take two values of one dtype and give bool. Float comparisons are IEEE (NaN compares false, ne true).
# select(c, a, b): c is bool. cast: from the argument's dtype to `dtype`, with NumPy's astype semantics
# (float -> int of NaN/out-of-range gives what x86 cvtt gives, never a trap; anything -> bool is != 0).
# math: attr = a name of MATH (exp, log, ...), args 1 or 2 floats of `dtype`. call: attr = "module:name" of a C function
# of doubles (a `scipy.special.cython_special` name), args floats of `dtype`; computed in double.
# re, im: a part of a complex value, in float32 or float64; pair: a complex value of two parts. Nothing else takes or
# gives complex values but load and store: whoever computes with them computes with their parts.
OPCODES = frozenset((
    "load", "gather", "iota", "extent", "const", "add", "sub", "mul", "div", "idiv", "imod", "fmod", "neg", "abs",
    "min", "max", "fma", "sqrt", "floor", "ceil", "trunc", "rint", "copysign", "and", "or", "xor", "not", "shl", "shr",
    "power", "lt", "le", "gt", "ge", "eq", "ne", "isnan", "isinf", "select", "cast", "math", "call", "re", "im", "pair",
))

# Functions that `math` may use: libm's (those in libmvec are vectorised), and some that only our own code has.
MATH = frozenset((
    "exp", "exp2", "exp10", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "asin", "acos", "atan",
    "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc", "cbrt", "pow", "atan2", "hypot", "tgamma",
    "lgamma", "erfcx", "psi", "trigamma", "polygamma", "log_product", "log_quotient",
))

REDUCTIONS = frozenset(["sum", "prod", "max", "sup", "min", "all", "any", "argmax", "argmin", "or", "and", "xor"])


class Result(NamedTuple):
    """What one output operand receives.

    kind      "store": value at each point; "scatter_set" / "scatter_add": value at a computed position (`args`
              holds the int64 positions, one per INDEXED axis; points are visited in C order; negative and
              out-of-range positions as for gather); or a name of REDUCTIONS: the value reduced over the iteration
              axes which the output operand's axes do not name.
    value     position in body
    dtype     accumulator dtype of a reduction ("" otherwise); the result is cast to the operand's dtype. For
              argmax/argmin the operand's dtype is int64 and the position is along the flattened reduced axes,
              first of ties, NaN wins.
    args      positions (scatter)

    Reductions over nothing give the identity (sum 0, prod 1, all True, any False); max, min, argmax and argmin
    over nothing are a run-time ValueError of the step. sup is max of floats, and of nothing -inf.
    """

    kind: str
    value: int
    dtype: str = ""
    args: tuple[int, ...] = ()


@record_class(frozen=True, slots=True)
class Kernel:
    """A loop nest over `rank` axes; operands[:n_inputs] are read, operands[n_inputs:] are written, one per result."""

    rank: int
    operands: tuple[Operand, ...]
    n_inputs: int
    body: tuple[Instr, ...]
    results: tuple[Result, ...]

    def __str__(self) -> str:
        """The textual form which golden tests compare."""
        axes = ", ".join(f"i{a}" for a in range(self.rank))
        lines = [f"kernel ({axes})"]

        def show(n: int) -> str:
            operand = self.operands[n]
            walk = ", ".join({UNIT: "0", INDEXED: "@"}.get(a, f"i{a}") for a in operand.axes)
            name = f"in{n}" if n < self.n_inputs else f"out{n - self.n_inputs}"
            return f"{name}[{walk}]"

        for position, (op, dtype, args, attr) in enumerate(self.body):
            values = [f"%{a}" for a in args]
            if op in ("load", "gather"):
                values.insert(0, show(attr))
            elif op in ("iota", "extent"):
                values.insert(0, f"i{attr}")
            elif attr is not None:
                values.insert(0, str(attr))
            lines.append(f"  %{position} = {op} {dtype} {', '.join(values)}")
        for number, (kind, value, dtype, args) in enumerate(self.results):
            target = show(self.n_inputs + number)
            extra = f" in {dtype}" if dtype else ""
            at = f" at {', '.join(f'%{a}' for a in args)}" if args else ""
            out_dtype = self.operands[self.n_inputs + number].dtype
            lines.append(f"  {target} {out_dtype} <- {kind}{extra} %{value}{at}")
        return "\n".join(lines)
