"""Machine code kept on disk, so that a process need not make what another one has made before.

An entry is one file, whose name is the digest of everything that its content depends on: the text that LLVM would
compile (or the sources from which that text would be made), how it is compiled, the processor with its features, LLVM's
version and this library's (`target.py` says which). So an entry is never out of date, two processes that write one
write the same, and no lock is needed: a file appears whole, by renaming, or not at all. An entry with a wrong checksum
is deleted, and made again.

Whatever is wrong with the directory, the cache is then empty and nothing is written; `diagnosis` says why. Code is only
taken from a directory that belongs to this user and that nobody else can write to.
"""

from __future__ import annotations

import contextlib
import os
import stat
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from hashlib import blake2b

from theano._config import config
from theano._records import record_class

SUFFIX = ".code"
TEMPORARY = ".part"  # of files that are being written
MAGIC = b"theano code 1\n\0\0"
DIGEST_BYTES = 16
# A file's time says when it was last used, but for this many seconds: telling it more often would only cost time.
TIME_STEP = 3600
# a file that is being written, and has been for so long, was left behind by a process that died
STALE = 3600
# after so many failures to write, this process stops trying
PATIENCE = 3


def digest(*parts: str | bytes) -> str:
    """The name of what depends on these texts."""
    made = blake2b(digest_size=DIGEST_BYTES)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        made.update(b"%d:" % len(data))
        made.update(data)
    return made.hexdigest()


def packed(key: str, parts: Sequence[bytes]) -> bytes:
    """The content of the file for a key."""
    body = struct.pack(f"<{1 + len(parts)}Q", len(parts), *map(len, parts)) + b"".join(parts)
    return MAGIC + _checksum(key, body) + body


def unpacked(key: str, content: bytes) -> list[bytes] | None:
    """The parts in the file for a key; None if it is not as it was written, or was written for another."""
    start = len(MAGIC) + DIGEST_BYTES
    body = memoryview(content)[start:]
    if content[: len(MAGIC)] != MAGIC or content[len(MAGIC) : start] != _checksum(key, body):
        return None
    (count,) = struct.unpack_from("<Q", body)
    lengths = struct.unpack_from(f"<{count}Q", body, 8)
    at, found = 8 + 8 * count, []
    for length in lengths:
        found.append(bytes(body[at : at + length]))
        at += length
    return found


def _checksum(key: str, body: bytes | memoryview) -> bytes:
    made = blake2b(key.encode(), digest_size=DIGEST_BYTES)
    made.update(body)
    return made.digest()


@record_class(frozen=True)
class Entry:
    """A file of the cache: its path, size in bytes, and when it was last used (see TIME_STEP)."""

    path: str
    size: int
    used: float


