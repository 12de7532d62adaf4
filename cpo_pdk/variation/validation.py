"""Sampled wafers against published numbers: how far resonances spread, and how much more with distance."""

from __future__ import annotations

from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.models import waveguide
from cpo_pdk.models.validation.case import Case
from cpo_pdk.spec.part_choice import load_parts
from cpo_pdk.variation.process import ProcessVariation
from cpo_pdk.variation.samples import Draw

Real = NDArray[np.float64]

SET = "SiEPIC EBeam PDK, klayout/EBeam/MONTECARLO.xml, the set and its kernels worked out for 500 x 220 nm, 1550 nm"
CHIP = (
    "Chrostowski et al., OFC 2014, Th2A.37: 371 racetracks on a chip of 16 x 9 mm (another process than the set's), "
    "median 0.47 nm/mm d + 0.35 nm"
)
#: distance, mm -> median difference of two resonances, nm
MISMATCH_NM = {1.0: 0.82, 2.0: 1.29, 4.0: 2.23, 5.0: 2.70}
#: largest less smallest resonance of that chip, nm
CHIP_RANGE_NM = 10.0

NEAR_MM = 0.25
SEED = 1
WAFERS = 150
DIE_MM = (20.0, 20.0)


@cache
def slopes_nm_nm() -> tuple[float, float]:
    """Shift of a resonance with width and with thickness, 500 x 220 nm, 1550 nm, first order; nm/nm."""
    wl, width = 1.55, 0.5
    group = float(waveguide.ng(wl, width=width))

    wider = [float(waveguide.neff(wl, width=width, dw=by)) for by in (1.0, -1.0)]
    thicker = [float(waveguide.neff(wl, width=width, dh=by)) for by in (1.0, -1.0)]
    shift = wl * 1e3 / group
    return shift * (wider[0] - wider[1]) / 2, shift * (thicker[0] - thicker[1]) / 2


def shifts_nm(name: str, xy_um: Real, wafers: int = WAFERS) -> Real:
    """Resonances of alike rings less their drawn one on every die of sampled wafers, shape (wafers, dies, places).

    Args:
        name: of the sheet of kind variation.
        xy_um: of the rings from the middle of their die, shape (N, 2).
        wafers: how many.
    """
    process = ProcessVariation(load_parts()[name], "wafer", DIE_MM)
    draw = Draw(SEED, np.arange(wafers), fixed=frozenset({"etch", "doping"}))
    made = process.wafer(draw, xy_um).deviations
    by_width, by_thickness = slopes_nm_nm()
    return by_width * made.dw_nm + by_thickness * made.dh_nm


@cache
def _row(name: str) -> dict[float, Real]:
    """Resonances at some distances from the first, mm -> (wafers, dies)."""
    places = (0.0, NEAR_MM, *MISMATCH_NM)
    shift = shifts_nm(name, np.array([(1e3 * place - 2500.0, 0.0) for place in places]))
    return {place: shift[..., k] for k, place in enumerate(places)}


def within_wafer_nm(name: str) -> float:
    """Standard deviation of resonances about the mean of their wafer."""
    shift = _row(name)[0.0]
    return float(np.sqrt(np.mean((shift - shift.mean(axis=1, keepdims=True)) ** 2)))


def median_mismatch_nm(name: str, distance_mm: float) -> float:
    """Median difference of two resonances at a distance on one die."""
    row = _row(name)
    return float(np.median(np.abs(row[distance_mm] - row[0.0])))


def chip_range_nm(name: str) -> float:
    """Largest less smallest resonance of 371 rings on a chip of 16 x 9 mm, mean over chips."""
    x, y = np.meshgrid(np.linspace(-8000.0, 8000.0, 53), np.linspace(-4500.0, 4500.0, 7))
    shift = shifts_nm(name, np.stack([x.ravel(), y.ravel()], axis=-1), wafers=5)
    return float(np.mean(np.ptp(shift, axis=-1)))


CASES = (
    *(
        Case(name, "spread of a resonance within a wafer, 500 x 220 nm, 1550 nm", "nm", SET, published, ours, 0.04)
        for name, published, ours in (
            ("variation_ant", 1.04, partial(within_wafer_nm, "variation_ant")),
            ("variation_uw", 4.01, partial(within_wafer_nm, "variation_uw")),
        )
    ),
    *(
        Case(
            name,
            "median difference of two resonances a distance, close by, 1550 nm",
            "nm/mm",
            SET,
            published,
            lambda name=name: median_mismatch_nm(name, NEAR_MM) / NEAR_MM,
            0.05,
        )
        for name, published in (("variation_ant", 0.102), ("variation_uw", 0.85))
    ),
    *(
        Case(
            "variation_uw",
            f"median difference of two resonances {distance:g} mm apart, 1550 nm",
            "nm",
            CHIP,
            published,
            partial(median_mismatch_nm, "variation_uw", distance),
            0.35,
        )
        for distance, published in MISMATCH_NM.items()
    ),
    Case(
        "variation_uw",
        "largest less smallest resonance of a chip (slightly above 10 nm), 1550 nm",
        "nm",
        CHIP,
        CHIP_RANGE_NM,
        partial(chip_range_nm, "variation_uw"),
        0.6,
    ),
)
