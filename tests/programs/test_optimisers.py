"""Update rules and second-order methods: accumulators in shared variables, gradients of gradients."""

from collections import OrderedDict

import numpy as np
import pytest

import theano
import theano.tensor as T


def rosenbrock(v):
    return (100 * (v[1:] - v[:-1] ** 2) ** 2 + (1 - v[:-1]) ** 2).sum()


def rosenbrock_gradient(v):
    g = np.zeros_like(v)
    g[1:] += 200 * (v[1:] - v[:-1] ** 2)
    g[:-1] += -400 * v[:-1] * (v[1:] - v[:-1] ** 2) - 2 * (1 - v[:-1])
    return g


def sgd(params, grads, rate):
    return [(p, p - rate * g) for p, g in zip(params, grads)]


def momentum(params, grads, rate, mu=0.9):
    updates = OrderedDict()
    for p, g in zip(params, grads):
        velocity = theano.shared(p.get_value() * 0, name=f"{p.name}_velocity")
        step = T.cast(mu, p.dtype) * velocity - rate * g
        updates[velocity] = step
        updates[p] = p + step
    return updates


def nesterov(params, grads, rate, mu=0.9):
    updates = OrderedDict(sgd(params, grads, rate))
    for p in params:
        velocity = theano.shared(np.zeros(p.get_value(borrow=True).shape, p.dtype), broadcastable=p.broadcastable)
        x = T.cast(mu, p.dtype) * velocity + updates[p] - p
        updates[velocity] = x
        updates[p] = T.cast(mu, p.dtype) * x + updates[p]
    return updates


def adagrad(params, grads, rate, epsilon=1e-6):
    updates = []
    for p, g in zip(params, grads):
        seen = theano.shared(np.zeros_like(p.get_value()))
        total = seen + g**2
        updates += [(seen, total), (p, p - rate * g / T.sqrt(total + T.cast(epsilon, p.dtype)))]
    return updates


def rmsprop(params, grads, rate, rho=0.9, epsilon=1e-6):
    updates = []
    for p, g in zip(params, grads):
        seen = theano.shared(p.get_value() * 0.0)
        new = T.cast(rho, p.dtype) * seen + T.cast(1 - rho, p.dtype) * g**2
        updates.append((seen, new))
        updates.append((p, p - rate * g / T.sqrt(new + T.cast(epsilon, p.dtype))))
    return updates


def adam(params, grads, rate, b1=0.9, b2=0.999, epsilon=1e-8):
    updates = OrderedDict()
    t_prev = theano.shared(np.asarray(0.0, params[0].dtype))
    one = T.constant(1)
    t = t_prev + 1
    a_t = rate * T.sqrt(one - T.cast(b2, t.dtype) ** t) / (one - T.cast(b1, t.dtype) ** t)
    for p, g in zip(params, grads):
        value = p.get_value(borrow=True)
        m = theano.shared(np.zeros(value.shape, dtype=value.dtype), broadcastable=p.broadcastable)
        v = theano.shared(np.zeros(value.shape, dtype=value.dtype), broadcastable=p.broadcastable)
        m_t = T.cast(b1, p.dtype) * m + T.cast(1 - b1, p.dtype) * g
        v_t = T.cast(b2, p.dtype) * v + T.cast(1 - b2, p.dtype) * g**2
        updates[m], updates[v] = m_t, v_t
        updates[p] = p - a_t * m_t / (T.sqrt(v_t) + T.cast(epsilon, p.dtype))
    updates[t_prev] = t
    return updates


class InNumpy:
    """The same rules on one array."""

    def __init__(self, value):
        self.p, self.a, self.b, self.t = value.copy(), value * 0, value * 0, 0

    def sgd(self, g, rate):
        self.p -= rate * g

    def momentum(self, g, rate):
        self.a = 0.9 * self.a - rate * g
        self.p += self.a

    def nesterov(self, g, rate):
        x = 0.9 * self.a - rate * g
        self.p = 0.9 * x + self.p - rate * g
        self.a = x

    def adagrad(self, g, rate):
        self.a += g**2
        self.p -= rate * g / np.sqrt(self.a + 1e-6)

    def rmsprop(self, g, rate):
        self.a = 0.9 * self.a + 0.1 * g**2
        self.p -= rate * g / np.sqrt(self.a + 1e-6)

    def adam(self, g, rate):
        self.t += 1
        self.a, self.b = 0.9 * self.a + 0.1 * g, 0.999 * self.b + 0.001 * g**2
        scale = rate * np.sqrt(1 - 0.999**self.t) / (1 - 0.9**self.t)
        self.p -= scale * self.a / (np.sqrt(self.b) + 1e-8)


