"""A convolutional network in the manner of LeNet, on the 1,797 handwritten digits that ship with scikit-learn.

Two layers of convolution, rectifier and max-pooling, one layer of tanh with dropout, and a softmax. It shows how the
pieces of a Theano program fit together: layers as small classes that hold parameters and build expressions, data in
shared variables, the minibatch chosen by its index through ``givens``, an optimiser (Adam) written as a list of
updates, random masks from `MRG_RandomStreams`, and one graph compiled twice, for training and for testing.

    python examples/convolutional_network.py [--epochs 25] [--plot network.png] [--quiet]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_digits
from tqdm import tqdm

import theano
import theano.tensor as T
from theano.sandbox.rng_mrg import MRG_RandomStreams
from theano.tensor.nnet import conv2d
from theano.tensor.signal.pool import pool_2d

TEST = 360
CLASSES = 10


def shared(value: np.ndarray, name: str, dtype: str | None = None):
    """A shared variable in the precision that the program is run with."""
    return theano.shared(np.asarray(value, dtype or theano.config.floatX), name=name, borrow=True)


def load(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(images as (count, 1, 8, 8) in [0, 1], labels), in an order that the seed decides."""
    digits = load_digits()
    order = np.random.RandomState(seed).permutation(len(digits.target))
    images = (digits.images[order] / 16.0).astype(theano.config.floatX)
    return images[:, None, :, :], digits.target[order].astype("int32")


class ConvolutionPool:
    """Filters slid over the images (padded, so that sizes stay), a rectifier, and the maximum of each 2×2 square."""

    def __init__(self, rng: np.random.RandomState, filters: int, channels: int, size: int, name: str):
        deviation = np.sqrt(2.0 / (channels * size * size))
        self.W = shared(rng.normal(scale=deviation, size=(filters, channels, size, size)), f"{name}_W")
        self.b = shared(np.zeros(filters), f"{name}_b")
        self.params = [self.W, self.b]

    def __call__(self, images):
        maps = conv2d(images, self.W, border_mode="half")
        return pool_2d(T.nnet.relu(maps + self.b.dimshuffle("x", 0, "x", "x")), ws=(2, 2), ignore_border=True)


class Dense:
    """A product with a matrix, and a bias."""

    def __init__(self, rng: np.random.RandomState, inputs: int, outputs: int, name: str):
        bound = np.sqrt(6.0 / (inputs + outputs))
        self.W = shared(rng.uniform(-bound, bound, (inputs, outputs)), f"{name}_W")
        self.b = shared(np.zeros(outputs), f"{name}_b")
        self.params = [self.W, self.b]

    def __call__(self, rows):
        return T.dot(rows, self.W) + self.b


class Network:
    """The layers, and the class probabilities that they give to images."""

    def __init__(self, seed: int, filters: tuple[int, int] = (16, 32), width: int = 100, dropped: float = 0.5):
        rng = np.random.RandomState(seed)
        self.first = ConvolutionPool(rng, filters[0], 1, 3, "first")
        self.second = ConvolutionPool(rng, filters[1], filters[0], 3, "second")
        self.hidden = Dense(rng, filters[1] * 4, width, "hidden")
        self.output = Dense(rng, width, CLASSES, "output")
        self.layers = [self.first, self.second, self.hidden, self.output]
        self.params = [p for layer in self.layers for p in layer.params]
        self.weights = [layer.W for layer in self.layers]
        self.dropped = dropped
        self.streams = MRG_RandomStreams(seed=seed + 1)

    def probabilities(self, images, training: bool):
        """While training, hidden units are dropped at random, and those that stay are scaled up to make up for it."""
        features = self.second(self.first(images)).flatten(2)
        hidden = T.tanh(self.hidden(features))
        if training and self.dropped:
            kept = self.streams.binomial(size=hidden.shape, p=1 - self.dropped, dtype=theano.config.floatX)
            hidden = hidden * kept / (1 - self.dropped)
        return T.nnet.softmax(self.output(hidden))


def adam(cost, params: Sequence, rate: float, b1: float = 0.9, b2: float = 0.999, epsilon: float = 1e-8) -> list:
    """The updates of Adam (Kingma and Ba, 2015); its averages live in shared variables of their own."""
    count = shared(0.0, "count")
    next_count = count + 1
    scale = rate * T.sqrt(1 - b2**next_count) / (1 - b1**next_count)
    updates = [(count, next_count)]
    for p, g in zip(params, T.grad(cost, params)):
        mean, square = (shared(np.zeros(p.get_value(borrow=True).shape), f"{p.name}_{w}") for w in ("mean", "square"))
        next_mean, next_square = b1 * mean + (1 - b1) * g, b2 * square + (1 - b2) * g**2
        updates += [
            (mean, next_mean),
            (square, next_square),
            (p, p - scale * next_mean / (T.sqrt(next_square) + epsilon)),
        ]
    return updates


