"""What each opcode of the kernel IR is in vector code.

`emit_opcode` writes the instructions for one `Instr`, given the texts of its arguments. Loads, gathers, counters and
results are `kernel_code.py`'s business: they depend on how memory is walked.

Vector mathematics is our own (`mathematics.py`) or comes from glibc's libmvec, where it is at hand and right on the
special values (`EXCLUDED` names where it is not); everything else calls the scalar function for each lane. The flag
`vector_math` chooses.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from theano._config import config
from theano.backends.native import mathematics, target
from theano.backends.native.cython_modules import exported
from theano.backends.native.vector_text import SIZE, VALUE_TYPE, VectorText, is_float, is_unsigned, scalar_constant
from theano.lowering.kernel import Instr

_FLOAT_ARITHMETIC = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv"}
_INT_ARITHMETIC = {"add": "add", "sub": "sub", "mul": "mul", "and": "and", "or": "or", "xor": "xor"}
_BOOL_ARITHMETIC = {
    "add": "or", "mul": "and", "sub": "xor", "and": "and", "or": "or", "xor": "xor", "max": "or", "min": "and",
}  # fmt: skip
_FLOAT_COMPARE = {"lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge", "eq": "oeq", "ne": "une"}
_FLOAT_UNARY = {"sqrt": "sqrt", "floor": "floor", "ceil": "ceil", "trunc": "trunc", "rint": "nearbyint", "abs": "fabs"}

# libmvec functions whose special values differ from C's (found by tests/backends/native/test_mathematics.py).
EXCLUDED: frozenset[tuple[str, str]] = frozenset()

TWO_ARGUMENTS = frozenset({"pow", "atan2", "hypot", "polygamma", "log_product", "log_quotient"})


def emit_opcode(text: VectorText, instr: Instr, args: Sequence[str], dtypes: Sequence[str], active: str) -> str:
    """Write the code of an instruction that only computes; `active` is the number of lanes that matter."""
    op, dtype = instr.op, instr.dtype
    match op:
        case "const":
            return text.constant(dtype, instr.attr)
        case "cast":
            return text.cast(dtypes[0], dtype, args[0])
        case "re" | "im":
            return text.part(dtypes[0], args[0], int(op == "im"))
        case "pair":
            return text.pair(dtype, *args)
        case "select":
            return text.select(args[0], VALUE_TYPE[dtype], args[1], args[2])
        case "lt" | "le" | "gt" | "ge" | "eq" | "ne":
            return _compare(text, op, dtypes[0], args)
        case "isnan" | "isinf":
            return _classify(text, op, dtypes[0], args[0])
        case "call":
            return _call_double(text, instr.attr, dtype, args, active)
        case "math":
            value = _mathematics(text, instr.attr, VALUE_TYPE[dtype], args, active)
            return text.round_half(value) if dtype == "float16" else value
    if is_float(dtype):
        value = _float_opcode(text, op, VALUE_TYPE[dtype], args, active)
        exact = ("neg", "abs", "min", "max", "floor", "ceil", "trunc", "rint", "copysign")
        return text.round_half(value) if dtype == "float16" and op not in exact else value
    if dtype == "bool":
        return _bool_opcode(text, op, args)
    return _int_opcode(text, op, dtype, args)


def _compare(text: VectorText, op: str, dtype: str, args: Sequence[str]) -> str:
    kind = VALUE_TYPE[dtype]
    if is_float(dtype):
        return text.compare(_FLOAT_COMPARE[op], kind, *args)
    sign = "" if op in ("eq", "ne") else "u" if is_unsigned(dtype) else "s"
    return text.compare(sign + op, kind, *args)


def _classify(text: VectorText, op: str, dtype: str, value: str) -> str:
    if not is_float(dtype):
        return text.splat("i1", "false")
    kind = VALUE_TYPE[dtype]
    if op == "isnan":
        return text.compare("uno", kind, value, value)
    magnitude = text.intrinsic("fabs", kind, [value])
    infinity = text.splat(kind, scalar_constant(kind, float("inf")))
    return text.compare("oeq", kind, magnitude, infinity)


# ---- floats


def _float_opcode(text: VectorText, op: str, kind: str, args: Sequence[str], active: str) -> str:
    if op in _FLOAT_ARITHMETIC:
        return text.binary(_FLOAT_ARITHMETIC[op], kind, *args)
    if op in _FLOAT_UNARY:
        return text.intrinsic(_FLOAT_UNARY[op], kind, args)
    match op:
        case "neg":
            return text.set(f"fneg {text.vec(kind)} {args[0]}")
        case "max" | "min":
            return float_extreme(text, op, kind, *args)
        case "copysign":
            return text.intrinsic("copysign", kind, args)
        case "fma":
            if target.host().fma:
                return text.intrinsic("fma", kind, args)
            return text.binary("fadd", kind, text.binary("fmul", kind, args[0], args[1]), args[2])
        case "fmod":
            return lane_call(text, _libm("fmod", kind), kind, args, active)
        case "idiv":
            return _floor_division(text, kind, args, active)[0]
        case "imod":
            return _floor_division(text, kind, args, active)[1]
    raise NotImplementedError(f"opcode {op} of {kind} has no native code")


def float_extreme(text: VectorText, op: str, kind: str, a: str, b: str) -> str:
    """max or min; a NaN on either side wins, and of equals (zeros of both signs) the first."""
    # as x86 has it: a comparison that fails for NaN, and a select, are one instruction, and the mask goes with it
    better = text.select(text.compare("ogt" if op == "max" else "olt", kind, b, a), kind, b, a)
    return text.select(text.compare("ord", kind, b, b), kind, better, b)


def is_ahead(text: VectorText, op: str, dtype: str, value: str, best: str) -> str:
    """Is a later value better: greater (less, if `op` is min), or the first NaN?"""
    kind = VALUE_TYPE[dtype]
    if is_float(dtype):
        # true for NaN on either side
        ahead = text.compare("ugt" if op == "max" else "ult", kind, value, best)
        return text.binary("and", "i1", ahead, text.compare("ord", kind, best, best))
    sign = "u" if is_unsigned(dtype) else "s"
    return text.compare(sign + ("gt" if op == "max" else "lt"), kind, value, best)


def better_candidate(
    text: VectorText, op: str, dtype: str, new: Sequence[str], old: Sequence[str], counter: str
) -> list[str]:
    """The better of two candidates, each a value and its position; of equals the first, and NaN before everything."""
    kind = VALUE_TYPE[dtype]
    (value, position), (best, where) = new, old
    earlier = text.compare("slt", counter, position, where)
    if is_float(dtype):
        ahead = text.compare("ogt" if op == "max" else "olt", kind, value, best)
        equal = text.compare("oeq", kind, value, best)
        nan = text.compare("uno", kind, value, value)
        had_nan = text.compare("uno", kind, best, best)
        ahead = text.binary("or", "i1", ahead, text.binary("and", "i1", nan, text.invert(had_nan)))
        equal = text.binary("or", "i1", equal, text.binary("and", "i1", nan, had_nan))
    else:
        sign = "u" if is_unsigned(dtype) else "s"
        ahead = text.compare(sign + ("gt" if op == "max" else "lt"), kind, value, best)
        equal = text.compare("eq", kind, value, best)
    take = text.binary("or", "i1", ahead, text.binary("and", "i1", equal, earlier))
    return [text.select(take, kind, value, best), text.select(take, counter, position, where)]


def _floor_division(text: VectorText, kind: str, args: Sequence[str], active: str) -> tuple[str, str]:
    """Python's // and % on floats, in the steps that NumPy takes."""
    a, b = args
    zero = "zeroinitializer"
    mod = lane_call(text, _libm("fmod", kind), kind, args, active)
    quotient = text.binary("fdiv", kind, text.binary("fsub", kind, a, mod), b)
    some = text.compare("une", kind, mod, zero)
    signs = text.binary("xor", "i1", text.compare("olt", kind, b, zero), text.compare("olt", kind, mod, zero))
    fix = text.binary("and", "i1", some, signs)
    one = text.splat(kind, scalar_constant(kind, 1.0))
    fixed = text.select(fix, kind, text.binary("fadd", kind, mod, b), mod)
    quotient = text.select(fix, kind, text.binary("fsub", kind, quotient, one), quotient)
    remainder = text.select(some, kind, fixed, text.intrinsic("copysign", kind, [zero, b]))
    whole = text.intrinsic("floor", kind, [quotient])
    far = text.compare(
        "ogt", kind, text.binary("fsub", kind, quotient, whole), text.splat(kind, scalar_constant(kind, 0.5))
    )
    whole = text.select(far, kind, text.binary("fadd", kind, whole, one), whole)
    plain = text.binary("fdiv", kind, a, b)
    signed_zero = text.intrinsic("copysign", kind, [zero, plain])
    whole = text.select(text.compare("une", kind, quotient, zero), kind, whole, signed_zero)
    by_zero = text.compare("oeq", kind, b, zero)
    return text.select(by_zero, kind, plain, whole), text.select(by_zero, kind, mod, remainder)


