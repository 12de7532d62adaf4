"""Bits and symbols a second on the line: what a lane carries, and the overhead of its coding and error correction."""

from __future__ import annotations

from types import MappingProxyType

from cpo_pdk.spec.package import PackageSpec

OVERHEAD: MappingProxyType[str, float] = MappingProxyType(
    {
        "KP4": 1.0625,  # RS(544,514) over 256b/257b: 106.25 Gb/s for 100 Gb/s (53.125 GBd, IEEE 802.3 clause 124)
        "KR4": 1.03125,  # RS(528,514) over 256b/257b: as 64b/66b without it, 25.78125 Gb/s for 25 Gb/s
        "none": 1.0,
    }
)
"""Error correction -> bits on the line for a bit that is carried."""

BITS: MappingProxyType[str, int] = MappingProxyType({"NRZ": 1, "PAM4": 2})
"""Line code -> bits a symbol."""


def line_rate_Gbps(spec: PackageSpec) -> float:
    """Bits on the line of one optical lane, Gb/s.

    Args:
        spec: the package.
    """
    return spec.engine.lane_rate_Gbps * OVERHEAD[spec.link.fec]


def baud_GBd(spec: PackageSpec) -> float:
    """Symbol rate of one optical lane, GBd.

    Args:
        spec: the package.
    """
    return line_rate_Gbps(spec) / BITS[spec.engine.modulation]


def serdes_rate_Gbps(spec: PackageSpec) -> float:
    """Bits on one electrical lane, Gb/s: `electrical.rate_Gbps`, else those of the optical lane.

    Args:
        spec: the package.
    """
    return spec.electrical.rate_Gbps if spec.electrical.rate_Gbps is not None else line_rate_Gbps(spec)
