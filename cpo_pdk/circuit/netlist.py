"""The circuit as the layout file tells it: cells, their instances, what touches what, and what nearly does.

Plain frozen values with a JSON form. `cpo_pdk.circuit.extraction.extract` makes them from a layout.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from cpo_pdk.errors import LayoutError

#: (instance, port)
PortRef = tuple[str, str]
ProblemKind = Literal[
    "near_miss",
    "width_mismatch",
    "layer_mismatch",
    "cross_section_mismatch",
    "angle_mismatch",
    "type_mismatch",
    "several_ports",
    "dangling",
    "unbound_port",
    "edited",
]

FORMAT = "cpo_pdk netlist 1"


@dataclass(frozen=True)
class Port:
    """An optical port of a cell: place in um, direction in degrees (outward), width in um, layer (number, datatype)."""

    name: str
    port_type: str
    x: float
    y: float
    angle: float
    width: float
    layer: tuple[int, int]
    cross_section: str = ""


@dataclass(frozen=True)
class Instance:
    """One placed cell; an array is one instance an element, `name[column,row]`.

    Attributes:
        name: unique in its cell.
        cell: name of the placed cell, a key of `Netlists.cells`.
        function: factory of the placed cell, empty when the file doesn't say.
        x, y: origin in the containing cell, um.
        rotation: degrees counter-clockwise, after the mirror.
        mirror: mirrored at the x axis first.
    """

    name: str
    cell: str
    function: str
    x: float
    y: float
    rotation: float = 0.0
    mirror: bool = False


@dataclass(frozen=True)
class Connection:
    """Two instance ports in exactly one place, facing each other; `a < b`."""

    a: PortRef
    b: PortRef


@dataclass(frozen=True)
class NetProblem:
    """Something that may be meant as a connection and is none; never guessed into one.

    Attributes:
        kind: what is wrong.
        cell: cell whose coordinates `x`, `y` (um) are in.
        ports: the ports concerned, `instance.port`; a port of the cell itself is `.port`.
        message: one line with value, limit and cure.
    """

    kind: ProblemKind
    cell: str
    x: float
    y: float
    ports: tuple[str, ...]
    message: str


@dataclass(frozen=True)
class CellNetlist:
    """What one cell is and holds.

    Attributes:
        name, function, settings, info: as in the file.
        factory: who drew it, see `CellMeta`.
        core_um2: area of the waveguide cores (and fibres) drawn in a leaf, by layer number and datatype ("1/0"), um2.
        leaf: True when the cell is taken as one device; it then lists no instances.
        ports: optical ports of the cell.
        instances, connections: in the order of their names.
        exposed: port of the cell -> instance port that it is.
        outside: open instance ports that face the world (facets, gratings) and are no port of this cell.
        opened: open instance ports that are declared so.
        problems: what doesn't fit.
        electrical_ports: how many ports of instances are electrical (not part of the optical circuit).
    """

    name: str
    function: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    info: dict[str, Any] = field(default_factory=dict)
    leaf: bool = True
    ports: tuple[Port, ...] = ()
    instances: tuple[Instance, ...] = ()
    connections: tuple[Connection, ...] = ()
    exposed: dict[str, PortRef] = field(default_factory=dict)
    outside: tuple[PortRef, ...] = ()
    opened: tuple[PortRef, ...] = ()
    problems: tuple[NetProblem, ...] = ()
    electrical_ports: int = 0
    factory: str = ""
    core_um2: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Netlists:
    """The circuit of a layout: every cell once, whatever the number of its instances."""

    top: str
    cells: dict[str, CellNetlist]

    @property
    def problems(self) -> tuple[NetProblem, ...]:
        """The problems of all cells."""
        return tuple(problem for cell in self.cells.values() for problem in cell.problems)

    def counts(self) -> dict[str, int]:
        """How much there is: cells, placed leaves, connections and optical ports, every instance of a cell counted."""
        total: Counter[str] = Counter(cells=len(self.cells), problems=len(self.problems))
        for cell, times in self.placed():
            total["connections"] += times * len(cell.connections)
            total["electrical_ports"] += times * cell.electrical_ports
            for instance in cell.instances:
                placed = self.cells[instance.cell]
                total["optical_ports"] += times * len(placed.ports)
                total["leaves"] += times * placed.leaf
        return dict(total)

    def placed(self) -> Iterator[tuple[CellNetlist, int]]:
        """Each cell under the top cell (itself included) and how often it is placed."""
        times: Counter[str] = Counter({self.top: 1})
        for name in self._callers_first():
            yield self.cells[name], times[name]
            for instance in self.cells[name].instances:
                times[instance.cell] += times[name]

    def _callers_first(self) -> list[str]:
        order: list[str] = []
        seen: set[str] = set()

        def visit(name: str) -> None:
            if name in seen:
                return
            seen.add(name)
            for child in sorted({instance.cell for instance in self.cells[name].instances}):
                visit(child)
            order.append(name)

        visit(self.top)
        return order[::-1]

    def to_json(self) -> str:
        """The netlist as one JSON document; the same netlist gives the same text."""
        document = {
            "format": FORMAT,
            "top": self.top,
            "cells": {name: _plain(asdict(self.cells[name])) for name in sorted(self.cells)},
        }
        return json.dumps(document, indent=1, sort_keys=True) + "\n"

    @staticmethod
    def from_json(text: str) -> Netlists:
        """Read what `to_json` wrote.

        Raises:
            LayoutError: not such a document.
        """
        try:
            document = json.loads(text)
            if document["format"] != FORMAT:
                raise LayoutError(f"netlist format {document['format']!r}, must be {FORMAT!r}; extract it again")
            return Netlists(document["top"], {name: _cell(value) for name, value in document["cells"].items()})
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise LayoutError(f"not a netlist ({type(error).__name__}: {error}); extract it again") from error


def _plain(value: Any) -> Any:
    """The value with tuples as lists and everything that JSON doesn't know as text."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def plain_dict(value: dict[str, Any]) -> dict[str, Any]:
    """Settings or info of a cell in the form that survives JSON."""
    return {str(key): _plain(item) for key, item in value.items()}


def _pair(value: list[str]) -> PortRef:
    instance, port = value
    return (str(instance), str(port))


def _cell(value: dict[str, Any]) -> CellNetlist:
    return CellNetlist(
        name=value["name"],
        function=value["function"],
        settings=value["settings"],
        info=value["info"],
        leaf=bool(value["leaf"]),
        ports=tuple(Port(**{**port, "layer": (port["layer"][0], port["layer"][1])}) for port in value["ports"]),
        instances=tuple(Instance(**instance) for instance in value["instances"]),
        connections=tuple(Connection(_pair(link["a"]), _pair(link["b"])) for link in value["connections"]),
        exposed={name: _pair(ref) for name, ref in value["exposed"].items()},
        outside=tuple(_pair(ref) for ref in value["outside"]),
        opened=tuple(_pair(ref) for ref in value["opened"]),
        problems=tuple(NetProblem(**{**p, "ports": tuple(p["ports"])}) for p in value["problems"]),
        electrical_ports=int(value["electrical_ports"]),
        factory=value["factory"],
        core_um2={str(layer): float(area) for layer, area in value["core_um2"].items()},
    )
