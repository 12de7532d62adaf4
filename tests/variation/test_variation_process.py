"""Deviations of a package's engines: levels, trends and correlations as the sheet says, wherever the dies come from."""

from __future__ import annotations

import pickle
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from cpo_pdk.errors import ParameterError, SpecError
from cpo_pdk.spec.part import Part, load_part_file
from cpo_pdk.spec.part_choice import load_parts
from cpo_pdk.variation.mixing import mixing
from cpo_pdk.variation.process import ProcessVariation
from cpo_pdk.variation.samples import Draw
from cpo_pdk.variation.wafer import wafer_of

ANT = load_parts()["variation_ant"]
NAMES = ("dw_nm", "dh_nm", "dslab_nm", "doping")
XY = np.array([[0.0, 0.0], [0.0, 0.0], [3000.0, 0.0], [-3000.0, 4000.0]])


def sheet(**numbers: float) -> Part:
    """The set of Applied Nanotools with some other numbers."""
    changed = {name: ANT.parameters[name].model_copy(update={"value": value}) for name, value in numbers.items()}
    return ANT.model_copy(update={"parameters": {**ANT.parameters, **changed}})


def still(**numbers: float) -> Part:
    """A process without any deviation but the given ones."""
    off = {n: 0.0 for n in ANT.parameters if n.endswith(("_nm", "_pct", "_correlation"))}
    return sheet(**(off | numbers))


def test_devices_at_one_place_move_together() -> None:
    made = ProcessVariation(ANT, "lot", (9.0, 8.0)).deviations(Draw(1, np.arange(20)), 3, XY)
    for name in NAMES:
        value = getattr(made, name)
        assert value.shape == (20, 3, 4)
        assert (value[..., 0] == value[..., 1]).all()
        assert (value[..., 0] != value[..., 2]).all()


@pytest.mark.parametrize(
    ("dies", "engine", "wafers"), [("wafer", 1.0, [0, 0, 0]), ("lot", 0.36, [0, 1, 2]), ("mixed", 0.0, [0, 1, 2])]
)
def test_engines_share_what_their_place_of_origin_shares(dies: str, engine: float, wafers: list) -> None:
    # lot 3 nm, wafer 4 nm: two engines of one wafer share 25 of 25, of one lot 9 of 25, of two lots nothing
    process = ProcessVariation(still(width_lot_nm=3.0, width_wafer_nm=4.0), dies, (9.0, 8.0))
    made = process.deviations(Draw(2, np.arange(4000)), 3, XY[:1])
    width = made.dw_nm[..., 0]
    assert width.std() == pytest.approx(5.0, rel=0.04)
    assert process.sigma("width") == 5.0
    assert np.corrcoef(width[:, 0], width[:, 2])[0, 1] == pytest.approx(engine, abs=0.06)
    assert made.wafer[0].tolist() == wafers
    assert (made.dh_nm == 0).all() and (made.dslab_nm == 0).all() and (made.doping == 0).all()


def test_deviation_within_a_wafer_is_the_sheets() -> None:
    process = ProcessVariation(still(thickness_die_nm=2.0, thickness_corr_mm=4.5), "lot", (9.0, 8.0))
    made = process.deviations(Draw(3, np.arange(2000)), 2, XY)
    assert made.dh_nm.std() == pytest.approx(2.0, rel=0.03)
    apart = made.dh_nm[..., 2] - made.dh_nm[..., 0]
    assert apart.std() == pytest.approx(2.0 * np.sqrt(2 - 2 * np.exp(-(3.0**2) / 4.5**2)), rel=0.03)


def test_two_dies_of_a_wafer_that_lie_side_by_side_are_alike() -> None:
    process = ProcessVariation(still(width_die_nm=1.0, width_corr_mm=30.0), "wafer", (24.0, 20.0))
    made = process.wafer(Draw(1, np.arange(400)), XY[:1]).deviations.dw_nm[..., 0]
    far = process.dies_xy_mm()
    near = np.argwhere(np.isclose(np.hypot(*(far[:, None] - far).T), 20.0))[0]
    assert np.corrcoef(made[:, near[0]], made[:, near[1]])[0, 1] == pytest.approx(np.exp(-4 / 9), abs=0.12)


