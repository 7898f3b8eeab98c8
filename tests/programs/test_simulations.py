"""Simulations and scientific programs: physics, finance, images, automata."""

import math

import numpy as np

import theano
import theano.tensor as T


def test_leapfrog_of_hybrid_monte_carlo(mode, floatX, close):
    """Positions and momenta in shared state; the energy is nearly kept, and time runs backwards exactly."""
    precision = np.array([[2.0, 0.5], [0.5, 1.0]])
    P = theano.shared(precision.astype(floatX), "P")
    position = theano.shared(np.array([1.0, -0.5], floatX), "position")
    momentum = theano.shared(np.array([0.3, 0.7], floatX), "momentum")
    step = T.scalar("step")

    def energy(x):
        return T.dot(x, T.dot(P, x)) / 2 + (x**4).sum() / 4

    half = momentum - step / 2 * T.grad(energy(position), position)
    new = position + step * half
    after = half - step / 2 * theano.grad(energy(new), new)
    total = energy(position) + (momentum**2).sum() / 2
    leap = theano.function([step], total, updates=[(position, new), (momentum, after)], mode=mode)
    x, p = np.array([1.0, -0.5]), np.array([0.3, 0.7])
    h = float(np.asarray(0.05, floatX))
    energies = []
    for _ in range(40):
        energies.append(x @ precision @ x / 2 + (x**4).sum() / 4 + p @ p / 2)
        close(leap(h), energies[-1], rtol=1e-3 if floatX == "float32" else 1e-9)
        p = p - h / 2 * (precision @ x + x**3)
        x = x + h * p
        p = p - h / 2 * (precision @ x + x**3)
    single = floatX == "float32"
    close(position.get_value(), x, rtol=2e-3 if single else 1e-8, atol=1e-4 if single else 1e-10)
    assert np.ptp(energies) < 0.01
    for _ in range(40):
        leap(-h)
    close(position.get_value(), [1.0, -0.5], rtol=1e-3 if floatX == "float32" else 1e-8)


def test_option_price_and_greeks(mode, floatX, close):
    """Black and Scholes with the normal distribution from erf; delta, gamma, vega, theta, rho are its derivatives."""
    spot, strike, rate, volatility, time = T.scalars("spot", "strike", "rate", "volatility", "time")

    def cdf(v):
        return 0.5 * (1 + T.erf(v / T.cast(math.sqrt(2), floatX)))

    d1 = (T.log(spot / strike) + (rate + volatility**2 / 2) * time) / (volatility * T.sqrt(time))
    d2 = d1 - volatility * T.sqrt(time)
    call = spot * cdf(d1) - strike * T.exp(-rate * time) * cdf(d2)
    delta = T.grad(call, spot)
    greeks = [delta, T.grad(delta, spot), T.grad(call, volatility), -T.grad(call, time), T.grad(call, rate)]
    f = theano.function([spot, strike, rate, volatility, time], [call, *greeks], mode=mode)
    S, K, r, v, t = 100.0, 110.0, 0.03125, 0.25, 0.5
    n = lambda z: math.exp(-z * z / 2) / math.sqrt(2 * math.pi)  # noqa: E731
    N = lambda z: 0.5 * math.erfc(-z / math.sqrt(2))  # noqa: E731
    a = (math.log(S / K) + (r + v * v / 2) * t) / (v * math.sqrt(t))
    b = a - v * math.sqrt(t)
    discount = K * math.exp(-r * t)
    expected = [
        S * N(a) - discount * N(b), N(a), n(a) / (S * v * math.sqrt(t)), S * n(a) * math.sqrt(t),
        -S * n(a) * v / (2 * math.sqrt(t)) - r * discount * N(b), t * discount * N(b),
    ]  # fmt: skip
    for got, right in zip(f(S, K, r, v, t), expected):
        close(got, right, rtol=1e-3 if floatX == "float32" else 1e-9)


