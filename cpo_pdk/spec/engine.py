"""One optical engine: its architecture, fibres, wavelengths and the sheets of its devices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from cpo_pdk.spec.architecture import BUMP_PITCH_UM, DEVICES, Architecture
from cpo_pdk.spec.bounds import bounded, counted
from cpo_pdk.spec.grid import Grid
from cpo_pdk.spec.model import Name, SpecModel

BumpPitch = Annotated[float, bounded(20, 500, "um", "bump pitch", "25 um micro-bumps to 500 um balls; in micrometres")]

SHORELINE_MAX_MM = 50  # longest shoreline of a side
DieLength = Annotated[float, bounded(0.1, 33, "mm", "side of an engine's die", "a reticle is 26 x 33 mm")]
EdgeLength = Annotated[
    float, bounded(0.1, SHORELINE_MAX_MM, "mm", "length of the facet edge", "a die edge; in millimetres")
]


class Devices(SpecModel):
    """Which device sheet (a file in `components/`) plays which part in the engine and around it."""

    modulator: Name = Field(description="sheet of the transmit modulator")
    drop_filter: Name | None = Field(default=None, description="sheet of the receive wavelength filter (ring_wdm)")
    filter_coupler: Name | None = Field(
        default=None, description="sheet of the 2x2 couplers of (de)multiplexers (mzm_wdm)"
    )
    phase_shifter: Name | None = Field(
        default=None, description="sheet of the heaters that trim (de)multiplexers (mzm_wdm)"
    )
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

    def by_role(self) -> dict[str, str]:
        """Role -> name of its sheet; without the roles that the engine's architecture does not have."""
        return {role: name for role, name in self.model_dump().items() if name is not None}


class Engine(SpecModel):
    """One optical engine; all engines of a package are the same."""

    architecture: Architecture = Field(
        default="ring_wdm",
        description="ring_wdm: buses of rings; ring_dr: one ring and one wavelength a fibre; mzm_wdm: Mach-Zehnders "
        "between (de)multiplexers",
    )
    bandwidth_Tbps: Annotated[
        float, bounded(0.01, 200, "Tb/s", "bandwidth in each direction", "one lane to twice the largest switch")
    ]
    tx_fibres: Annotated[int, counted(1, 64, "transmit fibres", "published engines have 4 to 16 a direction")]
    rx_fibres: Annotated[int, counted(1, 64, "receive fibres", "published engines have 4 to 16 a direction")]
    laser_fibres: Annotated[int, counted(1, 64, "fibres that bring laser light", "at most one a transmit fibre")]
    loopbacks: Annotated[
        int, counted(0, 2, "alignment loopbacks, each takes two positions of the array", "one at each end of the array")
    ] = 0
    lane_rate_Gbps: Annotated[
        float, bounded(1, 500, "Gb/s", "bit rate of one wavelength", "25 NRZ to 400 PAM4; in Gb/s")
    ]
    modulation: Literal["NRZ", "PAM4"] = Field(description="line code of a lane")
    grid: Grid = Field(description="wavelengths of a fibre")
    fibre_pitch_um: Annotated[
        float, bounded(40, 1000, "um", "pitch of the fibre array", "thin fibre to 250 um ribbon; in micrometres")
    ] = 127.0
    bump_pitch_um: tuple[BumpPitch, BumpPitch] = Field(
        default=BUMP_PITCH_UM["ring_wdm"],
        description="[x, y] pitch of the electrical bumps, um; default of mzm_wdm: 100, 100",
    )
    die_mm: (
        Annotated[
            tuple[DieLength, DieLength],
            Field(description="least [length towards the facet, width along it] of the die, mm"),
        ]
        | None
    ) = Field(
        default=None,
        description="least [length towards the facet, width along it] of the die (mm): room for what the die on top "
        "needs to get rid of its heat; default: what the devices take",
    )
    heater_bias_nm: Annotated[
        float, bounded(0, 10, "nm", "how far below its channel a ring is designed", "a heater only shifts to red")
    ] = 0.5
    heater_max_mW: Annotated[
        float, bounded(0.1, 500, "mW", "most power of one ring's heater", "tens of mW without undercut; in milliwatts")
    ] = 40.0
    edge_mm: EdgeLength | None = Field(default=None, description="length of the facet edge (mm), if given from outside")
    devices: Devices = Field(
        default_factory=lambda: Devices.model_validate(DEVICES["ring_wdm"]),
        description="device sheets by the part they play; default: those of the architecture",
    )

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_the_architecture(cls, data: Any) -> Any:
        """Fill in the sheets, and the bump pitch, that the spec does not name from those of its architecture."""
        if not isinstance(data, Mapping):
            return data
        architecture = str(data.get("architecture", "ring_wdm"))
        known = DEVICES.get(architecture)
        given = data.get("devices", {})
        if known is None or not isinstance(given, Mapping):
            return data
        return {"bump_pitch_um": list(BUMP_PITCH_UM[architecture]), **data, "devices": {**known, **given}}

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
