"""Whether substrate, interposer, keep-outs and the boards of sub-assemblies leave the engines their room.

Each fault with its value, its limit and the smallest change that would do, at its line of the spec.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

from cpo_pdk.spec.carriers import CarrierPlace
from cpo_pdk.spec.keep_outs import CLEARANCE, Box, grown, keep_out_box, needed_rooms, overlap_of, space_of
from cpo_pdk.spec.package import SIDES, PackageSpec
from cpo_pdk.spec.placement import BOARD_GAP, EnginePlace, Size, share_of

SUBSTRATE_MARGIN = 0.2  # from what stands on a substrate or interposer to its edge, mm (ASM.SUBSTRATE.EN)
INTERPOSER_MARGIN = 50.0  # from a die on an interposer to its edge, um (ASM.INTERPOSER.EN)
LEAST_BOARD_MARGIN = 0.1  # of a board beyond its engines' keep-outs, mm: the least that a spec may ask for
BESIDE_PART = 10.0  # from any keep-out to the ASIC or a board, at least, um (ASM.CAPACITORS)
_EQUAL = 1e-3  # lengths in um that differ by less are the same

Fault = tuple[str, str]


def up(value: float, digits: int = 2) -> str:
    """A length that is enough, rounded up, for people.

    Args:
        value: in any unit.
        digits: behind the point.
    """
    scale = 10**digits
    return f"{math.ceil(value * scale - 1e-6) / scale:g}"


def down(value: float, digits: int = 2) -> str:
    """A length that is not too much, rounded down, for people.

    Args:
        value: in any unit.
        digits: behind the point.
    """
    scale = 10**digits
    return f"{math.floor(value * scale + 1e-6) / scale:g}"


def support_faults(
    spec: PackageSpec, places: Sequence[EnginePlace], boards: Sequence[CarrierPlace], size: Size
) -> Iterator[Fault]:
    """ASIC, engines and boards within the substrate and the interposer, the interposer within the substrate."""
    keep, edge = spec.engines.keepout_um, SUBSTRATE_MARGIN * 1e3
    # a smaller gap brings what stands in the second row nearer twice
    rows = {f"engine {p.name}": p.row for p in places}
    rows |= {b.name: max(rows[f"engine {name}"] for name in b.engines) for b in boards}
    asic = ("ASIC", (-spec.asic.size_mm[0] * 500, -spec.asic.size_mm[1] * 500,
                     spec.asic.size_mm[0] * 500, spec.asic.size_mm[1] * 500))  # fmt: skip
    engines = [(f"engine {p.name}", p.box(size)) for p in places]
    on_substrate = [asic, *engines, *((b.name, b.box) for b in boards)]
    if spec.interposer is not None:
        half = [s * 500 for s in spec.interposer.size_mm]
        on_substrate.append(("interposer", (-half[0], -half[1], half[0], half[1])))
        carried = [(*asic, INTERPOSER_MARGIN)]
        if spec.engines.mount == "interposer":
            carried += [(*engine, max(keep, INTERPOSER_MARGIN)) for engine in engines]
        yield from _standing_out(spec, "interposer", spec.interposer.size_mm, carried, rows)
        if spec.engines.mount != "interposer":
            yield from _half_on(spec, (-half[0], -half[1], half[0], half[1]), places, size)
    yield from _standing_out(spec, "substrate", spec.substrate.size_mm, [(*part, edge) for part in on_substrate], rows)


def _half_on(spec: PackageSpec, below: Box, places: Sequence[EnginePlace], size: Size) -> Iterator[Fault]:
    """Engines on the substrate that stand over the interposer, which is higher."""
    deepest = max(places, key=lambda place: min(overlap_of(place.box(size), below)), default=None)
    if deepest is None or (deep := min(overlap_of(deepest.box(size), below))) <= _EQUAL:
        return
    axis = 0 if deepest.outward[0] else 1
    near = deepest.away - size[0] / 2
    asic = spec.asic.size_mm[axis] * 500
    cure = f" or interposer.size_mm[{axis}] {down(2e-3 * near)}" if near > asic else ""
    yield (
        f"interposer.size_mm.{axis}",
        f"engine {deepest.name} stands {deep * 1e-3:.2f} mm over the interposer, but mount is {spec.engines.mount}, 0 "
        f"allowed; use mount: interposer{cure}",
    )


def _standing_out(
    spec: PackageSpec,
    what: str,
    size_mm: tuple[float, float],
    parts: Sequence[tuple[str, Box, float]],
    rows: Mapping[str, int],
) -> Iterator[Fault]:
    """Parts, each with the margin in um that it needs, that reach beyond what carries them."""
    for axis, word in ((0, "width"), (1, "height")):
        name, box, margin = max(parts, key=lambda part: max(-part[1][axis], part[1][axis + 2]) + part[2])
        need = 2 * (max(-box[axis], box[axis + 2]) + margin) * 1e-3
        if need <= size_mm[axis] + 1e-6:
            continue
        cure = f"raise {what}.size_mm[{axis}] to {up(need)}"
        less = spec.engines.gap_mm - (need - size_mm[axis]) / 2 / rows.get(name, 1)
        if name.startswith(("engine", "carrier")) and spec.engines.positions is None:
            lowest = spec.engines.keepout_um * 1e-3 + (spec.engines.carrier.margin_mm if spec.engines.carrier else 0.0)
            if less >= max(lowest, 0.1):
                cure += f" or lower gap_mm to {down(less)}"
        edge = max(-box[axis], box[axis + 2]) * 1e-3
        yield (
            f"{what}.size_mm.{axis}",
            f"{name} stands out of the {what}: {word} {size_mm[axis]:g} mm, 2 x ({edge:.2f} to its outer edge + "
            f"{margin * 1e-3:g} margin) = {need:.2f} mm needed; {cure}",
        )


def keep_out_faults(spec: PackageSpec, places: Sequence[EnginePlace], size: Size) -> Iterator[Fault]:
    """Keep-outs with no area, off the substrate, on the ASIC, or over engines."""
    x, y = spec.asic.size_mm[0] * 500, spec.asic.size_mm[1] * 500
    half = [s * 500 for s in spec.substrate.size_mm]
    for k, keep in enumerate(spec.keepouts):
        path, what, box = f"keepouts.{k}.box_mm", f"keep-out {k + 1} ({keep.kind})", keep_out_box(keep)
        if box[0] >= box[2] or box[1] >= box[3]:
            yield path, f"{what} has no area: [left, bottom, right, top] = {_mm(box)}; left < right and bottom < top"
            continue
        if keep.kind != "socket" and _beyond(box, half):
            yield (
                path,
                f"{what} reaches beyond the substrate of {spec.substrate.size_mm[0]:g} x {spec.substrate.size_mm[1]:g} "
                f"mm: {_mm(box)}; keep it within +/- {half[0] * 1e-3:g} and +/- {half[1] * 1e-3:g} mm",
            )
        clear = max(CLEARANCE[keep.kind], BESIDE_PART)
        plate = spec.faceplate.distance_mm * 1e3
        if box[3] > plate - clear + _EQUAL:
            yield (
                path,
                f"{what} reaches to the connectors at the faceplate, {plate * 1e-3:g} mm from the package's centre, "
                f"{clear:g} um of room needed: {_mm(box)}; end its top at {down((plate - clear) * 1e-3)} or move the "
                f"faceplate out to {up((box[3] + clear) * 1e-3)} mm",
            )
        room = grown((-x, -y, x, y), clear)
        if keep.kind != "cold_plate" and min(overlap_of(box, room)) > _EQUAL:
            yield (
                path,
                f"{what} lies on the ASIC or too close to it, which reaches to +/- {x * 1e-3:g} and +/- {y * 1e-3:g} "
                f"mm, {clear:g} um of room needed: {_mm(box)}; {_way_out(box, room)}",
            )
        worst: tuple[float, str, EnginePlace, Box] | None = None
        for place in places:
            for part, room in needed_rooms(spec, keep, place, size):
                deep = min(overlap_of(box, room))
                if deep > _EQUAL and (worst is None or deep > worst[0]):
                    worst = deep, part, place, room
        if worst is not None:
            deep, part, place, room = worst
            yield (
                path,
                f"{what} reaches {deep * 1e-3:.2f} mm into the room that the {part} {place.name} needs, 0 allowed "
                f"({_mm(room)}); {_way_out(box, room)}",
            )


def _mm(box: Box) -> str:
    return f"[{', '.join(f'{v * 1e-3:.6g}' for v in box)}] mm"


def _way_out(box: Box, room: Box) -> str:
    """The smallest cut of a keep-out that leaves a room free."""
    moves = (
        (box[2] - room[0], f"end its right side at {down(room[0] * 1e-3)}"),
        (room[2] - box[0], f"begin its left side at {up(room[2] * 1e-3)}"),
        (box[3] - room[1], f"end its top at {down(room[1] * 1e-3)}"),
        (room[3] - box[1], f"begin its bottom at {up(room[3] * 1e-3)}"),
    )
    by, how = min(moves)
    return f"{how} ({up(by * 1e-3)} mm less) or move it by as much"


def board_faults(spec: PackageSpec, boards: Sequence[CarrierPlace]) -> Iterator[Fault]:
    """Boards of sub-assemblies with too few engines, over one another, or over keep-outs."""
    carrier, share = spec.engines.carrier, share_of(spec)
    if carrier is None:
        return
    uneven = [side for side in SIDES if share.of(side) % carrier.engines]
    if uneven:
        side = uneven[0]
        yield (
            "engines.per_side",
            f"{share.of(side)} engines in the {side} do not fill sub-assemblies of {carrier.engines}; use "
            f"{share.of(side) // carrier.engines * carrier.engines} or "
            f"{-(-share.of(side) // carrier.engines) * carrier.engines} there",
        )
        return
    for a, b in itertools.combinations(boards, 2):
        space = space_of(a.box, b.box)
        if space < BOARD_GAP - _EQUAL:
            yield (
                "engines.carrier.margin_mm",
                f"boards {a.name} ({', '.join(a.engines)}) and {b.name} ({', '.join(b.engines)}) "
                f"{'overlap' if space < 0 else f'stand {abs(space):.0f} um apart'}, {BOARD_GAP:g} um needed; "
                f"{_boards_apart(spec, a, b, (BOARD_GAP - space) * 1e-3)}",
            )
            return
    for k, keep in enumerate(spec.keepouts):
        box = keep_out_box(keep)
        clear = max(CLEARANCE[keep.kind], BESIDE_PART)
        for board in boards:
            room = grown(board.box, clear)
            if keep.kind != "cold_plate" and min(overlap_of(box, room)) > _EQUAL:
                yield (
                    f"keepouts.{k}.box_mm",
                    f"keep-out {k + 1} ({keep.kind}) lies on {board.name} ({_mm(board.box)}) or too close to it, "
                    f"{clear:g} um of room needed; {_way_out(box, room)}",
                )
                break


def outwards(a: Box, name_a: str, b: Box, name_b: str, apart: float) -> float:
    """How far what stands on two sides of the ASIC has to move away from it to be apart, mm.

    Args:
        a: left, bottom, right and top in um.
        name_a: of an engine on the side of `a`, `N1`.
        b: as `a`.
        name_b: as `name_a`.
        apart: in um.
    """
    pairs = ((a, name_a, b), (b, name_b, a))
    ways = {"N": lambda m, o: o[3] - m[1], "S": lambda m, o: m[3] - o[1],
            "E": lambda m, o: o[2] - m[0], "W": lambda m, o: m[2] - o[0]}  # fmt: skip
    return (min(ways[name[0]](moved, other) for moved, name, other in pairs) + apart) * 1e-3


def _boards_apart(spec: PackageSpec, a: CarrierPlace, b: CarrierPlace, more: float) -> str:
    """What sets two boards further apart by some mm: less margin, or the engines themselves."""
    assert spec.engines.carrier is not None
    cures = []
    margin = math.floor((spec.engines.carrier.margin_mm - more / 2) * 100 + 1e-6) / 100
    if margin >= LEAST_BOARD_MARGIN:
        cures.append(f"use margin_mm {margin:g}")
    if spec.engines.positions is not None:
        cures.append(f"set their positions {up(more)} mm further apart")
    elif a.engines[0][0] != b.engines[0][0]:  # sides of the ASIC: of those that meet at a corner, one draws back
        cures.append(f"raise gap_mm by {up(outwards(a.box, a.engines[0], b.box, b.engines[0], BOARD_GAP))}")
    elif spec.engines.pitch_mm is not None:
        cures.append(f"raise pitch_mm by {up(more * spec.engines.rows)}")
    return " or ".join(cures) or "use larger sub-assemblies, or fewer of them on a side"


def _beyond(box: Box, half: Sequence[float]) -> bool:
    """True when a box reaches beyond a centred one with these half sides, um."""
    return max(-box[0], box[2]) > half[0] + _EQUAL or max(-box[1], box[3]) > half[1] + _EQUAL
