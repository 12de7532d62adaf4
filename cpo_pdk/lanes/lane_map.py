"""The lane map: serial lane, bump, engine, device, wavelength, waveguide, fibre, connector and laser of every lane.

Joined from what was read out of the layout: the lanes of each distinct engine cell, the airwires, and the fibres. It is
a bijection, or `problems` says where it is none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cpo_pdk.circuit.binding import ModelLike, SheetLike
from cpo_pdk.circuit.layout_file import LayoutFile
from cpo_pdk.circuit.netlist import Netlists
from cpo_pdk.lanes.airwires import Traces, read_traces
from cpo_pdk.lanes.banks import Slot, slots
from cpo_pdk.lanes.bijection import shared
from cpo_pdk.lanes.engine_lanes import CellLane, CellMap, Terminal, map_engine, on_grid
from cpo_pdk.lanes.fibre_map import FibreMap
from cpo_pdk.lanes.outside import Outside, Placed
from cpo_pdk.lanes.rows import FibreRow, LaneMap, LaneRow, MapProblem

Place = tuple[float, float]


@dataclass(frozen=True)
class _Hit:
    """An airwire that joins a serial lane with a bump of an engine."""

    serdes: str
    start: Place
    end: Place
    engine: str
    terminal: Terminal | None


class _Join:
    """Puts the pieces together; see `map_lanes`."""

    def __init__(self, outside: Outside, cells: Mapping[str, CellMap], fibres: FibreMap, traces: Traces) -> None:
        self.outside = outside
        self.cells = cells
        self.fibres = fibres
        self.traces = traces
        self.problems: list[MapProblem] = [*fibres.problems]
        self.fibre = {(row.engine, row.port): row for row in fibres.rows}
        self.active = [engine for engine in outside.engines if engine.path not in fibres.spares]
        self.hits = self._hits()

    def _say(self, kind: str, message: str, at: Place = (0.0, 0.0)) -> None:
        self.problems.append(MapProblem(kind, message, *at))

    def _hits(self) -> dict[tuple[str, str], list[_Hit]]:
        """(engine, device) -> the airwires that end at a bump of it."""
        bumps: dict[Place, tuple[str, Terminal | None]] = {}
        for engine in self.outside.engines:
            for place, terminal in self.cells[engine.cell.name].terminals.items():
                bumps[on_grid(*engine.place.point(*place))] = (engine.path, terminal)
        for place in self.traces.odd:
            self._say("airwire", "a shape on AIRWIRE is no path of two points; draw one from bump to bump", place)
        found: dict[tuple[str, str], list[_Hit]] = {}
        used: Counter[str] = Counter()
        for wire in self.traces.wires:
            start, end = (wire.a, wire.b) if wire.a in self.traces.serdes else (wire.b, wire.a)
            serdes, met = self.traces.serdes.get(start), bumps.get(end)
            if serdes is None:
                self._say("airwire", "an airwire begins at no serial lane of the switch; lead it to one", start)
                continue
            used[serdes] += 1
            if used[serdes] == 2:
                self._say("serdes", f"{serdes}: several airwires begin at this serial lane; keep one", start)
            if met is None:
                self._say("airwire", f"{serdes}: the airwire ends at no bump of an engine; lead it to one", end)
                continue
            engine, terminal = met
            if engine in self.fibres.spares:
                self._say("airwire", f"{serdes}: the airwire ends at {engine}, which has no fibres; lead it on", end)
            device = terminal.device if terminal else ""
            found.setdefault((engine, device), []).append(_Hit(serdes, start, end, engine, terminal))
        for name in self.traces.doubled:
            self._say("serdes", f"{name}: its bump is that of another serial lane as well; move it")
        return found

    def rows(self) -> list[LaneRow]:
        """All lanes; whatever is on an airwire without being a lane becomes a problem."""
        lanes = [row for engine in self.active for row in self._engine(engine)]
        known = {(row.engine, row.device) for row in lanes}
        for (engine, device), hits in self.hits.items():
            if (engine, device) not in known and engine not in self.fibres.spares:
                what = (
                    f"{device} of {engine}, which serves no lane" if device else f"a bump of {engine} without a device"
                )
                for hit in hits:
                    self._say("airwire", f"{hit.serdes}: the airwire leads to {what}; lead it to a lane", hit.end)
        if lanes and not self.traces.wires:
            self._say(
                "airwire",
                f"no airwire is drawn for {len(lanes)} lanes: which serial lane they belong to is unknown; draw one a "
                "lane on layer AIRWIRE",
            )
        return lanes

    def _engine(self, engine: Placed) -> list[LaneRow]:
        cell = self.cells[engine.cell.name]
        serving = Counter(lane.device for lane in cell.lanes if lane.device)
        places = {d: slots([(x.port, x.channel) for x in cell.lanes if x.direction == d]) for d in ("tx", "rx")}
        return [
            self._lane(engine, cell, lane, serving[lane.device], places[lane.direction][lane.port, lane.channel])
            for lane in cell.lanes
        ]

    def _lane(self, engine: Placed, cell: CellMap, lane: CellLane, serving: int, slot: Slot) -> LaneRow:
        short = f"{lane.direction}_{lane.port}/{lane.channel}"
        name = f"{engine.path}/{short}"
        port = f"{lane.direction}_{lane.port}"
        fibre = self.fibre.get((engine.path, port)) or self._no_fibre(engine, port)
        laser = self.fibre.get((engine.path, f"laser_{lane.laser_port}")) if lane.laser_port else None
        where = (fibre.facet_x_um, fibre.facet_y_um)
        if not lane.device:
            what = "modulator" if lane.direction == "tx" else "detector"
            self._say("device", f"{name}: no {what} serves this wavelength; place one", where)
        elif serving > 1:
            self._say("device", f"{name}: {lane.device} serves {serving} lanes, 1 allowed; give each its own", where)
        if lane.direction == "tx" and (laser is None or not laser.connector):
            self._say("laser", f"{name}: no laser module feeds it; lead a fibre from laser_{lane.laser_port}", where)
        hit = self._hit(engine, cell, lane, name, short)
        return LaneRow(
            engine=engine.path,
            direction=lane.direction,
            port=lane.port,
            channel=lane.channel,
            wl_um=lane.wl_um,
            serdes=hit.serdes if hit else "",
            asic_x_um=hit.start[0] if hit else 0.0,
            asic_y_um=hit.start[1] if hit else 0.0,
            bump_x_um=hit.end[0] if hit else 0.0,
            bump_y_um=hit.end[1] if hit else 0.0,
            terminal=hit.terminal.name if hit and hit.terminal else "",
            trace_mm=(abs(hit.start[0] - hit.end[0]) + abs(hit.start[1] - hit.end[1])) * 1e-3 if hit else 0.0,
            device=lane.device,
            device_cell=lane.device_cell,
            waveguide=lane.waveguide,
            fibre=fibre.fibre,
            connector=fibre.connector,
            position=fibre.position,
            laser_port=lane.laser_port,
            laser_connector=laser.connector if laser else "",
            laser_position=laser.position if laser else 0,
            module=slot.module,
            bank=slot.bank,
            bank_lane=slot.lane,
        )

    def _hit(self, engine: Placed, cell: CellMap, lane: CellLane, name: str, short: str) -> _Hit | None:
        """The airwire of a lane."""
        hits = self.hits.get((engine.path, lane.device), []) if lane.device else []
        stated = cell.stated.get(short)
        if not hits:
            at = engine.place.point(*(stated or next(iter(lane.bumps.values()), (0.0, 0.0))))
            if self.traces.wires:
                self._say("lane", f"{name}: no airwire leads to {lane.device or 'it'}; draw one from a serial lane", at)
            return None
        hit = hits[0]
        if len(hits) > 1:
            lanes = ", ".join(sorted(h.serdes for h in hits))
            self._say("lane", f"{name}: {len(hits)} serial lanes lead to it ({lanes}), 1 allowed; keep one", hit.end)
        if hit.serdes.rpartition("/")[2].partition("_")[0] != lane.direction:
            said = f"{name}: {hit.serdes} is a serial lane of the other direction; lead a {lane.direction} lane here"
            self._say("direction", said, hit.end)
        if stated is not None and on_grid(*engine.place.point(*stated)) != hit.end and hit.terminal:
            self._say(
                "terminal",
                f"{name}: {hit.serdes} ends at terminal {hit.terminal.name} of {lane.device}, the lane's bump is "
                f"{_distance(engine.place.point(*stated), hit.end):.1f} um away; lead it there",
                hit.end,
            )
        return hit

    def _no_fibre(self, engine: Placed, port: str) -> FibreRow:
        x, y = engine.place.point(0.0, 0.0)
        return FibreRow(engine.path, port, port.partition("_")[0], "", "", "", "", 0, x, y, x, y, 0.0, 0.0, 0.0)


def _distance(a: Place, b: Place) -> float:
    return ((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) ** 0.5


def map_lanes(
    file: LayoutFile, netlists: Netlists, sheets: Mapping[str, SheetLike], models: Mapping[str, ModelLike]
) -> LaneMap:
    """Read the lane map of a package out of its layout.

    Args:
        file: the package.
        netlists: of the file, extracted with the functions of the sheets as leaves.
        sheets, models: by name.

    Returns:
        the map; where it is no bijection, `problems` says why.

    Raises:
        LayoutError: no package, an engine without ports or wavelengths, metals that can't be followed.
        ModelError: a cell without a usable model, light that reaches nothing.
    """
    outside = Outside(netlists, Path(file.path).name)
    kinds = sorted({engine.cell.name for engine in outside.engines})
    cells = {cell: map_engine(netlists, file, cell, sheets, models) for cell in kinds}
    fibres = FibreMap(outside, file.layout, sheets)
    traces = read_traces(file.layout, file.top)
    join = _Join(outside, cells, fibres, traces)
    lanes = join.rows()
    if not join.active:
        said = f"none of the {len(outside.engines)} engines has a fibre: no lane leaves the package; draw the fibres"
        join.problems.append(MapProblem("no_fibre", said, 0.0, 0.0))
    if not join.problems:
        join.problems += shared(lanes)
    return LaneMap(
        package=file.top.name,
        lanes=tuple(lanes),
        fibres=fibres.rows,
        connectors=fibres.connectors,
        engines=tuple(engine.path for engine in join.active),
        spares=fibres.spares,
        wl_um={name: cell.wl_um for name, cell in cells.items()},
        serdes={d: sum(_direction(name) == d for name in traces.serdes.values()) for d in ("tx", "rx")},
        problems=tuple(join.problems),
    )


def _direction(serdes: str) -> str:
    return serdes.rpartition("/")[2].partition("_")[0]