def test_the_edge_has_the_radial_trend_more_than_the_middle_and_the_mean_stays() -> None:
    process = ProcessVariation(still(width_radial_nm=6.0, doping_radial_pct=-10.0, edge_mm=0.0), "wafer", (2.0, 2.0))
    wafer = process.wafer(Draw(1, np.array([0])), np.zeros((1, 2)))
    far = np.hypot(wafer.x_mm, wafer.y_mm) / 100.0
    assert wafer.deviations.dw_nm[0, :, 0] == pytest.approx(6.0 * (far**2 - 0.5), abs=1e-6)
    assert wafer.deviations.doping[0, :, 0] == pytest.approx(-0.1 * (far**2 - 0.5), abs=1e-6)
    assert abs(wafer.deviations.dw_nm.mean()) < 0.1
    assert wafer.deviations.dw_nm.std() == pytest.approx(process.sigma("width"), rel=0.05)
    held = process.wafer(Draw(1, np.array([0]), fixed=frozenset({"width"})), np.zeros((1, 2)))
    assert (held.deviations.dw_nm == 0).all() and (held.deviations.doping != 0).any()


def test_quantities_vary_together_as_the_sheet_says() -> None:
    wanted = {
        "width_thickness_correlation": 0.6,
        "width_etch_correlation": -0.3,
        "thickness_etch_correlation": 0.4,
    }
    process = ProcessVariation(sheet(**wanted), "mixed", (9.0, 8.0))
    made = process.deviations(Draw(4, np.arange(6000)), 1, XY[:1])
    values = np.stack([getattr(made, name).ravel() for name in NAMES])
    got = np.corrcoef(values)
    asked = [0.6, -0.3, 0.4, 0.0, 0.0, 0.0]
    assert got[[0, 0, 1, 0, 1, 2], [1, 2, 2, 3, 3, 3]] == pytest.approx(asked, abs=0.05)
    for k, name in enumerate(("width", "thickness", "etch")):
        assert values[k].std() == pytest.approx(process.sigma(name), rel=0.05)


def test_a_cause_that_is_held_takes_its_share_of_the_others_with_it() -> None:
    whole = ProcessVariation(sheet(width_thickness_correlation=1.0, thickness_etch_correlation=0.0), "lot", (9.0, 8.0))
    made = whole.deviations(Draw(4, np.arange(50), fixed=frozenset({"width"})), 1, XY)
    assert (made.dw_nm == 0).all()
    assert (made.dh_nm == 0).all()
    assert made.dslab_nm.std() > 1


@given(
    samples=st.lists(st.integers(0, 10**6), min_size=2, max_size=6, unique=True),
    engines=st.lists(st.integers(0, 30), min_size=1, max_size=4, unique=True),
    dies=st.sampled_from(["wafer", "lot", "mixed"]),
    cut=st.integers(1, 5),
)
@settings(derandomize=True, deadline=None, max_examples=20)
def test_neither_portions_nor_order_nor_worker_change_a_number(samples: list, engines: list, dies, cut: int) -> None:
    process = ProcessVariation(ANT, dies, (9.0, 8.0))
    elsewhere = pickle.loads(pickle.dumps(process))
    whole = process.deviations(Draw(9, np.array(samples)), engines, XY)
    parts = [
        elsewhere.deviations(Draw(9, np.array(part[::-1])), engines[::-1], XY)
        for part in (samples[:cut], samples[cut:])
        if part
    ]
    for name in (*NAMES, "site_mm", "wafer"):
        joined = np.concatenate([getattr(part, name)[::-1, ::-1] for part in parts])
        assert np.abs(getattr(whole, name) - joined).max() < 1e-9, name
    alone = process.deviations(Draw(9, np.array(samples[:1])), engines[-1:], XY)
    assert np.abs(alone.dw_nm[0, 0] - whole.dw_nm[0, -1]).max() < 1e-9


