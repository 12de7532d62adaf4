"""How much bandwidth leaves the ASIC through each millimetre of its edge."""

from __future__ import annotations

from dataclasses import dataclass

from cpo_pdk.spec.package import SIDES, PackageSpec
from cpo_pdk.spec.placement import share_of, shoreline_of, spares_of

OIF_MODULE_TBPS_MM = 0.14
"""Edge density of the OIF 3.2 Tb/s co-packaged module, one direction: about 140 Gb/s per mm (agreement
OIF-Co-Packaging-3.2T-Module-01.0, March 2023, as reported by lightwaveonline.com)."""


@dataclass(frozen=True)
class SideDensity:
    """One side of the ASIC.

    Attributes:
        side: north, east, south or west.
        engines: in use there.
        spares: there.
        Tbps: bandwidth of the engines in use in each direction.
        length_mm: of the shoreline.
    """

    side: str
    engines: int
    spares: int
    Tbps: float
    length_mm: float

    @property
    def Tbps_mm(self) -> float:
        """Bandwidth in each direction over length, Tb/s per mm."""
        return self.Tbps / self.length_mm

    @property
    def of_oif(self) -> float:
        """Density over that of the OIF module."""
        return self.Tbps_mm / OIF_MODULE_TBPS_MM


def side_densities(spec: PackageSpec) -> tuple[SideDensity, ...]:
    """All four sides, clockwise from the north.

    Args:
        spec: the package.
    """
    share, spare = share_of(spec), spares_of(spec)
    found = []
    for side in SIDES:
        spares = sum(name[0] == side[0].upper() for name in spare)
        active = share.of(side) - spares
        bandwidth = round(active * spec.engine.bandwidth_Tbps, 9)
        found.append(SideDensity(side, active, spares, bandwidth, shoreline_of(spec, side)))
    return tuple(found)
