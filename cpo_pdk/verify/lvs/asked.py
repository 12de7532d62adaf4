"""The circuit that a spec asks for, from the spec and its sheets alone: nothing here knows what was drawn.

The architecture of an engine, as the spec's keys describe it. From south to north its fibre array holds the first
loopback, laser, transmit and receive fibres, the second loopback, seen with the facet in the east. The last laser fibre
feeds the southernmost group of transmit rows through a tree of 1x2 splitters.

    laser:    edge coupler - tree of splitters - rows of its group
    transmit: (tree) - modulator of channel 1 - ... - of channel n - tap - edge coupler; on the tap a monitor and, on
              the port that no light leaves by, a terminator
    receive:  edge coupler - splitter-rotator - two buses, each with the ring of channel 1 first and a terminator behind
              that of channel n; both rings of a channel drop into the two ends of one detector, the other end of each
              drop guide is terminated
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cpo_pdk.circuit.netlist import PortRef
from cpo_pdk.spec.package import SIDES, PackageSpec, Side
from cpo_pdk.spec.placement import share_of
from cpo_pdk.spec.sheet import Sheet

#: roles of `engine.devices` that only lead light on: they belong to the nets
ROUTING_ROLES = ("waveguide", "bend", "taper", "fiber", "laser_fiber")
#: where light that enters a device of a role goes on along its row
THROUGH = {"modulator": {"o1": "o2", "o2": "o1"}, "drop_filter": {"o1": "o4", "o4": "o1"}}


@dataclass(frozen=True)
class AskedDevice:
    """One device of an engine.

    Attributes:
        key: unique in the engine, `tx_3/modulator_5`.
        role: field of the spec's `engine.devices`.
        row: what it belongs to: `tx_3`, `rx_1`, `laser_2`, `loop_1`.
        words: what to call it in a message that names the row.
        sheet: of the device.
        channel: that it serves, from 1; 0 for a device that serves all.
    """

    key: str
    role: str
    row: str
    words: str
    sheet: Sheet
    channel: int = 0

    @property
    def spec_path(self) -> str:
        """Key of the spec that asks for it."""
        return f"engine.devices.{self.role}"


@dataclass(frozen=True)
class AskedFacet:
    """One position of the fibre array: its name (`tx_3`), what it is for (`tx`), and the edge coupler behind it."""

    name: str
    use: str
    coupler: str


@dataclass(frozen=True)
class AskedEngine:
    """One engine: its devices by key, which port meets which, and its fibre array from south to north."""

    devices: Mapping[str, AskedDevice]
    partner: Mapping[PortRef, PortRef]
    facets: tuple[AskedFacet, ...]
    channels_um: tuple[float, ...]
    feeds: Mapping[str, str] = field(default_factory=dict)  # transmit row -> laser

    def bus(self, row: str, role: str, side: str = "") -> tuple[AskedDevice, ...]:
        """The devices of a role in a row (on one side of it), in the order of their channels."""
        found = (d for d in self.devices.values() if d.row == row and d.role == role and side in d.key)
        return tuple(sorted(found, key=lambda d: d.channel))


@dataclass(frozen=True)
class AskedConnector:
    """A connector at the faceplate: name, kind, and the names of the facets on its positions 1, 2, ..."""

    name: str
    kind: str
    facets: tuple[str, ...]
    spec_path: str


@dataclass(frozen=True)
class AskedPlace:
    """An engine of the package: its name (`N1`), the side it stands on and its number there, its connectors."""

    name: str
    side: Side
    number: int
    connectors: tuple[AskedConnector, ...]

    def position(self, facet: str) -> tuple[str, int] | None:
        """Connector and position (from 1) of a facet's fibre; None for an alignment fibre, which ends open."""
        for connector in self.connectors:
            if facet in connector.facets:
                return connector.name, connector.facets.index(facet) + 1
        return None


class _Engine:
    """Collects devices and links."""

    def __init__(self, spec: PackageSpec, sheets: Mapping[str, Sheet]) -> None:
        self.spec = spec
        self.sheets = sheets
        self.devices: dict[str, AskedDevice] = {}
        self.partner: dict[PortRef, PortRef] = {}

    def add(self, row: str, role: str, name: str, words: str, channel: int = 0) -> str:
        key = f"{row}/{name}"
        sheet = self.sheets[getattr(self.spec.engine.devices, role)]
        self.devices[key] = AskedDevice(key, role, row, words, sheet, channel)
        return key

    def join(self, a: PortRef, b: PortRef) -> None:
        self.partner[a] = b
        self.partner[b] = a


def channel_words(number: int, wl_um: float) -> str:
    """`channel 5 (1300.614 nm)`."""
    return f"channel {number} ({wl_um * 1e3:.3f} nm)"


def facet_names(spec: PackageSpec) -> tuple[tuple[str, str], ...]:
    """Name and use of each position of the fibre array, from south to north."""
    e = spec.engine
    south, north = (2 if e.loopbacks else 0), (2 if e.loopbacks == 2 else 0)
    return (
        *((f"loop_{k + 1}", "loop") for k in range(south)),
        *((f"laser_{k + 1}", "laser") for k in range(e.laser_fibres)),
        *((f"tx_{k + 1}", "tx") for k in range(e.tx_fibres)),
        *((f"rx_{k + 1}", "rx") for k in range(e.rx_fibres)),
        *((f"loop_{south + k + 1}", "loop") for k in range(north)),
    )


