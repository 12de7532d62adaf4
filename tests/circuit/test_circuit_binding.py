"""Cells are bound to models through sheets; what can't be bound, evaluated or believed is refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cpo_pdk.circuit.binding import bind, operation_warnings, range_warnings
from cpo_pdk.circuit.evaluation import Evaluator
from cpo_pdk.circuit.extraction import extract
from cpo_pdk.circuit.flattening import flatten
from cpo_pdk.circuit.layout_file import read_layout
from cpo_pdk.circuit.leaves import leaf_factories
from cpo_pdk.circuit.passivity import check_passive, largest_singular_value
from cpo_pdk.errors import LayoutError, ModelError, ParameterError
from cpo_pdk.models import Model
from cpo_pdk.spec.sheet import Parameter, Sheet

WL = np.linspace(1.30, 1.32, 5)


def fake_model(name: str, function: Any, ports: tuple[str, ...] = ("o1", "o2"), **more: Any) -> Model:
    return Model(name, function, ports, **more)


def fake_sheet(
    name: str,
    cell: str,
    model: str | None,
    geometry: dict[str, Any] | None = None,
    values: dict[str, float] | None = None,
    operating_values: dict[str, float] | None = None,
    wl_range_um: tuple[float, float] = (1.2, 1.4),
    ranges: dict[str, tuple[float, float]] | None = None,
    select: dict[str, Any] | None = None,
) -> Sheet:
    def numbers(given: dict[str, float] | None) -> dict[str, Parameter]:
        return {k: Parameter(value=v, unit="1", source="this test") for k, v in (given or {}).items()}

    return Sheet(
        name=name,
        cell=cell,
        model=model,
        no_model=None if model else "none here",
        description="of a test",
        geometry=geometry or {},
        parameters=numbers(values),
        operating=numbers(operating_values),
        wl_range_um=wl_range_um,
        ranges=ranges or {},
        select=select or {},
    )


def guide(wl, *, length=1.0, loss_dB_cm=2.0, cross_section=None):
    t = 10 ** (-loss_dB_cm * np.asarray(length) * 1e-4 / 20) * np.exp(2j * np.pi * 2.5 * length / wl)
    return {("o1", "o2"): t, ("o2", "o1"): t}


MODELS = {
    "guide": fake_model(
        "guide",
        guide,
        ranges={"length": (0.0, 100.0, "um")},
        drawn_only={"npoints": "how finely it is drawn", "gap": "of no effect"},
        core_length=lambda length, **_: length,
    )
}
LOSS = {"loss_dB_cm": 2.0}


def bound_of(drawing: Any, *cells: Any, sheets: list[Sheet], models: Any = None) -> Any:
    top = drawing.cell("chip")
    for number, cell in enumerate(cells):
        drawing.place(top, cell, f"x{number}", 0, 100 * number)
    table = {sheet.name: sheet for sheet in sheets}
    netlists = extract(read_layout(drawing.write()), leaf_factories(table))
    circuit = flatten(netlists, top.name)
    return circuit, bind(netlists, circuit, table, models or MODELS)


def test_settings_win_over_sheet_and_only_known_parameters_pass(drawing: Any) -> None:
    sheet = fake_sheet("wg", "straight", "guide", {"length": 3.0, "width": 1.0}, {"loss_dB_cm": 3.0})
    cell = drawing.straight(10.0, cross_section="strip", npoints=2)
    _, bound = bound_of(drawing, cell, sheets=[sheet])
    assert bound[cell.name].params == {"length": 10.0, "loss_dB_cm": 3.0, "cross_section": "strip"}
    assert bound[cell.name].sheet is sheet


def test_info_stands_in_for_a_missing_setting(drawing: Any) -> None:
    cell = drawing.cell("fiber", [("o1", 0, 0, 180), ("o2", 9, 0, 0)], info={"length": 9.0, "loss_dB_cm": None})
    drawing.core(cell, 9.0)
    _, bound = bound_of(drawing, cell, sheets=[fake_sheet("f", "fiber", "guide", values={"length": 1.0, **LOSS})])
    assert bound[cell.name].params == {"length": 9.0, "loss_dB_cm": 2.0}


def test_sheets_with_the_same_numbers_share_a_cell_and_the_nearest_lends_its_ranges(drawing: Any) -> None:
    sheets = [
        fake_sheet("short", "straight", "guide", {"length": 10.0, "gap": 0.2}, LOSS),
        fake_sheet("long", "straight", "guide", {"length": 20.0, "gap": 0.2}, LOSS),
    ]
    a, b = drawing.straight(10, gap=0.2), drawing.straight(20, gap=0.2)
    _, bound = bound_of(drawing, a, b, sheets=sheets)
    assert (bound[a.name].sheet.name, bound[b.name].sheet.name) == ("short", "long")


def two_gaps(drawing: Any) -> tuple[Any, Any]:
    return drawing.straight(10, gap=0.2), drawing.straight(10, gap=0.3)


def test_sheets_that_contradict_each_other_are_refused_unless_one_selects(new_drawing: Any, tmp_path: Any) -> None:
    one = fake_sheet("one", "straight", "guide", values={"loss_dB_cm": 1.0})
    two = fake_sheet("two", "straight", "guide", {"gap": 0.2}, {"loss_dB_cm": 2.0})
    meant = two.model_copy(update={"select": {"gap": 0.2}})
    drawing = new_drawing()
    with pytest.raises(ModelError, match="sheets one and two"):
        bound_of(drawing, *two_gaps(drawing), sheets=[one, two])
    drawing = new_drawing()
    cells = two_gaps(drawing)
    _, bound = bound_of(drawing, *cells, sheets=[one, meant])
    assert [bound[cell.name].sheet.name for cell in cells] == ["two", "one"]
    drawing = new_drawing()
    with pytest.raises(ModelError, match=r"none of its sheets is meant for it: two is for gap = 0\.2"):
        bound_of(drawing, *two_gaps(drawing), sheets=[meant])


def test_a_cell_of_another_library_is_not_taken_for_ours(new_drawing: Any) -> None:
    drawing = new_drawing()
    cell = drawing.straight(10.0, factory="generic_straight")
    with pytest.raises(ModelError, match="'generic_straight' drew it, wg is of 'cpo_straight'"):
        bound_of(drawing, cell, sheets=[fake_sheet("wg", "straight", "guide", values=LOSS)])
    sheet = fake_sheet("wg", "straight", "guide", values=LOSS).model_copy(update={"factory": "generic_straight"})
    drawing = new_drawing()
    cell = drawing.straight(10.0, factory="generic_straight")
    _, bound = bound_of(drawing, cell, sheets=[sheet])
    assert bound[cell.name].sheet.name == "wg"


def test_a_second_variant_of_a_cell_keeps_its_model_under_any_name(drawing: Any) -> None:
    a, b = drawing.straight(10.0, name="straight"), drawing.straight(20.0, name="straight$1")
    _, bound = bound_of(drawing, a, b, sheets=[fake_sheet("wg", "straight", "guide", values=LOSS)])
    assert [bound[cell.name].params["length"] for cell in (a, b)] == [10.0, 20.0]


def test_a_setting_that_means_nothing_to_the_model_stops_the_simulation(drawing: Any) -> None:
    cell = drawing.straight(10.0, slot_width=0.1)
    with pytest.raises(
        ModelError, match=r"straight \(x0\) \[wg\] setting slot_width = 0\.1 means nothing to model guide"
    ):
        bound_of(drawing, cell, sheets=[fake_sheet("wg", "straight", "guide", values=LOSS)])


def test_a_number_that_only_the_model_has_stops_the_simulation(drawing: Any) -> None:
    with pytest.raises(ModelError, match="loss_dB_cm comes from neither drawing nor sheet"):
        bound_of(drawing, drawing.straight(10.0), sheets=[fake_sheet("wg", "straight", "guide")])


def test_a_number_of_the_sheet_that_the_model_does_not_take_stops_the_simulation(drawing: Any) -> None:
    sheet = fake_sheet("wg", "straight", "guide", values={**LOSS, "losss_dB_cm": 2.0})
    with pytest.raises(ModelError, match=r"\[wg\] parameter losss_dB_cm is none of model guide"):
        bound_of(drawing, drawing.straight(10.0), sheets=[sheet])


def test_a_core_of_another_length_than_its_settings_say_stops_the_simulation(drawing: Any) -> None:
    cell = drawing.straight(10.0, drawn=10.02)
    with pytest.raises(ModelError, match=r"its core is 10\.020 um long as drawn, 10\.000 um by its settings"):
        bound_of(drawing, cell, sheets=[fake_sheet("wg", "straight", "guide", values=LOSS)])


def test_everything_without_a_model_is_listed_at_once(drawing: Any) -> None:
    ports = [("o1", 0, 0, 180)]
    cells = [drawing.cell("laser", ports), drawing.cell("", ports), drawing.cell("ring", ports), drawing.straight(5)]
    sheets = [
        fake_sheet("wg", "straight", "guide", values=LOSS),
        fake_sheet("ring", "ring", "missing_model"),
    ]
    with pytest.raises(ModelError) as caught:
        bound_of(drawing, *cells, sheets=sheets)
    text = str(caught.value)
    for part in ("3 disagreements", "laser (x0) has no sheet", "(x1) has no sheet", "unknown model 'missing_model'"):
        assert part in text
    assert "\n" not in text


def test_a_port_that_the_model_lacks_is_refused(new_drawing: Any) -> None:
    drawing = new_drawing()
    cell = drawing.cell("straight", [("o1", 0, 0, 180), ("o2", 5, 0, 0), ("o3", 5, 5, 0)])
    with pytest.raises(ModelError, match="no port o3"):
        bound_of(drawing, cell, sheets=[fake_sheet("wg", "straight", "guide", values=LOSS)])
    drawing = new_drawing()
    cell = drawing.cell("straight", [("o1", 0, 0, 180)])
    with pytest.raises(ModelError, match="port o2 of model guide is not drawn"):
        bound_of(drawing, cell, sheets=[fake_sheet("wg", "straight", "guide", values=LOSS)])


def test_ranges_are_reported_with_instance_parameter_value_and_limits(drawing: Any) -> None:
    sheet = fake_sheet("wg", "straight", "guide", ranges={"loss_dB_cm": (1.0, 5.0)}, wl_range_um=(1.305, 1.4))
    cell = drawing.straight(500.0, loss_dB_cm=9.0)
    circuit, bound = bound_of(drawing, cell, sheets=[sheet])
    assert range_warnings(circuit, bound, WL) == [
        "x0: length = 500 um, wg holds for 0 to 100 um",
        "x0: loss_dB_cm = 9, wg holds for 1 to 5",
        "x0: wl = 1.3000 to 1.3200 um, wg holds for 1.305 to 1.4 um",
    ]


def test_operation_beyond_the_range_is_reported_once_a_kind(drawing: Any) -> None:
    sheet = fake_sheet("wg", "straight", "guide", values=LOSS)
    cell = drawing.straight(5.0)
    circuit, bound = bound_of(drawing, cell, cell, sheets=[sheet])
    lines = operation_warnings(circuit, bound, {"x0": {"length": 150.0}, "x1": {"length": 50.0}})
    assert lines == ["x0: length = 150 um, wg holds for 0 to 100 um"]
    lines = operation_warnings(circuit, bound, {"x0": {"length": 150.0}, "x1": {"length": 160.0}})
    assert lines == ["x0 and 1 more: length = 150 um, wg holds for 0 to 100 um"]


def test_equal_parameters_are_evaluated_once() -> None:
    calls = []

    def counted(wl, *, length=1.0):
        calls.append(length)
        return guide(wl, length=length)

    evaluator = Evaluator(WL)
    model = fake_model("counted", counted)
    first = evaluator.matrix("a", model, {"length": 2.0})
    assert evaluator.matrix("b", model, {"length": 2.0}) is first
    evaluator.matrix("c", model, {"length": np.array([[1.0], [2.0]])})
    evaluator.matrix("d", model, {"length": np.array([[1.0], [3.0]])})
    assert (len(calls), evaluator.distinct) == (3, 3)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (np.array([1, np.nan, 1, 1, 1], complex), r"not finite at 1\.305000 um"),
        (np.full(5, np.inf + 0j), "not finite"),
        (np.array([0.5, 0.5, 0.5, 1.3, 0.5], complex), r"1\.300000 at 1\.315000 um"),
        (np.full(3, 0.5 + 0j), "shape"),
    ],
)
def test_unphysical_models_are_refused_by_instance(value: np.ndarray, says: str) -> None:
    model = fake_model("bad", lambda wl: {("o1", "o2"): value})
    with pytest.raises(ModelError, match=says) as caught:
        Evaluator(WL).matrix("engine/ring_3", model, {})
    assert "engine/ring_3" in str(caught.value)


def test_a_model_that_refuses_its_parameters_is_named() -> None:
    def refuses(wl):
        raise ParameterError("gap is 9 um; allowed is 0.1 to 1 um")

    with pytest.raises(ModelError, match="ring_3: gap is 9"):
        Evaluator(WL).matrix("ring_3", fake_model("bad", refuses), {})


def test_an_undeclared_port_is_refused() -> None:
    model = fake_model("bad", lambda wl: {("o1", "o9"): np.ones(5, complex)})
    with pytest.raises(ModelError, match="'o9'"):
        Evaluator(WL).matrix("x", model, {})


def test_slight_gain_of_measured_data_is_a_warning() -> None:
    evaluator = Evaluator(WL)
    evaluator.matrix("x", fake_model("measured", lambda wl: {("o1", "o2"): np.full(5, 1.01 + 0j)}), {})
    assert len(evaluator.warnings) == 1
    assert check_passive("x", {("o1", "o2"): np.full(5, 1.0005 + 0j)}, WL) == ""


def test_singular_values_by_block_are_those_of_the_whole() -> None:
    rng = np.random.default_rng(3)
    ports = ["o1", "o2", "o3", "o4"]
    for keep in (0.15, 0.3, 0.5, 1.0):
        for _ in range(20):
            full = rng.normal(size=(6, 4, 4)) + 1j * rng.normal(size=(6, 4, 4))
            full *= rng.random((4, 4)) < keep
            sdict = {
                (a, b): full[:, j, i] for i, a in enumerate(ports) for j, b in enumerate(ports) if np.any(full[:, j, i])
            }
            if sdict:
                found = largest_singular_value(sdict)
                np.testing.assert_allclose(found, np.linalg.norm(full, 2, axis=(1, 2)), atol=1e-12)


def test_a_layout_without_anything_optical(drawing: Any) -> None:
    from cpo_pdk.circuit.simulation import s_parameters, simulate

    drawing.cell("pad", [("e1", 0, 0, 0)], types={"e1": "electrical"})
    file = drawing.write()
    with pytest.raises(LayoutError, match="nothing optical"):
        s_parameters(file, WL, {}, {})
    with pytest.raises(LayoutError, match="holds no engine"):
        simulate(file, {}, {})
