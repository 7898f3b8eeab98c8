"""Gaussian-process regression on the diabetes data that ship with scikit-learn: 442 patients, ten measurements each.

The covariance of two patients falls off with their distance, where every measurement has a length scale of its own; the
log marginal likelihood is written down through a Cholesky factor, differentiated by `theano.grad`, and climbed by
SciPy's L-BFGS-B in the logarithms of the hyper-parameters. The result is put beside scikit-learn's, which has the same
kernel with a derivative by hand, and beside linear regression.

    python examples/gaussian_process.py [--train 342] [--plot process.png]

Formulas: Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, equations 2.25 to 2.30 and 5.1.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.linear_model import LinearRegression

import theano
import theano.tensor as T
from theano.tensor.slinalg import cholesky, solve_lower_triangular, solve_upper_triangular

LOWEST, HIGHEST = 1e-3, 1e3  # of every hyper-parameter


@dataclass
class Data:
    """Rows of standardised measurements, and standardised progressions of the disease."""

    train: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]


def load(train: int, seed: int) -> Data:
    """`train` patients to learn from, the others to test with; scaled by what is known of the first only."""
    rows, progression = load_diabetes(return_X_y=True, scaled=False)
    order = np.random.RandomState(seed).permutation(len(rows))
    rows, progression = rows[order], progression[order]
    rows = (rows - rows[:train].mean(axis=0)) / rows[:train].std(axis=0)
    progression = (progression - progression[:train].mean()) / progression[:train].std()
    return Data((rows[:train], progression[:train]), (rows[train:], progression[train:]))


def covariance(a, b, variance, scales):
    """variance · exp(-½ Σ ((a - b) / scale)²) for every row of a and every row of b."""
    a, b = a / scales, b / scales
    distances = T.sqr(a).sum(axis=1).dimshuffle(0, "x") + T.sqr(b).sum(axis=1) - 2 * T.dot(a, b.T)
    return variance * T.exp(-distances / 2)


class GaussianProcess:
    """The model, with one vector of hyper-parameters' logarithms: variance, a scale for each measurement, noise."""

    def __init__(self) -> None:
        x, y, new, logs = T.dmatrix("x"), T.dvector("y"), T.dmatrix("new"), T.dvector("logs")
        hyper = T.exp(logs)
        variance, scales, noise = hyper[0], hyper[1:-1], hyper[-1]
        n = x.shape[0]
        L = cholesky(covariance(x, x, variance, scales) + noise * T.eye(n))
        weights = solve_upper_triangular(L.T, solve_lower_triangular(L, y))
        likelihood = -T.dot(y, weights) / 2 - T.log(T.diag(L)).sum() - n * np.log(2 * np.pi) / 2

        across = covariance(x, new, variance, scales)
        mean = T.dot(across.T, weights)
        spread = variance + noise - T.sqr(solve_lower_triangular(L, across)).sum(axis=0)

        start = time.process_time()
        self.likelihood: Callable = theano.function([x, y, logs], [likelihood, T.grad(likelihood, logs)])
        self.predict: Callable = theano.function([x, y, new, logs], [mean, spread])
        self.seconds = time.process_time() - start

    def fit(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float, int]:
        """(logarithms of the hyper-parameters, their log marginal likelihood, how often it was evaluated)"""
        count = x.shape[1] + 2
        bounds = [(np.log(LOWEST), np.log(HIGHEST))] * count

        def loss(logs: np.ndarray) -> tuple[float, np.ndarray]:
            value, gradient = self.likelihood(x, y, logs)
            return -float(value), -gradient

        found = minimize(loss, np.zeros(count), jac=True, method="L-BFGS-B", bounds=bounds)
        return found.x, -float(found.fun), found.nfev


