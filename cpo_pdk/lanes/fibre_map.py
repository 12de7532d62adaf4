"""Where every fibre goes, how long it is, and how long a signal takes along it: from the layout's fibres alone.

A fibre is followed from the engine's facet through everything that has two ports until a connector is reached or the
drawing ends. Its length is the one that the file states, if the drawn polygons agree with it: area over width.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping

import klayout.db as kdb

from cpo_pdk.circuit.binding import SheetLike, choose_sheet
from cpo_pdk.circuit.leaves import CONNECTOR
from cpo_pdk.circuit.netlist import CellNetlist, PortRef
from cpo_pdk.errors import LayoutError
from cpo_pdk.lanes.outside import Outside, Placed
from cpo_pdk.lanes.rows import USES, ConnectorRow, FibreRow, MapProblem
from cpo_pdk.tech.layers import CONNECTOR_LEVELS, FIBER_LEVELS, layer_of

#: speed of light, mm/ps (CODATA)
C_MM_PS = 0.299792458
#: a stated length may differ by this part from that of the polygons, whose arcs are chords
LENGTH_TOLERANCE = 2e-3
#: numbers of ports and positions have at most this many digits
NUMBER_DIGITS = 5
_PORT = re.compile(r"(tx|rx|laser|loop)_([0-9]+)$")
_FIBRE_LAYERS = (*FIBER_LEVELS, "FIBER_PM")


class FibreMap:
    """The fibres of a package and the connectors that they end in.

    Attributes:
        rows: one a facet port of an engine, in the order engine, use, port.
        connectors: from left to right, laser connectors last.
        problems: ports without a fibre, fibres that begin or end nowhere, positions taken twice, lengths that polygons
            deny.

    Args:
        outside: the package.
        layout: that the netlist was extracted from.
        sheets: by name; the group index of a fibre is in its sheet.

    Raises:
        LayoutError: a facet port with an absurd number.
        ModelError: sheets that contradict each other about a fibre.
    """

    def __init__(self, outside: Outside, layout: kdb.Layout, sheets: Mapping[str, SheetLike]) -> None:
        self.outside = outside
        self.layout = layout
        self.sheets = sheets
        self.problems: list[MapProblem] = []
        self._cells: dict[str, tuple[str, float, float]] = {}
        self._taken: dict[tuple[str, int], FibreRow] = {}
        rows = [row for engine in outside.engines for row in self._engine(engine)]
        spare = {e.path for e in outside.engines if not any(r.fibre for r in rows if r.engine == e.path)}
        self.spares = tuple(e.path for e in outside.engines if e.path in spare)
        self.rows = tuple(row for row in rows if row.engine not in spare)
        self._check()
        self._strays(rows)
        self.connectors = tuple(self._connectors())

    def _engine(self, engine: Placed) -> list[FibreRow]:
        found: list[tuple[tuple[int, int], FibreRow]] = []
        for port in engine.cell.ports:
            match = _PORT.match(port.name)
            if match:
                if len(match[2]) > NUMBER_DIGITS:
                    shown = f"{port.name[:20]}... of {len(match[2])} digits"
                    raise LayoutError(f"engine {engine.path}: port {shown}, {NUMBER_DIGITS} allowed; rename it")
                row = self._fibre(engine, port.name, match[1])
                found.append(((USES.index(match[1]), int(match[2])), row))
        return [row for _, row in sorted(found, key=lambda entry: entry[0])]

    def _fibre(self, engine: Placed, port: str, use: str) -> FibreRow:
        """Follow the fibre at one facet port."""
        start = engine.port_at(port)
        end, last = start, engine.path
        names: list[str] = []
        layers: list[str] = []
        length = latency = 0.0
        connector, kind, position = "", "", 0
        at: PortRef | None = self.outside.partner.get((engine.path, port))
        while at is not None:
            thing = self.outside.things.get(at[0])
            if thing is None or at[0] in names:
                break
            if thing.cell.function == CONNECTOR:
                connector, kind = name_of(thing), str(thing.cell.info.get("kind", ""))
                position = number_of(at[1])
                break
            others = [p.name for p in thing.cell.ports if p.name != at[1]]
            if len(others) != 1:
                break
            layer, own, delay = self._of(thing.cell)
            names.append(thing.path)
            layers.append(layer)
            length, latency = length + own, latency + delay
            end, last = thing.port_at(others[0]), thing.path
            at = self.outside.partner.get((thing.path, others[0]))
        if names and not connector and use != "loop":
            self._say(
                "fibre_end", f"{last}: the fibre at {engine.path}.{port} ends in no connector; lead it to one", end
            )
        row = FibreRow(
            engine=engine.path,
            port=port,
            use=use,
            fibre=" + ".join(names),
            layer=" + ".join(dict.fromkeys(layers)),
            connector=connector,
            kind=kind,
            position=position,
            facet_x_um=start[0],
            facet_y_um=start[1],
            end_x_um=end[0],
            end_y_um=end[1],
            length_mm=length,
            straight_mm=math.dist(start, end) * 1e-3,
            latency_ps=latency,
        )
        if connector:
            other = self._taken.setdefault((connector, position), row)
            if other is not row:
                self._say(
                    "position",
                    f"position {position} of {connector} has two fibres: {other.fibre} and {row.fibre}; move one",
                    end,
                )
        return row

    def _of(self, cell: CellNetlist) -> tuple[str, float, float]:
        """Drawing layer, length (mm) and delay (ps) of a fibre cell; each distinct cell is looked at once."""
        if cell.name not in self._cells:
            layer, drawn = self._drawn(cell)
            stated = cell.info.get("length")
            length = float(stated) * 1e-3 if isinstance(stated, int | float) and 0 <= stated < math.inf else drawn
            if drawn and abs(length - drawn) > LENGTH_TOLERANCE * drawn:
                self._say(
                    "length",
                    f"{cell.name}: length {length:.3f} mm in the file, its polygons are {drawn:.3f} mm long; "
                    "draw the fibre again",
                    (0.0, 0.0),
                )
                length = drawn
            self._cells[cell.name] = (layer, length, length * self._index(cell) / C_MM_PS)
        return self._cells[cell.name]

    def _drawn(self, cell: CellNetlist) -> tuple[str, float]:
        """Layer that a fibre is drawn on, and the length of its polygons in mm."""
        placed, width = self.layout.cell(cell.name), cell.ports[0].width
        for name in _FIBRE_LAYERS:
            index = self.layout.find_layer(*layer_of(name))
            if index is None or placed.bbox_per_layer(index).empty():
                continue
            region = kdb.Region(placed.begin_shapes_rec(index)).merged()
            return name, region.area() * self.layout.dbu**2 / width * 1e-3 if width else 0.0
        return "", 0.0

    def _index(self, cell: CellNetlist) -> float:
        """Group index of a fibre, from its sheet; 1 and a problem where no sheet gives one."""
        sheet = choose_sheet(cell, self.sheets.values())
        value = None if sheet is None else sheet.values.get("ng")
        if value is None:
            self._say(
                "index", f"{cell.name}: no sheet gives its group index ng; add it to the fibre's sheet", (0.0, 0.0)
            )
            return 1.0
        return value

    def _check(self) -> None:
        """Ports of engines in use that no fibre is attached to."""
        for row in self.rows:
            if not row.fibre and row.use != "loop":
                at = (row.facet_x_um, row.facet_y_um)
                self._say("no_fibre", f"{row.engine}.{row.port}: no fibre at this port of the facet; attach one", at)

    def _strays(self, rows: Iterable[FibreRow]) -> None:
        """Fibres that end in a connector and that no engine's port leads to."""
        known = {name for row in rows for name in row.fibre.split(" + ")}
        for connector in self.outside.connectors:
            for port in connector.cell.ports:
                met = self.outside.partner.get((connector.path, port.name))
                if met is None or met[0] in known or met[0] not in self.outside.things:
                    continue
                text = f"{met[0]}: the fibre at {name_of(connector)}.{number_of(port.name)} begins at no engine; "
                self._say("fibre_end", text + "lead it to one", connector.port_at(port.name))

    def _connectors(self) -> list[ConnectorRow]:
        by_name: dict[str, list[FibreRow]] = {}
        for row in self.rows:
            by_name.setdefault(row.connector, []).append(row)
        found: list[tuple[tuple[bool, float, float], ConnectorRow]] = []
        names: set[str] = set()
        for thing in self.outside.connectors:
            name, at = name_of(thing), thing.place.point(0.0, 0.0)
            if name in names:
                self._say("connector", f"two connectors are called {name}; give each a name of its own", at)
                continue
            names.add(name)
            fibres = by_name.get(name, [])
            first = min(thing.cell.ports, key=lambda p: number_of(p.name), default=None)
            x, y = at if first is None else thing.port_at(first.name)
            laser = bool(fibres) and all(row.use == "laser" for row in fibres)
            row = ConnectorRow(
                name=name,
                kind=str(thing.cell.info.get("kind", "")),
                level=0 if laser else self._level(thing),
                x_um=x,
                y_um=y,
                positions={f.position: (f.engine, f.port) for f in sorted(fibres, key=lambda f: f.position)},
                size=len(thing.cell.ports),
                skew_ps={use: _skew(fibres, use) for use in USES if any(f.use == use for f in fibres)},
            )
            found.append(((laser, x, y), row))
        return [row for _, row in sorted(found, key=lambda entry: entry[0])]

    def _level(self, thing: Placed) -> int:
        """Row at the faceplate, told by the drawing layer of the body; 0 where none is drawn."""
        placed = self.layout.cell(thing.cell.name)
        for number, name in enumerate(CONNECTOR_LEVELS, start=1):
            index = self.layout.find_layer(*layer_of(name))
            if index is not None and not placed.bbox_per_layer(index).empty():
                return number
        return 0

    def _say(self, kind: str, message: str, at: tuple[float, float]) -> None:
        self.problems.append(MapProblem(kind, message, *at))


def name_of(thing: Placed) -> str:
    """`MPO-E1`: what a connector is called at the faceplate."""
    return str(thing.cell.settings.get("name") or thing.cell.info.get("name") or thing.path)


def number_of(port: str) -> int:
    """Position of port `p3`: 3; 0 for a name without a number. Of a longer number the last five digits count."""
    match = re.search(r"[0-9]{1,5}$", port)
    return int(match[0]) if match else 0


def _skew(fibres: list[FibreRow], use: str) -> float:
    times = [row.latency_ps for row in fibres if row.use == use]
    return max(times) - min(times)
