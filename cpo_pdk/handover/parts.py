"""What a package consists of, as plain values: dies, solids, fibres, connectors, airwires; lengths in um."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import klayout.db as kdb
import numpy as np
from numpy.typing import NDArray

from cpo_pdk.handover.curves import Curve, curve_of

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Terminal:
    """A named place of a die, um in the die's own coordinates.

    Attributes:
        name: `tx_3`, or `tx_3/5` for the bump of channel 5 of that port.
        kind: "optical" (a facet), "electrical" (a port that the cell has) or "bump" (a lane's bump).
        angle: direction outward in degrees.
    """

    name: str
    kind: str
    x: float
    y: float
    angle: float = 0.0


@dataclass(frozen=True)
class Die:
    """One kind of die: its cell, and what others need to know of it; um in its own coordinates.

    Attributes:
        name: of the cell.
        label: short name, for files: "asic", "engine", "engine_2".
        kind: "asic" or "engine".
        cell_index: in the layout that it was read from.
        outline: left, bottom, right, top.
        eic: outline of the electronic die on top, if there is one.
        bumps: centre x, y, width and height of each, shape (N, 4).
        terminals: facets, ports and lane bumps.
    """

    name: str
    label: str
    kind: str
    cell_index: int
    outline: tuple[float, float, float, float]
    eic: tuple[float, float, float, float] | None = None
    bumps: Points = field(default_factory=lambda: np.empty((0, 4)))
    terminals: tuple[Terminal, ...] = ()

    @property
    def size(self) -> tuple[float, float]:
        """Width and height, um."""
        return self.outline[2] - self.outline[0], self.outline[3] - self.outline[1]


@dataclass(frozen=True)
class PlacedDie:
    """One die in the package; `bottom` is the z of its bottom, um."""

    name: str
    die: Die
    trans: kdb.DCplxTrans
    bottom: float

    def box(self, own: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        """A box of the die in coordinates of the package."""
        box = kdb.DBox(*own).transformed(self.trans)
        return box.left, box.bottom, box.right, box.top


@dataclass(frozen=True)
class Solid:
    """A prism: what is drawn, between two heights.

    Attributes:
        name: of the instance, or of the layer.
        group: layer of the drawing that it is shown with.
        outline: shape (N, 2).
        holes: each of shape (N, 2).
        bottom, top: z.
        clear: whether one looks through it in a picture.
    """

    name: str
    group: str
    outline: Points
    holes: tuple[Points, ...]
    bottom: float
    top: float
    clear: bool = False


@dataclass(frozen=True)
class Fibre:
    """One fibre from the facet outwards.

    Attributes:
        name: of the instance.
        layer: FIBER, FIBER_2, ... FIBER_PM.
        level: ribbon layer from 1; 0 for laser fibres, which lie below.
        width: drawn, um.
        pieces: centre lines, one after the other, each of shape (N, 2).
        path: the same in space, thinned, shape (M, 3).
    """

    name: str
    layer: str
    level: int
    width: float
    pieces: tuple[Points, ...]
    path: Points

    @cached_property
    def curves(self) -> tuple[Curve, ...]:
        """The centre line as lines, arcs and splines."""
        return tuple(curve_of(piece) for piece in self.pieces)

    @property
    def length(self) -> float:
        """Length along the drawing, um."""
        return float(sum(np.hypot(*np.diff(piece, axis=0).T).sum() for piece in self.pieces))


@dataclass(frozen=True)
class Connector:
    """A connector at the faceplate: name, layer, row (0: lasers), left, bottom, right and top, places of its ports."""

    name: str
    layer: str
    level: int
    box: tuple[float, float, float, float]
    places: tuple[tuple[float, float], ...] = ()

    @property
    def positions(self) -> int:
        """How many fibres it holds at most."""
        return len(self.places)


@dataclass(frozen=True)
class Package:
    """Everything that a hand-over file may hold.

    Attributes:
        name: of the top cell.
        dies: kinds of dies.
        placed: the dies in the package.
        solids: substrate, carriers, dies, lid... from the bottom up.
        fibres, connectors: as drawn.
        airwires: from die to die, shape (N, 2, 2).
        marks: outlines that are no bodies: layer -> outlines of shape (N, 2).
        notes: what was drawn and could not be used, one line each.
    """

    name: str
    dies: tuple[Die, ...]
    placed: tuple[PlacedDie, ...]
    solids: tuple[Solid, ...]
    fibres: tuple[Fibre, ...]
    connectors: tuple[Connector, ...]
    airwires: Points
    marks: dict[str, list[Points]]
    notes: tuple[str, ...] = ()
