"""The main job: both classifiers reach their accuracy on the real digits, and the picture is written."""

from __future__ import annotations

import pytest


@pytest.fixture
def digits(example):
    return example("digits")


def test_accuracy_and_picture(digits, tmp_path, is_picture, capsys):
    picture = tmp_path / "digits.png"
    accuracy = digits.main(["--quiet", "--output", str(picture)])
    assert accuracy["softmax regression"] >= 0.93
    assert accuracy["100 hidden units"] >= 0.96
    assert is_picture(picture)
    assert "f(1.5, 2.5) = 4.0" in capsys.readouterr().out


def test_step_equals_the_step_by_hand(digits):
    """Five steps of the compiled network agree with the same steps in plain NumPy."""
    import theano.tensor as T

    data = digits.load()
    x, y = T.matrix("x"), T.ivector("y")
    model = digits.hidden_layer(x)
    step, _, _ = digits.compile_step(model, x, y)
    by_hand = digits.numpy_step([p.get_value() for p in model.params], model.learning_rate)
    for start in range(0, 100, 20):
        batch = data.train[0][start : start + 20], data.train[1][start : start + 20]
        assert float(step(*batch)) == pytest.approx(by_hand(*batch), rel=1e-10)
