"""`theano.function`: compile expressions into a callable."""

from __future__ import annotations

import importlib
import io
import pickle
from collections.abc import Sequence
from typing import Any

from theano._collector import collector_paused
from theano._provenance import here
from theano.compile.collect import Pairs, collect, pairs_of
from theano.compile.function_object import Function
from theano.compile.io import In, SymbolicInput, SymbolicOutput
from theano.compile.maker import orig_function
from theano.errors import UnusedInputError
from theano.graph.node import Variable
from theano.graph.shared import SharedVariable


def function(
    inputs: Sequence[Any],
    outputs: Any = None,
    mode: Any = None,
    updates: Pairs = None,
    givens: Pairs = None,
    no_default_updates: bool | Sequence[SharedVariable] = False,
    accept_inplace: bool = False,
    name: str | None = None,
    rebuild_strict: bool = True,
    allow_input_downcast: bool | None = None,
    profile: Any = None,
    on_unused_input: str | None = None,
) -> Function:
    """A callable that computes `outputs` from `inputs`.

    inputs                list of variables or In; no shared variables, no duplicates
    outputs               one variable (the call returns an array), a list (a list), a dict with text keys (a dict), or
                          None (an empty list). Results never share memory with arguments or stored values, unless they
                          are Out(..., borrow=True)
    mode                  a name ("FAST_RUN", "FAST_COMPILE", "reference") or a Mode; None: `config.mode`
    updates               {shared variable: new value}, as dict or pairs. All new values are computed from the old ones,
                          and are stored when the whole call has succeeded
    givens                {variable: replacement}, made everywhere at once
    no_default_updates    True, or a list: shared variables whose default_update is not applied
    accept_inplace        accepted; ops that overwrite their inputs are always given copies where needed
    name                  label in errors and profiles; "file:line" of the call by default
    rebuild_strict        False: givens may change types
    allow_input_downcast  True: arguments may lose precision in conversion; False: never; None: only Python floats
                          passed for a floatX scalar
    profile               True, a label, or a ProfileStats
    on_unused_input       "raise", "warn" or "ignore"; None: `config.on_unused_input`

    Raises UnusedInputError, MissingInputError, TypeError, ValueError, RuntimeError (givens for an input) or
    AssertionError (chained givens).

    >>> import theano, theano.tensor as tt
    >>> a, b = tt.dscalars("a", "b")
    >>> f = theano.function([a, b], a + b)
    >>> float(f(1.5, 2.5))
    4.0
    """
    if isinstance(inputs, (Variable, SymbolicInput)) or not isinstance(inputs, (list, tuple)):
        raise TypeError(
            f"The inputs of theano.function must be a list of variables (or of In), got {inputs!r}. "
            f"For one input x write [x], for none []."
        )
    if name is None:
        name = _place_of_call()
    shortcuts = any(isinstance(i, (list, tuple)) for i in inputs)
    specs = [_input(i, allow_input_downcast) for i in inputs]
    _check_distinct(specs)
    if shortcuts and (updates or givens):
        raise NotImplementedError("Inputs given as tuples cannot be combined with updates or givens; use In(...).")

    with collector_paused():
        keys, listed = _outputs(outputs)
        found = collect(
            [o.variable for o in listed], specs, givens, updates, rebuild_strict, no_default_updates
        )
        for spec, update in zip(specs, found.input_updates):
            spec.update = update
        for variable in found.shared_inputs:
            update = found.updates.get(variable)
            specs.append(
                In(variable, value=variable.container, update=update, implicit=True, shared=True, borrow=True)
            )
        final: Any = [SymbolicOutput(v, o.borrow) for v, o in zip(found.outputs, listed)]
        if outputs is None:
            final = None
        elif keys is None and not isinstance(outputs, (list, tuple)):
            final = final[0]
        return orig_function(
            specs,
            final,
            mode,
            accept_inplace=accept_inplace,
            name=name,
            profile=profile,
            on_unused_input=on_unused_input,
            output_keys=keys,
        )