def by_scikit_learn(x: np.ndarray, y: np.ndarray) -> GaussianProcessRegressor:
    """The same kernel, bounds, start and optimiser, with gradients written by hand."""
    limits = (LOWEST, HIGHEST)
    kernel = ConstantKernel(1.0, limits) * RBF(np.ones(x.shape[1]), limits) + WhiteKernel(1.0, limits)
    with warnings.catch_warnings():  # a length scale ends at its bound where a measurement says nothing: that is fine
        warnings.simplefilter("ignore", ConvergenceWarning)
        return GaussianProcessRegressor(kernel, alpha=0.0).fit(x, y)


def scores(mean: np.ndarray, variance: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """(root of the mean squared error, mean log density) of Gaussian predictions."""
    error = np.sqrt(np.mean((mean - y) ** 2))
    density = np.mean(-((mean - y) ** 2) / (2 * variance) - np.log(2 * np.pi * variance) / 2)
    return float(error), float(density)


def linear(data: Data) -> tuple[np.ndarray, np.ndarray]:
    """(means, variances) of linear regression with the variance of its residuals."""
    x, y = data.train
    model = LinearRegression().fit(x, y)
    residuals = y - model.predict(x)
    noise = residuals @ residuals / (len(y) - x.shape[1] - 1)
    return model.predict(data.test[0]), np.full(len(data.test[1]), noise)


def picture(names: list[str], logs: np.ndarray, mean: np.ndarray, variance: np.ndarray, y: np.ndarray, path: str):
    """Predictions with their standard deviations, and how much each measurement counts."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
    left.errorbar(y, mean, yerr=np.sqrt(variance), fmt="o", markersize=3, linewidth=0.5)
    left.axline((0, 0), slope=1, color="grey", linewidth=0.8)
    left.set(xlabel="progression (standardised)", ylabel="predicted, ± one standard deviation")
    right.barh(names, np.exp(-logs[1:-1]))
    right.set(xlabel="1 / length scale")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Fit, compare, report; returns the figures of the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", type=int, default=342, help="patients to learn from, of 442")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plot", metavar="FILE", help="draw predictions and relevances into this file")
    options = parser.parse_args(arguments)

    data = load(options.train, options.seed)
    process = GaussianProcess()
    start = time.process_time()
    logs, likelihood, evaluations = process.fit(*data.train)
    seconds = time.process_time() - start
    mean, variance = process.predict(*data.train, data.test[0], logs)

    start = time.process_time()
    other = by_scikit_learn(*data.train)
    other_seconds = time.process_time() - start
    other_mean, other_deviation = other.predict(data.test[0], return_std=True)

    rows = {
        "gaussian process": (likelihood, *scores(mean, variance, data.test[1])),
        "scikit-learn's": (other.log_marginal_likelihood_value_, *scores(other_mean, other_deviation**2, data.test[1])),
        "linear regression": (float("nan"), *scores(*linear(data), data.test[1])),
    }
    names = load_diabetes().feature_names
    relevant = sorted(zip(logs[1:-1], names))[:3]
    print(f"compiled in {process.seconds:.2f} s; {options.train} patients to learn from, {len(mean)} to test with")
    print(f"{evaluations} evaluations in {seconds:.2f} s; scikit-learn's fit took {other_seconds:.2f} s")
    print(f"{'':20}{'log marginal likelihood':>24}{'test error':>12}{'log density':>13}")
    for name, (value, error, density) in rows.items():
        print(f"{name:20}{'' if np.isnan(value) else f'{value:.6f}':>24}{error:>12.4f}{density:>13.4f}")
    print("shortest length scales:", ", ".join(f"{name} {np.exp(log):.2f}" for log, name in relevant))
    if options.plot:
        picture(names, logs, mean, variance, data.test[1], options.plot)
        print(f"picture: {options.plot}")
    (ours, error, density), (theirs, other_error, _), (_, linear_error, linear_density) = rows.values()
    return {
        "likelihood": ours, "scikit-learn's likelihood": theirs, "error": error, "scikit-learn's error": other_error,
        "density": density, "linear error": linear_error, "linear density": linear_density,
    }  # fmt: skip


if __name__ == "__main__":
    main()
