"""How much light a silicon guide carries before it absorbs its own light.

Formulas
    Two photons together are absorbed, `dI/dz = -beta I^2`; each pair leaves one electron and one hole, of which there
    are `N = tau beta I^2 / (2 h nu)` in steady light, and these absorb in turn (`models.carriers`). With the power P in
    an area A: `dP/dz = -alpha P - beta P^2 / A - alpha_carriers(N) P` (textbooks of silicon photonics). Photons of two
    wavelengths pair up twice as often as those of one, so that C equal wavelengths of P together lose `2 - 1 / C` times
    as much as one of P.

Validity
    Steady light, all of it in the core. The lifetime of the carriers, from 0.5 to some ns in guides of this size,
    decides: take the loss as an order of magnitude.
"""

from __future__ import annotations

from functools import lru_cache
from math import e, exp, log, log10

from cpo_pdk.models.carriers import absorption_per_cm
from cpo_pdk.tech.waveguides import cross_section

#: cm/W: 0.76 cm/GW measured in a silicon waveguide at 1.55 um and 300 K ("Temperature dependence of the Kerr
#: nonlinearity and two-photon absorption in a silicon waveguide at 1.55um", arXiv); bulk at 1.54 um 0.45 cm/GW (Tsang
#: et al., Appl. Phys. Lett. 80, 416 (2002)). Towards 1.3 um it rises somewhat (from memory): the higher of the two
#: numbers is taken.
TWO_PHOTON_CM_W = 0.76e-9
#: s; a choice: between 0.5 and some ns in guides of half a micrometre (from memory)
CARRIER_LIFETIME_S = 1e-9
#: dB; a choice: loss by the light itself that one may leave out of a budget
NEGLIGIBLE_DB = 0.1
PLANCK, LIGHT_M_S = 6.62607015e-34, 299792458.0
_STEPS = 200
#: of the logarithm of the power in one step
_LARGEST_FALL = 0.05


@lru_cache(maxsize=4096)
def lost_to_itself_dB(power_mW: float, length_um: float, loss_dB_cm: float, wl_um: float, channels: int = 1) -> float:
    """Loss beyond the linear one along a strip guide, dB.

    Args:
        power_mW: at its beginning, all wavelengths.
        length_um: of the guide.
        loss_dB_cm: linear loss.
        wl_um: wavelength.
        channels: wavelengths that share the power alike.
    """
    alpha = loss_dB_cm * 0.1 / log10(e)  # 1/cm
    guide = cross_section("strip")
    area = guide.width * guide.height * 1e-8  # cm2
    beta = TWO_PHOTON_CM_W * (2 - 1 / channels)
    photon_J = PLANCK * LIGHT_M_S / (wl_um * 1e-6)
    whole = length_um * 1e-4

    def falls(logarithm: float) -> float:
        """Loss a cm of exp(logarithm) watts."""
        intensity = exp(logarithm) / area
        density = CARRIER_LIFETIME_S * beta * intensity**2 / (2 * photon_J)
        return alpha + beta * intensity + _carriers_per_cm(wl_um, density)

    start = now = log(power_mW * 1e-3)
    at = 0.0
    while at < whole:  # midpoint rule: second order
        step = min(whole / _STEPS, whole - at, _LARGEST_FALL / falls(now))
        now -= step * falls(now - step / 2 * falls(now))
        at += step
    return 10 * log10(e) * (start - now) - loss_dB_cm * whole


@lru_cache(maxsize=256)
def safe_dBm(
    length_um: float, loss_dB_cm: float, wl_um: float, channels: int = 1, allowed_dB: float = NEGLIGIBLE_DB
) -> float:
    """Most power at the beginning of a guide that keeps the loss by the light itself below `allowed_dB`, dBm.

    The other arguments as `lost_to_itself_dB`.
    """
    low, high = -20.0, 40.0
    for _ in range(40):
        middle = (low + high) / 2
        if lost_to_itself_dB(10 ** (middle / 10), length_um, loss_dB_cm, wl_um, channels) > allowed_dB:
            high = middle
        else:
            low = middle
    return low


@lru_cache(maxsize=8)
def _coefficients(wl_um: float) -> tuple[tuple[float, float], ...]:
    """Absorption a * N^b of electrons and of holes, 1/cm and cm^-3."""
    found = []
    for kind in ("electrons", "holes"):
        low, high = (float(absorption_per_cm(kind, wl_um, n).item()) for n in (1e16, 1e18))
        power = log10(high / low) / 2
        found.append((low / 1e16**power, power))
    return tuple(found)


def _carriers_per_cm(wl_um: float, density: float) -> float:
    return sum(a * density**b for a, b in _coefficients(wl_um))
