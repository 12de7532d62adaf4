"""Connectors: as many fibres as they hold, each in its position, lasers apart, and room between the bodies."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np

from cpo_pdk.verify.assembly.facet_rules import LASER
from cpo_pdk.verify.assembly.levels import LASER_CONNECTORS, level_name
from cpo_pdk.verify.assembly.outcome import EQUAL, Outcome, Question, several, some, spot, um
from cpo_pdk.verify.assembly.parts import Package, Plugged
from cpo_pdk.verify.assembly.ribbon_rules import fibre_layers
from cpo_pdk.verify.assembly.shapes import box_distances, corners_of, distance

#: recorded kinds of connectors that bring laser light begin with this
ELS = "ELS"
#: fibres of a connector by its kind, `MPO-16`
_HOLDS = re.compile(r"^MPO-(\d+)$")
#: names of couplers that send and that receive, and their number
_ROLE = re.compile(r"^(tx|rx)_(\d+)$")


def by_connector(package: Package) -> dict[int, list[Plugged]]:
    """The ends of fibres at each connector, by its number."""
    found: dict[int, list[Plugged]] = defaultdict(list)
    for plug in package.plugged:
        found[plug.connector].append(plug)
    return found


def is_laser(package: Package, number: int, plugs: list[Plugged]) -> bool:
    """True for a connector that brings laser light: by its kind, by its row, else by what most of its fibres are."""
    connector = package.connectors[number]
    if connector.kind:
        return connector.kind.startswith(ELS)
    if connector.layer == LASER_CONNECTORS:
        return True
    return 2 * sum(package.fibres[plug.fibre].layer == "FIBER_PM" for plug in plugs) > len(plugs)


def _capacity(question: Question, number: int, *, laser: bool) -> tuple[int | None, str]:
    """How many fibres a connector holds, and where the spec says so: recorded, by its kind, else as asked."""
    connector, spec = question.package.connectors[number], question.spec
    if connector.positions is not None:
        return len(connector.positions), ""
    kind = _HOLDS.match(connector.kind)
    if kind:
        return int(kind[1]), ""
    if spec is not None and laser:
        return spec.laser.fibres_per_module, question.line("laser.fibres_per_module")
    if spec is not None:
        return spec.faceplate.fibres_per_connector, question.line("faceplate.connector")
    return None, ""


def connector_capacity(question: Question) -> Outcome:
    """No connector has more fibres than positions."""
    package, outcome = question.package, Outcome()
    plugs = by_connector(package)
    for number, connector in enumerate(package.connectors):
        own = plugs.get(number, [])
        holds, asked_at = _capacity(question, number, laser=is_laser(package, number, own))
        if holds is None:
            continue
        outcome.looked_at += 1
        if len(own) > holds:
            outcome.tell(
                question.violation(
                    [connector.box],
                    f"{len(own)} fibres end in {connector.name}, it has {holds} positions; lead the others to another "
                    "connector",
                    asked_at=asked_at,
                    layer=connector.layer,
                )
            )
        spec = question.spec
        per = None if spec is None else spec.faceplate.fibres_per_connector
        if spec is not None and connector.kind == spec.faceplate.connector and per is not None and holds > per:
            outcome.tell(
                question.violation(
                    [connector.box],
                    f"{connector.name} is drawn with {holds} positions, {per} asked; draw it as {connector.kind}",
                    asked_at=question.line("faceplate.connector"),
                    layer=connector.layer,
                )
            )
    return outcome


def connector_position(question: Question) -> Outcome:
    """Each fibre ends at the body, in a position of its own."""
    package, outcome, limit = question.package, Outcome(), question.rule.value
    for number, plugs in by_connector(package).items():
        connector = package.connectors[number]
        outcome.looked_at += len(plugs)
        missed = [plug for plug in plugs if abs(plug.aside) > limit + EQUAL or abs(plug.gap) > limit + EQUAL]
        if missed:
            worst = max(max(abs(plug.aside), abs(plug.gap)) for plug in missed)
            names = [package.fibre_name(plug.fibre) for plug in missed]
            outcome.tell(
                question.violation(
                    [spot(end.x, end.y) for end in _ends(package, missed)],
                    f"{len(missed)} fibres ({some(names)}) end up to {um(worst)} um beside a position of "
                    f"{connector.name}, {um(limit)} um allowed; move the connector or the fibres",
                    layer=connector.layer,
                )
            )
        shared = _sharing(package, plugs)
        for group in shared:
            names = [package.fibre_name(plug.fibre) for plug in group]
            place = f"position {group[0].position}" if group[0].position else "one place"
            outcome.tell(
                question.violation(
                    [spot(end.x, end.y, 62.5) for end in _ends(package, group)],
                    f"{len(group)} fibres ({some(names)}) end in {place} of {connector.name}, 1 allowed; give each its "
                    "own",
                    layer=connector.layer,
                )
            )
    return outcome


def _ends(package: Package, plugs: list[Plugged]):
    return [package.fibres[plug.fibre].ends[plug.end] for plug in plugs]


def _sharing(package: Package, plugs: list[Plugged]) -> list[list[Plugged]]:
    """Fibres that end in the same position; where positions are not known, nearer than a cladding."""
    if all(plug.position for plug in plugs):
        groups: dict[int, list[Plugged]] = defaultdict(list)
        for plug in plugs:
            groups[plug.position].append(plug)
        return [group for group in groups.values() if len(group) > 1]
    ordered = sorted(plugs, key=lambda plug: plug.left)
    return [[a, b] for a, b in pairwise(ordered) if b.left - a.left < package.fibres[a.fibre].width - EQUAL]


def connector_halves(question: Question) -> Outcome:
    """Transmit and receive fibres have a part of a connector each, in rising order; needs the names of the couplers."""
    package, outcome = question.package, Outcome()
    for number, plugs in by_connector(package).items():
        roles: list[tuple[int, str, int, Plugged]] = []
        for plug in plugs:
            landing = package.landed.get(plug.fibre)
            role = _ROLE.match(package.coupler_name(landing)) if landing is not None else None
            if role and plug.position:
                roles.append((plug.position, role[1], int(role[2]), plug))
        if not roles:
            continue
        outcome.looked_at += len(roles)
        connector = package.connectors[number]
        roles.sort(key=lambda entry: entry[0])
        kinds = [role for _, role, _, _ in roles]
        changes = [k for k in range(1, len(kinds)) if kinds[k] != kinds[k - 1]]
        if len(changes) > 1:
            positions = [f"{kinds[k]} at {roles[k][0]}" for k in changes]
            outcome.tell(
                question.violation(
                    [spot(end.x, end.y) for end in _ends(package, [roles[k][3] for k in changes])],
                    f"transmit and receive fibres of {connector.name} are mixed ({some(positions)}), one part of the "
                    "positions for each needed; sort them",
                    asked_at=question.line("faceplate.connector"),
                    layer=connector.layer,
                )
            )
        elif fallen := _fallen(roles):
            backwards = all(_fallen_by_role(roles))
            text = "in reversed order, as if it were mirrored" if backwards else "not in rising order"
            names = [package.fibre_name(plug.fibre) for plug in fallen]
            outcome.tell(
                question.violation(
                    [spot(end.x, end.y) for end in _ends(package, fallen)],
                    f"the fibres of {connector.name} fill its positions {text} ({some(names)}), 0 swapped allowed; "
                    "exchange them or turn the connector",
                    layer=connector.layer,
                )
            )
    return outcome


def _fallen(roles: list[tuple[int, str, int, Plugged]]) -> list[Plugged]:
    """Fibres whose number is below that of the fibre in the position before."""
    pairs = pairwise(roles)
    return [b[3] for a, b in pairs if a[1] == b[1] and b[2] <= a[2]]


def _fallen_by_role(roles: list[tuple[int, str, int, Plugged]]) -> list[bool]:
    """For neighbours of one role: whether the number falls."""
    return [b[2] < a[2] for a, b in pairwise(roles) if a[1] == b[1]]


def connector_laser(question: Question) -> Outcome:
    """Fibres that maintain polarisation end in laser connectors, and only they."""
    package, outcome = question.package, Outcome()
    for number, plugs in by_connector(package).items():
        connector = package.connectors[number]
        laser = is_laser(package, number, plugs)
        outcome.looked_at += len(plugs)
        wrong = [plug for plug in plugs if (package.fibres[plug.fibre].layer == "FIBER_PM") != laser]
        if wrong:
            names = [package.fibre_name(plug.fibre) for plug in wrong]
            kind = connector.kind or ("laser connector" if laser else "data connector")
            what = several(len(wrong), "data fibre" if laser else f"{LASER} fibre")
            verb = "ends" if len(wrong) == 1 else "end"
            outcome.tell(
                question.violation(
                    [spot(end.x, end.y) for end in _ends(package, wrong)],
                    f"{what} ({some(names)}) {verb} in {connector.name} ({kind}), 0 allowed; lead them to a "
                    + ("data connector" if laser else "laser connector"),
                    asked_at=question.line("laser.connector"),
                    layer="/".join([connector.layer, fibre_layers(package, (plug.fibre for plug in wrong))]),
                )
            )
    return outcome


def connector_row(question: Question) -> Outcome:
    """The fibres of a connector lie in one ribbon layer, those of lasers in theirs; as many layers as the spec has."""
    package, outcome, spec = question.package, Outcome(), question.spec
    for number, plugs in by_connector(package).items():
        connector = package.connectors[number]
        outcome.looked_at += len(plugs)
        counts = Counter(package.planes[plug.fibre] for plug in plugs)
        lasers = connector.layer == LASER_CONNECTORS
        fitting = [level for level in counts if (level == 0) is lasers]
        # the layer of most of them is that of the connector
        own = max(fitting, key=lambda level: (counts[level], -level), default=None)
        for level in sorted(counts):
            if level == own:
                continue
            group = [plug for plug in plugs if package.planes[plug.fibre] == level]
            names = [package.fibre_name(plug.fibre) for plug in group]
            count = several(len(group), "fibre")
            if own is None:
                belongs = "a row of laser connectors" if lasers else "a row of data connectors"
            else:
                belongs = level_name(own)
            outcome.tell(
                question.violation(
                    [spot(end.x, end.y) for end in _ends(package, group)],
                    f"{count} ({some(names)}) of {level_name(level)} in {connector.name}, which belongs to {belongs}, "
                    "0 allowed; draw them in its layer",
                    layer="/".join([connector.layer, fibre_layers(package, (plug.fibre for plug in group))]),
                )
            )
    levels = range(1, 99 if spec is None else spec.fibres.levels + 1)
    for level in sorted({plane for plane in package.planes if plane and plane not in levels}):
        numbers = [number for number, plane in enumerate(package.planes) if plane == level]
        outcome.tell(
            question.violation(
                [package.fibres[number].box for number in numbers],
                f"{several(len(numbers), 'fibre')} in ribbon layer {level}, {len(levels)} asked; lead them in one of "
                "those or raise levels",
                asked_at=question.line("fibres.levels"),
                layer=fibre_layers(package, numbers),
            )
        )
    return outcome


def connector_spacing(question: Question) -> Outcome:
    """Bodies of connectors of one row keep apart; rows stand above one another."""
    package, outcome, limit = question.package, Outcome(looked_at=len(question.package.connectors)), question.rule.value
    boxes = corners_of(connector.box for connector in package.connectors)
    for i, a in enumerate(package.connectors):
        for j in np.flatnonzero(box_distances(boxes[i + 1 :], a.box) < limit - EQUAL):
            b = package.connectors[i + 1 + int(j)]
            space = distance(a.outline, b.outline)
            if a.layer == b.layer and space < limit - EQUAL:
                state = "overlap or touch" if space == 0 else f"stand {um(space)} um apart"
                outcome.tell(
                    question.violation(
                        [a.box, b.box],
                        f"{a.name} and {b.name} {state}, {um(limit)} um needed; move one of them",
                        layer=a.layer,
                    )
                )
    return outcome


def connector_plate(question: Question) -> Outcome:
    """Connectors stand within the width of the faceplate, and where the spec asks for it on its line."""
    package, outcome, spec = question.package, Outcome(), question.spec
    width = question.rule.value if spec is None else min(question.rule.value, spec.faceplate.width_mm * 1e3)
    asked_at = question.line("faceplate.width_mm")
    middle = package.substrates[0].bbox().center() if len(package.substrates) == 1 else None
    for number, connector in enumerate(package.connectors):
        heading = package.headings.get(number)
        if heading is None or middle is None:
            continue
        outcome.looked_at += 1
        box = connector.box
        low, high = (
            (box.left - middle.x, box.right - middle.x) if heading[1] else (box.bottom - middle.y, box.top - middle.y)
        )
        over = max(-low, high) - width / 2
        if over > EQUAL:
            outcome.tell(
                question.violation(
                    [box],
                    f"{connector.name} stands {um(over / 1e3)} mm beyond the end of the faceplate of {um(width / 1e3)} "
                    "mm; move it inwards",
                    asked_at=asked_at,
                    layer=connector.layer,
                )
            )
        if spec is not None:
            back = _back(box, heading, (middle.x, middle.y))
            off = back - spec.faceplate.distance_mm * 1e3
            if abs(off) > question.number("line") + EQUAL:
                outcome.tell(
                    question.violation(
                        [box],
                        f"{connector.name} stands {um(back / 1e3)} mm from the middle of the package, "
                        f"{um(spec.faceplate.distance_mm)} mm asked, {um(question.number('line'))} um off allowed; "
                        f"move it by {um(-off)} um",
                        asked_at=question.line("faceplate.distance_mm"),
                        layer=connector.layer,
                    )
                )
    return outcome


def _back(box, heading: tuple[int, int], middle: tuple[float, float]) -> float:
    """Distance of the side at which the fibres arrive from the middle of the package, along the heading."""
    if heading[0]:
        return (box.left - middle[0]) if heading[0] > 0 else (middle[0] - box.right)
    return (box.bottom - middle[1]) if heading[1] > 0 else (middle[1] - box.top)
