"""The bumps of an engine: their number and grid, and which terminal of which channel each of them belongs to.

The die on top is made for this map. A row of the engine has two lines of bumps, half a fibre pitch north and south of
its axis (facet in the east), in columns along it, three a channel from west to east:

    transmit, channel k        north: cathode of its monitor, anode, cathode
                               south: anode of its monitor, heater, heater
    behind the last channel    north: anode and cathode of the tap's monitor, in neighbouring columns
    receive, channels n to 1   north: upper heater, upper heater, cathode
                               south: lower heater, lower heater, anode
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.tech.rules import Rule
from cpo_pdk.verify.lvs.asked import AskedDevice, AskedEngine
from cpo_pdk.verify.lvs.engines import EngineMatch
from cpo_pdk.verify.lvs.faults import MARK, Fault
from cpo_pdk.verify.lvs.metal_faults import BUMPS_RULE
from cpo_pdk.verify.lvs.metal_nets import End, MetalNets

MAP_RULE, POLARITY_RULE = "LVS.bump_map", "LVS.POLARITY"
_NORTH, _SOUTH = 1, -1
#: role -> terminal -> what it is
TERMINALS: Mapping[str, Mapping[str, str]] = {
    "modulator": {
        "e1": "anode",
        "e2": "cathode",
        "e3": "heater",
        "e4": "heater",
        "e5": "monitor anode",
        "e6": "monitor cathode",
    },
    "drop_filter": {"e1": "heater", "e2": "heater"},
    "detector": {"e1": "anode", "e2": "cathode"},
    "monitor": {"e1": "anode", "e2": "cathode"},
}
#: cell, or role, of what a lane begins or ends at -> the terminal that its airwire leads to
LANE_TERMINAL: Mapping[str, str] = {"modulator": "e1", "mach_zehnder_modulator": "e2", "detector": "e1"}
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

Site = tuple[str, int, int]


@dataclass(frozen=True)
class _Pin:
    """A terminal of a device of the engine: the device, the terminal, and its bump in the frame of the facet, um."""

    asked: AskedDevice
    end: End
    bump: End
    u: float
    v: float

    @property
    def kind(self) -> str:
        return TERMINALS[self.asked.role][self.end.name]

    @property
    def words(self) -> str:
        return f"the {self.kind} of {self.asked.words}"


class BumpMap:
    """The bumps of one distinct engine.

    Args:
        asked: the engine.
        engine: which drawn device is which.
        metal: the nets.
        spec: the package.
        rule: tolerance of a bump's place on its grid.
    """

    def __init__(
        self, asked: AskedEngine, engine: EngineMatch, metal: MetalNets, spec: PackageSpec, rule: Rule
    ) -> None:
        self.asked = asked
        self.engine = engine
        self.spec = spec
        self.rule = rule
        self.pitch = spec.engine.bump_pitch_um
        pairs = engine.anchors.pairs
        self.turn = math.radians(pairs[0][1].angle) if pairs else 0.0
        self.axis = {facet.name: self._frame(drawn.x, drawn.y)[1] for facet, drawn in pairs}
        self.nets = list(metal.flat_nets(engine.circuit.cell))
        self.bumps = sorted({end for net in self.nets for end in net if end.is_bump})

    @property
    def wanted(self) -> int:
        """Number of bumps that the engine was asked to have: one a terminal."""
        return sum(len(TERMINALS.get(device.role, {})) for device in self.asked.devices.values())

    def _frame(self, x: float, y: float) -> tuple[float, float]:
        """Out of the facet, and along it to the left."""
        cos, sin = math.cos(self.turn), math.sin(self.turn)
        return x * cos + y * sin, y * cos - x * sin

    def faults(self) -> Iterator[Fault]:
        """Everything that is wrong with the bumps."""
        cell = self.engine.circuit.cell
        if len(self.bumps) != self.wanted:
            text = f"{len(self.bumps)} bumps on the engine, {self.wanted} asked, one a terminal; place one each"
            box = self._box(self.bumps[0]) if self.bumps else None
            yield Fault(BUMPS_RULE, cell, text, box=box, spec_path="engine.devices.modulator", layer="BUMP")
        off = list(self._off_grid())
        for bump, du, dv in off:
            text = (
                f"a bump lies {du:+.3f}, {dv:+.3f} um off the grid of {self.pitch[0]:g} x {self.pitch[1]:g} um, "
                f"{self.rule.value:g} um allowed; move it back"
            )
            yield Fault(self.rule.name, cell, text, box=self._box(bump), spec_path="engine.bump_pitch_um", layer="BUMP")
        yield from self._map({bump for bump, _, _ in off})

    def _off_grid(self) -> Iterator[tuple[End, float, float]]:
        """Bumps off the grid that most of them lie on, and by how much, um."""
        places = {bump: self._frame(bump.x, bump.y) for bump in self.bumps}
        u0, v0 = (_origin((place[k] for place in places.values()), self.pitch[k]) for k in (0, 1))
        for bump, (u, v) in places.items():
            du, dv = _off(u - u0, self.pitch[0]), _off(v - v0, self.pitch[1])
            if max(abs(du), abs(dv)) > self.rule.value:
                yield bump, du, dv

    def lane_bumps(self) -> dict[str, tuple[float, float]]:
        """Lane (`tx_3/5`: row and channel) -> bump in the engine cell, um, that its modulator or detector is driven by.

        Of a modulator the first terminal of its signal, of a detector the anode. Lanes with no bump of their own are
        left out.
        """
        return {
            f"{pin.asked.row}/{pin.asked.channel}": (pin.bump.x, pin.bump.y)
            for pin in self._pins()
            if LANE_TERMINAL.get(pin.asked.sheet.cell, LANE_TERMINAL.get(pin.asked.role)) == pin.end.name
        }

    def _pins(self) -> Iterator[_Pin]:
        """Terminals that have one bump of their own, with the device that they belong to."""
        drawn = {
            (device.cell, round(device.place.x, 2), round(device.place.y, 2)): key
            for key, device in self.engine.matched.device.items()
        }
        for net in self.nets:
            bumps, ends = [end for end in net if end.is_bump], [end for end in net if not end.is_bump]
            if len(bumps) != 1 or len(ends) != 1:
                continue  # a short or an open, told as such
            key = drawn.get((ends[0].cell, round(ends[0].at_x, 2), round(ends[0].at_y, 2)))
            asked = self.asked.devices.get(key or "")
            if asked is not None and ends[0].name in TERMINALS.get(asked.role, {}):
                yield _Pin(asked, ends[0], bumps[0], *self._frame(bumps[0].x, bumps[0].y))

    def _map(self, skip: set[End]) -> Iterator[Fault]:
        pins = [pin for pin in self._pins() if pin.bump not in skip and pin.asked.row in self.axis]
        steps = Counter(
            round(pin.u / self.pitch[0] - column, 3) for pin in pins if (column := self._column(pin)) is not None
        )
        if not steps:
            return
        start = steps.most_common(1)[0][0] * self.pitch[0]
        meant: dict[Site, _Pin] = {}
        found: dict[Site, _Pin] = {}
        for pin in pins:
            found[self._site(pin, start)] = pin
            column = self._column(pin)
            if column is not None:
                meant[(pin.asked.row, column, self._line(pin))] = pin
        yield from self._exchanged(meant, found)
        yield from self._tap_monitors(pins)

    def _exchanged(self, meant: Mapping[Site, _Pin], found: Mapping[Site, _Pin]) -> Iterator[Fault]:
        """Terminals at the bump of another; anode and cathode of one device exchanged is a flipped polarity."""
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
                yield self._fault(POLARITY_RULE, text, pin)
            elif back is not None and meant.get(back) is other:
                told |= {site, back}
                text = f"{pin.words} and {other.words} are exchanged at their bumps; lead each to its own bump"
                yield self._fault(MAP_RULE, text, pin)
            else:
                text = f"the bump of {pin.words} is on {_full(other, pin)}; lead each to its own bump"
                yield self._fault(MAP_RULE, text, pin)
        for site, pin in meant.items():
            if site not in found and not any(p is pin and s in told for s, p in found.items()):
                text = f"{pin.words} has its bump at another place than asked; move it to its own"
                yield self._fault(MAP_RULE, text, pin)

    def _tap_monitors(self, pins: Iterable[_Pin]) -> Iterator[Fault]:
        """Anode west of the cathode, both on the north line behind the last channel."""
        rows: dict[str, dict[str, _Pin]] = {}
        for pin in pins:
            if pin.asked.role == "monitor":
                rows.setdefault(pin.asked.row, {})[pin.end.name] = pin
        for row in rows.values():
            if len(row) != 2:
                continue
            anode, cathode = row["e1"], row["e2"]
            if anode.u > cathode.u and abs(anode.v - cathode.v) < MARK:
                text = (
                    f"anode and cathode of {anode.asked.words} are exchanged at their bumps: its junction is biased "
                    "forward; lead each to its own bump"
                )
                yield self._fault(POLARITY_RULE, text, anode)

    def _column(self, pin: _Pin) -> int | None:
        """Column that was asked for a terminal, counted from the row's first; None for the tap's monitor."""
        sites = self._sites(pin)
        if pin.end.name not in sites:
            return None
        count = len(self.asked.channels_um)
        channel = pin.asked.channel - 1 if pin.asked.role == "modulator" else count - pin.asked.channel
        return 3 * channel + sites[pin.end.name][0]

    def _line(self, pin: _Pin) -> int:
        return self._sites(pin)[pin.end.name][1]

    @staticmethod
    def _sites(pin: _Pin) -> Mapping[str, tuple[int, int]]:
        side = "upper" if "_upper_" in pin.asked.key else "lower"
        return _SITES.get(side if pin.asked.role == "drop_filter" else pin.asked.role, {})

    def _site(self, pin: _Pin, start: float) -> Site:
        """Row, column and line of a bump as drawn: the row whose axis is half a pitch away, its own where there is."""
        half = self.pitch[1] / 2
        away = {row: abs(abs(pin.v - axis) - half) for row, axis in self.axis.items()}
        near = min(away, key=lambda row: (away[row] > 1.0, row != pin.asked.row))
        line = _NORTH if pin.v > self.axis[near] else _SOUTH
        return near, round((pin.u - start) / self.pitch[0]), line

    def _fault(self, rule: str, text: str, pin: _Pin) -> Fault:
        device = self.engine.matched.device[pin.asked.key]
        return Fault(
            rule, self.engine.circuit.cell, text, pin.asked.row, device, spec_path=pin.asked.spec_path, layer="M2/BUMP"
        )

    @staticmethod
    def _box(bump: End) -> tuple[float, float, float, float]:
        return (round(bump.x - 9, 3), round(bump.y - 9, 3), round(bump.x + 9, 3), round(bump.y + 9, 3))


def _alike(a: _Pin, b: _Pin) -> bool:
    """The two ends of one heater."""
    return a.asked is b.asked and a.kind == b.kind == "heater"


def _full(pin: _Pin, reader: _Pin) -> str:
    return pin.words if pin.asked.row == reader.asked.row else f"{pin.words} of {pin.asked.row}"


def _origin(values: Iterable[float], pitch: float) -> float:
    """Where a grid lies that most of the values are on."""
    rests = Counter(round(value % pitch, 3) % pitch for value in values)
    return rests.most_common(1)[0][0] if rests else 0.0


def _off(distance: float, pitch: float) -> float:
    """How far a distance is from the nearest whole number of pitches."""
    return distance - round(distance / pitch) * pitch
