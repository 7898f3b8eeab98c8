"""Models of many random variables, in the manner of probabilistic-programming libraries, against scipy.stats.

Log densities are written with `switch` for bounds, `gammaln` for constants, and summed; the free variables become parts
of one vector through `theano.clone`, and the gradient by that vector is what a sampler would follow.

Counts are int64 in double precision and int16 in single: a function like `gammaln` of narrow integers is float32, and
what is computed from wide ones float64.
"""

from functools import reduce

import numpy as np
import pytest
from scipy import stats

import theano
import theano.tensor as T


def bound(logp, *conditions):
    return T.switch(reduce(T.mul, [T.ones_like(logp), *conditions]), logp, -np.inf)


def logpow(x, m):
    return T.switch(T.eq(x, 0), T.switch(T.eq(m, 0), 0.0, -np.inf), m * T.log(x))


def factln(n):
    return T.gammaln(n + 1)


def binomln(n, k):
    return factln(n) - factln(k) - factln(n - k)


def betaln(x, y):
    return T.gammaln(x) + T.gammaln(y) - T.gammaln(x + y)


def normal(x, mu, sd):
    tau = sd**-2.0
    return bound((-tau * (x - mu) ** 2 + T.log(tau / np.pi / 2.0)) / 2.0, sd > 0)


def gamma(x, alpha, beta):
    return bound(-T.gammaln(alpha) + logpow(beta, alpha) - beta * x + logpow(x, alpha - 1), x >= 0, alpha > 0, beta > 0)


def inverse_gamma(x, alpha, beta):
    return bound(logpow(beta, alpha) - T.gammaln(alpha) - beta / x + logpow(x, -alpha - 1), x > 0, alpha > 0, beta > 0)


def beta(x, a, b):
    return bound(logpow(x, a - 1) + logpow(1 - x, b - 1) - betaln(a, b), x >= 0, x <= 1, a > 0, b > 0)


def student_t(x, nu, mu, sd):
    lam = sd**-2
    return bound(
        T.gammaln((nu + 1.0) / 2.0) + 0.5 * T.log(lam / (nu * np.pi)) - T.gammaln(nu / 2.0)
        - (nu + 1.0) / 2.0 * T.log1p(lam * (x - mu) ** 2 / nu), lam > 0, nu > 0,
    )  # fmt: skip


def half_cauchy(x, b):
    return bound(float(np.log(2 / np.pi)) - T.log(b) - T.log1p((x / b) ** 2), x >= 0, b > 0)


def laplace(x, mu, b):
    return -T.log(2 * b) - abs(x - mu) / b


def lognormal(x, mu, tau):
    return bound(
        -0.5 * tau * (T.log(x) - mu) ** 2 + 0.5 * T.log(tau / (2.0 * np.pi)) - T.log(x), tau > 0, x > 0
    )


def weibull(x, alpha, beta):
    return bound(
        T.log(alpha) - T.log(beta) + (alpha - 1) * T.log(x / beta) - (x / beta) ** alpha, x >= 0, alpha > 0, beta > 0
    )


def von_mises(x, mu, kappa):
    return bound(
        kappa * T.cos(mu - x) - T.log(2 * np.pi) - T.log(T.i0(kappa)), x >= -np.pi, x <= np.pi, kappa >= 0
    )


def gumbel(x, mu, b):
    scaled = (x - mu) / b
    return bound(-scaled - T.exp(-scaled) - T.log(b), b > 0)


def wald(x, mu, lam):
    return bound(
        logpow(lam / (2.0 * np.pi), 0.5) - logpow(x, 1.5) - 0.5 * lam / x * ((x - mu) / mu) ** 2, x > 0, mu > 0, lam > 0
    )


def exgaussian(x, mu, sd, nu):
    below = 0.5 * (1 + T.erf((x - mu) / sd / 2**0.5 - sd / nu / 2**0.5))
    return bound(-T.log(nu) + (mu - x) / nu + 0.5 * (sd / nu) ** 2 + T.log(below), sd > 0, nu > 0)


def dirichlet(x, a):
    return bound(
        T.sum(logpow(x, a - 1) - T.gammaln(a), axis=-1) + T.gammaln(T.sum(a, axis=-1)),
        T.all(x >= 0), T.all(x <= 1), T.all(a > 0), a.ndim > 0,
    )  # fmt: skip


