"""The package spec: what a file in `assemblies/` may say, as frozen models.

Every value has a unit in its name or description, a plausible range and a reason for the range. Arithmetic across
values is in `closure`; what needs a drawn engine (does it fit the side, can the fibre bend) is found where it is drawn,
and reported through `PackageSpec.problem`, which knows file and line.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError

from cpo_pdk.errors import Problem
from cpo_pdk.spec.bounds import bounded, counted
from cpo_pdk.spec.engine import EdgeLength, Engine
from cpo_pdk.spec.link import Cluster, Link, Require
from cpo_pdk.spec.model import Name, SpecModel
from cpo_pdk.spec.production import Production
from cpo_pdk.spec.thermal import PowerBlock, Thermal
from cpo_pdk.spec.yaml_source import Source

Side = Literal["north", "east", "south", "west"]
SIDES: tuple[Side, ...] = ("north", "east", "south", "west")
"""Sides of the ASIC in the order in which engines are numbered (clockwise from the top)."""

DIE_MAX_MM = 70  # longest side of the ASIC
DieSide = Annotated[
    float,
    bounded(1, DIE_MAX_MM, "mm", "side of the die", "a reticle is 26 x 33 mm; several dies together stay below 70 mm"),
]
SubstrateSide = Annotated[
    float, bounded(10, 300, "mm", "side of the substrate", "package substrates; 300 mm is a wafer")
]


class Sides(SpecModel):
    """A length on each side of the ASIC."""

    north: EdgeLength = Field(description="above the ASIC, mm")
    east: EdgeLength = Field(description="right of the ASIC, mm")
    south: EdgeLength = Field(description="below the ASIC, mm")
    west: EdgeLength = Field(description="left of the ASIC, mm")


class Asic(SpecModel):
    """The switch die (or accelerator) in the middle of the package; several dies side by side count as one."""

    size_mm: tuple[DieSide, DieSide] = Field(description="[width, height] of the die, mm")
    power_W: Annotated[float, bounded(0.1, 5000, "W", "heat of the die", "largest published switch package 1.5 kW")]
    bump_pitch_um: Annotated[
        float, bounded(20, 1500, "um", "pitch of the bump field", "25 um micro-bumps to 1 mm balls; in micrometres")
    ] = 130.0
    bump_margin_um: Annotated[
        float, bounded(20, 5000, "um", "die edge to first bump", "seal ring and dicing need tens of um; in micrometres")
    ] = 300.0
    shoreline_um: Annotated[
        float,
        bounded(50, 10_000, "um", "depth of the SerDes rows along each edge", "tens of rows; in micrometres"),
    ] = 1200.0
    shoreline_mm: Sides | None = Field(
        default=None, description="length of each edge that has SerDes for engines, centred on it; default: all of it"
    )
    power_map: tuple[PowerBlock, ...] = Field(
        default=(), max_length=1000, description="where on the die the heat arises; default: the same everywhere"
    )


class Electrical(SpecModel):
    """The traces between the ASIC's serial links (SerDes) and the engines."""

    reach: Literal["UCIe-A", "UCIe-S", "XSR", "XSR+", "VSR"] = Field(
        default="XSR", description="class of the electrical interface: limits length and loss of a trace"
    )
    rate_Gbps: (
        Annotated[float, bounded(1, 500, "Gb/s", "bit rate of one SerDes lane", "4 UCIe to 448; in Gb/s")] | None
    ) = Field(default=None, description="bit rate of one SerDes lane (Gb/s); default: that of an optical lane")
    loss_dB_mm: Annotated[
        float,
        bounded(0.001, 2, "dB/mm", "loss of a trace at the Nyquist frequency", "organic substrates: 0.05 to 0.3 dB/mm"),
    ] = 0.15
    bumps_per_lane: Annotated[
        int, counted(1, 32, "ASIC bumps of one SerDes lane, one direction", "a pair with its share of ground: 4")
    ] = 4


class Substrate(SpecModel):
    """The package substrate that carries ASIC and engines."""

    size_mm: tuple[SubstrateSide, SubstrateSide] = Field(description="[width, height] of the substrate, mm")


_Coordinate = Annotated[
    float, bounded(-150, 150, "mm", "from the package's centre", "inside a package; in millimetres")
]


