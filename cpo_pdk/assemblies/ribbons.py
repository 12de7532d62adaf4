"""The ribbons of fibre from the engines to the faceplate: how they run, and what keeps them from running there.

Ribbons run in one plane without crossing. Engines in the north send theirs straight up; those in the west leave
westwards and turn north, the southernmost furthest out; those in the south leave southwards, turn towards the nearer
side and then north, outside of all others; the east mirrors the west. From left to right at the faceplate: south-west
from the middle outwards, west from south to north, north, east from north to south, south-east from the outside to the
middle.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from cpo_pdk.components.curves import sine_s_length
from cpo_pdk.components.drawing import FACE_WIDTH
from cpo_pdk.components.fibers import FIBER_CHORD_ERROR, Step
from cpo_pdk.errors import Problem
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.placement import ROTATION, EnginePlace, pitch_of, share_of

LEAD = 500.0  # straight fibre from the facet before the ribbon fans out, um
FIBRE_ROOM = (
    FACE_WIDTH + 1.0
)  # smallest pitch of fibres: cladding, its tolerance of 0.7 um (ITU-T G.652) and some air, um
_DRAWN_WIDTH = FACE_WIDTH + 2 * FIBER_CHORD_ERROR  # of a fibre with the chords of its outline on both sides, um


@dataclass(frozen=True)
class Group:
    """Neighbouring fibres of a ribbon that end in one connector.

    Attributes:
        name: of the connector, `MPO-N1`.
        kind: of the connector, `MPO-16`.
        first: lowest fibre of the engine's array in the group (0: southernmost).
        count: number of fibres.
        body: width of the connector in um.
        shift: how far the group moves east on its last stretch, um.
    """

    name: str
    kind: str
    first: int
    count: int
    body: float
    shift: float = 0.0


@dataclass(frozen=True)
class Ribbon:
    """The fibres of one engine on their way to the faceplate.

    Attributes:
        engine: which engine.
        turns: headings of the ribbon after each bend, starting with the way out of the engine, in degrees.
        runs: lengths of the straights of the ribbon's centre line after the fan-out, um: as many as headings.
        x: where its centre line runs north, um.
        groups: connectors that it ends in, from east to west.
    """

    engine: EnginePlace
    turns: tuple[int, ...]
    runs: tuple[float, ...]
    x: float
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True)
class Bundle:
    """What all ribbons of a package have in common; lengths in um.

    Attributes:
        fibres: number of fibres of an engine, with its loopbacks.
        pitch_array: of the fibres at the facet.
        pitch_ribbon: of the fibres in the ribbon.
        fan_length: of the fan-out from one pitch to the other, along x.
        straight: after the fan-out, before any bend: alignment fibres end here, beside the others.
        radius_center: bend radius of the ribbon's centre line; its innermost fibre then bends as the spec allows.
    """

    fibres: int
    pitch_array: float
    pitch_ribbon: float
    fan_length: float
    straight: float
    radius_center: float

    @property
    def width(self) -> float:
        """Width of a ribbon over the claddings of its outer fibres, um."""
        return (self.fibres - 1) * self.pitch_ribbon + FACE_WIDTH

    @property
    def fan_end(self) -> float:
        """Distance from the facet to where the first bend may begin, and alignment fibres end, um."""
        return LEAD + self.fan_length + self.straight

    def place(self, index: float) -> float:
        """Place of a fibre counted from the ribbon's centre line, in pitches.

        Args:
            index: of the fibre in the engine's array (0: southernmost); a half lies between two.
        """
        return index - (self.fibres - 1) / 2

    def fan_out(self, index: int) -> list[Step]:
        """First steps of a fibre: straight out of the facet, to the pitch of the ribbon, straight; lengths in um.

        Args:
            index: of the fibre in the engine's array (0: southernmost).
        """
        offset = round(self.place(index) * (self.pitch_ribbon - self.pitch_array), 3)
        return [("line", LEAD, 0.0), ("s", self.fan_length, offset), ("line", self.straight, 0.0)]


def bundle_of(spec: PackageSpec) -> Bundle:
    """The common measures of a package's ribbons.

    Args:
        spec: the package.
    """
    fibres = spec.engine.fibre_counts["total"]
    pitch_array, pitch_ribbon = spec.engine.fibre_pitch_um, spec.fibres.ribbon_pitch_um
    half = (fibres - 1) / 2
    radius = spec.fibres.bend_radius_mm * 1e3
    fan = _fan_length(half, pitch_array, pitch_ribbon, radius)
    straight = max(0.0, (spec.fibres.loopback_length_mm or 0.0) * 1e3 - LEAD - fan) if spec.engine.loopbacks else 0.0
    return Bundle(fibres, pitch_array, pitch_ribbon, fan, round(straight, 3), round(radius + half * pitch_ribbon, 3))


def roomy_s_length(offset: float, radius: float, pitch: float = math.inf) -> float:
    """Length in um in which a fibre moves sideways: the shortest and 100 um more, rounded up to 100 um.

    Fibres side by side that slant by an angle lie `pitch cos(angle)` apart; the S-bend slopes `2 offset / length` at
    most.

    Args:
        offset: how far it moves in um.
        radius: smallest radius of curvature in um.
        pitch: of the fibres that move with it in um; above `FIBRE_ROOM`.
    """
    slope = math.sqrt((pitch / _DRAWN_WIDTH) ** 2 - 1)
    return math.ceil(max(sine_s_length(offset, radius), 2 * abs(offset) / slope) / 100 + 1) * 100.0


def _fan_length(half: float, pitch_in: float, pitch_out: float, radius: float) -> float:
    """Length in um in which fibres fan out from one pitch to another: long enough that none touches its neighbour.

    Args:
        half: fibres from the middle to the outermost.
        pitch_in: where they come from in um.
        pitch_out: where they go in um.
        radius: smallest radius of curvature in um.
    """
    length = roomy_s_length(half * abs(pitch_out - pitch_in), radius)
    t = np.linspace(0, 1, 201)
    pitch = pitch_in + (pitch_out - pitch_in) * (t - np.sin(2 * np.pi * t) / (2 * np.pi))
    rise = half * (pitch_out - pitch_in) * (1 - np.cos(2 * np.pi * t))
    # a pitch of a fibre's width or less never clears: that is refused by itself
    while min(pitch_in, pitch_out) >= FIBRE_ROOM and np.min(pitch / np.hypot(1, rise / length)) < _DRAWN_WIDTH:
        length += 100.0
    return length


def bundle_problems(spec: PackageSpec, bundle: Bundle) -> list[Problem]:
    """Pitches below a fibre's diameter, and alignment fibres that end inside the fan-out.

    Args:
        spec: the package.
        bundle: its ribbons' measures.
    """
    problems = []
    for path, what, pitch, cure in (
        ("fibres.ribbon_pitch_um", "ribbon", bundle.pitch_ribbon, "127 or 250 um"),
        ("engine.fibre_pitch_um", "array", bundle.pitch_array, "127 um or more"),
    ):
        if pitch < FIBRE_ROOM:
            message = (
                f"{what} pitch {pitch:g} um is below {FIBRE_ROOM:g} um, the room of a fibre of {FACE_WIDTH:g} um; "
                f"use {cure}"
            )
            problems.append(spec.problem(path, message))
    need = bundle.fan_end
    if spec.engine.loopbacks and spec.fibres.loopback_length_mm and spec.fibres.loopback_length_mm * 1e3 < need:
        problems.append(
            spec.problem(
                "fibres.loopback_length_mm",
                f"loopback fibres of {spec.fibres.loopback_length_mm:g} mm end inside the fan-out from "
                f"{bundle.pitch_array:g} to {bundle.pitch_ribbon:g} um, which takes {need * 1e-3:g} mm at "
                f"{spec.fibres.bend_radius_mm:g} mm bend radius; make them at least {need * 1e-3:g} mm",
            )
        )
    return problems


def lay_ribbons(
    spec: PackageSpec, size: tuple[float, float], engines: tuple[EnginePlace, ...], bundle: Bundle, slot: float
) -> tuple[Ribbon, ...]:
    """Ribbons in faceplate order, nested so that none crosses another; a run below 0 is one that does not fit.

    Args:
        spec: the package.
        size: length (towards the facet) and width of the engine in um.
        engines: where the engines stand.
        bundle: the ribbons' measures.
        slot: width of one engine's connectors at the faceplate in um; trunks are laid no closer.
    """
    plate = spec.faceplate.distance_mm * 1e3
    radius = bundle.radius_center
    step = max(bundle.width + spec.fibres.ribbon_gap_mm * 1e3, slot)
    by_side = {side: [e for e in engines if e.side == side] for side in ROTATION}
    start = {e.name: _after_fan(e, size[0], bundle.fan_end) for e in engines}
    done: list[Ribbon] = []
    for sign, side, heading in ((-1, "west", 180), (1, "east", 0)):
        # trunks are numbered outwards from the package; each needs its turn and must clear the one before
        trunk = max((abs(start[e.name][0]) for e in by_side[side]), default=0.0) + radius
        north = by_side["north"]
        if north:
            trunk = max(trunk, max(sign * e.x for e in north) + step)
        for engine in sorted(by_side[side], key=lambda e: -e.y):
            x, y = start[engine.name]
            runs = (round(trunk - radius - abs(x), 3), round(plate - y - radius, 3))
            done.append(Ribbon(engine, (heading, 90), runs, sign * trunk))
            trunk += step
        south = sorted((e for e in by_side["south"] if (e.x < 0 if sign < 0 else e.x >= 0)), key=lambda e: -sign * e.x)
        level = min((start[e.name][1] for e in by_side["south"]), default=0.0) - radius
        trunk = max([trunk, *(sign * e.x + 2 * radius for e in south)])
        for engine in south:
            x, y = start[engine.name]
            runs = (
                round(y - level - radius, 3),
                round(trunk - sign * x - 2 * radius, 3),
                round(plate - level - radius, 3),
            )
            done.append(Ribbon(engine, (270, heading, 90), runs, sign * trunk))
            trunk, level = trunk + step, level - step
    for engine in by_side["north"]:
        x, y = start[engine.name]
        done.append(Ribbon(engine, (90,), (round(plate - y, 3),), x))
    return tuple(sorted(done, key=lambda r: r.x))


def _after_fan(engine: EnginePlace, length: float, out: float) -> tuple[float, float]:
    """Where the ribbon of an engine has fanned out."""
    reach = length / 2 + out
    dx, dy = engine.outward
    return engine.x + dx * reach, engine.y + dy * reach


def ribbon_problems(spec: PackageSpec, ribbons: tuple[Ribbon, ...], bundle: Bundle) -> list[Problem]:
    """Ribbons that can't turn, reach beyond the faceplate, or stand too close at it.

    Args:
        spec: the package.
        ribbons: in faceplate order.
        bundle: their measures.
    """
    problems = []
    for ribbon in ribbons:
        if min(ribbon.runs) < 0:
            problems.append(
                spec.problem(
                    "faceplate.distance_mm",
                    f"the ribbon of engine {ribbon.engine.name} can't turn at {spec.fibres.bend_radius_mm:g} mm before "
                    f"the faceplate at {spec.faceplate.distance_mm:g} mm: {-min(ribbon.runs) * 1e-3:.1f} mm short; "
                    "move the faceplate out or allow a smaller bend_radius_mm",
                )
            )
    span = (max(abs(r.x) for r in ribbons) + bundle.width / 2) * 2e-3
    if span > spec.faceplate.width_mm:
        problems.append(
            spec.problem(
                "faceplate.width_mm",
                f"{len(ribbons)} ribbons of {bundle.width * 1e-3:.2f} mm reach {span:.1f} mm across a faceplate of "
                f"{spec.faceplate.width_mm:g} mm; allow a smaller bend_radius_mm or ribbon_gap_mm, or a wider "
                "faceplate",
            )
        )
    step = bundle.width + spec.fibres.ribbon_gap_mm * 1e3
    for side in ("east", "south", "west"):  # those of the north run straight to the faceplate, see below
        count, pitch = share_of(spec).of(side), pitch_of(spec, (0.0, bundle.fibres * bundle.pitch_array))
        if count > 1 and pitch < step - 1e-6:
            problems.append(
                spec.problem(
                    "engines.pitch_mm",
                    f"the ribbons of the {count} engines in the {side} leave {pitch * 1e-3:.2f} mm apart, "
                    f"{step * 1e-3:.2f} mm needed (ribbon + gap); raise pitch_mm or lower ribbon_gap_mm",
                )
            )
    for left, right in itertools.pairwise(ribbons):
        if right.x - left.x < step - 1e-6:
            problems.append(
                spec.problem(
                    "engines.pitch_mm",
                    f"the ribbons of engines {left.engine.name} and {right.engine.name} are "
                    f"{(right.x - left.x) * 1e-3:.2f} mm apart at the faceplate, {step * 1e-3:.2f} mm needed "
                    "(ribbon + gap); raise pitch_mm or lower ribbon_gap_mm",
                )
            )
    return problems
