"""theano.gof.compiledir: what lies in the directory of machine code, and how to be rid of it.

`config.compiledir` holds code that processes share (`backends/native/object_cache.py`); it lies in
`config.base_compiledir`, which may hold directories of other settings, too. These functions are what the command
`theano-cache` does. They touch no file that the cache did not write.
"""

from __future__ import annotations

import os
import time

from theano._config import config
from theano.backends.native.object_cache import ObjectCache

DAYS = 30  # what was not used for so long is of no use, `cleanup` thinks


def _cache(directory: str | None = None) -> ObjectCache:
    return ObjectCache(config.compiledir if directory is None else directory, config.cache.max_bytes)


def cleanup() -> None:
    """Delete what is damaged, what processes that died left behind, what was not used for 30 days, and then the least
    recently used down to `config.cache.max_bytes`."""
    cache = _cache()
    damaged = sum(cache.check())
    old = cache.remove_older(DAYS * 24 * 3600)
    over = cache.trim()
    print(f"Deleted: {damaged} damaged, {old} not used for {DAYS} days, {over} beyond {_bytes(cache.limit)}.")
    _tell(cache)


def print_title(title: str, overline: str = "", underline: str = "") -> None:
    """Print a line, with lines of a character above and below it."""
    for line in (overline * len(title), title, underline * len(title)):
        if line:
            print(line)


def print_compiledir_content() -> None:
    """Print the size, the time of the last use and the name of every piece of code, the latest first."""
    cache = _cache()
    entries = cache.entries()
    print_title(f"Machine code in {cache.directory}", underline="-")
    for entry in reversed(entries):
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.used))
        print(f"{_bytes(entry.size):>10}  {when}  {os.path.basename(entry.path)}")
    _tell(cache)


def compiledir_purge() -> None:
    """Delete all machine code in `config.compiledir`. Processes that run are not disturbed."""
    _purge(_cache())


def basecompiledir_ls() -> None:
    """Print the directories of machine code in `config.base_compiledir`."""
    found = _directories()
    print_title(f"Directories in {config.base_compiledir}", underline="-")
    for cache in found:
        print(f"{_bytes(cache.size()):>10}  {len(cache.entries()):>6} pieces  {os.path.basename(cache.directory)}")
    print(f"{len(found)} directories")


def basecompiledir_purge() -> None:
    """Delete the machine code in all directories of `config.base_compiledir`."""
    for cache in _directories():
        _purge(cache)


def _directories() -> list[ObjectCache]:
    """Those that hold code."""
    try:
        with os.scandir(config.base_compiledir) as files:
            places = sorted(file.path for file in files if file.is_dir())
    except OSError:
        return []
    return [cache for cache in map(_cache, places) if cache.entries()]


def _purge(cache: ObjectCache) -> None:
    size = cache.size()
    print(f"Deleted {cache.clear()} pieces of code, {_bytes(size)}, in {cache.directory}.")


def _tell(cache: ObjectCache) -> None:
    print(f"{len(cache.entries())} pieces of code, {_bytes(cache.size())} of {_bytes(cache.limit)}.")
    if not config.cache.enabled:
        print("The cache is switched off (cache.enabled=False).")
    elif trouble := cache.trouble():
        print(f"The cache is not used: {trouble}")


def _bytes(count: int) -> str:
    size, unit = float(count), "bytes"
    for larger in ("kB", "MB", "GB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{size:.0f} {unit}" if unit == "bytes" or size >= 10 else f"{size:.1f} {unit}"
