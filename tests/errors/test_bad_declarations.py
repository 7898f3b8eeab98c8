"""Mistakes made while an expression, a function or a shared variable is declared: refused at once, in plain words.

Each entry: the exception, a piece of its text, and the mistake. Texts are short, show no frames of the library, and
say what was given. A mistake that is not refused here would surface later, far from the line that made it.
"""

import os

import numpy as np
import pytest

import theano
import theano.tensor as tt
from theano import gradient
from theano.errors import DisconnectedInputError, MissingInputError, NullTypeGradError, UnusedInputError

PACKAGE = os.sep + os.path.join("src", "theano") + os.sep

x, y = tt.dvectors("x", "y")
m, n = tt.dmatrices("m", "n")
t3 = tt.dtensor3("t3")
s, c = tt.dscalars("s", "c")
i, j = tt.lscalars("i", "j")
p, q = tt.lvectors("p", "q")
a = tt.fmatrix("a")
mask = tt.TensorType("bool", (False,))("mask")
z = tt.zvector("z")
shared = theano.shared(np.ones(3), "w")
counter = theano.shared(0, "counter")
five = tt.TensorType("float64", (5,))("five")
three = tt.TensorType("float64", (3,))("three")
ragged = [[1.0], [1.0, 2.0]]
two_by_three = tt.TensorType("float64", (2, 3))("two_by_three")

FUNCTION = {
    "no list of inputs": (TypeError, "list", lambda: theano.function(x, x)),
    "inputs None": (TypeError, "", lambda: theano.function(None, x)),
    "an input that is a number": (TypeError, "1.0", lambda: theano.function([1.0], x)),
    "an input that is a string": (TypeError, "x", lambda: theano.function(["x"], x)),
    "an input that is None": (TypeError, "None", lambda: theano.function([None], x)),
    "an input that is a type": (TypeError, "", lambda: theano.function([tt.dvector], x)),
    "an input twice": (UnusedInputError, "twice", lambda: theano.function([x, x], x)),
    "an unused input": (UnusedInputError, "y", lambda: theano.function([x, y], x)),
    "a missing input": (MissingInputError, "y", lambda: theano.function([x], x + y)),
    "all inputs missing": (MissingInputError, "x", lambda: theano.function([], tt.exp(x).sum())),
    "a missing input of an update": (MissingInputError, "s", lambda: theano.function([], [], updates=[(shared,
        shared * s)])),
    "a shared input": (TypeError, "shared", lambda: theano.function([shared], shared * 2)),
    "a constant input": (TypeError, "constant", lambda: theano.function([tt.constant(1.0)], x)),
    "an output that is a number": (TypeError, "3", lambda: theano.function([x], 3)),
    "an output that is a list of lists": (TypeError, "", lambda: theano.function([x], [[x]])),
    "an output that is a string": (TypeError, "", lambda: theano.function([x], "x")),
    "an output that is None in a list": (TypeError, "None", lambda: theano.function([x], [x, None])),
    "keys of outputs": (AssertionError, "text", lambda: theano.function([x], {1: x})),
    "a mode": (ValueError, "FAST_RNU", lambda: theano.function([x], x, mode="FAST_RNU")),
    "a mode of another kind": ((TypeError, ValueError), "7", lambda: theano.function([x], x, mode=7)),
    "on_unused_input": (ValueError, "on_unused_input", lambda: theano.function([x], x, on_unused_input="no")),
    "an unknown keyword": (TypeError, "input", lambda: theano.function(input=[x], outputs=x)),
    "updates of a plain variable": (TypeError, "shared", lambda: theano.function([x], [], updates=[(x, x)])),
    "updates of a number": (TypeError, "", lambda: theano.function([x], x, updates=[(1, x)])),
    "updates that are no pairs": ((TypeError, ValueError), "pair", lambda: theano.function([x], x, updates=[shared])),
    "updates that are one pair": ((TypeError, ValueError), "pair", lambda: theano.function([x], x, updates=(shared,
        x))),
    "two updates of one": (ValueError, "w", lambda: theano.function([], [], updates=[(shared, shared), (shared, x)])),
    "an update of other dtype": (TypeError, "int64", lambda: theano.function([], [], updates=[(counter,
        counter + 1.5)])),
    "an update of other rank": (TypeError, "w", lambda: theano.function([], [], updates=[(shared, shared.sum())])),
    "an update that broadcasts": (
        TypeError, "unbroadcast", lambda: theano.function([], [], updates=[(shared, shared.sum(keepdims=True))])),
    "an update by a string": (TypeError, "", lambda: theano.function([], [], updates=[(shared, "zero")])),
    "an update by None": (TypeError, "", lambda: theano.function([], [], updates=[(shared, None)])),
    "givens for an input": (RuntimeError, "x", lambda: theano.function([x], x * 2, givens={x: y})),
    "givens of other type": (TypeError, "", lambda: theano.function([m], x * 2, givens={x: m})),
    "givens of a number": (TypeError, "", lambda: theano.function([x], x * 2, givens={1.0: x})),
    "givens that is no pair": ((TypeError, ValueError), "pair", lambda: theano.function([x], x * 2, givens=[x])),
    "givens by a ragged list": ((TypeError, ValueError), "", lambda: theano.function([], x * 2, givens={x: ragged})),
    "givens twice": ((ValueError, AssertionError), "", lambda: theano.function([y], x + y, givens=[(x, y), (x,
        y * 2)])),
    "In of a number": (TypeError, "", lambda: theano.In(1.0)),
    "In of None": (TypeError, "", lambda: theano.In(None)),
    "In, update of other type": (TypeError, "", lambda: theano.function([theano.In(x, value=[1.0], update=x.sum())],
        x)),
    "In, a value that does not fit": (TypeError, "", lambda: theano.function([theano.In(x, value=1.0)], x)),
    "In, a value that is text": (TypeError, "", lambda: theano.function([theano.In(x, value="one")], x)),
    "In, an unknown option": (TypeError, "", lambda: theano.In(x, defualt=1.0)),
    "Out of a number": (TypeError, "", lambda: theano.Out(1.0)),
    "Out, an unknown option": (TypeError, "", lambda: theano.Out(x, borow=True)),
    "Mode of an unknown linker": (ValueError, "gpu", lambda: theano.function([x], x, mode=theano.Mode("gpu"))),
    "Mode of an unknown optimizer": (
        ValueError, "o9", lambda: theano.function([x], x, mode=theano.Mode(optimizer="o9"))),
    "eval without a value": ((MissingInputError, TypeError), "y", lambda: (x + y).eval({x: [1.0]})),
    "eval of what is no variable": ((TypeError, ValueError), "", lambda: (x + y).eval({x: [1.0], y: [1.0], "t": 1})),
    "eval of a wrong value": (TypeError, "", lambda: (x * 2).eval({x: "one"})),
    "eval of no dictionary": (TypeError, "", lambda: (x * 2).eval([1.0])),
    "clone of a number": (TypeError, "", lambda: theano.clone(3)),
    "clone with other types": (TypeError, "", lambda: theano.clone(x * 2, {x: m})),
}  # fmt: skip

