"""Random graphs of products with what follows them: by panels of rows native code gives what the graph does."""

from __future__ import annotations

import pytest
from compare import disagreements
from faults_of_runtime import planted_in_unit
from panel_graphs import DONE, START, done, panel_graph, small_panels, watched
from reached import Reached

from theano.backends.native import target

GRAPHS = 60


@pytest.mark.skipif(target.host().vector_bytes < 64, reason="rows have plans where elements of vectors have masks")
def test_tall_products_go_by_panels() -> None:
    """In every way in which that may be."""
    reached = Reached()
    text = target.source_of("runtime_panels")
    done()
    with small_panels(), planted_in_unit("panels", text, watched(text)):
        for seed in range(GRAPHS):
            graph = panel_graph(seed, tall=True)
            assert not disagreements(graph, rewritten=True, native=True, reached=reached), f"seed {seed}"
    found = {form: count for form, count in reached.forms.items() if form.startswith("panels")}
    assert set(found) == {f"panels: {name}" for name in DONE}, found
    assert reached.forms["kernel: rows behind a product"] > GRAPHS // 3


def test_panels_are_watched_where_they_are_begun() -> None:
    assert target.source_of("runtime_panels").count(START) == 1
