"""What the rules of waveguides share: contours of a layer, the rays that measure them, and the devices of the file."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import klayout.db as kdb
import numpy as np

from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.tech.rules import Rule
from cpo_pdk.verify.photonic.contour_set import ContourSet, Floats, Ints, right_of
from cpo_pdk.verify.photonic.devices import Devices
from cpo_pdk.verify.photonic.rays import RayGrid
from cpo_pdk.verify.process_layers import Finding, process_layers

#: half the side of the box that a point is told by, dbu
SPOT = 3


@dataclass(frozen=True)
class LocatedFinding(Finding):
    """A finding whose cell is told by the shapes at one place, as its box reaches into the neighbours."""

    at: kdb.Box = field(default_factory=kdb.Box)


def place_of(finding: Finding) -> kdb.Box:
    """Where the shapes lie that tell the cell of a finding."""
    return finding.at if isinstance(finding, LocatedFinding) else finding.box


class Guides:
    """The waveguides of a file.

    Attributes:
        layers: the layers, merged.
        devices: what the file says that its cells are.
        looked_at: how many things a rule examined, by name of the rule, where that isn't the number of polygons.
    """

    def __init__(self, file: LayoutFile, leaves: Collection[str]) -> None:
        self.file = file
        self.layers = process_layers(file)
        self.devices = Devices(file.layout, file.top, leaves)
        self.looked_at: dict[str, int] = {}
        self._contours: dict[str, ContourSet] = {}
        self._rays: dict[str, RayGrid] = {}

    def contours(self, name: str) -> ContourSet:
        """The contours of the merged polygons of a layer, each distinct polygon at one of its places."""
        if name not in self._contours:
            found = self.layers.distinct(self.layers.region(name, alone=True))
            polygons = ((shape.polygon.transformed(to_top), places) for shape, to_top, places in found)
            self._contours[name] = ContourSet.of(polygons, self.layers.dbu)
        return self._contours[name]

    def polygon_count(self, name: str) -> int:
        """Merged polygons of a layer, every place counted."""
        return sum(places for _, _, places in self.layers.distinct(self.layers.region(name, alone=True)))

    def rays(self, name: str) -> RayGrid:
        """Rays against the walls of a layer."""
        if name not in self._rays:
            self._rays[name] = RayGrid(self.contours(name))
        return self._rays[name]

    def across(self, name: str, edge: Ints, start: Floats, reach: float) -> tuple[Floats, Ints]:
        """Width of the material seen from places on edges, at right angles to them, and the edge on the other side."""
        walls = self.contours(name)
        return self.rays(name).meet(start, right_of(walls.direction[edge]), walls.polygon[edge], reach)

    def finding(
        self, name: str, corner: int, points: Floats, value: float | None, note: str = "", at: Floats | None = None
    ) -> Finding:
        """A finding around some points (um) of the polygon that a corner belongs to.

        Args:
            name: the layer.
            corner: any of the polygon.
            points: shape (K, 2).
            value, note: see `Finding`.
            at: a point on a wall of the cell that is to be told; default: all shapes around the points tell it.
        """
        walls = self.contours(name)
        low, high = points.min(axis=0) / self.layers.dbu, points.max(axis=0) / self.layers.dbu
        box = kdb.Box(*(int(v) for v in np.floor(low + 1e-6)), *(int(v) for v in np.ceil(high - 1e-6)))
        places = int(walls.places[walls.polygon[corner]])
        if at is None:
            return Finding(box, value, places, note)
        x, y = (round(float(v) / self.layers.dbu) for v in at)
        return LocatedFinding(box, value, places, note, at=kdb.Box(x, y, x, y).enlarged(SPOT, SPOT))

    def excused(self, rule: Rule, finding: Finding) -> bool:
        """True when what the finding is in is known to be like that: see `Devices.excuse`."""
        return self.devices.excuse(rule, self.layers.indexes(rule.layers[:1]), place_of(finding))
