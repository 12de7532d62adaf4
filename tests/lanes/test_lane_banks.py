"""The bank view: eight lanes a bank, four banks a module, and the bytes that tell wavelength and fibre."""

from __future__ import annotations

import json
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from cpo_pdk.lanes.banks import BANKS_A_MODULE, LANES_A_BANK, banks_json, banks_of, slots
from cpo_pdk.lanes.rows import LaneMap
from cpo_pdk.lanes.switch_software import optical_devices


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.integers(1, 64), st.integers(1, 16))
def test_lanes_fill_banks_and_modules_without_a_gap(ports: int, channels: int) -> None:
    lanes = [(port, channel) for port in range(1, ports + 1) for channel in range(1, channels + 1)]
    placed = slots(lanes[::-1])
    assert set(placed) == set(lanes)
    places = [(s.module, s.bank, s.lane) for s in (placed[lane] for lane in lanes)]
    assert places == sorted(set(places))  # in the order of ports and wavelengths, each place once
    assert all(0 <= bank < BANKS_A_MODULE and 1 <= lane <= LANES_A_BANK for _, bank, lane in places)
    modules = -(-len(lanes) // (LANES_A_BANK * BANKS_A_MODULE))
    assert places[-1][0] == modules


def test_the_bytes_tell_wavelength_and_fibre_of_each_lane(maps: Mapping[str, LaneMap]) -> None:
    # four fibres of one wavelength, then nothing; two fibres of two wavelengths
    assert {b.mapping.hex() for b in banks_of(maps["single"])} == {"1112131400000000" * 2}
    assert {b.mapping.hex() for b in banks_of(maps["pair"])} == {"1121122200000000" * 2}


def test_the_document_holds_every_lane_once_at_its_place(maps: Mapping[str, LaneMap]) -> None:
    found = maps["pair"]
    document = json.loads(json.dumps(banks_json(found)))
    assert [(m["engine"], m["module"]) for m in document["modules"]] == [("engine_E1", 1), ("engine_N1", 1)]
    lanes = [lane for module in document["modules"] for bank in module["banks"] for lane in bank["lanes"]]
    hosts = [entry[d]["host_lane"] for entry in lanes for d in ("tx", "rx") if entry[d]]
    assert sorted(hosts) == sorted(row.serdes for row in found.lanes)
    row = next(r for r in found.lanes if r.key == ("engine_N1", "tx", 2, 1))
    entry = document["modules"][1]["banks"][0]["lanes"][2]
    assert entry["lane"] == 3
    assert entry["tx"] == {
        "host_lane": row.serdes,
        "wl_nm": round(row.wl_um * 1e3, 4),
        "port": "tx_2",
        "connector": "MPO-N1",
        "position": 2,
        "laser": f"{row.laser_connector}.{row.laser_position}",
    }


def test_switch_software_finds_its_engines_lasers_and_interfaces(maps: Mapping[str, LaneMap]) -> None:
    found = maps["pair"]
    document = json.loads(json.dumps(optical_devices(found)))
    devices, interfaces = document["devices"], document["interfaces"]
    engines = {name: entry for name, entry in devices.items() if entry["device_type"] == "optical_engine"}
    assert [entry["max_banks"] for entry in engines.values()] == [1, 1]
    lanes = [number for entry in engines.values() for number in entry["lanes"].split(",")]
    sent = [row.serdes.removeprefix("tx_") for row in found.lanes if row.direction == "tx"]
    assert lanes == sent
    fed = [
        number
        for entry in devices.values()
        for lanes in entry.get("laser_to_lane_mapping", {}).values()
        for number in lanes.split(",")
    ]
    assert sorted(fed) == sorted(sent)  # each lane has one laser
    assert list(interfaces) == ["Ethernet0", "Ethernet8"]
    for interface in interfaces.values():
        kinds = [devices[used["device_id"]]["device_type"] for used in interface["associated_devices"]]
        assert kinds == ["optical_engine", "external_laser_source"]
        assert all(used["bank"] < devices[used["device_id"]]["max_banks"] for used in interface["associated_devices"])
