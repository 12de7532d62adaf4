"""The engine and its parts: what is placed, that it joins up, that the rules hold, that the bumps make one array."""

from __future__ import annotations

from pathlib import Path

import klayout.db as kdb
import numpy as np
import pytest

from cpo_pdk.assemblies import engine, kit_of, splitter_tree, write_gds
from cpo_pdk.assemblies.engines import draw_engine
from cpo_pdk.assemblies.resonances import free_spectral_range_nm, linewidth_nm, rising_radii
from cpo_pdk.errors import AssemblyError
from cpo_pdk.models import MODELS
from cpo_pdk.spec import load_sheets, load_spec
from cpo_pdk.verify import check

SPEC = load_spec("switch_51t2")
SHEETS = load_sheets()


@pytest.fixture(scope="module")
def engine_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gds(draw_engine(SPEC, SHEETS), tmp_path_factory.mktemp("engine") / "engine.gds")


def test_the_engine_is_clean(engine_file: Path) -> None:
    result = check(engine_file)
    assert result.violations == ()
    assert result.looked_at > 10_000


def test_the_engine_has_the_fibres_of_the_spec() -> None:
    ports = [p.name for p in draw_engine(SPEC, SHEETS).ports if p.port_type == "edge_coupler"]
    assert len(ports) == SPEC.engine.fibre_counts["total"] == 22
    assert ports == [
        "loop_1",
        "loop_2",
        "laser_1",
        "laser_2",
        *(f"tx_{k}" for k in range(1, 9)),
        *(f"rx_{k}" for k in range(1, 9)),
        "loop_3",
        "loop_4",
    ]
    pitches = np.diff([p.center[1] for p in draw_engine(SPEC, SHEETS).ports if p.port_type == "edge_coupler"])
    assert np.allclose(pitches, 127.0)


def test_the_bumps_make_one_regular_array(engine_file: Path) -> None:
    layout = kdb.Layout()
    layout.read(str(engine_file))
    region = kdb.Region(layout.top_cell().begin_shapes_rec(layout.layer(57, 0)))
    centers = np.array([[p.bbox().center().x, p.bbox().center().y] for p in region.merged().each()]) / 1000
    # six a modulator and receive channel, two a tap
    assert len(centers) == 8 * 8 * 6 + 8 * 8 * 6 + 8 * 2
    for axis, pitch in ((0, 50.0), (1, 63.5)):
        steps = (centers[:, axis] - centers[:, axis].min()) / pitch
        assert np.allclose(steps, np.round(steps), atol=1e-3)


def test_each_lane_has_a_bump_of_its_own(engine_file: Path) -> None:
    layout = kdb.Layout()
    layout.read(str(engine_file))
    region = kdb.Region(layout.top_cell().begin_shapes_rec(layout.layer(57, 0))).merged()
    bumps = {(p.bbox().center().x / 1000, p.bbox().center().y / 1000) for p in region.each()}
    lanes = {name: (x, y) for name, x, y in draw_engine(SPEC, SHEETS).info["lane_bumps"]}
    assert list(lanes) == [f"{way}_{k}/{n}" for way in ("tx", "rx") for k in range(1, 9) for n in range(1, 9)]
    assert len(set(lanes.values())) == 128 and set(lanes.values()) <= bumps
    # modulators follow one another from west to east, the filters of channel 1 are the first that light meets
    assert np.allclose(np.diff([lanes[f"tx_3/{n}"][0] for n in range(1, 9)]), 150.0)
    assert np.allclose(np.diff([lanes[f"rx_3/{n}"][0] for n in range(1, 9)]), -150.0)


@pytest.mark.parametrize("ways", [2, 4, 8])
def test_all_ways_through_a_splitter_tree_are_equally_long(ways: int) -> None:
    tree = splitter_tree(kit=kit_of(SPEC, SHEETS), ways=ways, pitch=127.0)
    outputs = [p for p in tree.ports if p.name != "o1"]
    assert len(outputs) == ways
    assert [p.name for p in sorted(outputs, key=lambda p: p.center[1])] == [f"o{k + 2}" for k in range(ways)]
    assert {p.center[0] for p in outputs} == {outputs[0].center[0]}
    assert np.allclose(np.diff(sorted(p.center[1] for p in outputs)), 127.0)


@pytest.mark.parametrize(
    ("tx", "rx", "laser", "channels", "loopbacks"), [(1, 1, 1, 1, 0), (2, 3, 1, 2, 1), (4, 4, 4, 3, 2), (8, 2, 1, 2, 2)]
)
def test_engines_of_other_sizes_are_clean(
    tx: int, rx: int, laser: int, channels: int, loopbacks: int, tmp_path: Path
) -> None:
    wl = SPEC.engine.grid.wl_um[:channels]
    component = engine(
        kit=kit_of(SPEC, SHEETS),
        wl_um=wl,
        radii_modulator=rising_radii(SHEETS["ring_modulator"], wl, 0.5),
        radii_filter=rising_radii(SHEETS["add_drop_ring"], wl, 0.5),
        tx=tx,
        rx=rx,
        laser=laser,
        loopbacks=loopbacks,
    )
    file = write_gds(component, tmp_path / "engine.gds")
    assert check(file).violations == ()


@pytest.mark.parametrize("name", ["ring_modulator", "add_drop_ring"])
def test_rings_rest_below_their_channels_in_one_order(name: str) -> None:
    wl, sheet = SPEC.engine.grid.wl_um, SHEETS[name]
    model = MODELS[sheet.model or ""]
    assert model.resonances is not None
    radii = rising_radii(sheet, wl, 0.5)
    assert list(radii) == sorted(radii) and len(set(radii)) == len(radii)
    values = {k: v for k, v in {**sheet.values, **sheet.geometry}.items() if k in model.parameters}
    for radius, target in zip(radii, wl, strict=True):
        rest = model.resonances(target - 0.004, target, **{**values, "radius": radius})
        assert np.any((target - rest >= 0.5e-3 - 1e-9) & (target - rest < 0.75e-3)), (radius, target, rest)
    # one order: a jump to the next would step the radius by half a wavelength in the guide, not by some nanometres
    assert np.ptp(np.diff(radii)) < 2.5e-3
    assert free_spectral_range_nm(sheet, wl) > SPEC.engine.grid.channels * SPEC.engine.grid.spacing_nm
    assert 0.05 < linewidth_nm(sheet, wl) < SPEC.engine.grid.spacing_nm / 2


@pytest.mark.parametrize("role", ["modulator", "drop_filter"])
def test_a_device_without_resonances_is_refused(role: str) -> None:
    devices = SPEC.engine.devices.model_copy(update={role: "straight"})
    spec = SPEC.model_copy(update={"engine": SPEC.engine.model_copy(update={"devices": devices})})
    with pytest.raises(AssemblyError, match="no resonances"):
        draw_engine(spec, SHEETS)
    for ask in (free_spectral_range_nm, linewidth_nm):
        with pytest.raises(AssemblyError, match="no resonances"):
            ask(SHEETS["straight"], SPEC.engine.grid.wl_um)
