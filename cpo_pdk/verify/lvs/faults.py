"""What the comparison finds: one fault a thing that is wrong, with the rows of the engine that it is wrong in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from cpo_pdk.circuit.netlist import Instance

_NUMBERED = re.compile(r"(\D+)(\d+)$")

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Fault:
    """Something that is not as it was asked for.

    Attributes:
        rule: `LVS.missing`, see `run.RULES`.
        holder: name of the cell whose coordinates the place is in.
        message: value, limit and cure, without the row.
        row: `tx_3`; empty where no row is concerned.
        at: the device that it is found at, in `holder`.
        box: where, um, for a fault that is at no device.
        spec_path: key of the spec that asks for something else, `engine.devices.tap`.
        layer: layer name(s), `-` for none.
    """

    rule: str
    holder: str
    message: str
    row: str = ""
    at: Instance | None = None
    box: Box | None = None
    spec_path: str = ""
    layer: str = "-"


def merged(faults: Iterable[Fault]) -> list[tuple[Fault, tuple[str, ...]]]:
    """Faults that are the same thing in one cell, seen from several rows, once: with the names of the rows."""
    rows: dict[Fault, list[str]] = {}
    for fault in faults:
        key = Fault(fault.rule, fault.holder, fault.message, "", fault.at, fault.box, fault.spec_path, fault.layer)
        known = rows.setdefault(key, [])
        if fault.row and fault.row not in known:
            known.append(fault.row)
    return [(fault, tuple(names)) for fault, names in rows.items()]


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
