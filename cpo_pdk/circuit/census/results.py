"""What the census returns; plain frozen values that the report and the command line read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["neighbour", "modulation", "parallel", "crossing", "stray", "reflection", "loop", "echo"]

#: what each kind of entry is
KINDS: dict[Kind, str] = {
    "neighbour": "light of another channel of the same fibre that the victim's ring drops or detector receives too",
    "modulation": "modulation that the modulator of another channel puts on the victim",
    "parallel": "two waveguides that run beside each other",
    "crossing": "light that a waveguide crossing sends into a side arm",
    "stray": "light that a device sends to a port where it does not belong",
    "reflection": "light that a device sends back once",
    "loop": "the wanted signal, sent back by two devices one after the other",
    "echo": "the wanted signal by another way; listed, but in no sum: it brings the same data within picoseconds",
}


@dataclass(frozen=True)
class Run:
    """A place where two waveguides run so close that light passes between them.

    Attributes:
        a, b: paths of the two devices; `(drawn)` stands for polygons that belong to none.
        x, y: where they are closest, um.
        gap_um: smallest distance of the cores.
        length_um: length of a run at the smallest gap that would couple as much.
        width_a_um, width_b_um: of the cores there.
        cross_section: "strip", or "rib" where the silicon between them is left as a slab.
        kappa: coupling angle at the longest channel, rad: `|integral kappa exp(i (beta_a - beta_b) z) dz|`.
        level_dB: `20 log10 |sin kappa|`, power that passes over.
    """

    a: str
    b: str
    x: float
    y: float
    gap_um: float
    length_um: float
    width_a_um: float
    width_b_um: float
    cross_section: str
    kappa: float
    level_dB: float


@dataclass(frozen=True)
class Entry:
    """One disturbance of one victim.

    Attributes:
        kind: see `KINDS`.
        level_dB: power at the victim's receiver relative to the wanted signal, dB.
        source: where the light comes from: `laser_1 channel 3`, or the modulator.
        instance: path of the device where it goes astray, of both devices for runs and loops.
        x, y: of the place, um, coordinates of the top cell.
        what: in words.
    """

    kind: Kind
    level_dB: float
    source: str
    instance: str
    x: float
    y: float
    what: str


@dataclass(frozen=True)
class Victim:
    """A receiver, and everything that disturbs it.

    Attributes:
        engine, direction, port, channel, polarization: which lane; `laser` as direction is a laser that light returns
            to, relative to what it emits.
        entries: worst first, those above the limit.
        coherent_dB: the amplitudes of all light of one wavelength add, in the worst case; the powers of different
            wavelengths, and of modulations, add.
        incoherent_dB: all powers add. Both of all entries down to 20 dB below the limit, echoes left out.
    """

    engine: str
    direction: Literal["tx", "rx", "laser"]
    port: int
    channel: int
    wl_um: float
    polarization: str
    coherent_dB: float
    incoherent_dB: float
    entries: tuple[Entry, ...] = ()

    @property
    def name(self) -> str:
        """`engine_n1 rx_3 channel 4 TE`."""
        mode = f" {self.polarization}" if self.direction == "rx" else ""
        return f"{self.engine} {self.direction}_{self.port} channel {self.channel}{mode}"


@dataclass(frozen=True)
class Census:
    """Everything that the census found.

    Attributes:
        runs: parallel runs of the whole layout, the strongest first.
        victims: in the order engine, direction, port, channel.
        limit_dB: entries below it are summed, but not listed.
        counts: how much was looked at.
        warnings: what was left out or taken as something else.
    """

    runs: tuple[Run, ...]
    victims: tuple[Victim, ...] = ()
    limit_dB: float = -60.0
    counts: dict[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