@cache
def _libm(name: str, kind: str) -> str:
    """The LLVM name of a scalar libm function for float or double."""
    c_name = name + ("f" if kind == "float" else "")
    address = target.libm_address(c_name)
    if not address:
        raise NotImplementedError(f"this machine's C library has no {c_name}")
    symbol = f"libm.{c_name}"
    target.define_symbol(symbol, address)
    return symbol


def _mathematics(text: VectorText, name: str, kind: str, args: Sequence[str], active: str) -> str:
    if text.lanes * SIZE[kind] > target.host().vector_bytes and is_vectorised(name, kind, text.lanes):
        return text.halved(kind, args, lambda half, parts: _mathematics(half, name, kind, parts, active))
    match implementation(name, kind, text.lanes):
        case "own":
            return mathematics.call(text, name, kind, args)
        case "libmvec":
            symbol = _libmvec(name, kind, text.lanes)
            vec = text.vec(kind)
            text.declare(symbol, f"declare {vec} @{symbol}({', '.join([vec] * len(args))})")
            return text.set(f"call {vec} @{symbol}({', '.join(f'{vec} {a}' for a in args)})")
    name = {"lgamma": "lgamma_r"}.get(name, name)
    if name == "exp10" and not target.libm_address("exp10"):
        return lane_call(text, _libm("pow", kind), kind, [text.splat(kind, scalar_constant(kind, 10.0)), *args], active)
    if name == "lgamma_r":
        return _log_gamma(text, kind, args[0], active)
    return lane_call(text, _libm(name, kind), kind, args, active)


