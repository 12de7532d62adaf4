"""The lane map as tables: their columns, CSV with one row a lane or fibre, JSON with everything, and its schema."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from cpo_pdk.lanes.rows import FibreRow, LaneMap, LaneRow, MapProblem

FORMAT = "cpo_pdk lane map 1"


@dataclass(frozen=True)
class Column:
    """One column: its name, what it says, and the digits behind the point (None for texts and whole numbers)."""

    name: str
    says: str
    digits: int | None = None


LANE_COLUMNS: tuple[Column, ...] = (
    Column("engine", "placed engine"),
    Column("direction", "tx or rx, as seen from the engine"),
    Column("port", "number of the facet port"),
    Column("channel", "number of the wavelength, from 1"),
    Column("wl_um", "wavelength, um", 6),
    Column("serdes", "serial lane of the switch"),
    Column("asic_x_um", "its bump on the switch, from the package's centre, um", 3),
    Column("asic_y_um", "as asic_x_um", 3),
    Column("bump_x_um", "bump on the engine, from the package's centre, um", 3),
    Column("bump_y_um", "as bump_x_um", 3),
    Column("terminal", "terminal of the device that the bump leads to"),
    Column("trace_mm", "length of the trace along x and y, mm", 4),
    Column("device", "modulator or detector, path in the engine"),
    Column("device_cell", "what it is"),
    Column("waveguide", "what the edge coupler hands its light to, path in the engine"),
    Column("fibre", "fibre, instance in the package"),
    Column("connector", "connector at the faceplate"),
    Column("position", "position in the connector, from 1"),
    Column("laser_port", "laser port of the engine that feeds the lane, 0 for a receive lane"),
    Column("laser_connector", "laser module"),
    Column("laser_position", "position in the laser module"),
    Column("module", "module of the engine in the bank view, from 1"),
    Column("bank", "bank of the module, from 0"),
    Column("bank_lane", "lane of the bank, from 1"),
)
FIBRE_COLUMNS: tuple[Column, ...] = (
    Column("engine", "placed engine"),
    Column("port", "facet port"),
    Column("use", "tx, rx, laser or loop"),
    Column("fibre", "instance in the package"),
    Column("layer", "drawing layer"),
    Column("connector", "connector at the faceplate, empty for an alignment fibre"),
    Column("kind", "kind of the connector"),
    Column("position", "position in the connector, from 1; 0 for an alignment fibre"),
    Column("facet_x_um", "where the fibre begins, from the package's centre, um", 3),
    Column("facet_y_um", "as facet_x_um", 3),
    Column("end_x_um", "where it ends, um", 3),
    Column("end_y_um", "as end_x_um", 3),
    Column("length_mm", "along the fibre, mm", 4),
    Column("straight_mm", "from end to end, mm", 4),
    Column("slack_mm", "length less straight, mm", 4),
    Column("latency_ps", "of a signal along the fibre, ps", 3),
)


def text_of(value: object, column: Column) -> str:
    """A value as the tables show it.

    Args:
        value: of a row.
        column: that it stands in.
    """
    return f"{value:.{column.digits}f}" if column.digits is not None else str(value)


def table_csv(rows: Iterable[object], columns: Sequence[Column]) -> str:
    """One header line, one line a row.

    Args:
        rows: objects with an attribute a column.
        columns: of the table.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(column.name for column in columns)
    writer.writerows([text_of(getattr(row, column.name), column) for column in columns] for row in rows)
    return out.getvalue()


def row_json(row: object, columns: Sequence[Column]) -> dict[str, Any]:
    """A row as a JSON object, numbers rounded as in the tables."""
    found: dict[str, Any] = {}
    for column in columns:
        value = getattr(row, column.name)
        found[column.name] = round(value, column.digits) + 0.0 if column.digits is not None else value
    return found


def map_json(lane_map: LaneMap) -> dict[str, Any]:
    """The whole map as one JSON document, see `schema`."""
    return {
        "format": FORMAT,
        "package": lane_map.package,
        "closed": lane_map.closed,
        "engines": list(lane_map.engines),
        "spares": list(lane_map.spares),
        "serdes": lane_map.serdes,
        "wl_um": {cell: [round(wl, 9) for wl in grid] for cell, grid in lane_map.wl_um.items()},
        "lanes": [row_json(row, LANE_COLUMNS) for row in lane_map.lanes],
        "fibres": [row_json(row, FIBRE_COLUMNS) for row in lane_map.fibres],
        "connectors": [
            {
                "name": c.name,
                "kind": c.kind,
                "row": c.level,
                "x_um": round(c.x_um, 3),
                "y_um": round(c.y_um, 3),
                "size": c.size,
                "positions": {str(p): {"engine": engine, "port": port} for p, (engine, port) in c.positions.items()},
                "skew_ps": {use: round(value, 3) for use, value in c.skew_ps.items()},
            }
            for c in lane_map.connectors
        ],
        "problems": [problem_json(problem) for problem in lane_map.problems],
    }


def problem_json(problem: MapProblem) -> dict[str, Any]:
    """A problem with its place in um."""
    return {
        "kind": problem.kind,
        "message": problem.message,
        "x_um": round(problem.x_um, 3),
        "y_um": round(problem.y_um, 3),
    }


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of `map_json`."""

    def row(columns: Sequence[Column], of: type) -> dict[str, Any]:
        kinds = {field.name: field.type for field in fields(of)}
        words = {"int": "integer", "float": "number", "str": "string"}
        properties = {
            c.name: {"type": words.get(str(kinds.get(c.name, "float")), "number"), "description": c.says}
            for c in columns
        }
        return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}

    texts = {"type": "array", "items": {"type": "string"}}
    place = {name: {"type": "number"} for name in ("x_um", "y_um")}
    position = {
        "type": "object",
        "properties": {"engine": {"type": "string"}, "port": {"type": "string"}},
        "required": ["engine", "port"],
        "additionalProperties": False,
    }
    connector = {
        "name": {"type": "string"},
        "kind": {"type": "string"},
        "row": {"type": "integer", "minimum": 0},
        **place,
        "size": {"type": "integer", "minimum": 0},
        "positions": {"type": "object", "additionalProperties": position},
        "skew_ps": {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}},
    }
    problem = {"kind": {"type": "string"}, "message": {"type": "string"}, **place}
    properties = {
        "format": {"const": FORMAT},
        "package": {"type": "string"},
        "closed": {"type": "boolean"},
        "engines": texts,
        "spares": texts,
        "serdes": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}},
        "wl_um": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "number"}}},
        "lanes": {"type": "array", "items": row(LANE_COLUMNS, LaneRow)},
        "fibres": {"type": "array", "items": row(FIBRE_COLUMNS, FibreRow)},
        "connectors": {"type": "array", "items": _object(connector)},
        "problems": {"type": "array", "items": _object(problem)},
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": FORMAT, **_object(properties)}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def lane_json_text(lane_map: LaneMap) -> str:
    """The JSON document with one line a row, so that two of them can be compared line by line."""
    document = map_json(lane_map)
    parts = []
    for key, value in document.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            rows = ",\n".join(json.dumps(row, allow_nan=False, ensure_ascii=False) for row in value)
            parts.append(f"{json.dumps(key)}: [\n{rows}\n]")
        else:
            parts.append(f"{json.dumps(key)}: {json.dumps(value, allow_nan=False, ensure_ascii=False)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"
