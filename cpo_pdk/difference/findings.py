"""What a comparison of two builds returns: polygons, circuit, lanes, and the verdict of the limits."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Box = tuple[float, float, float, float]
#: changes of loss and crosstalk below this are none: tables are written to 0.1 mdB
TOLERANCE_DB = 1e-4


@dataclass(frozen=True)
class Region:
    """Polygons of one layer that differ, in one cell.

    Attributes:
        layer: name of the layer, or "number/datatype".
        cell: the deepest cell that has them, as it is called in the second layout.
        bbox: left, bottom, right, top in the coordinates of that cell, um.
        added_um2, removed_um2: area that only the second, only the first layout has, at one place.
        polygons: how many.
        places: in how many places of the top cell.
        outlines: their corners, um, for markers; (points, True) for an added polygon, holes are filled.
    """

    layer: str
    cell: str
    bbox: Box
    added_um2: float
    removed_um2: float
    polygons: int
    places: int = 1
    outlines: tuple[tuple[tuple[tuple[float, float], ...], bool], ...] = field(default=(), repr=False)

    @property
    def changed_um2(self) -> float:
        """Area in all places."""
        return (self.added_um2 + self.removed_um2) * self.places


@dataclass(frozen=True)
class LayerChange:
    """One layer: area in all places of the top cell (um2), number of polygons that differ, and where."""

    layer: str
    number: str
    added_um2: float = 0.0
    removed_um2: float = 0.0
    polygons: int = 0
    regions: tuple[Region, ...] = ()

    @property
    def changed_um2(self) -> float:
        """Area that only one of the layouts has."""
        return self.added_um2 + self.removed_um2


@dataclass(frozen=True)
class CellChanges:
    """Cells that are in one layout only by their names; `renamed`: same polygons under another name (old, new)."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Geometry:
    """Polygons of two layouts.

    Attributes:
        layers: one entry a layer that was compared, also where nothing differs.
        cells: that came, went or were renamed.
        compared: cells, and shapes on either side with every instance counted.
        looked_into: pairs of cells that were compared polygon by polygon; those with equal fingerprints are not.
    """

    layers: tuple[LayerChange, ...] = ()
    cells: CellChanges = CellChanges()
    compared: dict[str, int] = field(default_factory=dict)
    looked_into: int = 0

    @property
    def changed(self) -> tuple[LayerChange, ...]:
        """Layers on which something differs, largest area first."""
        return tuple(sorted((e for e in self.layers if e.polygons), key=lambda e: (-e.changed_um2, e.layer)))


@dataclass(frozen=True, order=True)
class DeviceChange:
    """A device of the circuit, or a cell of devices, that is other than before.

    Attributes:
        where: path of the containing cell's first place from the top cell; empty for the top cell itself.
        name: of the instance in it; empty for the top cell itself.
        kind: `added`, `removed`, `replaced` (drawn by another cell function), `settings`, `drawn` (same settings, other
            waveguide area), `moved`, `renamed`.
        device: function of the cell, of the second layout where it is in both.
        places: in how many places of the top cell.
        settings: argument -> (value before, value now), as text.
        route_um: how much longer its light path is, um; 0 where it is not.
        message: one line.
    """

    where: str
    name: str
    kind: Literal["added", "removed", "replaced", "settings", "drawn", "moved", "renamed"]
    device: str
    places: int
    message: str
    settings: tuple[tuple[str, str, str], ...] = ()
    route_um: float = 0.0


@dataclass(frozen=True, order=True)
class ConnectionChange:
    """A connection of instance ports, or a port of a cell, that came or went; names as in the first layout."""

    where: str
    kind: Literal["added", "removed"]
    a: str
    b: str
    places: int


@dataclass(frozen=True)
class Circuit:
    """The netlists of two layouts.

    Attributes:
        devices, connections: what is other than before.
        compared: devices and connections on either side, every instance counted.
        reason: why it can't be compared; empty when it was.
    """

    devices: tuple[DeviceChange, ...] = ()
    connections: tuple[ConnectionChange, ...] = ()
    compared: dict[str, int] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True)