@dataclass
class Compiled:
    """What the graph became: a step on one minibatch of the shared training images, and probabilities of any images.

    order    the shared vector that says in which order the minibatches go through the images
    """

    step: Callable
    order: T.sharedvar.TensorSharedVariable
    predict: Callable
    batches: int
    seconds: float


def compile_network(network: Network, images: np.ndarray, labels: np.ndarray, batch: int, rate: float) -> Compiled:
    x, y, index = T.tensor4("x"), T.ivector("y"), T.lscalar("index")
    cost = T.nnet.categorical_crossentropy(network.probabilities(x, training=True), y).mean()
    cost += 1e-4 * sum((W**2).sum() for W in network.weights)
    all_images, all_labels = shared(images, "images"), shared(labels, "labels", "int32")
    order = shared(np.arange(len(labels)), "order", "int64")
    chosen = order[index * batch : (index + 1) * batch]
    start = time.process_time()
    step = theano.function(
        [index],
        cost,
        updates=adam(cost, network.params, rate),
        givens={x: all_images[chosen], y: all_labels[chosen]},
        name="training step",
    )
    predict = theano.function([x], network.probabilities(x, training=False), name="class probabilities")
    return Compiled(step, order, predict, len(labels) // batch, time.process_time() - start)


def train(compiled: Compiled, epochs: int, seed: int, quiet: bool) -> list[float]:
    """The mean cost of each epoch; every epoch goes through the images in a new order."""
    rng = np.random.RandomState(seed)
    history = []
    for _ in (bar := tqdm(range(epochs), desc="training", disable=quiet)):
        compiled.order.set_value(rng.permutation(compiled.order.get_value()))
        history.append(float(np.mean([compiled.step(i) for i in range(compiled.batches)])))
        bar.set_postfix(cost=f"{history[-1]:.4f}", refresh=False)
    return history


def picture(network: Network, history: list[float], test, probabilities: np.ndarray, path: str) -> None:
    """The training cost, the filters of the first layer, and the test images that the network gets most wrong."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(10, 6), layout="constrained")
    top, middle, bottom = figure.subfigures(3, 1, height_ratios=[2, 1, 1])
    axis = top.subplots()
    axis.plot(history)
    axis.set(xlabel="epoch", ylabel="training cost", yscale="log")
    middle.suptitle("Filters of the first layer")
    filters = network.first.W.get_value()[:, 0]
    for axis, weights in zip(middle.subplots(1, len(filters)), filters):
        axis.imshow(weights, cmap="RdBu", vmin=-1, vmax=1)
        axis.axis("off")
    images, labels = test
    bottom.suptitle("Least probable labels of test images: true → predicted")
    worst = np.argsort(probabilities[np.arange(len(labels)), labels])[:12]
    for axis, index in zip(bottom.subplots(1, 12), worst):
        axis.imshow(images[index, 0], cmap="gray_r")
        axis.set_title(f"{labels[index]} → {probabilities[index].argmax()}", fontsize=9)
        axis.axis("off")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Train and test; returns the figures of the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--filters", type=int, nargs=2, default=(16, 32), metavar=("FIRST", "SECOND"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plot", metavar="FILE", help="draw filters and mistakes into this file")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    options = parser.parse_args(arguments)

    images, labels = load(options.seed)
    test = images[:TEST], labels[:TEST]
    network = Network(options.seed, tuple(options.filters))
    compiled = compile_network(network, images[TEST:], labels[TEST:], options.batch, options.rate)
    start = time.process_time()
    history = train(compiled, options.epochs, options.seed, options.quiet)
    seconds = time.process_time() - start
    probabilities = compiled.predict(test[0])
    accuracy = float(np.mean(probabilities.argmax(axis=1) == test[1]))
    count = sum(p.get_value(borrow=True).size for p in network.params)
    steps = options.epochs * compiled.batches
    print(f"network       {count:,} parameters, compiled in {compiled.seconds:.2f} s")
    print(f"training      {steps} steps of {options.batch} images, {1e3 * seconds / steps:.2f} ms a step")
    print(f"cost          {history[0]:.4f} in the first epoch, {history[-1]:.4f} in the last")
    print(f"test          {accuracy:.2%} of {TEST} images right")
    if options.plot:
        picture(network, history, test, probabilities, options.plot)
        print(f"picture       {options.plot}")
    return {"accuracy": accuracy, "first cost": history[0], "last cost": history[-1]}


if __name__ == "__main__":
    main()
