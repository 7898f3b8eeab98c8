"""The language of the run-time system: a few dozen words of Python syntax over 64-bit integers, compiled by LLVM.

There is no C compiler to rely on, and LLVM text is no language to write loops in. So the files `runtime_*.py` are
written in a small subset of Python in which every value is a 64-bit integer (an address is one too), as in BCPL:

* `def f(a, b)`, assignment, `if`/`elif`/`else`, `while`, `break`, `continue`, `return`; no `for`, no recursion needed
* `+ - * & | ^ << >>` wrap; `//` and `%` are C's division towards zero; comparisons are signed
* `load64(p)`, `store64(p, v)` and their 8, 16 and 32-bit kin (loads of 32 bits sign-extend, shorter ones do not);
  `stack(n)`: n bytes on the stack; `invoke(f, ...)`: call the function at address f;
  `address_of(g)`: that of a function; `prefetch(p)`: fetch the cache
  line at p, which may be any address
* a float is the 64 bits of a double: `fadd(a, b)`, `fsub`, `fmul`, `fdiv`, `fless(a, b)` (0 or 1, 0 for NaN),
  `flog(a)`, `fnumber(i)` of an integer and `fwhole(a)` back, `fload32(p)` and `fstore32(p, a)` for floats of 32 bits in
  memory; `load64` and `store64` do for the others
* `blas_trsm(size, ...)`, `lapack_potrf(size, ...)`: call the routine for floats of `size` bytes. Arguments are
  addresses; `ref(i)` is that of a 32-bit integer, or a letter, with the value i. The value of a call of LAPACK is info,
  its last argument, which is not given
* a module-level `NAME = 3` is a constant; any other free name is a C function or object (`target.c_address`), a
  function of another run-time file, or a name that the caller of `runtime_unit` defines

The files are never executed by Python; their functions are ordinary typed Python to linters. `unit_text.py` compiles
them.
"""

from __future__ import annotations


# The words of the language, for linters and readers; they have no Python implementation.
def load8(address: int) -> int:
    raise NotImplementedError


def load16(address: int) -> int:
    raise NotImplementedError


def load32(address: int) -> int:
    raise NotImplementedError


def load64(address: int) -> int:
    raise NotImplementedError


def store8(address: int, value: int) -> None:
    raise NotImplementedError


def store16(address: int, value: int) -> None:
    raise NotImplementedError


def store32(address: int, value: int) -> None:
    raise NotImplementedError


def store64(address: int, value: int) -> None:
    raise NotImplementedError


def stack(size: int) -> int:
    raise NotImplementedError


def prefetch(address: int) -> None:
    raise NotImplementedError


def invoke(function: int, *args: int) -> int:
    raise NotImplementedError


def address_of(function: object) -> int:
    raise NotImplementedError


def ref(value: int) -> int:
    raise NotImplementedError


def fadd(a: int, b: int) -> int:
    raise NotImplementedError


def fsub(a: int, b: int) -> int:
    raise NotImplementedError


def fmul(a: int, b: int) -> int:
    raise NotImplementedError


def fdiv(a: int, b: int) -> int:
    raise NotImplementedError


def fless(a: int, b: int) -> int:
    raise NotImplementedError


def flog(a: int) -> int:
    raise NotImplementedError


def fnumber(integer: int) -> int:
    raise NotImplementedError


def fwhole(a: int) -> int:
    raise NotImplementedError


def fload32(address: int) -> int:
    raise NotImplementedError


def fstore32(address: int, value: int) -> None:
    raise NotImplementedError