class Cause:
    """Why a lane loses more or less: `text` names the element and what changed in it; `loss_dB` is what it adds."""

    text: str
    loss_dB: float


@dataclass(frozen=True)
class LaneChange:
    """One lane before and now.

    Attributes:
        engine, direction, port, channel: which lane.
        loss_dB, crosstalk_dB: (before, now); infinite where no light arrives.
        causes: items of the loss that changed, largest first; what is left over is the last.
        aggressors: sources of crosstalk that changed, in words, largest first.
    """

    engine: str
    direction: str
    port: int
    channel: int
    loss_dB: tuple[float, float]
    crosstalk_dB: tuple[float, float]
    causes: tuple[Cause, ...] = ()
    aggressors: tuple[str, ...] = ()

    @property
    def more_loss_dB(self) -> float:
        """How much more is lost than before, dB; infinite where the light went out."""
        return _rise(self.loss_dB)

    @property
    def more_crosstalk_dB(self) -> float:
        """How much the crosstalk rose, dB."""
        return _rise(self.crosstalk_dB)

    @property
    def loss_changed(self) -> bool:
        """True when the loss differs, and not the crosstalk alone."""
        return abs(self.more_loss_dB) > TOLERANCE_DB

    @property
    def name(self) -> str:
        """`tx N1 port 3 ch 5`."""
        engine = self.engine.removeprefix("engine_")
        return f"{self.direction} {engine} port {self.port} ch {self.channel}"


def _rise(pair: tuple[float, float]) -> float:
    before, now = pair
    if before == now or (math.isnan(before) and math.isnan(now)):
        return 0.0
    return math.inf if math.isnan(now) else now - before


@dataclass(frozen=True)
class Lanes:
    """Insertion loss and crosstalk of two layouts, lane by lane.

    Attributes:
        changes: lanes whose loss or crosstalk differs, those that lose most first.
        compared: number of lanes that are in both.
        added, removed: names of lanes that are in one only.
        retuned: number of lanes at another wavelength than before.
        source: where the numbers are from, of either side.
        reason: why they can't be compared; empty when they were, or when there is nothing to compare.
        not_applicable: why there is nothing to compare, and that this is in order.
    """

    changes: tuple[LaneChange, ...] = ()
    compared: int = 0
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    retuned: int = 0
    source: tuple[str, str] = ("", "")
    reason: str = ""
    not_applicable: str = ""

    @property
    def by_loss(self) -> tuple[LaneChange, ...]:
        """Lanes whose loss differs, those that lose most first."""
        return tuple(change for change in self.changes if change.loss_changed)

    @property
    def by_crosstalk(self) -> tuple[LaneChange, ...]:
        """Lanes whose crosstalk differs, those where it rose most first."""
        rose = [change for change in self.changes if abs(change.more_crosstalk_dB) > TOLERANCE_DB]
        return tuple(sorted(rose, key=lambda c: (-c.more_crosstalk_dB, c.engine, c.direction, c.port, c.channel)))


@dataclass(frozen=True)
class Limits:
    """What a change may be: dB of loss and of crosstalk more than before, and whether polygons may change at all."""

    loss_dB: float | None = None
    crosstalk_dB: float | None = None
    geometry: bool = True


@dataclass(frozen=True)
class Gate:
    """One limit, whether it is kept, and that in words."""

    name: str
    passed: bool
    message: str


