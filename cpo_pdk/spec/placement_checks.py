"""What keeps the engines from standing where a spec puts them.

Each fault with its value, its limit and the smallest change that would do, at its line of the spec.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

from cpo_pdk.errors import Problem
from cpo_pdk.spec.carriers import place_carriers
from cpo_pdk.spec.engine import SHORELINE_MAX_MM
from cpo_pdk.spec.keep_outs import space_of
from cpo_pdk.spec.package import DIE_MAX_MM, SIDES, PackageSpec
from cpo_pdk.spec.placement import (
    BOARD_GAP,
    EnginePlace,
    Size,
    edge_of,
    least_board_pitch,
    least_pitch,
    passage,
    pitch_of,
    place_engines,
    share_of,
    shoreline_of,
)
from cpo_pdk.spec.room_checks import (
    LEAST_BOARD_MARGIN,
    board_faults,
    down,
    keep_out_faults,
    outwards,
    support_faults,
    up,
)

_EQUAL = 1e-3  # lengths in um that differ by less are the same

Fault = tuple[str, str]


def engine_problems(spec: PackageSpec, size: Size) -> list[Problem]:
    """Everything that keeps the engines from their places.

    Args:
        spec: the package.
        size: length (towards the facet) and width of the engine in um.
    """
    places = place_engines(spec, size)
    boards = place_carriers(spec, places, size)
    faults = [
        *(_position_faults(spec, places, size) if spec.engines.positions is not None else _side_faults(spec, size)),
        *_gap_faults(spec, places, size),
        *_shoreline_faults(spec),
        *support_faults(spec, places, boards, size),
        *keep_out_faults(spec, places, size),
        *board_faults(spec, boards),
    ]
    if not faults:  # engines of different sides: only asked when the sides by themselves are in order
        faults = list(_neighbour_faults(spec, places, size))
    return [spec.problem(path, message) for path, message in faults]


def _along(side: str) -> int:
    """Axis (0: x, 1: y) that a side runs along."""
    return 0 if side in ("north", "south") else 1


def _room_of(spec: PackageSpec, side: str) -> tuple[str, str]:
    """Path of the value that gives a side its room, and its name in a message."""
    size = f"asic.size_mm[{_along(side)}]"
    if spec.asic.shoreline_mm is None:
        return f"asic.size_mm.{_along(side)}", size
    key = f"asic.shoreline_mm.{side}"
    return key, key if shoreline_of(spec, side) < edge_of(spec, side) else f"{key} and {size}"


def _side_faults(spec: PackageSpec, size: Size) -> Iterator[Fault]:
    """Engines of one side: apart from each other, and within the ASIC's shoreline."""
    share, engines = share_of(spec), spec.engines
    pitch, least, width = pitch_of(spec, size), least_pitch(spec, size), size[1]
    crowded = max(share.of(side) for side in SIDES) > engines.rows
    if engines.pitch_mm is not None and crowded and pitch < least - _EQUAL:
        keep = f"engine width {width * 1e-3:.3f} mm + keep-out {engines.keepout_um * 1e-3:g} mm"
        if engines.rows == 2:
            keep = (
                f"engine width {width * 1e-3:.3f} mm + 2 x keep-out {engines.keepout_um * 1e-3:g} mm + "
                f"{passage(spec) * 1e-3:g} mm for the fibres of the engine behind"
            )
        cures = [f"raise pitch_mm to {up(least * 1e-3)}"]
        smaller = (pitch - width - (passage(spec) if engines.rows == 2 else 0.0)) / engines.rows
        if smaller >= 10:
            cures.append(f"use keepout_um {down(smaller, 0)}")
        yield (
            "engines.pitch_mm",
            f"engines overlap: pitch {pitch * 1e-3:g} mm is below {keep} = {least * 1e-3:.3f} mm; {' or '.join(cures)}",
        )
        return
    carrier = engines.carrier
    if carrier and engines.pitch_mm is not None and max(share.of(s) for s in SIDES) > carrier.engines:
        apart = least_board_pitch(spec, size)
        if pitch < apart - _EQUAL:
            slack = (pitch - width - BOARD_GAP) * 1e-3 / 2 - engines.keepout_um * 1e-3
            cure = f" or use carrier.margin_mm {down(slack)}" if slack >= 0.1 else ""
            yield (
                "engines.pitch_mm",
                f"boards of sub-assemblies overlap: pitch {pitch * 1e-3:g} mm, engine width {width * 1e-3:.3f} mm + "
                f"2 x (keep-out {engines.keepout_um * 1e-3:g} + margin {carrier.margin_mm:g} mm) + "
                f"{BOARD_GAP * 1e-3:g} mm = {apart * 1e-3:.3f} mm needed; raise pitch_mm to {up(apart * 1e-3)}{cure}",
            )
    for side in SIDES:
        yield from _overfull(spec, size, side)


