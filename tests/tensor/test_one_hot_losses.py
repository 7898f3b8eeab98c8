"""The original's ops for cross-entropies with class numbers: against formulas, in both backends, written out or not."""

import numpy as np
import pytest
from agreement import agree, gradients_agree
from scipy import special

import theano
import theano.tensor as T
from theano.gradient import grad, verify_grad
from theano.graph.evaluate import evaluate
from theano.graph.fgraph import FunctionGraph
from theano.graph.traverse import toposort
from theano.tensor import nnet
from theano.tensor.nnet.classes import ClassNumbers, selected
from theano.tensor.nnet.one_hot_losses import NamedMathematics

MODES = ["FAST_RUN", "FAST_COMPILE", "reference"]


def onehot(classes, n):
    return np.eye(n)[classes]


def sample(dtype="float64", rows=5, columns=3, scale=2.0):
    rng = np.random.default_rng(rows * 10 + columns)
    x = (rng.normal(size=(rows, columns)) * scale).astype(dtype)
    b = rng.normal(size=columns).astype(dtype)
    return x, b, rng.integers(0, columns, rows) if columns else np.zeros(rows, "int64")


def cases(dtype="float64", rows=5, columns=3):
    """{name: (build, expected by NumPy, arrays)}"""
    x, b, y = sample(dtype, rows, columns)
    p = special.softmax(x.astype("float64"), axis=1).astype(dtype)
    dy = np.linspace(-1, 2, rows).astype(dtype)

    def argmax_1hot(x, b, y):
        z = (x + b).astype("float64")
        nll = -special.log_softmax(z, axis=1)[np.arange(len(y)), y]
        return nll.astype(dtype), special.softmax(z, axis=1).astype(dtype), (x + b).argmax(axis=1)

    def categorical_grad(g, p, y):
        out = np.zeros_like(p)
        out[np.arange(len(y)), y] = -g / p[np.arange(len(y)), y]
        return out

    return {
        "softmax_with_bias": (
            nnet.softmax_with_bias,
            lambda x, b: special.softmax((x + b).astype("float64"), axis=1).astype(dtype), [x, b]),
        "categorical": (
            nnet.crossentropy_categorical_1hot, lambda p, y: -np.log(p[np.arange(len(y)), y]), [p, y]),
        "categorical_grad": (nnet.crossentropy_categorical_1hot_grad, categorical_grad, [dy, p, y]),
        "argmax_1hot": (nnet.crossentropy_softmax_argmax_1hot_with_bias, argmax_1hot, [x, b, y]),
        "dx": (
            nnet.crossentropy_softmax_1hot_with_bias_dx,
            lambda g, p, y: (g[:, None] * (p - onehot(y, p.shape[1]))).astype(dtype), [dy, p, y]),
        "dx_of_a_number": (
            nnet.crossentropy_softmax_1hot_with_bias_dx,
            lambda g, p, y: (g * (p - onehot(y, p.shape[1]))).astype(dtype), [np.asarray(1.5, dtype), p, y]),
    }


NAMES = sorted(cases())


def variables(arrays):
    return [T.TensorType(a.dtype.name, (None,) * a.ndim)() for a in map(np.asarray, arrays)]


def listed(x):
    return x if isinstance(x, list) else [x]