def implementation(name: str, kind: str, lanes: int) -> str:
    """Where a function for vectors that the machine has comes from: "own", "libmvec", or "" (each lane from libm)."""
    wanted = "own" if name in mathematics.ONLY_OWN else config.vector_math
    own, library = name in mathematics.FAMILY, bool(_libmvec(name, kind, lanes))
    if wanted == "scalar":
        return ""
    if wanted == "own":
        library = False
    elif wanted == "libmvec":
        own = False
    elif own and library:
        library = mathematics.is_faster_in_libmvec(name, kind)
    return "libmvec" if library else "own" if own else ""


def is_vectorised(name: str, kind: str, lanes: int) -> bool:
    """Is there code for a vector, or for the parts of one that is wider than the machine's?"""
    most = target.host().vector_bytes // SIZE[kind]
    return bool(implementation(name, kind, min(lanes, most)))


@cache
def _libmvec(name: str, kind: str, lanes: int) -> str:
    if (name, kind) in EXCLUDED:
        return ""
    machine = target.host()
    size = lanes * SIZE[kind]
    letter = {64: "e", 32: "d", 16: "b"}.get(size)
    if letter is None or size > machine.vector_bytes or not machine.cpu:
        return ""
    parameters = "v" * (2 if name in TWO_ARGUMENTS else 1)
    symbol = f"_ZGV{letter}N{lanes}{parameters}_{name}{'f' if kind == 'float' else ''}"
    address = target.libmvec_address(symbol)
    if not address:
        return ""
    target.define_symbol(symbol, address)
    return symbol


def lane_call(text: VectorText, symbol: str, kind: str, args: Sequence[str], active: str, extra: str = "") -> str:
    """Call a scalar function for each active lane; the others get zero."""
    tail = f", {extra.split()[0]}" if extra else ""
    text.declare(symbol, f"declare {kind} @{symbol}({', '.join([kind] * len(args))}{tail})")
    vec = text.vec(kind)
    rooms = []
    for arg in args:
        room = text.room(kind)
        text.emit(f"store {vec} {arg}, ptr {room}, align 64")
        rooms.append(room)
    result = text.room(kind)
    text.emit(f"store {vec} zeroinitializer, ptr {result}, align 64")
    before, loop, after = text.block, text.label("lanes"), text.label("after")
    text.go(loop)
    text.start(loop)
    lane, following = text.new("lane"), text.new("lane")
    text.emit(f"{lane} = phi i64 [0, %{before}], [{following}, %{loop}]")
    operands = []
    for room in rooms:
        place = text.set(f"getelementptr {kind}, ptr {room}, i64 {lane}")
        operands.append(f"{kind} " + text.set(f"load {kind}, ptr {place}"))
    if extra:
        operands.append(extra)
    value = text.set(f"call {kind} @{symbol}({', '.join(operands)})")
    place = text.set(f"getelementptr {kind}, ptr {result}, i64 {lane}")
    text.emit(f"store {kind} {value}, ptr {place}")
    text.emit(f"{following} = add i64 {lane}, 1")
    text.go_if(text.set(f"icmp slt i64 {following}, {active}"), loop, after)
    text.start(after)
    return text.set(f"load {vec}, ptr {result}, align 64")


