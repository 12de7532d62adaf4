"""Room that belongs to one part or to none: keep-outs, lid, stiffener, socket, cold plate, plugs drawn out."""

from __future__ import annotations

from collections.abc import Iterator

import klayout.db as kdb
import numpy as np

from cpo_pdk.errors import InputError
from cpo_pdk.verify.assembly.fibre_paths import Fibre
from cpo_pdk.verify.assembly.outcome import EQUAL, Outcome, Question, some, um
from cpo_pdk.verify.assembly.parts import Connector, Engine, Package
from cpo_pdk.verify.assembly.placed import Numbers, Points
from cpo_pdk.verify.assembly.ribbon_rules import fibre_layers
from cpo_pdk.verify.assembly.shapes import corners_of, enlarged, overlap, polygon_of, room_inside
from cpo_pdk.verify.assembly.support_rules import board_name
from cpo_pdk.verify.findings import Violation

#: parts that have an outline of their own
DIES = ("engine", "asic", "connector", "carrier")
#: layers of what stands on the substrate as high as an engine
WALLS = ("LID", "STIFFENER", "SOCKET")
#: of these only what is higher than a fibre: without what fibres pass over
HIGH = tuple(f"high {layer}" for layer in WALLS)


class Obstacles:
    """Finds the parts that reach into some room."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self._fibres = corners_of(fibre.box for fibre in package.fibres)
        self._known: dict[str, tuple[list[tuple[object, str, kdb.DPolygon]], Points]] = {}

    @staticmethod
    def of(package: Package) -> Obstacles:
        """Those of a package, made once."""
        known = package.known_obstacles
        if not isinstance(known, Obstacles):
            known = package.known_obstacles = Obstacles(package)
        return known

    def fibres(self, room: kdb.DPolygon, but_of: Engine | None = None) -> list[int]:
        """Numbers of the fibres that reach into some room, those of one engine left out."""
        return [
            number
            for number in _meeting(self._fibres, room.bbox()).tolist()
            if not self._belongs(number, but_of)
            and _passes(self.package.fibres[number], room.bbox())
            and not overlap([self.package.fibres[number].outline], [room]).empty()
        ]

    def _belongs(self, fibre: int, engine: Engine | None) -> bool:
        """True when a fibre is one of an engine's own."""
        landing = self.package.landed.get(fibre)
        return engine is not None and landing is not None and self.package.engines[landing.engine] is engine

    def outlines(self, room: kdb.DPolygon, kinds: tuple[str, ...]) -> Iterator[tuple[object, str, kdb.DBox]]:
        """Dies, connectors and walls in some room: the part, its name, box of what they have in common."""
        for kind in kinds:
            parts, boxes = self._parts(kind)
            for number in _meeting(boxes, room.bbox()):
                part, name, outline = parts[number]
                common = overlap([outline], [room])
                if not common.empty():
                    yield part, name, common

    def _parts(self, kind: str) -> tuple[list[tuple[object, str, kdb.DPolygon]], Points]:
        """Parts of a kind, for the name of a layer what is drawn on it, and their boxes."""
        if kind not in self._known:
            groups = {"engine": self.package.engines, "asic": self.package.asics, "connector": self.package.connectors}
            found: list[tuple[object, str, kdb.DPolygon]]
            if kind in groups:
                found = [(part, part.name, part.outline) for part in groups[kind]]
            elif kind == "carrier":
                found = [(None, board_name(self.package, board), board) for board in self.package.drawn("CARRIER")]
            elif kind in HIGH:
                layer = kind.partition(" ")[2]
                found = [(None, layer, polygon) for polygon in self.package.high(layer)]
            else:
                found = [(None, kind, polygon) for polygon in self.package.drawn(kind)]
            self._known[kind] = found, corners_of(outline.bbox() for _, _, outline in found)
        return self._known[kind]


def _meeting(boxes: Points, box: kdb.DBox) -> Numbers:
    """Numbers of the boxes that overlap a box."""
    near = (boxes[:, 0] < box.right) & (boxes[:, 2] > box.left)
    return np.flatnonzero(near & (boxes[:, 1] < box.top) & (boxes[:, 3] > box.bottom))


def _passes(fibre: Fibre, box: kdb.DBox) -> bool:
    """True when the box of any stretch of a fibre overlaps a box."""
    a, b, half = fibre.line[:-1], fibre.line[1:], fibre.width / 2
    low, high = np.minimum(a, b) - half, np.maximum(a, b) + half
    near = (low[:, 0] < box.right) & (high[:, 0] > box.left) & (low[:, 1] < box.top) & (high[:, 1] > box.bottom)
    return bool(near.any())


