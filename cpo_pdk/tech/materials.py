"""The few bulk materials that models and thermal work need, each number with its source.

Validity: room temperature, O-band. dn/dT of the two optical materials is from the literature by memory (marked), and
reproduces the 0.062 nm/K of a strip ring that is commonly reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from cpo_pdk.errors import ParameterError


@dataclass(frozen=True)
class Material:
    """A bulk material.

    Attributes:
        name: as used by the layer stack.
        n: refractive index at 1310 nm; None for metals, which models treat as opaque.
        dn_dT: thermo-optic coefficient in 1/K; None where no model needs it.
        k_W_mK: thermal conductivity in W/(m K).
        sources: field -> source.
    """

    name: str
    n: float | None
    dn_dT: float | None
    k_W_mK: float
    sources: MappingProxyType[str, str]


def _material(name: str, n: float | None, dn_dt: float | None, k: float, /, **sources: str) -> Material:
    return Material(name, n, dn_dt, k, MappingProxyType(sources))


MATERIALS: MappingProxyType[str, Material] = MappingProxyType(
    {
        m.name: m
        for m in (
            _material(
                "Si",
                3.5039,
                1.86e-4,
                148.0,
                n="Sellmeier equation of Salzberg and Villa, JOSA 47, 244 (1957), at 1.310 um",
                dn_dT="literature value for silicon near 300 K (from memory, not re-read)",
                k_W_mK="literature value for bulk silicon at 300 K (from memory, not re-read)",
            ),
            _material(
                "SiO2",
                1.4468,
                1.0e-5,
                1.38,
                n="Sellmeier equation of Malitson, JOSA 55, 1205 (1965), at 1.310 um",
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
