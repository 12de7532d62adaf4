"""Fibres and their connectors, drawn at true scale from the facet to the faceplate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cpo_pdk.components.cell import Count, Flag, OneOf, Text, Um, cell
from cpo_pdk.components.curves import arc, band, sine_s
from cpo_pdk.components.drawing import FACE_WIDTH, face_port, polygon, rectangle
from cpo_pdk.errors import ParameterError
from cpo_pdk.tech.gdsfactory_safe import gf

#: Fibres are drawn to 0.1 um: their outline is for the mechanical engineer, not for a mask.
FIBER_CHORD_ERROR = 0.1  # um

#: One step of a fibre, see `Route`.
Step = tuple[str, float, float]

#: Heading in degrees -> unit vector.
UNIT = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}


@dataclass(frozen=True)
class Route:
    """Steps of a fibre that starts at the origin heading east.

    Each step is `("line", length, 0)`, `("arc", radius, angle)` with an angle of +90 (left) or -90 (right) degrees, or
    `("s", length, offset)`; lengths in um.
    """

    def clean(self, cell: str, name: str, value: Any) -> tuple[Step, ...]:
        """The steps as tuples; see `Limit.clean`."""
        length = Um(0, 5e6)
        steps: list[Step] = []
        try:
            for verb, a, b in value:
                if verb == "line":
                    steps.append(("line", length.clean(cell, f"{name} line", a), 0.0))
                elif verb == "arc":
                    angle = OneOf((90, -90, 90.0, -90.0)).clean(cell, f"{name} arc angle", b)
                    steps.append(("arc", Um(100, 1e6).clean(cell, f"{name} arc radius", a), float(angle)))
                elif verb == "s":
                    steps.append(
                        ("s", Um(1, 5e6).clean(cell, f"{name} s", a), Um(-1e5, 1e5).clean(cell, f"{name} s", b))
                    )
                else:
                    raise ParameterError(f"{cell}: {name} has a step {verb!r}; use line, arc or s")
        except (TypeError, ValueError):
            raise ParameterError(f"{cell}: {name} is not a list of (verb, number, number) steps") from None
        if not steps:
            raise ParameterError(f"{cell}: {name} has no step; give at least one line")
        return tuple(steps)


@dataclass(frozen=True)
class Piece:
    """One step of a route in its place: start (um), heading there (degrees), its length and smallest radius (um)."""

    step: Step
    x: float
    y: float
    heading: int
    length: float
    radius_min: float


def trace(steps: tuple[Step, ...]) -> tuple[list[Piece], tuple[float, float], int]:
    """Follow steps from the origin heading east.

    Args:
        steps: as `Route` describes them, lengths in um.

    Returns:
        The pieces, without those of no length; where the route ends (um); its heading there (degrees).
    """
    pieces: list[Piece] = []
    x, y, heading = 0.0, 0.0, 0
    for verb, a, b in steps:
        cos, sin = UNIT[heading]
        if verb == "line":
            along, aside, turn, length, radius = a, 0.0, 0, a, math.inf
        elif verb == "s":
            _, length, radius = sine_s(a, b, FIBER_CHORD_ERROR)
            along, aside, turn = a, b, 0
        else:
            along, aside, turn, length, radius = a, math.copysign(a, b), round(b), a * math.pi / 2, a
        if length:
            pieces.append(Piece((verb, a, b), x, y, heading, length, radius))
        x, y = round(x + cos * along - sin * aside, 3), round(y + sin * along + cos * aside, 3)
        heading = (heading + turn) % 360
    return pieces, (x, y), heading


@gf.cell(basename="cpo_fiber_piece")
def fiber_piece(layer: str, step: Step) -> gf.Component:
    """The outline of one step of a fibre, from the origin heading east; fibres that run in parallel share it.

    Args:
        layer: FIBER or FIBER_PM.
        step: see `Route`; an arc turns left.
    """
    verb, a, b = step
    if verb == "line":
        points, end = np.array([[0.0, 0.0], [a, 0.0]]), 0.0
    elif verb == "s":
        points, end = sine_s(a, b, FIBER_CHORD_ERROR)[0], 0.0
    else:
        points, end = arc((0.0, a), a, -math.pi / 2, 0.0, FIBER_CHORD_ERROR), 90.0
    c = gf.Component()
    polygon(c, layer, band(points, FACE_WIDTH, 0.0, end))
    return c


@cell
def fiber(
    route: Annotated[tuple[Step, ...], Route()] = (("line", 10_000.0, 0.0),),
    kind: Annotated[str, OneOf(("SMF", "PM"))] = "SMF",
    *,
    open_end: Annotated[bool, Flag()] = False,
) -> gf.Component:
    """One fibre, 125 um of cladding, from a facet at the origin heading east.

    ::

        o1 ------.
                  \\
                   o2

    Args:
        route: steps, see `Route`; lengths in um.
        kind: SMF (single-mode) or PM (polarisation-maintaining).
        open_end: the far end goes nowhere (an alignment fibre that is cut after the attach).
    """
    pieces, (x, y), heading = trace(route)
    if not pieces:
        raise ParameterError("fiber: route has no length; give at least one step that has")
    c = gf.Component()
    layer = "FIBER" if kind == "SMF" else "FIBER_PM"
    for piece in pieces:
        verb, a, b = piece.step
        ref = c << fiber_piece(layer=layer, step=(verb, a, abs(b)) if verb == "arc" else piece.step)
        if verb == "arc" and b < 0:
            ref.dmirror_y()
        ref.rotate(piece.heading)
        ref.move((piece.x, piece.y))
    face_port(c, "o1", 0, 0, 180)
    face_port(c, "o2", x, y, heading)
    c.info["length"] = round(sum(p.length for p in pieces), 3)
    c.info["radius_min"] = round(min(1e9, *(p.radius_min for p in pieces)), 3)
    if open_end:
        c.info["open_ports"] = ["o2"]
    return c


@cell
def connector(
    name: Annotated[str, Text()] = "MPO",
    kind: Annotated[str, Text()] = "MPO-16",
    n: Annotated[int, Count(1, 200)] = 16,
    pitch: Annotated[float, Um(100, 2_000)] = 250.0,
    wall: Annotated[float, Um(100, 10_000)] = 1_000.0,
    depth: Annotated[float, Um(500, 50_000)] = 8_000.0,
) -> gf.Component:
    """Fibre connector at the faceplate: the fibres come from the west, position 1 is the southernmost.

    Args:
        name: of the connector in the package.
        kind: MPO-16, ELS...
        n: number of positions.
        pitch: of the positions in um.
        wall: from the outer positions to the side of the body in um.
        depth: of the body in um.
    """
    c = gf.Component()
    rectangle(c, "CONNECTOR", 0, -wall, depth, (n - 1) * pitch + wall)
    for i in range(n):
        face_port(c, f"p{i + 1}", 0, round(i * pitch, 3), 180)
    c.info["name"] = name
    c.info["kind"] = kind
    return c