def test_gravity_of_many_bodies(mode, floatX, close):
    """All pairs by broadcasting; forces are minus the gradient of the potential; momentum is kept."""
    rng = np.random.RandomState(0)
    x0, m0 = rng.normal(size=(5, 3)).astype(floatX), rng.uniform(1, 2, size=5).astype(floatX)
    x, m = T.matrix("x"), T.vector("m")
    between = x.dimshuffle(0, "x", 1) - x.dimshuffle("x", 0, 1)
    distance2 = (between**2).sum(axis=2) + np.asarray(0.01, floatX)
    potential = -T.sum(T.triu(T.outer(m, m) / T.sqrt(distance2), k=1))
    force = -(between * (T.outer(m, m) / distance2**1.5).dimshuffle(0, 1, "x")).sum(axis=1)
    f = theano.function([x, m], [force, -T.grad(potential, x), potential], mode=mode)
    direct, derived, energy = f(x0, m0)
    wide, masses = x0.astype(float), m0.astype(float)
    expected, total = np.zeros((5, 3)), 0.0
    for i in range(5):
        for j in range(5):
            d = wide[i] - wide[j]
            d2 = d @ d + 0.01
            expected[i] -= masses[i] * masses[j] * d / d2**1.5
            if i < j:
                total -= masses[i] * masses[j] / np.sqrt(d2)
    close(direct, expected, rtol=1e-3 if floatX == "float32" else 1e-9, atol=1e-4 if floatX == "float32" else 1e-10)
    close(derived, expected, rtol=1e-3 if floatX == "float32" else 1e-9, atol=1e-4 if floatX == "float32" else 1e-10)
    close(energy, total, rtol=1e-3 if floatX == "float32" else 1e-9)
    np.testing.assert_allclose(direct.sum(axis=0), 0, atol=1e-4)


def test_game_of_life(mode):
    """Neighbours counted by rolling the board; a glider comes back shifted, wrapped around the edges."""
    board = np.zeros((8, 8), "int8")
    board[[0, 1, 2, 2, 2], [1, 2, 0, 1, 2]] = 1
    state = theano.shared(board, "state")
    around = sum(
        T.roll(T.roll(state, i, axis=0), j, axis=1) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)
    )
    alive = T.or_(T.eq(around, 3), T.and_(T.eq(state, 1), T.eq(around, 2)))
    tick = theano.function([], state.sum(), updates=[(state, T.cast(alive, "int8"))], mode=mode)
    for _ in range(4):
        assert tick() == 5
    assert np.array_equal(state.get_value(), np.roll(board, (1, 1), axis=(0, 1)))
    for _ in range(28):
        tick()
    assert np.array_equal(state.get_value(), board)


def test_edges_of_an_image(mode, floatX, close):
    """Differences by slicing written into zeros by set_subtensor, their magnitude, and a threshold mask."""
    rng = np.random.RandomState(1)
    image = rng.uniform(size=(6, 9)).astype(floatX)
    x = T.matrix("x")
    flat = T.zeros_like(x)
    dx = T.set_subtensor(flat[:, 1:-1], (x[:, 2:] - x[:, :-2]) / 2)
    dy = T.set_subtensor(flat[1:-1], (x[2:] - x[:-2]) / 2)
    size = T.sqrt(dx**2 + dy**2)
    edges = size > size.mean()
    strong = x[edges.nonzero()]
    f = theano.function([x], [size, edges, strong, T.set_subtensor(x[edges.nonzero()], 0.0)], mode=mode)
    wide = image.astype(float)
    nx, ny = np.zeros((6, 9)), np.zeros((6, 9))
    nx[:, 1:-1] = (wide[:, 2:] - wide[:, :-2]) / 2
    ny[1:-1] = (wide[2:] - wide[:-2]) / 2
    magnitude = np.hypot(nx, ny)
    got, mask, values, painted = f(image)
    close(got, magnitude)
    assert np.array_equal(mask, got > got.mean()) and np.array_equal(mask, magnitude > magnitude.mean())
    assert np.array_equal(values, image[mask]) and np.array_equal(painted, np.where(mask, np.asarray(0, floatX), image))


