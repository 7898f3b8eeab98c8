"""Every rule of arithmetic is in the tables of docs/rewrites_algebra.md, and most of them are declared."""

from __future__ import annotations

import re
from pathlib import Path

from theano.rewriting.rules.algebra import ALGEBRA
from theano.rewriting.rules.exponentials import LATE_EXPONENTIALS
from theano.rewriting.rules.logarithms import OF_TWO_FACTORS
from theano.rewriting.rules.norms import norm
from theano.rewriting.rules.powers import POWERS
from theano.rewriting.rules.roots import hypot_of_many
from theano.rewriting.rules.softmax import CROSSENTROPY, OPENING, SOFTMAX
from theano.rewriting.rules.stable import STABLE

DOCS = Path(__file__).resolve().parents[2] / "docs"
ARITHMETIC = (
    *ALGEBRA, *POWERS, *STABLE, *SOFTMAX, *CROSSENTROPY, *OPENING, *OF_TWO_FACTORS, *LATE_EXPONENTIALS, norm,
    hypot_of_many,
)


def named(page: Path) -> set[str]:
    """What stands in backticks in the columns "here" of the tables."""
    found: set[str] = set()
    column = None
    for line in page.read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")] if line.startswith("|") else []
        if not cells:
            column = None
        elif column is None:
            column = cells.index("here") if "here" in cells else 0
        else:
            found.update(re.findall(r"`([^`]*)`", cells[column]))
    return found


def test_every_rule_of_arithmetic_is_in_the_tables() -> None:
    assert not {rule.name for rule in ARITHMETIC} - named(DOCS / "rewrites_algebra.md")


def test_most_rules_of_arithmetic_are_declared() -> None:
    declared = [rule for rule in ARITHMETIC if rule.sides is not None]
    assert len(declared) >= 0.75 * len(ARITHMETIC), f"{len(declared)} of {len(ARITHMETIC)}"
