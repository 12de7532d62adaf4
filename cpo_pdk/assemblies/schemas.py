"""JSON Schemas of device sheets and package specs, for editors that complete and check while one types.

The schema of a sheet knows every cell of the process: once `cell` is written, the arguments of `geometry` are completed
with their units, limits and defaults; once `model` is written, so are its parameters.
"""

from __future__ import annotations

import inspect
import json
from typing import Any

from cpo_pdk.components import CELLS, limits_of
from cpo_pdk.components.cell import Count, Flag, Limit, Maybe, OneOf, Real, Text, Um
from cpo_pdk.models import MODELS
from cpo_pdk.spec import PackageSpec, Sheet
from cpo_pdk.spec.part import Part
from cpo_pdk.spec.part_kinds import PART_KINDS, PartKind

DRAFT = "https://json-schema.org/draft/2020-12/schema"
#: kind -> name of the published file, in the folder of the data it describes
FILES = {"sheet": "sheet.schema.json", "part": "parts/part.schema.json", "package": "package.schema.json"}


def schema_text(kind: str) -> str:
    """The schema as it is published: JSON, the same bytes each time.

    Args:
        kind: "sheet", "part" or "package".
    """
    schema = {"sheet": sheet_schema, "part": part_schema, "package": package_schema}[kind]()
    return json.dumps(schema, indent=1, sort_keys=True) + "\n"


def package_schema() -> dict[str, Any]:
    """JSON Schema of `assemblies/*.yaml`."""
    schema = PackageSpec.model_json_schema()
    del schema["$defs"]["Devices"]["required"]  # a spec names those that differ; the architecture brings the others
    return {"$schema": DRAFT, **schema, "title": "package spec of cpo_pdk"}


def sheet_schema() -> dict[str, Any]:
    """JSON Schema of `components/*.yaml`, with the arguments of each cell and the parameters of each model."""
    schema = {"$schema": DRAFT, **Sheet.model_json_schema(), "title": "device sheet of cpo_pdk"}
    properties = schema["properties"]
    properties["cell"] = {**properties["cell"], "examples": sorted(CELLS)}
    properties["model"] = {**properties["model"], "examples": sorted(MODELS)}
    by_cell = [_when("cell", name, {"geometry": _geometry(name)}) for name in sorted(CELLS)]
    by_model = [_when("model", name, {"parameters": _parameters(name)}) for name in sorted(MODELS)]
    return {**schema, "allOf": [*by_cell, *by_model]}


def part_schema() -> dict[str, Any]:
    """JSON Schema of `components/parts/*.yaml`, with the numbers that each kind of part must have."""
    schema = {"$schema": DRAFT, **Part.model_json_schema(), "title": "sheet of a bought part, cpo_pdk"}
    return {**schema, "allOf": [_when("kind", kind, {"parameters": _numbers(kind)}) for kind in PART_KINDS]}


def _numbers(kind: PartKind) -> dict[str, Any]:
    properties = {
        name: {
            "$ref": "#/$defs/Parameter",
            "description": quantity.meaning,
            "properties": {
                "unit": {"const": quantity.unit},
                "value": {"minimum": quantity.low, "maximum": quantity.high},
            },
        }
        for name, quantity in PART_KINDS[kind].items()
    }
    return {"properties": properties, "required": sorted(properties)}


def _when(key: str, value: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "if": {"properties": {key: {"const": value}}, "required": [key]},
        "then": {"properties": properties},
    }


def _geometry(cell: str) -> dict[str, Any]:
    limits = limits_of(CELLS[cell])
    defaults = {name: p.default for name, p in inspect.signature(CELLS[cell]).parameters.items()}
    return {
        "properties": {name: {**_limit(limit), "default": _plain(defaults[name])} for name, limit in limits.items()},
        "additionalProperties": False,
    }


def _parameters(model: str) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for name in MODELS[model].parameters:
        entry: dict[str, Any] = {"$ref": "#/$defs/Parameter"}
        if name in MODELS[model].ranges:
            low, high, unit = MODELS[model].ranges[name]
            entry["description"] = f"{low:g} to {high:g} {unit}"
        entries[name] = entry
    return {"properties": entries, "additionalProperties": False}


def _limit(limit: Limit) -> dict[str, Any]:
    if isinstance(limit, Um | Real):
        unit = limit.unit or "1"
        return {"type": "number", "minimum": limit.low, "maximum": limit.high, "description": f"in {unit}"}
    if isinstance(limit, Count):
        return {"type": "integer", "minimum": limit.low, "maximum": limit.high}
    if isinstance(limit, Maybe):
        inner = _limit(limit.limit)
        return {**inner, "type": [inner["type"], "null"], "description": "null: the cross-section's own"}
    if isinstance(limit, OneOf):
        return {"enum": list(limit.values)}
    if isinstance(limit, Flag):
        return {"type": "boolean"}
    if isinstance(limit, Text):
        return {"type": "string", "minLength": 1, "maxLength": limit.longest}
    return {"type": "array"}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
