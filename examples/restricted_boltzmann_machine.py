"""A restricted Boltzmann machine: binary pixels, binary hidden units, and no label in sight.

The machine gives every image an energy, and learns to give low ones to the handwritten digits that ship with
scikit-learn (each pixel black or white). Its gradient needs samples of the machine itself: chains of Gibbs sampling,
made by a `theano.scan` whose updates carry the random states on, and kept from step to step in a shared matrix
(persistent contrastive divergence). `theano.grad` takes the samples as they are, through `consider_constant`.

Progress is seen in the pseudo-likelihood, in the gap between the free energies of training and test images, and in
what a damaged image is mended to. On a machine of seven units the gradient is compared with the exact one.

    python examples/restricted_boltzmann_machine.py [--epochs 30] [--plot machine.png]

After Hinton, A practical guide to training restricted Boltzmann machines, 2010; Tieleman, ICML 2008.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import product

import numpy as np
from sklearn.datasets import load_digits
from tqdm import tqdm

import theano
import theano.tensor as T
from theano.tensor.shared_randomstreams import RandomStreams

TEST = 360


def shared(value: np.ndarray, name: str):
    """A shared variable in the precision that the program is run with."""
    return theano.shared(np.asarray(value, theano.config.floatX), name=name)


def load(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(training images, test images) as rows of 64 zeros and ones."""
    images = (load_digits().data > 8).astype(theano.config.floatX)
    order = np.random.RandomState(seed).permutation(len(images))
    return images[order[TEST:]], images[order[:TEST]]


class Machine:
    """p(v, h) = exp(v W h + b v + c h) / Z for binary vectors v (visible) and h (hidden), as rows of matrices."""

    def __init__(self, visible: int, hidden: int, seed: int, means: np.ndarray | None = None, scale: float = 0.05):
        rng = np.random.RandomState(seed)
        self.W = shared(rng.normal(scale=scale, size=(visible, hidden)), "W")
        # with hidden units that say nothing, the pixels should be as black as they are in the data
        self.b = shared(np.zeros(visible) if means is None else np.log(means / (1 - means)), "b")
        self.c = shared(np.zeros(hidden), "c")
        self.params = [self.W, self.b, self.c]
        self.streams = RandomStreams(seed + 1)

    def free_energy(self, v):
        """-log Σ_h exp(v W h + b v + c h) of each row: the hidden units can be summed out one by one."""
        return -T.dot(v, self.b) - T.nnet.softplus(T.dot(v, self.W) + self.c).sum(axis=1)

    def draw(self, probabilities):
        return self.streams.binomial(n=1, p=probabilities, size=probabilities.shape, dtype=theano.config.floatX)

    def gibbs(self, v):
        """(probabilities of the visible units, a draw from them) after one turn: v → h → v."""
        h = self.draw(T.nnet.sigmoid(T.dot(v, self.W) + self.c))
        probabilities = T.nnet.sigmoid(T.dot(h, self.W.T) + self.b)
        return probabilities, self.draw(probabilities)

    def chains(self, start, turns: int):
        """(last probabilities, last draws, updates of the random states) of chains that start at the rows of `start`"""
        (probabilities, draws), updates = theano.scan(self.gibbs, outputs_info=[None, start], n_steps=turns)
        return probabilities[-1], draws[-1], updates

    def cost(self, v, samples):
        """What has the gradient of the negative log-likelihood, where the samples are distributed as the model says."""
        return self.free_energy(v).mean() - self.free_energy(samples).mean()

    def pseudo_likelihood(self, v, pixel):
        """Mean log probability of one pixel given the others, times their number: a bound that needs no Z."""
        flipped = T.set_subtensor(v[:, pixel], 1 - v[:, pixel])
        return -v.shape[1] * T.nnet.softplus(self.free_energy(v) - self.free_energy(flipped)).mean()

    def exact_cost(self, v):
        """The negative log-likelihood, with Z summed over all visible vectors; for small machines."""
        every = T.constant(np.array(list(product([0, 1], repeat=self.b.get_value().size)), theano.config.floatX))
        energies = -self.free_energy(every)
        top = energies.max()
        return self.free_energy(v).mean() + top + T.log(T.exp(energies - top).sum())


class Trainer:
    """A machine on its training images, with the compiled functions that are needed."""

    def __init__(self, machine: Machine, images: np.ndarray, batch: int, turns: int, decay: float):
        self.images, self.batch = shared(images, "images"), batch
        self.fantasies = shared(images[:batch], "fantasies")  # the persistent chains
        index, pixel, rate = T.lscalar("index"), T.lscalar("pixel"), T.scalar("rate")
        v = T.matrix("v")
        start = time.process_time()
        _, samples, updates = machine.chains(self.fantasies, turns)
        cost = machine.cost(v, samples) + decay * T.sqr(machine.W).sum()
        for p, g in zip(machine.params, T.grad(cost, machine.params, consider_constant=[samples])):
            updates[p] = p - rate * g
        updates[self.fantasies] = samples
        chosen = self.images[index * batch : (index + 1) * batch]
        self.step: Callable = theano.function(
            [index, pixel, rate], machine.pseudo_likelihood(v, pixel), updates=updates, givens={v: chosen}, name="step"
        )
        self.free_energy: Callable = theano.function([v], machine.free_energy(v).mean())
        self.seconds = time.process_time() - start

    def train(self, epochs: int, rate: float, quiet: bool) -> list[float]:
        """The mean pseudo-likelihood of each epoch; steps get smaller towards the end."""
        batches, pixels = len(self.images.get_value(borrow=True)) // self.batch, self.images.get_value().shape[1]
        history, count = [], 0
        for epoch in (bar := tqdm(range(epochs), desc="training", disable=quiet)):
            values = []
            for index in range(batches):
                values.append(self.step(index, count % pixels, rate * (1 - epoch / epochs)))
                count += 1
            history.append(float(np.mean(values)))
            bar.set_postfix(pseudo_likelihood=f"{history[-1]:.2f}", refresh=False)
        return history


