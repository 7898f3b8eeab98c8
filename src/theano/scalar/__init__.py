"""theano.scalar: dtypes, promotion, autocast of Python numbers, and the records of all elementwise ops."""

from __future__ import annotations

from theano.scalar.autocast import NumpyAutocaster as NumpyAutocaster
from theano.scalar.autocast import autocast_float as autocast_float
from theano.scalar.autocast import autocast_float_as as autocast_float_as
from theano.scalar.autocast import autocast_int as autocast_int
from theano.scalar.autocast import constant_dtype as constant_dtype
from theano.scalar.dtypes import ComplexError as ComplexError
from theano.scalar.dtypes import IntegerDivisionError as IntegerDivisionError
from theano.scalar.dtypes import all_dtypes as all_dtypes
from theano.scalar.dtypes import complex_dtypes as complex_dtypes
from theano.scalar.dtypes import continuous_dtypes as continuous_dtypes
from theano.scalar.dtypes import discrete_dtypes as discrete_dtypes
from theano.scalar.dtypes import float_dtypes as float_dtypes
from theano.scalar.dtypes import int_dtypes as int_dtypes
from theano.scalar.dtypes import integer_dtypes as integer_dtypes
from theano.scalar.dtypes import uint_dtypes as uint_dtypes
from theano.scalar.dtypes import upcast as upcast
from theano.scalar.op import ScalarOp as ScalarOp