def multivariate_normal(x, mu, cov):
    chol = T.slinalg.cholesky(cov)
    delta = T.slinalg.solve_lower_triangular(chol, x - mu)
    constant = T.cast(x.shape[0], x.dtype) * float(np.log(2 * np.pi))
    return -0.5 * (constant + T.sum(delta**2)) - T.sum(T.log(T.diag(chol)))


def binomial(k, n, p):
    return bound(binomln(n, k) + logpow(p, k) + logpow(1 - p, n - k), k >= 0, k <= n, p >= 0, p <= 1)


def beta_binomial(k, n, a, b):
    return bound(binomln(n, k) + betaln(k + a, n - k + b) - betaln(a, b), k >= 0, k <= n, a > 0, b > 0)


def poisson(k, mu):
    logp = bound(logpow(mu, k) - factln(k) - mu, mu >= 0, k >= 0)
    return T.switch(1 * T.eq(mu, 0) * T.eq(k, 0), 0, logp)


def negative_binomial(k, mu, alpha):
    logp = bound(
        binomln(k + alpha - 1, k) + logpow(mu / (mu + alpha), k) + logpow(alpha / (mu + alpha), alpha),
        k >= 0, mu > 0, alpha > 0,
    )  # fmt: skip
    return T.switch(T.gt(alpha, 1e10), poisson(k, mu), logp)


def geometric(k, p):
    return bound(T.log(p) + logpow(1 - p, k - 1), p >= 0, p <= 1, k >= 1)


def zero_inflated_poisson(k, psi, theta):
    other = T.log(psi) + poisson(k, theta)
    return T.switch(T.gt(k, 0), other, T.log((1 - psi) + psi * T.exp(-theta)))


def multinomial(k, n, p):
    return factln(n) + T.sum(-factln(k) + logpow(p, k), axis=-1)


def categorical(k, p):
    return T.log(p[k])


C = stats
# name: (log density, the same by SciPy, values, parameters by which derivatives are taken too)
CONTINUOUS = {
    "normal": (normal, lambda x, m, s: C.norm.logpdf(x, m, s), np.array([-2.0, 0.0, 5.0]), (0.5, 1.5)),
    "gamma": (gamma, lambda x, a, b: C.gamma.logpdf(x, a, scale=1 / b), np.array([0.1, 1.0, 9.0]), (2.5, 0.7)),
    "inverse_gamma": (
        inverse_gamma, lambda x, a, b: C.invgamma.logpdf(x, a, scale=b), np.array([0.2, 1.0, 4.0]), (3.0, 2.0)
    ),
    "beta": (beta, C.beta.logpdf, np.array([0.1, 0.5, 0.95]), (2.5, 0.7)),
    "student_t": (
        student_t, lambda x, n, m, s: C.t.logpdf(x, n, m, s), np.array([-3.0, 0.3, 40.0]), (4.0, 0.1, 1.3)
    ),
    "half_cauchy": (half_cauchy, lambda x, b: C.halfcauchy.logpdf(x, scale=b), np.array([0.1, 2.0, 30.0]), (2.5,)),
    "laplace": (laplace, C.laplace.logpdf, np.array([-1.0, 0.2, 3.0]), (0.5, 1.2)),
    "lognormal": (
        lognormal, lambda x, m, t: C.lognorm.logpdf(x, t**-0.5, scale=np.exp(m)), np.array([0.2, 1.0, 7.0]), (0.3, 2.0)
    ),
    "weibull": (
        weibull, lambda x, a, b: C.weibull_min.logpdf(x, a, scale=b), np.array([0.2, 1.0, 3.0]), (1.7, 1.2)
    ),
    "von_mises": (von_mises, lambda x, m, k: C.vonmises.logpdf(x, k, m), np.array([-2.0, 0.3, 1.1]), (0.4, 1.5)),
    "gumbel": (gumbel, C.gumbel_r.logpdf, np.array([-1.0, 0.5, 6.0]), (0.5, 1.4)),
    "wald": (
        wald, lambda x, m, v: C.invgauss.logpdf(x, m / v, scale=v), np.array([0.3, 1.0, 4.0]), (1.3, 2.0)
    ),
    "exgaussian": (
        exgaussian, lambda x, m, s, n: C.exponnorm.logpdf(x, n / s, m, s), np.array([-0.5, 0.3, 4.0]), (0.1, 0.6, 1.5)
    ),
}  # fmt: skip
DISCRETE = {
    "binomial": (binomial, C.binom.logpmf, np.array([0, 3, 10]), (10.0, 0.35)),
    "beta_binomial": (beta_binomial, C.betabinom.logpmf, np.array([0, 3, 10]), (10.0, 2.0, 3.5)),
    "poisson": (poisson, C.poisson.logpmf, np.array([0, 2, 11]), (3.5,)),
    "negative_binomial": (
        negative_binomial, lambda k, m, a: C.nbinom.logpmf(k, a, a / (m + a)), np.array([0, 2, 11]), (3.5, 2.2)
    ),
    "geometric": (geometric, C.geom.logpmf, np.array([1, 2, 9]), (0.3,)),
    "zero_inflated_poisson": (
        zero_inflated_poisson, lambda k, p, m: np.log(p * C.poisson.pmf(k, m) + (1 - p) * (k == 0)),
        np.array([0, 1, 6]), (0.7, 2.5),
    ),
}  # fmt: skip


