"""Where everything of a package stands: engines round the ASIC, ribbons to the faceplate, connectors.

Pure geometry on frozen values, no layout: what does not fit is found here, with the line of the spec that would have to change.

Ribbons run in one plane without crossing. Engines in the north send theirs straight up; those in the west leave westwards and turn
north, the southernmost furthest out; those in the south leave southwards, turn towards the nearer side and then north, outside of all
others; the east mirrors the west. From left to right at the faceplate: south-west from the middle outwards, west from south to north,
north, east from north to south, south-east from the outside to the middle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from cpo_pdk.components.fibers import Step
from cpo_pdk.errors import Problem, SpecError
from cpo_pdk.spec.package import PackageSpec

ROTATION = {"east": 0, "north": 90, "west": 180, "south": 270}
LEAD = 500.0  # straight fibre from the facet before the ribbon fans out, um

# Widths of connectors at the faceplate, um. Chosen: no source in the reference data gives them. An MPO adapter is about 12.4 mm wide
# whatever its fibre count (IEC 61754-7 family); a laser port is taken as one small ferrule.
MPO_BODY = 12_400.0
LASER_BODY = 8_000.0
BODY_GAP = 500.0


@dataclass(frozen=True)
class EnginePlace:
    """One engine: name (`N1`), side, number on its side, centre in um, rotation in degrees (0: facet east)."""

    name: str
    side: str
    number: int
    x: float
    y: float

    @property
    def rotation(self) -> int:
        """Rotation of the engine cell in degrees."""
        return ROTATION[self.side]


@dataclass(frozen=True)
class Group:
    """Neighbouring fibres of a ribbon that end in one connector.

    Attributes:
        name, kind: of the connector, `MPO-N1` and `MPO-16`.
        first, count: fibres `first` ... `first + count - 1` of the engine's array (0: southernmost).
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
        runs: lengths of the straights of the ribbon's centre line after the fan-out, um: one more than bends.
        x: where its centre line runs north, um.
        groups: connectors that it ends in, from east to west.
    """

    engine: EnginePlace
    turns: tuple[int, ...]
    runs: tuple[float, ...]
    x: float
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True)
class Plan:
    """A package that fits: engines, ribbons in faceplate order, and the ribbons' common measures in um."""

    engines: tuple[EnginePlace, ...]
    ribbons: tuple[Ribbon, ...]
    fibres: int
    pitch_array: float
    pitch_ribbon: float
    fan_length: float
    radius_center: float
    end_length: float = 0.0

    def route(self, ribbon: Ribbon, group: Group, index: int) -> tuple[Step, ...]:
        """Steps of fibre `index` (0: southernmost of the engine's array) of a group from the facet to its connector."""
        place = index - (self.fibres - 1) / 2
        offset = round(place * (self.pitch_ribbon - self.pitch_array), 3)
        steps: list[Step] = [("line", LEAD, 0.0), ("s", self.fan_length, offset)]
        aside = round(place * self.pitch_ribbon, 3)
        for run, here, there in zip(ribbon.runs, ribbon.turns, ribbon.turns[1:], strict=False):
            left = 1 if (there - here) % 360 == 90 else -1
            steps += [("line", run, 0.0), ("arc", round(self.radius_center - left * aside, 3), left * 90.0)]
        steps.append(("line", round(ribbon.runs[-1] - self.end_length, 3), 0.0))
        if self.end_length:
            steps.append(("s", self.end_length, -group.shift))
        return tuple(steps)

    def fibre_x(self, ribbon: Ribbon, group: Group, index: int) -> float:
        """Where fibre `index` of a group meets its connector, um."""
        return round(ribbon.x - (index - (self.fibres - 1) / 2) * self.pitch_ribbon + group.shift, 3)

    def stub(self, index: int, length: float) -> tuple[Step, ...]:
        """Steps of an alignment fibre that follows the fan-out and ends after `length` um."""
        place = index - (self.fibres - 1) / 2
        offset = round(place * (self.pitch_ribbon - self.pitch_array), 3)
        rest = round(length - LEAD - self.fan_length, 3)
        return (("line", LEAD, 0.0), ("s", self.fan_length, offset), ("line", max(rest, 0.0), 0.0))