class Test_values:
    @pytest.mark.parametrize("rows, columns", [(5, 3), (1, 1), (1, 4), (4, 1), (0, 3)])
    @pytest.mark.parametrize("dtype", ["float64", "float32"])
    @pytest.mark.parametrize("name", NAMES)
    def test_against_numpy(self, name, dtype, rows, columns):
        build, expected, arrays = cases(dtype, rows, columns)[name]
        agree(build, expected, *arrays, modes=MODES)

    @pytest.mark.parametrize("layout", ["transposed", "reversed", "strided"])
    @pytest.mark.parametrize("name", NAMES)
    def test_layouts(self, name, layout):
        build, expected, arrays = cases()[name]
        views = {
            "transposed": lambda a: a.T.copy().T,
            "reversed": lambda a: np.flip(np.flip(a).copy()) if a.ndim else a,
            "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a,
        }[layout]
        agree(build, expected, *[views(a) for a in arrays], modes=["FAST_RUN", "reference"])

    @pytest.mark.parametrize("name", NAMES)
    def test_written_out_and_kept_agree(self, name):
        """Both sides of the rewrite, each evaluated node by node."""
        build, _, arrays = cases()[name]
        inputs = variables(arrays)
        outputs = listed(build(*inputs))
        node = outputs[0].owner
        assert isinstance(node.op, NamedMathematics)
        values = dict(zip(inputs, arrays))
        for kept, other in zip(evaluate(outputs, values), evaluate(node.op.expand(node.inputs), values), strict=True):
            assert kept.dtype == other.dtype and kept.shape == other.shape
            np.testing.assert_allclose(kept, other, rtol=1e-12, atol=1e-14)

    @pytest.mark.parametrize("name", NAMES)
    def test_nothing_of_them_reaches_native_code(self, name):
        build, _, arrays = cases()[name]
        inputs = variables(arrays)
        f = theano.function(inputs, build(*inputs))
        assert not [n for n in f.maker.fgraph.toposort() if isinstance(n.op, NamedMathematics)]
        assert "PyCallStep" not in {type(step).__name__ for step in f.program.steps}

    @pytest.mark.parametrize("scale", [1e4, 1e30, 1e300])
    @pytest.mark.parametrize("mode", MODES)
    def test_extreme_logits_stay_finite(self, mode, scale):
        x, b, y = T.dmatrix("x"), T.dvector("b"), T.lvector("y")
        nll, p, position = nnet.crossentropy_softmax_argmax_1hot_with_bias(x, b, y)
        by_p = nnet.crossentropy_categorical_1hot(nnet.softmax_with_bias(x, b), y)
        terms = [*grad(nll.sum(), [x, b]), *grad(by_p.sum(), [x, b])]
        f = theano.function([x, b, y], [nll, p, position, *terms], mode=mode)
        at = np.array([[scale, 0.0, -scale], [scale, 0.0, -scale]])
        found = f(at, np.zeros(3), [2, 0])
        np.testing.assert_allclose(found[0], [2 * scale, 0])
        np.testing.assert_array_equal(found[1], [[1, 0, 0]] * 2)
        np.testing.assert_array_equal(found[2], [0, 0])
        for k in (3, 5):
            np.testing.assert_allclose(found[k], [[1, 0, -1], [0, 0, 0]], atol=1e-300)
            np.testing.assert_allclose(found[k + 1], [1, 0, -1], atol=1e-300)

    def test_extreme_logits_in_float32(self):
        x, b, y = T.fmatrix("x"), T.fvector("b"), T.ivector("y")
        nll = nnet.crossentropy_softmax_argmax_1hot_with_bias(x, b, y)[0]
        for mode in MODES:
            f = theano.function([x, b, y], [nll, grad(nll.sum(), x)], mode=mode)
            cost, slope = f(np.array([[1e4, -1e4]], "float32"), np.zeros(2, "float32"), np.array([1], "int32"))
            assert cost.dtype == slope.dtype == "float32"
            assert cost.tolist() == [2e4] and slope.tolist() == [[1, -1]]

    def test_tensors_of_higher_rank(self):
        rng = np.random.default_rng(0)
        p = special.softmax(rng.normal(size=(2, 4, 3)), axis=-1)
        y = rng.integers(0, 3, (2, 4))
        agree(
            nnet.crossentropy_categorical_1hot,
            lambda p, y: -np.log(np.take_along_axis(p, y[..., None], -1)[..., 0]), p, y, modes=MODES)
        agree(nnet.crossentropy_categorical_1hot, lambda p, y: -np.log(p[y]), p[0, 0], np.asarray(y[0, 0]), modes=MODES)

    def test_a_vector_of_logits_is_one_row(self):
        x, b = T.dvector(), T.dvector()
        out = nnet.softmax_with_bias(x, b)
        assert out.ndim == 2 and out.broadcastable == (True, False)
        np.testing.assert_allclose(out.eval({x: [0.0, 1.0], b: [1.0, 0.0]}), [[0.5, 0.5]])

    def test_a_row_and_a_single_bias_broadcast(self):
        at = np.arange(6.0).reshape(2, 3)
        for x, b in ((at, np.array([7.0])), (at[:, :1], np.arange(3.0))):
            agree(nnet.softmax_with_bias, lambda x, b: special.softmax(x + b, axis=1), x, b, modes=MODES)

    def test_dtypes(self):
        assert nnet.softmax_with_bias(T.imatrix(), T.bvector()).dtype == "float64"
        assert nnet.softmax_with_bias(T.fmatrix(), T.bvector()).dtype == "float32"
        assert nnet.softmax_with_bias(T.fmatrix(), T.dvector()).dtype == "float64"
        nll, p, position = nnet.crossentropy_softmax_argmax_1hot_with_bias(T.fmatrix(), T.fvector(), T.bvector())
        assert (nll.dtype, p.dtype, position.dtype) == ("float32", "float32", "int64")
        assert nnet.crossentropy_categorical_1hot(T.fmatrix(), T.lvector()).dtype == "float32"


