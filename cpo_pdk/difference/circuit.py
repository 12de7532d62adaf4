"""Two netlists: devices and connections that came, went or changed, each pair of cells compared once.

Instances are the same when they have the same name in cells that are the same; those without a name of their own
(numbered by the extraction) when they are drawn by the same function in the same place.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeGuard

from cpo_pdk.circuit.netlist import CellNetlist, Instance, Netlists
from cpo_pdk.difference.findings import Circuit, ConnectionChange, DeviceChange

Pair = tuple[str, str]
#: lengths and areas that differ less are equal: they were computed in another order, um and um2
TOLERANCE = 1e-6
#: kinds of changes, those that matter most first
KINDS = ("replaced", "added", "removed", "settings", "drawn", "renamed", "moved")
#: a value of a setting is shown with so many characters
SHOWN = 60


def compare_circuits(a: Netlists, b: Netlists) -> Circuit:
    """Devices and connections of two netlists; what differs in a cell is told once, with the number of its places."""
    devices: list[DeviceChange] = []
    connections: list[ConnectionChange] = []
    matches: dict[Pair, list[tuple[Instance, Instance]]] = {}
    placed: dict[Pair, list[tuple[str, str]]] = {(a.top, b.top): [("", "")]}
    for pair in _pairs(a, b, matches):
        names = {x.name: y.name for x, y in matches[pair]}
        devices += _devices(a, b, pair, matches[pair])
        connections += _connections(a.cells[pair[0]], b.cells[pair[1]], names)
        for x, y in matches[pair]:
            placed.setdefault((x.cell, y.cell), []).append((_key(pair), x.name))
    where, places = _where(a, b, matches)
    devices = [replace(d, where=where[d.where], places=places[d.where]) for d in devices]
    for (name_a, name_b), users in placed.items():
        cells = a.cells[name_a], b.cells[name_b]
        first = min((where.get(key, ""), name) for key, name in users)
        devices += _of_cell(*cells, *first, places=sum(places[key] if key else 1 for key, _ in users))
    return Circuit(
        devices=tuple(sorted(devices, key=lambda d: (KINDS.index(d.kind), d))),
        connections=tuple(
            sorted(ConnectionChange(where[c.where], c.kind, c.a, c.b, places[c.where]) for c in connections)
        ),
        compared={
            f"{what}_{side}": count
            for side, netlists in (("a", a), ("b", b))
            for what, count in _counted(netlists).items()
        },
    )


def _counted(netlists: Netlists) -> dict[str, int]:
    """Devices and connections of a layout; a cell that is a device itself is one."""
    totals = netlists.counts()
    top = netlists.cells[netlists.top]
    alone = top.leaf and bool(top.ports)
    return {"devices": totals.get("leaves", 0) + alone, "connections": totals.get("connections", 0)}


def _key(pair: Pair) -> str:
    return f"{pair[0]}\n{pair[1]}"


def _pairs(a: Netlists, b: Netlists, matches: dict[Pair, list[tuple[Instance, Instance]]]) -> Iterator[Pair]:
    """Pairs of cells that stand for each other, each once, with their matched instances."""
    pending = [(a.top, b.top)]
    while pending:
        pair = pending.pop()
        if pair in matches:
            continue
        matches[pair] = _matched(a, b, pair)
        yield pair
        for x, y in matches[pair]:
            if not a.cells[x.cell].leaf and not b.cells[y.cell].leaf:
                pending.append((x.cell, y.cell))


def _matched(a: Netlists, b: Netlists, pair: Pair) -> list[tuple[Instance, Instance]]:
    """Instances of two cells that are the same one, in the order of their names."""
    left = {i.name: i for i in a.cells[pair[0]].instances}
    right = {i.name: i for i in b.cells[pair[1]].instances}
    found: list[tuple[Instance, Instance]] = []
    for name in sorted(left.keys() & right.keys()):
        if "~" not in name:
            found.append((left.pop(name), right.pop(name)))
    by_place: dict[tuple[Any, ...], list[Instance]] = defaultdict(list)
    for name in sorted(right, reverse=True):
        by_place[_place(right[name])].append(right[name])
    for name in sorted(left):
        twins = by_place[_place(left[name])]
        if twins:
            twin = twins.pop()
            found.append((left.pop(name), right.pop(twin.name)))
    for name in sorted(left.keys() & right.keys()):
        found.append((left.pop(name), right.pop(name)))
    return sorted(found, key=lambda two: two[0].name)


def renamed_instances(a: Netlists, b: Netlists) -> dict[str, str]:
    """Instances of the top cells that are called otherwise now: name now -> name before."""
    return {y.name: x.name for x, y in _matched(a, b, (a.top, b.top)) if x.name != y.name}


def _place(instance: Instance) -> tuple[Any, ...]:
    return (instance.function, instance.x, instance.y, instance.rotation, instance.mirror)


def _where(
    a: Netlists, b: Netlists, matches: dict[Pair, list[tuple[Instance, Instance]]]
) -> tuple[dict[str, str], Counter[str]]:
    """Path of the first place of each pair of cells, and the number of its places in the first layout."""
    inner = {
        pair: [(x.name, (x.cell, y.cell)) for x, y in found if (x.cell, y.cell) in matches]
        for pair, found in matches.items()
    }
    order: list[Pair] = []
    seen: set[Pair] = set()

    def visit(pair: Pair) -> None:
        if pair not in seen:
            seen.add(pair)
            for _, below in inner[pair]:
                visit(below)
            order.append(pair)

    top = (a.top, b.top)
    visit(top)
    where, places = {_key(top): ""}, Counter({_key(top): 1})
    for pair in reversed(order):
        for name, below in inner[pair]:
            prefix = where[_key(pair)]
            where.setdefault(_key(below), f"{prefix}/{name}" if prefix else name)
            places[_key(below)] += places[_key(pair)]
    return where, places


def _devices(a: Netlists, b: Netlists, pair: Pair, matched: list[tuple[Instance, Instance]]) -> Iterator[DeviceChange]:
    key = _key(pair)
    known = [{x.name for x, _ in matched}, {y.name for _, y in matched}]
    for i in a.cells[pair[0]].instances:
        if i.name not in known[0]:
            yield DeviceChange(key, i.name, "removed", _what(a, i), 1, f"{_what(a, i)} {i.name} removed")
    for i in b.cells[pair[1]].instances:
        if i.name not in known[1]:
            yield DeviceChange(key, i.name, "added", _what(b, i), 1, f"{_what(b, i)} {i.name} added")
    for x, y in matched:
        yield from _of_instance(a, b, key, x, y)


def _of_instance(a: Netlists, b: Netlists, key: str, x: Instance, y: Instance) -> Iterator[DeviceChange]:
    """What is other about one instance."""
    what = _what(b, y)
    if x.name != y.name:
        yield DeviceChange(key, x.name, "renamed", what, 1, f"{what} {x.name} is called {y.name}")
    cell_a, cell_b = a.cells[x.cell], b.cells[y.cell]
    if not _same_kind(cell_a, cell_b):
        text = f"{_what(a, x)} {x.name} replaced by {what}"
        yield DeviceChange(key, x.name, "replaced", what, 1, text, settings_of(cell_a, cell_b))
    moved = (y.x - x.x, y.y - x.y)
    turned = (x.rotation, x.mirror) != (y.rotation, y.mirror)
    if math.hypot(*moved) > TOLERANCE or turned:
        text = f"{what} {x.name} moved by ({_number(moved[0])}, {_number(moved[1])}) um"
        if turned:
            text += f", turned from {_turn(x)} to {_turn(y)}"
        yield DeviceChange(key, x.name, "moved", what, 1, text)


def _same_kind(a: CellNetlist, b: CellNetlist) -> bool:
    return (a.function, a.factory, a.leaf) == (b.function, b.factory, b.leaf)


def _of_cell(a: CellNetlist, b: CellNetlist, where: str, name: str, places: int) -> Iterator[DeviceChange]:
    """Settings, length and drawn waveguide of a cell of one kind, at its first place."""
    if not _same_kind(a, b) and name:
        return
    settings = settings_of(a, b)
    longer = route_um(a, b)
    what = b.function or b.name
    title = f"{what} {name}".rstrip()
    if settings:
        text = f"{title}: " + ", ".join(f"{n} {old} -> {new}" for n, old, new in settings)
        if longer:
            text += f" ({signed_um(longer)})"
        yield DeviceChange(where, name, "settings", what, places, text, settings, longer)
        return
    if a.leaf and b.leaf:
        areas = {layer: b.core_um2.get(layer, 0.0) - a.core_um2.get(layer, 0.0) for layer in a.core_um2 | b.core_um2}
        changed = {layer: area for layer, area in areas.items() if abs(area) > TOLERANCE}
        if changed or longer:
            drawn = ", ".join(f"{_number(area, plus=True)} um2 on {layer}" for layer, area in sorted(changed.items()))
            parts = [part for part in (drawn, signed_um(longer) if longer else "") if part]
            text = f"{title}: drawn otherwise with the same settings, {', '.join(parts)}"
            yield DeviceChange(where, name, "drawn", what, places, text, (), longer)


def settings_of(a: CellNetlist, b: CellNetlist) -> tuple[tuple[str, str, str], ...]:
    """Settings that differ: name, value before, value now."""
    found = []
    for name in sorted(a.settings.keys() | b.settings.keys()):
        old, new = a.settings.get(name, "-"), b.settings.get(name, "-")
        if not _same(old, new):
            texts = _shown(old), _shown(new)
            found.append((name, *(texts if texts[0] != texts[1] else (repr(old)[-SHOWN:], repr(new)[-SHOWN:]))))
    return tuple(found)


def route_um(a: CellNetlist, b: CellNetlist) -> float:
    """How much longer the light path through a cell is, um; 0 where one of them doesn't say."""
    before, now = (cell.info.get("length", cell.settings.get("length")) for cell in (a, b))
    if not (_is_length(before) and _is_length(now)):
        return 0.0
    longer = float(now) - float(before)
    return longer if abs(longer) > TOLERANCE else 0.0


