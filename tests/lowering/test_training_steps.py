"""Programs of typical training steps: what they compute into fresh memory, what in place; nothing is copied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

import theano
import theano.tensor as T
from theano.lowering.program import Buffer, CallStep, KernelStep, Program, PyCallStep, ViewStep

rng = np.random.default_rng(0)


def shared(*shape: int) -> Any:
    return theano.shared(rng.normal(size=shape) * 0.1)


class Net:
    """A perceptron with one hidden layer, and its gradients."""

    def __init__(self) -> None:
        self.x, self.y = T.dmatrix("x"), T.lvector("y")
        self.parameters = [shared(8, 6), shared(6), shared(6, 3), shared(3)]
        w, b, v, c = self.parameters
        p = T.nnet.softmax(T.dot(T.nnet.relu(T.dot(self.x, w) + b), v) + c)
        self.cost = T.nnet.categorical_crossentropy(p, self.y).mean()
        self.gradients = T.grad(self.cost, self.parameters)

    def step(self, updates: Sequence[tuple[Any, Any]]) -> Program:
        f = theano.function([self.x, self.y], self.cost, updates=updates)
        f(rng.normal(size=(5, 8)), np.array([0, 2, 1, 1, 0]))
        return f.program  # type: ignore[no-any-return]


def is_copy(step: Any) -> bool:
    """Does a kernel move something and do nothing else?"""
    return isinstance(step, KernelStep) and (bool(step.base) or (
        all(i.op == "load" for i in step.kernel.body) and all(r.kind == "store" for r in step.kernel.results)
    ))


def in_place(step: Any) -> dict[int, Buffer]:
    """{number of an output: the input that it takes over}"""
    if isinstance(step, KernelStep):
        return {out: step.inputs[source] for out, source in step.inplace.items()}
    return {0: step.inputs[2]} if isinstance(step, CallStep) and step.inplace else {}


def fresh(program: Program) -> Counter[int]:
    """How many arrays of each rank get memory of their own."""
    found: Counter[int] = Counter()
    for step in program.steps:
        if not isinstance(step, ViewStep):
            taken = in_place(step)
            found.update(b.ndim for n, b in enumerate(step.outputs) if n not in taken)
    return found


def written_in_place(program: Program) -> int:
    """How many updates are written into the array of their shared variable."""
    root: dict[Buffer, Buffer] = {}
    for step in program.steps:
        for number, source in in_place(step).items():
            root[step.outputs[number]] = root.get(source, source)
        if isinstance(step, ViewStep):
            root[step.outputs[0]] = root.get(step.inputs[0], step.inputs[0])
    of_cell = {id(i.storage): i.buffer for i in program.inputs if i.storage is not None}
    return sum(root.get(o.buffer) is of_cell[id(o.storage)] for o in program.outputs if o.storage is not None)


def check(program: Program) -> None:
    assert not [step for step in program.steps if is_copy(step)]
    assert not [step for step in program.steps if isinstance(step, PyCallStep)]


def test_sgd() -> None:
    net = Net()
    program = net.step([(p, p - 0.1 * g) for p, g in zip(net.parameters, net.gradients, strict=True)])
    check(program)
    assert written_in_place(program) == 4
    # products go right into the parameters: x w, the hidden layer, its product, the exponentials, and that of the
    # gradient by the hidden layer, in which its gradient is computed
    assert fresh(program)[2] == 5
    calls = [step for step in program.steps if isinstance(step, CallStep)]
    assert len(calls) == 5
    assert sum(step.inplace for step in calls) == 2


def test_momentum() -> None:
    net = Net()
    updates = []
    for p, g in zip(net.parameters, net.gradients, strict=True):
        m = theano.shared(np.zeros_like(p.get_value()))
        new = 0.9 * m - 0.1 * g
        updates += [(m, new), (p, p + new)]
    program = net.step(updates)
    check(program)
    assert written_in_place(program) == 8
    assert fresh(program)[2] == 7     # and the two gradients by the weights


def test_adam() -> None:
    net = Net()
    t = theano.shared(np.float64(0))
    updates = [(t, t + 1)]
    for p, g in zip(net.parameters, net.gradients, strict=True):
        m, v = (theano.shared(np.zeros_like(p.get_value())) for _ in range(2))
        m_new, v_new = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        rate = 0.001 * T.sqrt(1 - 0.999 ** (t + 1)) / (1 - 0.9 ** (t + 1))
        updates += [(m, m_new), (v, v_new), (p, p - rate * m_new / (T.sqrt(v_new) + 1e-8))]
    program = net.step(updates)
    check(program)
    assert written_in_place(program) >= 12
    assert fresh(program)[2] == 7
    kernels = program.steps[program.commit_from:]
    assert sum(isinstance(step, KernelStep) for step in kernels) <= 5     # one for each parameter, and one for t


def test_recurrent_step() -> None:
    x, h = T.dmatrix("x"), T.dmatrix("h")
    u, w, b = shared(6, 6), shared(8, 6), shared(6)
    new = T.tanh(T.dot(x, w) + T.dot(h, u) + b)
    f = theano.function([x, h], new)
    check(f.program)
    assert fresh(f.program) == {2: 2}
    loss = ((new - 0.5) ** 2).sum()
    parameters = [u, w, b]
    gradients = T.grad(loss, parameters)
    f = theano.function([x, h], [loss, new], updates=[
        (p, p - 0.1 * g) for p, g in zip(parameters, gradients, strict=True)
    ])
    f(rng.normal(size=(5, 8)), rng.normal(size=(5, 6)))
    check(f.program)
    assert written_in_place(f.program) == 3
    assert fresh(f.program)[2] == 2


def test_rows_of_a_table() -> None:
    table, i, g = shared(50, 8), T.lvector("i"), T.dmatrix("g")
    f = theano.function([i, g], [], updates=[(table, T.inc_subtensor(table[i], -0.1 * T.tanh(g)))])
    check(f.program)
    assert written_in_place(f.program) == 1
    assert not fresh(f.program)
    cost = (table[i] * g).sum()
    f = theano.function([i, g], cost, updates=[(table, table - 0.1 * T.grad(cost, table))])
    check(f.program)
    assert written_in_place(f.program) == 1
    assert fresh(f.program) == {0: 1}


def test_a_reshaped_result_is_not_copied() -> None:
    a, b = T.dtensor3("a"), T.dmatrix("b")
    f = theano.function([a, b], T.dot(a, b))
    check(f.program)
    A, B = rng.normal(size=(3, 4, 5)), rng.normal(size=(5, 2))
    result = f(A, B)
    np.testing.assert_allclose(result, A @ B)
    assert result.flags.owndata
    assert result.flags.c_contiguous


def test_results_which_would_share_memory_are_copied() -> None:
    x = T.dmatrix("x")
    e = T.exp(x)
    X = rng.normal(size=(4, 6))
    E = np.exp(X)
    outputs = [e.reshape((-1,)), e, e.reshape((2, 12)), e.dimshuffle("x", 0, 1), e[:2].reshape((-1,)),
               e.T.reshape((-1,)), T.tanh(x).reshape((-1,))]
    expected = [E.ravel(), E, E.reshape(2, 12), E[None], E[:2].ravel(), E.T.ravel(), np.tanh(X).ravel()]
    for order in (1, -1):
        f = theano.function([x], outputs[::order])
        for _ in range(2):
            results = f(X)
            for got, wanted in zip(results, expected[::order], strict=True):
                np.testing.assert_allclose(got, wanted)
            for n, a in enumerate(results):
                assert a.flags.owndata
                assert a.flags.writeable
                assert not any(np.shares_memory(a, b) for b in results[:n])
                assert not np.shares_memory(a, X)
    s = theano.shared(np.zeros(24))
    f = theano.function([x], s.sum(), updates=[(s, (s.reshape((4, 6)) + x).reshape((-1,)))])
    for _ in range(3):
        f(X)
    np.testing.assert_allclose(s.get_value(), 3 * X.ravel())
