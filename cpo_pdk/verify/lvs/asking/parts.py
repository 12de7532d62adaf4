"""What an engine that was asked for is made of: devices, the nets between them, facets, and filters of wavelengths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cpo_pdk.circuit.netlist import PortRef
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.sheet import Sheet


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
class AskedStage:
    """One interferometer of a (de)multiplexer, seen from the side where its channels are together.

    Attributes:
        number: in the tree, breadth first from 1.
        common: key of the coupler that light of all channels enters by `o1`; its `o2` is terminated.
        parted: key of the coupler behind the arms: at `o3` the 1st, 3rd ... of the channels leave, at `o4` the others.
        heater: key of the phase shifter, in one of the arms (`o3` to `o2`, or `o4` to `o1`).
        channels: numbers of the channels that are together, rising.
    """

    number: int
    common: str
    parted: str
    heater: str
    channels: tuple[int, ...]


@dataclass(frozen=True)
class AskedFilter:
    """One (de)multiplexer.

    Attributes:
        row: `tx_3`.
        words: what to call it, `demultiplexer`, `upper demultiplexer`.
        stages: the root first.
        leaves: channel -> the port that it is alone at.
        fed: laser light comes in by the root: it is followed from there, not from the devices at its leaves.
    """

    row: str
    words: str
    stages: tuple[AskedStage, ...]
    leaves: Mapping[int, PortRef]
    fed: bool = False

    @property
    def root(self) -> PortRef:
        """The port at which all channels are together."""
        return (self.stages[0].common, "o1")


@dataclass(frozen=True)
class AskedEngine:
    """One engine: its devices by key, which port meets which, and its fibre array from south to north.

    Attributes:
        devices: by key.
        partner: port -> the port at the other end of its net.
        facets: of the array.
        channels_um: wavelengths, rising.
        feeds: transmit row -> laser.
        through: role -> where light that enters a device of it goes on along the row.
        filters: (de)multiplexers.
    """

    devices: Mapping[str, AskedDevice]
    partner: Mapping[PortRef, PortRef]
    facets: tuple[AskedFacet, ...]
    channels_um: tuple[float, ...]
    feeds: Mapping[str, str] = field(default_factory=dict)
    through: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    filters: tuple[AskedFilter, ...] = ()

    @property
    def in_series(self) -> bool:
        """True where the devices of a role stand one behind the other on a bus."""
        return not self.filters

    def bus(self, row: str, role: str, side: str = "") -> tuple[AskedDevice, ...]:
        """The devices of a role in a row (on one side of it), in the order of their channels."""
        found = (d for d in self.devices.values() if d.row == row and d.role == role and side in d.key)
        return tuple(sorted(found, key=lambda d: d.channel))


class Drafting:
    """Collects the devices and nets of one engine.

    Args:
        spec: the package.
        sheets: by name; those of `engine.devices` are there.
    """

    def __init__(self, spec: PackageSpec, sheets: Mapping[str, Sheet]) -> None:
        self.spec = spec
        self.sheets = {role: sheets[name] for role, name in spec.engine.devices.by_role().items()}
        self.devices: dict[str, AskedDevice] = {}
        self.partner: dict[PortRef, PortRef] = {}
        self.filters: list[AskedFilter] = []

    def add(self, row: str, role: str, name: str, words: str, channel: int = 0) -> str:
        """Add a device to a row; returns its key."""
        key = f"{row}/{name}"
        self.devices[key] = AskedDevice(key, role, row, words, self.sheets[role], channel)
        return key

    def join(self, a: PortRef, b: PortRef) -> None:
        """Join two ports."""
        self.partner[a] = b
        self.partner[b] = a

    def to_fibre(self, row: str, last: PortRef) -> None:
        """The end of a transmit row: tap with its monitor and its terminator, edge coupler."""
        tap = self.add(row, "tap", "tap", "the tap")
        self.join(last, (tap, "o1"))
        self.join((tap, "o2"), (self.add(row, "terminator", "tap_end", "the terminator on the tap"), "o1"))
        self.join((tap, "o3"), (self.add(row, "monitor", "monitor", "the monitor"), "o1"))
        self.join((tap, "o4"), (f"{row}/coupler", "o1"))

    def from_fibre(self, row: str) -> dict[str, PortRef]:
        """The start of a receive row: edge coupler, splitter-rotator; where the polarisations leave it."""
        psr = self.add(row, "psr", "psr", "the splitter-rotator")
        self.join((psr, "o1"), (f"{row}/coupler", "o1"))
        return {"upper": (psr, "o2"), "lower": (psr, "o3")}


#: end of a detector that the light of one side comes in by
INTO = {"upper": "o2", "lower": "o1"}


def channel_words(number: int, wl_um: float) -> str:
    """`channel 5 (1300.614 nm)`."""
    return f"channel {number} ({wl_um * 1e3:.3f} nm)"
