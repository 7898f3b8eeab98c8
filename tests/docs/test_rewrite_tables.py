"""docs/rewrites_*.md: the rules that the tables name are in the pipeline under these names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from theano.compile.pipeline import PIPELINE

PAGES = sorted((Path(__file__).resolve().parents[2] / "docs").glob("rewrites_*.md"))
KNOWN = {rule.name for p in PIPELINE for rule in p.rules} | {p.name for p in PIPELINE}


def rows(page: Path) -> list[list[str]]:
    lines = [line for line in page.read_text().splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_rules_in_tables_exist(page: Path) -> None:
    table = rows(page)
    assert len(table) > 10 and all(len(row) == 3 for row in table)
    named = {name for row in table for name in re.findall(r"`([^`]+)`", row[1])}
    assert named and named <= KNOWN, f"no rules of the pipeline: {sorted(named - KNOWN)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_row_names_a_rule_or_says_why_not(page: Path) -> None:
    for original, here, how in rows(page):
        assert original and (here or how), original
