"""Wavelength grids: the combs of the CW-WDM multi-source agreement, and own ones."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from cpo_pdk.spec.bounds import bounded, counted

C_UM_GHZ = 299_792.458
"""Speed of light in um GHz: 299 792 458 m/s = 2.99792458e14 um/s; divided by 1e9 for GHz (exact, SI)."""

CW_WDM_SPACINGS: dict[int, tuple[int, ...]] = {8: (200, 400, 800), 16: (100, 200, 400), 32: (100, 200)}
"""Channel spacings (GHz) by number of channels of the comb; CW-WDM MSA 2021-06-04, spans of 9, 18 and 36 nm."""

CW_WDM_POWER_DBM: dict[int, dict[str, float]] = {
    9: {"Type1": 20.0, "Type2": 14.0, "Type3": 26.0},
    18: {"Type1": 20.0, "Type2": 14.0, "Type3": 26.0},
    36: {"Type1": 14.0, "Type2": 8.0, "Type3": 20.0},
}
"""Largest total power (dBm) of a source by span (nm) and class; CW-WDM MSA 2021-06-04."""

CWDM_SPACING_NM = 20.0
"""Distance of the channels of CWDM4: 1271, 1291, 1311, 1331 nm (400G-FR4 and CWDM4 multi-source agreements)."""


class Grid(BaseModel):
    """Wavelength channels of a fibre, equally spaced in frequency around the centre (CWDM4: in wavelength)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    standard: Literal["CW-WDM", "CWDM4", "custom"] = Field(
        description="agreement that the grid follows; custom lifts the check of channels and spacing"
    )
    center_nm: Annotated[
        float, bounded(1260, 1360, "nm", "vacuum wavelength of the centre of the grid", "O-band, in nanometres")
    ] = 1301.0
    channels: Annotated[int, counted(1, 64, "wavelengths a fibre", "largest published comb is 32+1")]
    spacing_GHz: (
        Annotated[
            float, bounded(25, 5000, "GHz", "distance of two channels", "densest grid in use to coarse WDM of 20 nm")
        ]
        | None
    ) = Field(default=None, description="distance of two channels (GHz); CWDM4 and one channel need none")

    @property
    def frequencies_GHz(self) -> tuple[float, ...]:
        """Channel frequencies in GHz, descending: f0 + (i - (n-1)/2) spacing with f0 = c / center; CWDM4: from its
        wavelengths."""
        n = self.channels
        if self.standard == "CWDM4":
            return tuple(C_UM_GHZ / ((self.center_nm + (i - (n - 1) / 2) * CWDM_SPACING_NM) * 1e-3) for i in range(n))
        centre = C_UM_GHZ / (self.center_nm * 1e-3)
        return tuple(centre + (i - (n - 1) / 2) * (self.spacing_GHz or 0.0) for i in reversed(range(n)))

    @property
    def wl_um(self) -> tuple[float, ...]:
        """Channel wavelengths in vacuum, um, ascending."""
        return tuple(C_UM_GHZ / f for f in self.frequencies_GHz)

    @property
    def spacing_nm(self) -> float:
        """Distance of two channels at the centre of the grid, nm: spacing center^2 / c; 0 for a single channel."""
        if self.standard == "CWDM4":
            return CWDM_SPACING_NM
        return (self.spacing_GHz or 0.0) * (self.center_nm * 1e-3) ** 2 / C_UM_GHZ * 1e3

    @property
    def comb(self) -> int | None:
        """Channels of the CW-WDM comb that this grid is part of (8, 16 or 32), None where there is none."""
        size = 8 if self.channels <= 8 else self.channels
        return size if self.spacing_GHz in CW_WDM_SPACINGS.get(size, ()) else None

    @property
    def span_nm(self) -> int | None:
        """Nominal span of the CW-WDM comb in nm (9, 18 or 36), None for a grid that is not of the agreement."""
        return {1600: 9, 3200: 18, 6400: 36}.get(int(self.comb * (self.spacing_GHz or 0))) if self.comb else None
