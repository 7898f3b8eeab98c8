"""Promotion, dtype rules, autocast of Python numbers: against NumPy and against the observed table of the API."""

import itertools
import math

import numpy as np
import pytest

from theano import scalar
from theano._config import config
from theano.scalar import autocast_float_as, constant_dtype, dtypes, upcast
from theano.scalar.autocast import NumpyAutocaster
from theano.scalar.dtypes import ComplexError, all_dtypes


@pytest.fixture
def setting():
    """Change settings for one test."""
    before = config.floatX, config.cast_policy

    def change(floatX="float64", cast_policy="custom"):
        config.floatX, config.cast_policy = floatX, cast_policy

    yield change
    config.floatX, config.cast_policy = before


@pytest.mark.parametrize("a, b", list(itertools.product(all_dtypes, repeat=2)))
def test_upcast_is_numpys_promotion_of_arrays(a, b):
    assert upcast(a, b) == str((np.zeros(1, a) + np.zeros(1, b)).dtype)


@pytest.mark.parametrize(
    "given, expected",
    [
        (("uint64", "int64"), "float64"),
        (("float32", "int32"), "float64"),
        (("float32", "int16"), "float32"),
        (("int8", "int8"), "int8"),
        (("int8", "int16"), "int16"),
        (("bool", "int8"), "int8"),
        (("bool", "bool"), "bool"),
        (("bool", "float32"), "float32"),
        (("complex64", "float64"), "complex128"),
        (("float32",), "float32"),
        (("int8", "uint8", "float16", "float32"), "float32"),
    ],
)
def test_upcast_table(given, expected):
    assert upcast(*given) == expected


def test_upcast_refuses_what_is_no_dtype():
    with pytest.raises(TypeError, match="float128"):
        upcast("float128")


def test_numpy_floatx_policy_keeps_float32(setting):
    setting("float32", "numpy+floatX")
    assert upcast("float32", "int32") == "float32"
    assert upcast("float32", "int64") == "float32"
    assert upcast("float32", "float64") == "float64"
    assert upcast("int64", "float64") == "float64"
    assert upcast("float64") == "float64"
    setting("float32", "custom")
    assert upcast("float32", "int32") == "float64"
    setting("float64", "numpy+floatX")
    assert upcast("float32", "int32") == "float64"


RULES = [
    # rule, inputs, expected (None: TypeError)
    (dtypes.upcast_out, ("bool", "bool"), "bool"),
    (dtypes.upcast_out_nobool, ("bool", "bool"), None),
    (dtypes.upcast_out_nobool, ("bool", "int8"), "int8"),
    (dtypes.upcast_out_min8, ("bool", "bool"), "int8"),
    (dtypes.upcast_out_min8, ("uint8", "uint8"), "uint8"),
    (dtypes.upcast_out_no_complex, ("float32", "complex64"), None),
    (dtypes.upcast_out_no_complex, ("float32", "int8"), "float32"),
    (dtypes.upcast_out_discrete, ("int8", "bool"), "int8"),
    (dtypes.upcast_out_discrete, ("int8", "float32"), None),
    (dtypes.upcast_out_discrete, ("uint64", "int64"), None),
    (dtypes.true_div_out, ("int8", "int8"), "float64"),
    (dtypes.true_div_out, ("bool", "int64"), "float64"),
    (dtypes.true_div_out, ("float32", "int8"), "float32"),
    (dtypes.true_div_out, ("float32", "int32"), "float64"),
    (dtypes.true_div_out, ("complex64", "int8"), "complex64"),
    *[(dtypes.upgrade_to_float, (d,), "float32") for d in ("bool", "int8", "uint8", "int16", "uint16")],
    *[(dtypes.upgrade_to_float, (d,), "float64") for d in ("int32", "uint32", "int64", "uint64")],
    *[(dtypes.upgrade_to_float, (d,), d) for d in dtypes.continuous_dtypes],
    (dtypes.upgrade_to_float, ("int8", "int32"), "float64"),
    (dtypes.upgrade_to_float, ("int8", "float16"), "float32"),
    (dtypes.upgrade_to_float_no_complex, ("complex64",), None),
    (dtypes.upgrade_to_float64, ("int8",), "float64"),
    (dtypes.upgrade_to_float64, ("complex64",), None),
    (dtypes.same_out_nobool, ("bool",), None),
    (dtypes.same_out_nobool, ("uint8",), "uint8"),
    (dtypes.same_out_min8, ("bool",), "int8"),
    (dtypes.same_out_float_only, ("int8",), None),
    (dtypes.same_out_float_only, ("complex64",), None),
    (dtypes.same_out_float_only, ("float16",), "float16"),
    (dtypes.same_out_nocomplex, ("complex64",), None),
    (dtypes.same_out_discrete, ("float32",), None),
    (dtypes.real_out, ("complex64",), "float32"),
    (dtypes.real_out, ("int8",), "int8"),
    (dtypes.switch_out, ("float64", "int8", "int16"), "int16"),
    (dtypes.complex_out, ("float32", "float32"), "complex64"),
    (dtypes.complex_out, ("float16", "float32"), "complex64"),
    (dtypes.complex_out, ("float32", "float64"), "complex128"),
    (dtypes.complex_out, ("int8", "int8"), "complex128"),
    (dtypes.complex_out, ("complex64", "float32"), None),
    (dtypes.float_out_nocomplex, ("int8",), "float64"),
    (dtypes.float_out_nocomplex, ("complex64",), None),
    (dtypes.int_out_nocomplex, ("float32",), "int64"),
    (dtypes.int_out_nocomplex, ("complex64",), None),
    (dtypes.specific_out("int16"), ("float64",), "int16"),
]


