"""Door: every function, type and op of dense tensors under the path `theano.tensor.basic`.

`theano.tensor` re-exports this module. The code is in the modules imported below; the only logic here is to gather the
names that are made of tables (constructors, elementwise functions) and to hand all functions to `numpy_protocol`.
"""

from __future__ import annotations

from typing import Any as _Any

from theano.errors import AsTensorError as AsTensorError
from theano.errors import EmptyConstantError as EmptyConstantError
from theano.errors import NotScalarConstantError as NotScalarConstantError
from theano.errors import ShapeError as ShapeError
from theano.scalar import autocast_float as autocast_float
from theano.scalar import autocast_float_as as autocast_float_as
from theano.scalar import autocast_int as autocast_int
from theano.tensor import constructors as _constructors
from theano.tensor import functions as _functions
from theano.tensor import methods as _methods
from theano.tensor import numpy_protocol as _numpy_protocol
from theano.tensor.blas import Dot22 as Dot22
from theano.tensor.blas import Dot22Scalar as Dot22Scalar
from theano.tensor.blas import Gemm as Gemm
from theano.tensor.blas import Gemv as Gemv
from theano.tensor.blas import Ger as Ger
from theano.tensor.blas import gemm as gemm
from theano.tensor.blas import gemv as gemv
from theano.tensor.blas import ger as ger
from theano.tensor.blas import Dot22 as Dot22
from theano.tensor.blas import Dot22Scalar as Dot22Scalar
from theano.tensor.blas import Gemm as Gemm
from theano.tensor.blas import Gemv as Gemv
from theano.tensor.blas import Ger as Ger
from theano.tensor.blas import gemm as gemm
from theano.tensor.blas import gemv as gemv
from theano.tensor.blas import ger as ger
from theano.tensor.constructors import Tensor as Tensor
from theano.tensor.constructors import all_dtypes as all_dtypes
from theano.tensor.constructors import complex_dtypes as complex_dtypes
from theano.tensor.constructors import complex_matrix_types as complex_matrix_types
from theano.tensor.constructors import complex_scalar_types as complex_scalar_types
from theano.tensor.constructors import complex_types as complex_types
from theano.tensor.constructors import complex_vector_types as complex_vector_types
from theano.tensor.constructors import continuous_dtypes as continuous_dtypes
from theano.tensor.constructors import discrete_dtypes as discrete_dtypes
from theano.tensor.constructors import float_dtypes as float_dtypes
from theano.tensor.constructors import float_matrix_types as float_matrix_types
from theano.tensor.constructors import float_scalar_types as float_scalar_types
from theano.tensor.constructors import float_types as float_types
from theano.tensor.constructors import float_vector_types as float_vector_types
from theano.tensor.constructors import int_dtypes as int_dtypes
from theano.tensor.constructors import int_matrix_types as int_matrix_types
from theano.tensor.constructors import int_scalar_types as int_scalar_types
from theano.tensor.constructors import int_types as int_types
from theano.tensor.constructors import int_vector_types as int_vector_types
from theano.tensor.constructors import integer_dtypes as integer_dtypes
from theano.tensor.constructors import tensor as tensor
from theano.tensor.constructors import uint_dtypes as uint_dtypes
from theano.tensor.convert import as_tensor_variable as as_tensor_variable
from theano.tensor.convert import constant as constant
from theano.tensor.creation import ARange as ARange
from theano.tensor.creation import Alloc as Alloc
from theano.tensor.creation import AllocEmpty as AllocEmpty
from theano.tensor.creation import Eye as Eye
from theano.tensor.creation import MakeVector as MakeVector
from theano.tensor.creation import Tri as Tri
from theano.tensor.creation import alloc as alloc
from theano.tensor.creation import alloc_validate_shape as alloc_validate_shape
from theano.tensor.creation import arange as arange
from theano.tensor.creation import eye as eye
from theano.tensor.creation import full as full
from theano.tensor.creation import full_like as full_like
from theano.tensor.creation import identity_like as identity_like
from theano.tensor.creation import ones as ones
from theano.tensor.creation import ones_like as ones_like
from theano.tensor.creation import tri as tri
from theano.tensor.creation import tril as tril
from theano.tensor.creation import triu as triu
from theano.tensor.creation import zeros as zeros
from theano.tensor.creation import zeros_like as zeros_like
from theano.tensor.diagonal import AllocDiag as AllocDiag
from theano.tensor.diagonal import ExtractDiag as ExtractDiag
from theano.tensor.diagonal import diag as diag
from theano.tensor.diagonal import diagonal as diagonal
from theano.tensor.diagonal import trace as trace
from theano.tensor.dimshuffle import DimShuffle as DimShuffle
from theano.tensor.dimshuffle import dimshuffle as dimshuffle
from theano.tensor.elemwise import Elemwise as Elemwise
from theano.tensor.functions import allclose as allclose
from theano.tensor.functions import cast as cast
from theano.tensor.functions import ceil_intdiv as ceil_intdiv
from theano.tensor.functions import div_proxy as div_proxy
from theano.tensor.functions import divmod as divmod
from theano.tensor.functions import fill as fill
from theano.tensor.functions import iround as iround
from theano.tensor.functions import isclose as isclose
from theano.tensor.functions import isfinite as isfinite
from theano.tensor.functions import logical_and as logical_and
from theano.tensor.functions import logical_not as logical_not
from theano.tensor.functions import logical_or as logical_or
from theano.tensor.functions import logical_xor as logical_xor
from theano.tensor.functions import mod_check as mod_check
from theano.tensor.functions import nan_to_num as nan_to_num
from theano.tensor.functions import round as round
from theano.tensor.grids import mgrid as mgrid
from theano.tensor.grids import ogrid as ogrid
from theano.tensor.joining import Join as Join
from theano.tensor.joining import Split as Split
from theano.tensor.joining import concatenate as concatenate
from theano.tensor.joining import horizontal_stack as horizontal_stack
from theano.tensor.joining import join as join
from theano.tensor.joining import join_ as join_
from theano.tensor.joining import roll as roll
from theano.tensor.joining import split as split
from theano.tensor.joining import stack as stack
from theano.tensor.joining import stacklists as stacklists
from theano.tensor.joining import vertical_stack as vertical_stack
from theano.tensor.other_types import Default as Default
from theano.tensor.other_types import MakeSlice as MakeSlice
from theano.tensor.other_types import NoneConst as NoneConst
from theano.tensor.other_types import NoneTypeT as NoneTypeT
from theano.tensor.other_types import SliceConstant as SliceConstant
from theano.tensor.other_types import SliceType as SliceType
from theano.tensor.other_types import as_int_none_variable as as_int_none_variable
from theano.tensor.other_types import default as default
from theano.tensor.other_types import make_slice as make_slice
from theano.tensor.other_types import none_type_t as none_type_t
from theano.tensor.other_types import register_transfer as register_transfer
from theano.tensor.other_types import setdefault as setdefault
from theano.tensor.other_types import slicetype as slicetype
from theano.tensor.other_types import transfer as transfer
from theano.tensor.permutation import PermuteRowElements as PermuteRowElements
from theano.tensor.permutation import inverse_permutation as inverse_permutation
from theano.tensor.permutation import permute_row_elements as permute_row_elements
from theano.tensor.products import BatchedDot as BatchedDot
from theano.tensor.products import CheckLengths as CheckLengths
from theano.tensor.products import Dot as Dot
from theano.tensor.products import Pairs as Pairs
from theano.tensor.products import batched_dot as batched_dot
from theano.tensor.products import batched_tensordot as batched_tensordot
from theano.tensor.products import checked as checked
from theano.tensor.products import conjugated as conjugated
from theano.tensor.products import contract as contract
from theano.tensor.products import differ as differ
from theano.tensor.products import dot as dot
from theano.tensor.products import gradient_term as gradient_term
from theano.tensor.products import inner as inner
from theano.tensor.products import length as length
from theano.tensor.products import matmul as matmul
from theano.tensor.products import outer as outer
from theano.tensor.products import same_dtype as same_dtype
from theano.tensor.products import tensordot as tensordot
from theano.tensor.products import transposed as transposed
from theano.tensor.products import vdot as vdot
from theano.tensor.reductions import All as All
from theano.tensor.reductions import Any as Any
from theano.tensor.reductions import Argmax as Argmax
from theano.tensor.reductions import CAReduce as CAReduce
from theano.tensor.reductions import CAReduceDtype as CAReduceDtype
from theano.tensor.reductions import Max as Max
from theano.tensor.reductions import MaxAndArgmax as MaxAndArgmax
from theano.tensor.reductions import Min as Min
from theano.tensor.reductions import MulWithoutZeros as MulWithoutZeros
from theano.tensor.reductions import Prod as Prod
from theano.tensor.reductions import ProdWithoutZeros as ProdWithoutZeros
from theano.tensor.reductions import ProductOfOthers as ProductOfOthers
from theano.tensor.reductions import Sum as Sum
from theano.tensor.reductions import all as all
from theano.tensor.reductions import any as any
from theano.tensor.reductions import argmax as argmax
from theano.tensor.reductions import argmin as argmin
from theano.tensor.reductions import max as max
from theano.tensor.reductions import max_and_argmax as max_and_argmax
from theano.tensor.reductions import mean as mean
from theano.tensor.reductions import min as min
from theano.tensor.reductions import mul_without_zeros as mul_without_zeros
from theano.tensor.reductions import prod as prod
from theano.tensor.reductions import ptp as ptp
from theano.tensor.reductions import std as std
from theano.tensor.reductions import sum as sum
from theano.tensor.reductions import var as var
from theano.tensor.scalar_constants import extract_constant as extract_constant
from theano.tensor.scalar_constants import get_scalar_constant_value as get_scalar_constant_value
from theano.tensor.scalar_constants import get_vector_length as get_vector_length
from theano.tensor.scalar_constants import numpy_scalar as numpy_scalar
from theano.tensor.shape import Rebroadcast as Rebroadcast
from theano.tensor.shape import Reshape as Reshape
from theano.tensor.shape import Shape as Shape
from theano.tensor.shape import Shape_i as Shape_i
from theano.tensor.shape import SpecifyShape as SpecifyShape
from theano.tensor.shape import addbroadcast as addbroadcast
from theano.tensor.shape import broadcast_to as broadcast_to
from theano.tensor.shape import check_and_normalize_axes as check_and_normalize_axes
from theano.tensor.shape import expand_dims as expand_dims
from theano.tensor.shape import flatten as flatten
from theano.tensor.shape import is_flat as is_flat
from theano.tensor.shape import makeKeepDims as makeKeepDims
from theano.tensor.shape import moveaxis as moveaxis
from theano.tensor.shape import patternbroadcast as patternbroadcast
from theano.tensor.shape import ravel as ravel
from theano.tensor.shape import reshape as reshape
from theano.tensor.shape import shape as shape
from theano.tensor.shape import shape_i as shape_i
from theano.tensor.shape import shape_padaxis as shape_padaxis
from theano.tensor.shape import shape_padleft as shape_padleft
from theano.tensor.shape import shape_padright as shape_padright
from theano.tensor.shape import specify_shape as specify_shape
from theano.tensor.shape import squeeze as squeeze
from theano.tensor.shape import swapaxes as swapaxes
from theano.tensor.shape import tile as tile
from theano.tensor.shape import transpose as transpose
from theano.tensor.shape import unbroadcast as unbroadcast
from theano.tensor.sort import ArgSortOp as ArgSortOp
from theano.tensor.sort import SortOp as SortOp
from theano.tensor.sort import TopKOp as TopKOp
from theano.tensor.sort import argsort as argsort
from theano.tensor.sort import argtopk as argtopk
from theano.tensor.sort import sort as sort
from theano.tensor.sort import topk as topk
from theano.tensor.sort import topk_and_argtopk as topk_and_argtopk
from theano.tensor.subtensor import AdvancedBooleanIncSubtensor as AdvancedBooleanIncSubtensor
from theano.tensor.subtensor import AdvancedBooleanIndexingError as AdvancedBooleanIndexingError
from theano.tensor.subtensor import AdvancedBooleanSubtensor as AdvancedBooleanSubtensor
from theano.tensor.subtensor import AdvancedIncSubtensor as AdvancedIncSubtensor
from theano.tensor.subtensor import AdvancedIncSubtensor1 as AdvancedIncSubtensor1
from theano.tensor.subtensor import AdvancedIndexingError as AdvancedIndexingError
from theano.tensor.subtensor import AdvancedSubtensor as AdvancedSubtensor
from theano.tensor.subtensor import AdvancedSubtensor1 as AdvancedSubtensor1
from theano.tensor.subtensor import BaseAdvancedIncSubtensor as BaseAdvancedIncSubtensor
from theano.tensor.subtensor import BaseAdvancedSubtensor as BaseAdvancedSubtensor
from theano.tensor.subtensor import Choose as Choose
from theano.tensor.subtensor import IncSubtensor as IncSubtensor
from theano.tensor.subtensor import Nonzero as Nonzero
from theano.tensor.subtensor import Subtensor as Subtensor
from theano.tensor.subtensor import adv_index_broadcastable_pattern as adv_index_broadcastable_pattern
from theano.tensor.subtensor import advanced_boolean_inc_subtensor as advanced_boolean_inc_subtensor
from theano.tensor.subtensor import advanced_boolean_set_subtensor as advanced_boolean_set_subtensor
from theano.tensor.subtensor import advanced_boolean_subtensor as advanced_boolean_subtensor
from theano.tensor.subtensor import advanced_inc_subtensor as advanced_inc_subtensor
from theano.tensor.subtensor import advanced_inc_subtensor1 as advanced_inc_subtensor1
from theano.tensor.subtensor import advanced_set_subtensor as advanced_set_subtensor
from theano.tensor.subtensor import advanced_set_subtensor1 as advanced_set_subtensor1
from theano.tensor.subtensor import advanced_subtensor as advanced_subtensor
from theano.tensor.subtensor import advanced_subtensor1 as advanced_subtensor1
from theano.tensor.subtensor import as_index_variable as as_index_variable
from theano.tensor.subtensor import check_advanced_indexing_dimensions as check_advanced_indexing_dimensions
from theano.tensor.subtensor import check_and_reject_bool as check_and_reject_bool
from theano.tensor.subtensor import choose as choose
from theano.tensor.subtensor import compress as compress
from theano.tensor.subtensor import flatnonzero as flatnonzero
from theano.tensor.subtensor import get_canonical_form_slice as get_canonical_form_slice
from theano.tensor.subtensor import get_idx_list as get_idx_list
from theano.tensor.subtensor import getitem as getitem
from theano.tensor.subtensor import inc_subtensor as inc_subtensor
from theano.tensor.subtensor import make_constant as make_constant
from theano.tensor.subtensor import nonzero as nonzero
from theano.tensor.subtensor import nonzero_values as nonzero_values
from theano.tensor.subtensor import set_subtensor as set_subtensor
from theano.tensor.subtensor import take as take
from theano.tensor.tolerance import float16_atol as float16_atol
from theano.tensor.tolerance import float16_rtol as float16_rtol
from theano.tensor.tolerance import float32_atol as float32_atol
from theano.tensor.tolerance import float32_rtol as float32_rtol
from theano.tensor.tolerance import float64_atol as float64_atol
from theano.tensor.tolerance import float64_rtol as float64_rtol
from theano.tensor.tolerance import values_eq_approx as values_eq_approx
from theano.tensor.tolerance import values_eq_approx_always_true as values_eq_approx_always_true
from theano.tensor.tolerance import values_eq_approx_remove_inf as values_eq_approx_remove_inf
from theano.tensor.tolerance import values_eq_approx_remove_inf_nan as values_eq_approx_remove_inf_nan
from theano.tensor.tolerance import values_eq_approx_remove_nan as values_eq_approx_remove_nan
from theano.tensor.type import TensorType as TensorType
from theano.tensor.variable import TensorConstant as TensorConstant
from theano.tensor.variable import TensorConstantSignature as TensorConstantSignature
from theano.tensor.variable import TensorVariable as TensorVariable

as_tensor = as_tensor_variable

for _name in _constructors.NAMES:
    globals()[_name] = getattr(_constructors, _name)
for _name in _functions.NAMES:
    globals().setdefault(_name, getattr(_functions, _name))
isnan, isinf, clip = _functions.isnan, _functions.isinf, _functions.clip
smallest, largest = _functions.smallest, _functions.largest


def __getattr__(name: str) -> _Any:
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


for _module in _methods.modules():
    for _name, _value in vars(_module).items():
        if not _name.startswith("_") and getattr(_value, "__module__", None) == _module.__name__:
            globals().setdefault(_name, _value)

dot = _methods.products.dot

_numpy_protocol.functions.update(
    {_name: _value for _name, _value in globals().items() if callable(_value) and not isinstance(_value, type)}
)
