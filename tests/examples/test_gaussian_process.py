"""Gaussian-process regression: likelihoods, optimum and predictions beside scikit-learn's."""

import numpy as np
import pytest


@pytest.fixture
def program(example):
    return example("gaussian_process")


def test_report_agrees_with_scikit_learn(program, tmp_path, is_picture, capsys):
    picture = tmp_path / "process.png"
    figures = program.main(["--train", "150", "--plot", str(picture)])
    assert figures["likelihood"] == pytest.approx(figures["scikit-learn's likelihood"], abs=1e-4)
    assert figures["error"] == pytest.approx(figures["scikit-learn's error"], rel=1e-3)
    assert figures["error"] < 1.1 * figures["linear error"] < 0.9
    assert figures["density"] > figures["linear density"] - 0.1
    assert is_picture(picture)
    report = capsys.readouterr().out
    assert "scikit-learn's" in report and "shortest length scales" in report


def test_likelihoods_and_gradients_are_those_of_scikit_learn(program):
    data = program.load(60, seed=1)
    x, y = data.train
    process, rng = program.GaussianProcess(), np.random.default_rng(0)
    other = program.by_scikit_learn(x, y)
    for _ in range(4):
        logs = rng.normal(size=12)
        value, gradient = process.likelihood(x, y, logs)
        expected, slope = other.log_marginal_likelihood(logs, eval_gradient=True)
        assert float(value) == pytest.approx(expected, rel=1e-10)
        np.testing.assert_allclose(gradient, slope, rtol=1e-7, atol=1e-7)


def test_predictions_are_those_of_scikit_learn(program):
    data = program.load(60, seed=2)
    process = program.GaussianProcess()
    other = program.by_scikit_learn(*data.train)
    mean, variance = process.predict(*data.train, data.test[0], other.kernel_.theta)
    expected, deviation = other.predict(data.test[0], return_std=True)
    np.testing.assert_allclose(mean, expected, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(variance, deviation**2, rtol=1e-8)


def test_a_covariance_that_is_not_positive_definite_is_reported_at_the_users_line(program):
    """Two equal rows and next to no noise: the factorisation fails, and the message says where it was written."""
    process = program.GaussianProcess()
    x = np.zeros((3, 10))
    with pytest.raises(np.linalg.LinAlgError, match=r"gaussian_process\.py"):
        process.likelihood(x, np.arange(3.0), np.array([-40.0] + [0.0] * 10 + [-800.0]))
