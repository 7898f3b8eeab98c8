"""MonitorMode: the user's functions see every node, in order, before and after it runs."""

import numpy as np
import pytest

import theano
import theano.tensor as tt
from theano.compile.monitormode import MonitorMode, detect_nan


def test_before_and_after_every_node():
    seen = []
    mode = MonitorMode(
        pre_func=lambda i, node, fn: seen.append(("before", i, str(node.op), fn.inputs[0][0].copy(), fn.outputs[0][0])),
        post_func=lambda i, node, fn: seen.append(("after", i, str(node.op), fn.outputs[0][0].copy())),
        optimizer=None,
    )
    x = tt.dvector("x")
    f = theano.function([x], tt.exp(tt.sin(x)), mode=mode)
    np.testing.assert_allclose(f([0.0, 1.0]), np.exp(np.sin([0.0, 1.0])), rtol=1e-14)
    assert [entry[:3] for entry in seen] == [
        ("before", 0, "Elemwise{sin}"), ("after", 0, "Elemwise{sin}"),
        ("before", 1, "Elemwise{exp}"), ("after", 1, "Elemwise{exp}"),
    ]  # fmt: skip
    assert seen[0][4] is None and list(seen[0][3]) == [0.0, 1.0]
    np.testing.assert_allclose(seen[1][3], np.sin([0.0, 1.0]))


def test_what_hooks_put_into_the_cells_is_used():
    def clip(i, node, fn):
        fn.outputs[0][0] = np.minimum(fn.outputs[0][0], 1.0)

    x = tt.dvector("x")
    f = theano.function([x], tt.exp(x) * 1.0, mode=MonitorMode(post_func=clip))
    assert list(f([-1.0, 5.0])) == [np.exp(-1.0), 1.0]


def test_tags_change_the_rewrites_and_keep_the_hooks():
    seen = []
    mode = MonitorMode(post_func=lambda i, node, fn: seen.append(node), optimizer="fast_run")
    x = tt.dvector("x")
    theano.function([x], tt.log(1 + tt.exp(x)), mode=mode)([1.0])
    few = len(seen)
    seen.clear()
    plain = mode.excluding("drop useless nodes", "canonicalize", "stabilize", "specialize", "fusion")
    theano.function([x], tt.log(1 + tt.exp(x)), mode=plain)([1.0])
    assert len(seen) >= few > 0


def test_detect_nan(capsys):
    x = tt.dvector("x")
    f = theano.function([x], tt.log(x) + 1, mode=theano.compile.MonitorMode(post_func=detect_nan, optimizer=None))
    f([1.0])
    assert capsys.readouterr().out == ""
    f([-1.0])
    text = capsys.readouterr().out
    assert text.startswith("*** NaN detected ***") and "Elemwise{log}" in text and "tt.log(x) + 1" in text
    assert "Inputs : [array([-1.])]" in text and "Outputs: [array([nan])]" in text


def test_errors_of_nodes_and_of_hooks():
    x, y = tt.dvector("x"), tt.dvector("y")
    f = theano.function([x, y], tt.dot(x, y), mode=MonitorMode())
    with pytest.raises(ValueError, match=r"tt.dot\(x, y\)"):
        f([1.0], [1.0, 2.0])

    def refuse(i, node, fn):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        theano.function([x], x * 2, mode=MonitorMode(pre_func=refuse))([1.0])
