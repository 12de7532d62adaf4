"""The plan checked on the curves themselves: bend radii, ribbons of one layer side by side, parts in the way.

Nothing here knows how the ribbons were laid: their centre lines are followed step by step and compared point by point.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from cpo_pdk.assemblies.escape.bundle import Bundle
from cpo_pdk.assemblies.escape.ground import Box
from cpo_pdk.assemblies.escape.paths import FibrePath
from cpo_pdk.components.curves import arc, sine_s
from cpo_pdk.components.drawing import FACE_WIDTH
from cpo_pdk.components.fibers import Step, trace
from cpo_pdk.errors import Problem
from cpo_pdk.spec.package import PackageSpec

Points = NDArray[np.float64]

SAMPLE = 500.0  # longest stretch between two points of a centre line, um
_CHORD = 0.5  # chords of bends leave the curve by no more, um
_TOLERANCE = 5.0  # by which a distance between chords may fall short, um
_RADIUS_TOLERANCE = 0.001  # um: rounding of radii to the grid


def centre_line(steps: Iterable[Step], origin: tuple[float, float], rotation: float, sample: float = SAMPLE) -> Points:
    """Points along a route in its place, shape (N, 2), um.

    Args:
        steps: see `cpo_pdk.components.fibers.Route`.
        origin: where it begins, um.
        rotation: heading at the beginning in degrees.
        sample: longest distance of two points, um.
    """
    parts: list[Points] = []
    for piece in trace(tuple(steps))[0]:
        verb, a, b = piece.step
        if verb == "line":
            points = np.array([[0.0, 0.0], [a, 0.0]])
        elif verb == "s":
            points = sine_s(a, b, _CHORD)[0]
        else:
            points = arc((0.0, a), a, -math.pi / 2, math.radians(abs(b)) - math.pi / 2, _CHORD)
            points = points * (1.0, math.copysign(1.0, b))
        parts.append(_turned(points, piece.heading) + np.array([piece.x, piece.y]))
    line = np.concatenate([parts[0], *(part[1:] for part in parts[1:])])
    return _resampled(_turned(line, rotation) + origin, sample)


def _turned(points: Points, degrees: float) -> Points:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return points @ np.array([[cos, sin], [-sin, cos]])


def _resampled(line: Points, sample: float) -> Points:
    """The same line with more points where two are further apart than a distance."""
    lengths = np.hypot(*np.diff(line, axis=0).T)
    parts = np.maximum(1, np.ceil(lengths / sample)).astype(int)
    which = np.repeat(np.arange(len(parts)), parts)
    share = (np.arange(len(which)) - np.repeat(np.cumsum(parts) - parts, parts)) / parts[which]
    return np.concatenate([line[which] + (np.diff(line, axis=0)[which]) * share[:, None], line[-1:]])


@dataclass(frozen=True)
class Ribbon:
    """The centre line of some fibres that stay side by side.

    Attributes:
        engine: name of the engine.
        layer: lowest layer that they lie in; ribbons of different layers may lie one above the other.
        line: from the end of the fan-out on, shape (N, 2), um.
    """

    engine: str
    layer: int
    line: Points


def bend_problems(spec: PackageSpec, fibres: Iterable[FibrePath]) -> list[Problem]:
    """Fibres that somewhere bend more tightly than the spec allows; the tightest tells."""
    limit = spec.fibres.bend_radius_mm * 1e3
    tight = min(fibres, key=lambda f: f.radius_min)
    if tight.radius_min >= limit - _RADIUS_TOLERANCE:
        return []
    return [
        spec.problem(
            "fibres.bend_radius_mm",
            f"fibre {tight.port} of engine {tight.engine} bends at {tight.radius_min * 1e-3:.3f} mm, "
            f"{spec.fibres.bend_radius_mm:g} mm asked; allow {math.floor(tight.radius_min) * 1e-3:g} mm",
        )
    ]


def spacing_problems(spec: PackageSpec, ribbons: Sequence[Ribbon], bundle: Bundle) -> list[Problem]:
    """Ribbons of one layer that come nearer to each other than ribbon and gap; each pair at its nearest.

    Args:
        spec: the package.
        ribbons: of data fibres.
        bundle: their measures.
    """
    problems = []
    for layer in sorted({r.layer for r in ribbons}):
        mine = [r for r in ribbons if r.layer == layer]
        for a, b, distance in _near(mine, bundle.step - _TOLERANCE):
            free, asked = (distance - bundle.width) * 1e-3, bundle.gap * 1e-3
            cure = f"lower ribbon_gap_mm to {math.floor(free * 100) / 100:g}" if free >= 0.1 else "raise pitch_mm"
            problems.append(
                spec.problem(
                    "fibres.ribbon_gap_mm",
                    f"the ribbons of engines {a.engine} and {b.engine} leave {max(free, 0.0):.2f} mm between them, "
                    f"{asked:g} mm asked; {cure}",
                )
            )
    return problems


def _near(ribbons: Sequence[Ribbon], limit: float) -> list[tuple[Ribbon, Ribbon, float]]:
    """Pairs of lines with points nearer than a limit (um), and how near they come."""
    if len(ribbons) < 2:
        return []
    points = np.concatenate([r.line for r in ribbons])
    owner = np.repeat(np.arange(len(ribbons)), [len(r.line) for r in ribbons])
    # points of two parallel lines may lie half a sample askew
    reach = math.hypot(limit, SAMPLE / 2)
    pairs = KDTree(points).query_pairs(reach, output_type="ndarray")
    pairs = pairs[owner[pairs[:, 0]] != owner[pairs[:, 1]]]
    if not len(pairs):
        return []
    begin = np.concatenate([r.line[:-1] if len(r.line) > 1 else r.line for r in ribbons])
    end = np.concatenate([r.line[1:] if len(r.line) > 1 else r.line for r in ribbons])
    first = np.cumsum([0, *(max(1, len(r.line) - 1) for r in ribbons)])
    number = np.arange(len(points)) - np.repeat(
        np.cumsum([0, *(len(r.line) for r in ribbons[:-1])]), [len(r.line) for r in ribbons]
    )
    best: dict[tuple[int, int], float] = {}
    for i, j in ((0, 1), (1, 0)):
        point, other = points[pairs[:, i]], pairs[:, j]
        count = first[owner[other] + 1] - first[owner[other]]
        for shift in (-1, 0):
            segment = first[owner[other]] + np.clip(number[other] + shift, 0, count - 1)
            distance = _to_segment(point, begin[segment], end[segment])
            for k in np.flatnonzero(distance < limit):
                a, b = sorted((int(owner[pairs[k, 0]]), int(owner[pairs[k, 1]])))
                best[a, b] = min(best.get((a, b), math.inf), float(distance[k]))
    return [(ribbons[a], ribbons[b], distance) for (a, b), distance in sorted(best.items())]


def _to_segment(point: Points, a: Points, b: Points) -> Points:
    d = b - a
    t = np.clip(((point - a) * d).sum(axis=1) / np.maximum((d * d).sum(axis=1), 1e-9), 0.0, 1.0)
    return np.hypot(*(point - a - t[:, None] * d).T)


def part_problems(spec: PackageSpec, ribbons: Sequence[Ribbon], boxes: Sequence[Box], bundle: Bundle) -> list[Problem]:
    """Ribbons that touch a part of the package or another engine.

    Args:
        spec: the package.
        ribbons: all of them.
        boxes: what they go around.
        bundle: their measures.
    """
    if not ribbons:
        return []
    half = bundle.half + FACE_WIDTH / 2 - _TOLERANCE
    points = np.concatenate([r.line for r in ribbons])
    owner = np.repeat(np.arange(len(ribbons)), [len(r.line) for r in ribbons])
    order = np.argsort(points[:, 1], kind="stable")
    x, y, owner = points[order, 0], points[order, 1], owner[order]
    worst: dict[tuple[int, str], tuple[float, Box]] = {}
    for box in boxes:
        low, high = np.searchsorted(y, [box.bottom - half, box.top + half])
        dx = np.maximum(box.left - x[low:high], x[low:high] - box.right)
        near = np.flatnonzero(dx < half)
        dx, dy = dx[near], np.maximum(box.bottom - y[low:high][near], y[low:high][near] - box.top)
        deep = half - np.hypot(np.maximum(dx, 0.0), np.maximum(dy, 0.0)) - np.minimum(np.maximum(dx, dy), 0.0)
        for k in np.flatnonzero(deep > 0):
            number = int(owner[low + near[k]])
            key = (number, box.name)
            if box.name != f"engine {ribbons[number].engine}" and deep[k] > worst.get(key, (0.0, box))[0]:
                worst[key] = (float(deep[k]), box)
    return [
        spec.problem(
            box.path,
            f"the ribbon of engine {ribbons[number].engine} runs {deepest * 1e-3:.2f} mm into the room of {box.name}; "
            "move one of them by as much, or let fibres pass over it",
        )
        for (number, _), (deepest, box) in sorted(worst.items(), key=lambda item: item[0])
    ]