def derivative(f, at, step=1e-6):
    return (f(at + step) - f(at - step)) / (2 * step)


@pytest.fixture
def whole(floatX):
    """The dtype of counts in a program of this precision."""
    return "int64" if floatX == "float64" else "int16"


@pytest.mark.parametrize("name", [*CONTINUOUS, *DISCRETE])
def test_log_density_and_its_gradient(mode, floatX, close, whole, name):
    """Every log density at several values, and its derivatives by the value and by the parameters."""
    logp, by_scipy, values, parameters = {**CONTINUOUS, **DISCRETE}[name]
    continuous = name in CONTINUOUS
    x = T.vector("x", dtype=floatX if continuous else whole)
    symbols = [T.scalar(f"p{k}") for k in range(len(parameters))]
    terms = logp(x, *symbols)
    wrt = [x, *symbols] if continuous else symbols
    if name in ("binomial", "beta_binomial"):
        wrt = wrt[1:]  # the number of trials is an integer to SciPy
    f = theano.function([x, *symbols], [terms, *T.grad(terms.sum(), wrt)], mode=mode)
    given = [np.asarray(p, floatX) for p in parameters]
    wide = [float(p) for p in given]
    data = values.astype(x.dtype)
    got, *gradients = f(data, *given)
    tolerance = {"rtol": 2e-3, "atol": 2e-4} if floatX == "float32" else {"rtol": 1e-8, "atol": 1e-9}
    close(got, by_scipy(data.astype(float) if continuous else data, *wide), **tolerance)
    loose = {"rtol": 5e-3, "atol": 5e-3} if floatX == "float32" else {"rtol": 2e-6, "atol": 2e-6}
    for variable, gradient in zip(wrt, gradients):
        if variable is x:
            expected = derivative(lambda v: by_scipy(v, *wide), data.astype(float))
        else:
            k = symbols.index(variable)
            expected = derivative(lambda p, k=k: by_scipy(data, *wide[:k], p, *wide[k + 1 :]).sum(), wide[k])
        np.testing.assert_allclose(gradient, expected, err_msg=str(variable), **loose)


@pytest.mark.parametrize(
    "logp, inside, outside, parameters",
    [
        (gamma, 1.0, -1.0, (2.0, 1.0)), (beta, 0.5, 1.5, (2.0, 2.0)), (half_cauchy, 1.0, -1.0, (1.0,)),
        (lognormal, 1.0, -1.0, (0.0, 1.0)), (von_mises, 1.0, 4.0, (0.0, 1.0)), (weibull, 1.0, -1.0, (1.5, 1.0)),
    ],
)  # fmt: skip
def test_outside_of_the_support(mode, floatX, logp, inside, outside, parameters):
    """Minus infinity, and a gradient that is zero there and untouched elsewhere: no NaN from the branch not taken."""
    x = T.vector("x")
    terms = logp(x, *(np.asarray(p, floatX) for p in parameters))
    f = theano.function([x], [terms, T.grad(terms.sum(), x)], mode=mode)
    with np.errstate(all="ignore"):
        got, slope = f(np.array([inside, outside], floatX))
        alone, alone_slope = f(np.array([inside], floatX))
    assert got[1] == -np.inf and slope[1] == 0
    assert got[0] == alone[0] and slope[0] == alone_slope[0]
    assert np.isfinite(got[0]) and np.isfinite(slope[0])