class Test_derivatives:
    @pytest.mark.parametrize("name", NAMES)
    def test_first_and_second(self, name):
        build, _, arrays = cases(rows=3, columns=3)[name]
        gradients_agree(lambda *v: listed(build(*v))[:2], *arrays, limit=1e-4)

    @pytest.mark.parametrize("mode", ["FAST_RUN", "reference"])
    @pytest.mark.parametrize("name", NAMES)
    def test_verify_grad(self, name, mode):
        build, _, arrays = cases(rows=3, columns=3)[name]
        numbers = [k for k, a in enumerate(arrays) if a.dtype.kind == "f"]
        labels = [a for a in arrays if a.dtype.kind != "f"]
        at = [0.3 + 0.1 * arrays[k] for k in numbers]
        for output in range(2 if name == "argmax_1hot" else 1):
            verify_grad(lambda *floats: listed(build(*floats, *labels))[output],  # noqa: B023
                        at, rng=np.random.RandomState(3), mode=mode)

    @pytest.mark.parametrize("name", NAMES)
    def test_forward(self, name):
        build, _, arrays = cases(rows=3, columns=3)[name]
        inputs = variables(arrays)
        x = next(v for v in inputs if v.dtype == "float64")
        out = listed(build(*inputs))[0]
        u = x.type()
        f = theano.function([*inputs, u], T.Rop(out, x, u))
        g = theano.function(inputs, out)
        at = arrays[inputs.index(x)]
        direction = np.random.default_rng(0).normal(size=at.shape)
        ends = []
        for sign in (1, -1):
            moved = list(arrays)
            moved[inputs.index(x)] = at + sign * 1e-6 * direction
            ends.append(g(*moved))
        np.testing.assert_allclose(f(*arrays, direction), (ends[0] - ends[1]) / 2e-6, atol=1e-7)

    def test_by_the_broadcast_input(self):
        for x, b in ((T.dmatrix(), T.TensorType("float64", (1,))()), (T.dcol(), T.dvector())):
            cost = T.sqr(nnet.softmax_with_bias(x, b)).sum()
            terms = grad(cost, [x, b])
            assert [t.type.broadcastable for t in terms] == [x.broadcastable, b.broadcastable]
            plain = grad(T.sqr(nnet.softmax(x + b.dimshuffle("x", 0))).sum(), [x, b])
            values = {x: np.ones((3, 1 if x.broadcastable[1] else 4)) * [[1.0], [2], [3]],
                      b: np.ones(1) if b.broadcastable[0] else np.arange(4.0)}
            for got, want in zip(evaluate(terms, values), evaluate(plain, values)):
                np.testing.assert_allclose(got, want, atol=1e-15)

    def test_class_numbers_are_not_connected(self):
        p, y = T.dmatrix(), T.lvector()
        with pytest.raises(theano.gradient.DisconnectedInputError):
            grad(nnet.crossentropy_categorical_1hot(p, y).sum(), y)


