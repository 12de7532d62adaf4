"""Overlap of two Gaussian beams that meet out of line: what a fibre in the wrong place costs.

A mode field is an ellipse given by its mode field diameters (1/e^2 of the intensity) along x (in the plane of the
wafer) and y (up). The two axes separate, so that each is an integral of two Gaussians with a curved wavefront: closed
form. Same result as Joyce and DeLoach, Appl. Opt. 23, 4187 (1984) and Saruwatari and Nawata, Appl. Opt. 18, 1847
(1979), here derived from the complex beam parameter.

Conventions
    `dx`, `dy`: the fibre's axis from the chip's, um. `dz`: gap between the two waists, um, filled with index `n_gap`.
    `tilt`: of the fibre's axis against the chip's, degrees, measured in the gap. All results are shares of power.

Validity
    Gaussian, paraxial: mode field diameters above about the wavelength, tilts of a few degrees. No reflection.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cpo_pdk.models.sdict import Array, number, wavelength

DB = 10 / np.log(10)  # dB a neper of power


def _beam(
    wl: ArrayLike, mfd: ArrayLike, mfd_fiber: ArrayLike, dz: ArrayLike, n_gap: ArrayLike
) -> tuple[np.ndarray, Array, Array]:
    """Complex curvature of the chip's beam and of the fibre's, at the fibre (1/um^2); wave number (1/um)."""
    k = 2 * np.pi * number("n_gap", n_gap, 1.0, 2.0, "") / wavelength(wl)
    waist = number("mfd", mfd, 0.1, 1e3) / 2
    gap = number("dz", dz, -1e4, 1e4)
    chip = 1 / (waist**2 + 2j * gap / k)
    fiber = 1 / (number("mfd_fiber", mfd_fiber, 0.1, 1e3) / 2) ** 2
    return chip, fiber, k


def axis_overlap(
    wl: ArrayLike,
    mfd: ArrayLike,
    mfd_fiber: ArrayLike,
    offset: ArrayLike = 0.0,
    dz: ArrayLike = 0.0,
    tilt_deg: ArrayLike = 0.0,
    n_gap: ArrayLike = 1.0,
) -> Array:
    """Share of the power that gets across, of one of the two axes.

    Args:
        wl: wavelength in um.
        mfd: mode field diameter of the chip in um.
        mfd_fiber: mode field diameter of the fibre in um.
        offset: of the fibre's axis in um.
        dz: gap in um.
        tilt_deg: of the fibre in degrees.
        n_gap: index in the gap.

    Returns:
        Broadcast shape of all arguments.
    """
    chip, fiber, k = _beam(wl, mfd, mfd_fiber, dz, n_gap)
    x = number("offset", offset, -1e3, 1e3)
    slope = k * np.sin(np.radians(number("tilt_deg", tilt_deg, -45.0, 45.0, "degrees")))
    both = chip + fiber
    exponent = np.real((2 * fiber * x - 1j * slope) ** 2 / (4 * both)) - fiber * x**2
    return 2 * np.sqrt(np.real(chip) * fiber) / np.abs(both) * np.exp(2 * exponent)


def overlap(
    wl: ArrayLike,
    *,
    mfd_x_um: ArrayLike,
    mfd_y_um: ArrayLike,
    fiber_mfd_x_um: ArrayLike,
    fiber_mfd_y_um: ArrayLike,
    dx: ArrayLike = 0.0,
    dy: ArrayLike = 0.0,
    dz: ArrayLike = 0.0,
    tilt_x_deg: ArrayLike = 0.0,
    tilt_y_deg: ArrayLike = 0.0,
    n_gap: ArrayLike = 1.0,
) -> Array:
    """Share of the power that gets from the chip's mode into the fibre's, or back.

    Args:
        wl: wavelength in um.
        mfd_x_um: mode field diameter of the chip in the plane of the wafer, um.
        mfd_y_um: mode field diameter of the chip across it, um.
        fiber_mfd_x_um: mode field diameter of the fibre in the plane of the wafer, um.
        fiber_mfd_y_um: mode field diameter of the fibre across it, um.
        dx: sideways offset in um.
        dy: vertical offset in um.
        dz: gap in um.
        tilt_x_deg: of the fibre in the plane of the wafer, degrees.
        tilt_y_deg: of the fibre out of it, degrees.
        n_gap: index in the gap.

    Returns:
        Broadcast shape of all arguments, 0 to 1.

    Raises:
        ParameterError: an argument is not a number or out of bounds.
    """
    sizes = {"mfd_x_um": mfd_x_um, "mfd_y_um": mfd_y_um}
    fibers = {"fiber_mfd_x_um": fiber_mfd_x_um, "fiber_mfd_y_um": fiber_mfd_y_um}
    chip_x, chip_y, fiber_x, fiber_y = (number(name, value, 0.1, 1e3) for name, value in (sizes | fibers).items())
    x, y, z = (number(name, value, -1e3, 1e3) for name, value in (("dx", dx), ("dy", dy), ("dz", dz)))
    tilts = {"tilt_x_deg": tilt_x_deg, "tilt_y_deg": tilt_y_deg}
    tilt_x, tilt_y = (number(name, value, -45.0, 45.0, "degrees") for name, value in tilts.items())
    return axis_overlap(wl, chip_x, fiber_x, x, z, tilt_x, n_gap) * axis_overlap(
        wl, chip_y, fiber_y, y, z, tilt_y, n_gap
    )


def offset_tolerance(
    wl: ArrayLike,
    mfd: ArrayLike,
    mfd_fiber: ArrayLike,
    dz: ArrayLike = 0.0,
    n_gap: ArrayLike = 1.0,
    excess_dB: ArrayLike = 1.0,
) -> Array:
    """Offset in um to either side that costs `excess_dB` more than none; arguments as `axis_overlap`."""
    chip, fiber, _ = _beam(wl, mfd, mfd_fiber, dz, n_gap)
    steepness = 2 * (fiber - fiber**2 / (chip + fiber)).real
    return np.sqrt(number("excess_dB", excess_dB, 0.0, 100.0, "dB") / DB / steepness)


def tilt_tolerance_deg(
    wl: ArrayLike,
    mfd: ArrayLike,
    mfd_fiber: ArrayLike,
    dz: ArrayLike = 0.0,
    n_gap: ArrayLike = 1.0,
    excess_dB: ArrayLike = 1.0,
) -> Array:
    """Tilt in degrees to either side that costs `excess_dB` more than none; arguments as `axis_overlap`."""
    chip, fiber, k = _beam(wl, mfd, mfd_fiber, dz, n_gap)
    steepness = k**2 / 2 * (1 / (chip + fiber)).real
    return np.degrees(np.arcsin(np.sqrt(number("excess_dB", excess_dB, 0.0, 100.0, "dB") / DB / steepness)))


def gap_tolerance(
    wl: ArrayLike, mfd: ArrayLike, mfd_fiber: ArrayLike, n_gap: ArrayLike = 1.0, excess_dB: ArrayLike = 1.0
) -> Array:
    """Gap in um between round, aligned beams that costs `excess_dB` more than none; arguments as `axis_overlap`.

    The overlap is `4 / ((w1/w2 + w2/w1)^2 + (dz wl / (pi n w1 w2))^2)`, solved for dz.
    """
    own, other = (number(name, m, 0.1, 200.0) / 2 for name, m in (("mfd", mfd), ("mfd_fiber", mfd_fiber)))
    mismatch = own / other + other / own
    ratio = 10 ** (number("excess_dB", excess_dB, 0.0, 100.0, "dB") / 10)
    spread = np.pi * number("n_gap", n_gap, 1.0, 2.0, "") * own * other / wavelength(wl)
    return spread * mismatch * np.sqrt(ratio - 1)
