"""Look-ups in the tables of computed modes (`data/*.json`), which `cpo characterize` makes.

Conventions
    Lengths in um. Arguments broadcast; a wavelength axis that only `wl` has costs almost nothing, as a table is first
    read at the other arguments, at the wavelengths where it was computed, and the polynomial through these is then
    evaluated at `wl`.

Validity
    A table is only read between its ends: beyond them is a `ParameterError`. Two bands: 1.24 to 1.38 and 1.48 to 1.62
    um. Between its nodes a table is a cubic spline over width and gap and a polynomial over height and wavelength.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline

from cpo_pdk.errors import ParameterError
from cpo_pdk.models.sdict import DATA, Array, number


@lru_cache
def table(name: str) -> dict[str, Any]:
    """Return one table of computed modes, read once; treat as read-only."""
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Bands:
    """Wavelengths at which a table was computed, in bands, and how to get from these to any other.

    Attributes:
        nodes: wavelengths, shape (bands, nodes), um.
        inverse: values at the nodes of a band -> coefficients over `(wl - middle) / half`, shape (bands, nodes, nodes).
    """

    nodes: Array
    inverse: Array

    @staticmethod
    def of(nodes: ArrayLike) -> Bands:
        """Bands with these nodes."""
        at = np.asarray(nodes, dtype=np.float64)
        scaled = [(row - (row[0] + row[-1]) / 2) / ((row[-1] - row[0]) / 2) for row in at]
        return Bands(at, np.stack([np.linalg.inv(np.vander(row, increasing=True)) for row in scaled]))

    def evaluate(self, wl: ArrayLike, values: Array) -> tuple[Array, Array]:
        """Value and derivative in 1/um at `wl`.

        Args:
            wl: wavelength in um.
            values: at the nodes, shape (..., bands, nodes), the leading axes to be broadcast with `wl`.

        Raises:
            ParameterError: a wavelength outside all bands.
        """
        wl = np.asarray(wl, dtype=np.float64)
        inside = [(wl >= row[0]) & (wl <= row[-1]) for row in self.nodes]
        if not np.all(np.any(inside, axis=0)):
            bad = float(wl[~np.any(inside, axis=0)].flat[0])
            ends = " and ".join(f"{row[0]:g} to {row[-1]:g}" for row in self.nodes)
            raise ParameterError(f"wl is {bad:g} um; the computed modes cover {ends} um")
        value, slope = np.float64(0.0), np.float64(0.0)
        for band, here in enumerate(inside):
            if wl.size and not np.any(here):
                continue
            row = self.nodes[band]
            half = (row[-1] - row[0]) / 2
            u = (wl - row[0]) / half - 1
            coefficients = np.einsum("...n,kn->k...", values[..., band, :], self.inverse[band])
            v, d = coefficients[-1], np.zeros_like(coefficients[-1])
            for c in coefficients[-2::-1]:
                d = d * u + v
                v = v * u + c
            if np.all(here):
                return v + 0 * u, d / half + 0 * u
            value, slope = np.where(here, v, value), np.where(here, d / half, slope)
        return np.asarray(value), np.asarray(slope)


@dataclass(frozen=True)
class GuideTable:
    """Index and its slope with temperature, shape (width, height, band, node), with the splines that read them."""

    bands: Bands
    width: CubicSpline
    height: CubicSpline
    neff: Array
    dneff_dT: Array

    def read(self, width: ArrayLike, height: ArrayLike, dT: ArrayLike) -> Array:
        """Index at the nodes of the wavelength, shape (..., bands, nodes)."""
        w, h = self.width(np.asarray(width)), self.height(np.asarray(height))
        rise = np.asarray(dT, dtype=np.float64)
        found = _contract(w, h, self.neff)
        return found if not np.any(rise) else found + rise[..., None, None] * _contract(w, h, self.dneff_dT)


def _contract(w: Array, h: Array, values: Array) -> Array:
    """Sum over width and height of the node values, weighted with what each counts at the wanted place."""
    over_height = np.tensordot(h, values, axes=(-1, 1))  # (..., width, band, node)
    return np.einsum("...w,...wbn->...bn", w, over_height)


def _cardinal(nodes: ArrayLike) -> CubicSpline:
    """Spline that gives what each node counts at a place, last axis the nodes; a parabola for three nodes."""
    return CubicSpline(nodes, np.eye(len(np.asarray(nodes))))


@lru_cache
def guides(cross_section: str, mode: str) -> GuideTable:
    """Table of one mode of "strip" or "rib"; read once.

    Raises:
        ParameterError: no such cross-section or mode.
    """
    if cross_section not in ("strip", "rib"):
        raise ParameterError(f"cross_section is {cross_section!r}; computed are strip, rib")
    raw = table(f"{cross_section}_modes")
    if mode not in raw["modes"]:
        raise ParameterError(f"mode is {mode!r}; {cross_section} has {', '.join(raw['modes'])}")
    values = raw["modes"][mode]
    return GuideTable(
        Bands.of(raw["wl"]),
        _cardinal(raw["width"]),
        _cardinal(values["height"]),
        np.asarray(values["neff"]),
        np.asarray(values["dneff_dT"]),
    )


def band_start(wl: ArrayLike) -> Array:
    """Shortest computed wavelength, in um, of the band that each wavelength is in or nearest above."""
    starts = guides("strip", "TE").bands.nodes[:, 0]
    return starts[np.maximum(np.searchsorted(starts, np.asarray(wl), side="right") - 1, 0)]


def guide_size(width: ArrayLike, height: ArrayLike, dw: ArrayLike = 0.0, dh: ArrayLike = 0.0) -> tuple[Array, Array]:
    """Width and height as made, in um, from those drawn (um) and their deviations (nm).

    Raises:
        ParameterError: outside what was computed.
    """
    raw = table("strip_modes")
    (narrow, wide), (low, high) = ((axis[0], axis[-1]) for axis in (raw["width"], raw["modes"]["TE"]["height"]))
    w = number("width", width, narrow, wide) + number("dw", dw, -500.0, 500.0, "nm") * 1e-3
    h = number("height", height, low, high) + number("dh", dh, -50.0, 50.0, "nm") * 1e-3
    return (
        number("width with dw", w, narrow - 1e-9, wide + 1e-9),
        number("height with dh", h, low - 1e-9, high + 1e-9),
    )


@dataclass(frozen=True)
class EtchTable:
    """What another slab does to a rib.

    Attributes:
        bands, width, height: splines of the differences of the index.
        step: parabola over the difference of the slab in nm.
        dneff: differences of the index, shape (width, height, band, node, step).
        pair_width, pair_gap: splines of the slope of the coupling; ends of both in um.
        dlog_kappa: slope of log(kappa) in 1/nm, shape (width, gap).
    """

    bands: Bands
    width: CubicSpline
    height: CubicSpline
    step: CubicSpline
    dneff: Array
    pair_width: CubicSpline
    pair_gap: CubicSpline
    pair_ends: tuple[tuple[float, float], tuple[float, float]]
    dlog_kappa: Array

    def read(self, width: ArrayLike, height: ArrayLike, dslab: ArrayLike) -> Array:
        """Difference of the index at the nodes of the wavelength, shape (..., bands, nodes)."""
        w, h, x = self.width(np.asarray(width)), self.height(np.asarray(height)), self.step(np.asarray(dslab))
        return np.einsum("...w,...h,...s,whbns->...bn", w, h, x, self.dneff, optimize=True)

    def log_kappa_per_nm(self, width: ArrayLike, gap: ArrayLike) -> Array:
        """Slope of log(kappa) with the slab in 1/nm; beyond the table that of its end."""
        (narrow, wide), (near, far) = self.pair_ends
        w = self.pair_width(np.clip(np.asarray(width, dtype=np.float64), narrow, wide))
        g = self.pair_gap(np.clip(np.asarray(gap, dtype=np.float64), near, far))
        return np.einsum("...w,...g,wg->...", w, g, self.dlog_kappa)


@lru_cache
def etched() -> EtchTable:
    """Table of other slabs; read once."""
    raw = table("rib_etch")
    pair = raw["pair"]
    return EtchTable(
        Bands.of(raw["wl"]),
        _cardinal(raw["width"]),
        _cardinal(raw["height"]),
        _cardinal(raw["step_nm"]),
        np.asarray(raw["dneff"]),
        _cardinal(pair["width"]),
        _cardinal(pair["gap"]),
        ((pair["width"][0], pair["width"][-1]), (pair["gap"][0], pair["gap"][-1])),
        np.asarray(pair["dlog_kappa_per_nm"]),
    )


def slab_change(dslab: ArrayLike, cross_section: str = "rib") -> Array | None:
    """What the slab is thicker than drawn, nm, checked; None where it changes nothing.

    Raises:
        ParameterError: outside what was computed.
    """
    steps = table("rib_etch")["step_nm"]
    change = number("dslab", dslab, steps[0], steps[-1], "nm")
    return change if cross_section == "rib" and np.any(change) else None


def guide_index(
    wl: ArrayLike,
    width: ArrayLike,
    height: ArrayLike,
    dT: ArrayLike = 0.0,
    *,
    cross_section: str = "strip",
    mode: str = "TE",
    dslab: ArrayLike = 0.0,
) -> tuple[Array, Array]:
    """Effective index and its derivative with the wavelength in 1/um.

    Args:
        wl: wavelength in um.
        width: of the core in um.
        height: of the core in um.
        dT: temperature rise in K.
        cross_section: "strip" or "rib".
        mode: "TE" or "TM".
        dslab: what the slab of a rib is thicker than drawn, nm; a strip has none.
    """
    guide = guides(cross_section, mode)
    value, slope = guide.bands.evaluate(wl, guide.read(width, height, dT))
    change = slab_change(dslab, cross_section)
    if change is None:
        return (value + np.zeros(np.shape(dslab)), slope) if np.ndim(dslab) else (value, slope)
    etch = etched()
    more, steeper = etch.bands.evaluate(wl, etch.read(width, height, change))
    return value + more, slope + steeper


@dataclass(frozen=True)
class PairTable:
    """Logarithm of kappa, shape (width, height, band, node, gap), with the splines that read it."""

    bands: Bands
    width: CubicSpline
    height: CubicSpline
    gap: CubicSpline
    gap_max: float
    log_kappa: Array

    def over_gap(self, width: ArrayLike, height: ArrayLike) -> Array:
        """log(kappa) at all gaps of the table, shape (..., band, node, gap)."""
        w, h = self.width(np.asarray(width)), self.height(np.asarray(height))
        over_height = np.tensordot(h, self.log_kappa, axes=(-1, 1))
        return np.einsum("...w,...wbng->...bng", w, over_height)

    def at_gap(self, gap: ArrayLike, over_gap: Array) -> tuple[Array, Array]:
        """log(kappa) and its slope with the gap in 1/um, shape (..., band, node); beyond the table exponential."""
        gap = np.asarray(gap, dtype=np.float64)
        inside = np.minimum(gap, self.gap_max)
        slope = np.einsum("...g,...bng->...bn", self.gap(inside, 1), over_gap)
        value = np.einsum("...g,...bng->...bn", self.gap(inside), over_gap)
        return value + slope * (gap - inside)[..., None, None], slope


@lru_cache
def pairs(cross_section: str) -> PairTable:
    """Table of the coupling of two equal guides of "strip" or "rib"; read once.

    Raises:
        ParameterError: no such cross-section.
    """
    raw = table("pair_modes")
    if cross_section not in ("strip", "rib"):
        raise ParameterError(f"cross_section is {cross_section!r}; computed are strip, rib")
    part = raw[cross_section]
    return PairTable(
        Bands.of(part["wl"]),
        _cardinal(part["width"]),
        _cardinal(part["height"]),
        _cardinal(part["gap"]),
        float(part["gap"][-1]),
        np.asarray(part["log_kappa"]),
    )


def pair_gap(gap: ArrayLike, dw: ArrayLike = 0.0) -> Array:
    """Gap as made in um, from that drawn (um) and how much wider the cores are (nm); refused below the table."""
    low = table("pair_modes")["strip"]["gap"][0]
    made = number("gap", gap, low, 10.0) - number("dw", dw, -500.0, 500.0, "nm") * 1e-3
    return number("gap with dw", made, low - 1e-9, 11.0)


#: wavelengths that bends were computed at, um: between them their table is linear, beyond them constant
BEND_WL_UM = (1.31, 1.55)


@dataclass(frozen=True)
class BendTable:
    """What a circular bend of TE0 does: shape (width, wl, radius)."""

    width: CubicSpline
    widths: tuple[float, float]
    wl: Array
    log_radius: Array
    log_loss: Array
    rise_R2: Array

    def read(self, values: Array, radius: ArrayLike, wl: ArrayLike, width: ArrayLike, slope: float) -> Array:
        """Spline over width, linear over wavelength and log(radius); `slope` per log(radius) beyond the table."""
        x = np.log(number("radius", radius, 0.5, 1e6))
        inside = np.clip(x, self.log_radius[0], self.log_radius[-1])
        weights = self.width(np.clip(np.asarray(width, dtype=np.float64), *self.widths))
        corners = [
            _between(axis, np.asarray(place))
            for axis, place in zip((self.wl, self.log_radius), (wl, inside), strict=True)
        ]
        found = slope * (x - inside)
        for which in np.ndindex(2, 2):
            index = tuple(low + step for (low, _), step in zip(corners, which, strict=True))
            weight = [share if step else 1 - share for (_, share), step in zip(corners, which, strict=True)]
            at = np.moveaxis(values[:, *index], 0, -1)
            found = found + weight[0] * weight[1] * np.sum(weights * at, axis=-1)
        return np.asarray(found)


def _between(axis: Array, at: Array) -> tuple[NDArray[np.intp], Array]:
    """Index of the node below, and the share of the node above: beyond the ends that of the end."""
    low = np.clip(np.searchsorted(axis, at, side="right") - 1, 0, len(axis) - 2)
    return low, np.clip((at - axis[low]) / (axis[low + 1] - axis[low]), 0.0, 1.0)


@lru_cache
def bends(cross_section: str) -> BendTable:
    """Table of the circular bends of "strip" or "rib"; read once."""
    part = table("bend_modes")[cross_section]
    radius = np.asarray(part["radius"])
    return BendTable(
        _cardinal(part["width"]),
        (part["width"][0], part["width"][-1]),
        np.asarray(part["wl"]),
        np.log(radius),
        np.log(part["junction_dB"]),
        np.asarray(part["neff_rise"]) * radius**2,
    )


def junction_loss_dB(radius: ArrayLike, wl: ArrayLike, width: ArrayLike, *, cross_section: str = "strip") -> Array:
    """Loss in dB of TE0 at one junction of a straight guide and a circular bend, from the overlap of their modes.

    Args:
        radius: of the bend in um; goes as `1 / radius^2` beyond the table's 4.5 and 30 um (a rib's rises faster).
        wl: wavelength in um; linear between 1.31 and 1.55 um, and that of the nearer one beyond.
        width: of the core in um; beyond the table's widths that of the nearest.
        cross_section: "strip" or "rib".
    """
    bend = bends(cross_section)
    return np.exp(bend.read(bend.log_loss, radius, wl, width, -2.0))


def knots_um() -> tuple[float, ...]:
    """Widths, um, at which the splines of index and bends have their knots."""
    return tuple(sorted({*table("strip_modes")["width"], *table("bend_modes")["strip"]["width"]}))


def bend_index_rise(radius: ArrayLike, wl: ArrayLike, width: ArrayLike, *, cross_section: str = "strip") -> Array:
    """What the index of a circular bend, along its middle line, exceeds that of the straight guide by.

    Arguments, and what lies beyond the table, as `junction_loss_dB`.
    """
    bend = bends(cross_section)
    return bend.read(bend.rise_R2, radius, wl, width, 0.0) / np.asarray(radius, dtype=np.float64) ** 2


def tip_mode_field(width: float, mode: str = "TE") -> tuple[float, float]:
    """1/e^2 diameters along x and y in um of the mode of a narrow strip at 1310 nm, 220 nm high, oxide all around.

    Args:
        width: of the tip in um, 0.11 (TM: 0.10) to 0.25.
        mode: "TE" or "TM".

    Raises:
        ParameterError: another mode, or a width outside the table.
    """
    x, y, _ = _tip(width, mode)
    return x, y


def tip_gaussian_overlap(width: float, mode: str = "TE") -> float:
    """Share of the power of a tip's mode that its best Gaussian holds, 0 to 1; arguments as `tip_mode_field`."""
    return _tip(width, mode)[2]