def _longer(spec: PackageSpec, side: str, more: float) -> list[str]:
    """Some mm more of shoreline as a cure; none where neither die nor shoreline may be as long as that."""
    most = DIE_MAX_MM if spec.asic.shoreline_mm is None else SHORELINE_MAX_MM
    if shoreline_of(spec, side) + more > most:
        return []
    return [f"raise {_room_of(spec, side)[1]} by {up(more)} mm"]


def _taken(spec: PackageSpec, size: Size, count: int, pitch: float) -> float:
    """Length in um that engines of a side take at a pitch; boards keep apart where no pitch is asked for."""
    if count < 2:
        return size[1] * count
    carrier = spec.engines.carrier
    boards = 1
    if carrier is not None and spec.engines.pitch_mm is None:
        boards = math.ceil(count / carrier.engines)
    step = pitch / 2 if spec.engines.rows == 2 else pitch
    apart = max(step, least_board_pitch(spec, size)) if boards > 1 else step
    return (count - boards) * step + (boards - 1) * apart + size[1]


def _overfull(spec: PackageSpec, size: Size, side: str) -> Iterator[Fault]:
    """Engines of one side that reach beyond its shoreline."""
    share, engines = share_of(spec), spec.engines
    count, room = share.of(side), shoreline_of(spec, side) * 1e3
    pitch, least, width = pitch_of(spec, size), least_pitch(spec, size), size[1]
    taken = _taken(spec, size, count, pitch)
    if not count or taken <= room + _EQUAL:
        return
    path = _room_of(spec, side)[0]
    cures = _longer(spec, side, (taken - room) * 1e-3)
    if engines.pitch_mm is not None and _taken(spec, size, count, least) <= room:
        path = "engines.pitch_mm"
        cures.append(f"use pitch_mm {down((room - width) * engines.rows / (count - 1) * 1e-3)}")
    else:
        spare_room = (room - count * width) / max(count - 1, 1)
        if (
            engines.pitch_mm is None
            and engines.carrier is None
            and engines.rows == 1
            and count > 1
            and spare_room >= 10
        ):
            cures.append(f"use keepout_um {down(spare_room, 0)}")
        cures += _moved_engines(spec, size, side, pitch if engines.pitch_mm is not None else least)
    sum_ = f"({count} - 1) x {pitch * 1e-3:g} + {width * 1e-3:.3f} = {taken * 1e-3:.2f} mm"
    if count < 2:
        sum_ = f"{width * 1e-3:.3f} mm"
    elif engines.rows == 2:
        sum_ = f"({count} - 1) x {pitch * 1e-3:g} / 2 + {width * 1e-3:.3f} = {taken * 1e-3:.2f} mm"
    elif engines.carrier is not None:
        sum_ = f"{count} at {pitch * 1e-3:g} mm in boards of {engines.carrier.engines} = {taken * 1e-3:.2f} mm"
    what = f"{count} engines do" if count > 1 else "1 engine does"
    cures = cures or ["use fewer engines there"]
    yield (
        path,
        f"{what} not fit the {side} side: {sum_} of {room * 1e-3:g} mm; {' or '.join(cures)}",
    )


