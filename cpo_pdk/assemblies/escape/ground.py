"""What stands in the way of ribbons, seen from above: dies with their keep-outs, and parts that fibres go around."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.placement import EnginePlace

#: fibres keep this far from parts that they go around, um. Chosen: the play of a moulded frame, twice that of a lid.
PART_MARGIN = 500.0
#: key of the spec that engines in the way of one another are told at
ENGINES = "engines.pitch_mm"
_EXACT = 1e-6


@dataclass(frozen=True)
class Box:
    """A rectangle that no fibre may touch, um; `name` for messages, `path` of the spec's key that would move it."""

    left: float
    bottom: float
    right: float
    top: float
    name: str
    path: str


def obstacles_of(spec: PackageSpec, size: tuple[float, float], engines: Sequence[EnginePlace]) -> tuple[Box, ...]:
    """Everything that ribbons go around: the ASIC, the engines with their keep-outs, parts with `fibres: around`.

    Args:
        spec: the package.
        size: length (towards the facet) and width of the engine in um.
        engines: where the engines stand.
    """
    x, y = (s * 500 for s in spec.asic.size_mm)
    boxes = [Box(-x, -y, x, y, "the ASIC", "asic.size_mm")]
    keep = spec.engines.keepout_um
    for engine in engines:
        left, bottom, right, top = engine.box(size)
        name = f"engine {engine.name}"
        boxes.append(Box(left - keep, bottom - keep, right + keep, top + keep, name, ENGINES))
    for k, part in enumerate(spec.keepouts):
        if part.fibres == "around":
            left, bottom, right, top = (value * 1e3 for value in part.box_mm)
            m = PART_MARGIN
            name = f"the {part.kind.replace('_', ' ')}"
            boxes.append(Box(left - m, bottom - m, right + m, top + m, name, f"keepouts.{k}.box_mm"))
    return tuple(boxes)


@dataclass(frozen=True)
class Heading:
    """Coordinates along a way out of the package: how far out, and how far left of the axis through its centre.

    Attributes:
        x: of the unit vector outward.
        y: of the unit vector outward.
    """

    x: int
    y: int

    def local(self, x: float, y: float) -> tuple[float, float]:
        """(out, left) of a point, um."""
        return x * self.x + y * self.y, y * self.x - x * self.y

    def back(self, out: float, left: float) -> tuple[float, float]:
        """(x, y) of a point, um."""
        return out * self.x - left * self.y, out * self.y + left * self.x

    def span(self, box: Box) -> tuple[float, float, float, float]:
        """Nearest, farthest (out), rightmost and leftmost (left) of a rectangle, um."""
        outs, lefts = zip(self.local(box.left, box.bottom), self.local(box.right, box.top), strict=True)
        return min(outs), max(outs), min(lefts), max(lefts)


def beyond(
    at: float, stretch: tuple[float, float], boxes: Iterable[Box], heading: Heading, half: float, bend: float
) -> float:
    """How far out (um) a ribbon that runs across a heading can lie, from some place on, without touching a box.

    Args:
        at: the nearest that it may lie, um out.
        stretch: which part of the way across it takes, from where it turns into it: um left of the axis.
        boxes: in the way.
        heading: out of the package.
        half: from the middle of the ribbon to the outside of its fibres, um.
        bend: radius of the turn into the stretch, um; it begins behind what lies beside it.
    """
    begin, end = stretch
    low, high = min(stretch), max(stretch)
    taken: list[tuple[float, float]] = []
    for box in boxes:
        near, far, right, left = heading.span(box)
        if right < high + half - _EXACT and left > low - half + _EXACT:
            aside = right - begin if end > begin else begin - left
            taken.append((near - half, far + (bend if aside < bend else half)))
    moved = True
    while moved:
        moved = False
        for near, far in taken:
            if near + _EXACT < at < far - _EXACT:
                at, moved = far, True
    return at
