"""Germanium detectors against published numbers."""

from __future__ import annotations

from cpo_pdk.models.detector import (
    bandwidth_GHz,
    bandwidth_lateral_GHz,
    dark_current_nA,
    internal_efficiency,
    photodetector_dual,
)
from cpo_pdk.models.validation.case import Case

_PRIEL = "Priel et al., Micromachines 17, 386 (2026), dual input, O-band"
_SHI = "Shi et al., Photonics Res. 12, 1 (2024), vertical, U-shaped electrode, 1550 nm"
_HU = "Hu et al., Photonics Res. 11, 961 (2023), doped side walls, 26 reticles, 1530 nm"
_LI = "Li et al., Chinese Phys. Lett. 37, 038503 (2020), 4 x 8 um2"


def _collected() -> float:
    """Responsivity in A/W at 1310 nm of 0.9 electrons for each photon that the default detector absorbs."""
    absorbed = abs(complex(photodetector_dual(1.31)["o1", "i1"])) ** 2
    return 0.9 * absorbed * 1.31 / 1.239842


CASES: tuple[Case, ...] = (
    Case(
        "photodetector_dual",
        "responsivity of 90 electrons in 100 absorbed photons",
        "A/W",
        _PRIEL,
        0.91,
        _collected,
        0.05,
    ),
    Case("photodetector_dual", "bandwidth", "GHz", _PRIEL, 58.0, lambda: float(bandwidth_GHz()), 0.15),
    Case("photodetector", "bandwidth (least of 26 reticles)", "GHz", _HU, 50.0, lambda: float(bandwidth_GHz()), 0.3),
    Case(
        "photodetector",
        "bandwidth, of another electrode and geometry",
        "GHz",
        _SHI,
        103.0,
        lambda: float(bandwidth_GHz()),
        0.45,
    ),
    Case("photodetector", "dark current", "nA", _SHI, 1.3, lambda: float(dark_current_nA()), 0.3),
    Case(
        "photodetector",
        "dark current of 4 x 8 um2 at -1 V",
        "nA",
        _LI,
        1.6,
        lambda: float(dark_current_nA(length=8.0, width_ge=4.0)),
        0.01,
        fitted=True,
    ),
    Case(
        "photodetector",
        "electrons per absorbed photon",
        "1",
        "Morse et al., Physica E 41, 1076 (2009)",
        0.9,
        lambda: float(internal_efficiency(1.31)),
        0.03,
    ),
    Case(
        "photodetector_lateral",
        "bandwidth (least of 26 reticles)",
        "GHz",
        _HU,
        50.0,
        lambda: float(bandwidth_lateral_GHz()),
        0.2,
    ),
)
