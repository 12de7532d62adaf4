"""The package spec: what a file in `assemblies/` may say, as frozen models.

Every value has a unit in its name or description, a plausible range and a reason for the range. Arithmetic across
values is in `closure`; what needs a drawn engine (does it fit the side, can the fibre bend) is found where it is drawn,
and reported through `PackageSpec.problem`, which knows file and line.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr
from pydantic_core import PydanticCustomError

from cpo_pdk.errors import Problem
from cpo_pdk.spec.bounds import bounded, counted
from cpo_pdk.spec.grid import Grid
from cpo_pdk.spec.name_rules import name_fault
from cpo_pdk.spec.yaml_source import Source

Side = Literal["north", "east", "south", "west"]
SIDES: tuple[Side, ...] = ("north", "east", "south", "west")
"""Sides of the ASIC in the order in which engines are numbered (clockwise from the top)."""


def safe_name(name: str) -> str:
    """Validator: a name that may become a file or cell name."""
    fault = name_fault(name)
    if fault:
        raise PydanticCustomError("name", "{fault}", {"fault": fault})
    return name


Name = Annotated[str, Field(strict=True), AfterValidator(safe_name)]
DieSide = Annotated[
    float, bounded(1, 70, "mm", "side of the die", "a reticle is 26 x 33 mm; several dies together stay below 70 mm")
]
SubstrateSide = Annotated[
    float, bounded(10, 300, "mm", "side of the substrate", "package substrates; 300 mm is a wafer")
]
BumpPitch = Annotated[float, bounded(20, 500, "um", "bump pitch", "25 um micro-bumps to 500 um balls; in micrometres")]

EdgeLength = Annotated[float, bounded(0.1, 50, "mm", "length of the facet edge", "a die edge; in millimetres")]


class SpecModel(BaseModel):
    """Base of all parts of a spec: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Asic(SpecModel):
    """The switch die in the middle of the package."""

    size_mm: tuple[DieSide, DieSide] = Field(description="[width, height] of the die, mm")
    power_W: Annotated[float, bounded(0.1, 5000, "W", "heat of the die", "largest published switch package 1.5 kW")]
    bump_pitch_um: Annotated[
        float, bounded(20, 1500, "um", "pitch of the bump field", "25 um micro-bumps to 1 mm balls; in micrometres")
    ]
    bump_margin_um: Annotated[
        float, bounded(20, 5000, "um", "die edge to first bump", "seal ring and dicing need tens of um; in micrometres")
    ]
    shoreline_um: Annotated[
        float,
        bounded(50, 10_000, "um", "depth of the SerDes rows along each edge", "tens of rows; in micrometres"),
    ]


class Substrate(SpecModel):
    """The package substrate that carries ASIC and engines."""

    size_mm: tuple[SubstrateSide, SubstrateSide] = Field(description="[width, height] of the substrate, mm")


_ON_SIDE = "at most 32 engines a side; published packages have 9"


class PerSide(SpecModel):
    """Number of engines on each side of the ASIC."""

    north: Annotated[int, counted(0, 32, "engines above the ASIC", _ON_SIDE)]
    east: Annotated[int, counted(0, 32, "engines right of the ASIC", _ON_SIDE)]
    south: Annotated[int, counted(0, 32, "engines below the ASIC", _ON_SIDE)]
    west: Annotated[int, counted(0, 32, "engines left of the ASIC", _ON_SIDE)]

    @property
    def total(self) -> int:
        """All engines."""
        return self.north + self.east + self.south + self.west


class Engines(SpecModel):
    """How many engines there are and where they stand."""

    count: Annotated[int, counted(1, 128, "optical engines of the package", "published packages have 4 to 36")]
    per_side: PerSide = Field(description="engines on each side of the ASIC")
    gap_mm: Annotated[float, bounded(0.1, 50, "mm", "ASIC edge to engine edge", "co-packaged: some mm from the ASIC")]
    pitch_mm: Annotated[
        float, bounded(1, 100, "mm", "engine centre to engine centre along a side", "an engine is some mm wide")
    ]
    keepout_um: Annotated[
        float, bounded(10, 10_000, "um", "free space around each engine", "placement and underfill; in micrometres")
    ]


