"""The restricted Boltzmann machine: exact sums on a tiny one, chains, and what it learns of the digits."""

from itertools import product

import numpy as np
import pytest

import theano
import theano.tensor as T


@pytest.fixture
def program(example):
    return example("restricted_boltzmann_machine")


def joint(machine):
    """{(v, h): probability} of a small machine, by enumeration."""
    W, b, c = (p.get_value() for p in machine.params)
    pairs = [(np.array(v), np.array(h)) for v in product([0, 1], repeat=len(b)) for h in product([0, 1], repeat=len(c))]
    weights = np.array([np.exp(v @ W @ h + b @ v + c @ h) for v, h in pairs])
    return pairs, weights / weights.sum(), weights.sum()


def test_learning_and_report(program, tmp_path, is_picture, capsys):
    picture = tmp_path / "machine.png"
    figures = program.main(["--quiet", "--epochs", "8", "--plot", str(picture)])
    assert figures["error"] < 4.5
    assert figures["last"] > figures["first"] + 2
    assert figures["train"] < figures["noise"] - 2 and figures["test"] < figures["noise"] - 2
    assert abs(figures["test"] - figures["train"]) < 2
    assert figures["wrong"] < figures["wrong by means"]
    assert is_picture(picture)
    report = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in report] == ["tiny", "training", "likelihood", "free", "mending", "picture"]


def test_exact_cost_is_that_of_enumeration(program):
    machine = program.Machine(4, 3, seed=2, scale=1.0)
    machine.b.set_value(np.array([0.5, -1.0, 0.2, 0.0]))
    *_, total = joint(machine)
    v = T.matrix("v")
    rows = np.array([[0, 1, 1, 0], [1, 1, 0, 1.0]])
    got = theano.function([v], machine.exact_cost(v))(rows)
    W, b, c = (p.get_value() for p in machine.params)
    each = [np.log(np.exp(r @ b) * np.prod(1 + np.exp(r @ W + c)) / total) for r in rows]
    assert float(got) == pytest.approx(-np.mean(each), rel=1e-10)


def test_exact_gradient_is_data_minus_model(program):
    machine = program.Machine(3, 2, seed=4, scale=1.0)
    pairs, probabilities, _ = joint(machine)
    v = T.matrix("v")
    rows = np.array([[0, 1, 1], [1, 1, 0], [0, 0, 0.0]])
    by_W, by_b, by_c = theano.function([v], T.grad(machine.exact_cost(v), machine.params))(rows)
    hidden = 1 / (1 + np.exp(-(rows @ machine.W.get_value() + machine.c.get_value())))
    model = sum(p * np.outer(v, h) for p, (v, h) in zip(probabilities, pairs))
    np.testing.assert_allclose(by_W, model - rows.T @ hidden / 3, atol=1e-12)
    np.testing.assert_allclose(by_b, sum(p * v for p, (v, _) in zip(probabilities, pairs)) - rows.mean(0), atol=1e-12)
    np.testing.assert_allclose(by_c, sum(p * h for p, (_, h) in zip(probabilities, pairs)) - hidden.mean(0), atol=1e-12)


def test_chains_reach_the_distribution_of_the_machine(program):
    machine = program.Machine(3, 2, seed=4, scale=1.0)
    pairs, probabilities, _ = joint(machine)
    marginal = np.zeros(8)
    for p, (v, _) in zip(probabilities, pairs):
        marginal[v @ [4, 2, 1]] += p
    start = T.matrix("start")
    _, samples, updates = machine.chains(start, 40)
    draw = theano.function([start], samples, updates=updates)
    count = np.bincount((draw(np.zeros((20_000, 3))) @ [4, 2, 1]).astype(int), minlength=8)
    error = np.sqrt(20_000 * marginal * (1 - marginal))
    assert np.max(abs(count - 20_000 * marginal) / error) < 4.5


def test_pseudo_likelihood_is_the_conditional_probability_of_a_pixel(program):
    machine = program.Machine(3, 2, seed=5, scale=1.0)
    pairs, probabilities, _ = joint(machine)
    v, pixel = T.matrix("v"), T.lscalar("pixel")
    f = theano.function([v, pixel], machine.pseudo_likelihood(v, pixel))
    for row in np.array([[0, 1, 1], [1, 0, 0]]):
        for k in range(3):
            other = row.copy()
            other[k] = 1 - row[k]
            here, there = (
                sum(p for p, (v, _) in zip(probabilities, pairs) if np.array_equal(v, r)) for r in (row, other)
            )
            got = float(f(row[None].astype(float), k))
            assert got == pytest.approx(3 * np.log(here / (here + there)), rel=1e-9)


def test_the_known_half_of_a_picture_stays(program):
    machine = program.Machine(64, 10, seed=0)
    _, test = program.load(0)
    mended = program.mend(machine, test[:5])
    np.testing.assert_array_equal(mended[:, :32], test[:5, :32])
    assert np.all((mended[:, 32:] >= 0) & (mended[:, 32:] <= 1))


def test_single_precision(program, capsys):
    with theano.config.change_flags(floatX="float32"):
        figures = program.main(["--quiet", "--epochs", "3"])
    assert figures["error"] < 4.5 and figures["last"] > figures["first"]
