"""How packages are tested and repaired, and what they have to spare."""

from __future__ import annotations

from dataclasses import dataclass

from cpo_pdk.errors import SpecError
from cpo_pdk.spec.part import Part
from cpo_pdk.spec.production import Production


@dataclass(frozen=True)
class Plan:
    """How packages are tested and repaired.

    Attributes:
        die_coverage, engine_coverage, package_coverage: share of bad ones that a test finds.
        die_overkill, engine_overkill: share of good ones that it refuses.
        bond_yield: share of engines that survive being mounted.
        repair_yield: share of bad engines that are exchanged well.
        repairs: most exchanges in a package.
        spare_wavelengths: of a fibre that may be dead.
        spare_lasers: modules that replace one whose power is too low or uneven.
    """

    die_coverage: float
    engine_coverage: float
    package_coverage: float
    die_overkill: float = 0.0
    engine_overkill: float = 0.0
    bond_yield: float = 1.0
    repair_yield: float = 0.0
    repairs: int = 0
    spare_wavelengths: int = 0
    spare_lasers: int = 0

    @classmethod
    def of(cls, production: Production, sheet: Part) -> Plan:
        """The plan of a spec.

        Raises:
            SpecError: a broken number of repairs, at its line of the sheet.
        """
        repairs = sheet["repairs"]
        if repairs != int(repairs):
            text = f"repairs is {repairs:g}, a whole number needed; write {int(repairs)} or {int(repairs) + 1}"
            raise SpecError([sheet.problem(("parameters", "repairs", "value"), text)])
        return cls(
            die_coverage=sheet["die_coverage"],
            engine_coverage=sheet["engine_coverage"],
            package_coverage=sheet["package_coverage"],
            die_overkill=sheet["die_overkill"],
            engine_overkill=sheet["engine_overkill"],
            bond_yield=sheet["bond_yield"],
            repair_yield=sheet["repair_yield"],
            repairs=int(repairs),
            spare_wavelengths=production.spares.wavelengths,
            spare_lasers=production.spares.lasers,
        )
