"""What the comparison finds: one fault a thing that is wrong, with the rows of the engine that it is wrong in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import klayout.db as kdb

from cpo_pdk.circuit.flattening import Placement
from cpo_pdk.verify.lvs.devices import Circuit, Device

_NUMBERED = re.compile(r"(\D+)(\d+)$")

Box = tuple[float, float, float, float]
#: half the side of the box that marks a place without extent, um
MARK = 0.5


@dataclass(frozen=True)
class Fault:
    """Something that is not as it was asked for.

    Attributes:
        rule: `LVS.missing`, see `run.RULES`.
        cell: name of the cell whose coordinates the place is in: of the flattened cell for one with a device.
        message: value, limit and cure, without the row.
        row: `tx_3`; empty where no row is concerned.
        device: that it is found at.
        box: where, um, for a fault that is at no device.
        spec_path: key of the spec that asks for something else, `engine.devices.tap`.
        layer: layer name(s), `-` for none.
        other: a second device that it is between; the fault then lies in a cell that holds both.
    """

    rule: str
    cell: str
    message: str
    row: str = ""
    device: Device | None = None
    box: Box | None = None
    spec_path: str = ""
    layer: str = "-"
    other: Device | None = None


@dataclass(frozen=True)
class Placed:
    """Faults that are the same thing in one cell: the fault, the cell, the box in it (um), the rows concerned."""

    fault: Fault
    cell: str
    box: Box
    rows: tuple[str, ...]


def placed(faults: Iterable[Fault], circuits: Mapping[str, Circuit], layout: kdb.Layout) -> list[Placed]:
    """Each fault once, in the innermost cell that has it wherever it is placed, with the rows that it is seen from.

    Args:
        faults: of any cells.
        circuits: by flattened cell.
        layout: for the extent of devices.
    """
    groups: dict[tuple[str, str, str, str, str, str], list[Fault]] = {}
    for fault in faults:
        where = fault.device.cell if fault.device is not None else str(fault.box)
        key = (fault.rule, fault.cell, fault.message, where, fault.spec_path, fault.layer)
        groups.setdefault(key, []).append(fault)
    found: list[Placed] = []
    for group in groups.values():
        spots: dict[tuple[str, Box], list[str]] = {}
        depth = _depth(group, circuits.get(group[0].cell))
        for fault in group:
            rows = spots.setdefault(_spot(fault, circuits.get(fault.cell), depth, layout), [])
            if fault.row and fault.row not in rows:
                rows.append(fault.row)
        found += [Placed(group[0], cell, box, tuple(rows)) for (cell, box), rows in spots.items()]
    return found


def _depth(group: list[Fault], circuit: Circuit | None) -> int:
    """How far inside the flattened cell the fault belongs: to cells of which every one has it."""
    paths = [_shared(fault) for fault in group if fault.device is not None]
    if circuit is None or not paths:
        return 0
    for depth in range(min(map(len, paths)) - 1, 0, -1):
        here = {within[depth] for within in paths}
        names = {circuit.holders[prefix][0] for prefix in here}
        everywhere = {prefix for prefix, (name, _) in circuit.holders.items() if name in names}
        if len(names) == 1 and here == everywhere:
            return depth
    return 0


def _shared(fault: Fault) -> tuple[str, ...]:
    """Paths of the cells that hold everything that a fault is about, the outermost first."""
    within = fault.device.within if fault.device is not None else ()
    if fault.other is None:
        return within
    return tuple(a for a, b in zip(within, fault.other.within, strict=False) if a == b)


def _spot(fault: Fault, circuit: Circuit | None, depth: int, layout: kdb.Layout) -> tuple[str, Box]:
    device = fault.device
    if device is None or circuit is None:
        return fault.cell, fault.box or (-MARK, -MARK, MARK, MARK)
    name, place = circuit.holders[device.within[depth]]
    cell = layout.cell(device.cell)
    box = kdb.DBox() if cell is None else cell.dbbox()
    box = kdb.DBox(-MARK, -MARK, MARK, MARK) if box.empty() else box
    box = box.transformed(_trans(place).inverted() * _trans(device.place))
    return name, (round(box.left, 3), round(box.bottom, 3), round(box.right, 3), round(box.top, 3))


def _trans(place: Placement) -> kdb.DCplxTrans:
    return kdb.DCplxTrans(1.0, place.rotation, place.mirror, place.x, place.y)


def row_words(rows: Iterable[str]) -> str:
    """`tx_1 to tx_8, rx_2` of the names of rows."""
    parts: list[tuple[str, int, int]] = []
    others: list[str] = []
    for name in sorted(set(rows), key=_by_number):
        match = _NUMBERED.match(name)
        if not match:
            others.append(name)
            continue
        stem, number = match[1], int(match[2])
        if parts and parts[-1][0] == stem and parts[-1][2] == number - 1:
            parts[-1] = (stem, parts[-1][1], number)
        else:
            parts.append((stem, number, number))
    found = [f"{stem}{low}" if low == high else f"{stem}{low} to {stem}{high}" for stem, low, high in parts]
    return ", ".join([*found, *others])


def _by_number(name: str) -> tuple[str, int]:
    match = _NUMBERED.match(name)
    return (match[1], int(match[2])) if match else (name, 0)