@pytest.mark.parametrize("k, p, expected", [(0, 0.0, 0.0), (3, 0.0, -np.inf), (5, 1.0, 0.0), (4, 1.0, -np.inf)])
def test_certain_outcomes(mode, floatX, whole, k, p, expected):
    """Probabilities of exactly 0 and 1: the log density is exact, although 0 * log 0 stands in it."""
    chosen, of, q = T.scalar("chosen", dtype=whole), T.scalar("of", dtype=whole), T.scalar("q")
    with np.errstate(all="ignore"):
        got = theano.function([chosen, of, q], binomial(chosen, of, q), mode=mode)(k, 5, np.asarray(p, floatX))
    assert float(got) == expected


def test_vectors_that_are_one_draw(mode, floatX, close, whole):
    """Dirichlet, multinomial, categorical and the multivariate normal, with gradients by matrix and vector."""
    rng = np.random.RandomState(0)
    single = floatX == "float32"
    p0, a0 = np.array([0.2, 0.5, 0.3]), np.array([2.0, 1.5, 4.0])
    p, a = T.vector("p"), T.vector("a")
    terms = dirichlet(p, a)
    f = theano.function([p, a], [terms, *T.grad(terms, [p, a])], mode=mode)
    got, by_p, by_a = f(p0.astype(floatX), a0.astype(floatX))
    close(got, stats.dirichlet.logpdf(p0, a0), rtol=1e-3 if single else 1e-9)
    close(by_p, (a0 - 1) / p0, rtol=1e-3 if single else 1e-9)
    for k in range(3):
        d = np.eye(3)[k] * 1e-6
        expected = (stats.dirichlet.logpdf(p0, a0 + d) - stats.dirichlet.logpdf(p0, a0 - d)) / 2e-6
        np.testing.assert_allclose(by_a[k], expected, rtol=2e-3 if single else 1e-6)

    counts, k = T.vector("counts", dtype=whole), T.lscalar("k")
    total = T.cast(counts.sum(), whole)
    g = theano.function([counts, k, p], [multinomial(counts, total, p), categorical(k, p)], mode=mode)
    many, one = g(np.array([2, 0, 5], whole), 2, p0.astype(floatX))
    close(many, stats.multinomial.logpmf([2, 0, 5], 7, p0), rtol=1e-3 if single else 1e-9)
    close(one, np.log(p0[2]))

    root = rng.normal(size=(3, 3))
    cov0, x0, mu0 = root @ root.T + np.eye(3), rng.normal(size=3), rng.normal(size=3)
    x, mu, cov = T.vector("x"), T.vector("mu"), T.matrix("cov")
    terms = multivariate_normal(x, mu, cov)
    h = theano.function([x, mu, cov], [terms, *T.grad(terms, [x, mu, cov])], mode=mode)
    got, by_x, by_mu, by_cov = h(*(v.astype(floatX) for v in (x0, mu0, cov0)))
    close(got, stats.multivariate_normal.logpdf(x0, mu0, cov0), rtol=1e-3 if single else 1e-9)
    pulled = np.linalg.solve(cov0, x0 - mu0)
    close(by_x, -pulled, rtol=2e-3 if single else 1e-8, atol=1e-4 if single else 1e-10)
    close(by_mu, pulled, rtol=2e-3 if single else 1e-8, atol=1e-4 if single else 1e-10)
    both = (np.outer(pulled, pulled) - np.linalg.inv(cov0)) / 2
    close(by_cov + by_cov.T, both + both.T, rtol=5e-3 if single else 1e-7, atol=1e-3 if single else 1e-9)


def stick_breaking(y):
    """(a point of the simplex, the log determinant) of unconstrained numbers."""
    k = y.shape[0]
    eta = T.log(T.cast(k, y.dtype) - T.arange(k, dtype=y.dtype))
    z = T.nnet.sigmoid(y - eta)
    left = T.concatenate([T.ones(1, dtype=y.dtype), T.extra_ops.cumprod(1 - z)])
    x = T.concatenate([z, T.ones(1, dtype=y.dtype)]) * left
    return x, T.sum(T.log(left[:-1]) + T.log(z) + T.log1p(-z))