def _tip(width: float, mode: str) -> tuple[float, float, float]:
    modes = table("tip_modes")["modes"]
    if mode not in modes:
        raise ParameterError(f"mode is {mode!r}; tips have {', '.join(modes)}")
    data = modes[mode]
    at = float(number("tip_width", width, data["width"][0], data["width"][-1]))
    x, y = (float(np.exp(CubicSpline(data["width"], np.log(data[key]))(at))) for key in ("mfd_x", "mfd_y"))
    return x, y, float(np.interp(at, data["width"], data["overlap"]))


def junction_weight(wl: float, width: float) -> tuple[Array, Array]:
    """How much a change of silicon's index at lateral place x moves the index of the rib's TE0 mode.

    `dneff = sum(weight * dn) * step`, for a change `dn(x)` of all silicon at x, core and slab alike (220 nm high core
    on a 90 nm slab); loss in dB/cm likewise. The sum over all x is close to one: the rib confines all its
    light, at a group index a little above that of silicon.

    Args:
        wl: wavelength in um; linear between the computed 1.31 and 1.55 um, and on to 1.25 and 1.61 um.
        width: core width in um; the computed profiles are stretched to it.

    Returns:
        x in um (centres of columns of equal step, symmetric about the middle of the core) and weight in 1/um.

    Raises:
        ParameterError: outside 1.25 to 1.61 um, or a width outside the table.
    """
    data = table("rib_overlap")
    at_wl = float(number("wl", wl, 1.25, 1.61))
    w = float(number("width", width, data["width"][0], data["width"][-1]))
    weight = np.asarray(data["weight"])
    share = (at_wl - data["wl"][0]) / (data["wl"][1] - data["wl"][0])
    profiles = np.maximum((1 - share) * weight[:, 0] + share * weight[:, 1], 0.0)
    x = (np.arange(weight.shape[2]) + 0.5) * data["step"]
    low = min(int(np.searchsorted(data["width"], w, side="right")) - 1, len(data["width"]) - 2)
    part = (w - data["width"][low]) / (data["width"][low + 1] - data["width"][low])
    below, above = (_stretched(x, profiles[i], data["width"][i] / 2, w / 2, data["step"]) for i in (low, low + 1))
    half = (1 - part) * below + part * above
    return np.concatenate([-x[::-1], x]), np.concatenate([half[::-1], half])


def _stretched(x: Array, profile: Array, wall: float, new_wall: float, step: float) -> Array:
    """Column means of a profile whose wall moved; what lies outside moves with the wall."""
    edges = np.concatenate([x - step / 2, [x[-1] + step / 2]])
    total = np.concatenate([[0.0], np.cumsum(profile) * step])
    old = np.where(edges < new_wall, edges * wall / new_wall, edges - new_wall + wall)
    return np.diff(np.interp(old, edges, total)) / step
