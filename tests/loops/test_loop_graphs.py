"""The tools beside scan: graphs rebuilt into loops, parts of loops, and the names of the original."""

import importlib
import inspect
import subprocess
import sys

import numpy as np
import pytest

import theano
import theano.tensor as tt
from theano.scan_module import scan_utils
from theano.scan_module.scan_op import Scan, ScanLayout

X = np.array([0.3, -0.7, 1.1])


SIGNATURES = {
    "scan": "fn sequences outputs_info non_sequences n_steps truncate_gradient go_backwards mode name profile allow_gc "
    "strict return_list",
    "map": "fn sequences non_sequences truncate_gradient go_backwards mode name",
    "reduce": "fn sequences outputs_info non_sequences go_backwards mode name",
    "foldl": "fn sequences outputs_info non_sequences mode name",
    "foldr": "fn sequences outputs_info non_sequences mode name",
    "scan_checkpoints": "fn sequences outputs_info non_sequences name n_steps save_every_N padding",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_names_and_signatures(name):
    function = getattr(theano, name)
    assert function is getattr(theano.scan_module, name)
    assert list(inspect.signature(function).parameters) == SIGNATURES[name].split()
    assert name in dir(theano)


def test_import_paths():
    for path in ("scan", "scan_op", "scan_utils", "scan_views"):
        module = importlib.import_module(f"theano.scan_module.{path}")
        assert module.__name__ == f"theano.scan_module.{path}"
    assert theano.scan_module.scan is theano.scan  # the function, though a module has that name too
    assert theano.scan_module.scan_views.foldr is theano.foldr


def test_importing_the_package_loads_no_loops():
    code = "import sys, theano; print([m for m in sys.modules if m.startswith(('theano.loops', 'theano.transforms'))])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def loop():
    x, w, count = tt.dvector("x"), tt.dscalar("w"), theano.shared(np.array(0), "count")
    y0 = tt.dvector("y0")

    (s, p, q), updates = theano.scan(
        lambda v, s, a, b, w: ([s + v, a * b, v * w], {count: count + 1}),
        x, [tt.constant(0.0, dtype="float64"), {"initial": y0, "taps": [-2, -1]}, None], w,
    )  # fmt: skip
    return x, w, y0, count, s, p, q, updates


def test_parts_under_the_original_names():
    x, w, _, count, s, p, q, updates = loop()
    node = s.owner
    op = node.op
    assert isinstance(op, Scan)
    assert node.outputs == [p, s, q, updates[count]]  # states with other taps first, then single ones
    assert op.outer_seqs(node) == [x] and len(op.inner_seqs(op.inputs)) == 1
    assert op.outer_mitsot_outs(node) == [p] and len(op.inner_mitsot(op.inputs)) == 2
    assert op.outer_sitsot_outs(node) == [s] and len(op.inner_sitsot(op.inputs)) == 1
    assert op.outer_nitsot_outs(node) == [q] and op.outer_nitsot(node) == []
    assert op.outer_shared(node) == [count] and len(op.inner_shared(op.inputs)) == 1
    assert op.outer_non_seqs(node) == [w] and len(op.inner_non_seqs(op.inputs)) == 1
    assert op.outer_mitmot(node) == []
    maps = op.get_oinp_iinp_iout_oout_mappings()
    assert len(maps) == 12
    assert maps["inner_inp_from_outer_inp"] == {1: 0, 2: [1, 2], 3: 3, 4: 4, 5: 5}
    assert maps["outer_out_from_inner_inp"] == {0: -1, 1: 0, 2: 0, 3: 1, 4: 3, 5: -1}
    parts = scan_utils.scan_args(node.inputs, node.outputs, op.inputs, op.outputs, op.info)
    assert parts.outer_in_seqs == [x] and parts.outer_out_nit_sot == [q] and parts.outer_in_shared == [count]


def test_an_op_built_by_hand(mode):
    v, s = tt.dscalar(), tt.dscalar()
    op = Scan([v, s], [s * v], ScanLayout(sequences=1, taps=((-1,),)))
    x = tt.dvector("x")
    out = op(x.shape[0], x, tt.ones((1,), "float64"))
    np.testing.assert_allclose(theano.function([x], out, mode=mode)(X), np.cumprod(X))
    with pytest.raises(TypeError, match="sequence 0 must be of type"):
        op(x.shape[0], tt.fvector(), tt.ones((1,), "float64"))
    with pytest.raises(ValueError, match="takes n_steps and 2 inputs"):
        op(x.shape[0], x)
    with pytest.raises(TypeError, match="0-d integer"):
        op(1.5, x, tt.ones((1,), "float64"))
    with pytest.raises(ValueError, match="inner outputs"):
        Scan([v, s], [], ScanLayout(sequences=1, taps=((-1,),)))
    with pytest.raises(TypeError, match="must agree"):
        Scan([v, s], [v.astype("float32")], ScanLayout(sequences=1, taps=((-1,),)))


def test_map_variables_goes_into_loops(mode):
    x, w = tt.dvector("x"), tt.dscalar("w")
    b = theano.shared(np.array(10.0))
    out, _ = theano.scan(lambda v: tt.sin(v) * w, x)

    def cosine(variable):
        if variable.owner is not None and str(variable.owner.op) == "Elemwise{sin}":
            return tt.cos(variable.owner.inputs[0]) + b
        return variable

    (new,) = scan_utils.map_variables(cosine, [out * 2])
    np.testing.assert_allclose(theano.function([x, w], new, mode=mode)(X, 3.0), 2 * (np.cos(X) + 10) * 3)
    np.testing.assert_allclose(theano.function([x, w], out, mode=mode)(X, 3.0), np.sin(X) * 3)
    (same,) = scan_utils.map_variables(lambda v: v, [out])
    assert same is out


def test_outputs_that_can_go(mode):
    x, w, s = (loop_parts := loop())[0], loop_parts[1], loop_parts[4]
    op, node = s.owner.op, s.owner
    assert scan_utils.scan_can_remove_outs(op, [0, 1, 2, 3]) == ([0, 1, 2, 3], [])
    a, b = tt.dscalars("a", "b")
    linked = Scan([a, b], [a + b, b * 2], ScanLayout(taps=((-1,), (-1,))))
    assert scan_utils.scan_can_remove_outs(linked, [1]) == ([], [1])
    assert scan_utils.scan_can_remove_outs(linked, [0]) == ([0], [])
    inner_inputs, outputs, layout, outer_inputs, numbers = scan_utils.compress_outs(op, [0, 3], node.inputs)
    assert numbers == {1: 0, 2: 1}
    smaller = Scan(inner_inputs, outputs, layout)(*outer_inputs)
    found = theano.function([x, w], smaller, mode=mode)(X, 2.0)
    np.testing.assert_allclose(found[0], np.cumsum(X))
    np.testing.assert_allclose(found[1], 2 * X)


def test_infer_shape():
    x, y = tt.dmatrix("x"), tt.dmatrix("y")
    a, b = tt.lscalars("a", "b")
    c, d = tt.lscalars("c", "d")
    shapes = scan_utils.infer_shape([tt.dot(x, y), x.sum(), x.T], [x, y], [(a, b), (c, d)])
    assert shapes[0] == (a, d) and shapes[1] == () and shapes[2] == (b, a)


def test_expand_empty():
    x = tt.dmatrix("x")
    assert scan_utils.expand_empty(x, 0) is x
    found = theano.function([x], scan_utils.expand_empty(x, 2))(np.ones((3, 4)))
    assert found.shape == (5, 4)
    np.testing.assert_array_equal(found[:3], 1)


def test_copies_and_replacements():
    x, y = tt.dvector("x"), tt.dvector("y")
    new = scan_utils.safe_new(x, "_copy")
    assert new is not x and new.type == x.type and new.name == "x_copy"
    assert scan_utils.safe_new(x, dtype="float32").dtype == "float32"
    assert scan_utils.safe_new(tt.constant(1.5)).data == 1.5
    inputs, outputs = scan_utils.reconstruct_graph([x], [x * 2], "_new")
    assert inputs[0].name == "x_new"
    np.testing.assert_allclose(theano.function(inputs, outputs[0])(X), 2 * X)
    out = tt.exp(x * 2) + tt.sin(x * 2)
    replaced = scan_utils.forced_replace(out, x * 2, y)
    np.testing.assert_allclose(theano.function([y], replaced)(X), np.exp(X) + np.sin(X))
    assert scan_utils.forced_replace(None, x, y) is None
    assert scan_utils.traverse(out, x, y, {}) == {x: y}
    assert scan_utils.traverse(out, y, x, {}) == {}
    assert scan_utils.equal_computations([tt.exp(x)], [tt.exp(x)])


def test_what_a_step_returns():
    x = tt.dvector("x")
    count = theano.shared(np.array(0))
    condition, outputs, updates = scan_utils.get_updates_and_outputs(
        ([x], {count: count + 1}, scan_utils.until(x[0] > 1))
    )
    assert condition.ndim == 0 and outputs == [x] and list(updates) == [count]
    assert scan_utils.get_updates_and_outputs(x) == (None, [x], {})
    assert scan_utils.get_updates_and_outputs([x, x])[1] == [x, x]


@pytest.mark.parametrize(
    "value, expected",
    [(None, True), (np.nan, True), (np.inf, True), (-np.inf, True), (1.0, False), (0, False), ("nan", True),
     ("text", False), (np.array(np.nan), True), (tt.constant(np.inf), True), (tt.constant(2.0), False)],
)  # fmt: skip
def test_is_nan_or_inf_or_none(value, expected):
    assert scan_utils.isNaN_or_Inf_or_None(value) is expected


def test_validator():
    x, y, z = tt.dvector("x"), tt.dvector("y"), tt.dvector("z")
    validator = scan_utils.Validator(valid=[x], invalid=[y], valid_equivalent={z: x})
    out = tt.exp(x) + 1
    assert validator.check(out) == (out, True)
    assert validator.check(tt.exp(y)) is None
    equivalent, same = validator.check(tt.exp(z))
    assert not same
    np.testing.assert_allclose(theano.function([x], equivalent)(X), np.exp(X))


def test_hash_of_nested_things():
    a = {"taps": [-1, (2, 3)], "n": 1}
    assert scan_utils.hash_listsDictsTuples(a) == scan_utils.hash_listsDictsTuples({"taps": [-1, (2, 3)], "n": 1})
    assert scan_utils.hash_listsDictsTuples(a) != scan_utils.hash_listsDictsTuples({"taps": [-1, (2, 4)], "n": 1})
