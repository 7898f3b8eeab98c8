"""NanGuardMode: the first node that computes an unwanted value is named, with the user's line."""

import warnings

import numpy as np
import pytest

import theano
import theano.tensor as tt
from theano.compile.nanguardmode import NanGuardMode, contains_inf, contains_nan, flatten
from theano.errors import UnwantedValueError


def guarded(**options):
    x = tt.dvector("x")
    shifted = x - 1
    logged = tt.log(shifted)
    return theano.function([x], tt.exp(logged * 3), mode=NanGuardMode(**options))


def test_wanted_values_pass():
    np.testing.assert_allclose(guarded()([2.0, 3.0]), [1.0, 8.0], rtol=1e-12)
    assert guarded()([]).shape == (0,)


@pytest.mark.parametrize(
    "value, what, where, line",
    [
        (0.0, "NaN detected", "Elemwise{log}", "logged = tt.log(shifted)"),
        (1.0, "Inf detected", "Elemwise{log}", "logged = tt.log(shifted)"),
        (np.nan, "NaN detected in the function's input x", "Elemwise{", "shifted = x - 1"),
        (-np.inf, "Inf detected in the function's input x", "Elemwise{", "shifted = x - 1"),
        (1e5, "Big value detected", "Elemwise{exp}", "theano.function([x], tt.exp(logged * 3)"),
    ],
)
def test_the_first_offender_is_named(value, what, where, line):
    f = guarded()
    with pytest.raises(UnwantedValueError) as info:
        f([2.0, value])
    text = str(info.value)
    assert what in text and where in text.splitlines()[0] and line in text
    assert isinstance(info.value, AssertionError) and len(text.splitlines()) <= 25
    np.testing.assert_allclose(f([2.0]), [1.0])


def test_both_at_once_are_both_said():
    with pytest.raises(UnwantedValueError, match="NaN detected and Inf detected in output 0"):
        guarded()([0.0, 1.0])


@pytest.mark.parametrize(
    "options, value",
    [({"nan_is_error": False}, 0.0), ({"inf_is_error": False, "big_is_error": False}, 1.0),
     ({"big_is_error": False}, 1e5)],
)  # fmt: skip
def test_what_is_allowed_passes(options, value):
    with pytest.raises(UnwantedValueError):
        guarded()([value])
    assert guarded(**options)([value]).shape == (1,)


def test_flags_are_read_when_the_mode_is_made():
    with theano.change_flags(**{"NanGuardMode.nan_is_error": False}):
        mode = NanGuardMode()
        by_name = theano.compile.get_mode("NanGuardMode")
    for made in (mode, by_name):
        assert (made.nan_is_error, made.inf_is_error, made.big_is_error) == (False, True, True)
    x = tt.dscalar("x")
    assert np.isnan(theano.function([x], tt.sqrt(x), mode=mode)(-1.0))
    with theano.change_flags(mode="NanGuardMode"), pytest.raises(UnwantedValueError):
        theano.function([x], tt.sqrt(x))(-1.0)


def test_a_warning_in_place_of_an_error():
    f = guarded()
    with theano.change_flags(**{"NanGuardMode.action": "warn"}), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        f([0.0])
    assert "NaN detected in output 0 of Elemwise{log}" in str(caught[0].message)


def test_variables_that_are_not_guarded():
    x = tt.dvector("x")
    x.tag.nan_guard_mode_check = False
    f = theano.function([x], tt.isnan(x), mode=NanGuardMode())
    assert list(f([np.nan, 1.0])) == [True, False]


def test_updates_are_not_made():
    s = theano.shared(4.0)
    x = tt.dscalar("x")
    f = theano.function([x], [], updates=[(s, tt.log(s - x))], mode=NanGuardMode())
    with pytest.raises(UnwantedValueError):
        f(5.0)
    assert s.get_value() == 4.0
    f(3.0)
    assert s.get_value() == 0.0


def test_stored_values_and_constants():
    s = theano.shared(np.array([1.0, np.nan]), name="weights")
    f = theano.function([], s * 2, mode=NanGuardMode())
    with pytest.raises(UnwantedValueError, match="the function's input"):
        f()
    x = tt.dscalar("x")
    assert theano.function([x], tt.switch(x > 0, x, -np.inf), mode=NanGuardMode())(1.0) == 1.0  # not what is computed


def test_contains():
    assert contains_nan(np.array([1.0, np.nan])) and contains_nan(np.complex64(complex(0, np.nan)))
    assert contains_inf(np.float32(-np.inf)) and not contains_inf(np.array([1.0, np.nan]))
    for harmless in (np.arange(3), np.zeros((0, 2)), np.array([True]), "nan", None, np.random.RandomState(0), 3):
        assert not contains_nan(harmless) and not contains_inf(harmless)
    x = tt.dscalar("x")
    assert contains_nan(np.nan, None, x)
    x.tag.nan_guard_mode_check = False
    assert not contains_nan(np.nan, None, x) and not contains_inf(np.inf, None, x)
    assert flatten([1, (2, [3, []]), 4]) == [1, 2, 3, 4] and flatten(5) == [5]
