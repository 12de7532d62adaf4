"""The lane map as switch software sees it: banks of 8 lanes, at most 4 banks a module.

CMIS (OIF-CMIS-05.x) addresses the lanes of a module in banks of 8: pages 10h to 1Fh exist once a bank, the bank is
chosen by byte 7Eh, and page 01h announces 1, 2 or 4 of them (byte 142; section 8.4.4 of revision 5.0). An engine with
more than 32 lanes a direction is thus several modules. Bytes 240 to 255 of page 11h say which wavelength (high nibble)
and which fibre (low nibble) each media lane is, transmit lanes first; both count from 1 within the bank, 0 where they
can't be told (Table 8-90 of revision 5.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cpo_pdk.lanes.rows import LaneMap, LaneRow

LANES_A_BANK = 8
BANKS_A_MODULE = 4
#: page and first byte of the wavelength and fibre of the media lanes
MAPPING_PAGE, MAPPING_BYTE = 0x11, 240
#: highest wavelength and fibre that a nibble of the mapping may tell
MAPPING_LIMIT = 8


@dataclass(frozen=True)
class Slot:
    """A lane's place: module of its engine from 1, bank from 0, lane from 1."""

    module: int
    bank: int
    lane: int


@dataclass(frozen=True)
class Bank:
    """Eight lanes of a module.

    Attributes:
        engine, module, number: whose, which module of it, which bank of that.
        tx, rx: lane of the bank (from 1) -> row of the lane map.
        mapping: bytes 240 to 255 of page 11h.
    """

    engine: str
    module: int
    number: int
    tx: dict[int, LaneRow]
    rx: dict[int, LaneRow]
    mapping: bytes


def slots(lanes: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Slot]:
    """Place of each lane of an engine in one direction.

    Args:
        lanes: (port, channel) of each.
    """
    found: dict[tuple[int, int], Slot] = {}
    for number, key in enumerate(sorted(lanes)):
        bank, lane = divmod(number, LANES_A_BANK)
        found[key] = Slot(bank // BANKS_A_MODULE + 1, bank % BANKS_A_MODULE, lane + 1)
    return found


def banks_of(lane_map: LaneMap) -> tuple[Bank, ...]:
    """All banks, by engine, module and number.

    Args:
        lane_map: of a package.
    """
    rows: dict[tuple[str, int, int], list[LaneRow]] = {}
    for row in lane_map.lanes:
        rows.setdefault((row.engine, row.module, row.bank), []).append(row)
    found: list[Bank] = []
    for (engine, module, number), members in rows.items():
        tx, rx = ({r.bank_lane: r for r in members if r.direction == d} for d in ("tx", "rx"))
        found.append(Bank(engine, module, number, tx, rx, bytes([*_nibbles(tx), *_nibbles(rx)])))
    order = {engine: k for k, engine in enumerate(lane_map.engines)}
    return tuple(sorted(found, key=lambda bank: (order.get(bank.engine, 0), bank.module, bank.number)))


def _nibbles(lanes: dict[int, LaneRow]) -> Iterable[int]:
    fibres = {port: k for k, port in enumerate(sorted({row.port for row in lanes.values()}), start=1)}
    for lane in range(1, LANES_A_BANK + 1):
        row = lanes.get(lane)
        wavelength, fibre = (row.channel, fibres[row.port]) if row else (0, 0)
        yield (wavelength if wavelength <= MAPPING_LIMIT else 0) << 4 | (fibre if fibre <= MAPPING_LIMIT else 0)


def banks_json(lane_map: LaneMap) -> dict[str, Any]:
    """The banks as one JSON document: a module of an engine each, with its banks and their lanes.

    Args:
        lane_map: of a package.
    """
    modules: dict[tuple[str, int], list[Bank]] = {}
    for bank in banks_of(lane_map):
        modules.setdefault((bank.engine, bank.module), []).append(bank)
    return {
        "format": "cpo_pdk banks 1",
        "package": lane_map.package,
        "modules": [
            {"engine": engine, "module": module, "banks": [_bank_json(bank) for bank in banks]}
            for (engine, module), banks in modules.items()
        ],
    }


def _bank_json(bank: Bank) -> dict[str, Any]:
    return {
        "bank": bank.number,
        "page_11h_bytes_240_255": bank.mapping.hex(),
        "lanes": [
            {
                "lane": lane,
                **{
                    direction: None if row is None else _lane_json(row)
                    for direction, row in (("tx", bank.tx.get(lane)), ("rx", bank.rx.get(lane)))
                },
            }
            for lane in range(1, LANES_A_BANK + 1)
        ],
    }


def _lane_json(row: LaneRow) -> dict[str, Any]:
    return {
        "host_lane": row.serdes or None,
        "wl_nm": round(row.wl_um * 1e3, 4),
        "port": f"{row.direction}_{row.port}",
        "connector": row.connector or None,
        "position": row.position or None,
        "laser": f"{row.laser_connector}.{row.laser_position}" if row.laser_connector else None,
    }
