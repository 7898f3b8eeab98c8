"""What every report on bad data must have, whatever the mistake: one function, used by all tables of this folder."""

import os
import traceback

import numpy as np

import theano

PACKAGE = os.sep + os.path.join("src", "theano") + os.sep


def fails_well(f, arguments, kind, *, file, mentions=()):
    """Call `f` on bad `arguments`; check the error that comes and that nothing else happened; return its text."""
    before = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
    try:
        result = f(*arguments)
    except BaseException as error:
        caught = error
    else:
        raise AssertionError(f"no error; the result was {result!r}")
    message = str(caught)
    assert type(caught) is kind, f"{type(caught).__name__} in place of {kind.__name__}: {message}"
    lines = message.splitlines()
    assert len(lines) <= 25, message
    assert max(map(len, lines)) <= 500, message
    assert PACKAGE not in message, f"internal frames:\n{message}"
    assert caught.__cause__ is None and (caught.__context__ is None or caught.__suppress_context__)
    shown = traceback.extract_tb(caught.__traceback__)
    inside = [frame.name for frame in shown if PACKAGE in frame.filename]
    assert len(inside) <= 1, f"frames of the library are shown: {inside}"  # the one that raises to the caller
    assert file in message, f"the user's file is missing:\n{message}"
    for text in mentions:
        assert text in message, f"{text!r} is missing:\n{message}"
    for a, b in zip(arguments, before):
        if isinstance(a, np.ndarray):
            np.testing.assert_array_equal(a, b)
    return message


def fails_in_every_mode(case, *, file, modes=("FAST_RUN", "FAST_COMPILE", "reference")):
    """A case is (inputs, expression, exception or several of which one comes in all modes, bad arguments, good
    arguments or None, further texts of the report): see `fails_well`. Shared values change only when the call works,
    and what failed once works on good arguments, and fails again."""
    inputs, expression, kind, bad, good, texts = case
    kinds = set()
    for mode in modes:
        state = theano.shared(np.ones(2), "state")
        f = theano.function(inputs, [expression, state + 1], updates=[(state, state * 2)], mode=mode)
        bad_arrays = [np.asarray(value) for value in bad]
        for kind_here in kind if isinstance(kind, tuple) else (kind,):
            try:
                fails_well(f, bad_arrays, kind_here, file=file, mentions=[*texts, "HINT", "Apply node"])
                kinds.add(kind_here)
                break
            except AssertionError as error:
                failure = error
        else:
            raise AssertionError(f"{mode}: {failure}")
        assert state.get_value().tolist() == [1.0, 1.0], mode
        if good is not None:
            f(*good)
            assert state.get_value().tolist() == [2.0, 2.0], mode
        fails_well(f, bad_arrays, kind_here, file=file, mentions=texts)  # as well the second time
    assert len(kinds) == 1, kinds