def mend(machine: Machine, images: np.ndarray, turns: int = 20) -> np.ndarray:
    """Images with an unknown lower half, which the machine fills in; the upper half is put back at every turn."""
    v, known = T.matrix("v"), T.vector("known")

    def turn(state, v, known):
        probabilities, draws = machine.gibbs(state)
        return known * v + (1 - known) * probabilities, known * v + (1 - known) * draws

    start = known * v + (1 - known) * 0.5
    (filled, _), updates = theano.scan(turn, outputs_info=[None, start], non_sequences=[v, known], n_steps=turns)
    # the last turns together are the mean of several drawings
    upper = (np.arange(64) < 32).astype(theano.config.floatX)
    return theano.function([v, known], filled[turns // 2 :].mean(axis=0), updates=updates)(images, upper)


def check_on_tiny(chains: int, turns: int, seed: int) -> float:
    """The largest difference of the estimated gradient from the exact one, in standard errors."""
    machine = Machine(4, 3, seed, scale=1.0)
    data = np.random.RandomState(seed).binomial(1, 0.6, size=(10, 4)).astype(theano.config.floatX)
    v, start = T.matrix("v"), T.matrix("start")
    _, samples, updates = machine.chains(start, turns)
    estimated = T.grad(machine.cost(v, samples), machine.params, consider_constant=[samples])
    exact = T.grad(machine.exact_cost(v), machine.params)
    h = T.nnet.sigmoid(T.dot(samples, machine.W) + machine.c)
    # the spread over the chains of what each contributes
    contributions = [samples.dimshuffle(0, 1, "x") * h.dimshuffle(0, "x", 1), samples, h]
    errors = [c.std(axis=0) / np.sqrt(chains) for c in contributions]
    differences = [abs(a - b) / e for a, b, e in zip(estimated, exact, errors)]
    largest = T.max(T.concatenate([d.flatten() for d in differences]))
    begin = np.random.RandomState(seed).binomial(1, 0.5, size=(chains, 4)).astype(theano.config.floatX)
    return float(theano.function([v, start], largest, updates=updates)(data, begin))


def picture(machine: Machine, trainer: Trainer, history: list[float], test: np.ndarray, path: str) -> None:
    """The pseudo-likelihood, the filters of some hidden units, the chains' states, and mended images."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(10, 8), layout="constrained")
    top, *rows = figure.subfigures(5, 1, height_ratios=[2.5, 1, 1, 1, 1])
    axis = top.subplots()
    axis.plot(history)
    axis.set(xlabel="epoch", ylabel="pseudo-likelihood")
    weights = machine.W.get_value()
    strongest = np.argsort(-(weights**2).sum(axis=0))[:12]
    shown = {
        "Weights of hidden units": weights[:, strongest].T,
        "States of the chains": trainer.fantasies.get_value()[:12],
        "Test images": test[:12],
        "Their lower halves filled in": mend(machine, test[:12]),
    }
    for row, (title, images) in zip(rows, shown.items()):
        row.suptitle(title)
        for axis, image in zip(row.subplots(1, 12), images):
            axis.imshow(image.reshape(8, 8), cmap="gray_r")
            axis.axis("off")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Check, train, test; returns the figures of the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--hidden", type=int, default=100)
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument("--turns", type=int, default=5, help="of Gibbs sampling before each step")
    parser.add_argument("--rate", type=float, default=0.05)
    parser.add_argument("--decay", type=float, default=1e-4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plot", metavar="FILE", help="draw filters, samples and mended images into this file")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    options = parser.parse_args(arguments)

    error = check_on_tiny(20_000, 50, options.seed)
    train, test = load(options.seed)
    means = np.clip(train.mean(axis=0), 0.01, 0.99)
    machine = Machine(train.shape[1], options.hidden, options.seed, means)
    trainer = Trainer(machine, train, options.batch, options.turns, options.decay)
    start = time.process_time()
    history = trainer.train(options.epochs, options.rate, options.quiet)
    seconds = time.process_time() - start
    steps = options.epochs * (len(train) // options.batch)

    noise = np.random.RandomState(options.seed).binomial(1, means, size=test.shape).astype(theano.config.floatX)
    on_train, on_test, on_noise = (float(trainer.free_energy(rows)) for rows in (train, test, noise))
    mended, lower = mend(machine, test)[:, 32:], test[:, 32:]
    wrong = float(np.mean((mended > 0.5) != lower))
    by_means = float(np.mean((means[32:] > 0.5) != lower))
    print(f"tiny machine   gradient within {error:.2f} standard errors of the exact one")
    print(f"training       compiled in {trainer.seconds:.2f} s; {steps} steps, {1e3 * seconds / steps:.2f} ms a step")
    print(f"likelihood     pseudo-likelihood {history[0]:.2f} in the first epoch, {history[-1]:.2f} in the last")
    print(f"free energy    {on_train:.2f} of training images, {on_test:.2f} of test images, {on_noise:.2f} of noise")
    print(f"mending        {wrong:.1%} of the pixels of a missing half wrong; {by_means:.1%} if each is as usual")
    if options.plot:
        picture(machine, trainer, history, test, options.plot)
        print(f"picture        {options.plot}")
    return {
        "error": error, "first": history[0], "last": history[-1], "train": on_train, "test": on_test,
        "noise": on_noise, "wrong": wrong, "wrong by means": by_means,
    }  # fmt: skip


if __name__ == "__main__":
    main()
