"""The project's own figures: every row is a ratio to NumPy (or a bar in CPU seconds), measured in this run.

    python benchmarks/run.py [--only PATTERN] [--write]

`--write` puts the table into benchmarks/README.md. One thread. The peers (JAX, PyTorch)
are measured by `peers.py`, in environments of their own.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from measure import (
    ONE_THREAD,
    ROOT,
    cpu_of_process,
    in_fresh_process,
    interleaved,
    show,
    with_and_without_disk,
    write_table,
)

if os.environ.get("OMP_NUM_THREADS") != "1":  # libraries read these when they are loaded
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ONE_THREAD})

import numpy as np

import theano
import theano.tensor as T
from theano.backends.native import runtime, target


@dataclass
class Row:
    """One line of the table: lower is better unless `at_least`."""

    name: str
    value: float
    bar: float
    unit: str
    detail: str = ""
    at_least: bool = False

    @property
    def reached(self) -> bool:
        return self.value >= self.bar if self.at_least else self.value <= self.bar


CASES: dict[str, Callable[[], Iterator[Row]]] = {}


def case(function: Callable[[], Iterator[Row]]) -> Callable[[], Iterator[Row]]:
    CASES[function.__name__] = function
    return function


def against(name: str, bar: float, ours: Callable, theirs: Callable, seconds: float = 1.5) -> Row:
    """Our median over theirs."""
    t = interleaved({"ours": ours, "theirs": theirs}, seconds)
    return Row(name, t["ours"] / t["theirs"], bar, "× NumPy", f"{show(t['ours'])} and {show(t['theirs'])}")


@case
def start_up() -> Iterator[Row]:
    t = cpu_of_process({"ours": "import theano, theano.tensor", "numpy": "import numpy", "bare": "pass"})
    yield Row(
        "`import theano, theano.tensor`, CPU of the process", t["ours"] / t["numpy"], 2.0, "× `import numpy`",
        f"{show(t['ours'])} and {show(t['numpy'])}; python alone {show(t['bare'])}",
    )
    smallest, found = with_and_without_disk(
        "import theano, theano.tensor as T, time; s = time.process_time()\n"
        "a = T.dscalar(); b = T.dscalar(); f = theano.function([a, b], a + b); assert f(1.5, 2.5) == 4\n"
        "print(time.process_time() - s)"
    )
    yield Row("smallest program after import: build, compile, call", smallest, 0.15, "s CPU")
    yield Row("the same, machine code on disk", found, 0.1, "s CPU")
    step, found = with_and_without_disk(
        f"import sys; sys.path.insert(0, {str(ROOT / 'examples')!r})\n"
        "import digits, theano.tensor as T\n"
        "x, y = T.matrix('x'), T.ivector('y'); import theano, time; s = time.process_time()\n"
        "m = digits.hidden_layer(x)\n"
        "cost = -T.mean(T.log(m.probabilities)[T.arange(y.shape[0]), y]) + m.regularisation\n"
        "g = T.grad(cost, m.params)\n"
        "f = theano.function([x, y], cost, updates=[(p, p - 0.1 * d) for p, d in zip(m.params, g)])\n"
        "print(time.process_time() - s)"
    )
    yield Row("training step of the digits network: build, differentiate, compile, cold", step, 0.4, "s CPU")
    yield Row("the same, machine code on disk", found, 0.2, "s CPU")


@case
def calls() -> Iterator[Row]:
    a, b, v = T.dscalar(), T.dscalar(), T.dvector()
    add = theano.function([a, b], a + b)
    exp = theano.function([v], T.exp(v) * 2 + 1)
    state = theano.shared(np.zeros(3))
    update = theano.function([], [], updates=[(state, state * 0.5 + 1)])
    value = np.array([0.1, 0.2, 0.3])
    t = interleaved(
        {
            "add": lambda: add(1.5, 2.5),
            "exp": lambda: exp(value),
            "update": update,
            "numpy": lambda: np.exp(value) * 2 + 1,
        }
    )
    for name, key, bar in (
        ("call `f(1.5, 2.5)`", "add", 0.15),
        ("call `exp(x)*2+1` on a 3-vector", "exp", 0.4),
        ("call that updates a shared 3-vector", "update", 0.5),
    ):
        yield Row(name, t[key] / t["numpy"], bar, "× NumPy's `exp(v)*2+1`", f"{show(t[key])} and {show(t['numpy'])}")


@case
def transcendental() -> Iterator[Row]:
    bars = {("float64", 5): 0.4, ("float64", 7): 0.6, ("float32", 5): 0.85, ("float32", 7): 0.6}
    for (dtype, power), bar in bars.items():
        a, b = T.vector(dtype=dtype), T.vector(dtype=dtype)
        f = theano.function([a, b], T.tanh(a * b) + T.exp(-(a**2)) * T.log1p(b**2))
        rng = np.random.default_rng(0)
        x, y = rng.standard_normal((2, 10**power)).astype(dtype)
        yield against(
            f"`tanh(a*b) + exp(-a**2)*log1p(b**2)`, {dtype}, n = 1e{power}", bar,
            lambda f=f, x=x, y=y: f(x, y),
            lambda x=x, y=y: np.tanh(x * y) + np.exp(-(x**2)) * np.log1p(y**2), 4.0,
        )


@case
def bandwidth() -> Iterator[Row]:
    a, b = T.dvector(), T.dvector()
    f = theano.function([a, b], 2 * a + 3 * b - a * b / (1 + a * a))
    x, y = np.random.default_rng(0).standard_normal((2, 10**7))
    source, target = np.ones(15 * 10**6), np.zeros(15 * 10**6)  # the same bytes moved: 24 per element of x
    t = interleaved({"ours": lambda: f(x, y), "copy": lambda: np.copyto(target, source)}, 6.0)
    yield Row(
        "`2*a + 3*b - a*b/(1+a*a)`, n = 1e7: share of a copy's bandwidth", t["copy"] / t["ours"], 0.8, "",
        f"{show(t['ours'])} and {show(t['copy'])}", at_least=True,
    )


@case
def reduction() -> Iterator[Row]:
    x = T.dmatrix()
    f = theano.function([x], ((x - x.mean(1, keepdims=True)) ** 2).sum(1))
    value = np.random.default_rng(0).standard_normal((2000, 2000))
    yield against(
        "`((x - x.mean(1, keepdims=True))**2).sum(1)`, 2000×2000", 0.25, lambda: f(value),
        lambda: ((value - value.mean(1, keepdims=True)) ** 2).sum(1), 4.0,
    )


@case
def logistic_regression() -> Iterator[Row]:
    rng = np.random.default_rng(0)
    for dtype in ("float64", "float32"):
        images = rng.standard_normal((600, 784)).astype(dtype)
        labels = rng.integers(0, 10, 600)
        rate = np.asarray(0.1, dtype)
        x, y = T.matrix(dtype=dtype), T.lvector()
        W, b = theano.shared(np.zeros((784, 10), dtype)), theano.shared(np.zeros(10, dtype))
        p = T.nnet.softmax(T.dot(x, W) + b)
        cost = -T.mean(T.log(p)[T.arange(y.shape[0]), y])
        gW, gb = T.grad(cost, [W, b])
        f = theano.function([x, y], cost, updates=[(W, W - rate * gW), (b, b - rate * gb)])
        weights, bias = np.zeros((784, 10), dtype), np.zeros(10, dtype)
        rows = np.arange(600)

        def by_hand(weights=weights, bias=bias, images=images, labels=labels, rows=rows, rate=rate):
            scores = images @ weights
            scores += bias
            scores -= scores.max(1, keepdims=True)
            p = np.exp(scores)
            total = p.sum(1, keepdims=True)
            cost = np.log(total).mean() - scores[rows, labels].mean()
            p /= total
            p[rows, labels] -= 1
            p *= rate / 600
            weights -= images.T @ p
            bias -= p.sum(0)
            return cost

        yield against(
            f"logistic-regression step, batch 600×784×10, {dtype}", 1.0,
            lambda f=f, images=images, labels=labels: f(images, labels), by_hand, 3.0,
        )


@case
def softmax() -> Iterator[Row]:
    rng = np.random.default_rng(0)
    labels, places = rng.integers(0, 1000, 4000), np.arange(4000)
    for dtype in ("float64", "float32"):
        values = rng.standard_normal((4000, 1000)).astype(dtype)
        x, y = T.matrix(dtype=dtype), T.lvector()
        p = T.nnet.softmax(x)
        f = theano.function([x], p)
        cost = -T.mean(T.log(p)[T.arange(y.shape[0]), y])
        both = theano.function([x, y], [cost, T.grad(cost, x)])

        def by_hand(values=values):
            e = values - values.max(axis=1, keepdims=True)
            np.exp(e, out=e)
            e /= e.sum(axis=1, keepdims=True)
            return e

        def both_by_hand(by_hand=by_hand):
            e = by_hand()
            loss = -np.log(e[places, labels]).mean()
            e[places, labels] -= 1
            e /= e.dtype.type(len(labels))
            return loss, e

        yield against(f"softmax of rows, 4000×1000, {dtype}", 0.5, lambda f=f, values=values: f(values), by_hand, 3.0)
        yield against(
            f"cross-entropy of that with labels, and its gradient, {dtype}", 0.5,
            lambda f=both, values=values: f(values, labels), both_by_hand, 3.0,
        )


@case
def rows_of_a_table() -> Iterator[Row]:
    rng = np.random.default_rng(0)
    places = rng.integers(0, 10000, 4096)
    for dtype in ("float64", "float32"):
        table, values = rng.standard_normal((10000, 128)).astype(dtype), rng.standard_normal((4096, 128)).astype(dtype)
        w, i, v = T.matrix(dtype=dtype), T.lvector(), T.matrix(dtype=dtype)
        take = theano.function([w, i], w[i])
        gradient = theano.function([w, i, v], T.grad((w[i] ** 2 * v).sum(), w))
        shared, own = theano.shared(table.copy()), table.copy()
        update = theano.function([i, v], [], updates=[(shared, T.inc_subtensor(shared[i], v))])

        def by_hand(table=table, values=values):
            found = np.zeros_like(table)
            np.add.at(found, places, 2 * table[places] * values)
            return found

        yield against(
            f"4096 rows of a table of 10000×128, {dtype}", 1.0, lambda f=take, t=table: f(t, places),
            lambda t=table: t[places],
        )
        yield against(
            f"gradient of the squares of those, {dtype}", 0.2,
            lambda f=gradient, t=table, v=values: f(t, places, v), by_hand,
        )
        yield against(
            f"4096 rows added to a shared table, {dtype}", 0.2, lambda f=update, v=values: f(places, v),
            lambda t=own, v=values: np.add.at(t, places, v),
        )


CHAIN = """
import theano, theano.tensor as T, time
def chain(n):
    x = T.dvector(); y = x
    for i in range(n):
        y = T.tanh(y) * 0.5 + x if i % 2 else T.exp(-y)
    return x, y