def test_the_map_of_a_wafer_shows_the_very_die_of_the_package() -> None:
    process, draw = ProcessVariation(ANT, "lot", (9.0, 8.0)), Draw(1, np.array([5]))
    made, wafer = process.deviations(draw, 4, XY), process.wafer(draw, XY, wafer=3)
    at = int(np.argmin(np.hypot(wafer.x_mm - made.site_mm[0, 3, 0], wafer.y_mm - made.site_mm[0, 3, 1])))
    for name in NAMES:
        assert getattr(wafer.deviations, name)[0, at] == pytest.approx(getattr(made, name)[0, 3], abs=2e-6)


def test_every_die_is_as_likely_and_none_is_taken_twice() -> None:
    wafer = wafer_of(100.0, 3.0, (20.0, 20.0))
    dies = len(wafer.column)
    assert (np.hypot(*(np.abs(wafer.middles_mm) + 10.0).T) <= 47.0 + 1e-9).all()
    chosen = wafer.sites(Draw(1, np.arange(6000)), np.arange(4), together=True)
    assert all(len(set(row)) == 4 for row in chosen.tolist())
    for engine in range(4):
        counts = np.bincount(chosen[:, engine], minlength=dies)
        assert np.abs(counts - 6000 / dies).max() < 5 * np.sqrt(6000 / dies)
    assert sorted(wafer.sites(Draw(1, np.arange(1)), np.arange(dies), together=True)[0]) == list(range(dies))


def test_more_engines_than_dies_need_another_wafer() -> None:
    process = ProcessVariation(sheet(wafer_mm=100), "wafer", (30.0, 30.0))
    with pytest.raises(ParameterError, match=r"9 engines from one wafer, which has \d whole dies .* lot or mixed"):
        process.deviations(Draw(1, np.arange(2)), 9, XY)
    many = ProcessVariation(sheet(wafer_mm=100), "lot", (30.0, 30.0))
    assert many.deviations(Draw(1, np.arange(2)), 9, XY).dw_nm.shape == (2, 9, 4)


def test_a_die_larger_than_the_wafer_is_refused() -> None:
    with pytest.raises(ParameterError, match="no die of 200 x 150 mm fits on a wafer of 200 mm"):
        ProcessVariation(ANT, "lot", (200.0, 150.0))
    with pytest.raises(ParameterError, match="both above 0 needed"):
        ProcessVariation(ANT, "lot", (0.0, 5.0))


def test_correlations_that_cannot_be_are_refused_at_their_line(tmp_path: Path) -> None:
    file = tmp_path / "variation_odd.yaml"
    text = ANT.origin.read_text(encoding="utf-8").replace("variation_ant", "variation_odd")
    for name, value in (("width_thickness", 0.9), ("width_etch", 0.9), ("thickness_etch", -0.5)):
        start = text.index(f"{name}_correlation: {{value: ") + len(f"{name}_correlation: {{value: ")
        text = text[:start] + str(value) + text[text.index(",", start) :]
    file.write_text(text, encoding="utf-8")
    line = next(k for k, row in enumerate(text.splitlines(), 1) if "thickness_etch" in row)
    with pytest.raises(SpecError, match=r"thickness and etch is -0.5; .* 0\.62 to 1 can be") as raised:
        ProcessVariation(load_part_file(file), "lot", (9.0, 8.0))
    assert raised.value.problems[0].line == line


