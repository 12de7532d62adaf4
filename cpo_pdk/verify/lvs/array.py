"""The fibre array of an engine: is each facet what it was asked to be, in the order that was asked for.

What a facet is for is read from the device behind its coupler. A pattern in what is wrong is told as such: the array is
mirrored, two positions are swapped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cpo_pdk.verify.lvs.asked import AskedEngine, AskedFacet
from cpo_pdk.verify.lvs.devices import Circuit, Facet, along, array_of, fits
from cpo_pdk.verify.lvs.faults import Fault

#: role of the device behind a coupler -> what the facet is for
_USES = {"edge_coupler": "loop", "psr": "rx", "tap": "tx", "splitter": "laser"}
_USES |= {"modulator": "laser", "filter_coupler": "laser"}  # a laser that feeds one row only
_USE_WORDS = {
    "loop": "the other coupler of a loopback",
    "rx": "a receive row",
    "tx": "a transmit row",
    "laser": "the splitters of a laser",
}
#: use -> key of the spec
_PATHS = {
    "loop": "engine.loopbacks",
    "rx": "engine.rx_fibres",
    "tx": "engine.tx_fibres",
    "laser": "engine.laser_fibres",
}
OPEN, UNKNOWN = "open", "something else"
ARRAY_RULE, MIRRORED_RULE, SWAPPED_RULE, NAME_RULE = "LVS.array", "LVS.mirrored", "LVS.swapped", "LVS.facet_name"


@dataclass(frozen=True)
class Anchors:
    """Which facet that was asked for is which one that is drawn, and what is wrong with the order."""

    pairs: tuple[tuple[AskedFacet, Facet], ...]
    faults: tuple[Fault, ...]


def anchor(asked: AskedEngine, circuit: Circuit, pitch_um: float) -> Anchors:
    """Match the facets of an engine with those that were asked for.

    Args:
        asked: the engine.
        circuit: what is drawn.
        pitch_um: of the array.
    """
    row, angle = array_of(circuit.facets)
    faults: list[Fault] = []
    if len(row) < len(circuit.facets):
        odd = [facet for facet in circuit.facets if facet not in row]
        text = f"{len(odd)} facets face another way than the array's {len(row)}, 0 allowed; turn or remove them"
        faults.append(Fault(ARRAY_RULE, circuit.cell, text, box=_box(odd[0]), spec_path="engine.tx_fibres"))
    uses = [_use(asked, circuit, facet) for facet in row]
    wanted = [facet.use for facet in asked.facets]
    places = _places([along(facet, angle) for facet in row], uses, wanted, pitch_um)
    by_place = {place: (facet, use) for place, facet, use in zip(places, row, uses, strict=True)}
    if len(row) != len(wanted):
        faults.append(_number_fault(circuit, asked, by_place, len(row)))
    faults += _pitch_faults(circuit, [along(facet, angle) for facet in row], row, pitch_um)
    drawn = [by_place[k][1] if k in by_place else "" for k in range(len(wanted))]
    order = _order(wanted, drawn)
    if order is not None and order != list(range(len(wanted))):
        faults.append(_pattern_fault(circuit, asked, by_place, order))
    led = {k: (order[k] if order else k) for k in range(len(wanted))}
    # what ends open, or at a device that no row begins with, is told by the walk
    strange = [
        k for k, place in led.items() if place in by_place and by_place[place][1] not in (wanted[k], OPEN, UNKNOWN)
    ]
    faults += [_use_fault(circuit, asked.facets[k], *by_place[led[k]]) for k in strange]
    faults += _name_faults(circuit, asked, by_place)
    pairs = [
        (facet, by_place[place][0])
        for k, facet in enumerate(asked.facets)
        if (place := led[k]) in by_place and k not in strange
    ]
    # from the rows to the lasers: the trees are then met from their many ends, which tell their branches apart
    pairs.sort(key=lambda pair: ("tx", "rx", "loop", "laser").index(pair[0].use))
    return Anchors(tuple(pairs), tuple(faults))


def _use(asked: AskedEngine, circuit: Circuit, facet: Facet) -> str:
    """What a facet is for, from the first device behind it."""
    sheets = {device.role: device.sheet for device in asked.devices.values()}
    path, outer = facet.ref
    inner = [port for (at, port) in circuit.via if at == path and port != outer]
    ends = [circuit.partner[path, port] for port in inner if (path, port) in circuit.partner]
    if len(ends) != 1:
        return OPEN if not ends else UNKNOWN
    behind = circuit.devices[ends[0][0]]
    return next((use for role, use in _USES.items() if role in sheets and fits(sheets[role], behind)), UNKNOWN)


def _places(at: Sequence[float], uses: Sequence[str], wanted: Sequence[str], pitch: float) -> list[int]:
    """Number of the position (from 0) of each facet, from where it lies: one that is missing leaves its place empty."""
    if not at:
        return []
    steps = [round((x - at[0]) / pitch) for x in at]
    if len(set(steps)) < len(steps) or steps[-1] >= len(wanted):
        steps = list(range(len(at)))
    slack = len(wanted) - 1 - steps[-1]
    best = max(
        range(max(slack, 0) + 1),
        key=lambda shift: sum(wanted[s + shift] == use for s, use in zip(steps, uses, strict=True) if s < len(wanted)),
    )
    return [step + best for step in steps]


def _order(wanted: list[str], drawn: list[str]) -> list[int] | None:
    """Position drawn for each position asked for: the mirror image, or what swaps pairs; None for no such pattern."""
    count = len(wanted)
    if _agree(wanted, drawn):
        return list(range(count))
    if _agree(wanted, drawn[::-1]):
        return list(range(count))[::-1]
    wrong = [k for k in range(count) if drawn[k] != wanted[k]]
    order = list(range(count))
    free = set(wrong)
    for k in wrong:
        partner = next((j for j in sorted(free) if drawn[j] == wanted[k] and drawn[k] == wanted[j] and j != k), None)
        if k in free and partner is not None:
            order[k], order[partner] = partner, k
            free -= {k, partner}
    return None if len(free) == len(wrong) else order


def _agree(wanted: list[str], drawn: list[str]) -> bool:
    """True when every position that leads somewhere leads where it should."""
    return all(use in (want, OPEN, UNKNOWN, "") for want, use in zip(wanted, drawn, strict=True))


def _pitch_faults(circuit: Circuit, at: Sequence[float], row: Sequence[Facet], pitch: float) -> Iterator[Fault]:
    """Facets at another distance than the fibres'."""
    steps = Counter(round(b - a, 3) for a, b in pairwise(at))
    if steps and (most := steps.most_common(1)[0][0]) != round(pitch, 3):
        text = f"the facets lie {most:g} um apart, {pitch:g} um asked; draw the array at that pitch"
        yield Fault(ARRAY_RULE, circuit.cell, text, box=_box(row[0]), spec_path="engine.fibre_pitch_um")


