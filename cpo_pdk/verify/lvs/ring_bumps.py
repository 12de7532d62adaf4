"""The map of the bumps of an engine with rings.

A row has two lines of bumps, half a fibre pitch north and south of its axis (facet in the east), in columns along it,
three a channel from west to east:

    transmit, channel k        north: cathode of its monitor, anode, cathode
                               south: anode of its monitor, heater, heater
    behind the last channel    north: anode and cathode of the tap's monitor, in neighbouring columns
    receive, channels n to 1   north: upper heater, upper heater, cathode
                               south: lower heater, lower heater, anode

A receive row without rings has its detector's two bumps in the same places.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from cpo_pdk.verify.lvs.bump_pins import MAP_RULE, POLARITY_RULE, Pin, Pins, full_words
from cpo_pdk.verify.lvs.faults import MARK, Fault

_NORTH, _SOUTH = 1, -1
#: role -> terminal -> (column of the channel's three, line); the ends of a heater are worth the same
_SITES: Mapping[str, Mapping[str, tuple[int, int]]] = {
    "modulator": {
        "e6": (0, _NORTH),
        "e5": (0, _SOUTH),
        "e1": (1, _NORTH),
        "e3": (1, _SOUTH),
        "e2": (2, _NORTH),
        "e4": (2, _SOUTH),
    },
    "upper": {"e1": (0, _NORTH), "e2": (1, _NORTH)},
    "lower": {"e1": (0, _SOUTH), "e2": (1, _SOUTH)},
    "detector": {"e1": (2, _SOUTH), "e2": (2, _NORTH)},
}
_OPPOSITE = {"anode": "cathode", "cathode": "anode", "monitor anode": "monitor cathode"}
_OPPOSITE["monitor cathode"] = "monitor anode"

#: row, column, line
Site = tuple[str, int, int]


def exchanged(pins: Pins, known: Sequence[Pin], pitch: tuple[float, float]) -> Iterator[Fault]:
    """Terminals at the bump of another; anode and cathode of one device exchanged is a flipped polarity.

    Args:
        pins: of the engine.
        known: those that lie on the grid.
        pitch: of the grid along the rows and across, um.
    """
    count = len(pins.asked.channels_um)
    steps = Counter(round(pin.u / pitch[0] - column, 3) for pin in known if (column := _column(pin, count)) is not None)
    if not steps:
        return
    start = steps.most_common(1)[0][0] * pitch[0]
    meant: dict[Site, Pin] = {}
    found: dict[Site, Pin] = {}
    for pin in known:
        found[_site(pins, pin, start, pitch)] = pin
        column = _column(pin, count)
        if column is not None:
            meant[(pin.row, column, _sites(pin)[pin.end.name][1])] = pin
    yield from _swapped(pins, meant, found)
    yield from tap_monitors(pins, known)


def _swapped(pins: Pins, meant: Mapping[Site, Pin], found: Mapping[Site, Pin]) -> Iterator[Fault]:
    told: set[Site] = set()
    for site, pin in meant.items():
        other = found.get(site)
        if other is None or other is pin or _alike(pin, other) or site in told:
            continue
        back = next((s for s, p in found.items() if p is pin), None)
        if other.asked is pin.asked and _OPPOSITE.get(pin.kind) == other.kind:
            told |= {site} | ({back} if back else set())
            text = (
                f"anode and cathode of {pin.asked.words} are exchanged at their bumps: its junction is biased "
                "forward; lead each to its own bump"
            )
            if "monitor" in pin.kind:
                text = text.replace(pin.asked.words, f"the monitor in {pin.asked.words}")
            yield pins.fault(POLARITY_RULE, text, pin)
        elif back is not None and meant.get(back) is other:
            told |= {site, back}
            text = f"{pin.words} and {other.words} are exchanged at their bumps; lead each to its own bump"
            yield pins.fault(MAP_RULE, text, pin)
        else:
            text = f"the bump of {pin.words} is on {full_words(other, pin)}; lead each to its own bump"
            yield pins.fault(MAP_RULE, text, pin)
    for site, pin in meant.items():
        if site not in found and not any(p is pin and s in told for s, p in found.items()):
            text = f"{pin.words} has its bump at another place than asked; move it to its own"
            yield pins.fault(MAP_RULE, text, pin)


def tap_monitors(pins: Pins, known: Sequence[Pin]) -> Iterator[Fault]:
    """Monitors of the taps: anode west of the cathode, both on one line behind the last channel.

    Args:
        pins: of the engine.
        known: those that lie on the grid.
    """
    rows: dict[str, dict[str, Pin]] = {}
    for pin in known:
        if pin.asked.role == "monitor":
            rows.setdefault(pin.row, {})[pin.end.name] = pin
    for row in rows.values():
        if len(row) != 2:
            continue
        anode, cathode = row["e1"], row["e2"]
        if anode.u > cathode.u and abs(anode.v - cathode.v) < MARK:
            text = (
                f"anode and cathode of {anode.asked.words} are exchanged at their bumps: its junction is biased "
                "forward; lead each to its own bump"
            )
            yield pins.fault(POLARITY_RULE, text, anode)


def _column(pin: Pin, count: int) -> int | None:
    """Column that was asked for a terminal, counted from the row's first; None for the tap's monitor."""
    sites = _sites(pin)
    if pin.end.name not in sites:
        return None
    channel = pin.asked.channel - 1 if pin.asked.role == "modulator" else count - pin.asked.channel
    return 3 * channel + sites[pin.end.name][0]


def _sites(pin: Pin) -> Mapping[str, tuple[int, int]]:
    side = "upper" if "_upper_" in pin.asked.key else "lower"
    return _SITES.get(side if pin.asked.role == "drop_filter" else pin.asked.role, {})


def _site(pins: Pins, pin: Pin, start: float, pitch: tuple[float, float]) -> Site:
    """Row, column and line of a bump as drawn: the row whose axis is half a pitch away, its own where there is."""
    half = pitch[1] / 2
    away = {row: abs(abs(pin.v - axis) - half) for row, axis in pins.axis.items()}
    near = min(away, key=lambda row: (away[row] > 1.0, row != pin.row))
    line = _NORTH if pin.v > pins.axis[near] else _SOUTH
    return near, round((pin.u - start) / pitch[0]), line


def _alike(a: Pin, b: Pin) -> bool:
    """The two ends of one heater."""
    return a.asked is b.asked and a.kind == b.kind == "heater"
