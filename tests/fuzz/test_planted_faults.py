"""The fuzzer is worth something: it notices every planted miscompilation, within a bounded number of graphs.

Faults are planted where a compiler goes wrong: in a rewrite rule, in the Program, in the text of machine code, in the
run-time system's loops, and in how threads share the work.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import faults
import faults_of_code
import faults_of_complex
import faults_of_rules
import faults_of_runtime
import faults_of_threads
import numpy as np
import pytest
import test_loops_of_random_graphs as loops
from compare import NotApplied, disagreements
from complex_graphs import complex_graph
from fragments import PIECES, of_declared, varied_graph
from graphs import random_graph
from large import large_graph, several_threads
from panel_graphs import panel_graph, small_panels
from product_graphs import product_graph
from reached import ops_in
from row_graphs import row_graph

import theano
from theano.backends.native import target

GRAPHS = 150
LARGE_GRAPHS = 24


def noticed(wrong: Callable[[int], list[str]], graphs: int = GRAPHS) -> bool:
    """Does one of the graphs disagree, or not even run? `wrong` raises NotApplied where there was nothing to break."""
    applied = 0
    for seed in range(graphs):
        try:
            if wrong(seed):
                return True
            applied += 1
        except NotApplied:
            continue
        except (ValueError, IndexError, AssertionError, RuntimeError):
            return True
    assert applied, "nowhere to plant it"
    return False


@pytest.mark.parametrize("name", faults.FAULTS)
def test_fault_in_a_program_is_noticed(name: str) -> None:
    def wrong(seed: int) -> list[str]:
        rng = np.random.default_rng(seed)
        return disagreements(random_graph(seed), mutate=lambda program: faults.FAULTS[name](program, rng))

    assert noticed(wrong)


@pytest.mark.parametrize("name", faults_of_rules.FAULTS)
def test_wrong_rule_is_noticed(name: str) -> None:
    """As a declared rule of the library would be: its own left side is planted in graphs."""
    rule = faults_of_rules.FAULTS[name]
    piece = None if rule.sides is None else of_declared(rule)

    def wrong(seed: int) -> list[str]:
        graph = random_graph(seed, fragment=piece) if piece else varied_graph(seed)
        return disagreements(graph, spoil=lambda fgraph: faults_of_rules.apply_once(fgraph, rule))

    assert noticed(wrong, GRAPHS if piece else 2 * len(PIECES))


@pytest.mark.parametrize("name", faults_of_code.FAULTS | faults_of_code.OF_COMPLEX)
def test_fault_in_machine_code_is_noticed(name: str) -> None:
    make = complex_graph if name in faults_of_code.OF_COMPLEX else random_graph

    def wrong(seed: int) -> list[str]:
        with faults_of_code.planted(name, np.random.default_rng(seed)) as changed:
            found = disagreements(make(seed), native=True)
        if not changed:
            raise NotApplied
        return found

    assert noticed(wrong)


@pytest.mark.parametrize("name", faults_of_threads.FAULTS)
def test_fault_in_the_work_of_threads_is_noticed(name: str) -> None:
    """Each in graphs of its own: memory that is used again must not hold what a run before has computed rightly."""
    first = zlib.crc32(name.encode()) % 10_000 * LARGE_GRAPHS
    with several_threads(), faults_of_threads.planted(name):
        assert noticed(lambda seed: disagreements(large_graph(first + seed), native=True), LARGE_GRAPHS)


@pytest.mark.parametrize("name", faults_of_complex.FAULTS)
def test_fault_in_complex_numbers_of_a_program_is_noticed(name: str) -> None:
    def wrong(seed: int) -> list[str]:
        rng = np.random.default_rng(seed)
        return disagreements(complex_graph(seed), mutate=lambda program: faults_of_complex.FAULTS[name](program, rng))

    assert noticed(wrong)


@pytest.mark.parametrize("name", faults_of_complex.FORMULAS_WITH_FAULTS)
def test_fault_in_a_formula_on_pairs_is_noticed(name: str) -> None:
    def wrong(seed: int) -> list[str]:
        graph = complex_graph(seed)
        if f"elementwise {faults_of_complex.FORMULAS_WITH_FAULTS[name][0]}" not in ops_in(graph.outputs):
            raise NotApplied
        return disagreements(graph)

    with faults_of_complex.planted(name):
        assert noticed(wrong)


@pytest.mark.skipif(target.host().vector_bytes < 64, reason="rows have plans where elements of vectors have masks")
@pytest.mark.parametrize("name", faults_of_runtime.ROWS)
def test_fault_in_rows_by_blocks_is_noticed(name: str) -> None:
    file, right, wrong = faults_of_runtime.ROWS[name]
    after = ["rows"] if file == "row_plans" else []
    with faults_of_runtime.small_caches(), faults_of_runtime.planted_in_unit(file, right, wrong, after):
        assert noticed(lambda seed: disagreements(row_graph(seed), rewritten=True, native=True))


@pytest.mark.skipif(target.host().vector_bytes < 64, reason="rows have plans where elements of vectors have masks")
@pytest.mark.parametrize("name", faults_of_runtime.PANELS)
def test_fault_in_products_by_panels_is_noticed(name: str) -> None:
    """Each in graphs of its own, as above."""
    first = zlib.crc32(name.encode()) % 10_000 * GRAPHS
    file, right, wrong = faults_of_runtime.PANELS[name]
    after = ["rows", "panels"] if file == "row_plans" else []
    with small_panels(), faults_of_runtime.planted_in_unit(file, right, wrong, after):
        assert noticed(lambda seed: disagreements(panel_graph(first + seed, tall=True), rewritten=True, native=True))


@pytest.mark.parametrize("name", faults_of_runtime.PRODUCTS)
def test_fault_in_products_with_vectors_is_noticed(name: str) -> None:
    with faults_of_runtime.planted_in_products(*faults_of_runtime.PRODUCTS[name]):
        assert noticed(lambda seed: disagreements(product_graph(seed), rewritten=True, native=True))


@pytest.mark.parametrize("name", faults_of_runtime.LOOPS)
def test_fault_in_a_loop_in_registers_is_noticed(name: str) -> None:
    def wrong(seed: int) -> list[str]:
        with faults_of_runtime.planted_in_registers(name) as changed, theano.change_flags(exact=True):
            found = loops.disagreements(seed, "FAST_RUN")
        if not changed:
            raise NotApplied
        return found

    assert noticed(wrong)


@pytest.mark.parametrize("name", faults_of_runtime.STEPS)
def test_fault_in_the_steps_of_a_loop_is_noticed(name: str) -> None:
    with faults_of_runtime.planted_in_unit(*faults_of_runtime.STEPS[name]), theano.change_flags(exact=True):
        assert noticed(lambda seed: loops.disagreements(seed, "FAST_RUN"))


def test_kinds_of_faults() -> None:
    """At least thirty, and each kind that compilers are known for."""
    planted = [
        *faults.FAULTS, *faults_of_code.FAULTS, *faults_of_code.OF_COMPLEX, *faults_of_complex.FAULTS,
        *faults_of_complex.FORMULAS_WITH_FAULTS, *faults_of_rules.FAULTS, *faults_of_runtime.ROWS,
        *faults_of_runtime.PANELS, *faults_of_runtime.PRODUCTS, *faults_of_runtime.LOOPS, *faults_of_runtime.STEPS,
        *faults_of_threads.FAULTS,
    ]  # fmt: skip
    assert len(set(planted)) == len(planted) >= 30
    assert {
        "broadcast_dropped", "stride_wrong", "operands_swapped", "alias_missed", "cast_lost", "accumulator_wrong",
        "in_place_while_read", "freed_too_early", "tail_off_by_one", "parts overlap", "parts share an accumulator",
    } <= set(planted)
