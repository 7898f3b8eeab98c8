"""Complex numbers: their parts, and making them from parts.

The gradient of a real cost C by a complex x is dC/dRe(x) + i dC/dIm(x). What the
native form is on complex inputs stands in `complex_pairs.py`; for real inputs the natural meaning is given.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from theano.scalar import facts as f
from theano.scalar.declare import elementwise
from theano.scalar.dtypes import complex_dtype, complex_out, float_out, is_complex, real_out, same_out_min8
from theano.scalar.op import ZERO, ScalarOp
from theano.scalar.trigonometric import cos, sin

real = elementwise(
    "real", dtype=real_out, compute="common", numpy=lambda x: np.real(x).copy(),
    grad=lambda z, x, gz: complex(gz, gz * 0) if is_complex(z.dtype) else gz, complex_grad="own",
    native=lambda b, x: x, facts=[f.projection, f.real_identity], ulp=0, doc="Real part; of a real x, x.",
)
imag = elementwise(
    "imag", dtype=real_out, compute="common", numpy=lambda x: np.imag(x).copy(),
    grad=lambda z, y, gz: complex(gz * 0, gz) if is_complex(z.dtype) else (ZERO,), complex_grad="own",
    native=lambda b, x: b.const(0, x.dtype), ulp=0, doc="Imaginary part; of a real x, 0.",
)
conj: ScalarOp = elementwise(
    "conj", dtype=same_out_min8, numpy=np.conjugate,
    grad=lambda x, y, gz: conj(gz) if is_complex(x.dtype) else gz, complex_grad="own",
    native=lambda b, x: x, facts=[f.involution, f.real_identity, f.inverse("conj")],
    method=("conj", "conjugate"), ulp=0, doc="Complex conjugate; of a real x, x.",
)


def _angle_gradient(z: Any, angle: Any, gz: Any) -> Any:
    if not is_complex(z.dtype):
        return (ZERO,)
    x, y = real(z), imag(z)
    radius = abs(z)
    return complex(-gz * (y / radius / radius), gz * (x / radius / radius))


def _angle(z: Any) -> Any:
    return np.arctan2(np.imag(z).astype("float64"), np.real(z).astype("float64"))


def _native_angle(b: Any, x: Any) -> Any:
    x = b.cast(x, "float64")
    return b.math("atan2", b.const(0.0, "float64"), x)


angle = elementwise(
    "angle", dtype=float_out, compute="common", numpy=_angle, grad=_angle_gradient, complex_grad="own",
    native=_native_angle, facts=[f.values_in("[-3.1415926535897936, 3.1415926535897936]")], ulp=4,
    doc="Phase in [-pi, pi], always float64; of a real x, 0 or pi by its sign.",
)


def _from_parts(x: Any, y: Any) -> Any:
    # x + 1j * y would turn an infinite part into NaN in the other
    z = np.empty(np.broadcast_shapes(x.shape, y.shape), complex_dtype(str(np.result_type(x, y))))
    z.real, z.imag = x, y
    return z


complex: ScalarOp = elementwise(
    "complex", 2, dtype=complex_out, compute="own", numpy=_from_parts,
    grad=lambda x, y, z, gz: (real(gz), imag(gz)), complex_grad="own", ulp=0,
    doc="x + i y from two real inputs.",
)


def _from_polar(r: Any, t: Any) -> Any:
    width = "float32" if complex_dtype(str(np.result_type(r, t))) == "complex64" else "float64"
    r, t = r.astype(width), t.astype(width)
    return _from_parts(r * np.cos(t), r * np.sin(t))


def _polar_gradient(r: Any, t: Any, z: Any, gz: Any) -> tuple[Any, Any]:
    gx, gy = real(gz), imag(gz)
    return gx * cos(t) + gy * sin(t), gy * real(z) - gx * imag(z)


complex_from_polar = elementwise(
    "complex_from_polar", 2, dtype=complex_out, compute="own", numpy=_from_polar,
    grad=_polar_gradient, complex_grad="own", ulp=4,
    doc="r exp(i t) from modulus r and angle t.",
)
