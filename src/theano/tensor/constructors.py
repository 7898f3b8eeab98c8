"""Types and constructors of symbolic inputs: `dscalar`, `fmatrix`, `vector`, `tensor`, plural forms, lists of dtypes.

The names are made of tables: a letter for the dtype and a word for the axes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from theano._config import config
from theano.scalar import dtypes as _dtypes
from theano.tensor.type import TensorType

LETTERS = {
    "b": "int8", "w": "int16", "i": "int32", "l": "int64",
    "f": "float32", "d": "float64", "c": "complex64", "z": "complex128",
}
PATTERNS: dict[str, tuple[bool, ...]] = {
    "scalar": (), "vector": (False,), "row": (True, False), "col": (False, True), "matrix": (False, False),
    **{f"tensor{ndim}": (False,) * ndim for ndim in range(3, 8)},
}
_PLURALS = {"matrix": "matrices"}

Tensor = TensorType


def tensor(*args: Any, **kwargs: Any) -> Any:
    """tensor(dtype, broadcastable, name=None): a variable; `shape=` (lengths and None) may take the pattern's place.

    `tensor(name="x", dtype="float64", shape=(None, 3))` works too.

    >>> tensor("float32", shape=(None, 3)).type
    TensorType(float32, (?, 3))
    """
    name = kwargs.pop("name", None)
    if "dtype" not in kwargs and not args:
        kwargs["dtype"] = config.floatX
    return TensorType(*args, **kwargs)(name=name)


def _constructor(word: str, pattern: tuple[bool, ...]) -> Callable[..., Any]:
    def make(name: str | None = None, dtype: str | None = None) -> Any:
        return TensorType(config.floatX if dtype is None else dtype, pattern)(name)

    make.__name__ = make.__qualname__ = word
    make.__doc__ = f"A symbolic variable with axes {pattern} (True: known to have length one); dtype None is floatX."
    return make


def _plural(singular: Callable[..., Any], word: str) -> Callable[..., Any]:
    def make(*args: Any, **kwargs: Any) -> list[Any]:
        if len(args) == 1 and isinstance(args[0], int):
            names: Sequence[str | None] = [None] * args[0]
        elif len(args) == 1 and isinstance(args[0], (list, tuple)):
            names = args[0]
        else:
            names = list(args[0]) if len(args) == 1 and isinstance(args[0], str) else args
        if not names:
            raise TypeError(f"{word} takes a number of variables or their names")
        return [singular(name=name, **kwargs) for name in names]

    make.__name__ = make.__qualname__ = word
    make.__doc__ = f"{word}(3), {word}('a', 'b', 'c') or {word}('abc'): a list of variables."
    return make


def _make_all() -> dict[str, Any]:
    made: dict[str, Any] = {}
    for word, pattern in PATTERNS.items():
        made[word] = _constructor(word, pattern)
        for letter, dtype in LETTERS.items():
            made[letter + word] = TensorType(dtype, pattern)
    for word in PATTERNS:
        plural = _PLURALS.get(word, word + "s")
        for letter in ("", "f", "d", "i", "l"):
            made[letter + plural] = _plural(made[letter + word], letter + plural)
    return made


_made = _make_all()
globals().update(_made)


def __getattr__(name: str) -> Any:
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _types(letters: str, words: str) -> tuple[TensorType, ...]:
    return tuple(_made[letter + word] for word in words.split() for letter in letters)


int_scalar_types = _types("bwil", "scalar")
float_scalar_types = _types("fd", "scalar")
complex_scalar_types = _types("cz", "scalar")
int_vector_types = _types("bwil", "vector")
float_vector_types = _types("fd", "vector")
complex_vector_types = _types("cz", "vector")
int_matrix_types = _types("bwil", "matrix")
float_matrix_types = _types("fd", "matrix")
complex_matrix_types = _types("cz", "matrix")
int_types = _types("bwil", "scalar vector row col matrix")
float_types = _types("fd", "scalar vector row col matrix")
complex_types = _types("cz", "scalar vector row col matrix")

all_dtypes = list(_dtypes.all_dtypes)
int_dtypes = list(_dtypes.int_dtypes)
uint_dtypes = list(_dtypes.uint_dtypes)
integer_dtypes = list(_dtypes.integer_dtypes)
discrete_dtypes = list(_dtypes.discrete_dtypes)
float_dtypes = list(_dtypes.float_dtypes)
complex_dtypes = list(_dtypes.complex_dtypes)
continuous_dtypes = list(_dtypes.continuous_dtypes)

NAMES = tuple(_made)
