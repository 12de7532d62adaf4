"""Fibres and their connectors, drawn at true scale from the facet to the faceplate."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from cpo_pdk.components.cell import Count, Flag, OneOf, Real, Text, Um, cell
from cpo_pdk.components.curves import arc, band, sine_s
from cpo_pdk.components.drawing import FACE_WIDTH, face_port, polygon, rectangle
from cpo_pdk.errors import ParameterError
from cpo_pdk.tech.gdsfactory_safe import gf
from cpo_pdk.tech.layers import CONNECTOR_LEVELS, FIBER_LEVELS

#: Fibres are drawn to 0.1 um: their outline is for the mechanical engineer, not for a mask.
FIBER_CHORD_ERROR = 0.1  # um

#: One step of a fibre, see `Route`.
Step = tuple[str, float, float]

#: Heading in degrees -> unit vector, where it is exact.
_UNIT = {0.0: (1.0, 0.0), 90.0: (0.0, 1.0), 180.0: (-1.0, 0.0), 270.0: (0.0, -1.0)}


@dataclass(frozen=True)
class Route:
    """Steps of a fibre that starts at the origin heading east.

    Each step is `("line", length, 0)`, `("arc", radius, angle)` with an angle in degrees, positive to the left, or
    `("s", length, offset)`; lengths in um. An S-curve begins, and the fibre ends, heading along an axis. Lengths are
    taken to 1 nm; between an arc of another angle than 90 degrees and the one that turns back, to 1e-6 um.
    """

    def clean(self, cell: str, name: str, value: Any) -> tuple[Step, ...]:
        """The steps as tuples; see `Limit.clean`."""
        length, slanted = Um(0, 5e6), Real(0, 5e6, "um")
        steps: list[Step] = []
        heading = 0.0
        try:
            for verb, a, b in value:
                if verb == "line":
                    limit = length if heading in _UNIT else slanted
                    steps.append(("line", limit.clean(cell, f"{name} line", a), 0.0))
                elif verb == "arc":
                    angle = round(_angle(cell, name, b), 9)
                    steps.append(("arc", Um(100, 1e6).clean(cell, f"{name} arc radius", a), angle))
                    heading = _turned(heading, angle)
                elif verb == "s":
                    steps.append(
                        ("s", Um(1, 5e6).clean(cell, f"{name} s", a), Um(-1e5, 1e5).clean(cell, f"{name} s", b))
                    )
                    if heading not in _UNIT:
                        raise ParameterError(f"{cell}: {name} has an S-curve at {heading:g} degrees; turn to an axis")
                else:
                    raise ParameterError(f"{cell}: {name} has a step {verb!r}; use line, arc or s")
        except (TypeError, ValueError):
            raise ParameterError(f"{cell}: {name} is not a list of (verb, number, number) steps") from None
        if not steps:
            raise ParameterError(f"{cell}: {name} has no step; give at least one line")
        if heading not in _UNIT:
            raise ParameterError(f"{cell}: {name} ends at {heading:g} degrees; turn it to 0, 90, 180 or 270")
        return tuple(steps)


def _angle(cell: str, name: str, value: Any) -> float:
    Real(-180, 180, "degrees").clean(cell, f"{name} arc angle", value)
    angle = float(value)
    if abs(angle) < 0.01:
        raise ParameterError(f"{cell}: {name} arc angle = {angle:g} degrees is no bend; use at least 0.01 or leave it")
    return angle


def _turned(heading: float, angle: float) -> float:
    """The heading after a turn, degrees from 0 to below 360."""
    return round((heading + angle) % 360, 9) % 360


@dataclass(frozen=True)
class Positions:
    """Some positions of a connector, counted from 1."""

    def clean(self, cell: str, name: str, value: Any) -> tuple[int, ...]:
        """The positions as whole numbers, rising, each once; see `Limit.clean`."""
        count = Count(1, 200)
        try:
            return tuple(sorted({count.clean(cell, name, each) for each in value}))
        except TypeError:
            raise ParameterError(f"{cell}: {name} = {value!r} is not a list of positions") from None


@dataclass(frozen=True)
class Piece:
    """One step of a route in its place: start (um), heading there (degrees), its length and smallest radius (um)."""

    step: Step
    x: float
    y: float
    heading: float
    length: float
    radius_min: float


def trace(steps: tuple[Step, ...]) -> tuple[list[Piece], tuple[float, float], float]:
    """Follow steps from the origin heading east.

    Args:
        steps: as `Route` describes them, lengths in um.

    Returns:
        The pieces, without those of no length; where the route ends (um); its heading there (degrees).
    """
    pieces: list[Piece] = []
    x, y, heading = 0.0, 0.0, 0.0
    for verb, a, b in steps:
        cos, sin = _unit(heading)
        if verb == "line":
            along, aside, turn, length, radius = a, 0.0, 0.0, a, math.inf
        elif verb == "s":
            length, radius = _s_measures(a, b)
            along, aside, turn = a, b, 0.0
        else:
            up, over = (1.0, 1.0) if abs(b) == 90 else (math.sin(_rad(abs(b))), 1 - math.cos(_rad(abs(b))))
            along, aside, turn, length, radius = a * up, math.copysign(a * over, b), b, a * _rad(abs(b)), a
        if length:
            pieces.append(Piece((verb, a, b), x, y, heading, length, radius))
        x, y, heading = x + cos * along - sin * aside, y + sin * along + cos * aside, _turned(heading, turn)
        if heading in _UNIT:
            # along an axis everything lies on the 1 nm grid
            x, y = round(x, 3), round(y, 3)
    return pieces, (x, y), heading


def _rad(degrees: float) -> float:
    return math.pi / 2 if degrees == 90 else math.radians(degrees)


def _unit(heading: float) -> tuple[float, float]:
    return _UNIT.get(heading) or (math.cos(math.radians(heading)), math.sin(math.radians(heading)))


@functools.lru_cache(maxsize=65_536)
def _s_measures(length: float, offset: float) -> tuple[float, float]:
    """Length and smallest radius of an S-curve in um."""
    _, path, radius = sine_s(length, offset, FIBER_CHORD_ERROR)
    return path, radius


@gf.cell(basename="cpo_fiber_piece")
def fiber_piece(layer: str, step: Step, heading: float = 0.0, dx: float = 0.0, dy: float = 0.0) -> gf.Component:
    """The outline of one step of a fibre from the origin; fibres that run in parallel share it.

    Args:
        layer: one of the layers of fibres.
        step: see `Route`.
        heading: at the beginning, degrees; 0 for a piece that is placed by turning it.
        dx: what the beginning lies east of the 1 nm grid, um: pieces at an angle then meet in the same corners.
        dy: what the beginning lies north of the 1 nm grid, um.
    """
    verb, a, b = step
    if verb == "line":
        points, end = np.array([[0.0, 0.0], [a, 0.0]]), 0.0
    elif verb == "s":
        points, end = sine_s(a, b, FIBER_CHORD_ERROR)[0], 0.0
    else:
        points, end = arc((0.0, a), a, -math.pi / 2, _rad(abs(b)) - math.pi / 2, FIBER_CHORD_ERROR), abs(b)
        if b < 0:
            points, end = points * (1, -1), -end
    outline = band(points, FACE_WIDTH, 0.0, end)
    if heading or dx or dy:
        cos, sin = _unit(heading)
        outline = outline @ np.array([[cos, sin], [-sin, cos]]) + (dx, dy)
    c = gf.Component()
    polygon(c, layer, outline)
    return c


@cell
def fiber(
    route: Annotated[tuple[Step, ...], Route()] = (("line", 10_000.0, 0.0),),
    kind: Annotated[str, OneOf(("SMF", "PM"))] = "SMF",
    level: Annotated[int, Count(1, len(FIBER_LEVELS))] = 1,
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
        level: layer of ribbons that it runs in; those of PM fibres have one of their own, whatever the level.
        open_end: the far end goes nowhere (an alignment fibre that is cut after the attach).
    """
    pieces, (x, y), heading = trace(route)
    if not pieces:
        raise ParameterError("fiber: route has no length; give at least one step that has")
    c = gf.Component()
    layer = FIBER_LEVELS[level - 1] if kind == "SMF" else "FIBER_PM"
    for piece in pieces:
        _place_piece(c, layer, piece)
    face_port(c, "o1", 0, 0, 180)
    face_port(c, "o2", x, y, round(heading), layer)
    c.info["length"] = round(sum(p.length for p in pieces), 3)
    c.info["radius_min"] = round(min(1e9, *(p.radius_min for p in pieces)), 3)
    if open_end:
        c.info["open_ports"] = ["o2"]
    return c