class KeepOut(SpecModel):
    """A part of the package that engines must not stand on, and that fibres pass over or around."""

    kind: Literal["stiffener", "lid", "cold_plate", "socket", "capacitors"] = Field(description="what stands there")
    box_mm: tuple[_Coordinate, _Coordinate, _Coordinate, _Coordinate] = Field(
        description="[left, bottom, right, top] from the package's centre, mm"
    )
    fibres: Literal["over", "around"] = Field(
        default="around", description="whether fibres pass over it (it is lower than they are) or around it"
    )


_ON_SIDE = "at most 32 engines a side; published packages have 9"


class PerSide(SpecModel):
    """Number of engines on each side of the ASIC."""

    north: Annotated[int, counted(0, 32, "engines above the ASIC", _ON_SIDE)] = 0
    east: Annotated[int, counted(0, 32, "engines right of the ASIC", _ON_SIDE)] = 0
    south: Annotated[int, counted(0, 32, "engines below the ASIC", _ON_SIDE)] = 0
    west: Annotated[int, counted(0, 32, "engines left of the ASIC", _ON_SIDE)] = 0

    @property
    def total(self) -> int:
        """All engines."""
        return self.north + self.east + self.south + self.west


class Position(SpecModel):
    """Where one engine stands."""

    side: Side = Field(description="side of the ASIC that its electrical edge faces; its facet looks the other way")
    x_mm: _Coordinate = Field(description="centre of the engine's die, mm")
    y_mm: _Coordinate = Field(description="centre of the engine's die, mm")


class Carrier(SpecModel):
    """A detachable sub-assembly: a small board, pluggable into a socket of the substrate, with some engines."""

    engines: Annotated[int, counted(1, 32, "engines on one sub-assembly", "published sub-assemblies have 3")]
    margin_mm: Annotated[
        float, bounded(0.1, 20, "mm", "board beyond its engines' keep-outs", "clamp and pins; in millimetres")
    ] = 1.0


class Engines(SpecModel):
    """How many engines there are and where they stand."""

    count: Annotated[int, counted(1, 128, "optical engines in use", "published packages have 4 to 36")]
    spares: Annotated[
        int, counted(0, 64, "engines beyond those in use, without fibres", "NVIDIA Spectrum-X has 4 beside 32")
    ] = 0
    per_side: PerSide | None = Field(
        default=None, description="engines on each side of the ASIC, spares counted; default: shared out"
    )
    rows: Annotated[int, counted(1, 2, "rows of engines on a side", "the second stands behind gaps of the first")] = 1
    positions: tuple[Position, ...] | None = Field(
        default=None, max_length=192, description="places of all engines, spares last; default: centred on their sides"
    )
    gap_mm: Annotated[
        float, bounded(0.1, 50, "mm", "ASIC edge to engine edge", "co-packaged: some mm from the ASIC")
    ] = 3.0
    pitch_mm: (
        Annotated[
            float, bounded(1, 100, "mm", "engine centre to engine centre along a side", "an engine is some mm wide")
        ]
        | None
    ) = Field(default=None, description="engine centre to engine centre along a side (mm); default: as wide as fits")
    keepout_um: Annotated[
        float, bounded(10, 10_000, "um", "free space around each engine", "placement and underfill; in micrometres")
    ] = 500.0
    mount: Literal["substrate", "interposer", "socket"] = Field(
        default="substrate", description="what carries the engines: substrate, the ASIC's interposer, or sub-assemblies"
    )
    carrier: Carrier | None = Field(default=None, description="the sub-assemblies, with mount: socket")

    @property
    def placed(self) -> int:
        """Engines that stand on the package: those in use and the spares."""
        return self.count + self.spares


class Laser(SpecModel):
    """The external laser sources."""

    connector: Literal["ELS", "ELSFP"] = Field(description="kind of the laser connector at the faceplate")
    per_wavelength_dBm: Annotated[
        float, bounded(-20, 26, "dBm", "power of one wavelength in one laser fibre", "26 dBm is the ELSFP top class")
    ]
    grid_class: Literal["Type1", "Type2", "Type3"] | None = Field(
        default=None, description="CW-WDM class, limits the total power; needed for a grid of that agreement"
    )
    fibres_per_module: Annotated[
        int, counted(1, 64, "laser fibres of one module", "published external lasers have 8 or 16")
    ] = 8