SHARED = {
    "a variable": (TypeError, "", lambda: theano.shared(x)),
    "an unknown option": (TypeError, "", lambda: theano.shared(np.ones(3), brodcastable=(True,))),
    "pattern of other rank": (TypeError, "", lambda: theano.shared(np.ones(3), broadcastable=(True, False))),
    "pattern that is not so": ((TypeError, ValueError), "", lambda: theano.shared(np.ones(3), broadcastable=(True,))),
    "set to other rank": (TypeError, "", lambda: shared.set_value(np.ones((2, 2)))),
    "set to a number": (TypeError, "", lambda: shared.set_value(1.0)),
    "set to text": (TypeError, "", lambda: shared.set_value("text")),
    "set to complex": (TypeError, "", lambda: shared.set_value(np.ones(3) * 1j)),
    "set to a variable": (TypeError, "", lambda: shared.set_value(x)),
    "set to ragged": ((TypeError, ValueError), "", lambda: shared.set_value(ragged)),
    "set an integer to a fraction": (TypeError, "", lambda: counter.set_value(1.5)),
    "set an integer beyond its dtype": (TypeError, "", lambda: counter.set_value(2**64)),
    "value as attribute": (Exception, "get_value", lambda: shared.value),
    "borrowed, of other dtype": (
        TypeError, "", lambda: theano.shared(np.ones(2, "float32")).set_value(np.ones(2), borrow=True)),
}  # fmt: skip