def _is_length(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def signed_um(value: float) -> str:
    """`+210 um`."""
    return f"{_number(value, plus=True)} um"


def _connections(a: CellNetlist, b: CellNetlist, names: dict[str, str]) -> Iterator[ConnectionChange]:
    key = _key((a.name, b.name))
    back = {new: old for old, new in names.items()}

    def text(ref: tuple[str, str]) -> str:
        return f"{back.get(ref[0], ref[0])}.{ref[1]}"

    old = {tuple(sorted((f"{c.a[0]}.{c.a[1]}", f"{c.b[0]}.{c.b[1]}"))) for c in a.connections}
    new = {tuple(sorted((text(c.a), text(c.b)))) for c in b.connections}
    old |= {(f".{port}", f"{ref[0]}.{ref[1]}") for port, ref in a.exposed.items()}
    new |= {(f".{port}", text(ref)) for port, ref in b.exposed.items()}
    for ends in sorted(old - new):
        yield ConnectionChange(key, "removed", ends[0], ends[1], 1)
    for ends in sorted(new - old):
        yield ConnectionChange(key, "added", ends[0], ends[1], 1)


def _what(netlists: Netlists, instance: Instance) -> str:
    cell = netlists.cells[instance.cell]
    return cell.function or cell.name


def _turn(instance: Instance) -> str:
    return f"{instance.rotation:g} degrees" + (" mirrored" if instance.mirror else "")


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return a == b or math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-12)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
    return type(a) is type(b) and a == b


def _plain(value: Any) -> str:
    """A value as text, numbers without the noise of the last binary digits."""
    if isinstance(value, float):
        return f"{value:.9g}"
    if isinstance(value, list):
        return f"[{', '.join(_plain(item) for item in value)}]"
    return str(value)


def _shown(value: Any) -> str:
    text = _plain(value)
    text = "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."


def _number(value: float, plus: bool = False) -> str:
    """A length to 1 nm without idle zeros."""
    text = f"{value:{'+' if plus else ''}.6f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "+0") else text