def test_heat_equation(mode, floatX, close):
    """An explicit scheme on a ring and one with fixed ends, both held in shared arrays that are updated in place."""
    start = np.exp(-np.linspace(-3, 3, 20) ** 2).astype(floatX)
    ring, bar = theano.shared(start, "ring"), theano.shared(start, "bar")
    k = np.asarray(0.2, floatX)
    new_ring = ring + k * (T.roll(ring, 1) - 2 * ring + T.roll(ring, -1))
    new_bar = T.inc_subtensor(bar[1:-1], k * (bar[2:] - 2 * bar[1:-1] + bar[:-2]))
    step = theano.function([], [ring.sum(), bar[0]], updates=[(ring, new_ring), (bar, new_bar)], mode=mode)
    a, b = start.astype(float), start.astype(float)
    for _ in range(50):
        heat, end = step()
        a = a + 0.2 * (np.roll(a, 1) - 2 * a + np.roll(a, -1))
        b = b.copy()
        b[1:-1] += 0.2 * (b[2:] - 2 * b[1:-1] + b[:-2])
        assert end == start[0]
    close(heat, start.astype(float).sum(), rtol=1e-4 if floatX == "float32" else 1e-10)
    close(ring.get_value(), a, rtol=1e-3 if floatX == "float32" else 1e-9)
    close(bar.get_value(), b, rtol=1e-3 if floatX == "float32" else 1e-9)


def test_mandelbrot_set(mode):
    """Escape times by repeated compiled steps on complex numbers; points outside stop moving."""
    re, im = np.meshgrid(np.linspace(-2, 0.5, 12), np.linspace(-1, 1, 9))
    c = re + 1j * im
    z, count, at = T.zmatrix("z"), T.lmatrix("count"), T.zmatrix("c")
    inside = T.le(abs(z), 2)
    step = theano.function([z, count, at], [T.switch(inside, z * z + at, z), count + inside], mode=mode)
    values, counts = np.zeros_like(c), np.zeros(c.shape, int)
    zn, cn = values.copy(), counts.copy()
    for _ in range(20):
        values, counts = step(values, counts, c)
        keep = abs(zn) <= 2
        zn, cn = np.where(keep, zn * zn + c, zn), cn + keep
    assert counts.tolist() == cn.tolist() and 0 < (counts == 20).sum() < counts.size
    np.testing.assert_allclose(values, zn, rtol=1e-10)


def test_discrete_fourier_transform(mode, floatX, close):
    """A transform as two real products with tables from outer(arange, arange); a round trip and Parseval's identity."""
    rng = np.random.RandomState(2)
    signal = rng.normal(size=10).astype(floatX)
    x = T.vector("x")
    n = x.shape[0]
    k = T.cast(T.arange(n), floatX)
    angle = -2 * np.asarray(np.pi, floatX) * T.outer(k, k) / T.cast(n, floatX)
    real, imaginary = T.dot(T.cos(angle), x), T.dot(T.sin(angle), x)
    back = (T.dot(T.cos(angle), real) + T.dot(T.sin(angle), imaginary)) / T.cast(n, floatX)
    f = theano.function([x], [real, imaginary, back, (real**2 + imaginary**2).sum() / T.cast(n, floatX)], mode=mode)
    a, b, again, power = f(signal)
    spectrum = np.fft.fft(signal.astype(float))
    close(a, spectrum.real, rtol=1e-3 if floatX == "float32" else 1e-8, atol=1e-4 if floatX == "float32" else 1e-9)
    close(b, spectrum.imag, rtol=1e-3 if floatX == "float32" else 1e-8, atol=1e-4 if floatX == "float32" else 1e-9)
    close(again, signal, rtol=1e-3 if floatX == "float32" else 1e-8, atol=1e-4 if floatX == "float32" else 1e-9)
    close(power, (signal.astype(float) ** 2).sum(), rtol=1e-3 if floatX == "float32" else 1e-9)
    assert f(signal[:7])[0].shape == (7,)  # any length