class Test_refusals:
    def test_ranks_and_dtypes(self):
        m, v, y = T.dmatrix("m"), T.dvector("v"), T.lvector("y")
        with pytest.raises(TypeError, match=r"matrix and a vector.*softmax\(x \+ b"):
            nnet.softmax_with_bias(T.dtensor3(), v)
        with pytest.raises(TypeError, match="matrix and a vector"):
            nnet.softmax_with_bias(m, m)
        with pytest.raises(TypeError, match="must be integers"):
            nnet.crossentropy_categorical_1hot(m, v)
        with pytest.raises(TypeError, match="one axis less"):
            nnet.crossentropy_categorical_1hot(m, T.lmatrix())
        with pytest.raises(TypeError, match="must be integers"):
            nnet.crossentropy_softmax_argmax_1hot_with_bias(m, v, v)
        with pytest.raises(TypeError, match="one axis less"):
            nnet.crossentropy_softmax_argmax_1hot_with_bias(m, v, m.astype("int64"))
        with pytest.raises(TypeError, match="one gradient for each"):
            nnet.crossentropy_softmax_1hot_with_bias_dx(m, m, y)
        with pytest.raises(TypeError, match="one gradient for each row"):
            nnet.crossentropy_categorical_1hot_grad(m, m, y)
        with pytest.raises(TypeError, match="complex"):
            nnet.softmax_with_bias(T.zmatrix(), v)
        with pytest.raises(ValueError, match="3 columns, but the bias has 2"):
            nnet.softmax_with_bias(T.as_tensor_variable(np.ones((2, 3))), T.as_tensor_variable(np.ones(2)))

    @pytest.mark.parametrize("mode", [*MODES, theano.Mode("py", None), theano.Mode("cvm", None)], ids=str)
    @pytest.mark.parametrize(
        "labels, error",
        [([0, 3], IndexError), ([-1, 0], IndexError), ([0], ValueError), ([0, 1, 2], ValueError), ([], ValueError)],
    )
    @pytest.mark.parametrize("name", ["categorical", "categorical_grad", "argmax_1hot", "dx"])
    def test_wrong_labels(self, name, labels, error, mode):
        build, _, arrays = cases(rows=2, columns=3)[name]
        inputs = variables(arrays)
        f = theano.function(inputs, build(*inputs), mode=mode)
        f(*arrays)
        with pytest.raises(error):
            f(*arrays[:-1], np.array(labels, "int64"))

    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("number", range(3))
    @pytest.mark.parametrize(
        "labels, error", [([0, 3], IndexError), ([-1, 0], IndexError), ([2**62, 0], IndexError), ([0], ValueError)])
    def test_what_is_alone_in_being_used(self, number, labels, error, mode):
        """The softmax and the positions of maxima need no labels, and wrong ones are noticed all the same."""
        x, b, y = T.dmatrix(), T.dvector(), T.lvector()
        out = nnet.crossentropy_softmax_argmax_1hot_with_bias(x, b, y)[number]
        f = theano.function([x, b, y], out, mode=mode)
        assert f(np.ones((2, 3)), np.ones(3), [2, 0]).shape[0] == 2
        with pytest.raises(error):
            f(np.ones((2, 3)), np.ones(3), labels)

    def test_losses_check_their_labels_once(self):
        x, b, y = T.dmatrix(), T.dvector(), T.ivector()
        loss = nnet.crossentropy_softmax_argmax_1hot_with_bias(x, b, y)[0].mean()
        f = theano.function([x, b, y], [loss, *grad(loss, [x, b])])
        assert "InsideAxes" not in {type(node.op).__name__ for node in f.maker.fgraph.apply_nodes}

    @pytest.mark.parametrize("mode", [*MODES, theano.Mode("py", None)], ids=str)
    def test_a_bias_that_does_not_fit(self, mode):
        x, b = T.dmatrix(), T.dvector()
        f = theano.function([x, b], nnet.softmax_with_bias(x, b), mode=mode)
        for n in (1, 2, 4):
            with pytest.raises(ValueError):
                f(np.ones((2, 3)), np.ones(n))

    def test_a_negative_label_is_named(self):
        p, y = T.dmatrix(), T.lvector()
        for mode in MODES:
            f = theano.function([p, y], nnet.categorical_crossentropy(p, y), mode=mode)
            with pytest.raises(IndexError, match=r"not be negative, got -2 at position \(1,\)"):
                f(np.ones((3, 2)), [0, -2, 1])


class Test_class_numbers:
    @pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "uint32", "int64", "uint64"])
    def test_of_any_integers(self, dtype):
        x = np.random.default_rng(0).normal(size=(3, 200))
        labels = np.array([0, 127, 3], dtype)
        agree(selected, lambda x, y: x[np.arange(3), y], x, labels, modes=MODES)

    @pytest.mark.parametrize("mode", MODES)
    def test_extreme_labels(self, mode):
        x = T.dmatrix()
        for dtype, labels in (("int8", [-128]), ("int64", [-(2**63)]), ("int64", [2**63 - 1]), ("uint64", [2**64 - 1]),
                              ("int64", [-1])):
            y = T.vector(dtype=dtype)
            f = theano.function([x, y], selected(x, y), mode=mode)
            with pytest.raises(IndexError):
                f(np.ones((1, 200)), np.array(labels, dtype))

    def test_the_shape_is_enough_for_the_shape(self):
        x, y = T.dmatrix(), T.lvector()
        f = theano.function([x, y], selected(x, y).shape)
        assert not [n for n in f.maker.fgraph.toposort() if "Subtensor" in type(n.op).__name__]
        assert f(np.ones((2, 3)), [0, 1]).tolist() == [2]
        with pytest.raises(ValueError):
            f(np.ones((2, 3)), [0, 1, 2])

    def test_needs_lengths(self):
        with pytest.raises(TypeError, match="as many lengths"):
            ClassNumbers()(T.lvector())

    def test_other_integers_are_not_touched(self):
        """Indexing by hand keeps the meaning of negative numbers."""
        x, y = T.dmatrix(), T.lvector()
        f = theano.function([x, y], x[T.arange(y.shape[0]), y])
        assert f(np.arange(6.0).reshape(2, 3), [-1, 0]).tolist() == [2, 3]