def plan(spec: PackageSpec, engine_size: tuple[float, float]) -> Plan:
    """Place the engines and plan the ribbons.

    Args:
        spec: the package.
        engine_size: length (towards the facet) and width of the engine in um.

    Raises:
        SpecError: with everything that does not fit, at the lines of the spec.
    """
    engines = _engines(spec, engine_size)
    problems = _engine_problems(spec, engine_size)
    fibres = spec.engine.fibre_counts["total"]
    pitch_array, pitch_ribbon = spec.engine.fibre_pitch_um, spec.fibres.ribbon_pitch_um
    half = (fibres - 1) / 2
    radius = spec.fibres.bend_radius_mm * 1e3
    spread = half * abs(pitch_ribbon - pitch_array)
    fan = math.ceil(math.sqrt(2 * math.pi * spread * radius) / 100 + 1) * 100.0 if spread else 100.0
    shape = Plan(engines, (), fibres, pitch_array, pitch_ribbon, fan, round(radius + half * pitch_ribbon, 3))
    problems += _fibre_problems(spec, shape)
    ribbons, more = _ribbons(spec, engine_size, shape)
    problems += more
    if problems:
        raise SpecError(problems)
    ribbons, end = _slots(spec, ribbons, shape)
    return Plan(engines, ribbons, fibres, pitch_array, pitch_ribbon, fan, shape.radius_center, end)


def _groups(spec: PackageSpec, engine: str) -> tuple[Group, ...]:
    """Connectors of one engine from east to west: lasers, then data fibres by as many as a connector holds."""
    counts, holds = spec.engine.fibre_counts, spec.faceplate.fibres_per_connector
    first = 2 if spec.engine.loopbacks else 0
    groups = [Group(f"{spec.laser.connector}-{engine}", spec.laser.connector, first, counts["laser"], LASER_BODY)]
    first, left = first + counts["laser"], counts["tx"] + counts["rx"]
    several = left > holds
    for k in range(math.ceil(left / holds)):
        name = f"MPO-{engine}" + (f"-{k + 1}" if several else "")
        groups.append(Group(name, spec.faceplate.connector, first, min(holds, left), MPO_BODY))
        first, left = first + holds, left - holds
    return tuple(groups)


def _slot_width(spec: PackageSpec) -> float:
    return sum(g.body + BODY_GAP for g in _groups(spec, ""))


def _slots(spec: PackageSpec, ribbons: tuple[Ribbon, ...], shape: Plan) -> tuple[tuple[Ribbon, ...], float]:
    """Give every connector its place at the faceplate, as near to its ribbon as the neighbours allow.

    Returns:
        Ribbons with their groups shifted, and the length of the last stretch in which the shift is made, um.

    Raises:
        SpecError: when the connectors do not fit or the shift can't be made in the length there is.
    """
    width = _slot_width(spec)
    centers = _spread([r.x for r in ribbons], width)
    span = (max(abs(x) for x in centers) + width / 2) * 2e-3
    if span > spec.faceplate.width_mm:
        raise SpecError(
            [
                spec.problem(
                    "faceplate.width_mm",
                    f"the connectors of {len(ribbons)} engines ({width * 1e-3:.1f} mm each) reach {span:.1f} mm across a faceplate of "
                    f"{spec.faceplate.width_mm:g} mm; use connectors with more fibres or a wider faceplate",
                )
            ]
        )
    shifted = []
    for ribbon, center in zip(ribbons, centers, strict=True):
        edge, groups = center + width / 2, []
        for group in _groups(spec, ribbon.engine.name):
            edge -= BODY_GAP / 2 + group.body / 2
            middle = group.first + (group.count - 1) / 2 - (shape.fibres - 1) / 2
            groups.append(replace(group, shift=round(edge - (ribbon.x - middle * shape.pitch_ribbon), 3)))
            edge -= group.body / 2 + BODY_GAP / 2
        shifted.append(replace(ribbon, groups=tuple(groups)))
    most = max(abs(g.shift) for r in shifted for g in r.groups)
    end = math.ceil(math.sqrt(2 * math.pi * most * spec.fibres.bend_radius_mm * 1e3) / 100 + 1) * 100.0 if most else 0.0
    for ribbon in shifted:
        if ribbon.runs[-1] < end:
            raise SpecError(
                [
                    spec.problem(
                        "faceplate.distance_mm",
                        f"the fibres of engine {ribbon.engine.name} have {ribbon.runs[-1] * 1e-3:.1f} mm before the faceplate to move "
                        f"{most * 1e-3:.1f} mm sideways to their connectors and need {end * 1e-3:.1f} mm at a bend radius of "
                        f"{spec.fibres.bend_radius_mm:g} mm; move the faceplate out by {(end - ribbon.runs[-1]) * 1e-3:.1f} mm",
                    )
                ]
            )
    return tuple(shifted), end