class ObjectCache:
    """The entries in one directory.

    directory   made when something is first written
    limit       in bytes; beyond it, what was not used for longest is deleted
    """

    def __init__(self, directory: str, limit: int) -> None:
        self.directory = directory
        self.set_limit(limit)
        self.hits = self.misses = self.written = self.rebuilt = 0
        self.diagnosis = ""
        self._trusted: bool | None = None
        self._failures = 0
        self._since_trim = 0
        self._lock = threading.Lock()

    def set_limit(self, limit: int) -> None:
        self.limit = limit
        self._room = limit // 16  # so many bytes may be written until somebody looks after the size

    # -- reading

    def load(self, key: str) -> list[bytes] | None:
        """What was stored under a key; None if there is nothing, or nothing that can be used."""
        found = self._read(key)
        with self._lock:
            self.hits += found is not None
            self.misses += found is None
        return found

    def _read(self, key: str) -> list[bytes] | None:
        if not self._is_trusted():
            return None
        path = self._path(key)
        try:
            with open(path, "rb") as file:
                state = os.fstat(file.fileno())
                content = file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._note(f"cannot read {path}: {error.strerror}")
            return None
        if not _is_ours(state):
            self._note(f"{path} belongs to somebody else")
            return None
        parts = unpacked(key, content)
        if parts is None:
            self.rebuilt += 1
            self._note(f"{path} was damaged, and is made again")
            _delete(path)
            return None
        if abs(time.time() - state.st_mtime) > TIME_STEP:
            with contextlib.suppress(OSError):
                os.utime(path)
        return parts

    def _path(self, key: str) -> str:
        return os.path.join(self.directory, key + SUFFIX)

    def _is_trusted(self) -> bool:
        """Is the directory there, and can nobody else write to it?"""
        if self._trusted is None:
            try:
                state = os.stat(self.directory)
            except FileNotFoundError:
                return False  # it may come
            except OSError as error:
                self._note(f"cannot look into {self.directory}: {error.strerror}")
                self._trusted = False
                return False
            self._trusted = stat.S_ISDIR(state.st_mode) and _is_ours(state)
            if not self._trusted:
                self._note(
                    f"{self.directory} is not a directory that belongs to this user and that nobody else can write to; "
                    f"code in it is not trusted (chmod go-w, or choose another with THEANO_FLAGS=compiledir=...)"
                )
        return self._trusted

    def _note(self, what: str) -> None:
        self.diagnosis = what

    # -- writing

    def store(self, key: str, parts: Sequence[bytes]) -> bool:
        """Keep parts under a key; False if that did not work."""
        if self._failures >= PATIENCE or self._trusted is False:
            return False
        content = packed(key, parts)
        if len(content) > self.limit:
            return False
        try:
            try:
                self._write(key, content)
            except FileNotFoundError:  # no directory, or no longer
                self._trusted = None
                os.makedirs(self.directory, mode=0o700, exist_ok=True)
                if not self._is_trusted():
                    return False
                self._write(key, content)
        except OSError as error:
            self._failures += 1
            self._note(f"cannot write to {self.directory}: {error.strerror}")
            return False
        with self._lock:
            self.written += 1
            self._since_trim += len(content)
            # looking takes a fraction of a second where there are many entries; but one key of 256 makes us look in
            # any case, so that many processes that write little come to look after the size, too
            due = key.startswith("00") or self._since_trim > self._room
        if due:
            self.trim()
        return True

    def _write(self, key: str, content: bytes) -> None:
        if not self._is_trusted():
            if self._trusted is None:
                raise FileNotFoundError(self.directory)
            raise PermissionError(1, "not trusted")
        path = self._path(key)
        # no other thread, process or machine writes to a file of this name
        temporary = f"{path}.{os.urandom(8).hex()}{TEMPORARY}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        descriptor = os.open(temporary, flags, 0o600)
        try:
            with open(descriptor, "wb") as file:
                file.write(content)
            os.replace(temporary, path)
        except BaseException:
            _delete(temporary)
            raise

    # -- the whole

    def entries(self) -> list[Entry]:
        """All entries, the least recently used first."""
        return sorted(self._files(SUFFIX), key=lambda entry: entry.used)

    def size(self) -> int:
        """The bytes of all entries."""
        return sum(entry.size for entry in self._files(SUFFIX))

    def _files(self, ending: str) -> Iterator[Entry]:
        try:
            with os.scandir(self.directory) as files:
                for file in files:
                    if file.name.endswith(ending):
                        with contextlib.suppress(OSError):  # somebody else deleted it
                            state = file.stat(follow_symlinks=False)
                            yield Entry(file.path, state.st_size, state.st_mtime)
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                self._note(f"cannot look into {self.directory}: {error.strerror}")

    def trim(self, limit: int | None = None) -> int:
        """Delete what was not used for longest until seven eighths of the limit are left. How many were deleted."""
        limit = self.limit if limit is None else limit
        for left in self._files(TEMPORARY):
            if time.time() - left.used > STALE:
                _delete(left.path)
        entries = self.entries()
        total = sum(entry.size for entry in entries)
        deleted = 0
        if total > limit:
            for entry in entries:
                if total <= limit - limit // 8:
                    break
                deleted += _delete(entry.path)
                total -= entry.size
        with self._lock:
            self._since_trim = 0
            self._room = max(limit - total, limit // 16)
        return deleted

    def clear(self) -> int:
        """Delete all entries. How many there were. Processes that use them now are not disturbed."""
        for left in self._files(TEMPORARY):
            _delete(left.path)
        return sum(_delete(entry.path) for entry in self._files(SUFFIX))

    def check(self) -> list[bool]:
        """Read all entries, and delete those that are damaged. For each, whether it was deleted."""
        found = []
        for entry in self.entries():
            key = os.path.basename(entry.path).removesuffix(SUFFIX)
            damaged = False
            with contextlib.suppress(OSError), open(entry.path, "rb") as file:
                damaged = unpacked(key, file.read()) is None
            found.append(damaged and _delete(entry.path))
        return found

    def trouble(self) -> str:
        """Why nothing can be read from the directory or written to it; empty if it can, as far as one can tell."""
        if self._is_trusted() or self._trusted is None:
            return ""
        return self.diagnosis

    def remove_older(self, seconds: float) -> int:
        """Delete the entries that were not used for so long. How many."""
        border = time.time() - seconds
        return sum(_delete(entry.path) for entry in self._files(SUFFIX) if entry.used < border)


def _is_ours(state: os.stat_result) -> bool:
    """Does something belong to this user, and can nobody else write to it? (True where files have no owners.)"""
    if not hasattr(os, "getuid"):
        return True
    return state.st_uid == os.getuid() and not state.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _delete(path: str) -> bool:
    try:
        os.unlink(path)
        return True
    except OSError:
        return False


_current: ObjectCache | None = None


def object_cache() -> ObjectCache | None:
    """The cache in `config.compiledir`; None if `config.cache.enabled` is not set."""
    global _current
    if not config.cache.enabled or config.cache.max_bytes <= 0:
        return None
    if _current is None or _current.directory != config.compiledir:
        _current = ObjectCache(config.compiledir, config.cache.max_bytes)
    return _current


def _limit(most: int) -> None:
    if _current is not None:
        _current.set_limit(most)


config.cache._params["max_bytes"].on_change = _limit