@dataclass(frozen=True)
class Difference:
    """Everything that was found out about two builds.

    Attributes:
        a, b: names of what was compared.
        same_bytes: the two layout files are equal byte by byte.
        geometry, circuit, lanes: the parts.
        gates: one for each limit that was given.
        not_compared: what could not be compared and should have been, one line each.
        notices: what the reader should know.
    """

    a: str
    b: str
    same_bytes: bool
    geometry: Geometry
    circuit: Circuit
    lanes: Lanes
    gates: tuple[Gate, ...] = ()
    not_compared: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def different(self) -> bool:
        """True when anything that was compared differs."""
        cells, lanes = self.geometry.cells, self.lanes
        return bool(
            self.geometry.changed
            or cells.added
            or cells.removed
            or cells.renamed
            or self.circuit.devices
            or self.circuit.connections
            or lanes.changes
            or lanes.added
            or lanes.removed
            or lanes.retuned
        )

    @property
    def passed(self) -> bool:
        """What the exit code says: every limit kept, and nothing left uncompared."""
        return not self.not_compared and all(gate.passed for gate in self.gates)

    @property
    def compared(self) -> dict[str, int]:
        """How much was compared."""
        return {
            "layers": len(self.geometry.layers),
            **self.geometry.compared,
            **self.circuit.compared,
            "lanes": self.lanes.compared,
        }

    def as_json(self) -> dict[str, Any]:
        """The `--json` document of `cpo diff`."""
        return {
            "format": "cpo diff 1",
            "a": self.a,
            "b": self.b,
            "same_bytes": self.same_bytes,
            "different": self.different,
            "passed": self.passed,
            "compared": self.compared,
            "gates": [asdict(gate) for gate in self.gates],
            "not_compared": list(self.not_compared),
            "notices": list(self.notices),
            "geometry": {
                "layers": [
                    {
                        "layer": e.layer,
                        "number": e.number,
                        "changed_um2": round(e.changed_um2, 6),
                        "added_um2": round(e.added_um2, 6),
                        "removed_um2": round(e.removed_um2, 6),
                        "polygons": e.polygons,
                        "regions": [
                            {
                                "cell": r.cell,
                                "bbox": list(r.bbox),
                                "added_um2": round(r.added_um2, 6),
                                "removed_um2": round(r.removed_um2, 6),
                                "polygons": r.polygons,
                                "places": r.places,
                            }
                            for r in e.regions
                        ],
                    }
                    for e in self.geometry.layers
                ],
                "cells": {
                    "added": list(self.geometry.cells.added),
                    "removed": list(self.geometry.cells.removed),
                    "renamed": [{"from": a, "to": b} for a, b in self.geometry.cells.renamed],
                },
            },
            "circuit": {
                "devices": [
                    {
                        **{k: v for k, v in asdict(d).items() if k != "settings"},
                        "settings": {name: {"from": a, "to": b} for name, a, b in d.settings},
                    }
                    for d in self.circuit.devices
                ],
                "connections": [asdict(c) for c in self.circuit.connections],
                "reason": self.circuit.reason,
            },
            "lanes": {
                "compared": self.lanes.compared,
                "changed": [_lane_json(change) for change in self.lanes.changes],
                "added": list(self.lanes.added),
                "removed": list(self.lanes.removed),
                "retuned": self.lanes.retuned,
                "source": list(self.lanes.source),
                "reason": self.lanes.reason,
                "not_applicable": self.lanes.not_applicable,
            },
        }


def _lane_json(change: LaneChange) -> dict[str, Any]:
    return {
        "engine": change.engine,
        "direction": change.direction,
        "port": change.port,
        "channel": change.channel,
        "insertion_loss_dB": [_level(value) for value in change.loss_dB],
        "crosstalk_dB": [_level(value) for value in change.crosstalk_dB],
        "more_loss_dB": _level(change.more_loss_dB),
        "more_crosstalk_dB": _level(change.more_crosstalk_dB),
        "causes": [{"what": cause.text, "loss_dB": _level(cause.loss_dB)} for cause in change.causes],
        "aggressors": list(change.aggressors),
    }


def _level(value: float) -> float | None:
    """A level for JSON; None where no light arrives."""
    return round(value, 6) if math.isfinite(value) else None
