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


class ReplacementDidntRemovedError(TheanoError):
    """A replacement left in the graph what it was meant to remove."""


class CachedConstantError(TheanoError):
    """A graph got a constant that belongs to a cache shared by many graphs. (Never raised here: graphs copy.)"""


class ProtocolError(TheanoError):
    """A feature of a graph was used in a way that it is not made for."""


class BadOptimization(TheanoError):
    """A rewrite changed a value.

    old_r, new_r, old_r_val, new_r_val   the variable that was replaced, by what, and their values
    reason                               the name of the rewrite
    old_graph, new_graph                 how the two are computed, as text
    """

    def __init__(
        self, old_r: object, new_r: object = None, old_r_val: object = None, new_r_val: object = None,
        reason: object = None, old_graph: str | None = None, new_graph: str | None = None, text: str | None = None,
    ) -> None:  # fmt: skip
        self.old_r, self.new_r, self.old_r_val, self.new_r_val = old_r, new_r, old_r_val, new_r_val
        self.reason, self.old_graph, self.new_graph = reason, old_graph, new_graph
        super().__init__(
            text or f"The rewrite {reason} replaced {old_r} by {new_r}: {old_r_val!r} became {new_r_val!r}.\n"
            f"Before:\n{old_graph}\nAfter:\n{new_graph}"
        )


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
