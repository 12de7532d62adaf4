"""Cell, sheet and model of every shipped device agree, and no number of theirs can be changed without being noticed.

`device_golden.json` holds what each device draws and computes. After a change that is meant, write it anew:
`CPO_WRITE_GOLDEN=1 python -m pytest tests/assemblies/test_device_contract.py`, and look at the difference.
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import os
import types
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import klayout.db as kdb
import numpy as np
import pytest
from pydantic import ValidationError

from cpo_pdk.assemblies.device_contract import check_devices_agree, device_problems
from cpo_pdk.assemblies.writing import write_gds
from cpo_pdk.circuit.binding import bind
from cpo_pdk.circuit.extraction import extract
from cpo_pdk.circuit.flattening import flatten
from cpo_pdk.circuit.layout_file import read_layout
from cpo_pdk.circuit.leaves import leaf_factories
from cpo_pdk.components import CELLS
from cpo_pdk.errors import ModelError, SpecError
from cpo_pdk.models import MODELS, Model
from cpo_pdk.spec import load_sheets
from cpo_pdk.spec.sheet import Sheet, _sheet_of, parse_sheet  # the checks inside one sheet, on mutated data
from cpo_pdk.spec.yaml_source import Source
from cpo_pdk.tech.layers import LAYERS

SHEETS = load_sheets()
GOLDEN = Path(__file__).parent / "device_golden.json"
EVERY = pytest.mark.parametrize("sheet", SHEETS.values(), ids=lambda s: s.name)
COMPUTED = pytest.mark.parametrize("sheet", [s for s in SHEETS.values() if s.model], ids=lambda s: s.name)


def drawn_digest(sheet: Sheet) -> str:
    """Of the merged polygons on every layer and the ports of the drawn device."""
    component = CELLS[sheet.cell](**sheet.geometry)
    parts = [f"{p.name} {p.center} {p.orientation} {p.width}" for p in component.ports]
    for name, info in LAYERS.items():
        index = component.kcl.layout.find_layer(info.layer, info.datatype)
        if index is not None:
            shapes = sorted(str(p) for p in kdb.Region(component.kdb_cell.begin_shapes_rec(index)).merged().each())
            parts += [name, *shapes] if shapes else []
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@cache
def drawn_parameters(name: str) -> dict[str, Any]:
    """Settings and info that the drawn device of a shipped sheet carries, as far as its model takes them."""
    sheet = SHEETS[name]
    component = CELLS[sheet.cell](**sheet.geometry)
    carried = {**component.info.model_dump(), **component.settings.model_dump()}
    return {k: v for k, v in carried.items() if k in MODELS[str(sheet.model)].parameters and v is not None}


def computed(sheet: Sheet, model: Model) -> dict[str, list[float]]:
    """S-parameters at three wavelengths, with the numbers of the sheet and everything else at rest."""
    low, high = sheet.wl_range_um
    params = {**drawn_parameters(sheet.name), **{k: v for k, v in sheet.geometry.items() if k in model.parameters}}
    params = {**params, **sheet.values}
    wl = np.array([0.8 * low + 0.2 * high, 0.5 * (low + high), 0.3 * low + 0.7 * high])
    sdict = model.function(wl, **{k: v for k, v in params.items() if v is not None})
    return {
        f"{a}>{b}": [round(float(x), 9) for z in values for x in (z.real, z.imag)]
        for (a, b), values in sorted(sdict.items())
        if a <= b or (b, a) not in sdict
    }


def record(sheet: Sheet, models: Any = MODELS) -> dict[str, Any]:
    """What is kept of a device."""
    said = {
        "geometry": {k: v for k, v in sheet.geometry.items() if isinstance(v, int | float)},
        "parameters": sheet.values,
        "operating": sheet.operating_values,
        "ranges": {k: list(v) for k, v in sheet.ranges.items()},
        "wl_range_um": list(sheet.wl_range_um),
        "spread": {k: p.spread for k, p in sheet.parameters.items() if p.spread is not None},
    }
    return {
        "drawn": drawn_digest(sheet),
        "said": {k: v for k, v in said.items() if v},
        "computed": computed(sheet, models[sheet.model]) if sheet.model else {},
    }


def numeric_defaults(model: Model) -> dict[str, float]:
    """Defaults of a model's parameters that are numbers."""
    defaults: dict[str, Any] = dict(model.function.__kwdefaults__ or {})  # type: ignore[attr-defined]
    return {k: v for k, v in defaults.items() if isinstance(v, int | float) and not isinstance(v, bool)}


