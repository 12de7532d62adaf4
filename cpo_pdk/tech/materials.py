"""The few bulk materials that models and thermal work need, each number with its source.

Validity: room temperature. Silicon and oxide have dispersion equations, used from 1.24 to 1.62 um: those of Malitson
were measured there; those of Salzberg and Villa only from 1.357 um up, so that the O-band is their continuation towards
the band edge. dn/dT of the two is from the literature by memory (marked), and reproduces the 0.06 to 0.07 nm/K of
O-band rings that are commonly reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cpo_pdk.errors import ParameterError


@dataclass(frozen=True)
class Material:
    """A bulk material.

    Attributes:
        name: as used by the layer stack.
        n: refractive index at 1310 nm, that of `sellmeier` where given; None for metals, which models treat as opaque.
        dn_dT: thermo-optic coefficient in 1/K; None where no model needs it.
        k_W_mK: thermal conductivity in W/(m K).
        sources: field -> source.
        sellmeier: `(B, C)` of each term of `n^2 = 1 + sum B wl^2 / (wl^2 - C^2)`, wl and C in um; () for none.
    """

    name: str
    n: float | None
    dn_dT: float | None
    k_W_mK: float
    sources: MappingProxyType[str, str]
    sellmeier: tuple[tuple[float, float], ...] = ()

    def index(self, wl: ArrayLike, dT: ArrayLike = 0.0) -> NDArray[np.float64]:
        """Refractive index by the Sellmeier equation.

        Args:
            wl: wavelength in um.
            dT: temperature rise in K, first order.

        Raises:
            ParameterError: the material has no equation.
        """
        if not self.sellmeier or self.dn_dT is None:
            raise ParameterError(f"{self.name} has no dispersion equation; Si and SiO2 have one")
        w2 = np.asarray(wl, dtype=np.float64) ** 2
        return np.sqrt(1 + sum(b * w2 / (w2 - c**2) for b, c in self.sellmeier)) + self.dn_dT * np.asarray(dT)


#: Salzberg and Villa 1957 as fitted by Tatian, Appl. Opt. 23, 4477 (1984); Malitson 1965
SELLMEIER_SI = ((10.6684293, 0.301516485), (0.0030434748, 1.13475115), (1.54133408, 1104.0))
SELLMEIER_SIO2 = ((0.6961663, 0.0684043), (0.4079426, 0.1162414), (0.8974794, 9.896161))


def _material(
    name: str,
    n: float | None,
    dn_dt: float | None,
    k: float,
    sellmeier: tuple[tuple[float, float], ...] = (),
    /,
    **sources: str,
) -> Material:
    return Material(name, n, dn_dt, k, MappingProxyType(sources), sellmeier)


MATERIALS: MappingProxyType[str, Material] = MappingProxyType(
    {
        m.name: m
        for m in (
            _material(
                "Si",
                3.5039,
                1.86e-4,
                148.0,
                SELLMEIER_SI,
                n="Sellmeier equation of Salzberg and Villa, JOSA 47, 244 (1957), fit of Tatian, Appl. Opt. 23 (1984)",
                dn_dT="literature value for silicon near 300 K (from memory, not re-read)",
                k_W_mK="literature value for bulk silicon at 300 K (from memory, not re-read)",
            ),
            _material(
                "SiO2",
                1.4468,
                1.0e-5,
                1.38,
                SELLMEIER_SIO2,
                n="Sellmeier equation of Malitson, JOSA 55, 1205 (1965)",
                dn_dT="literature value for fused silica (from memory, not re-read)",
                k_W_mK="literature value for fused silica at 300 K (from memory, not re-read)",
            ),
            _material("Ge", 4.3, None, 60.0, n="choice: rounded literature value", k_W_mK="from memory, not re-read"),
            _material("TiN", None, None, 28.0, k_W_mK="choice: thin-film values scatter between 10 and 30 W/(m K)"),
            _material("Al", None, None, 237.0, k_W_mK="literature value for bulk aluminium (from memory, not re-read)"),
            _material("Cu", None, None, 401.0, k_W_mK="literature value for bulk copper (from memory, not re-read)"),
        )
    }
)


def material(name: str) -> Material:
    """Return one material.

    Args:
        name: key in `MATERIALS`.

    Raises:
        ParameterError: there is no material of that name.
    """
    if name not in MATERIALS:
        raise ParameterError(f"material is {name!r}; available: {', '.join(MATERIALS)}")
    return MATERIALS[name]
