"""The parts of a Scan under the names that the original gave them.

mit_sot: states that look at other steps than the last one; sit_sot: states that look one step back; nit_sot: what is
only traced; shared: what is carried without a trace; non_seqs: what is the same in all steps. There is no mit_mot:
gradients are carried (see `scan_gradient.py`), so those lists are empty.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from theano.graph.node import Apply
from theano.loops.scan_layout import ScanLayout


def _inputs(given: Any) -> list[Any]:
    return given.inputs if isinstance(given, Apply) else list(given)


def _outputs(given: Any) -> list[Any]:
    return given.outputs if isinstance(given, Apply) else list(given)


class ScanAccessors:
    """Methods of `Scan`; each takes a list of inputs or outputs (or, for outer ones, the node) and returns a part."""

    info: ScanLayout

    def _states(self, states: list[Any], single: bool) -> list[Any]:
        return [s for s, taps in zip(states, self.info.taps) if (taps == (-1,)) == single]

    def inner_seqs(self, list_inputs: Any) -> list[Any]:
        return self.info.inner(list_inputs).sequences

    def outer_seqs(self, list_inputs: Any) -> list[Any]:
        return self.info.outer(_inputs(list_inputs)).sequences

    def inner_mitmot(self, list_inputs: Any) -> list[Any]:
        return []

    outer_mitmot = inner_mitmot_outs = outer_mitmot_outs = inner_mitmot

    def inner_mitsot(self, list_inputs: Any) -> list[Any]:
        return [tap for taps in self._states(self.info.inner(list_inputs).taps, False) for tap in taps]

    def outer_mitsot(self, list_inputs: Any) -> list[Any]:
        return self._states(self.info.outer(_inputs(list_inputs)).initials, False)

    def inner_mitsot_outs(self, list_outputs: Any) -> list[Any]:
        return self._states(self.info.outputs(list_outputs).states, False)

    def outer_mitsot_outs(self, list_outputs: Any) -> list[Any]:
        return self._states(self.info.outputs(_outputs(list_outputs)).states, False)

    def inner_sitsot(self, list_inputs: Any) -> list[Any]:
        return [tap for taps in self._states(self.info.inner(list_inputs).taps, True) for tap in taps]

    def outer_sitsot(self, list_inputs: Any) -> list[Any]:
        return self._states(self.info.outer(_inputs(list_inputs)).initials, True)

    def inner_sitsot_outs(self, list_outputs: Any) -> list[Any]:
        return self._states(self.info.outputs(list_outputs).states, True)

    def outer_sitsot_outs(self, list_outputs: Any) -> list[Any]:
        return self._states(self.info.outputs(_outputs(list_outputs)).states, True)

    def outer_nitsot(self, list_inputs: Any) -> list[Any]:
        return []  # traces need no input for their lengths

    def inner_nitsot_outs(self, list_outputs: Any) -> list[Any]:
        return self.info.outputs(list_outputs).traced

    def outer_nitsot_outs(self, list_outputs: Any) -> list[Any]:
        return self.info.outputs(_outputs(list_outputs)).traced

    def inner_shared(self, list_inputs: Any) -> list[Any]:
        return self.info.inner(list_inputs).carried

    def outer_shared(self, list_inputs: Any) -> list[Any]:
        return self.info.outer(_inputs(list_inputs)).carried

    def inner_shared_outs(self, list_outputs: Any) -> list[Any]:
        return self.info.outputs(list_outputs).carried

    def outer_shared_outs(self, list_outputs: Any) -> list[Any]:
        return self.info.outputs(_outputs(list_outputs)).carried

    def inner_non_seqs(self, list_inputs: Any) -> list[Any]:
        return self.info.inner(list_inputs).others

    def outer_non_seqs(self, list_inputs: Any) -> list[Any]:
        return self.info.outer(_inputs(list_inputs)).others

    def get_oinp_iinp_iout_oout_mappings(self) -> dict[str, dict[int, Any]]:
        """{"outer_inp_from_inner_inp": {position: position}, ...} between what belongs to one variable of the loop.

        All twelve pairs of outer_inp, inner_inp, inner_out and outer_out are there. Where several belong to one
        (the taps of a state), the value is a list; where none does, -1.
        """
        parts: list[dict[str, list[int]]] = []
        info = self.info
        outer_inp, inner_inp, result = 1, 0, 0
        for _ in range(info.sequences):
            parts.append({"outer_inp": [outer_inp], "inner_inp": [inner_inp]})
            outer_inp, inner_inp = outer_inp + 1, inner_inp + 1
        after_states = result + info.states + info.traced
        for number, taps in enumerate(info.taps):
            own = list(range(inner_inp, inner_inp + len(taps)))
            parts.append(
                {"outer_inp": [outer_inp], "inner_inp": own, "inner_out": [number], "outer_out": [number]}
            )
            outer_inp, inner_inp = outer_inp + 1, inner_inp + len(taps)
        for number in range(info.states, after_states):
            parts.append({"inner_out": [number], "outer_out": [number]})
        for number in range(after_states, after_states + info.carried):
            parts.append(
                {"outer_inp": [outer_inp], "inner_inp": [inner_inp], "inner_out": [number], "outer_out": [number]}
            )
            outer_inp, inner_inp = outer_inp + 1, inner_inp + 1
        for _ in range(inner_inp, len(self.fgraph.inputs)):  # type: ignore[attr-defined]
            parts.append({"outer_inp": [outer_inp], "inner_inp": [inner_inp]})
            outer_inp, inner_inp = outer_inp + 1, inner_inp + 1
        kinds = ("outer_inp", "inner_inp", "inner_out", "outer_out")
        shorten: Callable[[list[int]], Any] = lambda found: -1 if not found else found[0] if len(found) == 1 else found  # noqa: E731
        return {
            f"{target}_from_{source}": {
                position: shorten(part.get(target, [])) for part in parts for position in part.get(source, [])
            }
            for target in kinds
            for source in kinds
            if target != source
        }
