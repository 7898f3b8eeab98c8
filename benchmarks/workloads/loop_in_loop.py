"""Loops in a loop, float64: how many steps points of the plane take to leave Mandelbrot's circle (at most 100), and a
recurrence of 100 steps in each of 100 steps of another, with the gradient by both sequences. NumPy's are Python loops
over numbers; Numba compiles the same functions, and the gradient written by hand."""

import numpy as np

TITLE = "float64, 100 × 100 steps"
REFERENCE, TOLERANCE = "numpy", 1e-9
BARS = {"numba": 1.0}
CASES = ["Mandelbrot counts", "short Mandelbrot counts", "nested recurrence", "nested recurrence, gradient"]
STEPS = 100


def inputs(case):
    rng = np.random.default_rng(0)
    if "Mandelbrot" in case:
        low, high = (-2.0, 0.5) if case[0] == "M" else (0.3, 2.0)
        return {"case": case, "x": rng.uniform(low, high, STEPS), "y": rng.uniform(-1, 1, STEPS)}
    return {"case": case, "x": rng.normal(size=STEPS), "y": rng.uniform(-0.9, 0.9, STEPS)}


def counts(x, y):
    found = np.empty(len(x), np.int64)
    for k in range(len(x)):
        a = b = 0.0
        n = 0
        while n < 100 and a * a + b * b < 4:
            a, b = a * a - b * b + x[k], 2 * a * b + y[k]
            n += 1
        found[k] = n
    return found


def recurrence(x, y):
    found = np.empty(len(x))
    h = 0.0
    for k in range(len(x)):
        for j in range(len(y)):
            h = h * y[j] + x[k] / (1 + h * h)
        found[k] = h
    return found


def gradient(x, y):
    """Of the sum of what `recurrence` returns."""
    n, m = len(x), len(y)
    kept = np.empty((n, m))
    h = 0.0
    for k in range(n):
        for j in range(m):
            kept[k, j] = h
            h = h * y[j] + x[k] / (1 + h * h)
    d_x, d_y = np.zeros(n), np.zeros(m)
    d = 0.0
    for k in range(n - 1, -1, -1):
        d += 1.0
        for j in range(m - 1, -1, -1):
            h = kept[k, j]
            part = 1 / (1 + h * h)
            d_y[j] += d * h
            d_x[k] += d * part
            d = d * (y[j] - 2 * h * x[k] * part * part)
    return d_x, d_y


def chosen(case, compiled):
    function = counts if "Mandelbrot" in case else gradient if "gradient" in case else recurrence
    function = compiled(function)
    return lambda *values: list(function(*values)) if "gradient" in case else [function(*values)]


def numpy(case, x, y):
    function = chosen(case, lambda python: python)
    return lambda: function(x, y)


def numba(case, x, y):
    from numba import njit

    function = chosen(case, njit)
    return lambda: function(x, y)


def theano(case, x, y):
    import theano
    import theano.tensor as T

    sx, sy = T.dvectors("x", "y")

    def count(_, point):
        start = T.constant(0.0, dtype="float64"), T.constant(0.0, dtype="float64"), T.constant(0, dtype="int64")
        last = theano.while_loop(
            lambda s: s[0] * s[0] + s[1] * s[1] < 4,
            lambda s: (s[0] * s[0] - s[1] * s[1] + point[0], 2 * s[0] * s[1] + point[1], s[2] + 1), start,
            max_steps=100,
        )  # fmt: skip
        return last[2], last[2]

    def outer(h, x_k):
        last, _ = theano.loop(lambda h, y_j: (h * y_j + x_k / (1 + h * h), None), h, sy)
        return last, last

    if "Mandelbrot" in case:
        results = [theano.loop(count, T.constant(0, dtype="int64"), (sx, sy))[1]]
    else:
        results = [theano.loop(outer, T.constant(0.0, dtype="float64"), sx)[1]]
        results = theano.grad(results[0].sum(), [sx, sy]) if "gradient" in case else results
    f = theano.function([sx, sy], results)
    return lambda: f(x, y)
