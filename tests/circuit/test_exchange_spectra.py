"""The spectrum of any cell, `cpo netlist` and `cpo spectrum`, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import klayout.db as kdb
import numpy as np
import pytest

from cpo_pdk.assemblies.writing import write_gds
from cpo_pdk.circuit.binding import ModelLike
from cpo_pdk.circuit.exchange import sax_netlist, spice
from cpo_pdk.circuit.exchange.plain_circuit import plain
from cpo_pdk.circuit.exchange.spectra import spectrum, wavelength_grid
from cpo_pdk.circuit.extraction import extract
from cpo_pdk.circuit.layout_file import read_layout
from cpo_pdk.circuit.leaves import leaf_factories
from cpo_pdk.circuit.netlist import Netlists
from cpo_pdk.circuit.simulation import s_parameters
from cpo_pdk.circuit.sparameter_files import read_sparameters
from cpo_pdk.cli.app import run
from cpo_pdk.components import add_drop_ring, straight, tap_monitor
from cpo_pdk.errors import InputError, LayoutError, ModelError
from cpo_pdk.models import MODELS
from cpo_pdk.spec import load_sheets
from cpo_pdk.tech.gdsfactory_safe import gf

WL = np.linspace(1.30, 1.32, 21)
SHEETS = cast("dict[str, Any]", load_sheets())
LIBRARY = cast("dict[str, ModelLike]", dict(MODELS))


def ring_and_tap(island: bool = False) -> gf.Component:
    top = gf.Component("ring_and_tap_island" if island else "ring_and_tap")
    ring, tap, guide = top << add_drop_ring(), top << tap_monitor(), top << straight(length=9.0)
    tap.connect("o1", ring.ports["o4"])
    guide.connect("o2", ring.ports["o1"])
    top.add_port("o1", port=guide.ports["o1"])
    top.add_port("o2", port=tap.ports["o2"])
    top.add_port("o3", port=ring.ports["o2"])
    top.add_port("o4", port=ring.ports["o3"])
    if island:
        lone = top << add_drop_ring()
        lone.name = "lone"
        lone.move((500.0, 0.0))
        top.info["open_ports"] = [f"lone.o{number}" for number in (1, 2, 3, 4)]
    return top


@pytest.fixture(scope="module")
def gds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gds(ring_and_tap(), tmp_path_factory.mktemp("spectra") / "ring.gds")


def test_the_spectrum_is_that_of_s_parameters(gds: Path) -> None:
    table = spectrum(read_layout(gds), WL, SHEETS, LIBRARY)
    exact = s_parameters(gds, WL)
    assert len(table.detectors) == 1 and table.detectors[0].endswith(":i1")
    assert np.allclose(table.wl_um[::-1], WL)
    for j, a in enumerate(table.ports):
        for i, b in enumerate(table.outputs):
            assert np.allclose(table.everything[::-1, i, j], exact.get((a, b), 0.0), atol=1e-12)


def test_one_cell_of_the_layout(gds: Path) -> None:
    file = read_layout(gds)
    name = next(cell.name for cell in file.layout.each_cell() if "straight_L9" in cell.name)
    table = spectrum(file, WL, SHEETS, LIBRARY, cell=name)
    assert {p.partition("@")[0] for p in table.ports} == {"o1", "o2"}
    with pytest.raises(LayoutError, match="no optical cell 'ring_and_tab'; did you mean \"ring_and_tap\""):
        spectrum(file, WL, SHEETS, LIBRARY, cell="ring_and_tab")


def test_an_island_is_refused_by_name(drawing: Any) -> None:
    top = drawing.cell("top", [("o1", 0.0, 0.0, 180), ("o2", 10.0, 0.0, 0)])
    end = drawing.cell("terminator", [("o1", 0.0, 0.0, 180)], settings=dict(SHEETS["terminator"].geometry))
    drawing.place(top, drawing.straight(10.0), "wanted")
    drawing.place(top, drawing.straight(20.0), "lone", 0.0, 50.0)
    drawing.place(top, end, "right", 20.0, 50.0)
    drawing.place(top, end, "left", 0.0, 50.0, 180)
    with pytest.raises(
        ModelError, match=r"1 island of devices that no port of it reaches, 0 allowed: left \(3 devices\)"
    ):
        spectrum(read_layout(drawing.write()), WL, SHEETS, LIBRARY)


def test_an_island_with_open_ends_is_left_out_with_a_note(tmp_path: Path) -> None:
    path = write_gds(ring_and_tap(island=True), tmp_path / "island.gds")
    table = spectrum(read_layout(path), WL, SHEETS, LIBRARY)
    assert [note for note in table.notes if "left out" in note] == [
        "1 island with ends that are declared open left out: lone"
    ]
    assert not any("lone" in port for port in table.ports)


def test_an_edited_cell_is_said(gds: Path, tmp_path: Path) -> None:
    layout = kdb.Layout()
    layout.read(str(gds))
    cell = next(cell for cell in layout.each_cell() if "straight" in cell.name)
    cell.shapes(layout.layer(99, 0)).insert(kdb.Box(0, 0, 10, 10))
    layout.write(str(tmp_path / "hand.gds"))
    notes = spectrum(read_layout(tmp_path / "hand.gds"), WL, SHEETS, LIBRARY).notes
    assert len([note for note in notes if "edited by hand" in note and cell.name in note]) == 1


def test_a_result_beyond_memory_is_refused(gds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cpo_pdk.circuit.exchange.spectra.RESULT_LIMIT", 1000)
    with pytest.raises(InputError, match=r"\d ports at 21 wavelengths take"):
        spectrum(read_layout(gds), WL, SHEETS, LIBRARY)


@pytest.mark.parametrize(
    ("start", "stop", "points", "said"),
    [
        (1310.0, 1360.0, 11, "from = 1310 um, 0.4 to 5 um allowed; that looks like nm, write 1.31"),
        (1.31e-6, 1.36e-6, 11, "that looks like m, write 1.31"),
        (1.31, 1360.0, 11, "to = 1360 um"),
        (1.36, 1.26, 11, "the first must be smaller"),
        (1.26, 1.36, 0, "points = 0, 1 to"),
        (1.26, 1.36, 1, "points = 1 for"),
        (float("nan"), 1.36, 11, "from = nan um"),
    ],
)
def test_wavelengths_are_asked_for_in_um(start: float, stop: float, points: int, said: str) -> None:
    with pytest.raises(InputError, match=said):
        wavelength_grid(start, stop, points)


def cpo(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = run([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("ending", [".s4p", ".nc", ".parquet", ".csv"])
def test_the_command_writes_what_can_be_read(
    gds: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], ending: str
) -> None:
    out = tmp_path / f"x{ending}"
    code, text, error = cpo(capfd, "spectrum", gds, "--out", out, "--points", 21, "--from", 1.3, "--to", 1.32, "--json")
    assert code == 0, error
    document = json.loads(text)
    assert document["ports"] == ["o1", "o2", "o3", "o4"] and document["points"] == 21
    raw = read_sparameters(out)
    S = np.conj(raw.S) if raw.time == "exp(+jwt)" else raw.S
    exact = s_parameters(gds, WL)
    assert np.allclose(S[::-1, 1, 0], exact["o1", "o2"], atol=1e-9)
    assert ("detectors are not in a Touchstone file" in error) == (ending == ".s4p")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "1310"), "looks like nm"),
        (("--points", "0"), "points = 0"),
        (("--cell", "nobody"), "no optical cell 'nobody'"),
        (("--from", "1.9", "--to", "1.95"), "hold for"),
        (("--format", "touchstone"), "ends in .s4p"),
        (("--mapping", "missing.yaml"), "missing.yaml"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    gds: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    code, text, error = cpo(capfd, "spectrum", gds, "--out", tmp_path / "x.csv", *arguments)
    assert code == 2 and not text and said in error
    assert len([line for line in error.splitlines() if not line.startswith("  ")]) == 1  # the others say the stage
    assert not list(tmp_path.iterdir())


def test_the_netlist_in_three_forms(gds: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    netlists = extract(read_layout(gds), leaf_factories(SHEETS))
    code, text, _ = cpo(capfd, "netlist", gds)
    assert code == 0 and Netlists.from_json(text) == netlists
    code, text, _ = cpo(capfd, "netlist", gds, "--format", "sax")
    assert code == 0 and sax_netlist.from_text(text) == plain(netlists)
    out = tmp_path / "x.cir"
    code, text, _ = cpo(capfd, "netlist", gds, "--format", "spice", "--out", out, "--json")
    assert code == 0 and json.loads(text)["counts"]["leaves"] == 3
    assert spice.read_spice(out) == plain(netlists)
