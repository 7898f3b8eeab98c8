"""KernelBuilder: from elementwise records to kernel instructions.

It implements `NativeBuilder` (scalar/op.py): a record's `native` function is called with values of this module and
says its meaning with them. Equal instructions exist once, arithmetic on constants is done here, conversions are
explicit, and float16 computes in float32. It does not know about loops and operands: `kernels.py` does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from theano.lowering.kernel import MATH, Instr, Result
from theano.scalar.dtypes import complex_dtype, discrete_dtypes, is_complex, real_dtype, upcast
from theano.scalar.op import ScalarOp

NATIVE_DTYPES = frozenset((*discrete_dtypes, "float16", "float32", "float64"))
_FLOATS = frozenset(("float16", "float32", "float64"))

# instructions that cost next to nothing where the operands are at hand
_CHEAP = frozenset((
    "add", "sub", "mul", "neg", "abs", "min", "max", "and", "or", "xor", "not", "shl", "shr", "lt", "le", "gt", "ge",
    "eq", "ne", "isnan", "isinf", "select", "cast", "fma", "copysign", "floor", "ceil", "trunc", "rint", "re", "im",
    "pair",
))
_FREE = frozenset(["load", "gather", "const", "iota", "extent"])
EXPENSIVE = 100


class Scalar:
    """The value of an instruction: what a record's `native` function handles."""

    __slots__ = ("builder", "dtype", "position")

    def __init__(self, builder: KernelBuilder, position: int, dtype: str) -> None:
        self.builder = builder
        self.position = position
        self.dtype = dtype

    def __add__(self, other: Any) -> Scalar:
        return self.builder.arithmetic("add", self, other)

    def __radd__(self, other: Any) -> Scalar:
        return self.builder.arithmetic("add", other, self)

    def __sub__(self, other: Any) -> Scalar:
        return self.builder.arithmetic("sub", self, other)

    def __rsub__(self, other: Any) -> Scalar:
        return self.builder.arithmetic("sub", other, self)

    def __mul__(self, other: Any) -> Scalar:
        return self.builder.arithmetic("mul", self, other)

    def __rmul__(self, other: Any) -> Scalar:
        return self.builder.arithmetic("mul", other, self)

    def __truediv__(self, other: Any) -> Scalar:
        return self.builder.arithmetic("div", self, other)

    def __rtruediv__(self, other: Any) -> Scalar:
        return self.builder.arithmetic("div", other, self)

    def __floordiv__(self, other: Any) -> Scalar:
        return self.builder.arithmetic("idiv", self, other)

    def __mod__(self, other: Any) -> Scalar:
        return self.builder.arithmetic("imod", self, other)

    def __and__(self, other: Any) -> Scalar:
        return self.builder.arithmetic("and", self, other)

    def __or__(self, other: Any) -> Scalar:
        return self.builder.arithmetic("or", self, other)

    def __xor__(self, other: Any) -> Scalar:
        return self.builder.arithmetic("xor", self, other)

    def __lshift__(self, other: Any) -> Scalar:
        return self.builder.arithmetic("shl", self, other)

    def __rshift__(self, other: Any) -> Scalar:
        return self.builder.arithmetic("shr", self, other)

    def __invert__(self) -> Scalar:
        return self.builder.unary("not", self)

    def __neg__(self) -> Scalar:
        return self.builder.unary("neg", self)

    def __abs__(self) -> Scalar:
        return self if self.dtype == "bool" or self.dtype.startswith("uint") else self.builder.unary("abs", self)

    def __lt__(self, other: Any) -> Scalar:
        return self.builder.compare("lt", self, other)

    def __le__(self, other: Any) -> Scalar:
        return self.builder.compare("le", self, other)

    def __gt__(self, other: Any) -> Scalar:
        return self.builder.compare("gt", self, other)

    def __ge__(self, other: Any) -> Scalar:
        return self.builder.compare("ge", self, other)

    def __bool__(self) -> bool:
        raise TypeError("The value of a kernel instruction is not known here: use b.select, not if/and/or")