def apart_cure(spec: PackageSpec, size: Size, side: str, need: float) -> str:
    """What would set the neighbours of a side further apart, the smallest change.

    Args:
        spec: the package.
        size: length (towards the facet) and width of the engine in um.
        side: of the ASIC.
        need: distance of their centres in um.
    """
    pitch = need * spec.engines.rows
    if spec.engines.positions is not None:
        return f"set their positions {up(need * 1e-3)} mm apart"
    given = spec.engines.pitch_mm is not None
    cures = [f"raise pitch_mm to {up(pitch * 1e-3)}"] if given else []
    # a pitch that is found by itself is a multiple of 0.1 mm, the same on all sides
    wanted = pitch if given else math.ceil(pitch / 100 - 1e-9) * 100.0
    most: dict[str, float] = {}
    for own in (side,) if given else SIDES:
        more = _taken(spec, size, share_of(spec).of(own), wanted) - shoreline_of(spec, own) * 1e3
        key = _room_of(spec, own)[1]
        most[key] = max(more, most.get(key, 0.0))
    cures += [f"raise {key} by {up(more * 1e-3)} mm" for key, more in most.items() if more > _EQUAL]
    return " and ".join(cures) or "give a pitch_mm"


def _capacity(spec: PackageSpec, size: Size, side: str, pitch: float) -> int:
    """Engines that fit a side at a pitch."""
    room, count = shoreline_of(spec, side) * 1e3, 0
    while count < 32 and _taken(spec, size, count + 1, pitch) <= room + _EQUAL:
        count += 1
    carrier = spec.engines.carrier
    return count - count % carrier.engines if carrier else count


def _moved_engines(spec: PackageSpec, size: Size, side: str, pitch: float) -> Iterator[str]:
    """A share of the engines that fits all sides, or how few there would have to be."""
    share, together = share_of(spec), spec.engines.carrier.engines if spec.engines.carrier else 1
    most = {s: _capacity(spec, size, s, pitch) for s in SIDES}
    if sum(most.values()) < spec.engines.placed:
        if spec.engines.rows == 1 and share.of(side) > 1:
            two = (share.of(side) - 1) * (size[1] + 2 * spec.engines.keepout_um + passage(spec)) / 2 + size[1]
            if two <= shoreline_of(spec, side) * 1e3:
                yield "use rows: 2"
                return
        if most[side]:
            yield f"use at most {most[side]} engines there ({sum(most.values())} in all)"
        return
    counts = {s: min(share.of(s), most[s]) for s in SIDES}
    while sum(counts.values()) < spec.engines.placed:
        freest = max(SIDES, key=lambda s: most[s] - counts[s])
        counts[freest] += together
    yield f"use per_side: {{{', '.join(f'{s}: {counts[s]}' for s in SIDES)}}}"


def _gap_faults(spec: PackageSpec, places: Sequence[EnginePlace], size: Size) -> Iterator[Fault]:
    """Engines and boards beside the ASIC."""
    engines = spec.engines
    if engines.positions is None and engines.gap_mm * 1e3 < engines.keepout_um - _EQUAL:
        yield (
            "engines.gap_mm",
            f"gap {engines.gap_mm:g} mm to the ASIC is inside the keep-out of {engines.keepout_um:g} um; raise gap_mm "
            f"to {up(engines.keepout_um * 1e-3)} or use keepout_um {down(engines.gap_mm * 1e3, 0)}",
        )
        return
    carrier = engines.carrier
    nearest = min((_gap_to_asic(spec, p, size) for p in places), default=math.inf)
    if carrier is not None and nearest < engines.keepout_um + carrier.margin_mm * 1e3 - _EQUAL:
        need = engines.keepout_um * 1e-3 + carrier.margin_mm
        cures = [f"raise gap_mm to {up(need)}" if engines.positions is None else f"move engines {up(need)} mm away"]
        less = nearest * 1e-3 - engines.keepout_um * 1e-3
        if less >= LEAST_BOARD_MARGIN:
            cures.append(f"use margin_mm {down(less)}")
        yield (
            "engines.carrier.margin_mm",
            f"boards of sub-assemblies reach below the ASIC: keep-out {engines.keepout_um * 1e-3:g} + margin "
            f"{carrier.margin_mm:g} = {need:g} mm, the gap to the ASIC is {nearest * 1e-3:g} mm; {' or '.join(cures)}",
        )