RULES = {"sgd": (sgd, 1e-4), "momentum": (momentum, 1e-4), "nesterov": (nesterov, 1e-4), "adagrad": (adagrad, 0.05),
         "rmsprop": (rmsprop, 0.01), "adam": (adam, 0.02)}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_update_rules(mode, floatX, close, rule):
    """Twenty steps over two parameters of different shapes, one of them 0-d, against the same rule in NumPy."""
    make, rate = RULES[rule]
    start = np.array([-1.2, 1.0, 0.5], floatX)
    v, s = theano.shared(start, "v"), theano.shared(np.asarray(2.0, floatX), "s")
    cost = (100 * (v[1:] - v[:-1] ** 2) ** 2 + (1 - v[:-1]) ** 2).sum() + (s - 1) ** 2 * v[0] ** 2
    updates = make([v, s], T.grad(cost, [v, s]), np.asarray(rate, floatX))
    train = theano.function([], cost, updates=updates, mode=mode)
    nv, ns = InNumpy(start.astype(float)), InNumpy(np.asarray(2.0))
    for _ in range(20):
        a, b = nv.p, float(ns.p)
        close(train(), rosenbrock(a) + (b - 1) ** 2 * a[0] ** 2, rtol=3e-3 if floatX == "float32" else 1e-9)
        ga = rosenbrock_gradient(a)
        ga[0] += (b - 1) ** 2 * 2 * a[0]
        gb = 2 * (b - 1) * a[0] ** 2
        getattr(nv, rule)(ga, rate)
        getattr(ns, rule)(np.asarray(gb), rate)
    close(v.get_value(), nv.p, rtol=3e-3 if floatX == "float32" else 1e-9)
    close(s.get_value(), ns.p, rtol=3e-3 if floatX == "float32" else 1e-9)


def test_clipped_gradients_and_decayed_rate(mode, floatX, close):
    """The norm of all gradients bounded, the rate a shared variable that its own update shrinks."""
    start = np.array([3.0, -4.0], floatX)
    w, rate = theano.shared(start, "w"), theano.shared(np.asarray(0.5, floatX), "rate")
    cost = (w**4).sum()
    (g,) = T.grad(cost, [w])
    norm = T.sqrt(T.sqr(g).sum())
    g = T.switch(T.ge(norm, 5), g * 5 / norm, g)
    step = theano.function([], norm, updates=[(w, w - rate * g), (rate, rate * T.cast(0.9, floatX))], mode=mode)
    value, r = start.astype(float), 0.5
    for _ in range(10):
        gn = 4 * value**3
        length = np.sqrt((gn**2).sum())
        close(step(), length, rtol=2e-3 if floatX == "float32" else 1e-9, atol=1e-3 if floatX == "float32" else 1e-9)
        value = value - r * (gn * 5 / length if length >= 5 else gn)
        r *= 0.9
    close(w.get_value(), value, rtol=2e-3 if floatX == "float32" else 1e-9, atol=1e-3 if floatX == "float32" else 1e-9)
    close(rate.get_value(), r)


