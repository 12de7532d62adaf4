"""Edge couplers and gratings against published numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from cpo_pdk.models.fibre_coupling import edge_coupler, spot_size_converter
from cpo_pdk.models.grating_along import along_grating, uniform_bandwidth_nm
from cpo_pdk.models.grating_physics import best_place, fibre_overlap, places
from cpo_pdk.models.gratings import grating_coupler, grating_coupler_dual
from cpo_pdk.models.mode_overlap import offset_tolerance
from cpo_pdk.models.validation.case import Case

_WAN = "Wan et al., Adv. Photonics Nexus 4, 026004 (2025), lensed fibre of 4 um"
_IBM = "Barwicz et al. (IBM), suspended membrane, cleaved fibre, 300 mm fab"
_SHANGHAI = "Appl. Sci. 13, 8157 (2023), simulated, cleaved fibre at 1550 nm"
_GRIN = "arXiv 2503.00121 (2025), simulated graded-index couplers, chip to chip"
_CORNERSTONE = "CORNERSTONE 220 nm SOI standard components, 70 nm etch, 10 degrees"
_CHROSTOWSKI = "Chrostowski et al., Proc. OFC (2014), grating at 1550 nm"
_C_BAND = {"period": 0.63, "fiber_mfd_um": 10.4}


def _dB(model: Callable[..., dict], wl: float, ports: tuple[str, str]) -> float:
    return float(-20 * np.log10(np.abs(model(wl)[ports])))


def _peak_shift(**deviation: float) -> float:
    """Shift of the peak in nm of a C-band grating (315/315 nm) for a small deviation, per nm of it."""
    ((name, step),) = deviation.items()
    up, down = (along_grating(**_C_BAND, **{name: s})[0] for s in (step, -step))
    return float(up - down) * 1e3 / (2 * step)


def best_uniform_overlap() -> float:
    """Largest overlap of a uniform grating's field with a Gaussian of 4.6 um, over all strengths of the grating."""
    length, radius = np.array([200.0]), np.array([4.6])
    found = []
    for decay in np.linspace(0.08, 0.25, 35):
        along = np.full(places().shape, decay)
        center = best_place(along, length, radius)[..., None]
        found.append(float(fibre_overlap(along, length, radius, center)))
    return max(found)


CASES: tuple[Case, ...] = (
    Case(
        "edge_coupler",
        "facet loss TE",
        "dB",
        _WAN,
        1.52,
        partial(_dB, edge_coupler, 1.31, ("o1", "o2")),
        0.05,
        False,
        True,
    ),
    Case(
        "edge_coupler",
        "facet loss TM",
        "dB",
        _WAN,
        2.0,
        partial(_dB, edge_coupler, 1.31, ("o1@TM", "o2@TM")),
        0.05,
        False,
        True,
    ),
    Case(
        "spot_size_converter",
        "facet loss TE",
        "dB",
        _IBM,
        0.7,
        partial(_dB, spot_size_converter, 1.31, ("o1", "o2")),
        0.05,
        False,
        True,
    ),
    Case(
        "spot_size_converter",
        "facet loss TM",
        "dB",
        _IBM,
        1.4,
        partial(_dB, spot_size_converter, 1.31, ("o1@TM", "o2@TM")),
        0.05,
        False,
        True,
    ),
    Case(
        "spot_size_converter",
        "facet loss TE, best simulated design",
        "dB",
        _SHANGHAI,
        0.27,
        partial(_dB, spot_size_converter, 1.31, ("o1", "o2")),
        0.5,
        False,
    ),
    Case(
        "spot_size_converter",
        "offset for 1 dB more, spots of 9.2 um",
        "um",
        _SHANGHAI,
        2.0,
        lambda: float(offset_tolerance(1.31, 9.2, 9.2)),
        0.15,
    ),
    Case(
        "spot_size_converter",
        "offset for 1 dB more, lateral",
        "um",
        _GRIN,
        2.24,
        lambda: float(offset_tolerance(1.31, 9.2, 9.2)),
        0.1,
    ),
    Case(
        "spot_size_converter",
        "offset for 1 dB more, vertical",
        "um",
        _GRIN,
        2.38,
        lambda: float(offset_tolerance(1.31, 9.2, 9.2)),
        0.1,
    ),
    Case(
        "grating_coupler",
        "peak, 250/250 nm (middle of 1300 to 1330 nm)",
        "um",
        _CORNERSTONE,
        1.315,
        lambda: float(along_grating()[0]),
        0.015,
        False,
    ),
    Case(
        "grating_coupler",
        "peak, 315/315 nm",
        "um",
        _CORNERSTONE,
        1.55,
        lambda: float(along_grating(**_C_BAND)[0]),
        0.015,
    ),
    Case(
        "grating_coupler",
        "width at 1 dB from the spread of the light, 250/250 nm (above 30 nm)",
        "nm",
        _CORNERSTONE,
        30.0,
        uniform_bandwidth_nm,
        0.25,
    ),
    Case(
        "grating_coupler",
        "width at 1 dB from the spread of the light, 315/315 nm (above 35 nm)",
        "nm",
        _CORNERSTONE,
        35.0,
        partial(uniform_bandwidth_nm, **_C_BAND),
        0.25,
    ),
    Case(
        "grating_coupler",
        "loss at the peak (5 to 6 dB)",
        "dB",
        _CORNERSTONE,
        5.5,
        lambda: _dB(grating_coupler, float(along_grating()[0]), ("o1", "o2")),
        0.5,
        False,
        True,
    ),
    Case(
        "grating_coupler",
        "loss at the peak, another design",
        "dB",
        "SiEPIC EBeam GC_TE_1310_8degOxide_BB",
        4.49,
        lambda: _dB(grating_coupler, float(along_grating()[0]), ("o1", "o2")),
        1.5,
        False,
    ),
    Case(
        "grating_coupler",
        "largest overlap of a uniform grating",
        "1",
        "Zhao and Fan, arXiv 2002.05885 (2020)",
        0.80,
        best_uniform_overlap,
        0.01,
    ),
    Case(
        "grating_coupler",
        "shift of the peak per nm of thickness",
        "nm",
        _CHROSTOWSKI,
        1.82,
        partial(_peak_shift, dh=1.0),
        0.2,
    ),
    Case(
        "grating_coupler",
        "shift of the peak per nm of tooth width",
        "nm",
        _CHROSTOWSKI,
        0.215,
        partial(_peak_shift, dw=1.0),
        0.2,
    ),
    Case(
        "grating_coupler",
        "shift of the peak per nm of etch depth, to the blue",
        "nm",
        _CHROSTOWSKI,
        1.9,
        lambda: -_peak_shift(d_etch=1.0),
        0.2,
    ),
    Case(
        "grating_coupler_dual",
        "loss at the peak; published with a second layer of polysilicon",
        "dB",
        "arXiv 2407.14432 (2024), 193 nm lithography",
        2.54,
        lambda: _dB(grating_coupler_dual, 1.3111, ("o1", "o3")),
        5.0,
        False,
    ),
)
