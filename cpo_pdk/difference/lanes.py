"""Loss and crosstalk of two layouts lane by lane, and which items of the loss explain the difference."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cpo_pdk.circuit.flattening import flatten
from cpo_pdk.circuit.netlist import CellNetlist, Netlists
from cpo_pdk.circuit.results import Lane, LossItem
from cpo_pdk.circuit.tracing import REST
from cpo_pdk.difference.circuit import TOLERANCE, route_um, settings_of, signed_um
from cpo_pdk.difference.findings import TOLERANCE_DB, Cause, LaneChange, Lanes

#: wavelengths that differ less are equal, um
WL_UM = 1e-8
#: items that change less are put together
ITEM_DB = 1e-3
#: items that change less did not change: tables are rounded to 1e-6 dB
NOTHING_DB = 2e-6
Key = tuple[str, str, int, int]


class _Devices:
    """The cell behind a path of each layout."""

    def __init__(self, netlists: Netlists) -> None:
        self.netlists = netlists
        self.leaves = {path: leaf.cell for path, leaf in flatten(netlists, netlists.top).leaves.items()}

    def __getitem__(self, path: str) -> CellNetlist | None:
        name = self.leaves.get(path)
        return self.netlists.cells[name] if name is not None else None


def compare_lanes(
    a: Sequence[Lane],
    b: Sequence[Lane],
    netlists: tuple[Netlists, Netlists],
    source: tuple[str, str],
    renamed: Mapping[str, str] | None = None,
) -> Lanes:
    """Match lanes by engine, direction, port and channel, and explain what changed.

    Args:
        a, b: lanes before and now.
        netlists: of the layouts that they belong to.
        source: where the lanes are from.
        renamed: engines that have another name now: name now -> name before.

    Returns:
        the lanes that changed, those that lose most first. The one engine of a file stands for that of the other
        whatever it is called.
    """
    alike = {**(renamed or {}), **_engine_names(a, b)}
    before = {_key(lane): lane for lane in a}
    now = {_key(lane, alike): lane for lane in b}
    both = sorted(before.keys() & now.keys())
    changed = [key for key in both if _changed(before[key], now[key])]
    devices = (_Devices(netlists[0]), _Devices(netlists[1])) if changed else None
    changes = [_explain(key, before[key], now[key], devices) for key in changed] if devices else []
    changes.sort(key=lambda c: (-c.more_loss_dB, c.engine, c.direction, c.port, c.channel))
    return Lanes(
        changes=tuple(changes),
        compared=len(both),
        added=tuple(_name(key) for key in sorted(now.keys() - before.keys())),
        removed=tuple(_name(key) for key in sorted(before.keys() - now.keys())),
        retuned=sum(abs(before[key].wl_um - now[key].wl_um) > WL_UM for key in both),
        source=source,
    )


def _engine_names(a: Sequence[Lane], b: Sequence[Lane]) -> dict[str, str]:
    names = [sorted({lane.engine for lane in lanes}) for lanes in (a, b)]
    return {names[1][0]: names[0][0]} if len(names[0]) == len(names[1]) == 1 else {}


def _key(lane: Lane, alike: Mapping[str, str] | None = None) -> Key:
    return ((alike or {}).get(lane.engine, lane.engine), lane.direction, lane.port, lane.channel)


def _name(key: Key) -> str:
    return f"{key[1]} {key[0].removeprefix('engine_')} port {key[2]} ch {key[3]}"


def _changed(a: Lane, b: Lane) -> bool:
    return _apart(a.insertion_loss_dB, b.insertion_loss_dB) or _apart(a.crosstalk_dB, b.crosstalk_dB)


def _apart(a: float, b: float) -> bool:
    if math.isfinite(a) and math.isfinite(b):
        return abs(a - b) > TOLERANCE_DB
    return not (a == b or (math.isnan(a) and math.isnan(b)))


def _explain(key: Key, a: Lane, b: Lane, devices: tuple[_Devices, _Devices]) -> LaneChange:
    engine, direction, port, channel = key
    return LaneChange(
        engine=engine,
        direction=direction,
        port=port,
        channel=channel,
        loss_dB=(a.insertion_loss_dB, b.insertion_loss_dB),
        crosstalk_dB=(a.crosstalk_dB, b.crosstalk_dB),
        causes=_causes(a, b, devices) if _apart(a.insertion_loss_dB, b.insertion_loss_dB) else (),
        aggressors=_aggressors(a, b) if _apart(a.crosstalk_dB, b.crosstalk_dB) else (),
    )


def _causes(a: Lane, b: Lane, devices: tuple[_Devices, _Devices]) -> tuple[Cause, ...]:
    """Items that changed, largest first; routes and other items that changed little are put together."""
    items = [_by_element(lane) for lane in (a, b)]
    little = min(ITEM_DB, 0.5 * abs(b.insertion_loss_dB - a.insertion_loss_dB))
    found: list[Cause] = []
    routes, rest = _Heap(), _Heap()
    for element in items[0].keys() | items[1].keys():
        old, new = items[0].get(element, ()), items[1].get(element, ())
        more = _sum(new) - _sum(old)
        if not abs(more) > NOTHING_DB:
            continue
        words, longer = _words(element, old, new, (a, b), devices)
        if abs(more) >= little:
            found.append(Cause(words, more))
        else:
            (routes if longer else rest).add(more, longer)
    found.sort(key=lambda cause: (-abs(cause.loss_dB), cause.text))
    if routes.count:
        length = f" {signed_um(routes.um)} in all" if abs(routes.um) > TOLERANCE else ""
        found.append(Cause(f"{_count(routes.count, 'route', bool(found))}{length}", routes.dB))
    if rest.count and abs(rest.dB) > TOLERANCE_DB:
        found.append(Cause(_count(rest.count, "element", bool(found)), rest.dB))
    return tuple(found)


def _count(number: int, what: str, more: bool) -> str:
    return f"{number} {'more ' if more else ''}{what}{'s' if number > 1 else ''}"


@dataclass
class _Heap:
    """Items that changed too little to be named."""

    count: int = 0
    dB: float = 0.0
    um: float = 0.0

    def add(self, more_dB: float, longer_um: float) -> None:
        self.count, self.dB, self.um = self.count + 1, self.dB + more_dB, self.um + longer_um


def _by_element(lane: Lane) -> dict[str, tuple[LossItem, ...]]:
    """Items by path from the engine, however often it is passed; fibres outside keep their own names."""
    found: dict[str, list[LossItem]] = defaultdict(list)
    for item in lane.items:
        found[item.instance.removeprefix(f"{lane.engine}/")].append(item)
    return {key: tuple(items) for key, items in found.items()}


def _sum(items: Sequence[LossItem]) -> float:
    return sum(item.loss_dB for item in items)


def _words(
    path: str,
    old: Sequence[LossItem],
    new: Sequence[LossItem],
    lanes: tuple[Lane, Lane],
    devices: tuple[_Devices, _Devices],
) -> tuple[str, float]:
    """What happened to one element, in the words of a pull request, and for a route how much longer it is, um."""
    if path == "-":
        return REST, 0.0
    name = path.removeprefix(f"{lanes[0].direction}_{lanes[0].port}/").replace("/", ".")
    if not old:
        return f"{new[0].cell} {name} added", 0.0
    if not new:
        return f"{old[0].cell} {name} removed", 0.0
    before, now = devices[0][old[0].instance], devices[1][new[0].instance]
    if before is None or now is None:
        return f"{new[0].cell} {name}", 0.0
    if (before.function, before.factory) != (now.function, now.factory):
        return f"{before.function or before.name} {name} replaced by {now.function or now.name}", 0.0
    settings, longer = settings_of(before, now), route_um(before, now)
    if longer and all(setting == "length" for setting, _, _ in settings):
        return f"route {name} {signed_um(longer)}", longer
    what = f"{now.function or now.name} {name}"
    if settings:
        return f"{what} " + ", ".join(f"{setting} {was} -> {value}" for setting, was, value in settings), 0.0
    if old[0].model != new[0].model:
        return f"{what} model {old[0].model} -> {new[0].model}", 0.0
    if before.core_um2 != now.core_um2:
        return f"{what} drawn otherwise", 0.0
    return f"{what} with the same settings", 0.0


def _aggressors(a: Lane, b: Lane) -> tuple[str, ...]:
    """Sources of crosstalk that changed, those that explain most of the change of the sum first."""
    levels: list[dict[str, float]] = []
    for lane in (a, b):
        inside = f"{lane.direction}_{lane.port}/"
        names = (x.name.removeprefix(f"{lane.engine}/").removeprefix(inside).replace("/", ".") for x in lane.aggressors)
        levels.append(dict(zip(names, (x.level_dB for x in lane.aggressors), strict=True)))
    rises = 1.0 if b.crosstalk_dB > a.crosstalk_dB else -1.0
    found = []
    for name in sorted(levels[0].keys() | levels[1].keys()):
        old, new = (level.get(name, -math.inf) for level in levels)
        if _apart(old, new):
            digits = 2 if abs(new - old) >= 0.01 else 4
            words = f"{name} {_level(old, digits)} -> {_level(new, digits)} dB"
            found.append((rises * (10 ** (new / 10) - 10 ** (old / 10)), words))
    found.sort(key=lambda entry: (-entry[0], entry[1]))
    return tuple(words for _, words in found)


def _level(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "none"