def engine_keepout(question: Question) -> Outcome:
    """Each engine has a keep-out around it, and nothing foreign is in it."""
    package, outcome = question.package, Outcome()
    rooms = package.drawn("KEEPOUT")
    if not rooms:
        return outcome
    asked = None if question.spec is None else question.spec.engines.keepout_um
    limit, asked_at = question.stricter("engines.keepout_um", asked)
    obstacles = Obstacles.of(package)
    owned: list[Engine] = []
    for room in rooms:
        outcome.looked_at += 1
        owner = _owner(package, room)
        if owner is not None:
            owned.append(owner)
            margin = room_inside(room, owner.outline)
            if margin < limit - EQUAL:
                state = "stands out of its keep-out by" if margin < 0 else "has a keep-out of"
                outcome.tell(
                    question.violation(
                        [owner.box, room.bbox()],
                        f"{owner.name} {state} {um(abs(margin))} um, {um(limit)} um of room needed on all sides; move "
                        "the two together or enlarge the keep-out",
                        asked_at=asked_at,
                    )
                )
        for violation in _foreign(question, obstacles, room, owner):
            outcome.tell(violation)
    for engine in package.engines:
        if not any(engine is owner for owner in owned):
            outcome.tell(
                question.violation(
                    [engine.box],
                    f"{engine.name} has no keep-out, {um(limit)} um of room needed on all sides; draw one around it",
                    asked_at=asked_at,
                )
            )
    return outcome


def _owner(package: Package, room: kdb.DPolygon) -> Engine | None:
    """The engine that a keep-out is drawn around: of those with their centre in it, the one nearest to its centre."""
    middle = room.bbox().center()
    inside = [engine for engine in package.engines if room.inside(engine.box.center())]
    return min(inside, key=lambda engine: (engine.box.center() - middle).length(), default=None)


def _foreign(question: Question, obstacles: Obstacles, room: kdb.DPolygon, owner: Engine | None) -> Iterator[Violation]:
    package = question.package
    whose = f"the keep-out of {owner.name}" if owner is not None else "a keep-out"
    for part, name, common in obstacles.outlines(room, ("engine", "asic", "connector", *WALLS)):
        if owner is not None and part is owner:
            continue
        yield question.violation(
            [common],
            f"{name} reaches {um(min(common.width(), common.height()))} um into {whose}, 0 um allowed; move it out",
            asked_at=question.line("engines.keepout_um"),
        )
    foreign = obstacles.fibres(room, owner)
    if foreign:
        names = [package.fibre_name(number) for number in foreign]
        yield question.violation(
            [overlap([package.fibres[number].outline], [room]) for number in foreign],
            f"{len(foreign)} foreign fibres ({some(names)}) run through {whose}, 0 allowed; lead them around",
            layer="/".join(["KEEPOUT", fibre_layers(package, foreign)]),
        )


def keep_out(question: Question) -> Outcome:
    """Parts that may not be where a wall or a plate is.

    The rule says which: `engine`, `asic`, `connector`, `carrier`, `fibre`, `array` (the block that holds the fibres at
    a facet). What is drawn on OVERPASS is no hindrance to the last two.

    Raises:
        InputError: the rule names something else.
    """
    package, outcome, rule = question.package, Outcome(), question.rule
    layer, kinds = rule.layers[0], question.words("parts")
    unknown = sorted(set(kinds) - {*DIES, "fibre", "array"})
    if unknown:
        known = ", ".join((*DIES, "fibre", "array"))
        raise InputError(f"rule {rule.name}: parts names {', '.join(unknown)}, there are {known}; correct it")
    walls = package.drawn(layer)
    if not walls:
        return outcome
    obstacles = Obstacles.of(package)
    for wall in walls:
        outcome.looked_at += 1
        room = enlarged(wall, rule.value)
        cure = f"{um(rule.value)} um of clearance needed; move it or open the {layer}"
        for _, name, common in obstacles.outlines(room, tuple(kind for kind in kinds if kind in DIES)):
            outcome.tell(
                question.violation([common], f"{name} stands in the {layer} or too close to it, {cure}", layer=layer)
            )
    # fibres, and the blocks that hold them, pass over what is low
    blocks = array_blocks(package, question.number("depth"), question.number("beside")) if "array" in kinds else []
    for wall in package.high(layer):
        room = enlarged(wall, rule.value)
        cure = f"{um(rule.value)} um of clearance needed; move it or open the {layer}"
        crossing = obstacles.fibres(room) if "fibre" in kinds else []
        if crossing:
            names = [package.fibre_name(number) for number in crossing]
            outcome.tell(
                question.violation(
                    [overlap([package.fibres[number].outline], [room]) for number in crossing],
                    f"{len(crossing)} fibres ({some(names)}) run through the {layer} or too close to it, 0 allowed, "
                    f"{cure}",
                    layer="/".join([layer, fibre_layers(package, crossing)]),
                )
            )
        for engine, block in blocks:
            common = overlap([block], [room]) if room.bbox().overlaps(block.bbox()) else kdb.DBox()
            if not common.empty():
                outcome.tell(
                    question.violation(
                        [common], f"the fibre array of {engine.name} is under the {layer}, {cure}", layer=layer
                    )
                )
    return outcome


