"""Engines of Mach-Zehnders: clean, one bump grid, lanes at their bumps; what doesn't fit is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import klayout.db as kdb
import numpy as np
import pytest

from cpo_pdk.assemblies import kit_of, write_gds
from cpo_pdk.assemblies.engine_mzm import engine, engine_size
from cpo_pdk.assemblies.engines import draw_engine, measured_engine
from cpo_pdk.assemblies.kit import Kit
from cpo_pdk.assemblies.mzm_unit import mzm_box, mzm_unit, pads_of
from cpo_pdk.assemblies.rows_mzm import rx_mzm_row, tx_mzm_row, tx_pitch
from cpo_pdk.components import mach_zehnder_modulator
from cpo_pdk.errors import AssemblyError, CpoError, SpecError
from cpo_pdk.spec import find_spec, load_sheets, load_spec
from cpo_pdk.spec.loading import parse_spec
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.verify import check

SPEC, SHEETS = load_spec("switch_25t6"), load_sheets()
TEXT = find_spec("switch_25t6").read_text(encoding="utf-8")
KIT = kit_of(SPEC, SHEETS)
DELAYS = (9.722, 4.86, 4.99)
KINDS = ("drc", "photonic", "connectivity")


def centres(path: Path, layer: str = "BUMP") -> np.ndarray:
    layout = kdb.Layout()
    layout.read(str(path))
    region = kdb.Region(layout.top_cell().begin_shapes_rec(layout.layer(*layer_of(layer)))).merged()
    return np.array([[p.bbox().center().x, p.bbox().center().y] for p in region.each()]) / 1000


def with_device(role: str, cell: str, **geometry: Any) -> Kit:
    return tuple((r, cell, tuple(geometry.items())) if r == role else (r, c, g) for r, c, g in KIT)


@pytest.fixture(scope="module")
def engine_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gds(draw_engine(SPEC, SHEETS), tmp_path_factory.mktemp("mzm") / "engine.gds")


def test_the_engine_is_clean(engine_file: Path) -> None:
    result = check(engine_file, only=KINDS)
    assert result.violations == ()
    assert result.looked_at > 10_000


def test_size_and_ports_are_those_of_the_spec() -> None:
    drawn = draw_engine(SPEC, SHEETS)
    _, size = measured_engine(SPEC, SHEETS)
    assert drawn.info["size_um"] == list(size)
    ports = [p for p in drawn.ports if p.port_type == "edge_coupler"]
    assert [p.name for p in ports] == [
        "laser_1", "laser_2", *(f"tx_{k}" for k in range(1, 9)), *(f"rx_{k}" for k in range(1, 9)),
    ]  # fmt: skip
    heights = np.array([p.center[1] for p in ports])
    assert np.allclose(np.diff(heights), 127.0) and np.mean(heights) == pytest.approx(size[1] / 2)
    assert {p.center[0] for p in ports} == {size[0]}


def test_the_bumps_lie_on_the_grid_that_the_spec_asks_for(engine_file: Path) -> None:
    found = centres(engine_file)
    # a modulator has ten pads and a heater; a row has two trees of three heaters, and a monitor or four detectors
    assert len(found) == 8 * (4 * 12 + 2 * 3 * 2 + 2) + 8 * (2 * 3 * 2 + 4 * 2)
    for axis, pitch in enumerate(SPEC.engine.bump_pitch_um):
        steps = (found[:, axis] - found[:, axis].min()) / pitch
        assert np.allclose(steps, np.round(steps), atol=1e-3)


def test_each_lane_has_a_bump_of_its_own_at_the_right_device(engine_file: Path) -> None:
    drawn = draw_engine(SPEC, SHEETS)
    lanes = {name: (x, y) for name, x, y in drawn.info["lane_bumps"]}
    assert list(lanes) == [f"{way}_{k}/{n}" for way in ("tx", "rx") for k in range(1, 9) for n in range(1, 5)]
    assert len(set(lanes.values())) == len(lanes)
    bumps = {tuple(place) for place in np.round(centres(engine_file), 3)}
    assert set(lanes.values()) <= bumps
    # in the row: channel 1 is modulated first, 3 next, then 2 and 4; the first signal pad lies south of the axis
    first = [lanes[f"tx_1/{n}"] for n in (1, 3, 2, 4)]
    assert np.allclose(np.diff([x for x, _ in first]), 2700) and len({y for _, y in first}) == 1
    rows = [ref for ref in drawn.insts if ref.name == "tx_1"]
    assert first[0][1] == rows[0].ports["o1"].center[1] - 100


@pytest.mark.parametrize(
    ("delays", "tx", "rx", "laser", "loopbacks", "bump_x"),
    [((9.7,), 1, 1, 1, 0, 100.0), (DELAYS, 2, 3, 1, 1, 100.0), (DELAYS, 4, 2, 4, 2, 50.0)],
)
def test_engines_of_other_sizes_are_clean(
    delays: tuple[float, ...], tx: int, rx: int, laser: int, loopbacks: int, bump_x: float, tmp_path: Path
) -> None:
    wl = (1.271, 1.291, 1.311, 1.331)[: len(delays) + 1]
    sizes = (tx, rx, laser, loopbacks, 127.0, bump_x, 100.0)
    component = engine(KIT, wl, delays, *sizes)
    file = write_gds(component, tmp_path / "engine.gds")
    assert check(file, only=KINDS).violations == ()
    assert engine_size(KIT, delays, *sizes) == tuple(component.info["size_um"])


def test_eight_channels_pass_beside_one_another(tmp_path: Path) -> None:
    delays = (20.0,) * 7
    for row in (tx_mzm_row(kit=KIT, delays=delays), rx_mzm_row(kit=KIT, delays=delays)):
        assert check(write_gds(row, tmp_path / "row.gds"), only=KINDS).violations == ()
        assert len(row.info["lane_bumps"]) == 8
    assert tx_pitch(KIT, 4, 100.0) == 500 and tx_pitch(KIT, 8, 100.0) == 600


def test_pads_are_found_where_terminals_are() -> None:
    pads = pads_of(mach_zehnder_modulator(length=1830.0))
    assert sorted(pads) == sorted(f"e{k}" for k in range(1, 11)), "the heater has none"
    assert pads["e1"] == (-185.0, -200.0) and pads["e6"] == (2015.0, 200.0)
    assert mzm_box(KIT).half_height == 235.0


@pytest.mark.parametrize(
    ("device", "words"),
    [
        (("modulator", "mach_zehnder_modulator", {"length": 1800.0}), r"pad of e\d+ lies 2170 um .* 30 um longer"),
        (("modulator", "mach_zehnder_modulator", {"length": 1830.0, "length_heater": 60.0}), "lengthen the heater"),
        (("modulator", "switch_2x2", {}), "has no port e5"),
        (("modulator", "ring_modulator", {}), "has no port o3"),
        (("detector", "photodetector", {}), "has no port o2"),
        (("phase_shifter", "straight", {}), "has no port e1"),
        (("phase_shifter", "phase_shifter_thermal", {"length": 90.0}), "lengthen the phase shifter"),
        (("filter_coupler", "mmi1x2", {}), "has no port o4"),
    ],
)
def test_devices_that_do_not_fit_are_refused_with_a_cure(device: tuple[str, str, dict[str, Any]], words: str) -> None:
    role, cell, geometry = device
    kit = with_device(role, cell, **geometry)
    with pytest.raises(AssemblyError, match=words) as caught:
        engine(kit, SPEC.engine.grid.wl_um, DELAYS, 1, 1, 1, 0, 127.0, 100.0, 100.0)
    assert "\n" not in str(caught.value)


def test_a_bump_pitch_that_the_pads_do_not_have_is_refused() -> None:
    with pytest.raises(AssemblyError, match=r"no multiple of engine.bump_pitch_um\[1\], 130 um"):
        mzm_unit(kit=KIT, bump_x=100.0, bump_y=130.0)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("bump_pitch_um: [100, 100]", "bump_pitch_um: [50.0, 63.5]", "bump_pitch_um"),
        ("laser_fibres: 2", "laser_fibres: 2\n  edge_mm: 4.0", "rows of 8 transmit and 8 receive fibres"),
        ("channels: 4}", "channels: 4}\n  devices: {filter_coupler: tap_coupler}", "even halves"),
        ("channels: 4}", "channels: 4}\n  devices: {modulator: ring_modulator}", "modulator it needs"),
    ],
)
def test_specs_that_cannot_be_drawn_are_refused_in_one_line(old: str, new: str, words: str, tmp_path: Path) -> None:
    assert old in TEXT
    with pytest.raises(CpoError, match=words) as caught:
        draw_engine(parse_spec(TEXT.replace(old, new), tmp_path / "s.yaml"), SHEETS)
    assert isinstance(caught.value, SpecError) or "\n" not in str(caught.value)
