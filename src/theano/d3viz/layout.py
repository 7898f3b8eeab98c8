"""Where boxes lie: layers from top to bottom, and the order within each, with few crossings (after Sugiyama).

1. Every box gets a layer below those that it needs, as near to its users as that is no detour.
2. An arrow that passes layers gets a bend in each of them; arrows from one box share their bends. Arrows too long for
   the budget of bends are drawn directly, behind everything.
3. Layers are sorted again and again by the mean place of neighbours; the order with the fewest crossings is kept.

Coordinates follow in the page (`arrange.js`), which alone knows how wide a text is. Everything is iterative, takes a
bounded number of passes over boxes, arrows and bends, and depends on the diagram alone.

K. Sugiyama, S. Tagawa, M. Toda, Methods for visual understanding of hierarchical system structures, IEEE Trans. SMC 11
(1981); W. Barth, M. Jünger, P. Mutzel, Simple and efficient bilayer cross counting (2002).
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field

from theano.graph.diagram import CONSTANT, OP, OUTPUT, UPDATE, Diagram

BEND = -1
SWEEPS = 10  # pairs of passes, down and up
PATIENCE = 3  # pairs of passes without fewer crossings


@dataclass(slots=True)
class Layout:
    """Places of a diagram's boxes.

    slots    what lies at a place: the number of a box, or BEND. A constant has a slot beside each of its users
    layers   from top to bottom, slots from left to right
    routes   for every arrow its slots: source, bends, target
    """

    slots: list[int] = field(default_factory=list)
    layers: list[list[int]] = field(default_factory=list)
    routes: list[list[int]] = field(default_factory=list)


@dataclass(slots=True)
class _Link:
    """Between slots of neighbouring layers; `lean`: where it meets the lower one, from -0.5 (left) to 0.5."""

    upper: int
    lower: int
    lean: float


def layout(diagram: Diagram, pinned: bool = False) -> Layout:
    """The places of a diagram's boxes; `pinned`: inputs lie in the first layer and outputs in the last."""
    made = Layout()
    ends = _slots_of_arrows(diagram, made)
    ranks = _ranks(diagram, made, ends, pinned)
    links = _route(diagram, made, ends, ranks)
    made.layers = [[] for _ in range(max(ranks, default=-1) + 1)]
    for slot, rank in enumerate(ranks):
        made.layers[rank].append(slot)
    _sort_layers(made.layers, links)
    return made


def _slots_of_arrows(diagram: Diagram, made: Layout) -> list[tuple[int, int]]:
    """[(slot of the source, slot of the target)] of the arrows; the slots are in topological order."""
    arriving: list[list[int]] = [[] for _ in diagram.boxes]
    leaving = [0] * len(diagram.boxes)
    for number, arrow in enumerate(diagram.arrows):
        arriving[arrow.target].append(number)
        leaving[arrow.source] += 1
    slot_of = [BEND] * len(diagram.boxes)
    ends = [(BEND, BEND)] * len(diagram.arrows)
    for box, found in enumerate(diagram.boxes):
        copies: dict[int, int] = {}  # constant -> its slot for this user
        sources = []
        for number in arriving[box]:
            source = diagram.arrows[number].source
            if diagram.boxes[source].kind != CONSTANT:
                sources.append(slot_of[source])
                continue
            if source not in copies:
                copies[source] = len(made.slots)
                made.slots.append(source)
            sources.append(copies[source])
        if found.kind == CONSTANT and leaving[box]:
            continue
        slot_of[box] = len(made.slots)
        made.slots.append(box)
        for number, slot in zip(arriving[box], sources):
            ends[number] = (slot, slot_of[box])
    return ends


def _ranks(diagram: Diagram, made: Layout, ends: Sequence[tuple[int, int]], pinned: bool) -> list[int]:
    """The layer of every slot."""
    sources: list[dict[int, None]] = [{} for _ in made.slots]
    users: list[dict[int, None]] = [{} for _ in made.slots]
    for source, target in ends:
        sources[target][source] = None
        users[source][target] = None
    ranks = [0] * len(made.slots)
    for slot in range(len(made.slots)):
        ranks[slot] = max((ranks[s] + 1 for s in sources[slot]), default=0)
    inputs = set(diagram.inputs) if pinned else set()
    last = max(ranks, default=0)
    for slot in range(len(made.slots) - 1, -1, -1):
        kind = diagram.boxes[made.slots[slot]].kind
        if kind in (OUTPUT, UPDATE):
            ranks[slot] = last if pinned else ranks[slot]
        elif users[slot] and made.slots[slot] not in inputs:
            lowest = min(ranks[u] for u in users[slot]) - 1
            lengthened = sum(1 for s in sources[slot] if len(users[s]) > 1 or made.slots[s] in inputs)
            if kind != OP or lengthened <= len(users[slot]):
                ranks[slot] = lowest
    numbers = {rank: number for number, rank in enumerate(sorted(set(ranks)))}
    return [numbers[rank] for rank in ranks]