def test_joint_model_over_one_vector(mode, floatX, close, whole):
    """A hierarchical model; its free variables replaced by parts of one vector; value and gradient in one function."""
    rng = np.random.RandomState(1)
    groups, count = 4, 30
    group = rng.randint(groups, size=count)
    predictor = rng.normal(size=count).astype(floatX)
    observed = (0.5 * predictor + rng.normal(size=count)).astype(floatX)
    successes, trials = rng.binomial(8, 0.4, size=groups).astype(whole), np.full(groups, 8, whole)

    mu, log_sd, offsets, slope = T.scalar("mu"), T.scalar("log_sd"), T.vector("offsets"), T.scalar("slope")
    log_nu, logit_p, sticks = T.scalar("log_nu"), T.vector("logit_p"), T.vector("sticks")
    variables = {mu: (), log_sd: (), offsets: (groups,), slope: (), log_nu: (), logit_p: (groups,), sticks: (2,)}
    sd, nu, p = T.exp(log_sd), T.exp(log_nu), T.nnet.sigmoid(logit_p)
    weights, jacobian = stick_breaking(sticks)
    # the functions above would compute with 2.5 in single precision: T.log(2.5) is float32
    zero, one, two, three, ten, tenth, width = (
        T.constant(np.asarray(v, floatX)) for v in (0.0, 1.0, 2.0, 3.0, 10.0, 0.1, 2.5)
    )
    x, y = theano.shared(predictor, "predictor"), theano.shared(observed, "observed")
    terms = [
        normal(mu, zero, ten), half_cauchy(sd, width) + log_sd, normal(offsets, mu, sd), laplace(slope, zero, one),
        gamma(nu, two, tenth) + log_nu, student_t(y, nu, offsets[group] + slope * x, one),
        beta(p, two, three) + T.log(p) + T.log1p(-p), binomial(successes, trials, p),
        dirichlet(weights, np.array([1.0, 2.0, 3.0], floatX)) + jacobian,
    ]  # fmt: skip
    logp = T.add(*map(T.sum, terms))

    joined = T.concatenate([v.ravel() for v in variables])
    flat = joined.type("flat")
    replace, last = {}, 0
    for variable, shape in variables.items():
        size = int(np.prod(shape, dtype=int))
        replace[variable] = flat[last : last + size].reshape(shape).astype(variable.dtype)
        last += size
    flat_logp = theano.clone(logp, replace, strict=False)
    f = theano.function([theano.In(flat, borrow=True)], [flat_logp, T.grad(flat_logp, flat)], mode=mode)
    f.trust_input = True

    def expected(v):
        mu, log_sd, offsets, slope, log_nu, logit_p, sticks = np.split(v, [1, 2, 6, 7, 8, 12])
        p = 1 / (1 + np.exp(-logit_p))
        z = 1 / (1 + np.exp(-(sticks - np.log([2.0, 1.0]))))
        w = np.array([z[0], (1 - z[0]) * z[1], (1 - z[0]) * (1 - z[1])])
        jacobian = np.log([z[0] * (1 - z[0]), (1 - z[0]) * z[1] * (1 - z[1])]).sum()
        return sum(
            np.sum(term)
            for term in (
                C.norm.logpdf(mu, 0, 10), C.halfcauchy.logpdf(np.exp(log_sd), scale=2.5) + log_sd,
                C.norm.logpdf(offsets, mu, np.exp(log_sd)), C.laplace.logpdf(slope),
                C.gamma.logpdf(np.exp(log_nu), 2.0, scale=10.0) + log_nu,
                C.t.logpdf(observed, np.exp(log_nu), offsets[group] + slope * predictor, 1.0),
                C.beta.logpdf(p, 2.0, 3.0) + np.log(p * (1 - p)), C.binom.logpmf(successes, trials, p),
                C.dirichlet.logpdf(w, [1.0, 2.0, 3.0]) + jacobian,
            )
        )  # fmt: skip

    single = floatX == "float32"
    for _ in range(3):
        at = (rng.normal(size=last) * 0.7).astype(floatX)
        value, gradient = f(at)
        close(value, expected(at.astype(float)), rtol=1e-4 if single else 1e-10)
        slopes = [derivative(lambda s, k=k, at=at: expected(at + s * np.eye(last)[k]), 0.0) for k in range(last)]
        np.testing.assert_allclose(gradient, slopes, rtol=5e-3 if single else 1e-5, atol=5e-3 if single else 1e-5)