def test_polynomials_and_splines(mode, floatX, close):
    """Horner's rule by a Python loop, a table lookup with searchsorted, and linear interpolation between its knots."""
    x, coefficients = T.vector("x"), [1.0, -2.0, 0.5, 3.0]
    value = T.zeros_like(x)
    for a in coefficients:
        value = value * x + np.asarray(a, floatX)
    knots = np.array([0.0, 0.5, 2.0, 3.0], floatX)
    heights = np.array([1.0, 3.0, -1.0, 0.0], floatX)
    K, H = theano.shared(knots, "K"), theano.shared(heights, "H")
    i = T.clip(T.searchsorted(K, x) - 1, 0, K.shape[0] - 2)
    part = (x - K[i]) / (K[i + 1] - K[i])
    line = H[i] * (1 - part) + H[i + 1] * part
    f = theano.function([x], [value, line, T.grad(line.sum(), x), T.grad(line.sum(), H)], mode=mode)
    at = np.array([0.1, 0.5, 1.0, 2.5, 3.0], floatX)
    polynomial, interpolated, slopes, shares = f(at)
    wide = at.astype(float)
    close(polynomial, np.polyval(coefficients, wide))
    close(interpolated, np.interp(wide, knots, heights))
    close(slopes, [4.0, 4.0, -8 / 3, 1.0, 1.0])
    close(shares, [0.8, 0.2 + 1 + 2 / 3, 1 / 3 + 0.5, 1.5])


def test_markov_chain(mode, floatX, close):
    """A transition matrix built from counts by inc_subtensor on pairs; its stationary distribution; its powers."""
    rng = np.random.RandomState(3)
    walk = rng.randint(4, size=60)
    steps = T.lvector("steps")
    counts = T.inc_subtensor(T.zeros((4, 4))[steps[:-1], steps[1:]], 1)
    P = (counts + 1) / (counts + 1).sum(axis=1, keepdims=True)
    power = P
    for _ in range(5):
        power = T.dot(power, power)
    f = theano.function([steps], [counts, P, power[0]], mode=mode)
    got, chain, limit = f(walk)
    expected = np.zeros((4, 4))
    np.add.at(expected, (walk[:-1], walk[1:]), 1)
    assert np.array_equal(got, expected)
    right = (expected + 1) / (expected + 1).sum(axis=1, keepdims=True)
    close(chain, right)
    close(limit, limit.astype(float) @ right, rtol=1e-3 if floatX == "float32" else 1e-9)
    close(limit.sum(), 1.0)


def test_state_machine_of_defaults(mode):
    """A counter, a switchable accumulator and a swap: defaults, implicit state, updates that see old values only."""
    a, b = theano.shared(np.array([1, 2]), "a"), theano.shared(np.array([3, 4]), "b")
    swap = theano.function([], [a, b], updates=[(a, b), (b, a)], mode=mode)
    first = [v.tolist() for v in swap()]
    second = [v.tolist() for v in swap()]
    assert first == [[1, 2], [3, 4]] and second == [[3, 4], [1, 2]]
    fib = theano.function([], a, updates={a: b, b: a + b}, mode=mode)
    assert [fib().tolist() for _ in range(5)] == [[1, 2], [3, 4], [4, 6], [7, 10], [11, 16]]
    x, s, on = T.dscalar("x"), T.dscalar("s"), T.bscalar("on")
    machine = theano.function(
        [x, theano.In(on, value=1), theano.In(s, value=0.0, update=T.switch(on, s + x, s), name="total")], s, mode=mode
    )
    assert [float(machine(v)) for v in (1, 2, 3)] == [0.0, 1.0, 3.0]
    assert float(machine(100, 0)) == 6.0 and float(machine(1)) == 6.0 and machine["total"] == 7.0
    machine["total"] = -1.0
    assert float(machine(0)) == -1.0
