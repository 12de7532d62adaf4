"""Which cell plays which part in an engine: device sheets turned into factories with their geometry filled in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cpo_pdk.assemblies.device_contract import check_devices_agree, is_shipped
from cpo_pdk.assemblies.fitting import must_have_ports
from cpo_pdk.components import CELLS
from cpo_pdk.spec import PackageSpec, Sheet, check_devices
from cpo_pdk.spec.architecture import DEVICES
from cpo_pdk.tech.gdsfactory_safe import gf

#: role -> (cell, ((argument, value), ...)): hashable, so that assemblies can be cached cells.
Kit = tuple[tuple[str, str, tuple[tuple[str, Any], ...]], ...]


def kit_of(spec: PackageSpec, sheets: Mapping[str, Sheet]) -> Kit:
    """The devices of a spec's engine.

    Args:
        spec: the package.
        sheets: device sheets by name.

    Raises:
        SpecError: for a sheet that does not exist, that names a cell, model or argument that does not exist, or that
            disagrees with its cell or model.
    """
    devices = spec.engine.devices.by_role()
    check_devices(spec, sheets)
    used = {name: sheets[name] for name in devices.values()}
    # a project's own sheets are checked, used or not; the cells of an untrusted project are unknown
    own = {name: sheet for name, sheet in sheets.items() if not is_shipped(sheet) and sheet.cell in CELLS}
    check_devices_agree({**own, **used})
    return tuple((role, used[name].cell, tuple(sorted(used[name].geometry.items()))) for role, name in devices.items())


def make(kit: Kit, role: str, **overrides: Any) -> gf.Component:
    """Draw the device that plays a role.

    Args:
        kit: devices.
        role: field of the spec's `engine.devices`, "modulator".
        overrides: arguments of the cell that replace those of the sheet.

    Raises:
        ParameterError: an argument that the cell refuses.
        AssemblyError: a device without the ports of its role.
    """
    cell, geometry = next((cell, geometry) for name, cell, geometry in kit if name == role)
    device = CELLS[cell](**{**dict(geometry), **overrides})
    must_have_ports(device, role, architecture_of(kit))
    return device


def architecture_of(kit: Kit) -> str:
    """Architecture of the engine that a kit makes: its roles tell.

    Args:
        kit: devices.
    """
    roles = {role for role, _, _ in kit}
    return next(name for name, devices in DEVICES.items() if roles == devices.keys())


def cell_of(kit: Kit, role: str) -> str:
    """Name of the cell that plays a role.

    Args:
        kit: devices.
        role: field of the spec's `engine.devices`, "modulator".
    """
    return next(cell for name, cell, _ in kit if name == role)
