"""theano.scalar: dtypes, promotion, autocast of Python numbers, and the records of all elementwise ops.

`ScalarOp.registry` holds the records; one file per family declares them with `elementwise()` (`declare.py`). To add an
op, add a record to its family: its name in `theano.tensor`, the methods of variables, the contract and gradient tests
and the native form follow from it. There is no separate graph of scalars: a record applied to anything builds a
tensor node, and 0-d tensors are the scalars (`theano.scalar.float64` is such a type). Users' own ops: `user_ops.py`.

Functions of `theano.tensor` that are no records but are built from them:

    round(mode=), iround           round_half_to_even, round_half_away_from_zero, a cast
    divmod, mod_check, div_proxy   int_div, mod, true_div
    isclose, allclose              abs_, sub, le, eq, isnan, isinf, and_, or_
    cast                           cast_to(dtype)
    fill                           second
    relu, elu, selu, losses        maximum, switch, expm1, softplus, ... (theano.tensor.nnet)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from theano.scalar.activation import hard_sigmoid as hard_sigmoid
from theano.scalar.activation import sigmoid as sigmoid
from theano.scalar.activation import softplus as softplus
from theano.scalar.activation import softsign as softsign
from theano.scalar.activation import ultra_fast_sigmoid as ultra_fast_sigmoid
from theano.scalar.arithmetic import abs_ as abs_
from theano.scalar.arithmetic import add as add
from theano.scalar.arithmetic import ceil_intdiv as ceil_intdiv
from theano.scalar.arithmetic import hypot as hypot
from theano.scalar.arithmetic import int_div as int_div
from theano.scalar.arithmetic import int_or_true_div as int_or_true_div
from theano.scalar.arithmetic import inv as inv
from theano.scalar.arithmetic import mod as mod
from theano.scalar.arithmetic import mul as mul
from theano.scalar.arithmetic import neg as neg
from theano.scalar.arithmetic import sgn as sgn
from theano.scalar.arithmetic import sqr as sqr
from theano.scalar.arithmetic import sqrt as sqrt
from theano.scalar.arithmetic import sub as sub
from theano.scalar.arithmetic import true_div as true_div
from theano.scalar.autocast import NumpyAutocaster as NumpyAutocaster
from theano.scalar.autocast import autocast_float as autocast_float
from theano.scalar.autocast import autocast_float_as as autocast_float_as
from theano.scalar.autocast import autocast_int as autocast_int
from theano.scalar.autocast import constant_dtype as constant_dtype
from theano.scalar.classes import record_classes as record_classes
from theano.scalar.comparison import eq as eq
from theano.scalar.comparison import ge as ge
from theano.scalar.comparison import gt as gt
from theano.scalar.comparison import isinf as isinf
from theano.scalar.comparison import isnan as isnan
from theano.scalar.comparison import le as le
from theano.scalar.comparison import lt as lt
from theano.scalar.comparison import neq as neq
from theano.scalar.complex_numbers import angle as angle
from theano.scalar.complex_numbers import complex as complex
from theano.scalar.complex_numbers import complex_from_polar as complex_from_polar
from theano.scalar.complex_numbers import conj as conj
from theano.scalar.complex_numbers import imag as imag
from theano.scalar.complex_numbers import real as real
from theano.scalar.declare import elementwise as elementwise
from theano.scalar.dtypes import ComplexError as ComplexError
from theano.scalar.dtypes import IntegerDivisionError as IntegerDivisionError
from theano.scalar.dtypes import all_dtypes as all_dtypes
from theano.scalar.dtypes import complex_dtypes as complex_dtypes
from theano.scalar.dtypes import continuous_dtypes as continuous_dtypes
from theano.scalar.dtypes import discrete_dtypes as discrete_dtypes
from theano.scalar.dtypes import float_dtypes as float_dtypes
from theano.scalar.dtypes import float_out as float_out
from theano.scalar.dtypes import float_out_nocomplex as float_out_nocomplex
from theano.scalar.dtypes import int_dtypes as int_dtypes
from theano.scalar.dtypes import int_out as int_out
from theano.scalar.dtypes import int_out_nocomplex as int_out_nocomplex
from theano.scalar.dtypes import integer_dtypes as integer_dtypes
from theano.scalar.dtypes import real_out as real_out
from theano.scalar.dtypes import same_out as same_out
from theano.scalar.dtypes import same_out_float_only as same_out_float_only
from theano.scalar.dtypes import same_out_min8 as same_out_min8
from theano.scalar.dtypes import same_out_nobool as same_out_nobool
from theano.scalar.dtypes import same_out_nocomplex as same_out_nocomplex
from theano.scalar.dtypes import specific_out as specific_out
from theano.scalar.dtypes import uint_dtypes as uint_dtypes
from theano.scalar.dtypes import upcast as upcast
from theano.scalar.dtypes import upcast_out as upcast_out
from theano.scalar.dtypes import upcast_out_min8 as upcast_out_min8
from theano.scalar.dtypes import upcast_out_no_complex as upcast_out_no_complex
from theano.scalar.dtypes import upcast_out_nobool as upcast_out_nobool
from theano.scalar.dtypes import upgrade_to_float as upgrade_to_float
from theano.scalar.dtypes import upgrade_to_float64 as upgrade_to_float64
from theano.scalar.dtypes import upgrade_to_float_no_complex as upgrade_to_float_no_complex
from theano.scalar.exponential import exp as exp
from theano.scalar.exponential import exp2 as exp2
from theano.scalar.exponential import expm1 as expm1
from theano.scalar.exponential import log as log
from theano.scalar.exponential import log1mexp as log1mexp
from theano.scalar.exponential import log1p as log1p
from theano.scalar.exponential import log2 as log2
from theano.scalar.exponential import log10 as log10
from theano.scalar.exponential import log_product as log_product
from theano.scalar.exponential import log_quotient as log_quotient
from theano.scalar.exponential import logaddexp as logaddexp
from theano.scalar.exponential import pow as pow
from theano.scalar.exponential import xlogx as xlogx
from theano.scalar.exponential import xlogy0 as xlogy0
from theano.scalar.hyperbolic import arccosh as arccosh
from theano.scalar.hyperbolic import arcsinh as arcsinh
from theano.scalar.hyperbolic import arctanh as arctanh
from theano.scalar.hyperbolic import cosh as cosh
from theano.scalar.hyperbolic import sinh as sinh
from theano.scalar.hyperbolic import tanh as tanh
from theano.scalar.logic import and_ as and_
from theano.scalar.logic import inclosedrange as inclosedrange
from theano.scalar.logic import inopenrange as inopenrange
from theano.scalar.logic import invert as invert
from theano.scalar.logic import or_ as or_
from theano.scalar.logic import xor as xor
from theano.scalar.op import NativeBuilder as NativeBuilder
from theano.scalar.op import ScalarOp as ScalarOp
from theano.scalar.rounding import ceil as ceil
from theano.scalar.rounding import floor as floor
from theano.scalar.rounding import round_half_away_from_zero as round_half_away_from_zero
from theano.scalar.rounding import round_half_to_even as round_half_to_even
from theano.scalar.rounding import trunc as trunc
from theano.scalar.selection import cast_to as cast_to
from theano.scalar.selection import clip as clip
from theano.scalar.selection import identity as identity
from theano.scalar.selection import largest as largest
from theano.scalar.selection import maximum as maximum
from theano.scalar.selection import minimum as minimum
from theano.scalar.selection import second as second
from theano.scalar.selection import smallest as smallest
from theano.scalar.selection import switch as switch
from theano.scalar.special import chi2sf as chi2sf
from theano.scalar.special import erf as erf
from theano.scalar.special import erfc as erfc
from theano.scalar.special import erfcinv as erfcinv
from theano.scalar.special import erfcx as erfcx
from theano.scalar.special import erfinv as erfinv
from theano.scalar.special import gamma as gamma
from theano.scalar.special import gammainc as gammainc
from theano.scalar.special import gammainc_by_order as gammainc_by_order
from theano.scalar.special import gammaincc as gammaincc
from theano.scalar.special import gammal as gammal
from theano.scalar.special import gammaln as gammaln
from theano.scalar.special import gammau as gammau
from theano.scalar.special import i0 as i0
from theano.scalar.special import i1 as i1
from theano.scalar.special import iv as iv
from theano.scalar.special import ive as ive
from theano.scalar.special import j0 as j0
from theano.scalar.special import j1 as j1
from theano.scalar.special import jv as jv
from theano.scalar.special import polygamma as polygamma
from theano.scalar.special import psi as psi
from theano.scalar.special import tri_gamma as tri_gamma
from theano.scalar.trigonometric import arccos as arccos
from theano.scalar.trigonometric import arcsin as arcsin
from theano.scalar.trigonometric import arctan as arctan
from theano.scalar.trigonometric import arctan2 as arctan2
from theano.scalar.trigonometric import cos as cos
from theano.scalar.trigonometric import deg2rad as deg2rad
from theano.scalar.trigonometric import rad2deg as rad2deg
from theano.scalar.trigonometric import sin as sin
from theano.scalar.trigonometric import tan as tan

if TYPE_CHECKING:
    from theano.scalar.user_ops import Composite as Composite
    from theano.scalar.user_ops import transfer_type as transfer_type
    from theano.scalar.user_ops import unary_out_lookup as unary_out_lookup

_OF_USERS = ("Composite", "transfer_type", "unary_out_lookup")
# what the original's scalars are here: tensors without axes, which belong to a later layer
_TYPES = (
    "Scalar", "ScalarConstant", "ScalarFromTensor", "ScalarSharedVariable", "ScalarVariable", "TensorFromScalar",
    "all_types", "as_common_dtype", "as_scalar", "complex_types", "complexs", "complexs128", "complexs64", "constant",
    "continuous_types", "discrete_types", "float_types", "floats", "get_scalar_type", "int_types", "integer_types",
    "ints", "scalar_from_tensor", "shared", "tensor_from_scalar", "uint_types",
)  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _OF_USERS:
        return getattr(importlib.import_module("theano.scalar.user_ops"), name)
    if name in _TYPES:
        return getattr(importlib.import_module("theano.tensor.scalar_types"), name)
    if name in all_dtypes:  # theano.scalar.float64
        return importlib.import_module("theano.tensor.scalar_types").BY_NAME[name]
    raise AttributeError(f"module 'theano.scalar' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_OF_USERS, *_TYPES, *all_dtypes})


# class-like names (`Exp`, `Add`, ...) and the casts by dtype, both derived
globals().update(record_classes())
globals().update({f"convert_to_{dtype}": cast_to(dtype) for dtype in all_dtypes})