def _number_fault(circuit: Circuit, asked: AskedEngine, by_place: Mapping[int, tuple[Facet, str]], count: int) -> Fault:
    missing = [facet.name for k, facet in enumerate(asked.facets) if k not in by_place]
    what = f"nothing is drawn for {', '.join(missing)}" if missing else "remove what is too many"
    first = min(by_place, default=None)
    box = _box(by_place[first][0]) if first is not None else (0.0, 0.0, 0.0, 0.0)
    text = f"{count} facets in the fibre array, {len(asked.facets)} asked: {what}"
    return Fault(ARRAY_RULE, circuit.cell, text, box=box, spec_path="engine.tx_fibres")


def _pattern_fault(
    circuit: Circuit, asked: AskedEngine, by_place: Mapping[int, tuple[Facet, str]], order: Sequence[int]
) -> Fault:
    """The array as a whole is mirrored, or pairs of positions are swapped."""
    if list(order) == list(range(len(order)))[::-1]:
        first = by_place[min(by_place)][0]
        south, north = asked.facets[0].name, asked.facets[-1].name
        text = (
            f"the fibre array is mirrored: its {len(order)} positions run from {north} to {south}, "
            f"{south} to {north} asked (from south to north with the facet in the east); turn it over"
        )
        return Fault(MIRRORED_RULE, circuit.cell, text, box=_box(first), spec_path="engine.tx_fibres")
    pairs = [(k, j) for k, j in enumerate(order) if k < j]
    names = [f"{asked.facets[k].name} and {asked.facets[j].name}" for k, j in pairs]
    facet = by_place[pairs[0][0]][0]
    text = f"the waveguides of {', '.join(names)} are swapped at the fibre array; lead each to its own position"
    return Fault(SWAPPED_RULE, circuit.cell, text, box=_box(facet), spec_path="engine.tx_fibres")


def _use_fault(circuit: Circuit, facet: AskedFacet, drawn: Facet, use: str) -> Fault:
    """A facet with something else behind it than asked."""
    found = _USE_WORDS[use]
    text = f"{facet.name} leads to {found}, {_USE_WORDS[facet.use]} asked; lead it there"
    return Fault(ARRAY_RULE, circuit.cell, text, box=_box(drawn), spec_path=_PATHS[facet.use])


def _name_faults(circuit: Circuit, asked: AskedEngine, by_place: Mapping[int, tuple[Facet, str]]) -> list[Fault]:
    """Ports of the engine that bear the name of another position: what is computed of its lanes goes by the names."""
    given = {k: facet.port for k, (facet, _) in by_place.items() if facet.port and k < len(asked.facets)}
    wrong = {k: port for k, port in given.items() if port != asked.facets[k].name}
    if not wrong:
        return []
    names = [facet.name for facet in asked.facets]
    if len(wrong) > 2 and [given.get(k) for k in range(len(names))] == names[::-1]:
        text = f"the ports of the array are named in reverse, {names[-1]} to {names[0]}; name them from south to north"
    else:
        shown = [f"{port} lies at {names[k]}" for k, port in sorted(wrong.items())]
        text = f"{len(wrong)} ports bear the name of another position, 0 allowed: {', '.join(shown[:6])}; rename them"
    first = by_place[min(wrong)][0]
    return [Fault(NAME_RULE, circuit.cell, text, box=_box(first), spec_path="engine.tx_fibres")]


def _box(facet: Facet) -> tuple[float, float, float, float]:
    return (round(facet.x - 0.5, 3), round(facet.y - 0.5, 3), round(facet.x + 0.5, 3), round(facet.y + 0.5, 3))
