"""A difference in short words, for every kind of report."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cpo_pdk.difference.findings import Circuit, Difference, LaneChange, Lanes, LayerChange
from cpo_pdk.verify.formats.plain import number

#: causes of one lane that are named
CAUSES = 2


def decibel(value: float) -> str:
    """A change in dB with its sign; to 0.01 dB, finer where that would be nothing."""
    if not math.isfinite(value):
        return "-inf" if value < 0 else "+inf"
    if abs(value) >= 0.005:
        return f"{value:+.2f}"
    return f"{value:+.4f}".rstrip("0").rstrip(".") if abs(value) >= 5e-5 else "0"


def differing(changed: Sequence[LayerChange]) -> str:
    """How many polygons differ on some layers."""
    count = sum(layer.polygons for layer in changed)
    return f"{number(count, 'polygons')} {'differs' if count == 1 else 'differ'}"


def causes_of(change: LaneChange, shown: int = CAUSES) -> str:
    """Why a lane loses more or less, the largest items."""
    named = [cause.text for cause in change.causes[:shown]]
    more = len(change.causes) - shown
    return ", ".join(named) + (f" and {more} more" if more > 0 else "") if named else "no single element"


def worst_loss(lanes: Lanes) -> str:
    """`worst lane -0.31 dB: tx N1 port 3 ch 5: route unit_3.bus_east +210 um`; less light is negative."""
    loses = [change for change in lanes.by_loss if change.more_loss_dB > 0]
    if loses:
        worst = loses[0]
        return f"worst lane {decibel(-worst.more_loss_dB)} dB: {worst.name}: {causes_of(worst)}"
    gains = lanes.by_loss
    if gains:
        best = gains[-1]
        return f"no lane loses more; best lane {decibel(-best.more_loss_dB)} dB: {best.name}: {causes_of(best)}"
    return f"loss unchanged in {lanes.compared} lanes"


def worst_crosstalk(lanes: Lanes) -> str:
    """The lane whose crosstalk rose most, and from what."""
    changed = lanes.by_crosstalk
    if changed and changed[0].more_crosstalk_dB > 0:
        worst = changed[0]
        why = f": {worst.aggressors[0]}" if worst.aggressors else ""
        return f"worst crosstalk {decibel(worst.more_crosstalk_dB)} dB: {worst.name}{why}"
    if changed:
        best = changed[-1]
        return f"crosstalk rises in no lane; falls by up to {decibel(best.more_crosstalk_dB)} dB: {best.name}"
    return f"crosstalk unchanged in {lanes.compared} lanes"


@dataclass(frozen=True)
class Group:
    """Lanes that changed for the same reasons, the worst first."""

    causes: str
    lanes: tuple[LaneChange, ...]


def loss_groups(lanes: Lanes) -> list[Group]:
    """Lanes that lose more or less for the same causes together, the group with the worst lane first."""
    return _groups(lanes.by_loss, causes_of)


def crosstalk_groups(lanes: Lanes) -> list[Group]:
    """Lanes whose crosstalk changed by the same source together, the group with the worst lane first."""
    return _groups(lanes.by_crosstalk, lambda change: change.aggressors[0] if change.aggressors else "")


def _groups(changes: Sequence[LaneChange], reason: Callable[[LaneChange], str]) -> list[Group]:
    found: dict[tuple[str, str], list[LaneChange]] = defaultdict(list)
    for change in changes:
        found[change.direction, reason(change)].append(change)
    return [Group(why, tuple(members)) for (_, why), members in found.items()]


def device_lines(circuit: Circuit) -> list[tuple[str, int, str]]:
    """Where, in how many places, and what changed; devices that moved alike are one line."""
    lines: list[tuple[str, int, str]] = []
    moved: dict[tuple[str, int, str], list[str]] = defaultdict(list)
    for change in circuit.devices:
        if change.kind == "moved":
            moved[change.where, change.places, change.message.split(f" {change.name} moved ", 1)[-1]].append(
                change.name
            )
        else:
            lines.append((change.where or "top", change.places, change.message))
    for (where, places, how), names in moved.items():
        others = f" and {len(names) - 1} more" if len(names) > 1 else ""
        lines.append((where or "top", places, f"{names[0]}{others} moved {how}"))
    return lines


def verdict(result: Difference) -> str:
    """The outcome in one line."""
    if result.not_compared:
        return "not everything could be compared"
    failed = [gate.name for gate in result.gates if not gate.passed]
    if failed:
        return f"beyond the limit of {' and '.join(failed)}"
    return "different" + (", within the limits" if result.gates else "") if result.different else "no difference"


def looked_at(result: Difference) -> str:
    """How much was compared, in words."""
    n = result.compared

    def both(what: str, words: str) -> str:
        a, b = n.get(f"{what}_a", 0), n.get(f"{what}_b", 0)
        return f"{a:,} {words}" if a == b else f"{a:,} with {b:,} {words}"

    parts = [f"{n['layers']} layers", both("shapes", "shapes")]
    if not result.circuit.reason:
        parts += [both("devices", "devices"), both("connections", "connections")]
    parts.append(f"{n['lanes']:,} lanes")
    return f"compared {', '.join(parts)}"


def summary(result: Difference) -> list[str]:
    """The lines that say most: lanes, then polygons, circuit and cells, one a part that was compared."""
    lanes, circuit, cells = result.lanes, result.circuit, result.geometry.cells
    lines = []
    if lanes.compared:
        lines += [worst_loss(lanes), worst_crosstalk(lanes)]
    for words, names in (("new", list(lanes.added)), ("gone", list(lanes.removed))):
        if names:
            others = f" and {len(names) - 1} more" if len(names) > 1 else ""
            lines.append(f"{words} of the lanes: {names[0]}{others}")
    changed = result.geometry.changed
    if changed:
        area = sum(layer.changed_um2 for layer in changed)
        lines.append(f"{differing(changed)} on {number(len(changed), 'layers')}, {area:,.6g} um2 in all")
    elif result.geometry.layers:
        lines.append(f"the same polygons on {len(result.geometry.layers)} layers")
    if lanes.retuned:
        lines.append(f"{number(lanes.retuned, 'lanes')} at another wavelength")
    if not circuit.reason and any(circuit.compared.values()):
        kinds = Counter(change.kind for change in circuit.devices)
        told = [f"{number(kinds[kind], noun)} {verb}" for kind, (noun, verb) in _DEVICES.items() if kind in kinds]
        links = Counter(change.kind for change in circuit.connections)
        told += [f"{number(links[kind], 'connections')} {kind}" for kind in sorted(links)]
        lines.append(f"circuit: {', '.join(told) if told else 'the same devices, settings and connections'}")
    if cells.added or cells.removed or cells.renamed:
        counts = (("added", cells.added), ("removed", cells.removed), ("renamed but equal", cells.renamed))
        lines.append("cells: " + ", ".join(f"{len(names)} {what}" for what, names in counts if names))
    return lines


#: kind of change -> what is counted, and what happened to it
_DEVICES = {
    "replaced": ("devices", "replaced"),
    "added": ("devices", "added"),
    "removed": ("devices", "removed"),
    "settings": ("cells", "with other settings"),
    "drawn": ("cells", "drawn otherwise"),
    "renamed": ("devices", "renamed"),
    "moved": ("devices", "moved"),
}