def golden() -> dict[str, Any]:
    if os.environ.get("CPO_WRITE_GOLDEN"):
        whole = {
            "devices": {name: record(sheet) for name, sheet in SHEETS.items()},
            "defaults": {name: numeric_defaults(model) for name, model in MODELS.items()},
        }
        text = json.dumps(whole, indent=0, sort_keys=True)
        GOLDEN.write_text(text.replace("\n", " ").replace("}, ", "},\n") + "\n", encoding="utf-8")
    return json.loads(GOLDEN.read_text(encoding="utf-8"))


KEPT, DEFAULTS = (golden()[part] for part in ("devices", "defaults"))


def differs(found: dict[str, Any], kept: dict[str, Any]) -> str:
    """The first part of a record that is not what was kept; empty when all is."""
    if found["said"] != kept["said"]:
        return "said"
    if set(found["computed"]) != set(kept["computed"]):
        return "computed"
    for pair, values in found["computed"].items():
        if not np.allclose(values, kept["computed"][pair], rtol=0, atol=2e-7):
            return f"computed {pair}"
    return "drawn" if found["drawn"] != kept["drawn"] else ""


def test_shipped_sheets_agree_with_cells_and_models() -> None:
    check_devices_agree(SHEETS)


def test_every_device_is_kept() -> None:
    assert set(KEPT) == set(SHEETS), "write device_golden.json anew, see the top of this file"


def test_the_defaults_of_the_models_are_what_they_were() -> None:
    assert {name: numeric_defaults(model) for name, model in MODELS.items()} == DEFAULTS


@EVERY
def test_the_device_is_what_it_was(sheet: Sheet) -> None:
    assert differs(record(sheet), KEPT[sheet.name]) == ""


@COMPUTED
def test_the_drawn_device_is_bound_to_its_model_from_the_file(sheet: Sheet, tmp_path: Path) -> None:
    write_gds(CELLS[sheet.cell](**sheet.geometry), tmp_path / "x.gds")
    netlists = extract(read_layout(tmp_path / "x.gds"), leaf_factories(SHEETS))
    circuit = flatten(netlists, netlists.top)
    bound = bind(netlists, circuit, SHEETS, MODELS)
    (entry,) = bound.values()
    assert entry.model is MODELS[str(sheet.model)]
    assert entry.sheet.model == sheet.model
    assert {k: v for k, v in entry.params.items() if k in sheet.values} == sheet.values


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"gap": 0.18}, "ring_modulator"),
        ({"gap": 0.2, "radius": 6.42}, "ring_modulator"),
        ({"gap": 0.16, "radius": 6.42}, "ring_modulator_200g"),
        ({"gap": 0.16, "junction": "interleaved", "junction_fill": 0.7}, "ring_modulator_interleaved"),
    ],
)
def test_a_ring_modulator_finds_the_sheet_that_is_meant_for_its_geometry(
    settings: dict[str, Any], name: str, tmp_path: Path
) -> None:
    write_gds(CELLS["ring_modulator"](**settings), tmp_path / "x.gds")
    netlists = extract(read_layout(tmp_path / "x.gds"), leaf_factories(SHEETS))
    (entry,) = bind(netlists, flatten(netlists, netlists.top), SHEETS, MODELS).values()
    assert entry.sheet.name == name


@pytest.mark.parametrize(
    "sheet", [s for s in SHEETS.values() if s.model and MODELS[s.model].core_length], ids=lambda s: s.name
)
def test_a_drawing_changed_in_the_file_is_refused_where_the_length_is_known(sheet: Sheet, tmp_path: Path) -> None:
    model = MODELS[str(sheet.model)]
    write_gds(CELLS[sheet.cell](**sheet.geometry), tmp_path / "x.gds")
    layout = read_layout(tmp_path / "x.gds").layout
    layer = LAYERS[model.core_layer]
    cell = layout.top_cell()
    cell.shapes(layout.layer(layer.layer, layer.datatype)).insert(
        kdb.DBox(500_000, 0, 500_000 + 0.02 * cell.dbbox().width() + 1, 1).to_itype(0.001)
    )
    options = kdb.SaveLayoutOptions()
    options.write_context_info = True
    layout.write(str(tmp_path / "y.gds"), options)
    netlists = extract(read_layout(tmp_path / "y.gds"), leaf_factories(SHEETS))
    with pytest.raises(ModelError, match="um long as drawn"):
        bind(netlists, flatten(netlists, netlists.top), SHEETS, MODELS)