class KernelBuilder:
    """Collects instructions. Values of one builder only go together."""

    def __init__(self) -> None:
        self.body: list[Instr] = []
        self._known: dict[Instr, int] = {}

    # -- instructions ---------------------------------------------------------------------------------------------

    def emit(self, op: str, dtype: str, args: tuple[int, ...] = (), attr: Any = None) -> Scalar:
        instr = Instr(op, dtype, args, attr)
        position = self._known.get(instr)
        if position is None:
            position = self._known[instr] = len(self.body)
            self.body.append(instr)
        return Scalar(self, position, dtype)

    def const(self, value: Any, dtype: str) -> Scalar:
        if is_complex(dtype):
            part = real_dtype(dtype)
            return self.pair(self.const(np.real(value), part), self.const(np.imag(value), part))
        if dtype == "bool":
            number: Any = bool(value)
        elif dtype in _FLOATS:
            number = float(np.asarray(value, dtype))
            if number != number:
                number = math.nan        # one object: kernels compare equal
            elif number == 0 and math.copysign(1.0, number) < 0:
                # 0.0 == -0.0, so kernels with one or the other would compare equal
                return self.emit("neg", dtype, (self.emit("const", dtype, (), 0.0).position,))
        else:
            number = int(value)
            info = np.iinfo(dtype)
            if not info.min <= number <= info.max:
                raise OverflowError(f"The constant {value} does not fit {dtype}")
        return self.emit("const", dtype, (), number)

    def _number(self, x: Scalar) -> Any:
        """The NumPy scalar of a constant, else None."""
        op, dtype, args, attr = self.body[x.position]
        if op == "const":
            return np.dtype(dtype).type(attr)
        if op == "neg" and self.body[args[0]].op == "const" and self.body[args[0]].attr == 0.0 and dtype in _FLOATS:
            return np.dtype(dtype).type(-0.0)
        return None

    def _fold(self, function: Callable[..., Any], dtype: str, *xs: Scalar) -> Scalar | None:
        numbers = []
        for x in xs:
            number = self._number(x)
            if number is None:
                return None
            numbers.append(number)
        with np.errstate(all="ignore"):
            return self.const(np.asarray(function(*numbers)).astype(dtype)[()], dtype)

    def _pair(self, x: Any, y: Any) -> tuple[Scalar, Scalar]:
        if not isinstance(x, Scalar):
            return self._like(x, y), y
        if not isinstance(y, Scalar):
            return x, self._like(y, x)
        if x.dtype != y.dtype:
            common = np.promote_types(x.dtype, y.dtype).name
            return self.cast(x, common), self.cast(y, common)
        return x, y

    def _like(self, number: Any, x: Scalar) -> Scalar:
        if x.dtype not in _FLOATS and isinstance(number, float) and not number.is_integer():
            raise TypeError(f"{number} has no exact value in {x.dtype}; cast the value to a float dtype first")
        return self.const(number, x.dtype)

    def arithmetic(self, op: str, x: Any, y: Any) -> Scalar:
        x, y = self._pair(x, y)
        dtype = x.dtype
        if dtype == "bool":
            op = {"add": "or", "mul": "and"}.get(op, op)
            if op not in ("and", "or", "xor"):
                raise TypeError(f"{op} has no meaning on bool")
        elif dtype in _FLOATS:
            if op in ("and", "or", "xor", "shl", "shr", "idiv", "imod"):
                raise TypeError(f"{op} has no meaning on {dtype}")
            if dtype == "float16":
                wide = self.arithmetic(op, self.cast(x, "float32"), self.cast(y, "float32"))
                return self.cast(wide, "float16")
        folder = _FOLD.get(op)
        if folder is not None:
            folded = self._fold(folder, dtype, x, y)
            if folded is not None:
                return folded
        if dtype not in _FLOATS:
            same = self._integer_identity(op, x, y)
            if same is not None:
                return same
        return self.emit(op, dtype, (x.position, y.position))

    def _integer_identity(self, op: str, x: Scalar, y: Scalar) -> Scalar | None:
        """x + 0, x - 0, x * 1 and their mirror images: frequent in computed positions."""
        neutral = {"add": 0, "sub": 0, "mul": 1}.get(op)
        if neutral is None:
            return None
        right = self.body[y.position]
        if right.op == "const" and right.attr == neutral:
            return x
        left = self.body[x.position]
        return y if op != "sub" and left.op == "const" and left.attr == neutral else None

    def compare(self, op: str, x: Any, y: Any) -> Scalar:
        x, y = self._pair(x, y)
        if x.dtype == "float16":
            x, y = self.cast(x, "float32"), self.cast(y, "float32")
        folded = self._fold(_COMPARE[op], "bool", x, y)
        return folded if folded is not None else self.emit(op, "bool", (x.position, y.position))

    def unary(self, op: str, x: Scalar) -> Scalar:
        if x.dtype == "float16":
            return self.cast(self.unary(op, self.cast(x, "float32")), "float16")
        if op in ("sqrt", "floor", "ceil", "trunc", "rint"):
            if x.dtype not in _FLOATS:
                raise TypeError(f"{op} has no meaning on {x.dtype}")
        elif op == "not" and x.dtype in _FLOATS:
            raise TypeError(f"not has no meaning on {x.dtype}")
        elif op == "neg" and x.dtype == "bool":
            raise TypeError("neg has no meaning on bool")
        if self._number(x) is not None and op in _FOLD_UNARY and not (op == "neg" and self._number(x) == 0):
            folded = self._fold(_FOLD_UNARY[op], x.dtype, x)
            if folded is not None:
                return folded
        return self.emit(op, x.dtype, (x.position,))

    # -- complex numbers

    def pair(self, re: Scalar, im: Scalar) -> Scalar:
        """The complex number of two parts of one dtype, float32 or float64."""
        return self.emit("pair", complex_dtype(re.dtype), (re.position, im.position))

    def parts(self, x: Scalar) -> tuple[Scalar, Scalar]:
        """Real and imaginary part; the latter of a real number is 0."""
        if not is_complex(x.dtype):
            return x, self.const(0, x.dtype)
        op, _, args, _ = self.body[x.position]
        part = real_dtype(x.dtype)
        if op == "pair":
            return Scalar(self, args[0], part), Scalar(self, args[1], part)
        return self.emit("re", part, (x.position,)), self.emit("im", part, (x.position,))

    # -- NativeBuilder --------------------------------------------------------------------------------------------

    def cast(self, x: Scalar, dtype: str) -> Scalar:
        if x.dtype == dtype:
            return x
        if dtype not in NATIVE_DTYPES:
            raise NotImplementedError(dtype)
        number = self._number(x)
        if number is not None:
            exact = dtype in _FLOATS or dtype == "bool" or (
                x.dtype not in _FLOATS or (np.isfinite(number) and abs(float(number)) < 2**31)
            )
            if exact:
                with np.errstate(all="ignore"):
                    return self.const(np.asarray(number).astype(dtype)[()], dtype)
        op, _, args, _ = self.body[x.position]
        if op == "cast" and self.body[args[0]].dtype == dtype and np.can_cast(dtype, x.dtype, "safe"):
            return Scalar(self, args[0], dtype)     # there and back without loss
        return self.emit("cast", dtype, (x.position,))

    def select(self, condition: Scalar, x: Any, y: Any) -> Scalar:
        if not isinstance(x, Scalar) and not isinstance(y, Scalar):
            raise TypeError("select of two Python numbers: give one of them a dtype with b.const")
        x, y = self._pair(x, y)
        if condition.dtype != "bool":
            condition = self.cast(condition, "bool")
        known = self._number(condition)
        if known is not None:
            return x if known else y
        if x.position == y.position:
            return x
        return self.emit("select", x.dtype, (condition.position, x.position, y.position))

    def eq(self, x: Any, y: Any) -> Scalar:
        return self.compare("eq", x, y)

    def ne(self, x: Any, y: Any) -> Scalar:
        return self.compare("ne", x, y)

    def min(self, x: Any, y: Any) -> Scalar:
        return self._extreme("min", "and", x, y)

    def max(self, x: Any, y: Any) -> Scalar:
        return self._extreme("max", "or", x, y)

    def _extreme(self, op: str, of_bools: str, x: Any, y: Any) -> Scalar:
        x, y = self._pair(x, y)
        if x.dtype == "bool":
            return self.arithmetic(of_bools, x, y)
        if x.dtype == "float16":
            return self.cast(self._extreme(op, of_bools, self.cast(x, "float32"), self.cast(y, "float32")), "float16")
        return self.emit(op, x.dtype, (x.position, y.position))

    def fma(self, x: Any, y: Any, z: Any) -> Scalar:
        anchor = next(v for v in (x, y, z) if isinstance(v, Scalar))
        x, y, z = (v if isinstance(v, Scalar) else self._like(v, anchor) for v in (x, y, z))
        if x.dtype in ("float32", "float64") and x.dtype == y.dtype == z.dtype:
            return self.emit("fma", x.dtype, (x.position, y.position, z.position))
        return x * y + z

    def sqrt(self, x: Scalar) -> Scalar:
        return self.unary("sqrt", x)

    def floor(self, x: Scalar) -> Scalar:
        return self.unary("floor", x)

    def ceil(self, x: Scalar) -> Scalar:
        return self.unary("ceil", x)

    def trunc(self, x: Scalar) -> Scalar:
        return self.unary("trunc", x)

    def rint(self, x: Scalar) -> Scalar:
        return self.unary("rint", x)

    def _floats(self, op: str, x: Any, y: Any) -> Scalar:
        x, y = self._pair(x, y)
        if x.dtype not in _FLOATS:
            raise TypeError(f"{op} has no meaning on {x.dtype}")
        if x.dtype == "float16":
            return self.cast(self._floats(op, self.cast(x, "float32"), self.cast(y, "float32")), "float16")
        return self.emit(op, x.dtype, (x.position, y.position))

    def copysign(self, x: Any, y: Any) -> Scalar:
        return self._floats("copysign", x, y)

    def fmod(self, x: Any, y: Any) -> Scalar:
        x, y = self._pair(x, y)
        if x.dtype in _FLOATS:
            return self._floats("fmod", x, y)
        return self.emit("fmod", x.dtype, (x.position, y.position))

    def power(self, x: Scalar, y: Scalar) -> Scalar:
        """x ** y of integers of one dtype, where y is not negative."""
        if x.dtype in _FLOATS or x.dtype != y.dtype:
            raise TypeError(f"power is of integers of one dtype, not of {x.dtype} and {y.dtype}")
        return self.emit("power", x.dtype, (x.position, y.position))

    def isnan(self, x: Scalar) -> Scalar:
        return self._test("isnan", x)

    def isinf(self, x: Scalar) -> Scalar:
        return self._test("isinf", x)

    def _test(self, op: str, x: Scalar) -> Scalar:
        if x.dtype not in _FLOATS:
            return self.const(False, "bool")
        if x.dtype == "float16":
            x = self.cast(x, "float32")
        return self.emit(op, "bool", (x.position,))

    def math(self, name: str, *xs: Any) -> Scalar:
        if name not in MATH:
            raise NotImplementedError(f"libm name {name}")
        return self._function("math", name, xs)

    def call(self, path: str, *xs: Any) -> Scalar:
        return self._function("call", path, xs)

    def _function(self, op: str, attr: str, xs: Sequence[Any]) -> Scalar:
        anchor = next(v for v in xs if isinstance(v, Scalar))
        values = [v if isinstance(v, Scalar) else self._like(v, anchor) for v in xs]
        dtype = values[0].dtype
        if dtype not in _FLOATS or any(v.dtype != dtype for v in values):
            raise TypeError(f"{attr} takes floats of one dtype, got {[v.dtype for v in values]}")
        if dtype == "float16":
            wide = [self.cast(v, "float32") for v in values]
            return self.cast(self._function(op, attr, wide), "float16")
        return self.emit(op, dtype, tuple(v.position for v in values), attr)

    # -- finishing ------------------------------------------------------------------------------------------------

    def finish(self, results: Sequence[Result]) -> tuple[tuple[Instr, ...], tuple[Result, ...]]:
        """The instructions that `results` need, renumbered, and the results with the new numbers.

        A gather is needed by itself: it checks its positions.
        """
        needed = [instr.op == "gather" for instr in self.body]
        for result in results:
            needed[result.value] = True
            for arg in result.args:
                needed[arg] = True
        for position in range(len(self.body) - 1, -1, -1):
            if needed[position]:
                for arg in self.body[position].args:
                    needed[arg] = True
        new: list[int] = []
        body: list[Instr] = []
        for position, instr in enumerate(self.body):
            new.append(len(body))
            if needed[position]:
                body.append(instr._replace(args=tuple(new[a] for a in instr.args)))
        renumbered = tuple(
            r._replace(value=new[r.value], args=tuple(new[a] for a in r.args)) for r in results
        )
        return tuple(body), renumbered


