"""The lane map in the form that SONiC reads: optical engines, laser modules and the interfaces that use them.

The form is that of `optical_devices.json` in "Port Mapping for CPO" (SONiC, doc/platform/port_mapping_for_cpo.md,
2026): devices with their banks and serial lanes, laser modules with the lanes that each laser feeds, and for each
interface the devices and the bank of them that it uses. One interface is made a bank: eight lanes at one name, which is
also the widest that the form allows. Paths to the devices' buses belong to the board and are for its maker to add.

A serial lane has one number there for both directions: that of the transmit lane. Where the receive lane of the same
engine lane has another number, the switch swaps lanes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cpo_pdk.lanes.banks import LANES_A_BANK, Bank, banks_of
from cpo_pdk.lanes.outside import natural
from cpo_pdk.lanes.rows import LaneMap, LaneRow


def optical_devices(lane_map: LaneMap) -> dict[str, Any]:
    """Devices and interfaces of a package.

    Args:
        lane_map: of the package; lanes without a serial lane are left out.
    """
    banks = banks_of(lane_map)
    modules: dict[tuple[str, int], list[Bank]] = {}
    for bank in banks:
        modules.setdefault((bank.engine, bank.module), []).append(bank)
    names = {key: f"OE{number}" for number, key in enumerate(modules, start=1)}
    lasers = {name: f"ELS{number}" for number, name in enumerate(_laser_names(lane_map), start=1)}
    devices: dict[str, Any] = {}
    for key, members in modules.items():
        devices[names[key]] = {
            "device_type": "optical_engine",
            "max_banks": len(members),
            "lanes": _lanes(row for bank in members for row in bank.tx.values()),
        }
    for connector in lane_map.connectors:
        if connector.name in lasers:
            fed = [row for row in lane_map.lanes if row.laser_connector == connector.name]
            mapping = {p: _lanes(row for row in fed if row.laser_position == p) for p in connector.positions}
            devices[lasers[connector.name]] = {
                "device_type": "external_laser_source",
                "lasers": connector.size,
                "max_banks": 1,
                "laser_to_lane_mapping": {str(p): lanes for p, lanes in sorted(mapping.items()) if lanes},
            }
    interfaces = {}
    for number, bank in enumerate(banks):
        used = [{"device_id": names[bank.engine, bank.module], "bank": bank.number}]
        fed_by = sorted({row.laser_connector for row in bank.tx.values() if row.laser_connector}, key=natural)
        used += [{"device_id": lasers[name], "bank": 0} for name in fed_by if name in lasers]
        interfaces[f"Ethernet{LANES_A_BANK * number}"] = {"associated_devices": used}
    return {"devices": devices, "interfaces": interfaces}


def _laser_names(lane_map: LaneMap) -> list[str]:
    return [c.name for c in lane_map.connectors if any(port.startswith("laser_") for _, port in c.positions.values())]


def _lanes(rows: Iterable[LaneRow]) -> str:
    """`1,2,3`: numbers of the serial lanes, in the order of the lanes of the banks."""
    return ",".join(row.serdes.rpartition("_")[2] for row in rows if row.serdes)
