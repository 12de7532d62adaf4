"""The map of the bumps of an engine of Mach-Zehnders.

A modulator's electrode, ground, signal, ground, signal, ground, has a column of five bumps at either end: from south to
north e1 to e5 in the west, e10 to e6 in the east (facet in the east). The two bumps of its heater stand in columns of
their own. Modulators stand along a transmit row from west to east in the order in which the channels
leave the demultiplexer (1, 3, 2, 4), detectors along a receive row from east to west. A detector has its anode south of
its cathode. Rows follow one another from south to north as their fibres do; of two rows at one height the eastern
comes first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from statistics import mean

from cpo_pdk.verify.lvs.asked import AskedEngine
from cpo_pdk.verify.lvs.bump_pins import MAP_RULE, POLARITY_RULE, Pin, Pins
from cpo_pdk.verify.lvs.faults import Fault
from cpo_pdk.verify.lvs.ring_bumps import tap_monitors

_WEST = ("e1", "e2", "e3", "e4", "e5")
_EAST = ("e10", "e9", "e8", "e7", "e6")
_HEATER = ("e11", "e12")


def exchanged(pins: Pins, known: Sequence[Pin]) -> Iterator[Fault]:
    """Terminals at the bump of another, devices and rows in another order than the die on top expects.

    Args:
        pins: of the engine.
        known: those that lie on the grid.
    """
    devices: dict[str, dict[str, Pin]] = defaultdict(dict)
    for pin in known:
        devices[pin.asked.key][pin.end.name] = pin
    for own in devices.values():
        first = next(iter(own.values()))
        if first.asked.role == "modulator":
            yield from _electrode(pins, own)
        elif first.asked.role == "detector":
            yield from _detector(pins, own)
    yield from tap_monitors(pins, known)
    yield from _order_in_rows(pins, devices)
    yield from _order_of_rows(pins, known)


def channel_order(asked: AskedEngine) -> tuple[int, ...]:
    """Channels in the order in which they leave a demultiplexer, from north to south."""
    stages = asked.filters[0].stages if asked.filters else ()
    return tuple(channel for stage in stages if len(stage.channels) == 2 for channel in stage.channels)


def _electrode(pins: Pins, own: Mapping[str, Pin]) -> Iterator[Fault]:
    """Terminals of one modulator: each at the place in its columns that it was asked to have."""
    if len(own) != len(_WEST) + len(_EAST) + len(_HEATER):
        return  # a terminal without a bump of its own is told as that
    columns: dict[int, list[Pin]] = defaultdict(list)
    for pin in own.values():
        columns[round(pin.u)].append(pin)
    full = [sorted(columns[u], key=lambda pin: pin.v) for u in sorted(columns) if len(columns[u]) == len(_WEST)]
    heater = [pin for u in sorted(columns) if len(columns[u]) != len(_WEST) for pin in columns[u]]
    if len(full) != 2 or len(heater) != len(_HEATER):
        first = own["e1"]
        text = f"the bumps of {first.asked.words} stand in no two columns of five and a pair; move them to their pads"
        yield pins.fault(MAP_RULE, text, first)
        return
    names: tuple[str, ...] = (*_WEST, *_EAST, *_HEATER)
    found = {name: pin for name, pin in zip(names, (*full[0], *full[1], *heater), strict=True)}
    told: set[str] = set()
    for name, pin in found.items():
        other = own[name]
        if pin is other or name in told or pin.kind == other.kind == "heater":
            continue
        back = next(n for n, p in found.items() if p is other)
        told |= {name, back, pin.end.name}
        if found[pin.end.name] is other:
            text = (
                f"{other.end.name} (the {other.kind}) and {pin.end.name} (the {pin.kind}) of {pin.asked.words} are "
                "exchanged at their bumps; lead each to its own bump"
            )
        else:
            text = (
                f"the bump of {other.end.name} (the {other.kind}) of {pin.asked.words} is on {pin.end.name} (the "
                f"{pin.kind}); lead each to its own bump"
            )
        yield pins.fault(MAP_RULE, text, other)


def _detector(pins: Pins, own: Mapping[str, Pin]) -> Iterator[Fault]:
    anode, cathode = own.get("e1"), own.get("e2")
    if anode is not None and cathode is not None and anode.v > cathode.v:
        text = (
            f"anode and cathode of {anode.asked.words} are exchanged at their bumps: its junction is biased forward; "
            "lead each to its own bump"
        )
        yield pins.fault(POLARITY_RULE, text, anode)


def _order_in_rows(pins: Pins, devices: Mapping[str, Mapping[str, Pin]]) -> Iterator[Fault]:
    """The bumps of modulators and detectors follow one another along their row as the channels do."""
    order = channel_order(pins.asked)
    rows: dict[str, dict[int, list[Pin]]] = defaultdict(dict)
    for own in devices.values():
        listed = list(own.values())
        if listed[0].asked.role in ("modulator", "detector"):
            rows[listed[0].row][listed[0].asked.channel] = listed
    for found in rows.values():
        if len(found) != len(order):
            continue
        receive = next(iter(found.values()))[0].asked.role == "detector"
        drawn = sorted(found, key=lambda channel: mean(pin.u for pin in found[channel]), reverse=receive)
        wrong = [(a, b) for a, b in zip(order, drawn, strict=True) if a != b]
        if not wrong:
            continue
        first, other = found[wrong[0][0]][0], found[wrong[0][1]][0]
        kind = "detectors" if receive else "modulators"
        text = (
            f"the bumps of {first.asked.words} are where those of {other.asked.words} belong: the {kind} stand in the "
            f"order {_listed(drawn)} from {'east to west' if receive else 'west to east'}, {_listed(order)} asked; "
            "exchange them"
        )
        yield pins.fault(MAP_RULE, text, first)


def _order_of_rows(pins: Pins, known: Sequence[Pin]) -> Iterator[Fault]:
    """The bumps of the rows follow one another as the fibres do, from south to north."""
    places: dict[str, list[Pin]] = defaultdict(list)
    for pin in known:
        if pin.asked.role in ("modulator", "detector"):
            places[pin.row].append(pin)
    asked = [facet.name for facet in pins.asked.facets if facet.name in places]
    drawn = sorted(asked, key=lambda row: (round(mean(p.v for p in places[row])), -mean(p.u for p in places[row])))
    wrong = [(a, b) for a, b in zip(asked, drawn, strict=True) if a != b]
    if wrong:
        row, other = wrong[0]
        text = (
            f"the bumps of {other} lie where those of {row} belong: rows follow from south to north as their fibres; "
            "exchange them"
        )
        yield pins.fault(MAP_RULE, text, places[row][0])


def _listed(channels: Sequence[int]) -> str:
    return ", ".join(map(str, channels))
