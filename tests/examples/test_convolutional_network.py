"""The convolutional network: its accuracy, its layers beside NumPy, dropout, and a step beside finite differences."""

import numpy as np
import pytest
from scipy.signal import convolve2d

import theano
import theano.tensor as T


@pytest.fixture
def program(example):
    return example("convolutional_network")


def by_numpy(network, images):
    """Class probabilities, image by image and filter by filter."""
    W1, b1, W2, b2, W3, b3, W4, b4 = (p.get_value() for p in network.params)
    rows = []
    for image in images:
        for W, b in ((W1, b1), (W2, b2)):
            maps = [sum(convolve2d(c, w, mode="same") for c, w in zip(image, f)) + k for f, k in zip(W, b)]
            image = np.maximum(np.stack(maps), 0)
            n = image.shape[1] // 2
            image = image.reshape(len(image), n, 2, n, 2).max(axis=(2, 4))
        scores = np.tanh(image.reshape(-1) @ W3 + b3) @ W4 + b4
        e = np.exp(scores - scores.max())
        rows.append(e / e.sum())
    return np.stack(rows)


def test_accuracy_and_report(program, tmp_path, is_picture, capsys):
    picture = tmp_path / "network.png"
    figures = program.main(["--quiet", "--plot", str(picture)])
    assert figures["accuracy"] >= 0.98
    assert figures["last cost"] < 0.1 < 1 < figures["first cost"]
    assert is_picture(picture)
    report = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in report] == ["network", "training", "cost", "test", "picture"]


def test_single_precision(program, capsys):
    with theano.config.change_flags(floatX="float32"):
        figures = program.main(["--quiet", "--epochs", "8"])
    assert figures["accuracy"] >= 0.93


def test_probabilities_are_those_of_numpy(program):
    images, _ = program.load(3)
    network = program.Network(5, filters=(3, 4), width=7)
    x = T.tensor4("x")
    predict = theano.function([x], network.probabilities(x, training=False))
    np.testing.assert_allclose(predict(images[:6]), by_numpy(network, images[:6]), rtol=1e-9)


def test_first_step_goes_down_the_slope(program):
    """Adam's first step is as long as the rate in every coordinate, against the sign of the derivative."""
    images, labels = program.load(3)
    network = program.Network(5, filters=(2, 3), width=6, dropped=0.0)
    compiled = program.compile_network(network, images[:20], labels[:20], batch=20, rate=1e-3)
    start = [p.get_value() for p in network.params]

    def cost():
        p = by_numpy(network, images[:20])
        decay = 1e-4 * sum((w.get_value() ** 2).sum() for w in network.weights)
        return -np.log(p[np.arange(20), labels[:20]]).mean() + decay

    stepped = float(compiled.step(0))
    moved = [p.get_value() for p in network.params]
    first = cost_at(network, start, cost)
    assert stepped == pytest.approx(first, rel=1e-9)
    rng, checked = np.random.default_rng(0), 0
    for number, (old, new) in enumerate(zip(start, moved)):
        place = tuple(rng.integers(n) for n in old.shape)
        up = old.copy()
        up[place] += 1e-6
        slope = (cost_at(network, [*start[:number], up, *start[number + 1 :]], cost) - first) / 1e-6
        if abs(slope) > 1e-4:
            checked += 1
            assert new[place] - old[place] == pytest.approx(-1e-3 * np.sign(slope), rel=1e-3)
    assert checked >= 5


def cost_at(network, values, cost):
    for p, value in zip(network.params, values):
        p.set_value(value)
    return cost()


def test_dropout_keeps_the_mean_and_is_new_every_time(program):
    network = program.Network(0, filters=(2, 3), width=2000, dropped=0.5)
    x = T.tensor4("x")
    images, _ = program.load(0)
    noisy = theano.function([x], network.probabilities(x, training=True))
    first, second = noisy(images[:4]), noisy(images[:4])
    assert not np.allclose(first, second)
    exact = theano.function([x], network.probabilities(x, training=False))(images[:4])
    drawn = np.log(np.stack([noisy(images[:4]) for _ in range(200)]))
    # logits are sums over the hidden units, so their differences are unbiased
    differences = drawn - drawn[:, :, :1]
    error = differences.std(axis=0) / np.sqrt(200)
    off = abs(differences.mean(axis=0) - (np.log(exact) - np.log(exact[:, :1])))[:, 1:] / error[:, 1:]
    assert off.max() < 4.5
