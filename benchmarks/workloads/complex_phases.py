"""Complex arithmetic, element by element: a rotation by phases and a modulus, and the step of Mandelbrot's set."""

import numpy as np

TITLE = "complex arithmetic"
REFERENCE, TOLERANCE = "numpy", 1e-5
BARS = {"numpy": 1.0}
CASES = [f"{formula}, {dtype}, n = {n}" for formula in ("abs(exp(1j*x)*z + w)**2", "z*z + w")
         for dtype in ("complex64", "complex128") for n in ("1e3", "1e5", "1e6")]


def inputs(case):
    formula, dtype, size = case.split(", ")
    n, rng = int(float(size.removeprefix("n = "))), np.random.default_rng(0)
    z, w = ((rng.normal(size=n) + 1j * rng.normal(size=n)).astype(dtype) for _ in range(2))
    return {"x": rng.normal(size=n).astype(z.real.dtype) if "x" in formula.replace("exp", "") else z[:0].real,
            "z": z, "w": w}


def _formula(exp, x, z, w, i, rotates):
    return abs(exp(i * x) * z + w) ** 2 if rotates else z * z + w


def numpy(x, z, w):
    i = z.dtype.type(1j)
    return lambda: [_formula(np.exp, x, z, w, i, len(x))]


def theano(x, z, w):
    import theano
    import theano.tensor as T

    names = {"x": x, "z": z, "w": w} if len(x) else {"z": z, "w": w}
    variables = {name: T.vector(name, dtype=value.dtype.name) for name, value in names.items()}
    out = _formula(T.exp, variables.get("x"), variables["z"], variables["w"], z.dtype.type(1j), len(x))
    f, arrays = theano.function([*variables.values()], out), [*names.values()]
    return lambda: [f(*arrays)]


def jax(x, z, w):
    import jax
    import jax.numpy as jnp

    i, rotates = jnp.asarray(z.dtype.type(1j)), len(x)
    f = jax.jit(lambda x, z, w: _formula(jnp.exp, x, z, w, i, rotates))
    a, b, c = (jnp.asarray(v) for v in (x, z, w))
    return lambda: [f(a, b, c).block_until_ready()]