class Devices(SpecModel):
    """Which device sheet (a file in `components/`) plays which part in the engine and around it."""

    modulator: Name = Field(description="sheet of the transmit modulator")
    drop_filter: Name = Field(description="sheet of the receive wavelength filter")
    detector: Name = Field(description="sheet of the receive photodetector")
    monitor: Name = Field(description="sheet of the monitor photodetector")
    edge_coupler: Name = Field(description="sheet of the coupler to the fibre array")
    psr: Name = Field(description="sheet of the polarisation splitter-rotator")
    splitter: Name = Field(description="sheet of the 1x2 splitter of the laser tree")
    tap: Name = Field(description="sheet of the monitor tap")
    waveguide: Name = Field(description="sheet of the straight waveguide")
    bend: Name = Field(description="sheet of the bend")
    taper: Name = Field(description="sheet of the strip to rib taper")
    terminator: Name = Field(description="sheet of the waveguide termination")
    fiber: Name = Field(description="sheet of the data fibre")
    laser_fiber: Name = Field(description="sheet of the polarisation-maintaining laser fibre")


class Engine(SpecModel):
    """One optical engine; all engines of a package are the same."""

    bandwidth_Tbps: Annotated[
        float, bounded(0.01, 200, "Tb/s", "bandwidth in each direction", "one lane to twice the largest switch")
    ]
    tx_fibres: Annotated[int, counted(1, 64, "transmit fibres", "published engines have 4 to 16 a direction")]
    rx_fibres: Annotated[int, counted(1, 64, "receive fibres", "published engines have 4 to 16 a direction")]
    laser_fibres: Annotated[int, counted(1, 64, "fibres that bring laser light", "at most one a transmit fibre")]
    loopbacks: Annotated[
        int, counted(0, 2, "alignment loopbacks, each takes two positions of the array", "one at each end of the array")
    ]
    lane_rate_Gbps: Annotated[
        float, bounded(1, 500, "Gb/s", "bit rate of one wavelength", "25 NRZ to 400 PAM4; in Gb/s")
    ]
    modulation: Literal["NRZ", "PAM4"] = Field(description="line code of a lane")
    grid: Grid = Field(description="wavelengths of a fibre")
    fibre_pitch_um: Annotated[
        float, bounded(40, 1000, "um", "pitch of the fibre array", "thin fibre to 250 um ribbon; in micrometres")
    ]
    bump_pitch_um: tuple[BumpPitch, BumpPitch] = Field(description="[x, y] pitch of the electrical bumps, um")
    heater_bias_nm: Annotated[
        float, bounded(0, 10, "nm", "how far below its channel a ring is designed", "a heater only shifts to red")
    ]
    edge_mm: EdgeLength | None = Field(default=None, description="length of the facet edge (mm), if given from outside")
    devices: Devices = Field(description="device sheets by the part they play")

    @property
    def lanes_per_direction(self) -> int:
        """Transmit lanes of one engine (receive: the same number of lanes once the spec closes)."""
        return self.tx_fibres * self.grid.channels

    @property
    def fibre_counts(self) -> dict[str, int]:
        """Fibres of one engine: tx, rx, laser, loopback (two a loopback), total."""
        counts = {
            "tx": self.tx_fibres,
            "rx": self.rx_fibres,
            "laser": self.laser_fibres,
            "loopback": 2 * self.loopbacks,
        }
        return {**counts, "total": sum(counts.values())}

    @property
    def splitter_ways(self) -> int:
        """Transmit fibres fed by one laser fibre."""
        return self.tx_fibres // self.laser_fibres

    @property
    def splitter_stages(self) -> int:
        """Stages of 1x2 splitters between a laser fibre and a transmit bus."""
        return self.splitter_ways.bit_length() - 1


