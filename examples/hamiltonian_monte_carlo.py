"""Hamiltonian Monte Carlo: Bayesian logistic regression on the breast-cancer data that ship with scikit-learn.

A ball is pushed in a random direction and rolls over the landscape of the negative log posterior; where it has got to
after some time is the next draw. The rolling is a leapfrog integration: a `theano.scan` whose step takes a gradient.
Momenta and acceptances come from `RandomStreams`, several chains run side by side as the rows of one shared matrix,
and the length of a step adapts itself, as an update of shared variables, until enough proposals are accepted.

The draws are checked twice: on a Gaussian whose covariance is known, and against importance sampling from a Laplace
approximation of the posterior, which finds the same means and deviations in an entirely different way.

    python examples/hamiltonian_monte_carlo.py [--draws 2000] [--chains 4]

The algorithm: Neal, MCMC using Hamiltonian dynamics, 2011. Diagnostics: Gelman et al., Bayesian Data Analysis, 2013.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from sklearn.datasets import load_breast_cancer

import theano
import theano.tensor as T
from theano.tensor.shared_randomstreams import RandomStreams

TARGET = 0.8  # share of proposals to accept
JITTER = 0.2  # by how much the length of a step is varied, so that no orbit closes
Energy = Callable[[T.TensorVariable], T.TensorVariable]


def leapfrog(energy: Energy, positions, momenta, size, steps: int):
    """(positions, momenta) of all chains after `steps` steps through the landscape `energy`, a function of rows."""

    def force(at):
        return -T.grad(energy(at).sum(), at)

    def step(at, speed, size):
        at = at + size * speed
        return at, speed + size * force(at)

    speed = momenta + size / 2 * force(positions)
    (path, speeds), _ = theano.scan(step, outputs_info=[positions, speed], non_sequences=size, n_steps=steps)
    # the last of the kicks was a whole one: half of it is taken back
    return path[-1], speeds[-1] - size / 2 * force(path[-1])


class Sampler:
    """Chains in a shared matrix, one a row, and the two functions that move them: `warm_up` adapts, `draw` does not."""

    def __init__(self, energy: Energy, start: np.ndarray, steps: int, seed: int):
        chains, _ = start.shape
        streams = RandomStreams(seed)
        self.positions = theano.shared(np.asarray(start, theano.config.floatX), "positions")
        self.log_size = theano.shared(np.asarray(np.log(0.05), theano.config.floatX), "log size")
        count = theano.shared(np.asarray(0, theano.config.floatX), "count")

        size = T.exp(self.log_size) * (1 + JITTER * streams.uniform(low=-1, high=1))
        momenta = streams.normal(size=self.positions.shape)
        proposals, ends = leapfrog(energy, self.positions, momenta, size, steps)
        gained = (
            energy(self.positions) + T.sqr(momenta).sum(axis=1) / 2 - energy(proposals) - T.sqr(ends).sum(axis=1) / 2
        )
        # where a step was so large that the energies overflowed, nothing is accepted
        probability = T.switch(T.isnan(gained), 0, T.exp(T.minimum(gained, 0)))
        accepted = streams.uniform(size=(chains,)) < probability
        moved = T.switch(accepted.dimshuffle(0, "x"), proposals, self.positions)

        # Robbins and Monro: steps grow when more than TARGET is accepted; the changes fade away
        change = (probability.mean() - TARGET) / T.sqrt(1 + count)
        moves = [(self.positions, moved)]
        adapts = [(self.log_size, self.log_size + change), (count, count + 1)]
        start_time = time.process_time()
        self.warm_up: Callable = theano.function([], probability.mean(), updates=moves + adapts)
        self.draw: Callable = theano.function([], [moved, probability.mean()], updates=moves)
        self.seconds = time.process_time() - start_time

    def run(self, warm_up: int, draws: int) -> tuple[np.ndarray, float]:
        """(draws as (chain, draw, coordinate), the mean probability of acceptance)"""
        for _ in range(warm_up):
            self.warm_up()
        pairs = [self.draw() for _ in range(draws)]
        return np.stack([at for at, _ in pairs], axis=1), float(np.mean([p for _, p in pairs]))


def effective_draws(draws: np.ndarray) -> np.ndarray:
    """How many independent draws those of each coordinate are worth (Geyer's initial positive sequence)."""
    chains, count, _ = draws.shape
    centred = draws - draws.mean(axis=1, keepdims=True)
    spectrum = np.fft.rfft(centred, 2 * count, axis=1)
    covariance = np.fft.irfft(abs(spectrum) ** 2, axis=1)[:, :count].mean(axis=0) / count
    within = covariance[0] * count / (count - 1)
    total = covariance[0] + draws.mean(axis=1).var(axis=0, ddof=1)
    correlation = 1 - (within - covariance) / total
    pairs = correlation[0 : count // 2 * 2 : 2] + correlation[1 : count // 2 * 2 : 2]
    kept = np.logical_and.accumulate(pairs > 0, axis=0)
    return chains * count / (2 * (pairs * kept).sum(axis=0) - 1)


def disagreement(draws: np.ndarray) -> np.ndarray:
    """R-hat of each coordinate: chains cut into halves; 1 when all of them tell the same."""
    _, count, _ = draws.shape
    halves = np.concatenate([draws[:, : count // 2], draws[:, count - count // 2 :]])
    within = halves.var(axis=1, ddof=1).mean(axis=0)
    between = halves.mean(axis=1).var(axis=0, ddof=1)
    return np.sqrt(1 - 2 / count + between / within)


@dataclass
class Estimate:
    """Means and standard deviations of coordinates, with the standard errors of both."""

    mean: np.ndarray
    deviation: np.ndarray
    mean_error: np.ndarray
    deviation_error: np.ndarray

    @staticmethod
    def of(draws: np.ndarray) -> Estimate:
        mean, deviation = draws.mean(axis=(0, 1)), draws.std(axis=(0, 1))
        squares = (draws - mean) ** 2
        mean_error = deviation / np.sqrt(effective_draws(draws))
        spread_error = squares.std(axis=(0, 1)) / np.sqrt(effective_draws(squares))
        return Estimate(mean, deviation, mean_error, spread_error / (2 * deviation))

    def errors_from(self, other: Estimate) -> tuple[float, float]:
        """The largest differences of means and of deviations, in standard errors."""
        means = abs(self.mean - other.mean) / np.hypot(self.mean_error, other.mean_error)
        deviations = abs(self.deviation - other.deviation) / np.hypot(self.deviation_error, other.deviation_error)
        return float(means.max()), float(deviations.max())


def gaussian(coordinates: int, seed: int) -> tuple[Energy, np.ndarray]:
    """(the energy of a Gaussian with mean 0, its covariance): standard deviations from 0.2 to 1, rotated."""
    rotation = np.linalg.qr(np.random.RandomState(seed).normal(size=(coordinates, coordinates)))[0]
    deviations = np.geomspace(0.2, 1.0, coordinates)
    precision = theano.shared(np.asarray(rotation / deviations**2 @ rotation.T, theano.config.floatX), "precision")
    return lambda at: T.sum(T.dot(at, precision) * at, axis=1) / 2, rotation * deviations**2 @ rotation.T


def load() -> tuple[np.ndarray, np.ndarray]:
    """(rows of standardised measurements after a one, whether the tumour is benign)"""
    rows, labels = load_breast_cancer(return_X_y=True)
    rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    return np.column_stack([np.ones(len(rows)), rows]), labels


def logistic(rows: np.ndarray, labels: np.ndarray, prior: float) -> Energy:
    """The negative log posterior of weights with independent normal priors, up to a constant."""
    # The sign of a label folds into its row: then every row wants a large product with the weights.
    signed = theano.shared(np.asarray(rows * (2 * labels - 1)[:, None], theano.config.floatX), "rows")
    return lambda at: T.nnet.softplus(-T.dot(at, signed.T)).sum(axis=1) + T.sqr(at).sum(axis=1) / (2 * prior**2)


def by_importance(energy: Energy, coordinates: int, count: int, seed: int) -> tuple[Estimate, float]:
    """(the estimate from draws of a heavy-tailed Laplace approximation, how many of them they are worth)"""
    at, many = T.dvector("at"), T.dmatrix("many")
    single = energy(at.dimshuffle("x", 0))[0]
    value = theano.function([at], [single, T.grad(single, at)])
    mode = minimize(lambda weights: tuple(value(weights)), np.zeros(coordinates), jac=True).x
    precision = theano.function([at], theano.gradient.hessian(single, at))(mode)
    root = np.linalg.inv(np.linalg.cholesky(precision)).T

    freedom, rng = 8, np.random.RandomState(seed)
    normal, scale = rng.normal(size=(count, coordinates)), rng.chisquare(freedom, size=(count, 1)) / freedom
    spherical = normal / np.sqrt(scale)  # Student's t
    drawn = mode + spherical @ root.T
    log_proposal = -(freedom + coordinates) / 2 * np.log1p((spherical**2).sum(axis=1) / freedom)
    energies = theano.function([many], energy(many))
    log_posterior = -np.concatenate([energies(part) for part in np.array_split(drawn, 1 + count // 1000)])
    log_weights = log_posterior - log_proposal
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()

    mean = weights @ drawn
    variance = weights @ (drawn - mean) ** 2
    mean_error = np.sqrt(weights**2 @ (drawn - mean) ** 2)
    spread_error = np.sqrt(weights**2 @ ((drawn - mean) ** 2 - variance) ** 2)
    deviation = np.sqrt(variance)
    return Estimate(mean, deviation, mean_error, spread_error / (2 * deviation)), float(1 / (weights**2).sum())


def check_on_gaussian(options: argparse.Namespace) -> tuple[float, float]:
    """The largest errors of means and deviations on a Gaussian, in standard errors."""
    energy, covariance = gaussian(5, options.seed)
    sampler = Sampler(energy, np.zeros((options.chains, 5)), options.steps, options.seed)
    draws, _ = sampler.run(options.warm_up, options.draws)
    zero = np.zeros(5)
    return Estimate.of(draws).errors_from(Estimate(zero, np.sqrt(np.diag(covariance)), zero, zero))


def within(errors: tuple[float, float]) -> str:
    return f"means within {errors[0]:.2f} and deviations within {errors[1]:.2f} standard errors"


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Sample, check, report; returns the figures of the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=2000, help="of each chain")
    parser.add_argument("--warm-up", type=int, default=400)
    parser.add_argument("--chains", type=int, default=4)
    parser.add_argument("--steps", type=int, default=15, help="leapfrog steps of a proposal")
    parser.add_argument("--prior", type=float, default=1.0, help="standard deviation of the weights' prior")
    parser.add_argument("--reference", type=int, default=200_000, help="draws of the importance sampling")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)

    gaussian_errors = check_on_gaussian(options)
    rows, labels = load()
    energy = logistic(rows, labels, options.prior)
    rng = np.random.RandomState(options.seed)
    start = rng.normal(size=(options.chains, rows.shape[1]))  # the prior: far apart
    sampler = Sampler(energy, start, options.steps, options.seed)
    begin = time.process_time()
    draws, acceptance = sampler.run(options.warm_up, options.draws)
    seconds = time.process_time() - begin
    estimate = Estimate.of(draws)
    reference, worth = by_importance(energy, rows.shape[1], options.reference, options.seed)
    errors = estimate.errors_from(reference)
    size = float(np.exp(sampler.log_size.get_value()))
    log_odds = np.einsum("nd,csd->csn", rows, draws[:, ::10])
    right = np.mean(((1 / (1 + np.exp(-log_odds))).mean(axis=(0, 1)) > 0.5) == labels)
    moves = options.warm_up + options.draws
    effective, disagree = float(effective_draws(draws).min()), float(disagreement(draws).max())
    print(f"gaussian       {within(gaussian_errors)} of the truth")
    print(f"sampler        {options.chains} chains of {rows.shape[1]} weights, compiled in {sampler.seconds:.2f} s")
    print(f"moves          {moves} of {options.steps} steps, {1e6 * seconds / moves / options.steps:.0f} µs a step")
    print(f"acceptance     {acceptance:.1%} with steps of {size:.3f}")
    print(f"draws          {options.draws} a chain, worth {effective:.0f} or more in all; R-hat {disagree:.4f} or less")
    print(f"reference      {options.reference} draws of importance sampling, worth {worth:.0f}")
    print(f"posterior      {within(errors)} of the reference")
    print(f"prediction     {right:.2%} of the {len(labels)} tumours classified rightly (those that it learnt from)")
    return {
        "gaussian means": gaussian_errors[0], "gaussian deviations": gaussian_errors[1], "acceptance": acceptance,
        "effective": effective, "R-hat": disagree, "means": errors[0], "deviations": errors[1],
        "worth": worth, "right": float(right),
    }  # fmt: skip


if __name__ == "__main__":
    main()
