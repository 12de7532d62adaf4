"""What cools the package, how hard it works, and what its parts conduct where that is known better than by default."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cpo_pdk.spec.bounds import bounded
from cpo_pdk.spec.model import Name, SpecModel

_OnDie = Annotated[float, bounded(-35, 35, "mm", "from the middle of the die", "a die; in millimetres")]
_Celsius = Annotated[float, bounded(-40, 125, "C", "temperature", "what electronics are specified for; in Celsius")]
_Film = Annotated[
    float,
    bounded(0.1, 1e6, "W/m2K", "heat-transfer coefficient", "still air 5 to 10, cold plates 1e4 to 5e4; in W/(m2 K)"),
]
_Share = Annotated[float, bounded(0, 1.5, "", "ASIC power over asic.power_W", "idle to overload")]
Conductivity = Annotated[
    float,
    bounded(0.001, 5000, "W/mK", "thermal conductivity", "above 0: still air 0.026, diamond 2200; in W/(m K)"),
]


class PowerBlock(SpecModel):
    """One block of the ASIC's floor plan and the heat that arises in it, spread evenly."""

    name: Name = Field(description="what the block is called")
    box_mm: tuple[_OnDie, _OnDie, _OnDie, _OnDie] = Field(
        description="[left, bottom, right, top] from the middle of the die, mm"
    )
    power_W: Annotated[float, bounded(0, 5000, "W", "heat of the block at full load", "a share of the die's")]


class Loads(SpecModel):
    """How hard the ASIC works in each of the states that are looked at: its power over `asic.power_W`."""

    idle: _Share = Field(default=0.3, description="all links up, no traffic")
    typical: _Share = Field(default=0.7, description="traffic as on most days")
    full: _Share = Field(default=1.0, description="every port at line rate")


class Conductivities(SpecModel):
    """What parts conduct, W/(m K), where that is known better than `tech/data/thermal.yaml` does."""

    silicon: Conductivity | None = Field(default=None, description="dies and interposers")
    tim: Conductivity | None = Field(default=None, description="paste between dies and what cools them")
    lid: Conductivity | None = Field(default=None, description="lid, and base of cold plate or heatsink")
    asic_bumps: Conductivity | None = Field(default=None, description="bumps and underfill below the ASIC")
    engine_bumps: Conductivity | None = Field(default=None, description="bumps and underfill below an engine")
    micro_bumps: Conductivity | None = Field(default=None, description="pillars and underfill between its two dies")
    back_end: Conductivity | None = Field(default=None, description="oxide and metals of the photonic die, upwards")
    substrate_lateral: Conductivity | None = Field(default=None, description="package substrate, in its plane")
    substrate_vertical: Conductivity | None = Field(default=None, description="package substrate, through it")
    board_lateral: Conductivity | None = Field(default=None, description="circuit board with its balls, in its plane")
    board_vertical: Conductivity | None = Field(default=None, description="circuit board with its balls, through it")


class Thermal(SpecModel):
    """Cooling and heat of the package."""

    kind: Literal["cold_plate", "heatsink"] = Field(
        default="cold_plate", description="liquid in a plate, or air through fins; film coefficient on its base"
    )
    coolant_C: _Celsius = Field(default=30.0, description="liquid into the cold plate, or air into the fins, C")
    htc_W_m2K: _Film | None = Field(
        default=None, description="film coefficient on the base of cold plate or heatsink; default of the kind"
    )
    covers: Literal["all", "asic"] = Field(
        default="all", description="what the base lies on: ASIC and engines, or the ASIC alone"
    )
    air_C: _Celsius = Field(default=45.0, description="air around board and package, C")
    air_htc_W_m2K: _Film = Field(default=10.0, description="film coefficient to that air, on every bare face")
    laser_case_C: _Celsius = Field(default=45.0, description="case of the external lasers at the faceplate, C")
    reference_C: _Celsius = Field(
        default=25.0, description="temperature at which rings and filters have the wavelengths that they are drawn for"
    )
    conductivity_W_mK: Conductivities = Field(
        default_factory=Conductivities, description="conductivity of parts, W/(m K), in place of the defaults"
    )
    loads: Loads = Field(default_factory=Loads, description="ASIC power over asic.power_W in each state")
    control_Hz: Annotated[
        float, bounded(1, 1e8, "Hz", "bandwidth of the loops that hold rings on their channels", "ms to us loops")
    ] = 1000.0