@pytest.mark.parametrize("rule, given, expected", RULES)
def test_rules(rule, given, expected):
    if expected is None:
        with pytest.raises(TypeError) as error:
            rule(*given)
        assert given[0] in str(error.value)
    else:
        assert rule(*given) == expected


def test_refused_complex_is_also_not_implemented():
    with pytest.raises(NotImplementedError):
        dtypes.upgrade_to_float_no_complex("complex128")
    assert issubclass(ComplexError, TypeError)


def test_true_div_of_integers_follows_floatx(setting):
    setting("float32")
    assert dtypes.true_div_out("int64", "int64") == "float32"
    assert dtypes.upgrade_to_float("int32") == "float64"
    assert dtypes.upgrade_to_float("int8") == "float32"


CUSTOM = [
    (1, "int8"), (-128, "int8"), (127, "int8"), (128, "int16"), (-129, "int16"), (300, "int16"), (70000, "int32"),
    (2**31, "int64"), (-(2**63), "int64"), (2**63 - 1, "int64"), (2**63, "uint64"), (2**64 - 1, "uint64"),
    (1.5, "float32"), (1.1, "float64"), (0.0, "float32"), (-0.0, "float32"), (1e300, "float64"), (1e-300, "float64"),
    (math.inf, "float32"), (math.nan, "float32"), (True, "bool"), (1j, "complex128"),
    (np.float64(1.5), "float64"), (np.int64(1), "int64"), (np.bool_(True), "bool"), (np.float16(2), "float16"),
]


@pytest.mark.parametrize("number, dtype", CUSTOM)
def test_constants_get_the_narrowest_exact_dtype(number, dtype):
    assert constant_dtype(number) == dtype


def test_constants_under_float32(setting):
    setting("float32")
    assert [constant_dtype(n) for n in (1.5, 1.1, 1e300, 1)] == ["float32", "float32", "float32", "int8"]


def test_constants_under_numpy_floatx(setting):
    setting("float64", "numpy+floatX")
    assert [constant_dtype(n) for n in (1, 1.5, 1.1, 2**63, True)] == ["int64", "float64", "float64", "uint64", "bool"]
    setting("float32", "numpy+floatX")
    assert [constant_dtype(n) for n in (1, 1.5, 1.1)] == ["int64", "float32", "float32"]


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1])
def test_integers_too_wide_are_an_overflow(number):
    with pytest.raises(OverflowError, match=str(number)):
        constant_dtype(number)


def test_what_is_no_number_has_no_constant_dtype():
    with pytest.raises(TypeError, match="'a'"):
        constant_dtype("a")


def test_autocast_float_as(setting):
    with autocast_float_as("float32"):
        assert constant_dtype(1.1) == "float32"
        with autocast_float_as("float16", "float64"):
            assert (constant_dtype(1.1), constant_dtype(1.5)) == ("float64", "float16")
        assert constant_dtype(1.1) == "float32"
    assert constant_dtype(1.1) == "float64"
    with pytest.raises(ZeroDivisionError), autocast_float_as("float32"):
        raise ZeroDivisionError
    assert constant_dtype(1.1) == "float64"
    setting("float32")
    with autocast_float_as("float64"):
        assert constant_dtype(1.1) == "float64"
    setting("float64", "numpy+floatX")
    with pytest.raises(RuntimeError, match="cast_policy=custom"), autocast_float_as("float32"):
        pass


def test_a_caster_gives_arrays():
    value = NumpyAutocaster(("int16", "int64"))(5)
    assert value.dtype == "int16" and value.shape == () and value == 5


def test_division_of_integers_follows_the_setting():
    before = config.int_division
    try:
        for setting, record in (("int", scalar.int_div), ("floatX", scalar.true_div)):
            config.int_division = setting
            assert scalar.int_or_true_div(True, True) is record
            assert scalar.int_or_true_div(True, False) is scalar.true_div
        config.int_division = "raise"
        with pytest.raises(scalar.IntegerDivisionError, match="int_division=raise"):
            scalar.int_or_true_div(True, True)
    finally:
        config.int_division = before
