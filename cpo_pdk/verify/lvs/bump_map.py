"""The bumps of an engine: one a terminal, on one grid, and each where the die on top expects it.

Which terminal belongs to which place is agreed in `ring_bumps` for rows of rings, in `mzm_bumps` for those of
Mach-Zehnders.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from cpo_pdk.spec.architecture import RINGS
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.tech.rules import Rule
from cpo_pdk.verify.lvs import mzm_bumps, ring_bumps
from cpo_pdk.verify.lvs.bump_pins import MAP_RULE, Pin, Pins, terminals_of
from cpo_pdk.verify.lvs.faults import Fault
from cpo_pdk.verify.lvs.metal_faults import BUMPS_RULE
from cpo_pdk.verify.lvs.metal_nets import End

#: a bump is where the record says when it is nearer to it than this, um
_SAID = 0.01


def bump_faults(pins: Pins, spec: PackageSpec, rule: Rule) -> Iterator[Fault]:
    """Everything that is wrong with the bumps of one distinct engine.

    Args:
        pins: its terminals and bumps.
        spec: the package.
        rule: tolerance of a bump's place on its grid.
    """
    cell, pitch = pins.engine.circuit.cell, spec.engine.bump_pitch_um
    if len(pins.bumps) != pins.wanted:
        bare = [
            f"{name} (the {terminals_of(asked)[name]}) of {asked.words} in {asked.row}" for asked, name in pins.bare()
        ]
        which = f": {bare[0]} has none" + (f", nor have {len(bare) - 1} more" if len(bare) > 1 else "") if bare else ""
        text = f"{len(pins.bumps)} bumps on the engine, {pins.wanted} asked, one a terminal{which}; place one each"
        box = _box(pins.bumps[0]) if pins.bumps else None
        yield Fault(BUMPS_RULE, cell, text, box=box, spec_path="engine.devices.modulator", layer="BUMP")
    off = list(_off_grid(pins, pitch, rule.value or 0.0))
    for bump, du, dv in off:
        text = (
            f"a bump lies {du:+.3f}, {dv:+.3f} um off the grid of {pitch[0]:g} x {pitch[1]:g} um, "
            f"{rule.value:g} um allowed; move it back"
        )
        yield Fault(rule.name, cell, text, box=_box(bump), spec_path="engine.bump_pitch_um", layer="BUMP")
    skip = {bump for bump, _, _ in off}
    known = [pin for pin in pins.pins() if pin.bump not in skip and pin.row in pins.axis]
    if spec.engine.architecture in RINGS:
        yield from ring_bumps.exchanged(pins, known, pitch)
    else:
        yield from mzm_bumps.exchanged(pins, known)
    yield from _recorded(pins, known)


def _recorded(pins: Pins, known: list[Pin]) -> Iterator[Fault]:
    """Lanes that the engine's record says to have their bump elsewhere: what is drawn to the engine goes by that."""
    said = pins.said_lane_bumps
    found = pins.lane_bumps()
    wrong = [
        (lane, place, said[lane])
        for lane, place in found.items()
        if lane in said and max(abs(a - b) for a, b in zip(place, said[lane], strict=True)) > _SAID
    ]
    if wrong:
        lane, place, told = wrong[0]
        first = next(pin for pin in known if f"{pin.row}/{pin.asked.channel}" == lane)
        text = (
            f"the engine's record has {len(wrong)} lane bumps elsewhere than the metal leads, 0 allowed: {lane} at "
            f"({told[0]:.3f}, {told[1]:.3f}) um, drawn at ({place[0]:.3f}, {place[1]:.3f}) um; correct lane_bumps"
        )
        yield pins.fault(MAP_RULE, text, first)


def _off_grid(pins: Pins, pitch: tuple[float, float], allowed: float) -> Iterator[tuple[End, float, float]]:
    """Bumps off the grid that most of them lie on, and by how much, um."""
    places = {bump: pins.frame(bump.x, bump.y) for bump in pins.bumps}
    u0, v0 = (_origin((place[k] for place in places.values()), pitch[k]) for k in (0, 1))
    for bump, (u, v) in places.items():
        du, dv = _off(u - u0, pitch[0]), _off(v - v0, pitch[1])
        if max(abs(du), abs(dv)) > allowed:
            yield bump, du, dv


def _box(bump: End) -> tuple[float, float, float, float]:
    return (round(bump.x - 9, 3), round(bump.y - 9, 3), round(bump.x + 9, 3), round(bump.y + 9, 3))


def _origin(values: Iterable[float], pitch: float) -> float:
    """Where a grid lies that most of the values are on."""
    rests = Counter(round(value % pitch, 3) % pitch for value in values)
    return rests.most_common(1)[0][0] if rests else 0.0


def _off(distance: float, pitch: float) -> float:
    """How far a distance is from the nearest whole number of pitches."""
    return distance - round(distance / pitch) * pitch
