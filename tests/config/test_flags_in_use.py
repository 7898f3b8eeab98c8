"""Flags that change what variables do."""

import pickle
import re
from pathlib import Path

import numpy as np
import pytest

import theano
import theano.tensor as tt
from theano._config import FLAGS


def test_warn_float64():
    x = tt.fvector("x")
    with theano.change_flags(warn_float64="warn"):
        with pytest.warns(UserWarning, match="float64"):
            tt.dscalar("d")
        with pytest.warns(UserWarning, match="float64"):
            x + np.ones(2)
        assert (x + 1).dtype == "float32"
        theano.function([x], x * 2)
    with theano.change_flags(warn_float64="raise"), pytest.raises(TypeError, match="warn_float64"):
        tt.dscalar("d")
    d = tt.dscalar("d")
    with theano.change_flags(warn_float64="raise"):
        assert theano.function([d], d, mode="reference")(1.0) == 1.0


def test_test_values_in_pickles_and_prints():
    x = tt.dvector("x")
    x.tag.test_value = np.array([1.5])
    assert pickle.loads(pickle.dumps(x)).tag.test_value.tolist() == [1.5]
    with theano.change_flags(pickle_test_value=False):
        assert not hasattr(pickle.loads(pickle.dumps(x)).tag, "test_value")
    assert repr(x) == "x"
    with theano.change_flags(print_test_value=True):
        assert repr(x) == "x\narray([1.5])"
    assert x.tag.test_value.tolist() == [1.5]


# flags whose names the source spells in another way
READ_OTHERWISE = {
    "compiledir_format", "tensor.cmp_sloppy", "traceback.limit", "optimizer_excluding", "optimizer_including",
    "optimizer_requiring",
}  # fmt: skip


def flags_read():
    """The flags that the source reads: `config.name`, or `flags = config.Section` and then `flags.name`."""
    found = set()
    for path in Path(theano.__file__).parent.rglob("*.py"):
        source = path.read_text()
        if path.name in ("_settings.py", "_config.py") or "config" not in source:
            continue
        for path_of_names in re.findall(r"\bconfig\.([\w.]+)", source):
            parts = path_of_names.split(".")
            found.update((parts[0], ".".join(parts[:2])))
        for section in re.findall(r"\bflags = config\.(\w+)\n", source):
            found.update(f"{section}.{name}" for name in re.findall(r"\bflags\.(\w+)", source))
    return found


def test_flags_say_whether_they_have_an_effect():
    read = flags_read() | READ_OTHERWISE
    lies = [
        f"{name}: read {'somewhere' if name in read else 'nowhere'}, its meaning: {meaning}"
        for name, _, meaning in FLAGS
        if (name in read) == meaning.startswith("no effect")
    ]
    assert lies == []
