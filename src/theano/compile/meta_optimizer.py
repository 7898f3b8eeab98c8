"""LocalMetaOptimizer: several rewrites of one node, of which the fastest on actual data is taken.

It compiles and runs functions, so it lives here and not with the other rewrites; `theano.gof.opt` re-exports it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from theano._config import config
from theano.compile.function import function
from theano.graph.clone import clone_replace
from theano.graph.node import Apply, Constant, Variable
from theano.rewriting.custom import LocalOptimizer, is_tracked

logger = logging.getLogger("theano.rewriting")


class LocalMetaOptimizerSkipAssertionError(AssertionError):
    """Raised by an alternative that is not to be tried, without a word about it."""


class _Busy(threading.local):
    """Is this thread timing alternatives? What it compiles for that is not rewritten by timing again."""

    timing = False


class LocalMetaOptimizer(LocalOptimizer):
    """Takes the alternative that runs fastest. Subclasses define `provide_inputs`.

    register(optimizer, tags)   adds a local optimizer as an alternative, with tags by which
                                config.metaopt.optimizer_including and ..._excluding select
    Each alternative, and the node as it is, is compiled in the default mode and timed on constants, test values and
    what `provide_inputs` gives. An alternative that fails is left out, with a warning in the log if
    config.metaopt.verbose is set.
    """

    _busy = _Busy()

    def __init__(self) -> None:
        self.verbose = config.metaopt.verbose
        self.optimizers: list[tuple[Any, frozenset[str]]] = []

    def register(self, optimizer: Any, tag_list: Sequence[str] = ()) -> None:
        """Add an alternative. TypeError if it does not say which ops it is for."""
        if optimizer.tracks() is None:
            raise TypeError(f"{optimizer} does not say which ops it is for (tracks): it cannot be an alternative")
        self.optimizers.append((optimizer, frozenset(tag_list)))

    def tracks(self) -> list[Any]:
        found: list[Any] = []
        for optimizer, _ in self.optimizers:
            found.extend(what for what in optimizer.tracks() if what not in found)
        return found

    def provide_inputs(self, node: Apply, inputs: Sequence[Variable]) -> Mapping[Variable, Any]:
        """Typical values for the `inputs` of the node: {variable: value}. What is missing means: do not try."""
        raise NotImplementedError(f"{type(self).__name__}.provide_inputs")

    def get_opts(self, node: Apply) -> list[Any]:
        """The alternatives for this node that the configuration selects."""
        wanted = {tag for tag in config.metaopt.optimizer_including.split(":") if tag}
        unwanted = {tag for tag in config.metaopt.optimizer_excluding.split(":") if tag}
        return [
            optimizer for optimizer, tags in self.optimizers
            if any(is_tracked(node, what) for what in optimizer.tracks())
            and tags.isdisjoint(unwanted) and (not wanted or not tags.isdisjoint(wanted))
        ]  # fmt: skip

    def time_call(self, fn: Any) -> float:
        """Seconds that one call takes."""
        start = time.perf_counter()
        fn()
        return time.perf_counter() - start

    def transform(self, node: Apply) -> Any:
        if self._busy.timing:
            return False
        opts = self.get_opts(node)
        values = self._values(node) if opts else None
        if values is None:
            return False
        self._busy.timing = True
        try:
            best, chosen = self._timed(node.outputs, values), None
            for opt in opts:
                taken, outputs = self._alternative(opt, node, values)
                if taken is not None and (best is None or taken < best):
                    best, chosen = taken, outputs
        finally:
            self._busy.timing = False
        return False if chosen is None else chosen

    def _values(self, node: Apply) -> dict[Variable, Any] | None:
        """Values for all inputs of the node, None where some are not to be had."""
        values: dict[Variable, Any] = {}
        missing = []
        for v in dict.fromkeys(node.inputs):
            if isinstance(v, Constant):
                continue
            if hasattr(v._tag, "test_value"):
                values[v] = v._tag.test_value  # type: ignore[union-attr]
            else:
                missing.append(v)
        if missing:
            values.update(self.provide_inputs(node, missing))
        return None if any(v not in values for v in missing) else values

    def _timed(self, outputs: Sequence[Variable], values: Mapping[Variable, Any]) -> float:
        symbols = {v: v.type(v.name) for v in values}
        f = function(list(symbols.values()), clone_replace(list(outputs), symbols), on_unused_input="ignore")
        arguments = [getattr(value, "get_value", lambda value=value: value)() for value in values.values()]
        f(*arguments)
        return self.time_call(lambda: f(*arguments))

    def _alternative(
        self, opt: Any, node: Apply, values: Mapping[Variable, Any]
    ) -> tuple[float | None, list[Variable] | None]:
        """(seconds, outputs) of an alternative; (None, None) where it does not apply or fails."""
        try:
            found = opt.transform(node)
            if not found:
                return None, None
            outputs = [found.get(v, v) for v in node.outputs] if isinstance(found, Mapping) else list(found)
            taken = self._timed(outputs, values)
        except LocalMetaOptimizerSkipAssertionError:
            return None, None
        except Exception as error:
            if self.verbose:
                logger.warning("%s: the alternative %s failed: %s", self, opt, error)
            return None, None
        if self.verbose > 1:
            logger.warning("%s: the alternative %s takes %.3g s", self, opt, taken)
        return taken, outputs


__all__ = ["LocalMetaOptimizer", "LocalMetaOptimizerSkipAssertionError"]