_FOLD: dict[str, Callable[..., Any]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply,
    "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor,
}
_COMPARE: dict[str, Callable[..., Any]] = {
    "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal, "eq": np.equal, "ne": np.not_equal,
}
_FOLD_UNARY: dict[str, Callable[..., Any]] = {"neg": np.negative, "abs": np.abs, "not": np.invert, "sqrt": np.sqrt}


def apply_record(builder: KernelBuilder, record: ScalarOp, values: Sequence[Scalar], dtype: str) -> Scalar:
    """The value of `record` on `values`, in the output dtype.

    Raises NotImplementedError if the record has no native form for these dtypes.
    """
    if is_complex(dtype) or any(is_complex(v.dtype) for v in values):
        return _apply_complex(builder, record, values, dtype)
    if record.native is None or dtype not in NATIVE_DTYPES:
        raise NotImplementedError(record.name)
    if record.compute == "own":
        given = list(values)
    else:
        compute = dtype if record.compute == "out" else upcast(*[v.dtype for v in values])
        given = [builder.cast(v, compute) for v in values]
    # a record is computed in float32 as a whole and rounded once, as NumPy's float16 loops do
    given = [builder.cast(v, "float32") if v.dtype == "float16" else v for v in given]
    result = record.native(builder, *given)
    if result is None:
        raise NotImplementedError(record.name)
    if not isinstance(result, Scalar):
        return builder.const(result, dtype)
    return builder.cast(result, dtype)