class Laser(SpecModel):
    """The external laser sources."""

    connector: Literal["ELS", "ELSFP"] = Field(description="kind of the laser connector at the faceplate")
    per_wavelength_dBm: Annotated[
        float, bounded(-20, 26, "dBm", "power of one wavelength in one laser fibre", "26 dBm is the ELSFP top class")
    ]
    grid_class: Literal["Type1", "Type2", "Type3"] = Field(description="CW-WDM class, limits the total power")


class Fibres(SpecModel):
    """How the fibres leave the package."""

    bend_radius_mm: Annotated[
        float, bounded(2, 100, "mm", "smallest bend radius", "bend-insensitive fibre breaks below; in millimetres")
    ]
    ribbon_pitch_um: Annotated[
        float, bounded(40, 2000, "um", "fibre pitch in a ribbon", "a coated fibre is 200 to 250 um; in micrometres")
    ]
    ribbon_gap_mm: Annotated[
        float, bounded(0.1, 50, "mm", "space between two ribbons", "ribbons may not touch; in millimetres")
    ]
    loopback_length_mm: Annotated[
        float, bounded(0.5, 1000, "mm", "length of a loopback fibre", "pigtail inside the array; in millimetres")
    ]


class Faceplate(SpecModel):
    """Where the connectors are."""

    distance_mm: Annotated[
        float, bounded(10, 1000, "mm", "package centre to faceplate", "inside one chassis; in millimetres")
    ]
    width_mm: Annotated[float, bounded(20, 600, "mm", "width of the faceplate", "a 19 inch rack is 483 mm wide")]
    connector: Literal["MPO-8", "MPO-12", "MPO-16", "MPO-24", "MPO-32"] = Field(
        description="kind of the data connector; the number is that of its fibres"
    )

    @property
    def fibres_per_connector(self) -> int:
        """Fibre positions of one data connector."""
        return int(self.connector.rpartition("-")[2])


class PackageSpec(SpecModel):
    """A whole package; made by `cpo_pdk.spec.load_spec`."""

    name: Name = Field(description="name of the package; becomes file and cell names")
    bandwidth_Tbps: Annotated[
        float, bounded(0.01, 2000, "Tb/s", "bandwidth of the package in each direction", "one lane to a whole rack")
    ]
    asic: Asic = Field(description="the switch die")
    substrate: Substrate = Field(description="the package substrate")
    engines: Engines = Field(description="number and place of the engines")
    engine: Engine = Field(description="one engine")
    laser: Laser = Field(description="the external lasers")
    fibres: Fibres = Field(description="the way of the fibres out of the package")
    faceplate: Faceplate = Field(description="where the connectors are")
    choices: tuple[Annotated[str, Field(strict=True)], ...] = Field(
        description="dotted paths of the values chosen without a published source, [] if there are none"
    )
    _source: Source | None = PrivateAttr(default=None)

    @property
    def origin(self) -> Path:
        """The file that the spec came from."""
        return self._source.file if self._source else Path(f"<{self.name}>")

    @property
    def lanes_per_direction(self) -> int:
        """Lanes of the package in each direction: engines x transmit fibres x wavelengths."""
        return self.engines.count * self.engine.lanes_per_direction

    @property
    def fibre_counts(self) -> dict[str, int]:
        """Fibres of the whole package: tx, rx, laser, loopback (two a loopback), total."""
        return {kind: self.engines.count * n for kind, n in self.engine.fibre_counts.items()}

    @property
    def sides(self) -> tuple[Side, ...]:
        """The side of each engine, in the order north, east, south, west."""
        return tuple(side for side in SIDES for _ in range(getattr(self.engines.per_side, side)))

    def problem(self, path: str, message: str) -> Problem:
        """A problem with one value of this spec, at its line of the file.

        Args:
            path: dotted path, `engines.pitch_mm`.
            message: value, limit and cure in one line.
        """
        if self._source is None:
            return Problem(self.origin, 1, 1, message)
        return self._source.problem(path.split("."), message)

    def with_source(self, source: Source) -> PackageSpec:
        """This spec, knowing the file it was read from."""
        self._source = source
        return self
