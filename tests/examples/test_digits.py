"""The main job: both classifiers reach their accuracy on the real digits, and the picture is written."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "digits.py"


@pytest.fixture(scope="module")
def digits():
    specification = importlib.util.spec_from_file_location("digits", EXAMPLE)
    module = importlib.util.module_from_spec(specification)
    sys.modules["digits"] = module  # dataclasses look their module up
    specification.loader.exec_module(module)
    return module


def test_accuracy_and_picture(digits, tmp_path, capsys):
    picture = tmp_path / "digits.png"
    accuracy = digits.main(["--quiet", "--output", str(picture)])
    assert accuracy["softmax regression"] >= 0.93
    assert accuracy["100 hidden units"] >= 0.96
    assert picture.read_bytes().startswith(b"\x89PNG")
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
