"""Coupling per length of two waveguides at any distance and of any width, from the supermodes of equal pairs."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cpo_pdk.models import coupler, waveguide

Real = NDArray[np.float64]

#: gaps that kappa is tabulated at, um; beyond the last it falls as it does there
GAPS_UM = np.concatenate([np.arange(0.05, 0.6, 0.01), np.arange(0.6, 3.01, 0.2)])
#: widths that the tables of modes hold for, um; other guides are taken as if they had the nearest of them
WIDTHS_UM = (0.25, 1.2)
#: widths are rounded to this, um
WIDTH_STEP_UM = 0.01


def taken_width(width: Real) -> Real:
    """The widths that a table is made for."""
    rounded = np.round(np.asarray(width, np.float64) / WIDTH_STEP_UM) * WIDTH_STEP_UM
    return np.round(np.clip(rounded, *WIDTHS_UM), 6)


@lru_cache(maxsize=4096)
def _table(cross_section: str, width: float, wl: tuple[float, ...]) -> tuple[Real, Real]:
    """ln kappa, shape (G, C), and its slope beyond the last gap, shape (C,)."""
    kappa, gamma = coupler.coupling(
        np.asarray(wl), GAPS_UM[:, None], cross_section=cross_section, width=width, height=None
    )
    return np.log(kappa), -np.broadcast_to(gamma, kappa.shape)[-1]


@lru_cache(maxsize=4096)
def _beta(cross_section: str, width: float, wl: tuple[float, ...]) -> Real:
    grid = np.asarray(wl)
    return 2 * np.pi / grid * waveguide.neff(grid, width, cross_section=cross_section)


def log_kappa(gap: Real, cross_section: str, width_a: float, width_b: float, wl: tuple[float, ...]) -> Real:
    """ln of kappa in rad/um, shape (n, C); guides of two widths couple with the geometric mean of their equal pairs.

    Args:
        gap: um, shape (n,); below 0.05 as at 0.05.
        cross_section: "strip" or "rib".
        width_a, width_b: of `taken_width`.
        wl: um, C of them.
    """
    found = np.zeros((gap.size, len(wl)))
    for width in (width_a, width_b):
        table, slope = _table(cross_section, width, wl)
        near = np.clip(gap, GAPS_UM[0], GAPS_UM[-1])
        index = np.clip(np.searchsorted(GAPS_UM, near) - 1, 0, GAPS_UM.size - 2)
        share = ((near - GAPS_UM[index]) / (GAPS_UM[index + 1] - GAPS_UM[index]))[:, None]
        beyond = np.maximum(gap - GAPS_UM[-1], 0.0)[:, None]
        found += 0.5 * (table[index] * (1 - share) + table[index + 1] * share + beyond * slope)
    return found


def mismatch(cross_section: str, width_a: float, width_b: float, wl: tuple[float, ...]) -> Real:
    """beta of a guide of the first width minus that of the second, rad/um, shape (C,)."""
    if width_a == width_b:
        return np.zeros(len(wl))
    return _beta(cross_section, width_a, wl) - _beta(cross_section, width_b, wl)


def reach_um(length: float, level_dB: float, wl: tuple[float, ...]) -> float:
    """Gap beyond which two guides that run beside each other for `length` um pass less than `level_dB`."""
    wanted = np.log(10 ** (level_dB / 20) / length)
    gaps = np.arange(0.1, 20.0, 0.02)
    largest = 0.0
    for cross_section in ("strip", "rib"):
        for width in (WIDTHS_UM[0], 0.4):
            over = gaps[log_kappa(gaps, cross_section, width, width, wl).max(axis=1) > wanted]
            largest = max(largest, float(over.max(initial=0.1)))
    return largest
