"""Splitters and lumped passives against published numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from cpo_pdk.models.multimode import imaging
from cpo_pdk.models.passive import crossing, psr, terminator
from cpo_pdk.models.sdict import data
from cpo_pdk.models.shape_loss import shape_loss_dB
from cpo_pdk.models.slabs import film_index, oxide, sideways_phase
from cpo_pdk.models.splitters import mmi1x2, mmi2x2, y_branch
from cpo_pdk.models.validation.case import Case

_CORNERSTONE = "CORNERSTONE 220 nm SOI, standard components and cut-back slopes"
_PHOTONFLUX = "photonflux tables made with a commercial mode solver, 0.60 x 0.22 um strip"
_BODY = {"width": 6.0, "width_arm": 1.5}


def best_length(wl: float, near: float, inputs: list[float], outputs: list[float]) -> float:
    """Length in um within 12 % of `near` at which most light comes out of a body 6 um wide with arms of 1.5 um."""
    grid = np.linspace(0.88 * near, 1.12 * near, 1201)
    (row,) = imaging(wl, length=grid, inputs=inputs[:1], outputs=outputs, **_BODY)
    return float(grid[int(np.argmax(sum(np.abs(amplitude) ** 2 for amplitude in row)))])


def _dB(amplitude: np.ndarray) -> float:
    return float(-20 * np.log10(np.abs(amplitude)))


def _wide_strip(group: bool) -> float:
    """Index of the slab picture at 1310 nm for the 0.60 um strip; the group index by a central difference."""

    def index(wl: float) -> float:
        film, clad = film_index(wl), oxide(wl)
        return float(np.sqrt(film**2 - (sideways_phase(wl, 0.6, 0, film, clad) * wl / (2 * np.pi)) ** 2))

    slope = (index(1.311) - index(1.309)) / 0.002
    return index(1.31) - 1.31 * slope if group else index(1.31)


def _length(kind: str, wl: float, published: float, inputs: list[float], outputs: list[float]) -> Case:
    return Case(
        device=kind,
        quantity=f"best length, 6.0 um wide, {wl * 1000:.0f} nm",
        unit="um",
        source=_CORNERSTONE,
        published=published,
        ours=partial(best_length, wl, published, inputs, outputs),
        tolerance=0.05,
    )


def _loss(
    device: str,
    quantity: str,
    published: float,
    tolerance: float,
    ours: Callable[[], float],
    source: str = _CORNERSTONE,
    fitted: bool = False,
) -> Case:
    return Case(device, quantity, "dB", source, published, ours, tolerance, relative=False, fitted=fitted)


_PAIR = ([-1.015, 1.015], [1.015, -1.015])
_SINGLE = ([0.0], [1.525, -1.525])

CASES: tuple[Case, ...] = (
    _length("mmi1x2", 1.31, 40.1, *_SINGLE),
    _length("mmi1x2", 1.55, 31.8, *_SINGLE),
    _length("mmi2x2", 1.31, 53.5, *_PAIR),
    _length("mmi2x2", 1.55, 42.5, *_PAIR),
    _loss("mmi1x2", "o1 to o2, 1310 nm", 3.2885, 0.01, lambda: _dB(mmi1x2(1.31)["o1", "o2"]), fitted=True),
    _loss(
        "mmi1x2", "o1 to o2, 31.8 um long, 1550 nm", 3.3056, 0.1, lambda: _dB(mmi1x2(1.55, length_mmi=31.8)["o1", "o2"])
    ),
    _loss("mmi2x2", "bar, 42.5 um long, 1550 nm", 3.3673, 0.2, lambda: _dB(mmi2x2(1.55, length_mmi=42.5)["o1", "o4"])),
    _loss(
        "mmi2x2", "cross, 42.5 um long, 1550 nm", 3.3073, 0.2, lambda: _dB(mmi2x2(1.55, length_mmi=42.5)["o1", "o3"])
    ),
    Case(
        device="mmi1x2",
        quantity="index of the slab picture, TE0, 1310 nm",
        unit="1",
        source=_PHOTONFLUX,
        published=2.8040,
        ours=partial(_wide_strip, False),
        tolerance=0.005,
    ),
    Case(
        device="mmi1x2",
        quantity="group index of the slab picture, TE0, 1310 nm",
        unit="1",
        source=_PHOTONFLUX,
        published=4.0204,
        ours=partial(_wide_strip, True),
        tolerance=0.015,
    ),
    _loss(
        "y_branch",
        "loss of the shape alone, computed, full size at 1550 nm",
        0.13,
        0.05,
        lambda: data("y_branch")["full_size_1550_dB"],
        "Zhang et al., Opt. Express 21, 1310 (2013), three-dimensional simulation",
    ),
    _loss(
        "y_branch",
        "excess, full size at 1550 nm",
        0.28,
        0.05,
        lambda: _dB(y_branch(1.31)["o1", "o2"]) - 10 * np.log10(2),
        "Zhang et al., Opt. Express 21, 1310 (2013), 26 dies",
        fitted=True,
    ),
    _loss(
        "y_branch",
        "excess of another O-band Y branch, compact model",
        0.2,
        0.1,
        lambda: _dB(y_branch(1.31)["o1", "o2"]) - 10 * np.log10(2),
        "SiEPIC EBeam PDK, Y branch for 1310 nm",
    ),
    _loss(
        "y_branch",
        "o1 to o2 of another design, 1310 nm (for comparison)",
        4.5006,
        1.3,
        lambda: _dB(y_branch(1.31)["o1", "o2"]),
    ),
    _loss("crossing", "loss, 1310 nm", 0.24359, 0.01, lambda: _dB(crossing(1.31)["o1", "o3"]), fitted=True),
    _loss(
        "crossing",
        "loss of another design, 6 x 6 um, O-band (for comparison)",
        0.19,
        0.1,
        lambda: _dB(crossing(1.31)["o1", "o3"]),
        "8-inch O-band crossing, abstract: 0.19 +/- 0.02 dB",
    ),
    _loss(
        "crossing",
        "loss of another design, 9 x 9 um, O-band (for comparison)",
        0.017,
        0.25,
        lambda: _dB(crossing(1.31)["o1", "o3"]),
        "O-band crossing of 9 x 9 um, abstract: 0.017 +/- 0.005 dB",
    ),
    _loss(
        "crossing",
        "loss of the shape alone, computed, 9 x 9 um, O-band",
        0.017,
        0.02,
        lambda: float(shape_loss_dB("crossing", 1.31)),
        "O-band crossing of 9 x 9 um, abstract: 0.017 +/- 0.005 dB",
    ),
    _loss(
        "crossing",
        "loss of another design, MMI arms (for comparison)",
        0.043,
        0.25,
        lambda: _dB(crossing(1.31)["o1", "o3"]),
        "Johnson et al., Opt. Express (2020): 43 +/- 4 mdB",
    ),
    _loss(
        "crossing",
        "crosstalk below the input, 6 x 6 um, O-band",
        35.0,
        1.0,
        lambda: _dB(crossing(1.31)["o1", "o2"]),
        "8-inch O-band crossing, abstract: below -35 dB",
        fitted=True,
    ),
    _loss(
        "terminator",
        "reflection below the input, 1310 nm",
        30.0,
        0.1,
        lambda: _dB(terminator(1.31)["o1", "o1"]),
        "SiEPIC EBeam PDK, terminator for 1310 nm (assumed there)",
        fitted=True,
    ),
    _loss(
        "psr",
        "TM to TE, 1310 nm",
        1.0,
        0.1,
        lambda: _dB(psr(1.31)["o1@TM", "o3"]),
        "sciforum 4410: conversion loss below 1 dB, 1260 to 1340 nm",
        fitted=True,
    ),
    _loss(
        "psr",
        "TM left at the wrong output, 1310 nm",
        22.0,
        0.1,
        lambda: _dB(psr(1.31)["o1@TM", "o2"]) - _dB(psr(1.31)["o1@TM", "o3"]),
        "sciforum 4410: crosstalk below -22 dB, 1260 to 1340 nm",
        fitted=True,
    ),
)
