"""Shorts and opens in the metal: inside each distinct device, and between terminals and bumps.

What a terminal has to reach follows from the record of its device: p or n contacts, a heater, or plain metal.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

import klayout.db as kdb

from cpo_pdk.tech.layers import layer_of
from cpo_pdk.verify.lvs.faults import MARK, Box, Fault
from cpo_pdk.verify.lvs.measure.comparing import Reading
from cpo_pdk.verify.lvs.measure.record import recorded
from cpo_pdk.verify.lvs.metal_nets import BUMP, DeviceMetal, End, MetalNets, Reach

SHORT_RULE, OPEN_RULE, BUMPS_RULE = "LVS.short", "LVS.open", "LVS.bumps"
#: word of a record -> what a reader calls the terminal, and what it has to reach
_KINDS = {"p": ("anode", "a p contact"), "n": ("cathode", "an n contact"), "heater": ("heater", "its heater")}
_SILICON = {"p": "P", "n": "N"}
_UNKNOWN = ""


def terminal_kinds(reading: Reading | None) -> dict[str, str]:
    """Terminal -> p, n, heater or metal, as the record of a device implies."""
    if reading is None or reading.measured is None:
        return {}
    try:
        said = recorded(reading.measured.factory, reading.settings, reading.info)
    except (KeyError, TypeError, ValueError, OverflowError):
        return {}
    prefix = "polarity_"
    return {name.removeprefix(prefix): str(word) for name, word in said.items() if name.startswith(prefix)}


def device_faults(metal: MetalNets, readings: Mapping[str, Reading]) -> Iterator[Fault]:
    """Terminals that don't reach what they have to inside their device, or that are joined there.

    Args:
        metal: the nets.
        readings: what was measured, by cell.
    """
    for device in metal.devices():
        if device.function == BUMP:
            yield from _bump(device)
            continue
        kinds = terminal_kinds(readings.get(device.cell))
        for name, (reach, x, y) in device.terminals.items():
            fault = _terminal(name, reach, kinds.get(name, _UNKNOWN), device)
            if fault:
                yield Fault(OPEN_RULE, device.cell, fault, box=_around(x, y), layer="M2/VIA1/M1/VIAC")
        yield from _joined(device, kinds)
        for kind, box in device.floating:
            word = "p" if kind == "P" else "n"
            text = f"{word} contact of {device.function} that no terminal reaches, 1 needed; draw its via and metal"
            yield Fault(OPEN_RULE, device.cell, text, box=_box(box), layer="VIAC/M1/VIA1")
        if "heater" in kinds.values():
            yield from _closed_heaters(metal.layout, device)
    yield from _strange_heaters(metal)


def _terminal(name: str, reach: Reach, kind: str, device: DeviceMetal) -> str:
    """What an end of a device lacks, empty when nothing."""
    called, needed = _KINDS.get(kind, ("", ""))
    what = f"{name} ({called}) of {device.function}" if called else f"{name} of {device.function}"
    if not reach.on_metal:
        return f"no metal 2 at terminal {what}, the port says so; draw it there"
    if kind in _SILICON and not reach.silicon:
        return f"terminal {what} reaches no silicon, {needed} needed: a via, contact or metal is missing; draw it"
    if kind == "heater" and not reach.heaters:
        return f"terminal {what} does not reach {needed}: a via is missing or the heater is cut; draw it"
    return ""


def _joined(device: DeviceMetal, kinds: Mapping[str, str]) -> Iterator[Fault]:
    """Terminals of one device on one net inside it: allowed only for electrodes of one kind."""
    groups = {reach.joined: (x, y) for reach, x, y in device.terminals.values() if reach.joined}
    for names, (x, y) in groups.items():
        if not _may_join(names, kinds):
            yield Fault(
                SHORT_RULE, device.cell, _short_words(device.function, names, kinds), box=_around(x, y), layer="M2"
            )


def _may_join(names: tuple[str, ...], kinds: Mapping[str, str]) -> bool:
    """True for several ends of one electrode: the record says the same of all, and they are no ends of a heater."""
    words = {kinds.get(name, _UNKNOWN) for name in names}
    return len(words) == 1 and not words & {"heater", _UNKNOWN}


def _short_words(function: str, names: tuple[str, ...], kinds: Mapping[str, str]) -> str:
    called = [f"{name} ({_KINDS[kinds[name]][0]})" if kinds.get(name) in _KINDS else name for name in names]
    heater = all(kinds.get(name) == "heater" for name in names)
    what = f"the heater of {function} is shorted: " if heater else f"{function}: "
    return f"{what}{' and '.join(called)} on one net, 0 allowed; part the metal"


def _strange_heaters(metal: MetalNets) -> Iterator[Fault]:
    """Heater that a cell draws onto the heater of a device in it."""
    layout = metal.layout
    index = layout.find_layer(*layer_of("HEATER"))
    if index is None:
        return
    devices = {device.cell for device in metal.devices()}
    for number in metal.cells:
        cell = layout.cell(number)
        if cell.name in devices or cell.shapes(index).is_empty():
            continue
        if not devices.intersection(layout.cell(below).name for below in cell.called_cells()):
            continue  # a ring of a file that doesn't say what its cells are
        own = kdb.Region(cell.shapes(index)).merged()
        inside = kdb.RecursiveShapeIterator(layout, cell, index, own.bbox(), True)
        inside.min_depth = 1
        met = own.interacting(kdb.Region(inside))
        if not met.is_empty():
            text = "a strip on HEATER joins what the devices in this cell have on it, 0 allowed; remove it"
            yield Fault(SHORT_RULE, cell.name, text, box=_box(met.bbox().to_dtype(layout.dbu)), layer="HEATER")


def _bump(device: DeviceMetal) -> Iterator[Fault]:
    for reach, x, y in device.terminals.values():
        if not reach.bump:
            text = "the bump does not reach metal 2: pillar, opening or pad is missing; draw the whole bump"
            yield Fault(OPEN_RULE, device.cell, text, box=_around(x, y), layer="M2/PADOPEN/BUMP")


def _closed_heaters(layout: kdb.Layout, device: DeviceMetal) -> Iterator[Fault]:
    """A heater that runs round in a circle: the current takes the short way past the ring."""
    index = layout.find_layer(*layer_of("HEATER"))
    if index is None:
        return
    cell = layout.cell(device.cell)
    for polygon in kdb.Region(cell.begin_shapes_rec(index)).merged().each():
        if polygon.holes():
            text = f"the heater of {device.function} is shorted: its filament is closed on itself; open it on one side"
            box = polygon.bbox().to_dtype(layout.dbu)
            yield Fault(SHORT_RULE, device.cell, text, box=_box(box), layer="HEATER")


def net_faults(metal: MetalNets, readings: Mapping[str, Reading]) -> Iterator[Fault]:
    """Nets that join too much or too little, in a file that holds devices and bumps; in a part ends are open.

    Args:
        metal: the nets.
        readings: what was measured, by cell.
    """
    if not metal.bumps or not metal.terminals:
        return
    yield from _strange_bumps(metal)
    kinds = {device.cell: terminal_kinds(readings.get(device.cell)) for device in metal.devices()}
    inside = {
        (device.cell, reach.joined)
        for device in metal.devices()
        for reach, _, _ in device.terminals.values()
        if reach.joined
    }
    for holder, ends in metal.nets():
        yield from _judge(holder, ends, kinds, inside)


def _strange_bumps(metal: MetalNets) -> Iterator[Fault]:
    """Pillars that are drawn in a cell that is no bump: nothing tells what they are for, and no net ends at them."""
    layout, bumps = metal.layout, {device.cell for device in metal.devices() if device.function == BUMP}
    index = layout.find_layer(*layer_of("BUMP"))
    if index is None:
        return
    for number in metal.cells:
        cell = layout.cell(number)
        if cell.name in bumps or cell.shapes(index).is_empty():
            continue
        box = kdb.Region(cell.shapes(index)).bbox().to_dtype(layout.dbu)
        text = f"{cell.shapes(index).size()} shapes on BUMP in a cell that is no bump, 0 allowed; place a bump instead"
        yield Fault(BUMPS_RULE, cell.name, text, box=_box(box), layer="BUMP")


def _judge(
    holder: str, ends: tuple[End, ...], kinds: Mapping[str, Mapping[str, str]], inside: set[tuple[str, tuple[str, ...]]]
) -> Iterator[Fault]:
    bumps = [end for end in ends if end.is_bump]
    others = sorted((end for end in ends if not end.is_bump), key=lambda end: (end.x, end.y, end.name))
    first = (others or bumps)[0]
    by_device: dict[tuple[str, float, float], list[End]] = defaultdict(list)
    for end in others:
        by_device[end.device].append(end)
    told = False
    for (cell, _, _), group in by_device.items():
        names = tuple(sorted(end.name for end in group))
        known = any(cell == name and set(names) <= set(joined) for name, joined in inside)
        told |= len(names) > 1
        if len(names) > 1 and not known:
            text = _short_words(group[0].function, names, kinds.get(cell, {}))
            yield Fault(SHORT_RULE, holder, text, box=_around(first.x, first.y), layer="M2")
    if len(by_device) > 1 or (len(bumps) > 1 and not told):
        counted = Counter(_called(end, kinds) for end in others)
        names = " and ".join(f"{n} {name}" if n > 1 else name for name, n in sorted(counted.items())) or "no device"
        plural = f"{len(bumps)} bumps" if len(bumps) != 1 else "1 bump"
        text = f"{names} on one net with {plural}, 1 terminal and 1 bump allowed; part the metal"
        yield Fault(SHORT_RULE, holder, text, box=_around(first.x, first.y), layer="M2")
    if not bumps:
        text = f"{_called(first, kinds)} reaches no bump, 1 needed; draw the metal through to one"
        yield Fault(OPEN_RULE, holder, text, box=_around(first.x, first.y), layer="M2")
    elif not others:
        text = "a bump that no device is on, 1 needed; connect or remove it"
        yield Fault(OPEN_RULE, holder, text, box=_around(first.x, first.y), layer="M2")


def _called(end: End, kinds: Mapping[str, Mapping[str, str]]) -> str:
    """`ring_modulator.e1 (anode)`."""
    word = _KINDS.get(kinds.get(end.cell, {}).get(end.name, ""), ("", ""))[0]
    return f"{end.function}.{end.name} ({word})" if word else f"{end.function}.{end.name}"


def _around(x: float, y: float) -> Box:
    return (round(x - MARK, 3), round(y - MARK, 3), round(x + MARK, 3), round(y + MARK, 3))


def _box(box: kdb.DBox) -> Box:
    return (round(box.left, 3), round(box.bottom, 3), round(box.right, 3), round(box.top, 3))
