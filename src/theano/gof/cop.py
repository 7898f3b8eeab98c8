"""COp: ops whose C code lies in files. There is no C compiler here, so they cannot be made; the error says what can."""

from __future__ import annotations

from typing import Any

from theano.graph.op import Op


class COp(Op):
    """An op of which the original compiled C code from files. NotImplementedError when one is made."""

    def __init__(self, func_files: Any = None, func_name: str | None = None) -> None:
        raise NotImplementedError(
            f"{type(self).__name__} takes its code from C files ({func_files}), and no C is compiled here. Give the op "
            f"a `perform` in NumPy, which works at once; to make it fast, compose it of existing ops, or register a "
            f"lowering with @lowers (docs/extending_ops.md). A C library can be called from `perform` with ctypes"
        )
