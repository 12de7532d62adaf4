"""Shipped sheets and models belong together: no name misspelt, every number sourced, values within their ranges."""

from __future__ import annotations

import pytest
import yaml

from cpo_pdk.models import MODELS
from cpo_pdk.spec import data_folder, load_sheets
from cpo_pdk.spec.sheet import Sheet

SHEETS = load_sheets()
EVERY = pytest.mark.parametrize("sheet", SHEETS.values(), ids=lambda s: s.name)


@EVERY
def test_every_parameter_is_one_of_the_model(sheet: Sheet) -> None:
    if sheet.model is None:
        assert not sheet.parameters
        assert sheet.no_model
        return
    assert set(sheet.parameters) <= set(MODELS[sheet.model].parameters)


@EVERY
def test_every_geometry_argument_is_the_models_or_said_to_be_drawn_only(sheet: Sheet) -> None:
    if sheet.model is None:
        return
    model = MODELS[sheet.model]
    assert set(sheet.geometry) - set(model.parameters) <= set(model.drawn_only)
    assert not set(model.drawn_only) & set(model.parameters)


@EVERY
def test_model_runs_with_the_sheets_numbers_over_its_wavelengths(sheet: Sheet) -> None:
    if sheet.model is None:
        return
    model = MODELS[sheet.model]
    numbers = {k: v for k, v in {**sheet.geometry, **sheet.values}.items() if k in model.parameters}
    model.function(list(sheet.wl_range_um), **numbers)
    for name, value in numbers.items():
        if name in model.ranges:
            low, high, _ = model.ranges[name]
            assert low <= value <= high, name


@EVERY
def test_ranges_hold_the_sheets_own_values_and_name_known_arguments(sheet: Sheet) -> None:
    known = set(sheet.geometry) | (set(MODELS[sheet.model].parameters) if sheet.model else set())
    assert set(sheet.ranges) <= known
    for name, value in {**sheet.geometry, **sheet.values}.items():
        if name in sheet.ranges:
            low, high = sheet.ranges[name]
            assert low <= value <= high, name


@EVERY
def test_file_is_plain_yaml_and_every_number_says_where_it_is_from(sheet: Sheet) -> None:
    raw = yaml.safe_load((data_folder("components") / f"{sheet.name}.yaml").read_text(encoding="utf-8"))
    for entry in [*raw["parameters"].values(), *raw.get("operating", {}).values()]:
        assert entry["unit"]
        assert len(entry["source"]) > 10


def test_readme_lists_every_sheet() -> None:
    text = (data_folder("components") / "README.md").read_text(encoding="utf-8")
    assert [name for name in SHEETS if f"({name}.yaml)" not in text] == []


def test_rings_say_how_far_a_milliwatt_moves_them() -> None:
    for name in ("ring_modulator", "add_drop_ring"):
        assert SHEETS[name].parameters["heater_nm_mW"].value == 0.1
        assert MODELS[name].tuning == "tuning_nm"


def test_every_model_has_a_sheet() -> None:
    assert {s.model for s in SHEETS.values() if s.model} == set(MODELS)
