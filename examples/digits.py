"""Train two classifiers of handwritten digits: the main job of this library, end to end.

1,797 real 8×8 images ship with scikit-learn. Softmax regression and a network with one hidden layer are defined as
expressions, differentiated, optimised, compiled to machine code in memory and trained by minibatch gradient descent
with early stopping. The script prints what the compiler made of the training step, and writes `digits.png`.

    python examples/digits.py [--output digits.png] [--epochs 150] [--quiet]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from sklearn.datasets import load_digits
from tqdm import tqdm

import theano
import theano.tensor as T

BATCH = 20


@dataclass
class Data:
    """Images as rows of pixels in [0, 1], labels as integers, in three parts."""

    train: tuple[np.ndarray, np.ndarray]
    valid: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]


@dataclass
class Model:
    """A classifier: its parameters, and the expressions that training and testing need."""

    name: str
    params: list
    probabilities: T.TensorVariable
    regularisation: T.TensorVariable
    learning_rate: float
    history: list[tuple[float, float]] = field(default_factory=list)


def load(seed: int = 0) -> Data:
    digits = load_digits()
    images = (digits.data / 16.0).astype(theano.config.floatX)
    labels = digits.target.astype("int32")
    order = np.random.RandomState(seed).permutation(len(images))
    images, labels = images[order], labels[order]
    return Data(
        (images[:1197], labels[:1197]), (images[1197:1497], labels[1197:1497]), (images[1497:], labels[1497:])
    )


def eight_lines() -> None:
    """The smallest program."""
    a = T.dscalar()
    b = T.dscalar()
    f = theano.function([a, b], a + b)
    assert f(1.5, 2.5) == 4.0
    print("f = function([a, b], a + b);  f(1.5, 2.5) =", f(1.5, 2.5))


def shared(value: np.ndarray, name: str):
    return theano.shared(value.astype(theano.config.floatX), name=name)


def softmax_regression(x) -> Model:
    W, b = shared(np.zeros((64, 10)), "W"), shared(np.zeros(10), "b")
    return Model("softmax regression", [W, b], T.nnet.softmax(T.dot(x, W) + b), 1e-4 * (W**2).sum(), 0.5)


def hidden_layer(x, width: int = 100, seed: int = 1) -> Model:
    rng = np.random.RandomState(seed)
    bound = np.sqrt(6.0 / (64 + width))
    W1, b1 = shared(rng.uniform(-bound, bound, (64, width)), "W1"), shared(np.zeros(width), "b1")
    W2, b2 = shared(np.zeros((width, 10)), "W2"), shared(np.zeros(10), "b2")
    hidden = T.tanh(T.dot(x, W1) + b1)
    probabilities = T.nnet.softmax(T.dot(hidden, W2) + b2)
    return Model(
        f"{width} hidden units", [W1, b1, W2, b2], probabilities, 1e-4 * ((W1**2).sum() + (W2**2).sum()), 0.3
    )


def compile_step(model: Model, x, y) -> tuple[Callable, Callable, float]:
    """(training step, error rate, seconds that compiling both took)."""
    cost = -T.mean(T.log(model.probabilities)[T.arange(y.shape[0]), y]) + model.regularisation
    gradients = T.grad(cost, model.params)
    updates = [(p, p - model.learning_rate * g) for p, g in zip(model.params, gradients)]
    start = time.process_time()
    step = theano.function([x, y], cost, updates=updates, name=f"step of {model.name}")
    errors = theano.function([x, y], T.mean(T.neq(T.argmax(model.probabilities, axis=1), y)), name="error rate")
    return step, errors, time.process_time() - start


def train(model: Model, step: Callable, errors: Callable, data: Data, epochs: int, quiet: bool) -> None:
    """Minibatch descent; stops when the validation error has not improved for 20 epochs, and keeps the best."""
    images, labels = data.train
    rng = np.random.RandomState(2)
    best, best_values, patience = 1.0, [p.get_value() for p in model.params], 20
    for _ in (bar := tqdm(range(epochs), desc=model.name, disable=quiet)):
        order = rng.permutation(len(images))
        costs = [
            step(images[batch], labels[batch])
            for batch in (order[start : start + BATCH] for start in range(0, len(order), BATCH))
        ]
        error = float(errors(*data.valid))
        model.history.append((float(np.mean(costs)), error))
        bar.set_postfix(cost=f"{np.mean(costs):.3f}", validation_error=f"{error:.1%}", refresh=False)
        if error < best:
            best, best_values, patience = error, [p.get_value() for p in model.params], 20
        patience -= 1
        if patience == 0:
            break
    for parameter, value in zip(model.params, best_values):
        parameter.set_value(value)


def numpy_step(params: list[np.ndarray], rate: float) -> Callable:
    """The same step of the hidden-layer network, written by hand in NumPy."""
    W1, b1, W2, b2 = (p.copy() for p in params)

    def step(x: np.ndarray, y: np.ndarray) -> float:
        nonlocal W1, b1, W2, b2
        hidden = np.tanh(x @ W1 + b1)
        scores = hidden @ W2 + b2
        scores -= scores.max(1, keepdims=True)
        log_p = scores - np.log(np.exp(scores).sum(1, keepdims=True))
        rows = np.arange(len(y))
        cost = -log_p[rows, y].mean() + 1e-4 * ((W1**2).sum() + (W2**2).sum())
        d_scores = np.exp(log_p)
        d_scores[rows, y] -= 1
        d_scores /= len(y)
        d_hidden = (d_scores @ W2.T) * (1 - hidden**2)
        W2 -= rate * (hidden.T @ d_scores + 2e-4 * W2)
        b2 -= rate * d_scores.sum(0)
        W1 -= rate * (x.T @ d_hidden + 2e-4 * W1)
        b1 -= rate * d_hidden.sum(0)
        return float(cost)

    return step


def seconds_per_call(*functions: Callable, rounds: int = 200) -> list[float]:
    """Median seconds of each function, measured in turn."""
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(rounds):
        for number, function in enumerate(functions):
            start = time.perf_counter()
            function()
            times[number].append(time.perf_counter() - start)
    return [float(np.median(t)) for t in times]


def picture(models: list[Model], data: Data, probabilities: np.ndarray, path: str) -> None:
    """Learning curves, learnt filters and the worst mistakes."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(11, 7), layout="constrained")
    top, middle, bottom = figure.subfigures(3, 1, height_ratios=[2, 1, 1])
    left, right = top.subplots(1, 2)
    for model in models:
        costs, errors = zip(*model.history)
        left.plot(costs, label=model.name)
        right.plot(np.array(errors) * 100, label=model.name)
    left.set(xlabel="epoch", ylabel="training cost", yscale="log")
    right.set(xlabel="epoch", ylabel="validation error, %", ylim=(0, 20))
    left.legend()
    middle.suptitle("Filters of the first 12 hidden units")
    filters = models[1].params[0].get_value()
    for axis, weights in zip(middle.subplots(1, 12), filters.T):
        axis.imshow(weights.reshape(8, 8), cmap="RdBu", vmin=-1, vmax=1)
        axis.axis("off")
    bottom.suptitle("Worst mistakes on test images: true → predicted")
    images, labels = data.test
    confidence = probabilities[np.arange(len(labels)), labels]
    wrong = np.flatnonzero(probabilities.argmax(1) != labels)
    worst = wrong[np.argsort(confidence[wrong])][:12]
    for axis, index in zip(bottom.subplots(1, 12), worst):
        axis.imshow(images[index].reshape(8, 8), cmap="gray_r")
        axis.set_title(f"{labels[index]} → {probabilities[index].argmax()}", fontsize=9)
    for axis in bottom.axes:
        axis.axis("off")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Run everything; returns the test accuracies by model name."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", default="digits.png")
    parser.add_argument("--epochs", type=int, default=150)
    parser.add_argument("--quiet", action="store_true")
    options = parser.parse_args(arguments)

    eight_lines()
    data = load()
    x, y = T.matrix("x"), T.ivector("y")
    models = [softmax_regression(x), hidden_layer(x)]
    accuracy = {}
    for model in models:
        step, errors, seconds = compile_step(model, x, y)
        initial = [p.get_value() for p in model.params]
        train(model, step, errors, data, options.epochs, options.quiet)
        accuracy[model.name] = 1 - float(errors(*data.test))
        print(
            f"{model.name}: test accuracy {accuracy[model.name]:.1%} after {len(model.history)} epochs; "
            f"compiled in {seconds * 1e3:.0f} ms"
        )
    if not options.quiet:
        print("\nThe training step of the network, optimised:\n")
        theano.printing.debugprint(step)
        print("\nIts program:\n")
        theano.printing.debugprint(step, program=True)

    batch = (data.train[0][:BATCH], data.train[1][:BATCH])
    by_hand = numpy_step(initial, models[1].learning_rate)
    ours, numpys = seconds_per_call(lambda: step(*batch), lambda: by_hand(*batch))
    print(
        f"\nOne training step, batch {BATCH}: {ours * 1e6:.0f} µs; by hand in NumPy: {numpys * 1e6:.0f} µs "
        f"({ours / numpys:.2f} of NumPy's time)"
    )
    probabilities = theano.function([x], models[1].probabilities)(data.test[0])
    picture(models, data, probabilities, options.output)
    print(f"Learning curves, filters and mistakes: {options.output}")
    return accuracy


if __name__ == "__main__":
    main()