def array_blocks(package: Package, depth: float, beside: float) -> list[tuple[Engine, kdb.DPolygon]]:
    """The blocks that hold the fibres in front of the facets of placed engines.

    Args:
        package: the parts.
        depth: from the facet outwards, um.
        beside: beyond the axes of the outer fibres, um.
    """
    return [
        (engine, facet.strip(0.0, depth, beside).transformed(engine.place.trans))
        for engine in package.engines
        for facet in engine.die.facets
        if len(facet.along)
    ]


def array_footprint(question: Question) -> Outcome:
    """The room of the block that holds the fibres of an engine is free of other parts."""
    package, outcome = question.package, Outcome()
    if not package.fibres:
        return outcome
    obstacles = Obstacles.of(package)
    blocks = array_blocks(package, question.rule.value, question.number("beside"))
    sawn = array_blocks(package, question.rule.value, question.number("between"))
    boxes = corners_of(block.bbox() for _, block in sawn)
    for number, (engine, block) in enumerate(blocks):
        outcome.looked_at += 1
        kinds = ("engine", "asic", "connector", *HIGH)
        hits = [(name, common) for part, name, common in obstacles.outlines(block, kinds) if part is not engine]
        for k in _meeting(boxes[number + 1 :], sawn[number][1].bbox()).tolist():
            other, room = sawn[number + 1 + k]
            common = overlap([room], [sawn[number][1]]) if other is not engine else kdb.DBox()
            if not common.empty():
                by = min(common.width(), common.height())
                text = (
                    f"the fibre arrays of {engine.name} and {other.name} overlap by {um(by)} um, 0 um allowed with "
                    f"{um(question.number('between'))} um beside the outer fibres of each; move the engines apart"
                )
                outcome.tell(question.violation([common], text))
        hits += [
            (package.fibre_name(fibre), overlap([package.fibres[fibre].outline], [block]))
            for fibre in obstacles.fibres(block, engine)
        ]
        for name, common in hits:
            outcome.tell(
                question.violation(
                    [common],
                    f"{name} stands in the room of the fibre array of {engine.name}, {um(question.rule.value)} um in "
                    f"front of its facet and {um(question.number('beside'))} um beside its outer fibres must be free; "
                    "move it out",
                )
            )
    return outcome


def connector_swept(question: Question) -> Outcome:
    """The room in front of a connector, in which the plug is drawn out, is free."""
    package, outcome = question.package, Outcome()
    obstacles = Obstacles.of(package)
    for number, connector in enumerate(package.connectors):
        heading = package.headings.get(number)
        if heading is None:
            continue
        outcome.looked_at += 1
        room = polygon_of(_ahead(connector, heading, question.rule.value))
        kinds = ("engine", "asic", "connector", "SUBSTRATE", "COLDPLATE", *WALLS)
        there = obstacles.outlines(room, kinds)
        # plugs of other rows are drawn out above or below
        hits = [
            (name, common)
            for part, name, common in there
            if not isinstance(part, Connector) or part.layer == connector.layer
        ]
        hits += [
            (package.fibre_name(fibre), overlap([package.fibres[fibre].outline], [room]))
            for fibre in obstacles.fibres(room)
        ]
        for name, common in hits:
            outcome.tell(
                question.violation(
                    [common],
                    f"{name} stands where the plug of {connector.name} is drawn out, {um(question.rule.value)} um in "
                    "front of it must be free; move one of the two",
                )
            )
    return outcome


def _ahead(connector: Connector, heading: tuple[int, int], depth: float) -> kdb.DBox:
    box = connector.box
    dx, dy = heading[0] * depth, heading[1] * depth
    left = box.right if dx > 0 else box.left + min(dx, 0.0)
    right = box.left if dx < 0 else box.right + max(dx, 0.0)
    bottom = box.top if dy > 0 else box.bottom + min(dy, 0.0)
    top = box.bottom if dy < 0 else box.top + max(dy, 0.0)
    return kdb.DBox(left, bottom, right, top)