def test_newtons_method(mode, floatX, close):
    """Steps solve with the Hessian of the Rosenbrock function; it converges in a handful."""
    x = T.vector("x")
    cost = (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()
    f = theano.function([x], [cost, T.grad(cost, x), theano.gradient.hessian(cost, x)], mode=mode)
    v = np.array([-1.2, 1.0, 0.8], floatX)
    _, g, h = f(v)
    close(g, rosenbrock_gradient(v.astype(float)), rtol=1e-3 if floatX == "float32" else 1e-9)
    a, b, c = v.astype(float)
    expected = [
        [1200 * a**2 - 400 * b + 2, -400 * a, 0.0],
        [-400 * a, 200 + 1200 * b**2 - 400 * c + 2, -400 * b],
        [0.0, -400 * b, 200.0],
    ]
    close(h, expected, rtol=1e-3 if floatX == "float32" else 1e-9)
    for _ in range(25):
        _, g, h = f(v)
        v = (v - np.linalg.solve(h.astype(float), g.astype(float))).astype(floatX)
    close(v, np.ones(3), rtol=1e-3 if floatX == "float32" else 1e-9)


def test_conjugate_gradient_with_hessian_products(mode, floatX, close):
    """A quadratic's minimum from products with its Hessian, made in two ways: grad of (grad . v), and Rop of grad."""
    rng = np.random.RandomState(0)
    root = rng.normal(size=(6, 6))
    matrix = (root @ root.T + np.eye(6)).astype(floatX)
    right = rng.normal(size=6).astype(floatX)
    A = theano.shared(matrix, "A")
    b = theano.shared(right, "b")
    x, v = T.vector("x"), T.vector("v")
    cost = T.dot(x, T.dot(A, x)) / 2 - T.dot(b, x)
    g = T.grad(cost, x)
    twice = T.grad(T.sum(g * v), x)
    forward = theano.gradient.Rop(g, x, v)
    gradient = theano.function([x], g, mode=mode)
    products = theano.function([x, v], [twice, forward], mode=mode, on_unused_input="ignore")
    tolerance = {"rtol": 2e-3, "atol": 1e-3} if floatX == "float32" else {"rtol": 1e-8, "atol": 1e-9}
    at = np.zeros(6, floatX)
    residual = -gradient(at)
    direction = residual.copy()
    for _ in range(6):
        first, second = products(at, direction)
        symmetric = (matrix.astype(float) + matrix.T) / 2
        close(first, symmetric @ direction, **tolerance)
        close(second, first, **tolerance)
        step = residual @ residual / (direction @ first)
        at = at + step * direction
        new = residual - step * first
        direction = new + (new @ new) / (residual @ residual) * direction
        residual = new
    close(at, np.linalg.solve(matrix.astype(float), right), rtol=1e-2 if floatX == "float32" else 1e-7, atol=1e-3
          if floatX == "float32" else 1e-9)


def test_gauss_newton_with_a_jacobian(mode, floatX, close):
    """An exponential decay fitted by least squares with the Jacobian of the residuals."""
    t = np.linspace(0, 2, 15).astype(floatX)
    observed = (3.0 * np.exp(-1.5 * t) + 0.5).astype(floatX)
    p, time, data = T.vector("p"), T.vector("t"), T.vector("data")
    residuals = p[0] * T.exp(-p[1] * time) + p[2] - data
    f = theano.function([p, time, data], [residuals, theano.gradient.jacobian(residuals, p)], mode=mode)
    at = np.array([2.0, 1.0, 0.0], floatX)
    r, J = f(at, t, observed)
    e = np.exp(-at[1] * t.astype(float))
    close(J, np.stack([e, -at[0] * t * e, np.ones(15)], axis=1))
    for _ in range(12):
        r, J = f(at, t, observed)
        at = (at - np.linalg.lstsq(J.astype(float), r.astype(float), rcond=None)[0]).astype(floatX)
    close(at, [3.0, 1.5, 0.5], rtol=1e-3 if floatX == "float32" else 1e-7)


def test_derivatives_of_derivatives(mode, floatX, close):
    """Four derivatives of one expression, each the gradient of the one before."""
    x = T.scalar("x")
    y = T.sin(x) * T.exp(-x) + x**5
    derivatives = [y]
    for _ in range(4):
        derivatives.append(T.grad(derivatives[-1], x))
    f = theano.function([x], derivatives, mode=mode)
    for v in (-0.5, 0.25, 2.0):
        e, s, c = np.exp(-v), np.sin(v), np.cos(v)
        expected = [
            s * e + v**5, e * (c - s) + 5 * v**4, -2 * e * c + 20 * v**3, 2 * e * (s + c) + 60 * v**2,
            -4 * e * s + 120 * v,
        ]  # fmt: skip
        for got, right in zip(f(v), expected):
            close(got, right, rtol=1e-3 if floatX == "float32" else 1e-9)