def _route(diagram: Diagram, made: Layout, ends: Sequence[tuple[int, int]], ranks: list[int]) -> list[_Link]:
    """Bends and routes; the links between neighbouring layers."""
    reach = _longest_routed(ends, ranks, budget=4000 + 4 * len(made.slots))
    count = [0] * len(diagram.boxes)
    for arrow in diagram.arrows:
        count[arrow.target] += 1
    bends: dict[int, list[int]] = {}  # source -> its bends, from top to bottom
    links: list[_Link] = []
    for arrow, (source, target) in zip(diagram.arrows, ends):
        span = ranks[target] - ranks[source]
        if span > reach:
            made.routes.append([source, target])
            continue
        chain = bends.setdefault(source, [])
        while len(chain) < span - 1:
            before = chain[-1] if chain else source
            chain.append(len(made.slots))
            made.slots.append(BEND)
            ranks.append(ranks[before] + 1)
            links.append(_Link(before, chain[-1], 0.0))
        lean = (arrow.position + 1) / (count[arrow.target] + 1) - 0.5
        route = [source, *chain[: span - 1], target]
        links.append(_Link(route[-2], target, lean))
        made.routes.append(route)
    return links


def _longest_routed(ends: Sequence[tuple[int, int]], ranks: Sequence[int], budget: int) -> int:
    """The greatest span of arrows, halved from the longest on, for which the bends keep to the budget."""
    spans: dict[int, list[int]] = {}
    for source, target in ends:
        spans.setdefault(source, []).append(ranks[target] - ranks[source])
    reach = max(map(max, spans.values()), default=1)
    while reach > 1:
        bends = sum(max((span - 1 for span in found if span <= reach), default=0) for found in spans.values())
        if bends <= budget:
            break
        reach //= 2
    return reach


def _sort_layers(layers: list[list[int]], links: Sequence[_Link]) -> None:
    """Sort every layer so that few links cross."""
    size = sum(map(len, layers))
    above: list[list[_Link]] = [[] for _ in range(size)]
    below: list[list[_Link]] = [[] for _ in range(size)]
    for link in links:
        above[link.lower].append(link)
        below[link.upper].append(link)
    place = [0.0] * size
    for layer in layers:
        _number(layer, place)
    fewest, best, failed = _crossings(layers, below, place), [list(layer) for layer in layers], 0
    for _ in range(SWEEPS):
        if fewest == 0 or failed == PATIENCE:
            break
        for layer in layers[1:]:
            _sort(layer, place, {s: [place[k.upper] - k.lean for k in above[s]] for s in layer})
        for layer in layers[-2::-1]:
            _sort(layer, place, {s: [place[k.lower] + k.lean for k in below[s]] for s in layer})
        found = _crossings(layers, below, place)
        failed += 1
        if found < fewest:
            fewest, best, failed = found, [list(layer) for layer in layers], 0
    layers[:] = best


def _number(layer: Sequence[int], place: list[float]) -> None:
    for number, slot in enumerate(layer):
        place[slot] = number


def _sort(layer: list[int], place: list[float], neighbours: dict[int, list[float]]) -> None:
    """Order a layer by the mean place of neighbours; what has none stays where it is."""
    key = {slot: sum(found) / len(found) if found else place[slot] for slot, found in neighbours.items()}
    layer.sort(key=key.__getitem__)
    _number(layer, place)


def _crossings(layers: Sequence[Sequence[int]], below: Sequence[Sequence[_Link]], place: Sequence[float]) -> int:
    """How many pairs of links cross: inversions among the lower ends when the upper ends are in order."""
    total = 0
    for layer in layers:
        passed: list[float] = []
        for slot in layer:
            found = [place[link.lower] + link.lean for link in below[slot]]
            total += sum(len(passed) - bisect_right(passed, end) for end in found)
            for end in found:
                insort(passed, end)
    return total