def asked_engine(spec: PackageSpec, sheets: Mapping[str, Sheet]) -> AskedEngine:
    """The circuit of one engine.

    Args:
        spec: the package.
        sheets: by name; those of `engine.devices` are there.
    """
    e, wl = spec.engine, spec.engine.grid.wl_um
    made = _Engine(spec, sheets)
    names = facet_names(spec)
    for name, _ in names:
        made.add(name, "edge_coupler", "coupler", "the edge coupler")
    loops = [name for name, use in names if use == "loop"]
    for a, b in zip(loops[::2], loops[1::2], strict=True):
        made.join((f"{a}/coupler", "o1"), (f"{b}/coupler", "o1"))
    for k in range(e.tx_fibres):
        _transmit(made, f"tx_{k + 1}", wl)
    for k in range(e.rx_fibres):
        _receive(made, f"rx_{k + 1}", wl)
    feeds: dict[str, str] = {}
    ways = e.splitter_ways
    for k in range(e.laser_fibres):
        rows = [f"tx_{(e.laser_fibres - 1 - k) * ways + i + 1}" for i in range(ways)]
        feeds.update(dict.fromkeys(rows, f"laser_{k + 1}"))
        _feed(made, f"laser_{k + 1}", rows)
    facets = tuple(AskedFacet(name, use, f"{name}/coupler") for name, use in names)
    return AskedEngine(made.devices, made.partner, facets, wl, feeds)


def _transmit(made: _Engine, row: str, wl: tuple[float, ...]) -> None:
    last: PortRef | None = None
    for number, um in enumerate(wl, start=1):
        words = f"the modulator of {channel_words(number, um)}"
        key = made.add(row, "modulator", f"modulator_{number}", words, number)
        if last is not None:
            made.join(last, (key, "o1"))
        last = (key, "o2")
    tap = made.add(row, "tap", "tap", "the tap")
    if last is not None:
        made.join(last, (tap, "o1"))
    made.join((tap, "o2"), (made.add(row, "terminator", "tap_end", "the terminator on the tap"), "o1"))
    made.join((tap, "o3"), (made.add(row, "monitor", "monitor", "the monitor"), "o1"))
    made.join((tap, "o4"), (f"{row}/coupler", "o1"))


def _receive(made: _Engine, row: str, wl: tuple[float, ...]) -> None:
    psr = made.add(row, "psr", "psr", "the splitter-rotator")
    made.join((psr, "o1"), (f"{row}/coupler", "o1"))
    last: dict[str, PortRef] = {"upper": (psr, "o2"), "lower": (psr, "o3")}
    for number, um in enumerate(wl, start=1):
        channel = channel_words(number, um)
        detector = made.add(row, "detector", f"detector_{number}", f"the detector of {channel}", number)
        for side, into in (("upper", "o2"), ("lower", "o1")):
            words = f"the {side} ring of {channel}"
            ring = made.add(row, "drop_filter", f"ring_{side}_{number}", words, number)
            end = made.add(row, "terminator", f"end_{side}_{number}", f"the terminator at {words}", number)
            made.join(last[side], (ring, "o4"))
            made.join((ring, "o3"), (detector, into))
            made.join((ring, "o2"), (end, "o1"))
            last[side] = (ring, "o1")
    for side, ref in last.items():
        made.join(ref, (made.add(row, "terminator", f"bus_end_{side}", f"the terminator of the {side} bus"), "o1"))


def _feed(made: _Engine, laser: str, rows: list[str]) -> None:
    """The tree from a laser's coupler to its rows, from south to north: `o2` of a splitter leads to the northern."""
    source: PortRef = (f"{laser}/coupler", "o1")
    level = [(source, rows)]
    count = 0
    while level:
        below: list[tuple[PortRef, list[str]]] = []
        for ref, group in level:
            if len(group) == 1:
                made.join(ref, (f"{group[0]}/modulator_1", "o1"))
                continue
            count += 1
            words = f"splitter {count} of the tree"
            splitter = made.add(laser, "splitter", f"splitter_{count}", words)
            made.join(ref, (splitter, "o1"))
            half = len(group) // 2
            below += [((splitter, "o3"), group[:half]), ((splitter, "o2"), group[half:])]
        level = below


def asked_places(spec: PackageSpec) -> tuple[AskedPlace, ...]:
    """The engines of the package with their connectors: names, sides, fibres position by position."""
    return tuple(_places(spec))


def _places(spec: PackageSpec) -> Iterator[AskedPlace]:
    lasers = [name for name, use in facet_names(spec) if use == "laser"]
    data = [name for name, use in facet_names(spec) if use in ("tx", "rx")]
    holds = spec.faceplate.fibres_per_connector
    number: dict[str, int] = {}
    for side in [own for own in SIDES for _ in range(share_of(spec).of(own))]:
        number[side] = number.get(side, 0) + 1
        name = f"{side[0].upper()}{number[side]}"
        kind = spec.laser.connector
        connectors = [AskedConnector(f"{kind}-{name}", kind, tuple(lasers), "laser.connector")]
        several = math.ceil(len(data) / holds) > 1
        for k in range(0, len(data), holds):
            called = f"MPO-{name}" + (f"-{k // holds + 1}" if several else "")
            held = tuple(data[k : k + holds])
            connectors.append(AskedConnector(called, spec.faceplate.connector, held, "faceplate.connector"))
        yield AskedPlace(name, side, number[side], tuple(connectors))


def asked_at(spec: PackageSpec, path: str) -> str:
    """`file:line` of a value of the spec; a file below the working folder is named from there."""
    problem = spec.problem(path, "")
    here = Path.cwd()
    file = problem.file.relative_to(here) if problem.file.is_relative_to(here) else problem.file
    return f"{file.as_posix()}:{problem.line}"
