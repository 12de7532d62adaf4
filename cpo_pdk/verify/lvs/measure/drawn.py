"""One drawn cell as arrays, in the frame of its first port, and what was read off it.

The frame makes a reading independent of where and how a cell is turned: port `o1` lies at the origin and looks west.
Lengths are um.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import klayout.db as kdb
import numpy as np
from numpy.typing import NDArray

from cpo_pdk.tech.layers import layer_of
from cpo_pdk.verify.outline import contours

Array = NDArray[np.float64]
Box = tuple[float, float, float, float]

#: standard deviation of a coordinate that is rounded to the 1 nm grid, um
ROUNDING = 0.001 / math.sqrt(12)


class UnmeasurableError(Exception):
    """The outline is not one that the parameter can be read off; the text says what is wrong with it."""


@dataclass(frozen=True)
class Terminal:
    """A port: name, type, place in um and direction (degrees, outward) in the cell, layer (number, datatype)."""

    name: str
    port_type: str
    x: float
    y: float
    angle: float
    layer: tuple[int, int] = (-1, -1)

    @property
    def place(self) -> Array:
        """Place, shape (2,), um."""
        return np.array([self.x, self.y])

    @property
    def outward(self) -> Array:
        """Unit vector out of the cell, shape (2,)."""
        return np.array([math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))])


@dataclass(frozen=True)
class Frame:
    """Rigid motion from the coordinates of a cell (um) to the frame that it is measured in: turn about `origin`."""

    origin: tuple[float, float] = (0.0, 0.0)
    turn_deg: float = 0.0
    mirror: bool = False

    @cached_property
    def _matrix(self) -> Array:
        angle = math.radians(self.turn_deg)
        cos, sin = (round(f, 15) for f in (math.cos(angle), math.sin(angle)))
        sign = -1.0 if self.mirror else 1.0
        return np.array([[cos, -sin], [sign * sin, sign * cos]])

    def into(self, points: Array) -> Array:
        """Points of the cell, shape (N, 2), in this frame."""
        return (points - np.array(self.origin)) @ self._matrix.T

    def back(self, points: Array) -> Array:
        """Points of this frame, shape (N, 2), in the cell."""
        return points @ self._matrix + np.array(self.origin)

    def terminal(self, port: Terminal) -> Terminal:
        """A port of the cell in this frame."""
        x, y = self.into(port.place[None, :])[0]
        u, v = self._matrix @ port.outward
        return Terminal(
            port.name, port.port_type, float(x), float(y), round(math.degrees(math.atan2(v, u)), 6) % 360.0, port.layer
        )


class Drawn:
    """The polygons of a cell and of all that is placed in it, merged layer by layer, in a frame.

    Attributes:
        layout, cell: what is looked at.
        frame: see `Frame`.
        ports: by name, in the frame.
    """

    def __init__(self, layout: kdb.Layout, cell: kdb.Cell, ports: Sequence[Terminal], frame: Frame | None = None):
        self.layout = layout
        self.cell = cell
        self._given = tuple(ports)
        if frame is None:
            first = next((p for p in ports if p.port_type != "electrical"), None)
            frame = Frame() if first is None else Frame((first.x, first.y), (180.0 - first.angle) % 360.0)
        self.frame = frame
        self.ports = {port.name: frame.terminal(port) for port in ports}
        self._regions: dict[str, kdb.Region] = {}
        self._contours: dict[str, list[Array]] = {}
        self._hulls: dict[str, list[int]] = {}

    def upward(self, port: str = "") -> Drawn:
        """The same cell seen so that a port, or else its waveguides in the middle, lie above the axis of `o1`."""
        if port in self.ports:
            up = self.ports[port].y
        else:
            box = np.concatenate(self.contours("WG"))
            up = float(box[:, 1].max() + box[:, 1].min())
        if up >= -1e-6:
            return self
        turned = Frame(self.frame.origin, self.frame.turn_deg, not self.frame.mirror)
        drawn = Drawn(self.layout, self.cell, self._given, turned)
        drawn._regions = self._regions
        return drawn

    def region(self, layer: str) -> kdb.Region:
        """Merged polygons of a layer in the coordinates of the cell, dbu."""
        if layer not in self._regions:
            index = self.layout.find_layer(*layer_of(layer))
            shapes = kdb.Region() if index is None else kdb.Region(self.cell.begin_shapes_rec(index))
            self._regions[layer] = shapes.merged()
        return self._regions[layer]

    def has(self, layer: str) -> bool:
        """Whether anything is drawn on a layer."""
        return not self.region(layer).is_empty()

    def contours(self, layer: str) -> list[Array]:
        """Hulls and holes of a layer, each of shape (N, 2), um, in the frame, the material on the right of the way.

        Raises:
            UnmeasurableError: the layer is empty.
        """
        if layer not in self._contours:
            found: list[Array] = []
            hulls: list[int] = []
            for polygon in self.region(layer).each():
                hulls.append(len(found))
                for loop in contours(polygon):
                    points = self.frame.into(loop * self.layout.dbu)
                    found.append(points[::-1] if self.frame.mirror else points)
            self._contours[layer], self._hulls[layer] = found, hulls
        if not self._contours[layer]:
            raise UnmeasurableError(f"nothing is drawn on {layer}")
        return self._contours[layer]

    def polygons(self, layer: str) -> list[list[Array]]:
        """The contours of a layer, polygon by polygon: the hull, then its holes."""
        loops = self.contours(layer)
        starts = [*self._hulls[layer], len(loops)]
        return [loops[a:b] for a, b in pairwise(starts)]

    def cut(self, layer: str, *, x: float | None = None, y: float | None = None) -> Array:
        """Where a layer is met along a vertical line at `x` or a horizontal one at `y`, shape (K, 2), rising."""
        axis, at = (0, x) if x is not None else (1, y)
        assert at is not None
        start, end = edges_of(self.contours(layer))
        over = (start[:, axis] <= at) != (end[:, axis] <= at)
        a, b = start[over], end[over]
        share = (at - a[:, axis]) / (b[:, axis] - a[:, axis])
        where = np.sort(a[:, 1 - axis] + share * (b[:, 1 - axis] - a[:, 1 - axis]))
        return where.reshape(-1, 2)


def edges_of(loops: Sequence[Array]) -> tuple[Array, Array]:
    """Start and end of every edge of closed contours, each of shape (E, 2)."""
    return np.concatenate(loops), np.concatenate([np.roll(loop, -1, axis=0) for loop in loops])


def box_of(points: Array) -> Box:
    """left, bottom, right, top of points, shape (N, 2)."""
    low, high = points.min(axis=0), points.max(axis=0)
    return (float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def agreed(values: Sequence[float], even: float = 0.002) -> float:
    """The mean of readings that must be one.

    Raises:
        UnmeasurableError: they differ by more than `even` um.
    """
    apart = max(values) - min(values)
    if apart > even:
        raise UnmeasurableError(f"its sides differ by {apart * 1e3:.1f} nm")
    return float(np.mean(values))


@dataclass
class Readings:
    """What was read off one drawn cell, by the name of the parameter; see `Measured`."""

    frame: Frame
    values: dict[str, float] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    polarity: dict[str, str] = field(default_factory=dict)
    stacks: dict[str, dict[str, int]] = field(default_factory=dict)
    places: dict[str, Box] = field(default_factory=dict)
    layers: dict[str, str] = field(default_factory=dict)
    spread: dict[str, float] = field(default_factory=dict)
    extremes: dict[str, tuple[float, float]] = field(default_factory=dict)
    not_measured: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, read: float | Sequence[float], at: Array, layer: str = "WG", spread: float = 0.0) -> None:
        """Note a value that was read off at some points (N, 2) of a layer, with its standard deviation.

        Of several readings that should be one the smallest and the largest are kept too.
        """
        several = isinstance(read, Sequence)
        if several and not read:
            raise UnmeasurableError("nothing of it is drawn")
        value = float(np.median(read)) if several else float(read)
        if several:
            self.extremes[name] = (min(read), max(read))
        if not math.isfinite(value + sum(self.extremes.get(name, ()))):
            self.not_measured[name] = "its outline gives no finite number"
            return
        self.values[name] = value
        self._place(name, at, layer)
        if spread > 0:
            self.spread[name] = float(spread)

    def say(self, name: str, word: str, at: Array, layer: str = "WG") -> None:
        """Note a property that is no number."""
        self.words[name] = word
        self._place(name, at, layer)

    def _place(self, name: str, at: Array, layer: str) -> None:
        where = self.frame.back(np.atleast_2d(np.asarray(at, dtype=np.float64)))
        left, bottom, right, top = box_of(where)
        # no -0.0 in a report
        x0, y0, x1, y1 = (round(v, 4) + 0.0 for v in (left, bottom, right, top))
        self.places[name] = (x0, y0, x1, y1)
        self.layers[name] = layer

    @contextmanager
    def attempt(self, *names: str) -> Iterator[None]:
        """Read something off; where that fails, the parameters that were not read have a reason instead of a value."""
        try:
            yield
        except UnmeasurableError as error:
            reason = str(error)
        except (ArithmeticError, LookupError, ValueError, np.linalg.LinAlgError):
            reason = "its outline is not that of such a device"
        else:
            return
        for name in names:
            if name not in self.values and name not in self.words:
                self.not_measured[name] = reason
