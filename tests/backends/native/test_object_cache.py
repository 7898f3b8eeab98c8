"""The directory of machine code: what is written is read, and nothing else, whatever happens to the files."""

import os
import stat
import time

import pytest

import theano
from theano.backends.native import object_cache as module
from theano.backends.native.object_cache import MAGIC, SUFFIX, TEMPORARY, ObjectCache, digest, packed, unpacked

PARTS = [b"names", b"\x7fELF" + bytes(range(256)), b""]
POSIX = pytest.mark.skipif(not hasattr(os, "getuid"), reason="files have no owners here")


@pytest.fixture
def cache(tmp_path):
    return ObjectCache(str(tmp_path / "deep" / "code"), 1 << 20)


def file_of(cache, key):
    return os.path.join(cache.directory, key + SUFFIX)


def contents(cache):
    return sorted(os.listdir(cache.directory))


def test_what_is_stored_is_loaded(cache):
    key = digest("a", b"b")
    assert cache.load(key) is None
    assert cache.store(key, PARTS)
    assert cache.load(key) == PARTS
    assert ObjectCache(cache.directory, 1 << 20).load(key) == PARTS
    assert (cache.hits, cache.misses, cache.written, cache.diagnosis) == (1, 1, 1, "")
    assert contents(cache) == [key + SUFFIX]


def test_digests_tell_texts_apart():
    assert digest("a", "b") == digest("a", b"b")
    assert len({digest(), digest(""), digest("", ""), digest("ab"), digest("a", "b"), digest("b", "a")}) == 6


@POSIX
def test_only_the_user_can_read_and_write(cache):
    key = digest("x")
    cache.store(key, PARTS)
    assert stat.S_IMODE(os.stat(cache.directory).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(file_of(cache, key)).st_mode) == 0o600


def test_every_flipped_byte_and_every_cut_is_found():
    key = digest("x")
    content = packed(key, PARTS)
    assert unpacked(key, content) == PARTS
    for place in range(len(content)):
        flipped = bytearray(content)
        flipped[place] ^= 1 << place % 8
        assert unpacked(key, bytes(flipped)) is None
        assert unpacked(key, content[:place]) is None
    assert unpacked(key, content + b"\0") is None
    assert unpacked(digest("y"), content) is None  # a file under another's name


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "other name", "text"])
def test_a_damaged_file_is_deleted_and_made_again(cache, damage):
    key, other = digest("x"), digest("y")
    cache.store(key, PARTS)
    path = file_of(cache, key)
    with open(path, "rb") as file:
        content = file.read()
    if damage == "other name":
        os.rename(path, file_of(cache, other))
        key, path = other, file_of(cache, other)
    else:
        with open(path, "wb") as file:
            file.write({
                "flip": content[:-5] + bytes([content[-5] ^ 64]) + content[-4:], "cut": content[: len(content) // 2],
                "empty": b"", "text": MAGIC + b"hello",
            }[damage])  # fmt: skip
    assert cache.load(key) is None
    assert not os.path.exists(path)
    assert cache.rebuilt == 1 and "damaged" in cache.diagnosis
    assert cache.store(key, PARTS)
    assert cache.load(key) == PARTS


@POSIX
@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_directory_that_others_can_write_to_is_not_trusted(cache, mode):
    key = digest("x")
    cache.store(key, PARTS)
    os.chmod(cache.directory, mode)
    again = ObjectCache(cache.directory, 1 << 20)
    assert again.load(key) is None
    assert not again.store(digest("y"), PARTS)
    assert contents(again) == [key + SUFFIX]
    assert "not trusted" in again.diagnosis and again.trouble() == again.diagnosis
    os.chmod(cache.directory, 0o755)  # that others can read is all right
    assert ObjectCache(cache.directory, 1 << 20).load(key) == PARTS


@POSIX
def test_a_file_that_others_can_write_to_is_not_trusted(cache):
    key = digest("x")
    cache.store(key, PARTS)
    os.chmod(file_of(cache, key), 0o666)
    assert cache.load(key) is None
    assert "somebody else" in cache.diagnosis


@POSIX
def test_files_of_another_user_are_not_trusted(cache, monkeypatch):
    key = digest("x")
    cache.store(key, PARTS)
    nobody = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: nobody)
    assert cache.load(key) is None  # the directory was trusted before, the file is not
    again = ObjectCache(cache.directory, 1 << 20)
    assert again.load(key) is None and not again.store(key, PARTS)
    assert "not trusted" in again.diagnosis


def test_a_file_in_the_place_of_the_directory(tmp_path):
    place = tmp_path / "file"
    place.write_text("not a directory")
    cache = ObjectCache(str(place), 1 << 20)
    assert cache.load(digest("x")) is None
    assert not cache.store(digest("x"), PARTS)
    assert cache.diagnosis and cache.entries() == [] and cache.clear() == 0
    below = ObjectCache(str(place / "below"), 1 << 20)
    assert below.load(digest("x")) is None and not below.store(digest("x"), PARTS) and below.diagnosis
    assert place.read_text() == "not a directory"


