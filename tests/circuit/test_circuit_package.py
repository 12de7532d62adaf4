"""The shipped package, drawn, written and simulated from its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cpo_pdk.circuit.results import SimulationResult
from cpo_pdk.circuit.simulation import s_parameters, simulate
from cpo_pdk.errors import CpoError
from cpo_pdk.spec import load_sheets, load_spec


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    from cpo_pdk.assemblies import write_package

    written = write_package(load_spec("switch_51t2"), tmp_path_factory.mktemp("package"), load_sheets())
    return written.package_gds, written.engine_gds


@pytest.fixture(scope="module")
def package(files: tuple[Path, Path]) -> SimulationResult:
    return simulate(files[0], points=101)


@pytest.fixture(scope="module")
def engine(files: tuple[Path, Path]) -> SimulationResult:
    return simulate(files[1], points=101)


def test_every_lane_is_there_and_adds_up(package: SimulationResult) -> None:
    for direction in ("tx", "rx"):
        lanes = [lane for lane in package.lanes if lane.direction == direction]
        assert len({(lane.engine, lane.port, lane.channel) for lane in lanes}) == len(lanes) == 512
        assert len({lane.fibre for lane in lanes}) == 64
        assert len({lane.engine for lane in lanes}) == 8
    for lane in package.lanes:
        assert sum(item.loss_dB for item in lane.items) == pytest.approx(lane.insertion_loss_dB, abs=1e-9)
        assert all(item.loss_dB >= -1e-9 for item in lane.items[:-1])
        assert abs(lane.items[-1].loss_dB) < 0.5
        assert lane.items[0].cell == "fiber"
    assert package.counts["netlist_problems"] == 0
    assert package.counts["engine_cells"] == 1


def test_the_engine_alone_gives_the_same_lanes_without_fibres(
    package: SimulationResult, engine: SimulationResult
) -> None:
    assert len(engine.lanes) == 128
    some = {(lane.direction, lane.port, lane.channel): lane for lane in package.lanes if lane.engine == "engine_E1"}
    for lane in engine.lanes:
        other = some[lane.direction, lane.port, lane.channel]
        fibres = sum(item.loss_dB for item in other.items if item.cell == "fiber")
        assert other.insertion_loss_dB - fibres == pytest.approx(lane.insertion_loss_dB, abs=1e-9)
        assert other.crosstalk_dB == lane.crosstalk_dB
        assert lane.fibre == f"{lane.direction}_{lane.port}"


def test_every_ring_is_on_its_channel(engine: SimulationResult) -> None:
    spectrum = next(s for s in engine.spectra if s.direction == "rx")
    for k, channel in enumerate(spectrum.channels):
        trace = spectrum.traces[f"detector {k + 1}"]
        assert spectrum.wl[np.argmax(trace)] == pytest.approx(channel, abs=2e-4)
    for matrix in engine.crosstalk.values():
        assert np.all(np.argmax(matrix, axis=1) == np.arange(8))


def test_the_file_is_passive_and_reciprocal_between_its_ports(files: tuple[Path, Path]) -> None:
    s = s_parameters(files[1], np.linspace(1.29, 1.31, 7))
    ports = sorted({a for a, _ in s if ":" not in a})
    for (a, b), value in s.items():
        if ":" not in b:
            np.testing.assert_allclose(value, s[b, a], atol=1e-12)
    for port in ports:
        total = sum(np.abs(value) ** 2 for (a, _), value in s.items() if a == port)
        assert np.all(total <= 1 + 1e-9)


def test_damaged_files_are_refused_or_read_never_worse(files: tuple[Path, Path], tmp_path: Path) -> None:
    whole = files[1].read_bytes()
    rng = np.random.default_rng(7)
    sheets = load_sheets()
    refused = 0
    for number in range(15):
        damaged = bytearray(whole)
        for place in rng.integers(97, len(whole), 4):
            damaged[place] = rng.integers(256)
        file = tmp_path / f"{number}.gds"
        file.write_bytes(damaged)
        try:
            simulate(file, sheets, points=3)
        except CpoError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > 5
