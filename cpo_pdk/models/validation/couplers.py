"""Couplers of rings against published numbers: power coupling of half rings and buses, free spectral range."""

from __future__ import annotations

from functools import partial

import numpy as np

from cpo_pdk.models.coupler import ring_coupler
from cpo_pdk.models.ring import find_resonances, round_trip_phase
from cpo_pdk.models.sdict import Array
from cpo_pdk.models.validation.case import Case

_FDTD = (
    "3D-FDTD, github SiEPIC/SiEPIC_EBeam_PDK, EBeam-dev/source_data/ebeam_dc_halfring_straight_te1550, squared from |S|"
)
_FSR = "wl^2 / (n_g 2 pi R) with n_g {} of cspdk's O-band {}"

#: gap nm, radius um, straight part um, k^2: 500 x 220 nm, 1550 nm
FDTD_ROWS = (
    (50, 3.0, 0.0, 0.0804),
    (50, 10.0, 0.0, 0.2141),
    (60, 5.0, 0.0, 0.0937),
    (80, 5.0, 0.0, 0.0616),
    (100, 3.0, 0.0, 0.0269),
    (100, 3.0, 1.0, 0.0654),
    (100, 5.0, 0.0, 0.0375),
    (100, 6.0, 0.0, 0.0440),
    (100, 10.0, 0.0, 0.0763),
    (120, 5.0, 0.0, 0.0278),
    (140, 5.0, 0.0, 0.0193),
    (150, 3.0, 0.0, 0.0103),
    (150, 10.0, 0.0, 0.0302),
    (200, 10.0, 0.0, 0.0126),
    (200, 12.0, 0.0, 0.0150),
    (200, 12.0, 4.5, 0.0914),
)


def power_coupling(gap_nm: float, radius: float, length_x: float) -> float:
    """k^2 of a half ring and its bus, both 500 x 220 nm, at 1550 nm; lengths in um."""
    _t, k = ring_coupler(1.55, gap=gap_nm * 1e-3, radius=radius, length_x=length_x, width=0.5)
    return float(k**2)


def _spacing_nm(radius: float, section: str) -> float:
    """Mean of the two free spectral ranges beside the resonance nearest to 1310 nm, scaled to 1310 nm."""

    def turns(wl: Array) -> Array:
        phase = round_trip_phase(wl, 2 * np.pi * radius, cross_section=section, radius=radius)
        return phase / (2 * np.pi)

    found = find_resonances(1.25, 1.37, turns)
    at = int(np.argmin(np.abs(found - 1.31)))
    return float((found[at + 1] - found[at - 1]) / 2 * (1.31 / found[at]) ** 2 * 1e3)


CASES = (
    *(
        Case(
            "add_drop_ring",
            f"power coupling, gap {gap} nm, R {radius:g} um, straight {length:g} um, 500 x 220 nm, 1550 nm",
            "1",
            _FDTD,
            power,
            partial(power_coupling, gap, radius, length),
            0.25,
        )
        for gap, radius, length, power in FDTD_ROWS
    ),
    *(
        Case(
            "add_drop_ring",
            f"free spectral range, circle of {section}, R {radius:g} um, 1310 nm",
            "nm",
            _FSR.format(group, section),
            spacing,
            partial(_spacing_nm, radius, section),
            0.02,
        )
        for section, group, rows in (
            ("strip", 4.33, ((3.0, 21.0), (4.0, 15.8))),
            ("rib", 3.98, ((5.0, 13.7), (6.0, 11.4), (7.5, 9.2), (10.0, 6.9))),
        )
        for radius, spacing in rows
    ),
)