def _spread(wanted: list[float], width: float) -> list[float]:
    """Positions at least `width` apart, in the given (rising) order, nearest to the wanted ones in the least-squares sense."""
    blocks: list[list[float]] = []  # pool adjacent violators on x_k - k width
    for k, x in enumerate(wanted):
        blocks.append([x - k * width, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, count = blocks.pop()
            blocks[-1] = [
                (blocks[-1][0] * blocks[-1][1] + mean * count) / (blocks[-1][1] + count),
                blocks[-1][1] + count,
            ]
    flat = [mean for mean, count in blocks for _ in range(int(count))]
    return [round(x + k * width, 3) for k, x in enumerate(flat)]


def _engines(spec: PackageSpec, size: tuple[float, float]) -> tuple[EnginePlace, ...]:
    width, height = (s * 1e3 for s in spec.asic.size_mm)
    gap, pitch = spec.engines.gap_mm * 1e3, spec.engines.pitch_mm * 1e3
    away = {"north": height / 2, "south": height / 2, "east": width / 2, "west": width / 2}
    places = []
    for side in ("north", "east", "south", "west"):
        count = getattr(spec.engines.per_side, side)
        reach = away[side] + gap + size[0] / 2
        for k in range(count):
            along = (k - (count - 1) / 2) * pitch
            x, y = {
                "north": (along, reach),
                "south": (along, -reach),
                "east": (reach, -along),
                "west": (-reach, -along),
            }[side]
            places.append(EnginePlace(f"{side[0].upper()}{k + 1}", side, k + 1, round(x, 3), round(y, 3)))
    return tuple(places)


def _engine_problems(spec: PackageSpec, size: tuple[float, float]) -> list[Problem]:
    problems = []
    need = (size[1] + spec.engines.keepout_um) * 1e-3
    pitch = spec.engines.pitch_mm
    counts = spec.engines.per_side.model_dump()
    if max(counts.values()) > 1 and pitch < need:
        problems.append(
            spec.problem(
                "engines.pitch_mm",
                f"engines overlap: pitch {pitch:g} mm is below engine width {size[1] * 1e-3:.3f} mm + keep-out "
                f"{spec.engines.keepout_um * 1e-3:g} mm = {need:.3f} mm; raise pitch_mm to at least {math.ceil(need * 100) / 100:g}",
            )
        )
    for side, edge in (("north", 0), ("east", 1), ("south", 0), ("west", 1)):
        room, taken = spec.asic.size_mm[edge], (counts[side] - 1) * pitch + size[1] * 1e-3
        if counts[side] and taken > room:
            problems.append(
                spec.problem(
                    f"engines.per_side.{side}",
                    f"{counts[side]} engines do not fit the {side} side: ({counts[side]} - 1) x {pitch:g} + {size[1] * 1e-3:.3f} = "
                    f"{taken:.2f} mm of {room:g} mm; use fewer engines there or a smaller pitch_mm",
                )
            )
    for axis, name in ((0, "width"), (1, "height")):
        sides = ("east", "west") if axis == 0 else ("north", "south")
        if not any(counts[s] for s in sides):
            continue
        need_mm = spec.asic.size_mm[axis] + 2 * (spec.engines.gap_mm + size[0] * 1e-3)
        if need_mm > spec.substrate.size_mm[axis]:
            problems.append(
                spec.problem(
                    "substrate.size_mm",
                    f"engines stand out of the substrate: {name} {spec.substrate.size_mm[axis]:g} mm, ASIC + 2 x (gap + engine) need "
                    f"{need_mm:.2f} mm; enlarge the substrate or reduce gap_mm",
                )
            )
    if spec.engines.gap_mm * 1e3 < spec.engines.keepout_um:
        problems.append(
            spec.problem(
                "engines.gap_mm",
                f"gap {spec.engines.gap_mm:g} mm to the ASIC is inside the keep-out of {spec.engines.keepout_um:g} um; raise gap_mm",
            )
        )
    if any(counts[s] for s in ("north", "south")) and any(counts[s] for s in ("east", "west")):
        problems += _corner_problems(spec, size)
    return problems


def _corner_problems(spec: PackageSpec, size: tuple[float, float]) -> list[Problem]:
    """Engines round a corner of the ASIC: their keep-outs must not meet."""
    places = _engines(spec, size)
    boxes = {}
    for place in places:
        dx, dy = (size[0], size[1]) if place.rotation in (0, 180) else (size[1], size[0])
        boxes[place.name] = (place.x - dx / 2, place.y - dy / 2, place.x + dx / 2, place.y + dy / 2)
    keep = spec.engines.keepout_um
    for i, a in enumerate(places):
        for b in places[i + 1 :]:
            if a.side == b.side:
                continue
            p, q = boxes[a.name], boxes[b.name]
            space = max(max(p[0], q[0]) - min(p[2], q[2]), max(p[1], q[1]) - min(p[3], q[3]))
            if space < keep:
                return [
                    spec.problem(
                        "engines.gap_mm",
                        f"engines {a.name} and {b.name} overlap or stand {max(space, 0):.0f} um apart, keep-out is {keep:g} um; raise "
                        "gap_mm or lower pitch_mm",
                    )
                ]
    return []


def _fibre_problems(spec: PackageSpec, shape: Plan) -> list[Problem]:
    problems = []
    if shape.pitch_ribbon < 125.0:
        problems.append(
            spec.problem(
                "fibres.ribbon_pitch_um",
                f"ribbon pitch {shape.pitch_ribbon:g} um is below a fibre's 125 um; use 127 or 250 um",
            )
        )
    if shape.pitch_array < 125.0:
        problems.append(
            spec.problem(
                "engine.fibre_pitch_um",
                f"array pitch {shape.pitch_array:g} um is below a fibre's 125 um; use 127 um or more",
            )
        )
    need = LEAD + shape.fan_length
    if spec.engine.loopbacks and spec.fibres.loopback_length_mm * 1e3 < need:
        problems.append(
            spec.problem(
                "fibres.loopback_length_mm",
                f"loopback fibres of {spec.fibres.loopback_length_mm:g} mm end inside the fan-out from {shape.pitch_array:g} to "
                f"{shape.pitch_ribbon:g} um, which takes {need * 1e-3:g} mm at {spec.fibres.bend_radius_mm:g} mm bend radius; "
                f"make them at least {need * 1e-3:g} mm",
            )
        )
    return problems


def _ribbons(spec: PackageSpec, size: tuple[float, float], shape: Plan) -> tuple[tuple[Ribbon, ...], list[Problem]]:
    """Ribbons in faceplate order, nested so that none crosses another."""
    plate = spec.faceplate.distance_mm * 1e3
    radius, out = shape.radius_center, LEAD + shape.fan_length
    width = (shape.fibres - 1) * shape.pitch_ribbon + 125.0
    step = max(width + spec.fibres.ribbon_gap_mm * 1e3, _slot_width(spec))
    by_side = {side: [e for e in shape.engines if e.side == side] for side in ROTATION}
    start = {e.name: _after_fan(e, size[0], out) for e in shape.engines}
    problems: list[Problem] = []
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
    done.sort(key=lambda r: r.x)
    for ribbon in done:
        if min(ribbon.runs) < 0:
            worst = -min(ribbon.runs) * 1e-3
            problems.append(
                spec.problem(
                    "faceplate.distance_mm",
                    f"the ribbon of engine {ribbon.engine.name} can't turn at {spec.fibres.bend_radius_mm:g} mm before the faceplate at "
                    f"{spec.faceplate.distance_mm:g} mm: {worst:.1f} mm short; move the faceplate out or allow a smaller bend_radius_mm",
                )
            )
    problems += _plate_problems(spec, done, width)
    return tuple(done), problems


def _after_fan(engine: EnginePlace, length: float, out: float) -> tuple[float, float]:
    """Where the ribbon of an engine has fanned out."""
    reach = length / 2 + out
    dx, dy = {"east": (1, 0), "north": (0, 1), "west": (-1, 0), "south": (0, -1)}[engine.side]
    return engine.x + dx * reach, engine.y + dy * reach


def _plate_problems(spec: PackageSpec, ribbons: list[Ribbon], width: float) -> list[Problem]:
    problems = []
    step = width + spec.fibres.ribbon_gap_mm * 1e3
    span = (max(abs(r.x) for r in ribbons) + width / 2) * 2e-3
    if span > spec.faceplate.width_mm:
        problems.append(
            spec.problem(
                "faceplate.width_mm",
                f"{len(ribbons)} ribbons of {width * 1e-3:.2f} mm reach {span:.1f} mm across a faceplate of {spec.faceplate.width_mm:g} mm; "
                "allow a smaller bend_radius_mm or ribbon_gap_mm, or a wider faceplate",
            )
        )
    for left, right in zip(ribbons, ribbons[1:], strict=False):
        if right.x - left.x < step - 1e-6:
            problems.append(
                spec.problem(
                    "engines.pitch_mm",
                    f"the ribbons of engines {left.engine.name} and {right.engine.name} are {(right.x - left.x) * 1e-3:.2f} mm apart at the "
                    f"faceplate, {step * 1e-3:.2f} mm needed (ribbon + gap); raise pitch_mm or lower ribbon_gap_mm",
                )
            )
    return problems
