"""The terminals of an engine's devices and the bump that each of them has, in the frame of the fibre array."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cpo_pdk.verify.lvs.asked import AskedDevice, AskedEngine
from cpo_pdk.verify.lvs.engines import EngineMatch
from cpo_pdk.verify.lvs.faults import Fault
from cpo_pdk.verify.lvs.metal_nets import End, MetalNets

MAP_RULE, POLARITY_RULE = "LVS.bump_map", "LVS.POLARITY"

_ELECTRODE = ("ground", "signal", "ground", "signal", "ground")
#: cell, or else role -> terminal -> what it is
_TERMINALS: Mapping[str, Mapping[str, str]] = {
    "mach_zehnder_modulator": {
        **{f"e{k}": word for k, word in enumerate(_ELECTRODE, start=1)},
        **{f"e{k}": word for k, word in enumerate(_ELECTRODE, start=6)},
        "e11": "heater",
        "e12": "heater",
    },
    "modulator": {
        "e1": "anode",
        "e2": "cathode",
        "e3": "heater",
        "e4": "heater",
        "e5": "monitor anode",
        "e6": "monitor cathode",
    },
    "drop_filter": {"e1": "heater", "e2": "heater"},
    "phase_shifter": {"e1": "heater", "e2": "heater"},
    "detector": {"e1": "anode", "e2": "cathode"},
    "monitor": {"e1": "anode", "e2": "cathode"},
}
#: cell, or else role, of what a lane begins or ends at -> the terminal that its airwire leads to
_LANE_TERMINAL: Mapping[str, str] = {"modulator": "e1", "mach_zehnder_modulator": "e2", "detector": "e1"}


def terminals_of(device: AskedDevice) -> Mapping[str, str]:
    """Terminal -> what it is, of a device with metal; empty for one without."""
    return _TERMINALS.get(device.sheet.cell) or _TERMINALS.get(device.role) or {}


@dataclass(frozen=True)
class Pin:
    """A terminal of a device of the engine: the device, the terminal, and its bump in the frame of the facet, um."""

    asked: AskedDevice
    end: End
    bump: End
    u: float
    v: float

    @property
    def kind(self) -> str:
        """What the terminal is."""
        return terminals_of(self.asked)[self.end.name]

    @property
    def words(self) -> str:
        """What to call it in a message that names the row."""
        return f"the {self.kind} of {self.asked.words}"

    @property
    def row(self) -> str:
        return self.asked.row


class Pins:
    """The bumps of one distinct engine.

    Args:
        asked: the engine.
        engine: which drawn device is which.
        metal: the nets.
    """

    def __init__(self, asked: AskedEngine, engine: EngineMatch, metal: MetalNets) -> None:
        self.asked = asked
        self.engine = engine
        pairs = engine.anchors.pairs
        self.turn = math.radians(pairs[0][1].angle) if pairs else 0.0
        self.axis = {facet.name: self.frame(drawn.x, drawn.y)[1] for facet, drawn in pairs}
        self.nets = list(metal.flat_nets(engine.circuit.cell))
        self.bumps = sorted({end for net in self.nets for end in net if end.is_bump})

    @property
    def wanted(self) -> int:
        """Number of bumps that the engine was asked to have: one a terminal."""
        return sum(len(terminals_of(device)) for device in self.asked.devices.values())

    def frame(self, x: float, y: float) -> tuple[float, float]:
        """Out of the facet, and along it to the left."""
        cos, sin = math.cos(self.turn), math.sin(self.turn)
        return x * cos + y * sin, y * cos - x * sin

    @property
    def said_lane_bumps(self) -> dict[str, tuple[float, float]]:
        """What the engine's record says of `lane_bumps`; empty where it says nothing that can be read."""
        said = self.engine.circuit.info.get("lane_bumps", [])
        try:
            return {str(name): (float(x), float(y)) for name, x, y in said}
        except (TypeError, ValueError):
            return {}

    def lane_bumps(self) -> dict[str, tuple[float, float]]:
        """Lane (`tx_3/5`: row and channel) -> bump in the engine cell, um, that its modulator or detector is driven by.

        Of a modulator the first terminal of its signal, of a detector the anode. Lanes with no bump of their own are
        left out.
        """
        return {
            f"{pin.row}/{pin.asked.channel}": (pin.bump.x, pin.bump.y)
            for pin in self.pins()
            if _LANE_TERMINAL.get(pin.asked.sheet.cell, _LANE_TERMINAL.get(pin.asked.role)) == pin.end.name
        }

    def pins(self) -> Iterator[Pin]:
        """Terminals that have one bump of their own, with the device that they belong to.

        Terminals that one electrode joins have as many bumps: the nearest is its own.
        """
        drawn = self._drawn()
        for net in self.nets:
            bumps, ends = [end for end in net if end.is_bump], [end for end in net if not end.is_bump]
            if len(bumps) != len(ends) or len({end.device for end in ends}) != 1:
                continue  # a short or an open, told as such
            asked = self.asked.devices.get(drawn.get(_place(ends[0]), ""))
            for end in ends if asked is not None else ():
                bump = min(bumps, key=lambda at: math.dist((at.x, at.y), (end.x, end.y)))
                bumps.remove(bump)
                if asked is not None and end.name in terminals_of(asked):
                    yield Pin(asked, end, bump, *self.frame(bump.x, bump.y))

    def bare(self) -> Iterator[tuple[AskedDevice, str]]:
        """Terminals of one electrode that have no bump of their own, while another of its terminals has."""
        drawn = self._drawn()
        for net in self.nets:
            bumps, ends = [end for end in net if end.is_bump], [end for end in net if not end.is_bump]
            if not 0 < len(bumps) < len(ends) or len({end.device for end in ends}) != 1:
                continue
            asked = self.asked.devices.get(drawn.get(_place(ends[0]), ""))
            for bump in bumps:
                ends.remove(min(ends, key=lambda end: math.dist((bump.x, bump.y), (end.x, end.y))))
            for end in ends if asked is not None else ():
                if asked is not None and end.name in terminals_of(asked):
                    yield asked, end.name

    def _drawn(self) -> dict[tuple[str, float, float], str]:
        """Cell and place of each drawn device -> what it was asked as."""
        return {
            (device.cell, round(device.place.x, 2), round(device.place.y, 2)): key
            for key, device in self.engine.matched.device.items()
        }

    def fault(self, rule: str, text: str, pin: Pin) -> Fault:
        """Something that is wrong with a terminal."""
        device = self.engine.matched.device[pin.asked.key]
        return Fault(
            rule, self.engine.circuit.cell, text, pin.row, device, spec_path=pin.asked.spec_path, layer="M2/BUMP"
        )


def _place(end: End) -> tuple[str, float, float]:
    """Cell and place of the device that a terminal is of."""
    return (end.cell, round(end.at_x, 2), round(end.at_y, 2))


def full_words(pin: Pin, reader: Pin) -> str:
    """Words of a terminal, with its row where that is another one than the reader thinks of."""
    return pin.words if pin.row == reader.row else f"{pin.words} of {pin.row}"