def _gap_to_asic(spec: PackageSpec, place: EnginePlace, size: Size) -> float:
    """From the ASIC's edge to the electrical edge of an engine, um."""
    half = spec.asic.size_mm[1 - _along(place.side)] * 500
    return place.away - size[0] / 2 - half


def _position_faults(spec: PackageSpec, places: Sequence[EnginePlace], size: Size) -> Iterator[Fault]:
    """Engines at given positions that stand on the ASIC, beside another side, or beyond its shoreline."""
    for place in places:
        gap, keep = _gap_to_asic(spec, place, size), spec.engines.keepout_um
        path = _path_of(spec, place)
        if gap < keep - _EQUAL:
            axis = "y_mm" if _along(place.side) == 0 else "x_mm"
            sign = place.outward[1 - _along(place.side)]
            value = (place.y if axis == "y_mm" else place.x) * 1e-3 + sign * (keep - gap) * 1e-3
            yield (
                path,
                f"engine {place.name} stands {round(gap * 1e-3, 4) + 0.0:g} mm from the {place.side} edge of the ASIC, "
                f"keep-out is {keep * 1e-3:g} mm; use {axis} {up(value) if sign > 0 else down(value)}",
            )
        beyond = abs(place.along) + size[1] / 2 - shoreline_of(spec, place.side) * 500
        if beyond > _EQUAL:
            axis = "x_mm" if _along(place.side) == 0 else "y_mm"
            nearer = f"bring {axis} {up(beyond * 1e-3)} mm nearer to 0"
            longer = _longer(spec, place.side, 2 * beyond * 1e-3)
            yield (
                path,
                f"engine {place.name} stands {beyond * 1e-3:.2f} mm beyond the {place.side} shoreline of "
                f"{shoreline_of(spec, place.side):g} mm; {' or '.join([nearer, *longer])}",
            )
    for a, b in itertools.combinations(places, 2):
        if a.side == b.side and (space := space_of(a.box(size), b.box(size))) < spec.engines.keepout_um - _EQUAL:
            more = spec.engines.keepout_um - space
            state = "overlap" if space < 0 else f"stand {abs(space):.0f} um apart"
            yield (
                _path_of(spec, b),
                f"engines {a.name} and {b.name} {state}, keep-out is {spec.engines.keepout_um:g} um; move one of them "
                f"by {up(more * 1e-3)} mm",
            )


def _path_of(spec: PackageSpec, place: EnginePlace) -> str:
    """The line of the spec that puts an engine where it stands."""
    for k, position in enumerate(spec.engines.positions or ()):
        at = round(position.x_mm * 1e3, 3), round(position.y_mm * 1e3, 3)
        if position.side == place.side and at == (place.x, place.y):
            return f"engines.positions.{k}"
    return "engines.pitch_mm" if spec.engines.pitch_mm is not None else "engines.per_side"


def _shoreline_faults(spec: PackageSpec) -> Iterator[Fault]:
    """Stretches of shoreline that are longer than the edge that they are part of."""
    if spec.asic.shoreline_mm is None:
        return
    for side in SIDES:
        given, edge = shoreline_of(spec, side), edge_of(spec, side)
        if given > edge + 1e-9:
            yield (
                f"asic.shoreline_mm.{side}",
                f"{side} shoreline of {given:g} mm is longer than the die's edge of {edge:g} mm; use at most {edge:g}",
            )


def _neighbour_faults(spec: PackageSpec, places: Sequence[EnginePlace], size: Size) -> Iterator[Fault]:
    """Engines of different sides or rows: their keep-outs must not meet."""
    keep = spec.engines.keepout_um
    for a, b in itertools.combinations(places, 2):
        space = space_of(a.box(size), b.box(size))
        if space >= keep - _EQUAL:
            continue
        state = "overlap" if space < 0 else f"stand {abs(space):.0f} um apart"
        if spec.engines.positions is not None:
            path, cure = _path_of(spec, b), f"move one of them by {up((keep - space) * 1e-3)} mm"
        else:
            more = outwards(a.box(size), a.name, b.box(size), b.name, keep)
            path, cure = "engines.gap_mm", f"raise gap_mm by {up(more)} mm or lower pitch_mm"
        yield path, f"engines {a.name} and {b.name} {state}, keep-out is {keep:g} um; {cure}"
        return
