"""What rules find out about values is kept until something behind them changes, and never longer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import theano.tensor as T
from theano.compile.pipeline import rewrite
from theano.gradient import grad
from theano.graph.fgraph import FunctionGraph
from theano.rewriting.dims import Dims
from theano.rewriting.dims_of_ops import SPEAKERS
from theano.rewriting.findings import Findings
from theano.rewriting.rule import Site
from theano.rewriting.terms import MOST_TERMS, factors_of, linear, terms_of

A, B, C, D = T.dvectors("A", "B", "C", "D")


def site_of(*outputs: Any) -> Site:
    fgraph = FunctionGraph([A, B, C, D], list(outputs), clone=False)
    return Site(fgraph, Dims(dict(SPEAKERS)))


def test_a_view_is_found_once() -> None:
    total = A + B - C
    site = site_of(total)
    first = terms_of(total, site)
    assert terms_of(total, site) is first
    assert first == terms_of(total) == (0, [(1, A), (1, B), (-1, C)])


def test_a_changed_node_is_looked_at_again() -> None:
    inner = A + B
    total = inner - C
    site = site_of(total)
    terms_of(total, site)
    site.fgraph.change_input(inner.owner, 1, D)
    site.findings.changed(inner.owner)
    assert terms_of(total, site) == (0, [(1, A), (1, D), (-1, C)])


def test_what_was_made_of_a_view_goes_with_it() -> None:
    product = A * B
    total = product + C
    site = site_of(total)
    before = linear(total, site)
    site.fgraph.change_input(product.owner, 0, D)
    site.findings.changed(product.owner)
    assert linear(total, site) == linear(total) != before


def test_what_others_were_made_of_stays() -> None:
    one, two = A + B, C * D
    site = site_of(one, two)
    kept = factors_of(two, site)
    terms_of(one, site)
    site.findings.changed(one.owner)
    assert factors_of(two, site) is kept


@pytest.mark.parametrize("filled", [lambda v: T.fill(A, v), lambda v: v.dimshuffle("x"), lambda v: T.alloc(v, 3)])
def test_numbers_are_looked_for_behind_fills(filled: Callable[[Any], Any]) -> None:
    value = T.cos(T.constant(0.0))
    total = A + filled(value)
    site = site_of(total)
    assert len(terms_of(total, site)[1]) == 2
    ((node, place),) = site.fgraph.clients[value]
    site.fgraph.change_input(node, place, T.constant(1.0))
    site.findings.changed(node)
    assert terms_of(total, site) == (1.0, [(1, A)])


def test_a_failing_search_leaves_no_trace() -> None:
    total = A + B
    site = site_of(total)

    def fails(v: Any, site: Site) -> Any:
        raise ValueError("no")

    def outer(v: Any, site: Site) -> str:
        with pytest.raises(ValueError, match="no"):
            site.find(fails, v)
        return "found"

    assert site.find(outer, total) == "found"
    with pytest.raises(ValueError, match="no"):
        site.find(fails, total)


def test_wide_sums_are_not_taken_apart() -> None:
    wide = T.add(*[T.exp(k * A) for k in range(MOST_TERMS + 1)])
    assert terms_of(wide) == (0, [(1, wide)])
    assert len(terms_of(T.add(*wide.owner.inputs[1:]))[1]) == MOST_TERMS


class Suspicious(Findings):
    """Looks again whenever it is asked for something that it knows, and compares."""

    def __init__(self) -> None:
        super().__init__()
        self.asked_again = 0

    def find(self, function: Callable[[Any, Any], Any], value: Any, site: Any) -> Any:
        known = (function, value) in self._known
        found = super().find(function, value, site)
        if known:
            self.asked_again += 1
            aside = site.findings = Findings()
            try:
                assert aside.find(function, value, site) == found, (function, value)
            finally:
                site.findings = self
        return found


def chain() -> Any:
    y = A
    for k in range(12):
        y = T.tanh(y) * 0.5 + B if k % 2 else T.exp(-y)
    return grad(y.sum(), A)


def sigmoids() -> Any:
    y = T.log(1 + T.exp(A * B)) / (1 + T.exp(-A)) + T.exp(C) / (1 + T.exp(C)) ** 2
    return grad(grad(y.sum(), A).sum(), A)


def sums() -> Any:
    y = A * B + 2 * A * B - (C - D) * -1.0 + T.zeros_like(A) + T.fill(A, 2.0) * B / B
    return y + sum(T.cosh(A * k) ** 2 - T.sinh(A * k) ** 2 + T.exp(A) * T.exp(k * B) for k in range(5))


@pytest.mark.parametrize("make", [chain, sigmoids, sums])
def test_nothing_known_is_ever_stale(make: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Suspicious] = []

    def suspicious() -> Suspicious:
        made.append(Suspicious())
        return made[-1]

    monkeypatch.setattr("theano.rewriting.rule.Findings", suspicious)
    report = rewrite(FunctionGraph([A, B, C, D], [make()]))
    assert sum(report.fired().values()) > 10
    assert sum(findings.asked_again for findings in made) > 100


def test_the_suspicious_notice() -> None:
    inner = A + B
    total = inner - C
    site = site_of(total)
    site.findings = Suspicious()
    terms_of(total, site)
    site.fgraph.change_input(inner.owner, 1, D)
    with pytest.raises(AssertionError):
        terms_of(total, site)   # nobody told of the change
    assert terms_of(total)[1] == [(1, A), (1, D), (-1, C)]
