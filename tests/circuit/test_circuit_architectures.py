"""Small engines of all architectures, drawn, written and simulated from their files."""

from __future__ import annotations

from pathlib import Path

import klayout.db as kdb
import numpy as np
import pytest

from cpo_pdk.circuit.census.census import census
from cpo_pdk.circuit.results import SimulationResult
from cpo_pdk.circuit.simulation import s_parameters, simulate
from cpo_pdk.models import MODELS
from cpo_pdk.spec import load_sheets, load_spec

#: architecture -> wavelengths a fibre, lane rate, the rest of the engine's section
ENGINES = {
    "ring_wdm": (4, 50, "grid: {standard: CW-WDM, channels: 4, spacing_GHz: 200}"),
    "ring_dr": (1, 200, "grid: {standard: custom, channels: 1, center_nm: 1310}"),
    "mzm_wdm": (4, 50, "grid: {standard: CWDM4, channels: 4}\n  bump_pitch_um: [100, 100]"),
}
FIBRES = 2


def spec_of(architecture: str) -> str:
    channels, rate, rest = ENGINES[architecture]
    bandwidth = FIBRES * channels * rate / 1000
    grid_class = ", grid_class: Type1" if architecture == "ring_wdm" else ""
    return f"""
name: small_{architecture}
bandwidth_Tbps: {bandwidth}
asic: {{size_mm: [20, 20], power_W: 100}}
substrate: {{size_mm: [90, 90]}}
engines: {{count: 1}}
engine:
  architecture: {architecture}
  bandwidth_Tbps: {bandwidth}
  tx_fibres: {FIBRES}
  rx_fibres: {FIBRES}
  laser_fibres: 1
  lane_rate_Gbps: {rate}
  modulation: PAM4
  {rest}
laser: {{connector: ELS, per_wavelength_dBm: 8{grid_class}}}
fibres: {{bend_radius_mm: 15}}
faceplate: {{distance_mm: 130, connector: MPO-12}}
choices: []
"""


@pytest.fixture(scope="module", params=list(ENGINES))
def drawn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    from cpo_pdk.assemblies.engines import draw_engine
    from cpo_pdk.assemblies.writing import write_gds

    folder = tmp_path_factory.mktemp(request.param)
    file = folder / f"small_{request.param}.yaml"
    file.write_text(spec_of(request.param), encoding="utf-8")
    return request.param, write_gds(draw_engine(load_spec(file), load_sheets()), folder / "engine.gds")


@pytest.fixture(scope="module")
def result(drawn: tuple[str, Path]) -> SimulationResult:
    return simulate(drawn[1], points=401)


def test_every_lane_is_there_and_adds_up(drawn: tuple[str, Path], result: SimulationResult) -> None:
    channels = ENGINES[drawn[0]][0]
    keys = [(lane.direction, lane.port, lane.channel) for lane in result.lanes]
    expected = [(d, p, c) for d in ("tx", "rx") for p in range(1, FIBRES + 1) for c in range(1, channels + 1)]
    assert keys == expected
    assert result.counts["modulators"] == FIBRES * channels
    assert result.counts["netlist_problems"] == 0
    assert not result.warnings
    for lane in result.lanes:
        assert sum(item.loss_dB for item in lane.items) == pytest.approx(lane.insertion_loss_dB, abs=1e-9)
        assert all(item.loss_dB >= -1e-9 for item in lane.items[:-1])
        assert abs(lane.items[-1].loss_dB) < 0.5
        devices = [item.cell for item in lane.items]
        if lane.direction == "tx":
            assert lane.extinction_dB is not None
            assert lane.extinction_dB > 3
            assert devices.count("mach_zehnder_modulator") == (drawn[0] == "mzm_wdm")
        else:
            assert lane.extinction_dB is None
            assert devices[-2] == "photodetector_dual"
        stages = 2 if channels == 4 and drawn[0] == "mzm_wdm" else 0
        assert devices.count("interferometer") == stages * (2 if lane.direction == "tx" else 1)
        assert len(lane.aggressors) == channels - 1
        assert all(a.level_dB < -15 for a in lane.aggressors)