def _log_gamma(text: VectorText, kind: str, value: str, active: str) -> str:
    """lgamma_r: the plain lgamma writes a global variable, which two threads would share."""
    name = "lgamma_r" + ("f" if kind == "float" else "")
    if not target.libm_address("lgammaf_r" if kind == "float" else "lgamma_r"):
        return lane_call(text, _libm("lgamma", kind), kind, [value], active)
    symbol = f"libm.{name}"
    target.define_symbol(symbol, target.libm_address("lgammaf_r" if kind == "float" else "lgamma_r"))
    return lane_call(text, symbol, kind, [value], active, f"ptr {text.room('i32')}")


@cache
def double_function(reference: str) -> tuple[str, bool, int]:
    """Symbol of a Cython function of doubles, whether it takes the skip_dispatch argument, and how many doubles.

    `reference` is "module:name". A function with several types is found under its `__pyx_fuse_` names.
    """
    module, _, name = reference.partition(":")
    table = exported(module)
    for candidate in (
        name,
        *(f"__pyx_fuse_{i}{name}" for i in range(8)),
        *(f"__pyx_fuse_0_{i}{name}" for i in range(8)),
    ):
        if candidate not in table:
            continue
        signature, address = target.cython_address(module, candidate)
        result, _, rest = signature.partition("(")
        parameters = [p.strip() for p in rest.rstrip(") ").split(",")]
        skip = parameters[-1].startswith("int __pyx_skip_dispatch") or parameters[-1] == "int"
        doubles = parameters[:-1] if skip else parameters
        if result.strip() == "double" and all(p.split()[0] == "double" for p in doubles):
            symbol = f"cython.{module}.{candidate}"
            target.define_symbol(symbol, address)
            return symbol, skip, len(doubles)
    raise NotImplementedError(f"{reference} is no C function of doubles")


def _call_double(text: VectorText, reference: str, dtype: str, args: Sequence[str], active: str) -> str:
    symbol, skip, count = double_function(reference)
    if count != len(args):
        raise NotImplementedError(f"{reference} takes {count} doubles, not {len(args)}")
    wide = [text.cast(dtype, "float64", a) for a in args]
    value = lane_call(text, symbol, "double", wide, active, "i32 0" if skip else "")
    return text.cast("float64", dtype, value)


# ---- integers and bools


def _bool_opcode(text: VectorText, op: str, args: Sequence[str]) -> str:
    if op in _BOOL_ARITHMETIC:
        return text.binary(_BOOL_ARITHMETIC[op], "i1", *args)
    if op == "not":
        return text.invert(args[0])
    if op == "abs":
        return args[0]
    raise NotImplementedError(f"opcode {op} of bool has no native code")


def _int_opcode(text: VectorText, op: str, dtype: str, args: Sequence[str]) -> str:
    kind, unsigned = VALUE_TYPE[dtype], is_unsigned(dtype)
    if op in _INT_ARITHMETIC:
        return text.binary(_INT_ARITHMETIC[op], kind, *args)
    match op:
        case "neg":
            return text.binary("sub", kind, "zeroinitializer", args[0])
        case "not":
            return text.binary("xor", kind, args[0], text.splat(kind, "-1"))
        case "abs":
            return args[0] if unsigned else text.intrinsic("abs", kind, args, "i1 false")
        case "max" | "min":
            return text.intrinsic(("u" if unsigned else "s") + op, kind, args)
        case "floor" | "ceil" | "trunc" | "rint":
            return args[0]
        case "fma":
            return text.binary("add", kind, text.binary("mul", kind, args[0], args[1]), args[2])
        case "shl" | "shr":
            return _shift(text, op, kind, unsigned, args)
        case "power":
            return _power(text, kind, *args)
        case "div":
            return _divide(text, kind, unsigned, *args)[0]
        case "fmod":
            return _divide(text, kind, unsigned, *args)[1]
        case "idiv" | "imod":
            return _floor_divide(text, kind, unsigned, *args)[op == "imod"]
    raise NotImplementedError(f"opcode {op} of {dtype} has no native code")


