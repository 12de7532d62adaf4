"""Heaters against published numbers."""

from __future__ import annotations

from functools import cache

from cpo_pdk.models import waveguide
from cpo_pdk.models.validation.case import Case
from cpo_pdk.thermal.near_heater import near_heater, straight_mW_K

STRAIGHT = (
    "photonflux PDK, 2D simulation of a TiN heater over 200 um of 480 nm strip (heights and wavelength not given)"
)
ZHANG = "Zhang et al., Photon. Res. 10, 1127 (2022), measured with its wires"
#: width of the heater, um -> power for half a wave, mW
POWER_PI_MW = {0.64: 27.29, 1.19: 27.58, 2.28: 28.62, 3.37: 29.96, 5.0: 32.70}


@cache
def _drift_per_K(cross_section: str, wl: float, width: float) -> float:
    """Change of the effective index with temperature, 1/K, over 20 K."""
    warm, cold = (float(waveguide.neff(wl, width=width, dT=dT, cross_section=cross_section)) for dT in (20.0, 0.0))
    return (warm - cold) / 20.0


@cache
def power_pi_mW(width_heater: float) -> float:
    """Power in a heater over 200 um of strip that turns the phase by half a wave at 1550 nm, mW."""
    warming = 1.55 / (2 * 200.0 * _drift_per_K("strip", 1.55, 0.48))
    return straight_mW_K(width_heater, 200.0) * warming


@cache
def ring_nm_mW() -> float:
    """Red shift of the ring modulator that ships by its heater, computed without wires, nm/mW at 1310 nm."""
    drift = 1.31 * _drift_per_K("rib", 1.31, 0.4) / float(waveguide.ng(1.31, width=0.4, cross_section="rib"))
    return near_heater(6.4, 1.2, slab=True).own_K_mW * drift * 1e3


CASES = (
    *(
        Case(
            "thermal",
            f"power of half a wave, heater {width:g} um wide",
            "mW",
            STRAIGHT,
            published,
            lambda width=width: power_pi_mW(width),
            0.4,
        )
        for width, published in POWER_PI_MW.items()
    ),
    Case(
        "thermal",
        "half a wave, heater 5 um over heater 0.64 um wide",
        "1",
        STRAIGHT,
        POWER_PI_MW[5.0] / POWER_PI_MW[0.64],
        lambda: power_pi_mW(5.0) / power_pi_mW(0.64),
        0.1,
    ),
    Case(
        "thermal",
        "shift of a ring by its heater, bare (sheets carry the measured number)",
        "nm/mW",
        ZHANG,
        0.1,
        ring_nm_mW,
        1.5,
    ),
)
