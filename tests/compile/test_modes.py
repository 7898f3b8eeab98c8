"""Modes: names, what they choose, and how they are changed."""

import numpy as np
import pytest

import theano
import theano.tensor as tt
from theano.compile import mode as modes


def backend(mode):
    return modes.get_mode(mode).linker.backend


def test_names():
    assert backend("FAST_RUN") == backend("FAST_COMPILE") == backend("Mode") == backend(None) == "native"
    assert backend("reference") == "reference"
    for name in ("cvm", "c|py", "c", "cvm_nogc", "c|py_nogc"):
        assert theano.Mode(name).linker.backend == "native"
    for name in ("py", "vm", "vm_nogc"):
        assert theano.Mode(name).linker.backend == "reference"
    for name in ("o4", "o3", "o2", "o1", "fast_run", "fast_compile", "unsafe", "merge", "stabilize", "fast_run_stable",
                 "None", None):  # fmt: skip
        assert theano.Mode("py", name).optimizer == theano.predefined_optimizers[name]
    assert modes.FAST_COMPILE.linker.optimize is False and modes.FAST_RUN.linker.optimize is True


@pytest.mark.parametrize("linker", ["cvm", "c|py", "py", "vm"])
@pytest.mark.parametrize("optimizer", ["o4", "o3", "o2", "o1", "unsafe", "merge", "stabilize", None])
def test_every_combination_computes(linker, optimizer):
    x = tt.dvector("x")
    f = theano.function([x], tt.log(1 + tt.exp(x)) * 2 / 2, mode=theano.Mode(linker, optimizer))
    assert np.allclose(f([0.0, 1.0, -3.0]), np.log1p(np.exp([0.0, 1.0, -3.0])), rtol=1e-12)


def test_unknown_names():
    with pytest.raises(ValueError, match="no mode named 'SLOW'"):
        theano.function([], [], mode="SLOW")
    with pytest.raises(ValueError, match="no linker named"):
        theano.Mode("gcc")
    with pytest.raises(ValueError, match="no optimizer named"):
        theano.Mode("py", "o9")
    with pytest.raises(TypeError):
        theano.function([], [], mode=3)
    with pytest.raises(TypeError):
        theano.Mode(linker=3)


def test_tags():
    mode = theano.Mode("py", "fast_run")
    changed = mode.including("a", "b").excluding("c").requiring("d")
    assert set(changed.query.include) >= {"a", "b"} and "c" in changed.query.exclude and "d" in changed.query.require
    assert mode.query == theano.predefined_optimizers["fast_run"]  # unchanged
    assert changed.linker is mode.linker
    clone = changed.clone(optimizer="o1")
    assert clone.query == theano.predefined_optimizers["o1"] and clone.linker is mode.linker
    assert mode.clone(link_kwargs={"allow_gc": False}).linker.allow_gc is False
    assert not theano.Mode().excluding("fusion").fuse and theano.Mode().fuse
    with theano.change_flags(tensor__local_elemwise_fusion=False):
        assert not theano.Mode().fuse


def test_rewrites_of_ones_own():
    x = tt.dscalar("x")
    seen = []

    class Swap:
        def optimize(self, fgraph):
            seen.append("swap")
            fgraph.replace(fgraph.outputs[0], fgraph.inputs[0] * 7)

    mode = theano.Mode("py", None).register((Swap(), 2), (lambda fgraph: seen.append(len(fgraph.apply_nodes)), 1))
    assert theano.function([x], tt.exp(x), mode=mode)(2.0) == 14.0
    assert seen == [1, "swap"]
    assert theano.function([x], x * 3, mode=theano.Mode("py", None))(2.0) == 6.0


def test_passes_that_look(capsys):
    x = tt.dscalar("x")

    class Listener(theano.gof.Feature):
        def on_attach(self, fgraph):
            self.graph = fgraph

    listener = Listener()
    mode = theano.Mode("py", None).register((modes.AddFeatureOptimizer(listener), 1))
    mode = mode.register((modes.PrintCurrentFunctionGraph("at the end"), 2))
    f = theano.function([x], tt.exp(x), mode=mode)
    assert listener.graph is f.maker.fgraph
    printed = capsys.readouterr().out
    assert "at the end" in printed and "exp" in printed


def test_configuration_chooses():
    with theano.change_flags(linker="py", optimizer="None"):
        mode = theano.compile.get_default_mode()
        assert mode.linker.backend == "reference" and mode.query == theano.predefined_optimizers[None]
        assert theano.Mode().linker.backend == "reference"
    with theano.change_flags(mode="FAST_COMPILE"):
        assert theano.compile.get_default_mode() is modes.FAST_COMPILE
    with theano.change_flags(mode=modes.FAST_RUN):
        assert theano.compile.get_default_mode() is modes.FAST_RUN


def test_registering():
    mode = theano.Mode("py", None)
    theano.compile.register_mode("MY_MODE", mode)
    try:
        with theano.change_flags(mode="MY_MODE"):
            assert theano.compile.get_default_mode() is mode
        with pytest.raises(ValueError, match="taken"):
            theano.compile.register_mode("MY_MODE", mode)
    finally:
        del theano.predefined_modes["MY_MODE"]
    theano.compile.register_linker("my_linker", theano.PerformLinker())
    theano.compile.register_optimizer("my_optimizer", modes.OPT_NONE)
    try:
        assert theano.Mode("my_linker", "my_optimizer").linker.backend == "reference"
    finally:
        del theano.predefined_linkers["my_linker"], theano.predefined_optimizers["my_optimizer"]


def test_the_reference_keeps_the_graph_as_it_is():
    x = tt.dvector("x")
    f = theano.function([x], tt.neg(tt.neg(x)) * 1, mode="reference")
    assert len(f.maker.fgraph.apply_nodes) >= 3
    assert len(theano.function([x], tt.neg(tt.neg(x)) * 1).maker.fgraph.apply_nodes) == 0
