"""How a package is made in numbers: what spreads, how it is tested and repaired, what fails, what it costs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cpo_pdk.spec.bounds import bounded, counted
from cpo_pdk.spec.model import Name, SpecModel


class ProductionParts(SpecModel):
    """Sheets in `components/parts/`; every number of them can be replaced by a sheet of the project."""

    variation: Name = Field(default="variation_ant", description="deviations of the process over the wafer")
    spread: Name = Field(default="spread_assumed", description="spreads of devices and lasers")
    attach: Name = Field(default="attach_active", description="alignment of fibres and engines, connectors")
    test: Name = Field(default="test_assumed", description="coverage of the tests, repair")
    life: Name = Field(default="life_assumed", description="failures in time")
    prices: Name = Field(default="prices_assumed", description="what everything costs")


class Spares(SpecModel):
    """What a package has more than it needs."""

    wavelengths: Annotated[int, counted(0, 32, "wavelengths of a fibre that may be dead", "0 to 2")] = 0
    lasers: Annotated[int, counted(0, 1000, "laser modules that stand ready for one that failed", "0 to 4")] = 0
    engines: Annotated[
        int, counted(0, 256, "engines that may be dead beside those that the spec asks for", "0 to 4")
    ] = 0


class Production(SpecModel):
    """Everything that `cpo yield` and `cpo tolerance` ask beside the package itself."""

    parts: ProductionParts = Field(default_factory=ProductionParts, description="sheets of numbers")
    dies: Literal["wafer", "lot", "mixed"] = Field(
        default="lot", description="where the engines of one package come from: one wafer, wafers of one lot, any lots"
    )
    state: Literal["idle", "typical", "full"] = Field(
        default="full", description="state whose temperatures the lanes must work at: idle, typical, full"
    )
    margin_dB: Annotated[float, bounded(-20, 20, "dB", "smallest margin of a lane that counts as working", "0")] = 0.0
    spares: Spares = Field(default_factory=Spares, description="what a package has more than it needs")
    years: Annotated[float, bounded(0.1, 50, "years", "time that availability is computed for", "5 to 10")] = 5.0
