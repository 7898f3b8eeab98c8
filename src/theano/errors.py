"""The errors that users meet: one class per kind of mistake, each derived from the natural builtin.

A message says what was asked, what was found (names, dtypes, shapes), the user's own line, and one remedy.
"""

from __future__ import annotations


class TheanoError(Exception):
    """Base of the errors that have no natural builtin."""


class MissingInputError(TheanoError, ValueError):
    """A graph needs the value of a variable that is not among its inputs."""


class UnusedInputError(TheanoError, ValueError):
    """A declared input is not used to compute any output."""


class InconsistencyError(TheanoError):
    """A FunctionGraph would become invalid (a cycle, a destroyed value still needed)."""


class MethodNotDefined(TheanoError, NotImplementedError):
    """An Op or Type lacks a method of its contract."""


class NullTypeGradError(TheanoError, TypeError):
    """A gradient was asked for that is undefined or not implemented."""


class DisconnectedInputError(TheanoError, ValueError):
    """A gradient was asked for with respect to a variable on which the cost does not depend."""


class AsTensorError(TheanoError, TypeError):
    """A value cannot be turned into a tensor variable."""


class ShapeError(TheanoError):
    """The shape of a variable cannot be computed symbolically."""


class NotScalarConstantError(TheanoError):
    """An expression is no constant 0-d value."""


class EmptyConstantError(NotScalarConstantError):
    """A constant holds no element."""


class TestValueError(TheanoError, AttributeError):
    """A variable has no test value although config.compute_test_value asks for one."""

    __test__ = False  # pytest would take it for a test


class AliasedMemoryError(TheanoError):
    """Two values that must be apart share memory."""


class LoopStateError(TheanoError, TypeError, ValueError):
    """The state of a loop would change its dtype or rank from step to step."""


class UnwantedValueError(TheanoError, AssertionError):
    """A guarded function computed NaN, an infinity or a huge number."""
