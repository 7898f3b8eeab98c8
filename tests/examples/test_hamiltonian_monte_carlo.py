"""Hamiltonian Monte Carlo: exact targets, the physics of the leapfrog, diagnostics, and the posterior's moments."""

import numpy as np
import pytest

import theano
import theano.tensor as T


@pytest.fixture
def program(example):
    return example("hamiltonian_monte_carlo")


def test_posterior_and_report(program, capsys):
    figures = program.main(["--draws", "700", "--warm-up", "200", "--reference", "60000"])
    assert max(figures["gaussian means"], figures["gaussian deviations"]) < 4.5
    assert max(figures["means"], figures["deviations"]) < 4.5
    assert figures["R-hat"] < 1.05
    assert 0.65 < figures["acceptance"] < 0.95
    assert figures["effective"] > 400 and figures["worth"] > 400
    assert figures["right"] > 0.97
    report = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in report] == [
        "gaussian", "sampler", "moves", "acceptance", "draws", "reference", "posterior", "prediction"
    ]  # fmt: skip


def test_leapfrog_is_that_of_numpy_and_runs_back(program):
    energy, covariance = program.gaussian(3, seed=1)
    precision = np.linalg.inv(covariance)
    q, p, size = T.matrix("q"), T.matrix("p"), T.scalar("size")
    run = theano.function([q, p, size], program.leapfrog(energy, q, p, size, 7))
    rng = np.random.default_rng(0)
    at, speed = rng.normal(size=(2, 5, 3))
    ends, speeds = run(at, speed, 0.1)
    x, v = at, speed
    for _ in range(7):
        v = v - 0.05 * x @ precision
        x = x + 0.1 * v
        v = v - 0.05 * x @ precision
    np.testing.assert_allclose(ends, x, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(speeds, v, rtol=1e-10, atol=1e-12)
    back, turned = run(ends, -speeds, 0.1)
    np.testing.assert_allclose(back, at, atol=1e-10)
    np.testing.assert_allclose(turned, -speed, atol=1e-10)


def test_steps_that_are_too_large_are_refused(program):
    """Energies overflow to infinity, differences of them are no numbers: nobody moves, and the step shrinks."""
    energy = program.gaussian(3, seed=1)[0]
    sampler = program.Sampler(lambda at: energy(at) ** 8, np.ones((4, 3)), 20, seed=0)
    sampler.log_size.set_value(12.0)
    assert float(sampler.warm_up()) == 0
    np.testing.assert_array_equal(sampler.positions.get_value(), np.ones((4, 3)))
    assert float(sampler.log_size.get_value()) == pytest.approx(12 - program.TARGET)


def test_seeds_decide(program):
    def run(seed):
        sampler = program.Sampler(program.gaussian(2, 0)[0], np.zeros((2, 2)), 3, seed)
        return sampler.run(5, 10)[0]

    np.testing.assert_array_equal(run(1), run(1))
    assert not np.array_equal(run(1), run(2))


def test_diagnostics_know_good_chains_from_bad(program):
    rng = np.random.default_rng(0)
    independent = rng.normal(size=(4, 2000, 3))
    assert program.effective_draws(independent) == pytest.approx([8000] * 3, rel=0.15)
    assert program.disagreement(independent).max() < 1.01
    slow = np.zeros((4, 2000, 1))
    for t in range(1, 2000):
        slow[:, t] = 0.9 * slow[:, t - 1] + rng.normal(size=(4, 1))
    assert program.effective_draws(slow)[0] == pytest.approx(8000 * 0.1 / 1.9, rel=0.35)
    assert program.disagreement(independent + np.arange(4)[:, None, None]).min() > 1.2