class Fibres(SpecModel):
    """How the fibres leave the package."""

    bend_radius_mm: Annotated[
        float, bounded(10, 100, "mm", "smallest bend radius", "10 mm: design radius of ITU-T G.657.A1; in millimetres")
    ]
    ribbon_pitch_um: Annotated[
        float, bounded(40, 2000, "um", "fibre pitch in a ribbon", "a coated fibre is 200 to 250 um; in micrometres")
    ] = 250.0
    ribbon_gap_mm: Annotated[
        float, bounded(0.1, 50, "mm", "space between two ribbons", "ribbons may not touch; in millimetres")
    ] = 1.0
    loopback_length_mm: (
        Annotated[
            float, bounded(0.5, 1000, "mm", "length of a loopback fibre", "pigtail inside the array; in millimetres")
        ]
        | None
    ) = Field(default=None, description="length of a loopback fibre (mm); default: to the end of the fan-out")
    levels: Annotated[
        int,
        counted(1, 8, "layers of data ribbons above one another", "stacked ribbon cables; PM fibres have their own"),
    ] = 1
    crossings_in_package: bool = Field(
        default=False, strict=True, description="whether ribbons may cross above the package, not only outside of it"
    )


def _order(value: Any, inner: ValidatorFunctionWrapHandler) -> Any:
    """Validator: one message for what is neither the word nor a list of names."""
    try:
        return inner(value)
    except ValidationError:
        text = 'the order of the engines is the word "shortest" or a list of their names, [N1, N2, ...]; correct it'
        raise PydanticCustomError("order", "{text}", {"text": text}) from None


class Faceplate(SpecModel):
    """Where the connectors are."""

    distance_mm: Annotated[
        float, bounded(10, 1000, "mm", "package centre to faceplate", "inside one chassis; in millimetres")
    ]
    width_mm: Annotated[float, bounded(20, 600, "mm", "width of the faceplate", "a 19 inch rack is 483 mm wide")] = (
        440.0
    )
    connector: Literal["MPO-8", "MPO-12", "MPO-16", "MPO-24", "MPO-32"] = Field(
        description="kind of the data connector; the number is that of its fibres"
    )
    tx_per_connector: (
        Annotated[int, counted(1, 64, "transmit fibres in one data connector", "DR4: 4 of 12; half an MPO-16: 8")]
        | None
    ) = Field(default=None, description="transmit fibres in one data connector; default: half its positions")
    order: Annotated[Literal["shortest"] | tuple[Annotated[str, Field(strict=True)], ...], WrapValidator(_order)] = (
        Field(
            default="shortest",
            description="engines whose connectors come from left to right: names (N1, E1, ...), or as comes shortest",
        )
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
    electrical_Tbps: Annotated[
        float, bounded(0, 2000, "Tb/s", "bandwidth of the ASIC that leaves without optics", "half of TH4-Humboldt's")
    ] = 0.0
    asic: Asic = Field(description="the switch die")
    electrical: Electrical = Field(default_factory=Electrical, description="traces between ASIC and engines")
    substrate: Substrate = Field(description="the package substrate")
    interposer: Substrate | None = Field(default=None, description="the interposer below ASIC and engines, if any")
    keepouts: tuple[KeepOut, ...] = Field(
        default=(), max_length=100, description="parts that engines and fibres must leave room for"
    )
    engines: Engines = Field(description="number and place of the engines")
    engine: Engine = Field(description="one engine")
    laser: Laser = Field(description="the external lasers")
    fibres: Fibres = Field(description="the way of the fibres out of the package")
    faceplate: Faceplate = Field(description="where the connectors are")
    link: Link = Field(default_factory=Link, description="what lies between two packages, and what judges their lanes")
    thermal: Thermal = Field(default_factory=Thermal, description="cooling, loads, what the parts conduct")
    cluster: Cluster | None = Field(default=None, description="the machine that many such packages make up")
    production: Production = Field(default_factory=Production, description="what spreads, tests, repair, life, prices")
    require: Require = Field(default_factory=Require, description="limits that the results are held against")
    choices: tuple[Annotated[str, Field(strict=True)], ...] = Field(
        default=(), description="dotted paths of the values chosen without a published source"
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

    def problem(self, path: str, message: str) -> Problem:
        """A problem with one value of this spec, at its line of the file.

        Args:
            path: dotted path, `engines.pitch_mm`; a value of a list by its number from 0, `asic.size_mm.0`.
            message: value, limit and cure in one line.
        """
        if self._source is None:
            return Problem(self.origin, 1, 1, message)
        return self._source.problem([int(s) if s.isdigit() else s for s in path.split(".")], message)

    def with_source(self, source: Source) -> PackageSpec:
        """This spec, knowing the file it was read from."""
        self._source = source
        return self
