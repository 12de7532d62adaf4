"""The sheets that a spec's `production` names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cpo_pdk.errors import SpecError
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.part import Part, unknown_part
from cpo_pdk.spec.part_kinds import PRODUCTION_KINDS


@dataclass(frozen=True)
class ProductionSheets:
    """The sheets of one package's production, by kind."""

    variation: Part
    spread: Part
    attach: Part
    test: Part
    life: Part
    prices: Part

    def each(self) -> Mapping[str, Part]:
        """Kind -> sheet."""
        return {kind: getattr(self, kind) for kind in PRODUCTION_KINDS}


def production_sheets(spec: PackageSpec, parts: Mapping[str, Part]) -> ProductionSheets:
    """The sheets that a package's production names.

    Args:
        spec: the package.
        parts: all sheets of parts by name, see `load_parts`.

    Raises:
        SpecError: a sheet that is not there, or of another kind, at the line of its name.
    """
    chosen = spec.production.parts.model_dump()
    problems = []
    for kind in PRODUCTION_KINDS:
        name = chosen[kind]
        if name not in parts or parts[name].kind != kind:
            where = f"production.parts.{kind}"
            problems.append(spec.problem(where, f"{where}: {unknown_part(name, kind, parts)}"))
    if problems:
        raise SpecError(problems)
    return ProductionSheets(**{kind: parts[chosen[kind]] for kind in PRODUCTION_KINDS})