def numbers_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths to every number of nested data."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from numbers_in(item, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from numbers_in(item, (*path, index))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path


def moved(value: float) -> float:
    """Another number of the same kind, 2 % away."""
    return value + 1 if isinstance(value, int) and value != 0 and abs(value) < 50 else (value * 1.02 if value else 0.02)


def mutated(sheet: Sheet, path: tuple[Any, ...]) -> Sheet | None:
    """The sheet with one number moved; None when the sheet itself refuses it."""
    source = sheet._source
    assert source is not None
    data = copy.deepcopy(source.data)
    parent: Any = data
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = moved(parent[path[-1]])
    top = dataclasses.replace(source.top, value=data)
    try:
        return _sheet_of(Source(source.file, top))
    except (SpecError, ValidationError):
        return None


def caught_sheet(sheet: Sheet, path: tuple[Any, ...]) -> str:
    """Who notices that one number of a sheet was moved."""
    other = mutated(sheet, path)
    if other is None:
        return "sheet"
    if device_problems(other):
        return "contract"
    try:
        return "golden" if differs(record(other), KEPT[sheet.name]) else ""
    except Exception as error:  # cell or model refuse the number
        return type(error).__name__


def with_default(model: Model, name: str, value: Any) -> Model:
    """The model with another default of one parameter."""
    f: Any = model.function
    other = types.FunctionType(f.__code__, f.__globals__, f.__name__, f.__defaults__, f.__closure__)
    other.__kwdefaults__ = {**f.__kwdefaults__, name: value}
    other.__annotations__ = f.__annotations__
    return dataclasses.replace(model, function=other)


def caught_default(sheet: Sheet, name: str, value: Any) -> str:
    """Who notices that the default of one parameter of a model was moved."""
    model = with_default(MODELS[str(sheet.model)], name, value)
    models = {**MODELS, model.name: model}
    if device_problems(sheet, models):
        return "contract"
    return "golden" if numeric_defaults(model) != DEFAULTS[model.name] else ""


def watching_sheet(model: str) -> Sheet:
    """The sheet that shows what a model does by default: of its cell's own name, or else the first."""
    of_model = [sheet for sheet in SHEETS.values() if sheet.model == model]
    return min(of_model, key=lambda sheet: (sheet.name != sheet.cell, sheet.name))


def test_every_number_of_every_sheet_and_every_default_of_every_model_is_watched(capsys: Any) -> None:
    assert [p for sheet in SHEETS.values() for p in device_problems(sheet)] == [], (
        "what is wrong already hides the rest"
    )
    seen: Counter[str] = Counter()
    missed: list[Any] = []
    for sheet in SHEETS.values():
        assert sheet._source is not None
        for path in numbers_in(sheet._source.data):
            who = caught_sheet(sheet, path)
            seen[f"sheets: {who}"] += 1
            missed += [] if who else [(sheet.name, *path)]
    for name, model in MODELS.items():
        sheet = watching_sheet(name)
        for parameter, value in numeric_defaults(model).items():
            who = caught_default(sheet, parameter, moved(value))
            seen[f"defaults: {who}"] += 1
            missed += [] if who else [(name, parameter)]
    with capsys.disabled():
        print(f"\n{seen.total()} numbers moved, {seen.total() - len(missed)} noticed: {dict(sorted(seen.items()))}")
    assert missed == []
    assert seen.total() > 500


def test_disagreements_are_named_with_their_line() -> None:
    sheet = SHEETS["crossing"]
    text = sheet.origin.read_text(encoding="utf-8")
    assert "loss_dB: {value: 0.24359" in text
    other = parse_sheet(text.replace("loss_dB: {value: 0.24359", "loss_dB: {value: 0.3"), sheet.origin)
    (problem,) = [p for p in device_problems(other) if "loss_dB" in p.message]
    assert problem.line > 5
    assert "parameters.loss_dB = 0.3, the default of model crossing is 0.24359; make them equal" in problem.message
