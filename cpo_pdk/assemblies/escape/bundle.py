"""What all ribbons of a package have in common: where each fibre lies in them, how they fan out, how tight they bend.

Seen along the way of the light out of the engine, `aside` is how far left of the ribbon's centre line a fibre lies.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from cpo_pdk.components.curves import sine_s_length
from cpo_pdk.components.drawing import FACE_WIDTH
from cpo_pdk.components.fibers import FIBER_CHORD_ERROR, Step
from cpo_pdk.errors import Problem
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.port_plan import data_connectors, facet_ports

LEAD = 500.0  # straight fibre from the facet before the ribbon fans out, um
FIBRE_ROOM = (
    FACE_WIDTH + 1.0
)  # smallest pitch of fibres: cladding, its tolerance of 0.7 um (ITU-T G.652) and some air, um
DRAWN_WIDTH = FACE_WIDTH + 2 * FIBER_CHORD_ERROR  # of a fibre with the chords of its outline on both sides, um
_LONGEST_FAN = 500_000.0  # um


@dataclass(frozen=True)
class Strand:
    """One position of the fibre array of every engine.

    Attributes:
        port: at the facet, `tx_3`.
        use: "laser", "tx", "rx" or "loop".
        facet: where it leaves the facet, um left of the array's reference.
        aside: where it lies in the ribbon, um left of its centre line.
        row: ribbon layer (from 1) of a data fibre among those of its engine; 0 for a laser fibre; 1 for a loopback.
        position: in its data connector, from 1; 0 for other fibres.
    """

    port: str
    use: str
    facet: float
    aside: float
    row: int
    position: int


@dataclass(frozen=True)
class Bundle:
    """The ribbons' common measures; lengths in um.

    Attributes:
        strands: of one engine, from the southernmost position of its array on (facet in the east).
        pitch: of the fibres in the ribbon.
        half: from the centre line to the axis of the outermost fibre that leads to a connector.
        rows: ribbon layers of data fibres that one engine needs.
        fan_length: of the fan-out from the pitch of the array to that of the ribbon.
        straight: after the fan-out, before any bend: alignment fibres end here, beside the others.
        radius_min: smallest bend radius of any fibre.
        gap: free space that two ribbons keep.
    """

    strands: tuple[Strand, ...]
    pitch: float
    half: float
    rows: int
    fan_length: float
    straight: float
    radius_min: float
    gap: float

    @property
    def width(self) -> float:
        """Width of a ribbon over the claddings of its outer fibres, um."""
        return 2 * self.half + FACE_WIDTH

    @property
    def step(self) -> float:
        """Smallest distance of the centre lines of two ribbons of one layer, um."""
        return self.width + self.gap

    @property
    def room(self) -> float:
        """Smallest distance of two engines side by side, um: fibres of one layer keep apart while they fan out."""
        rows: dict[int, list[Strand]] = defaultdict(list)
        for strand in self.strands:
            rows[strand.row].append(strand)
        # fibres keep their order: the outermost at either end are the outermost all the way
        widest = max(max(r[-1].facet - r[0].facet, r[-1].aside - r[0].aside) for r in rows.values())
        return widest + FACE_WIDTH + self.gap

    @property
    def reach(self) -> float:
        """From the centre line to the outside of the outermost fibre where they are furthest, um."""
        return max(max(abs(s.facet), abs(s.aside)) for s in self.strands) + FACE_WIDTH / 2

    @property
    def radius(self) -> float:
        """Bend radius of the centre line, um: its innermost fibre then bends as the spec allows."""
        return round(self.radius_min + self.half, 3)

    @property
    def fan_end(self) -> float:
        """Distance from the facet to where the first bend may begin, and alignment fibres end, um."""
        return round(LEAD + self.fan_length + self.straight, 3)

    def strand(self, port: str) -> Strand:
        """The strand of a port of the facet."""
        return next(s for s in self.strands if s.port == port)

    def fan_out(self, strand: Strand) -> list[Step]:
        """First steps of a fibre: straight out of the facet, to its place in the ribbon, straight; lengths in um.

        Args:
            strand: which fibre.
        """
        return [
            ("line", LEAD, 0.0),
            ("s", self.fan_length, round(strand.aside - strand.facet, 3)),
            ("line", self.straight, 0.0),
        ]


def bundle_of(spec: PackageSpec) -> Bundle:
    """The common measures of a package's ribbons.

    Data fibres lie in the ribbon as in their connector, so that nothing has to be sorted at the faceplate. The laser
    fibres lie in a layer of their own over the ribbon's width, as near to their place in the array as that allows.

    Args:
        spec: the package.
    """
    pitch, radius = round(spec.fibres.ribbon_pitch_um, 3), spec.fibres.bend_radius_mm * 1e3
    ports, pitch_array = facet_ports(spec), spec.engine.fibre_pitch_um
    # on the 1 nm grid as the engine draws them, from the middle of its edge
    first = round(pitch_array / 2, 3) - round(len(ports) * pitch_array / 2, 3)
    facet = {port: round(first + k * pitch_array, 3) for k, (port, _) in enumerate(ports)}
    connectors = data_connectors(spec, "")
    rightmost = -round((connectors[0].positions - 1) / 2 * pitch, 3)
    place = {
        port: (connector.level, position, round(rightmost + (position - 1) * pitch, 3))
        for connector in connectors
        for position, (_, port) in connector.fibres.items()
    }
    lasers = [port for port, use in ports if use == "laser"]
    half_laser = (len(lasers) - 1) / 2 * pitch
    half = max([abs(aside) for _, _, aside in place.values()] + [half_laser])
    centre = sum(facet[port] for port in lasers) / len(lasers)
    centre = max(half_laser - half, min(half - half_laser, centre))
    for k, port in enumerate(lasers):
        place[port] = (0, 0, round(centre - half_laser + k * pitch, 3))
    loops = [port for port, use in ports if use == "loop"]
    for port in loops:
        # beyond the ribbon, or straight on where the array is wider than that
        rank = [p for p in loops if facet[p] * facet[port] > 0]
        number = sorted(rank, key=lambda p: abs(facet[p])).index(port) + 1
        place[port] = (1, 0, math.copysign(max(half + number * pitch, abs(facet[port])), facet[port]))
    strands = tuple(
        Strand(port, use, facet[port], round(place[port][2], 3), place[port][0], place[port][1]) for port, use in ports
    )
    fan = _fan_length(strands, radius)
    straight = max(0.0, (spec.fibres.loopback_length_mm or 0.0) * 1e3 - LEAD - fan) if spec.engine.loopbacks else 0.0
    return Bundle(
        strands,
        pitch,
        round(half, 3),
        len(connectors),
        fan,
        round(straight, 3),
        radius,
        spec.fibres.ribbon_gap_mm * 1e3,
    )


def _fan_length(strands: tuple[Strand, ...], radius: float) -> float:
    """Length in um in which fibres fan out: long enough that none bends too tightly or touches its neighbour.

    Args:
        strands: of one engine.
        radius: smallest radius of curvature in um.
    """
    layers: dict[int, list[Strand]] = defaultdict(list)
    for strand in strands:
        layers[strand.row].append(strand)
    most = max(abs(s.aside - s.facet) for s in strands)
    length = max(100.0, math.ceil(sine_s_length(most, radius) / 100 + 1) * 100.0)
    t = np.linspace(0, 1, 201)
    share, rise = t - np.sin(2 * np.pi * t) / (2 * np.pi), 1 - np.cos(2 * np.pi * t)
    pairs = [
        (b.facet - a.facet, b.aside - a.aside, max(abs(b.aside - b.facet), abs(a.aside - a.facet)))
        for layer in layers.values()
        for a, b in itertools.pairwise(layer)
    ]
    # a pitch of a fibre's width or less never clears: that is refused by itself
    pairs = [pair for pair in pairs if min(pair[0], pair[1]) >= FIBRE_ROOM]
    if not pairs:
        return length
    start, end, offset = (np.array(column)[:, None] for column in zip(*pairs, strict=True))
    pitch = start + (end - start) * share
    while np.min(pitch / np.hypot(1, offset * rise / length)) < DRAWN_WIDTH and length < _LONGEST_FAN:
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
        ("fibres.ribbon_pitch_um", "ribbon", bundle.pitch, "127 or 250 um"),
        ("engine.fibre_pitch_um", "array", spec.engine.fibre_pitch_um, "127 um or more"),
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
                f"{spec.engine.fibre_pitch_um:g} to {bundle.pitch:g} um, which takes {need * 1e-3:g} mm at "
                f"{spec.fibres.bend_radius_mm:g} mm bend radius; make them at least {need * 1e-3:g} mm",
            )
        )
    return problems