x, y = chain(5); theano.function([x], y)
"""


NETWORK = """
import numpy as np, theano, theano.tensor as T, time
s = time.process_time()
x, y = T.dmatrices("xy")
weights = [theano.shared(np.ones((64, 64))) for _ in range({layers})]
biases = [theano.shared(np.ones(64)) for _ in range({layers})]
h = x
for w, b in zip(weights, biases): h = T.tanh(T.dot(h, w) + b)
cost = ((h - y) ** 2).mean()
f = theano.function([x, y], [cost, *T.grad(cost, weights + biases)])
f(np.ones((32, 64)), np.ones((32, 64)))
print(time.process_time() - s)
"""


@case
def deep_networks() -> Iterator[Row]:
    last = 0.0
    for layers, bar in ((4, 0.3), (16, 0.8), (64, 2.5), (128, float("inf"))):
        cold, warm = with_and_without_disk(NETWORK.format(layers=layers), 5)
        if layers < 128:
            yield Row(f"network of {layers} layers, gradients of all: build, compile, call", cold, bar, "s CPU")
            yield Row("the same, machine code on disk", warm, bar / 2, "s CPU")
        else:
            yield Row("networks: t(128) / t(64)", cold / last, 2.3, "", f"{show(cold)} and {show(last)}")
        last = cold


RECURRENT = f"""
import sys; sys.path.insert(0, {str(ROOT / "benchmarks")!r})
import theano, theano.tensor as T, time
from workloads import recurrent
inputs = recurrent.inputs("CELL gradient, batch 1"); s = time.process_time()
recurrent.theano(**inputs)()
print(time.process_time() - s)
"""


NESTED = """
import numpy as np, theano, theano.tensor as T, time
s = time.process_time()
x, w = T.dmatrix("x"), T.dscalar("w")
def row(values, total):
    inner, _ = theano.scan(lambda v, s: T.tanh(w * s + v), values, total)
    return inner[-1]
