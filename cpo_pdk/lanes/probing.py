"""The test manifest: where the ports and bumps of every engine are, for the wafer prober and the fibre aligner.

Die coordinates have their origin where the engine cell has it (lower left corner, facet in the east, before it is
placed); package coordinates are those of the top cell. A file that holds an engine alone is a die: both are the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cpo_pdk.circuit.binding import ModelLike, SheetLike
from cpo_pdk.circuit.flattening import FlatCircuit, Placement
from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.circuit.leaves import ENGINE
from cpo_pdk.circuit.netlist import Netlists
from cpo_pdk.lanes.engine_lanes import CellMap, map_engine
from cpo_pdk.lanes.outside import Outside, Placed, natural
from cpo_pdk.lanes.tables import Column, row_json, table_csv
from cpo_pdk.output import write_json, write_text

FORMAT = "cpo_pdk test map 1"
CSV_FILE, JSON_FILE = "test_map.csv", "test_map.json"
_USE = re.compile(r"(tx|rx|laser|loop)_[0-9]+$")


@dataclass(frozen=True)
class Point:
    """Something that a fibre or a needle is put on.

    Attributes:
        kind: `optical` or `electrical`.
        name: facet port (`tx_3`), or number of the bump (`b17`), counted from west to east, south to north.
        use: of a port: tx, rx, laser, loop; of a bump: what its net reaches in the device: heater, p, n, metal.
        device: edge coupler, or device on the bump's net; path in the engine.
        device_cell: what it is.
        terminal: of the device.
        lane: that the device serves, `tx_3/5`; empty where it serves none or all.
        x_um, y_um: on the die.
        angle: of a port, outward, degrees; 0 for a bump.
    """

    kind: str
    name: str
    use: str
    device: str
    device_cell: str
    terminal: str
    lane: str
    x_um: float
    y_um: float
    angle: float


@dataclass(frozen=True)
class Die:
    """One distinct engine cell.

    Attributes:
        cell: its name.
        size_um: of the die, where the file states it.
        wl_um: its wavelengths.
        points: ports in the order of the facet, then bumps.
        loopbacks: pairs of ports that light goes through from one to the other.
    """

    cell: str
    size_um: tuple[float, float] | None
    wl_um: tuple[float, ...]
    points: tuple[Point, ...]
    loopbacks: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class PlacedPoint(Point):
    """A point of a placed engine: the engine, its cell, and the place in the package (um)."""

    engine: str
    cell: str
    package_x_um: float
    package_y_um: float


@dataclass(frozen=True)
class ProbePlan:
    """All engines of a file.

    Attributes:
        top: name of the top cell.
        dies: distinct engine cells by name.
        engines: placed engines with where they lie, by name.
    """

    top: str
    dies: dict[str, Die]
    engines: tuple[Placed, ...]

    def placed_points(self) -> list[PlacedPoint]:
        """The points of all engines."""
        return [
            PlacedPoint(**vars(point), engine=engine.path, cell=engine.cell.name, package_x_um=x, package_y_um=y)
            for engine in self.engines
            for point in self.dies[engine.cell.name].points
            for x, y in (engine.place.point(point.x_um, point.y_um),)
        ]


POINT_COLUMNS: tuple[Column, ...] = (
    Column("kind", "optical: for the fibre aligner; electrical: for the prober"),
    Column("name", "facet port, or number of the bump from west to east, south to north"),
    Column("use", "of a port: tx, rx, laser, loop; of a bump: what its net reaches in the device: heater, p, n, metal"),
    Column("device", "edge coupler, or device on the bump's net; path in the engine"),
    Column("device_cell", "what it is"),
    Column("terminal", "of the device"),
    Column("lane", "lane that the device serves, tx_3/5"),
    Column("x_um", "on the die, um", 3),
    Column("y_um", "as x_um", 3),
    Column("angle", "of a port, outward, degrees", 1),
)
COLUMNS: tuple[Column, ...] = (
    Column("engine", "placed engine"),
    Column("cell", "its cell"),
    *POINT_COLUMNS,
    Column("package_x_um", "in the package, um", 3),
    Column("package_y_um", "as package_x_um", 3),
)


def read_probe_plan(
    file: LayoutFile, netlists: Netlists, sheets: Mapping[str, SheetLike], models: Mapping[str, ModelLike]
) -> ProbePlan:
    """Read ports and bumps of all engines out of a package, or of an engine alone.

    Args:
        file: the layout.
        netlists: of it.
        sheets, models: by name.

    Raises:
        LayoutError: no engine, or one without ports or wavelengths; metals that can't be followed.
        ModelError: a cell without a usable model.
    """
    top = netlists.cells[netlists.top]
    if top.function == ENGINE:
        engines: tuple[Placed, ...] = (Placed(top.name, top, Placement()),)
    else:
        engines = Outside(netlists, Path(file.path).name).engines
    cells = sorted({engine.cell.name for engine in engines})
    dies = {cell: _die(netlists, map_engine(netlists, file, cell, sheets, models)) for cell in cells}
    return ProbePlan(netlists.top, dies, engines)


def _die(netlists: Netlists, cell: CellMap) -> Die:
    own = netlists.cells[cell.cell]
    ports = [
        Point(
            kind="optical",
            name=port.name,
            use=match[1],
            device=(at := cell.circuit.exposed.get(port.name, ("", "")))[0],
            device_cell=cell.circuit.leaves[at[0]].function if at[0] else "",
            terminal=at[1],
            lane="",
            x_um=port.x,
            y_um=port.y,
            angle=port.angle,
        )
        for port in own.ports
        if (match := _USE.match(port.name))
    ]
    ports.sort(key=lambda point: (point.y_um, point.x_um))
    lane_of = {lane.device: f"{lane.direction}_{lane.port}/{lane.channel}" for lane in cell.lanes if lane.device}
    bumps = []
    for number, (place, terminal) in enumerate(sorted(cell.terminals.items()), start=1):
        device = terminal.device if terminal else ""
        bumps.append(
            Point(
                kind="electrical",
                name=f"b{number}",
                use=terminal.reaches if terminal else "",
                device=device,
                device_cell=terminal.cell if terminal else "",
                terminal=terminal.name if terminal else "",
                lane=lane_of.get(device, ""),
                x_um=place[0],
                y_um=place[1],
                angle=0.0,
            )
        )
    return Die(
        cell.cell, _size(own.info.get("size_um")), cell.wl_um, (*ports, *bumps), _loopbacks(netlists, cell.circuit)
    )


def _size(value: object) -> tuple[float, float] | None:
    """Length and width of a die as its file states them; None for what makes no sense."""
    sides = value if isinstance(value, list) else []
    if len(sides) != 2 or not all(isinstance(s, int | float) and 0 < s < math.inf for s in sides):
        return None
    return (float(sides[0]), float(sides[1]))


def _loopbacks(netlists: Netlists, circuit: FlatCircuit) -> tuple[tuple[str, str], ...]:
    """Pairs of facet ports that are joined by nothing but devices with two ports."""
    partner = {}
    for link in circuit.connections:
        partner[link.a], partner[link.b] = link.b, link.a
    named = {ref: name for name, ref in circuit.exposed.items()}
    found: list[tuple[str, str]] = []
    for start, name in sorted(named.items(), key=lambda entry: natural(entry[1])):
        at, seen = start, set()
        while at is not None and at[0] not in seen:
            seen.add(at[0])
            ports = [port.name for port in netlists.cells[circuit.leaves[at[0]].cell].ports]
            if len(ports) != 2:
                break
            out = (at[0], ports[1] if ports[0] == at[1] else ports[0])
            if out in named and out != start:
                if natural(name) < natural(named[out]):
                    found.append((name, named[out]))
                break
            at = partner.get(out)
    return tuple(found)


def probe_plan_json(found: ProbePlan) -> dict[str, Any]:
    """The manifest as one JSON document: each die once, and where the engines lie.

    A point (x, y) of a die lies at `origin + e^(i rotation) (x, y)` in the package, mirrored at the x axis first.
    """
    return {
        "format": FORMAT,
        "top": found.top,
        "dies": [
            {
                "cell": die.cell,
                "size_um": list(die.size_um) if die.size_um else None,
                "wl_um": [round(wl, 9) for wl in die.wl_um],
                "loopbacks": [list(pair) for pair in die.loopbacks],
                "fibre_array": _array(die),
                "points": [row_json(point, POINT_COLUMNS) for point in die.points],
            }
            for die in found.dies.values()
        ],
        "engines": [
            {
                "engine": engine.path,
                "cell": engine.cell.name,
                "origin_um": [round(engine.place.x, 3), round(engine.place.y, 3)],
                "rotation": engine.place.rotation,
                "mirror": engine.place.mirror,
            }
            for engine in found.engines
        ],
    }


def _array(die: Die) -> dict[str, Any]:
    """Positions of the fibre array: how many, how far apart, and the largest deviation from an even pitch (um)."""
    along = sorted(point.y_um for point in die.points if point.kind == "optical")
    if len(along) < 2:
        return {"positions": len(along), "pitch_um": None, "uneven_um": 0.0}
    pitch = (along[-1] - along[0]) / (len(along) - 1)
    uneven = max(abs(y - along[0] - k * pitch) for k, y in enumerate(along))
    return {"positions": len(along), "pitch_um": round(pitch, 6), "uneven_um": round(uneven, 6)}


def write_probe_plan(found: ProbePlan, folder: Path) -> tuple[Path, Path]:
    """Write `test_map.csv` (every placed engine) and `test_map.json` (every die once) into a folder that is there.

    Raises:
        OutputError: it can't be written.
    """
    return (
        write_text(folder / CSV_FILE, table_csv(found.placed_points(), COLUMNS)),
        write_json(folder / JSON_FILE, probe_plan_json(found)),
    )
