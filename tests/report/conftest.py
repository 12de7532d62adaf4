"""A small package drawn with KLayout alone, and results made up to fit it: a report takes them from anywhere."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import klayout.db as kdb
import numpy as np
import pytest

from cpo_pdk.circuit.results import Aggressor, Lane, LossItem, SimulationResult, Spectrum
from cpo_pdk.operation.results import Operation
from cpo_pdk.report.data import Choice, ReportData, RuleLine
from cpo_pdk.tech.layers import layer_of
from cpo_pdk.verify.findings import CheckResult, Verdict, Violation

_FILE = Path(__file__).with_name("operation_sample.py")
_SPEC = importlib.util.spec_from_file_location("operation_sample", _FILE)
assert _SPEC and _SPEC.loader
operation_sample = importlib.util.module_from_spec(_SPEC)
sys.modules["operation_sample"] = operation_sample  # its data classes look themselves up there
_SPEC.loader.exec_module(operation_sample)

EVIL = "<script>alert(1)</script> & $x$"


@pytest.fixture(scope="session")
def package_gds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    layout = kdb.Layout()

    def box(cell: kdb.Cell, layer: str, *edges: float) -> None:
        cell.shapes(layout.layer(*layer_of(layer))).insert(kdb.DBox(*edges))

    ring = layout.create_cell("ring")
    circle = kdb.DPolygon.ellipse(kdb.DBox(-6, -6, 6, 6), 128)
    circle.insert_hole(
        [kdb.DPoint(5.6 * np.cos(a), 5.6 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 128, endpoint=False)]
    )
    ring.shapes(layout.layer(*layer_of("WG"))).insert(circle)
    bump = layout.create_cell("bump")
    bump.shapes(layout.layer(*layer_of("BUMP"))).insert(kdb.DPolygon.ellipse(kdb.DBox(-10, -10, 10, 10), 32))
    engine = layout.create_cell("engine")
    box(engine, "FLOORPLAN", -2000, 0, 2000, 3000)
    for row in range(8):
        box(engine, "WG", -1500, 1000 + 100 * row, 1500, 1000.4 + 100 * row)
        engine.insert(
            kdb.DCellInstArray(ring, kdb.DTrans(-1000, 1006.6 + 100 * row), kdb.DVector(200, 0), kdb.DVector(), 8, 1)
        )
    corner = kdb.DTrans(0, False, -1900, 2000)
    engine.insert(kdb.DCellInstArray(bump, corner, kdb.DVector(40, 0), kdb.DVector(0, 40), 95, 20))
    top = layout.create_cell("switch")
    box(top, "SUBSTRATE", -30000, -30000, 30000, 30000)
    box(top, "ASIC", -13000, -15000, 13000, 15000)
    for turn, (x, y) in enumerate([(0, 16000), (-14000, 0), (0, -16000), (14000, 0)]):
        placed = top.insert(kdb.DCellInstArray(engine, kdb.DTrans(turn, False, x, y)))
        placed.set_property(0, f"engine_{turn}")
        for fibre in range(8):
            out = kdb.DTrans(turn, False, x, y)
            points = [kdb.DPoint(127 * fibre, 3000 + 500 * s) + kdb.DVector(300 * np.sin(s / 8), 0) for s in range(40)]
            path = kdb.DPath(points, 125).polygon().transformed(out)
            top.shapes(layout.layer(*layer_of("FIBER"))).insert(path)
    path = tmp_path_factory.mktemp("layout") / "switch.gds"
    layout.write(str(path))
    return path


@pytest.fixture(scope="session")
def simulation() -> SimulationResult:
    random = np.random.default_rng(1)
    grid = 1.305 + 0.00114 * np.arange(8)
    lanes = []
    for engine in ("engine_0", "engine_1"):
        for direction in ("tx", "rx"):
            for port in range(1, 9):
                for channel in range(1, 9):
                    losses = [1.5, 0.02 * port, 3.0 + 0.1 * channel + random.uniform(0, 0.2)]
                    items = tuple(
                        LossItem(f"{engine}/{n}", "straight", "waveguide", 10.0, 20.0, "o1>o2", v)
                        for n, v in enumerate(losses)
                    )
                    lanes.append(
                        Lane(
                            engine,
                            direction,
                            port,
                            channel,
                            float(grid[channel - 1]),
                            f"MPO-E1.{port}",
                            sum(losses),
                            -30.0 - channel,
                            items=items,
                            aggressors=(Aggressor("channel 2", -31.0),),
                        )
                    )
    wl = np.linspace(1.303, 1.315, 1201)
    width = 0.0001
    drops = {f"detector {n + 1}": 0.5 / (1 + ((wl - g) / width) ** 2) for n, g in enumerate(grid)}
    through = {"laser to fibre": 0.3 * np.prod([1 - 0.9 / (1 + ((wl - g) / width) ** 2) for g in grid], axis=0)}
    matrix = -20.0 - 10.0 * np.abs(np.arange(8)[:, None] - np.arange(8)[None, :]).astype(float)
    np.fill_diagonal(matrix, 0.0)
    return SimulationResult(
        tuple(lanes),
        (Spectrum("engine_0", "tx", 1, wl, grid, through), Spectrum("engine_0", "rx", 1, wl, grid, drops)),
        {("engine_0", 1): matrix},
        modulator={"V_one": 3.0, "V_zero": 0.0, "extinction_min_dB": 4.2, "extinction_max_dB": 4.2},
        warnings=(f"a name with {EVIL}",),
        counts={"instances": 5000},
    )


@pytest.fixture
def report_data(package_gds: Path, simulation: SimulationResult) -> ReportData:
    return ReportData(
        name="switch",
        description="8 engines around a switch",
        package_gds=package_gds,
        engine_cell="engine",
        bandwidth_Tbps=51.2,
        engines=4,
        fibres={"tx": 64, "rx": 64, "laser": 16, "loopback": 32, "total": 176},
        arithmetic=("8 engines x 8 ports x 8 wavelengths x 100 Gb/s = 51.2 Tb/s",),
        choices=(Choice("engine.heater_bias_nm", "0.8", "half a channel"),),
        rules=(RuleLine("WG.W", "width of WG", "0.12 um", "between two processes", True),),
        verdict=Verdict(
            "switch.gds",
            (
                CheckResult((), ("WG.W",), 12345),
                CheckResult(
                    (Violation("open_port", "-", EVIL, (0, 0, 1, 1), "1 port open; connect it"),),
                    ("open_port",),
                    678,
                    group="connectivity",
                    what="ports",
                ),
            ),
        ),
        simulation=simulation,
        warnings=simulation.warnings,
        models={"straight": "strip (waveguide)"},
    )


@pytest.fixture(scope="session")
def operation() -> Operation:
    site = operation_sample.Site
    return operation_sample.operation_sample([site("engine_0", 0, 16000), site("engine_1", -14000, 0)])