def function_dump(
    filename: str,
    inputs: Sequence[Any],
    outputs: Any = None,
    mode: Any = None,
    updates: Pairs = None,
    givens: Pairs = None,
    no_default_updates: bool | Sequence[SharedVariable] = False,
    accept_inplace: bool = False,
    name: str | None = None,
    rebuild_strict: bool = True,
    allow_input_downcast: bool | None = None,
    profile: Any = None,
    on_unused_input: str | None = None,
    extra_tag_to_remove: Sequence[str] | None = None,
) -> None:
    """Pickle the arguments of a call of `function` into a file, so that a problem can be sent to somebody, who runs
    `theano.function(**pickle.load(open(filename, "rb")))`.

    The values of shared variables are in the file; the places in your program where nodes were made are not.

    extra_tag_to_remove   names of notes (`variable.tag`) that are left out, for those that cannot be pickled
    Nothing is written if something cannot be pickled.
    """
    arguments = {
        "inputs": inputs,
        "outputs": outputs,
        "mode": mode,
        "updates": pairs_of(updates, "updates"),
        "givens": pairs_of(givens, "givens"),
        "no_default_updates": no_default_updates,
        "accept_inplace": accept_inplace,
        "name": name,
        "rebuild_strict": rebuild_strict,
        "allow_input_downcast": allow_input_downcast,
        "profile": profile,
        "on_unused_input": on_unused_input,
    }
    stream = io.BytesIO()
    try:
        pickles = importlib.import_module("theano.compile.pkl_utils")  # with zip files, which few programs need
        pickles.StripPickler(stream, pickle.HIGHEST_PROTOCOL, extra_tag_to_remove).dump(arguments)
    except Exception as error:
        error.add_note(
            f"function_dump could not write {filename!r}. If a note (variable.tag.<name>) cannot be pickled, pass its "
            f"name in extra_tag_to_remove."
        )
        raise
    with open(filename, "wb") as file:
        file.write(stream.getvalue())


def _place_of_call() -> str | None:
    origin = here()
    frames = origin.frames() if origin is not None else []
    return f"{frames[0][0]}:{frames[0][1]}" if frames else None


def _input(given: Any, allow_downcast: bool | None) -> Any:
    """An In of its own for this function, from what the user listed."""
    if isinstance(given, (list, tuple)):
        given = _from_tuple(given)
    if isinstance(given, SymbolicInput):
        made = In.__new__(In)
        made.__dict__.update({"value": None, "borrow": False, "shared": False, **given.__dict__})
        if made.allow_downcast is None:
            made.allow_downcast = allow_downcast
        spec = made
    else:
        spec = In(given, allow_downcast=allow_downcast)
    if isinstance(spec.variable, SharedVariable) and not spec.implicit:
        raise TypeError(
            f"A shared variable ({spec.variable}) cannot be an input of a function: it has its own value. Leave it out "
            f"of the inputs; use givens={{...}} to replace it, or set_value to change it."
        )
    return spec


def _from_tuple(given: Sequence[Any]) -> In:
    """The old shortcuts: (variable, value), (name, variable), (name, variable, value); variable may be (variable,
    update)."""
    parts = list(given)
    name = parts.pop(0) if parts and (parts[0] is None or isinstance(parts[0], str)) else None
    if not 1 <= len(parts) <= 2:
        raise TypeError(f"An input must be a variable, an In, or (name, variable, value); got {given!r}")
    variable, update = parts[0] if isinstance(parts[0], (list, tuple)) else (parts[0], None)
    return In(variable, name=name, update=update, value=parts[1] if len(parts) == 2 else None)


def _check_distinct(specs: Sequence[Any]) -> None:
    seen: dict[Variable, int] = {}
    for position, spec in enumerate(specs):
        if spec.variable in seen:
            raise UnusedInputError(
                f"The variable {spec.variable} is given twice as an input, at index {seen[spec.variable]} "
                f"and {position}."
            )
        seen[spec.variable] = position


def _outputs(outputs: Any) -> tuple[list[str] | None, list[SymbolicOutput]]:
    """(keys of a dict in order or None, the outputs as a list)."""
    keys = None
    if outputs is None:
        listed: list[Any] = []
    elif isinstance(outputs, dict):
        for key in outputs:
            if not isinstance(key, str):
                raise AssertionError(f"The keys of a dictionary of outputs must be text, got {key!r}")
        keys = sorted(outputs)
        listed = [outputs[key] for key in keys]
    elif isinstance(outputs, (list, tuple)):
        listed = list(outputs)
    else:
        listed = [outputs]
    for position, out in enumerate(listed):
        if not isinstance(out, (Variable, SymbolicOutput)):
            raise TypeError(
                f"The outputs of theano.function must be symbolic variables or Out; number {position} is {out!r} of "
                f"type {type(out).__name__}. Make constants with theano.tensor.as_tensor_variable."
            )
    return keys, [o if isinstance(o, SymbolicOutput) else SymbolicOutput(o) for o in listed]
