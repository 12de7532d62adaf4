"""The `--json` document of `cpo check`, and its published JSON Schema.

Readers may rely on everything that the schema names. What a check counts besides is listed under its own name at the
top and in `checks`, so that a new kind of check adds keys and changes none.
"""

from __future__ import annotations

import json
from typing import Any, get_args

from cpo_pdk.verify.findings import Group, Verdict

DRAFT = "https://json-schema.org/draft/2020-12/schema"
FORMAT = "cpo check 1"
_FINGERPRINT = {"type": "string", "pattern": "^[0-9a-f]{12}$", "description": "rule, layer, cell and place in short"}
_COUNT = {"type": "integer", "minimum": 0}
_COUNTS = {"type": "object", "additionalProperties": _COUNT}


def text(verdict: Verdict, layout_file: str = "") -> str:
    """The document, indented by one; `layout_file` is not used."""
    return json.dumps(verdict.as_json(), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def schema_text() -> str:
    """The schema as it is published: JSON, the same bytes each time."""
    return json.dumps(schema(), indent=1, sort_keys=True) + "\n"


def schema() -> dict[str, Any]:
    """JSON Schema of the document."""
    return {
        "$schema": DRAFT,
        "title": "verdict of cpo check",
        "description": "what `cpo check FILE --json` prints and `--report FILE.json` writes",
        "type": "object",
        "required": [
            "format", "file", "top", "clean", "passed", "verdict", "violations", "by_rule", "rules", "checks",
            "markers", "waived", "notices",
        ],
        "properties": {
            "format": {"const": FORMAT, "description": "changes when a reader of the old format would read it wrongly"},
            "file": {"type": "string", "description": "name of the layout file, without folders"},
            "top": {"type": "string", "description": "name of its top cell"},
            "clean": {"type": "boolean", "description": "nothing found, and no check looked at nothing"},
            "passed": {
                "type": "boolean",
                "description": "what the exit code says: clean or, against an earlier run, nothing new",
            },
            "verdict": {"type": "string", "description": "the verdict in a few words"},
            "violations": {**_COUNT, "description": "number of violations, waived ones left out"},
            "by_rule": {**_COUNTS, "description": "number of violations by rule, only the rules that were violated"},
            "rules": {**_COUNT, "description": "number of rules that ran"},
            "shapes_by_layer": {**_COUNTS, "description": "shapes on each layer, every instance counted"},
            "checks": {
                "type": "object",
                "propertyNames": {"enum": list(get_args(Group))},
                "additionalProperties": {"$ref": "#/$defs/check"},
                "description": "one for each kind of check that ran",
            },
            "markers": {
                "type": "array",
                "items": {"$ref": "#/$defs/violation", "unevaluatedProperties": False},
                "description": "every violation",
            },
            "waived": {"type": "array", "items": {"$ref": "#/$defs/waived"}, "description": "violations waived"},
            "notices": {
                "type": "array",
                "items": {"type": "string"},
                "description": "waivers that are expired or unused, and what else the reader should know",
            },
            "comparison": {"$ref": "#/$defs/comparison"},
        },
        "additionalProperties": {**_COUNT, "description": "things looked at, by what they are: shapes, ports, ..."},
        "$defs": {
            "check": {
                "type": "object",
                "required": ["violations", "by_rule", "rules", "clean"],
                "properties": {
                    "violations": _COUNT,
                    "by_rule": _COUNTS,
                    "rules": {**_COUNT, "description": "number of rules that ran"},
                    "clean": {"type": "boolean", "description": "nothing found, and it looked at something"},
                    "not_applicable": {
                        "type": "string",
                        "minLength": 1,
                        "description": "why there is nothing to look at in this file, and that this is in order",
                    },
                    "shapes_by_layer": _COUNTS,
                    "counted": {**_COUNTS, "description": "further counts by name"},
                    "looked_at_by_rule": {**_COUNTS, "description": "how many things each rule examined"},
                    "crossings": {
                        "type": "array",
                        "items": {"$ref": "#/$defs/crossing"},
                        "description": "where ribbons of fibres cross, whether that is allowed there or not",
                    },
                },
                "additionalProperties": {**_COUNT, "description": "things looked at, by what they are"},
            },
            "crossing": {
                "type": "object",
                "required": ["ribbons", "x_um", "y_um", "angle_degrees", "over_package", "fibre_crossings", "layers"],
                "properties": {
                    "ribbons": {
                        "type": "array",
                        "items": {"type": "string"},
                        "minItems": 2,
                        "maxItems": 2,
                        "description": "where each comes from and goes to",
                    },
                    "x_um": {"type": "number", "description": "middle, in the top cell"},
                    "y_um": {"type": "number", "description": "middle, in the top cell"},
                    "angle_degrees": {"type": "number", "minimum": 0, "maximum": 90},
                    "over_package": {"type": "boolean", "description": "a substrate lies below"},
                    "fibre_crossings": {**_COUNT, "description": "crossings of single fibres"},
                    "layers": {"type": "array", "items": {"type": "string"}},
                },
                "additionalProperties": False,
            },
            "violation": {
                "type": "object",
                "required": ["rule", "layer", "cell", "bbox", "message", "places", "asked_at", "fingerprint"],
                "properties": {
                    "rule": {"type": "string", "description": "name of the rule"},
                    "layer": {"type": "string", "description": "layer names, or - where no layer applies"},
                    "cell": {"type": "string", "description": "cell that it was found in"},
                    "bbox": {
                        "type": "array",
                        "items": {"type": "number"},
                        "minItems": 4,
                        "maxItems": 4,
                        "description": "left, bottom, right, top in um, in the coordinates of the cell",
                    },
                    "message": {"type": "string", "description": "value, limit and cure"},
                    "places": {"type": "integer", "minimum": 1, "description": "places in the top cell"},
                    "asked_at": {"type": "string", "description": "file:line of the spec that asks for something else"},
                    "fingerprint": _FINGERPRINT,
                },
            },
            "waived": {
                "$ref": "#/$defs/violation",
                "required": ["reason", "expires", "written_at", "by"],
                "properties": {
                    "reason": {"type": "string", "description": "why it may stay"},
                    "expires": {"type": ["string", "null"], "format": "date", "description": "last day of the waiver"},
                    "written_at": {"type": "string", "description": "file:line of the waiver"},
                    "by": {"type": "string", "description": "who answers for it"},
                },
                "unevaluatedProperties": False,
            },
            "comparison": {
                "type": "object",
                "description": "against an earlier run",
                "required": ["new", "fixed", "unchanged", "moved", "gone"],
                "properties": {
                    "new": {"type": "array", "items": _FINGERPRINT},
                    "fixed": {"type": "array", "items": _FINGERPRINT, "description": "of the earlier run"},
                    "unchanged": {"type": "array", "items": _FINGERPRINT},
                    "moved": {
                        "type": "array",
                        "items": _FINGERPRINT,
                        "description": "those of `unchanged` that were found nearby",
                    },
                    "gone": {
                        "type": "array",
                        "items": {"$ref": "#/$defs/violation", "unevaluatedProperties": False},
                        "description": "what was fixed, as the earlier run had it",
                    },
                },
                "additionalProperties": False,
            },
        },
    }  # fmt: skip