def _apply_complex(builder: KernelBuilder, record: ScalarOp, values: Sequence[Scalar], dtype: str) -> Scalar:
    """The same where complex numbers occur: real and imaginary parts are computed by the formula of pairs."""
    from theano.scalar.complex_functions import FORMULAS  # few programs need it
    from theano.scalar.complex_pairs import KEPT

    formula = FORMULAS.get(record.name)
    if formula is None:
        raise NotImplementedError(record.name)
    kept = KEPT.get(record.name, 0)
    if is_complex(dtype):
        part = real_dtype(dtype)
    elif kept:
        part = "float32" if dtype == "float16" else dtype  # one of real numbers is chosen
    else:
        part = real_dtype(complex_dtype(upcast(*[v.dtype for v in values])))
    pairs: list[tuple[Scalar, ...]] = [builder.parts(v) for v in values]
    pairs[kept:] = [tuple(builder.cast(p, part) for p in pair) for pair in pairs[kept:]]
    result = formula(builder, *pairs)
    if not isinstance(result, tuple):
        return builder.cast(result, dtype)
    return builder.pair(*result) if is_complex(dtype) else builder.cast(result[0], dtype)


def instruction_cost(instr: Instr) -> int:
    if instr.op in _FREE:
        return 0
    return 1 if instr.op in _CHEAP else EXPENSIVE


def record_cost(record: ScalarOp, inputs: tuple[str, ...], dtype: str) -> tuple[int, int] | None:
    """(instructions, cost) of a record; None if it has no native form for these dtypes.

    The cost counts cheap instructions as 1 and the others as EXPENSIVE.
    """
    native = all(d in NATIVE_DTYPES or is_complex(d) for d in inputs)
    return _record_cost(record, inputs, dtype) if native else None


@lru_cache(maxsize=4096)
def _record_cost(record: ScalarOp, inputs: tuple[str, ...], dtype: str) -> tuple[int, int] | None:
    builder = KernelBuilder()
    values = [builder.emit("load", d, (), n) for n, d in enumerate(inputs)]
    try:
        result = apply_record(builder, record, values, dtype)
    except NotImplementedError:
        return None
    body, _ = builder.finish([Result("store", result.position)])
    costs = [instruction_cost(instr) for instr in body]
    return sum(1 for c in costs if c), sum(costs)
