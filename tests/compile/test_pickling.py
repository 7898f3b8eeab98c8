"""Functions, graphs and shared variables survive pickling, also into another process, the optimised graph in it."""

import copy
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

import theano
import theano.tensor as tt

SOURCE = os.path.dirname(os.path.dirname(theano.__file__))


def run_in_new_process(code, path):
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([SOURCE, os.environ.get("PYTHONPATH", "")])}
    code = f"import pickle, numpy as np\nwith open({str(path)!r}, 'rb') as file: loaded = pickle.load(file)\n{code}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_function_with_state(mode):
    x = tt.dscalar("x")
    s = theano.shared(10.0, "s")
    f = theano.function([x, theano.In(tt.dscalar("k"), value=2.0)], x + s, updates=[(s, s + x)], mode=mode,
                        on_unused_input="ignore", name="step")  # fmt: skip
    f(1.0)
    g = pickle.loads(pickle.dumps(f))
    assert g.name == "step" and g["k"] == 2.0
    assert g(5.0) == 16.0 and g(0.0) == 16.0
    assert s.get_value() == 11.0  # the copy has a value of its own
    assert g["s"] == 16.0
    assert g.maker.mode.linker.backend == f.maker.mode.linker.backend
    assert len(g.maker.fgraph.apply_nodes) == len(f.maker.fgraph.apply_nodes)


def test_functions_pickled_together_go_on_sharing():
    s = theano.shared(np.zeros(2), "s")
    f = theano.function([], [], updates=[(s, s + 1)])
    g = theano.function([], s * 1)
    s2, f2, g2 = pickle.loads(pickle.dumps((s, f, g)))
    f2()
    assert s2.get_value().tolist() == [1.0, 1.0] and g2().tolist() == [1.0, 1.0]
    assert s.get_value().tolist() == [0.0, 0.0]


def test_in_another_process(tmp_path, mode):
    x = tt.dmatrix("x")
    w = theano.shared(np.arange(3.0), "w")
    cost = (tt.exp(x * w).sum(axis=1) ** 2).mean()
    f = theano.function([x], {"cost": cost}, updates=[(w, w - 0.1 * theano.grad(cost, w))], mode=mode)
    path = tmp_path / "f.pkl"
    path.write_bytes(pickle.dumps(f))
    value = np.arange(6.0).reshape(2, 3) / 10
    out = run_in_new_process(
        "v = np.arange(6.0).reshape(2, 3) / 10\nprint(repr(float(loaded(v)['cost'])), repr(float(loaded(v)['cost'])))\n"
        "try: loaded(v[0])\nexcept TypeError as e: print('TypeError', 'cost = ' in str(e) or 'dmatrix' in str(e))",
        path,
    ).split()
    assert [float(out[0]), float(out[1])] == [float(f(value)["cost"]), float(f(value)["cost"])]
    assert out[2:] == ["TypeError", "True"]


def test_loading_does_not_rewrite_again(monkeypatch):
    x = tt.dvector("x")
    f = theano.function([x], tt.log(tt.exp(x)) * 1)
    data = pickle.dumps(f)
    calls = []
    original = theano.FunctionMaker.rewrite
    monkeypatch.setattr(theano.FunctionMaker, "rewrite", lambda self, g: (calls.append(g), original(self, g)))
    g = pickle.loads(data)
    assert not calls
    assert [str(n) for n in g.maker.fgraph.toposort()] == [str(n) for n in f.maker.fgraph.toposort()]
    with theano.change_flags(reoptimize_unpickled_function=True):
        pickle.loads(data)
    assert len(calls) == 1
    with theano.change_flags(unpickle_function=False):
        assert pickle.loads(data) is None


def test_run_time_errors_of_loaded_functions_name_the_line():
    x, y = tt.dvectors("x", "y")
    f = pickle.loads(pickle.dumps(theano.function([x, y], x * y)))
    with pytest.raises(ValueError) as error:
        f([1.0], [1.0, 2.0])
    assert "theano.function([x, y], x * y)" in str(error.value) and os.path.abspath(__file__) in str(error.value)


def test_deepcopy_and_copy():
    s = theano.shared(1.0)
    f = theano.function([], s * 1, updates=[(s, s + 1)])
    g, h = copy.deepcopy(f), copy.copy(f)
    f()
    assert h() == 2.0 and g() == 1.0 and s.get_value() == 3.0


def test_graphs_and_shared_variables():
    x = tt.dvector("x")
    s = theano.shared(np.ones(2), "s")
    y = (x + s) ** 2
    x2, y2, s2 = pickle.loads(pickle.dumps((x, y, s)))
    assert theano.function([x2], y2)([1.0, 2.0]).tolist() == [4.0, 9.0]
    s2.set_value([0.0, 0.0])
    assert theano.function([x2], y2)([1.0, 2.0]).tolist() == [1.0, 4.0]
    assert s.get_value().tolist() == [1.0, 1.0]
    assert str(y2.owner.origin) == str(y.owner.origin)


def test_user_ops_survive():
    op = theano.as_op([tt.dvector], [tt.dvector])(module_level_function)
    x = tt.dvector("x")
    f = pickle.loads(pickle.dumps(theano.function([x], op(x) + 1)))
    assert f([1.0, 2.0]).tolist() == [3.0, 2.0]
    assert pickle.loads(pickle.dumps(module_level_op)) is module_level_op


def module_level_function(x):
    return x[::-1].copy()


@theano.as_op([tt.dvector], [tt.dvector])
def module_level_op(x):
    return x + 1


def test_function_dump(tmp_path):
    x = tt.dscalar("x")
    s = theano.shared(2.0)
    path = tmp_path / "call.pkl"
    theano.compile.function_dump(str(path), [x], x * s, updates=[(s, s + 1)], name="dumped")
    with open(path, "rb") as file:
        f = theano.function(**pickle.load(file))
    assert f.name == "dumped" and [float(f(3.0)), float(f(3.0))] == [6.0, 9.0]
    assert s.get_value() == 2.0


def test_a_chain_of_100_000_links_compiles_and_is_pickled():
    limit = sys.getrecursionlimit()
    x = tt.dvector("x")
    y = x
    for k in range(100_000):
        y = y + x if k % 2 else y * 0.5
    f = theano.function([x], y)
    assert f([1.0])[0] == pytest.approx(2.0)  # each pair of links is v -> v / 2 + 1
    assert len(pickle.dumps(f)) > 1_000_000
    assert sys.getrecursionlimit() == limit


def test_a_long_chain_is_loaded_and_copied():
    x = tt.dvector("x")
    y = x
    for k in range(20_000):
        y = y + x if k % 2 else y * 0.5
    f = theano.function([x], y, mode="reference")
    assert pickle.loads(pickle.dumps(f))([1.0])[0] == f([1.0])[0] == f.copy()([1.0])[0]