def _shift(text: VectorText, op: str, kind: str, unsigned: bool, args: Sequence[str]) -> str:
    """Shifts by the width or more (or by a negative count) give 0, or the sign for >> of signed numbers."""
    a, count = args
    top = text.splat(kind, str(8 * SIZE[kind] - 1))
    fits = text.compare("ule", kind, count, top)
    safe = text.select(fits, kind, count, top)
    if op == "shr" and not unsigned:
        return text.binary("ashr", kind, a, safe)
    return text.select(fits, kind, text.binary("shl" if op == "shl" else "lshr", kind, a, safe), "zeroinitializer")


def _power(text: VectorText, kind: str, x: str, y: str) -> str:
    """By repeated squaring, until no lane has bits of its exponent left."""
    one, vec = text.splat(kind, "1"), text.vec(kind)
    before, loop, after = text.block, text.label("power"), text.label("after")
    text.go(loop)
    text.start(loop)
    values = []
    for start in (one, x, y):
        name, following = text.new("now"), text.new("next")
        text.emit(f"{name} = phi {vec} [{start}, %{before}], [{following}, %{loop}]")
        values.append((name, following))
    (value, next_value), (square, next_square), (rest, next_rest) = values
    odd = text.compare("ne", kind, text.binary("and", kind, rest, one), "zeroinitializer")
    text.emit(f"{next_value} = mul {vec} {value}, {text.select(odd, kind, square, one)}")
    text.emit(f"{next_square} = mul {vec} {square}, {square}")
    text.emit(f"{next_rest} = lshr {vec} {rest}, {one}")
    left = text.compare("ne", kind, next_rest, "zeroinitializer")
    text.go_if(text.any_true(left), loop, after)
    text.start(after)
    return next_value


def _divide(text: VectorText, kind: str, unsigned: bool, a: str, b: str) -> tuple[str, str]:
    """Quotient towards zero and remainder; both 0 where b is 0, and the most negative number / -1 wraps."""
    zero = text.compare("eq", kind, b, "zeroinitializer")
    safe = text.select(zero, kind, text.splat(kind, "1"), b)
    if kind == "i64":
        if unsigned:
            quotient = text.binary("udiv", kind, a, safe)
        else:
            minus = text.compare("eq", kind, b, text.splat(kind, "-1"))
            divisor = text.select(minus, kind, text.splat(kind, "1"), safe)
            quotient = text.binary("sdiv", kind, a, divisor)
            negated = text.binary("sub", kind, "zeroinitializer", a)
            quotient = text.select(minus, kind, negated, quotient)
    else:
        # through floats, which hold these integers exactly and whose division is a vector instruction
        through = "double" if kind == "i32" else "float"
        to, back = ("uitofp", "fptoui") if unsigned else ("sitofp", "fptosi")
        ratio = text.binary("fdiv", through, text.convert(to, kind, through, a), text.convert(to, kind, through, safe))
        wide = "i64" if kind == "i32" else "i32"
        quotient = text.convert("trunc", wide, kind, text.convert(back, through, wide, ratio))
    quotient = text.select(zero, kind, "zeroinitializer", quotient)
    rest = text.binary("sub", kind, a, text.binary("mul", kind, quotient, b))
    return quotient, text.select(zero, kind, "zeroinitializer", rest)


def _floor_divide(text: VectorText, kind: str, unsigned: bool, a: str, b: str) -> tuple[str, str]:
    quotient, rest = _divide(text, kind, unsigned, a, b)
    if unsigned:
        return quotient, rest
    some = text.compare("ne", kind, rest, "zeroinitializer")
    signs = text.compare("slt", kind, text.binary("xor", kind, rest, b), "zeroinitializer")
    fix = text.binary("and", "i1", some, signs)
    lower = text.binary("sub", kind, quotient, text.splat(kind, "1"))
    return (
        text.select(fix, kind, lower, quotient),
        text.select(fix, kind, text.binary("add", kind, rest, b), rest),
    )