class Test_rewrites:
    def graph(self, *outputs):
        return FunctionGraph(self.inputs, list(outputs))

    def setup_method(self):
        self.x, self.b, self.y = self.inputs = T.dmatrix("x"), T.dvector("b"), T.lvector("y")
        x, b, y = sample()
        self.arrays = [x, b, y]

    def names(self, fgraph):
        return [type(node.op).__name__ for node in toposort(fgraph.outputs)]

    def values(self, fgraph):
        return evaluate(fgraph.outputs, dict(zip(fgraph.inputs, self.arrays)))

    def same(self, before, after):
        for a, b in zip(before, after, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)

    def test_with_bias(self):
        p = nnet.softmax_with_bias(self.x, self.b)
        fgraph = self.graph(nnet.crossentropy_categorical_1hot(p, self.y), p)
        before = self.values(fgraph)
        nnet.crossentropy_to_crossentropy_with_softmax_with_bias.optimize(fgraph)
        assert self.names(fgraph) == ["CrossentropySoftmaxArgmax1HotWithBias"]
        self.same(before, self.values(fgraph))

    def test_without_bias(self):
        for axis in (None, 1, -1):
            p = nnet.softmax(self.x, axis=axis)
            fgraph = self.graph(nnet.crossentropy_categorical_1hot(p, self.y))
            before = self.values(fgraph)
            nnet.crossentropy_to_crossentropy_with_softmax.optimize(fgraph)
            assert self.names(fgraph)[-1] == "CrossentropySoftmaxArgmax1HotWithBias"
            self.same(before, self.values(fgraph))

    def test_the_other_axis_is_left_alone(self):
        p = nnet.softmax(self.x, axis=0)
        fgraph = self.graph(nnet.crossentropy_categorical_1hot(p, self.y))
        nnet.crossentropy_to_crossentropy_with_softmax.optimize(fgraph)
        assert "CrossentropySoftmaxArgmax1HotWithBias" not in self.names(fgraph)

    def test_merge(self):
        p = nnet.softmax_with_bias(self.x, self.b)
        nll = nnet.crossentropy_softmax_argmax_1hot_with_bias(self.x, self.b, self.y)[0]
        rewrite = theano.gof.opt.in2out(nnet.graph_merge_softmax_with_crossentropy_softmax)
        fgraph = self.graph(nll, p)
        before = self.values(fgraph)
        rewrite.optimize(fgraph)
        assert self.names(fgraph) == ["CrossentropySoftmaxArgmax1HotWithBias"]
        self.same(before, self.values(fgraph))
        alone = self.graph(p)
        rewrite.optimize(alone)
        assert self.names(alone) == ["SoftmaxWithBias"]

    def test_simplifier(self):
        e = T.exp(self.x)
        total = e.sum(axis=1, keepdims=True)
        above, below = nnet.softmax_simplifier([self.b, e], [total, self.y])
        assert above[0] is self.b and below == [self.y]
        values = dict(zip(self.inputs, self.arrays))
        np.testing.assert_allclose(evaluate([above[1]], values)[0], special.softmax(self.arrays[0], axis=1))
        other = T.exp(2 * self.x).sum(axis=1, keepdims=True)
        assert nnet.softmax_simplifier([e], [other]) == ([e], [other])
        assert nnet.softmax_simplifier([e], [e.sum(axis=1)])[1] != []

    def test_under_the_old_path(self):
        import theano.tensor.nnet.nnet as old

        assert old.softmax_simplifier is nnet.softmax_simplifier
        assert old.SoftmaxWithBias is nnet.SoftmaxWithBias
        with pytest.raises(AttributeError):
            old.no_such_name  # noqa: B018


def test_equal_ops_and_pickles():
    import pickle

    for name in ("SoftmaxWithBias", "CrossentropyCategorical1Hot", "CrossentropyCategorical1HotGrad",
                 "CrossentropySoftmaxArgmax1HotWithBias", "CrossentropySoftmax1HotWithBiasDx"):
        kind = getattr(nnet, name)
        assert kind() == kind() and hash(kind()) == hash(kind())
        assert pickle.loads(pickle.dumps(kind())) == kind()
