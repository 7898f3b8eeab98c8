"""The command `theano-cache` and theano.gof.compiledir: what it prints, and what it deletes."""

import os
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

import theano
from theano.backends.native.object_cache import ObjectCache, digest
from theano.bin.theano_cache import main
from theano.gof import compiledir


@pytest.fixture
def base(tmp_path, monkeypatch):
    monkeypatch.setitem(theano.config.__dict__, "base_compiledir", str(tmp_path))
    monkeypatch.setitem(theano.config.__dict__, "compiledir", str(tmp_path / "mine"))
    with theano.change_flags([("cache.enabled", True)]):
        yield tmp_path


@pytest.fixture
def cache(base):
    cache = ObjectCache(theano.config.compiledir, 1 << 20)
    for n in range(3):
        cache.store(digest(f"{n}"), [bytes(3000)])
    return cache


def said(capsys, *words):
    assert main(words) == 0
    return capsys.readouterr().out


def test_directories(base, capsys):
    assert said(capsys) == f"{base}/mine\n"
    assert said(capsys, "basecompiledir") == f"{base}\n"
    assert os.listdir(base) == []


def test_list(cache, capsys):
    text = said(capsys, "list")
    assert text.splitlines()[0] == f"Machine code in {cache.directory}"
    assert all(os.path.basename(entry.path) in text for entry in cache.entries())
    assert "3 pieces of code, 8.9 kB of 256 MB." in text and "not used" not in text
    with theano.change_flags([("cache.enabled", False)]):
        assert "switched off" in said(capsys, "list")


def test_list_of_nothing(base, capsys):
    assert said(capsys, "list").endswith("0 pieces of code, 0 bytes of 256 MB.\n")


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="files have no owners here")
def test_list_says_what_is_wrong(cache, capsys):
    os.chmod(cache.directory, 0o777)
    assert "The cache is not used:" in said(capsys, "list")
    assert "not trusted" in said(capsys, "list")


@pytest.mark.parametrize("word", ["clear", "purge"])
def test_purge(cache, capsys, word):
    Path(cache.directory, "mine.txt").write_text("kept")
    assert said(capsys, word) == f"Deleted 3 pieces of code, 8.9 kB, in {cache.directory}.\n"
    assert os.listdir(cache.directory) == ["mine.txt"]


def test_cleanup(cache, capsys):
    damaged, old, good = cache.entries()
    Path(damaged.path).write_bytes(b"nothing")
    os.utime(old.path, (1, 1))
    text = said(capsys, "cleanup")
    assert text.startswith("Deleted: 1 damaged, 1 not used for 30 days, 0 beyond 256 MB.\n1 pieces of code")
    assert [entry.path for entry in cache.entries()] == [good.path]


def test_all_directories(cache, base, capsys):
    other = ObjectCache(str(base / "other"), 1 << 20)
    other.store(digest("x"), [b"y"])
    (base / "unrelated").mkdir()
    text = said(capsys, "basecompiledir", "list")
    assert "3 pieces  mine" in text and "1 pieces  other" in text and "unrelated" not in text
    said(capsys, "basecompiledir", "purge")
    assert cache.entries() == other.entries() == []


def test_words(capsys):
    for words in (["unlock"], ["help"], ["-h"], ["--help"]):
        assert main(words) == 0 and capsys.readouterr().out
    assert main(["explode"]) == 2
    assert "does not know 'explode'" in capsys.readouterr().err


def test_title(capsys):
    compiledir.print_title("two", "=", "-")
    assert capsys.readouterr().out == "===\ntwo\n---\n"


def test_it_is_a_command():
    done = subprocess.run([sys.executable, "-m", "theano.bin.theano_cache"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{theano.config.compiledir}\n", "")
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    module, _, function = project["scripts"]["theano-cache"].partition(":")
    assert getattr(import_module(module), function) is main
