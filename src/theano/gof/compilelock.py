"""theano.gof.compilelock: accepted for programs that handle the original's lock. There is no lock: code is made in
memory, and files of machine code appear whole or not at all, so that processes do not wait for each other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def get_lock(lock_dir: Any = None, **kw: Any) -> None:
    """Nothing to do."""


def release_lock() -> None:
    """Nothing to do."""


def force_unlock() -> None:
    """Nothing to do."""


def set_lock_status(use_lock: bool) -> None:
    """Nothing to do."""


@contextmanager
def lock_ctx(lock_dir: Any = None, keep_lock: bool = False, **kw: Any) -> Iterator[None]:
    """Nothing to do."""
    yield