def _place_piece(c: gf.Component, layer: str, piece: Piece) -> None:
    """Draw one step of a fibre in its place."""
    verb, a, b = piece.step
    slanted = piece.heading not in _UNIT
    if slanted or (verb == "arc" and abs(b) != 90):
        x, y = round(piece.x, 3), round(piece.y, 3)
        part = fiber_piece(
            layer=layer,
            step=piece.step,
            heading=piece.heading,
            dx=round(piece.x - x, 7) + 0.0,
            dy=round(piece.y - y, 7) + 0.0,
        )
        (c << part).move((x, y))
        return
    ref = c << fiber_piece(layer=layer, step=(verb, a, abs(b)) if verb == "arc" else piece.step)
    if verb == "arc" and b < 0:
        ref.dmirror_y()
    ref.rotate(round(piece.heading))
    ref.move((piece.x, piece.y))


@cell
def connector(
    name: Annotated[str, Text()] = "MPO",
    kind: Annotated[str, Text()] = "MPO-16",
    n: Annotated[int, Count(1, 200)] = 16,
    pitch: Annotated[float, Um(100, 2_000)] = 250.0,
    wall: Annotated[float, Um(100, 10_000)] = 1_000.0,
    depth: Annotated[float, Um(500, 50_000)] = 8_000.0,
    row: Annotated[int, Count(0, len(CONNECTOR_LEVELS))] = 1,
    empty: Annotated[tuple[int, ...], Positions()] = (),
) -> gf.Component:
    """Fibre connector at the faceplate: the fibres come from the west, position 1 is the southernmost.

    Args:
        name: of the connector in the package.
        kind: MPO-16, ELS...
        n: number of positions.
        pitch: of the positions in um.
        wall: from the outer positions to the side of the body in um.
        depth: of the body in um.
        row: at the faceplate, one above the other; 0: that of the laser connectors.
        empty: positions without a fibre.
    """
    if empty and empty[-1] > n:
        raise ParameterError(f"connector: empty = {empty[-1]} is above the {n} positions; use at most {n}")
    c = gf.Component()
    rectangle(c, CONNECTOR_LEVELS[row - 1] if row else "CONNECTOR_PM", 0, -wall, depth, (n - 1) * pitch + wall)
    for i in range(n):
        face_port(c, f"p{i + 1}", 0, round(i * pitch, 3), 180, FIBER_LEVELS[row - 1] if row else "FIBER_PM")
    c.info["name"] = name
    c.info["kind"] = kind
    if empty:
        c.info["open_ports"] = [f"p{position}" for position in empty]
    return c