GRAD = {
    "of a vector": (TypeError, "scalar", lambda: theano.grad(x * 2, x)),
    "of a number": (TypeError, "", lambda: theano.grad(3.0, x)),
    "of None": ((TypeError, ValueError, AssertionError), "", lambda: theano.grad(None, x)),
    "of an integer": ((TypeError, DisconnectedInputError), "", lambda: theano.grad(p.sum() // 2, x)),
    "of complex": (TypeError, "", lambda: theano.grad(z.sum(), z)),
    "by a number": (TypeError, "", lambda: theano.grad(s * 2, 3.0)),
    "by a set": (TypeError, "", lambda: theano.grad(s * c, {s, c})),
    "by a string": (TypeError, "", lambda: theano.grad(s * 2, "s")),
    "by None": (TypeError, "", lambda: theano.grad(s * 2, None)),
    "disconnected": (DisconnectedInputError, "y", lambda: theano.grad(x.sum(), y)),
    "disconnected, of several": (DisconnectedInputError, "y", lambda: theano.grad(x.sum(), [x, y])),
    "built again": (DisconnectedInputError, "", lambda: theano.grad((x * 2).sum(), x * 2)),
    "through a shape": (DisconnectedInputError, "m", lambda: theano.grad(m.shape[0] * 1.0, m)),
    "through disconnected_grad": (
        DisconnectedInputError, "x", lambda: theano.grad(gradient.disconnected_grad(x).sum(), x)),
    "through a constant": (DisconnectedInputError, "x", lambda: theano.grad(tt.zeros((3,)).sum(), x)),
    "undefined": (NullTypeGradError, "", lambda: theano.grad(gradient.undefined_grad(x).sum(), x)),
    "disconnected_inputs": (ValueError, "never", lambda: theano.grad(x.sum(), y, disconnected_inputs="never")),
    "return_disconnected": (ValueError, "both", lambda: theano.grad(x.sum(), x, return_disconnected="both")),
    "null_gradients": (ValueError, "zero", lambda: theano.grad(x.sum(), x, null_gradients="zero")),
    "known gradients of other shape": ((TypeError, ValueError), "", lambda: theano.grad(None, x,
        known_grads={x * 2: s})),
    "Rop, lengths": (ValueError, "", lambda: theano.Rop([x * 2], [x], [x, x])),
    "Rop, rank": ((ValueError, TypeError), "", lambda: theano.Rop(x * 2, x, m)),
    "Lop, lengths": ((ValueError, AssertionError, TypeError), "", lambda: theano.Lop([x * 2], [x], [x, x])),
    "Lop, rank": ((ValueError, TypeError), "", lambda: theano.Lop(x * 2, x, m)),
    "jacobian of a number": (TypeError, "", lambda: gradient.jacobian(3.0, x)),
    "jacobian, disconnected": (DisconnectedInputError, "", lambda: gradient.jacobian(x * 2, y)),
    "hessian of a vector": ((ValueError, TypeError, AssertionError), "", lambda: gradient.hessian(x * 2, x)),
    "grad_clip, bounds": ((ValueError, AssertionError, TypeError), "", lambda: gradient.grad_clip(x, 1, -1)),
}  # fmt: skip

TYPES = {
    "a dtype": (TypeError, "float46", lambda: tt.TensorType("float46", (False,))),
    "a dtype of objects": (TypeError, "object", lambda: tt.TensorType(object, ())),
    "a dtype of text": (TypeError, "", lambda: tt.tensor(dtype="U5", broadcastable=())),
    "a pattern of text": ((TypeError, ValueError), "", lambda: tt.TensorType("float64", ("a",))),
    "a negative length": (ValueError, "-2", lambda: tt.TensorType("float64", (-2,))),
    "a fraction of a length": (TypeError, "", lambda: tt.TensorType("float64", (2.5,))),
    "a pattern that is a number": ((TypeError, ValueError), "", lambda: tt.TensorType("float64", 2.5)),
    "a name that is a number": (TypeError, "", lambda: tt.dvector(3)),
    "a name that is a list": (TypeError, "", lambda: tt.dvector(["a"])),
    "a vector's dtype": (TypeError, "flot", lambda: tt.vector("v", dtype="flot")),
    "an unknown option": (TypeError, "", lambda: tt.vector(nmae="v")),
    "constant of None": (TypeError, "", lambda: tt.constant(None)),
    "constant of text": (TypeError, "", lambda: tt.constant("text")),
    "constant of objects": (TypeError, "", lambda: tt.constant(object())),
    "constant of a dictionary": (TypeError, "", lambda: tt.constant({})),
    "constant of a ragged list": ((TypeError, ValueError), "", lambda: tt.constant(ragged)),
    "constant of a variable": (TypeError, "", lambda: tt.constant(x)),
    "constant beyond all dtypes": ((TypeError, OverflowError, ValueError), "", lambda: tt.constant(10**30)),
    "constant that does not fit": ((TypeError, ValueError, OverflowError), "", lambda: tt.constant(300, dtype="int8")),
    "as_tensor_variable of a function": (TypeError, "", lambda: tt.as_tensor_variable(len)),
    "as_tensor_variable, rank": ((ValueError, TypeError), "", lambda: tt.as_tensor_variable(m, ndim=1)),
    "cast to nothing": (TypeError, "flaot32", lambda: x.astype("flaot32")),
    "cast of complex": (TypeError, "complex", lambda: z.astype("float64")),
    "truth of a comparison": (TypeError, "", lambda: bool(x > 0)),
    "a chained comparison": (TypeError, "", lambda: 0 < x < 1),
    "iterating": (TypeError, "", lambda: list(x)),
    "unpacking too many": (ValueError, "", lambda: _unpack(two_by_three)),
    "calling": (TypeError, "", lambda: x(3)),
    "assigning": (TypeError, "", lambda: x.__setitem__(0, 1.0)),
    "as a number": (TypeError, "", lambda: float(x)),
    "as an index": (TypeError, "", lambda: [1, 2, 3][i]),
    "as a range": (TypeError, "", lambda: range(i)),
}  # fmt: skip


def _unpack(v):
    u, w, k = v
    return u, w, k


EXPRESSIONS = {
    "add text": (TypeError, "", lambda: x + "a"),
    "add None": (TypeError, "", lambda: x + None),
    "add a list of text": (TypeError, "", lambda: x + ["a"]),
    "add known lengths": (ValueError, "5", lambda: five + three),
    "add a constant of other length": (ValueError, "", lambda: three + np.ones(4)),
    "subtract bools": (TypeError, "", lambda: mask - mask),
    "negate a bool": (TypeError, "", lambda: -mask),
    "and of floats": (TypeError, "", lambda: x & y),
    "invert a float": (TypeError, "", lambda: ~x),
    "shift": (TypeError, "", lambda: p << q),
    "round integers": (TypeError, "", lambda: tt.round(p)),
    "round, mode": ((ValueError, TypeError, Exception), "up", lambda: tt.round(x, mode="up")),
    "complex clip": (TypeError, "", lambda: tt.clip(z, 0, 1)),
    "exp of nothing": (TypeError, "", lambda: tt.exp()),
    "exp of two": (TypeError, "", lambda: tt.exp(x, y)),
    "exp of None": (TypeError, "", lambda: tt.exp(None)),
    "exp of a type": (TypeError, "", lambda: tt.exp(tt.dvector)),
    "switch of two": (TypeError, "", lambda: tt.switch(mask, x)),
    "dot, rank": (ValueError, "", lambda: tt.dot(x, five.dimshuffle(0, "x").dimshuffle(1, 0)) and tt.dot(three, five)),
    "dot, known lengths": (ValueError, "3", lambda: tt.dot(two_by_three, two_by_three)),
    "dot of None": (TypeError, "", lambda: tt.dot(m, None)),
    "matmul of a scalar": ((ValueError, TypeError), "", lambda: m @ s),
    "tensordot, axes": ((ValueError, TypeError), "", lambda: tt.tensordot(m, n, axes=3)),
    "tensordot, axis lists": ((ValueError, TypeError), "", lambda: tt.tensordot(m, n, axes=[[0, 1], [0]])),
    "tensordot, range": ((ValueError, IndexError), "", lambda: tt.tensordot(m, n, axes=[[2], [0]])),
    "batched_dot of vectors": (TypeError, "", lambda: tt.batched_dot(s, m)),
    "einsum, letters": (ValueError, "", lambda: tt.einsum("ij,jk->il", m, n)),
    "einsum, rank": (ValueError, "", lambda: tt.einsum("i,j", m, n)),
    "sum, axis": ((ValueError, IndexError), "2", lambda: m.sum(axis=2)),
    "sum, negative axis": ((ValueError, IndexError), "-3", lambda: m.sum(axis=-3)),
    "sum, axis twice": (ValueError, "", lambda: m.sum(axis=(0, 0))),
    "sum, axis twice by sign": (ValueError, "", lambda: m.sum(axis=(0, -2))),
    "sum, axis of text": (TypeError, "", lambda: m.sum(axis="rows")),
    "sum, fraction of an axis": (TypeError, "", lambda: m.sum(axis=0.5)),
    "sum, dtype": (TypeError, "", lambda: m.sum(dtype="flot")),
    "sum, symbolic axis": (TypeError, "", lambda: m.sum(axis=i)),
    "max of bool complex": (TypeError, "", lambda: z.max()),
    "argmax, axis": ((ValueError, IndexError), "", lambda: tt.argmax(m, axis=5)),
    "mean, unknown option": (TypeError, "", lambda: m.mean(axes=0)),
    "norm": ((ValueError, NotImplementedError), "", lambda: m.norm(0)),
    "index, too many": (IndexError, "", lambda: x[0, 0]),
    "index, float": (TypeError, "", lambda: x[1.0]),
    "index, text": (TypeError, "", lambda: x["a"]),
    "index, float variable": (TypeError, "", lambda: x[s]),
    "index, bool": (TypeError, "", lambda: x[True]),
    "index, two ellipses": (IndexError, "", lambda: t3[..., ..., 0]),
    "index, a list of floats": (TypeError, "", lambda: x[[0.5]]),
    "index, mask of other length": (IndexError, "", lambda: five[np.ones(4, bool)]),
    "index, mask of other rank": (IndexError, "", lambda: x[np.ones((2, 2), bool)]),
    "slice, float": (TypeError, "//", lambda: x[: s / 2]),
    "slice, true division": (TypeError, "//", lambda: x[: x.shape[0] / 2]),
    "slice, step 0": (ValueError, "step", lambda: x[::0]),
    "slice, vector bound": (TypeError, "", lambda: x[p:]),
    "set of a plain variable": (TypeError, "", lambda: tt.set_subtensor(x, 1.0)),
    "set, rank": ((ValueError, TypeError), "", lambda: tt.set_subtensor(m[0], m)),
    "set, known lengths": (ValueError, "", lambda: tt.set_subtensor(five[:3], np.ones(4))),
    "set to complex": (TypeError, "", lambda: tt.set_subtensor(x[0], 1j)),
    "set to text": (TypeError, "", lambda: tt.set_subtensor(x[0], "a")),
    "inc by None": (TypeError, "", lambda: tt.inc_subtensor(x[0], None)),
    "reshape, text": (TypeError, "", lambda: x.reshape("ab")),
    "reshape, floats": (TypeError, "", lambda: x.reshape((2.0, 3))),
    "reshape, two -1": (ValueError, "-1", lambda: x.reshape((-1, -1))),
    "reshape, known size": (ValueError, "", lambda: five.reshape((2, 3))),
    "dimshuffle, missing axis": (ValueError, "", lambda: m.dimshuffle(0)),
    "dimshuffle, beyond": (ValueError, "", lambda: m.dimshuffle(0, 2)),
    "dimshuffle, twice": (ValueError, "", lambda: m.dimshuffle(0, 0, 1)),
    "transpose": (ValueError, "", lambda: m.transpose(0, 1, 2)),
    "join of nothing": ((ValueError, TypeError), "", lambda: tt.join(0)),
    "join of ranks": ((ValueError, TypeError), "", lambda: tt.join(0, m, x)),
    "join, axis": ((ValueError, IndexError), "", lambda: tt.join(2, m, n)),
    "join of scalars": ((ValueError, TypeError), "", lambda: tt.join(0, s, c)),
    "join, known lengths": (ValueError, "", lambda: tt.join(0, two_by_three, two_by_three.T)),
    "join without axis": (TypeError, "", lambda: tt.join(m, n)),
    "concatenate of a variable": (TypeError, "", lambda: tt.concatenate(m)),
    "stack of nothing": ((ValueError, TypeError, Exception), "", lambda: tt.stack([])),
    "stack of ranks": ((ValueError, TypeError), "", lambda: tt.stack([m, x])),
    "stack, known lengths": (ValueError, "", lambda: tt.stack([three, five])),
    "stack, axis": ((ValueError, IndexError), "", lambda: tt.stack([x, y], axis=5)),
    "horizontal_stack of vectors": ((ValueError, TypeError, AssertionError), "", lambda: tt.horizontal_stack(x, y)),
    "split, sizes": ((ValueError, TypeError), "", lambda: tt.split(five, [2, 2], 2)),
    "split, number": ((ValueError, TypeError), "", lambda: tt.split(x, [2, 2], 3)),
    "tile": ((ValueError, TypeError), "", lambda: tt.tile(x, "a")),
    "repeat": ((ValueError, TypeError), "", lambda: tt.repeat(x, 1.5)),
    "repeat, negative": (ValueError, "", lambda: tt.repeat(x, -1)),
    "roll": ((ValueError, IndexError), "", lambda: tt.roll(x, 1, axis=3)),
    "alloc, fraction": (TypeError, "", lambda: tt.alloc(0.0, 1.5)),
    "zeros, negative": (ValueError, "-1", lambda: tt.zeros((2, -1))),
    "zeros, text": (TypeError, "", lambda: tt.zeros("ab")),
    "zeros, dtype": (TypeError, "known are bool, int8", lambda: tt.zeros((2,), dtype="flt")),
    "cast, dtype": (TypeError, "'flt' is not a dtype", lambda: tt.cast(m, "flt")),
    "eye, fraction": (TypeError, "", lambda: tt.eye(2.5)),
    "arange, step 0": ((ValueError, ZeroDivisionError), "", lambda: tt.arange(0, 5, 0)),
    "arange of a vector": (TypeError, "", lambda: tt.arange(x)),
    "diag of a scalar": ((ValueError, TypeError), "", lambda: tt.diag(s)),
    "softmax of a scalar": ((ValueError, TypeError), "", lambda: tt.nnet.softmax(s)),
    "crossentropy, dtype": (TypeError, "", lambda: tt.nnet.categorical_crossentropy(m, x)),
    "crossentropy, rank": ((TypeError, ValueError), "", lambda: tt.nnet.categorical_crossentropy(m, t3)),
    "sort, axis": ((ValueError, IndexError), "", lambda: tt.sort(x, axis=2)),
    "cumsum, axis": ((ValueError, IndexError), "", lambda: tt.cumsum(x, axis=2)),
    "take, mode": ((ValueError, TypeError), "round", lambda: tt.take(x, p, mode="round")),
    "nonzero of a scalar": ((ValueError, TypeError), "", lambda: s.nonzero()),
    "squeeze": ((ValueError, IndexError), "", lambda: two_by_three.squeeze(axis=0)),
    "specify_shape, rank": ((ValueError, TypeError), "", lambda: tt.specify_shape(x, (2, 3))),
    "addbroadcast, known": (ValueError, "", lambda: tt.addbroadcast(five, 0)),
    "a setting": ((ValueError, AttributeError), "", lambda: setattr(theano.config, "floatX", "float128")),
    "a setting in change_flags": (
        (ValueError, AttributeError), "", lambda: theano.config.change_flags(floatX="f128").__enter__()),
}  # fmt: skip

TABLES = {"function": FUNCTION, "shared": SHARED, "grad": GRAD, "types": TYPES, "expressions": EXPRESSIONS}
CASES = {f"{table}: {name}": case for table, cases in TABLES.items() for name, case in cases.items()}


@pytest.mark.parametrize("name", CASES)
def test_refused(name):
    kind, text, mistake = CASES[name]
    stored = shared.get_value(), counter.get_value()
    with pytest.raises(kind) as caught:
        mistake()
    message = str(caught.value)
    assert message.strip(), "no words"
    assert text in message, message
    assert len(message.splitlines()) <= 25, message
    assert PACKAGE not in message, message
    assert " object at 0x" not in message.replace("<object object at 0x", ""), message
    assert type(caught.value) not in (AttributeError, RecursionError, NameError, UnboundLocalError, StopIteration) or (
        kind is Exception or "config" in message or AttributeError in (kind if isinstance(kind, tuple) else (kind,))
    ), f"{type(caught.value).__name__}: {message}"
    assert shared.get_value().tolist() == stored[0].tolist() and counter.get_value() == stored[1]


def test_nothing_is_left_changed():
    """After all the mistakes above the objects that were misused work."""
    f = theano.function([x, y, s], [x + y, s * shared, theano.grad((x * y * s).sum(), x)])
    total, scaled, gradient_of_x = f([1.0, 2.0], [3.0, 4.0], 2.0)
    assert total.tolist() == [4.0, 6.0] and scaled.tolist() == [2.0, 2.0, 2.0] and gradient_of_x.tolist() == [6.0, 8.0]
    assert theano.config.floatX == "float64"