@pytest.mark.parametrize("value", ["0", "-4.5", ".nan"])
def test_a_correlation_length_of_nothing_is_refused_at_its_line(tmp_path: Path, value: str) -> None:
    file = tmp_path / "variation_odd.yaml"
    text = ANT.origin.read_text(encoding="utf-8").replace("variation_ant", "variation_odd")
    file.write_text(text.replace("width_corr_mm: {value: 12.23", f"width_corr_mm: {{value: {value}"), encoding="utf-8")
    line = next(k for k, row in enumerate(text.splitlines(), 1) if "width_corr_mm" in row)
    with pytest.raises(SpecError, match=r"width_corr_mm") as raised:
        load_part_file(file)
    assert [problem.line for problem in raised.value.problems] == [line]


def test_the_wildest_sheet_that_may_be_is_drawn() -> None:
    wild = ProcessVariation(
        still(width_die_nm=100, width_corr_mm=0.001, doping_die_pct=100.0, doping_corr_mm=1000.0, wafer_mm=450),
        "wafer",
        (3.0, 3.0),
    )
    made = wild.deviations(Draw(1, np.arange(60)), 2, XY)
    assert made.dw_nm[..., 1:].std() == pytest.approx(100, rel=0.2)
    assert made.doping.min() >= -0.95 - 1e-6
    # over a kilometre of correlation length a wafer is of one doping
    assert np.ptp(made.doping, axis=(1, 2)).max() < 1.0


@given(st.tuples(*(st.floats(-1, 1),) * 3))
@settings(derandomize=True, deadline=None, max_examples=80)
def test_a_mix_has_the_asked_correlation_or_there_is_none(pairs: tuple[float, float, float]) -> None:
    asked = np.eye(3)
    asked[[0, 0, 1], [1, 2, 2]] = asked[[1, 2, 2], [0, 0, 1]] = pairs
    least = float(np.linalg.eigvalsh(asked)[0])
    if least < -1e-6:
        with pytest.raises(ParameterError, match="positive definite"):
            mixing("abc", asked)
    elif least > 1e-9:
        mixed = mixing("abc", asked)
        assert mixed @ mixed.T == pytest.approx(asked, abs=1e-9)
        assert (np.triu(mixed, 1) == 0).all()


def test_a_mix_refuses_what_is_no_correlation() -> None:
    with pytest.raises(ParameterError, match=r"correlation of b and a is 0.5, 0.1 needed"):
        mixing("ab", [[1, 0.1], [0.5, 1]])
    with pytest.raises(ParameterError, match=r"correlation of b and b is 2, 1 needed"):
        mixing("ab", [[1, 0.1], [0.1, 2]])
    with pytest.raises(ParameterError, match="shape"):
        mixing("ab", [[1]])
    assert mixing("ab", [[1, -1], [-1, 1]]).tolist() == [[1, 0], [-1, 0]]


@pytest.mark.parametrize("xy", [[1.0, 2.0], [[1.0, float("nan")]], [[1.0, 2.0, 3.0]]])
def test_places_are_pairs(xy: list) -> None:
    with pytest.raises(ParameterError, match=r"finite \(N, 2\) needed"):
        ProcessVariation(ANT, "lot", (9.0, 8.0)).deviations(Draw(1, np.arange(2)), 1, xy)


def test_the_reach_holds_all_but_the_asked_share() -> None:
    process = ProcessVariation(sheet(width_radial_nm=4.0), "mixed", (9.0, 8.0))
    reach = process.reach(0.01)
    made = process.deviations(Draw(6, np.arange(4000)), 1, XY[:1])
    beyond = {
        axis: float(np.mean(np.abs(getattr(made, n)) > reach[axis])) for axis, n in zip(reach, NAMES, strict=True)
    }
    assert list(reach) == ["dw", "dh", "dslab", "doping"]
    # the trend counts in full: a little less lies beyond
    assert 0.002 < beyond.pop("dw") <= 0.014
    assert all(0.006 < share < 0.014 for share in beyond.values()), beyond
    with pytest.raises(ParameterError, match="above 0 and below 1"):
        process.reach(0.0)