outer, _ = theano.scan(row, x, T.zeros((), "float64"))
f = theano.function([x, w], [outer[-1], *T.grad(outer.sum(), [x, w])])
f(np.ones((5, 7)), 0.5)
print(time.process_time() - s)
"""


@case
def loops_compiled() -> Iterator[Row]:
    programs = [(f"{cell} with the gradients of all parameters", RECURRENT.replace("CELL", cell), 0.5)
                for cell in ("LSTM", "GRU")]
    for name, program, bar in (*programs, ("a loop in a loop, with gradients", NESTED, 1.5)):
        cold, warm = with_and_without_disk(program, 5)
        yield Row(f"{name}: build, compile, call, cold", cold, bar, "s CPU")
        yield Row("the same, machine code on disk", warm, bar / 2, "s CPU")


@case
def longest_call() -> Iterator[Row]:
    longest = in_fresh_process(
        "import theano, theano.tensor as T, time\n"
        "a = T.dscalar(); f = theano.function([a], a + 1); clock = time.perf_counter; longest = 0\n"
        "for n in range(20000):\n"
        "    s = clock(); f(1.5); longest = max(longest, clock() - s)\n"
        "print(longest * 1e3)", 5
    )
    yield Row("longest of the first 20,000 calls, wall time", longest, float("inf"), "ms")


@case
def compile_time() -> Iterator[Row]:
    def seconds(n: int, what: str) -> float:
        return in_fresh_process(f"{CHAIN}\nx, y = chain({n}); s = time.process_time(); {what}\n"
                                "print(time.process_time() - s)", 5)

    one, two = seconds(1000, "theano.function([x], y)"), seconds(2000, "theano.function([x], y)")
    yield Row("chain of 1,000 links: compile", one, 1.0, "s CPU")
    yield Row("chains: t(2000) / t(1000)", two / one, 2.3, "", f"{show(two)} and {show(one)}")
    gradient = seconds(1000, "theano.function([x], T.grad(y.sum(), x))")
    yield Row("gradient of 1,000 links: differentiate and compile", gradient, 2.0, "s CPU")
    deep = in_fresh_process(
        "import theano, theano.tensor as T, time, pickle, io; s = time.process_time()\n"
        "x = T.dscalar(); y = x\n"
        "for _ in range(100_000): y = T.tanh(y)\n"
        "g = T.grad(y, x); theano.printing.debugprint(g, file=io.StringIO()); pickle.loads(pickle.dumps(y))\n"
        "f = theano.function([x], y); assert abs(f(1.0)) < 0.01\nprint(time.process_time() - s)", 1
    )
    yield Row("100,000 links: build, differentiate, print, pickle, compile, call", deep, float("inf"), "s CPU")


@case
def shapes() -> Iterator[Row]:
    a, b = T.dmatrix(), T.dvector()
    runtime.runtime().upgrade()
    made = []
    compile_module = target.Code.__init__
    target.Code.__init__ = lambda self, *args, **kwargs: made.append(args) or compile_module(self, *args, **kwargs)
    rng = np.random.default_rng(0)
    f = theano.function([a, b], (a * b).sum(1) + 0.125)
    for _ in range(1000):
        rows, columns = rng.integers(0, 40, 2)
        x, y = rng.standard_normal((rows, columns)), rng.standard_normal(columns)
        np.testing.assert_allclose(f(x, y), (x * y).sum(1) + 0.125, rtol=1e-10, atol=1e-12)
    target.Code.__init__ = compile_module
    yield Row("1,000 different shapes through one function", len(made), 1, "compilation")


@case
def memory() -> Iterator[Row]:
    # the kernel's high-water mark, reset after the inputs exist (ru_maxrss would be inherited from this process)
    excess = in_fresh_process(
        "import theano, theano.tensor as T, numpy as np\n"
        "def status(name):\n"
        "    return next(int(l.split()[1]) * 1024 for l in open('/proc/self/status') if l.startswith(name))\n"
        "x = T.dvector(); y = x\n"
        "for i in range(10): y = T.tanh(y) + 0.5 * x\n"
        "f = theano.function([x], y); f(np.ones(1000))\n"
        "value = np.ones(10**7)\n"
        "open('/proc/self/clear_refs', 'w').write('5'); before = status('VmRSS')\n"
        "out = f(value)\n"
        "print((status('VmHWM') - before) / out.nbytes)", 3
    )
    yield Row(
        "peak memory of a fused chain over 1e7 float64, beyond the inputs (bar: output + 5 % of input and output)",
        excess, 1.1, "× the output",
    )


def table(rows: list[Row]) -> str:
    lines = ["| what | measured | bar | reached | detail |", "|---|---:|---:|---|---|"]
    for row in rows:
        sign = "≥" if row.at_least else "≤"
        bar = "" if row.bar == float("inf") else f"{sign} {row.bar:g}"
        reached = "yes" if row.reached else "**no**"
        lines.append(f"| {row.name} | {row.value:.3g} {row.unit} | {bar} | {reached} | {row.detail} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="*", help="cases to run, a pattern such as 'c*'")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/README.md")
    options = parser.parse_args()
    rows = []
    for name, function in CASES.items():
        if fnmatch.fnmatch(name, options.only):
            for row in function():
                rows.append(row)
                print(f"{row.name}: {row.value:.3g} {row.unit} (bar {row.bar:g}) {row.detail}", flush=True)
    text = table(rows)
    print("\n" + text)
    if options.write:
        stamp = f"Measured on {date.today()}, Python {platform.python_version()}, NumPy {np.__version__}, one thread."
        write_table("table", [stamp, "", text])


if __name__ == "__main__":
    main()
