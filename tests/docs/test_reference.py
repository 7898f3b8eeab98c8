"""docs/reference/: its examples run, its tables are what the library says now, and nothing public is left out."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import theano

DOCS = Path(__file__).resolve().parents[2] / "docs"
sys.path.insert(0, str(DOCS))

import make_reference  # noqa: E402
import public_names  # noqa: E402

PAGES = make_reference.pages()
FENCE = re.compile(r"^```.*$", re.MULTILINE)
INDEX = (DOCS / "reference" / "README.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples_run(page: Path) -> None:
    text = FENCE.sub("", page.read_text())
    test = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    result = doctest.DocTestRunner(optionflags=flags, verbose=False).run(test)
    assert result.attempted > 0 or page.stem == "README"
    assert result.failed == 0


def test_examples_of_the_generator_run() -> None:
    import derivative_text

    result = doctest.testmod(derivative_text)
    assert result.attempted > 0 and result.failed == 0


@pytest.fixture(scope="module")
def complaints() -> list[str]:
    """What the generator finds wrong, in a process of its own: other tests register modes, flags and rewrites."""
    source = str(Path(theano.__file__).resolve().parents[1])
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([source, os.environ.get("PYTHONPATH", "")])}
    env.pop("THEANO_FLAGS", None)  # the pages tell defaults
    command = [sys.executable, str(DOCS / "make_reference.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=300)
    assert done.returncode == bool(done.stdout.strip()) and not done.stderr, done.stderr
    return done.stdout.splitlines()


def test_tables_are_fresh(complaints: list[str]) -> None:
    assert [line for line in complaints if line.startswith("stale")] == []


def test_every_public_name_is_in_a_table(complaints: list[str]) -> None:
    missing = [line for line in complaints if line.startswith("in no table")]
    assert missing == [], "give the name a table in a page of docs/reference (docs/make_reference.py says how)"


def test_everything_public_says_what_it_is(complaints: list[str]) -> None:
    assert [line for line in complaints if line.startswith("no docstring")] == []


def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub makes anchors of them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)\)", page.read_text()):
        if target.startswith("http"):
            continue
        linked = page.parent / target if target else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), f"{target}#{anchor}"


def test_index_names_every_page() -> None:
    for page in make_reference.pages():
        assert page.stem == "README" or f"({page.name})" in INDEX, page.name


def test_a_stale_table_is_found() -> None:
    page = (DOCS / "reference" / "tensor_products.md").read_text()
    assert make_reference.filled(page) == page
    line = next(line for line in page.splitlines() if line.startswith("| `outer("))
    assert make_reference.filled(page.replace(line, line.replace("outer", "inner"))) == page


def test_a_missing_docstring_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "undocumented.py").write_text(
        "def said():\n    '''It is said.'''\n\ndef unsaid():\n    pass\n\nclass Half:\n    '''Half.'''\n"
        "    __module__ = 'theano.undocumented'\n    def method(self):\n        pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    found = public_names.missing_docstrings("undocumented")
    assert found == ["theano.undocumented.Half.method", "undocumented.unsaid"]
    assert public_names.missing_docstrings("undocumented", ["Half"]) == ["undocumented.unsaid"]


def test_only_what_is_public_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "listed.py").write_text(
        "import math\nfrom os import path\nfrom os import sep as sep\nfrom os import linesep as _line\n"
        "_private = 1\nown = path.join(math.__name__, _line)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    found = [(entry.name, entry.home) for entry in public_names.public_names("listed")]
    assert found == [("own", "listed"), ("sep", "os")]
