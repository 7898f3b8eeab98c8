"""ScalarOp: the record that makes one elementwise op, in one place.

A record holds NumPy meaning, dtype rule, gradient, native lowering and algebraic facts of an op on numbers.
`tensor/elemwise.py` applies a record to tensors with broadcasting (`Elemwise(record)`); everything else (names in
`theano.tensor`, methods of variables, contract and gradient tests, inverse pairs, tables in the documentation) is
derived from the records and never kept by hand. The records themselves are in the family files of this folder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

# Values that a gradient function may return for an input, besides an expression.
ZERO = "zero"                  # connected, derivative zero almost everywhere (floor, sgn, comparisons)
DISCONNECTED = "disconnected"  # the output's elements do not depend on this input's values (second(a, b) on a)
UNDEFINED = "undefined"        # no derivative known or none exists: asking for it is an error


class NativeBuilder(Protocol):
    """What a record's `native` function gets to say its meaning with: `lowering/build.py` implements it.

    Values have `.dtype` and support Python's operators among themselves and with Python numbers
    (`+ - * / // % & | ^ ~ << >> < <= > >= abs -`; `==` and `!=` are b.eq, b.ne); `/` on integers is C division, `//`
    and `%` are Python's and for integers only.
    """

    def const(self, value: Any, dtype: str) -> Any: ...
    def cast(self, x: Any, dtype: str) -> Any: ...
    def select(self, condition: Any, x: Any, y: Any) -> Any: ...
    def eq(self, x: Any, y: Any) -> Any: ...
    def ne(self, x: Any, y: Any) -> Any: ...
    def min(self, x: Any, y: Any) -> Any: ...        # NaN propagates
    def max(self, x: Any, y: Any) -> Any: ...
    def fma(self, x: Any, y: Any, z: Any) -> Any: ...
    def sqrt(self, x: Any) -> Any: ...
    def floor(self, x: Any) -> Any: ...
    def ceil(self, x: Any) -> Any: ...
    def trunc(self, x: Any) -> Any: ...
    def rint(self, x: Any) -> Any: ...               # half to even
    def copysign(self, x: Any, y: Any) -> Any: ...
    def fmod(self, x: Any, y: Any) -> Any: ...       # C's
    def isnan(self, x: Any) -> Any: ...
    def isinf(self, x: Any) -> Any: ...
    def power(self, x: Any, y: Any) -> Any: ...  # of integers; lowering/integer_powers.py sees that y is not negative
    def math(self, name: str, *xs: Any) -> Any: ...  # a libm function: lowering/kernel.py lists the names
    def call(self, path: str, *xs: Any) -> Any: ...  # "scipy.special.cython_special:psi": a C function of doubles


@dataclass(frozen=True, eq=False, slots=True)
class ScalarOp:
    """One elementwise op.

    name      public name, also in `theano.tensor`
    nin       number of inputs; None: one or more (add, mul)
    dtype     rule (*input dtypes) -> output dtype; raises TypeError for what it refuses
    numpy     meaning on ndarrays that were cast to `compute`'s dtype; result is cast to the output dtype
    compute   "out": inputs are cast to the output dtype (to its real/complex partner for real_out rules: "common");
              "common": to their common upcast (comparisons); "own": left alone
    grad      (*inputs, output, output gradient) -> expression, or a tuple with one entry per input; entries may be
              ZERO, DISCONNECTED or UNDEFINED. None: UNDEFINED for all
    native    (b, *values) -> value, the values in the compute dtype (never complex); None: no native form
    define    in place of numpy/grad/native: (*inputs) -> expression in other ops; no node of its own appears
    facts     what is mathematically true of it, in the words of `facts.py` (commutative, odd, Identity, Inverse, ...)
    domain    one real interval per input, where the result is finite and smooth, for tests and rules
    ulp       error of the native form in float64 units in the last place, for tests
    """

    name: str
    nin: int | None
    dtype: Callable[..., str]
    numpy: Callable[..., Any] | None = None
    compute: str = "out"
    grad: Callable[..., Any] | None = None
    native: Callable[..., Any] | None = None
    define: Callable[..., Any] | None = None
    facts: frozenset = frozenset()
    domain: tuple = ()
    ulp: float = 1.0
    symbol: str = ""               # infix or prefix form for printing: "+", "-", "%"
    aliases: tuple[str, ...] = ()
    method: tuple[str, ...] = ()   # names under which TensorVariable has it as a method
    disconnected: tuple[int, ...] = ()   # inputs on whose values the output does not depend
    params: tuple = field(default=())   # distinguishes records made by a factory (cast to float32)
    doc: str = ""

    registry: ClassVar[dict[str, ScalarOp]] = {}
    symbol_type: ClassVar[Any] = None   # what stands for a variable where rewrite rules are written
    apply: ClassVar[Callable[..., Any]]   # set by tensor/elemwise.py: (record, *variables) -> variable

    def __call__(self, *inputs: Any, **kwargs: Any) -> Any:
        """Apply to symbolic variables (or numbers and arrays), elementwise with broadcasting."""
        light = ScalarOp.symbol_type
        for x in inputs:
            if type(x) is light:
                return light(self, inputs)
        return ScalarOp.apply(self, *inputs, **kwargs)

    def output_dtype(self, *dtypes: str) -> str:
        """The output's dtype; the error for refused dtypes names the op."""
        try:
            return self.dtype(*dtypes)
        except TypeError as error:
            raise type(error)(f"{self.name}: {error}") from None

    def fact(self, kind: type) -> Any:
        """The fact of this kind (`facts.Inverse`, `facts.Identity`, ...), or None."""
        return next((fact for fact in self.facts if isinstance(fact, kind)), None)

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> Any:
        if self.params:
            return _from_factory, (self.params,)
        return _registered, (self.name,)


def _registered(name: str) -> ScalarOp:
    return ScalarOp.registry[name]


def _from_factory(params: tuple) -> ScalarOp:
    factory, *arguments = params
    return factory(*arguments)