@pytest.mark.parametrize("error", [PermissionError(13, "no"), OSError(28, "No space left"), OSError(30, "read-only")])
def test_what_cannot_be_written_is_given_up_quietly(cache, monkeypatch, error):
    calls = []

    def refuse(*args, **kwargs):
        calls.append(args)
        raise error

    cache.store(digest("first"), PARTS)
    monkeypatch.setattr(os, "replace", refuse)
    for n in range(10):
        assert not cache.store(digest(f"{n}"), PARTS)
    assert len(calls) == module.PATIENCE  # it stops trying
    assert error.strerror in cache.diagnosis
    assert contents(cache) == [digest("first") + SUFFIX]  # and leaves nothing half-written
    assert cache.load(digest("first")) == PARTS


def test_what_cannot_be_read_is_a_miss(cache, monkeypatch):
    key = digest("x")
    cache.store(key, PARTS)

    def refuse(*args, **kwargs):
        raise PermissionError(13, "no")

    monkeypatch.setattr("builtins.open", refuse)
    assert cache.load(key) is None and "cannot read" in cache.diagnosis


def test_a_purge_while_it_is_used(cache):
    keys = [digest(str(n)) for n in range(5)]
    for key in keys:
        cache.store(key, PARTS)
    assert ObjectCache(cache.directory, 1 << 20).clear() == 5
    assert [cache.load(key) for key in keys] == [None] * 5
    os.rmdir(cache.directory)
    assert cache.load(keys[0]) is None
    assert cache.store(keys[0], PARTS)  # the directory comes back
    assert cache.load(keys[0]) == PARTS


def test_the_least_recently_used_go_first(tmp_path):
    block = [bytes(1000)]
    size = len(packed(digest("x"), block))
    cache = ObjectCache(str(tmp_path), 10 * size)
    keys = [digest(f"{n}") for n in range(10)]
    now = time.time()
    for n, key in enumerate(keys):
        cache.store(key, block)
        os.utime(file_of(cache, key), (now - 10**5 + n, now - 10**5 + n))
    assert cache.load(keys[0]) == block  # makes it the youngest
    assert cache.trim() == 0
    cache.store(digest("one more"), block)
    cache.trim()
    left = {key for key in keys if os.path.exists(file_of(cache, key))}
    assert cache.size() <= cache.limit - cache.limit // 8
    assert cache.size() + cache._room <= cache.limit  # what may be written before the size is looked after again
    assert keys[0] in left and keys[1] not in left and keys[9] in left


def test_the_size_stays_bounded_while_it_is_written(tmp_path):
    cache = ObjectCache(str(tmp_path), 100_000)
    for n in range(500):
        assert cache.store(digest(f"{n}"), [bytes(2000)])
        assert cache.size() <= 110_000
    assert cache.size() > 50_000
    assert not cache.store(digest("large"), [bytes(200_000)])
    assert cache.load(digest("large")) is None


def test_what_dead_processes_left_behind_is_deleted(cache):
    key = digest("x")
    cache.store(key, PARTS)
    old, young = (f"{file_of(cache, key)}.{n}.1{TEMPORARY}" for n in (1, 2))
    for path in (old, young):
        with open(path, "wb") as file:
            file.write(b"half")
    os.utime(old, (0, 0))
    mine = os.path.join(cache.directory, "somebody's file")
    open(mine, "w").close()
    cache.trim()
    assert not os.path.exists(old) and os.path.exists(young)
    assert cache.clear() == 1
    assert os.listdir(cache.directory) == ["somebody's file"]


def test_names_of_temporary_files_differ_and_theirs_are_left_alone(cache, monkeypatch):
    key = digest("x")
    cache.store(key, PARTS)
    seen = []
    replace = os.replace

    def watched(source, target):
        seen.append(source)
        replace(source, target)

    monkeypatch.setattr(os, "replace", watched)
    for _ in range(3):
        assert cache.store(key, PARTS)
    assert len(set(seen)) == 3 and all(path.endswith(TEMPORARY) for path in seen)
    monkeypatch.setattr(os, "urandom", lambda count: b"same")
    other = f"{file_of(cache, key)}.{b'same'.hex()}{TEMPORARY}"
    with open(other, "w") as file:
        file.write("of somebody else")
    assert not cache.store(key, PARTS) and cache.load(key) == PARTS
    with open(other) as file:
        assert file.read() == "of somebody else"


def test_the_settings(tmp_path):
    with theano.change_flags([("cache.enabled", False)]):
        assert module.object_cache() is None
    with theano.change_flags([("cache.enabled", True)]):
        cache = module.object_cache()
        assert cache is module.object_cache()
        assert (cache.directory, cache.limit) == (theano.config.compiledir, theano.config.cache.max_bytes)
        with theano.change_flags([("cache.max_bytes", 12345)]):
            assert module.object_cache().limit == 12345
        assert module.object_cache().limit == theano.config.cache.max_bytes
        with theano.change_flags([("cache.max_bytes", 0)]):
            assert module.object_cache() is None