def test_a_mach_zehnder_is_at_quadrature_and_a_ring_is_not_heated_by_power(
    drawn: tuple[str, Path], result: SimulationResult
) -> None:
    for lane in result.lanes:
        if lane.direction == "tx" and drawn[0] == "mzm_wdm":
            model = MODELS["mach_zehnder_modulator"]
            item = next(i for i in lane.items if i.cell == "mach_zehnder_modulator")
            wl = np.array([lane.wl_um])
            turned = model.function(wl, length=1830.0, heater_mW=np.linspace(0, 60, 601)[:, None])["o1", "o3"]
            power = np.abs(turned[:, 0]) ** 2
            here = model.function(wl, length=1830.0, heater_mW=lane.heater_mW)["o1", "o3"]
            assert abs(here[0]) ** 2 == pytest.approx((power.max() + power.min()) / 2, rel=1e-3)
            assert item.loss_dB < -10 * np.log10(abs(here[0]) ** 2)
        else:
            assert lane.heater_mW == 0.0
        assert (lane.tuning_nm > 0) == (drawn[0] == "ring_wdm" or (drawn[0] == "ring_dr" and lane.direction == "tx"))


def test_between_its_ports_an_engine_is_passive_and_reciprocal(drawn: tuple[str, Path]) -> None:
    wl = np.linspace(1.268, 1.334, 5)
    found = s_parameters(drawn[1], wl)
    ports = sorted({a for a, _ in found})
    ends = sorted({b for _, b in found})
    matrix = np.zeros((wl.size, len(ends), len(ports)), complex)
    for (a, b), value in found.items():
        matrix[:, ends.index(b), ports.index(a)] = value
        if b in ports:
            np.testing.assert_allclose(value, found[b, a], atol=1e-12)
    assert np.linalg.svd(matrix, compute_uv=False).max() <= 1 + 1e-9


def test_names_of_instances_mean_nothing(drawn: tuple[str, Path], result: SimulationResult, tmp_path: Path) -> None:
    """Every instance is renamed; the lanes stay as they are."""
    layout = kdb.Layout()
    layout.read(str(drawn[1]))
    rng = np.random.default_rng(5)
    for cell in layout.each_cell():
        instances = list(cell.each_inst())
        for name, inst in zip(rng.permutation(len(instances)), instances, strict=True):
            inst.set_property(0, f"x{name}")
    options = kdb.SaveLayoutOptions()
    options.write_context_info = True
    layout.write(str(tmp_path / "renamed.gds"), options)
    other = simulate(tmp_path / "renamed.gds", points=11)
    for a, b in zip(result.lanes, other.lanes, strict=True):
        assert (a.direction, a.port, a.channel) == (b.direction, b.port, b.channel)
        assert a.insertion_loss_dB == pytest.approx(b.insertion_loss_dB, abs=1e-9)
        assert a.crosstalk_dB == pytest.approx(b.crosstalk_dB, abs=1e-6)
        assert [i.cell for i in a.items] == [i.cell for i in b.items]


def test_the_census_finds_what_the_lanes_find(drawn: tuple[str, Path], result: SimulationResult) -> None:
    found = census(drawn[1], load_sheets(), MODELS, limit_dB=-70.0)
    modulated = {
        (v.port, v.channel): {e.instance: e.level_dB for e in v.entries if e.kind == "modulation"}
        for v in found.victims
        if v.direction == "tx"
    }
    for lane in result.lanes:
        if lane.direction == "tx":
            expected = {a.name: a.level_dB for a in lane.aggressors if a.level_dB >= -70}
            assert modulated[lane.port, lane.channel] == pytest.approx(expected, abs=1e-6)
    victims = [v for v in found.victims if v.direction == "rx"]
    assert len(victims) == 2 * FIBRES * ENGINES[drawn[0]][0]
