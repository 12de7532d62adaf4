"""Which cell plays which part in an engine: device sheets turned into factories with their geometry filled in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cpo_pdk.components import CELLS
from cpo_pdk.errors import AssemblyError
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.sheet import Sheet
from cpo_pdk.tech.gdsfactory_safe import gf

#: role -> (cell, ((argument, value), ...)): hashable, so that assemblies can be cached cells.
Kit = tuple[tuple[str, str, tuple[tuple[str, Any], ...]], ...]


def kit_of(spec: PackageSpec, sheets: Mapping[str, Sheet]) -> Kit:
    """The devices of a spec's engine.

    Raises:
        AssemblyError: for a sheet that does not exist or names a cell that does not exist.
    """
    kit = []
    for role, name in spec.engine.devices.model_dump().items():
        if name not in sheets:
            raise AssemblyError(str(spec.problem(f"engine.devices.{role}", f"no sheet {name!r}; available: {', '.join(sorted(sheets))}")))
        sheet = sheets[name]
        if sheet.cell not in CELLS:
            raise AssemblyError(f"{sheet.origin}: cell {sheet.cell!r} does not exist; available: {', '.join(sorted(CELLS))}")
        kit.append((role, sheet.cell, tuple(sorted(sheet.geometry.items()))))
    return tuple(kit)


def make(kit: Kit, role: str, **overrides: Any) -> gf.Component:
    """Draw the device that plays `role`, with some arguments replaced."""
    cell, geometry = next((cell, geometry) for name, cell, geometry in kit if name == role)
    return CELLS[cell](**{**dict(geometry), **overrides})
