"""The published JSON Schemas are those of the code, accept every shipped file and refuse what the loader refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from cpo_pdk.assemblies.schemas import FILES, package_schema, part_schema, schema_text, sheet_schema
from cpo_pdk.spec import data_folder, list_sheets, list_specs, load_sheets

SHEET = jsonschema.Draft202012Validator(sheet_schema())
PACKAGE = jsonschema.Draft202012Validator(package_schema())
PART = jsonschema.Draft202012Validator(part_schema())
FOLDERS = {"sheet": "components", "part": "components", "package": "assemblies"}
PARTS = sorted((data_folder("components") / "parts").glob("*.yaml"))


def plain(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", sorted(FILES))
def test_the_published_schema_is_that_of_the_code(kind: str) -> None:
    file = data_folder(FOLDERS[kind]) / FILES[kind]  # type: ignore[arg-type]
    assert file.read_text(encoding="utf-8") == schema_text(kind), f"write it anew: cpo schema {kind} --out {file.name}"


@pytest.mark.parametrize("schema", [sheet_schema(), part_schema(), package_schema()], ids=["sheet", "part", "package"])
def test_it_is_a_schema(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    assert json.dumps(schema)


@pytest.mark.parametrize("file", list_sheets().values(), ids=lambda f: f.stem)
def test_every_shipped_sheet_fits_and_names_the_schema_for_editors(file: Path) -> None:
    assert [error.message for error in SHEET.iter_errors(plain(file))] == []
    assert file.read_text(encoding="utf-8").startswith(f"# yaml-language-server: $schema={FILES['sheet']}\n")


@pytest.mark.parametrize("file", PARTS, ids=lambda f: f.stem)
def test_every_shipped_part_fits_and_names_the_schema_for_editors(file: Path) -> None:
    assert [error.message for error in PART.iter_errors(plain(file))] == []
    assert file.read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=part.schema.json\n")


@pytest.mark.parametrize("file", list_specs().values(), ids=lambda f: f.stem)
def test_every_shipped_spec_fits_and_names_the_schema_for_editors(file: Path) -> None:
    assert [error.message for error in PACKAGE.iter_errors(plain(file))] == []
    assert file.read_text(encoding="utf-8").startswith(f"# yaml-language-server: $schema={FILES['package']}\n")


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("geometry", "radius"), 0.1, "0.1 is less than the minimum of 4.5"),
        (("geometry", "radios"), 5.0, "'radios' was unexpected"),
        (("geometry", "gap"), "wide", "'wide' is not of type 'number'"),
        (("parameters", "loss"), {"value": 1, "unit": "dB", "source": "x"}, "'loss' was unexpected"),
        (("parameters", "loss_dB_cm"), {"value": 1, "unit": "dB"}, "'source' is a required property"),
        (("wl_range_um",), [1.2], "too short"),
        (("modell",), "add_drop_ring", "'modell' was unexpected"),
    ],
)
def test_an_editor_sees_what_is_wrong_while_one_types(path: tuple[str, ...], value: Any, says: str) -> None:
    data = plain(list_sheets()["add_drop_ring"])
    parent = data
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    assert any(says in error.message for error in SHEET.iter_errors(data)), [e.message for e in SHEET.iter_errors(data)]


def test_arguments_come_with_limits_and_defaults() -> None:
    by_cell = {
        c["if"]["properties"]["cell"]["const"]: c["then"] for c in sheet_schema()["allOf"] if "cell" in str(c["if"])
    }
    assert {sheet.cell for sheet in load_sheets().values()} <= set(by_cell)
    radius = by_cell["add_drop_ring"]["properties"]["geometry"]["properties"]["radius"]
    assert radius == {"type": "number", "minimum": 4.5, "maximum": 100, "description": "in um", "default": 4.9}
